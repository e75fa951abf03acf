/** RFC 6750: a token with every request. Where it comes from, and when it is renewed, is the user's business. */

import { typeName } from '../shown-text.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { Auth } from './auth.js';

/**
 * `Authorization: Bearer <token>`. A function is asked before each request, redirects within the origin included.
 *
 * @throws TypeError for what is neither a token nor a function
 * @since 0.1.0
 */
export class BearerAuth extends Auth {
  #token: string | (() => string | Promise<string>);

  /**
   * Takes the token, or a function that is asked for it with each request.
   *
   * @throws TypeError for what is neither
   * @since 0.1.0
   */
  constructor(token: string | (() => string | Promise<string>)) {
    super();
    this.#token = typeof token === 'function' ? token : checkToken(token);
  }

  /**
   * Yields the request with its Authorization header, once. Called by the client for each request; a flow of one's
   * own extends `Auth`.
   * @since 0.1.0
   */
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
