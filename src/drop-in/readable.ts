/** The body of a response as a Node stream, read as it is asked for. */

import { Readable } from 'node:stream';
import { bare } from '../bare.js';
import type { Response } from '../response/response.js';

/** The bytes as they came, their content coding not undone; of a body that is there already, what it has. */
export function rawChunks(response: Response): AsyncIterableIterator<Buffer> {
  return response.isStreamConsumed ? response.iterBytes() : response.iterRaw();
}

/** Destroying it closes the response; an error of the body is the stream's. */
export class ResponseReadable extends Readable {
  #response: Response;
  #chunks: AsyncIterator<Buffer> | null;
  #hasBegun = false;

  /** @param chunks What it reads instead of the bytes as they came. */
  constructor(response: Response, chunks: AsyncIterator<Buffer> | null = null) {
    super(bare({ highWaterMark: 64 * 1024 }));
    this.#response = response;
    this.#chunks = chunks;
  }

  /** An error of the body, as the stream has it. */
  protected toError(error: unknown): unknown {
    return error;
  }

  /** A chunk has come. */
  protected onChunk(): void {}

  override _read(): void {
    if (this.#chunks === null) {
      const whole = this.#hasBegun ? null : this.#response.takeAtHand();
      this.#hasBegun = true;
      if (whole !== null) {
        if (whole.length > 0) this.#push(whole);
        this.push(null);
        return;
      }
      this.#chunks = rawChunks(this.#response);
    }
    this.#chunks.next().then(
      ({ done, value }) => (done ? this.push(null) : this.#push(value)),
      (error: unknown) => this.destroy(this.toError(error) as Error),
    );
  }

  #push(chunk: Buffer): void {
    this.onChunk();
    this.push(chunk);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // At once, though it returns a promise.
    if (!this.#response.isClosed) void this.#response.close();
    callback(error);
  }
}
