/** RFC 7617: a name and a password with every request. */

import { typeName } from '../shown-text.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { Auth } from './auth.js';
import { ownText } from '../own-memory.js';

/**
 * HTTP Basic authentication, in UTF-8.
 *
 * @throws TypeError for what is no string, a ':' in the username (RFC 7617 §2: the server would cut there) and control characters
 * @since 0.1.0
 */
export class BasicAuth extends Auth {
  #header: string;

  /**
   * Takes the name, which has no colon in it, and the password.
   *
   * @throws TypeError for what is no text, or cannot be sent
   * @since 0.1.0
   */
  constructor(username: string, password: string) {
    super();
    checkPair(username, password);
    this.#header = `Basic ${ownText(`${username}:${password}`).toString('base64')}`;
  }

  /**
   * Yields the request with its Authorization header, once. Called by the client for each request; a flow of one's
   * own extends `Auth`.
   * @since 0.1.0
   */
  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    this.apply(request);
    yield request;
  }

  /**
   * The whole flow, as it needs no response.
   * @internal
   */
  apply(request: Request): void {
    request.setHeader('Authorization', this.#header);
  }
}

/** What Basic can carry. @throws TypeError that shows neither */
export function checkPair(username: unknown, password: unknown, of = 'BasicAuth'): void {
  checkCredential('username', username, of);
  checkCredential('password', password, of);
  if (username.includes(':')) throw new TypeError(`${of}: username must not contain ':'`);
}

/** Never shows the value. RFC 7617 §2: no control characters. */
export function checkCredential(name: string, value: unknown, of = 'BasicAuth'): asserts value is string {
  if (typeof value !== 'string') throw new TypeError(`${of}: ${name} must be a string, got ${typeName(value)}`);
  if (/[\x00-\x1f\x7f]/.test(value)) throw new TypeError(`${of}: ${name} must not contain control characters`);
}
