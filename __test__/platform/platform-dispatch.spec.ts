/** PlatformDispatch: the platform's fetch under a client, over real connections, and what of a client's options it refuses. */
import test from 'ava';
import { gzipSync } from 'node:zlib';
import {
  Client,
  ConnectError,
  HTTPProxy,
  LocalProtocolError,
  MockDispatch,
  NetworkError,
  PlatformDispatch,
  ReadError,
  ReadTimeout,
  Response,
  StreamClosed,
  TimeoutConfig,
  TooManyRedirects,
  TotalTimeout,
  type ClientOptions,
  type RequestOptions,
} from '../../src/index.js';
import { bodyOf } from '../helpers/apps.js';
import { failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { start } from '../helpers/child.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';

const open = (t: Parameters<typeof openClient>[0], options: ClientOptions = {}) =>
  openClient(t, { dispatch: new PlatformDispatch(), ...options });

test('a request as it arrives: method, target, headers of client and request, body', async (t) => {
  const server = await serve(t, async (request, response) => {
    response.setHeader('x-seen', String(request.headers['x-own']));
    response.end(`${request.method} ${request.url} ${request.headers.host} ${await bodyOf(request)}`);
  });
  const client = open(t, { headers: { 'X-Own': 'client' } });
  const response = await client.post(`${server.origin}/a%20b?q=%C3%A9&r='`, { content: 'body' });
  const host = new URL(server.origin).host;
  t.is(told(response), `200 POST /a%20b?q=%C3%A9&r=%27 ${host} body`);
  t.is(response.headers.get('x-seen'), 'client');
  t.is(response.reasonPhrase, 'OK');
  t.true(response.elapsed > 0);
  t.regex(String(server.requests[0].headers['user-agent']), /^whippet\//);
});

test('bodies: JSON, form, multipart, a generator, and what is sent of each is told', async (t) => {
  const server = await serve(t, async (request, response) =>
    response.end(`${request.headers['content-type']} ${await bodyOf(request)}`),
  );
  const client = open(t);
  t.is(told(await client.post(server.origin, { json: { a: 1 } })), '200 application/json {"a":1}');
  t.is(told(await client.post(server.origin, { data: { a: '1' } })), '200 application/x-www-form-urlencoded a=1');
  const form = told(await client.post(server.origin, { files: { f: ['f.txt', 'text'] } }));
  t.regex(form, /^200 multipart\/form-data; boundary=[^]*filename="f.txt"[^]*\r\ntext\r\n--/);
  async function* chunks() {
    yield 'one ';
    yield 'two';
  }
  const told_: [number, number | null][] = [];
  const onUploadProgress = (sent: number, total: number | null) => void told_.push([sent, total]);
  t.is(told(await client.post(server.origin, { content: chunks(), onUploadProgress })), '200 undefined one two');
  t.deepEqual(told_.at(-1), [7, null]);
});

test('redirects are the client’s: history, cookies, the method, no credentials to another origin', async (t) => {
  const other = await serve(t, (request, response) => response.end(`other ${request.headers.authorization}`));
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(303, { location: '/next', 'set-cookie': 'a=1' }).end('gone');
    else if (request.url === '/next') response.writeHead(302, { location: other.origin }).end();
    else response.writeHead(302, { location: request.url }).end();
  });
  const client = open(t, { maxRedirects: 3 });
  const response = await client.post(server.origin, { content: 'x', auth: ['user', 'password'] });
  t.is(told(response), '200 other undefined');
  t.deepEqual(
    response.history.map(({ statusCode }) => statusCode),
    [303, 302],
  );
  t.deepEqual(
    server.requests.map(({ method, headers: { cookie, authorization } }) => [
      method,
      cookie,
      authorization?.slice(0, 5),
    ]),
    [
      ['POST', undefined, 'Basic'],
      ['GET', 'a=1', 'Basic'],
    ],
  );
  const first = await client.get(server.origin, { followRedirects: false });
  t.is(first.statusCode, 303);
  t.true((await failure(client.get(`${server.origin}/loop`))) instanceof TooManyRedirects);
});

test('redirects: "platform": fetch follows, unless the call does not', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/next' }).end();
    else response.end('next');
  });
  const client = openClient(t, { dispatch: new PlatformDispatch({ redirects: 'platform' }) });
  const response = await client.get(server.origin);
  t.is(told(response), '200 next');
  t.is(response.history.length, 0);
  t.is((await client.get(server.origin, { followRedirects: false })).statusCode, 302);
});

test('a coded body is the platform’s to decode, whole and streamed; the fields describe what is read', async (t) => {
  const text = 'text '.repeat(10_000);
  const server = await serve(t, (request, response) => {
    const coded = gzipSync(text);
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': coded.length, 'x-path': request.url });
    response.end(request.method === 'HEAD' ? undefined : coded);
  });
  const client = open(t);
  const response = await client.get(server.origin);
  t.is(response.text, text);
  t.is(response.headers.get('content-encoding'), undefined);
  t.is(response.headers.get('content-length'), undefined);
  await using streamed = await client.stream('GET', server.origin);
  let raw = 0;
  for await (const chunk of streamed.iterRaw()) raw += chunk.length;
  t.is(raw, text.length);
  t.is((await client.head(server.origin)).headers.get('content-encoding'), 'gzip');
  t.is((await failure(open(t, { maxResponseSize: 100 }).get(server.origin))).name, 'ResponseTooLarge');
});

test('a streamed body: chunks as they come; leaving it tells the server', async (t) => {
  let closed: (() => void) | undefined;
  const gone = new Promise<void>((resolve) => (closed = resolve));
  const server = await serve(t, (_, response) => {
    response.on('close', () => closed?.());
    response.write('first');
  });
  const client = open(t);
  const response = await client.stream('GET', server.origin);
  const chunks = response.iterText();
  t.is((await chunks.next()).value, 'first');
  const next = failure(chunks.next());
  await response.close();
  t.true((await next) instanceof StreamClosed);
  await soon('the server is told', gone);
});

test('read is the time up to the head and between chunks, total the whole; a signal aborts', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/body') response.write('begun');
  });
  const client = open(t);
  const late = await failure(client.get(server.origin, { timeout: { read: 30 } }));
  t.true(late instanceof ReadTimeout, String(late));
  t.true((await failure(client.get(`${server.origin}/body`, { timeout: { read: 200 } }))) instanceof ReadTimeout);
  t.true((await failure(client.get(server.origin, { timeout: { total: 30 } }))) instanceof TotalTimeout);
  const controller = new AbortController();
  const aborted = failure(client.get(`${server.origin}/body`, { signal: controller.signal }));
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await aborted, reason);
  await using streamed = await client.stream('GET', `${server.origin}/body`, { timeout: { read: 2000 } });
  t.true((await failure(streamed.read())) instanceof ReadTimeout);
});

test('failures are the classes of the package, with the system’s code, and no secret of the URL', async (t) => {
  const client = open(t);
  const refused = await failure(client.get(`${await refusedOrigin()}/?token=secret`));
  t.true(refused instanceof ConnectError, String(refused));
  t.is((refused as ConnectError).code, 'ECONNREFUSED');
  t.notRegex(String(refused), /secret/);
  t.true((refused as ConnectError).request?.url.toString().includes('token'));
  const unknown = await failure(client.get('http://unknown.invalid/'));
  t.true(unknown instanceof ConnectError, String(unknown));
  const tls = await serveTls(t, (_, response) => response.end());
  const untrusted = await failure(client.get(tls.origin));
  t.true(untrusted instanceof ConnectError, String(untrusted));
  t.regex((untrusted as ConnectError).code, /^(?:UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/);
  const cut = await serveRaw(t, ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'], { end: true });
  const half = await failure(client.get(cut.origin));
  t.true(half instanceof NetworkError, String(half));
  const reset = await serveRaw(t, (connection) => connection.end());
  t.true((await failure(client.get(reset.origin))) instanceof ReadError);
  const odd = openClient(t, { dispatch: new PlatformDispatch({ fetch: () => Promise.reject(new Error('secret')) }) });
  const failed = await failure(odd.get('http://example/'));
  t.true(failed instanceof NetworkError);
  t.is(reasonOf(failed), "NetworkError: the platform's fetch failed");
  const empty = openClient(t, { dispatch: new PlatformDispatch({ fetch: () => Promise.resolve(null as never) }) });
  t.is(reasonOf(await failure(empty.get('http://example/'))), 'RemoteProtocolError: fetch gave no Response, but null');
});

test('a fetch whose Response is read already, or is a half one, fails the request and not the process', async (t) => {
  const locked = new globalThis.Response('x');
  locked.body!.getReader();
  const used = new globalThis.Response('x');
  await used.text();
  for (const response of [locked, used]) {
    const client = openClient(t, { dispatch: new PlatformDispatch({ fetch: () => Promise.resolve(response) }) });
    const error = await failure(client.get('http://example/'));
    t.is(reasonOf(error), 'RemoteProtocolError: fetch gave a Response whose body is read already');
  }
  const half = { status: 200, headers: { get: () => null } } as unknown as globalThis.Response;
  const client = openClient(t, { dispatch: new PlatformDispatch({ fetch: () => Promise.resolve(half) }) });
  t.true((await failure(client.get('http://example/'))) instanceof NetworkError);
});

test('an error of the body’s own source is what the call rejects with', async (t) => {
  const server = await serve(t, async (request, response) => response.end(await bodyOf(request).catch(() => '')));
  const own = new Error('the source’s own');
  // eslint-disable-next-line require-yield
  async function* failing() {
    yield 'some';
    throw own;
  }
  t.is(await failure(open(t).post(server.origin, { content: failing() })), own);
});

const OPTIONS: [name: string, options: ClientOptions][] = [
  ['poolLimits', { poolLimits: { maxConnections: 5 } }],
  ['proxies', { proxies: 'http://proxy.test:8080' }],
  ['proxies', { proxies: new HTTPProxy({ proxyUrl: 'http://proxy.test:8080' }) }],
  ['proxies', { proxies: { https: 'http://proxy.test:8080' } }],
  ['verify', { verify: false }],
  ['cert', { cert: { cert: 'a.pem', key: 'b.pem' } }],
  ['socketPath', { socketPath: '/run/app.sock' }],
  ['localAddress', { localAddress: '127.0.0.2' }],
  ['resolve', { resolve: { 'example.com': '127.0.0.1' } }],
  ['allowAddresses', { allowAddresses: 'public' }],
  ['allowAddresses', { allowAddresses: [], mounts: { 'http://local.test': null } }],
  ['lookup', { lookup: () => ['127.0.0.1'] }],
  ['denyAddresses', { denyAddresses: ['10.0.0.0/8'] }],
  ['httpVersions', { httpVersions: 'HTTP/2' }],
  ['httpVersions', { httpVersions: ['HTTP/1.1'] }],
  ['timeout.connect', { timeout: { connect: 100 } }],
  ['timeout.write', { timeout: { write: 100 } }],
  ['timeout.pool', { timeout: new TimeoutConfig({ poolTimeout: 100 }) }],
];

for (const [name, options] of OPTIONS) {
  test(`refused by name: ${JSON.stringify(options)}`, (t) => {
    const { message } = t.throws(() => new Client({ dispatch: new PlatformDispatch(), ...options }), {
      instanceOf: TypeError,
    });
    t.true(message.startsWith(`${name}: PlatformDispatch goes by the platform's fetch, which `), message);
  });
}

test('redirects: "platform" refuses what only the client can do', (t) => {
  const dispatch = new PlatformDispatch({ redirects: 'platform' });
  t.throws(() => new Client({ dispatch, maxRedirects: 5 }), { instanceOf: TypeError, message: /^maxRedirects: / });
  t.throws(() => new Client({ dispatch, sensitiveHeaders: ['x-key'] }), { message: /^sensitiveHeaders: / });
  t.throws(() => new Client({ dispatch, httpsOnly: true }), { instanceOf: TypeError, message: /^httpsOnly: / });
  t.notThrows(() => new Client({ dispatch, sensitiveHeaders: [], httpsOnly: false }));
});

test('what asks for nothing is allowed, and so are connection options where a mount leads to the network', (t) => {
  const dispatch = new PlatformDispatch();
  const nothing: ClientOptions[] = [
    { verify: true, cert: null, socketPath: null, poolLimits: null, resolve: null, proxies: null },
    { allowAddresses: null, denyAddresses: null, httpsOnly: true },
    { proxies: {}, resolve: {}, poolLimits: {} },
    { proxies: { all: null } },
    { poolLimits: { maxConnections: 5 }, mounts: { 'http://local.test': null } },
    { timeout: 100 },
    { timeout: null },
    { timeout: { read: 60_000 } },
    { timeout: new TimeoutConfig({ totalTimeout: 5 }) },
  ];
  for (const options of nothing) t.notThrows(() => new Client({ dispatch, ...options }), JSON.stringify(options));
  t.throws(() => new Client({ dispatch, verify: false, mounts: { 'http://a.test': dispatch } }), {
    message: /^verify/,
  });
});

const REQUESTS: [reason: RegExp, method: string, url: string, options: RequestOptions][] = [
  [/^TypeError: timeout\.connect: /, 'GET', 'http://example/', { timeout: { connect: 1 } }],
  [/^TypeError: onInformational: /, 'GET', 'http://example/', { onInformational: () => {} }],
  [/^LocalProtocolError: TRACE: /, 'TRACE', 'http://example/', {}],
  [/^LocalProtocolError: GET: .*no body/, 'GET', 'http://example/', { content: 'x' }],
  [/^LocalProtocolError: header Host: .*'other'/, 'GET', 'http://example/', { headers: { host: 'other' } }],
  [/^LocalProtocolError: path '\/a\/%2e%2e\/b': .*'\/b'/, 'GET', 'http://example/a/%2e%2e/b', {}],
  [/^UnsupportedProtocol: /, 'GET', 'ftp://example/', {}],
  [
    /^LocalProtocolError: Upgrade: /,
    'GET',
    'http://example/',
    { headers: { connection: 'upgrade', upgrade: 'websocket' } },
  ],
];

for (const [reason, method, url, options] of REQUESTS) {
  test(`nothing is sent: ${method} ${url} ${String(reason)}`, async (t) => {
    let calls = 0;
    const fetch = () => Promise.resolve(void calls++ as never);
    const client = openClient(t, { dispatch: new PlatformDispatch({ fetch }) });
    const error = await failure(client.request(method, url, options));
    t.regex(reasonOf(error), reason);
    t.is(calls, 0);
  });
}

test('init goes along with each request; what is the client’s is refused', async (t) => {
  const seen: RequestInit[] = [];
  const fetch = async (_: string, init: RequestInit) => {
    seen.push(init);
    return new globalThis.Response('x');
  };
  const client = openClient(t, { dispatch: new PlatformDispatch({ fetch, init: { credentials: 'include' } }) });
  t.is(told(await client.get('http://example/')), '200 x');
  t.is(seen[0].credentials, 'include');
  t.is(seen[0].redirect, 'manual');
  for (const name of ['method', 'headers', 'body', 'signal', 'redirect', 'duplex']) {
    const message = `init.${name}: that is the client's to say`;
    t.throws(() => new PlatformDispatch({ init: { [name]: 'x' } }), { instanceOf: TypeError, message });
  }
});

const BAD: [options: object, message: RegExp][] = [
  [{ fetch: 1 }, /^fetch: expected a function, got number$/],
  [{ init: 'x' }, /^init: expected an object, got string$/],
  [{ redirects: 'follow' }, /^redirects: expected 'client' or 'platform', got 'follow'$/],
  [{ redirects: 1 }, /^redirects: expected 'client' or 'platform', got number$/],
  [{ fetsh: 1 }, /fetsh/],
];

for (const [options, message] of BAD) {
  test(`bad options: ${JSON.stringify(options)}`, (t) => {
    t.throws(() => new PlatformDispatch(options), { instanceOf: TypeError, message });
  });
}

test('one mount may go by the platform, and a closed client sends nothing', async (t) => {
  const server = await serve(t, (_, response) => response.end('platform'));
  const dispatch = new MockDispatch(() => new Response(200, { text: 'mock' }));
  const client = openClient(t, { dispatch, mounts: { [server.origin]: new PlatformDispatch() } });
  t.is(told(await client.get(server.origin)), '200 platform');
  t.is(told(await client.get('http://example/')), '200 mock');
  const closed = open(t);
  await closed.close();
  t.is((await failure(closed.get(server.origin))).name, 'ClientClosed');
});

test('LocalProtocolError is what undici refuses to send, too', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  const error = await failure(open(t).get(server.origin, { headers: { 'keep-alive': 'timeout=5' } }));
  t.true(error instanceof LocalProtocolError, String(error));
});

test('a process without addons: the default says what helps, and PlatformDispatch works', async (t) => {
  const server = await serve(t, (_, response) => response.end('by fetch'));
  const program = `
    const failed = await whippet.get(args.origin).catch((error) => error);
    console.log(failed.code);
    const client = new whippet.Client({ dispatch: new whippet.PlatformDispatch() });
    console.log((await client.get(args.origin)).text);
    await import(args.install);
    console.log((await client.get(args.origin)).text);
    globalThis.fetch = async () => new Response('mocked');
    console.log((await client.get(args.origin)).text);`;
  const install = new URL('../../dist/drop-in/install.js', import.meta.url).href;
  const { stdout, stderr } = await start(t, program, { origin: server.origin, install }, ['--no-addons']).ended;
  t.is(stdout, 'ERR_ADDON_NOT_LOADED\nby fetch\nby fetch\nmocked\n', stderr);
});
