/** What exchanges have in common whose request and response are fetch's: with an app in this process, and with the platform's fetch. */

import { BodyPump } from '../../../request/body-pump.js';
import type { StreamBody } from '../../../request/body.js';
import { Turns } from '../../../turns.js';
import type { AppHead } from '../exchange.js';
import { AppExchange } from '../exchange.js';
import type { Streaming } from './request.js';
import { streamBody } from './request.js';

type Reader = ReadableStreamDefaultReader<unknown>;

export abstract class WebExchange extends AppExchange {
  #upload: Streaming | null = null;
  #reader: Reader | null = null;
  #isReading = false;

  /** The next piece of the response's body, possibly empty; null when the exchange has failed by it. */
  protected abstract toChunk(piece: unknown): Buffer | null;

  /** The response's body failed. */
  protected abstract broken(error: unknown): void;

  /** The response's body is whole, or there is none. */
  protected ended(): void {
    this.end();
    this.#upload?.stop(new Error('The response is whole: no more of the request is sent'));
  }

  /** The request's body as a stream; the read timeout stands still while its producer is waited for. */
  protected streamed(body: StreamBody): ReadableStream<Uint8Array> {
    this.#upload = streamBody(new BodyPump(body, this.options.onUploadProgress), {
      fails: (error) => this.fail(error),
      waitsForSource: () => this.stopReadTimer(),
      took: () => this.startReadTimer(),
      done: () => this.startReadTimer(),
    });
    return this.#upload.stream;
  }

  /** The head, and the body that follows. */
  protected take(head: AppHead, body: ReadableStream | null): void {
    if (head.isBodiless || body === null) {
      body?.cancel().catch(ignore);
      if (this.begin(head)) this.ended();
      return;
    }
    this.#reader = body.getReader();
    // A buffered body is read at once; a streamed one only when a read is pending.
    if (this.begin(head) && this.collects) void this.#pull();
  }

  protected dropped(reason: unknown): void {
    const reader = this.#reader;
    this.#reader = null;
    this.#upload?.stop(reason);
    reader?.cancel(reason).catch(ignore);
  }

  protected room(waits: boolean): void {
    if (waits && !this.#isReading) void this.#pull();
  }

  /** Reads until no read is pending. */
  async #pull(): Promise<void> {
    this.#isReading = true;
    const turns = new Turns();
    try {
      for (;;) {
        const turn = turns.due();
        if (turn !== null) await turn;
        const reader = this.#reader;
        if (reader === null) return;
        const { done, value } = await reader.read();
        if (this.isOver) return;
        if (done) {
          this.#reader = null;
          this.ended();
          return;
        }
        const chunk = this.toChunk(value);
        if (chunk === null) return;
        if (chunk.length === 0) continue;
        this.push(chunk);
        if (!this.collects) return;
      }
    } catch (error) {
      this.#reader = null;
      this.broken(error);
    } finally {
      this.#isReading = false;
    }
  }
}

export function ignore(): void {}
