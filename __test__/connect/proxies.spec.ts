/** HTTPProxy and what may stand for one; and which proxy a URL takes. Ids: the proxy selection table. */
import test from 'ava';
import { inspect } from 'node:util';
import { Client, HTTPDispatch, HTTPProxy, HTTPProxyMode, ProxyError, URL } from '../../src/index.js';
import type { HTTPProxyOptions, ProxiesOption, ProxyTypes } from '../../src/index.js';
import { Proxies } from '../../src/connect/proxies.js';

// ── a proxy ──

test('R23 userinfo becomes auth and leaves the URL; nothing shows the password', (t) => {
  const proxy = new HTTPProxy({ proxyUrl: 'https://username:password@example.com' });
  t.is(String(proxy.proxyUrl), 'https://example.com');
  t.deepEqual(proxy.auth, ['username', 'password']);
  t.is(
    inspect(proxy),
    "HTTPProxy({ proxyUrl: URL('https://example.com'), auth: ['username', '[secure]'], proxyHeaders: Headers({}), proxyMode: 'DEFAULT' })",
  );
  t.is(String(proxy), 'https://example.com');
  t.false(JSON.stringify(proxy).includes('password'));
});

const AUTH: [id: string, options: HTTPProxyOptions, auth: readonly [string, string] | null][] = [
  ['', { proxyUrl: 'http://px' }, null],
  ['R24', { proxyUrl: 'http://u%40:p%3A@px' }, ['u@', 'p:']],
  ['', { proxyUrl: 'http://user@px' }, ['user', '']],
  ['', { proxyUrl: 'http://:p@px' }, ['', 'p']],
  ['', { proxyUrl: 'http://%E2%82%AC:%20@px' }, ['€', ' ']],
  ['', { proxyUrl: 'http://u:p@px', auth: ['other', 'pw'] }, ['other', 'pw']],
  ['', { proxyUrl: 'http://u:p@px', auth: null }, null],
  ['', { proxyUrl: 'http://px', auth: ['', ''] }, ['', '']],
  ['', { proxyUrl: new URL('http://u:p@px') }, ['u', 'p']],
  ['', { proxyUrl: new globalThis.URL('http://u:p%2F@px') }, ['u', 'p/']],
];

for (const [id, options, auth] of AUTH) {
  test(`${id} auth of ${inspect(options)}`.trim(), (t) => {
    const proxy = new HTTPProxy(options);
    t.deepEqual(proxy.auth, auth);
    t.is(proxy.proxyUrl.userinfo, '');
  });
}

test('R26 headers and mode are kept, and shown', (t) => {
  const proxyHeaders = { Custom: 'Header', 'Proxy-Authorization': 'Basic secret' };
  const proxy = new HTTPProxy({ proxyUrl: 'http://127.0.0.1:1080', proxyHeaders, proxyMode: 'TUNNEL_ONLY' });
  t.is(
    inspect(proxy),
    "HTTPProxy({ proxyUrl: URL('http://127.0.0.1:1080'), proxyHeaders: Headers({ custom: 'Header', 'proxy-authorization': '[secure]' }), proxyMode: 'TUNNEL_ONLY' })",
  );
  t.is(proxy.proxyMode, HTTPProxyMode.TUNNEL_ONLY);
  t.deepEqual(HTTPProxyMode, { DEFAULT: 'DEFAULT', FORWARD_ONLY: 'FORWARD_ONLY', TUNNEL_ONLY: 'TUNNEL_ONLY' });
});

const SCHEMES = 'expected http:, https:, socks4:, socks4a:, socks5:, socks5h:.';

const REFUSED: [id: string, options: unknown, message: string | RegExp][] = [
  ['', undefined, 'new HTTPProxy(): expected an object with a proxyUrl, got undefined'],
  ['', 'http://px', 'new HTTPProxy(): expected an object with a proxyUrl, got string'],
  ['', {}, 'proxyUrl: expected the URL of a proxy or an HTTPProxy, got undefined'],
  ['', { proxyUrl: 42 }, 'proxyUrl: expected the URL of a proxy or an HTTPProxy, got number'],
  ['R10', { proxyUrl: 'ftp://px' }, `proxyUrl: Unknown scheme for proxy URL 'ftp://px': ${SCHEMES}`],
  [
    '',
    { proxyUrl: 'sock5://px' },
    `proxyUrl: Unknown scheme for proxy URL 'sock5://px': ${SCHEMES} Did you mean 'socks5:'?`,
  ],
  [
    '',
    { proxyUrl: 'gopher://u:hunter2@px' },
    `proxyUrl: Unknown scheme for proxy URL 'gopher://[secure]@px': ${SCHEMES}`,
  ],
  ['R22', { proxyUrl: 'px:1' }, `proxyUrl: Unknown scheme for proxy URL 'px:1': ${SCHEMES}`],
  ['R22', { proxyUrl: '' }, `proxyUrl: Unknown scheme for proxy URL '': ${SCHEMES}`],
  ['', { proxyUrl: '/px' }, `proxyUrl: Unknown scheme for proxy URL '/px': ${SCHEMES}`],
  ['', { proxyUrl: 'http://' }, "proxyUrl: the proxy URL 'http://' has no host"],
  ['', { proxyUrl: 'http://:3128' }, /^proxyUrl: .*'http:\/\/:3128'/],
  ['', { proxyUrl: 'http://u:hunter2@' }, "proxyUrl: the proxy URL 'http://[secure]@' has no host"],
  [
    '',
    { proxyUrl: 'http://p x:1' },
    "proxyUrl: 'http://p x:1' is no URL of a proxy: Invalid character ' ' in host: 'p x'",
  ],
  ['', { proxyUrl: 'http://u:hunter2@p x' }, /^proxyUrl: 'http:\/\/\[secure\]@p x' is no URL of a proxy/],
  ['', { proxyUrl: 'http://px:99999' }, "proxyUrl: 'http://px:99999' is no URL of a proxy: Invalid port: '99999'"],
  ['', { proxyUrl: 'http://px\r\nX: y' }, /^proxyUrl: 'http:\/\/px\\r\\nX: y' is no URL of a proxy/],
  [
    '',
    { proxyUrl: 'http://px/path' },
    "proxyUrl: the proxy URL 'http://px/path' has a path, and a proxy is a host and a port",
  ],
  ['', { proxyUrl: 'http://px?q' }, /has a path/],
  [
    '',
    { proxyUrl: 'http://px', proxyMode: 'TUNEL_ONLY' },
    "proxyMode: 'TUNEL_ONLY' is not a mode, expected 'DEFAULT', 'FORWARD_ONLY', 'TUNNEL_ONLY'. Did you mean 'TUNNEL_ONLY'?",
  ],
  ['', { proxyUrl: 'http://px', proxyMode: 'tunnel_only' }, /Did you mean 'TUNNEL_ONLY'\?$/],
  ['', { proxyUrl: 'http://px', proxyMode: null }, /^proxyMode: null is not a mode/],
  ['', { proxyUrl: 'http://px', proxyMode: 'toString' }, /^proxyMode: 'toString' is not a mode/],
  [
    '',
    { proxyUrl: 'http://px', proxyMod: 'DEFAULT' },
    "Unknown option 'proxyMod' for new HTTPProxy(). Did you mean 'proxyMode'?",
  ],
  ['', { proxyUrl: 'http://px', proxyHeaders: { 'a b': 'c' } }, "Invalid header name 'a b'"],
  [
    'SEC-B11',
    { proxyUrl: 'http://px', proxyHeaders: { a: 'b\r\nc: d' } },
    /^Header 'a': value has an invalid character/,
  ],
  ['', { proxyUrl: 'http://px', proxyHeaders: { 'content-length': '5' } }, /^proxyHeaders: Content-Length belongs to/],
  [
    '',
    { proxyUrl: 'http://px', proxyHeaders: [['Transfer-Encoding', 'chunked']] },
    /^proxyHeaders: Transfer-Encoding belongs to/,
  ],
  ['', { proxyUrl: 'http://px', proxyHeaders: 5 }, 'proxyHeaders: expected an object or pairs, got number'],
  ['', { proxyUrl: 'http://px', auth: 'u:p' }, 'auth: expected [username, password] or a DigestAuth, got string'],
  [
    '',
    { proxyUrl: 'http://px', auth: ['u'] },
    'auth: expected [username, password] or a DigestAuth, got another array',
  ],
  [
    '',
    { proxyUrl: 'http://px', auth: ['u', 1] },
    'auth: expected [username, password] or a DigestAuth, got another array',
  ],
  ['', { proxyUrl: 'http://px', auth: ['a:b', 'c'] }, "auth: username must not contain ':'"],
  ['', { proxyUrl: 'https://a%3Ab:c@px' }, "auth: username must not contain ':'"],
  ['', { proxyUrl: 'http://px', auth: ['a\r\n', 'c'] }, 'auth: username must not contain control characters'],
  ['', { proxyUrl: 'http://px', auth: ['a', 'c\0'] }, 'auth: password must not contain control characters'],
  ['', { proxyUrl: 'http://a:%0d%0a@px' }, 'auth: password must not contain control characters'],
  ['', { proxyUrl: 'http://px', auth: {} }, 'auth: expected [username, password] or a DigestAuth, got Object'],
  ['', { proxyUrl: 'http://px', verify: false }, 'verify: not allowed for a proxy with the scheme http'],
  ['', { proxyUrl: 'socks5://px', proxyHeaders: {} }, 'proxyHeaders: not allowed for a proxy with the scheme socks5'],
  [
    '',
    { proxyUrl: 'socks5://px', proxyMode: 'FORWARD_ONLY' },
    "proxyMode: 'FORWARD_ONLY': not allowed for a proxy with the scheme socks5",
  ],
  ['', { proxyUrl: 'socks4://a%00b@px' }, 'auth: the username has a NUL in it, which SOCKS cannot carry'],
];

for (const [id, options, message] of REFUSED) {
  test(`${id} no proxy: ${inspect(options, { breakLength: Infinity })}`.trim(), (t) => {
    const error = t.throws(() => new HTTPProxy(options as HTTPProxyOptions), { instanceOf: TypeError, message });
    t.false(inspect(error, { showHidden: true }).includes('hunter2'));
  });
}

test('SEC-B12 SOCKS credentials are 255 bytes at most', (t) => {
  const long = 'é'.repeat(128);
  t.throws(() => new HTTPProxy({ proxyUrl: 'socks5://px', auth: [long, ''] }), {
    instanceOf: RangeError,
    message: 'auth: the username is 256 bytes long, and SOCKS allows 255',
  });
  t.throws(() => new Client({ proxies: `socks5://u:${'p'.repeat(256)}@px` }), {
    instanceOf: RangeError,
    message: 'proxies: auth: the password is 256 bytes long, and SOCKS allows 255',
  });
  t.notThrows(() => new HTTPProxy({ proxyUrl: 'http://px', auth: [long, long] }));
});

const BAD_PROXIES: [proxies: unknown, message: string | RegExp][] = [
  ['ftp://px', /^proxies: Unknown scheme for proxy URL 'ftp:\/\/px'/],
  ['localhost:3128', /^proxies: Unknown scheme for proxy URL 'localhost:3128'/],
  ['http://p x', /^proxies: 'http:\/\/p x' is no URL of a proxy/],
  [42, 'proxies: expected the URL of a proxy or an HTTPProxy, got number'],
  [true, 'proxies: expected the URL of a proxy or an HTTPProxy, got boolean'],
  [[], 'proxies: expected an object with URL patterns as keys, got Array'],
  [{ http: 'ftp://px' }, /^proxies\['http'\]: Unknown scheme for proxy URL 'ftp:\/\/px'/],
  [{ 'all://a.com': 'http://' }, "proxies['all://a.com']: the proxy URL 'http://' has no host"],
  [{ http: 42 }, "proxies['http']: expected the URL of a proxy or an HTTPProxy, got number"],
  ['http://a%3Ab:c@px', "proxies: auth: username must not contain ':'"],
  [{ all: 'http://a:c%00@px' }, "proxies['all']: auth: password must not contain control characters"],
  ['socks4://a%00b@px', 'proxies: auth: the username has a NUL in it, which SOCKS cannot carry'],
  [{ htps: 'http://px' }, /^proxies: 'htps' is not a URL pattern: .* Did you mean 'https'\?$/],
  [{ 'example.com': 'http://px' }, /^proxies: 'example.com' is not a URL pattern/],
  [{ 'htp://example.com': 'http://px' }, /^proxies: 'htp:\/\/example.com' is not .* Did you mean 'http'\?$/],
  [{ 'ftp://': 'http://px' }, /^proxies: 'ftp:\/\/' is not a URL pattern/],
  [new Map([['all', 'http://px']]), 'proxies: expected an object with URL patterns as keys, got Map'],
  [{ proxyUrl: 'http://px' }, /^proxies: 'proxyUrl' is not a URL pattern/],
];

for (const [proxies, message] of BAD_PROXIES) {
  test(`no proxies: ${inspect(proxies)}`, (t) => {
    t.throws(() => new Client({ proxies: proxies as ProxiesOption }), { instanceOf: TypeError, message });
  });
}

test('a name with a colon is none of Basic’s, and fine for SOCKS', (t) => {
  t.notThrows(() => new Client({ proxies: 'socks5://a%3Ab:c@px' }));
});

for (const proxy of ['ftp://px', '', 42, { all: 'http://px' }]) {
  test(`no proxy of an HTTPDispatch: ${inspect(proxy)}`, (t) => {
    const make = (): unknown => new HTTPDispatch({ proxy: proxy as ProxyTypes });
    t.throws(make, { instanceOf: TypeError, message: /^proxy: / });
  });
}

// ── which proxy ──

const P = 'http://127.0.0.1:1';
const all = (): HTTPProxy => new HTTPProxy({ proxyUrl: P });

const CHOSEN: [id: string, proxies: ProxiesOption, url: string, expected: string | null][] = [
  ['R1', 'http://127.0.0.1', 'https://example.com', 'http://127.0.0.1'],
  ['R1', { all: P }, 'https://example.com', P],
  ['R1', all(), 'http://example.com', P],
  ['R1', new URL(P), 'http://example.com', P],
  ['R1', new globalThis.URL(P), 'http://example.com', P],
  ['R2', { http: P, https: 'http://127.0.0.1:2' }, 'http://example.com', P],
  ['R2', { http: P, https: 'http://127.0.0.1:2' }, 'https://example.com', 'http://127.0.0.1:2'],
  ['R3', null, 'http://example.com', null],
  ['R3', {}, 'http://example.com', null],
  ['R3', { https: P }, 'http://example.com', null],
  ['R3', { 'http://example.net': P }, 'http://example.com', null],
  ['R4', { http: P }, 'http://example.com', P],
  ['R4', { 'all://example.com:80': P }, 'http://example.com', P],
  ['R6', { 'http://example.com': P }, 'http://example.com:8080', P],
  ['', { all: P, 'all://internal.test': null }, 'http://internal.test', null],
  ['', { all: P, 'all://internal.test': null }, 'http://www.internal.test', P],
  ['', { all: P, 'http://*.internal.test': null }, 'http://www.internal.test', null],
  ['', { http: undefined, all: P }, 'http://example.com', P],
  ['', { http: all(), all: null }, 'http://example.com', P],
];

for (const [id, proxies, url, expected] of CHOSEN) {
  test(`${id} ${inspect(proxies)} for ${url}`.trim(), (t) => {
    const chosen = Proxies.read(proxies, true, { ALL_PROXY: 'http://environment' })?.lookup(new URL(url), undefined);
    t.is(chosen === undefined || chosen === null ? null : String(chosen), expected);
  });
}

test('R8 host and scheme, host, scheme, all', (t) => {
  const record: Record<string, string> = {
    all: 'http://p:1',
    http: 'http://p:2',
    'all://example.com': 'http://p:3',
    'http://example.com': 'http://p:4',
  };
  for (const expected of ['http://p:4', 'http://p:3', 'http://p:2', 'http://p:1']) {
    t.is(String(Proxies.read(record, true, {})?.lookup(new URL('http://example.com'), undefined)), expected);
    delete record[Object.keys(record).at(-1) as string];
  }
});

test('one proxy named twice is one; with other credentials it is another', (t) => {
  const record = { http: 'http://u:p@px', https: 'http://u:p@px/', 'all://a.test': 'http://u:q@px', all: 'http://px' };
  const proxies = Proxies.read(record, true, {});
  const of = (url: string): HTTPProxy | null | undefined => proxies?.lookup(new URL(url), undefined);
  t.is(of('http://x.test'), of('https://x.test'));
  t.not(of('http://x.test'), of('http://a.test'));
  t.deepEqual(of('http://a.test')?.auth, ['u', 'q']);
});

test('the environment counts when there is no option, unless it is not trusted', (t) => {
  const environment = { HTTP_PROXY: P, NO_PROXY: 'direct.test' };
  const chosen = (client: boolean, request: boolean | undefined, url = 'http://example.com'): string =>
    String(Proxies.read(undefined, client, environment)?.lookup(new URL(url), request));
  t.is(chosen(true, undefined), P);
  t.is(chosen(true, true), P);
  t.is(chosen(true, false), 'null');
  t.is(chosen(false, undefined), 'null');
  t.is(chosen(false, true), P);
  t.is(chosen(true, undefined, 'http://direct.test'), 'null');
  t.is(chosen(true, undefined, 'https://example.com'), 'null');
});

test('an option’s proxies count whether the environment is trusted or not', (t) => {
  t.is(String(Proxies.read(P, false, {})?.lookup(new URL('http://a.test'), false)), P);
});

test('R46 a variable that names no proxy: an error for those it is responsible for, naming it', (t) => {
  const proxies = Proxies.read(undefined, true, { http_proxy: 'ftp://u:hunter2@px', NO_PROXY: 'direct.test' });
  const lookup = (url: string): unknown => proxies?.lookup(new URL(url), undefined);
  for (let i = 0; i < 2; i++) {
    const error = t.throws(() => lookup('http://a.test'), {
      instanceOf: ProxyError,
      message: /^http_proxy: Unknown scheme for proxy URL 'ftp:\/\/\[secure\]@px'/,
    });
    t.false(inspect(error).includes('hunter2'));
  }
  t.is(lookup('http://direct.test'), null);
  t.is(lookup('https://a.test'), null);
  const spaced = Proxies.read(undefined, true, { ALL_PROXY: 'http://p x' });
  t.throws(() => spaced?.lookup(new URL('http://a.test'), undefined), { message: /^ALL_PROXY: 'http:\/\/p x'/ });
});

test('SEC-B15 what Object.prototype has is no option', (t) => {
  const polluted = Object.prototype as Record<string, unknown>;
  try {
    polluted.proxies = 'http://evil.test';
    polluted.proxyMode = 'FORWARD_ONLY';
    polluted.auth = ['u', 'p'];
    polluted['http'] = 'http://evil.test';
    t.notThrows(() => new Client({ trustEnv: false }));
    const proxy = new HTTPProxy({ proxyUrl: P });
    t.is(proxy.auth, null);
    t.is(proxy.proxyMode, 'DEFAULT');
    t.is(Proxies.read({}, true, {}), null);
  } finally {
    for (const name of ['proxies', 'proxyMode', 'auth', 'http']) delete polluted[name];
  }
});

test('socks: is socks5h', (t) => {
  for (const given of ['socks://u:p@px', 'SOCKS://u:p@px:1080', 'socks://u:p@px/']) {
    const proxy = new HTTPProxy({ proxyUrl: given });
    t.is(proxy.proxyUrl.scheme, 'socks5h');
    t.is(proxy.proxyUrl.host, 'px');
    t.deepEqual(proxy.auth, ['u', 'p']);
    t.is(proxy.port, 1080);
    t.notThrows(() => new Client({ proxies: { all: given } }));
  }
});
