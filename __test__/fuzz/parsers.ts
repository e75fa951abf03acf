/** The façade's parsers: whatever the text is, they end, they throw what they may throw, and what they read holds. */
import { parseChallenges } from '../../src/auth/challenge.js';
import { NetRC, parseNetRC } from '../../src/auth/netrc-file.js';
import { NoProxy } from '../../src/connect/no-proxy.js';
import { formatCookiesTxt, parseCookiesTxt } from '../../src/cookies/cookies-txt.js';
import { parseSetCookie } from '../../src/cookies/set-cookie.js';
import { InvalidURL, RequestError, Request, URL } from '../../src/index.js';
import { parseLinks } from '../../src/response/links.js';
import { charsetOf, isEncoding } from '../../src/response/text.js';
import { URLPattern } from '../../src/url/pattern.js';
import { allowing, same, type Target, textsOf } from './target.js';

const NOW = Date.UTC(2026, 0, 1);

const setCookie = textsOf([
  'a', 'b', '=', ';', '; ', ' ', '\t', '"', ',', 'Domain=', 'Path=', '/', 'example.com', '.', 'Max-Age=', 'Expires=', '-1', '99999999999999999999',
  'Thu, 01 Jan 2037 00:00:00 GMT', 'Secure', 'HttpOnly', 'SameSite=', 'Lax', 'none', '__Host-', '__proto__', '%0d%0a', '\u00e9',
]); // prettier-ignore

export const PARSERS: readonly Target[] = [
  {
    name: 'Set-Cookie',
    texts: setCookie,
    check(text) {
      const cookie = parseSetCookie(text, NOW);
      if (cookie === null) return;
      const { name, value, domain, path } = cookie;
      if (/[\0-\x1f\x7f;]/.test(name + value)) throw new Error('a control character or semicolon was stored');
      if (name.includes('=')) throw new Error('an equals sign is in the name');
      if (domain !== domain.toLowerCase()) throw new Error(`the domain is ${domain}`);
      if (path !== null && !path.startsWith('/')) throw new Error(`the path is ${path}`);
      // What was read, written again, reads the same; of several dots before a domain, or blanks behind them, each reading takes one off.
      // Neither is the domain of any host.
      if (/^[. \t]/.test(domain)) return;
      const again = parseSetCookie(`${name}=${value}; Path=${path ?? ''}; Domain=${domain}`, NOW);
      same([again?.name, again?.value, again?.domain, again?.path], [name, value, domain, path], 'read again');
    },
  },
  {
    name: 'netrc',
    texts: textsOf([
      'machine',
      'default',
      'login',
      'password',
      'account',
      'macdef',
      'port',
      ' ',
      '\n',
      '\t',
      '\r\n',
      '"',
      '\\',
      '\\"',
      '#',
      'a',
      'a.com',
      '::1',
      'init\n\n',
    ]),
    check(text) {
      const file = allowing([SyntaxError, RequestError, TypeError], () => parseNetRC(text, 'netrc'));
      if (file !== undefined && !(file instanceof NetRC)) throw new Error('no NetRC');
    },
  },
  {
    name: 'NO_PROXY',
    texts: textsOf([
      '*',
      ',',
      ' ',
      '.',
      'a',
      'example.com',
      '127.0.0.1',
      '::1',
      '[',
      ']',
      '/',
      '8',
      '24',
      '999',
      ':',
      '80',
      '-',
      '%',
      'localhost',
      '::ffff:1.2.3.4',
    ]),
    check(text) {
      const list = new NoProxy(text);
      for (const url of URLS) {
        const matches = list.covers(url);
        if (typeof matches !== 'boolean') throw new Error('neither true nor false');
        // What is asked for by no entry of the list is not excepted by it.
        if (matches && text.trim() === '') throw new Error('nothing matches everything');
      }
    },
  },
  {
    name: 'WWW-Authenticate',
    texts: textsOf([
      'Basic',
      'Digest',
      'Negotiate',
      ' ',
      ',',
      '=',
      '"',
      '\\',
      '\\"',
      'realm',
      'nonce',
      'qop',
      'auth',
      'YWJj==',
      'a',
      '\xa0',
      '\t',
      '__proto__',
    ]),
    check(text) {
      for (const { scheme, params } of parseChallenges([text, text])) {
        if (scheme !== scheme.toLowerCase() || scheme === '') throw new Error(`the scheme is '${scheme}'`);
        for (const name of params.keys()) if (name !== name.toLowerCase() || /[ ,="]/.test(name)) throw new Error(name);
      }
    },
  },
  {
    name: 'Link',
    texts: textsOf([
      '<',
      '>',
      ';',
      ',',
      ' ',
      'rel',
      '=',
      '"',
      '\\',
      'next',
      'prev',
      '*',
      "UTF-8''",
      '%e2%82%ac',
      '%',
      '/a',
      'title',
      '__proto__',
      'http://x/',
    ]),
    check(text) {
      const links = parseLinks(text);
      if (Object.getPrototypeOf(links) !== Object.prototype) throw new Error('the prototype was changed');
      for (const [relation, link] of Object.entries(links)) {
        if (!text.includes(link.url)) throw new Error(`${link.url} is not in the header`);
        if (!('rel' in link) && relation !== link.url) throw new Error('named by neither');
      }
    },
  },
  {
    name: 'Content-Type',
    texts: textsOf([
      'text',
      '/',
      'plain',
      ';',
      ' ',
      'charset',
      '=',
      '"',
      '\\',
      'utf-8',
      'latin1',
      'x-user-defined',
      ',',
      'a',
      '*',
      "''",
    ]),
    check(text) {
      const charset = charsetOf([text]);
      if (charset !== undefined && !isEncoding(charset)) throw new Error(`${charset} is no encoding`);
      charsetOf([text, text]);
    },
  },
  {
    name: 'Content-Disposition (written)',
    texts: textsOf([
      'a',
      '"',
      '\r\n',
      '\r',
      '\n',
      '\\',
      '%22',
      ';',
      '=',
      'filename',
      '\0',
      '\u20ac',
      '\ud83d\ude00',
      '\ud800',
      '/',
      '--',
    ]),
    check(text) {
      const request = allowing(
        [TypeError],
        () => new Request('POST', 'http://a/', { files: [[text, [text, 'x', 'text/plain']]] as never }),
      );
      if (request === undefined) return;
      const bytes = request.content.toString();
      const [head] = bytes.split('\r\n\r\n');
      const lines = head.split('\r\n');
      if (lines.length !== 3 || /[\r\n]/.test(lines.join(''))) throw new Error(`lines: ${JSON.stringify(lines)}`);
      if (!/^Content-Disposition: form-data; name="[^"]*"(?:; filename="[^"]*")?$/.test(lines[1]))
        throw new Error(lines[1]);
    },
  },
  {
    name: 'cookies.txt',
    texts: textsOf([
      'example.com',
      '.',
      '\t',
      'TRUE',
      'FALSE',
      '/',
      '0',
      '4102444800',
      'a',
      'b',
      '\n',
      '\r\n',
      '#',
      '#HttpOnly_',
      ' ',
      '-1',
      '\t\t',
      'example.com\tTRUE\t/\tFALSE\t0\ta\tb\n',
    ]),
    check(text) {
      const cookies = allowing([TypeError], () => parseCookiesTxt(text, 'cookies.txt'));
      if (cookies === undefined) return;
      const facts = (all: typeof cookies) =>
        all.map(({ key, value, domain, path, secure, httpOnly, hostOnly }) => [
          key,
          value,
          domain,
          path,
          secure,
          httpOnly,
          hostOnly,
        ]);
      // Written and read again, it says the same.
      same(facts(parseCookiesTxt(formatCookiesTxt(cookies), 'again')), facts(cookies), 'read again');
    },
  },
  {
    name: 'URL',
    texts: textsOf([
      'http',
      'https',
      '://',
      ':',
      '/',
      '@',
      '?',
      '#',
      '[',
      ']',
      '::1',
      '%',
      '%2e',
      '..',
      '.',
      'a',
      'xn--',
      '\\',
      ' ',
      '\u3002',
      '\u00df',
      '0x7f',
      '127.1',
      '80',
      '65536',
    ]),
    check(text) {
      const url = allowing([InvalidURL], () => new URL(text));
      if (url === undefined) return;
      const again = new URL(url.toString());
      same([again.toString(), again.rawHost, again.port], [url.toString(), url.rawHost, url.port], 'read again');
      if (/[\s\0@/\\?#]/.test(url.rawHost)) throw new Error(`the host is ${url.rawHost}`);
    },
  },
  {
    name: 'URL patterns',
    texts: textsOf(['all', 'http', 'https', '://', '*', '.', 'example.com', ':', '80', '[', ']', '::1', '%', '/', 'a']),
    check(text) {
      const pattern = allowing([TypeError, InvalidURL], () => new URLPattern(text, 'mounts'));
      for (const url of pattern === undefined ? [] : URLS) {
        if (typeof pattern?.matches(url) !== 'boolean') throw new Error('neither true nor false');
      }
    },
  },
];

const URLS = [
  'http://example.com/',
  'http://a.example.com:8080/',
  'http://127.0.0.1/',
  'http://[::1]:80/',
  'https://localhost./',
].map((text) => new URL(text));
