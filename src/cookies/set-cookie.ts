/**
 * A Set-Cookie header, read by RFC 6265bis §5.6. Whether the cookie is accepted from this host is decided in storage.ts; dates are
 * tough-cookie's.
 */

import { toughCookie } from './tough-cookie.js';

/** What a Set-Cookie says. */
export interface SetCookie {
  name: string;
  value: string;
  /** Milliseconds since the epoch; null for the session's length. */
  expires: number | null;
  /** Lower case, without a leading dot; '' when there is none. */
  domain: string;
  /** null when there is none that begins with '/'. */
  path: string | null;
  secure: boolean;
  httpOnly: boolean;
  sameSite: 'strict' | 'lax' | 'none' | undefined;
}

/**
 * null for what is no cookie: with neither name nor value, with control characters, or too long. The name may be ''. Attributes that cannot be read are
 * left out one by one. Values are bytes, one per character (Latin-1), and stay exactly as they are.
 */
export function parseSetCookie(line: string, now: number): SetCookie | null {
  if (controls.test(line)) return null;
  const end = line.indexOf(';');
  const pair = end === -1 ? line : line.slice(0, end);
  // §5.6: without '=' it is all value, of a cookie without a name.
  const equals = pair.indexOf('=');
  const name = equals === -1 ? '' : trimBlanks(pair.slice(0, equals));
  const value = trimBlanks(pair.slice(equals + 1));
  if ((name === '' && value === '') || name.length + value.length > MAX_PAIR_BYTES) return null;
  // Stricter than §5.6, which lets a tab stand inside: no cookies.txt could hold it, and servers refuse it.
  if (name.includes('\t') || value.includes('\t')) return null;
  const cookie: SetCookie = {
    name,
    value,
    expires: null,
    domain: '',
    path: null,
    secure: false,
    httpOnly: false,
    sameSite: undefined,
  };
  if (end !== -1) readAttributes(line.slice(end + 1), cookie, now);
  return cookie;
}

function readAttributes(text: string, cookie: SetCookie, now: number): void {
  let maxAge: number | null = null;
  let expires: number | null = null;
  for (const attribute of text.split(';')) {
    const equals = attribute.indexOf('=');
    const name = trimBlanks(equals === -1 ? attribute : attribute.slice(0, equals)).toLowerCase();
    const value = equals === -1 ? '' : trimBlanks(attribute.slice(equals + 1));
    // §5.6: longer ones are ignored.
    if (value.length > MAX_ATTRIBUTE_BYTES) continue;
    if (name === 'expires') expires = toughCookie().parseDate(value)?.getTime() ?? expires;
    else if (name === 'max-age') maxAge = /^-?\d+$/.test(value) ? Number(value) : maxAge;
    else if (name === 'domain') cookie.domain = (value.startsWith('.') ? value.slice(1) : value).toLowerCase();
    else if (name === 'path') cookie.path = value.startsWith('/') ? value : null;
    else if (name === 'secure') cookie.secure = true;
    else if (name === 'httponly') cookie.httpOnly = true;
    else if (name === 'samesite') cookie.sameSite = sameSites.get(value.toLowerCase());
  }
  // §5.7: Max-Age wins over Expires. §5.6.1, 5.6.2: nothing lives longer than 400 days from now.
  if (maxAge !== null) cookie.expires = maxAge <= 0 ? 0 : now + Math.min(maxAge * 1000, MAX_LIFETIME_MS);
  else if (expires !== null) cookie.expires = Math.min(expires, now + MAX_LIFETIME_MS);
}

/** Spaces and tabs only: String.trim() would also take U+00A0, which is a byte of a UTF-8 value here. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const controls = /[\x00-\x08\x0a-\x1f\x7f]/;
const sameSites: ReadonlyMap<string, 'strict' | 'lax' | 'none'> = new Map([
  ['strict', 'strict'],
  ['lax', 'lax'],
  ['none', 'none'],
]);
/** Bytes of name and value together (§5.6). */
const MAX_PAIR_BYTES = 4096;
const MAX_ATTRIBUTE_BYTES = 1024;
const MAX_LIFETIME_MS = 400 * 24 * 60 * 60 * 1000;
