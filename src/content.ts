/**
 * Request bodies: what a user gives, as bytes or as a source to be read piece by piece. Forms and multipart are not here;
 * framing headers are written where requests are built.
 */

import { Readable } from 'node:stream';
import { quote, StreamConsumed, typeName } from './errors.js';
import type { ContentTypes } from './types.js';

/** A request's body: none, bytes that can be sent again, or a source. */
export type Body = null | Buffer | StreamBody;

/** A body that is read as the network takes it. */
export class StreamBody {
  #open: () => AsyncIterable<unknown> | Iterable<unknown>;
  #replayable: boolean;
  #used = false;

  /** @param length Its bytes when they are known beforehand, else null (chunked). */
  constructor(
    open: () => AsyncIterable<unknown> | Iterable<unknown>,
    readonly length: number | null,
    replayable: boolean,
  ) {
    this.#open = open;
    this.#replayable = replayable;
  }

  /** Whether it can be sent from its beginning. */
  get isReplayable(): boolean {
    return this.#replayable || !this.#used;
  }

  /**
   * The pieces, from the beginning.
   * @throws StreamConsumed the second time, when the source can be read once
   */
  open(): AsyncIterator<unknown> | Iterator<unknown> {
    if (!this.isReplayable) {
      throw new StreamConsumed('The request body is a stream that was already sent; it cannot be sent again');
    }
    this.#used = true;
    const source = this.#open();
    return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }
}

/**
 * The body that `content` stands for.
 * @throws TypeError for what is no body, and for a stream that somebody reads already
 */
export function encodeContent(content: ContentTypes): Body {
  if (typeof content === 'string') return content === '' ? null : Buffer.from(content);
  if (content instanceof ArrayBuffer) return fromBytes(Buffer.from(content));
  if (ArrayBuffer.isView(content)) {
    return fromBytes(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  }
  if (content instanceof Blob) {
    return content.size === 0 ? null : new StreamBody(() => iterate(content.stream()), content.size, true);
  }
  if (content instanceof ReadableStream) {
    if (content.locked) throw new TypeError('content: the ReadableStream is locked, somebody else reads it');
    return new StreamBody(() => iterate(content), null, false);
  }
  if (content instanceof Readable) {
    if (content.destroyed || content.readableEnded) {
      throw new TypeError('content: the stream has ended or was destroyed already');
    }
    return new StreamBody(() => iterateNode(content), null, false);
  }
  if (content !== null && typeof content === 'object') {
    if (Symbol.asyncIterator in content) return new StreamBody(() => content, null, isRestartable(content, 'async'));
    if (Symbol.iterator in content) return new StreamBody(() => content, null, isRestartable(content, 'sync'));
  }
  throw new TypeError(
    `content: expected a string, bytes, a Blob, a stream or an iterable of bytes, got ${typeName(content)}`,
  );
}

/**
 * The body that `json` stands for, compact, as UTF-8.
 * @throws TypeError for what JSON cannot say: undefined, functions, bigint, cycles, NaN and infinities
 */
export function encodeJson(value: unknown): Buffer {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) {
      const where = key === '' ? '' : ` at ${quote(key)}`;
      throw new TypeError(`json: ${part}${where} has no form in JSON (it would silently become null)`);
    }
    return part;
  });
  if (text === undefined) throw new TypeError(`json: ${typeName(value)} has no form in JSON`);
  return Buffer.from(text);
}

/**
 * One piece of a source, as bytes.
 * @throws TypeError for anything else than bytes and text
 */
export function toChunk(piece: unknown): Buffer {
  if (typeof piece === 'string') return Buffer.from(piece);
  if (ArrayBuffer.isView(piece)) return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  if (piece instanceof ArrayBuffer) return Buffer.from(piece);
  throw new TypeError(`content: expected pieces of bytes or text, got ${typeName(piece)}`);
}

/** No bytes are no body: whether a length of 0 is declared depends on the method. */
function fromBytes(bytes: Buffer): Body {
  return bytes.length === 0 ? null : bytes;
}

/** A generator is its own iterator and starts only once; an array starts anew each time. */
function isRestartable(source: object, kind: 'async' | 'sync'): boolean {
  const symbol = kind === 'async' ? Symbol.asyncIterator : Symbol.iterator;
  return !('next' in source) && typeof (source as Record<symbol, unknown>)[symbol] === 'function';
}

/** A web stream, cancelled when its reader stops early, also while it waits for a piece. */
function iterate(stream: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  const reader = stream.getReader();
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const { done, value } = await reader.read();
      if (!done) return { done, value };
      reader.releaseLock();
      return { done, value: undefined };
    },
    async return() {
      await reader.cancel();
      reader.releaseLock();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** A Node stream, destroyed when its reader stops early, also while it waits for a piece. */
function iterateNode(stream: Readable): AsyncIterable<unknown> {
  const pieces = stream[Symbol.asyncIterator]();
  const iterator: AsyncIterator<unknown> = {
    next: () => pieces.next(),
    async return() {
      stream.destroy();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
