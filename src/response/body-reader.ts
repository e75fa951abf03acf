/**
 * A body that is read once, chunk by chunk, and its state: consumed, closed. A BodySource delivers the chunks; iterators.ts cuts
 * them anew, and response.ts has what a user may ask of a Response.
 */

import type { Abortion, BodySink, BodySource } from './body-source.js';
import { GatheredBytes } from './gathered-bytes.js';
import type { ErrorDetails } from '../errors.js';
import { requestFailure, traceToCaller } from '../request-failure.js';
import { RequestError, ResponseTooLarge, StreamClosed, StreamConsumed } from '../errors.js';
import { Turns } from '../turns.js';
import type { Progress } from './received.js';

/** What is told of one body, whose declared length is `total`; null: there is none. */
export interface ProgressOfBody {
  progress: Progress;
  total: number | null;
}

export class BodyReader {
  readonly source: BodySource;
  #details: () => ErrorDetails;
  #isConsumed = false;
  #isClosed = false;
  /** Closed before its end. */
  #isGivenUp = false;
  /** The call that reads. */
  #reading = '';

  /** @param details The request and response, for errors. */
  constructor(source: BodySource, details: () => ErrorDetails) {
    this.source = source;
    this.#details = details;
  }

  /** Reading has begun. */
  get isConsumed(): boolean {
    return this.#isConsumed;
  }

  /** Read to the end, or given up. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Gives up the unread rest of the body. Idempotent. */
  close(): void {
    if (!this.#isClosed) this.#isGivenUp = true;
    this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.source.cancel();
  }

  /** Why what is at hand is not to be delivered any more: it was closed, or the caller's signal aborted; null when it is. */
  stopped(): Abortion | null {
    // It has come to its end.
    if (this.#isClosed && !this.#isGivenUp) return null;
    const abortion = this.source.abortion?.() ?? null;
    return abortion === null && this.#isGivenUp ? { reason: this.#closedWhileRead() } : abortion;
  }

  /** The whole, as one; more than `limit` bytes are ResponseTooLarge, also when only `declared`. */
  async collect(limit: number | null, declared: number | null, telling: ProgressOfBody | null): Promise<Buffer> {
    if (limit !== null && declared !== null && declared > limit) throw this.#tooLarge(limit);
    const { source } = this;
    if (source.readWhole !== undefined) return this.#collectBelow(source as Required<BodySource>, limit, telling);
    const content = new GatheredBytes();
    for await (const piece of this.pieces('read()', false, telling)) {
      content.push(piece);
      if (limit !== null && content.length > limit) throw this.#tooLarge(limit);
    }
    return content.join();
  }

  async #collectBelow(
    source: Required<BodySource>,
    limit: number | null,
    telling: ProgressOfBody | null,
  ): Promise<Buffer> {
    this.#begin('read()');
    const tell = telling === null ? null : reporter(telling);
    try {
      const whole = await source.readWhole(limit, tell);
      tell?.(source.received);
      const settled = telling?.progress.settled() ?? null;
      if (settled !== null) await settled;
      this.#isClosed = true;
      return whole;
    } catch (error) {
      traceToCaller(error);
      throw this.#ofResponse(error);
    } finally {
      this.close();
    }
  }

  /** The one reading, of a body that is there and not touched yet: all of it. Null when it is not. */
  takeAtHand(): Buffer | null {
    if (this.#isConsumed || this.#isClosed) return null;
    const whole = this.source.takeAtHand?.() ?? null;
    if (whole !== null) this.#isConsumed = this.#isClosed = true;
    return whole;
  }

  /**
   * Reads the rest as it comes, undecoded, if it is little and there soon, so that its connection serves again; else it is given up.
   * Resolves to what was read, null when that is not all.
   */
  async drain(): Promise<Buffer | null> {
    if (this.#isConsumed || this.#isClosed) {
      this.close();
      return null;
    }
    this.#isConsumed = true;
    const { source } = this;
    try {
      const rest = source.drain === undefined ? await drainPieces(source) : await source.drain();
      if (rest !== null) this.#isClosed = true;
      return rest;
    } finally {
      this.close();
    }
  }

  /**
   * The one reading.
   *
   * @param what The call, for errors.
   * @param raw As they came, with their content coding.
   * @param isCallers The application reads, and finds its line in the stack of an error.
   */
  async *pieces(what: string, raw: boolean, telling: ProgressOfBody | null, isCallers = true): AsyncGenerator<Buffer> {
    this.#begin(what);
    const { source } = this;
    const turns = new Turns();
    const tell = telling === null ? null : reporter(telling);
    try {
      for (;;) {
        const turn = turns.due();
        if (turn !== null) await turn;
        const piece = await source.read(raw);
        tell?.(source.received);
        if (piece === null) break;
        if (piece.length === 0) continue;
        yield piece;
        if (this.#isClosed) throw this.#closedWhileRead();
      }
      const settled = telling?.progress.settled() ?? null;
      if (settled !== null) await settled;
      this.#isClosed = true;
    } catch (error) {
      if (isCallers) traceToCaller(error);
      throw this.#ofResponse(error);
    } finally {
      // The iterator was left early, or reading failed: the rest is not read.
      this.#end();
    }
  }

  /** The one reading, into a file. */
  async save(sink: BodySink, telling: ProgressOfBody | null): Promise<void> {
    const { source } = this;
    if (source.save === undefined) {
      for await (const piece of this.pieces('download()', false, telling)) await sink.write(piece);
      return;
    }
    this.#begin('download()');
    const tell = telling === null ? null : reporter(telling);
    try {
      await source.save(sink, tell);
      tell?.(source.received);
      const settled = telling?.progress.settled() ?? null;
      if (settled !== null) await settled;
      this.#isClosed = true;
    } catch (error) {
      traceToCaller(error);
      throw this.#ofResponse(error);
    } finally {
      this.close();
    }
  }

  #begin(what: string): void {
    this.checkUnread(what);
    this.#isConsumed = true;
    this.#reading = what;
  }

  #closedWhileRead(): StreamClosed {
    return new StreamClosed(`${this.#reading}: the response was closed while its body was read`, this.#details());
  }

  /** @throws StreamConsumed, StreamClosed */
  checkUnread(what: string): void {
    if (this.#isConsumed) throw new StreamConsumed(`${what}: the body was read already, or in part`, this.#details());
    if (this.#isClosed) {
      throw new StreamClosed(`${what}: the response was closed before its body was read`, this.#details());
    }
  }

  /** What goes wrong with a body is about its response. */
  #ofResponse(error: unknown): unknown {
    const { response } = this.#details();
    if (error instanceof RequestError && response !== undefined) error.response ??= response;
    return error;
  }

  #tooLarge(limit: number): ResponseTooLarge {
    this.close();
    return tooLarge(limit, this.#details());
  }
}

/** Tells of the bytes received, before decoding, where there are more of them than it was told of last. */
function reporter({ progress, total }: ProgressOfBody): (received: number) => void {
  let told = 0;
  return (received) => {
    if (received <= told) return;
    told = received;
    progress.tell(received, total);
  };
}

/** The error of a body that grew beyond `maxResponseSize`. */
export function tooLarge(limit: number, details: ErrorDetails): ResponseTooLarge {
  const origin = details.request === undefined ? '' : `${details.request.url.origin}: `;
  const advice = 'for a body of that size use client.stream() or client.download()';
  const message = `${origin}the response is larger than maxResponseSize (${limit} bytes); ${advice}`;
  return requestFailure(ResponseTooLarge, message, details);
}

/** For sources that know no better way. */
async function drainPieces(source: BodySource): Promise<Buffer | null> {
  const content = new GatheredBytes();
  const turns = new Turns();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, DRAIN_MS, 'late');
  });
  try {
    for (;;) {
      const turn = turns.due();
      if (turn !== null) await turn;
      const piece = await Promise.race([source.read(true), late]);
      if (piece === null) return content.join();
      if (piece === 'late') return null;
      content.push(piece);
      if (content.length > DRAIN_BYTES) return null;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** What is read of a body that is not wanted; crates/core/src/response/read.rs has the same for the network. */
const DRAIN_BYTES = 64 * 1024;
const DRAIN_MS = 250;
