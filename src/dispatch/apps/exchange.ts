/**
 * One exchange with an app in this process, on the client's side: the promise for its head, the pieces of its body, the clocks
 * and the signal. What an app is, and how a request reaches it, is `fetch-app.ts`'s and `node-exchange.ts`'s work.
 */

import { AsyncResource } from 'node:async_hooks';
import { tooLarge } from '../../response/body-reader.js';
import { DecodingSource } from '../../response/decoding.js';
import { GatheredBytes } from '../../response/gathered-bytes.js';
import {
  ReadTimeout,
  RemoteProtocolError,
  RequestError,
  StreamClosed,
  TotalTimeout,
  WriteTimeout,
} from '../../errors.js';
import { requestFailure } from '../../request-failure.js';
import type { Headers } from '../../headers.js';
import type { Request } from '../../request/request.js';
import type { ReceivedResponse } from '../../response/received.js';
import { Response } from '../../response/response.js';
import { listen, reasonOf } from '../shared-abort-listener.js';
import { QuietTimer } from './quiet-timer.js';
import { now } from './real-time.js';
import type { DispatchOptions } from '../dispatch.js';
import type { BodySource } from '../../response/body-source.js';

interface Waiting<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** A head, as an app gave it. */
export interface AppHead {
  readonly statusCode: number;
  readonly reason: string;
  /** 'name\nvalue\n…', names in lower case as from the network: some of them are looked for in the text. */
  readonly headerLines: string;
  readonly contentEncoding: string | undefined;
  /** No content follows, whatever the fields say: HEAD, 204, 304. */
  readonly isBodiless: boolean;
}

/** The base of both kinds. Nothing is created here that only streams need: most answers are small and whole. */
export abstract class AppExchange implements BodySource {
  received = 0;
  trailers: Headers | null = null;
  elapsed: number | null = null;
  readonly request: Request;
  readonly options: DispatchOptions;
  /** The exchange is settled and complete: what the app does from now on has no effect on it. */
  protected isOver = false;
  #answer: Waiting<Response> | null = null;
  #reading: Waiting<Buffer | null> | null = null;
  #head: AppHead | null = null;
  #collects = false;
  #pieces: Buffer[] = [];
  /** Instead of the pieces, when the whole body is wanted. */
  #collected: GatheredBytes | null = null;
  #queued = 0;
  #failure: { reason: unknown } | null = null;
  #sentAt = now();
  #headAt = 0;
  #readTimer: QuietTimer | null = null;
  #writeTimer: QuietTimer | null = null;
  #totalTimer: QuietTimer | null = null;
  #unlisten: (() => void) | null = null;

  constructor(request: Request, options: DispatchOptions) {
    this.request = request;
    this.options = options;
  }

  /** Calls the app. What `call` throws rejects the promise. */
  send(call: () => void): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      const { signal, timeout } = this.options;
      if (signal?.aborted) {
        this.isOver = true;
        reject(signal.reason);
        return;
      }
      if (signal !== undefined && signal !== null) {
        // What the app does about an abort happens in the AsyncLocalStorage of the request's caller, not in that of `abort()`.
        const abort = AsyncResource.bind(() => this.fail(reasonOf(signal)));
        const unlisten = listen(signal, abort);
        if (this.isOver) {
          unlisten();
          return;
        }
        this.#unlisten = unlisten;
      }
      const { totalTimeout } = timeout;
      if (totalTimeout !== null) {
        this.#totalTimer = new QuietTimer(totalTimeout, () => {
          const message = `${this.#origin} did not finish within ${totalTimeout} ms in all${this.hint()}`;
          this.fail(requestFailure(TotalTimeout, message, { request: this.request }));
        });
        this.#totalTimer.start();
      }
      try {
        call();
      } catch (error) {
        this.fail(error);
      }
    });
  }

  // ── what is asked by the response ──

  read(): Promise<Buffer | null> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#queued -= piece.length;
      this.room(false);
      return Promise.resolve(piece);
    }
    if (this.#failure !== null) return Promise.reject(this.#failure.reason);
    if (this.isOver) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
      this.startReadTimer();
      this.room(true);
    });
  }

  cancel(): void {
    this.fail(new StreamClosed('The response was closed while its body was read', { request: this.request }));
  }

  /** Ends the exchange with an error, whichever promise waits for it; the app is told that the client is gone. */
  fail(reason: unknown): void {
    if (this.isOver) return;
    this.#finish();
    this.#failure = { reason };
    if (this.#answer !== null && this.#head !== null && reason instanceof RequestError) {
      reason.response ??= this.#respond(this.#head, null, this);
    }
    const waiting = this.#answer ?? this.#reading;
    this.#answer = this.#reading = null;
    waiting?.reject(reason);
    this.dropped(reason);
  }

  // ── what is told by the app's side ──

  /** The final head. False when that was the end of it. */
  protected begin(head: AppHead): boolean {
    if (this.isOver) return false;
    if (!(head.statusCode >= 200 && head.statusCode <= 999)) {
      const message = `The app answered with ${head.statusCode}, which is no final status`;
      this.fail(requestFailure(RemoteProtocolError, message, { request: this.request }));
      return false;
    }
    this.#head = head;
    this.#headAt = now();
    this.stopReadTimer();
    // What is coded is decoded as it is read: how much comes of it is limited there.
    const isCoded = head.contentEncoding !== undefined && !head.isBodiless;
    this.#collects = this.options.buffered !== undefined && !isCoded && !this.#isHeadFirst(head);
    if (this.#collects) {
      this.startReadTimer();
    } else {
      const { request } = this;
      const source = isCoded ? new DecodingSource(this, head.contentEncoding as string, { request }) : this;
      const response = this.#respond(head, null, source);
      forgotten.register(response, this, this);
      this.#settle(response);
    }
    return true;
  }

  #isHeadFirst({ statusCode, headerLines }: AppHead): boolean {
    const { headFirst } = this.options;
    if (headFirst === undefined || (statusCode >= 200 && statusCode < 300)) return false;
    return headFirst === 'unsuccessful' || (statusCode < 400 && /(^|\n)location\n[^\n]/.test(headerLines));
  }

  /** A piece of the body, kept as it is. True when more may come at once. */
  protected push(piece: Buffer): boolean {
    if (this.isOver) return false;
    this.received += piece.length;
    if (this.#collects) {
      const limit = this.options.buffered?.maxResponseSize ?? null;
      if (limit !== null && this.received > limit) {
        this.fail(tooLarge(limit, { request: this.request }));
        return false;
      }
      (this.#collected ??= new GatheredBytes()).push(piece);
      this.startReadTimer();
      return true;
    }
    const reading = this.#reading;
    if (reading !== null) {
      this.#reading = null;
      this.stopReadTimer();
      reading.resolve(piece);
      return true;
    }
    this.#pieces.push(piece);
    this.#queued += piece.length;
    return this.#queued < HIGH_WATER_MARK;
  }

  /** The body's end. */
  protected end(): void {
    if (this.isOver) return;
    this.#finish();
    this.elapsed = now() - this.#sentAt;
    const reading = this.#reading;
    if (reading !== null) {
      this.#reading = null;
      if (this.#failure !== null) reading.reject(this.#failure.reason);
      else reading.resolve(null);
    }
    if (this.#collects) {
      this.#settle(this.#respond(this.#head as AppHead, this.#collected?.join() ?? Buffer.alloc(0), null));
      this.#collected = null;
    }
  }

  /** A response that is made already. */
  protected respond(response: Response): void {
    if (this.isOver) return;
    this.#finish();
    this.#settle(response);
  }

  /** There is room for more chunks; with `waits`, a read is pending. */
  protected abstract room(waits: boolean): void;

  /** The rest of the body was given up: stops reading it, and tells the app. */
  protected abstract dropped(reason: unknown): void;

  /** Behind the message of a timeout: what is known of the app. */
  protected hint(): string {
    return '';
  }

  protected get hasHead(): boolean {
    return this.#head !== null;
  }

  /** The whole body is wanted, before the promise is settled. */
  protected get collects(): boolean {
    return this.#collects;
  }

  /** Starts the read timeout: the app is silent from now on. It does not run while no read is pending. */
  protected startReadTimer(): void {
    const { readTimeout } = this.options.timeout;
    if (readTimeout === null || this.isOver || (this.hasHead && !this.#collects && this.#reading === null)) return;
    this.#readTimer ??= new QuietTimer(readTimeout, () => {
      const message = `no data from ${this.#origin} for ${readTimeout} ms${this.hint()}`;
      this.fail(requestFailure(ReadTimeout, message, { request: this.request }));
    });
    this.#readTimer.start();
  }

  protected stopReadTimer(): void {
    this.#readTimer?.stop();
  }

  /** The app takes nothing of the request's body from now on. */
  protected startWriteTimer(): void {
    const { writeTimeout } = this.options.timeout;
    if (writeTimeout === null || this.isOver) return;
    this.#writeTimer ??= new QuietTimer(writeTimeout, () => {
      const message = `${this.#origin} took no data for ${writeTimeout} ms`;
      this.fail(requestFailure(WriteTimeout, message, { request: this.request }));
    });
    this.#writeTimer.start();
  }

  protected stopWriteTimer(): void {
    this.#writeTimer?.stop();
  }

  get #origin(): string {
    return this.request.url.origin;
  }

  #respond(head: AppHead, body: Buffer | null, source: BodySource | null): Response {
    const elapsed = this.#headAt - this.#sentAt;
    const received = new AppResponse(head, body, source, this.received, this.trailers, elapsed, this.elapsed);
    return new Response(head.statusCode, undefined, received, this.request);
  }

  #settle(response: Response): void {
    if (this.#failure !== null) this.#answer?.reject(this.#failure.reason);
    else this.#answer?.resolve(response);
    this.#answer = null;
  }

  #finish(): void {
    this.isOver = true;
    this.stopReadTimer();
    this.stopWriteTimer();
    this.#totalTimer?.stop();
    if (this.#head !== null && !this.#collects) forgotten.unregister(this);
    const unlisten = this.#unlisten;
    this.#unlisten = null;
    try {
      // A signal may be of the user's own making.
      unlisten?.();
    } catch (reason) {
      this.#failure = { reason };
    }
  }
}

class AppResponse implements ReceivedResponse {
  readonly version = 'HTTP/1.1';
  #head: AppHead;
  #body: Buffer | null;

  constructor(
    head: AppHead,
    body: Buffer | null,
    readonly source: BodySource | null,
    readonly received: number,
    readonly trailers: Headers | null,
    readonly elapsed: number,
    readonly elapsedTotal: number | null,
  ) {
    this.#head = head;
    this.#body = body;
  }

  get reason(): string {
    return this.#head.reason;
  }

  get headerLines(): string {
    return this.#head.headerLines;
  }

  view(): Buffer | null {
    return this.#body;
  }

  /** Memory of its own: a small piece lies in Node's pool, among others' bytes. */
  copy(): Buffer | null {
    const body = this.#body;
    if (body === null || body.byteLength === body.buffer.byteLength) return body;
    const own = Buffer.allocUnsafeSlow(body.length);
    body.copy(own);
    return own;
  }
}

/** What waits here before an app is told to wait: as a socket's own. */
const HIGH_WATER_MARK = 16 * 1024;

/** Streaming responses that were neither read nor closed: their apps are told when the responses are collected. */
const forgotten = new FinalizationRegistry<AppExchange>((exchange) => exchange.cancel());
