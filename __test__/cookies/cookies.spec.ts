/** Cookies as a user holds them: looked up, changed, taken from responses, kept in any jar. The rules are in cookie-rules.spec.ts. */
import test from 'ava';
import * as fc from '../helpers/fast-check.js';
import { inspect } from 'node:util';
import { Cookie, CookieJar, MemoryCookieStore, Store } from 'tough-cookie';
import { CookieConflict, Cookies, Request, Response, URL } from '../../src/index.js';

const EXAMPLE = new URL('http://example.org/');

/** A store that answers later, as one over a network does. */
class SlowStore extends MemoryCookieStore {
  override synchronous = false;
  override findCookies(...args: unknown[]): never {
    const callback = args.pop() as (...answer: unknown[]) => void;
    setImmediate(() => {
      (super.findCookies as (...all: unknown[]) => void)(...args, callback);
    });
    return undefined as never;
  }
}

test('E1 an object: counted, looked up, deleted', (t) => {
  const cookies = new Cookies({ name: 'value' });
  t.is(cookies.size, 1);
  t.is(cookies.get('name'), 'value');
  t.deepEqual([...cookies], [['name', 'value']]);
  cookies.delete('name');
  t.is(cookies.size, 0);
  t.is(cookies.get('name'), undefined);
});

test('E4 the same name on two paths: each is there, and removed one by one', (t) => {
  const cookies = new Cookies();
  cookies.set('mycookie', '1', { domain: 'example.com', path: '/subpath/1' });
  cookies.set('mycookie', '2', { domain: 'example.com', path: '/subpath/2' });
  t.is(cookies.size, 2);
  const error = t.throws(() => cookies.get('mycookie'), { instanceOf: CookieConflict });
  t.regex(error.message, /^Multiple cookies exist with name='mycookie'/);
  t.is(error.code, 'ERR_COOKIE_CONFLICT');
  t.is(cookies.get('mycookie', { path: '/subpath/2' }), '2');
  t.throws(() => cookies.get('mycookie', { domain: 'example.com' }), { instanceOf: CookieConflict });
  cookies.clear({ domain: 'example.com', path: '/subpath/1' });
  t.is(cookies.size, 1);
  cookies.delete('mycookie', { domain: 'example.com', path: '/subpath/2' });
  t.is(cookies.size, 0);
});

test('E35 nothing throws for what is not there', (t) => {
  const cookies = new Cookies();
  t.is(cookies.get('missing'), undefined);
  t.is(cookies.get('missing', { domain: 'example.org', path: '/' }), undefined);
  t.notThrows(() => cookies.delete('missing'));
  t.notThrows(() => cookies.delete('missing', { domain: 'example.org', path: '/' }));
  t.notThrows(() => cookies.clear({ domain: 'example.org' }));
  t.notThrows(() => cookies.clear({ path: '/' }));
});

test('set() replaces the same name, domain and path, and keeps its place', (t) => {
  const cookies = new Cookies([
    ['a', '1'],
    ['b', '2'],
  ]);
  cookies.set('a', '3');
  t.deepEqual(
    [...cookies],
    [
      ['a', '3'],
      ['b', '2'],
    ],
  );
});

test('a lookup takes a domain with a leading dot, in capitals, in Unicode', (t) => {
  const cookies = new Cookies();
  cookies.set('a', '1', { domain: '.Example.ORG' });
  cookies.set('b', '2', { domain: '中国.icom.museum' });
  t.is(cookies.get('a', { domain: 'example.org' }), '1');
  t.is(cookies.get('a', { domain: '.EXAMPLE.org' }), '1');
  t.is(cookies.get('b', { domain: 'xn--fiqs8s.icom.museum' }), '2');
});

const SENT: [title: string, domain: string | undefined, url: string, sent: string][] = [
  ['no domain: everywhere', undefined, 'http://anything.test/', 'a=1'],
  ['a domain: itself', 'example.org', 'http://example.org/', 'a=1'],
  ['a domain: below it', 'example.org', 'http://www.example.org/', 'a=1'],
  ['a domain: nowhere else', 'example.org', 'http://myexample.org/', ''],
  ['a domain: not above it', 'www.example.org', 'http://example.org/', ''],
  ['E33 localhost', 'localhost', 'http://localhost/', 'a=1'],
  ['localhost alone', 'localhost', 'http://sub.localhost/', ''],
  ['a single label', 'example', 'http://example/', 'a=1'],
  ['a public suffix is a host of its own', 'co.uk', 'http://shop.co.uk/', ''],
  ['an address', '127.0.0.1', 'http://127.0.0.1/', 'a=1'],
  ['an IPv6 address', '::1', 'http://[::1]/', 'a=1'],
  ['an IPv6 address in brackets', '[::1]', 'http://[::1]/', 'a=1'],
];

for (const [title, domain, url, sent] of SENT) {
  test(`set(): ${title}`, (t) => {
    const cookies = new Cookies();
    cookies.set('a', '1', { domain });
    t.is(cookies.headerFor(new URL(url)), sent);
  });
}

const REFUSED: [title: string, change: (cookies: Cookies) => unknown, message: RegExp][] = [
  ['a name with =', (c) => c.set('a=b', '1'), /Invalid cookie name 'a=b'/],
  ['a name with ;', (c) => c.set('a;b', '1'), /Invalid cookie name/],
  ['an empty name', (c) => c.set('', '1'), /Invalid cookie name ''/],
  ['a name with a line break', (c) => c.set('a\r\nb', '1'), /Invalid cookie name 'a\\r\\nb'/],
  ['a name beyond Latin-1', (c) => c.set('日', '1'), /Invalid cookie name/],
  ['a value with ;', (c) => c.set('a', 'x; secret'), /Cookie 'a': value must be Latin-1/],
  ['a value with CR', (c) => c.set('a', 'x\rsecret'), /Cookie 'a': value/],
  ['a value with LF', (c) => c.set('a', 'x\nsecret'), /Cookie 'a': value/],
  ['a value with NUL', (c) => c.set('a', 'x\0secret'), /Cookie 'a': value/],
  ['a value with a tab', (c) => c.set('a', 'x\tsecret'), /Cookie 'a': value/],
  ['a value that ends in a blank', (c) => c.set('a', 'secret '), /Cookie 'a': value/],
  ['a value beyond Latin-1', (c) => c.set('a', 'secret日'), /Cookie 'a': value/],
  ['a value that truncates to CRLF', (c) => c.set('a', '\u010d\u010asecret'), /Cookie 'a': value/],
  ['a number', (c) => c.set('a', 1 as never), /Cookie 'a': value must be a string, got number/],
  ['null in an object', () => new Cookies({ a: null as never }), /Cookie 'a': value must be a string, got null/],
  ['SEC-E10 attributes in a domain', (c) => c.set('a', '1', { domain: 'a; Secure' }), /domain: 'a; Secure'/],
  ['SEC-E10 attributes in a domain, tight', (c) => c.set('a', '1', { domain: 'a;Secure' }), /domain: 'a;Secure'/],
  ['SEC-E10 attributes in a path', (c) => c.set('a', '1', { path: '/; Secure' }), /path: '\/; Secure'/],
  ['a path without /', (c) => c.set('a', '1', { path: 'x' }), /path: 'x'/],
  ['an unknown part of a scope', (c) => c.get('a', { host: 'x' } as never), /Unknown option 'host'/],
  ['a scope that is none', (c) => c.get('a', 'example.org' as never), /expected an object, got string/],
  ['a name that is none', (c) => c.get(1 as never), /name must be a string, got number/],
  ['text', () => new Cookies('a=1' as never), /cookies: expected an object, pairs, Cookies or a CookieJar, got string/],
  ['null', () => new Cookies(null as never), /cookies: expected .* got null/],
  ['a promise', () => new Cookies(Promise.resolve({}) as never), /cookies: expected an object .* got Promise/],
  ['what are no pairs', () => new Cookies(['a=1'] as never), /expected pairs of name and value, got string/],
];

for (const [title, change, message] of REFUSED) {
  test(`refused: ${title}`, (t) => {
    const error = t.throws(() => change(new Cookies()), { instanceOf: TypeError, message });
    t.notRegex(error.message, /secret/);
  });
}

test('the names of Object.prototype are names like any other', (t) => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const cookies = new Cookies(names.map((name): [string, string] => [name, 'x']));
  t.deepEqual(
    [...cookies].map(([name]) => name),
    names,
  );
  t.is(cookies.headerFor(EXAMPLE), '__proto__=x; constructor=x; toString=x; hasOwnProperty=x');
  t.is(new Cookies(JSON.parse('{"__proto__":"y"}') as Record<string, string>).get('__proto__'), 'y');
  t.is(({} as Record<string, unknown>).x, undefined);
});

test('Cookies and jars are copied into Cookies, with all that they say', (t) => {
  const first = new Cookies();
  void first.storeFrom(new URL('https://a.example.org/x/y'), ['a=1; Secure; HttpOnly; Domain=example.org', 'b=2']);
  const second = new Cookies(first);
  first.clear();
  t.deepEqual(
    [...second],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  );
  t.is(second.headerFor(new URL('https://a.example.org/x/z')), 'a=1; b=2');
  t.is(second.headerFor(new URL('https://b.example.org/x/z')), 'a=1', 'host-only is kept');
  t.is(second.headerFor(new URL('http://a.example.org/x/z')), 'b=2', 'Secure is kept');
});

test('update() adds and replaces', (t) => {
  const cookies = new Cookies({ a: '1', b: '2' });
  cookies.update(new Cookies({ b: '3' }));
  cookies.update({ c: '4' });
  cookies.update(new Map([['d', '5']]));
  t.is(cookies.headerFor(EXAMPLE), 'a=1; b=3; c=4; d=5');
});

test('a CookieJar stays the place where cookies are kept', (t) => {
  const jar = new CookieJar();
  jar.setCookieSync('a=1; Domain=example.org', 'http://example.org/');
  const cookies = new Cookies(jar);
  t.is(cookies.jar, jar);
  t.is(cookies.get('a'), '1');
  cookies.set('b', '2', { domain: 'example.org' });
  void cookies.storeFrom(EXAMPLE, ['c=3']);
  t.is(jar.getCookieStringSync('http://example.org/'), 'a=1; b=2; c=3');
  t.is(cookies.headerFor(EXAMPLE), 'a=1; b=2; c=3');
  jar.setCookieSync('a=9; Domain=example.org', 'http://example.org/');
  t.is(cookies.headerFor(EXAMPLE), 'a=9; b=2; c=3', 'nothing outdated is remembered');
});

test('the jar underneath is tough-cookie’s own, and holds what is here', (t) => {
  const cookies = new Cookies({ loose: '0' });
  t.true(cookies.jar instanceof CookieJar);
  void cookies.storeFrom(EXAMPLE, ['a=1']);
  cookies.jar.setCookieSync('b=2', 'http://example.org/');
  t.is(cookies.headerFor(EXAMPLE), 'loose=0; a=1; b=2');
  t.is(cookies.jar.getCookieStringSync('http://example.org/'), 'a=1; b=2');
  t.deepEqual(
    cookies.jar.serializeSync()?.cookies.map(({ key }) => key),
    ['loose', 'a', 'b'],
  );
  cookies.jar.removeAllCookiesSync();
  t.is(cookies.size, 0);
});

test('the jar can be cloned, and comes back from JSON', (t) => {
  const cookies = new Cookies({ loose: '0' });
  void cookies.storeFrom(EXAMPLE, ['a=1; HttpOnly', 'b=2; Max-Age=60']);
  for (const jar of [cookies.jar.cloneSync(), CookieJar.fromJSON(JSON.stringify(cookies.jar))]) {
    t.is(new Cookies(jar).headerFor(EXAMPLE), 'a=1; b=2');
  }
  t.is(new Cookies(new Cookies(cookies.jar)).headerFor(EXAMPLE), 'loose=0; a=1; b=2');
});

test('a jar that takes public suffixes keeps doing so', (t) => {
  const cookies = new Cookies(new CookieJar(undefined, { rejectPublicSuffixes: false }));
  void cookies.storeFrom(new URL('http://shop.co.uk/'), ['a=1; Domain=co.uk']);
  t.is(cookies.get('a', { domain: 'co.uk' }), '1');
});

for (const host of ['example', 'test', 'localhost', 'local', 'intranet', 'invalid']) {
  test(`single-label hosts work in every jar: ${host}`, (t) => {
    for (const cookies of [new Cookies(), new Cookies(new CookieJar())]) {
      const url = new URL(`http://${host}/`);
      void cookies.storeFrom(url, ['a=1', 'b=2; Domain=' + host]);
      t.is(cookies.headerFor(url), 'a=1; b=2');
      t.is(cookies.headerFor(new URL(`http://sub.${host}/`)), '', 'host-only');
    }
  });
}

test('an asynchronous store: sent and stored with promises, and what cannot wait says so', async (t) => {
  const cookies = new Cookies(new CookieJar(new SlowStore()));
  await cookies.storeFrom(EXAMPLE, ['a=1', 'b=2; Path=/x', 'a=3']);
  t.is(await cookies.headerFor(EXAMPLE), 'a=3');
  t.is(await cookies.headerFor(new URL('http://example.org/x/y')), 'b=2; a=3');
  cookies.set('loose', '0');
  t.is(await cookies.headerFor(EXAMPLE), 'a=3; loose=0');
  for (const call of [
    () => cookies.get('a'),
    () => cookies.size,
    () => [...cookies],
    () => cookies.clear(),
    () => cookies.delete('a'),
    () => cookies.set('a', '1', { domain: 'example.org' }),
    () => new Cookies().update(cookies),
  ]) {
    t.throws(call, { instanceOf: TypeError, message: /the jar's store is asynchronous; use cookies\.jar/ });
  }
  t.is(inspect(cookies), '<Cookies of an asynchronous store>');
  const also = new Cookies({ c: '4' });
  t.is(await cookies.headerFor(EXAMPLE, { also }), 'a=3; loose=0; c=4');
  t.throws(() => new Request('GET', 'http://example.org/', { cookies }), {
    instanceOf: TypeError,
    message: /store of the jar is asynchronous/,
  });
});

test('what an asynchronous store fails with arrives as it is', async (t) => {
  const broken = new (class extends Store {
    override findCookies(...args: unknown[]): never {
      (args.at(-1) as (error: Error) => void)(new Error('store is down'));
      return undefined as never;
    }
    override findCookie(...args: unknown[]): never {
      return this.findCookies(...args);
    }
  })();
  const cookies = new Cookies(new CookieJar(broken));
  await t.throwsAsync(async () => cookies.headerFor(EXAMPLE), { message: 'store is down' });
  await t.throwsAsync(async () => cookies.storeFrom(EXAMPLE, ['a=1']), { message: 'store is down' });
});

for (const isSynchronous of [false, true]) {
  test(`a ${isSynchronous ? 'synchronous' : 'slow'} store of async methods that reject and call back never`, async (t) => {
    const fails = async (): Promise<never> => {
      throw new Error('store is down');
    };
    const store = Object.assign(new MemoryCookieStore(), {
      synchronous: isSynchronous,
      putCookie: fails,
      findCookies: fails,
    });
    const cookies = new Cookies(new CookieJar(store));
    const message = isSynchronous ? /did not answer at once/ : 'store is down';
    await t.throwsAsync(async () => cookies.headerFor(EXAMPLE), { message });
    await t.throwsAsync(async () => cookies.storeFrom(EXAMPLE, ['a=1']), { message });
    // A rejection that is left over would be reported now.
    await new Promise(setImmediate);
  });
}

test('a store that says it is synchronous and is not', (t) => {
  const cookies = new Cookies(new CookieJar(Object.assign(new SlowStore(), { synchronous: true })));
  t.throws(() => cookies.headerFor(EXAMPLE), { message: /says that it is synchronous, and did not answer at once/ });
});

test('cookies of one request stand beside those of the client, or in their place', (t) => {
  const client = new Cookies({ a: '1' });
  void client.storeFrom(EXAMPLE, ['b=2']);
  t.is(client.headerFor(EXAMPLE, { also: new Cookies({ a: '9' }) }), 'b=2; a=9', 'same name, domain and path');
  t.is(client.headerFor(EXAMPLE, { also: new Cookies({ b: '9' }) }), 'a=1; b=2; b=9', 'another domain');
  t.is(client.headerFor(EXAMPLE), 'a=1; b=2', 'not stored');
});

test('bound to no host: left behind on the way to another site, and bound to one when asked', (t) => {
  const cookies = new Cookies({ a: '1' });
  t.is(cookies.headerFor(EXAMPLE, { isCrossSite: true }), '');
  t.is(cookies.headerFor(EXAMPLE), 'a=1');
  cookies.bindTo(EXAMPLE);
  t.is(cookies.headerFor(EXAMPLE), 'a=1');
  t.is(cookies.headerFor(new URL('http://sub.example.org/')), '', 'to this host alone');
  t.is(cookies.headerFor(new URL('http://example.com/')), '');
});

test('what is remembered of an unchanged jar ends with a change and with an expiry', async (t) => {
  const cookies = new Cookies();
  t.true(cookies.isEmpty);
  t.is(cookies.headerFor(EXAMPLE), '');
  void cookies.storeFrom(EXAMPLE, ['a=1', 'b=2; Max-Age=1']);
  t.is(cookies.headerFor(EXAMPLE), 'a=1; b=2');
  t.is(cookies.headerFor(EXAMPLE), 'a=1; b=2');
  t.is(cookies.headerFor(new URL('http://example.org/x')), 'a=1; b=2');
  t.is(cookies.headerFor(new URL('https://example.com/')), '');
  cookies.delete('a');
  t.is(cookies.headerFor(EXAMPLE), 'b=2');
  // A second that has to pass: what expires is told by the clock alone.
  await new Promise((resolve) => setTimeout(resolve, 1050));
  t.is(cookies.headerFor(EXAMPLE), '');
  t.is(cookies.size, 0);
});

test('a session that each response prolongs, shortens or changes', (t) => {
  const cookies = new Cookies();
  const set = (line: string): string => {
    void cookies.storeFrom(EXAMPLE, [line]);
    return cookies.headerFor(EXAMPLE) as string;
  };
  t.is(set('a=1; Max-Age=60'), 'a=1');
  t.is(set('a=1; Max-Age=90'), 'a=1');
  t.is(set('a=1'), 'a=1');
  t.is(set('a=2'), 'a=2');
  t.is(set('a=2; Max-Age=60'), 'a=2');
  t.is(set('a=2; Max-Age=0'), '');
  t.is(set('a=2; Domain=example.org'), 'a=2');
  t.is(set('a=2'), 'a=2');
  t.is(cookies.headerFor(new URL('http://www.example.org/')), '', 'the last one is for the host alone');
});

test('shown in one line without values', (t) => {
  const cookies = new Cookies({ theme: 'secret' });
  void cookies.storeFrom(EXAMPLE, ['session=secret; Path=/x']);
  t.is(inspect(cookies), '<Cookies [theme, session for example.org/x]>');
  t.is(String(cookies), inspect(cookies));
  t.is(inspect(new Cookies()), '<Cookies []>');
  for (let i = 0; i < 30; i++) cookies.set(`n${i}`, 'secret');
  t.regex(inspect(cookies), /, n17, 12 more\]>$/);
  t.notRegex(inspect(cookies), /secret/);
});

test('H31 response.cookies: what this response alone sets', (t) => {
  const request = new Request('GET', 'http://e.com/');
  const response = new Response(200, {
    request,
    headers: [
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2; Path=/x'],
      ['Set-Cookie', 'c=3; Domain=other.com'],
    ],
  });
  t.deepEqual(
    [...response.cookies],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  );
  t.is(response.cookies, response.cookies);
  t.is(new Response(200).cookies.size, 0);
});

test('response.cookies without a request: bound to no host', (t) => {
  const response = new Response(200, {
    headers: { 'set-cookie': ['a=1; Secure', 'b=2; Path=/x; Domain=example.org'] },
  });
  t.is(response.cookies.get('a'), '1');
  t.is(response.cookies.get('b', { path: '/x' }), '2');
});

test('new Request(…, { cookies }): those that fit, after the user’s headers and before the body’s', (t) => {
  const cookies = new Cookies({ a: '1' });
  cookies.set('b', '2', { domain: 'example.com' });
  const request = new Request('POST', 'http://example.org/', { cookies, headers: { 'X-One': '1' }, content: 'x' });
  t.deepEqual(request.headers.raw, [
    ['Host', 'example.org'],
    ['X-One', '1'],
    ['Cookie', 'a=1'],
    ['Content-Length', '1'],
  ]);
  const own = new Request('GET', 'http://example.org/', { cookies, headers: { cookie: 'mine=1' } });
  t.is(own.headers.get('cookie'), 'mine=1', 'a Cookie header of one’s own is all that is sent');
  t.false(new Request('GET', 'http://example.org/', { cookies: {} }).headers.has('cookie'));
});

test('cookies of a foreign jar cannot break the header', (t) => {
  const jar = new CookieJar();
  const put = (key: string, value: string) =>
    jar.store.putCookie(new Cookie({ key, value, domain: 'example.org', path: '/', hostOnly: true }), () => {});
  put('a', 'x\r\nInjected: 1');
  put('b', 'x; c=1');
  put('d', 'ü日');
  t.is(new Cookies(jar).headerFor(EXAMPLE), `d=${Buffer.from('ü日').toString('latin1')}`);
});

test('a polluted Object.prototype changes no cookie', (t) => {
  const keys = [
    'domain',
    'path',
    'secure',
    'httpOnly',
    'hostOnly',
    'maxAge',
    'expires',
    'key',
    'value',
    'also',
    'isCrossSite',
  ];
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  for (const key of keys) prototype[key] = '/polluted';
  try {
    const cookies = new Cookies({ a: '1' });
    void cookies.storeFrom(EXAMPLE, ['b=2; Path=/']);
    cookies.set('c', '3', { domain: 'example.org' });
    t.is(cookies.headerFor(EXAMPLE), 'a=1; b=2; c=3');
    t.is(cookies.get('a'), '1');
  } finally {
    for (const key of keys) delete prototype[key];
  }
});

test('property: what is set is what is read and sent', (t) => {
  const name = fc.stringMatching(/^[!-:<>-~][!-:<>-~]{0,20}$/);
  const value = fc.stringMatching(/^([!-:<-~\xa1-\xff]([ -:<-~\xa1-\xff]{0,20}[!-:<-~\xa1-\xff])?)?$/);
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 8 }), (pairs) => {
      const cookies = new Cookies(pairs);
      t.deepEqual([...cookies], pairs);
      t.is(cookies.headerFor(EXAMPLE), pairs.map(([key, text]) => `${key}=${text}`).join('; '));
      // What was sent, set again by a server, is what is here.
      const again = new Cookies();
      void again.storeFrom(
        EXAMPLE,
        pairs.map(([key, text]) => `${key}=${text}`),
      );
      for (const [key, text] of pairs) {
        if (!key.startsWith('__')) t.is(again.get(key), text);
      }
    }),
    { numRuns: 200 },
  );
});
