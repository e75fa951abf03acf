/** The chunked coding (RFC 9112 §7.1) as Node's ServerResponse writes it, undone. What a peer on the network sends is read by the core. */

import { ownCopy, ownText } from '../../../own-memory.js';

/** Where in a chunk the next byte stands. */
const SIZE = 0;
const DATA = 1;
const AFTER_DATA = 2;
const TRAILERS = 3;

export class ChunkedReader {
  #state = SIZE;
  /** Of a line that is not complete yet. */
  #line = '';
  /** Bytes that the chunk still has. */
  #left = 0;
  #onData: (piece: Buffer) => void;
  #onEnd: (trailerLines: string[]) => void;

  /** @param onEnd is given the trailer section, line by line */
  constructor(onData: (piece: Buffer) => void, onEnd: (trailerLines: string[]) => void) {
    this.#onData = onData;
    this.#onEnd = onEnd;
  }

  /** A write of the app's, which may hold any part of the framing. False when it is no chunk. */
  feed(data: string | Uint8Array, encoding: BufferEncoding | undefined): boolean {
    if (this.#state === DATA) {
      const bytes = toBytes(data, encoding);
      if (bytes.length <= this.#left) {
        this.#take(bytes);
        return true;
      }
      const rest = bytes.subarray(this.#left);
      this.#take(ownCopy(bytes.subarray(0, this.#left)));
      return this.feed(rest, undefined);
    }
    this.#line += typeof data === 'string' ? data : latin1(data);
    for (;;) {
      const state: number = this.#state;
      if (state === TRAILERS) return this.#readTrailers();
      const end = this.#line.indexOf('\r\n');
      if (end === -1) return true;
      const line = this.#line.slice(0, end);
      this.#line = this.#line.slice(end + 2);
      if (state === AFTER_DATA) {
        if (line !== '') return false;
        this.#state = SIZE;
        continue;
      }
      if (!/^[0-9a-f]{1,13}$/i.test(line)) return false;
      this.#left = Number.parseInt(line, 16);
      this.#state = this.#left === 0 ? TRAILERS : DATA;
      if (this.#state === TRAILERS || this.#line === '') continue;
      const rest = this.#line;
      this.#line = '';
      return this.feed(Buffer.from(rest, 'latin1'), undefined);
    }
  }

  #take(bytes: Buffer): void {
    this.#left -= bytes.length;
    if (this.#left === 0) this.#state = AFTER_DATA;
    if (bytes.length > 0) this.#onData(bytes);
  }

  #readTrailers(): boolean {
    const text = this.#line;
    const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n');
    if (end === -1) return true;
    this.#line = '';
    this.#onEnd(end === 0 ? [] : text.slice(0, end).split('\r\n'));
    return text.length === end + (end === 0 ? 2 : 4);
  }
}

/** What was written, as bytes that are ours: the app may use its buffer again as soon as it is told so. */
export function toBytes(data: string | Uint8Array, encoding: BufferEncoding | undefined): Buffer {
  return typeof data === 'string' ? ownText(data, encoding) : ownCopy(data);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
