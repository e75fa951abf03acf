/** Which cookies a host may set and which it gets back (RFC 6265bis), row by row. */
import test from 'ava';
import { Cookies, RemoteProtocolError, Request, Response, URL } from '../../src/index.js';
import { domainMatches, isSameSite, pathMatches } from '../../src/cookies/domain.js';
import { openClient } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

/** What a URL sets, and what is sent to another one. */
type Row = [title: string, from: string, lines: string[], to: string, sent: string];

const ROWS: Row[] = [
  // domain
  ['E12 host-only', 'http://ex.com/a/b', ['n=v'], 'http://ex.com/a/c', 'n=v'],
  ['E12 host-only: not to subdomains', 'http://ex.com/a/b', ['n=v'], 'http://www.ex.com/a/b', ''],
  ['E14 Domain of the parent', 'http://www.ex.com/', ['n=v; Domain=ex.com'], 'http://b.ex.com/', 'n=v'],
  ['E14 with a dot', 'http://www.ex.com/', ['n=v; Domain=.ex.com'], 'http://ex.com/', 'n=v'],
  ['E14 in capitals', 'http://www.ex.com/', ['n=v; DOMAIN=EX.com'], 'http://ex.com/', 'n=v'],
  ['Domain of the host itself', 'http://ex.com/', ['n=v; Domain=ex.com'], 'http://www.ex.com/', 'n=v'],
  ['E15 a subdomain', 'http://ex.com/', ['n=v; Domain=www.ex.com'], 'http://www.ex.com/', ''],
  ['E15 another domain', 'http://ex.com/', ['n=v; Domain=other.com'], 'http://other.com/', ''],
  ['E15 the TLD', 'http://ex.com/', ['n=v; Domain=com'], 'http://ex.com/', ''],
  ['E16 a public suffix', 'http://ex.co.uk/', ['n=v; Domain=co.uk'], 'http://ex.co.uk/', ''],
  ['a public suffix that is the host', 'http://github.io/', ['n=v; Domain=github.io'], 'http://github.io/', 'n=v'],
  ['… to itself alone', 'http://github.io/', ['n=v; Domain=github.io'], 'http://me.github.io/', ''],
  ['a private suffix', 'http://me.github.io/', ['n=v; Domain=github.io'], 'http://me.github.io/', ''],
  ['E17 an address', 'http://127.0.0.1/', ['n=v'], 'http://127.0.0.1/', 'n=v'],
  ['an address as Domain', 'http://127.0.0.1/', ['n=v; Domain=127.0.0.1'], 'http://127.0.0.1/', 'n=v'],
  ['IPv6', 'http://[::1]/', ['n=v'], 'http://[::1]:8080/', 'n=v'],
  ['any port', 'http://ex.com:8080/', ['n=v'], 'http://ex.com/', 'n=v'],
  ['the last Domain counts', 'http://www.ex.com/', ['n=v; Domain=other.com; Domain=ex.com'], 'http://ex.com/', 'n=v'],
  [
    'an IDNA host',
    'http://www.中国.icom.museum/',
    ['n=v; Domain=xn--fiqs8s.icom.museum'],
    'http://中国.icom.museum/',
    'n=v',
  ],
  [
    'a Domain in Unicode',
    'http://www.中国.icom.museum/',
    ['n=v; Domain=中国.icom.museum'],
    'http://中国.icom.museum/',
    '',
  ],
  ['localhost', 'http://localhost/', ['n=v; Domain=localhost'], 'http://localhost/', 'n=v'],
  // path
  ['E12 the directory', 'http://ex.com/a/b', ['n=v'], 'http://ex.com/', ''],
  ['E13 of a directory', 'http://ex.com/a/b/', ['n=v'], 'http://ex.com/a/b', 'n=v'],
  ['E13 not above it', 'http://ex.com/a/b/', ['n=v'], 'http://ex.com/a/', ''],
  ['no path at all', 'http://ex.com', ['n=v'], 'http://ex.com/x', 'n=v'],
  ['a query is no path', 'http://ex.com/?/a/b', ['n=v'], 'http://ex.com/', 'n=v'],
  ['Path of elsewhere', 'http://ex.com/a', ['n=v; Path=/x'], 'http://ex.com/x', 'n=v'],
  ['Path without /: the default', 'http://ex.com/a/b', ['n=v; Path=x'], 'http://ex.com/a/', 'n=v'],
  ['Path empty: the default', 'http://ex.com/a/b', ['n=v; Path='], 'http://ex.com/a/', 'n=v'],
  ['the last Path counts', 'http://ex.com/a/b', ['n=v; Path=/y; Path=/x'], 'http://ex.com/x', 'n=v'],
  ['escapes compare as they are', 'http://ex.com/a%20b/', ['n=v'], 'http://ex.com/a%20b/c', 'n=v'],
  ['E28 /', 'http://ex.com/', ['n=v; Path=/a'], 'http://ex.com/', ''],
  ['E28 /a', 'http://ex.com/', ['n=v; Path=/a'], 'http://ex.com/a', 'n=v'],
  ['E28 /a/c', 'http://ex.com/', ['n=v; Path=/a'], 'http://ex.com/a/c', 'n=v'],
  ['E28 /ab', 'http://ex.com/', ['n=v; Path=/a'], 'http://ex.com/ab', ''],
  ['/a/ is below /a/', 'http://ex.com/', ['n=v; Path=/a/'], 'http://ex.com/a', ''],
  // order
  ['longer paths first', 'http://ex.com/', ['a=1', 'b=2; Path=/x', 'c=3'], 'http://ex.com/x', 'b=2; a=1; c=3'],
  ['a changed cookie keeps its place', 'http://ex.com/', ['a=1', 'b=2', 'a=3'], 'http://ex.com/', 'a=3; b=2'],
  ['E25 one name, two paths', 'http://ex.com/', ['n=1', 'n=2; Path=/a'], 'http://ex.com/a', 'n=2; n=1'],
  // expiry
  ['E19 Max-Age=0', 'http://ex.com/', ['n=v; Max-Age=0'], 'http://ex.com/', ''],
  ['E19 Max-Age=-5', 'http://ex.com/', ['n=v; Max-Age=-5'], 'http://ex.com/', ''],
  ['E20 Max-Age=abc', 'http://ex.com/', ['n=v; Max-Age=abc'], 'http://ex.com/', 'n=v'],
  ['Max-Age=1.5', 'http://ex.com/', ['n=v; Max-Age=1.5'], 'http://ex.com/', 'n=v'],
  [
    'Max-Age wins',
    'http://ex.com/',
    ['n=v; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
    'http://ex.com/',
    'n=v',
  ],
  [
    'Max-Age wins, removing',
    'http://ex.com/',
    ['n=v; Expires=Fri, 01 Jan 2099 00:00:00 GMT; Max-Age=0'],
    'http://ex.com/',
    '',
  ],
  ['Expires in the past', 'http://ex.com/', ['n=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], 'http://ex.com/', ''],
  ['Expires in the future', 'http://ex.com/', ['n=v; Expires=Fri, 01-Jan-2099 00:00:00 GMT'], 'http://ex.com/', 'n=v'],
  ['Expires that is no date', 'http://ex.com/', ['n=v; Expires=tomorrow'], 'http://ex.com/', 'n=v'],
  ['E27 set, then expired', 'http://ex.com/', ['n=1', 'n=x; Max-Age=0'], 'http://ex.com/', ''],
  ['expired, then set', 'http://ex.com/', ['n=x; Max-Age=0', 'n=1'], 'http://ex.com/', 'n=1'],
  // values
  ['E22 quotes are kept', 'http://ex.com/', ['n="a b"'], 'http://ex.com/', 'n="a b"'],
  ['E23 an empty value', 'http://ex.com/', ['n='], 'http://ex.com/', 'n='],
  ['E23 no =', 'http://ex.com/', ['n'], 'http://ex.com/', 'n'],
  ['E23 no name', 'http://ex.com/', ['=v'], 'http://ex.com/', 'v'],
  ['no name, and attributes', 'http://ex.com/', ['v; Path=/a'], 'http://ex.com/a', 'v'],
  ['no name, and a second =', 'http://ex.com/', ['=a=b'], 'http://ex.com/', 'a=b'],
  ['no name, blanks', 'http://ex.com/', [' = v '], 'http://ex.com/', 'v'],
  ['no name, twice: the last counts', 'http://ex.com/', ['v', '=w'], 'http://ex.com/', 'w'],
  ['no name beside one with', 'http://ex.com/', ['n=1', 'v'], 'http://ex.com/', 'n=1; v'],
  ['no name, removed', 'http://ex.com/', ['v', 'x; Max-Age=0'], 'http://ex.com/', ''],
  [
    'no name, and a prefix in the value',
    'https://ex.com/',
    ['__Secure-a=b', '=__secure-a=b', '__Host-a; Secure'],
    'https://ex.com/',
    '',
  ],
  ['E23 nothing', 'http://ex.com/', [''], 'http://ex.com/', ''],
  ['nothing but =', 'http://ex.com/', ['='], 'http://ex.com/', ''],
  ['nothing but attributes', 'http://ex.com/', ['; Path=/'], 'http://ex.com/', ''],
  ['E23 a second =', 'http://ex.com/', ['n=a=b'], 'http://ex.com/', 'n=a=b'],
  ['E23 a comma', 'http://ex.com/', ['n=a,b'], 'http://ex.com/', 'n=a,b'],
  ['E24 beyond ASCII, in Latin-1', 'http://ex.com/', ['n=é'], 'http://ex.com/', 'n=é'],
  [
    'E24 beyond ASCII, in UTF-8, whose last byte is no blank',
    'http://ex.com/',
    ['n=\xc3\xa0'],
    'http://ex.com/',
    'n=\xc3\xa0',
  ],
  ['blanks around', 'http://ex.com/', [' n \t=\t v ; Path=/'], 'http://ex.com/', 'n=v'],
  ['names differ by case', 'http://ex.com/', ['n=1', 'N=2'], 'http://ex.com/', 'n=1; N=2'],
  // Secure
  ['Secure goes over https', 'https://ex.com/', ['n=v; Secure'], 'https://ex.com/', 'n=v'],
  ['Secure goes over wss', 'https://ex.com/', ['n=v; Secure'], 'wss://ex.com/', 'n=v'],
  ['Secure goes not over http', 'https://ex.com/', ['n=v; secure'], 'http://ex.com/', ''],
  ['Secure from http', 'http://ex.com/', ['n=v; Secure'], 'https://ex.com/', ''],
  ['Secure from localhost', 'http://localhost/', ['n=v; Secure'], 'http://localhost/', 'n=v'],
  ['Secure from a name under localhost', 'http://a.localhost/', ['n=v; Secure'], 'http://a.localhost/', 'n=v'],
  ['Secure from loopback', 'http://127.0.0.1/', ['n=v; Secure'], 'http://127.0.0.1/', 'n=v'],
  ['not Secure goes everywhere', 'https://ex.com/', ['n=v; HttpOnly; SameSite=Strict'], 'http://ex.com/', 'n=v'],
  // SEC-E1 … E13, below as their own tests where they need more than a row
  ['SEC-E1 .co.uk', 'http://www.co.uk/', ['n=v; Domain=.co.uk'], 'http://www.co.uk/', ''],
  ['SEC-E1 CO.uK', 'http://www.co.uk/', ['n=v; Domain=CO.uK'], 'http://www.co.uk/', ''],
  ['SEC-E1 co.uk.', 'http://x.co.uk./', ['n=v; Domain=co.uk.'], 'http://x.co.uk./', ''],
  ['SEC-E1 uk', 'http://www.co.uk/', ['n=v; Domain=uk'], 'http://www.co.uk/', ''],
  ['SEC-E1 a lone dot: host-only', 'http://www.co.uk/', ['n=v; Domain=.'], 'http://www.co.uk/', 'n=v'],
  ['SEC-E1 a wildcard', 'http://a.foo.ck/', ['n=v; Domain=foo.ck'], 'http://a.foo.ck/', ''],
  ['SEC-E1 its exception', 'http://a.www.ck/', ['n=v; Domain=www.ck'], 'http://www.ck/', 'n=v'],
  ['SEC-E2 ample.com', 'http://example.com/', ['n=v; Domain=ample.com'], 'http://example.com/', ''],
  ['SEC-E2 the other way', 'http://ample.com/', ['n=v; Domain=ample.com'], 'http://example.com/', ''],
  ['SEC-E3 a part of an address', 'http://192.168.0.1/', ['n=v; Domain=.168.0.1'], 'http://10.168.0.1/', ''],
  ['SEC-E3 … is not stored', 'http://192.168.0.1/', ['n=v; Domain=.168.0.1'], 'http://192.168.0.1/', ''],
  ['SEC-E3 hexadecimal', 'http://1.0x7f.1/', ['n=v; Domain=0x7f.1'], 'http://0x7f.1/', ''],
  ['SEC-E3 in IPv6', 'http://[::ffff:1.2.3.4]/', ['n=v; Domain=2.3.4'], 'http://[::ffff:1.2.3.4]/', ''],
  ['SEC-E4 foreign', 'http://ex.com/', ['n=v; Domain=other.com'], 'http://ex.com/', ''],
  ['SEC-E4 Domain= is host-only', 'http://ex.com/', ['n=v; Domain='], 'http://www.ex.com/', ''],
  ['SEC-E4 Domain=. is host-only', 'http://ex.com/', ['n=v; Domain=.'], 'http://www.ex.com/', ''],
  ['SEC-E4 Domain=.. matches no host', 'http://ex.com/', ['n=v; Domain=..'], 'http://ex.com/', ''],
  ['SEC-E5 \\x01', 'http://ex.com/', ['a=\x01'], 'http://ex.com/', ''],
  ['SEC-E5 \\x7f', 'http://ex.com/', ['a=\x7f'], 'http://ex.com/', ''],
  ['SEC-E5 a tab', 'http://ex.com/', ['a=x\ty'], 'http://ex.com/', ''],
  ['SEC-E5 NUL', 'http://ex.com/', ['a=x\0y'], 'http://ex.com/', ''],
  ['SEC-E5 CR', 'http://ex.com/', ['a=x\ry'], 'http://ex.com/', ''],
  ['SEC-E5 in an attribute', 'http://ex.com/', ['a=x; Path=/\x01'], 'http://ex.com/', ''],
  ['SEC-E7 Path="', 'http://ex.com/a/b', ['n=v; Path="'], 'http://ex.com/a/', 'n=v'],
  ['SEC-E7 Path=//', 'http://ex.com/', ['n=v; Path=//'], 'http://ex.com/', ''],
  ['SEC-E9 __Host-', 'https://ex.com/', ['__Host-n=v; Secure; Path=/'], 'https://ex.com/', '__Host-n=v'],
  ['SEC-E9 __Host- without Secure', 'https://ex.com/', ['__Host-n=v; Path=/'], 'https://ex.com/', ''],
  ['SEC-E9 __Host- without Path', 'https://ex.com/', ['__Host-n=v; Secure'], 'https://ex.com/', ''],
  ['SEC-E9 __Host- with another Path', 'https://ex.com/a', ['__Host-n=v; Secure; Path=/a'], 'https://ex.com/a', ''],
  [
    'SEC-E9 __Host- with Domain',
    'https://ex.com/',
    ['__Host-n=v; Secure; Path=/; Domain=ex.com'],
    'https://ex.com/',
    '',
  ],
  ['SEC-E9 __host- in small letters', 'https://ex.com/', ['__host-n=v; Path=/'], 'https://ex.com/', ''],
  ['SEC-E9 __Host- after a blank', 'https://ex.com/', [' __Host-n=v; Path=/'], 'https://ex.com/', ''],
  ['SEC-E9 __Host%2D is another name', 'https://ex.com/', ['__Host%2Dn=v'], 'https://ex.com/', '__Host%2Dn=v'],
  ['SEC-E9 __Secure-', 'https://ex.com/', ['__Secure-n=v; Secure'], 'https://ex.com/', '__Secure-n=v'],
  ['SEC-E9 __SECURE- without Secure', 'https://ex.com/', ['__SECURE-n=v'], 'https://ex.com/', ''],
  ['SEC-E9 __Secure- from http', 'http://ex.com/', ['__Secure-n=v; Secure'], 'https://ex.com/', ''],
  ['SEC-E9 __Http- without HttpOnly', 'https://ex.com/', ['__Http-n=v; Secure'], 'https://ex.com/', ''],
  [
    'SEC-E9 __Host-Http-',
    'https://ex.com/',
    ['__Host-Http-n=v; Secure; HttpOnly; Path=/'],
    'https://ex.com/',
    '__Host-Http-n=v',
  ],
  ['SEC-E10 escapes stay escapes', 'http://ex.com/', ['n=%0D%0AX: 1'], 'http://ex.com/', 'n=%0D%0AX: 1'],
  ['SEC-E10 SameSite by its whole value', 'http://ex.com/', ['n=v; SameSite=notstrict'], 'http://ex.com/', 'n=v'],
  ['SEC-E11 Domain=__proto__', 'http://ex.com/', ['n=v; Domain=__proto__'], 'http://ex.com/', ''],
  [
    'SEC-E11 name constructor',
    'http://ex.com/',
    ['constructor=v', '__proto__=w'],
    'http://ex.com/',
    'constructor=v; __proto__=w',
  ],
  ['SEC-E11 Max-Age=2^63', 'http://ex.com/', ['n=v; Max-Age=9223372036854775808'], 'http://ex.com/', 'n=v'],
  ['SEC-E11 Max-Age=-2^63', 'http://ex.com/', ['n=v; Max-Age=-9223372036854775808'], 'http://ex.com/', ''],
  ['SEC-E11 Max-Age of 1,000 digits', 'http://ex.com/', [`n=v; Max-Age=${'9'.repeat(1000)}`], 'http://ex.com/', 'n=v'],
  ['SEC-E11 a nested date', 'http://ex.com/', [`n=v; Expires=${'('.repeat(500)}`], 'http://ex.com/', 'n=v'],
  [
    'SEC-E12 pythonicexample.com',
    'http://pythonicexample.com/',
    ['n=v; Domain=example.com'],
    'http://example.com/',
    '',
  ],
];

for (const [title, from, lines, to, sent] of ROWS) {
  test(title, (t) => {
    const cookies = new Cookies();
    void cookies.storeFrom(new URL(from), lines);
    t.is(cookies.headerFor(new URL(to)), sent);
  });
}

test('E6 a real pair: both are stored and sent', (t) => {
  const cookies = new Cookies();
  void cookies.storeFrom(new URL('https://www.example.org/'), [
    '1P_JAR=2020-08-09-18; expires=Tue, 08-Sep-2099 18:33:35 GMT; path=/; domain=.example.org; Secure',
    'NID=204=KWd; expires=Mon, 08-Feb-2099 18:33:35 GMT; path=/; domain=.example.org; HttpOnly',
  ]);
  t.is(cookies.size, 2);
  t.is(cookies.get('NID', { domain: '.example.org' }), '204=KWd');
  t.is(cookies.headerFor(new URL('https://example.org/')), '1P_JAR=2020-08-09-18; NID=204=KWd');
});

test('nothing lives longer than 400 days, by Max-Age or by Expires', (t) => {
  const cookies = new Cookies();
  void cookies.storeFrom(new URL('http://ex.com/'), [
    'a=1; Max-Age=99999999999',
    'b=1; Expires=Fri, 01 Jan 2099 00:00:00 GMT',
  ]);
  const latest = Date.now() + 400 * 24 * 3600 * 1000;
  for (const { expires } of cookies.jar.serializeSync()?.cookies ?? []) {
    t.true(Date.parse(expires as string) <= latest);
    t.true(Date.parse(expires as string) > latest - 60_000);
  }
});

test('SEC-E6 10,000 cookies in one response: some are kept, and a sibling host still gets its own', (t) => {
  const cookies = new Cookies();
  const lines = Array.from({ length: 10_000 }, (_, i) => `n${i}=${'x'.repeat(100)}; Domain=example.org`);
  void cookies.storeFrom(new URL('http://a.example.org/'), lines);
  t.is(cookies.size, 50);
  void cookies.storeFrom(new URL('http://b.example.org/'), ['own=1; Path=/b']);
  const header = cookies.headerFor(new URL('http://b.example.org/b')) as string;
  t.true(header.startsWith('own=1; '));
  t.true(header.length <= 8190);
});

test('SEC-E6 10,000 cookies over time: the oldest go, those of others stay', (t) => {
  const cookies = new Cookies();
  void cookies.storeFrom(new URL('https://other.com/'), ['mine=1']);
  for (let i = 0; i < 10_000; i++) void cookies.storeFrom(new URL('http://example.org/'), [`n${i}=1`]);
  t.is(cookies.size, 151);
  t.is(cookies.get('n9999'), '1');
  t.is(cookies.get('n0'), undefined);
  t.is(cookies.get('mine'), '1');
  t.is((cookies.headerFor(new URL('http://example.org/')) as string).split('; ').length, 150);
  for (let i = 0; i < 10_000; i++) void cookies.storeFrom(new URL(`http://h${i}.example.com/`), ['n=1']);
  t.true(cookies.size <= 3000);
  t.is(cookies.get('n', { domain: 'h9999.example.com' }), '1');
});

test('SEC-E6 what is not Secure goes first', (t) => {
  const cookies = new Cookies();
  const url = new URL('https://example.org/');
  void cookies.storeFrom(url, ['safe=1; Secure']);
  for (let i = 0; i < 200; i++) void cookies.storeFrom(url, [`n${i}=1`]);
  t.is(cookies.get('safe'), '1');
});

test('SEC-E6 90 Set-Cookie with a full jar: 50 are stored, the oldest that are not Secure go', (t) => {
  const cookies = new Cookies();
  for (let i = 0; i < 3000; i++) {
    void cookies.storeFrom(new URL(`https://h${i}.example.org/`), [i % 2 === 0 ? 'n=1; Secure' : 'n=1']);
  }
  t.is(cookies.size, 3000);
  const lines = Array.from({ length: 90 }, (_, i) => `n=${i}; Path=/p${i}`);
  void cookies.storeFrom(new URL('http://example.com/'), lines);
  t.is(cookies.size, 3000 - 300 + 50);
  t.is(cookies.get('n', { domain: 'example.com', path: '/p49' }), '49');
  t.is(cookies.get('n', { domain: 'h0.example.org' }), '1');
  t.is(cookies.get('n', { domain: 'h1.example.org' }), undefined);
  t.is(cookies.get('n', { domain: 'h2999.example.org' }), '1');
  // The same names beneath a secure cookie of a subdomain's parent: none of them.
  void cookies.storeFrom(new URL('http://example.org/'), ['n=2; Path=/x']);
  t.is(cookies.get('n', { domain: 'example.org' }), undefined);
});

const NO_LONGER_SECURE: [how: string, (cookies: Cookies, url: URL) => void][] = [
  ['expires', (cookies, url) => void cookies.storeFrom(url, ['n=; Max-Age=0'])],
  ['is set again without Secure', (cookies, url) => void cookies.storeFrom(url, ['n=1'])],
  ['is deleted', (cookies) => cookies.delete('n')],
  ['is cleared', (cookies) => cookies.clear()],
];
for (const [how, change] of NO_LONGER_SECURE) {
  test(`SEC-E6 a Secure cookie that ${how} guards its name no longer`, (t) => {
    const cookies = new Cookies();
    const url = new URL('https://example.org/');
    const plain = new URL('http://example.org/');
    void cookies.storeFrom(url, ['n=1; Secure']);
    void cookies.storeFrom(plain, ['n=2']);
    t.is(cookies.get('n'), '1');
    change(cookies, url);
    void cookies.storeFrom(plain, ['n=2']);
    t.is(cookies.get('n'), '2');
  });
}

test('SEC-E6 a value of 1 MB is not stored, nor is a pair of more than 4,096 bytes', (t) => {
  const cookies = new Cookies();
  const url = new URL('http://example.org/');
  void cookies.storeFrom(url, [`big=${'x'.repeat(1e6)}`, `n=${'x'.repeat(4096)}`, `m=${'x'.repeat(4095)}`]);
  t.deepEqual(
    [...cookies].map(([name]) => name),
    ['m'],
  );
});

test('SEC-E7 attributes of more than 1,024 bytes are left out', (t) => {
  const cookies = new Cookies();
  void cookies.storeFrom(new URL('http://ex.com/a/b'), [`n=v; Path=/${'x'.repeat(1024)}`]);
  t.is(cookies.headerFor(new URL('http://ex.com/a/')), 'n=v');
});

const SECURE_FIRST: [
  title: string,
  secure: [url: string, line: string],
  plain: [url: string, line: string],
  size: number,
][] = [
  ['the same', ['https://ex.com/', 'n=1; Secure'], ['http://ex.com/', 'n=2'], 1],
  ['from a subdomain', ['https://ex.com/', 'n=1; Secure; Domain=ex.com'], ['http://www.ex.com/', 'n=2'], 1],
  ['for a subdomain', ['https://www.ex.com/', 'n=1; Secure'], ['http://ex.com/', 'n=2; Domain=ex.com'], 1],
  ['below its path', ['https://ex.com/', 'n=1; Secure; Path=/a'], ['http://ex.com/', 'n=2; Path=/a/b'], 1],
  ['above its path', ['https://ex.com/', 'n=1; Secure; Path=/a'], ['http://ex.com/', 'n=2; Path=/'], 2],
  ['another name', ['https://ex.com/', 'n=1; Secure'], ['http://ex.com/', 'm=2'], 2],
  ['another host', ['https://ex.com/', 'n=1; Secure'], ['http://other.com/', 'n=2'], 2],
  ['from https', ['https://ex.com/', 'n=1; Secure'], ['https://ex.com/', 'n=2; Path=/b'], 2],
  ['an expiry', ['https://ex.com/', 'n=1; Secure'], ['http://ex.com/', 'n=2; Max-Age=0'], 1],
];

for (const [title, [secureUrl, secure], [plainUrl, plain], size] of SECURE_FIRST) {
  test(`SEC-E8 http leaves Secure cookies alone: ${title}`, (t) => {
    const cookies = new Cookies();
    void cookies.storeFrom(new URL(secureUrl), [secure]);
    void cookies.storeFrom(new URL(plainUrl), [plain]);
    t.is(cookies.size, size);
    t.true(
      cookies
        .headerFor(new URL(`${secureUrl}a`))!
        .toString()
        .includes('n=1'),
    );
  });
}

test('SEC-E11 64 KB of blanks or semicolons take no time to speak of', (t) => {
  const cookies = new Cookies();
  for (const filler of [' ', ';', '; ', '=', '; Path=/ ', '; Expires=']) {
    const many = filler.repeat(Math.ceil(65_536 / filler.length));
    void cookies.storeFrom(new URL('http://ex.com/'), [`n=v${many}`, many, `n=v; Expires=${many}`, `a${many}=`]);
  }
  t.is(cookies.get('n'), 'v');
});

test('SEC-E13 the URL says whose cookies they are, never the Host header', (t) => {
  const headers = { Host: 'evil.com' };
  const cookies = new Cookies();
  cookies.set('mine', '1', { domain: 'ex.com' });
  cookies.set('theirs', '1', { domain: 'evil.com' });
  const request = new Request('GET', 'http://ex.com/', { headers, cookies });
  t.is(request.headers.get('cookie'), 'mine=1');
  const response = new Response(200, { request, headers: { 'set-cookie': ['a=1', 'b=2; Domain=evil.com'] } });
  t.is(response.cookies.get('a', { domain: 'ex.com' }), '1');
  t.is(response.cookies.size, 1);
});

test('domain and path match by label and by segment', (t) => {
  t.true(domainMatches('a.ex.com', 'ex.com'));
  t.false(domainMatches('aex.com', 'ex.com'));
  t.false(domainMatches('ex.com', 'a.ex.com'));
  t.false(domainMatches('1.2.3.4', '3.4'));
  t.true(pathMatches('/a/b', '/a/'));
  t.false(pathMatches('/ab', '/a'));
});

test('SEC-E6 10,000 Set-Cookie headers on the wire: an error or a response, and the next request works', async (t) => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `Set-Cookie: n${i}=1\r\n`).join('');
  const server = await serveRaw(t, `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`);
  const client = openClient(t);
  const outcome = await client.get(server.url).catch((error: unknown) => error);
  if (outcome instanceof Response) t.true(outcome.cookies.size <= 50);
  else t.true(outcome instanceof RemoteProtocolError, String(outcome));
  const other = await serveRaw(t, 'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok');
  t.is((await client.get(other.url)).cookies.get('a'), '1');
});

test('bytes beyond ASCII travel as they came', async (t) => {
  const value = Buffer.from('À😀').toString('latin1');
  const server = await serveRaw(t, `HTTP/1.1 200 OK\r\nSet-Cookie: n=${value}\r\nContent-Length: 0\r\n\r\n`);
  const client = openClient(t);
  const { cookies } = await client.get(server.url);
  t.is(cookies.get('n'), value);
  await client.send(new Request('GET', server.url, { cookies }));
  t.true(server.received.join('').includes(`\r\nCookie: n=${value}\r\n`), server.received.join(''));
});

const SITES: [a: string, b: string, same: boolean][] = [
  ['http://a.ex.com/', 'https://b.ex.com/', true],
  ['http://ex.com/', 'http://ex.com:81/', true],
  ['http://ex.com/', 'http://ex.org/', false],
  ['http://a.co.uk/', 'http://b.co.uk/', false],
  ['http://a.github.io/', 'http://b.github.io/', false],
  ['http://1.2.3.4/', 'http://9.2.3.4/', false],
  ['http://1.2.3.4/', 'http://1.2.3.4/', true],
  ['http://one/', 'http://two/', false],
];

for (const [a, b, same] of SITES) {
  test(`${same ? 'one site' : 'two sites'}: ${a} ${b}`, (t) => t.is(isSameSite(new URL(a), new URL(b)), same));
}
