/** `whippet/undici`: the same programs on undici's own Agent and on our Dispatcher, compared; then what is ours alone. */
import test from 'ava';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import * as undici from 'undici';
import { Client, type ClientOptions, MockDispatch, Response as OurResponse } from '../../src/index.js';
import { createDispatcher, Dispatcher, install } from '../../src/drop-in/undici.js';
import { gate, failure } from '../helpers/client.js';
import { same } from '../helpers/undici.js';
import { refusedOrigin, serve, serveRaw } from '../helpers/server.js';

const echo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = Buffer.concat(await request.toArray()).toString('latin1');
  const { method, url, headers } = request;
  const { host: _h, connection: _c, ...shown } = headers;
  response.setHeader('x-twice', ['1', '2']);
  response.end(JSON.stringify({ method, url, headers: shown, body }));
};

const REQUESTS: [title: string, options: (origin: string) => undici.Dispatcher.RequestOptions][] = [
  ['GET', (origin) => ({ origin, path: '/a?b=c', method: 'GET' })],
  ['a path as it is', (origin) => ({ origin, path: '//x/../y;%zz?a b'.replace(' ', '+'), method: 'GET' })],
  ['a query', (origin) => ({ origin, path: '/', method: 'GET', query: { a: 1, b: ['x', 'y'], c: '' } })],
  [
    'a query with blanks and nested values',
    (origin) => ({ origin, path: '/', method: 'GET', query: { 'a b': 'c d', deep: { a: 1 }, no: null, é: '&=+' } }),
  ],
  [
    'a length that the text has not',
    (origin) => ({ origin, path: '/', method: 'POST', body: 'abc', headers: { 'content-length': '7' } }),
  ],
  ['the length of no body', (origin) => ({ origin, path: '/', method: 'GET', headers: { 'content-length': '3' } })],
  [
    'headers as an object',
    (origin) => ({ origin, path: '/', method: 'GET', headers: { 'X-A': '1', 'x-b': ['1', '2'] } }),
  ],
  ['headers as a list', (origin) => ({ origin, path: '/', method: 'GET', headers: ['x-a', '1', 'x-b', '2'] })],
  ['headers as a Map', (origin) => ({ origin, path: '/', method: 'GET', headers: new Map([['x-a', '1']]) })],
  ['a string', (origin) => ({ origin, path: '/', method: 'POST', body: 'grüße' })],
  ['a Buffer', (origin) => ({ origin, path: '/', method: 'PUT', body: Buffer.from('bytes') })],
  ['a Uint8Array', (origin) => ({ origin, path: '/', method: 'PUT', body: new Uint8Array([104, 105]) })],
  ['a Readable', (origin) => ({ origin, path: '/', method: 'POST', body: Readable.from(['a', 'b']) })],
  [
    'a generator',
    (origin) => ({
      origin,
      path: '/',
      method: 'POST',
      body: (async function* () {
        yield Buffer.from('a');
        yield Buffer.from('b');
      })() as unknown as Readable,
    }),
  ],
  ['no body', (origin) => ({ origin, path: '/', method: 'POST', body: null })],
  ['an empty string', (origin) => ({ origin, path: '/', method: 'POST', body: '' })],
  ['DELETE', (origin) => ({ origin, path: '/', method: 'DELETE' })],
  ['OPTIONS', (origin) => ({ origin, path: '/', method: 'OPTIONS' })],
  [
    'a length of one’s own',
    (origin) => ({
      origin,
      path: '/',
      method: 'POST',
      headers: { 'content-length': '2' },
      body: Readable.from(['ab']),
    }),
  ],
];

for (const [title, options] of REQUESTS) {
  test(`request(): ${title}`, async (t) => {
    const server = await serve(t, echo);
    await same(t, async (dispatcher) => {
      const { statusCode, headers, body } = await dispatcher.request(options(server.url.replace(/\/$/, '')));
      return { statusCode, twice: headers['x-twice'], body: await body.json() };
    });
  });
}

const BAD: [title: string, options: object][] = [
  ['no path', { path: undefined }],
  ['a path without a slash', { path: 'a' }],
  ['a path with a blank', { path: '/a b' }],
  ['no method', { method: undefined }],
  ['a method that is no token', { method: 'G T' }],
  ['a body of a wrong kind', { body: 5 }],
  ['a header with a line end', { headers: { 'x-a': 'a\nb' } }],
  ['a header that is no name', { headers: { 'a b': '1' } }],
  ['Transfer-Encoding', { headers: { 'transfer-encoding': 'chunked' } }],
  ['Expect', { headers: { expect: '100-continue' } }],
  ['Upgrade', { headers: { upgrade: 'x' } }],
  ['Connection', { headers: { connection: 'x' } }],
  ['a Content-Length that is none', { headers: { 'content-length': 'x' } }],
  ['an odd list', { headers: ['a'] }],
  ['headersTimeout', { headersTimeout: -1 }],
  ['bodyTimeout', { bodyTimeout: 'x' }],
  ['reset', { reset: 'x' }],
  ['no origin', { origin: undefined }],
  ['an origin that is none', { origin: 'x' }],
  ['an origin of another scheme', { origin: 'ftp://x' }],
  ['query and a path with one', { path: '/?a', query: { b: 1 } }],
  ['maxRedirections', { maxRedirections: 3 }],
  ['an origin that is a number', { origin: 5 }],
  ['an origin with a path', { origin: 'http://127.0.0.1:1/path' }],
  ['CONNECT', { method: 'CONNECT', path: 'example.org:443' }],
  ['upgrade', { upgrade: 'websocket' }],
];

for (const [title, options] of BAD) {
  test(`request(), refused: ${title}`, async (t) => {
    await same(t, (dispatcher) =>
      dispatcher.request({ origin: 'http://127.0.0.1:1', path: '/', method: 'GET', ...options }),
    );
  });
}

const RAW: [title: string, answer: string][] = [
  ['closed before the head', ''],
  ['closed in the head', 'HTTP/1.1 200'],
  ['closed in the body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
];

for (const [title, answer] of RAW) {
  test(`request(), failing: ${title}`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      connection.end(answer);
    });
    await same(t, async (dispatcher) => {
      const { body } = await dispatcher.request({ origin: server.url, path: '/', method: 'POST', body: 'x' });
      return body.text();
    });
  });
}

test('request(), failing: refused, unknown', async (t) => {
  const origin = await refusedOrigin();
  const found = await same(t, (dispatcher) => dispatcher.request({ origin, path: '/', method: 'GET' }));
  t.like(found, { code: 'ECONNREFUSED' });
  const unknown = { origin: 'http://nowhere.invalid', path: '/', method: 'GET' as const };
  t.like(await same(t, (dispatcher) => dispatcher.request(unknown)), { code: 'ENOTFOUND' });
});

for (const name of ['headersTimeout', 'bodyTimeout'] as const) {
  for (const limit of [2 ** 31, Number.MAX_SAFE_INTEGER]) {
    test(`${name}: ${limit}, beyond what a timer counts, is taken as undici takes it`, async (t) => {
      const server = await serve(t, (_, response) => response.end('x'));
      const found = await same(t, async (dispatcher) => {
        const { body } = await dispatcher.request({ origin: server.url, path: '/', method: 'GET', [name]: limit });
        return body.text();
      });
      t.is(found, 'x');
    });
  }
}

for (const name of ['headersTimeout', 'bodyTimeout'] as const) {
  test(`${name} runs out`, async (t) => {
    const server = await serve(t, (_, response) => {
      if (name === 'bodyTimeout') response.write('a');
    });
    const found = await same(t, async (dispatcher) => {
      const { body } = await dispatcher.request({ origin: server.url, path: '/', method: 'GET', [name]: 50 });
      return body.text();
    });
    t.like(found, { name: name === 'headersTimeout' ? 'HeadersTimeoutError' : 'BodyTimeoutError' });
  });
}

test('signal: before, while it waits, while the body is read', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/body') response.write('a');
  });
  const reason = new Error('mine');
  for (const path of ['/', '/body']) {
    for (const when of ['before', 'after']) {
      const found = await same(t, async (dispatcher) => {
        const controller = new AbortController();
        if (when === 'before') controller.abort(reason);
        else setTimeout(() => controller.abort(reason), 50);
        const { body } = await dispatcher.request({
          origin: server.url,
          path,
          method: 'GET',
          signal: controller.signal,
        });
        return body.text();
      });
      t.like(found, { name: 'Error' }, `${path} ${when}`);
    }
  }
});

test('bodies are not decoded, trailers come, HEAD has none', async (t) => {
  const server = await serve(t, (request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', trailer: 'x-sum', 'transfer-encoding': 'chunked' });
    response.addTrailers({ 'x-sum': '7' });
    response.end(request.method === 'HEAD' ? undefined : gzipSync('hello'));
  });
  await same(t, async (dispatcher) => {
    const { body, trailers, headers } = await dispatcher.request({ origin: server.url, path: '/', method: 'GET' });
    const bytes = Buffer.from(await body.arrayBuffer()).toString('hex');
    const head = await dispatcher.request({ origin: server.url, path: '/', method: 'HEAD' });
    return [bytes, trailers, headers['content-encoding'], await head.body.text()];
  });
});

test('onInfo, opaque, responseHeaders: raw', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.end('ok');
  });
  await same(t, async (dispatcher) => {
    const infos: unknown[] = [];
    const options = { origin: server.url, path: '/', method: 'GET' as const, opaque: { mine: 1 } };
    const { opaque, body } = await dispatcher.request({
      ...options,
      onInfo: ({ statusCode }) => infos.push(statusCode),
    });
    return [infos, opaque, await body.text()];
  });
});

const WAYS: [options: ClientOptions, code: string][] = [
  [{ allowAddresses: 'public' }, 'ERR_ADDRESS_FORBIDDEN'],
  [{ denyAddresses: ['127.0.0.0/8'] }, 'ERR_ADDRESS_FORBIDDEN'],
  [{ lookup: () => ['127.0.0.1'] }, 'ERR_ADDRESS_FORBIDDEN'],
  [{ resolve: { 'n.test': '127.0.0.1' } }, 'ERR_ADDRESS_FORBIDDEN'],
  [{ httpsOnly: true }, 'UND_ERR'],
  [{ dispatch: new MockDispatch(() => new OurResponse(200)) }, 'UND_ERR'],
  [{ allowAddresses: 'public', mounts: { 'http://': null } }, 'ERR_ADDRESS_FORBIDDEN'],
];
for (const [options, refusal] of WAYS) {
  test(`upgrade() and connect() by a client with ${Object.keys(options).join(', ')} are refused before they connect`, async (t) => {
    const server = createTcpServer(() => t.fail('connected'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.teardown(() => server.close());
    const client = new Client(options);
    t.teardown(() => client.close());
    const dispatcher = createDispatcher(client);
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    t.is((await t.throwsAsync<NodeJS.ErrnoException>(dispatcher.upgrade({ origin, path: '/' }))).code, refusal);
    t.is((await t.throwsAsync<NodeJS.ErrnoException>(dispatcher.connect({ origin, path: 'a:1' }))).code, refusal);
  });
}

test('a body that is destroyed: its error is the abort', async (t) => {
  const server = await serve(t, (_, response) => void response.write('begun'));
  await same(t, async (dispatcher) => {
    const { body } = await dispatcher.request({ origin: new URL(server.url).origin, path: '/', method: 'GET' });
    const told = once(body, 'error');
    body.destroy();
    const [{ name, code }] = (await told) as [NodeJS.ErrnoException];
    return [name, code];
  });
});

test('stream() and pipeline()', async (t) => {
  const server = await serve(t, echo);
  await same(t, async (dispatcher) => {
    const chunks: Buffer[] = [];
    const { opaque } = await dispatcher.stream(
      { origin: server.url, path: '/', method: 'POST', body: 'x', opaque: 1 },
      () => {
        const into = new Writable({
          write(chunk: Buffer, _, done) {
            chunks.push(chunk);
            setImmediate(done);
          },
        });
        return into;
      },
    );
    const piped = dispatcher.pipeline({ origin: server.url, path: '/', method: 'PUT' }, ({ body }) =>
      body.pipe(new PassThrough()),
    );
    piped.end('through');
    // undici may know the length of what was ended meanwhile.
    const { headers: _, ...out } = JSON.parse(Buffer.concat(await piped.toArray()).toString());
    return [Buffer.concat(chunks).toString(), out, opaque];
  });
});

test('upgrade() and connect()', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    const { head } = await connection.request();
    const isConnect = head.startsWith('CONNECT');
    await connection.write(
      isConnect
        ? 'HTTP/1.1 200 OK\r\n\r\nhi'
        : 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhi',
    );
  });
  await same(t, async (dispatcher) => {
    const upgraded = await dispatcher.upgrade({
      origin: server.url,
      path: '/',
      protocol: 'x',
    } as undici.Dispatcher.UpgradeOptions);
    const [first] = (await once(upgraded.socket, 'data')) as [Buffer];
    upgraded.socket.destroy();
    const connected = await dispatcher.connect({ origin: server.url, path: 'example.org:443' });
    const [second] = (await once(connected.socket, 'data')) as [Buffer];
    connected.socket.destroy();
    return [first.toString(), upgraded.headers.upgrade, second.toString(), connected.statusCode];
  });
});

// ── what is built on it ──

const INTERCEPTED: [title: string, interceptor: () => undici.Dispatcher.DispatcherComposeInterceptor, path: string][] =
  [
    ['redirect', () => undici.interceptors.redirect({ maxRedirections: 3 }), '/redirect'],
    ['retry', () => undici.interceptors.retry({ maxRetries: 3, minTimeout: 1, maxTimeout: 1 }), '/flaky'],
    ['cache', () => undici.interceptors.cache(), '/cached'],
    ['dns', () => undici.interceptors.dns(), '/'],
    ['decompress', () => undici.interceptors.decompress(), '/gzip'],
    ['dump', () => undici.interceptors.dump({ maxSize: 10 }), '/'],
    ['responseError', () => undici.interceptors.responseError(), '/missing'],
  ];

for (const [title, interceptor, path] of INTERCEPTED) {
  test(`undici's ${title} interceptor`, async (t) => {
    let tries = 0;
    const server = await serve(t, (request, response) => {
      tries++;
      if (request.url === '/redirect') return response.writeHead(302, { location: '/' }).end();
      if (request.url === '/flaky' && tries % 3 !== 0) return response.writeHead(503).end();
      if (request.url === '/missing') return response.writeHead(404).end('no');
      if (request.url === '/cached') response.setHeader('cache-control', 'max-age=100');
      if (request.url === '/gzip')
        return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('zipped'));
      return response.end('ok');
    });
    await same(t, async (dispatcher) => {
      tries = 0;
      const composed = dispatcher.compose(interceptor());
      const texts: string[] = [];
      for (let n = 0; n < 2; n++) {
        const { statusCode, body } = await composed.request({ origin: server.url, path, method: 'GET' });
        texts.push(`${statusCode} ${await body.text()}`);
      }
      return [texts, tries];
    });
  });
}

test('RetryAgent', async (t) => {
  let tries = 0;
  const server = await serve(t, (_, response) => response.writeHead(++tries % 3 === 0 ? 200 : 503).end(String(tries)));
  await same(t, async (dispatcher) => {
    tries = 0;
    const agent = new undici.RetryAgent(dispatcher, { minTimeout: 1, maxTimeout: 1 });
    const { statusCode, body } = await agent.request({ origin: server.url, path: '/', method: 'GET' });
    return [statusCode, await body.text()];
  });
});

test('fetch: Node’s own and undici’s, with dispatcher', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/redirect') return response.writeHead(302, { location: '/gzip' }).end();
    if (request.url === '/gzip') return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('zipped'));
    return echo(request, response);
  });
  for (const fetch of [globalThis.fetch, undici.fetch] as (typeof globalThis.fetch)[]) {
    await same(t, async (dispatcher) => {
      const init = { dispatcher } as unknown as RequestInit;
      const posted = await fetch(server.url, { ...init, method: 'POST', body: JSON.stringify({ a: 1 }) });
      const redirected = await fetch(new URL('/redirect', server.url), init);
      const form = new FormData();
      form.append('a', 'b');
      const sent = await fetch(server.url, { ...init, method: 'PUT', body: new Blob(['blob']) });
      return [
        await posted.json(),
        redirected.redirected,
        await redirected.text(),
        ((await sent.json()) as { body: string }).body,
      ];
    });
    const origin = await refusedOrigin();
    await same(t, (dispatcher) => fetch(origin, { dispatcher } as unknown as RequestInit));
    await same(t, (dispatcher) =>
      fetch(server.url, { dispatcher, signal: AbortSignal.abort() } as unknown as RequestInit),
    );
  }
});

test.serial('install(): the global fetch, undici’s global dispatcher', async (t) => {
  const before = undici.getGlobalDispatcher();
  let served = 0;
  const dispatch = new MockDispatch(() => {
    served++;
    return new OurResponse(200, { text: 'mocked' });
  });
  try {
    const dispatcher = install(createDispatcher({ dispatch }));
    t.is(undici.getGlobalDispatcher() as unknown, dispatcher);
    t.is(await (await fetch('http://example.org/')).text(), 'mocked');
    const { body } = await undici.request('http://example.org/');
    t.is(await body.text(), 'mocked');
    t.is(served, 2);
  } finally {
    undici.setGlobalDispatcher(before);
  }
});

// ── our own ──

test('a client that was handed in stays its owner’s; one made from options is closed with it', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = new Client();
  const dispatcher = new Dispatcher(client);
  await (await dispatcher.request({ origin: server.url, path: '/', method: 'GET' })).body.text();
  await dispatcher.close();
  t.false(client.isClosed);
  t.is((await client.get(server.url)).text, 'ok');
  await client.close();
  const closed = await failure(
    dispatcher.request({ origin: server.url, path: '/', method: 'GET' }) as Promise<unknown>,
  );
  t.like(closed, { code: 'UND_ERR_DESTROYED' });
});

test('close() waits, destroy() ends what is under way', async (t) => {
  const gated = gate();
  const server = await serve(t, async (_, response) => {
    await gated.promise;
    response.end('late');
  });
  const dispatcher = createDispatcher();
  const pending = dispatcher.request({ origin: server.url, path: '/', method: 'GET' });
  const closing = dispatcher.close();
  t.like(await failure(dispatcher.request({ origin: server.url, path: '/', method: 'GET' })), {
    code: 'UND_ERR_CLOSED',
  });
  gated.open();
  t.is(await (await pending).body.text(), 'late');
  await closing;
  t.true(dispatcher.closed && dispatcher.destroyed);

  const other = createDispatcher();
  const silent = await serve(t, () => {});
  const lost = failure(other.request({ origin: silent.url, path: '/', method: 'GET' }));
  await other.destroy();
  t.like(await lost, { code: 'UND_ERR_DESTROYED' });
});

test('events: connect, disconnect, drain', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const dispatcher = createDispatcher();
  t.teardown(() => dispatcher.destroy());
  const events: string[] = [];
  for (const name of ['connect', 'disconnect', 'connectionError', 'drain'])
    dispatcher.on(name, () => events.push(name));
  for (let n = 0; n < 2; n++)
    await (await dispatcher.request({ origin: server.url, path: '/', method: 'GET' })).body.text();
  await failure(dispatcher.request({ origin: await refusedOrigin(), path: '/', method: 'GET' }));
  await new Promise(setImmediate);
  t.deepEqual(events, ['connect', 'drain', 'drain', 'connectionError', 'drain']);
});

test('errors are undici’s to instanceof', async (t) => {
  const dispatcher = createDispatcher();
  await dispatcher.close();
  const error = await failure(dispatcher.request({ origin: 'http://127.0.0.1:1', path: '/', method: 'GET' }));
  t.true(error instanceof undici.errors.ClientDestroyedError);
  t.true(error instanceof undici.errors.UndiciError);
  t.false(error instanceof undici.errors.SocketError);
});

for (const given of [null, 1, 'x', { nope: 1 }, { httpVersions: 'x' }]) {
  test(`createDispatcher(): ${JSON.stringify(given)} is refused`, (t) => {
    t.throws(() => createDispatcher(given as never));
  });
}

// The target goes out as it is; the URL beside it says it as URLs do.
for (const [path, url, seen] of [
  ['/users/1?a=b%20c', 'https://api.example.org/users/1?a=b%20c', '/users/1'],
  ['//x/../y', 'https://api.example.org//y', '//y'],
  ['/', 'https://api.example.org/', '/'],
] as const) {
  test(`a mock behind the dispatcher sees the path: ${path}`, async (t) => {
    const dispatch = new MockDispatch(() => new OurResponse(200, { content: 'x' }));
    const dispatcher = createDispatcher({ dispatch });
    t.teardown(() => dispatcher.close());
    const { body } = await dispatcher.request({ origin: 'https://api.example.org', path, method: 'GET' });
    t.is(await body.text(), 'x');
    const [request] = dispatch.requests;
    t.deepEqual([request.url.fullPath, String(request.url), request.url.path], [path, url, seen]);
  });
}
