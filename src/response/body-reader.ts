/**
 * A body that is read once, piece by piece, and who has done what with it. Where the pieces come from is a BodySource's business;
 * cutting them anew is in body-iteration.ts, and what a user may ask of a Response in response.ts.
 */

import type { BodySource } from './body-source.js';
import type { ErrorDetails } from '../errors.js';
import { requestFailure, traceToCaller } from '../request-failure.js';
import { ResponseTooLarge, StreamClosed, StreamConsumed } from '../errors.js';
import { ownJoin } from '../own-memory.js';

/** Called with the bytes received and the number that was declared, null for none. */
export interface Progress {
  tell(received: number, total: number | null): void;
  total: number | null;
}

export class BodyReader {
  readonly source: BodySource;
  #details: () => ErrorDetails;
  #isConsumed = false;
  #isClosed = false;

  /** @param details The request and response, for errors. */
  constructor(source: BodySource, details: () => ErrorDetails) {
    this.source = source;
    this.#details = details;
  }

  /** Somebody has begun to read. */
  get isConsumed(): boolean {
    return this.#isConsumed;
  }

  /** Read to the end, or given up. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Nobody wants the rest. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.source.cancel();
  }

  /** The whole, as one; more than `limit` bytes are ResponseTooLarge, also when only `declared`. */
  async collect(limit: number | null, declared: number | null, progress: Progress | null): Promise<Buffer> {
    if (limit !== null && declared !== null && declared > limit) throw this.#tooLarge(limit);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of this.pieces('read()', false, progress)) {
      pieces.push(piece);
      length += piece.length;
      if (limit !== null && length > limit) throw this.#tooLarge(limit);
    }
    return pieces.length === 1 ? pieces[0] : ownJoin(pieces);
  }

  /**
   * The one reading.
   *
   * @param what The call, for errors.
   * @param raw As they came, with their content coding.
   */
  async *pieces(what: string, raw: boolean, progress: Progress | null): AsyncGenerator<Buffer> {
    if (this.#isConsumed) throw new StreamConsumed(`${what}: the body was read already, or in part`, this.#details());
    if (this.#isClosed) {
      throw new StreamClosed(`${what}: the response was closed before its body was read`, this.#details());
    }
    this.#isConsumed = true;
    const { source } = this;
    let told = 0;
    try {
      for (;;) {
        const piece = await source.read(raw);
        if (source.received > told) {
          told = source.received;
          progress?.tell(told, progress.total);
        }
        if (piece === null) break;
        if (piece.length === 0) continue;
        yield piece;
        if (this.#isClosed) {
          throw new StreamClosed(`${what}: the response was closed while its body was read`, this.#details());
        }
      }
      this.#isClosed = true;
    } catch (error) {
      traceToCaller(error);
      throw error;
    } finally {
      // Stopped early, or failed: nobody reads the rest.
      this.close();
    }
  }

  #tooLarge(limit: number): ResponseTooLarge {
    this.close();
    return tooLarge(limit, this.#details());
  }
}

/** The error of a body that grew beyond `maxResponseSize`. */
export function tooLarge(limit: number, details: ErrorDetails): ResponseTooLarge {
  const origin = details.request === undefined ? '' : `${details.request.url.origin}: `;
  const advice = 'for a body of that size use client.stream() or client.download()';
  const message = `${origin}the response is larger than maxResponseSize (${limit} bytes); ${advice}`;
  return requestFailure(ResponseTooLarge, message, details);
}
