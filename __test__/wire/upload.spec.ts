/** Uploads that do not go smoothly: back-pressure, early answers, producers that fail or are given up. */
import test from 'ava';
import { Readable } from 'node:stream';
import type { ContentTypes } from '../../src/index.js';
import { stops, eventually, failure, openClient, soon, told } from '../helpers/client.js';
import { OK, serveRaw } from '../helpers/server.js';

// ── back-pressure ──

test('a server that does not read stops the producer, and lets it go on', async (t) => {
  let read = (): void => {};
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    connection.socket.pause();
    await new Promise<void>((resolve) => (read = resolve));
    connection.socket.resume();
    await connection.body();
    await connection.write(OK);
  });
  let produced = 0;
  async function* content() {
    for (; produced < 400; produced++) yield new Uint8Array(65_536);
  }
  const sent = openClient(t, { timeout: null }).post(server.url, { content: content() });
  await stops('the producer', () => produced);
  t.true(produced < 400, 'not all 25 MiB were taken');
  read();
  t.is(told(await soon('the response', sent)), '200 ok');
  t.is(produced, 400);
});

test('a reader who waits stops the server', async (t) => {
  let written = 0;
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${400 * 65_536}\r\n\r\n`);
    for (; written < 400; written++) {
      if (!connection.socket.write(Buffer.alloc(65_536))) {
        await new Promise((resolve) => connection.socket.once('drain', resolve));
      }
    }
    await connection.closed;
  });
  const response = await openClient(t).stream('GET', server.url);
  await stops('the server', () => written);
  t.true(written < 400, 'not all 25 MiB were taken');
  t.is((await response.read()).length, 400 * 65_536);
});

// ── early answers ──

for (const [title, answer] of [
  ['and closes', 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge'],
  ['and keeps the connection', 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge'],
] as const) {
  for (const stream of [true, false]) {
    test(`a 413 in the middle of the upload ${title} is delivered (${stream ? 'streamed' : 'bytes'})`, async (t) => {
      const server = await serveRaw(t, async (connection) => {
        await connection.head();
        await connection.write(answer);
        if (title === 'and closes') connection.end();
        await connection.rest();
      });
      let ended = 0;
      async function* endless() {
        try {
          for (;;) yield new Uint8Array(65_536);
        } finally {
          ended += 1;
        }
      }
      const client = openClient(t);
      const content = stream ? endless() : Buffer.alloc(64 << 20);
      t.is(told(await soon('the response', client.post(server.url, { content }))), '413 large');
      if (stream) await eventually('the producer is told', () => ended === 1);
      await eventually('the connection is given up', () => client.pool.active === 0);
      t.is(client.pool.idle, 0);
    });
  }
}

test('an early answer while the producer is stuck: it is told, and the response is delivered', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    await connection.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge');
    await connection.closed;
  });
  let returned = 0;
  const content = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<string>>(() => {}),
      return: async () => ({ done: true as const, value: (returned += 1) }),
    }),
  };
  t.is(told(await soon('the response', openClient(t).post(server.url, { content: content as never }))), '413 large');
  await eventually('the producer is told', () => returned === 1);
});

// ── producers that fail ──

const mine = new Error('mine');
const FAILING: [title: string, make: () => ContentTypes][] = [
  ['at once', () => failing(0)],
  ['after a piece', () => failing(1)],
  ['after many', () => failing(100)],
  ['in open', () => ({ [Symbol.asyncIterator]: fails }) as never],
  ['a web stream', () => new ReadableStream({ pull: (controller) => controller.error(mine) })],
  [
    'a Node stream',
    () =>
      new Readable({
        read() {
          this.destroy(mine);
        },
      }),
  ],
];

for (const [title, make] of FAILING) {
  test(`a producer that fails, ${title}: its own error, and the socket is closed`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.head();
      await connection.rest();
    });
    const client = openClient(t);
    t.is(await failure(soon('an error', client.post(server.url, { content: make() }))), mine);
    await eventually('the socket is closed', () => server.openConnections() === 0);
    await eventually('nothing is in use', () => client.pool.active === 0);
    t.is(client.pool.idle, 0);
    for (const text of server.received) t.false(text.endsWith('0\r\n\r\n'), 'the body does not look complete');
  });
}

test('a producer that yields what are no bytes: a TypeError, and it is told', async (t) => {
  const server = await serveRaw(t, (connection) => connection.rest());
  let ended = 0;
  async function* content() {
    try {
      yield 5 as unknown as string;
    } finally {
      ended += 1;
    }
  }
  await t.throwsAsync(openClient(t).post(server.url, { content: content() }), {
    instanceOf: TypeError,
    message: 'content: expected pieces of bytes or text, got number',
  });
  await eventually('the generator is ended', () => ended === 1);
});

const ODD_SOURCES: [title: string, content: () => unknown, message: string][] = [
  [
    'a promise that rejects',
    () => [Promise.reject(new Error('of the piece'))],
    'content: expected pieces of bytes or text, got Promise',
  ],
  [
    'no iterator',
    () => ({ [Symbol.asyncIterator]: () => 5 }),
    'content: expected [Symbol.asyncIterator]() to return an iterator, got number',
  ],
  [
    'an iterator without next()',
    () => ({ [Symbol.iterator]: () => ({}) }),
    'content: expected [Symbol.iterator]() to return an iterator, got Object',
  ],
  [
    'no method',
    () => ({ [Symbol.asyncIterator]: 5 }),
    'content: expected [Symbol.asyncIterator] to be a method, got number',
  ],
  [
    'next() that gives nothing',
    () => ({ [Symbol.asyncIterator]: () => ({ next: async () => {} }) }),
    'content: expected next() of the iterator to give { done, value }, got undefined',
  ],
];

for (const [title, content, message] of ODD_SOURCES) {
  for (const headers of [undefined, { 'content-length': '5' }]) {
    test(`a source with ${title}${headers ? ', of a declared length' : ''}: a TypeError, and no unhandled rejection`, async (t) => {
      const server = await serveRaw(t, (connection) => connection.rest());
      await t.throwsAsync(openClient(t).post(server.url, { content: content() as never, headers }), {
        instanceOf: TypeError,
        message,
      });
    });
  }
}

test('sources are let go when the upload is given up', async (t) => {
  const server = await serveRaw(t, (connection) => connection.closed);
  const client = openClient(t);
  const cancelled: unknown[] = [];
  const web = new ReadableStream({ cancel: (reason) => void cancelled.push(reason) });
  await failure(client.post(server.url, { content: web, signal: AbortSignal.timeout(30) }));
  await eventually('the web stream is cancelled', () => cancelled.length === 1);
  const node = new Readable({ read() {} });
  await failure(client.post(server.url, { content: node, signal: AbortSignal.timeout(30) }));
  await eventually('the Node stream is destroyed', () => node.destroyed);
  t.pass();
});

async function* failing(after: number): AsyncGenerator<string> {
  for (let i = 0; i < after; i++) yield 'x'.repeat(1000);
  throw mine;
}

function fails(): never {
  throw mine;
}
