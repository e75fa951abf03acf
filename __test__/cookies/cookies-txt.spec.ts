/** cookies.txt: what curl, wget and exporters write is read, and what is written they can read. */
import test from 'ava';
import * as fc from '../helpers/fast-check.js';
import { execFileSync } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CookieJar, MemoryCookieStore } from 'tough-cookie';
import { Cookies, URL } from '../../src/index.js';
import { formatCookiesTxt, parseCookiesTxt } from '../../src/cookies/cookies-txt.js';
import { expiryOf, makeCookie } from '../../src/cookies/storage.js';
import { folderOf } from '../helpers/files.js';
import { onUnix } from '../helpers/where.js';

test('a file of curl: flags, HttpOnly, sessions, comments, line ends of Windows', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  const lines = [
    '# Netscape HTTP Cookie File',
    '# https://curl.se/docs/http-cookies.html',
    '',
    '#HttpOnly_.example.org\tTRUE\t/\tTRUE\t4070908800\tsession\tabc',
    'www.example.org\tFALSE\t/a\tFALSE\t0\ttheme\tdark blue',
    'www.example.org\tFALSE\t/\tFALSE\t4070908800.25\tfraction\t1',
    'www.example.org\tFALSE\t/\tFALSE\t0\tempty\t',
    'www.example.org\tFALSE\t/\tFALSE\t0\tcut',
    'www.example.org\tFALSE\t/\tFALSE\t1\told\tgone',
  ];
  await writeFile(file, `\ufeff${lines.join('\r\n')}\r\n`);
  const cookies = await Cookies.load(file);
  t.deepEqual(
    [...cookies],
    [
      ['session', 'abc'],
      ['theme', 'dark blue'],
      ['fraction', '1'],
      ['empty', ''],
      ['cut', ''],
    ],
  );
  t.is(
    cookies.headerFor(new URL('https://www.example.org/a')),
    'theme=dark blue; session=abc; fraction=1; empty=; cut=',
  );
  t.is(cookies.headerFor(new URL('https://example.org/a')), 'session=abc');
  t.is(cookies.headerFor(new URL('http://www.example.org/')), 'fraction=1; empty=; cut=');
});

test('SEC-E4 host-only, HttpOnly, Secure, path and expiry survive saving and loading', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  const first = new Cookies({ loose: '0' });
  void first.storeFrom(new URL('https://www.example.org/a/b'), [
    'host=1',
    'wide=2; Domain=example.org; Path=/',
    'safe=3; Secure; HttpOnly; Max-Age=3600',
    'n=\xc3\xa9; Path=/',
  ]);
  await first.save(file);
  t.is((await stat(file)).mode & 0o777, 0o600);
  t.deepEqual(await readdir(path.dirname(file)), ['cookies.txt']);
  const text = await readFile(file, 'utf8');
  t.true(text.startsWith('# Netscape HTTP Cookie File\n'));
  t.true(text.includes('\nwww.example.org\tFALSE\t/a\tFALSE\t0\thost\t1\n'));
  t.true(text.includes('\n.example.org\tTRUE\t/\tFALSE\t0\twide\t2\n'));
  t.regex(text, /\n#HttpOnly_www\.example\.org\tFALSE\t\/a\tTRUE\t\d{10}\tsafe\t3\n/);
  t.true(text.includes('\tn\té\n'), 'bytes are written as they came');
  const second = await Cookies.load(file);
  for (const url of [
    'https://www.example.org/a/b',
    'http://www.example.org/a/b',
    'https://example.org/a/b',
    'https://sub.www.example.org/a',
    'https://other.com/',
  ]) {
    t.is(second.headerFor(new URL(url)), first.headerFor(new URL(url)), url);
  }
  await second.save(file);
  t.is(await readFile(file, 'utf8'), text);
});

onUnix('what is no file is written to, and not replaced', async (t) => {
  const target = path.join(folderOf(t), 'pipe');
  execFileSync('mkfifo', [target]);
  const read = readFile(target, 'utf8');
  const cookies = new Cookies();
  cookies.set('a', '1', { domain: 'example.org' });
  await cookies.save(target);
  t.regex(await read, /\ta\t1\n$/);
  t.true((await stat(target)).isFIFO());
  t.deepEqual(await readdir(path.dirname(target)), ['pipe']);
});

test('a jar with a store of one’s own is saved too', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  const store = Object.assign(new MemoryCookieStore(), { synchronous: false });
  const cookies = new Cookies(new CookieJar(store));
  await cookies.storeFrom(new URL('http://example.org/'), ['a=1']);
  await cookies.save(file);
  t.is((await Cookies.load(file)).get('a'), '1');
});

test('what Python’s MozillaCookieJar writes for a session cookie', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  await writeFile(file, 'ex.com\tFALSE\t/\tFALSE\t\ta\t1\n.ex.com\tTRUE\t/\tFALSE\t\t\tb\n');
  const cookies = await Cookies.load(file);
  t.is(cookies.headerFor(new URL('http://ex.com/')), 'a=1; b');
  await cookies.save(file);
  t.true((await readFile(file, 'utf8')).includes('ex.com\tFALSE\t/\tFALSE\t0\ta\t1\n'));
});

test('flags are read in any case', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  await writeFile(file, '.ex.com\ttrue\t/\tTrue\t0\ta\t1\nex.com\tfalse\t/\tFalse\t0\tb\t2\n');
  const cookies = await Cookies.load(file);
  t.is(cookies.headerFor(new URL('https://www.ex.com/')), 'a=1');
  t.is(cookies.headerFor(new URL('http://ex.com/')), 'b=2');
});

const BROKEN: [title: string, line: string, message: RegExp][] = [
  ['JSON', '{"cookies": []}', /line 2 is no line of a cookies\.txt: expected 7 fields with tabs, got 1$/],
  ['blanks for tabs', 'ex.com FALSE / FALSE 0 a 1', /expected 7 fields with tabs, got 1$/],
  ['a tab too many', 'ex.com\tFALSE\t/\tFALSE\t0\ta\tsecret\tsecret', /expected 7 fields with tabs, got 8$/],
  ['a flag', 'ex.com\tNO\t/\tFALSE\t0\ta\tsecret', /second and fourth field must be TRUE or FALSE$/],
  ['a time', 'ex.com\tFALSE\t/\tFALSE\tsoon\ta\tsecret', /'soon' is not a time in seconds$/],
  [
    'a domain that a comment begins with',
    '.#HttpOnly_ex.com\tTRUE\t/\tFALSE\t0\ta\tsecret',
    /'\.#HttpOnly_ex\.com' is no host$/,
  ],
  ['a domain of two dots', '..ex.com\tFALSE\t/\tFALSE\t0\ta\tsecret', /the domain '\.\.ex\.com' is no host$/],
  ['a path', 'ex.com\tFALSE\tx\tFALSE\t0\ta\tsecret', /the path 'x' does not begin with '\/'$/],
];

for (const [title, line, message] of BROKEN) {
  test(`a broken line is named, and not shown: ${title}`, async (t) => {
    const file = path.join(folderOf(t), 'cookies.txt');
    await writeFile(file, `# Netscape HTTP Cookie File\n${line}\n`);
    const error = await t.throwsAsync(Cookies.load(file), { instanceOf: TypeError, message });
    t.notRegex(error.message, /secret/);
  });
}

test('SEC-E7 a line of 1 MB is read, a time beyond all dates too', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  await writeFile(file, `ex.com\tFALSE\t/\tFALSE\t99999999999999999\ta\t${'x'.repeat(1e6)}\n`);
  t.is((await Cookies.load(file)).get('a')?.length, 1e6);
});

test('SEC-E7 a value with a tab or a line break, from a foreign jar, is refused and leaves the file alone', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  await writeFile(file, 'untouched');
  for (const value of ['a\tsecret', 'a\nsecret', 'a\rsecret']) {
    const cookies = new Cookies(new CookieJar());
    const shared = { path: '/', hostOnly: true, expires: null, secure: false, httpOnly: false, sameSite: undefined };
    const cookie = makeCookie({ key: 'k', value, domain: 'ex.com', now: 0, ...shared });
    cookies.jar.store.putCookie(cookie, () => {});
    const error = await t.throwsAsync(cookies.save(file), { instanceOf: TypeError, message: /Cookie 'k' holds a tab/ });
    t.notRegex(error.message, /secret/);
  }
  t.is(await readFile(file, 'utf8'), 'untouched');
});

test('SEC-E1 a file cannot make a super cookie', async (t) => {
  const file = path.join(folderOf(t), 'cookies.txt');
  await writeFile(file, '.co.uk\tTRUE\t/\tFALSE\t0\ta\t1\n.com\tTRUE\t/\tFALSE\t0\tb\t1\n');
  t.is((await Cookies.load(file)).headerFor(new URL('http://shop.co.uk/')), '');
});

test('a file that is not there', async (t) => {
  await t.throwsAsync(Cookies.load(path.join(folderOf(t), 'none.txt')), { code: 'ENOENT' });
});

test('property: what is written is what is read', (t) => {
  const text = fc.stringMatching(/^[!-~\xa1-\xff]([ -~\xa0-\xff]{0,20}[!-~\xa1-\xff])?$/);
  const cookie = fc.record({
    key: text,
    value: fc.oneof(text, fc.constant('')),
    domain: fc.constantFrom('', 'example.org', 'a.b.example.org', '127.0.0.1', '::1', 'localhost'),
    path: text.map((rest) => `/${rest}`),
    hostOnly: fc.boolean(),
    expires: fc.oneof(
      fc.constant(null),
      fc.integer({ min: 1, max: 4e9 }).map((seconds) => seconds * 1000),
    ),
    secure: fc.boolean(),
    httpOnly: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(cookie, { maxLength: 5 }), (given) => {
      const made = given.map((one) => {
        const narrow = one.hostOnly || !one.domain.includes('example');
        return makeCookie({ ...one, hostOnly: narrow, sameSite: undefined, now: 0 });
      });
      const read = parseCookiesTxt(formatCookiesTxt(made), 'cookies.txt');
      const shown = (cookies: typeof made) =>
        cookies.map(({ key, value, domain, path: at, hostOnly, secure, httpOnly }, i) => [
          [key, value, domain, at, hostOnly, secure, httpOnly],
          expiryOf(cookies[i]),
        ]);
      t.deepEqual(shown(read), shown(made));
    }),
    { numRuns: 300 },
  );
});
