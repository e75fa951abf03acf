/**
 * Whose a cookie is: the domain-match, path-match and default-path of RFC 6265bis §5.1, public suffixes, and which origins count
 * as secure. What is stored and sent by these rules is decided in storage.ts and retrieval.ts.
 */

import type { URL } from '../url/url.js';
import { withoutZone } from '../url/host.js';
import { toughCookie } from './tough-cookie.js';

/** What counts of a URL where cookies are concerned. Never the Host header: the URL says whose the cookies are. */
export interface Site {
  /** The canonical host, without brackets. */
  host: string;
  /** As it is sent, without the query. */
  path: string;
  /** https, or a host that never leaves this machine. */
  isSecure: boolean;
}

export function siteOf(url: URL): Site {
  const host = withoutZone(url.rawHost);
  return { host, path: url.rawPath || '/', isSecure: isSecure(url.scheme, host) };
}

/** RFC 6265bis §5.1.3. Both in canonical form; an address matches itself only. */
export function domainMatches(host: string, domain: string): boolean {
  if (host === domain) return true;
  return host.endsWith(domain) && host.charCodeAt(host.length - domain.length - 1) === DOT && !isAddress(host);
}

/** RFC 6265bis §5.1.4. */
export function pathMatches(path: string, cookiePath: string): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith('/') || path.charCodeAt(cookiePath.length) === SLASH;
}

/** RFC 6265bis §5.1.4: the directory of the request's path. */
export function defaultPath(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

/** A domain that is open to registrations: 'com', 'co.uk', 'github.io', and every single label. */
export function isPublicSuffix(domain: string): boolean {
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  if (!name.includes('.')) return true;
  return registrable(name) === undefined;
}

/** Whether a cookie of one could be meant for the other: the same registrable domain, or the same host. */
export function isSameSite(a: URL, b: URL): boolean {
  if (a.rawHost === b.rawHost) return true;
  if (isAddress(a.rawHost) || isAddress(b.rawHost)) return false;
  const domain = registrable(a.rawHost);
  return domain !== undefined && domain === registrable(b.rawHost);
}

/** An IP address in any of its spellings: what ends in a number is one (URL standard, "ends in a number"). */
export function isAddress(host: string): boolean {
  if (host.includes(':')) return true;
  const last = host.slice(host.lastIndexOf('.') + 1);
  return /^(?:\d+|0x[\da-f]*)$/.test(last);
}

function registrable(name: string): string | undefined {
  return toughCookie().getPublicSuffix(name, { allowSpecialUseDomain: true, ignoreError: true });
}

/** Secure Contexts §3.1: encrypted, or loopback. */
function isSecure(scheme: string, host: string): boolean {
  if (scheme === 'https' || scheme === 'wss') return true;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

const DOT = 0x2e;
const SLASH = 0x2f;
