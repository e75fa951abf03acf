/** `signal` at every phase: rejects with its reason, leaves no listener, closes the socket, and the pool goes on. */
import test, { type ExecutionContext } from 'ava';
import { getEventListeners } from 'node:events';
import { type Client, Request } from '../../src/index.js';
import { stops, eventually, failure, openClient, told } from '../helpers/client.js';
import { OK, serveRaw, type RawServer } from '../helpers/server.js';

const reason = { this: 'is mine' };

test('aborted before: rejects with the reason, nothing is sent', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const signal = AbortSignal.abort(reason);
  t.is(await failure(client.get(server.url, { signal })), reason as unknown as Error);
  t.is(await failure(client.stream('GET', server.url, { signal })), reason as unknown as Error);
  t.is(await failure(client.send(new Request('GET', server.url), { signal })), reason as unknown as Error);
  t.is(server.connections(), 0);
  nothingLeft(t, client, signal);
});

test('aborted before: the body is not touched', async (t) => {
  const server = await serveRaw(t, OK);
  let touched = false;
  const content = {
    async *[Symbol.asyncIterator]() {
      touched = true;
      yield 'x';
    },
  };
  const error = await failure(openClient(t).post(server.url, { content, signal: AbortSignal.abort(reason) }));
  t.is(error, reason as unknown as Error);
  t.false(touched);
});

test('aborted in the same tick', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const controller = new AbortController();
  const promise = client.get(server.url, { signal: controller.signal });
  controller.abort(reason);
  t.is(await failure(promise), reason as unknown as Error);
  await nothingUsed(t, client, controller.signal);
  t.is(told(await client.get(server.url)), '200 ok');
});

test('aborted while queued: the queue goes on with the next', async (t) => {
  const server = await serveRaw(t, answersEverything);
  const client = openClient(t, { poolLimits: { maxConnections: 1 } });
  const first = await client.stream('GET', server.url);
  const controller = new AbortController();
  const queued = client.get(server.url, { signal: controller.signal });
  const next = client.get(server.url);
  await eventually('two are queued', () => client.pool.queued === 2);
  controller.abort(reason);
  t.is(await failure(queued), reason as unknown as Error);
  await eventually('one is queued', () => client.pool.queued === 1);
  await first.read();
  t.is(told(await next), '200 ok');
  t.is(getEventListeners(controller.signal, 'abort').length, 0);
  t.is(server.received.join('').match(/GET/g)?.length, 2);
});

test('aborted while connecting (TLS)', async (t) => {
  const server = await serveRaw(t, (connection) => connection.closed);
  const client = openClient(t, { verify: false });
  const { signal, abort } = abortion();
  const promise = client.get(server.url.replace('http:', 'https:'), { signal });
  await eventually('a ClientHello has come', () => (server.received[0] ?? '') !== '');
  abort();
  t.is(await failure(promise), reason as unknown as Error);
  // What becomes of the connection: connect/abandoned.spec.
  await nothingUsed(t, client, signal);
  await client.close();
  await allClosed(server);
});

test('aborted while uploading: a stuck producer is told once, by return()', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    await connection.closed;
  });
  const client = openClient(t);
  const { signal, abort } = abortion();
  let pulled = 0;
  let returned = 0;
  const content: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => (pulled++ === 0 ? Promise.resolve({ done: false, value: 'first' }) : new Promise(() => {})),
      return: () => {
        returned += 1;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  const promise = client.post(server.url, { content, signal });
  await eventually('the producer is stuck', () => pulled === 2 && /first/.test(server.received[0] ?? ''));
  abort();
  t.is(await failure(promise), reason as unknown as Error);
  await allClosed(server);
  await eventually('return() was called', () => returned > 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(returned, 1);
  t.is(pulled, 2);
  await nothingUsed(t, client, signal);
});

test('aborted while the server takes no more of the upload', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    connection.socket.pause();
    await connection.closed;
  });
  const client = openClient(t);
  const { signal, abort } = abortion();
  let produced = 0;
  let ended = 0;
  async function* content() {
    try {
      for (;;) {
        produced += 1;
        yield new Uint8Array(65_536);
      }
    } finally {
      ended += 1;
    }
  }
  const promise = client.post(server.url, { content: content(), signal });
  await stops('the upload', () => produced);
  abort();
  t.is(await failure(promise), reason as unknown as Error);
  await eventually('the generator is ended', () => ended === 1);
  await nothingUsed(t, client, signal);
});

test('aborted while the producer throws afterwards: only the reason is heard', async (t) => {
  const server = await serveRaw(t, (connection) => connection.closed);
  const { signal, abort } = abortion();
  let fail: (error: Error) => void = () => {};
  async function* content() {
    yield 'x';
    await new Promise((_, reject) => (fail = reject));
  }
  const promise = openClient(t).post(server.url, { content: content(), signal });
  await eventually('the first piece is there', () => /x/.test((server.received[0] ?? '').split('\r\n\r\n')[1] ?? ''));
  abort();
  fail(new Error('too late'));
  t.is(await failure(promise), reason as unknown as Error);
});

test('aborted while waiting for the head', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.closed;
  });
  const client = openClient(t);
  for (const send of [
    (signal: AbortSignal) => client.get(server.url, { signal }),
    (signal: AbortSignal) => client.stream('GET', server.url, { signal }),
    (signal: AbortSignal) => client.post(server.url, { content: 'body', signal }),
    (signal: AbortSignal) => client.send(new Request('GET', server.url), { signal }),
  ]) {
    const { signal, abort } = abortion();
    const before = server.received.length;
    const promise = send(signal);
    await eventually('the request is there', () => /\r\n\r\n/.test(server.received[before] ?? ''));
    abort();
    t.is(await failure(promise), reason as unknown as Error);
    await allClosed(server);
    await nothingUsed(t, client, signal);
  }
});

test('aborted while a buffered body arrives', async (t) => {
  const { server, client } = await halfBody(t);
  const { signal, abort } = abortion();
  const promise = client.get(server.url, { signal });
  await eventually('the request is there', () => /\r\n\r\n/.test(server.received[0] ?? ''));
  abort();
  t.is(await failure(promise), reason as unknown as Error);
  await allClosed(server);
  await nothingUsed(t, client, signal);
});

test('aborted while a buffered body with progress arrives', async (t) => {
  const { server, client } = await halfBody(t);
  const { signal, abort } = abortion();
  const promise = client.get(server.url, { signal, onDownloadProgress: abort });
  t.is(await failure(promise), reason as unknown as Error);
  await allClosed(server);
  await nothingUsed(t, client, signal);
});

for (const [title, read] of [
  ['read()', (response) => response.read()],
  ['iterBytes()', (response) => drain(response.iterBytes())],
  ['iterText()', (response) => drain(response.iterText())],
  ['iterLines()', (response) => drain(response.iterLines())],
  ['body', (response) => drain(response.body as unknown as AsyncIterable<unknown>)],
] as [string, (response: Awaited<ReturnType<Client['stream']>>) => Promise<unknown>][]) {
  test(`aborted while ${title} waits for more`, async (t) => {
    const { server, client } = await halfBody(t);
    const { signal, abort } = abortion();
    const response = await client.stream('GET', server.url, { signal });
    t.is(getEventListeners(signal, 'abort').length, 1);
    const promise = read(response);
    setTimeout(abort, 20);
    t.is(await failure(promise), reason as unknown as Error);
    t.true(response.isClosed);
    await allClosed(server);
    await nothingUsed(t, client, signal);
  });
}

test('aborted between the head and the first read', async (t) => {
  const { server, client } = await halfBody(t);
  const { signal, abort } = abortion();
  const response = await client.stream('GET', server.url, { signal });
  abort();
  t.is(await failure(response.read()), reason as unknown as Error);
  await allClosed(server);
  await nothingUsed(t, client, signal);
});

test('aborted after the end: nothing happens', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const { signal, abort } = abortion();
  const buffered = await client.get(server.url, { signal });
  t.is(getEventListeners(signal, 'abort').length, 0);
  const streamed = await client.stream('GET', server.url, { signal });
  await streamed.read();
  t.is(getEventListeners(signal, 'abort').length, 0);
  abort();
  t.is(told(buffered), '200 ok');
  t.is(told(streamed), '200 ok');
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 1);
});

test('no listener is left: closed, failed, timed out', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    const { head } = await connection.request();
    if (head.startsWith('GET /fail')) connection.end();
    else if (head.startsWith('GET /close')) await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
    await connection.closed;
  });
  const client = openClient(t);
  const { signal } = new AbortController();
  await failure(client.get(`${server.origin}/fail`, { signal }));
  await failure(client.get(`${server.origin}/hang`, { signal, timeout: { read: 10 } }));
  const response = await client.stream('GET', `${server.origin}/close`, { signal });
  await response.close();
  await nothingUsed(t, client, signal);
});

test('one signal for many requests: each rejects, all listeners go', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.closed;
  });
  const client = openClient(t);
  const { signal, abort } = abortion();
  const promises = Array.from({ length: 100 }, () => client.get(server.url, { signal }));
  await eventually('all are sent', () => server.received.filter((text) => text !== '').length === 100);
  abort();
  for (const settled of await Promise.allSettled(promises)) {
    t.is(settled.status === 'rejected' && settled.reason, reason);
  }
  await allClosed(server);
  await nothingUsed(t, client, signal);
});

test('AbortSignal.timeout(): rejects with its TimeoutError', async (t) => {
  const server = await serveRaw(t, (connection) => connection.closed);
  const error = await failure(openClient(t).get(server.url, { signal: AbortSignal.timeout(20) }));
  t.is(error.name, 'TimeoutError');
});

function abortion(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(reason) };
}

async function answersEverything(
  connection: Parameters<Exclude<Parameters<typeof serveRaw>[1], string | readonly string[]>>[0],
) {
  for (;;) {
    await connection.request();
    await connection.write(OK);
  }
}

/** Each connection gets a head and half of a body. */
async function halfBody(t: ExecutionContext): Promise<{ server: RawServer; client: Client }> {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf\n');
    await connection.closed;
  });
  return { server, client: openClient(t) };
}

async function drain(source: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of source);
}

async function allClosed(server: RawServer): Promise<void> {
  await eventually('the server sees all connections close', () => server.openConnections() === 0);
}

async function nothingUsed(t: ExecutionContext, client: Client, signal: AbortSignal): Promise<void> {
  await eventually('the pool is free', () => client.pool.active === 0 && client.pool.queued === 0);
  nothingLeft(t, client, signal);
}

function nothingLeft(t: ExecutionContext, client: Client, signal: AbortSignal): void {
  t.is(getEventListeners(signal, 'abort').length, 0);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 0 idle>');
}
