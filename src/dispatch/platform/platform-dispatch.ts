/**
 * The platform's `fetch` as a dispatch: where the addon cannot be loaded (a Worker, a browser, a platform without a binary, a process
 * without addons). What it cannot do is refused by name (`lost.ts`).
 */

import { checkOptions } from '../../check-options.js';
import { ClientClosed, LocalProtocolError } from '../../errors.js';
import { quote, typeName } from '../../shown-text.js';
import { defineInspect } from '../../inspect.js';
import { PLATFORM } from '../../platform.js';
import { requestFailure } from '../../request-failure.js';
import type { Request } from '../../request/request.js';
import type { Response } from '../../response/response.js';
import { checkAsked, checkProtocol } from '../check-request.js';
import type { Dispatch, DispatchOptions } from '../dispatch.js';
import { PlatformExchange } from './exchange.js';
import { refusePhases } from './lost.js';
import type { Fetch } from './own-fetch.js';
import { platformFetch } from './own-fetch.js';

/** How the platform's `fetch` is called. @since 0.1.0 */
export interface PlatformDispatchOptions {
  /**
   * A function instead of the global `fetch`, called with a URL and an init: a binding of a Worker (`(...args) =>
   * env.API.fetch(...args)`). Default: the global `fetch`.
   * @since 0.1.0
   */
  fetch?: ((url: string, init: RequestInit) => Promise<globalThis.Response>) | undefined;
  /**
   * What else `fetch` is told with each request: `{ credentials: 'include' }` in a browser, `{ cf: … }` in a Worker.
   * Not what is this package's: method, headers, body, signal, redirect, duplex. Default: none.
   * @since 0.1.0
   */
  init?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Default: `'client'`: redirects are followed by the client, as everywhere, with history, cookies and hooks. `'platform'`, the default
   * in browsers, which hide redirects from scripts: `fetch` follows them, and what is seen is the last response, with an empty history
   * and the first URL; `maxRedirects` and `sensitiveHeaders` are refused.
   * @since 0.1.0
   */
  redirects?: 'client' | 'platform' | undefined;
}

/**
 * Sends by the platform's `fetch`. Redirects, cookies, auth, retries, hooks and reading are the client's, as with any dispatch.
 *
 * ```js
 * const client = new Client({ dispatch: new PlatformDispatch() });
 * ```
 *
 * Lost, and refused by name: the options of connections (`poolLimits`, `proxies`, `verify`, `cert`, `socketPath`, `localAddress`,
 * `resolve`, `lookup`, `allowAddresses`, `denyAddresses`, `httpVersions`), timeouts of a single phase but `read` and `total`, `onInformational`, a Host header of one's own, TRACE and
 * CONNECT, a body of GET and HEAD. The platform decodes content by itself, so that `iterRaw` gives what `iterBytes` does; a response's
 * `httpVersion` is always 'HTTP/1.1', and it has no trailers.
 *
 * @throws TypeError naming the option
 * @since 0.1.0
 */
export class PlatformDispatch implements Dispatch {
  #fetch: PlatformDispatchOptions['fetch'];
  #init: Readonly<Record<string, unknown>>;
  #redirects: 'client' | 'platform';
  #isClosed = false;

  /**
   * Takes how the platform is asked.
   *
   * @throws TypeError naming the option
   * @since 0.1.0
   */
  constructor(options: PlatformDispatchOptions = {}) {
    checkOptions(options, optionNames, 'new PlatformDispatch()');
    const given = { __proto__: null, ...options } as PlatformDispatchOptions;
    const { fetch, redirects } = given;
    if (fetch !== undefined && typeof fetch !== 'function') {
      throw new TypeError(`fetch: expected a function, got ${typeName(fetch)}`);
    }
    if (redirects !== undefined && redirects !== 'client' && redirects !== 'platform') {
      const got = typeof redirects === 'string' ? quote(redirects) : typeName(redirects);
      throw new TypeError(`redirects: expected 'client' or 'platform', got ${got}`);
    }
    this.#fetch = fetch;
    this.#init = checkInit(given.init);
    this.#redirects = redirects ?? (PLATFORM === 'browser' ? 'platform' : 'client');
  }

  /**
   * Whether the platform follows redirects.
   * @internal
   */
  get followsRedirects(): boolean {
    return this.#redirects === 'platform';
  }

  /**
   * Rejects with `signal.reason`, a timeout, a NetworkError or ProtocolError whose cause is the platform's own error, what the request's
   * body source threw, or a TypeError naming what the platform cannot do.
   * @since 0.1.0
   */
  send(request: Request, options: DispatchOptions): Promise<Response> {
    try {
      if (this.#isClosed && options.isUnderWay !== true) {
        throw new ClientClosed('Cannot send a request, as the client has been closed.', { request });
      }
      checkProtocol(request);
      refusePhases(options.timeout);
      if (typeof options.onInformational === 'function') {
        throw new TypeError(
          "onInformational: PlatformDispatch goes by the platform's fetch, which shows no 1xx responses",
        );
      }
      const lines = request.headerLines();
      checkAsked(request, lines);
      const fetch = this.#fetch ?? (platformFetch() as Fetch | undefined);
      if (fetch === undefined) {
        throw requestFailure(LocalProtocolError, 'PlatformDispatch: this platform has no global fetch', { request });
      }
      const isFollowed = this.#redirects === 'platform' && options.followRedirects !== false;
      const init = { ...this.#init, redirect: isFollowed ? 'follow' : 'manual' };
      const exchange = new PlatformExchange(request, options);
      return exchange.send(() => exchange.call(fetch as (url: string, init: object) => unknown, lines, init));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The connections are the platform's. Idempotent. @since 0.1.0 */
  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

defineInspect(PlatformDispatch, () => '<PlatformDispatch>');

function checkInit(init: unknown): Readonly<Record<string, unknown>> {
  if (init === undefined) return {};
  if (init === null || typeof init !== 'object') throw new TypeError(`init: expected an object, got ${typeName(init)}`);
  const taken = TAKEN.find((name) => Object.hasOwn(init, name));
  if (taken !== undefined) throw new TypeError(`init.${taken}: that is the client's to say`);
  return { ...init };
}

const TAKEN = ['method', 'headers', 'body', 'signal', 'redirect', 'duplex'];
const optionNames = ['fetch', 'init', 'redirects'];
