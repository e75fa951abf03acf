/**
 * A streamed request body on its way: pulls its source, cuts what comes, reports progress and stops the source. Where the chunks go,
 * and when the next one is wanted, is the caller's to say.
 */

import type { StreamBody } from './body.js';
import { toChunk } from './body.js';
import { FilePart } from './file-content.js';

/** Called with the bytes so far and those in all, null where their number is not known. */
type OnProgress = (sent: number, total: number | null) => void;

export class BodyPump {
  #body: StreamBody;
  #onProgress: OnProgress | undefined;
  #maxChunkBytes: number;
  /** While there is more to come of it. */
  #producer: AsyncIterator<unknown> | Iterator<unknown> | null = null;
  #isOpen = false;
  #isStopped = false;
  #rest: Buffer = NOTHING;
  #sent = 0;

  /** @param maxChunkBytes Larger pieces are cut, so that progress is reported and a signal is seen in between. */
  constructor(body: StreamBody, onProgress: OnProgress | undefined, maxChunkBytes = Infinity) {
    this.#body = body;
    // A caller without types gives anything.
    this.#onProgress = typeof onProgress === 'function' ? onProgress : undefined;
    this.#maxChunkBytes = maxChunkBytes;
  }

  /** No more is wanted: what the source gives or throws from here on concerns no caller. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  get reportsProgress(): boolean {
    return this.#onProgress !== undefined;
  }

  /**
   * The next chunk, never an empty one; null at the end, and once the pump is stopped. The first call opens the source.
   *
   * @param forCore A file that the core can read is a chunk as it is.
   * @throws what the source throws, and TypeError for a piece that is neither bytes nor text
   */
  next(forCore: true): Promise<Buffer | FilePart | null>;
  next(): Promise<Buffer | null>;
  async next(forCore = false): Promise<Buffer | FilePart | null> {
    while (this.#rest.length === 0) {
      const piece = await this.#pull(forCore);
      if (piece === null || piece instanceof FilePart) return piece;
      this.#rest = piece;
    }
    const chunk = this.#rest.subarray(0, this.#maxChunkBytes);
    this.#rest = this.#rest.subarray(chunk.length);
    return chunk;
  }

  /** So many bytes more were handed over. */
  report(bytes: number): void {
    if (this.#isStopped) return;
    this.#sent += bytes;
    this.#onProgress?.(this.#sent, this.#body.length);
  }

  /** The source is told once, also while it is stuck in what it awaits, and not waited for. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#rest = NOTHING;
    const producer = this.#producer;
    this.#producer = null;
    // In a microtask: a generator that ends its own exchange is still running now.
    if (producer !== null)
      void Promise.resolve()
        .then(() => producer.return?.())
        .catch(() => {});
  }

  /** A source that ended or failed needs no telling. */
  async #pull(forCore: boolean): Promise<Buffer | FilePart | null> {
    if (this.#isStopped) return null;
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#producer = this.#body.open(forCore);
    }
    const producer = this.#producer;
    if (producer === null) return null;
    let result: IteratorResult<unknown>;
    try {
      result = await producer.next();
    } catch (error) {
      this.#producer = null;
      if (this.#isStopped) return null;
      throw error;
    }
    if (result.done) this.#producer = null;
    if (result.done || this.#isStopped) return null;
    return result.value instanceof FilePart ? result.value : toChunk(result.value);
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
