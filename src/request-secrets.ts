/**
 * What a request keeps secret, taken out of what a peer says: a server or a proxy may write into a reason phrase, a Location or a body what
 * it was sent, and that is in messages then. What the peer has encoded in a way of its own is not found.
 */

import type { Headers } from './headers.js';
import { isSecretHeader, isSecretParam } from './secret-names.js';

/** A request, as far as it is looked at here. */
interface Sent {
  readonly headers: Headers;
  readonly url: { readonly userinfo: string; readonly password: string; readonly query: string };
}

/** A proxy, likewise. */
export interface ProxySecrets {
  readonly auth: readonly [username: string, password: string] | null;
  readonly proxyHeaders: Headers;
}

/**
 * The request went through this proxy, which got secrets of its own. To be told where an error is made of it, not before: most requests
 * end without.
 */
export function alsoSecret(request: object, proxy: ProxySecrets): void {
  proxies.set(request, proxy);
}

/** `text` with `[secure]` in the place of each credential that the request, or the way it takes, had in its headers and its URL. */
export function withoutSecrets(text: string, request: Sent): string {
  const secrets = secretsOf(request);
  if (secrets.length === 0 || text === '') return text;
  const whole = new RegExp(secrets.map(patternOf).join('|'), 'gi');
  // What a peer sent was perhaps cut before it came here: a mark shows where, or it is the reason phrase of an answer to CONNECT.
  return text
    .replace(whole, '[secure]')
    .replace(/\S{4,}(?=\u2026| \(CONNECT )/g, (cut) => withoutBeginning(cut, secrets));
}

/** Whether any of them is in it. */
export function hasSecrets(text: string, request: Sent): boolean {
  return withoutSecrets(text, request) !== text;
}

/** The longest first, so that none is masked in part. */
function secretsOf(request: Sent): string[] {
  const { url, headers } = request;
  const found = [...ofHeaders(headers), url.userinfo.includes(':') ? url.userinfo : '', ...spellingsOf(url.password)];
  for (const [, name, value] of url.query.matchAll(/([^=&]+)=([^&]+)/g)) {
    if (isSecretParam(name, value)) found.push(...spellingsOf(value), ...spellingsOf(value.replaceAll('+', ' ')));
  }
  const proxy = proxies.get(request);
  if (proxy !== undefined) {
    const [username, password] = proxy.auth ?? ['', ''];
    const credentials = `${username}:${password}`;
    found.push(...ofHeaders(proxy.proxyHeaders), password);
    if (credentials !== ':') found.push(credentials, Buffer.from(credentials).toString('base64'));
  }
  const secrets = [...new Set(found)].filter((secret) => secret.length >= MIN_CHARS);
  return secrets.sort((a, b) => b.length - a.length);
}

/** The values of secret headers, and what is in them. */
function ofHeaders(headers: Headers): string[] {
  return headers.raw.flatMap(([name, value]) => {
    if (!isSecretHeader(name)) return [];
    if (/^cookie$/i.test(name)) {
      const values = value.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
      return [value, ...values.filter((text) => text.length >= MIN_COOKIE_CHARS)];
    }
    const [, scheme = '', credentials = ''] = /^([\w-]+) +(.+)$/s.exec(value) ?? [];
    if (scheme.toLowerCase() !== 'basic') return [...bothOf(value), ...bothOf(credentials)];
    const pair = Buffer.from(credentials, 'base64');
    const pairs = [pair.toString('latin1'), pair.toString()];
    return [value, credentials, ...pairs.flatMap((text) => [text, text.slice(text.indexOf(':') + 1)])];
  });
}

/** A header's value, which is Latin-1, and what it is where it was meant as UTF-8. */
function bothOf(value: string): string[] {
  return /[\x80-\xff]/.test(value) ? [value, Buffer.from(value, 'latin1').toString()] : [value];
}

/** As it is in a URL, and what it stands for. */
function spellingsOf(text: string): string[] {
  try {
    return [text, decodeURIComponent(text)];
  } catch {
    return [text];
  }
}

/** A secret, also where its marks are escaped, for a quoted text, JSON, a URL or HTML. */
function patternOf(secret: string): string {
  const begins = Array.from(secret.slice(0, MAX_CHARS), (char) => {
    if (/\w/.test(char)) return char;
    const latin1 = char <= '\xff' ? `|${escapesOf(Buffer.from(char, 'latin1'))}` : '';
    return `(?:\\\\?${char.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')}|${escapesOf(Buffer.from(char))}${latin1}|&#?\\w+;)`;
  });
  return secret.length > MAX_CHARS ? `${begins.join('')}\\S*` : begins.join('');
}

/** `%e9`, `\\xe9`, for each byte. */
function escapesOf(bytes: Buffer): string {
  return Array.from(bytes, (byte) => `(?:%|\\\\x)${byte.toString(16).padStart(2, '0')}`).join('');
}

function withoutBeginning(cut: string, secrets: readonly string[]): string {
  for (const secret of secrets) {
    for (let length = Math.min(secret.length, cut.length); length >= MIN_CHARS; length--) {
      if (cut.endsWith(secret.slice(0, length))) return `${cut.slice(0, -length)}[secure]`;
    }
  }
  return cut;
}

const proxies = new WeakMap<object, ProxySecrets>();
/** What is shorter is found in any text by chance. */
const MIN_CHARS = 4;
/** Many cookies say no more than 'true' or 'de-DE'. */
const MIN_COOKIE_CHARS = 6;
/** Of a secret: a pattern has a bound. */
const MAX_CHARS = 8192;
