/**
 * Cookies in memory, as a store of tough-cookie. It says when it changed and how many cookies it holds, which tough-cookie's own
 * does not, and takes single-label hosts. Which cookies may come in, and which are evicted, is decided in storage.ts.
 */

import type { Cookie, Store } from 'tough-cookie';
import { pathMatches } from './domain.js';

type Callback<T> = (error: Error | null, result?: T) => void;

/** A Store of tough-cookie in all but its class, which would have to be loaded for that. */
export class MemoryStore {
  readonly synchronous = true;
  /** By domain, then by path and name. '' is the domain of cookies that are bound to none. */
  #domains = new Map<string, Map<string, Cookie>>();
  /** The secure ones by name, for what must not be set beside them. */
  #secure = new Map<string, Set<Cookie>>();
  #size = 0;
  #version = 0;

  /** As tough-cookie's types have it. */
  get asStore(): Store {
    return this as unknown as Store;
  }

  /** All cookies, the expired ones too. */
  get size(): number {
    return this.#size;
  }

  /** Another number after each change of what is sent, now or sooner than it was known. */
  get version(): number {
    return this.#version;
  }

  /** How many cookies are bound to exactly this domain. */
  countOf(domain: string): number {
    return this.#domains.get(domain)?.size ?? 0;
  }

  findCookie(domain: string, path: string, key: string, callback?: Callback<Cookie | undefined>): unknown {
    return answer(this.#domains.get(domain)?.get(idOf(path, key)), callback);
  }

  /** Those of the domain and its parents whose path matches; without a path, all of them. */
  findCookies(
    domain: string | null,
    path: string | null,
    special?: boolean | Callback<Cookie[]>,
    callback?: Callback<Cookie[]>,
  ): unknown {
    const found: Cookie[] = [];
    for (let name: string | null = domain; name !== null; name = parentOf(name)) {
      for (const cookie of this.#domains.get(name)?.values() ?? []) {
        if (!path || pathMatches(path, cookie.path ?? '/')) found.push(cookie);
      }
    }
    return answer(found, typeof special === 'function' ? special : callback);
  }

  putCookie(cookie: Cookie, callback?: Callback<void>): unknown {
    const domain = cookie.domain ?? '';
    let cookies = this.#domains.get(domain);
    if (cookies === undefined) this.#domains.set(domain, (cookies = new Map()));
    const id = idOf(cookie.path ?? '/', cookie.key);
    const old = cookies.get(id);
    if (old === undefined) this.#size++;
    // A session that each response prolongs sends the same as before.
    if (old === undefined || !isProlonged(old, cookie)) this.#version++;
    cookies.set(id, cookie);
    if (old !== undefined) this.#forgetSecure(old);
    if (cookie.secure) this.#rememberSecure(cookie);
    return answer(undefined, callback);
  }

  updateCookie(_old: Cookie, cookie: Cookie, callback?: Callback<void>): unknown {
    return this.putCookie(cookie, callback);
  }

  removeCookie(domain: string | null, path: string | null, key: string, callback?: Callback<void>): unknown {
    const cookies = this.#domains.get(domain ?? '');
    const id = idOf(path ?? '/', key);
    const old = cookies?.get(id);
    if (cookies !== undefined && old !== undefined) {
      cookies.delete(id);
      this.#forgetSecure(old);
      if (cookies.size === 0) this.#domains.delete(domain ?? '');
      this.#size--;
      this.#version++;
    }
    return answer(undefined, callback);
  }

  removeCookies(domain: string, path: string | null, callback?: Callback<void>): unknown {
    for (const cookie of this.of(domain)) {
      if (!path || cookie.path === path) this.removeCookie(domain, cookie.path, cookie.key);
    }
    return answer(undefined, callback);
  }

  removeAllCookies(callback?: Callback<void>): unknown {
    this.#domains.clear();
    this.#secure.clear();
    this.#size = 0;
    this.#version++;
    return answer(undefined, callback);
  }

  /** In the order of their creation. */
  getAllCookies(callback?: Callback<Cookie[]>): unknown {
    return answer(this.all(), callback);
  }

  all(): Cookie[] {
    const cookies = [...this.#domains.values()].flatMap((ofDomain) => [...ofDomain.values()]);
    return cookies.sort((a, b) => a.creationIndex - b.creationIndex);
  }

  of(domain: string): Cookie[] {
    return [...(this.#domains.get(domain)?.values() ?? [])];
  }

  /** All of them, in no order. */
  *each(): Iterable<Cookie> {
    for (const ofDomain of this.#domains.values()) yield* ofDomain.values();
  }

  /** The secure ones of this name, of all domains. */
  secureOnes(name: string): Iterable<Cookie> {
    return this.#secure.get(name) ?? [];
  }

  #rememberSecure(cookie: Cookie): void {
    const ones = this.#secure.get(cookie.key);
    if (ones === undefined) this.#secure.set(cookie.key, new Set([cookie]));
    else ones.add(cookie);
  }

  #forgetSecure(cookie: Cookie): void {
    const ones = this.#secure.get(cookie.key);
    if (ones?.delete(cookie) && ones.size === 0) this.#secure.delete(cookie.key);
  }
}

/** The same cookie, for as long as it was or longer. */
function isProlonged(old: Cookie, cookie: Cookie): boolean {
  if (old === cookie || old.maxAge !== null || cookie.maxAge !== null) return false;
  const same = old.value === cookie.value && old.secure === cookie.secure && old.hostOnly === cookie.hostOnly;
  return same && timeOf(cookie) >= timeOf(old) && old.creationIndex === cookie.creationIndex;
}

function timeOf({ expires }: Cookie): number {
  return expires instanceof Date ? expires.getTime() : Infinity;
}

/** By callback, or as a promise when there is none: both are the contract of stores. */
function answer<T>(result: T, callback: Callback<T> | undefined): unknown {
  if (callback === undefined) return Promise.resolve(result);
  callback(null, result);
  return undefined;
}

function idOf(path: string, name: string): string {
  return `${path}\n${name}`;
}

/** 'a.b.c' → 'b.c' → 'c' → null. */
function parentOf(domain: string): string | null {
  const dot = domain.indexOf('.');
  return dot === -1 || dot === domain.length - 1 ? null : domain.slice(dot + 1);
}
