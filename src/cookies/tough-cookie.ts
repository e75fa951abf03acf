/**
 * tough-cookie, loaded with the first cookie that is stored: with its public suffix list it costs as much as the rest of this
 * package to import. What is done with it is not here.
 */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as tough from 'tough-cookie';

type ToughCookie = typeof tough;

let loaded: ToughCookie | undefined;

export function toughCookie(): ToughCookie {
  return (loaded ??= load());
}

let resolve = (): string => import.meta.resolve('tough-cookie');

/**
 * Says where an `import` of tough-cookie leads. The package is CommonJS for both worlds; its ES door knows what its users import.
 * @internal
 */
export function resolveToughCookieBy(given: () => string): void {
  resolve = given;
}

function load(): ToughCookie {
  try {
    // The same module as `import 'tough-cookie'` gives, so that its classes are the user's.
    return createRequire(import.meta.url)(fileURLToPath(resolve())) as ToughCookie;
  } catch {
    // Required, bundled, or in a runtime that cannot require() an ES module. By its name in full, so that bundlers see it.
    return (
      typeof require === 'function' ? require('tough-cookie') : createRequire(import.meta.url)('tough-cookie')
    ) as ToughCookie;
  }
}
