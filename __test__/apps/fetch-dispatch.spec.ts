/** FetchDispatch: the Request that a handler is given, its other arguments, and every way to answer badly. */
import test from 'ava';
import {
  FetchDispatch,
  LocalProtocolError,
  RemoteProtocolError,
  UnsupportedProtocol,
  type FetchDispatchOptions,
  type RequestOptions,
} from '../../src/index.js';
import { clientOf, fetchClient, turns, url } from '../helpers/apps.js';
import { failure, reasonOf, soon, told } from '../helpers/client.js';

const own = new Error('the app’s own');

test('U31 hello world', async (t) => {
  t.is(told(await clientOf(t, () => new Response('Hello World!')).get(url)), '200 Hello World!');
});

test('the Request is the platform’s', async (t) => {
  const client = fetchClient(t, async (request) => {
    const { method, redirect, bodyUsed } = request;
    const copy = await new Request(request.clone(), { headers: { 'x-copy': '1' } }).text();
    const seen = [request instanceof Request, request.constructor.name, method, redirect, bodyUsed, copy];
    return Response.json([
      ...seen,
      await request.text(),
      request.signal instanceof AbortSignal,
      request.signal.aborted,
    ]);
  });
  const seen = [true, 'Request', 'POST', 'follow', false, 'body', 'body', true, false];
  t.deepEqual((await client.post(url, { content: 'body' })).json(), seen);
});

test('U5 the headers that the app sees', async (t) => {
  const client = fetchClient(t, (request) => Response.json([...request.headers]));
  const headers: RequestOptions['headers'] = [['x-a', '1'], ['X-A', '2'], ['cookie', 'a=1']]; // prettier-ignore
  t.deepEqual((await client.get('http://example:81/', { headers })).json(), [
    ['accept', '*/*'],
    ['accept-encoding', 'gzip, deflate, br, zstd'],
    ['connection', 'keep-alive'],
    ['cookie', 'a=1'],
    ['host', 'example:81'],
    ['user-agent', (await client.get(url)).request.headers.get('user-agent')],
    ['x-a', '1, 2'],
  ]);
});

const URLS: [rootPath: string | undefined, url: string, seen: string][] = [
  [undefined, 'http://example', 'http://example/'],
  [undefined, 'http://u:p@ex.com:81/a%20b/%C3%A9?x=%20y#part', 'http://ex.com:81/a%20b/%C3%A9?x=%20y'],
  [undefined, 'https://example:443/a', 'https://example/a'],
  [undefined, 'http://[::1]:81/', 'http://[::1]:81/'],
  ['/sub', 'http://example/sub/a?b', 'http://example/a?b'],
  ['/sub/', 'http://example/sub', 'http://example/'],
  ['/sub', 'http://example/sub?x', 'http://example/?x'],
  ['/sub', 'http://example/Sub/x', 'http://example/x'],
  ['/sub', 'http://example/subway', 'http://example/subway'],
];

for (const [rootPath, target, seen] of URLS) {
  test(`U11 the URL that the app sees: ${target} below ${rootPath}`, async (t) => {
    const client = fetchClient(t, (request) => new Response(request.url), { rootPath });
    t.is((await client.get(target)).text, seen);
  });
}

test('OPTIONS * is asked of the root', async (t) => {
  const client = fetchClient(t, (request) => new Response(`${request.method} ${request.url}`));
  const request = client.buildRequest('OPTIONS', url);
  request.url.fullPath = '*';
  t.is((await client.send(request)).text, 'OPTIONS http://example/');
});

const env = { DB: 'db' };
const peer = (hostname: string, port: number, remoteFamily: string) => ({
  remoteAddr: { transport: 'tcp', hostname, port },
  incoming: { socket: { remoteAddress: hostname, remotePort: port, remoteFamily } },
});
const ENVS: [options: Partial<FetchDispatchOptions>, seen: unknown][] = [
  [{}, peer('127.0.0.1', 123, 'IPv4')],
  [{ client: { hostname: '9.9.9.9', port: 9 } }, peer('9.9.9.9', 9, 'IPv4')],
  [{ client: { hostname: '::1', port: 0 } }, peer('::1', 0, 'IPv6')],
  [{ env: 'anything' }, 'anything'],
  [{ env: null }, null],
  [
    { env, client: { hostname: '9.9.9.9', port: 9 } },
    { DB: 'db', ...peer('9.9.9.9', 9, 'IPv4') },
  ],
];

for (const [options, seen] of ENVS) {
  test(`the second argument: ${JSON.stringify(options)}`, async (t) => {
    const given: unknown[] = [];
    const app = { fetch: (...args: unknown[]) => (given.push(...args), new Response()) };
    await fetchClient(t, app, options).get(url);
    t.deepEqual(given[1], seen);
    t.deepEqual(env, { DB: 'db' });
  });
}

test('an env alone is the object itself; a handler that is a method keeps its this', async (t) => {
  const app = {
    name: 'me',
    fetch(_request: Request, given: unknown) {
      return new Response(`${this.name} ${given === env}`);
    },
  };
  t.is((await fetchClient(t, app, { env }).get(url)).text, 'me true');
});

test('the third argument: a context whose waitUntil swallows nothing but its errors', async (t) => {
  let waited = false;
  const app = {
    fetch(
      _request: Request,
      _env: unknown,
      context: { waitUntil(promise: unknown): void; passThroughOnException(): void },
    ) {
      context.waitUntil(turns().then(() => (waited = true)));
      context.waitUntil(Promise.reject(own));
      context.passThroughOnException();
      return new Response('at once');
    },
  };
  t.is((await fetchClient(t, app).get(url)).text, 'at once');
  t.false(waited);
  await turns(10);
  t.true(waited);
});

test('a handler of two parameters is one when FetchDispatch is told so', async (t) => {
  const handler = (request: Request, info: { remoteAddr: { hostname: string } }) =>
    new Response(`${request.method} ${info.remoteAddr.hostname}`);
  t.is((await fetchClient(t, handler).get(url)).text, 'GET 127.0.0.1');
});

test('status, reason, and headers apart', async (t) => {
  const headers: [string, string][] = [['set-cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['X-A', '1'], ['x-a', '2']]; // prettier-ignore
  const client = fetchClient(t, () => new Response('x', { status: 418, statusText: 'Short and Stout', headers }));
  const response = await client.get(url);
  t.is(response.statusCode, 418);
  t.is(response.reasonPhrase, 'Short and Stout');
  t.is(response.httpVersion, 'HTTP/1.1');
  t.deepEqual(response.headers.getList('set-cookie'), ['a=1', 'b=2']);
  t.is(response.headers.get('x-a'), '1, 2');
  t.is(response.headers.get('content-type'), 'text/plain;charset=UTF-8');
  t.is(response.url.toString(), url);
  t.true(response.elapsedTotal >= response.elapsed && response.elapsed >= 0);
  t.is(response.request.method, 'GET');
});

const EMPTY: [what: string, method: string, answer: () => Response][] = [
  ['null', 'GET', () => new Response(null)],
  ['204', 'GET', () => new Response(null, { status: 204 })],
  ['304', 'GET', () => new Response(null, { status: 304, headers: { 'content-length': '5' } })],
  ['U17 HEAD', 'HEAD', () => new Response('not sent', { headers: { 'content-length': '8' } })],
  ['HEAD of what is compressed', 'HEAD', () => new Response('x', { headers: { 'content-encoding': 'gzip' } })],
  ['nothing, said to be gzip', 'GET', () => new Response(null, { headers: { 'content-encoding': 'gzip' } })],
];

for (const [what, method, answer] of EMPTY) {
  test(`no content: ${what}`, async (t) => {
    const client = fetchClient(t, answer);
    t.is((await client.request(method, url)).content.length, 0);
    const streamed = await client.stream(method, url);
    t.is((await streamed.read()).length, 0);
  });
}

test('the body of an answer to HEAD is cancelled', async (t) => {
  let cancelled = false;
  const client = fetchClient(t, () => new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
  t.is((await client.head(url)).content.length, 0);
  t.true(cancelled);
});

/** The app's own error by its identity, a message, or what is answered. */
type Outcome = 'own' | RegExp | `${number} ${string}`;

const failing = (pieces: string[]) =>
  ReadableStream.from(
    (async function* () {
      for (const piece of pieces) yield Buffer.from(piece);
      throw own;
    })(),
  );
const none = /^RemoteProtocolError: The app returned without answering: its handler gave no Response$/;
const cut = /^RemoteProtocolError: The app failed in the midst of its response$/;

const BAD: [what: string, app: (request: Request) => unknown, raised: Outcome, quiet: Outcome][] = [
  ['U6 throws', () => { throw own; }, 'own', '500 '], // prettier-ignore
  ['U6 rejects', () => Promise.reject(own), 'own', '500 '],
  ['rejects later', () => turns().then(() => Promise.reject(own)), 'own', '500 '],
  ['returns nothing', () => undefined, none, none],
  ['resolves to null', async () => null, none, none],
  ['returns a text', () => 'Hello', /gave no Response, but string$/, /gave no Response, but string$/],
  ['returns an object', () => ({ status: 200 }), /gave no Response, but Object$/, /gave no Response, but Object$/],
  ['U26 fails in the midst', () => new Response(failing(['some'])), 'own', cut],
  ['fails before the first piece', () => new Response(failing([])), 'own', cut],
  ['pieces that are no bytes', () => new Response(ReadableStream.from([7]) as never), /a piece that is neither bytes nor text, but number$/, /neither bytes nor text/], // prettier-ignore
  ['Response.error()', () => Response.error(), /^NetworkError: .*The app answered with Response\.error\(\)$/, /Response\.error/], // prettier-ignore
  ['too little for its Content-Length', () => new Response('short', { headers: { 'content-length': '10' } }), /^RemoteProtocolError: The app sent 5 bytes, its Content-Length is 10$/, /Content-Length is 10$/], // prettier-ignore
  ['too much for its Content-Length', () => new Response('long', { headers: { 'content-length': '3' } }), /^RemoteProtocolError: The app sent 4 bytes, its Content-Length is 3$/, /Content-Length is 3$/], // prettier-ignore
  ['a Content-Length that is none', () => new Response('x', { headers: { 'content-length': 'x' } }), /Content-Length is no length$/, /is no length$/], // prettier-ignore
  ['two Content-Lengths', () => new Response('x', { headers: { 'content-length': '1, 2' } }), /Content-Length is no length$/, /is no length$/], // prettier-ignore
  ['returns what throws when it is looked at', () => new Proxy({}, { get() { throw own; } }), 'own', '500 '], // prettier-ignore
  ['a status that is none', () => ({ status: NaN, headers: new Headers(), body: null }), /answered with NaN, which is no final status$/, /answered with NaN/], // prettier-ignore
  ['no gzip', () => new Response('x', { headers: { 'content-encoding': 'gzip' } }), /^DecodingError/, /^DecodingError/],
  ['an illegal header', () => new Response('x', { headers: { 'bad name': 'x' } }), /^TypeError: /, '500 '],
];

for (const [what, app, raised, quiet] of BAD) {
  test(what, async (t) => {
    for (const [raiseAppExceptions, expected] of [
      [true, raised],
      [false, quiet],
    ] as const) {
      // prettier-ignore
      const client = fetchClient(t, app as () => Response, { raiseAppExceptions });
      const whole = client.get(url).then((response) => `${response.statusCode} ${response.text}`);
      const streamed = client.stream('GET', url).then(async (response) => {
        return `${response.statusCode} ${(await response.read()).toString()}`;
      });
      for (const sent of [whole, streamed]) {
        const came: unknown = await soon(
          'an end',
          sent.catch((error: unknown) => error),
        );
        if (expected === 'own') t.is(came, own);
        else if (typeof expected === 'string') t.is(came, expected);
        else t.regex(reasonOf(came), expected);
      }
    }
  });
}

test('a Response whose body was read, and one that is given twice', async (t) => {
  const read = new Response('x');
  await read.text();
  const error = await failure(fetchClient(t, () => read).get(url));
  t.true(error instanceof RemoteProtocolError);
  t.regex(error.message, /whose body is read already$/);
  const twice = new Response('x');
  const client = fetchClient(t, () => twice);
  t.is((await client.get(url)).text, 'x');
  t.true((await failure(client.get(url))) instanceof RemoteProtocolError);
});

const REFUSED: [what: string, method: string, target: string, options: RequestOptions, error: unknown][] = [
  ['a WebSocket', 'GET', url, { headers: { upgrade: 'websocket', connection: 'upgrade' } }, LocalProtocolError],
  ['TRACE', 'TRACE', url, {}, LocalProtocolError],
  ['GET with a body', 'GET', url, { content: 'x' }, LocalProtocolError],
  ['HEAD with a body', 'HEAD', url, { content: 'x' }, LocalProtocolError],
  ['ws:', 'GET', 'ws://example/', {}, UnsupportedProtocol],
  ['a relative URL', 'GET', '/a', {}, UnsupportedProtocol],
];

for (const [what, method, target, options, kind] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    const client = fetchClient(t, () => (t.fail(), new Response()));
    const error = await failure(client.request(method, target, options));
    t.true(error instanceof (kind as typeof LocalProtocolError), String(error));
  });
}

const WRONG: [options: Record<string, unknown>, message: RegExp][] = [
  [{}, /^app: expected a function or an object with fetch, got undefined$/],
  [{ app: { callback() {} } }, /^app: .* got Object$/],
  [{ app: () => {}, rootPath: 'sub' }, /^rootPath: /],
  [{ app: () => {}, raiseAppExceptions: 1 }, /^raiseAppExceptions: /],
  [{ app: () => {}, client: '1.2.3.4' }, /^client: expected \{ hostname: string, port: 0 to 65535 \}, got string$/],
  [{ app: () => {}, client: { hostname: 'x', port: 65536 } }, /^client: .* got Object$/],
  [{ app: () => {}, client: { hostname: 'x', port: 1 }, env: 'text' }, /^env: expected an object beside client/],
  [{ app: () => {}, root: '/' }, /^Unknown option 'root' for new FetchDispatch\(\)/],
];

for (const [options, message] of WRONG) {
  test(`a wrong option: ${message.source}`, (t) => {
    t.throws(() => new FetchDispatch(options as never), { instanceOf: TypeError, message });
  });
}

test('pieces of text, of views and of ArrayBuffers are bytes', async (t) => {
  const pieces = [
    'é',
    new Uint8Array([65]),
    new DataView(new Uint8Array([66, 67]).buffer),
    new Uint8Array([68]).buffer,
    '',
  ];
  const client = fetchClient(t, () => new Response(ReadableStream.from(pieces) as never));
  t.is((await client.get(url)).text, 'éABCD');
});
