import { inspect } from 'node:util';
import test from 'ava';
import { InvalidURL } from '../../src/errors.js';
import { URL } from '../../src/url/url.js';
import type { URLComponents } from '../../src/types.js';

type Seen = Partial<
  Pick<
    URL,
    | 'scheme'
    | 'userinfo'
    | 'username'
    | 'password'
    | 'host'
    | 'rawHost'
    | 'port'
    | 'netloc'
    | 'origin'
    | 'path'
    | 'query'
    | 'fragment'
    | 'fullPath'
    | 'isAbsoluteUrl'
    | 'isRelativeUrl'
  > & { text: string }
>;

/** What is expected of the properties named. */
function see(url: URL, expected: Seen): Seen {
  const seen: Record<string, unknown> = {};
  for (const name of Object.keys(expected)) seen[name] = name === 'text' ? url.toString() : url[name as keyof URL];
  return seen as Seen;
}

const IDNA_HOSTS: [url: string, rawHost: string, host: string, port: number | null][] = [
  ['http://中国.icom.museum:80/', 'xn--fiqs8s.icom.museum', '中国.icom.museum', null],
  ['http://Königsgäßchen.de', 'xn--knigsgchen-b4a3dun.de', 'königsgäßchen.de', null],
  ['https://faß.de', 'xn--fa-hia.de', 'faß.de', null],
  ['https://βόλος.com:443', 'xn--nxasmm1c.com', 'βόλος.com', null],
  ['http://ශ්‍රී.com:444', 'xn--10cl1a0b660p.com', 'ශ්‍රී.com', 444],
  ['https://نامه‌ای.com:4433', 'xn--mgba3gch31f060k.com', 'نامه‌ای.com', 4433],
  ['https://www.xn--fiqs8s/', 'www.xn--fiqs8s', 'www.中国', null],
  ['https://XN--FIQS8S/', 'xn--fiqs8s', '中国', null],
  ['https://ＥＸＡＭＰＬＥ.com/', 'example.com', 'example.com', null],
  ['https://例え。jp/', 'xn--r8jz45g.jp', '例え.jp', null],
  // A label that IDNA 2008 does not allow, here an emoji, is shown as it is sent.
  ['https://xn--ls8h.la/', 'xn--ls8h.la', 'xn--ls8h.la', null],
];

const PARSED: [url: string, expected: Seen][] = [
  [
    'https://www.example.com/',
    {
      scheme: 'https',
      userinfo: '',
      username: '',
      password: '',
      netloc: 'www.example.com',
      host: 'www.example.com',
      port: null,
      path: '/',
      query: '',
      fragment: '',
      isAbsoluteUrl: true,
      isRelativeUrl: false,
    },
  ],
  [
    'https://example.org:123/path/to/somewhere?abc=123#anchor',
    {
      port: 123,
      netloc: 'example.org:123',
      origin: 'https://example.org:123',
      fullPath: '/path/to/somewhere?abc=123',
      query: 'abc=123',
      fragment: 'anchor',
    },
  ],
  ['https://www.example.com/path?', { query: '', fullPath: '/path?', text: 'https://www.example.com/path?' }],
  ['http://a.b/?', { fullPath: '/?' }],
  ['://example.com', { scheme: '', host: 'example.com', path: '/', isAbsoluteUrl: false, origin: 'null' }],
  [
    "https://example.com/!$&'()*+,;= abc ABC 123 :/[]@",
    {
      fullPath: "/!$&'()*+,;=%20abc%20ABC%20123%20:/[]@",
      path: "/!$&'()*+,;= abc ABC 123 :/[]@",
    },
  ],
  [
    "https://example.com/!$&'()*+,;=%20abc%20ABC%20123%20:/[]@",
    { fullPath: "/!$&'()*+,;=%20abc%20ABC%20123%20:/[]@", path: "/!$&'()*+,;= abc ABC 123 :/[]@" },
  ],
  [
    "https://example.com/?!$&'()*+,;= abc ABC 123 :/[]@?",
    { query: "!$&'()*+,;=%20abc%20ABC%20123%20:/[]@?", path: '/', fragment: '' },
  ],
  ['https://example.com/?%20%97%98%99', { query: '%20%97%98%99' }],
  [
    "https://example.com/#!$&'()*+,;= abc ABC 123 :/[]@?#",
    {
      fragment: "!$&'()*+,;= abc ABC 123 :/[]@?#",
      text: "https://example.com/#!$&'()*+,;=%20abc%20ABC%20123%20:/[]@?#",
    },
  ],
  ['https://example.com/?a=b+c&d=e/f', { query: 'a=b+c&d=e/f', fullPath: '/?a=b+c&d=e/f' }],
  [
    'http://webservice?u=phrase%20with spaces',
    { text: 'http://webservice?u=phrase%20with%20spaces', fullPath: '/?u=phrase%20with%20spaces', path: '/' },
  ],
  ['http://a.b', { text: 'http://a.b', path: '/', fullPath: '/' }],
  ['http://a.b#', { text: 'http://a.b#', fragment: '' }],

  // Userinfo: divided at the last '@', encoded again, decoded in username and password.
  [
    'https://username@gmail.com:pa ssword@example.com',
    {
      userinfo: 'username%40gmail.com:pa%20ssword',
      username: 'username@gmail.com',
      password: 'pa ssword',
      host: 'example.com',
    },
  ],
  [
    'https://user name:p@ssword@example.com',
    { userinfo: 'user%20name:p%40ssword', username: 'user name', password: 'p@ssword' },
  ],
  ['http://u:p:q@h/', { username: 'u', password: 'p:q', host: 'h' }],
  ['http://u:@h/', { username: 'u', password: '', text: 'http://u:@h/' }],
  ['http://:p@h/', { username: '', password: 'p' }],
  ['http://@h/', { userinfo: '', text: 'http://h/' }],
  ['http://u:p@ss@h/', { rawHost: 'h', netloc: 'h', origin: 'http://h', password: 'p@ss' }],
  ['http://u:p@h:8080/x', { netloc: 'h:8080', origin: 'http://h:8080', fullPath: '/x' }],
  ['http://a#@b', { host: 'a', fragment: '@b' }],
  ['http://a?@b', { host: 'a', query: '@b' }],
  ['http://a;b@c', { host: 'c', username: 'a;b' }],
  ['http://1.1.1.1 &@2.2.2.2#', { host: '2.2.2.2', username: '1.1.1.1 &' }],

  // Hosts and ports.
  ['https://EXAMPLE.com/', { host: 'example.com', text: 'https://example.com/' }],
  ['https://023b76x43144/', { host: '023b76x43144' }],
  ['https://example.com:443/', { port: null, text: 'https://example.com/', netloc: 'example.com' }],
  ['https://example.com:/', { port: null, text: 'https://example.com/' }],
  ['https://example.com:00080/', { port: 80, text: 'https://example.com:80/' }],
  ['http://a.b:443/', { port: 443 }],
  ['https://a.b:80/', { port: 80 }],
  ['https://a.b:0/', { port: 0 }],
  ['https://a.b:65535/', { port: 65535 }],
  ['ws://a.b:80/', { port: null }],
  ['wss://a.b:443', { port: null }],
  ['ftp://a.b:21/', { port: null }],
  ['foo://a.b:80/', { port: 80 }],
  ['HTTP://EXAMPLE.COM:80/A/../b', { text: 'http://example.com/b' }],
  ['https://127.0.0.1/', { host: '127.0.0.1' }],
  ['http://a_b.example./', { host: 'a_b.example.' }],
  [
    'http://[::ffff:192.168.0.1]:5678/',
    {
      host: '::ffff:192.168.0.1',
      rawHost: '::ffff:192.168.0.1',
      netloc: '[::ffff:192.168.0.1]:5678',
      origin: 'http://[::ffff:192.168.0.1]:5678',
      port: 5678,
    },
  ],
  ['http://[2001:DB8::1]/', { host: '2001:db8::1', text: 'http://[2001:db8::1]/' }],
  ['http://u:p@[::1]:80/', { netloc: '[::1]', username: 'u' }],

  // Paths: dot segments as RFC 3986 §5.2.4, escapes as they are.
  ['https://example.com/abc/def/../ghi/./jkl', { path: '/abc/ghi/jkl' }],
  ['https://example.com/../abc', { path: '/abc' }],
  ['https://example.com/../../abc', { path: '/abc' }],
  ['http://a.b/a/b/..', { text: 'http://a.b/a/' }],
  ['http://a.b/a/b/.', { text: 'http://a.b/a/b/' }],
  ['http://a.b/a/..?q', { text: 'http://a.b/?q' }],
  ['http://a.b/a/.#f', { text: 'http://a.b/a/#f' }],
  ['http://a.b/.well-known/...', { text: 'http://a.b/.well-known/...' }],
  ['http://a.b/x?/../y', { text: 'http://a.b/x?/../y' }],
  ['http://a.b//x//y', { path: '//x//y', text: 'http://a.b//x//y' }],
  ['http://a.b/a|b^c`d{e}"<>', { fullPath: '/a|b^c%60d%7Be%7D%22%3C%3E' }],
  ['http://a.b/?q=a|b^c`d{e}"<>\'', { query: "q=a|b^c`d{e}%22%3C%3E'" }],
  ['http://a.b/#a`b"<>{}', { text: 'http://a.b/#a%60b%22%3C%3E{}' }],
  ['http://a.b/%7Efoo/%2f/%zz', { text: 'http://a.b/%7Efoo/%2f/%zz', path: '/~foo///%zz' }],
  ['http://a.b/50%', { fullPath: '/50%', path: '/50%' }],
  ['http://a.b/%0d%0aX', { fullPath: '/%0d%0aX' }],
  ['http://a.b/é/☃?ü=\u{1f600}', { fullPath: '/%C3%A9/%E2%98%83?%C3%BC=%F0%9F%98%80', path: '/é/☃' }],
  ['http://a.b/\ud800', { fullPath: '/%EF%BF%BD' }],
  ['http://a.b/x\\y', { fullPath: '/x\\y' }],

  // Relative references, and other schemes.
  ['/p', { text: '/p', isRelativeUrl: true, isAbsoluteUrl: false, scheme: '', host: '', netloc: '', origin: 'null' }],
  ['?q', { query: 'q', fullPath: '/?q' }],
  ['#f', { fragment: 'f' }],
  ['', { text: '', path: '/' }],
  ['../x', { path: '../x', text: '../x' }],
  ['//h/p', { host: 'h', path: '/p', isRelativeUrl: true }],
  ['example.com', { host: '', path: 'example.com' }],
  ['mailto:a@b', { scheme: 'mailto', path: 'a@b', isAbsoluteUrl: false }],
  ['example.com:80/x', { scheme: 'example.com', path: '80/x' }],
  ['1a:b', { scheme: '', path: '1a:b' }],
  [
    'file:///etc/hosts',
    { scheme: 'file', host: '', path: '/etc/hosts', text: 'file:///etc/hosts', isAbsoluteUrl: false },
  ],
  ['http:////evil.example/', { host: '', text: 'http:////evil.example/' }],
  ['foo:/a/..//b', { text: 'foo:/.//b', path: '//b', host: '', netloc: '' }],
  ['http:/x', { text: 'http:/x', isAbsoluteUrl: false }],

  // Spaces at the ends come from copying and pasting.
  [' http://a.b/ ', { text: 'http://a.b/', isAbsoluteUrl: true }],

  // No HSTS list rewrites the scheme.
  ['http://www.paypal.com/x', { text: 'http://www.paypal.com/x' }],
];

for (const [url, expected] of PARSED) {
  test(`reads ${inspect(url)} as ${inspect(expected, { breakLength: Infinity })}`, (t) => {
    const parsed = new URL(url);
    t.deepEqual(see(parsed, expected), expected);
    t.is(new URL(parsed.toString()).toString(), parsed.toString(), 'its text reads as the same URL');
  });
}

for (const [url, rawHost, host, port] of IDNA_HOSTS) {
  test(`SEC-H1 ${url} goes to ${rawHost}`, (t) => {
    const parsed = new URL(url);
    t.deepEqual([parsed.rawHost, parsed.host, parsed.port], [rawHost, host, port]);
    t.true(parsed.equals(url.replace(/\/\/[^/:]+/, `//${rawHost}`)), 'and equals its Punycode spelling');
  });
}

const REFUSED: [url: string, message: string | RegExp][] = [
  ['https://example.com:abc/', "Invalid port: 'abc'"],
  ['https://example.com:-1/', "Invalid port: '-1'"],
  ['https://example.com:65536/', "Invalid port: '65536'"],
  ['https://example.com:99999/', "Invalid port: '99999'"],
  ['https://example.com: 80/', "Invalid port: ' 80'"],
  ['https://☃.com/', "Invalid IDNA hostname: '☃.com'"],
  ['http://xn--/', "Invalid IDNA hostname: 'xn--'"],
  ['http://xn--a-ecp.ru/', /Invalid IDNA hostname/],
  ['http://xn--example-.org/', /Invalid IDNA hostname/],
  ['http://www.xn--example-.org/', /Invalid IDNA hostname/],
  ['http://é..com/', /Invalid IDNA hostname/],
  [`http://${'é'.repeat(64)}.com/`, /Invalid IDNA hostname/],
  [`http://${'é'.repeat(60_000)}/`, /Invalid IDNA hostname/],
  ['http://é\u0085.com/', /Invalid IDNA hostname/],
  ['http://a\u2028b.com/', /Invalid IDNA hostname/],
  ['http://a\ud800.com/', /Invalid IDNA hostname/],
  ['http://a／b.com/', /Invalid IDNA hostname/],
  ['http://a％2eb.com/', /Invalid IDNA hostname/],
  ['https://exam le.com/', "Invalid character ' ' in host: 'exam le.com'"],
  ['http://a%2Fb/', "Invalid character '%' in host: 'a%2Fb'"],
  ['http://a.com%2eb.com/', "Invalid character '%' in host: 'a.com%2eb.com'"],
  ['http://a<b/', /Invalid character '<' in host/],
  ['http://a]b/', /Invalid character ']' in host/],
  ['http://a|b/', /Invalid character '\|' in host/],
  ['http://a.b\\c/', "Invalid character '\\' in the authority of the URL"],
  ['http://a.com\\@b.com', "Invalid character '\\' in the authority of the URL"],
  ['https://999.999.999.999/', "Invalid IPv4 address: '999.999.999.999'"],
  ['https://[2001]/', "Invalid IPv6 address: '[2001]'"],
  ['http://[a]/', "Invalid IPv6 address: '[a]'"],
  ['http://[::1/', "Invalid IPv6 address: '['"],
  ['http://[::1]x/', "Invalid IPv6 address: '[::1]x'"],
  ['http://[]/', "Invalid IPv6 address: '[]'"],
  ['http://[::1%]/', "Invalid IPv6 address: '[::1%]'"],
  ['https://www.example.com/\n', "Invalid non-printable ASCII character in URL, '\\n' at position 24."],
  ['https://www.exa\tmple.com/', "Invalid non-printable ASCII character in URL, '\\t' at position 15."],
  ['https://a.b/\u007f', /Invalid non-printable ASCII character in URL, .* at position 12\./],
  ['https://a.b/ HTTP/1.1\r\nX: y', /at position 21\./],
  [`https://a.b/${'x'.repeat(100_000)}`, 'URL too long'],
  [':abc', "Relative URLs cannot have a path starting with ':'"],
];

for (const [url, message] of REFUSED) {
  test(`SEC-H1 SEC-H2 SEC-H5 refuses ${inspect(url.slice(0, 60))} of ${url.length} characters: ${message}`, (t) => {
    const error = t.throws(() => new URL(url), { instanceOf: InvalidURL });
    t.is(error?.code, 'ERR_INVALID_URL');
    if (typeof message === 'string') t.is(error?.message, message);
    else t.regex(error?.message ?? '', message);
  });
}

test('SEC-H6 a megabyte of anything is refused', (t) => {
  for (const text of ['@', '%', '/../', '?a&a', 'a:', '[', '\\', 'xn--', 'é', ':', '.']) {
    t.throws(() => new URL(`http://${text.repeat(1_048_576 / text.length)}`), { message: 'URL too long' });
  }
});

// In quadratic time this would run into the time limit of all tests.
test('SEC-H6 the longest URL of anything is read', (t) => {
  for (const text of ['@', '%', '/../', '/a/..', '?a&a', 'a:', '[', 'xn--a.', 'é', ':', '.', '1.', '-', ' ', '\\']) {
    const url = `http://${text.repeat(65_000 / text.length)}`;
    for (let i = 0; i < 10; i++) {
      const error = thrown(() => new URL(url).params);
      t.true(error === undefined || error instanceof InvalidURL, text);
    }
  }
});

const SECRETIVE = [
  'http://user:s3kr3t@h:abc/',
  'http://user:s3kr3t@exam le.com/',
  'http://user:s3kr3t@[x]/',
  'http://user:s3kr3t@999.1.1.1/',
  'http://user:s3kr3t@☃.com/',
  'http://user:s3kr3t\\@h/',
  'http://user:s3kr3t/x@h/',
  'http://user:s3kr3t?x@h/',
  'http://user:s3kr3t#x@h/',
  'http://us er-s3kr3t/:x@h/',
  'http://user:s3kr3t@h/\n',
];

for (const url of SECRETIVE) {
  test(`the message about ${inspect(url)} shows no password`, (t) => {
    const error = t.throws(() => new URL(url), { instanceOf: InvalidURL });
    t.notRegex(inspect(error), /s3kr3t/);
    t.notRegex(error?.message ?? '', /s3kr3t/);
  });
}

test('takes text, itself and the platform URL', (t) => {
  const url = new URL('https://u:p@example.com/a?b#c');
  t.is(new URL(url).toString(), 'https://u:p@example.com/a?b#c');
  t.is(new URL(new globalThis.URL('https://example.com/a b')).toString(), 'https://example.com/a%20b');
});

const NOT_URLS: [value: unknown, message: string][] = [
  [123, 'Invalid type for url. Expected string or URL, got number: 123'],
  [undefined, 'Invalid type for url. Expected string or URL, got undefined'],
  [null, 'Invalid type for url. Expected string or URL, got null'],
  [true, 'Invalid type for url. Expected string or URL, got boolean: true'],
  [{ href: 'http://a.b' }, 'Invalid type for url. Expected string or URL, got Object'],
  [Symbol('x'), 'Invalid type for url. Expected string or URL, got symbol: Symbol(x)'],
];

for (const [value, message] of NOT_URLS) {
  test(`${inspect(value)} is no URL`, (t) => {
    t.throws(() => new URL(value as string), { instanceOf: TypeError, message });
  });
}

const COPIES: [url: string, components: URLComponents, expected: string][] = [
  ['', { scheme: 'https', host: 'www.example.com', path: '/' }, 'https://www.example.com/'],
  ['https://example.org/', { params: { a: 'b c', d: 'e/f' } }, 'https://example.org/?a=b+c&d=e%2Ff'],
  [
    'https://example.org/',
    { params: { u: 'http://example.com?q=foo%2Fa' } },
    'https://example.org/?u=http%3A%2F%2Fexample.com%3Fq%3Dfoo%252Fa',
  ],
  ['https://ex.com/?a=1#f', { params: {} }, 'https://ex.com/#f'],
  ['https://ex.com/?a=1', { params: { a: [] } }, 'https://ex.com/'],
  ['https://ex.com/?a=1', { query: 'x y' }, 'https://ex.com/?x%20y'],
  ['https://ex.com/?a=1', { query: null }, 'https://ex.com/'],
  ['https://ex.com/?a=1', { query: '' }, 'https://ex.com/?'],
  ['https://ex.com/#f', { fragment: 'a#b c' }, 'https://ex.com/#a#b%20c'],
  ['https://ex.com/#f', { fragment: null }, 'https://ex.com/'],
  ['https://ex.com/x', { scheme: 'HTTP' }, 'http://ex.com/x'],
  ['https://ex.com:80/x', { scheme: 'http' }, 'http://ex.com/x'],
  [
    'https://example.org',
    { username: 'tom@example.org', password: 'abc123@ %' },
    'https://tom%40example.org:abc123%40%20%@example.org',
  ],
  ['https://u:p@ex.com:8443/x', { username: 'a b' }, 'https://a%20b@ex.com:8443/x'],
  ['https://u:p@ex.com/x', { password: 'q:/?#[]@\\|^' }, 'https://u:q%3A%2F%3F%23%5B%5D%40%5C%7C%5E@ex.com/x'],
  ['https://u:p@ex.com/x', { username: '' }, 'https://ex.com/x'],
  ['https://u:p@ex.com/x', { username: 'a:b', password: '' }, 'https://a%3Ab@ex.com/x'],
  ['https://example.org', { netloc: 'example.net:444' }, 'https://example.net:444'],
  ['https://example.org:8443/', { netloc: 'example.net' }, 'https://example.net/'],
  ['https://example.org/', { netloc: '[::1]:444' }, 'https://[::1]:444/'],
  ['https://example.org:8443/', { host: 'example.net' }, 'https://example.net:8443/'],
  ['https://example.org/', { host: '::1' }, 'https://[::1]/'],
  ['https://example.org/', { host: '[::1]' }, 'https://[::1]/'],
  ['https://example.org/', { host: 'Königsgäßchen.de' }, 'https://xn--knigsgchen-b4a3dun.de/'],
  ['https://example.org/', { port: 8443 }, 'https://example.org:8443/'],
  ['https://example.org:8443/', { port: null }, 'https://example.org/'],
  ['https://example.org/', { path: '/path to somewhere' }, 'https://example.org/path%20to%20somewhere'],
  ['https://example.org/x', { path: '' }, 'https://example.org'],
  ['https://example.org/x', { path: '/a/../b' }, 'https://example.org/b'],
  ['/x', { scheme: 'https', host: 'h' }, 'https://h/x'],
  ['https://h/x', { scheme: '', host: '' }, '/x'],
  ['https://h/x', { scheme: undefined, path: undefined, port: undefined, params: undefined }, 'https://h/x'],
];

for (const [url, components, expected] of COPIES) {
  test(`${inspect(url)} with ${inspect(components)} is ${expected}`, (t) => {
    const copy = new URL(url).copyWith(components);
    t.is(copy.toString(), expected);
    t.is(new URL(url, components).toString(), expected);
    t.is(new URL(expected).toString(), expected);
    if (components.username !== undefined) t.is(copy.username, components.username);
    if (components.password !== undefined) t.is(copy.password, components.password);
  });
}

const BAD_COMPONENTS: [url: string, components: object, message: string][] = [
  ['', { scheme: '~' }, "Invalid URL component 'scheme'"],
  ['http://h', { scheme: 'https://xxxx:xxxx@xxxxxxx/xxxxx/xxx?x=x#x' }, "Invalid URL component 'scheme'"],
  ['http://h', { path: '/a?b' }, "Invalid URL component 'path'"],
  ['http://h', { path: '/a#b' }, "Invalid URL component 'path'"],
  ['http://h', { query: 'a#b' }, "Invalid URL component 'query'"],
  ['http://h', { host: 'a/b' }, "Invalid URL component 'host'"],
  ['http://h', { host: 'a@b' }, "Invalid URL component 'host'"],
  ['http://h', { host: 'a\\b' }, "Invalid URL component 'host'"],
  ['http://h', { host: 'a?b' }, "Invalid URL component 'host'"],
  ['http://h', { host: 'a:80' }, "Invalid IPv6 address: '[a:80]'"],
  ['http://h', { netloc: 'u:p@h' }, "Invalid URL component 'netloc'"],
  ['http://h', { netloc: 'h:x' }, "Invalid port: 'x'"],
  ['http://h', { port: 70_000 }, "Invalid port: '70000'"],
  ['http://h', { port: -1 }, "Invalid port: '-1'"],
  ['http://h', { port: 1.5 }, "Invalid port: '1.5'"],
  ['http://h', { port: NaN }, "Invalid port: 'NaN'"],
  ['http://h', { path: 'abc' }, "For absolute URLs, path must be empty or begin with '/'"],
  ['', { path: '//abc' }, "Relative URLs cannot have a path starting with '//'"],
  ['', { path: ':abc' }, "Relative URLs cannot have a path starting with ':'"],
  ['', { path: 'a:b' }, "Relative URLs cannot have a path whose first segment reads as a scheme: begin it with './'"],
  ['http://h', { path: 'x'.repeat(100_000) }, "URL component 'path' too long"],
  ['http://h', { path: '/\n' }, "Invalid non-printable ASCII character in URL path component, '\\n' at position 1."],
  [
    'http://h',
    { username: 'a\r\nb' },
    "Invalid non-printable ASCII character in URL username component, '\\r' at position 1.",
  ],
];

for (const [url, components, message] of BAD_COMPONENTS) {
  test(`refuses ${inspect(components, { maxStringLength: 50 })}: ${message}`, (t) => {
    t.throws(() => new URL(url, components), { instanceOf: InvalidURL, message });
  });
}

const BAD_TYPES: [components: unknown, message: string][] = [
  [{ incorrect: 'x' }, "'incorrect' is an invalid component for URL()"],
  [{ pathh: '/x' }, "'pathh' is an invalid component for URL()"],
  [{ userinfo: 'u:p' }, "'userinfo' is an invalid component for URL()"],
  [{ ['__proto__']: 'x' }, "'__proto__' is an invalid component for URL()"],
  [{ path: 1 }, "URL component 'path': expected a string, got number"],
  [{ username: null }, "URL component 'username': expected a string, got null"],
  [{ port: '80' }, "URL component 'port': expected a number or null, got string"],
  [{ params: { a: {} } }, "Query parameter 'a': expected a string, number, bigint, boolean or null, got Object"],
  [null, 'URL components: expected an object, got null'],
];

for (const [components, message] of BAD_TYPES) {
  test(`components ${inspect(components)}: ${message}`, (t) => {
    t.throws(() => new URL('http://h', components as URLComponents), { instanceOf: TypeError, message });
  });
}

test('parameters are set, added, removed and merged in a copy', (t) => {
  const url = new URL('https://example.org/?a=123');
  t.is(url.copySetParam('a', 456).toString(), 'https://example.org/?a=456');
  t.is(url.copyAddParam('a', 456).toString(), 'https://example.org/?a=123&a=456');
  t.is(url.copyRemoveParam('a').toString(), 'https://example.org/');
  t.is(url.copyMergeParams({ b: '456' }).toString(), 'https://example.org/?a=123&b=456');
  t.deepEqual(url.copyAddParam('a', 456).params.multiItems(), [
    ['a', '123'],
    ['a', '456'],
  ]);
  t.is(url.toString(), 'https://example.org/?a=123');
});

// RFC 3986 §5.4
const JOINED: [reference: string, expected: string][] = [
  ['g', 'http://example.com/b/c/g'],
  ['./g', 'http://example.com/b/c/g'],
  ['g/', 'http://example.com/b/c/g/'],
  ['/g', 'http://example.com/g'],
  ['//g', 'http://g'],
  ['?y', 'http://example.com/b/c/d;p?y'],
  ['g?y', 'http://example.com/b/c/g?y'],
  ['#s', 'http://example.com/b/c/d;p?q#s'],
  ['g#s', 'http://example.com/b/c/g#s'],
  ['g?y#s', 'http://example.com/b/c/g?y#s'],
  [';x', 'http://example.com/b/c/;x'],
  ['g;x', 'http://example.com/b/c/g;x'],
  ['g;x?y#s', 'http://example.com/b/c/g;x?y#s'],
  ['', 'http://example.com/b/c/d;p?q'],
  ['.', 'http://example.com/b/c/'],
  ['./', 'http://example.com/b/c/'],
  ['..', 'http://example.com/b/'],
  ['../', 'http://example.com/b/'],
  ['../g', 'http://example.com/b/g'],
  ['../..', 'http://example.com/'],
  ['../../', 'http://example.com/'],
  ['../../g', 'http://example.com/g'],
  ['../../../g', 'http://example.com/g'],
  ['../../../../g', 'http://example.com/g'],
  ['/./g', 'http://example.com/g'],
  ['/../g', 'http://example.com/g'],
  ['g.', 'http://example.com/b/c/g.'],
  ['.g', 'http://example.com/b/c/.g'],
  ['g..', 'http://example.com/b/c/g..'],
  ['..g', 'http://example.com/b/c/..g'],
  ['./../g', 'http://example.com/b/g'],
  ['./g/.', 'http://example.com/b/c/g/'],
  ['g/./h', 'http://example.com/b/c/g/h'],
  ['g/../h', 'http://example.com/b/c/h'],
  ['g;x=1/./y', 'http://example.com/b/c/g;x=1/y'],
  ['g;x=1/../y', 'http://example.com/b/c/y'],
  ['g?y/./x', 'http://example.com/b/c/g?y/./x'],
  ['g?y/../x', 'http://example.com/b/c/g?y/../x'],
  ['g#s/./x', 'http://example.com/b/c/g#s/./x'],
  ['g#s/../x', 'http://example.com/b/c/g#s/../x'],
  ['https://other/x', 'https://other/x'],
  ['http:g', 'http://example.com/b/c/g'],
  ['g:h', 'g:h'],
];

for (const [reference, expected] of JOINED) {
  test(`${inspect(reference)} in http://example.com/b/c/d;p?q is ${expected}`, (t) => {
    t.is(new URL('http://example.com/b/c/d;p?q').join(reference).toString(), expected);
  });
}

test('join: other bases', (t) => {
  t.is(new URL('/path/to/somewhere').join('../../x').toString(), '/x');
  t.is(new URL('https://example.com/?[]').join('/').toString(), 'https://example.com/');
  t.is(new URL('https://example.com').join('x').toString(), 'https://example.com/x');
  t.is(new URL('https://u:p@example.com:8443/a').join('b').toString(), 'https://u:p@example.com:8443/b');
  t.is(new URL('https://example.com/a').join(new globalThis.URL('http://h/')).toString(), 'http://h/');
  t.is(new URL('https://example.com/a').join('/\\evil.example').origin, 'https://example.com');
});

test('fullPath is path and query, and can be set to what shall go out', (t) => {
  const url = new URL('https://www.example.com/path?x=1#f');
  t.is(url.fullPath, '/path?x=1');
  for (const target of ['*', '/other?y=%20', 'http://www.example.com/x']) {
    url.fullPath = target;
    t.is(url.fullPath, target);
    t.true(url.hasFullPath);
  }
  t.is(url.toString(), 'https://www.example.com/path?x=1#f');
  t.is(url.path, '/path');
});

test('fullPath belongs to one object', (t) => {
  const url = new URL('https://www.example.com/path');
  const plain = new URL(url);
  url.fullPath = '*';
  t.is(plain.fullPath, '/path');
  const copy = new URL(url);
  t.is(copy.fullPath, '*', 'a plain copy has it');
  copy.fullPath = '/x';
  t.is(url.fullPath, '*');
  t.is(url.copyWith({}).fullPath, '/path');
  t.is(url.copyWith({ port: 1 }).fullPath, '/path');
  t.is(url.join('').fullPath, '/path');
  t.is(url.copySetParam('a', 1).fullPath, '/path?a=1');
  t.false(url.join('').hasFullPath);
});

const BAD_TARGETS: [target: unknown, message: string][] = [
  ['/a b', "fullPath: invalid character ' ' at position 2"],
  ['/a\r\nX: y', "fullPath: invalid character '\\r' at position 2"],
  ['/a\0', "fullPath: invalid character '\\u{0}' at position 2"],
  ['/é', "fullPath: invalid character 'é' at position 1"],
  ['/\u010d\u010a', "fullPath: invalid character 'č' at position 1"],
  ['', "fullPath: expected '*', a path beginning with '/', or an absolute URL"],
  ['x', "fullPath: expected '*', a path beginning with '/', or an absolute URL"],
  ['://x', "fullPath: expected '*', a path beginning with '/', or an absolute URL"],
  ['example.com:80', "fullPath: expected '*', a path beginning with '/', or an absolute URL"],
  [null, 'fullPath: expected a string, got null'],
];

for (const [target, message] of BAD_TARGETS) {
  test(`${inspect(target)} is no fullPath`, (t) => {
    const url = new URL('http://h/p');
    t.throws(() => (url.fullPath = target as string), { instanceOf: TypeError, message });
    t.is(url.fullPath, '/p');
  });
}

test('inspect() masks the password, toString() shows it', (t) => {
  const masked: [url: string, shown: string][] = [
    ['https://user:s3kr3t@host/', 'https://user:[secure]@host/'],
    ['https://:s3kr3t@host:8080/a@b:c', 'https://:[secure]@host:8080/a@b:c'],
    ['https://user@host/', 'https://user@host/'],
    ['https://user:@host/', 'https://user:@host/'],
    ['https://host/', 'https://host/'],
    ['/a:b@c', '/a:b@c'],
  ];
  for (const [text, shown] of masked) {
    const url = new URL(text);
    t.is(inspect(url), `URL('${shown}')`);
    t.is(url.toSafeString(), shown);
    t.is(String(url), text);
    t.is(`URL('${JSON.parse(JSON.stringify(url))}')`, inspect(url));
  }
  t.notRegex(inspect({ deep: [new URL('https://user:s3kr3t@host/')] }, { showHidden: true, depth: 9 }), /s3kr3t/);
});

test('equality is of the text', (t) => {
  const url = new URL('HTTPS://Example.com:443/a');
  t.true(url.equals('https://example.com/a'));
  t.true(url.equals(new URL('https://example.com/a')));
  t.true(url.equals(new globalThis.URL('https://example.com/a')));
  t.false(new URL('http://a.b').equals('http://a.b/'));
  t.false(url.equals('http://['));
  t.false(url.equals(1 as never));
});

test('a polluted Object.prototype changes nothing', (t) => {
  const names = ['scheme', 'username', 'password', 'host', 'port', 'netloc', 'path', 'query', 'fragment', 'params'];
  for (const name of names) Reflect.defineProperty(Object.prototype, name, { value: 'evil', configurable: true });
  try {
    t.is(new URL('https://h/p', {}).toString(), 'https://h/p');
    t.is(new URL('https://h/p').copyWith({ fragment: 'f' }).toString(), 'https://h/p#f');
    t.is(new URL('https://h/p').join('q').toString(), 'https://h/q');
  } finally {
    for (const name of names) delete (Object.prototype as Record<string, unknown>)[name];
  }
});

function thrown(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
