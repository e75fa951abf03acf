/** The client: merging, methods, life cycle, the module functions, and the head on the wire. */
import test from 'ava';
import * as whippet from '../../src/index.js';
import { Client, ClientClosed, Headers, Request, Response, TimeoutConfig, version } from '../../src/index.js';
import { eventually, failure, openClient, told } from '../helpers/client.js';
import { OK, serve, serveRaw } from '../helpers/server.js';

const DEFAULTS = [
  'Accept: */*',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Connection: keep-alive',
  `User-Agent: whippet/${version}`,
];

const functions: Pick<typeof whippet, 'get' | 'options' | 'head' | 'post' | 'put' | 'patch' | 'delete'> = whippet;

// ── the head on the wire ──

const HEADS: [
  title: string,
  client: whippet.ClientOptions,
  method: string,
  request: whippet.RequestOptions,
  lines: string[],
][] = [
  ['F1 GET', {}, 'GET', {}, DEFAULTS],
  ['F5 POST without a body', {}, 'POST', {}, ['Content-Length: 0', ...DEFAULTS]],
  ['F5 PUT without a body', {}, 'PUT', {}, ['Content-Length: 0', ...DEFAULTS]],
  ['F5 PATCH without a body', {}, 'PATCH', {}, ['Content-Length: 0', ...DEFAULTS]],
  ['F5 DELETE without a body', {}, 'DELETE', {}, DEFAULTS],
  ['F5 OPTIONS without a body', {}, 'OPTIONS', {}, DEFAULTS],
  ['F2 a header of the client', { headers: { 'Example-Header': 'x' } }, 'GET', {}, [...DEFAULTS, 'Example-Header: x']],
  [
    'A32 the request’s header replaces the client’s',
    { headers: { 'X-Token': 'a' } },
    'GET',
    { headers: { 'x-token': 'b' } },
    [...DEFAULTS, 'x-token: b'],
  ],
  [
    'A31 a default is replaced, and moves',
    { headers: { 'User-Agent': 'mine' } },
    'GET',
    {},
    [...DEFAULTS.slice(0, 3), 'User-Agent: mine'],
  ],
  ['null removes a default', {}, 'GET', { headers: { Accept: null } }, DEFAULTS.slice(1)],
  [
    'A35 two lines of a name',
    {},
    'GET',
    {
      headers: [
        ['x-h', '1'],
        ['x-h', '2,3'],
      ],
    },
    [...DEFAULTS, 'x-h: 1', 'x-h: 2,3'],
  ],
  ['bytes', {}, 'POST', { content: 'abc' }, [...DEFAULTS, 'Content-Length: 3']],
  ['json', {}, 'POST', { json: 1 }, [...DEFAULTS, 'Content-Length: 1', 'Content-Type: application/json']],
  ['Latin-1 in a value', {}, 'GET', { headers: { x: 'caf\xe9' } }, [...DEFAULTS, 'x: caf\xe9']],
];

for (const [title, ofClient, method, ofRequest, lines] of HEADS) {
  test(`the head on the wire: ${title}`, async (t) => {
    const server = await serveRaw(t, OK);
    await openClient(t, ofClient).request(method, `${server.url}path?q=1`, ofRequest);
    const head = server.received[0].split('\r\n\r\n')[0].split('\r\n');
    t.deepEqual(head, [`${method} /path?q=1 HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, ...lines]);
  });
}

test('F31 a Host of one’s own is sent instead', async (t) => {
  const server = await serveRaw(t, OK);
  await openClient(t).get(server.url, { headers: { host: 'other.test' } });
  t.deepEqual(server.received[0].match(/Host: .*/gi), ['host: other.test']);
});

test('F41 the request-target is url.fullPath', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const request = client.buildRequest('OPTIONS', server.url);
  request.url.fullPath = '*';
  await client.send(request);
  t.regex(server.received[0], /^OPTIONS \* HTTP\/1\.1\r\nHost: 127\.0\.0\.1:/);
});

test('F38 methods: upper case, and any token', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  for (const [given, sent] of [
    ['get', 'GET'],
    ['M-SEARCH', 'M-SEARCH'],
    ['fRob', 'FROB'],
  ]) {
    const before = server.received.join('').length;
    await client.request(given, server.url);
    t.true(server.received.join('').slice(before).startsWith(`${sent} / `));
  }
});

// ── merging ──

const URLS: [
  title: string,
  client: whippet.ClientOptions,
  url: string,
  params: whippet.RequestOptions['params'],
  expected: string,
][] = [
  ['A3', { baseUrl: 'https://e.com/some/path' }, '/testing/123', undefined, 'https://e.com/some/path/testing/123'],
  ['A6', { baseUrl: 'https://e.com/' }, '/testing%2F123', undefined, 'https://e.com/testing%2F123'],
  ['A7', { baseUrl: 'https://e.com/base%2Fpath' }, '/testing', undefined, 'https://e.com/base%2Fpath/testing'],
  ['A11', { baseUrl: 'https://e.com/api?x=1' }, 'users', undefined, 'https://e.com/api/users?x=1'],
  ['A12', { baseUrl: 'https://e.com/api' }, '', undefined, 'https://e.com/api/'],
  ['A13', { baseUrl: 'https://e.com/api' }, '?a=1', undefined, 'https://e.com/api/?a=1'],
  ['A16', { baseUrl: 'https://e.com/api' }, 'users/../../y', undefined, 'https://e.com/y'],
  ['A17', { baseUrl: 'https://e.com/a b' }, 'c d', undefined, 'https://e.com/a%20b/c%20d'],
  ['absolute', { baseUrl: 'https://e.com/api' }, 'http://f.com/x', undefined, 'http://f.com/x'],
  ['A19', {}, '/x', undefined, '/x'],
  ['A21', { params: { first: 'str' } }, 'https://e.com/', { second: 'dict' }, 'https://e.com/?first=str&second=dict'],
  ['A23', { params: { c: [3, 5] } }, 'https://e.com/', { c: 4 }, 'https://e.com/?c=4'],
  ['A25', {}, 'https://e.com/?a=1', undefined, 'https://e.com/?a=1'],
  ['A26', {}, 'https://e.com/?a=1', {}, 'https://e.com/?a=1'],
  ['A28', { params: { c: 3 } }, 'https://e.com/?a=1', undefined, 'https://e.com/?a=1&c=3'],
  ['A29', {}, 'https://e.com/#f', { a: 1 }, 'https://e.com/?a=1#f'],
  ['same name', {}, 'https://e.com/?a=1&b=2', { a: 3 }, 'https://e.com/?a=3&b=2'],
];

for (const [title, options, url, params, expected] of URLS) {
  test(`buildRequest: ${title} ${url} becomes ${expected}`, (t) => {
    t.is(new Client(options).buildRequest('GET', url, { params }).url.toString(), expected);
  });
}

test('a //host on a base URL is refused', (t) => {
  const client = new Client({ baseUrl: 'https://e.com/' });
  t.throws(() => client.buildRequest('GET', '//evil.test/x'), { instanceOf: whippet.InvalidURL });
});

test('setters', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  client.baseUrl = `${server.origin}/api` as never;
  client.params = { a: 1 } as never;
  client.headers = { x: 'y' } as never;
  client.timeout = 12 as never;
  t.is(client.baseUrl.toString(), `${server.origin}/api/`);
  t.is(client.params.toString(), 'a=1');
  t.is(client.headers.get('accept'), '*/*');
  t.deepEqual({ ...client.timeout }, { ...new TimeoutConfig(12) });
  client.timeout = null as never;
  client.headers.set('z', '1');
  client.headers.delete('user-agent');
  await client.get('/users');
  t.regex(server.received[0], /^GET \/api\/users\?a=1 HTTP\/1\.1\r\n/);
  t.regex(server.received[0], /\r\nx: y\r\nz: 1\r\n/);
  t.notRegex(server.received[0], /user-agent/i);
});

test('A38 a built request may be changed, and send() merges nothing', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { headers: { a: '1' }, params: { b: '2' } });
  const request = client.buildRequest('GET', server.url);
  request.headers.set('Custom', '3');
  t.is(told(await client.send(request)), '200 ok');
  t.regex(server.received[0], /^GET \/\?b=2 [\s\S]*\r\na: 1\r\nCustom: 3\r\n/);
  await client.send(new Request('GET', server.url));
  t.is(server.received[0].split('\r\n\r\n')[1], `GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}`);
});

test('send(): a stream that is no flag is an error; a URL set on the request may be text or a global URL', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.url));
  const client = openClient(t);
  const request = client.buildRequest('GET', server.url);
  for (const stream of ['yes', 1]) {
    const rejected = client.send(request, { stream: stream as unknown as boolean });
    await t.throwsAsync(rejected, { instanceOf: TypeError, message: /^stream: expected true or false/ });
  }
  for (const url of [`${server.url}a`, new globalThis.URL(`${server.url}a`), new whippet.URL(`${server.url}a`)]) {
    request.url = url;
    t.is((await client.send(request)).text, '/a');
    t.is((await client.send(request, { auth: ['u', 'p'] })).text, '/a');
  }
  t.throws(() => (request.url = 5 as unknown as string), { instanceOf: TypeError, message: /url/ });
});

test('a dispatch that resolves to no Response is a TypeError that says so', async (t) => {
  for (const made of [undefined, null, 5, {}, new globalThis.Response('x')]) {
    const dispatch = { send: () => Promise.resolve(made as unknown as Response) };
    for (const eventHooks of [undefined, { response: [() => {}] }]) {
      const error = await failure(openClient(t, { dispatch, eventHooks }).get('http://example.org'));
      t.true(error instanceof TypeError);
      t.regex(error.message, /^dispatch: send\(\) must resolve to a Response of this package, got /);
    }
  }
});

test('send(): stream leaves the body unread; the same Request twice', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const request = client.buildRequest('GET', server.url);
  const streamed = await client.send(request, { stream: true });
  t.throws(() => streamed.content, { instanceOf: whippet.ResponseNotRead });
  t.is((await streamed.read()).toString(), 'ok');
  t.is(streamed.request, request);
  t.is(told(await client.send(request)), '200 ok');
});

for (const method of ['get', 'options', 'head', 'post', 'put', 'patch', 'delete'] as const) {
  test(`client.${method}() and ${method}()`, async (t) => {
    const server = await serve(t, (request, response) => response.end(request.method));
    const body = method === 'head' ? '' : method.toUpperCase();
    t.is(told(await openClient(t)[method](server.url)), `200 ${body}`);
    t.is(
      told(await functions[method](server.url, { params: { a: 1 }, poolLimits: { maxConnections: 1 } })),
      `200 ${body}`,
    );
    t.deepEqual(
      server.requests.map((request) => request.method),
      [method.toUpperCase(), method.toUpperCase()],
    );
    t.is(server.requests[1].target, '/?a=1');
    await eventually('the short-lived client is closed', () => server.openConnections() === 1);
  });
}

test('request() and stream() of the module', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.method));
  t.is(told(await whippet.request('PUT', server.url)), '200 PUT');
  const response = await whippet.stream('GET', server.url);
  t.is((await response.read()).toString(), 'GET');
  await eventually('both are closed', () => server.openConnections() === 0);
  await t.throwsAsync(whippet.get(server.url, { timout: 1 } as object), {
    message: /'timout' for get\(\)\. Did you mean 'timeout'/,
  });
});

// ── closing ──

test('a closed client: isClosed, ClientClosed, close() again, buildRequest() still works', async (t) => {
  const server = await serveRaw(t, OK);
  const client = new Client();
  await client.get(server.url);
  t.false(client.isClosed);
  await client.close();
  await client.close();
  t.true(client.isClosed);
  await eventually('the idle connection is closed', () => server.openConnections() === 0);
  for (const sent of [
    client.get(server.url),
    client.stream('GET', server.url),
    client.send(new Request('GET', server.url)),
  ]) {
    const error = await failure(sent);
    t.true(error instanceof ClientClosed);
    t.is((error as ClientClosed).code, 'ERR_CLIENT_CLOSED');
  }
  t.is(client.buildRequest('GET', server.url).method, 'GET');
  t.is(server.connections(), 1);
});

test('await using closes', async (t) => {
  let outside: Client;
  {
    await using client = new Client();
    outside = client;
  }
  t.true(outside.isClosed);
});

test('what is under way when the client is closed goes to its end, and then its connection ends', async (t) => {
  const server = await serveRaw(t, OK);
  const client = new Client({ poolLimits: { maxConnections: 1 } });
  const response = await client.stream('GET', server.url);
  const queued = client.get(server.url);
  await eventually('one is queued', () => client.pool.queued === 1);
  await client.close();
  t.is((await response.read()).toString(), 'ok');
  t.is(told(await queued), '200 ok');
  await eventually('all connections are closed', () => server.openConnections() === 0);
});

// ── dispatch ──

test('dispatch: anything with send, in the network’s place', async (t) => {
  const seen: string[] = [];
  let closed = 0;
  const client = new Client({
    dispatch: {
      async send(request, { timeout }) {
        seen.push(`${request.method} ${request.url} ${timeout.readTimeout}`);
        return new Response(201, { text: 'mine', request });
      },
      async close() {
        closed += 1;
      },
    },
  });
  const response = await client.get('foo://anything/', { timeout: 7 });
  t.is(told(response), '201 mine');
  t.deepEqual(seen, ['GET foo://anything/ 7']);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 0 idle>');
  await client.close();
  await client.close();
  t.is(closed, 1);
});

test('dispatch: what it throws arrives as it is, and its response gets the request', async (t) => {
  const mine = new Error('mine');
  const failing = openClient(t, { dispatch: { send: () => Promise.reject(mine) } });
  t.is(await failure(failing.get('http://x/')), mine);
  const client = openClient(t, {
    dispatch: { send: async () => new Response(200, { headers: new Headers({ a: 'b' }) }) },
  });
  t.is((await client.get('http://x/y')).url.toString(), 'http://x/y');
});
