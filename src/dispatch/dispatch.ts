/** The one shape of everything that turns a request into a response: the network, an app in this process, a mock. */

import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { Headers } from '../headers.js';
import type { TimeoutConfig } from '../timeout.js';

/** Sends a request, resolves at the response's head; the body may be read already. @since 0.1.0 */
export interface Dispatch {
  /** Sends the request and resolves at the head of the response. @since 0.1.0 */
  send(request: Request, options: DispatchOptions): Promise<Response>;
  /** Gives back what the dispatch holds. Called when the client that has it is closed. @since 0.1.0 */
  close?(): Promise<void>;
}

/** What a client tells its dispatch about one call, beside the request itself. @since 0.1.0 */
export interface DispatchOptions {
  /** The timeouts of the call, in milliseconds; null is off. @since 0.1.0 */
  timeout: TimeoutConfig;
  /** Whether the environment counts for this request. Default: true. @since 0.1.0 */
  trustEnv?: boolean;
  /** Ends the exchange, with `signal.reason`. Default: none. @since 0.1.0 */
  signal?: AbortSignal;
  /**
   * The client was closed since the call began that this belongs to: calls under way finish, redirects and retries
   * included. Default: false.
   * @since 0.1.0
   */
  isUnderWay?: boolean;
  /**
   * The caller wants the whole body anyway: a dispatch that can may read it before it resolves. `maxResponseSize`
   * bytes at most, null for any number. Default: none, the caller streams.
   * @since 0.1.0
   */
  buffered?: { maxResponseSize: number | null };
  /**
   * A streamed body is read as soon as it can be: a short one may come with its head, and its connection need not be
   * held until then. Default: false.
   * @internal
   */
  readsSoon?: boolean;
  /**
   * With `buffered`: which responses' bodies are perhaps not wanted after all, so that the promise should resolve at
   * their heads: redirects with a Location, or all that are not 2xx. Default: none.
   * @since 0.1.0
   */
  headFirst?: 'redirects' | 'unsuccessful';
  /** Whether the client follows redirects: for a dispatch that may do so itself. Default: false. @since 0.1.0 */
  followRedirects?: boolean;
  /**
   * Called as the body is sent, with the bytes so far and those in all, null where their number is not known.
   * Default: none.
   * @since 0.1.0
   */
  onUploadProgress?: (sent: number, total: number | null) => void;
  /** Called for each 1xx response. Default: none. @since 0.1.0 */
  onInformational?: (statusCode: number, headers: Headers) => void;
}
