/** Which cookies go with a request, and in what order (RFC 6265bis §5.8.3). How they came into the store is storage.ts's work. */

import type { Cookie, Store } from 'tough-cookie';
import type { Site } from './domain.js';
import { domainMatches, pathMatches } from './domain.js';
import type { MemoryStore } from './memory-store.js';
import type { Steps } from './store-calls.js';
import { expiryOf, hasExpired, nearTo } from './storage.js';

/** The cookies of the store for this site, in no order. */
export function* finding(store: Store, site: Site): Steps<Cookie[]> {
  const { host, path } = site;
  const found = (yield nearTo(store, host, path)) as Cookie[] | undefined;
  const now = Date.now();
  return (found ?? []).filter((cookie) => isSentTo(cookie, site, now));
}

/** Cookies that are bound to no host. */
export function findUnbound(store: MemoryStore, site: Site): Cookie[] {
  const now = Date.now();
  return store
    .of('')
    .filter(
      (cookie) =>
        pathMatches(site.path, cookie.path ?? '/') && (!cookie.secure || site.isSecure) && !hasExpired(cookie, now),
    );
}

/** The Cookie header's value: longer paths first, then older cookies; '' for none. Never more than servers take. */
export function toHeader(cookies: Cookie[]): string {
  const ordered = cookies.sort(
    (a, b) => (b.path ?? '/').length - (a.path ?? '/').length || timeOf(a) - timeOf(b) || indexOf(a) - indexOf(b),
  );
  let header = '';
  let count = 0;
  for (const cookie of ordered) {
    const pair = pairOf(cookie);
    if (pair === null || header.length + pair.length + 2 > MAX_HEADER_BYTES) continue;
    header += header === '' ? pair : `; ${pair}`;
    if (++count === MAX_SENT_COUNT) break;
  }
  return header;
}

/** When the first of them expires, in milliseconds since the epoch. */
export function firstExpiry(cookies: readonly Cookie[]): number {
  let first = Infinity;
  for (const cookie of cookies) first = Math.min(first, expiryOf(cookie));
  return first;
}

function isSentTo(cookie: Cookie, site: Site, now: number): boolean {
  const { domain } = cookie;
  if (!domain || (cookie.hostOnly ? domain !== site.host : !domainMatches(site.host, domain))) return false;
  if (cookie.secure && !site.isSecure) return false;
  return pathMatches(site.path, cookie.path ?? '/') && !hasExpired(cookie, now);
}

/** null for what would break the header: such cookies can stand in a jar that others fill. */
function pairOf({ key, value }: Cookie): string | null {
  const pair = key === '' ? value : `${key}=${value}`;
  if (unsendable.test(pair)) return null;
  // Bytes, one per character, as they came; text that is more than bytes goes as UTF-8.
  return /^[\0-\xff]*$/.test(pair) ? pair : Buffer.from(pair).toString('latin1');
}

function timeOf({ creation }: Cookie): number {
  return creation instanceof Date ? creation.getTime() : 0;
}

function indexOf({ creationIndex }: Cookie): number {
  return creationIndex ?? 0;
}

const unsendable = /[\x00-\x08\x0a-\x1f\x7f;]/;
/** curl's: cookies, and bytes of the header. */
const MAX_SENT_COUNT = 150;
const MAX_HEADER_BYTES = 8190;
