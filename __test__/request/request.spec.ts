/** A request made by hand: its head, its body, what may be changed, and what is shown of it. */
import test from 'ava';
import { inspect } from 'node:util';
import { LocalProtocolError, Request, RequestNotRead, StreamConsumed, type RequestParts } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

const HEADS: [title: string, method: string, url: string, init: RequestParts, headers: [string, string][]][] = [
  [
    'F4 POST',
    'POST',
    'http://example.org/',
    {},
    [
      ['Host', 'example.org'],
      ['Content-Length', '0'],
    ],
  ],
  ['GET', 'GET', 'http://example.org/', {}, [['Host', 'example.org']]],
  [
    'F10 bytes',
    'POST',
    'http://example.org/',
    { content: 'Hello, world!' },
    [
      ['Host', 'example.org'],
      ['Content-Length', '13'],
    ],
  ],
  [
    'F9 a generator',
    'POST',
    'http://example.org/',
    { content: pieces() },
    [
      ['Host', 'example.org'],
      ['Transfer-Encoding', 'chunked'],
    ],
  ],
  [
    'json',
    'POST',
    'http://example.org/',
    { json: {} },
    [
      ['Host', 'example.org'],
      ['Content-Length', '2'],
      ['Content-Type', 'application/json'],
    ],
  ],
  ['F37 IPv6', 'GET', 'http://[::1]:8080/', {}, [['Host', '[::1]:8080']]],
  ['F37 IDNA', 'GET', 'http://中国.icom.museum/', {}, [['Host', 'xn--fiqs8s.icom.museum']]],
  ['a default port', 'GET', 'https://example.org:443/', {}, [['Host', 'example.org']]],
  ['userinfo stays out of Host', 'GET', 'http://me:secret@example.org/', {}, [['Host', 'example.org']]],
  [
    'F31 a Host of one’s own',
    'GET',
    'http://example.org/',
    { headers: { host: '1.2.3.4:80' } },
    [['host', '1.2.3.4:80']],
  ],
];

for (const [title, method, url, init, headers] of HEADS) {
  test(`headers of a Request: ${title}`, (t) => {
    t.deepEqual(new Request(method, url, init).headers.raw, headers);
  });
}

test('params are merged into the URL; F42 a query without a path', (t) => {
  t.is(new Request('GET', 'http://h?q', { params: { a: 1 } }).url.fullPath, '/?q&a=1');
  t.is(new Request('GET', 'http://h?q').url.fullPath, '/?q');
});

test('content: bytes, none, and a stream that was not read', async (t) => {
  t.is(new Request('POST', 'http://h/', { content: 'é' }).content.toString(), 'é');
  t.is(new Request('GET', 'http://h/').content.length, 0);
  t.is((await new Request('GET', 'http://h/').read()).length, 0);
  const stream = new Request('POST', 'http://h/', { content: pieces() });
  t.throws(() => stream.content, { instanceOf: RequestNotRead });
  t.is((await stream.read()).toString(), 'abc');
  t.is((await stream.read()).toString(), 'abc');
});

test('read() after the stream was sent is StreamConsumed', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const request = new Request('POST', server.url, { content: pieces() });
  await openClient(t).send(request);
  t.true((await failure(request.read())) instanceof StreamConsumed);
});

test('method, headers and URL may be changed until it is sent', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const request = new Request('GET', 'http://example.org/');
  request.method = 'delete';
  t.is(request.method, 'DELETE');
  t.throws(() => (request.method = 'G T'), { instanceOf: TypeError });
  request.url = request.url.join(`${server.url}other`);
  request.headers = { Host: 'mine.test', a: 'b' } as never;
  await openClient(t).send(request);
  t.is(server.received[0], 'DELETE /other HTTP/1.1\r\nHost: mine.test\r\na: b\r\n\r\n');
});

test('SEC-I9 headers changed by the body’s producer do not reach the wire', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  async function* content() {
    request.headers.set('evil', '1');
    request.method = 'EVIL';
    yield 'x';
  }
  const request: Request = new Request('POST', server.url, { content: content() });
  await openClient(t).send(request);
  t.regex(server.received[0], /^POST \/ HTTP\/1\.1\r\n/);
  t.notRegex(server.received[0], /evil/i);
});

test('SEC-I5 framing that was broken afterwards is refused when it is sent', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const request = new Request('POST', server.url, { content: 'abc' });
  request.headers.set('content-length', '2');
  t.true((await failure(openClient(t).send(request))) instanceof LocalProtocolError);
  request.headers.set('content-length', '3');
  request.headers.append('host', 'evil.test');
  t.true((await failure(openClient(t).send(request))) instanceof LocalProtocolError);
  t.is(server.connections(), 0);
});

test('F45 inspect() masks the password', (t) => {
  t.is(inspect(new Request('GET', 'http://example.org')), "<Request('GET', 'http://example.org')>");
  t.notRegex(inspect(new Request('GET', 'http://me:secret@example.org')), /secret/);
});

async function* pieces(): AsyncGenerator<string> {
  yield 'ab';
  yield 'c';
}

async function* stream(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

test('read() gives a stream its length', async (t) => {
  const request = new Request('PUT', 'http://h/', { content: stream('ab', 'c'), headers: { 'x-a': '1' } });
  t.is(request.headers.get('transfer-encoding'), 'chunked');
  t.is(String(await request.read()), 'abc');
  t.deepEqual([...request.headers], [['host', 'h'], ['x-a', '1'], ['content-length', '3']]); // prettier-ignore
  const empty = new Request('POST', 'http://h/', { content: stream() });
  await empty.read();
  t.deepEqual([...empty.headers], [['host', 'h'], ['content-length', '0']]); // prettier-ignore
  const declared = new Request('PUT', 'http://h/', { content: stream('abc'), headers: { 'content-length': '3' } });
  await declared.read();
  t.deepEqual(declared.headers.getList('content-length'), ['3']);
});
