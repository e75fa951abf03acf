/**
 * Bodies of responses that are not the last of a call: of a redirect, a challenge, a status that is tried again. Whatever is wrong
 * with them does not matter; a small one that is there keeps its connection.
 */
import test, { type ExecutionContext } from 'ava';
import { gzipSync } from 'node:zlib';
import { type ClientOptions, DecodingError, DigestAuth, type Response, TotalTimeout } from '../../src/index.js';
import { eventually, failure, openClient, soon, told } from '../helpers/client.js';
import { type Fields, END_STREAM, type Http2Peer, serveHttp2 } from '../helpers/raw-http2.js';
import { type RawConnection, type RawServer, serveRaw } from '../helpers/server.js';

/** What stands behind the head's first lines: fields, the empty line, the body; and what becomes of the connection. */
type Unwanted = [title: string, rest: string, then?: (connection: RawConnection) => unknown];

const bomb = gzipSync(Buffer.alloc(32 << 20)).toString('latin1');

const BODIES: Unwanted[] = [
  ['says gzip and is not', 'Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain'],
  ['is gzip that is cut', `Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n${bomb.slice(0, 20)}`],
  ['has six codings', `Content-Encoding: ${'gzip,'.repeat(6)}\r\nContent-Length: 2\r\n\r\nok`],
  ['is cut', 'Content-Length: 100\r\n\r\ncut', (connection) => connection.end()],
  ['is reset', 'Content-Length: 100\r\n\r\ncut', (connection) => connection.reset()],
  ['is not chunked as it says', 'Transfer-Encoding: chunked\r\n\r\nno chunk\r\n'],
  ['ends in the middle of a chunk', 'Transfer-Encoding: chunked\r\n\r\n5\r\nab', (connection) => connection.end()],
  ['never comes', 'Content-Length: 100\r\n\r\n', (connection) => connection.closed],
  ['drips', 'Transfer-Encoding: chunked\r\n\r\n', drip],
  ['has no end', 'Transfer-Encoding: chunked\r\n\r\n', flood],
  ['is as long as the connection', '\r\n', flood],
  ['declares to be too large', 'Content-Length: 9999999\r\n\r\n', (connection) => connection.closed],
  ['is a bomb', `Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n${bomb}`],
];

async function drip(connection: RawConnection): Promise<void> {
  for (;;) {
    await connection.write('1\r\nx\r\n');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function flood(connection: RawConnection): Promise<void> {
  for (;;) await connection.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`);
}

/** What makes the body unwanted: the head, and the options by which the call goes on. */
const CASES: [title: string, head: string, options: ClientOptions][] = [
  ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: /home\r\n', {}],
  ['a permanent redirect', 'HTTP/1.1 308 Permanent Redirect\r\nLocation: /home\r\n', {}],
  [
    'a challenge',
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n',
    { auth: new DigestAuth('user', 'password') },
  ],
  [
    'an answer that is tried again',
    'HTTP/1.1 503 Service Unavailable\r\n',
    { retries: { limit: 1, backoff: () => 0 } },
  ],
];

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhome';

/** The first request gets `head` and `rest`, every other one OK. */
function serveFirst(t: ExecutionContext, head: string, [, rest, then]: Unwanted): Promise<RawServer> {
  let isFirst = true;
  return serveRaw(t, async (connection) => {
    for (;;) {
      await connection.request();
      if (!isFirst) {
        await connection.write(OK);
        continue;
      }
      isFirst = false;
      await connection.write(head + rest);
      await then?.(connection);
    }
  });
}

for (const [what, head, options] of CASES) {
  for (const body of BODIES) {
    test(`${what} whose body ${body[0]}`, async (t) => {
      const hooks = { request: [], response: [] as ((response: Response) => void)[] };
      const ways: [string, ClientOptions, boolean][] = [
        ['get', {}, false],
        ['stream', {}, true],
        ['get with a hook', { eventHooks: { ...hooks, response: [() => {}] } }, false],
        ['get with a limit', { maxResponseSize: 100 }, false],
      ];
      for (const [name, more, streams] of ways) {
        const server = await serveFirst(t, head, body);
        const client = openClient(t, { timeout: 4000, ...options, ...more });
        const call = streams ? client.stream('GET', server.url) : client.get(server.url);
        const response = await soon(name, call);
        await response.read();
        t.is(told(response), '200 home', name);
        await eventually('nothing is held', () => client.pool.active === 0);
      }
    });
  }
}

test('a small body keeps its connection, and can be read in the history as it came', async (t) => {
  for (const [what, head, options] of CASES) {
    const server = await serveFirst(t, head, ['', 'Content-Length: 4\r\n\r\ngone']);
    const response = await openClient(t, options).get(server.url);
    t.is(told(response), '200 home');
    t.deepEqual([what, server.received.length], [what, 1]);
    if (!('retries' in options)) t.is(response.history[0].text, 'gone');
  }
});

test('64 KiB are read for the connection’s sake, one byte more is not', async (t) => {
  for (const [length, connections] of [
    [65_536, 1],
    [65_537, 2],
  ]) {
    for (const framed of [
      `Content-Length: ${length}\r\n\r\n${'x'.repeat(length)}`,
      `Transfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n\r\n`,
    ]) {
      const server = await serveFirst(t, CASES[0][1], ['', framed]);
      t.is(told(await openClient(t).get(server.url)), '200 home');
      t.is(server.received.length, connections, framed.slice(0, 30));
    }
  }
});

test('a coded body of the history is not decoded', async (t) => {
  const body = gzipSync('gone').toString('latin1');
  const coded = `Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const server = await serveFirst(t, CASES[0][1], ['', coded]);
  const { history } = await openClient(t).get(server.url);
  t.is(server.received.length, 1);
  t.true(history[0].isClosed);
  t.throws(() => history[0].content, { code: 'ERR_RESPONSE_NOT_READ' });
});

test('what is not followed, answered or tried again is wanted: its faults are the call’s', async (t) => {
  const undecodable: Unwanted = ['', 'Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain'];
  const calls: [head: string, options: ClientOptions][] = [
    [CASES[0][1], { followRedirects: false }],
    ['HTTP/1.1 302 Found\r\n', {}],
    [CASES[2][1], {}],
    [CASES[3][1], {}],
    ['HTTP/1.1 404 Not Found\r\n', { retries: 3, auth: new DigestAuth('user', 'password') }],
    ['HTTP/1.1 200 OK\r\n', { retries: 3, auth: new DigestAuth('user', 'password') }],
  ];
  for (const [head, options] of calls) {
    const server = await serveFirst(t, head, undecodable);
    const error = await failure(openClient(t, options).get(server.url));
    t.true(error instanceof DecodingError, `${head}: ${String(error)}`);
    const { response } = error as DecodingError;
    t.is(response?.statusCode, Number(head.slice(9, 12)), head);
    t.is(response?.headers.get('content-encoding'), 'gzip');
    t.is(server.received.length, 1);
  }
});

test('retries: the last answer’s body is read within its attempt', async (t) => {
  let asked = 0;
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    // Cut, of a status that is not tried again as such.
    if (++asked === 1) return connection.end('HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\ncut');
    await connection.write('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone');
  });
  const client = openClient(t, { retries: { limit: 1, backoff: () => 0 } });
  t.is(told(await client.get(server.url)), '404 none');
  t.is(asked, 2);
});

test('total counts while such a body is given up', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9\r\n\r\n');
    await connection.closed;
  });
  const error = await failure(soon('an end', openClient(t, { timeout: { total: 100 } }).get(server.url)));
  t.true(error instanceof TotalTimeout, String(error));
});

const RESETS: [title: string, play: (peer: Http2Peer, stream: number) => Promise<unknown>][] = [
  ['is reset', (peer, stream) => peer.reset(stream, 2)],
  ['never comes', async () => {}],
  ['is shorter than declared', (peer, stream) => peer.data(stream, 'cut', END_STREAM)],
];

for (const [title, play] of RESETS) {
  test(`HTTP/2: a redirect whose body ${title}`, async (t) => {
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      const first = await peer.request();
      const found: Fields = [
        [':status', '302'],
        ['location', '/home'],
        ['content-length', '9'],
      ];
      await peer.headers(first, found);
      await play(peer, first);
      await peer.answer(await peer.request(), 'home');
    });
    const client = openClient(t, { httpVersions: 'HTTP/2', timeout: 4000 });
    t.is(told(await soon('an answer', client.get(server.url))), '200 home');
    t.is(server.received.length, 1);
  });
}
