/** HTTP/2 as a user sees it, against Node's own server: who chooses, what is shared, what is the same as over HTTP/1.1. */
import test, { type ExecutionContext } from 'ava';
import { createSecureServer, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { IncomingHttpHeaders, SecureServerOptions } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  ConnectError,
  ConnectTimeout,
  LocalProtocolError,
  ReadTimeout,
  TotalTimeout,
  WriteTimeout,
} from '../../src/index.js';
import type { Client, ClientOptions, HTTPError, HTTPVersion } from '../../src/index.js';
import { eventually, failure, openClient, soon, told } from '../helpers/client.js';
import { listen, type Listening } from '../helpers/listen.js';
import { Http2Peer } from '../helpers/raw-http2.js';
import { type RawConnection, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => unknown;

interface Http2Server extends Listening {
  readonly sessions: readonly ServerHttp2Session[];
}

const echo: Handler = (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end(headers[':path']);
};

async function serveHttp2(
  t: ExecutionContext,
  handler: Handler = echo,
  options: SecureServerOptions = {},
): Promise<Http2Server> {
  const ca = await testCA();
  const { cert, key } = await ca.issue();
  const server = createSecureServer({ cert, key, allowHTTP1: true, ...options });
  return watch(t, server, handler, 'https');
}

async function watch(
  t: ExecutionContext,
  server: ReturnType<typeof createSecureServer> | ReturnType<typeof createServer>,
  handler: Handler,
  scheme: string,
): Promise<Http2Server> {
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', () => {});
    sessions.push(session);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    handler(stream, headers);
  });
  server.on('sessionError', () => {});
  const { connectionOf: _, ...listening } = await listen(t, server as never, scheme, []);
  t.teardown(() => sessions.forEach((session) => session.destroy()));
  return { ...listening, sessions };
}

async function open(t: ExecutionContext, options?: ClientOptions): Promise<Client> {
  return openClient(t, { verify: (await testCA()).cert, ...options });
}

// ── who chooses ──

const CHOICES: [
  httpVersions: ClientOptions['httpVersions'],
  server: string[] | undefined,
  outcome: HTTPVersion | RegExp,
][] = [
  [undefined, ['h2', 'http/1.1'], 'HTTP/2'],
  [undefined, ['http/1.1', 'h2'], 'HTTP/1.1'],
  [undefined, ['h2'], 'HTTP/2'],
  [undefined, ['http/1.1'], 'HTTP/1.1'],
  [['HTTP/1.1', 'HTTP/2'], ['h2', 'http/1.1'], 'HTTP/2'],
  ['HTTP/1.1', ['h2', 'http/1.1'], 'HTTP/1.1'],
  ['HTTP/2', ['h2', 'http/1.1'], 'HTTP/2'],
  ['HTTP/2', ['http/1.1'], /speaks none of the versions that httpVersions allows/],
  [['HTTP/1.1'], ['h2'], /speaks none of the versions that httpVersions allows/],
  [undefined, undefined, 'HTTP/1.1'],
  [['HTTP/2'], undefined, /did not agree to HTTP\/2 by ALPN \(it chose nothing\)/],
];

/** Over TLS; without ALPNProtocols it knows nothing of ALPN. */
async function serveAlpn(t: ExecutionContext, ALPNProtocols?: string[]): Promise<Listening> {
  const identity = await (await testCA()).issue();
  const script = async (connection: RawConnection): Promise<void> => {
    if ((connection.socket as TLSSocket).alpnProtocol !== 'h2') {
      for (;;) {
        await connection.request();
        await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    }
    await connection.body(24);
    const peer = new Http2Peer(connection);
    await peer.settings();
    for (;;) await peer.answer(await peer.request());
  };
  return serveRaw(t, script, { tls: { ...identity, ALPNProtocols } });
}

for (const [httpVersions, ALPNProtocols, outcome] of CHOICES) {
  const outcomeName = typeof outcome === 'string' ? outcome : 'an error that names ALPN';
  const speaks = ALPNProtocols?.join(', ') ?? 'no ALPN';
  test(`${String(httpVersions ?? 'default')} and a server of ${speaks}: ${outcomeName}`, async (t) => {
    const server = await serveAlpn(t, ALPNProtocols);
    const client = await open(t, { httpVersions });
    if (typeof outcome === 'string') {
      const response = await client.get(server.url);
      t.deepEqual([told(response), response.httpVersion], ['200 ok', outcome]);
    } else {
      const error = (await failure(client.get(server.url))) as HTTPError;
      t.true(error instanceof ConnectError);
      t.regex(error.message, outcome);
      t.regex(error.message, /ALPN/);
      t.is(error.code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    }
  });
}

test('http: HTTP/1.1, and HTTP/2 by prior knowledge when nothing else is allowed', async (t) => {
  const h1 = await serve(t, (_, response) => response.end('one'));
  t.is((await openClient(t).get(h1.url)).httpVersion, 'HTTP/1.1');
  const h2 = await watch(t, createServer(), echo, 'http');
  const response = await openClient(t, { httpVersions: 'HTTP/2' }).get(`${h2.origin}/known`);
  t.deepEqual([told(response), response.httpVersion], ['200 /known', 'HTTP/2']);
});

// ── what goes over the wire ──

test('the pseudo-headers are the URL’s, and nothing is said of the connection', async (t) => {
  let seen: IncomingHttpHeaders = {};
  const server = await serveHttp2(t, (stream, headers) => {
    seen = headers;
    echo(stream, headers);
  });
  const client = await open(t);
  const headers = {
    Connection: 'keep-alive, X-Hop',
    'X-Hop': '1',
    'Keep-Alive': '5',
    'Proxy-Connection': 'x',
    TE: 'gzip',
    'X-Own': 'é',
  };
  await client.post(`${server.origin}/a%20b?c=d#e`, { headers, content: 'abc' });
  t.like(seen, { ':method': 'POST', ':scheme': 'https', ':path': '/a%20b?c=d', 'content-length': '3', 'x-own': 'é' });
  t.is(seen[':authority'], `127.0.0.1:${server.port}`);
  for (const name of ['host', 'connection', 'x-hop', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding']) {
    t.false(name in seen, name);
  }
});

test('a Host header becomes :authority, TE: trailers may stay, and a stream has no Transfer-Encoding', async (t) => {
  let seen: IncomingHttpHeaders = {};
  const server = await serveHttp2(t, (stream, headers) => {
    seen = headers;
    echo(stream, headers);
  });
  const client = await open(t);
  await client.post(server.url, { headers: { Host: 'other.test', TE: 'trailers' }, content: pieces(2, 10) });
  t.like(seen, { ':authority': 'other.test', te: 'trailers' });
  t.false('transfer-encoding' in seen);
});

test('OPTIONS * is asterisk-form in :path', async (t) => {
  const server = await serveHttp2(t);
  const client = await open(t);
  const request = client.buildRequest('OPTIONS', server.url);
  request.url.fullPath = '*';
  t.is(told(await client.send(request)), '200 *');
});

test('a header section of 200 KiB arrives', async (t) => {
  const server = await serveHttp2(
    t,
    (stream) => {
      stream.respond(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`x-${i}`, 'v'.repeat(4_000)])));
      stream.end();
    },
    { maxSendHeaderBlockLength: 1 << 20 },
  );
  const response = await (await open(t)).get(server.url);
  t.is(response.headers.get('x-49')?.length, 4_000);
});

// ── sharing ──

test('twenty requests at once make one connection', async (t) => {
  const server = await serveHttp2(t);
  const client = await open(t);
  const responses = await Promise.all(Array.from({ length: 20 }, (_, i) => client.get(`${server.origin}/${i}`)));
  t.deepEqual(
    responses.map((response) => response.text),
    Array.from({ length: 20 }, (_, i) => `/${i}`),
  );
  t.is(server.connections(), 1);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 1 idle>');
});

test('twenty requests at once to a server of HTTP/1.1 make twenty', async (t) => {
  let together = 0;
  const server = await serveTls(t, async (_, response) => {
    together += 1;
    await eventually('all are there', () => together === 20);
    response.end('ok');
  });
  const client = await open(t);
  await Promise.all(Array.from({ length: 20 }, () => client.get(server.url)));
  t.is(server.connections(), 20);
});

test('when the streams are used up there is another connection', async (t) => {
  const waiting: (() => void)[] = [];
  const server = await serveHttp2(
    t,
    (stream, headers) =>
      headers[':path'] === '/first' ? echo(stream, headers) : waiting.push(() => echo(stream, headers)),
    { settings: { maxConcurrentStreams: 3 } },
  );
  const client = await open(t);
  await client.get(`${server.origin}/first`);
  const sent = Array.from({ length: 7 }, (_, i) => client.get(`${server.origin}/${i}`));
  await eventually('all seven are there', () => waiting.length === 7);
  t.is(server.connections(), 3);
  t.is(String(client.pool), '<Pool 3 active, 0 queued | 0 idle>');
  for (const answer of waiting) answer();
  t.deepEqual(
    (await Promise.all(sent)).map((response) => response.statusCode),
    Array(7).fill(200),
  );
});

test('connections are limited, not streams: what has no stream waits', async (t) => {
  const waiting: (() => void)[] = [];
  const server = await serveHttp2(t, (stream, headers) => waiting.push(() => echo(stream, headers)), {
    settings: { maxConcurrentStreams: 2 },
  });
  const client = await open(t, { poolLimits: { maxConnections: 1 } });
  const sent = Array.from({ length: 5 }, (_, i) => client.get(`${server.origin}/${i}`));
  for (let answered = 0; answered < 5; answered++) {
    await eventually('the next one is there', () => waiting.length > answered);
    t.true(waiting.length <= answered + 2);
    waiting[answered]();
  }
  await Promise.all(sent);
  t.is(server.connections(), 1);
});

test('the first connection fails: so do those who waited for it, and the next request tries again', async (t) => {
  const server = await serveHttp2(t);
  const client = openClient(t);
  const errors = await Promise.all(Array.from({ length: 5 }, () => failure(client.get(server.url))));
  t.true(
    errors.every((error) => error instanceof ConnectError),
    errors.join('\n'),
  );
  t.is(client.pool.active + client.pool.queued, 0);
});

test('after a connection that failed, twenty requests at once make one', async (t) => {
  const ca = await testCA();
  const server = createSecureServer({ ...(await ca.issue()) });
  server.on('stream', (stream: ServerHttp2Stream, headers) => echo(stream, headers));
  let accepted = 0;
  const front = createTcpServer((socket) => {
    socket.on('error', () => {});
    if (++accepted === 1) socket.destroy();
    else setTimeout(() => server.emit('connection', socket), 50);
  });
  const { port } = await listen(t, front, 'https', []);
  const client = openClient(t, { verify: ca.cert });
  t.true((await failure(client.get(`https://localhost:${port}`))) instanceof ConnectError);
  const before = accepted;
  await Promise.all(Array.from({ length: 20 }, () => client.get(`https://localhost:${port}`)));
  t.is(accepted - before, 1);
});

test('who waited for another’s connection has the rest of the connect timeout for its own', async (t) => {
  let accepted = 0;
  const { port } = await listen(
    t,
    createTcpServer((socket) => {
      socket.on('error', () => {});
      accepted++;
    }),
    'https',
    [],
  );
  const client = openClient(t, { verify: false });
  const url = `https://127.0.0.1:${port}`;
  const first = failure(client.get(url, { timeout: { connect: 1_500 } }));
  await eventually('the first connects', () => accepted === 1);
  const second = failure(client.get(url, { timeout: { connect: 2_000 } }));
  const marker = failure(client.get(`https://127.0.0.1:${port}`, { timeout: { connect: null, total: 2_700 } }));
  t.true((await first) instanceof ConnectTimeout);
  // Both began with the first: the rest of 2,000 ms is over before 2,700 ms are, the whole of it would not be.
  t.is(await Promise.race([second.then(() => 'second'), marker.then(() => 'marker')]), 'second');
  t.true((await second) instanceof ConnectTimeout);
  await marker;
});

test('an unread body does not keep the others from coming', async (t) => {
  const server = await serveHttp2(
    t,
    (stream, headers) => {
      if (headers[':path'] === '/small') return echo(stream, headers);
      stream.respond();
      stream.end(Buffer.alloc(4 << 20));
    },
    { maxSessionMemory: 1_000 },
  );
  const client = await open(t);
  const paused = await Promise.all(Array.from({ length: 12 }, () => client.stream('GET', `${server.origin}/large`)));
  for (let i = 0; i < 100; i++)
    t.is(told(await soon('a response', client.get(`${server.origin}/small`))), '200 /small');
  // And they are not lost.
  t.deepEqual(
    [...new Set((await Promise.all(paused.map((response) => response.read()))).map((body) => body.length))],
    [4 << 20],
  );
  t.is(server.connections(), 1);
});

test('closing the client ends the connection with GOAWAY, after the responses', async (t) => {
  let release: (() => void) | undefined;
  const server = await serveHttp2(t, (stream, headers) => (release = () => echo(stream, headers)));
  const client = await open(t);
  const sent = client.get(server.url);
  await eventually('the request is there', () => release !== undefined);
  const goodbye = new Promise((resolve) => server.sessions[0].once('goaway', resolve));
  await client.close();
  release?.();
  t.is(told(await sent), '200 /');
  t.is(await soon('GOAWAY', goodbye), 0);
  await eventually('the connection is closed', () => server.openConnections() === 0);
});

test('an idle connection expires', async (t) => {
  const server = await serveHttp2(t);
  const client = await open(t, { poolLimits: { keepaliveExpiry: 50 } });
  await client.get(server.url);
  await eventually('it is closed', () => server.openConnections() === 0 && client.pool.idle === 0);
  await client.get(server.url);
  t.is(server.connections(), 2);
});

test('maxKeepaliveConnections: 0 closes a connection when its last response ends', async (t) => {
  const server = await serveHttp2(t);
  const client = await open(t, { poolLimits: { maxKeepaliveConnections: 0 } });
  await client.get(server.url);
  await eventually('it is closed', () => server.openConnections() === 0);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 0 idle>');
});

// ── h1 and h2 alike ──

test('informational responses and trailers', async (t) => {
  const server = await serveHttp2(t, (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc' }));
    stream.end('body');
  });
  const client = await open(t);
  const hints: unknown[] = [];
  const onInformational = (status: number, headers: { get(name: string): string | undefined }): unknown =>
    hints.push([status, headers.get('link')]);
  const response = await client.get(server.url, { onInformational });
  t.deepEqual([told(response), response.trailers.get('x-sum'), hints], ['200 body', 'abc', [[103, '</a.css>']]]);
  const streamed = await client.stream('GET', server.url);
  t.is((await streamed.read()).toString(), 'body');
  t.is(streamed.trailers.get('x-sum'), 'abc');
});

for (const size of [0, 1, 16_384, 16_385, 70_000, 8 << 20]) {
  test(`an upload of ${size} bytes, at once and in pieces, comes back`, async (t) => {
    const server = await serveHttp2(t, (stream) => {
      stream.respond();
      stream.pipe(stream);
    });
    const client = await open(t);
    const content = Buffer.alloc(size, 'abcdefghij');
    t.true((await client.post(server.url, { content })).content.equals(content));
    const inPieces = async function* (): AsyncGenerator<Buffer> {
      for (let at = 0; at < size; at += 100_000) yield content.subarray(at, at + 100_000);
    };
    t.true((await client.put(server.url, { content: inPieces() })).content.equals(content));
    t.is(server.connections(), 1);
  });
}

test('an early final response stops the upload; the connection goes on', async (t) => {
  const server = await serveHttp2(t, (stream, headers) => {
    if (headers[':method'] === 'GET') return echo(stream, headers);
    stream.respond({ ':status': 413 });
    stream.end('too much');
  });
  const client = await open(t);
  let returned = false;
  const endless = async function* (): AsyncGenerator<Buffer> {
    try {
      for (;;) yield Buffer.alloc(65_536);
    } finally {
      returned = true;
    }
  };
  t.is(told(await soon('a response', client.post(server.url, { content: endless() }))), '413 too much');
  await eventually('the source is closed', () => returned);
  t.is(told(await client.get(server.url)), '200 /');
  t.is(server.connections(), 1);
});

test('a body that is shorter than it says is an error of its request alone', async (t) => {
  const server = await serveHttp2(t, (stream, headers) =>
    headers[':method'] === 'GET' ? echo(stream, headers) : stream.resume(),
  );
  const client = await open(t);
  const content = pieces(2, 10);
  const error = await soon(
    'an error',
    failure(client.post(server.url, { content, headers: { 'Content-Length': '30' } })),
  );
  t.true(error instanceof LocalProtocolError, String(error));
  t.is(told(await client.get(server.url)), '200 /');
  t.is(server.connections(), 1);
});

test('the source of an upload that throws rejects the request with its own error', async (t) => {
  const server = await serveHttp2(t, (stream) => stream.resume());
  const client = await open(t);
  const own = new Error('mine');
  const content = (async function* () {
    yield Buffer.alloc(10);
    throw own;
  })();
  t.is(await soon('an error', failure(client.post(server.url, { content }))), own);
});

const never: Handler = (stream) => stream.resume();
const halfway: Handler = (stream) => {
  stream.respond();
  stream.write('half');
};

const TIMEOUTS: [name: string, handler: Handler, timeout: object, kind: typeof HTTPError, upload?: boolean][] = [
  ['no head', never, { read: 60 }, ReadTimeout],
  ['half a body', halfway, { read: 60 }, ReadTimeout],
  ['no head, in all', never, { read: null, total: 60 }, TotalTimeout],
  ['half a body, in all', halfway, { read: null, total: 60 }, TotalTimeout],
  ['an upload that the server does not read', () => {}, { read: null, write: 60 }, WriteTimeout, true],
];

for (const [name, handler, timeout, kind, upload = false] of TIMEOUTS) {
  test(`timeout: ${name}; another request on the connection goes on`, async (t) => {
    let answer: (() => void) | undefined;
    const server = await serveHttp2(t, (stream, headers) => {
      if (headers[':path'] === '/other') answer = () => echo(stream, headers);
      else handler(stream, headers);
    });
    const client = await open(t, { timeout: null });
    const other = client.get(`${server.origin}/other`);
    await eventually('the other one is there', () => answer !== undefined);
    const sent = upload
      ? client.post(server.url, { content: Buffer.alloc(4 << 20), timeout })
      : client.get(server.url, { timeout });
    const error = await soon('a timeout', failure(sent));
    t.true(error instanceof kind, String(error));
    t.true(error.message.includes('60 ms'), error.message);
    answer?.();
    t.is(told(await other), '200 /other');
    t.is(server.connections(), 1);
  });
}

test('signal: the stream is reset with CANCEL, the reason is the caller’s, the connection goes on', async (t) => {
  const codes: number[] = [];
  let arrived = 0;
  const server = await serveHttp2(t, (stream, headers) => {
    if (headers[':path'] === '/other') return echo(stream, headers);
    arrived += 1;
    stream.on('close', () => codes.push(stream.rstCode));
    if (headers[':path'] === '/half') halfway(stream, headers);
  });
  const client = await open(t);
  for (const [i, path] of ['/never', '/half'].entries()) {
    const controller = new AbortController();
    const sent = client.get(server.origin + path, { signal: controller.signal });
    await eventually('it is there', () => arrived > i);
    controller.abort(path);
    t.is(await sent.catch((reason: unknown) => reason), path);
  }
  await eventually('both streams are closed', () => codes.length === 2);
  t.deepEqual(codes, [8, 8]);
  t.is(told(await client.get(`${server.origin}/other`)), '200 /other');
  t.is(server.connections(), 1);
});

test('SEC-K9 HEAD and 204 have no body; maxResponseSize and decoding count as ever', async (t) => {
  const server = await serveHttp2(t, (stream, headers) => {
    const status = headers[':path'] === '/empty' ? 204 : 200;
    const length = status === 200 ? { 'content-length': 4 } : {};
    stream.respond({ ':status': status, ...length }, { endStream: status === 204 || headers[':method'] === 'HEAD' });
    if (!stream.writableEnded) stream.end('four');
  });
  const client = await open(t, { maxResponseSize: 3 });
  const head = await client.head(server.url);
  t.deepEqual([told(head), head.headers.get('content-length')], ['200 ', '4']);
  t.is(told(await client.get(`${server.origin}/empty`)), '204 ');
  t.is((await failure(client.get(server.url))).name, 'ResponseTooLarge');
  t.is(server.connections(), 1);
});

async function* pieces(count: number, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(size);
}
