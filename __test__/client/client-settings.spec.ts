/** What a client's settings do to its requests: merging, setters, timeouts, `OPTIONS *`, the module functions. */
import test from 'ava';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import * as whippet from '../../src/index.js';
import { Client, ConnectTimeout, get, ReadTimeout, Request, TimeoutConfig, TotalTimeout } from '../../src/index.js';
import { blackhole } from '../helpers/blackhole.js';
import { eventually, failure, openClient, reasonOf, told } from '../helpers/client.js';
import { OK, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

// ── Build Request ──

test('what buildRequest was told of the sending is kept for send, whose own options win', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/never') return;
    if (request.url === '/away') response.writeHead(302, { location: '/' });
    response.end(String(request.headers.authorization));
  });
  const client = openClient(t, { auth: ['client', 'x'], timeout: { read: 5000 } });

  const slow = client.buildRequest('GET', `${server.origin}/never`, { timeout: { read: 40 } });
  t.regex((await failure(client.send(slow))).message, /for 40 ms/);
  t.regex((await failure(client.send(slow, { timeout: { read: 30 } }))).message, /for 30 ms/);
  t.regex((await failure(client.send(slow, { timeout: undefined }))).message, /for 40 ms/);

  const away = client.buildRequest('GET', `${server.origin}/away`, { followRedirects: false, auth: null });
  t.is(told(await client.send(away)), '302 undefined');
  t.is((await client.send(away, { followRedirects: true })).history.length, 1);
  t.is(told(await client.send(away, { auth: ['a', 'b'] })), `302 Basic ${btoa('a:b')}`);

  const reason = new Error('mine');
  const aborted = client.buildRequest('GET', server.url, { signal: AbortSignal.abort(reason) });
  t.is(await failure(client.send(aborted)), reason);
  t.throws(() => client.buildRequest('GET', server.url, { onDownloadProgress: 5 as never }), { instanceOf: TypeError });
});

test('OPTIONS *: the request-target is the one that was set, on the wire', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { baseUrl: server.url });
  const request = client.buildRequest('OPTIONS', '/ignored?q');
  request.url.fullPath = '*';
  const response = await client.send(request);
  t.regex(server.received[0], /^OPTIONS \* HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
  t.is(response.url.path, '/ignored');
});

test('OPTIONS * by HTTP/2: :path is *', async (t) => {
  const server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const client = openClient(t, { httpVersions: 'HTTP/2' });
  const request = client.buildRequest('OPTIONS', `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`);
  request.url.fullPath = '*';
  const response = await client.send(request);
  t.is(response.httpVersion, 'HTTP/2');
  t.is(response.text, 'OPTIONS *');
  await client.close();
});

test('OPTIONS * with hooks, cookies and auth stays *', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { auth: ['u', 'p'], cookies: { a: '1' }, eventHooks: { request: [() => {}] } });
  const request = client.buildRequest('OPTIONS', server.url);
  request.url.fullPath = '*';
  await client.send(request);
  t.regex(server.received[0], /^OPTIONS \* HTTP\/1\.1\r\n[\s\S]*\r\nCookie: a=1\r\nAuthorization: Basic dTpw\r\n\r\n$/);
});

test('SEC-A21 a request-target that looks like a host does not change where the request goes', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const request = client.buildRequest('GET', server.url);
  request.url.fullPath = '//127.0.0.1:1/x';
  t.is(told(await client.send(request)), '200 ok');
  t.regex(server.received[0], /^GET \/\/127\.0\.0\.1:1\/x HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
  t.throws(() => (request.url.fullPath = '/a b'), { instanceOf: TypeError });
  t.throws(() => (request.url.fullPath = '/\r\nx: y'), { instanceOf: TypeError });
});

test('a built request: everything may be changed before it is sent', async (t) => {
  const server = await serve(t, (request, response) =>
    response.end(`${request.method} ${request.url} ${request.headers['x-a']}`),
  );
  const client = openClient(t, { headers: { 'x-a': '1' }, params: { p: '1' } });
  const request = client.buildRequest('GET', server.url);
  request.method = 'delete';
  request.url = request.url.copySetParam('p', 2);
  request.headers.set('x-a', '2');
  t.is(told(await client.send(request)), '200 DELETE /?p=2 2');
});

// ── setters ──

test('setters act on the next request; a request that was built keeps what it was built with', async (t) => {
  const server = await serve(t, (request, response) =>
    response.end(`${request.url} ${request.headers['x-a']} ${request.headers['user-agent']}`),
  );
  const client = openClient(t);
  const before = client.buildRequest('GET', server.url);
  client.params = { p: 1 } as never;
  client.headers = { 'x-a': '1', 'user-agent': 'mine' } as never;
  t.is(told(await client.get(server.url)), '200 /?p=1 1 mine');
  t.regex(told(await client.send(before)), /^200 \/ undefined whippet/);
  client.headers.delete('user-agent');
  t.is(told(await client.get(server.url)), '200 /?p=1 1 undefined');
  client.baseUrl = server.url as never;
  client.headers = {} as never;
  t.regex(told(await client.get('path', { params: { q: 2 } })), /^200 \/path\?p=1&q=2 undefined whippet/);
  t.regex(told(await client.get('path', { headers: { 'User-Agent': null } })), / undefined undefined$/);
});

test('bad values of setters are refused, and change nothing', (t) => {
  const client = new Client({ baseUrl: 'http://a.test/', timeout: 7 });
  const set = (name: string, value: unknown) => () =>
    void ((client as unknown as Record<string, unknown>)[name] = value);
  for (const [name, value] of [
    ['auth', 'x'],
    ['baseUrl', 1],
    ['cookies', 'x'],
    ['eventHooks', { request: 1 }],
    ['headers', 'x'],
    ['params', 1],
    ['timeout', -1],
  ] as [string, unknown][]) {
    t.throws(set(name, value), { any: true } as never, name);
  }
  t.is(client.baseUrl.toString(), 'http://a.test/');
  t.is(client.timeout.readTimeout, 7);
  t.is(client.auth, null);
  t.true(client.trustEnv);
  t.throws(set('trustEnv', false), { instanceOf: TypeError });
});

// ── timeouts, in the reference's forms, at both levels ──

const FORMS: [
  title: string,
  client: whippet.ClientOptions['timeout'],
  request: whippet.RequestOptions['timeout'],
  expected: (number | null)[],
][] = [
  ['the default', undefined, undefined, [5000, 5000, 5000, 5000, null]],
  ['a number of the client', 7, undefined, [7, 7, 7, 7, null]],
  ['a number of the request', 7, 9, [9, 9, 9, 9, null]],
  ['null of the client', null, undefined, [null, null, null, null, null]],
  ['null of the request', 7, null, [null, null, null, null, null]],
  [
    'named kinds leave the others off',
    7,
    new TimeoutConfig({ connectTimeout: 1, readTimeout: 2, writeTimeout: 3 }),
    [1, 2, 3, null, null],
  ],
  ['a plain object inherits them', 7, { read: 2, total: 9 }, [7, 2, 7, 7, 9]],
  ['a plain object of the client inherits the defaults', { read: null }, undefined, [5000, null, 5000, 5000, null]],
  ['one over the other', { total: 50 }, { connect: 1 }, [1, 5000, 5000, 5000, 50]],
];

for (const [title, ofClient, ofRequest, expected] of FORMS) {
  test(`timeouts: ${title}`, async (t) => {
    const seen: TimeoutConfig[] = [];
    const dispatch: whippet.Dispatch = {
      async send(_, { timeout }) {
        seen.push(timeout);
        return new whippet.Response(200);
      },
    };
    const options = { dispatch, ...(ofClient !== undefined && { timeout: ofClient }) };
    const client = new Client(options);
    t.teardown(() => client.close());
    await client.get('http://a.test/', { timeout: ofRequest });
    await client.send(new Request('GET', 'http://a.test/'), { timeout: ofRequest });
    for (const { connectTimeout, readTimeout, writeTimeout, poolTimeout, totalTimeout } of seen) {
      t.deepEqual([connectTimeout, readTimeout, writeTimeout, poolTimeout, totalTimeout], expected);
    }
    t.is(seen.length, 2);
  });
}

test.serial(
  'timeout messages name phase, origin and limit; also by the module function, with auth and hooks',
  async (t) => {
    const silent = await serve(t, () => {});
    const read = await failure(get(silent.url, { timeout: { read: 100 }, auth: ['u', 'secret'] }));
    t.true(read instanceof ReadTimeout);
    t.is(reasonOf(read), `ReadTimeout: no data from ${silent.origin} for 100 ms`);
    const total = await failure(get(silent.url, { timeout: { total: 100 }, eventHooks: { request: [() => {}] } }));
    t.true(total instanceof TotalTimeout);
    t.is(reasonOf(total), `TotalTimeout: ${silent.origin} did not finish within 100 ms in all`);
    const origin = `http://127.0.0.1:${await blackhole(t)}`;
    const connect = await failure(get(origin, { timeout: new TimeoutConfig({ connectTimeout: 100 }) }));
    t.true(connect instanceof ConnectTimeout);
    t.is(reasonOf(connect), `ConnectTimeout: no connection to ${origin} within 100 ms`);
    for (const error of [read, total, connect]) t.notRegex(inspect(error, { depth: 9 }), /secret/);
  },
);

test.serial('P21 timeout: null of a module function waits', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') setTimeout(() => response.end('ok'), 300);
  });
  t.is(told(await get(server.url, { timeout: null })), '200 ok');
  t.true((await failure(get(`${server.url}silent`, { timeout: 100 }))) instanceof ReadTimeout);
});

// ── module functions ──

test('the module functions take every option of a client, use it, and close it', async (t) => {
  const ca = await testCA();
  const server = await serveTls(t, (request, response) => {
    if (request.url?.startsWith('/r')) response.writeHead(302, { location: '/' }).end();
    else response.end(`${request.headers.authorization} ${request.headers.cookie} ${request.url}`);
  });
  let hooks = 0;
  const options: whippet.CallOptions = {
    verify: ca.cert,
    trustEnv: false,
    auth: ['u', 'p'],
    cookies: { a: '1' },
    params: { q: 1 },
    timeout: null,
    maxRedirects: 1,
    retries: 1,
    sensitiveHeaders: ['x'],
    eventHooks: { request: [() => void hooks++] },
    poolLimits: { maxConnections: 1 },
    maxResponseSize: 1000,
    httpVersions: 'HTTP/1.1',
  };
  t.is(told(await get(server.url, options)), '200 Basic dTpw a=1 /?q=1');
  t.is(told(await whippet.request('GET', 'x', { ...options, baseUrl: server.url })), '200 Basic dTpw a=1 /x?q=1');
  const streamed = await whippet.stream('GET', `${server.url}r`, options);
  t.is(String(await streamed.read()), 'Basic dTpw a=1 /');
  t.is(hooks, 4);
  await eventually('all are closed', () => server.openConnections() === 0);
  for (const wrong of [
    { maxRedirects: -1 },
    { retries: -1 },
    { auth: 'x' },
    { eventHooks: 1 },
    { trustEnv: 1 },
  ] as object[]) {
    await t.throwsAsync(get(server.url, wrong), undefined, inspect(wrong));
  }
});

test('close() while redirects are followed: the call under way goes on to its end, the next is refused', async (t) => {
  const client = openClient(t);
  const server = await serve(t, async (request, response) => {
    if (request.url === '/c') return response.end('the end');
    if (request.url === '/b') await client.close();
    return response.writeHead(302, { location: request.url === '/b' ? '/c' : '/b' }).end();
  });
  t.is((await client.get(server.url)).text, 'the end');
  t.true(client.isClosed);
  const error = await failure(client.get(server.url));
  t.true(error instanceof whippet.ClientClosed, inspect(error));
});
