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

function load(): ToughCookie {
  const require = createRequire(import.meta.url);
  try {
    // The same module as `import 'tough-cookie'` gives, so that its classes are the user's.
    return require(fileURLToPath(import.meta.resolve('tough-cookie'))) as ToughCookie;
  } catch {
    // A runtime that cannot require() an ES module, or a loader that has no resolve().
    return require('tough-cookie') as ToughCookie;
  }
}
