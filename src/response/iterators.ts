/** Cutting a body: into pieces of one size, into lines, into a web stream. */

import type { UnderlyingSource } from 'node:stream/web';
import type { ErrorDetails } from '../errors.js';
import { DecodingError } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { checkOptions } from '../check-options.js';
import { ownCopy, ownJoin } from '../own-memory.js';
import type { Abortion } from './body-source.js';
import { HeldText, MAX_HELD_SIZE } from './held-pieces.js';
import type { ItemParser } from './item-iterator.js';
import type { PieceDecoder } from './text.js';
import { bare } from '../bare.js';
import { Turns } from '../turns.js';

/**
 * Pieces of exactly `size`, the last possibly shorter; as they come when `size` is null. Empty ones are left out. A cut that would
 * divide a surrogate pair comes after it: half a character is no text, and would be lost when it is encoded.
 */
export async function* toPieces<T extends string | Buffer>(
  source: AsyncIterable<T>,
  size: number | null,
): AsyncGenerator<T> {
  if (size === null) {
    yield* source;
    return;
  }
  let waiting: T[] = [];
  let length = 0;
  const joined = () => (typeof waiting[0] === 'string' ? waiting.join('') : ownJoin(waiting as Buffer[])) as T;
  for await (const piece of source) {
    waiting.push(piece);
    length += piece.length;
    if (length < size) continue;
    const all = joined();
    let at = 0;
    while (all.length - at >= size) {
      const end = at + size + (dividesPair(all, at + size) ? 1 : 0);
      // The other half may be on its way.
      if (end > all.length) break;
      const piece = cut(all, at, end);
      yield typeof piece === 'string' ? piece : (ownCopy(piece) as T);
      at = end;
    }
    waiting = at < all.length ? [cut(all, at, all.length)] : [];
    length = all.length - at;
  }
  if (length > 0) yield joined();
}

function dividesPair(whole: string | Buffer, at: number): boolean {
  if (typeof whole !== 'string' || (whole.charCodeAt(at - 1) & 0xfc00) !== 0xd800) return false;
  return at === whole.length || (whole.charCodeAt(at) & 0xfc00) === 0xdc00;
}

/** A part of it, without a copy. */
export function cut<T extends string | Buffer>(whole: T, start: number, end: number): T {
  return (typeof whole === 'string' ? whole.slice(start, end) : whole.subarray(start, end)) as T;
}

/** Lines without their ends: LF, CR and CRLF, also when a CRLF is split over two pieces. A last line break ends no empty line. */
export class LineParser implements ItemParser<string, string> {
  /** There is a line that is too long: those before it have been returned. */
  failure: DecodingError | null = null;
  #details: () => ErrorDetails;
  #maxSize: number;
  #begun = new HeldText();
  #isAfterCarriageReturn = false;

  /**
   * @param details The request and response, for errors.
   * @param maxSize UTF-16 code units of a line.
   */
  constructor(details: () => ErrorDetails, maxSize = MAX_HELD_SIZE) {
    this.#details = details;
    this.#maxSize = maxSize;
  }

  push(piece: string): string[] {
    let text = piece;
    if (this.#isAfterCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    if (text === '') {
      this.#isAfterCarriageReturn = false;
      return [];
    }
    this.#isAfterCarriageReturn = text.endsWith('\r');
    // Nearly no server writes CR, and a pattern takes several times as long.
    const lines = text.includes('\r') ? text.split(/\r\n|\n|\r/) : text.split('\n');
    const rest = lines.pop() as string;
    if (lines.length > 0 && this.#begun.size > 0) {
      // It may have become too long by its end.
      if (!this.#fits(lines[0])) return [];
      lines[0] = this.#begun.take(lines[0]);
    }
    if (rest !== '' && this.#fits(rest)) this.#begun.hold(rest);
    return lines;
  }

  end(): string[] {
    return this.#begun.size === 0 ? [] : [this.#begun.take('')];
  }

  /** False when the line that was begun has become too long with this. */
  #fits(text: string): boolean {
    if (this.#begun.size + text.length <= this.#maxSize) return true;
    this.#begun = new HeldText();
    const message = `iterLines(): a line is longer than ${this.#maxSize} characters`;
    this.failure = requestFailure(DecodingError, message, this.#details());
    return false;
  }
}

/**
 * The same iterator, whose `return()` closes what it reads from at once: a generator would do so only after it was begun, and
 * after the piece that it waits for. When reading is to stop, what the generator has of a piece is not asked for. A piece may have
 * lines by the ten thousand: others have their turns in between.
 */
export function closingEarly<T>(
  pieces: AsyncGenerator<T>,
  close: () => Promise<void>,
  stopped: () => Abortion | null,
): AsyncIterableIterator<T> {
  const turns = new Turns();
  /** Neither before it was begun, where the generator says why it cannot be, nor after it was left. */
  let isUnderWay = false;
  let isLeft = false;
  return {
    next() {
      const stop = isUnderWay ? stopped() : null;
      if (stop !== null) {
        void this.return?.();
        return Promise.reject(stop.reason as Error);
      }
      isUnderWay = !isLeft;
      const turn = turns.due();
      return turn === null ? pieces.next() : turn.then(() => pieces.next());
    },
    async return(value?: unknown) {
      isLeft = true;
      isUnderWay = false;
      await close();
      // Ends the generator, when its turn comes; a read that was pending has failed already.
      pieces.return(undefined).catch(() => {});
      return { done: true, value };
    },
    throw: (error?: unknown) => pieces.throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A web stream without read-ahead: each pull reads one chunk. `close` is called when the stream is cancelled, begun or not. */
export function streamOf(
  open: () => AsyncIterator<Uint8Array>,
  close: () => Promise<void>,
): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>(
    bare<UnderlyingSource<Uint8Array>>({
      async pull(controller) {
        iterator ??= open();
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: close,
    }),
    bare({ highWaterMark: 0 }),
  );
}

/**
 * `chunkSize`, if it was given.
 * @param what Whose options these are.
 * @throws TypeError for what is no integer from 1, and for other options
 */
export function chunkSizeOf(options: { chunkSize?: number }, what: string): number | null {
  checkOptions(options, chunkOptions, what);
  const size = Object.hasOwn(options, 'chunkSize') ? options.chunkSize : undefined;
  if (size === undefined) return null;
  if (!Number.isInteger(size) || size < 1) {
    throw new TypeError(`chunkSize: ${String(size)} is not allowed, expected an integer from 1`);
  }
  return size;
}

/** One piece, unless it is empty. */
export async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

/** Bytes to text, also where they were cut inside of a character. */
export async function* decodePieces(pieces: AsyncIterable<Buffer>, decoder: PieceDecoder): AsyncGenerator<string> {
  for await (const piece of pieces) {
    const text = decoder.write(piece);
    if (text !== '') yield text;
  }
  const rest = decoder.end();
  if (rest !== '') yield rest;
}

const chunkOptions = ['chunkSize'];
