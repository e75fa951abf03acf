/**
 * One call of `client.send` while it is under way: what all its exchanges share, and the single exchange with everything that
 * happens around it. The loops over exchanges are in redirects.ts, retries.ts and auth-flow.ts.
 */

import type { Auth } from '../auth/auth.js';
import type { Cookies } from '../cookies/cookies.js';
import { isWatched, logExchange, ExchangeTrace } from './diagnostics.js';
import { listen, reasonOf } from '../dispatch/shared-abort-listener.js';
import type { Dispatch, DispatchOptions } from '../dispatch/dispatch.js';
import { ProxyError, TotalTimeout } from '../errors.js';
import { typeName } from '../shown-text.js';
import { requestFailure } from '../request-failure.js';
import { checkHook, type EventHooks } from './event-hooks.js';
import { ObservedSource } from '../response/observed-source.js';
import type { ResponseContext } from '../response/received.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { RetryPolicy } from './retry-policy.js';
import { now } from '../real-time.js';
import { isThenable } from '../thenable.js';
import { TimeoutConfig } from '../timeout.js';

/** What of a client counts for its calls. */
export interface ClientSettings {
  /** The client's own and its mounts. */
  readonly dispatch: Dispatch;
  /** null: none are stored or sent. */
  readonly cookies: Cookies | null;
  readonly hooks: EventHooks;
  readonly retries: Required<RetryPolicy> | null;
  readonly maxRedirects: number;
  /** Asked for when there is a redirect. */
  sensitiveHeaders(): readonly string[];
  /** What the client knows of a response, which counts for hooks and in `history` as well. */
  contextOf(response: Response, isAway: boolean): ResponseContext;
  readonly maxResponseSize: number | null;
  readonly logs: boolean;
}

/** What one call asks for. */
export interface CallParameters {
  auth: Auth | null;
  followsRedirects: boolean;
  /** Milliseconds that it took already. */
  elapsed: number;
}

export class Call {
  /** The responses before the final one, in order. */
  readonly history: Response[] = [];
  readonly followsRedirects: boolean;
  /** Taken away by the first redirect to another origin. */
  auth: Auth | null;
  /** Attempts beyond the first, in all hops. */
  retries = 0;
  #options: DispatchOptions;
  #started: number;
  /** Where it is now, for messages. */
  #current: Request;
  /** A redirect has left the origin that the call was for. */
  #isAway = false;
  /** Whether the attempt under way is made again after such an answer. */
  willRetry: (response: Response) => boolean = () => false;

  constructor(
    readonly settings: ClientSettings,
    request: Request,
    options: DispatchOptions,
    parameters: CallParameters,
  ) {
    this.#current = request;
    this.#options = options;
    this.auth = parameters.auth;
    this.followsRedirects = parameters.followsRedirects;
    this.#started = now() - parameters.elapsed;
  }

  /** Request hooks and diagnostics subscribers may add to a request before it is sent: to a copy, as it may be sent again. */
  get isChangeable(): boolean {
    return this.settings.hooks.request.length > 0 || isWatched();
  }

  /** One exchange, after which its response is judged: see `exchange` and `callResponseHooks`. */
  async sendSingle(request: Request): Promise<Response> {
    const response = await this.exchange(request);
    await this.callResponseHooks(response, false);
    return response;
  }

  /** One exchange: request hooks, the dispatch, cookies. Resolves at the head, or with the body if there is no response hook. */
  async exchange(request: Request): Promise<Response> {
    const { settings } = this;
    const { hooks } = settings;
    this.#current = request;
    for (const hook of hooks.request.slice()) {
      checkHook('request', hook);
      const done = hook(request);
      if (isThenable(done)) await this.settled(done);
    }
    const watched = isWatched() ? new ExchangeTrace(request) : null;
    let response: Response;
    try {
      this.throwIfOver();
      response = checkResponse(await settings.dispatch.send(request, this.#dispatchOptions()));
    } catch (reason) {
      const failure = this.#translate(reason);
      attachToRefusal(failure, (response) => this.#contextOf(response));
      watched?.onError(failure);
      if (settings.logs && failure instanceof Error) logExchange(request, failure);
      throw failure;
    }
    response.attach(request, this.#contextOf(response));
    if (this.#options.timeout.totalTimeout !== null) {
      response.wrapBody((source) => new ObservedSource(source, { onError: (reason) => this.#translate(reason) }));
    }
    watched?.onResponse(response);
    if (settings.logs) logExchange(request, response);
    const stored = storeCookies(settings.cookies, request, response);
    if (stored !== undefined) await closingOnFailure(response, this.settled(stored));
    return response;
  }

  #contextOf(response: Response): ResponseContext {
    const context = this.settings.contextOf(response, this.#isAway);
    if (this.history.length > 0) context.history = [...this.history];
    // Progress is that of the body which the caller gets.
    if (this.followsRedirects && response.hasRedirectLocation) context.progress = undefined;
    return context;
  }

  /**
   * The hooks of a response that was exchanged. It is marked for them when the call goes on after it, or ends in an error of its own
   * (TooManyRedirects).
   *
   * @param isChallenge An auth flow goes on after it.
   */
  async callResponseHooks(response: Response, isChallenge: boolean): Promise<void> {
    const isFollowed = this.followsRedirects && response.hasRedirectLocation;
    response.setIntermediate(isChallenge || isFollowed || this.willRetry(response));
    if (this.settings.hooks.response.length > 0) await closingOnFailure(response, this.#runResponseHooks(response));
  }

  async #runResponseHooks(response: Response): Promise<void> {
    for (const hook of this.settings.hooks.response.slice()) {
      checkHook('response', hook);
      const done = hook(response);
      if (isThenable(done)) await this.settled(done);
    }
  }

  /** Ends a response that the caller gets in `history`. */
  async keep(response: Response): Promise<void> {
    response.setIntermediate(true);
    await this.drain(response);
    this.history.push(response);
  }

  /** Ends a body that is not wanted. What is wrong with it does not matter; what ends the call does. */
  async drain(response: Response): Promise<void> {
    if (response.isClosed) return;
    try {
      await response.drain();
    } catch {
      await response.close();
    }
    this.throwIfOver();
  }

  /** The body of a response that nothing will follow, so that its failure is that of the attempt. */
  async readFinal(response: Response): Promise<void> {
    const isFollowed = this.followsRedirects && response.hasRedirectLocation;
    if (this.#options.buffered === undefined || !response.isToBeRead || isFollowed) return;
    await this.read(response);
  }

  /** The whole body, for a flow that needs it. */
  async read(response: Response): Promise<void> {
    await response.readAtMost(this.settings.maxResponseSize, true);
  }

  /** A redirect has left the origin that the call was for: nothing that was meant for it alone goes on. */
  leave(): void {
    this.#isAway = true;
    this.auth = null;
  }

  /** The Cookie header of a redirect: what the jar has for its URL, and nothing that was the first request's own. */
  async addCookies(request: Request): Promise<void> {
    request.clientCookies = null;
    await this.refreshCookies(request);
  }

  /** Writes the Cookie header anew, after a response may have set some; a header that the user wrote stays. */
  async refreshCookies(request: Request): Promise<void> {
    const { cookies } = this.settings;
    if (cookies === null) return;
    const { header: written, also } = request.clientCookies ?? NO_COOKIES;
    const present = request.hasHeader('cookie') ? request.headers.get('cookie') : '';
    if (present !== written) return;
    const header = await this.waitFor(() => cookies.headerFor(request.url, { also, isCrossSite: this.#isAway }));
    request.clientCookies = { header, also };
    if (header !== '') request.setHeader('Cookie', header);
    else if (present !== '') request.headers.delete('cookie');
  }

  /** The user's own work, awaited until the call is aborted or its total timeout is over. */
  async waitFor<T>(work: () => T | PromiseLike<T>): Promise<T> {
    this.throwIfOver();
    return this.settled(work());
  }

  async sleep(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.waitFor(
        () =>
          new Promise<void>((resolve) => {
            timer = setTimeout(resolve, ms);
          }),
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws `signal.reason`, or TotalTimeout */
  throwIfOver(): void {
    const { signal } = this.#options;
    if (signal?.aborted) throw signal.reason;
    const left = this.#left();
    if (left !== null && left <= 0) throw this.#totalTimeout();
  }

  /** As `waitFor`, for work that is under way. */
  async settled<T>(work: T | PromiseLike<T>): Promise<T> {
    const { signal } = this.#options;
    const left = this.#left();
    if ((signal === undefined || signal === null) && left === null) return work;
    let timer: NodeJS.Timeout | undefined;
    let unlisten: (() => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        Promise.resolve(work).then(resolve, reject);
        if (left !== null) timer = setTimeout(() => reject(this.#totalTimeout()), left);
        if (signal?.aborted) reject(signal.reason);
        else if (signal) unlisten = listen(signal, () => reject(reasonOf(signal)));
      });
    } finally {
      clearTimeout(timer);
      unlisten?.();
    }
  }

  /** With what is left of the total timeout; a hook that wants a body before it is read gets it so. */
  #dispatchOptions(): DispatchOptions {
    const { timeout } = this.#options;
    const left = this.#left();
    const hasHooks = this.settings.hooks.response.length > 0;
    if (left === null && !hasHooks) return this.#options;
    const buffered = hasHooks ? undefined : this.#options.buffered;
    if (left === null) return { ...this.#options, buffered };
    const shortened = new TimeoutConfig({ ...timeout, totalTimeout: Math.max(1, Math.ceil(left)) });
    return { ...this.#options, buffered, timeout: shortened };
  }

  #left(): number | null {
    const { totalTimeout } = this.#options.timeout;
    return totalTimeout === null ? null : totalTimeout - (now() - this.#started);
  }

  /** The dispatch knows what was left; the user knows what was asked for. */
  #translate(reason: unknown): unknown {
    return reason instanceof TotalTimeout ? this.#totalTimeout(reason) : reason;
  }

  #totalTimeout(reason?: TotalTimeout): TotalTimeout {
    const { url } = this.#current;
    const message = `${url.origin} did not finish within ${this.#options.timeout.totalTimeout} ms in all`;
    const { response, timings, peer } = reason ?? ({} as Partial<TotalTimeout>);
    return requestFailure(TotalTimeout, message, { request: this.#current, response, timings, peer });
  }
}

/**
 * A dispatch may be a user's own, and give one Response for several requests.
 * @throws TypeError for what is no Response, such as the global one
 */
export function checkResponse(response: Response): Response {
  if (typeof (response as Response | null | undefined)?.forExchange === 'function') return response.forExchange();
  throw new TypeError(`dispatch: send() must resolve to a Response of this package, got ${typeName(response)}`);
}

/** What a proxy answered to CONNECT is a response as well. */
export function attachToRefusal(failure: unknown, contextOf: (response: Response) => ResponseContext): void {
  if (!(failure instanceof ProxyError) || failure.response === undefined) return;
  const { response } = failure;
  response.attach(response.request, contextOf(response));
}

/** A response that the caller will never see must not keep its connection. */
export async function closingOnFailure(response: Response, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await response.close();
    throw error;
  }
}

/** Hooks, the log or diagnostics subscribers are called around each exchange, or retries may repeat it. */
export function isAttended(hooks: EventHooks, retries: ClientSettings['retries'], logs: boolean): boolean {
  return hooks.request.length > 0 || hooks.response.length > 0 || retries !== null || logs || isWatched();
}

/** Stores what the response sets. Nearly always there is nothing, and that is known without looking at its head. */
export function storeCookies(cookies: Cookies | null, request: Request, response: Response): void | Promise<void> {
  if (cookies === null || !response.maySetCookies) return undefined;
  const lines = response.setCookies();
  return lines.length === 0 ? undefined : cookies.storeFrom(request.url, lines);
}

const NO_COOKIES = Object.freeze({ header: '', also: undefined });
