/**
 * cookies.txt, the format of Netscape, curl, wget and browsers' exporters: reading and writing its text. Files are opened in
 * cookies.ts.
 *
 *   [#HttpOnly_]domain ⇥ TRUE if subdomains too ⇥ path ⇥ TRUE if secure ⇥ seconds since 1970, 0: session ⇥ name ⇥ value
 */

import type { Cookie } from 'tough-cookie';
import { quote } from '../shown-text.js';
import { isAddress, isPublicSuffix } from './domain.js';
import { expiryOf, makeCookie } from './storage.js';

/**
 * @param name Of the file, for errors.
 * @throws TypeError for a line that is none of a cookies.txt, with its number
 */
export function parseCookiesTxt(text: string, name: string): Cookie[] {
  const cookies: Cookie[] = [];
  // The bytes of a UTF-8 byte order mark, which editors leave behind.
  const lines = (text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text).split(/\r?\n/);
  for (const [i, given] of lines.entries()) {
    const httpOnly = given.startsWith(HTTP_ONLY);
    const line = httpOnly ? given.slice(HTTP_ONLY.length) : given;
    if (line.trim() === '' || (!httpOnly && line.startsWith('#'))) continue;
    const refused = (why: string) => new TypeError(`${name}: line ${i + 1} is no line of a cookies.txt: ${why}`);
    const fields = line.split('\t');
    // curl writes no seventh field for an empty value when an editor has cut it off.
    if (fields.length < 6 || fields.length > 7) throw refused(`expected 7 fields with tabs, got ${fields.length}`);
    const [domain, subdomains, path, secure, expires, key, value = ''] = fields;
    if (!isFlag(subdomains) || !isFlag(secure)) throw refused('the second and fourth field must be TRUE or FALSE');
    // Chrome's exporters write fractions, Python's MozillaCookieJar nothing for a session cookie.
    if (!/^(?:-?\d{1,17}(?:\.\d*)?)?$/.test(expires)) throw refused(`${quote(expires)} is not a time in seconds`);
    if (!path.startsWith('/')) throw refused(`the path ${quote(path)} does not begin with '/'`);
    const host = (domain.startsWith('.') ? domain.slice(1) : domain).toLowerCase();
    // Written again, '#' would begin a comment and a second dot would make it another's.
    if (noHost.test(host)) throw refused(`the domain ${quote(domain)} is no host`);
    const wide = isTrue(subdomains) && host !== '' && !isAddress(host) && !isPublicSuffix(host);
    cookies.push(
      makeCookie({
        key,
        value,
        domain: host,
        path,
        hostOnly: !wide,
        expires: Number(expires) <= 0 ? null : Math.min(Number(expires) * 1000, LAST_DATE),
        secure: isTrue(secure),
        httpOnly,
        sameSite: undefined,
        now: Date.now(),
      }),
    );
  }
  return cookies;
}

/** @throws TypeError for a cookie that the format has no way to write */
export function formatCookiesTxt(cookies: readonly Cookie[]): string {
  let text = '# Netscape HTTP Cookie File\n# Written by whippet. One cookie per line; an empty domain is any host.\n\n';
  for (const cookie of cookies) {
    const { key, value, domain, path, secure, httpOnly, hostOnly } = cookie;
    const expires = expiryOf(cookie);
    const wide = !hostOnly && !!domain;
    const fields = [
      `${httpOnly ? HTTP_ONLY : ''}${wide ? '.' : ''}${domain ?? ''}`,
      wide ? 'TRUE' : 'FALSE',
      path ?? '/',
      secure ? 'TRUE' : 'FALSE',
      // Up, so that nothing expires by being saved; 0 would say session.
      expires === Infinity ? '0' : String(Math.max(1, Math.ceil(expires / 1000))),
      key,
      value,
    ];
    if (fields.some((field) => /[\t\n\r\0]/.test(field))) {
      throw new TypeError(`Cookie ${quote(key)} holds a tab or a line break, which a cookies.txt cannot`);
    }
    text += `${fields.join('\t')}\n`;
  }
  return text;
}

/** In any case, as curl reads it. */
function isTrue(text: string): boolean {
  return text.toUpperCase() === 'TRUE';
}

function isFlag(text: string): boolean {
  return isTrue(text) || text.toUpperCase() === 'FALSE';
}

const HTTP_ONLY = '#HttpOnly_';
const noHost = /^\.|[\0-\x20#/?@\\]/;
/** ECMA-262 §21.4.1.1: the last time that a Date can hold. */
const LAST_DATE = 8.64e15;
