/** Tunnels: CONNECT, what is inside of them, and what becomes of those that do not open. */
import test from 'ava';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import {
  ConnectError,
  ConnectTimeout,
  DigestAuth,
  HTTPProxy,
  ProxyError,
  ReadTimeout,
  RemoteProtocolError,
} from '../../src/index.js';
import { run } from '../helpers/child.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { serveProxy, serveSocks } from '../helpers/proxy.js';
import type { RawConnection } from '../helpers/server.js';
import { OK, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';
import { folderOf } from '../helpers/files.js';

/** Opens every tunnel, and is the origin in it. */
const tunnel =
  (answer: string, reply = 'HTTP/1.1 200 OK\r\n\r\n') =>
  async (connection: RawConnection): Promise<void> => {
    await connection.head();
    await connection.write(reply);
    for (;;) {
      await connection.request();
      await connection.write(answer);
    }
  };

const CONNECTS: [title: string, url: string, asked: string][] = [
  ['https', 'https://example.com/', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nAccept: */*\r\n\r\n'],
  [
    'with a port',
    'https://example.com:8443',
    'CONNECT example.com:8443 HTTP/1.1\r\nHost: example.com:8443\r\nAccept: */*\r\n\r\n',
  ],
  ['S11 IPv6', 'https://[::1]/', 'CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nAccept: */*\r\n\r\n'],
  [
    'IDN',
    'https://中国.com/',
    'CONNECT xn--fiqs8s.com:443 HTTP/1.1\r\nHost: xn--fiqs8s.com:443\r\nAccept: */*\r\n\r\n',
  ],
  [
    'S5 http, TUNNEL_ONLY',
    'http://example.com/',
    'CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\nAccept: */*\r\n\r\n',
  ],
];

for (const [title, url, asked] of CONNECTS) {
  test(`CONNECT: ${title}`, async (t) => {
    const server = await serveRaw(t, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    const proxies = new HTTPProxy({ proxyUrl: server.url, proxyMode: 'TUNNEL_ONLY' });
    const headers = { cookie: 'secret=1', authorization: 'Bearer secret' };
    const error = await failure(openClient(t, { proxies }).get(url, { headers }));
    t.true(error instanceof ProxyError);
    // SEC-B3: nothing of the request that is to follow.
    t.deepEqual(server.received, [asked]);
  });
}

test('S5 SEC-B3 http through a tunnel is as without one; the origin sees nothing that is for the proxy', async (t) => {
  const server = await serveRaw(t, tunnel('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno'));
  const proxies = new HTTPProxy({
    proxyUrl: `http://u:p@127.0.0.1:${server.port}`,
    proxyMode: 'TUNNEL_ONLY',
    proxyHeaders: { 'X-Proxy': '1' },
  });
  const client = openClient(t, { proxies });
  const headers = { 'Proxy-Authorization': 'Basic own', 'proxy-connection': 'keep-alive', 'X-Own': '1' };
  t.is(told(await client.get('http://example.com/x?y', { headers })), '404 no');
  t.is(
    server.received[0],
    'CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\nAccept: */*\r\n' +
      'Proxy-Authorization: Basic dTpw\r\nX-Proxy: 1\r\n\r\n' +
      'GET /x?y HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n' +
      'Connection: keep-alive\r\nUser-Agent: whippet/0.1.0\r\nX-Own: 1\r\n\r\n',
  );
});

test('https through http and https proxies: one CONNECT for each connection', async (t) => {
  const ca = await testCA();
  const origin = await serveTls(t, (request, response) => request.pipe(response));
  for (const tls of [undefined, await ca.issue()]) {
    const proxy = await serveProxy(t, { tls, authorization: `Basic ${btoa('u:p')}` });
    const client = openClient(t, { proxies: proxy.url.replace('//', '//u:p@'), verify: ca.cert });
    for (let i = 0; i < 5; i++) t.is(told(await client.post(origin.url, { content: `${i}` })), `200 ${i}`);
    const large = Buffer.alloc(1_000_000, 'abcdefg');
    t.true((await client.put(origin.url, { content: large })).content.equals(large));
    t.deepEqual(proxy.tunnels, [`127.0.0.1:${origin.port}`]);
    t.is(String(client.pool), '<Pool 0 active, 0 queued | 1 idle>');
  }
  t.false(JSON.stringify(origin.requests).includes('proxy'));
});

test('the certificate is the origin’s to show, whatever the proxy is', async (t) => {
  const ca = await testCA();
  const wrong = await serveTls(
    t,
    (_, response) => response.end('secret'),
    await ca.issue({ dnsNames: ['other.test'] }),
  );
  const proxy = await serveProxy(t, { tls: await ca.issue() });
  const error = (await failure(openClient(t, { proxies: proxy.url, verify: ca.cert }).get(wrong.url))) as ConnectError;
  t.true(error instanceof ConnectError);
  t.is(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  // It is not the proxy that is at fault.
  t.is(error.proxy, undefined);
  t.is(wrong.requests.length, 0);
});

test('SEC-B8 client certificates: the origin’s through any proxy, the proxy’s for itself', async (t) => {
  const ca = await testCA();
  const mine = await ca.issue({ dnsNames: ['me'] });
  const known = await ca.issue({ dnsNames: ['known to the proxy'] });
  const who = (socket: unknown): string =>
    (socket as TLSSocket).getPeerCertificate().subject?.CN?.toString() ?? 'unnamed';
  const asking = { ...(await ca.issue()), ca: ca.cert, requestCert: true, rejectUnauthorized: false };
  const origin = await serveTls(t, (request, response) => response.end(who(request.socket)), asking);
  const seen: string[] = [];
  const proxy = await serveProxy(t, { tls: asking });
  proxy.server.on('secureConnection', (socket) => seen.push(who(socket)));
  const socks = await serveSocks(t);
  const { cert, key } = known;
  for (const proxies of [
    null,
    proxy.url,
    new HTTPProxy({ proxyUrl: proxy.url, verify: ca.cert, cert: { cert, key } }),
    `socks5://127.0.0.1:${socks.port}`,
  ]) {
    const client = openClient(t, { proxies, verify: ca.cert, cert: { cert: mine.cert, key: mine.key } });
    t.is(told(await client.get(origin.url)), '200 me', String(proxies));
  }
  t.deepEqual(seen, ['unnamed', 'known to the proxy']);
});

test('SEC-B9 what a proxy has issued is not shown to the origin', async (t) => {
  const ca = await testCA();
  const reused: boolean[] = [];
  // The origin takes the proxy's tickets for its own.
  const ticketKeys = randomBytes(48);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    reused.push((request.socket as TLSSocket).isSessionReused());
    response.end('ok');
  };
  const origin = await serveTls(t, answer, { ...(await ca.issue()), ticketKeys });
  const plain = await serve(t, (_, response) => response.end('ok'));
  const proxy = await serveProxy(t, { tls: { ...(await ca.issue()), ticketKeys } });
  const ticket = await new Promise<Buffer>((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: proxy.port, ca: ca.cert });
    socket.on('error', reject).once('session', (session) => {
      resolve(session);
      socket.destroy();
    });
  });
  const isTaken = await new Promise<boolean>((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: origin.port, ca: ca.cert, session: ticket });
    socket.on('error', reject).once('secureConnect', () => {
      resolve(socket.isSessionReused());
      socket.destroy();
    });
  });
  t.true(isTaken);
  const client = openClient(t, { proxies: proxy.url, verify: ca.cert, httpVersions: 'HTTP/1.1' });
  t.is(told(await client.get(plain.url)), '200 ok');
  t.is(told(await client.get(origin.url)), '200 ok');
  t.deepEqual(reused, [false]);
});

test('tunnels are an origin’s, and a proxy’s, and a user’s (SEC-B6)', async (t) => {
  const ca = await testCA();
  const one = await serveTls(t, (_, response) => response.end('1'));
  const two = await serveTls(t, (_, response) => response.end('2'));
  const proxy = await serveProxy(t);
  const of = (user: string): string => proxy.url.replace('//', `//${user}@`);
  const client = openClient(t, { verify: ca.cert, proxies: { all: of('a:1'), 'all://localhost': of('b:1') } });
  for (let i = 0; i < 2; i++) {
    t.is(told(await client.get(one.url)), '200 1');
    t.is(told(await client.get(two.url)), '200 2');
    t.is(told(await client.get(`https://localhost:${one.port}/`)), '200 1');
  }
  t.deepEqual(
    proxy.asked.map(({ target, headers }) => `${target} ${atob(`${headers['proxy-authorization']}`.slice(6))}`),
    [`127.0.0.1:${one.port} a:1`, `127.0.0.1:${two.port} a:1`, `localhost:${one.port} b:1`],
  );
  // Directly it is another connection again.
  t.is(told(await openClient(t, { verify: ca.cert, proxies: null }).get(one.url)), '200 1');
  t.is(one.connections(), 3);
});

test('parallel requests share as many tunnels as there may be connections', async (t) => {
  const ca = await testCA();
  const origin = await serveTls(t, (_, response) => response.end('ok'));
  const proxy = await serveProxy(t);
  const client = openClient(t, {
    proxies: proxy.url,
    verify: ca.cert,
    httpVersions: 'HTTP/1.1',
    poolLimits: { maxConnections: 4 },
  });
  const responses = await Promise.all(Array.from({ length: 100 }, () => client.get(origin.url)));
  t.true(responses.every((response) => response.text === 'ok'));
  t.is(proxy.tunnels.length, 4);
});

// ── replies that open none (SEC-B1) ──

const REFUSALS: [reply: string, message: string, body: string][] = [
  ['HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nsecret', '403 Forbidden', 'secret'],
  [
    'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 3\r\n\r\nwho',
    '407 Proxy Authentication Required',
    'who',
  ],
  ['HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', '502 Bad Gateway', 'abc'],
  ['HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n', '302 Found', ''],
  ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', '101 Switching Protocols', ''],
  ['HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n', '500 Internal Server Error', ''],
  ['HTTP/1.1 300 Multiple Choices\r\nContent-Length: 0\r\n\r\n', '300 Multiple Choices', ''],
  ['HTTP/1.1 304 Not Modified\r\n\r\n', '304 Not Modified', ''],
];

for (const [reply, message, body] of REFUSALS) {
  test(`SEC-B1 SEC-B10 ${message} to CONNECT is a ProxyError, and never the response`, async (t) => {
    const proxy = await serveRaw(t, reply);
    const client = openClient(t, { proxies: `http://user:hunter2@127.0.0.1:${proxy.port}` });
    for (const sent of [client.get('https://a.test/'), client.stream('POST', 'https://a.test/', { json: 1 })]) {
      const error = (await failure(sent)) as ProxyError;
      t.true(error instanceof ProxyError, String(error));
      t.is(reasonOf(error), `ProxyError: ${message} (CONNECT a.test:443 by http://127.0.0.1:${proxy.port})`);
      t.is(error.code, 'ERR_PROXY');
      t.is(error.proxy, `http://127.0.0.1:${proxy.port}`);
      const { request, response } = error;
      t.is(response?.statusCode, Number(message.slice(0, 3)));
      t.is(response?.text, body);
      t.true(response?.isClosed);
      t.is(response?.request, request);
      t.is(request?.method, 'CONNECT');
      t.is(request?.url.fullPath, 'a.test:443');
      t.is(request?.headers.get('host'), 'a.test:443');
      for (const shown of [inspect(error, { depth: 9, showHidden: true }), error.stack, JSON.stringify(error)]) {
        t.false(shown?.includes('hunter2') || shown?.includes(btoa('user:hunter2')));
      }
    }
    await eventually('no connection left', () => client.pool.active === 0 && client.pool.idle === 0);
  });
}

test('a wrong password: 407, asked once', async (t) => {
  const proxy = await serveProxy(t, { authorization: 'Basic none' });
  const error = (await failure(
    openClient(t, { proxies: proxy.url.replace('//', '//u:p@') }).get('https://a.test/'),
  )) as ProxyError;
  t.is(error.response?.statusCode, 407);
  t.is(error.response?.headers.get('proxy-authenticate'), 'Basic realm="proxy"');
  t.is(proxy.asked.length, 1);
});

// ── any 2xx opens one, and its fields mean nothing (SEC-B2) ──

for (const reply of [
  'HTTP/1.1 200 Connection established\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\n',
  'HTTP/1.1 201 Created\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 205 Reset Content\r\n\r\n',
  'HTTP/1.1 299\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
]) {
  test(`SEC-B2 a tunnel is opened by ${JSON.stringify(reply)}`, async (t) => {
    const proxy = await serveRaw(t, tunnel(OK, reply));
    const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: proxy.url, proxyMode: 'TUNNEL_ONLY' }) });
    for (let i = 0; i < 2; i++) t.is(told(await client.get('http://a.test/')), '200 ok');
    t.is(proxy.connections(), 1);
  });
}

for (const [title, rest] of [
  ['bytes', 'hello'],
  ['a response', OK],
]) {
  test(`SEC-B2 ${title} behind the reply’s head are not taken for a response`, async (t) => {
    for (const url of ['https://a.test/', 'http://a.test/']) {
      const proxy = await serveRaw(t, async (connection) => {
        await connection.head();
        await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${rest.length}\r\n\r\n${rest}`);
        await connection.closed;
      });
      const proxies = new HTTPProxy({ proxyUrl: proxy.url, proxyMode: 'TUNNEL_ONLY' });
      const error = await failure(soon('an error', openClient(t, { proxies, verify: false }).get(url)));
      t.true(error instanceof ConnectError || error instanceof RemoteProtocolError, String(error));
    }
  });
}

// ── silence and ends (SEC-B18) ──

test('SEC-B18 a proxy that says nothing after CONNECT: ConnectTimeout', async (t) => {
  const proxy = await serveRaw(t, (connection) => connection.closed);
  const client = openClient(t, { proxies: proxy.url, timeout: { connect: 200, read: null } });
  const error = (await failure(soon('an error', client.get('https://a.test/')))) as ConnectTimeout;
  t.true(error instanceof ConnectTimeout, String(error));
  t.is(
    reasonOf(error),
    `ConnectTimeout: no connection to https://a.test through the proxy http://127.0.0.1:${proxy.port} within 200 ms`,
  );
  t.is(error.proxy, `http://127.0.0.1:${proxy.port}`);
});

test('a proxy that opens a tunnel to nowhere: ConnectTimeout for the handshake, ReadTimeout for the response', async (t) => {
  const proxy = await serveRaw(t, async (connection) => {
    await connection.head();
    await connection.write('HTTP/1.1 200 OK\r\n\r\n');
    await connection.closed;
  });
  const proxies = new HTTPProxy({ proxyUrl: proxy.url, proxyMode: 'TUNNEL_ONLY' });
  const hasty = openClient(t, { proxies, timeout: { connect: 200, read: null } });
  t.true((await failure(soon('an error', hasty.get('https://a.test/')))) instanceof ConnectTimeout);
  const reader = openClient(t, { proxies, timeout: { connect: null, read: 200 } });
  t.true((await failure(soon('an error', reader.get('http://a.test/')))) instanceof ReadTimeout);
});

const ENDS: [title: string, end: (connection: RawConnection) => unknown, message: RegExp][] = [
  [
    'FIN after CONNECT',
    (connection) => connection.end(),
    /closed the connection instead of answering CONNECT a\.test:443$/,
  ],
  [
    'RST after CONNECT',
    (connection) => connection.reset(),
    /did not answer CONNECT a\.test:443|closed the connection instead/,
  ],
  ['half a head', (connection) => connection.end('HTTP/1.1 200 OK\r\nX: '), /closed the connection instead/],
  ['no HTTP', (connection) => connection.write('SSH-2.0-x\r\n'), /sent no valid reply to CONNECT a\.test:443/],
];

for (const [title, end, message] of ENDS) {
  test(`SEC-B18 ${title}: ProxyError at once`, async (t) => {
    const proxy = await serveRaw(t, async (connection) => {
      await connection.head();
      await end(connection);
    });
    const client = openClient(t, { proxies: proxy.url, timeout: null });
    const error = (await failure(soon('an error', client.get('https://a.test/')))) as ProxyError;
    t.true(error instanceof ProxyError, String(error));
    t.regex(error.message, message);
    t.is(error.response, undefined);
    t.is(error.proxy, `http://127.0.0.1:${proxy.port}`);
    t.is(error.request?.method, 'GET');
  });
}

test('an abort while CONNECT is unanswered: the connection ends with the client, if not before', async (t) => {
  const proxy = await serveRaw(t, (connection) => connection.closed);
  const aborter = new AbortController();
  const client = openClient(t, { proxies: proxy.url });
  const sent = failure(client.get('https://a.test/', { signal: aborter.signal }));
  await eventually('CONNECT', () => proxy.received.join('').includes('\r\n\r\n'));
  aborter.abort(new Error('enough'));
  t.is((await sent).message, 'enough');
  await client.close();
  await eventually('a closed connection', () => proxy.openConnections() === 0);
});

// ── Digest ──

test('Digest for CONNECT: the tunnel opens, whatever the body is', async (t) => {
  const ca = await testCA();
  const origin = await serveTls(t, (request, response) => request.pipe(response));
  const proxy = await serveProxy(t, {
    challenge: 'Digest realm="r", nonce="one", qop="auth", algorithm=SHA-256',
    authorization: (given, method, uri) =>
      given.startsWith('Digest username="u"') && method === 'CONNECT' && given.includes(`uri="${uri}"`),
  });
  const auth = new DigestAuth('u', 'p');
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: proxy.url, auth }), verify: ca.cert });
  async function* once(): AsyncGenerator<string> {
    yield 'stream';
  }
  t.is(told(await client.post(origin.url, { content: once() })), '200 stream');
  t.is(told(await client.get(`https://localhost:${origin.port}/`)), '200 ');
  const counts = proxy.asked.map(({ headers }) => /nc=(\d+)/.exec(headers['proxy-authorization'] ?? '')?.[1]);
  // One that was written to a connection which the proxy had just closed is lost.
  t.is(counts.length, 3);
  t.is(counts[0], undefined);
  t.true(Number(counts[1]) < Number(counts[2]), counts.join());
});

// ── the same as without a proxy ──

test('S14 HTTP/2 through a tunnel, by ALPN; many requests over one', async (t) => {
  const { createSecureServer } = await import('node:http2');
  const { listen } = await import('../helpers/listen.js');
  const ca = await testCA();
  const { cert, key } = await ca.issue();
  const server = createSecureServer({ cert, key }, (request, response) => response.end(request.httpVersion));
  const origin = await listen(t, server as never, 'https', []);
  const proxy = await serveProxy(t, { tls: await ca.issue() });
  const client = openClient(t, { proxies: proxy.url, verify: ca.cert });
  const responses = await Promise.all(Array.from({ length: 20 }, () => client.get(origin.url)));
  t.true(responses.every((response) => response.httpVersion === 'HTTP/2' && response.text === '2.0'));
  t.is(proxy.tunnels.length, 1);
});

test('a client that speaks HTTP/2 only takes a tunnel for http, too', async (t) => {
  const { createServer } = await import('node:http2');
  const { listen } = await import('../helpers/listen.js');
  const origin = await listen(t, createServer((_, response) => response.end('h2c')) as never, 'http', []);
  const proxy = await serveProxy(t);
  const client = openClient(t, { proxies: proxy.url, httpVersions: 'HTTP/2' });
  t.is(told(await client.get(origin.url)), '200 h2c');
  t.deepEqual(proxy.tunnels, [`127.0.0.1:${origin.port}`]);
});

test('a tunnel that died while it was idle is replaced', async (t) => {
  const proxy = await serveRaw(t, async (connection) => {
    await connection.head();
    await connection.write('HTTP/1.1 200 OK\r\n\r\n');
    await connection.request();
    connection.end(OK);
  });
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: proxy.url, proxyMode: 'TUNNEL_ONLY' }) });
  for (let i = 0; i < 3; i++) t.is(told(await client.get('http://a.test/')), '200 ok');
  t.is(proxy.connections(), 3);
});

test('SEC-C5 a mixture: http and https to the same host, forwarded and tunnelled, over connections of their own', async (t) => {
  const ca = await testCA();
  const plain = await serve(t, (_, response) => response.end('plain'));
  const secure = await serveTls(t, (_, response) => response.end('secure'));
  const proxy = await serveProxy(t);
  const client = openClient(t, { proxies: proxy.url, verify: ca.cert });
  for (let i = 0; i < 2; i++) {
    t.is(told(await client.get(plain.url)), '200 plain');
    t.is(told(await client.get(secure.url)), '200 secure');
  }
  t.is(proxy.connections(), 2);
});

test('SEC-B17 a unix socket is not reached by way of a proxy, wherever one is named', async (t) => {
  const { createServer } = await import('node:http');
  const folder = folderOf(t);
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end('ok');
  });
  const socketPath = `${folder}/socket`;
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy = await serveRaw(t, OK);
  const client = openClient(t, { socketPath, proxies: proxy.url });
  t.is(told(await client.get('http://a.test/x')), '200 ok');
  t.deepEqual(seen, ['GET /x']);
  // Nor where the environment names one: a process of its own, as the others of this file have none.
  const program = `
    for (const name of ['http_proxy', 'all_proxy']) process.env[name] = args.proxy;
    const client = new whippet.Client({ socketPath: args.socketPath });
    console.log((await client.get('http://b.test/y')).text);
    await client.close();
  `;
  t.is(await run(t, program, { socketPath, proxy: proxy.url }), 'ok\n');
  t.deepEqual(seen, ['GET /x', 'GET /y']);
  t.is(proxy.connections(), 0);
});

// ── redirects: the proxy is chosen anew ──

test('S24 SEC-B4 a redirect from http to https takes the other proxy, which learns nothing of the first', async (t) => {
  const ca = await testCA();
  const secure = await serveTls(t, (_, response) => response.end('there'));
  const plain = await serve(t, (_, response) => response.writeHead(302, { location: secure.url }).end());
  const [one, two] = [await serveProxy(t), await serveProxy(t)];
  const given = { http: one.url.replace('//', '//user:secret@'), https: two.url };
  process.env.http_proxy = given.http;
  process.env.https_proxy = given.https;
  const byEnvironment = openClient(t, { verify: ca.cert });
  delete process.env.http_proxy;
  delete process.env.https_proxy;
  for (const client of [openClient(t, { proxies: given, verify: ca.cert }), byEnvironment]) {
    const response = await client.get(plain.url, { headers: { 'Proxy-Authorization': 'Basic own' } });
    t.is(told(response), '200 there');
    t.is(response.history.length, 1);
  }
  t.is(one.asked.length, 2);
  t.is(two.tunnels.length, 2);
  t.false(JSON.stringify(two.asked).toLowerCase().includes('authorization'));
  t.false(JSON.stringify(secure.requests).toLowerCase().includes('authorization'));
});

test('a redirect to a host that is reached directly', async (t) => {
  const there = await serve(t, (_, response) => response.end('there'));
  const proxy = await serveRaw(t, `HTTP/1.1 302 Found\r\nLocation: ${there.url}\r\nContent-Length: 0\r\n\r\n`);
  const client = openClient(t, { proxies: { all: proxy.url, [`all://127.0.0.1:${there.port}`]: null } });
  t.is(told(await client.get('http://a.test/')), '200 there');
  t.is(proxy.received.join('').split('GET ').length - 1, 1);
});
