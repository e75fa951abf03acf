/** One dispatched request: from the client's response to the calls of a handler, with its pauses. */

import type { Readable } from 'node:stream';
import type { Client } from '../../client/client.js';
import { Aborter } from '../../dispatch/aborter.js';
import type { Headers } from '../../headers.js';
import type { Response } from '../../response/response.js';
import type { ReadTimeouts } from '../read-timeouts.js';
import { rawChunks } from '../readable.js';
import type { DispatchRequest } from './dispatch-options.js';
import { BodyTimeoutError, HeadersTimeoutError, RequestAbortedError, toUndiciError } from './errors.js';
import type { DispatchController, DispatchHandler } from './handler.js';
import { toObject, WrappedHandler } from './handler.js';

/** What it tells its dispatcher. */
export interface ExchangeListener {
  onHead(): void;
  onEnd(error: unknown): void;
}

export class Exchange implements DispatchController {
  rawTrailers: Buffer[] | null = null;
  #headers: Headers | null = null;
  #rawHeaders: Buffer[] | null = null;
  #client: Client;
  #timeouts: ReadTimeouts;
  #dispatched: DispatchRequest;
  #handler: DispatchHandler;
  #listener: ExchangeListener;
  #aborter = new Aborter();
  #reason: Error | null = null;
  #isOver = false;
  #hasHead = false;
  #resume: (() => void) | null = null;
  #isPaused = false;

  constructor(
    client: Client,
    timeouts: ReadTimeouts,
    dispatched: DispatchRequest,
    handler: DispatchHandler,
    listener: ExchangeListener,
  ) {
    this.#client = client;
    this.#timeouts = timeouts;
    this.#dispatched = dispatched;
    this.#handler = handler;
    this.#listener = listener;
  }

  /** Made when a handler asks for them: those of the second contract seldom do. */
  get rawHeaders(): Buffer[] | null {
    if (this.#headers !== null) this.#rawHeaders = rawOf(this.#headers);
    this.#headers = null;
    return this.#rawHeaders;
  }

  set rawHeaders(raw: Buffer[] | null) {
    this.#headers = null;
    this.#rawHeaders = raw;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  abort(reason?: Error): void {
    if (this.#isOver || this.#reason !== null) return;
    this.#reason = reason ?? new RequestAbortedError();
    this.#aborter.abort(this.#reason);
    this.resume();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }

  /** Never rejects: what goes wrong is the handler's. */
  async run(context: unknown): Promise<void> {
    const { stream } = this.#dispatched;
    const onStreamError = (error: Error) => this.abort(error);
    stream?.on('error', onStreamError);
    let failure: unknown = null;
    try {
      this.#handler.onRequestStart?.(this, context);
      const response = await this.#send();
      try {
        await this.#read(response);
      } finally {
        if (!response.isClosed) void response.close();
      }
    } catch (error) {
      failure =
        this.#reason ?? (isCutShort(error, stream) ? new RequestAbortedError() : toUndiciError(error, this.#hasHead));
    }
    stream?.off('error', onStreamError);
    this.#isOver = true;
    // The stream may still fail when it is no longer read; such an error is dropped.
    stream?.on('error', () => {});
    if (failure !== null) stream?.destroy();
    this.#listener.onEnd(failure);
    if (failure === null) return;
    if (typeof this.#handler.onResponseError !== 'function') throw failure;
    this.#handler.onResponseError(this, failure as Error);
  }

  #send(): Promise<Response> {
    const { request, headersTimeout, bodyTimeout } = this.#dispatched;
    const isBounded = headersTimeout !== null && bodyTimeout !== null;
    // The longer of the two is the client's business; the shorter one is watched here.
    const read = isBounded ? Math.max(headersTimeout, bodyTimeout) : null;
    this.#throwIfAborted();
    const sent = this.#client.sendOnce(request, {
      timeout: this.#timeouts.of(this.#client.timeout, read, read),
      signal: this.#aborter.asSignal,
      onInformational: (statusCode, headers) => this.#start(statusCode, headers, ''),
    });
    return this.#within(
      headersTimeout !== null && headersTimeout !== read ? headersTimeout : null,
      sent,
      HeadersTimeoutError,
    );
  }

  async #read(response: Response): Promise<void> {
    this.#hasHead = true;
    this.#listener.onHead();
    this.#start(response.statusCode, response.headers, response.reasonPhrase);
    if (this.#isPaused) await this.#room();
    const whole = response.takeAtHand();
    if (whole === null) await this.#readChunks(response);
    else if (whole.length > 0) this.#handler.onResponseData?.(this, whole);
    if (this.#isPaused) await this.#room();
    this.#throwIfAborted();
    const { trailers } = response;
    this.rawTrailers = rawOf(trailers);
    this.#isOver = true;
    this.#handler.onResponseEnd?.(this, toObject(trailers.raw));
  }

  async #readChunks(response: Response): Promise<void> {
    const { headersTimeout, bodyTimeout } = this.#dispatched;
    const own = bodyTimeout !== null && bodyTimeout !== headersTimeout ? bodyTimeout : null;
    const chunks = rawChunks(response);
    for (;;) {
      const { done, value } = await this.#within(own, chunks.next(), BodyTimeoutError);
      if (done) return;
      this.#throwIfAborted();
      this.#handler.onResponseData?.(this, value);
      if (this.#isPaused) await this.#room();
      this.#throwIfAborted();
    }
  }

  #start(statusCode: number, headers: Headers, statusMessage: string): void {
    this.#throwIfAborted();
    this.#headers = headers;
    // Which asks for `rawHeaders`.
    const byName = this.#handler instanceof WrappedHandler ? NO_HEADERS : toObject(headers.raw);
    this.#handler.onResponseStart?.(this, statusCode, byName, statusMessage);
    this.#throwIfAborted();
  }

  async #room(): Promise<void> {
    while (this.#isPaused && this.#reason === null) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    this.#throwIfAborted();
  }

  #throwIfAborted(): void {
    if (this.#reason !== null) throw this.#reason;
  }

  #within<T>(ms: number | null, work: Promise<T>, TimeoutError: typeof HeadersTimeoutError): Promise<T> {
    return ms === null ? work : this.#inTime(ms, work, TimeoutError);
  }

  async #inTime<T>(ms: number, work: Promise<T>, TimeoutError: typeof HeadersTimeoutError): Promise<T> {
    const timer = setTimeout(() => this.abort(new TimeoutError()), ms);
    // As undici counts it: from the last piece of the request on.
    this.#dispatched.upload.touch = () => timer.refresh();
    try {
      return await work;
    } finally {
      this.#dispatched.upload.touch = () => {};
      clearTimeout(timer);
    }
  }
}

/** The body was destroyed by its owner, without an error. */
function isCutShort(error: unknown, stream: Readable | null): boolean {
  return stream !== null && (error as { code?: unknown } | null)?.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

const NO_HEADERS: Record<string, string> = Object.freeze({});

function rawOf(headers: Headers): Buffer[] {
  return headers.raw.flatMap(([name, value]) => [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')]);
}
