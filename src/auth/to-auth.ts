/** What `auth` may be given as, in one form. Which of several is used is decided by the client. */

import { typeName } from '../shown-text.js';
import type { Request } from '../request/request.js';
import type { URL } from '../url/url.js';
import type { AuthTypes } from './auth.js';
import { Auth } from './auth.js';
import { BasicAuth, checkPair } from './basic.js';
import { FunctionAuth } from './function-auth.js';

/**
 * The Auth that the option stands for; null for none.
 * @throws TypeError for anything else than a pair of strings, an Auth or a function
 */
export function toAuth(given: AuthTypes | null): Auth | null {
  if (given === null || given instanceof Auth) return given;
  if (typeof given === 'function') return new FunctionAuth(given as (request: Request) => Request | Promise<Request>);
  if (Array.isArray(given)) {
    const [username, password] = given as readonly unknown[];
    if (given.length !== 2 || typeof username !== 'string' || typeof password !== 'string') {
      throw new TypeError('auth: a pair must be two strings, [username, password]');
    }
    return new BasicAuth(username, password);
  }
  // An Auth of another copy of this package.
  if (typeof given === 'object' && typeof (given as unknown as Auth).authFlow === 'function') {
    return given as unknown as Auth;
  }
  throw new TypeError(
    `Invalid "auth" argument: expected [username, password], an Auth or a function, got ${typeName(given)}`,
  );
}

/**
 * The credentials in a URL, decoded; null when there are none.
 * @throws TypeError for those that Basic cannot carry
 */
export function authOf(url: URL): Auth | null {
  if (url.userinfo === '') return null;
  checkPair(url.username, url.password, 'url');
  return new BasicAuth(url.username, url.password);
}
