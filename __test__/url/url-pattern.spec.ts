/** URL patterns: one row per rule. The ids are those of the proxy selection table. */
import test from 'ava';
import { URL } from '../../src/index.js';
import { PatternMap, URLPattern } from '../../src/url/pattern.js';

const MATCHES: [pattern: string, url: string, matches: boolean][] = [
  // everything, in each spelling
  ['all', 'http://example.com', true],
  ['all', 'https://example.com:8443', true],
  ['all://', 'http://[::1]:1', true],
  ['all://*', 'https://10.0.0.1', true],
  ['ALL', 'http://example.com', true],
  // a scheme (R11, R15)
  ['http', 'http://example.com', true],
  ['http', 'https://example.com', false],
  ['https', 'https://example.com:444', true],
  ['http://', 'http://example.com', true],
  ['http://', 'https://example.com', false],
  ['http://*', 'http://example.com', true],
  ['http://*', 'https://example.com', false],
  ['HTTP://', 'http://example.com', true],
  ['http:///', 'http://example.com', true],
  ['file://', 'file://host/x', true],
  ['ws://', 'http://example.com', false],
  // a host (R4, R6)
  ['http://example.com', 'http://example.com', true],
  ['http://example.com', 'http://example.com/path?q', true],
  ['http://example.com/', 'http://example.com/path', true],
  ['http://example.com', 'http://example.com:8080', true],
  ['http://example.com', 'https://example.com', false],
  ['http://example.com', 'http://www.example.com', false],
  ['http://example.com', 'http://example.com.evil.test', false],
  ['http://example.com', 'http://notexample.com', false],
  ['all://example.com', 'http://example.com', true],
  ['all://example.com', 'https://example.com:1', true],
  ['http://example.com', 'http://user:password@example.com', true],
  ['http://example.com', 'http://other.test/http://example.com', false],
  // a port (R4, R5, R16, R17)
  ['http://example.com:80', 'http://example.com', true],
  ['http://example.com:80', 'http://example.com:80', true],
  ['http://example.com:80', 'http://example.com:8080', false],
  ['http://example.com:8080', 'http://example.com:8080', true],
  ['http://example.com:8080', 'http://example.com', false],
  ['all://example.com:80', 'http://example.com', true],
  ['all://example.com:80', 'https://example.com', false],
  ['all://example.com:80', 'https://example.com:80', true],
  ['all://example.com:443', 'https://example.com', true],
  ['all://*:1234', 'http://example.com:1234', true],
  ['all://*:1234', 'http://example.com', false],
  ['all://:1234', 'http://example.com:1234', true],
  ['http://*:80', 'http://example.com', true],
  ['http://example.com:', 'http://example.com:81', true],
  // subdomains (R13, R14)
  ['http://*.example.com', 'http://example.com', false],
  ['http://*.example.com', 'http://www.example.com', true],
  ['http://*.example.com', 'http://a.b.example.com:81', true],
  ['http://*.example.com', 'https://www.example.com', false],
  ['http://*.example.com', 'http://wwwexample.com', false],
  ['http://*example.com', 'http://example.com', true],
  ['http://*example.com', 'http://www.example.com', true],
  ['http://*example.com', 'http://wwwexample.com', false],
  ['all://*.test:8080', 'http://a.test:8080', true],
  ['all://*.test:8080', 'http://a.test', false],
  ['http://*.com', 'http://.com', false],
  // a zone is no name
  ['all://*.example.com', 'http://[::1%25.example.com]', false],
  // spelling (R19): case, IDN, the dot at the end, IPv6
  ['http://A.com', 'http://a.com', true],
  ['http://a.com', 'http://A.COM', true],
  ['http://a.com.', 'http://a.com', true],
  ['http://a.com', 'http://a.com.', true],
  ['http://*.a.com.', 'http://x.a.com.', true],
  ['http://中国.com', 'http://xn--fiqs8s.com', true],
  ['http://xn--fiqs8s.com', 'http://中国.com', true],
  ['http://*.中国.com', 'http://www.xn--fiqs8s.com', true],
  ['all://[::1]', 'http://[::1]', true],
  ['all://[::1]', 'http://[::1]:81', true],
  ['all://[::1]:81', 'http://[::1]:81', true],
  ['all://[::1]:81', 'http://[::1]', false],
  ['all://[0:0:0:0:0:0:0:1]', 'http://[::1]', true],
  ['all://[::1]', 'http://[0::0001]', true],
  ['all://[fe80::1%25a]', 'http://[fe80::1%25b]', false],
  ['all://127.0.0.1', 'http://127.0.0.1:3000', true],
  ['all://127.0.0.1', 'http://127.0.0.10', false],
];

for (const [pattern, url, matches] of MATCHES) {
  test(`'${pattern}' ${matches ? 'matches' : 'does not match'} '${url}'`, (t) => {
    t.is(new URLPattern(pattern, 'proxies').matches(new URL(url)), matches);
  });
}

const REFUSED: [pattern: string, message: RegExp][] = [
  ['', /^proxies: '' is not a URL pattern: expected 'all', 'http', /],
  ['htpp', /^proxies: 'htpp' is not a URL pattern: .* Did you mean 'http'\?$/],
  ['htps', /Did you mean 'https'\?$/],
  ['htps://a b', /Did you mean 'https'\?$/],
  ['example.com', /^proxies: 'example.com' is not a URL pattern/],
  ['example.com:80', /^proxies: 'example.com:80' is not a URL pattern/],
  ['http:example.com', /is not a URL pattern/],
  ['*', /^proxies: '\*' is not a URL pattern/],
  ['*.example.com', /is not a URL pattern/],
  ['://example.com', /is not a URL pattern/],
  ['http:////', /is not a URL pattern/],
  ['http://example.com/path', /is not a URL pattern/],
  ['http://example.com?q', /is not a URL pattern/],
  ['http://user:hunter2@example.com', /^proxies: '…@example.com' is not a URL pattern/],
  ['http://a.*.com', /is not a URL pattern \(Invalid character|is not a URL pattern/],
  ['http://**.com', /is not a URL pattern/],
  ['http://*.', /is not a URL pattern/],
  ['http://*.127.0.0.1', /is not a URL pattern/],
  ['http://*.0.1', /is not a URL pattern/],
  ['http://*[::1]', /is not a URL pattern/],
  ['http://a b', /is not a URL pattern \(Invalid character ' ' in host/],
  ['http://example.com:99999', /is not a URL pattern \(Invalid port: '99999'\)/],
  ['http://example.com:x', /is not a URL pattern \(Invalid port: 'x'\)/],
  ['http://[::1', /is not a URL pattern/],
  ['http://1.2.3.256', /is not a URL pattern \(Invalid IPv4 address/],
];

for (const [pattern, message] of REFUSED) {
  test(`no pattern: '${pattern}'`, (t) => {
    const error = t.throws(() => new URLPattern(pattern, 'proxies'), { instanceOf: TypeError, message });
    t.false(error?.message.includes('hunter2'));
  });
}

/** Each line of patterns, however it is shuffled, is looked up from the left. */
const ORDERS: string[][] = [
  ['http://example.com:123', 'http://example.com', 'http://', 'all://'],
  ['http://example.com', 'all://example.com', 'http', 'all'],
  ['all://example.com:123', 'http://example.com', 'all://*.com', 'https://', 'all'],
  ['all://*:123', 'all://www.example.com', 'http://'],
  ['all://b.example.com', 'http://*.b.example.com', 'http://*.example.com', 'all://*.com'],
  ['all://example.com', 'http://*example.com'],
];

for (const order of ORDERS) {
  test(`order: ${order.join(' > ')}`, (t) => {
    for (const given of [order, order.toReversed(), order.toSorted()]) {
      const map = new PatternMap(Object.fromEntries(given.map((key) => [key, key])), 'proxies', (value) => value);
      t.deepEqual(map.values(), order);
    }
  });
}

test('a map gives the value of the most specific pattern, null among them', (t) => {
  const record = { all: 1, http: 2, 'all://example.com': 3, 'http://example.com': 4, 'all://x.test': null };
  const map = new PatternMap(record, 'proxies', (value) => value);
  const lookup = (url: string): unknown => map.lookup(new URL(url));
  t.is(lookup('http://example.com'), 4);
  t.is(lookup('https://example.com'), 3);
  t.is(lookup('http://example.org'), 2);
  t.is(lookup('https://example.org'), 1);
  t.is(lookup('http://x.test'), null);
  t.is(new PatternMap({}, 'proxies', (value) => value).lookup(new URL('http://example.com')), undefined);
});

test('undefined is as if it were not there; inherited keys are not', (t) => {
  const record = Object.assign(Object.create({ 'http://inherited.test': 'x' }) as object, {
    http: undefined,
    all: 'a',
  });
  const map = new PatternMap(record, 'proxies', (value) => value);
  t.deepEqual(map.values(), ['a']);
});

test('a value is read with its place', (t) => {
  const places: string[] = [];
  const map = new PatternMap({ http: 1, 'all://[::1]': 2 }, 'mounts', (_, where) => places.push(where));
  t.deepEqual(places, ["mounts['http']", "mounts['all://[::1]']"]);
  t.deepEqual(map.values(), [2, 1]);
});

for (const [given, name] of [
  [[], 'Array'],
  [null, 'null'],
  ['http', 'string'],
  [new Map([['http', 1]]), 'Map'],
  [new URLSearchParams('http=1'), 'URLSearchParams'],
] as const) {
  test(`no map: ${name}`, (t) => {
    const make = (): unknown => new PatternMap(given as object, 'mounts', (value) => value);
    t.throws(make, {
      instanceOf: TypeError,
      message: `mounts: expected an object with URL patterns as keys, got ${name}`,
    });
  });
}
