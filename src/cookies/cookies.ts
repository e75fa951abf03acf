/**
 * The cookies of a client, a request or a response, over a jar of tough-cookie. The rules stand beside this file: set-cookie.ts
 * reads, storage.ts accepts, retrieval.ts chooses. When a client stores and sends is the client's business.
 */

import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import type { Cookie, CookieJar, Store } from 'tough-cookie';
import { CookieConflict } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { own } from '../check-options.js';
import type { CookieTypes } from '../types.js';
import type { URL } from '../url/url.js';
import type { CookieScope } from './input.js';
import { checkName, checkValue, isJar, pairsOf, readScope } from './input.js';
import { isAddress, isPublicSuffix, siteOf } from './domain.js';
import { MemoryStore } from './memory-store.js';
import { formatCookiesTxt, parseCookiesTxt } from './cookies-txt.js';
import { finding, findUnbound, firstExpiry, toHeader } from './retrieval.js';
import type { Steps } from './store-calls.js';
import { run, runSync } from './store-calls.js';
import { foreignCookieClass } from './foreign-cookie.js';
import type { CookieClass, Target } from './storage.js';
import { copyOf, hasExpired, makeCookie, putting, storing } from './storage.js';
import { toughCookie } from './tough-cookie.js';

/**
 * Cookies by name, domain and path (RFC 6265bis).
 *
 * From an object or pairs, they are bound to no host and go wherever they are sent with. A CookieJar of tough-cookie stays the
 * place where cookies are kept, whatever its Store; with an asynchronous Store, ask `jar` itself: everything that would have to
 * wait throws a TypeError here. In memory there are at most 150 cookies of a domain and 3000 in all.
 *
 * @throws TypeError for what are no cookies, and for names, values, domains and paths that would break a header
 * @since 0.1.0
 */
export class Cookies implements Iterable<[string, string]> {
  #jar: CookieJar | null = null;
  #store: Store;
  /** The store, when it is ours. */
  #memory: MemoryStore | null;
  /** Where cookies without a domain are; the same in the usual case. */
  #unbound: MemoryStore;
  /** What an unchanged jar sends to a URL, and until when. */
  #memo = new Map<string, { header: string; until: number }>();
  #memoVersion = -1;
  /** Found out with the first cookie that is stored. */
  #cookieClass: { of: CookieClass | null } | null = null;

  /**
   * Takes cookies of a plain object or of pairs, which go to every host; another jar of this package, whose cookies
   * are copied; or a jar of tough-cookie, which stays its store.
   *
   * @throws TypeError for what is none of them
   * @since 0.1.0
   */
  constructor(cookies?: CookieTypes) {
    if (cookies !== undefined && isJar(cookies)) {
      this.#jar = cookies;
      this.#store = cookies.store;
      const mine = cookies.store as unknown;
      this.#memory = mine instanceof MemoryStore ? mine : null;
      this.#unbound = this.#memory ?? new MemoryStore();
      return;
    }
    const memory = new MemoryStore();
    this.#memory = memory;
    this.#unbound = memory;
    this.#store = memory.asStore;
    if (cookies !== undefined) this.update(cookies);
  }

  /**
   * Netscape's cookies.txt, as curl, wget and browsers' exporters write it; session cookies too.
   *
   * Rejects with the file system's error, or TypeError naming the line that is none.
   * @since 0.1.0
   */
  static async load(path: string): Promise<Cookies> {
    const cookies = new Cookies();
    // Bytes, one per character, as cookies are kept.
    const text = await readFile(path, 'latin1');
    for (const cookie of parseCookiesTxt(text, path)) cookies.#put(cookie);
    return cookies;
  }

  /**
   * As cookies.txt, readable by its owner alone; the file is replaced at once or not at all. What is no file (`/dev/null`, a pipe)
   * is written to, and stays what it is. @since 0.1.0
   */
  async save(path: string): Promise<void> {
    const text = formatCookiesTxt(await run(this.#listing(), this.#store.synchronous));
    // A folder fails at the rename, which says so.
    const kind = await stat(path).catch(() => null);
    if (kind !== null && !kind.isFile() && !kind.isDirectory()) return writeFile(path, text, { encoding: 'latin1' });
    const draft = `${path}.${randomUUID()}`;
    try {
      await writeFile(draft, text, { encoding: 'latin1', mode: 0o600, flag: 'wx' });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  /**
   * The value of the cookie with that name.
   * @throws CookieConflict when several match: narrow by domain or path
   * @since 0.1.0
   */
  get(name: string, scope?: CookieScope): string | undefined {
    const found = this.#select('get', name, scope);
    if (found.length > 1) {
      const message = `Multiple cookies exist with name=${quote(name)}: narrow the lookup by domain or path`;
      throw new CookieConflict(message);
    }
    return found[0]?.value;
  }

  /** Sets a cookie for the session's length. Replaces the one with the same name, domain and path. @since 0.1.0 */
  set(name: string, value: string, scope?: CookieScope): void {
    const { domain = '', path = '/' } = readScope(scope, 'cookies.set()');
    const hostOnly = domain === '' || isAddress(domain) || isPublicSuffix(domain);
    const shared = { expires: null, secure: false, httpOnly: false, sameSite: undefined, now: Date.now() };
    if (domain !== '') this.#checkSynchronous('set');
    this.#put(makeCookie({ key: checkName(name), value: checkValue(name, value), domain, path, hostOnly, ...shared }));
  }

  /** Removes every cookie of that name, within the scope. @since 0.1.0 */
  delete(name: string, scope?: CookieScope): void {
    for (const cookie of this.#select('delete', name, scope)) this.#remove(cookie);
  }

  /** Removes all cookies, or those of a domain and path. @since 0.1.0 */
  clear(scope?: CookieScope): void {
    for (const cookie of this.#select('clear', null, scope)) this.#remove(cookie);
  }

  /** Adds these, in the place of those with the same name, domain and path. @since 0.1.0 */
  update(cookies: CookieTypes): void {
    const theirs = cookies instanceof Cookies ? cookies : isJar(cookies) ? new Cookies(cookies) : null;
    if (theirs !== null) {
      theirs.#checkSynchronous('update');
      for (const cookie of theirs.#all()) this.#put(copyOf(cookie));
      return;
    }
    for (const [name, value] of pairsOf(cookies)) this.set(name, value);
  }

  /** How many cookies there are, of whatever name. @since 0.1.0 */
  get size(): number {
    if (this.#memory?.size === 0) return 0;
    this.#checkSynchronous('size');
    return this.#all().length;
  }

  /**
   * The tough-cookie jar underneath: serialize(), stores, public suffix policy. Cookies without a domain have `domain: ''`.
   * @since 0.1.0
   */
  get jar(): CookieJar {
    return (this.#jar ??= new (toughCookie().CookieJar)(this.#store));
  }

  /** Name and value of each, in the order in which they came. @since 0.1.0 */
  [Symbol.iterator](): Iterator<[string, string]> {
    this.#checkSynchronous('iterator');
    return this.#all()
      .map(({ key, value }): [string, string] => [key, value])
      .values();
  }

  /** `<Cookies [session for example.org/, theme]>`: no values, which are secrets as often as not. @since 0.1.0 */
  toString(): string {
    if (!this.#store.synchronous) return '<Cookies of an asynchronous store>';
    const all = this.#all();
    const shown = all.slice(0, 20).map(({ key, domain, path }) => {
      const where = `${domain ?? ''}${domain || path !== '/' ? (path ?? '/') : ''}`;
      return where === '' ? key : `${key} for ${where}`;
    });
    if (all.length > shown.length) shown.push(`${all.length - shown.length} more`);
    return `<Cookies [${shown.join(', ')}]>`;
  }

  /** As `inspect()`: the names, and no value. @since 0.1.0 */
  toJSON(): string {
    return this.toString();
  }

  /** What `console.log` and `util.inspect` show: one line, without secrets. @since 0.1.0 */
  [inspect.custom](): string {
    return this.toString();
  }

  /**
   * Nothing is in here, as far as can be told without asking a store that may take its time.
   * @internal
   */
  get isEmpty(): boolean {
    return this.#memory?.size === 0;
  }

  /**
   * The Cookie header's value for a request; '' when there is none to send. A promise only with an asynchronous store.
   *
   * @param options.also Cookies of this one request: they stand beside these, or in the place of the same name, domain and path.
   * @param options.isCrossSite Not where these were meant for: those that are bound to no host stay behind. `also` is meant for it.
   * @internal
   */
  headerFor(url: URL, options?: { also?: Cookies; isCrossSite?: boolean }): string | Promise<string> {
    const isCrossSite = options !== undefined && own(options, 'isCrossSite') === true;
    const also = options === undefined ? undefined : own(options, 'also');
    if (also !== undefined) return this.#combined(url, also, isCrossSite);
    if (this.isEmpty) return '';
    const { version } = this.#unbound;
    const key = this.#memory === null ? '' : `${isCrossSite ? '-' : '+'}${url.scheme}:${url.rawHost}${url.rawPath}`;
    if (key !== '') {
      if (this.#memoVersion !== version) {
        this.#memo.clear();
        this.#memoVersion = version;
      }
      const known = this.#memo.get(key);
      if (known !== undefined && (known.until === Infinity || known.until > Date.now())) return known.header;
    }
    const found = run(this.#finding(url, isCrossSite), this.#store.synchronous);
    if (found instanceof Promise) return found.then(toHeader);
    const until = firstExpiry(found);
    const header = toHeader(found);
    if (key !== '') {
      if (this.#memo.size === MAX_MEMO_COUNT) this.#memo.clear();
      this.#memo.set(key, { header, until });
    }
    return header;
  }

  /**
   * Stores what a response from this URL sets. A promise only with an asynchronous store.
   *
   * @param url null: the response was made by hand and answers no request
   * @internal
   */
  storeFrom(url: URL | null, lines: readonly string[]): void | Promise<void> {
    return run(storing(lines, url === null ? null : siteOf(url), this.#target()), this.#store.synchronous);
  }

  /**
   * Cookies that are bound to no host become this host's own.
   * @internal
   */
  bindTo(url: URL): void {
    for (const cookie of this.#unbound.of('')) {
      this.#remove(cookie);
      const bound = copyOf(cookie);
      bound.domain = siteOf(url).host;
      this.#put(bound);
    }
  }

  #combined(url: URL, also: Cookies, isCrossSite: boolean): string | Promise<string> {
    const mine = run(this.#finding(url, isCrossSite), this.#store.synchronous);
    const theirs = run(also.#finding(url, false), also.#store.synchronous);
    return mine instanceof Promise || theirs instanceof Promise
      ? Promise.all([mine, theirs]).then(([a, b]) => toHeader(merge(a, b)))
      : toHeader(merge(mine, theirs));
  }

  *#finding(url: URL, isCrossSite: boolean): Steps<Cookie[]> {
    const site = siteOf(url);
    const bound = this.#memory?.size === 0 ? [] : yield* finding(this.#store, site);
    return isCrossSite ? bound : bound.concat(findUnbound(this.#unbound, site));
  }

  *#listing(): Steps<Cookie[]> {
    const stored = (yield (callback) => this.#store.getAllCookies(callback as never)) as Cookie[] | undefined;
    const all = (this.#memory === null ? this.#unbound.of('') : []).concat(stored ?? []);
    const now = Date.now();
    return all.filter((cookie) => !hasExpired(cookie, now));
  }

  #all(): Cookie[] {
    return runSync(this.#listing());
  }

  #select(what: string, name: string | null, scope: CookieScope | undefined): Cookie[] {
    const { domain, path } = readScope(scope, `cookies.${what}()`);
    if (name !== null && typeof name !== 'string') {
      throw new TypeError(`cookies.${what}(): name must be a string, got ${typeName(name)}`);
    }
    this.#checkSynchronous(what);
    return this.#all().filter(
      (cookie) =>
        (name === null || cookie.key === name) &&
        (domain === undefined || (cookie.domain ?? '') === domain) &&
        (path === undefined || cookie.path === path),
    );
  }

  #put(cookie: Cookie): void {
    runSync(putting(cookie, cookie.domain === '' ? this.#targetOfUnbound() : this.#target()));
  }

  #remove({ domain, path, key }: Cookie): void {
    // Without a domain it may stand in a jar of the user's all the same.
    const stores = domain || this.#memory !== null ? [this.#store] : [this.#store, this.#unbound.asStore];
    runSync(
      (function* (): Steps<void> {
        for (const store of stores) yield (callback) => store.removeCookie(domain, path, key, callback as never);
      })(),
    );
  }

  #target(): Target {
    // A private field in tough-cookie's types, and an option of its constructor.
    const jar = this.#jar as { rejectPublicSuffixes?: boolean } | null;
    const rejectPublicSuffixes = jar === null || own(jar, 'rejectPublicSuffixes') !== false;
    const cookieClass = (this.#cookieClass ??= { of: this.#jar === null ? null : foreignCookieClass(this.#jar) }).of;
    return { store: this.#store, memory: this.#memory, rejectPublicSuffixes, cookieClass };
  }

  #targetOfUnbound(): Target {
    return { store: this.#unbound.asStore, memory: this.#unbound, rejectPublicSuffixes: true, cookieClass: null };
  }

  #checkSynchronous(what: string): void {
    if (this.#store.synchronous) return;
    throw new TypeError(`cookies.${what}: the jar's store is asynchronous; use cookies.jar, whose methods wait for it`);
  }
}

/** Of two with the same name, domain and path the second one's. */
function merge(first: readonly Cookie[], second: readonly Cookie[]): Cookie[] {
  const id = ({ key, domain, path }: Cookie) => `${domain ?? ''}\n${path ?? '/'}\n${key}`;
  const taken = new Set(second.map(id));
  return [...first.filter((cookie) => !taken.has(id(cookie))), ...second];
}

/** URLs whose header is remembered. */
const MAX_MEMO_COUNT = 256;
