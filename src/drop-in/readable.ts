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
  #chunks: AsyncIterator<Buffer>;

  constructor(response: Response, chunks: AsyncIterator<Buffer>) {
    super(bare({ highWaterMark: 64 * 1024 }));
    this.#response = response;
    this.#chunks = chunks;
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ done, value }) => this.push(done ? null : value),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // At once, though it returns a promise.
    void this.#response.close();
    callback(error);
  }
}
