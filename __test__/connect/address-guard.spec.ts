/** allowAddresses, denyAddresses, httpsOnly: where connections may lead. Which addresses are public is tested in crates/core. */
import test, { type ExecutionContext } from 'ava';
import { networkInterfaces } from 'node:os';
import {
  Client,
  type ClientOptions,
  ConnectError,
  HTTPDispatch,
  HTTPProxy,
  Request,
  Response,
  TimeoutConfig,
  UnsupportedProtocol,
} from '../../src/index.js';
import { failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { serveProxy, serveSocks } from '../helpers/proxy.js';
import { type HttpServer, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

const CODE = 'ERR_ADDRESS_FORBIDDEN';
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

async function assertForbidden(t: ExecutionContext, promise: Promise<unknown>, host?: string, address?: string) {
  const error = (await failure(soon('an error', promise))) as ConnectError;
  t.true(error instanceof ConnectError, String(error));
  t.is(error.code, CODE, String(error));
  if (host !== undefined) t.true(error.message.includes(`'${host}'`), error.message);
  if (address !== undefined) t.true(error.message.includes(address), error.message);
}

const hello = (t: ExecutionContext): Promise<HttpServer> => serve(t, (_, response) => response.end('hello'));

// ── hosts that are addresses, in every spelling ──

const LOOPBACK: [host: string, address: string][] = [
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['0177.0.0.1', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['１２７。０。０。１', '127.0.0.1'],
  ['127.255.255.254', '127.255.255.254'],
  ['0.0.0.0', '0.0.0.0'],
  ['0', '0.0.0.0'],
  ['[::1]', '::1'],
  ['[::]', '::'],
  ['[0:0:0:0:0:0:0:1]', '::1'],
  ['[::ffff:127.0.0.1]', '127.0.0.1'],
  ['[::ffff:7f00:1]', '127.0.0.1'],
  ['[::127.0.0.1]', '127.0.0.1'],
  ['[64:ff9b::7f00:1]', '127.0.0.1'],
  ['[2002:7f00:1::]', '127.0.0.1'],
  ['[2001:0:808:808:8000:63bf:80ff:fffe]', '127.0.0.1'],
];

for (const [host, address] of LOOPBACK) {
  test(`SEC-H8 http://${host}/ leads to the loopback and is refused`, async (t) => {
    const lists: ClientOptions[] = [
      { allowAddresses: 'public' },
      { allowAddresses: [] },
      { allowAddresses: ['10.0.0.0/8', '::/0', 'public'], denyAddresses: ['::1', '::'] },
      { denyAddresses: ['127.0.0.0/8', '::1/128'] },
    ];
    for (const options of lists) {
      for (const scheme of ['http', 'https']) {
        await assertForbidden(t, openClient(t, options).get(`${scheme}://${host}:9/`), undefined, address);
      }
    }
  });
}

test('what is allowed, and what is not refused, is connected to as ever', async (t) => {
  const server = await hello(t);
  const passing: ClientOptions[] = [
    {},
    { allowAddresses: null, denyAddresses: null },
    { denyAddresses: [] },
    { allowAddresses: ['127.0.0.1'] },
    { allowAddresses: ['127.0.0.0/8', 'public'] },
    { allowAddresses: ['0.0.0.0/0'] },
    { allowAddresses: ['::ffff:127.0.0.1'] },
    { allowAddresses: ['::ffff:127.0.0.0/104'] },
    { denyAddresses: ['10.0.0.0/8', '127.0.0.2', '::/0', '::ffff:0:0/96'] },
  ];
  for (const options of passing) {
    t.is(told(await openClient(t, options).get(server.url)), '200 hello', JSON.stringify(options));
    t.is(told(await openClient(t, options).get(`http://127.1:${server.port}/`)), '200 hello');
  }
  if (hasIPv6) {
    const mapped = `http://[::ffff:127.0.0.1]:${server.port}/`;
    t.is(told(await openClient(t, { allowAddresses: ['127.0.0.1'] }).get(mapped)), '200 hello');
  }
});

test('the error: class, code, host, address, option; the request is not sent', async (t) => {
  const server = await hello(t);
  const allow = openClient(t, { allowAddresses: 'public' });
  const error = (await failure(allow.get(`http://localhost:${server.port}/a?secret`))) as ConnectError;
  const why = /^ConnectError: the host 'localhost' leads to (127\.0\.0\.1|::1), which allowAddresses does not allow$/;
  t.regex(reasonOf(error), why);
  t.is(error.code, CODE);
  t.is(error.request?.url.host, 'localhost');
  const deny = openClient(t, { allowAddresses: ['127.0.0.1'], denyAddresses: ['127.0.0.0/8'] });
  const refused = await failure(deny.get(server.url));
  t.is(reasonOf(refused), `ConnectError: the host '127.0.0.1' leads to 127.0.0.1, which denyAddresses refuses`);
  t.is(server.connections(), 0);
  t.is(allow.pool.active, 0);
});

// ── names ──

test('resolve is checked, and so is what DNS says', async (t) => {
  const server = await hello(t);
  const resolve = { 'inside.test': '127.0.0.1', 'meta.test': '169.254.169.254' };
  const client = openClient(t, { resolve, allowAddresses: 'public' });
  await assertForbidden(t, client.get(`http://inside.test:${server.port}/`), 'inside.test', '127.0.0.1');
  await assertForbidden(t, client.get('https://meta.test/latest'), 'meta.test', '169.254.169.254');
  for (const host of ['localhost', 'LOCALHOST', 'localhost.']) {
    await assertForbidden(t, client.get(`http://${host}:${server.port}/`), host.toLowerCase());
  }
  t.is(server.connections(), 0);
});

// ── redirects, retries, kept connections ──

test('SEC-H8 every hop of a redirect is checked', async (t) => {
  const inside = await hello(t);
  const outside = await serve(t, (_, response) => {
    response.writeHead(302, { location: `http://127.0.0.2:${inside.port}/secret` }).end();
  });
  const client = openClient(t, { allowAddresses: ['127.0.0.1'] });
  await assertForbidden(t, client.get(outside.url), '127.0.0.2', '127.0.0.2');
  await assertForbidden(t, client.stream('GET', outside.url), '127.0.0.2');
  t.is(outside.requests.length, 2);
  t.is(inside.connections(), 0);
  const first = await client.get(outside.url, { followRedirects: false });
  t.is(first.statusCode, 302);
});

test('a refusal is never tried again', async (t) => {
  let waits = 0;
  const retries = { limit: 5, methods: ['GET'], backoff: () => (waits++, 0) };
  const client = openClient(t, { retries, allowAddresses: 'public' });
  await assertForbidden(t, client.get('http://127.0.0.1:9/'));
  await assertForbidden(t, client.get('http://localhost:9/'));
  t.is(waits, 0);
  const events = client.events('GET', 'http://127.0.0.1:9/', { retry: 0 });
  await assertForbidden(t, events.next());
});

test('a new connection is checked as the first one was', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  const client = openClient(t, {
    allowAddresses: ['127.0.0.1'],
    resolve: { 'a.test': '127.0.0.1', 'b.test': '127.0.0.2' },
  });
  for (let i = 0; i < 3; i++) {
    t.is(told(await client.get(`http://a.test:${server.port}/`)), '200 ok');
    await assertForbidden(t, client.get(`http://b.test:${server.port}/`), 'b.test', '127.0.0.2');
  }
  t.is(server.connections(), 3);
});

test('a guarded and an unguarded client never share a connection, nor do two guards', async (t) => {
  const server = await hello(t);
  const open = openClient(t);
  t.is(told(await open.get(server.url)), '200 hello');
  t.is(open.pool.idle, 1);
  for (const options of [{ allowAddresses: 'public' }, { denyAddresses: ['127.0.0.0/8'] }] as const) {
    await assertForbidden(t, openClient(t, options).get(server.url));
  }
  t.is(told(await openClient(t, { allowAddresses: ['127.0.0.1'] }).get(server.url)), '200 hello');
  t.is(server.connections(), 2);
});

test('HTTP/2 and https are checked before the handshake', async (t) => {
  const { cert: verify } = await testCA();
  const server = await serveTls(t, (_, response) => response.end('hello'));
  for (const httpVersions of ['HTTP/1.1', 'HTTP/2', ['HTTP/1.1', 'HTTP/2']] as const) {
    const client = openClient(t, { verify, httpVersions, denyAddresses: ['127.0.0.1'] });
    const all = Array.from({ length: 5 }, () => client.get(server.url));
    for (const one of all) await assertForbidden(t, one, '127.0.0.1');
  }
  t.is(server.connections(), 0);
});

// ── proxies ──

test('a forwarding proxy: the proxy may stand anywhere, a target that is an address is checked for each request', async (t) => {
  const server = await hello(t);
  const proxy = await serveProxy(t, { lead: () => server.port });
  const client = openClient(t, {
    proxies: proxy.origin,
    allowAddresses: 'public',
    resolve: { 'inside.test': '10.0.0.1' },
  });
  t.is(told(await client.get('http://example.test/')), '200 hello');
  t.is(told(await client.get('http://8.8.8.8/')), '200 hello');
  for (const host of ['127.0.0.1', '0x7f.1', '[::ffff:10.0.0.1]', 'inside.test', '169.254.169.254']) {
    await assertForbidden(t, client.get(`http://${host}/`));
  }
  t.deepEqual(
    proxy.asked.map(({ target }) => target),
    ['http://example.test/', 'http://8.8.8.8/'],
  );
  t.is(proxy.connections(), 1);
});

test('a tunnel: a target that is an address is checked, and no CONNECT is sent for it', async (t) => {
  const { cert: verify } = await testCA();
  const server = await serveTls(t, (_, response) => response.end('hello'));
  const proxy = await serveProxy(t, { lead: () => server.port });
  const proxies = new HTTPProxy({ proxyUrl: proxy.origin, proxyMode: 'TUNNEL_ONLY' });
  const client = openClient(t, { proxies, verify, allowAddresses: 'public', httpVersions: 'HTTP/1.1' });
  t.is(told(await client.get('https://localhost/')), '200 hello', 'the proxy looks the name up, and we do not know it');
  for (const url of ['https://127.0.0.1/', 'https://[::1]/', 'http://10.0.0.1/', 'https://2130706433/']) {
    await assertForbidden(t, client.get(url));
  }
  t.deepEqual(proxy.tunnels, ['localhost:443']);
});

for (const [scheme, looksUp] of [
  ['socks4', true],
  ['socks5', true],
  ['socks4a', false],
  ['socks5h', false],
] as const) {
  test(`${scheme}: ${looksUp ? 'a name that is looked up here is checked' : 'only an address is checked'}`, async (t) => {
    const server = await hello(t);
    const proxy = await serveSocks(t, { lead: () => server.port });
    const client = openClient(t, { proxies: `${scheme}://127.0.0.1:${proxy.port}`, allowAddresses: 'public' });
    for (const host of ['127.0.0.1', '10.0.0.1', '0177.0.0.1']) {
      await assertForbidden(t, client.get(`http://${host}:${server.port}/`));
    }
    const named = client.get(`http://localhost:${server.port}/`);
    if (looksUp) await assertForbidden(t, named, 'localhost');
    else t.is(told(await named), '200 hello');
    t.is(server.requests.length, looksUp ? 0 : 1);
  });
}

// ── doors ──

test('HTTPDispatch alone, fetch(), mounts: null', async (t) => {
  const server = await hello(t);
  const dispatch = new HTTPDispatch({ allowAddresses: 'public' });
  t.teardown(() => dispatch.close());
  const timeout = new TimeoutConfig(5000);
  await assertForbidden(t, dispatch.send(new Request('GET', server.url), { timeout }));
  const client = openClient(t, { denyAddresses: ['127.0.0.0/8'] });
  const fetched = await failure(client.fetch(server.url));
  t.true(fetched instanceof TypeError);
  t.is((fetched.cause as ConnectError).code, CODE);
  const mounted = openClient(t, { app: () => new Response(204), mounts: { 'all://127.0.0.1': null }, denyAddresses: ['127.0.0.1'] } as never); // prettier-ignore
  await assertForbidden(t, mounted.get(server.url));
  t.is(server.connections(), 0);
});

// ── httpsOnly ──

test('httpsOnly: http is refused, redirects and every kind of dispatch included', async (t) => {
  const { cert: verify } = await testCA();
  const plain = await hello(t);
  const secure = await serveTls(t, (request, response) => {
    if (request.url === '/away') response.writeHead(301, { location: plain.url });
    response.end('safe');
  });
  const client = openClient(t, { httpsOnly: true, verify });
  t.is(told(await client.get(secure.url)), '200 safe');
  const dispatch = { send: () => Promise.resolve(new Response(200)) };
  const network = new HTTPDispatch({ httpsOnly: true, verify });
  t.teardown(() => network.close());
  const refused: [string, Promise<unknown>][] = [
    ['at once', client.get(plain.url)],
    ['HTTP: in capitals', client.get(plain.url.replace('http', 'HTTP'))],
    ['after a redirect', client.get(`${secure.origin}/away`)],
    ['stream', client.stream('GET', plain.url)],
    ['a dispatch of one’s own', openClient(t, { httpsOnly: true, dispatch }).get(plain.url)],
    ['a mount', openClient(t, { httpsOnly: true, mounts: { 'http://': dispatch } }).get(plain.url)],
    ['an app', openClient(t, { httpsOnly: true, app: () => new globalThis.Response('x') }).get(plain.url)],
    ['the dispatch alone', network.send(new Request('GET', plain.url), { timeout: new TimeoutConfig(5000) })],
  ];
  for (const [what, promise] of refused) {
    const error = await failure(promise);
    t.true(error instanceof UnsupportedProtocol, `${what}: ${String(error)}`);
    t.regex(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/: httpsOnly: /i, what);
  }
  t.is(plain.connections(), 0);
  const app = openClient(t, {
    httpsOnly: true,
    app: (request: globalThis.Request) => new globalThis.Response(request.url),
  });
  t.is(told(await app.get('/a')), '200 https://app/a');
  t.is(told(await openClient(t, { httpsOnly: false }).get(plain.url)), '200 hello');
});

test('httpsOnly: a proxy may be asked by http for a tunnel', async (t) => {
  const { cert: verify } = await testCA();
  const server = await serveTls(t, (_, response) => response.end('safe'));
  const proxy = await serveProxy(t);
  const client = openClient(t, { httpsOnly: true, verify, proxies: proxy.origin });
  t.is(told(await client.get(server.url)), '200 safe');
  t.is(proxy.tunnels.length, 1);
});

// ── bad input ──

const LISTS: [given: unknown, error: typeof TypeError, message: RegExp][] = [
  [true, TypeError, /^OPTION: expected .*list of IP addresses and CIDRs, got boolean$/],
  [1, TypeError, /^OPTION: expected .*, got number$/],
  [{}, TypeError, /^OPTION: expected .*, got Object$/],
  [new Set(['::1']), TypeError, /^OPTION: expected .*, got Set$/],
  [() => true, TypeError, /^OPTION: expected .*, got function$/],
  [[1], TypeError, /^OPTION\[0\]: expected an IP address or a CIDR, got number$/],
  [['::1', null], TypeError, /^OPTION\[1\]: expected an IP address or a CIDR, got null$/],
  [[, '::1'], TypeError, /^OPTION\[0\]: expected an IP address or a CIDR, got undefined$/], // eslint-disable-line no-sparse-arrays
  [[['::1']], TypeError, /^OPTION\[0\]: expected an IP address or a CIDR, got Array$/],
  [['10.0.0.0/33'], RangeError, /^OPTION\[0\]: '10\.0\.0\.0\/33' has no prefix length from 0 to 32$/],
  [['::1/129'], RangeError, /^OPTION\[0\]: '::1\/129' has no prefix length from 0 to 128$/],
  [['10.0.0.1/8'], RangeError, /^OPTION\[0\]: '10\.0\.0\.1\/8' has bits set behind its prefix/],
  [['2001:db8::1/64'], RangeError, /^OPTION\[0\]: '2001:db8::1\/64' has bits set behind its prefix/],
  [['::ffff:10.0.0.1/104'], RangeError, /bits set behind its prefix/],
  [['10.0.0.0/'], RangeError, /no prefix length/],
  [['10.0.0.0/08'], RangeError, /no prefix length/],
  [['10.0.0.0/-1'], RangeError, /no prefix length/],
  [['10.0.0.0/8/8'], RangeError, /no prefix length/],
  [['10.0.0.0/255.0.0.0'], RangeError, /no prefix length/],
  [['10.0.0.0/8 '], RangeError, /no prefix length/],
  [['[::1]'], RangeError, /^OPTION\[0\]: '\[::1\]' is written without brackets in a list$/],
  [['[::]/0'], RangeError, /without brackets/],
  [['fe80::1%eth0'], RangeError, /^OPTION\[0\]: 'fe80::1%eth0' has a zone, which no network has$/],
  [['fe80::%eth0/10'], RangeError, /has a zone/],
  [['example.org'], RangeError, /^OPTION\[0\]: 'example\.org' is neither an IP address nor a CIDR$/],
  [['localhost'], RangeError, /neither an IP address nor a CIDR/],
  [['127.1'], RangeError, /neither an IP address nor a CIDR/],
  [['0177.0.0.1'], RangeError, /neither an IP address nor a CIDR/],
  [['10.0.0'], RangeError, /neither an IP address nor a CIDR/],
  [['10.*'], RangeError, /neither an IP address nor a CIDR/],
  [[''], RangeError, /neither an IP address nor a CIDR/],
  [[' ::1'], RangeError, /neither an IP address nor a CIDR/],
  [['Public'], RangeError, /neither an IP address nor a CIDR/],
  [['private'], RangeError, /neither an IP address nor a CIDR/],
];

for (const option of ['allowAddresses', 'denyAddresses'] as const) {
  test(`${option}: what is no list of addresses`, (t) => {
    for (const [given, instanceOf, message] of LISTS) {
      const expected = { instanceOf, message: new RegExp(message.source.replace('OPTION', option)) };
      t.throws(() => new Client({ [option]: given } as never), expected, String(given));
      t.throws(() => new HTTPDispatch({ [option]: given } as never), expected);
      t.throws(() => new Client({ [option]: given, dispatch: new HTTPDispatch() } as never), expected);
    }
    const socket = { instanceOf: TypeError, message: new RegExp(`^${option}: with socketPath `) };
    t.throws(() => new Client({ [option]: ['::1'], socketPath: '/tmp/x' }), socket);
    t.throws(() => new HTTPDispatch({ [option]: [], socketPath: '/tmp/x' }), socket);
    t.notThrows(() => new Client({ [option]: null, socketPath: '/tmp/x' }));
  });
}

test('one word alone: public to allow, and none to refuse', (t) => {
  t.throws(() => new Client({ allowAddresses: 'private' as never }), { instanceOf: RangeError, message: /^allowAddresses: 'private' is not allowed, expected 'public' or a list/ }); // prettier-ignore
  t.throws(() => new Client({ allowAddresses: '10.0.0.0/8' as never }), { instanceOf: RangeError });
  t.throws(() => new Client({ denyAddresses: 'public' as never }), { instanceOf: TypeError, message: /^denyAddresses: expected a list of IP addresses and CIDRs, got string$/ }); // prettier-ignore
  t.throws(() => new Client({ denyAddresses: ['public'] }), { instanceOf: RangeError });
  for (const given of ['true', 1, null, {}]) {
    t.throws(() => new Client({ httpsOnly: given as never }), { instanceOf: TypeError, message: /^httpsOnly: expected true or false, got / }); // prettier-ignore
    t.throws(() => new HTTPDispatch({ httpsOnly: given as never }), { instanceOf: TypeError });
  }
});

test('a list is read when the client is made', async (t) => {
  const server = await hello(t);
  const list = ['10.0.0.0/8'];
  const client = openClient(t, { allowAddresses: list });
  list[0] = '127.0.0.0/8';
  await assertForbidden(t, client.get(server.url));
});
