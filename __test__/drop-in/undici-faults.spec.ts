/** `whippet/undici`: bodies that fail, handlers that throw, what is left behind; undici's own Agent beside ours wherever it has a say. */
import test from 'ava';
import { getEventListeners, once } from 'node:events';
import type { Duplex } from 'node:stream';
import { PassThrough, Readable, Writable } from 'node:stream';
import * as undici from 'undici';
import { createDispatcher } from '../../src/drop-in/undici.js';
import { Client, type TimeoutConfig } from '../../src/index.js';
import { serve } from '../helpers/server.js';
import type { AnyDispatcher } from '../helpers/undici.js';
import { same } from '../helpers/undici.js';

const foreignForm = (): undici.FormData => {
  const form = new undici.FormData();
  form.append('a', 'b');
  return form;
};
const failing = (): Readable => Readable.from(['a'], { objectMode: false });

const BODIES: [title: string, body: () => unknown, headers?: Record<string, string>][] = [
  ['a Blob brings its type', () => new Blob(['abc'], { type: 'text/x' })],
  ['a Blob without a type', () => new Blob(['abc'])],
  ['a File', () => new File(['abc'], 'a.txt', { type: 'text/plain' })],
  ['a type of one’s own wins over a Blob’s', () => new Blob(['abc'], { type: 'text/x' }), { 'Content-Type': 'text/y' }],
  ['a web stream', () => new Blob(['abcd']).stream()],
  ['an array', () => ['a', 'b']],
  ['an ArrayBuffer', () => new ArrayBuffer(3)],
  ['a view of words', () => new Uint16Array([1, 2])],
];
for (const [title, body, headers] of BODIES) {
  test(`bodies: ${title}`, async (t) => {
    const server = await serve(t, async (request, response) => {
      const bytes = Buffer.concat(await request.toArray()).toString('latin1');
      const { 'content-type': type, 'content-length': length } = request.headers;
      response.end(JSON.stringify({ bytes, type, length }));
    });
    await same(t, async (dispatcher) => {
      const options = { origin: server.url, path: '/', method: 'POST', headers, body: body() } as never;
      return (await (dispatcher as undici.Dispatcher).request(options)).body.json();
    });
  });
}

test('bodies: the FormData of the npm undici', async (t) => {
  const server = await serve(t, async (request, response) => {
    response.end(Buffer.concat(await request.toArray()));
  });
  const dispatcher = createDispatcher();
  t.teardown(() => dispatcher.destroy());
  const { body } = await dispatcher.request({ origin: server.url, path: '/', method: 'POST', body: foreignForm() });
  t.regex(await body.text(), /name="a"\r\n\r\nb\r\n/);
});

const FAULTS: [title: string, body: () => unknown][] = [
  [
    'a generator that throws',
    async function* () {
      yield 'a';
      throw new RangeError('own');
    },
  ],
  [
    'a Readable that was destroyed',
    () =>
      failing()
        .on('error', () => {})
        .destroy(new RangeError('own')),
  ],
  [
    'a Readable that is destroyed without an error',
    () => {
      const body = new Readable({ read() {} });
      body.push('a');
      setImmediate(() => body.destroy());
      return body;
    },
  ],
  [
    'a Readable that fails',
    () => {
      const body = new Readable({ read() {} });
      setImmediate(() => body.destroy(new RangeError('own')));
      return body;
    },
  ],
  ['a number', () => 5],
  ['an object', () => ({})],
  ['a function', () => () => {}],
];
for (const [title, body] of FAULTS) {
  test(`bodies that fail: ${title}`, async (t) => {
    const server = await serve(t, (request, response) => void request.resume().on('end', () => response.end()));
    await same(t, async (dispatcher) => {
      const given = body();
      const options = {
        origin: server.url,
        path: '/',
        method: 'POST',
        body: typeof given === 'function' && title !== 'a function' ? given() : given,
      };
      return (await dispatcher.request(options as never)).statusCode;
    });
  });
}

const LACKING = ['onConnect', 'onError', 'onHeaders', 'onData', 'onComplete', 'onBodySent'];
for (const name of LACKING) {
  test(`a v1 handler without ${name}`, async (t) => {
    const server = await serve(t, (_, response) => response.end('ok'));
    await same(t, async (dispatcher) => {
      return new Promise((resolve, reject) => {
        const none = () => true;
        const handler: Record<string, unknown> = { onConnect: none, onHeaders: none, onData: none };
        Object.assign(handler, { onComplete: () => resolve('complete'), onError: (error: Error) => reject(error) });
        if (name === 'onBodySent') handler.onBodySent = 1;
        else delete handler[name];
        dispatcher.dispatch({ origin: server.url, path: '/', method: 'GET' }, handler as never);
      });
    });
  });
}

test.serial('headersTimeout counts from the last piece of the request', async (t) => {
  const server = await serve(t, (request, response) => void request.resume().on('end', () => response.end('ok')));
  const dispatcher = createDispatcher();
  t.teardown(() => dispatcher.destroy());
  async function* slow(): AsyncGenerator<string> {
    for (let n = 0; n < 12; n++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      yield 'a';
    }
  }
  const options = { origin: server.url, path: '/', method: 'POST', body: slow(), headersTimeout: 1500 };
  t.is((await dispatcher.request(options)).statusCode, 200);
  const silent = await serve(t, () => {});
  const lost = dispatcher.request({ ...options, origin: silent.url, body: ['a'], headersTimeout: 100 });
  t.like(await t.throwsAsync(lost), { code: 'UND_ERR_HEADERS_TIMEOUT' });
});

test('stream(): a Writable that its owner ends early', async (t) => {
  const server = await serve(t, (_, response) => void response.write('a'));
  await same(t, (dispatcher) => {
    const into = new Writable({ write: (_c, _e, done) => done() });
    return dispatcher
      .stream({ origin: server.url, path: '/', method: 'GET', opaque: null }, () => {
        setImmediate(() => into.end());
        return into;
      })
      .then(() => 'ended');
  });
});

test('pipeline(): what the handler returned is destroyed', async (t) => {
  const server = await serve(t, (_, response) => void response.write('a'));
  await same(t, async (dispatcher) => {
    const duplex = dispatcher.pipeline({ origin: server.url, path: '/', method: 'GET' }, ({ body }) => {
      body.on('error', () => {});
      const out = new PassThrough();
      setImmediate(() => out.destroy());
      return out;
    });
    duplex.end();
    duplex.resume();
    const [error] = (await once(duplex, 'error').catch((thrown: unknown) => [thrown])) as [Error];
    throw error;
  });
});

test('pipeline(): destroyed, the handler’s body is so as well', async (t) => {
  const server = await serve(t, (_, response) => void response.write('a'));
  const dispatcher = createDispatcher();
  t.teardown(() => dispatcher.destroy());
  const body = await new Promise<Readable>((resolve) => {
    const duplex = dispatcher.pipeline({ origin: server.url, path: '/', method: 'GET' }, (given) => {
      resolve(given.body);
      setImmediate(() => duplex.destroy());
      return given.body.pipe(new PassThrough());
    });
    duplex.on('error', () => {});
    duplex.end();
  });
  if (!body.closed) await new Promise((resolve) => body.once('close', resolve));
  t.true(body.destroyed);
});

test('upgrade(), connect(): no listener stays at the signal, no socket behind what fails', async (t) => {
  const closes: Promise<unknown>[] = [];
  const server = await serve(t, (_, response) => response.end('ok'));
  server.server.on('connection', (socket: Duplex) => {
    // Node leaves it half open.
    socket.on('error', () => {}).on('end', () => socket.end());
    closes.push(new Promise((resolve) => socket.on('close', resolve)));
  });
  server.server.on('upgrade', (request: { url: string }, socket: Duplex) => {
    const head =
      request.url === '/no'
        ? '200 OK\r\nContent-Length: 1000\r\n\r\na'
        : '101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    socket.resume().write(`HTTP/1.1 ${head}`);
  });
  server.server.on('connect', (_: unknown, socket: Duplex) => void socket.resume().write('HTTP/1.1 200 OK\r\n\r\n'));
  const dispatcher = createDispatcher();
  t.teardown(() => dispatcher.destroy());
  const { signal } = new AbortController();
  const base = { origin: server.url, protocol: 'x', signal };
  const upgraded = await dispatcher.upgrade({ ...base, path: '/' });
  const connected = await dispatcher.connect({ ...base, path: 'a:1' });
  await t.throwsAsync(dispatcher.upgrade({ ...base, path: '/no' }) as Promise<unknown>, { message: 'bad upgrade' });
  t.is(getEventListeners(signal, 'abort').length, 0);
  const closing = once(upgraded.socket.destroy(), 'close');
  await Promise.all([closing, once(connected.socket.destroy(), 'close')]);
  const failed = await new Promise<Duplex>((resolve) => {
    let socket: Duplex;
    const handler = {
      onRequestStart() {},
      onRequestUpgrade(_c: unknown, _s: number, _h: object, given: Duplex) {
        socket = given;
        throw new RangeError('own');
      },
      onResponseError: () => resolve(socket),
    };
    dispatcher.dispatch({ origin: server.url, path: '/', method: 'GET', upgrade: 'x' }, handler);
  });
  if (!failed.closed) await once(failed, 'close');
  // Those of the server: all of them close.
  await Promise.all(closes);
  t.is(closes.length, 4);
});

test('request(): `body.body` is the same web stream each time; text() loses one byte order mark', async (t) => {
  const server = await serve(t, (_, response) => response.end('\ufeff\ufeffa'));
  const dispatcher: AnyDispatcher = createDispatcher() as never;
  t.teardown(() => dispatcher.destroy());
  const options = { origin: server.url, path: '/', method: 'GET' } as const;
  const { body } = await dispatcher.request(options);
  t.is(body.body, body.body);
  await (body.body as unknown as ReadableStream).cancel();
  await same(t, async (one) => (await one.request(options)).body.text());
});

test('timeout: { read } of a dispatcher is the limit of requests that have none of their own', async (t) => {
  const silent = await serve(t, () => {});
  const slow = await serve(t, (_, response) => response.write('a'));
  for (const timeout of [{ read: 500 }, 500]) {
    const dispatcher = createDispatcher({ timeout });
    const of = (url: string, options = {}): Promise<unknown> =>
      undici.request(url, { dispatcher: dispatcher as never, ...options }).then(({ body }) => body.text());
    t.like(await t.throwsAsync(of(silent.url)), { code: 'UND_ERR_HEADERS_TIMEOUT' });
    t.like(await t.throwsAsync(of(slow.url)), { code: 'UND_ERR_BODY_TIMEOUT' });
    await dispatcher.destroy();
  }
});

test('timeout with other kinds leaves undici’s own to the rest', async (t) => {
  const { timeout, readTimeout } = stateOf(createDispatcher({ timeout: { connect: 2_000 } }));
  t.deepEqual({ ...timeout }, { ...stateOf(createDispatcher({})).timeout, connectTimeout: 2_000 });
  t.is(timeout.poolTimeout, null);
  t.is(readTimeout, 300_000);
  t.is(stateOf(createDispatcher({ timeout: null })).readTimeout, null);
  t.is(stateOf(createDispatcher(new Client())).readTimeout, 300_000);
  t.throws(() => createDispatcher({ timeout: [] as never }), { instanceOf: TypeError, message: /^timeout: / });
});

/** What a dispatcher keeps, which the wire would show after minutes only. */
function stateOf(dispatcher: ReturnType<typeof createDispatcher>): {
  timeout: TimeoutConfig;
  readTimeout: number | null;
} {
  const [symbol] = Object.getOwnPropertySymbols(dispatcher).filter(({ description }) => description === 'state');
  const { client, readTimeout } = (dispatcher as never)[symbol] as { client: Client; readTimeout: number | null };
  return { timeout: client.timeout, readTimeout };
}
