/**
 * One exchange with an app in this process, on the client's side: its timeouts, and the body that is read at once or waits. What an app
 * is, and how a request reaches it, is the work of `fetch/` and `node/`.
 */

import { AsyncResource } from 'node:async_hooks';
import { tooLarge } from '../../response/body-reader.js';
import { DecodingSource } from '../../response/decoding.js';
import { GatheredBytes } from '../../response/gathered-bytes.js';
import { ReadTimeout, RemoteProtocolError, RequestError, TotalTimeout, WriteTimeout } from '../../errors.js';
import { requestFailure } from '../../request-failure.js';
import type { Headers } from '../../headers.js';
import type { Request } from '../../request/request.js';
import type { ReceivedResponse } from '../../response/received.js';
import { Response } from '../../response/response.js';
import { PendingResponse } from '../pending-response.js';
import { QuietTimer } from './quiet-timer.js';
import { now } from '../../real-time.js';
import type { DispatchOptions } from '../dispatch.js';
import type { BodySource } from '../../response/body-source.js';

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
export abstract class AppExchange extends PendingResponse {
  #head: AppHead | null = null;
  #collects = false;
  /** Instead of chunks that wait, when the whole body is wanted. */
  #collected: GatheredBytes | null = null;
  #queued = 0;
  #sentAt = now();
  #headAt = 0;
  #readTimer: QuietTimer | null = null;
  #writeTimer: QuietTimer | null = null;
  #totalTimer: QuietTimer | null = null;

  constructor(request: Request, options: DispatchOptions) {
    super(request, options, null);
  }

  /** Calls the app. What `call` throws rejects the promise. */
  send(call: () => void): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.promised({ resolve, reject });
      const { signal, timeout } = this.options;
      if (signal?.aborted) {
        this.isOver = true;
        reject(signal.reason);
        return;
      }
      if (signal !== undefined && signal !== null) {
        // What the app does about an abort happens in the AsyncLocalStorage of the request's caller, not in that of `abort()`.
        this.listen(
          signal,
          AsyncResource.bind(() => this.onAbort(signal)),
        );
        if (this.isOver) return;
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
    const chunk = this.takeChunk();
    if (chunk !== undefined) {
      this.#queued -= chunk.length;
      this.room(false);
      return Promise.resolve(chunk);
    }
    return this.readNext(() => {
      this.startReadTimer();
      this.room(true);
    });
  }

  override fail(reason: unknown): void {
    if (!this.isOver && this.isAwaited && this.#head !== null && reason instanceof RequestError) {
      reason.response ??= this.#respond(this.#head, null, this);
    }
    super.fail(reason);
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
      this.watch(response);
      this.takeAnswer()?.resolve(response);
    }
    return true;
  }

  #isHeadFirst({ statusCode, headerLines }: AppHead): boolean {
    const { headFirst } = this.options;
    if (headFirst === undefined || (statusCode >= 200 && statusCode < 300)) return false;
    return headFirst === 'unsuccessful' || (statusCode < 400 && /(^|\n)location\n[^\n]/.test(headerLines));
  }

  /** A chunk of the body, kept as it is. True when more may come at once. */
  protected push(chunk: Buffer): boolean {
    if (this.isOver) return false;
    this.received += chunk.length;
    if (this.#collects) {
      const limit = this.options.buffered?.maxResponseSize ?? null;
      if (limit !== null && this.received > limit) {
        this.fail(tooLarge(limit, { request: this.request }));
        return false;
      }
      (this.#collected ??= new GatheredBytes()).push(chunk);
      this.startReadTimer();
      return true;
    }
    if (this.deliver(chunk)) {
      this.stopReadTimer();
      return true;
    }
    this.#queued += chunk.length;
    return this.#queued < HIGH_WATER_MARK;
  }

  /** The body's end. */
  protected end(): void {
    if (this.isOver) return;
    this.elapsed = now() - this.#sentAt;
    this.complete(null);
    if (this.#collects) {
      const body = this.#collected?.join() ?? Buffer.alloc(0);
      this.#collected = null;
      this.takeAnswer()?.resolve(this.#respond(this.#head as AppHead, body, null));
    }
  }

  /** A response that is made already. */
  protected respond(response: Response): void {
    if (this.isOver) return;
    this.finish();
    this.takeAnswer()?.resolve(response);
  }

  /** There is room for more chunks; with `waits`, a read is pending. */
  protected abstract room(waits: boolean): void;

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
    if (readTimeout === null || this.isOver || (this.hasHead && !this.#collects && !this.isRead)) return;
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

  protected override finish(): void {
    this.stopReadTimer();
    this.stopWriteTimer();
    this.#totalTimer?.stop();
    super.finish();
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
