/**
 * JSON values out of a body, one after the other: a value a line (NDJSON, JSON Lines), or a JSON text sequence (RFC 7464), in which
 * each value stands behind a record separator and may have lines of its own. The first byte tells which of the two it is.
 */

import type { ErrorDetails } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { DecodingError } from '../errors.js';
import { HeldBytes } from './held-bytes.js';

/**
 * The values, each as soon as its end is there.
 *
 * @param details The request and response, for errors.
 * @throws DecodingError naming the line, or the record of a sequence, that is no JSON, with the SyntaxError as its cause
 */
export async function* jsonValues(chunks: AsyncIterable<Buffer>, details: () => ErrorDetails): AsyncGenerator<unknown> {
  let reader: Reader | null = null;
  let beginning: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let bytes = chunk;
    if (reader === null) {
      beginning = beginning.length === 0 ? chunk : Buffer.concat([beginning, chunk]);
      // A byte order mark may come in pieces.
      if (beginning.length < MARK.length && MARK.subarray(0, beginning.length).equals(beginning)) continue;
      bytes = MARK.equals(beginning.subarray(0, MARK.length)) ? beginning.subarray(MARK.length) : beginning;
      if (bytes.length === 0) continue;
      reader = bytes[0] === RS ? new SequenceReader(details) : new LineReader(details);
    }
    yield* reader.push(bytes);
  }
  if (reader !== null) yield* reader.end();
}

interface Reader {
  push(bytes: Buffer): Iterable<unknown>;
  /** What the end of the body completes. */
  end(): Iterable<unknown>;
}

/** A value a line. Ends of lines are LF, with or without a CR, which JSON takes for white space. Empty lines are passed over. */
class LineReader implements Reader {
  #held: Held;
  #details: () => ErrorDetails;
  #line = 0;

  constructor(details: () => ErrorDetails) {
    this.#details = details;
    this.#held = new Held('line', details);
  }

  *push(bytes: Buffer): Iterable<unknown> {
    const end = bytes.lastIndexOf(LF) + 1;
    if (end > 0) {
      const whole = this.#held.take(bytes.subarray(0, end));
      // Many lines in one string: as fast as one line.
      yield* this.#values(whole.utf8Slice(0, whole.length));
    }
    this.#held.hold(bytes.subarray(end), this.#line + 1);
  }

  *end(): Iterable<unknown> {
    const last = this.#held.take(Buffer.alloc(0));
    if (last.length > 0) yield* this.#values(`${last.utf8Slice(0, last.length)}\n`);
  }

  *#values(text: string): Iterable<unknown> {
    for (let at = 0; at < text.length;) {
      const end = text.indexOf('\n', at);
      this.#line++;
      // Also between records that are separated twice: LF and a lone separator.
      const line = text.slice(at, end);
      if (!isBlank(line)) yield parse(line, `line ${this.#line}`, this.#details);
      at = end + 1;
    }
  }
}

/** RFC 7464: each value between a record separator and a line feed; one that is cut off before its line feed is an error. */
class SequenceReader implements Reader {
  #held: Held;
  #details: () => ErrorDetails;
  #record = 0;
  /** The value of the record under way has been given out already. */
  #isGiven = false;
  /** Bytes from which the record under way is tried again: with each trial twice as many, so that a long one costs no more than two. */
  #nextTrial = 0;

  constructor(details: () => ErrorDetails) {
    this.#details = details;
    this.#held = new Held('record', details);
  }

  *push(bytes: Buffer): Iterable<unknown> {
    let at = 0;
    for (let separator = bytes.indexOf(RS); separator !== -1; separator = bytes.indexOf(RS, at)) {
      yield* this.#finish(this.#held.take(bytes.subarray(at, separator)));
      this.#record++;
      this.#isGiven = false;
      this.#nextTrial = 0;
      at = separator + 1;
    }
    this.#held.hold(bytes.subarray(at), this.#record);
    if (bytes[bytes.length - 1] === LF) yield* this.#tryEarly();
  }

  *end(): Iterable<unknown> {
    yield* this.#finish(this.#held.take(Buffer.alloc(0)));
  }

  /** The record is there when its line feed is, not only when the next one begins. */
  *#tryEarly(): Iterable<unknown> {
    if (this.#isGiven || this.#held.size < this.#nextTrial) return;
    const bytes = this.#held.take(Buffer.alloc(0));
    const text = bytes.utf8Slice(0, bytes.length);
    if (isBlank(text)) return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // A line feed within the value.
      this.#held.hold(bytes, this.#record);
      this.#nextTrial = 2 * bytes.length;
      return;
    }
    this.#isGiven = true;
    yield value;
  }

  *#finish(bytes: Buffer): Iterable<unknown> {
    const text = bytes.utf8Slice(0, bytes.length);
    if (isBlank(text)) return;
    const where = `record ${this.#record}`;
    if (this.#isGiven) throw broken(where, 'more than one value', undefined, this.#details);
    const value = parse(text, where, this.#details);
    // RFC 7464 §2.4: without white space behind it, a number, true, false or null may have lost its end.
    if (typeof value !== 'object' && typeof value !== 'string' && !/\s$/.test(text)) {
      throw broken(where, 'it may be cut off: no line feed behind it', undefined, this.#details);
    }
    yield value;
  }
}

/** A value whose end has not come, of a bounded length. */
class Held {
  #bytes = new HeldBytes();
  #what: string;
  #details: () => ErrorDetails;

  constructor(what: string, details: () => ErrorDetails) {
    this.#what = what;
    this.#details = details;
  }

  hold(bytes: Buffer, number: number): void {
    if (bytes.length === 0) return;
    this.#bytes.hold(bytes);
    if (this.size > MAX_VALUE_BYTES) {
      throw broken(`${this.#what} ${number}`, `longer than ${MAX_VALUE_BYTES} bytes`, undefined, this.#details);
    }
  }

  get size(): number {
    return this.#bytes.size;
  }

  take(bytes: Buffer): Buffer {
    return this.#bytes.take(bytes);
  }
}

function parse(text: string, where: string, details: () => ErrorDetails): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw broken(where, (cause as Error).message, cause, details);
  }
}

function broken(where: string, why: string, cause: unknown, details: () => ErrorDetails): DecodingError {
  return requestFailure(DecodingError, `iterJson(): ${where} is no JSON: ${why}`, { ...details(), cause });
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

const LF = 10;
/** The record separator. */
const RS = 0x1e;
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** What still fits into a string, with room to spare. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;
