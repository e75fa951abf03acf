/**
 * What every exchange has on JavaScript's side, however it is carried: the promise for its response, the chunks of the body that wait
 * to be read, the failure, the signal, and what becomes of a response that was forgotten. How the request is sent is the subclass's.
 */

import { StreamClosed } from '../errors.js';
import type { Headers } from '../headers.js';
import type { Request } from '../request/request.js';
import type { Abortion, BodySource } from '../response/body-source.js';
import type { Response } from '../response/response.js';
import type { DispatchOptions } from './dispatch.js';
import { abortionOf, listen, reasonOf } from './shared-abort-listener.js';

/** A promise given to a caller. */
export interface Waiting<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export abstract class PendingResponse implements BodySource {
  received = 0;
  trailers: Headers | null = null;
  elapsed: number | null = null;
  readonly request: Request;
  readonly options: DispatchOptions;
  /** The exchange is settled and complete: what happens from now on has no effect on it. */
  protected isOver = false;
  #answer: Waiting<Response> | null;
  #reading: Waiting<Buffer | null> | null = null;
  #chunks: Buffer[] = [];
  /** Of these, those that were read: taken off one by one they would all be moved each time, and an app may write bytes. */
  #taken = 0;
  #failure: { reason: unknown } | null = null;
  #unlisten: (() => void) | null = null;
  #isWatched = false;

  constructor(request: Request, options: DispatchOptions, answer: Waiting<Response> | null) {
    this.request = request;
    this.options = options;
    this.#answer = answer;
  }

  abstract read(raw: boolean): Promise<Buffer | null>;

  cancel(): void {
    this.fail(new StreamClosed('The response was closed while its body was read', { request: this.request }));
  }

  abortion(): Abortion | null {
    return abortionOf(this.options.signal);
  }

  /** Ends the exchange with an error, whichever promise waits for it, and gives up what is under way. */
  fail(reason: unknown): void {
    if (this.isOver) return;
    this.finish();
    this.reject(reason);
    this.dropped(reason);
  }

  /** The exchange failed on this side: tells the other one. */
  protected abstract dropped(reason: unknown): void;

  /** A promise was settled, the caller's or that of a read. */
  protected settled(): void {}

  /** `answer` is the promise for the response. */
  protected promised(answer: Waiting<Response>): void {
    this.#answer = answer;
  }

  /** The promise for the response is not settled yet. */
  protected get isAwaited(): boolean {
    return this.#answer !== null;
  }

  /** A read of the body is pending. */
  protected get isRead(): boolean {
    return this.#reading !== null;
  }

  /** The promise for the response, to be resolved at once; null when it is settled, or rejected now for an earlier failure. */
  protected takeAnswer(): Waiting<Response> | null {
    if (this.#failure !== null) {
      this.reject(this.#failure.reason);
      return null;
    }
    return this.#removeAnswer();
  }

  /** The next chunk that waits. */
  protected takeChunk(): Buffer | undefined {
    if (this.#taken === this.#chunks.length) return undefined;
    const chunk = this.#chunks[this.#taken];
    this.#chunks[this.#taken++] = NOTHING;
    if (this.#taken === this.#chunks.length || this.#taken === MAX_TAKEN_COUNT) {
      this.#chunks.splice(0, this.#taken);
      this.#taken = 0;
    }
    return chunk;
  }

  /** For a read while no chunk waits: `ask` is called when there may be more. */
  protected readNext(ask: () => void): Promise<Buffer | null> {
    if (this.#failure !== null) return Promise.reject(this.#failure.reason);
    if (this.isOver) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
      ask();
    });
  }

  /** A chunk of the body. True when a read took it, false when it waits for one. */
  protected deliver(chunk: Buffer): boolean {
    const reading = this.#removeReading();
    if (reading === null) this.#chunks.push(chunk);
    else reading.resolve(chunk);
    return reading !== null;
  }

  /** The exchange is complete. A pending read gets `rest`. */
  protected complete(rest: Buffer | null): void {
    this.finish();
    if (this.#failure !== null) this.reject(this.#failure.reason);
    else this.#removeReading()?.resolve(rest);
  }

  /** Rejects whichever promise waits, and those of later reads. */
  protected reject(reason: unknown): void {
    const waiting = this.#removeAnswer() ?? this.#removeReading();
    this.#failure = { reason };
    waiting?.reject(reason);
  }

  /** Calls `onAbort` when the signal aborts. A signal may be of the user's own making: what its methods throw is the error of this request alone. */
  protected listen(signal: AbortSignal, onAbort: () => void): void {
    try {
      const unlisten = listen(signal, onAbort);
      if (this.isOver) unlisten();
      else this.#unlisten = unlisten;
    } catch (error) {
      this.fail(error);
    }
  }

  protected onAbort(signal: AbortSignal): void {
    this.fail(reasonOf(signal));
  }

  /** A response that is collected before it was read or closed ends the exchange. */
  protected watch(response: Response): void {
    this.#isWatched = true;
    forgotten.register(response, this, this);
  }

  /** Nothing of the exchange comes any more. */
  protected finish(): void {
    this.isOver = true;
    if (this.#isWatched) forgotten.unregister(this);
    const unlisten = this.#unlisten;
    if (unlisten === null) return;
    this.#unlisten = null;
    try {
      unlisten();
    } catch (reason) {
      this.#failure = { reason };
    }
  }

  #removeAnswer(): Waiting<Response> | null {
    const answer = this.#answer;
    this.#answer = null;
    if (answer !== null) this.settled();
    return answer;
  }

  #removeReading(): Waiting<Buffer | null> | null {
    const reading = this.#reading;
    this.#reading = null;
    if (reading !== null) this.settled();
    return reading;
  }
}

const MAX_TAKEN_COUNT = 1024;
const NOTHING = Buffer.alloc(0);

/** Streaming responses that were neither read nor closed: what gives them their bodies is told when they are collected. */
const forgotten = new FinalizationRegistry<PendingResponse>((exchange) => exchange.cancel());
