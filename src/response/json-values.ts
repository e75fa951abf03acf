/**
 * JSON values out of a body, one after the other: a value a line (NDJSON, JSON Lines), or a JSON text sequence (RFC 7464), in which
 * each value stands behind a record separator and may have lines of its own. The first byte tells which of the two it is.
 */

import type { ErrorDetails } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { withoutSnippet } from './unreadable-body.js';
import { DecodingError } from '../errors.js';
import { HeldBytes, MAX_HELD_SIZE } from './held-pieces.js';
import type { ItemParser } from './item-iterator.js';
import { utf8Text } from './text.js';

/**
 * The values, each as soon as its end is there. Fails with a DecodingError naming the line, or the record of a sequence, that is no
 * JSON, with the SyntaxError as its cause.
 */
export class JsonParser<T> implements ItemParser<Buffer, T> {
  failure: DecodingError | null = null;
  #details: () => ErrorDetails;
  #reader: Reader | null = null;
  #beginning: Buffer = NOTHING;

  /** @param details The request and response, for errors. */
  constructor(details: () => ErrorDetails) {
    this.#details = details;
  }

  push(chunk: Buffer): T[] {
    return this.#values((values) => {
      const bytes = this.#reader === null ? this.#begin(chunk) : chunk;
      this.#reader?.push(bytes, values);
    });
  }

  end(): T[] {
    return this.#values((values) => this.#reader?.end(values));
  }

  /** Without a byte order mark, which may come in pieces. */
  #begin(chunk: Buffer): Buffer {
    const beginning = (this.#beginning =
      this.#beginning.length === 0 ? chunk : Buffer.concat([this.#beginning, chunk]));
    if (beginning.length < MARK.length && MARK.subarray(0, beginning.length).equals(beginning)) return NOTHING;
    const bytes = MARK.equals(beginning.subarray(0, MARK.length)) ? beginning.subarray(MARK.length) : beginning;
    if (bytes.length === 0) return NOTHING;
    this.#reader = bytes[0] === RS ? new SequenceReader(this.#details) : new LineReader(this.#details);
    this.#beginning = NOTHING;
    return bytes;
  }

  /** Those before what is no JSON are given out before the error. */
  #values(read: (values: unknown[]) => void): T[] {
    const values: unknown[] = [];
    try {
      if (this.failure === null) read(values);
    } catch (error) {
      if (!(error instanceof DecodingError)) throw error;
      this.failure = error;
    }
    return values as T[];
  }
}

interface Reader {
  /** Appends the values that these bytes complete. */
  push(bytes: Buffer, values: unknown[]): void;
  /** Appends what the end of the body completes. */
  end(values: unknown[]): void;
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

  push(bytes: Buffer, values: unknown[]): void {
    const end = bytes.lastIndexOf(LF) + 1;
    // Many lines in one string: as fast as one line.
    if (end > 0) this.#lines(utf8Text(this.#held.take(bytes.subarray(0, end))), values);
    this.#held.hold(bytes.subarray(end), this.#line + 1);
  }

  end(values: unknown[]): void {
    const last = this.#held.take(NOTHING);
    if (last.length > 0) this.#lines(`${utf8Text(last)}\n`, values);
  }

  #lines(text: string, values: unknown[]): void {
    const objects = objectsOf(text);
    if (objects !== null) {
      for (const object of objects) values.push(object);
      this.#line += objects.length;
      return;
    }
    for (let at = 0; at < text.length;) {
      const end = text.indexOf('\n', at);
      this.#line++;
      const line = text.slice(at, end);
      if (!isBlank(line)) values.push(this.#value(line));
      at = end + 1;
    }
  }

  #value(line: string): unknown {
    try {
      return JSON.parse(line);
    } catch (cause) {
      const shown = withoutSnippet(cause, line, this.#details().request);
      throw broken(`line ${this.#line}`, (shown as Error).message, shown, this.#details);
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

  push(bytes: Buffer, values: unknown[]): void {
    let at = 0;
    for (let separator = bytes.indexOf(RS); separator !== -1; separator = bytes.indexOf(RS, at)) {
      this.#finish(this.#held.take(bytes.subarray(at, separator)), values);
      this.#record++;
      this.#isGiven = false;
      this.#nextTrial = 0;
      at = separator + 1;
    }
    this.#held.hold(bytes.subarray(at), this.#record);
    if (bytes[bytes.length - 1] === LF) this.#tryEarly(values);
  }

  end(values: unknown[]): void {
    this.#finish(this.#held.take(NOTHING), values);
  }

  /** The record is there when its line feed is, not only when the next one begins. */
  #tryEarly(values: unknown[]): void {
    if (this.#isGiven || this.#held.size < this.#nextTrial) return;
    const bytes = this.#held.take(NOTHING);
    const text = utf8Text(bytes);
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
    values.push(value);
  }

  #finish(bytes: Buffer, values: unknown[]): void {
    const text = utf8Text(bytes);
    if (isBlank(text)) return;
    const where = `record ${this.#record}`;
    if (this.#isGiven) throw broken(where, 'more than one value', undefined, this.#details);
    const value = parse(text, where, this.#details);
    // RFC 7464 §2.4: without white space behind it, a number, true, false or null may have lost its end.
    if (typeof value !== 'object' && typeof value !== 'string' && !/\s$/.test(text)) {
      throw broken(where, 'it may be cut off: no line feed behind it', undefined, this.#details);
    }
    values.push(value);
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
    if (this.size > MAX_HELD_SIZE) {
      throw broken(`${this.#what} ${number}`, `longer than ${MAX_HELD_SIZE} bytes`, undefined, this.#details);
    }
  }

  get size(): number {
    return this.#bytes.size;
  }

  take(bytes: Buffer): Buffer {
    return this.#bytes.take(bytes);
  }
}

/**
 * The values of lines each of which is an object without arrays, as most are: at once, which is faster than one after the other. Null
 * when they are something else, or perhaps.
 *
 * Between two lines stands `,\n{`. No string has a line feed in it, no member of an object begins with a bracket, and there is no other
 * array: each of these commas separates two values. So where there are as many values as lines, each line is one.
 */
function objectsOf(text: string): unknown[] | null {
  if (text.length < WORTH_JOINING || text.includes('[')) return null;
  let count = 0;
  for (let at = 0; at < text.length; at = text.indexOf('\n', at) + 1) {
    if (text.charCodeAt(at) !== OPENING_BRACE) return null;
    count++;
  }
  try {
    const values = JSON.parse(`[${text.slice(0, -1).replaceAll('\n', ',\n')}]`) as unknown[];
    return values.length === count ? values : null;
  } catch {
    // Which line it is will be found out.
    return null;
  }
}

function parse(text: string, where: string, details: () => ErrorDetails): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const shown = withoutSnippet(cause, text, details().request);
    throw broken(where, (shown as Error).message, shown, details);
  }
}

function broken(where: string, why: string, cause: unknown, details: () => ErrorDetails): DecodingError {
  return requestFailure(DecodingError, `iterJson(): ${where} is no JSON: ${why}`, { ...details(), cause });
}

function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  // Most by far begin with a bracket.
  return !(first > 0x20 && first < 0x7f) && text.trim() === '';
}

const LF = 10;
const OPENING_BRACE = 0x7b;
/** Characters. */
const WORTH_JOINING = 256;
/** The record separator. */
const RS = 0x1e;
const NOTHING: Buffer = Buffer.alloc(0);
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
