/** Cookies of a client: kept over requests, redirects and 401s, and sent where they belong (rows E… and SEC-E…). */
import test from 'ava';
import { CookieJar, MemoryCookieStore } from 'tough-cookie';
import {
  Client,
  Cookies,
  Request,
  TotalTimeout,
  get,
  type ClientOptions,
  type RequestOptions,
} from '../../src/index.js';
import { eventually, failure, openClient, soon, told } from '../helpers/client.js';
import { serveNames } from '../helpers/names.js';
import { serve, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

test('E10 a cookie that a response sets is sent with the next request', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/set') response.setHeader('set-cookie', ['a=1; Path=/', 'b=2; Path=/deep']);
    response.end(request.headers.cookie ?? 'none');
  });
  const client = openClient(t);
  t.is(told(await client.get(server.url)), '200 none');
  const set = await client.get(`${server.url}set`);
  t.is(set.text, 'none');
  t.deepEqual(
    [...set.cookies],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  );
  t.is(client.cookies.get('a'), '1');
  t.is(told(await client.get(server.url)), '200 a=1');
  t.is(told(await client.get(`${server.url}deep/er`)), '200 b=2; a=1');
  t.is(told(await client.get(server.url.replace('127.0.0.1', 'localhost'))), '200 none');
  const streamed = await client.stream('GET', server.url);
  t.is(String(await streamed.read()), 'a=1');
});

test('a call with cookies: false sends none on its way and keeps none, however it is made', async (t) => {
  const server = await serve(t, (request, response) => {
    response.setHeader('set-cookie', 'of=the-call');
    if (request.url === '/redirect') response.writeHead(302, { location: '/' });
    response.end(request.headers.cookie ?? 'none');
  });
  const client = openClient(t, { cookies: { a: '1' } });
  const url = `${server.url}redirect`;
  t.is(told(await client.get(url, { cookies: false })), '200 none');
  t.is(told(await client.send(client.buildRequest('GET', url, { cookies: false }))), '200 none');
  const byHand = await client.get(url, { cookies: false, followRedirects: false });
  t.is(byHand.nextRequest?.headers.get('cookie'), undefined);
  const hooked = openClient(t, { cookies: { a: '1' }, eventHooks: { request: [() => {}] } });
  t.is(told(await hooked.get(url, { cookies: false, auth: ['user', 'password'] })), '200 none');
  for (const { cookies } of [client, hooked]) t.deepEqual([...cookies], [['a', '1']]);
  t.is(told(await client.get(server.url)), '200 a=1');
});

const SENT: [title: string, client: ClientOptions, request: RequestOptions, expected: string][] = [
  ['those of the client', { cookies: { a: '1' } }, {}, 'a=1'],
  ['E11 those of the request', {}, { cookies: { b: '2' } }, 'b=2'],
  ['both', { cookies: { a: '1' } }, { cookies: { b: '2' } }, 'a=1; b=2'],
  ['the request’s in place of the client’s', { cookies: { a: '1' } }, { cookies: { a: '2' } }, 'a=2'],
  [
    'a Cookie header instead of all',
    { cookies: { a: '1' } },
    { cookies: { b: '2' }, headers: { Cookie: 'own=3' } },
    'own=3',
  ],
  ['a Cookie header of the client', { cookies: { a: '1' }, headers: { cookie: 'own=3' } }, {}, 'own=3'],
  [
    'pairs',
    {
      cookies: [
        ['a', '1'],
        ['b', '2'],
      ],
    },
    {},
    'a=1; b=2',
  ],
  ['cookies: false', { cookies: false }, {}, 'none'],
  ['cookies: false, and those of the request', { cookies: false }, { cookies: { b: '2' } }, 'b=2'],
  ['a request without cookies', { cookies: { a: '1' } }, { cookies: false }, 'none'],
  ['with a base URL', { baseUrl: 'BASE', cookies: { a: '1' } }, {}, 'a=1'],
];

for (const [title, ofClient, ofRequest, expected] of SENT) {
  test(`sent: ${title}`, async (t) => {
    const server = await serve(t, (request, response) => response.end(request.headers.cookie ?? 'none'));
    const client = openClient(t, { ...ofClient, ...(ofClient.baseUrl && { baseUrl: server.url }) });
    t.is(told(await client.get(server.url, ofRequest)), `200 ${expected}`);
    t.is(client.buildRequest('GET', server.url, ofRequest).headers.get('cookie') ?? 'none', expected);
    t.is(told(await client.send(client.buildRequest('GET', server.url, ofRequest))), `200 ${expected}`);
    if (ofClient.cookies === undefined || ofRequest.cookies === undefined) {
      t.is(told(await get(server.url, { ...ofClient, ...ofRequest, baseUrl: undefined })), `200 ${expected}`);
    }
    if (ofRequest.cookies !== undefined) t.is(client.cookies.get('b'), undefined, 'not stored');
  });
}

test('send() of a Request made by hand adds no cookies', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers.cookie ?? 'none'));
  const client = openClient(t, { cookies: { a: '1' } });
  t.is(told(await client.send(new Request('GET', server.url))), '200 none');
  t.is(told(await client.send(new Request('GET', server.url, { cookies: { b: '2' } }))), '200 b=2');
});

test('cookies: false stores nothing', async (t) => {
  const server = await serve(t, (request, response) => {
    response.setHeader('set-cookie', 'a=1').end(request.headers.cookie ?? 'none');
  });
  const client = openClient(t, { cookies: false });
  const response = await client.get(server.url);
  t.is(response.cookies.get('a'), '1');
  t.is(told(await client.get(server.url)), '200 none');
  t.is(client.cookies.size, 0);
  t.is(told(await get(server.url, { cookies: false })), '200 none');
});

test('the setter acts on the next request; a Cookies and a jar are shared', async (t) => {
  const server = await serve(t, (request, response) => {
    response.setHeader('set-cookie', 's=1').end(request.headers.cookie ?? 'none');
  });
  const mine = new Cookies({ a: '1' });
  const client = openClient(t, { cookies: mine });
  t.is(client.cookies, mine);
  t.is(told(await client.get(server.url)), '200 a=1');
  t.is(mine.get('s'), '1');
  client.cookies = { b: '2' } as never;
  t.is(told(await client.get(server.url)), '200 b=2');
  client.cookies.set('c', '3');
  client.cookies.delete('b');
  t.is(told(await client.get(server.url)), '200 s=1; c=3');
  const jar = new CookieJar();
  client.cookies = jar as never;
  await client.get(server.url);
  t.is(await jar.getCookieString(server.url), 's=1');
  t.is(told(await client.get(server.url)), '200 s=1');
});

test('a store that takes its time: cookies are stored and sent all the same', async (t) => {
  class Slow extends MemoryCookieStore {
    override synchronous = false;
  }
  const server = await serve(t, (request, response) => {
    response.setHeader('set-cookie', 's=1').end(request.headers.cookie ?? 'none');
  });
  const client = openClient(t, { cookies: new CookieJar(new Slow()) });
  t.is(told(await client.get(server.url)), '200 none');
  t.is(told(await client.get(server.url)), '200 s=1');
  t.is(told(await client.get(server.url, { cookies: { b: '2' } })), '200 s=1; b=2');
  const streamed = await client.stream('GET', server.url, { headers: { cookie: 'own=1' } });
  t.is(String(await streamed.read()), 'own=1');
});

const never = (): never => undefined as never;
/** What of a store never answers, and of whom: the client's jar, or the request's. */
const STUCK: [title: string, store: object, isRequests: boolean][] = [
  ['looks up', { findCookies: never }, false],
  ['looks up for a request', { findCookies: never }, true],
  ['stores', { putCookie: never }, false],
];

for (const [title, stuck, isRequests] of STUCK) {
  for (const [way, options] of [
    ['', {}],
    [', with hooks', { eventHooks: { response: [() => {}] } }],
    [', with retries', { retries: 2 }],
  ] satisfies [string, ClientOptions][]) {
    test(`a store that never answers when it ${title}${way}: the signal and the total timeout end the request`, async (t) => {
      const server = await serve(t, (_, response) => response.setHeader('set-cookie', 's=1').end('ok'));
      const cookies = new CookieJar(Object.assign(new MemoryCookieStore(), { synchronous: false, ...stuck }));
      const client = openClient(t, isRequests ? options : { ...options, cookies });
      const given = isRequests ? { cookies } : {};
      const controller = new AbortController();
      const aborted = client.get(server.url, { ...given, signal: controller.signal });
      setTimeout(() => controller.abort(new Error('enough')), 50);
      t.is((await failure(soon('the abort', aborted))).message, 'enough');
      const late = await failure(soon('the timeout', client.get(server.url, { ...given, timeout: { total: 200 } })));
      t.true(late instanceof TotalTimeout, String(late));
      await eventually('nothing is in use', () => client.pool.active === 0);
    });
  }
}

test('a store that fails for a request that is built and never sent: the failure is no one’s', async (t) => {
  const fails = async (): Promise<never> => {
    throw new Error('store is down');
  };
  const cookies = new CookieJar(Object.assign(new MemoryCookieStore(), { synchronous: false, findCookies: fails }));
  const request = openClient(t, { cookies }).buildRequest('GET', 'http://example.org/');
  // A rejection that is left over would be reported now.
  await new Promise(setImmediate);
  t.is(request.method, 'GET');
});

// ── redirects ──

test('E36 login and logout by redirects', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/login') {
      response.writeHead(303, { location: '/', 'set-cookie': 'session=1; Path=/; Max-Age=600' }).end();
    } else if (request.url === '/logout') {
      response
        .writeHead(303, { location: '/', 'set-cookie': 'session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT' })
        .end();
    } else {
      response.end(request.headers.cookie === 'session=1' ? 'Logged in' : 'Not logged in');
    }
  });
  const client = openClient(t);
  t.is((await client.get(server.url)).text, 'Not logged in');
  t.is((await client.post(`${server.url}login`)).text, 'Logged in');
  t.is((await client.get(server.url)).text, 'Logged in');
  t.is((await client.post(`${server.url}logout`)).text, 'Not logged in');
  t.is(client.cookies.size, 0);
});

test('nextRequest has the cookies of its URL, those of the redirect too; and nothing of the request’s own', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/b') response.end(request.headers.cookie);
    else response.writeHead(302, { location: '/b', 'set-cookie': 's=1' }).end();
  });
  const client = openClient(t, { cookies: { any: '1' }, followRedirects: false });
  const { nextRequest } = await client.get(server.url, { cookies: { own: '1' } });
  t.is(nextRequest?.headers.get('cookie'), 'any=1; s=1');
  t.is(told(await client.send(nextRequest!)), '200 any=1; s=1');
  const elsewhere = await serve(t, (_, response) =>
    response.writeHead(302, { location: `http://localhost:${server.port}/b` }).end(),
  );
  t.is((await client.get(elsewhere.url)).nextRequest?.headers.get('cookie'), undefined);
});

test('L43 the same URL again, with the cookie that it set', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.headers.cookie === 'seen=1') response.end('in');
    else response.writeHead(302, { location: '/', 'set-cookie': 'seen=1' }).end();
  });
  t.is(told(await get(server.url)), '200 in');
});

test('SEC-A15 a redirect’s cookie goes to its own host alone', async (t) => {
  const server = await serveNames(t, (request, response) => {
    if (request.headers.host === 'b.test') response.end(request.headers.cookie ?? 'none');
    else response.writeHead(302, { location: 'http://b.test/', 'set-cookie': 's=1' }).end();
  });
  const client = openClient(t, { dispatch: server.dispatch });
  t.is(told(await client.get('http://a.test/')), '200 none');
  t.is(client.cookies.get('s', { domain: 'a.test' }), '1');
});

for (const [way, options] of [
  ['a header', { headers: { cookie: 'c=secret' } }],
  ['the request’s cookies', { cookies: { c: 'secret' } }],
] as [string, RequestOptions][]) {
  test(`SEC-A6 E38 ${way}: not over a redirect to another host, port or scheme`, async (t) => {
    for (const to of ['http://b.test/', 'http://a.test:81/', 'http://sub.a.test/']) {
      const server = await serveNames(t, (request, response) => {
        if (server.log.length === 1) response.writeHead(302, { location: to }).end();
        else response.end(request.headers.cookie ?? 'none');
      });
      t.is(told(await openClient(t, { dispatch: server.dispatch }).get('http://a.test/', options)), '200 none', to);
    }
  });
}

test('SEC-E4 the client’s cookies without a host stay behind on the way to another origin, for good', async (t) => {
  const server = await serveNames(t, (request, response) => {
    const next = ['http://a.test/2', 'http://b.test/', 'http://a.test/3'][server.log.length - 1];
    if (next === undefined) response.end();
    else response.writeHead(302, { location: next, 'set-cookie': `of-${request.headers.host}=1; Path=/` }).end();
  });
  const client = openClient(t, { dispatch: server.dispatch, cookies: { any: '1' } });
  await client.get('http://a.test/');
  t.deepEqual(
    server.requests.map(({ headers }) => headers.cookie),
    ['any=1', 'any=1; of-a.test=1', undefined, 'of-a.test=1'],
  );
});

test('SEC-E4 with a base URL they are bound to its host', async (t) => {
  const server = await serveNames(t, (request, response) => response.end(request.headers.cookie ?? 'none'));
  const client = openClient(t, { dispatch: server.dispatch, baseUrl: 'http://a.test/', cookies: { any: '1' } });
  t.is(told(await client.get('x')), '200 any=1');
  t.is(told(await client.get('http://b.test/')), '200 none');
  t.is(told(await client.get('http://a.test:81/')), '200 any=1');
});

test('SEC-E13 whose cookies they are is said by the URL, never by Host', async (t) => {
  const server = await serveNames(t, (request, response) => {
    response.setHeader('set-cookie', 's=1; Path=/').end(request.headers.cookie ?? 'none');
  });
  const client = openClient(t, { dispatch: server.dispatch });
  await client.get('http://a.test/', { headers: { host: 'b.test' } });
  t.is(told(await client.get('http://b.test/')), '200 none');
  t.is(told(await client.get('http://a.test/')), '200 s=1');
});

test('SEC-E8 a Secure cookie goes by https alone', async (t) => {
  const server = await serveNames(t, (request, response) => {
    if (server.log.length === 1) response.setHeader('set-cookie', 's=1; Secure; Path=/');
    response.end(request.headers.cookie ?? 'none');
  });
  const client = openClient(t, { dispatch: server.dispatch });
  await client.get('https://a.test/');
  t.is(told(await client.get('http://a.test/')), '200 none');
  t.is(told(await client.get('https://a.test/')), '200 s=1');
});

test('SEC-E6 thousands of cookies, of one response and over time: requests to the sibling paths still work', async (t) => {
  const ca = await testCA();
  const server = await serveTls(t, (request, response) => {
    const n = Number(request.url?.slice(1));
    if (n > 0) for (let i = 0; i < 80; i++) response.appendHeader('set-cookie', `c${n}-${i}=${'x'.repeat(90)}; Path=/`);
    response.end(`${request.headers.cookie?.split('; ').length} ${(request.headers.cookie ?? '').length <= 8190}`);
  });
  const client = openClient(t, { verify: ca.cert });
  await client.get(`${server.url}1`);
  t.is(told(await client.get(server.url)), '200 50 true');
  for (let n = 2; n < 40; n++) await client.get(`${server.url}${n}`);
  t.regex(told(await client.get(server.url)), /^200 \d+ true$/);
  t.is(client.cookies.size, 150);
});

test.serial('SEC-N3 a polluted Object.prototype adds no cookie and no auth', async (t) => {
  const server = await serve(t, (request, response) =>
    response.end(`${request.headers.cookie} ${request.headers.authorization}`),
  );
  const polluted: Record<string, unknown> = {
    cookies: { evil: '1' },
    auth: ['evil', 'x'],
    followRedirects: false,
    maxRedirects: 0,
    sensitiveHeaders: ['x'],
    retries: 5,
    eventHooks: { request: [() => t.fail()] },
    trustEnv: false,
    request: [() => t.fail()],
    username: 'evil',
    limit: 3,
    backoff: () => t.fail(),
  };
  Object.assign(Object.prototype, polluted);
  try {
    const client = new Client({});
    t.is(told(await client.get(server.url, {})), '200 undefined undefined');
    t.is(told(await client.send(client.buildRequest('GET', server.url, {}), {})), '200 undefined undefined');
    t.is(told(await get(server.url, {})), '200 undefined undefined');
    await client.close();
  } finally {
    for (const name of Object.keys(polluted)) delete (Object.prototype as unknown as Record<string, unknown>)[name];
  }
});

test.serial(
  'SEC-N3 a polluted Object.prototype names no way to the server, no trust and no file for secrets',
  async (t) => {
    const server = await serve(t, (request, response) => response.end(`${request.url} ${request.headers['x-a']}`));
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    const names = ['socketPath', 'localAddress', 'resolve', 'roots', 'extraRoots', 'clientCert', 'clientKey', 'keyLog'];
    for (const value of ['polluted', { evil: '1' }, () => 'x']) {
      for (const name of [
        ...names,
        'allowAddresses',
        'denyAddresses',
        'lookup',
        'http2',
        'pingIntervalMs',
        'multiItems',
        'username',
        'password',
      ]) {
        prototype[name] = value;
        try {
          const client = new Client({ headers: { 'x-a': '1' }, params: { q: 1 }, trustEnv: false });
          t.is(told(await client.get(server.url)), '200 /?q=1 1', name);
          await client.close();
          const proxied = new Client({ proxies: server.url, headers: { 'x-a': '2' }, trustEnv: false });
          t.is(told(await proxied.get('http://example.test/')), '200 http://example.test/ 2', name);
          await proxied.close();
        } finally {
          delete prototype[name];
        }
      }
    }
  },
);

test('bad cookies', async (t) => {
  t.throws(() => new Client({ cookies: 'a=1' as never }), { instanceOf: TypeError });
  t.throws(() => new Client({ cookies: true as never }), { instanceOf: TypeError });
  t.true((await failure(openClient(t).get('http://x/', { cookies: 1 as never }))) instanceof TypeError);
});
