/** RFC 6750: a token with every request. Where it comes from, and when it is renewed, is the user's business. */

import { typeName } from '../errors.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { Auth } from './auth.js';

/**
 * `Authorization: Bearer <token>`. A function is asked before each request, redirects within the origin included.
 *
 * @throws TypeError for what is neither a token nor a function
 */
export class BearerAuth extends Auth {
  #token: string | (() => string | Promise<string>);

  constructor(token: string | (() => string | Promise<string>)) {
    super();
    this.#token = typeof token === 'function' ? token : checkToken(token);
  }

  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    const token = typeof this.#token === 'string' ? this.#token : checkToken(await this.#token());
    request.setHeader('Authorization', `Bearer ${token}`);
    yield request;
  }
}

/** Visible ASCII, as a header's value can carry it. Never shown. */
function checkToken(token: unknown): string {
  if (typeof token !== 'string') {
    throw new TypeError(`BearerAuth: expected a token (a string) or a function that gives one, got ${typeName(token)}`);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new TypeError('BearerAuth: the token must be visible ASCII characters without spaces');
  }
  return token;
}
