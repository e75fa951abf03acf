/** What the methods of Cookies are given, checked before it can break a header. The methods are in cookies.ts. */

import type { CookieJar } from 'tough-cookie';
import { quote, typeName } from '../shown-text.js';
import { checkOptions, namesOf, own } from '../check-options.js';
import { encodeHost, withoutBrackets, withoutZone } from '../url/host.js';

/** Narrows a lookup, or says where a new cookie belongs. @since 0.1.0 */
export interface CookieScope {
  /**
   * The host that a new cookie is sent to, and to what is below it; a lookup finds cookies of that domain.
   * Default: none, a new cookie goes to every host.
   * @since 0.1.0
   */
  domain?: string;
  /**
   * The path that a new cookie is sent to, and to what is below it; a lookup finds cookies of that path.
   * Default: '/', for a new cookie.
   * @since 0.1.0
   */
  path?: string;
}

/** By its shape: the jar may come from another copy of tough-cookie. */
export function isJar(value: unknown): value is CookieJar {
  if (value === null || typeof value !== 'object') return false;
  const { store, setCookie, getCookies } = value as Record<string, unknown>;
  return (
    typeof store === 'object' && store !== null && typeof setCookie === 'function' && typeof getCookies === 'function'
  );
}

export function pairsOf(cookies: unknown): Iterable<readonly [string, string]> {
  if (cookies === null || typeof cookies !== 'object') {
    throw new TypeError(`cookies: expected an object, pairs, Cookies or a CookieJar, got ${typeName(cookies)}`);
  }
  if (typeof (cookies as Iterable<unknown>)[Symbol.iterator] !== 'function') {
    // Own names only, so that a polluted Object.prototype adds no cookie. undefined is no cookie, as in headers.
    const values = cookies as Record<string, string>;
    const names = namesOf('cookies', cookies).filter((name) => values[name] !== undefined);
    return names.map((name): [string, string] => [name, values[name]]);
  }
  return [...(cookies as Iterable<unknown>)].map((pair) => {
    if (Array.isArray(pair) && pair.length === 2) return pair as unknown as readonly [string, string];
    throw new TypeError(`cookies: expected pairs of name and value, got ${typeName(pair)}`);
  });
}

/** RFC 6265bis §5.6, and what a header would lose: '=' and ';' end a name, ';' a value, blanks at the ends are dropped. */
export function checkName(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`Cookie names must be strings, got ${typeName(name)}`);
  if (name === '' || /[\x00-\x1f\x7f=;]|[^\0-\xff]/.test(name) || isBlankAtAnEnd(name)) {
    throw new TypeError(
      `Invalid cookie name ${quote(name)}: no control characters, '=', ';', nor anything but Latin-1`,
    );
  }
  return name;
}

export function checkValue(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new TypeError(`Cookie ${quote(name)}: value must be a string, got ${typeName(value)}`);
  }
  if (/[\x00-\x1f\x7f;]|[^\0-\xff]/.test(value) || isBlankAtAnEnd(value)) {
    throw new TypeError(
      `Cookie ${quote(name)}: value must be Latin-1 without control characters, ';' and blanks at its ends`,
    );
  }
  return value;
}

function isBlankAtAnEnd(text: string): boolean {
  return text.startsWith(' ') || text.endsWith(' ');
}

export function readScope(scope: CookieScope | undefined, what: string): CookieScope {
  if (scope === undefined) return NO_SCOPE;
  checkOptions(scope, scopeNames, what, 'scope');
  const domain = own(scope, 'domain');
  const path = own(scope, 'path');
  return {
    domain: domain === undefined ? undefined : canonicalDomain(domain),
    path: path === undefined ? undefined : checkPath(path),
  };
}

/** Lower case, Punycode, without a leading dot. */
function canonicalDomain(domain: unknown): string {
  if (typeof domain !== 'string') throw new TypeError(`domain: expected a string, got ${typeName(domain)}`);
  const given = domain.startsWith('.') ? domain.slice(1) : domain;
  if (given.includes(':')) {
    const address = given.startsWith('[') ? given : `[${given}]`;
    try {
      return withoutZone(withoutBrackets(encodeHost(address)));
    } catch (cause) {
      throw new TypeError(`domain: ${quote(domain)} is not a host`, { cause });
    }
  }
  let host = '';
  try {
    host = encodeHost(given);
  } catch (cause) {
    throw new TypeError(`domain: ${quote(domain)} is not a host`, { cause });
  }
  if (!/^[\w.-]*$/.test(host)) throw new TypeError(`domain: ${quote(domain)} is not a host`);
  return host;
}

function checkPath(path: unknown): string {
  if (typeof path !== 'string') throw new TypeError(`path: expected a string, got ${typeName(path)}`);
  if (!path.startsWith('/') || /[\x00-\x1f\x7f;]|[^\0-\xff]/.test(path)) {
    throw new TypeError(`path: ${quote(path)} is no path of a cookie: it begins with '/' and holds no ';'`);
  }
  return path;
}

const NO_SCOPE: CookieScope = Object.freeze({ domain: undefined, path: undefined });
const scopeNames = ['domain', 'path'];
