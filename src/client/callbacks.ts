/**
 * The functions that are called while a request is under way: `onUploadProgress`, `onDownloadProgress`, `onInformational`. They may be
 * async: what they reject with ends the call as what they throw does, and the call is not over before they are.
 */

import { FollowingAborter } from '../dispatch/following-aborter.js';
import { listen, reasonOf } from '../dispatch/shared-abort-listener.js';
import { TotalTimeout } from '../errors.js';
import { now } from '../real-time.js';
import { requestFailure } from '../request-failure.js';
import type { Request } from '../request/request.js';
import type { Progress } from '../response/received.js';
import { isThenable } from '../thenable.js';
import type { Given, RequestOptions } from './options.js';

type ToldOptions = Pick<
  Given<RequestOptions>,
  'signal' | 'onUploadProgress' | 'onDownloadProgress' | 'onInformational'
>;

export class Callbacks {
  readonly onUploadProgress: RequestOptions['onUploadProgress'];
  readonly onInformational: RequestOptions['onInformational'];
  /** Of the body that the caller gets. */
  readonly progress: Progress | undefined;
  /** The caller's signal, and the end of the call where one of them rejects. */
  readonly #ending: FollowingAborter;
  #request: Request;
  #totalTimeout: number | null;
  #startedAt = now();
  #pending = 0;
  #failure: { reason: unknown } | null = null;
  /** Waits until none is pending, or one has failed. */
  #waiting: (() => void)[] = [];

  private constructor(request: Request, options: ToldOptions, totalTimeout: number | null) {
    const { signal, onUploadProgress, onDownloadProgress, onInformational } = options;
    this.#request = request;
    this.#totalTimeout = totalTimeout;
    this.#ending = new FollowingAborter(signal ?? null);
    this.onUploadProgress = this.#watching(onUploadProgress);
    this.onInformational = this.#watching(onInformational);
    const tell = this.#watching(onDownloadProgress);
    this.progress = tell && { tell, settled: () => this.settled() };
  }

  /** Those of a call; null where it has none. */
  static of(request: Request, options: ToldOptions, totalTimeout: number | null): Callbacks | null {
    const { onUploadProgress, onDownloadProgress, onInformational } = options;
    const given = onUploadProgress ?? onDownloadProgress ?? onInformational;
    return given === undefined || given === null ? null : new Callbacks(request, options, totalTimeout);
  }

  /** For the dispatch. */
  get signal(): AbortSignal {
    return this.#ending.asSignal;
  }

  /**
   * Resolves once what they have returned is settled; null when that is so already. Rejects with what one of them rejected with, with
   * `signal.reason`, and with TotalTimeout.
   */
  settled(): Promise<void> | null {
    if (this.#failure === null && this.#pending === 0) return null;
    return this.#settle();
  }

  async #settle(): Promise<void> {
    const signal = this.#ending.asSignal;
    const left = this.#totalTimeout === null ? null : this.#startedAt + this.#totalTimeout - now();
    let timer: NodeJS.Timeout | undefined;
    let unlisten: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const onAbort = () => reject(reasonOf(signal));
        if (signal.aborted) return onAbort();
        unlisten = listen(signal, onAbort);
        this.#waiting.push(resolve);
        if (left !== null) timer = setTimeout(() => reject(this.#tooLate()), left);
      });
    } finally {
      clearTimeout(timer);
      unlisten?.();
    }
  }

  /** The function, whose promises are awaited by `settled()`. */
  #watching<A extends unknown[]>(
    given: ((...told: A) => unknown) | null | undefined,
  ): ((...told: A) => void) | undefined {
    if (given === undefined || given === null) return undefined;
    return (...told) => {
      const returned = given(...told);
      if (isThenable(returned)) this.#hold(returned);
    };
  }

  #hold(returned: PromiseLike<unknown>): void {
    this.#pending++;
    Promise.resolve(returned).then(
      () => this.#release(),
      (reason: unknown) => {
        this.#failure ??= { reason };
        this.#ending.abort(reason);
        this.#release();
      },
    );
  }

  #release(): void {
    if (--this.#pending > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #tooLate(): TotalTimeout {
    const message = `${this.#request.url.origin} did not finish within ${this.#totalTimeout} ms in all`;
    return requestFailure(TotalTimeout, message, { request: this.#request });
  }
}
