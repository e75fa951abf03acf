/**
 * What authenticates a request. The schemes have files of their own; when a flow runs, and where its credentials may go, is
 * decided in client/auth-flow.ts.
 */

import { defineInspect } from '../inspect.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';

/** A pair for Basic, an Auth, or a function that changes each request. @since 0.1.0 */
export type AuthTypes =
  readonly [username: string, password: string] | Auth | ((request: Request) => Request | Promise<Request>);

/**
 * What `authFlow` returns: requests out, responses in. In TypeScript a flow says so, as a method is not typed by what
 * it overrides.
 * @since 0.1.0
 */
export type AuthFlow = AsyncGenerator<Request, void, Response>;

/**
 * Derive from it for a scheme of your own:
 *
 * ```js
 * class Token extends Auth {
 *   async *authFlow(request) {
 *     request.headers.set('authorization', `Token ${await current()}`);
 *     const response = yield request;
 *     if (response.statusCode !== 401) return;
 *     request.headers.set('authorization', `Token ${await renewed()}`);
 *     yield request;
 *   }
 * }
 * ```
 * @since 0.1.0
 */
export abstract class Auth {
  /**
   * The request's body is read into memory before the flow begins, so that the flow can sign it. Default: false.
   * @since 0.1.0
   */
  requiresRequestBody?: boolean;
  /** A response's body is read before the flow gets it. Default: false. @since 0.1.0 */
  requiresResponseBody?: boolean;

  /**
   * Yields requests and receives their responses; the last response is the caller's. It runs anew for each redirect within the
   * origin. What it throws rejects the caller's promise, unchanged.
   *
   * @param request The client's own copy: change it and yield it.
   * @since 0.1.0
   */
  abstract authFlow(request: Request): AuthFlow;
}

defineInspect(Auth, (auth) => `<${auth.constructor.name || 'Auth'}>`);
