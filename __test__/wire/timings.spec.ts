/** Where the time of an exchange went, where its connection led and how its TLS turned out: by every way to a server. */
import test, { type ExecutionContext } from 'ava';
import { X509Certificate } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import {
  type ClientOptions,
  type HTTPError,
  MockDispatch,
  type Peer,
  Response,
  type Timings,
} from '../../src/index.js';
import { blackhole } from '../helpers/blackhole.js';
import { failure, openClient } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';
import { serveProxy, serveSocks } from '../helpers/proxy.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { selfSigned, testCA } from '../helpers/tls.js';
import { onUnixSerially } from '../helpers/where.js';

/** Which phases took time (`+`), which took none (`0`), and which there were not (`-`). */
function shape(timings: { readonly [K in keyof Timings]: number | null }): string {
  return phases.map((phase) => (timings[phase] === null ? '-' : timings[phase] > 0 ? '+' : '0')).join('');
}

const phases = ['pool', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'] as const;

/** `pool` is never nothing: a request crosses to another thread. `send` and `receive` may be less than a microsecond. */
function connecting(timings: Timings): string {
  return shape(timings).slice(1, 4);
}

function sum(timings: { readonly [K in keyof Timings]: number | null }): number {
  return phases.reduce((sum, phase) => sum + (timings[phase] ?? 0), 0);
}

function addsUp(t: ExecutionContext, response: Response): void {
  t.true(
    Math.abs(sum(response.timings) - response.elapsedTotal) < 0.001,
    inspect([response.timings, response.elapsedTotal]),
  );
}

async function trusting(options: ClientOptions = {}): Promise<ClientOptions> {
  return { verify: (await testCA()).cert, ...options };
}

function ofRefusal(error: unknown): { shape: string; peer: Peer | null | undefined } {
  const { timings, peer } = error as HTTPError;
  return { shape: timings === undefined ? '' : shape(timings), peer };
}

test('a connection by name: dns, connect; the next request finds it', async (t) => {
  const ports: number[] = [];
  const server = await serve(t, (request, response) => {
    ports.push(request.socket.remotePort ?? 0);
    response.end('body');
  });
  const client = openClient(t);
  const url = `http://localhost:${server.port}/`;
  const first = await client.get(url);
  t.is(connecting(first.timings), '++-');
  addsUp(t, first);
  const peer = { address: '127.0.0.1', port: server.port, localAddress: '127.0.0.1', localPort: ports[0] };
  t.deepEqual(first.peer, { ...peer, isReused: false });
  t.is(first.tls, null);
  const second = await client.get(url);
  t.is(connecting(second.timings), '00-');
  addsUp(t, second);
  t.deepEqual(second.peer, { ...peer, isReused: true });
  t.deepEqual(first.peer, { ...peer, isReused: false }, 'of its own exchange');
  t.true(Object.isFrozen(first.timings) && Object.isFrozen(first.peer));
});

test('an address has no dns, kept or not; nor has a name with a known address', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const client = openClient(t, { resolve: { 'known.test': '127.0.0.1' } });
  const found: string[] = [];
  for (const url of [server.url, server.url, `http://known.test:${server.port}/`, `http://known.test:${server.port}/`])
    found.push(connecting((await client.get(url)).timings));
  t.deepEqual(found, ['-+-', '-0-', '-+-', '-0-']);
});

test('TLS: version, cipher, group, alpn and certificates, as the server has them', async (t) => {
  const ca = await testCA();
  const between = await ca.intermediate();
  const { chain, key } = await between.issue();
  const seen: { cipher: string; version: string | null }[] = [];
  const server = await serveTls(
    t,
    (request, response) => {
      const socket = request.socket as TLSSocket;
      seen.push({ cipher: socket.getCipher().standardName, version: socket.getProtocol() });
      response.end();
    },
    { cert: chain, key },
  );
  const client = openClient(t, await trusting());
  const url = `https://localhost:${server.port}/`;
  const first = await client.get(url);
  t.is(connecting(first.timings), '+++');
  addsUp(t, first);
  const { tls } = first;
  t.is(tls?.version, 'TLSv1.3');
  t.deepEqual(seen[0], { cipher: tls?.cipher ?? '', version: tls?.version ?? null });
  t.regex(tls?.group ?? '', /^(x25519|X25519MLKEM768)$/);
  t.is(tls?.alpn, 'http/1.1');
  const sent = chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? [];
  t.is(sent.length, 2);
  t.deepEqual(
    tls?.certificates.map((der) => new X509Certificate(der).fingerprint256),
    sent.map((pem) => new X509Certificate(pem).fingerprint256),
  );
  t.is(first.tls, tls, 'made once');
  const second = await client.get(url);
  t.is(connecting(second.timings), '000');
  t.deepEqual(second.tls, tls);
  t.not(second.tls?.certificates[0], tls?.certificates[0], 'what a user does to one is not seen in the other');
});

test('TLS 1.2, and a server without ALPN', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', {
    tls: { ...(await (await testCA()).issue()), maxVersion: 'TLSv1.2' } as never,
  });
  const { tls } = await openClient(t, await trusting()).get(`https://localhost:${server.port}/`);
  t.like(tls, { version: 'TLSv1.2', alpn: null });
  t.regex(tls?.cipher ?? '', /^TLS_ECDHE_ECDSA_WITH_/);
  t.regex(tls?.group ?? '', /^(x25519|secp256r1)$/);
});

test('a resumed connection shows the certificates of the first', async (t) => {
  const resumed: boolean[] = [];
  const server = await serveTls(t, (request, response) => {
    resumed.push((request.socket as TLSSocket).isSessionReused());
    response.setHeader('Connection', 'close').end();
  });
  const client = openClient(t, await trusting());
  const url = `https://localhost:${server.port}/`;
  const first = await client.get(url);
  const second = await client.get(url);
  t.deepEqual(resumed, [false, true]);
  t.is(second.peer?.isReused, false);
  t.deepEqual(second.tls?.certificates, first.tls?.certificates);
});

test('HTTP/2: one makes the connection, those that asked meanwhile wait for it, and it is kept for the rest', async (t) => {
  const sessions: ServerHttp2Session[] = [];
  const secure = createSecureServer({ ...(await (await testCA()).issue()) });
  secure.on('session', (session: ServerHttp2Session) => sessions.push(session.on('error', () => {})));
  secure.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('body');
  });
  const server = await listen(t, secure, 'https', []);
  const client = openClient(t, await trusting());
  const url = `https://localhost:${server.port}/`;
  const responses = await Promise.all([1, 2, 3].map(() => client.get(url)));
  t.is(sessions.length, 1);
  responses.forEach((response) => addsUp(t, response));
  t.deepEqual(responses.map(({ timings }) => connecting(timings)).sort(), ['+++', '000', '000']);
  t.deepEqual(
    responses.map(({ peer }) => peer?.isReused),
    [false, false, false],
    'there before none of them',
  );
  const maker = responses.find(({ timings }) => timings.dns !== 0)?.timings;
  for (const { timings } of responses) {
    if (timings.dns === 0) t.true(timings.pool > (maker?.tls ?? Infinity), 'waiting for another request’s handshake');
  }
  const later = await client.get(url);
  t.is(connecting(later.timings), '000');
  t.like(later.peer, { isReused: true, localPort: sessions[0].socket.remotePort });
  t.is(later.tls?.alpn, 'h2');
});

test('behind a proxy the peer is the proxy, and tls is that of the origin', async (t) => {
  const [http, https] = [await serve(t, (_, r) => r.end()), await serveTls(t, (_, r) => r.end())];
  const plain = await serveProxy(t);
  const secure = await serveProxy(t, { tls: await (await testCA()).issue() });
  const socks = await serveSocks(t);
  const cases: [proxy: string, url: string, port: number, shape: string, hasTls: boolean][] = [
    [plain.origin, `http://localhost:${http.port}/`, plain.port, '-+-', false],
    [plain.origin, `https://localhost:${https.port}/`, plain.port, '-++', true],
    [`https://localhost:${secure.port}`, `http://localhost:${http.port}/`, secure.port, '++-', false],
    [`https://localhost:${secure.port}`, `https://localhost:${https.port}/`, secure.port, '+++', true],
    [`socks5h://127.0.0.1:${socks.port}`, `https://localhost:${https.port}/`, socks.port, '-++', true],
    [`socks5://127.0.0.1:${socks.port}`, `http://localhost:${http.port}/`, socks.port, '++-', false],
    [`socks4a://127.0.0.1:${socks.port}`, `http://localhost:${http.port}/`, socks.port, '-+-', false],
  ];
  for (const [proxy, url, port, expected, hasTls] of cases) {
    const client = openClient(t, await trusting({ proxies: proxy }));
    const response = await client.get(url);
    t.is(connecting(response.timings), expected, `${proxy} ${url}`);
    addsUp(t, response);
    t.like(response.peer, { address: '127.0.0.1', port, isReused: false }, `${proxy} ${url}`);
    t.is(response.tls !== null, hasTls, `${proxy} ${url}`);
    const kept = await client.get(url);
    t.is(connecting(kept.timings), expected.replaceAll('+', '0'), `${proxy} ${url}`);
    t.is(kept.peer?.isReused, true);
    t.is(kept.tls !== null, hasTls);
  }
});

onUnixSerially('a unix socket has no peer', async (t) => {
  const socketPath = join(tmpdir(), `whippet-timings-${process.pid}.sock`);
  await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { socketPath });
  const client = openClient(t, { socketPath });
  const response = await client.get('http://localhost/');
  t.is(response.peer, null);
  t.is(connecting(response.timings), '-+-');
  t.is(connecting((await client.get('http://localhost/')).timings), '-0-');
});

test('of the final exchange after redirects, challenges and retries', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/from') return response.writeHead(302, { Location: '/to' }).end();
    return response.end('there');
  });
  const response = await openClient(t).get(`${server.origin}/from`);
  addsUp(t, response);
  addsUp(t, response.history[0]);
  t.is(connecting(response.history[0].timings), '-+-');
  t.is(connecting(response.timings), '-0-');
  t.deepEqual([response.history[0].peer?.isReused, response.peer?.isReused], [false, true]);
});

test('an idle connection that had died is waiting for one that lives', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    await connection.request();
    if (server.received.length === 1) return connection.end();
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const client = openClient(t);
  await client.get(server.url);
  const again = await client.get(server.url);
  t.is(server.received.length, 2);
  t.is(connecting(again.timings), '-+-');
  t.is(again.peer?.isReused, false);
  addsUp(t, again);
});

test('receive is null until the body is read', async (t) => {
  const server = await serve(t, (_, response) => response.end('body'));
  const client = openClient(t);
  await using streamed = await client.stream('GET', server.url);
  t.is(streamed.timings.receive, null);
  addsUp(t, streamed);
  await streamed.read();
  t.is(typeof streamed.timings.receive, 'number');
  addsUp(t, streamed);
  const given = await client.stream('GET', server.url);
  await given.close();
  t.is(given.timings.receive, null);
  addsUp(t, given);
});

test('apps, mocks and responses made by hand', async (t) => {
  const made = new Response(200, { text: 'body' });
  const none = { pool: 0, dns: null, connect: null, tls: null, send: 0, wait: 0, receive: 0 };
  t.deepEqual([made.timings, made.peer, made.tls], [none, null, null]);
  const mocked = await openClient(t, { dispatch: new MockDispatch(() => new Response(200)) }).get('http://a.test/');
  t.deepEqual([mocked.timings, mocked.peer, mocked.tls], [none, null, null]);
  const fetchApp = () => new globalThis.Response('body');
  const nodeApp = createHttpServer((_, response) => void response.end('body'));
  for (const app of [fetchApp, nodeApp]) {
    const client = openClient(t, { app });
    const response = await client.get('/');
    t.deepEqual([response.peer, response.tls], [null, null]);
    t.is(connecting(response.timings), '---');
    addsUp(t, response);
    await using streamed = await client.stream('GET', '/');
    t.is(streamed.timings.receive, null);
    await streamed.read();
    t.is(typeof streamed.timings.receive, 'number');
    addsUp(t, streamed);
  }
});

test('neither inspect() nor JSON shows them', async (t) => {
  const server = await serveTls(t, (_, response) => response.end());
  const response = await openClient(t, await trusting()).get(`https://localhost:${server.port}/`);
  t.not(response.tls, null);
  t.is(inspect(response), '<Response [200 OK]>');
  t.deepEqual(Object.keys(JSON.parse(JSON.stringify(response)) as object).sort(), [
    'headers',
    'httpVersion',
    'reasonPhrase',
    'statusCode',
    'url',
  ]);
});

test('many connections, some of which have gone: each response has the end of its own', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/close') response.setHeader('Connection', 'close');
    response.end(String(request.socket.remotePort));
  });
  const client = openClient(t);
  for (let round = 0; round < 4; round++) {
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, i) => client.get(`${server.origin}/${i % 2 === 0 ? 'close' : 'keep'}`)),
    );
    for (const { peer, text } of responses) t.is(String(peer?.localPort), text);
  }
});

test('a failed exchange: as far as it came', async (t) => {
  const proxy = await serveRaw(t, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  const silent = await serveRaw(t, (connection) => connection.closed);
  const cut = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123', { end: true });
  const secure = await serveTls(t, (_, response) => response.end(), await selfSigned());
  const hole = await blackhole(t);
  const cases: [what: string, url: string, options: ClientOptions, shape: string, port: number | null][] = [
    ['a name that is none', 'http://nowhere.invalid/', {}, '++-----', null],
    ['refused', await refusedOrigin(), {}, '+-+----', null],
    ['no answer to SYN', `http://127.0.0.1:${hole}/`, { timeout: { connect: 50 } }, '+-+----', null],
    ['a certificate', `https://localhost:${secure.port}/`, await trusting(), '++++---', secure.port],
    [
      'TLS that does not come',
      `https://127.0.0.1:${silent.port}/`,
      // As the total below: so long that TCP has its connection by then.
      { timeout: { connect: 1500 } },
      '+-++---',
      silent.port,
    ],
    ['CONNECT', 'https://a.test/', { proxies: proxy.origin }, '+-+----', proxy.port],
    ['no response', silent.url, { timeout: { read: 50 } }, '+-+.++-', silent.port],
    ['no response in time', silent.url, { timeout: { total: 1500 } }, '+-+.++-', silent.port],
    ['a body that ends too soon', cut.url, {}, '+-+.++.', cut.port],
  ];
  for (const [what, url, options, expected, port] of cases) {
    const client = openClient(t, options);
    const error = await failure(client.get(url));
    const found = ofRefusal(error);
    t.regex(found.shape, new RegExp(`^${expected.replaceAll('+', '\\+')}$`), `${what}: ${String(error)}`);
    t.is(found.peer?.port ?? null, port, what);
    if (port !== null) t.is(found.peer?.isReused, false, what);
    t.deepEqual(Object.keys(error).includes('timings'), false, what);
    t.false(inspect(error).includes('receive:'), what);
  }
});

test('a failed exchange: waiting for a connection; one that was there before', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    await connection.closed;
  });
  const client = openClient(t, { poolLimits: { maxConnections: 1 }, timeout: { pool: 50 } });
  await client.get(server.url);
  const [reading, waiting] = await Promise.all([
    failure(client.post(server.url, { timeout: { read: 1000 } })),
    failure(client.get(server.url)),
  ]);
  t.is(reading.name, 'ReadTimeout');
  t.regex(ofRefusal(reading).shape, /^\+-0-.\+-$/);
  t.like((reading as HTTPError).peer, { port: server.port, isReused: true });
  t.is(waiting.name, 'PoolTimeout');
  t.deepEqual(ofRefusal(waiting), { shape: '+------', peer: null });
});

test('a failed exchange: in the middle of a streamed body', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123', { end: true });
  const response = await openClient(t).stream('GET', server.url);
  const error = await failure(response.read());
  t.regex(ofRefusal(error).shape, /^\+-\+-.\+.$/);
  t.like((error as HTTPError).peer, { port: server.port });
});

test('what is no exchange over the network has no timings', async (t) => {
  const client = openClient(t);
  const error = (await failure(client.get('ftp://a.test/'))) as HTTPError;
  t.deepEqual([error.timings, error.peer], [undefined, undefined]);
  t.false('timings' in error);
});
