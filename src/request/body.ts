/**
 * Request bodies: what a user gives, as bytes or as a source to be read piece by piece. Forms are in form.ts, multipart in
 * multipart.ts; framing headers are written where requests are built.
 */

import { IncomingMessage } from 'node:http';
import { Duplex, PassThrough, Readable, Transform } from 'node:stream';
import type { DiskFile } from './disk-file.js';
import { isReadStream, toDiskFile } from './disk-file.js';
import { LocalProtocolError, StreamConsumed } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { requestFailure } from '../request-failure.js';
import type { ReceivedBody, StreamForm } from './brands.js';
import { isArrayBuffer, isBlob, isFormData } from './brands.js';
import type { FilePart } from './file-content.js';
import { FileContent, toFilePart } from './file-content.js';
import type { ContentTypes } from '../types.js';
import { ownText } from '../own-memory.js';
import { checkResult, TakingTurns } from '../turns.js';

/** A request's body: none, bytes that can be sent again, or a source. */
export type Body = null | Buffer | StreamBody;

/** A body that is read as the network takes it. */
export class StreamBody {
  #open: (forCore: boolean) => AsyncIterable<unknown> | Iterable<unknown>;
  #replayable: boolean;
  #used = false;
  #opened: TakingTurns<unknown> | null = null;
  /** The length that a Content-Length of the user's promises for a source that has none. */
  declared: number | null = null;
  /** All of it, where that is bytes of a file. */
  file: FilePart | null = null;

  /**
   * @param open Gives the pieces: bytes and text, and, for the core, files by their path (FilePart) as well.
   * @param length Its bytes when they are known beforehand, else null (chunked).
   */
  constructor(
    open: (forCore: boolean) => AsyncIterable<unknown> | Iterable<unknown>,
    readonly length: number | null,
    replayable: boolean,
  ) {
    this.#open = open;
    this.#replayable = replayable;
  }

  /** Whether its source can be read more than once. */
  get isReadTwice(): boolean {
    return this.#replayable;
  }

  /** Whether it can be sent from its beginning. */
  get isReplayable(): boolean {
    return this.#replayable || !this.#used;
  }

  /**
   * The pieces, from the beginning.
   *
   * @param forCore A file that the core can read is a piece as it is.
   * @throws StreamConsumed the second time, when the source can be read once
   */
  open(forCore = false): AsyncIterator<unknown> {
    if (!this.isReplayable) {
      throw requestFailure(
        StreamConsumed,
        'The request body is a stream that was already sent; it cannot be sent again',
        {},
      );
    }
    this.#used = true;
    const { declared } = this;
    const source = declared === null ? this.#open(forCore) : atMost(this.#open(false), declared);
    return (this.#opened = new TakingTurns(iteratorOf(source)));
  }

  /** What reads it is not waited for any more: an endless source would be read for ever. */
  stop(reason: unknown): void {
    this.#opened?.stop(reason);
  }
}

/**
 * The body that `content` stands for.
 * @throws TypeError for what is no body, and for a stream that is locked, has ended or was destroyed
 * @throws StreamConsumed for a web stream or an iterator that was read
 */
export function encodeContent(content: ContentTypes): Body {
  if (typeof content === 'string') return content === '' ? null : ownText(content);
  if (isArrayBuffer(content)) return fromBytes(Buffer.from(content));
  if (ArrayBuffer.isView(content)) {
    return fromBytes(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  }
  if (content instanceof FileContent) return fileBody(content, 'content');
  if (isBlob(content)) return content.size === 0 ? null : blobBody(content, 'content');
  if (content instanceof ReadableStream) {
    if (content.locked) throw new TypeError('content: the ReadableStream is locked: it has another reader');
    checkUnread(content);
    return new StreamBody(() => iterate(checkUnread(content)), null, false);
  }
  if (content instanceof Readable) {
    if (content.readableEncoding !== null && !content.readableObjectMode) {
      throw new TypeError(
        `content: expected a stream of bytes, got one of text (setEncoding('${content.readableEncoding}'))`,
      );
    }
    return nodeBody(content, 'content');
  }
  if ((content as unknown) instanceof URLSearchParams || isFormData(content)) {
    throw new TypeError(`content: expected a body as it is, got ${typeName(content)}: forms are given as data`);
  }
  if (content !== null && typeof content === 'object') {
    if (Symbol.asyncIterator in content) return iterableBody(content, 'async');
    if (Symbol.iterator in content) return iterableBody(content, 'sync');
  }
  throw new TypeError(
    `content: expected a string, bytes, a Blob, a stream or an iterable of bytes, got ${typeName(content)}`,
  );
}

/**
 * The body of a response, as it arrives. It is decoded, unless the request has the response's Content-Encoding, as that of a gateway
 * that passes on the headers.
 *
 * @param coding The request's own Content-Encoding.
 * @throws StreamConsumed, StreamClosed for a response that was read or closed; LocalProtocolError for one that was decoded already
 */
export function responseBody(response: ReceivedBody, coding: string | undefined): Body {
  const isCoded = coding !== undefined && coding === response.headers.get('content-encoding');
  const body = response.toBody(isCoded);
  if (Buffer.isBuffer(body)) return fromBytes(body);
  return new StreamBody(() => body.open(), body.length, false);
}

/**
 * A Blob, from memory or from disk (`fs.openAsBlob`).
 * @param what The option, for errors.
 */
export function blobBody(blob: Blob, what: string): StreamBody {
  return new StreamBody(() => exactly(iterateBlob(blob), blob.size, what), blob.size, true);
}

/**
 * A file by its path.
 * @param what The option, for errors.
 */
export function fileBody(content: FileContent, what: string): StreamBody {
  const part = toFilePart(content, what);
  const body = new StreamBody((forCore) => (forCore ? [part] : part), part.length, true);
  body.file = part;
  return body;
}

/**
 * A Node stream. That of a file has a length, and can be read again.
 * @param what The option, for errors.
 */
export function nodeBody(stream: Readable, what: string): StreamBody {
  const file: DiskFile | null = isReadStream(stream) ? toDiskFile(stream, what) : null;
  if (file !== null) {
    const { length, isReplayable } = file;
    const open = () => iterateNode(file.open());
    return new StreamBody(length === null ? open : () => exactly(open(), length, what), length, isReplayable);
  }
  if (stream.destroyed || stream.readableEnded) {
    throw new TypeError(`${what}: the stream has ended or was destroyed already`);
  }
  // Reading reports the stream's errors. Until it begins, and if it never does, 'error' must not end the process.
  stream.on('error', () => {});
  return new StreamBody(() => iterateNode(stream), null, false);
}

/** The form of npm's form-data: read as it writes itself, once. */
export function streamFormBody(form: StreamForm): StreamBody {
  const length = form.hasKnownLength?.() === true ? (form.getLengthSync?.() ?? null) : null;
  const open = () => {
    const pieces = new PassThrough();
    form.on('error', (error: Error) => pieces.destroy(error));
    return iterateNode(form.pipe(pieces));
  };
  return new StreamBody(open, length, false);
}

/**
 * The body that `json` stands for, compact, as UTF-8.
 * @throws TypeError for what JSON cannot say: undefined, functions, bigint, cycles, NaN and infinities
 */
export function encodeJson(value: unknown): Buffer {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) {
      throw new TypeError(`json: ${part}${at(key)} has no form in JSON (it would silently become null)`);
    }
    if (typeof part === 'bigint') throw new TypeError(`json: a bigint${at(key)} has no form in JSON`);
    return part;
  });
  if (text === undefined) throw new TypeError(`json: ${typeName(value)} has no form in JSON`);
  return ownText(text);
}

/**
 * One piece of a source, as bytes.
 * @throws TypeError for anything else than bytes and text
 */
export function toChunk(piece: unknown): Buffer {
  if (typeof piece === 'string') return Buffer.from(piece);
  if (ArrayBuffer.isView(piece)) return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  if (isArrayBuffer(piece)) return Buffer.from(piece);
  // One that rejects is not to end the process: no one else has it.
  if (piece instanceof Promise) piece.catch(() => {});
  throw new TypeError(`content: expected pieces of bytes or text, got ${typeName(piece)}`);
}

/** @throws TypeError for what says that it is iterable and is not */
function iteratorOf(source: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  const name = Symbol.asyncIterator in source ? 'asyncIterator' : 'iterator';
  const method: unknown = (source as unknown as Record<symbol, unknown>)[Symbol[name]];
  const pieces: unknown = typeof method === 'function' ? Reflect.apply(method, source, []) : undefined;
  const isObject = pieces !== null && typeof pieces === 'object';
  if (isObject && typeof (pieces as Iterator<unknown>).next === 'function') return pieces as Iterator<unknown>;
  const what =
    typeof method === 'function' ? `[Symbol.${name}]() to return an iterator` : `[Symbol.${name}] to be a method`;
  throw new TypeError(`content: expected ${what}, got ${typeName(typeof method === 'function' ? pieces : method)}`);
}

/** Where in the value; nothing for the whole of it. */
function at(key: string): string {
  return key === '' ? '' : ` at ${quote(key)}`;
}

/** No bytes are no body: whether a length of 0 is declared depends on the method. */
function fromBytes(bytes: Buffer): Body {
  return bytes.length === 0 ? null : bytes;
}

/** Read, it is empty, and would pass for an empty body. */
function checkUnread(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  if (Readable.isDisturbed(stream as never)) throw new StreamConsumed('content: the ReadableStream was read already');
  return stream;
}

function iterableBody(source: AsyncIterable<unknown> | Iterable<unknown>, kind: 'async' | 'sync'): StreamBody {
  if (isRestartable(source, kind)) return new StreamBody(() => source, null, true);
  // Another request has sent it: what is left of it is nothing, and would pass for an empty body.
  const check = () => {
    if (spent.has(source)) throw new StreamConsumed('content: the iterator was already sent with another request');
  };
  check();
  const open = () => {
    check();
    spent.add(source);
    return source;
  };
  return new StreamBody(open, null, false);
}

/** A generator is its own iterator and starts only once; an array starts anew each time. */
function isRestartable(source: object, kind: 'async' | 'sync'): boolean {
  const symbol = kind === 'async' ? Symbol.asyncIterator : Symbol.iterator;
  return !('next' in source) && typeof (source as Record<symbol, unknown>)[symbol] === 'function';
}

/** Those of other packages give web streams of their own, or Node's. */
function iterateBlob(blob: Blob): AsyncIterable<unknown> {
  const stream: ReadableStream<Uint8Array> | Readable = blob.stream();
  return stream instanceof Readable ? iterateNode(stream) : iterate(stream);
}

/** A web stream, cancelled when its reader stops early, also while it waits for a piece. */
function iterate(stream: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  const reader = stream.getReader();
  let isDone = false;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      // Asked again after its end, it has ended still.
      if (isDone) return { done: true, value: undefined };
      const { done, value } = await reader.read();
      if (!done) return { done, value };
      isDone = true;
      reader.releaseLock();
      return { done, value: undefined };
    },
    async return() {
      if (!isDone) {
        isDone = true;
        await reader.cancel();
        reader.releaseLock();
      }
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/**
 * As many bytes as were promised: what a file has grown by is left out, and one that shrank ends the request.
 * @throws LocalProtocolError
 */
function exactly(source: AsyncIterable<unknown>, length: number, what: string): AsyncIterable<Buffer> {
  const pieces = source[Symbol.asyncIterator]();
  let left = length;
  const iterator: AsyncIterator<Buffer> = {
    async next() {
      if (left === 0) {
        void (async () => pieces.return?.())().catch(() => {});
        return { done: true, value: undefined };
      }
      const { done, value } = await pieces.next().catch((cause: unknown) => {
        throw hasChanged(cause) ? shrunk(what, length, length - left, cause) : cause;
      });
      if (done) throw shrunk(what, length, length - left);
      const piece = toChunk(value);
      const part = piece.length > left ? piece.subarray(0, left) : piece;
      left -= part.length;
      return { done: false, value: part };
    },
    async return() {
      await pieces.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/**
 * The pieces of a source, the last of them held back until it is known that none follows: the core ends a body at its declared
 * length and would not see what is too much.
 *
 * @throws LocalProtocolError
 */
function atMost(source: AsyncIterable<unknown> | Iterable<unknown>, declared: number): AsyncIterable<Buffer> {
  const pieces = iteratorOf(source);
  let sent = 0;
  const iterator: AsyncIterator<Buffer> = {
    async next() {
      const { done, value } = checkResult(await pieces.next());
      if (done) return { done, value: undefined };
      const piece = toChunk(value);
      sent += piece.length;
      // Empty pieces are nothing.
      while (sent >= declared) {
        const after = sent > declared ? null : checkResult(await pieces.next());
        if (after?.done) break;
        sent += after === null ? 0 : toChunk(after.value).length;
        if (sent > declared) {
          void (async () => pieces.return?.())().catch(() => {});
          throw requestFailure(
            LocalProtocolError,
            `Too much data for declared Content-Length: more than ${declared} bytes`,
            {},
          );
        }
      }
      return { done: false, value: piece };
    },
    async return() {
      await pieces.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** What a Blob of a file says when the file is another one by now. */
function hasChanged(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotReadableError';
}

function shrunk(what: string, length: number, sent: number, cause?: unknown): LocalProtocolError {
  const message = `${what}: the file changed while it was sent: Too little data for declared Content-Length, ${sent} of ${length} bytes`;
  return requestFailure(LocalProtocolError, message, cause === undefined ? {} : { cause });
}

/** A Node stream, let go when its reader stops early, also while it waits for a piece. */
export function iterateNode(stream: Readable): AsyncIterable<unknown> {
  const isLent = isConversation(stream);
  const pieces = stream.iterator({ destroyOnReturn: !isLent });
  const iterator: AsyncIterator<unknown> = {
    next: () => pieces.next(),
    async return() {
      if (isLent) {
        // Its peer may read no answer before it has written all: what is left is read and thrown away, as Node's server does.
        await pieces.return?.();
        stream.resume();
      } else {
        stream.destroy();
      }
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/**
 * Whether destroying it would take away more than what was read from it: the request of a server, whose answer goes out over
 * the same connection; a socket or HTTP/2 stream that can still be written to. A Transform is a pipeline of its owner's.
 */
function isConversation(stream: Readable): boolean {
  if (stream instanceof IncomingMessage) return stream.statusCode === null;
  if (stream instanceof Duplex) return stream.writable && !(stream instanceof Transform);
  // Of node:http2's compatibility layer, whose class is not loaded for this.
  return 'stream' in stream && (stream.stream as unknown) instanceof Duplex;
}

/** Iterators that can be read once, and were. */
const spent = new WeakSet<object>();
