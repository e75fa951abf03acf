/**
 * Text → the layout of a URL, by RFC 3986 with httpx's manners: strict about what could be read in two ways, and never encoding
 * twice. Not the WHATWG parser: `127.1` stays a name, a newline is an error, and a backslash is no slash. Hosts are in host.ts.
 */

import { InvalidURL } from '../errors.js';
import { quote } from '../shown-text.js';
import { maskUserinfo } from '../shown-url.js';
import { encodeHost, isIPv4 } from './host.js';

/** A URL in its final spelling, and where its parts begin. What is not there is empty: its beginning is its end. */
export interface Layout {
  readonly href: string;
  /** Where the scheme ends; its ':' follows. 0: no scheme. */
  readonly schemeEnd: number;
  /** Where the userinfo begins, after the '//'. -1: no authority. */
  readonly userinfoStart: number;
  /** Where the host begins, brackets included; the userinfo ends with an '@' before it. */
  readonly hostStart: number;
  readonly hostEnd: number;
  readonly port: number | null;
  readonly pathStart: number;
  /** Where the path ends; a '?' follows if there is a query. */
  readonly pathEnd: number;
  /** Where the query ends; a '#' follows if there is a fragment. */
  readonly queryEnd: number;
}

/** The parts of a URL as text, host and port checked; null is not there, where that differs from empty. */
export interface Parts {
  scheme: string;
  /** Whether there is a '//'. */
  authority: boolean;
  userinfo: string;
  /** As encodeHost() leaves it. */
  host: string;
  port: number | null;
  path: string;
  query: string | null;
  fragment: string | null;
}

/** Longest URL, and longest component, in UTF-16 units. */
export const MAX_URL_CHARS = 65_536;

/** @throws InvalidURL */
export function parse(text: string): Layout {
  return scanPlain(text) ?? assemble(split(text));
}

/**
 * One look at each character of `http(s)://name[:port][/path][?query][#fragment]` that is in its final spelling already, as nearly
 * all are. Whatever needs a second look returns null: userinfo, capital letters, escapes to be made, dot segments, IPv6, IDNA.
 */
function scanPlain(text: string): Layout | null {
  const secure = text.startsWith('https://');
  if (text.length > MAX_URL_CHARS || (!secure && !text.startsWith('http://'))) return null;
  const hostStart = secure ? 8 : 7;
  let i = hostStart;
  let last = 0;
  let label = hostStart;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 128 || (plain[code] & HOST) === 0) break;
    if (code === DASH && last === DASH) return null; // 'xn--'
    if (last === DOT) label = i;
    last = code;
  }
  const hostEnd = i;
  if (hostEnd === hostStart) return null;
  // A last label that begins with a digit may be an IPv4 address in one of its other spellings.
  const first = text.charCodeAt(label);
  if (first >= 0x30 && first <= 0x39 && !isIPv4(text.slice(hostStart, hostEnd))) return null;

  let port: number | null = null;
  if (text.charCodeAt(i) === COLON) {
    port = 0;
    for (i++; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x30 || code > 0x39) break;
      port = port * 10 + (code - 0x30);
    }
    const digits = i - hostEnd - 1;
    if (digits === 0 || port > 65_535 || port === (secure ? 443 : 80)) return null;
    if (digits > 1 && text.charCodeAt(hostEnd + 1) === 0x30) return null;
  }

  const pathStart = i;
  if (i < text.length) {
    const code = text.charCodeAt(i);
    if (code !== SLASH && code !== QUESTION && code !== HASH) return null;
  }
  last = 0;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUESTION || code === HASH) break;
    if (code >= 128 || (plain[code] & PATH) === 0) return null;
    if (code === DOT && last === SLASH && isDotSegment(text, i)) return null;
    last = code;
  }
  const pathEnd = i;
  if (text.charCodeAt(i) === QUESTION) {
    for (i++; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === HASH) break;
      if (code >= 128 || (plain[code] & QUERY) === 0) return null;
    }
  }
  const queryEnd = i;
  for (i++; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 128 || (plain[code] & FRAGMENT) === 0) return null;
  }
  const schemeEnd = hostStart - 3;
  return { href: text, schemeEnd, userinfoStart: hostStart, hostStart, hostEnd, port, pathStart, pathEnd, queryEnd };
}

/** Whether '.', '..' begins at i and ends its segment there. */
function isDotSegment(text: string, i: number): boolean {
  let code = text.charCodeAt(i + 1);
  if (code === DOT) code = text.charCodeAt(i + 2);
  return Number.isNaN(code) || code === SLASH || code === QUESTION || code === HASH;
}

/**
 * Text into its parts (RFC 3986 Appendix B, without its regular expression).
 * @throws InvalidURL
 */
export function split(given: string): Parts {
  if (given.length > MAX_URL_CHARS) throw new InvalidURL('URL too long');
  checkPrintable(given, 'URL');
  const text = trimSpaces(given);

  let rest = 0;
  let scheme = '';
  const colon = text.indexOf(':');
  if (colon > 0 && isScheme(text.slice(0, colon))) {
    scheme = text.slice(0, colon);
    rest = colon + 1;
  } else if (text.startsWith('://')) {
    rest = 1; // httpx reads '://example.com' as '//example.com'
  }

  const fragmentStart = indexOrEnd(text, '#', rest, text.length);
  const queryStart = indexOrEnd(text, '?', rest, fragmentStart);
  const authority = text.startsWith('//', rest);
  let pathStart = rest;
  let address: Pick<Parts, 'userinfo' | 'host' | 'port'> = { userinfo: '', host: '', port: null };
  if (authority) {
    pathStart = indexOrEnd(text, '/', rest + 2, queryStart);
    address = splitAuthority(text.slice(rest + 2, pathStart), text.includes('@', pathStart));
  }
  return {
    scheme,
    authority,
    ...address,
    path: text.slice(pathStart, queryStart),
    query: queryStart === fragmentStart ? null : text.slice(queryStart + 1, fragmentStart),
    fragment: fragmentStart === text.length ? null : text.slice(fragmentStart + 1),
  };
}

/**
 * @param late Whether an '@' follows after the authority: then it may hold the beginning of a password with '/', '?' or '#' in it,
 *   and no message shows anything of it.
 */
function splitAuthority(text: string, late: boolean): Pick<Parts, 'userinfo' | 'host' | 'port'> {
  // WHATWG parsers end the authority at a backslash, RFC 3986 ones do not: http://a.com\@b.com goes to two places.
  if (text.includes('\\')) throw new InvalidURL("Invalid character '\\' in the authority of the URL");
  const at = text.lastIndexOf('@');
  const { host, port } = splitNetloc(text.slice(at + 1));
  const userinfo = at === -1 ? '' : text.slice(0, at);
  try {
    return { userinfo, host: encodeHost(host), port: checkPort(port) };
  } catch (error) {
    if (!late) throw error;
    throw new InvalidURL("Invalid host or port. A '/', '?' or '#' in a username or password must be percent-encoded");
  }
}

/** 'host:port', 'host', '[::1]:port'; the port as text, null when there is no ':'. */
export function splitNetloc(text: string): { host: string; port: string | null } {
  const bracket = text.startsWith('[') ? text.lastIndexOf(']') : -1;
  const colon = text.indexOf(':', bracket + 1);
  return colon === -1 ? { host: text, port: null } : { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/** Digits up to 65535, or nothing. */
export function checkPort(port: string | number | null): number | null {
  if (port === null || port === '') return null;
  const text = String(port);
  const number = /^\d+$/.test(text) ? Number(text) : -1;
  // 'user:password%40host' has no userinfo, and the rest for its port.
  if (number < 0 || number > 65_535) throw new InvalidURL(`Invalid port: ${quote(maskUserinfo(text))}`);
  return number;
}

/**
 * Checks that the parts fit together, encodes what must be, and puts them into their final spelling.
 * @throws InvalidURL
 */
export function assemble(parts: Parts): Layout {
  const scheme = parts.scheme.toLowerCase();
  const userinfo = percentEncode(parts.userinfo, USERINFO);
  const { host } = parts;
  const port = parts.port === defaultPorts.get(scheme) ? null : parts.port;
  const authority = parts.authority || userinfo !== '' || host !== '' || port !== null;
  checkPath(parts.path, scheme !== '', authority);
  let path = percentEncode(parts.path, PATH);
  if (authority || (scheme !== '' && path.startsWith('/'))) path = removeDotSegments(path);

  let href = scheme === '' ? '' : `${scheme}:`;
  const userinfoStart = authority ? href.length + 2 : -1;
  if (authority) href += userinfo === '' ? '//' : `//${userinfo}@`;
  const hostStart = href.length;
  href += host;
  const hostEnd = href.length;
  if (port !== null) href += `:${port}`;
  // URL standard §4.5: without an authority a path must not come to look like one. The '/.' is no part of it.
  if (!authority && path.startsWith('//')) href += '/.';
  const pathStart = href.length;
  href += path;
  const pathEnd = href.length;
  if (parts.query !== null) href += `?${percentEncode(parts.query, QUERY)}`;
  const queryEnd = href.length;
  if (parts.fragment !== null) href += `#${percentEncode(parts.fragment, FRAGMENT)}`;
  if (href.length > MAX_URL_CHARS) throw new InvalidURL('URL too long');
  return { href, schemeEnd: scheme.length, userinfoStart, hostStart, hostEnd, port, pathStart, pathEnd, queryEnd };
}

/** RFC 3986 §3.3: what a path may be depends on what stands before it. */
function checkPath(path: string, scheme: boolean, authority: boolean): void {
  if (authority && path !== '' && !path.startsWith('/')) {
    throw new InvalidURL("For absolute URLs, path must be empty or begin with '/'");
  }
  if (authority || scheme) return;
  if (path.startsWith('//')) throw new InvalidURL("Relative URLs cannot have a path starting with '//'");
  if (path.startsWith(':')) throw new InvalidURL("Relative URLs cannot have a path starting with ':'");
  if (isScheme(path.slice(0, Math.max(0, path.indexOf(':'))))) {
    throw new InvalidURL("Relative URLs cannot have a path whose first segment reads as a scheme: begin it with './'");
  }
}

/** RFC 3986 §5.2.4, on whole segments: linear, whatever comes. A relative path stays relative. */
export function removeDotSegments(path: string): string {
  if (!path.includes('.')) return path;
  const segments = path.split('/');
  const kept: string[] = [];
  const root = path.startsWith('/') ? 1 : 0;
  if (root === 1) kept.push('');
  for (let i = root; i < segments.length; i++) {
    const segment = segments[i];
    const dots = segment === '.' || segment === '..';
    if (segment === '..' && kept.length > root) kept.pop();
    if (!dots) kept.push(segment);
    else if (i === segments.length - 1) kept.push(''); // '/a/..' is a directory: '/'
  }
  return kept.join('/');
}

/**
 * Encodes the characters that may not stand in this part, as UTF-8. `%` is left alone: what is encoded is not encoded twice, and
 * a stray one stays.
 */
export function percentEncode(text: string, part: number): string {
  let encoded = '';
  let done = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 128 && (plain[code] & part) !== 0) continue;
    encoded += text.slice(done, i);
    if (code < 128) {
      encoded += escapes[code];
      done = i + 1;
    } else {
      // A run at a time: the halves of a surrogate pair belong together.
      const start = i;
      while (code >= 128) code = text.charCodeAt(++i); // NaN at the end
      for (const byte of Buffer.from(text.slice(start, i))) encoded += escapes[byte];
      done = i--;
    }
  }
  return done === 0 ? text : encoded + text.slice(done);
}

/** @throws InvalidURL for an ASCII control character, which other parsers drop: where it was is said, with its escape. */
export function checkPrintable(text: string, where: string): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code !== 0x7f) continue;
    const shown = quote(text[i]);
    throw new InvalidURL(`Invalid non-printable ASCII character in ${where}, ${shown} at position ${i}.`);
  }
}

/** RFC 3986 §3.1. */
export function isScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*$/i.test(text);
}

/** null for a scheme that has none here. */
export function defaultPortOf(scheme: string): number | null {
  return defaultPorts.get(scheme) ?? null;
}

/** Spaces at the ends, which come from copying and pasting. */
function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) === 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) === 0x20) end--;
  return text.slice(start, end);
}

/** Where the text is found from `start` on, but before `end`; else `end`. */
function indexOrEnd(text: string, wanted: string, start: number, end: number): number {
  const index = text.indexOf(wanted, start);
  return index === -1 || index > end ? end : index;
}

const defaultPorts: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['https', 443],
  ['ws', 80],
  ['wss', 443],
  ['ftp', 21],
]);

const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const QUESTION = 0x3f;
const HASH = 0x23;

const HOST = 1;
/** A whole userinfo, and one name or password of it, in which a ':' would divide. */
export const USERINFO = 2;
export const CREDENTIAL = 4;
export const PATH = 8;
export const QUERY = 16;
export const FRAGMENT = 32;

/** For each ASCII character the parts in which it stands as it is (URL standard §1.3, with httpx's reading of it). */
const plain = new Uint8Array(128);
const refused: [part: number, chars: string][] = [
  [USERINFO, ' "#<>?`{}/;=@[\\]^|'],
  [CREDENTIAL, ' "#<>?`{}/:;=@[\\]^|'],
  [PATH, ' "#<>?`{}'],
  [QUERY, ' "#<>'],
  [FRAGMENT, ' "<>`'],
];
for (let code = 0x21; code < 0x7f; code++) {
  const char = String.fromCharCode(code);
  for (const [part, chars] of refused) if (!chars.includes(char)) plain[code] |= part;
  if (/[a-z0-9._-]/.test(char)) plain[code] |= HOST;
}

const escapes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});
