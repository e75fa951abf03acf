/** Bad input: a clear error at once, and nothing arrives at the server. */
import test from 'ava';
import { inspect } from 'node:util';
import { Readable } from 'node:stream';
import {
  Client,
  type ClientOptions,
  InvalidURL,
  LocalProtocolError,
  Request,
  type RequestOptions,
  UnsupportedProtocol,
} from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { serve, serveRaw, type HttpServer } from '../helpers/server.js';

type Error_ = new (...args: never[]) => Error;
type Send = (client: Client, server: HttpServer) => Promise<unknown>;
type Case = [title: string, send: Send, error: Error_, message: RegExp];

const withOptions =
  (options: unknown): Send =>
  (client, { url }) =>
    client.get(url, options as RequestOptions);
const withHeaders = (headers: unknown): Send => withOptions({ headers });
const withMethod =
  (method: unknown): Send =>
  (client, { url }) =>
    client.request(method as string, url);
const withUrl =
  (url: unknown): Send =>
  (client) =>
    client.get(url as string);

const TIMEOUTS: [value: unknown, error: Error_, message: RegExp][] = [
  [-1, RangeError, /^timeout: -1 is not allowed/],
  [NaN, RangeError, /^timeout: NaN is not allowed/],
  [Infinity, RangeError, /^timeout: Infinity is not allowed/],
  ['5', TypeError, /^timeout: expected .* got string/],
  [true, TypeError, /^timeout: expected .* got boolean/],
  [{ read: -1 }, RangeError, /^timeout\.read: -1 is not allowed/],
  [{ reed: 1 }, TypeError, /^Unknown option 'reed' for timeout\. Did you mean 'read'\?$/],
];

const UNKNOWN: [options: object, message: RegExp][] = [
  [{ timout: 5 }, /^Unknown option 'timout' for client\.get\(\)\. Did you mean 'timeout'\?$/],
  [{ header: {} }, /^Unknown option 'header' for client\.get\(\)\. Did you mean 'headers'\?$/],
  [{ on_upload_progress: 1 }, /Did you mean 'onUploadProgress'\?$/],
  [{ somethingElse: 1 }, /^Unknown option 'somethingElse' for client\.get\(\)\.$/],
];

/** What would split a request, or not survive Latin-1. */
const EVIL = ['\r', '\n', '\r\n', '\0', '\u010d\u010a', '\u2028', '\ud800', '\u0100', '😀', '\x7f', '\x01'];

const CASES: Case[] = [
  ...TIMEOUTS.map(([timeout, error, message]): Case => [
    `timeout: ${inspect(timeout)}`,
    withOptions({ timeout }),
    error,
    message,
  ]),
  ...UNKNOWN.map(([options, message]): Case => [
    `option ${Object.keys(options)[0]}`,
    withOptions(options),
    TypeError,
    message,
  ]),
  ...[42, 'options', null, true].map((options): Case => [
    `options ${inspect(options)}`,
    withOptions(options),
    TypeError,
    /^options of client\.get\(\): expected an object/,
  ]),
  ...EVIL.flatMap((evil): Case[] => [
    [`SEC-I1 header name with ${inspect(evil)}`, withHeaders({ [`x${evil}y`]: '1' }), TypeError, /header/i],
    [
      `SEC-I1 header value with ${inspect(evil)}`,
      withHeaders({ 'x-secret': `a${evil}secret` }),
      TypeError,
      /x-secret/i,
    ],
    [`SEC-I1 Host with ${inspect(evil)}`, withHeaders({ Host: `a${evil}b` }), TypeError, /host/i],
    [`SEC-I2 method with ${inspect(evil)}`, withMethod(`GE${evil}T`), TypeError, /^method: .* is not a token/],
  ]),
  ...['x y', 'x:y', '', 'x(', 'é'].map((name): Case => [
    `header name ${inspect(name)}`,
    withHeaders({ [name]: '1' }),
    TypeError,
    /header/i,
  ]),
  ['header value 5', withHeaders({ x: 5 }), TypeError, /x/],
  ['header value {}', withHeaders({ x: {} }), TypeError, /x/],
  ['headers of text', withHeaders('x: y'), TypeError, /header/i],
  ...['G T', '', 'GET /evil HTTP/1.1', 'é', 'x'.repeat(65)].map((method): Case => [
    `SEC-I2 method ${inspect(method)}`,
    withMethod(method),
    TypeError,
    /^method: .* is not a token/,
  ]),
  ['method 5', withMethod(5), TypeError, /^method: expected a string, got number$/],
  ['method CONNECT', withMethod('connect'), TypeError, /^method: 'CONNECT'/],
  ['a URL without scheme', withUrl('/path'), UnsupportedProtocol, /missing an 'http:\/\/' or 'https:\/\/' protocol/],
  [
    'a URL of a host alone',
    withUrl('example.test/path'),
    UnsupportedProtocol,
    /missing an 'http:\/\/' or 'https:\/\/'/,
  ],
  ['an empty URL', withUrl(''), UnsupportedProtocol, /missing an 'http:\/\/'/],
  ['a path', withUrl('/users'), UnsupportedProtocol, /missing an 'http:\/\/' .*; a path needs a client with the option baseUrl\.$/], // prettier-ignore
  ['a socket', withUrl('unix:/run/docker.sock'), UnsupportedProtocol, /'unix:\/\/'\. A unix socket is given as the option socketPath/], // prettier-ignore
  ['a socket by http+unix', withUrl('http+unix://run/x'), UnsupportedProtocol, /option socketPath/],
  ['another scheme', withUrl('ftp://127.0.0.1/'), UnsupportedProtocol, /unsupported protocol 'ftp:\/\/'/],
  ['file:', withUrl('file:///etc/passwd'), UnsupportedProtocol, /unsupported protocol 'file:\/\/'/],
  ['http: without a host', withUrl('http:///path'), UnsupportedProtocol, /missing a host/],
  ['port 99999', withUrl('http://127.0.0.1:99999/'), InvalidURL, /99999/],
  ['port x', withUrl('http://127.0.0.1:x/'), InvalidURL, /port/i],
  ['a URL with LF', withUrl('http://127.0.0.1/a\nb'), InvalidURL, /control|non-printable|character/i],
  ['a URL with NUL', withUrl('http://127.0.0.1/a\0b'), InvalidURL, /control|non-printable|character/i],
  ['a host with CRLF', withUrl('http://127.0.0.1\r\nx: y/'), InvalidURL, /control|non-printable|character/i],
  ['a host with a space', withUrl('http://127.0.0.1 x/'), InvalidURL, /host|character/i],
  ['URL 5', withUrl(5), TypeError, /url/i],
  ['URL undefined', withUrl(undefined), TypeError, /url/i],
  ['a password in a bad URL is not shown', withUrl('http://me:secret@127.0.0.1:99999/'), InvalidURL, /^(?!.*secret)/],
  [
    'two bodies',
    (client, { url }) => client.post(url, { content: 'a', json: 1 } as unknown as RequestOptions),
    TypeError,
    /^content and json: a request has one body/,
  ],
  ...([5, true, {}, Symbol.iterator, () => 1] as unknown[]).map((content): Case => [
    `content: ${inspect(content)}`,
    (client, { url }) => client.post(url, { content: content as string }),
    TypeError,
    /^content: expected a string, bytes, a Blob, a stream or an iterable of bytes, got/,
  ]),
  ...[NaN, Infinity, { a: [NaN] }, { a: 10n }, 10n, () => 1, Symbol('x')].map((json): Case => [
    `json: ${inspect(json)}`,
    (client, { url }) => client.post(url, { json }),
    TypeError,
    /json|BigInt/i,
  ]),
  ['signal: {}', withOptions({ signal: {} }), TypeError, /^signal: expected an AbortSignal, got Object$/],
  [
    'signal: controller',
    withOptions({ signal: new AbortController() }),
    TypeError,
    /^signal: expected an AbortSignal, got AbortController$/,
  ],
  [
    'onUploadProgress: 5',
    withOptions({ onUploadProgress: 5 }),
    TypeError,
    /^onUploadProgress: expected a function, got number$/,
  ],
  [
    'onDownloadProgress: 5',
    withOptions({ onDownloadProgress: 5 }),
    TypeError,
    /^onDownloadProgress: expected a function, got number$/,
  ],
  [
    'onInformational: 5',
    withOptions({ onInformational: 5 }),
    TypeError,
    /^onInformational: expected a function, got number$/,
  ],
  [
    'SEC-I5 two Content-Lengths',
    withHeaders([
      ['Content-Length', '1'],
      ['content-length', '2'],
    ]),
    LocalProtocolError,
    /Content-Length/,
  ],
  [
    'SEC-I5 Content-Length and Transfer-Encoding',
    withHeaders({ 'content-length': '0', 'transfer-encoding': 'chunked' }),
    LocalProtocolError,
    /exclude/,
  ],
  [
    'SEC-I5 two Hosts',
    withHeaders([
      ['Host', 'a.test'],
      ['HOST', 'b.test'],
    ]),
    LocalProtocolError,
    /Host/,
  ],
  ['a Content-Length that is none', withHeaders({ 'content-length': '+1' }), LocalProtocolError, /is not a length/],
  ['a Content-Length without a body', withHeaders({ 'content-length': '5' }), LocalProtocolError, /Too little data/],
  [
    'SEC-I6 less than the Content-Length',
    (client, { url }) => client.post(url, { content: 'abc', headers: { 'content-length': '5' } }),
    LocalProtocolError,
    /^Too little data for declared Content-Length/,
  ],
  [
    'SEC-I6 more than the Content-Length',
    (client, { url }) => client.post(url, { content: 'abc', headers: { 'content-length': '2' } }),
    LocalProtocolError,
    /^Too much data for declared Content-Length/,
  ],
  [
    'a Transfer-Encoding of one’s own',
    withHeaders({ 'transfer-encoding': 'gzip, chunked' }),
    LocalProtocolError,
    /only 'chunked'/,
  ],
  [
    'send() of what is no Request',
    (client) => client.send({} as Request),
    TypeError,
    /^request: expected a Request, got Object$/,
  ],
  [
    'send() with an option of get()',
    (client, { url }) => client.send(new Request('GET', url), { headers: {} } as object),
    TypeError,
    /^Unknown option 'headers' for client\.send\(\)/,
  ],
];

for (const [title, send, kind, message] of CASES) {
  test(`nothing is sent: ${title}`, async (t) => {
    const server = await serve(t, (_, response) => response.end('ok'));
    const client = openClient(t);
    const error = await failure(send(client, server));
    t.true(error instanceof kind, `${error.name}: ${error.message}`);
    t.regex(error.message, message);
    t.false(error.message.includes('\n'), 'one line');
    t.is(server.connections(), 0);
    t.is(told(await client.get(server.url)), '200 ok');
  });
}

const CLIENTS: [options: unknown, error: Error_, message: RegExp][] = [
  ...TIMEOUTS.map(([timeout, error, message]) => [{ timeout }, error, message] as [unknown, Error_, RegExp]),
  [{ timout: 5 }, TypeError, /^Unknown option 'timout' for new Client\(\)\. Did you mean 'timeout'\?$/],
  [{ base_url: 'x' }, TypeError, /Did you mean 'baseUrl'\?$/],
  [{ maxResponseSize: -1 }, RangeError, /^maxResponseSize: -1 is not allowed/],
  [{ maxResponseSize: 1.5 }, RangeError, /^maxResponseSize: 1\.5 is not allowed/],
  [{ maxResponseSize: '5' }, TypeError, /^maxResponseSize: expected bytes or null, got string$/],
  [{ headers: { 'x\n': '1' } }, TypeError, /header/i],
  [{ baseUrl: 'http://h:99999' }, InvalidURL, /99999/],
  [{ baseUrl: 5 }, TypeError, /url/i],
  [{ params: 5 }, TypeError, /params/i],
  [{ poolLimits: { maxConnections: 0 } }, RangeError, /^poolLimits\.maxConnections/],
  [{ poolLimits: { maxConnection: 1 } }, TypeError, /Did you mean 'maxConnections'\?$/],
  [{ dispatch: {} }, TypeError, /^dispatch: expected an object with a send method/],
  [{ dispatch: null }, TypeError, /^dispatch: expected an object with a send method, got null/],
  [5, TypeError, /^options of new Client\(\): expected an object, got number$/],
];

for (const [options, kind, message] of CLIENTS) {
  test(`new Client(${inspect(options)}) throws`, (t) => {
    t.throws(() => new Client(options as ClientOptions), { instanceOf: kind as Error_, message });
  });
}

test('a body on a closed client', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = new Client();
  await client.close();
  let touched = false;
  async function* content() {
    touched = true;
    yield 'x';
  }
  const error = await failure(client.post(server.url, { content: content() }));
  t.is(error.name, 'ClientClosed');
  t.false(touched);
  t.is(server.connections(), 0);
});

test('SEC-I6 a stream that is not as long as its Content-Length closes the connection', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    await connection.rest();
  });
  for (const [length, problem] of [
    ['5', /too little data for (the )?declared Content-Length/i],
    ['2', /too much data for (the )?declared Content-Length/i],
  ] as const) {
    const client = openClient(t);
    const error = await failure(
      client.post(server.url, {
        content: (async function* () {
          yield 'abc';
        })(),
        headers: { 'content-length': length },
      }),
    );
    t.true(error instanceof LocalProtocolError, String(error));
    t.regex(error.message, problem);
    t.is(client.pool.idle, 0);
  }
});

for (const pieces of [
  ['ab', 'c'],
  ['ab', '', 'c'],
  ['a', 'b', 'c'],
]) {
  test(`SEC-I6 pieces ${inspect(pieces)} against a Content-Length of 2: what is too much is no silent cut`, async (t) => {
    const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const headers = { 'content-length': '2' };
    for (const content of [iterated(pieces), Readable.from(pieces.map((piece) => Buffer.from(piece)))]) {
      const error = await failure(openClient(t).post(server.url, { content, headers }));
      t.true(error instanceof LocalProtocolError, String(error));
      t.is(error.message, 'Too much data for declared Content-Length: more than 2 bytes');
    }
    const response = await openClient(t).post(server.url, { content: iterated(['a', 'b', '']), headers });
    t.is(response.text, 'ok');
    t.true(server.received.some((text) => text.endsWith('\r\n\r\nab')));
  });
}

async function* iterated(pieces: readonly string[]): AsyncGenerator<string> {
  yield* pieces;
}
