/** The cookies of a jar that comes from another copy of tough-cookie: version 4, which serialises none but its own. */

import type { Cookie, CookieJar } from 'tough-cookie';
import type { CookieClass } from './storage.js';
import { toughCookie } from './tough-cookie.js';

/**
 * The class of the jar's own cookies: that of a cookie which its class has read from JSON. null for a jar of this copy, and for one
 * that cannot be asked.
 */
export function foreignCookieClass(jar: CookieJar): CookieClass | null {
  const { CookieJar: OurJar } = toughCookie();
  if ((jar as object) instanceof OurJar) return null;
  const { deserializeSync } = jar.constructor as Partial<typeof CookieJar>;
  if (typeof deserializeSync !== 'function') return null;
  try {
    const probe = { key: 'a', value: 'b', domain: 'example.com', path: '/', hostOnly: true };
    const [cookie] = cookiesOf(
      deserializeSync.call(jar.constructor as typeof CookieJar, { cookies: [probe] } as never),
    );
    return typeof cookie?.constructor === 'function' ? (cookie.constructor as CookieClass) : null;
  } catch {
    return null;
  }
}

function cookiesOf({ store }: CookieJar): Cookie[] {
  let found: Cookie[] = [];
  store.findCookies('example.com', '/', true, (_error, cookies) => (found = cookies ?? []));
  return found;
}
