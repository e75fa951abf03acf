/**
 * Which cookies a host may set, and how many (RFC 6265bis §5.7, the storage model). Reading the header is set-cookie.ts's work,
 * choosing what is sent retrieval.ts's.
 */

import type { Cookie, Store } from 'tough-cookie';
import type { Site } from './domain.js';
import { domainMatches, defaultPath, isAddress, isPublicSuffix, pathMatches } from './domain.js';
import { MemoryStore } from './memory-store.js';
import type { SetCookie } from './set-cookie.js';
import { parseSetCookie } from './set-cookie.js';
import type { Call, Steps } from './store-calls.js';
import { toughCookie } from './tough-cookie.js';
import { bare } from '../bare.js';

/** Where cookies go, and how strict it is. */
export interface Target {
  store: Store;
  /** The store again when it is ours: it has limits. A user's store has its own. */
  memory: MemoryStore | null;
  rejectPublicSuffixes: boolean;
  /** The class of the jar's cookies, when it comes from another copy of tough-cookie; else null. */
  cookieClass: CookieClass | null;
}

/** A class of cookies. */
export type CookieClass = new (properties: Partial<Cookie>) => Cookie;

/**
 * Stores what one response sets, in its order, so that the last word on a name counts.
 *
 * @param site The URL that answered; null for a response made by hand without a request: its cookies are bound to no host.
 */
export function* storing(lines: readonly string[], site: Site | null, target: Target): Steps<void> {
  const now = Date.now();
  /** By name and domain: the paths of secure cookies that one from here may not stand beside. */
  const guarded = new Map<string, readonly string[]>();
  let taken = 0;
  for (const line of lines) {
    if (taken === MAX_PER_RESPONSE_COUNT) return;
    const set = parseSetCookie(line, now);
    const cookie = set === null ? null : accept(set, site, target.rejectPublicSuffixes, now);
    if (cookie === null) continue;
    taken++;
    if (site !== null && !site.isSecure && (yield* wouldShadowSecure(cookie, target, guarded))) continue;
    yield* putting(cookie, target, now);
  }
}

/** Puts one cookie; one that has expired removes what is there. */
export function* putting(ours: Cookie, target: Target, now = Date.now()): Steps<void> {
  const { store, memory, cookieClass } = target;
  // A jar asks whether a cookie is of its own class before it writes it down.
  const cookie = cookieClass === null ? ours : new cookieClass({ ...ours });
  const { domain, path, key } = cookie;
  const find: Call<Cookie> = (callback) => store.findCookie(domain, path, key, callback as never);
  const old = (yield find) as Cookie | undefined | null;
  if (hasExpired(cookie, now)) {
    if (old) yield (callback) => store.removeCookie(domain, path, key, callback as never);
    return;
  }
  if (old) {
    // §5.7: a cookie that is set again keeps its place in the order.
    cookie.creation = old.creation;
    cookie.creationIndex = old.creationIndex;
    yield (callback) =>
      typeof store.updateCookie === 'function'
        ? store.updateCookie(old, cookie, callback as never)
        : (store as Store).putCookie(cookie, callback as never);
    return;
  }
  yield (callback) => store.putCookie(cookie, callback as never);
  if (memory !== null) evict(memory, domain ?? '', now);
}

/** A cookie of tough-cookie. Every property is named, so that a polluted Object.prototype has no say. */
export function makeCookie(from: {
  key: string;
  value: string;
  domain: string;
  path: string;
  hostOnly: boolean;
  expires: number | null;
  secure: boolean;
  httpOnly: boolean;
  sameSite: string | undefined;
  now: number;
}): Cookie {
  const at = new Date(from.now);
  const { Cookie } = toughCookie();
  // Not by its constructor, which defines a property by an object that inherits from Object.prototype.
  const cookie = Object.create(Cookie.prototype) as Cookie;
  // Its own count, so that those that a user makes stand in the order, too.
  const made = Cookie as unknown as { cookiesCreated?: number };
  made.cookiesCreated = (made.cookiesCreated ?? 0) + 1;
  Object.defineProperty(cookie, 'creationIndex', bare({ value: made.cookiesCreated, writable: true }));
  return Object.assign(cookie, {
    key: from.key,
    value: from.value,
    expires: from.expires === null ? 'Infinity' : new Date(from.expires),
    maxAge: null,
    domain: from.domain,
    path: from.path,
    secure: from.secure,
    httpOnly: from.httpOnly,
    extensions: null,
    creation: at,
    hostOnly: from.hostOnly,
    pathIsDefault: null,
    lastAccessed: at,
    sameSite: from.sameSite,
  });
}

/** A copy in our own tough-cookie's class: the given cookie may be of another tough-cookie's, and may be changed later. */
export function copyOf(cookie: Cookie): Cookie {
  const expires = expiryOf(cookie);
  return makeCookie({
    key: cookie.key,
    value: cookie.value,
    domain: cookie.domain ?? '',
    path: cookie.path ?? '/',
    hostOnly: cookie.hostOnly ?? true,
    expires: expires === Infinity ? null : expires,
    secure: cookie.secure,
    httpOnly: cookie.httpOnly,
    sameSite: cookie.sameSite,
    now: cookie.creation instanceof Date ? cookie.creation.getTime() : Date.now(),
  });
}

/** The cookies of a host, its parents, and perhaps more. */
export function nearTo(store: Store, host: string, path: string | null): Call<Cookie[]> {
  // tough-cookie's own store throws for single labels like 'example' and 'test'.
  const asksByHost = host.includes('.') || host.includes(':') || (store as unknown) instanceof MemoryStore;
  return (callback) =>
    asksByHost ? store.findCookies(host, path, true, callback as never) : store.getAllCookies(callback as never);
}

/** Milliseconds since the epoch; Infinity for the session's length. */
export function expiryOf(cookie: Cookie): number {
  const { maxAge, expires } = cookie;
  if (maxAge !== null && maxAge !== undefined) {
    if (maxAge === 'Infinity') return Infinity;
    if (maxAge === '-Infinity' || maxAge <= 0) return 0;
    const since = cookie.lastAccessed ?? cookie.creation;
    return since instanceof Date ? since.getTime() + maxAge * 1000 : Infinity;
  }
  return expires instanceof Date ? expires.getTime() : Infinity;
}

export function hasExpired(cookie: Cookie, now: number): boolean {
  return expiryOf(cookie) <= now;
}

/** null for a cookie that this host may not set. */
function accept(set: SetCookie, site: Site | null, rejectPublicSuffixes: boolean, now: number): Cookie | null {
  const { name, value, secure, httpOnly, sameSite } = set;
  if (site !== null && secure && !site.isSecure) return null;
  if (!keepsItsPrefix(set)) return null;
  const scope = site === null ? { domain: '', hostOnly: true } : scopeOf(set.domain, site.host, rejectPublicSuffixes);
  if (scope === null) return null;
  const path = set.path ?? (site === null ? '/' : defaultPath(site.path));
  return makeCookie({
    key: name,
    value,
    ...scope,
    path,
    expires: set.expires,
    secure,
    httpOnly,
    sameSite,
    now,
  });
}

/**
 * §5.7: the scope of a cookie: its host alone without Domain, else the domain, which the host has to match and which must be no
 * public suffix (a host that is one itself gets a host-only cookie). null refuses the cookie.
 */
function scopeOf(
  domain: string,
  host: string,
  rejectPublicSuffixes: boolean,
): { domain: string; hostOnly: boolean } | null {
  if (domain === '') return { domain: host, hostOnly: true };
  if (!domainMatches(host, domain)) return null;
  if (isAddress(host)) return { domain: host, hostOnly: true };
  if (!rejectPublicSuffixes || !isPublicSuffix(domain)) return { domain, hostOnly: false };
  return domain === host ? { domain, hostOnly: true } : null;
}

/** §4.1.3, whatever the case: servers compare names without it more often than they should. */
function keepsItsPrefix({ name, value, secure, httpOnly, domain, path }: SetCookie): boolean {
  // §5.7: sent without a name, such a value would look like a cookie of that name.
  if (name === '') return !/^__(?:secure|host|http)-/i.test(value);
  if (!name.startsWith('__')) return true;
  const lower = name.toLowerCase();
  if (lower.startsWith('__host-')) {
    if (!secure || domain !== '' || path !== '/') return false;
    return httpOnly || !lower.startsWith('__host-http-');
  }
  if (lower.startsWith('__secure-')) return secure;
  return !lower.startsWith('__http-') || (secure && httpOnly);
}

/** §5.7 "leave secure cookies alone": from an origin that is not secure, no cookie beside or over a secure one of that name. */
function* wouldShadowSecure(cookie: Cookie, target: Target, guarded: Map<string, readonly string[]>): Steps<boolean> {
  const id = `${cookie.key}\n${cookie.domain ?? ''}`;
  let paths = guarded.get(id);
  if (paths === undefined) guarded.set(id, (paths = yield* securePaths(cookie, target)));
  return paths.some((path) => pathMatches(cookie.path ?? '/', path));
}

/** The paths, each once, of the secure cookies of this name on the domain, its parents and its subdomains. */
function* securePaths({ key, domain: given }: Cookie, { store, memory }: Target): Steps<readonly string[]> {
  const domain = given ?? '';
  const near = memory === null ? ((yield nearTo(store, domain, null)) as Cookie[] | undefined) : memory.secureOnes(key);
  const paths = new Set<string>();
  for (const other of near ?? []) {
    const theirs = other.domain ?? '';
    const isNear = domainMatches(theirs, domain) || domainMatches(domain, theirs);
    if (other.secure && other.key === key && isNear) paths.add(other.path ?? '/');
  }
  return [...paths];
}

/** §5.7: the expired first, then those that are not secure, then the oldest. */
function evict(memory: MemoryStore, domain: string, now: number): void {
  if (memory.countOf(domain) > MAX_PER_DOMAIN_COUNT) remove(memory, memory.of(domain), 1, now);
  // By the tenth, so that a jar that stays full is not gone through for each cookie.
  if (memory.size > MAX_TOTAL_COUNT) remove(memory, memory.each(), MAX_TOTAL_COUNT / 10, now);
}

function remove(memory: MemoryStore, cookies: Iterable<Cookie>, count: number, now: number): void {
  const ranks: Cookie[][] = [[], [], []];
  for (const cookie of cookies) ranks[hasExpired(cookie, now) ? 0 : cookie.secure ? 2 : 1].push(cookie);
  let left = count;
  for (const rank of ranks) {
    if (left < rank.length) rank.sort((a, b) => a.creationIndex - b.creationIndex);
    for (const { domain, path, key } of rank.slice(0, left)) memory.removeCookie(domain, path, key);
    left = Math.max(0, left - rank.length);
  }
}

/** curl's. */
const MAX_PER_RESPONSE_COUNT = 50;
/** As many as are ever sent; browsers keep 150 to 180. */
const MAX_PER_DOMAIN_COUNT = 150;
/** RFC 6265bis §6.1 asks for no fewer. */
const MAX_TOTAL_COUNT = 3000;
