import test from 'ava';
import * as fc from './helpers/fast-check.js';
import { InvalidURL } from '../src/errors.js';
import { Headers } from '../src/headers.js';
import { QueryParams } from '../src/url/query-params.js';
import { URL } from '../src/url/url.js';
import type { URLComponents } from '../src/types.js';

const text = fc.string({ unit: 'grapheme' });
/** What is made of the characters that URLs are made of finds more than what is made of all characters. */
const urlish = fc
  .array(
    fc.constantFrom(...'abx.:/?#@[]%\\-_ 0123é☃+&=;|"<>'.split(''), '//', '..', '%2e', 'http:', 'https://', 'xn--'),
  )
  .map((pieces) => pieces.join(''));
const token = fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~09azAZ"), minLength: 1, maxLength: 12 });
const fieldValue = fc
  .string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code < 0x7f || code > 0x9f)
      .map((code) => String.fromCharCode(code)),
  })
  .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ''));

/** Lone surrogates come back as U+FFFD. */
const wellFormed = (given: string) => Buffer.from(given).toString();

/** undefined for what is refused; any error but InvalidURL is a failure. */
function read(url: string, components?: URLComponents): URL | undefined {
  try {
    return new URL(url, components);
  } catch (error) {
    if (error instanceof InvalidURL) return undefined;
    throw error;
  }
}

test("SEC-H3 a URL's text reads as the same URL", (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        urlish,
        urlish.map((rest) => `http://a${rest}`),
        fc.webUrl(),
        text,
      ),
      (given) => {
        const url = read(given);
        if (url === undefined) return;
        const again = new URL(url.toString());
        const parts = ({ scheme, userinfo, rawHost, port, rawPath, query, fragment, fullPath, origin }: URL) =>
          JSON.stringify([scheme, userinfo, rawHost, port, rawPath, query, fragment, fullPath, origin]);
        if (again.toString() !== url.toString() || parts(again) !== parts(url)) throw new Error(url.toString());
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

test('SEC-H7 a component stays within its part, or is refused (CVE-2021-41945)', (t) => {
  const base = new URL('https://user:pw@example.com:8443/path?query#fragment');
  const part = fc.oneof(urlish, text);
  const names = ['scheme', 'username', 'password', 'host', 'netloc', 'path', 'query', 'fragment'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...names), part, (name, given) => {
      let copy: URL;
      try {
        copy = base.copyWith({ [name]: given });
      } catch (error) {
        if (error instanceof InvalidURL) return;
        throw error;
      }
      const again = new URL(copy.toString());
      if (!again.equals(copy)) throw new Error('reads as something else');
      const may: Record<string, string[]> = {
        username: ['password'],
        host: ['rawHost'],
        netloc: ['rawHost', 'port'],
        path: ['rawPath'],
        scheme: ['port'],
      };
      for (const other of [
        'scheme',
        'username',
        'password',
        'rawHost',
        'port',
        'rawPath',
        'query',
        'fragment',
      ] as const) {
        if (other === name || may[name]?.includes(other)) continue;
        if (again[other] !== base[other]) throw new Error(`${name} changed ${other}`);
      }
      if ((name === 'username' || name === 'fragment') && !/[%\ud800-\udfff]/.test(given) && again[name] !== given) {
        throw new Error(`${name} reads as ${again[name]}`);
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('what the platform reads has the same parts here', (t) => {
  const host = fc.constantFrom('example.com', 'a.b', '127.0.0.1', '[::1]', 'xn--fiqs8s', 'EXAMPLE.com', 'faß.de');
  fc.assert(
    fc.property(host, urlish, (name, rest) => {
      const given = `http://${name}/${rest}`;
      if (!globalThis.URL.canParse(given)) return;
      const platform = new globalThis.URL(given);
      // Node 20 leaves the dots of '//.a//..' standing.
      if (/\/\.\.?(\/|$)/.test(platform.pathname)) return;
      const ours = new URL(platform.href);
      const seen = [`${ours.scheme}:`, ours.netloc, ours.origin, ours.rawPath, ours.query];
      const expected = [platform.protocol, platform.host, platform.origin, platform.pathname, platform.search.slice(1)];
      if (JSON.stringify(seen) !== JSON.stringify(expected))
        throw new Error(`${JSON.stringify(seen)} of ${platform.href}`);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('a join is where the platform goes, for paths without escapes', (t) => {
  const reference = fc
    .array(fc.constantFrom('a', 'b', '.', '..', '/', '?q', '#f', ';p'), { maxLength: 8 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(
      reference.filter((each) => !each.startsWith('//')),
      (given) => {
        const base = 'http://example.com/b/c/d;p?q';
        const expected = new globalThis.URL(given, base).href;
        const joined = new URL(base).join(given).toString();
        if (joined !== expected) throw new Error(`${joined} and not ${expected}`);
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

test('query parameters survive their text', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))), (pairs) => {
      const params = new QueryParams(pairs);
      const expected = pairs.map(([name, value]) => [wellFormed(name), wellFormed(value)]);
      const seen = JSON.stringify(new QueryParams(params.toString()).multiItems());
      if (seen !== JSON.stringify(expected)) throw new Error(seen);
      const inUrl = JSON.stringify(new URL('http://h/').copyWith({ params }).params.multiItems());
      if (inUrl !== seen) throw new Error(inUrl);
      const platform = JSON.stringify([...new URLSearchParams(params.toString())]);
      if (platform !== seen) throw new Error(platform);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

// ASCII alone: Node reads '%2e☃%' as '.\x03%'.
test('the platform and we read the same query', (t) => {
  fc.assert(
    fc.property(
      urlish.filter((given) => /^(?!\?)[\x20-\x7e]*$/.test(given)),
      (given) => {
        const seen = JSON.stringify(new QueryParams(given).multiItems());
        const expected = JSON.stringify([...new URLSearchParams(given)]);
        if (seen !== expected) throw new Error(`${seen} and not ${expected}`);
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

test('headers survive their lines, and agree with the platform', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(token, fieldValue)), (pairs) => {
      const headers = new Headers(pairs);
      if (JSON.stringify(headers.raw) !== JSON.stringify(pairs)) throw new Error('raw');
      const again = Headers.fromLines(headers.toLines());
      if (!again.equals(headers) || again.toLines() !== headers.toLines()) throw new Error('lines');
      const platform = new globalThis.Headers(pairs);
      for (const [name] of pairs) {
        const lazy = Headers.fromLines(headers.toLines()).get(name);
        if (lazy !== headers.get(name) || headers.get(name) !== platform.get(name)) throw new Error(name);
      }
      const sorted = [...headers].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([name]) => name !== 'set-cookie');
      const expected = [...platform].filter(([name]) => name !== 'set-cookie');
      if (JSON.stringify(sorted) !== JSON.stringify(expected)) throw new Error('merged');
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('whatever a header is given, no line break comes out', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
      const headers = new Headers();
      try {
        headers.append(name, value);
      } catch (error) {
        if (!(error instanceof TypeError) || /[\r\n\0]/.test(error.message)) throw error;
        return;
      }
      if (headers.toLines() !== `${name}\n${value}\n` || /[\r\n\0]/.test(name + value)) throw new Error('injected');
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
