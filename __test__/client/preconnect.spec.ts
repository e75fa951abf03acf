/** `client.preconnect()`: handshakes without a request; and `client.pool.drain()`, after which none of them serves. */
import test, { type ExecutionContext } from 'ava';
import { createSecureServer } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import {
  Client,
  ClientClosed,
  ConnectError,
  ConnectTimeout,
  HTTPDispatch,
  type HTTPError,
  MockDispatch,
  PoolTimeout,
  ProxyError,
  Response,
  TotalTimeout,
  UnsupportedProtocol,
} from '../../src/index.js';
import { eventually, failure, openClient, soon } from '../helpers/client.js';
import { listen, type Listening } from '../helpers/listen.js';
import { serveProxy, serveSocks } from '../helpers/proxy.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { selfSigned, testCA } from '../helpers/tls.js';

/** An HTTP/2 server that counts its sessions and its streams. */
async function serveHttp2(t: ExecutionContext): Promise<Listening & { sessions: number; streams: number }> {
  const secure = createSecureServer(await (await testCA()).issue());
  const counts = { sessions: 0, streams: 0 };
  secure.on('session', (session) => {
    counts.sessions++;
    session.on('error', () => {});
  });
  secure.on('stream', (stream) => {
    counts.streams++;
    stream.respond({ ':status': 200 });
    stream.end();
  });
  return Object.assign(counts, await listen(t, secure, 'https', []));
}

async function trusting(): Promise<{ verify: string }> {
  return { verify: (await testCA()).cert };
}

test('one connection is there, and the next request takes it', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const client = openClient(t);
  await client.preconnect(server.url);
  t.like(client.pool, { active: 0, idle: 1 });
  t.is(server.requests.length, 0, 'nothing was asked');
  const response = await client.get(server.url);
  t.is(response.peer?.isReused, true);
  t.is(response.timings.connect, 0);
  t.is(server.requests[0].connection, 1);
});

test('until so many are there, idle ones included', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const client = openClient(t, { baseUrl: server.origin });
  await client.get('/');
  await client.preconnect('/', { connections: 1 });
  t.is(client.pool.idle, 1);
  await client.preconnect('/', { connections: 4 });
  t.like(client.pool, { active: 0, idle: 4 });
  await client.preconnect('/', { connections: 2 });
  t.is(client.pool.idle, 4);
  await Promise.all([1, 2, 3, 4].map(() => client.get('/')));
  t.is(Math.max(...server.requests.map(({ connection }) => connection)), 4);
});

test('calls at one time do not each make their own', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const client = openClient(t);
  await Promise.all([1, 2, 3].map(() => client.preconnect(server.url, { connections: 2 })));
  t.is(client.pool.idle, 2);
});

test('TLS is done: no handshake is left for the request', async (t) => {
  const server = await serveTls(t, (_, response) => response.end());
  const client = openClient(t, await trusting());
  const url = `https://localhost:${server.port}/`;
  await client.preconnect(url, { connections: 2 });
  t.is(client.pool.idle, 2);
  const { timings, peer } = await client.get(url);
  t.deepEqual([timings.dns, timings.connect, timings.tls, peer?.isReused], [0, 0, 0, true]);
});

test('HTTP/2: one, however many are asked for and however often', async (t) => {
  const server = await serveHttp2(t);
  const client = openClient(t, await trusting());
  const url = `https://localhost:${server.port}/`;
  await Promise.all([client.preconnect(url, { connections: 5 }), client.preconnect(url), client.get(url)]);
  await client.preconnect(url, { connections: 3 });
  const responses = await Promise.all([1, 2, 3].map(() => client.get(url)));
  t.is(server.sessions, 1);
  t.is(server.streams, 4);
  t.deepEqual([...new Set(responses.map(({ httpVersion }) => httpVersion))], ['HTTP/2']);
});

test('by prior knowledge as well', async (t) => {
  const server = await serveRaw(t, (connection) => connection.closed);
  const client = openClient(t, { httpVersions: 'HTTP/2' });
  await client.preconnect(server.url, { connections: 3 });
  t.is(client.pool.idle, 1);
  await eventually(
    'the preface',
    () => server.received.length === 1 && server.received[0].startsWith('PRI * HTTP/2.0'),
  );
});

test('through proxies: up to TLS with the origin', async (t) => {
  const secure = await serveTls(t, (_, response) => response.end());
  const plain = await serve(t, (_, response) => response.end());
  const proxy = await serveProxy(t);
  const socks = await serveSocks(t);
  for (const [proxies, url] of [
    [proxy.origin, `https://localhost:${secure.port}/`],
    [proxy.origin, plain.url],
    [`socks5h://127.0.0.1:${socks.port}`, `https://localhost:${secure.port}/`],
  ]) {
    const client = openClient(t, { ...(await trusting()), proxies });
    await client.preconnect(url);
    t.is(client.pool.idle, 1, url);
    const response = await client.get(url);
    t.is(response.peer?.isReused, true, url);
    t.is(response.timings.connect, 0, url);
  }
  t.deepEqual(proxy.tunnels, [`localhost:${secure.port}`]);
  t.is(socks.asked.length, 1);
});

test('the pool’s limits hold', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const cases: [limits: object, idle: number][] = [
    [{ maxConnections: 3 }, 3],
    [{ maxConnectionsPerOrigin: 2 }, 2],
    [{ maxKeepaliveConnections: 1 }, 1],
    [{ maxKeepaliveConnections: 0 }, 0],
  ];
  for (const [poolLimits, idle] of cases) {
    const client = openClient(t, { poolLimits });
    await client.preconnect(server.url, { connections: 10 });
    t.is(client.pool.idle, idle, JSON.stringify(poolLimits));
  }
});

test('where others hold all connections it waits, as a request does', async (t) => {
  const server = await serve(t, (request, response) =>
    request.url === '/held' ? response.flushHeaders() : response.end(),
  );
  const client = openClient(t, { poolLimits: { maxConnections: 1 }, timeout: { pool: 50 } });
  const held = await client.stream('GET', `${server.origin}/held`);
  t.true((await failure(client.preconnect(await refusedOrigin()))) instanceof PoolTimeout);
  const patient = client.preconnect(server.url, { timeout: { pool: null } });
  await eventually('it waits', () => client.pool.queued === 1);
  await held.close();
  await soon('a place', patient);
  t.is(client.pool.idle, 1);
});

test('what fails is the error of a request, and how far it came', async (t) => {
  const silent = await serveRaw(t, (connection) => connection.closed);
  const unanswered = `https://127.0.0.1:${silent.port}`;
  const secure = await serveTls(t, (_, response) => response.end(), await selfSigned());
  const refusing = await serveRaw(t, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  const client = openClient(t);
  const refused = (await failure(client.preconnect(await refusedOrigin(), { connections: 3 }))) as HTTPError;
  t.true(refused instanceof ConnectError);
  t.is(refused.code, 'ECONNREFUSED');
  t.is(refused.message, `PRECONNECT ${await refusedOrigin()}: connection refused`);
  t.is(typeof refused.timings?.connect, 'number');
  t.is(refused.peer, null);
  t.true(refused.stack?.includes('preconnect.spec'), 'the caller is in its stack');
  t.true((await failure(client.preconnect(unanswered, { timeout: { connect: 50 } }))) instanceof ConnectTimeout);
  t.true((await failure(client.preconnect(unanswered, { timeout: { total: 50 } }))) instanceof TotalTimeout);
  const untrusted = (await failure(client.preconnect(`https://localhost:${secure.port}`))) as HTTPError;
  t.is(untrusted.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  t.is(untrusted.peer?.port, secure.port);
  const proxied = openClient(t, { proxies: refusing.origin });
  const forbidden = (await failure(proxied.preconnect('https://a.test/'))) as ProxyError;
  t.true(forbidden instanceof ProxyError);
  t.is(forbidden.response?.statusCode, 403);
  t.is(forbidden.proxy, `${refusing.origin}/`.replace(/\/$/, ''));
  t.is(client.pool.active, 0);
});

test('signal ends it, with its reason', async (t) => {
  const silent = await serveRaw(t, (connection) => connection.closed);
  const client = openClient(t, { httpVersions: 'HTTP/1.1' });
  const url = `https://127.0.0.1:${silent.port}`;
  const reason = new Error('enough');
  t.is(await failure(client.preconnect(url, { signal: AbortSignal.abort(reason) })), reason);
  const controller = new AbortController();
  const aborted = failure(client.preconnect(url, { signal: controller.signal, connections: 3 }));
  await eventually('it is connecting', () => client.pool.active === 3);
  controller.abort(reason);
  t.is(await aborted, reason);
  await eventually('nothing is left', () => client.pool.active === 0);
});

test('closing the client ends it', async (t) => {
  const silent = await serveRaw(t, (connection) => connection.closed);
  const client = new Client();
  const closed = failure(client.preconnect(`https://127.0.0.1:${silent.port}`));
  await eventually('it is connecting', () => client.pool.active === 1);
  await client.close();
  t.true((await soon('an error', closed)) instanceof ClientClosed);
  t.true((await failure(client.preconnect(`https://127.0.0.1:${silent.port}`))) instanceof ClientClosed);
});

test('there is nothing to do for apps, and a mount is asked by the URL', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const client = openClient(t, {
    app: () => new globalThis.Response(),
    mounts: { 'all://mock.test': new MockDispatch(() => new Response(200)), [`${server.origin}`]: null },
  });
  await client.preconnect('/');
  await client.preconnect('http://a.test/');
  await client.preconnect('http://mock.test/');
  t.deepEqual(client.pool.idle, 0);
  await client.preconnect(server.url);
  t.is((await client.get(server.url)).peer?.isReused, true);
  await client.pool.drain();
  t.is((await client.get(server.url)).peer?.isReused, false, 'drained, though the client’s own dispatch is the app');
});

test('of HTTPDispatch alone, too', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const dispatch = new HTTPDispatch();
  const client = openClient(t, { dispatch });
  await client.preconnect(server.url);
  t.is(dispatch.stats.idle, 1);
  await dispatch.drain();
  t.is(dispatch.stats.idle, 0);
});

test('what is no URL for the network', async (t) => {
  const client = openClient(t, { httpsOnly: true });
  for (const url of ['ftp://a.test/', '/path', 'http://a.test/'])
    t.true((await failure(client.preconnect(url))) instanceof UnsupportedProtocol, url);
  t.is((await failure(client.preconnect('http://[::1'))).name, 'InvalidURL');
});

test('bad options', async (t) => {
  const client = openClient(t);
  const bad: [unknown, string, RegExp][] = [
    [null, 'TypeError', /^options of client\.preconnect\(\): expected an object, got null/],
    [2, 'TypeError', /^options of client\.preconnect\(\)/],
    [{ connections: '2' }, 'TypeError', /^connections: expected a number, got/],
    [{ connections: null }, 'TypeError', /^connections: expected a number, got null/],
    [{ connections: 0 }, 'RangeError', /^connections: 0 is not allowed, expected an integer from 1 to 65535$/],
    [{ connections: 1.5 }, 'RangeError', /^connections: 1\.5 is not allowed/],
    [{ connections: NaN }, 'RangeError', /^connections: NaN is not allowed/],
    [{ connections: 65_536 }, 'RangeError', /^connections: 65536 is not allowed/],
    [{ timeout: 0 }, 'RangeError', /timeout/],
    [{ timeout: 'soon' }, 'TypeError', /timeout/],
    [{ signal: {} }, 'TypeError', /signal/],
    [{ connection: 1 }, 'TypeError', /connection/],
    [{ headers: {} }, 'TypeError', /headers/],
  ];
  for (const [options, name, message] of bad) {
    const error = await failure(client.preconnect('http://a.test/', options as never));
    t.is(error.name, name, JSON.stringify(options));
    t.regex(error.message, message);
  }
});

test('drain(): what is idle is closed, and nothing of before serves', async (t) => {
  let release: (() => void) | undefined;
  const server = await serve(t, (request, response) => {
    if (request.url !== '/held') return response.end();
    response.write('a');
    release = () => response.end('b');
    return undefined;
  });
  const client = openClient(t);
  await client.preconnect(server.url, { connections: 2 });
  const held = await client.stream('GET', `${server.origin}/held`);
  t.like(client.pool, { active: 1, idle: 1 });
  await client.pool.drain();
  t.like(client.pool, { active: 1, idle: 0 });
  release?.();
  t.is(String(await held.read()), 'ab', 'what is under way goes on');
  await eventually('its connection has gone', () => client.pool.active + client.pool.idle === 0);
  t.is((await client.get(server.url)).peer?.isReused, false);
  t.is(await client.pool.drain(), undefined);
});

test('drain(): HTTP/2', async (t) => {
  const server = await serveHttp2(t);
  const client = openClient(t, await trusting());
  const url = `https://localhost:${server.port}/`;
  await client.get(url);
  await client.pool.drain();
  t.is(client.pool.idle, 0);
  const streaming = await client.stream('GET', url);
  await client.pool.drain();
  const other = await client.get(url);
  t.is(other.peer?.isReused, false);
  t.not(other.peer?.localPort, streaming.peer?.localPort);
  await streaming.read();
  t.is(server.sessions, 3);
});

test('drain(): a connection that is being made meanwhile serves its request and no other', async (t) => {
  const waiting: Socket[] = [];
  const gate = createServer((socket) => void waiting.push(socket.on('error', () => {})));
  const { port } = await listen(t, gate, 'http', []);
  const granted = Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]);
  // The way to the origin is held up at a SOCKS proxy, which answers when it is told to and is the origin as well.
  const client = openClient(t, { proxies: `socks4://127.0.0.1:${port}` });
  const serveNext = async (count: number): Promise<void> => {
    await eventually('the proxy is asked', () => waiting.length === count);
    const socket = waiting[count - 1];
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    socket.on('data', (chunk: Buffer) => void (chunk.includes('GET ') && socket.write(answer)));
    if (count === 1) await client.pool.drain();
    socket.write(granted);
  };
  const [first] = await Promise.all([client.get('http://127.0.0.1:1/'), serveNext(1)]);
  t.is(first.statusCode, 200);
  await eventually('nothing is kept', () => client.pool.active + client.pool.idle === 0);
  await Promise.all([client.get('http://127.0.0.1:1/'), serveNext(2)]);
  t.is(client.pool.idle, 1);
});

test('drain(): names are asked for again; lookup’s errors reach preconnect()', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const asked: string[] = [];
  const lookup = (host: string): string[] => {
    asked.push(host);
    if (host === 'bad.test') throw new Error('no such name');
    return ['127.0.0.1'];
  };
  const client = openClient(t, { lookup });
  const url = `http://name.test:${server.port}/`;
  await client.preconnect(url, { connections: 3 });
  t.deepEqual(asked, ['name.test']);
  await client.pool.drain();
  await client.get(url);
  t.deepEqual(asked, ['name.test', 'name.test']);
  const error = (await failure(client.preconnect('http://bad.test/'))) as HTTPError;
  t.is((error.cause as Error).message, 'no such name');
});

test('drain() without connections, of a closed client, and of one for apps', async (t) => {
  const client = new Client();
  await client.pool.drain();
  await client.close();
  await client.pool.drain();
  await openClient(t, { app: () => new globalThis.Response() }).pool.drain();
  t.pass();
});
