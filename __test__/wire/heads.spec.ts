/** Heads over HTTP/1.1, byte for byte: what goes out is what was given, and what came in is what is told. */
import test from 'ava';
import { HTTPProxy, ProxyError, RemoteProtocolError, Request } from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { OK, serveRaw } from '../helpers/server.js';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

// ── requests ──

const REQUESTS: [title: string, headers: [string, string][], lines: string][] = [
  [
    'v04 the spelling of names',
    [
      ['SOAPAction', '"urn:x#y"'],
      ['apiKEY', 'a'],
      ['x-lower', 'b'],
      ['X_under-SCORE', ''],
    ],
    'Host: *\r\nSOAPAction: "urn:x#y"\r\napiKEY: a\r\nx-lower: b\r\nX_under-SCORE: \r\n',
  ],
  [
    'v04 a Host of one’s own is first',
    [
      ['X-A', '1'],
      ['hOST', 'other.test'],
    ],
    'hOST: other.test\r\nX-A: 1\r\n',
  ],
  [
    'v04 lines of one name stay where they were put',
    [
      ['X-A', '1'],
      ['B', '2'],
      ['x-a', '3'],
      ['X-A', '4'],
    ],
    'Host: *\r\nX-A: 1\r\nB: 2\r\nx-a: 3\r\nX-A: 4\r\n',
  ],
];

for (const [title, headers, lines] of REQUESTS) {
  test(`a request’s head: ${title}`, async (t) => {
    const server = await serveRaw(t, OK);
    t.is(told(await openClient(t).send(new Request('GET', server.url, { headers }))), '200 ok');
    const host = new URL(server.url).host;
    t.is(server.received[0], `GET / HTTP/1.1\r\n${lines.replace('*', host)}\r\n`);
  });
}

test('a request’s head on a connection that is used again, around bodies of every size', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    for (;;) {
      await connection.head();
      const body = await connection.body();
      await connection.write(`HTTP/1.1 200 OK\r\nX-Length: ${body.length}\r\nContent-Length: 2\r\n\r\nok`);
    }
  });
  const client = openClient(t);
  for (const length of [0, 1, 100, 70_000, 3_000_000, 5]) {
    const headers = { 'x-SIZE': String(length) };
    const response = await client.post(server.url, { content: Buffer.alloc(length, 'x'), headers });
    t.is(response.headers.get('x-length'), String(length));
  }
  t.is(server.received.length, 1);
  t.is(server.received[0].match(/\r\nx-SIZE: \d+\r\n/g)?.length, 6);
});

// ── responses ──

const RESPONSES: [title: string, lines: string, raw: [string, string][]][] = [
  [
    'v24 names, order and repetition',
    'X-Via: 1\r\nETag: "a"\r\nx-VIA: 2\r\n',
    [
      ['X-Via', '1'],
      ['ETag', '"a"'],
      ['x-VIA', '2'],
    ],
  ],
  [
    'v10 a fold is a blank',
    'Content-Security-Policy: default-src a;\r\n  img-src b;\r\n\tfont-src c\r\nX: y\r\n',
    [
      ['Content-Security-Policy', 'default-src a; img-src b; font-src c'],
      ['X', 'y'],
    ],
  ],
  [
    'v10 a fold before the value',
    'WWW-Authenticate:\r\n Digest realm="a",\r\n nonce="b"\r\n',
    [['WWW-Authenticate', 'Digest realm="a", nonce="b"']],
  ],
];

for (const [title, lines, raw] of RESPONSES) {
  for (const pieces of [1, 1000]) {
    test(`a response’s head: ${title}, by ${pieces}`, async (t) => {
      const answer = `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`;
      const server = await serveRaw(t, async (connection) => {
        await connection.head();
        connection.socket.setNoDelay(true);
        for (let at = 0; at < answer.length; at += pieces) await connection.write(answer.slice(at, at + pieces));
      });
      const response = await openClient(t).get(server.url);
      t.is(told(response), '200 ok');
      t.deepEqual(response.headers.raw, [...raw, ['Content-Length', '2']]);
    });
  }
}

test('cookies and redirects work by names in any spelling', async (t) => {
  const first = 'HTTP/1.1 302 Found\r\nSET-cookie: a=b\r\nlOCATION: /next\r\nContent-Length: 0\r\n\r\n';
  const server = await serveRaw(t, [first, OK]);
  t.is(told(await openClient(t).get(server.url)), '200 ok');
  t.regex(server.received[0], /GET \/next HTTP\/1\.1\r\n[^]*\r\nCookie: a=b\r\n/);
});

const REASONS: [line: string, phrase: string][] = [
  ['200 OK', 'OK'],
  ['200 Fine', 'Fine'],
  ['404', 'Not Found'],
  ['413 Payload Too Large', 'Payload Too Large'],
  ['413 Request Entity Too Large', 'Request Entity Too Large'],
  ['416 Range Not Satisfiable', 'Range Not Satisfiable'],
  ['200 Gr\xfcn', 'Gr\xfcn'],
];

for (const [line, phrase] of REASONS) {
  test(`A10 the reason phrase of ${line}`, async (t) => {
    const server = await serveRaw(t, `HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\nok`);
    t.is((await openClient(t).get(server.url)).reasonPhrase, phrase);
  });
}

// ── many lines ──

for (const count of [101, 1000, 1999]) {
  test(`v03 T11 ${count} lines in heads and in trailers`, async (t) => {
    const many = `Set-Cookie: a=b\r\n`.repeat(count);
    const interim = `HTTP/1.1 103 Early Hints\r\n${many}\r\n`;
    const chunked = CHUNKED.replace('\r\n\r\n', `\r\n${many}\r\n`);
    const server = await serveRaw(t, `${interim}${chunked}2\r\nok\r\n0\r\n${'X: y\r\n'.repeat(count)}\r\n`);
    const hints: number[] = [];
    const response = await openClient(t).get(server.url, {
      onInformational: (_, headers) => hints.push(headers.getList('set-cookie').length),
    });
    t.is(told(response), '200 ok');
    t.deepEqual(hints, [count]);
    t.is(response.headers.getList('set-cookie').length, count);
    t.is(response.trailers.getList('x').length, count);
  });
}

const TOO_MANY: [title: string, answer: (lines: string) => string][] = [
  ['a head', (lines) => `HTTP/1.1 200 OK\r\n${lines}\r\n`],
  ['an informational head', (lines) => `HTTP/1.1 103 Early Hints\r\n${lines}\r\n${OK}`],
];

for (const [title, answer] of TOO_MANY) {
  test(`v03 T11 more than 2000 lines in ${title}`, async (t) => {
    const server = await serveRaw(t, answer('a: b\r\n'.repeat(2001)));
    const error = await failure(openClient(t).get(server.url));
    t.true(error instanceof RemoteProtocolError, String(error));
    t.regex(error.message, /more than 2000 header lines/);
  });
}

const TRAILERS: [title: string, section: string, expected: [string, string][] | RegExp][] = [
  ['none', '\r\n', []],
  ['one', 'X-Sum: 1\r\n\r\n', [['X-Sum', '1']]],
  ['names, order and repetition', 'b-B: 1\r\nA: 2\r\nB-b:3 \r\n\r\n', [['b-B', '1'], ['A', '2'], ['B-b', '3']]],
  ['lines that end in LF', 'A: 1\nB: 2\n\n', [['A', '1'], ['B', '2']]],
  ['bytes beyond ASCII', 'A: caf\xe9\r\n\r\n', [['A', 'caf\xe9']]],
  ['what would frame a body', 'Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\n', [['Content-Length', '5'], ['Transfer-Encoding', 'x']]],
  ['too many', `${'a: b\r\n'.repeat(2001)}\r\n`, /more than 2000 lines of trailers/],
  ['too long', `A: ${'x'.repeat(500_000)}\r\n\r\n`, /trailers of more than 409600 bytes/],
  ['no name', ': b\r\n\r\n', /no valid HTTP\/1.1 response: trailers: /],
  ['no colon', 'ab\r\n\r\n', /no valid HTTP\/1.1 response: trailers: /],
  ['a fold', 'A: b\r\n c\r\n\r\n', /no valid HTTP\/1.1 response: trailers: /],
]; // prettier-ignore

for (const [title, section, expected] of TRAILERS) {
  for (const [way, size] of [
    ['at once', Infinity],
    ['in pieces of 7 bytes', 7],
    ['byte by byte', 1],
  ] as const) {
    if (section.length > 1000 && size < 1000) continue;
    test(`T11 trailers, ${title}, ${way}`, async (t) => {
      const whole = `${CHUNKED}2;ext="\r\nok\r\n00\r\n${section}`;
      const server = await serveRaw(t, async (connection) => {
        for (;;) {
          await connection.head();
          for (let at = 0; at < whole.length; at += size) await connection.write(whole.slice(at, at + size));
        }
      });
      const client = openClient(t);
      if (expected instanceof RegExp) {
        const error = await failure(client.get(server.url));
        t.true(error instanceof RemoteProtocolError, String(error));
        t.regex(error.message, expected);
        return;
      }
      for (let i = 0; i < 2; i++) {
        const response = await client.get(server.url);
        t.is(told(response), '200 ok');
        t.deepEqual(response.trailers.raw, expected);
      }
      t.is(server.connections(), 1);
    });
  }
}

test('T11 a response without a body is followed by none, whatever it says of chunks', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const server = await serveRaw(t, [head, head.replace('200 OK', '304 Not Modified'), `${head}0\r\nA: 1\r\n\r\n`]);
  const client = openClient(t);
  t.is((await client.head(server.url)).statusCode, 200);
  t.is((await client.get(server.url)).statusCode, 304);
  t.deepEqual((await client.get(server.url)).trailers.raw, [['A', '1']]);
  t.is(server.connections(), 1);
});

test('T11 trailers that end before their end', async (t) => {
  const server = await serveRaw(t, (connection) => connection.end(`${CHUNKED}2\r\nok\r\n0\r\nA: 1\r\n`));
  const error = await failure(openClient(t).get(server.url));
  t.true(error instanceof RemoteProtocolError, String(error));
  t.regex(error.message, /incomplete chunked read/);
});

test('v03 T11 lines in a reply to CONNECT', async (t) => {
  const reply = (count: number): string =>
    `HTTP/1.1 403 Forbidden\r\n${'a: b\r\n'.repeat(count)}Content-Length: 0\r\n\r\n`;
  for (const [count, message] of [
    [1000, /403 Forbidden/],
    [2000, /more than 2000 header lines/],
  ] as const) {
    const proxy = await serveRaw(t, reply(count));
    const proxies = new HTTPProxy({ proxyUrl: proxy.url, proxyMode: 'TUNNEL_ONLY' });
    const error = await failure(openClient(t, { proxies }).get('http://origin.test/'));
    t.true(error instanceof ProxyError, String(error));
    t.regex(error.message, message);
  }
});

test('the proxy’s headers in CONNECT are spelled as given', async (t) => {
  const proxy = await serveRaw(t, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  const proxyHeaders = { 'x-TEAM': 'blue', aCCept: 'text/x' };
  const proxies = new HTTPProxy({ proxyUrl: proxy.url, proxyMode: 'TUNNEL_ONLY', proxyHeaders });
  await failure(openClient(t, { proxies }).get('http://origin.test/'));
  t.is(
    proxy.received[0],
    'CONNECT origin.test:80 HTTP/1.1\r\nHost: origin.test:80\r\nx-TEAM: blue\r\naCCept: text/x\r\n\r\n',
  );
});
