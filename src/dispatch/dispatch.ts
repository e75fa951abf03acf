/** The one shape of everything that turns a request into a response: the network, an app in this process, a mock. */

import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { Headers } from '../headers.js';
import type { TimeoutConfig } from '../timeout.js';

/** Sends a request, resolves at the response's head; the body may be read already. */
export interface Dispatch {
  send(request: Request, options: DispatchOptions): Promise<Response>;
  close?(): Promise<void>;
}

/** What one call brings along. */
export interface DispatchOptions {
  timeout: TimeoutConfig;
  /** Whether the environment counts for this request. */
  trustEnv?: boolean;
  signal?: AbortSignal;
  /** The client was closed since the call began that this belongs to: calls under way finish, redirects and retries included. */
  isUnderWay?: boolean;
  /**
   * The caller wants the whole body anyway: a dispatch that can may read it before it resolves. `maxResponseSize` bytes at most,
   * null for any number.
   */
  buffered?: { maxResponseSize: number | null };
  /**
   * With `buffered`: which responses' bodies are perhaps not wanted after all, so that the promise should resolve at their heads:
   * redirects with a Location, or all that are not 2xx.
   */
  headFirst?: 'redirects' | 'unsuccessful';
  /** Whether the client follows redirects: for a dispatch that may do so itself. */
  followRedirects?: boolean;
  onUploadProgress?: (sent: number, total: number | null) => void;
  onInformational?: (statusCode: number, headers: Headers) => void;
}
