/** Retries: off unless asked for; by method, status, failure; how long they wait. */
import test from 'ava';
import {
  Client,
  ConnectError,
  HTTPProxy,
  ProxyError,
  ReadError,
  ReadTimeout,
  StreamConsumed,
  TotalTimeout,
  type RequestOptions,
  type RetryPolicy,
} from '../../src/index.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { refusedOrigin, serve, serveRaw } from '../helpers/server.js';

const now = (limit: number, more: Partial<RetryPolicy> = {}): RetryPolicy => ({ limit, backoff: () => 0, ...more });

const KEYS: [name: string, method: string, policy: Partial<RetryPolicy>, requests: number][] = [
  ['Idempotency-Key', 'POST', {}, 2],
  ['X-Idempotency-Key', 'POST', {}, 2],
  ['idempotency-key', 'PATCH', {}, 2],
  ['Idempotency-Key', 'POST', { methods: ['GET'] }, 1],
  ['Key', 'POST', {}, 1],
];

for (const [name, method, policy, requests] of KEYS) {
  const list = policy.methods === undefined ? 'the default methods' : `methods ${policy.methods.join()}`;
  test(`${method} with ${name}, ${list}: ${requests} requests`, async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(503).end());
    const headers = { [name]: 'k' };
    await openClient(t, { retries: now(1, policy) }).request(method, server.url, { content: 'x', headers });
    t.is(server.requests.length, requests);
  });
}

// ── proxies that make no way (T9) ──

const FAILED = Buffer.from([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).toString('latin1');

const REFUSALS: [title: string, scheme: string, answer: string, attempts: number][] = [
  ...[429, 502, 503, 504].map((status): (typeof REFUSALS)[0] => [`CONNECT: ${status}`, 'http', refusal(status), 3]),
  ...[403, 407, 500].map((status): (typeof REFUSALS)[0] => [`CONNECT: ${status}`, 'http', refusal(status), 1]),
  ['CONNECT: closed', 'http', '', 3],
  ['SOCKS 5: host unreachable', 'socks5h', `\x05\0${FAILED}`, 3],
  ['SOCKS 5: closed', 'socks5h', '\x05\0', 3],
];

for (const [title, scheme, answer, attempts] of REFUSALS) {
  test(`T9 POST through a proxy, ${title}: ${attempts} attempts`, async (t) => {
    const proxy = await serveRaw(t, (connection) => {
      connection.socket.once('data', () => connection.end(answer));
    });
    const proxies = new HTTPProxy({ proxyUrl: proxy.url.replace('http', scheme), proxyMode: 'TUNNEL_ONLY' });
    const client = openClient(t, { proxies, retries: now(2) });
    t.true((await failure(client.post('http://origin.test/', { content: 'x' }))) instanceof ProxyError);
    t.is(proxy.connections(), attempts);
  });
}

function refusal(status: number): string {
  return `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`;
}

test('off by default', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(503).end());
  t.is((await openClient(t).get(server.url)).statusCode, 503);
  t.is((await openClient(t, { retries: 0 }).get(server.url)).statusCode, 503);
  t.is(server.requests.length, 2);
});

test('retries: n, with the default waits', async (t) => {
  const server = await serve(t, (_, response) => {
    if (server.requests.length < 3) response.writeHead(503).end('later');
    else response.end('ok');
  });
  const response = await openClient(t, { retries: 2 }).get(server.url);
  t.is(told(response), '200 ok');
  t.deepEqual(response.history, []);
  t.is(server.connections(), 1, 'what was given up is read, and its connection serves again');
});

test('when all are used up, the last answer or error is the caller’s', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(503).end(String(server.requests.length)));
  t.is(told(await openClient(t, { retries: now(2) }).get(server.url)), '503 3');
  const resetting = await serveRaw(t, async (connection) => {
    await connection.request();
    connection.reset();
  });
  t.true((await failure(openClient(t, { retries: now(2) }).get(resetting.url))) instanceof ReadError);
  t.is(resetting.connections(), 3);
});

const ROWS: [title: string, method: string, status: number, policy: Partial<RetryPolicy>, requests: number][] = [
  ...['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH'].map(
    (method): (typeof ROWS)[0] => [method, method, 503, {}, 2],
  ),
  ['POST', 'POST', 503, {}, 1],
  ['PATCH', 'PATCH', 503, {}, 1],
  ['POST, when it is named', 'POST', 503, { methods: ['post'] }, 2],
  ['GET, when another is named', 'GET', 503, { methods: ['POST'] }, 1],
  ...[408, 429, 500, 502, 503, 504].map((status): (typeof ROWS)[0] => [String(status), 'GET', status, {}, 2]),
  ...[200, 400, 401, 404, 501, 505].map((status): (typeof ROWS)[0] => [String(status), 'GET', status, {}, 1]),
  ['404, when it is named', 'GET', 404, { statusCodes: [404] }, 2],
  ['503, when another is named', 'GET', 503, { statusCodes: [404] }, 1],
];

for (const [title, method, status, policy, requests] of ROWS) {
  test(`sent ${requests === 1 ? 'once' : 'again'}: ${title}`, async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(status).end());
    await openClient(t, { retries: now(1, policy) }).request(method, server.url);
    t.is(server.requests.length, requests);
  });
}

test.serial('failures: a reset, silence, a refusal', async (t) => {
  let count = 0;
  const server = await serveRaw(t, async (connection) => {
    count += 1;
    await connection.request();
    if (count === 1) connection.reset();
    else if (count > 2) await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const client = openClient(t, { retries: now(3) });
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 3);
  count = 0;
  const fresh = openClient(t, { retries: now(3) });
  t.true((await failure(fresh.post(server.url))) instanceof ReadError, 'a POST may have had its effect');
  count = 1;
  t.true((await failure(fresh.post(server.url, { timeout: { read: 100 } }))) instanceof ReadTimeout);
  await eventually('the last has come', () => server.connections() === 5);
  let attempts = 0;
  const refused = openClient(t, { retries: { limit: 2, backoff: () => (attempts++, 0) } });
  t.true((await failure(refused.post(await refusedOrigin()))) instanceof ConnectError);
  t.is(attempts, 2, 'what never reached a server may be sent by any method');
  t.true((await failure(refused.get('http://name.invalid/'))) instanceof ConnectError);
  t.is(attempts, 2, 'a name that does not exist will not exist later');
});

test('backoff is asked with 1, 2, …; what it must return', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(503).end());
  const asked: number[] = [];
  const backoff = (attempt: number) => (asked.push(attempt), 0);
  await openClient(t, { retries: { limit: 3, backoff } }).get(server.url);
  t.deepEqual(asked, [1, 2, 3]);
  for (const wrong of [Number.NaN, -1, -Infinity, Infinity, 2 ** 31, Number.MAX_VALUE, '1', undefined, null, 1n]) {
    const error = await failure(
      openClient(t, { retries: { limit: 1, backoff: () => wrong as number } }).get(server.url),
    );
    t.regex(error.message, /^retries\.backoff: /);
  }
  const mine = new Error('mine');
  const throwing = () => {
    throw mine;
  };
  t.is(await failure(openClient(t, { retries: { limit: 1, backoff: throwing } }).get(server.url)), mine);
});

const DATE = (ms: number): string => new Date(ms).toUTCString();
const SOON = Date.now() - 3_600_000;
const ASCTIME = `${DATE(SOON).slice(0, 3)} ${DATE(SOON).slice(8, 11)} ${DATE(SOON).slice(5, 7).replace(/^0/, ' ')} ${DATE(SOON).slice(17, 25)} ${DATE(SOON).slice(12, 16)}`;

/** Of a `maxRetryAfter` of 60 ms. */
const AFTER: [header: string, what: 'header' | 'backoff' | 'returned'][] = [
  ['0', 'header'],
  ['0.05', 'header'],
  ['0.0', 'header'],
  ['1.5', 'returned'],
  ['2.5', 'returned'],
  ['10.25', 'returned'],
  ['2', 'returned'],
  ['86400', 'returned'],
  ['9'.repeat(40), 'returned'],
  [DATE(0), 'header'],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 'header'],
  ['Sun Nov  6 08:49:37 1994', 'header'],
  [ASCTIME, 'header'],
  [DATE(Date.now() + 1e9), 'returned'],
  ['Fri, 31 Dec 2199 23:59:59 GMT', 'returned'],
  ['Fri, 31 Dec 2199 23:59:59 +0100', 'backoff'],
  ['2199-12-31T23:59:59Z', 'backoff'],
  ['31 Dec 2199', 'backoff'],
  ['2199', 'returned'],
  ['soon', 'backoff'],
  ['-1', 'backoff'],
  ['+3', 'backoff'],
  ['1.', 'backoff'],
  ['.5', 'backoff'],
  ['1,5', 'backoff'],
  ['1e3', 'backoff'],
  ['0x1', 'backoff'],
  ['9'.repeat(8000), 'backoff'],
];

for (const [header, what] of AFTER) {
  test(`Retry-After: ${header.slice(0, 40)}: ${what}`, async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(429, { 'retry-after': header }).end());
    let asked = 0;
    const retries = { limit: 1, maxRetryAfter: 60, backoff: () => (asked++, 0) };
    const response = await soon('the last answer', openClient(t, { retries }).get(server.url));
    t.is(response.statusCode, 429);
    t.is(server.requests.length, what === 'returned' ? 1 : 2);
    t.is(asked, what === 'backoff' ? 1 : 0);
  });
}

test('Retry-After beyond maxRetryAfter: the default is a minute', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(503, { 'retry-after': '61' }).end('later'));
  t.is(told(await soon('the answer', openClient(t, { retries: 3 }).get(server.url))), '503 later');
  t.is(server.requests.length, 1);
});

test.serial('the total timeout covers all attempts and waits; a signal ends them', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(503, { 'retry-after': '30' }).end());
  const client = openClient(t, { retries: 5 });
  const error = await failure(soon('the timeout', client.get(server.url, { timeout: { total: 1000 } })));
  t.true(error instanceof TotalTimeout);
  t.is(reasonOf(error), `TotalTimeout: ${server.origin} did not finish within 1000 ms in all`);
  const controller = new AbortController();
  const aborted = client.get(server.url, { signal: controller.signal });
  const ended = failure(soon('the abort', aborted));
  await eventually('it is answered', () => server.requests.length === 2);
  controller.abort(new Error('enough'));
  t.is((await ended).message, 'enough');
  t.is(server.requests.length, 2);
});

test('a body that can be sent again is; one that cannot is sent once', async (t) => {
  const bodies: string[] = [];
  const server = await serve(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    bodies.push(body);
    response.writeHead(503).end();
  });
  const client = openClient(t, { retries: now(1) });
  async function* once() {
    yield 'once';
  }
  const send = (content: RequestOptions['content']) => client.put(server.url, { content });
  t.is((await send('bytes')).statusCode, 503);
  t.is((await send(new Blob(['blob']))).statusCode, 503);
  t.is((await send(once())).statusCode, 503);
  t.deepEqual(bodies, ['bytes', 'bytes', 'blob', 'blob', 'once']);
  t.true((await failure(client.send(await used(client, server.url)))) instanceof StreamConsumed);
});

test('cookies that the given-up answer sets go with the next attempt, and the user’s Request stays as it was', async (t) => {
  const server = await serve(t, (request, response) => {
    if (server.requests.length % 2 === 1)
      response.writeHead(503, { 'set-cookie': `s=${server.requests.length}` }).end();
    else response.end(request.headers.cookie);
  });
  const client = openClient(t, { retries: now(1) });
  t.is(told(await client.get(server.url, { cookies: { own: '1' } })), '200 own=1; s=1');
  const request = client.buildRequest('GET', server.url);
  t.is(told(await client.send(request)), '200 s=3');
  t.is(request.headers.get('cookie'), 's=1');
  t.is(told(await client.get(server.url, { headers: { cookie: 'mine' } })), '200 mine');
  t.is(told(await openClient(t, { retries: now(1), cookies: false }).get(server.url)), '200 ');
});

test('auth is made anew for each attempt, and each redirect has its own', async (t) => {
  let tokens = 0;
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/b' }).end();
    else if (server.requests.length < 3) response.writeHead(503).end();
    else response.end(request.headers.authorization);
  });
  const client = openClient(t, {
    retries: now(2),
    auth: (request) => {
      request.headers.set('authorization', String(++tokens));
      return request;
    },
  });
  const response = await client.get(server.url);
  t.is(told(response), '200 3');
  t.deepEqual(
    response.history.map(({ statusCode }) => statusCode),
    [302],
  );
});

test('bad policies', (t) => {
  const bad: [unknown, RegExp][] = [
    [-1, /^retries: -1 is not allowed/],
    [1.5, /^retries: 1\.5/],
    ['3', /^retries: expected a number or a policy, got string/],
    [{}, /^retries\.limit: expected a number, got undefined/],
    [{ limit: 1, methods: 'GET' }, /^retries\.methods: expected a list/],
    [{ limit: 1, statusCodes: ['503'] }, /^retries\.statusCodes: expected a list/],
    [
      { limit: 1, statusCodes: [503, 99] },
      /^retries\.statusCodes: 99 is not allowed, expected integers from 200 to 999$/,
    ],
    [{ limit: 1, statusCodes: [-1] }, /^retries\.statusCodes: -1/],
    [{ limit: 1, statusCodes: [1000] }, /^retries\.statusCodes: 1000/],
    [{ limit: 1, methods: ['GET', 'G T'] }, /^retries\.methods: 'G T' is not a token/],
    [{ limit: 1, methods: [''] }, /^retries\.methods: '' is not a token/],
    [{ limit: 1, backoff: 100 }, /^retries\.backoff: expected a function, got number/],
    [{ limit: 1, maxRetryAfter: -1 }, /^retries\.maxRetryAfter: -1/],
    [{ limit: 1, maxRetryAfter: '1' }, /^retries\.maxRetryAfter: expected milliseconds/],
    [{ limit: 1, retries: 1 }, /^Unknown option 'retries' for retries\./],
  ];
  for (const [retries, message] of bad) t.throws(() => new Client({ retries: retries as number }), { message });
});

async function used(client: Client, url: string) {
  const request = client.buildRequest('PUT', url, {
    content: (async function* () {
      yield 'x';
    })(),
  });
  await client.send(request);
  return request;
}
