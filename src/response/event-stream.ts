/**
 * Server-sent events: bytes to events, as WHATWG HTML 9.2.6 ("Interpreting an event stream") has it. Connecting again is
 * `client/events.ts`'s.
 */

import type { ErrorDetails } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { DecodingError, RemoteProtocolError } from '../errors.js';
import { typeName } from '../shown-text.js';
import { checkOptions } from '../check-options.js';
import { HeldBytes } from './held-pieces.js';
import type { ItemParser } from './item-iterator.js';
import { utf8Text } from './text.js';
import type { Request } from '../request/request.js';
import { withoutSnippet } from './unreadable-body.js';

/** What an event keeps that no one sees: not logged, not compared, and no part of its type, which an object of one's own may have. */
class Kept {
  #request: Request | undefined;

  static set(event: Kept, request: Request | undefined): void {
    event.#request = request;
  }

  /** What asked for it; undefined for one that was made by hand. */
  static requestOf(event: Kept): Request | undefined {
    return #request in event ? event.#request : undefined;
  }
}
const Base: new () => object = Kept;

/** One event of an event stream. @since 0.1.0 */
export class ServerSentEvent extends Base {
  /** The type: 'message' unless the server named another. @since 0.1.0 */
  readonly event: string;
  /** The `data` lines, joined by line feeds. @since 0.1.0 */
  readonly data: string;
  /** The last event id that the stream has set so far; '' when it set none. @since 0.1.0 */
  readonly id: string;
  /** The `retry` that this event carried, in milliseconds; null when it carried none. @since 0.1.0 */
  readonly retry: number | null;

  /** For tests and apps of one's own; the client makes them from a stream. @since 0.1.0 */
  constructor(event: string, data: string, id = '', retry: number | null = null) {
    super();
    this.event = event;
    this.data = data;
    this.id = id;
    this.retry = retry;
  }

  /**
   * The value that `data` is the JSON of.
   *
   * @throws DecodingError, with the SyntaxError as its cause, when it is none
   * @since 0.1.0
   */
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.data) as T;
    } catch (thrown) {
      const request = Kept.requestOf(this as unknown as Kept);
      const cause = withoutSnippet(thrown, this.data, request) as Error;
      const message = `the data of the event '${this.event}' is no JSON: ${cause.message}`;
      throw requestFailure(DecodingError, message, { __proto__: null, cause, request } as ErrorDetails);
    }
  }
}

/** How an event stream is read. @since 0.1.0 */
export interface EventStreamOptions {
  /** Longest event, in bytes; a longer one is a RemoteProtocolError. Default: 16 MiB. @since 0.1.0 */
  maxEventSize?: number;
}

/** What the parser knows beyond the events, for the request that reconnects. */
export interface EventStreamState {
  /** As the stream had set it at its last empty line; '' at the beginning, and when it was set to nothing. */
  lastEventId: string;
  /** Milliseconds, as the stream asked for; null when it has not. */
  retry: number | null;
}

/**
 * Parses chunks of an event stream. Lines end at LF, CR or CRLF; what a chunk leaves unfinished waits for the next one, and what
 * the end leaves unfinished is dropped.
 */
export class EventStreamParser implements EventStreamState, ItemParser<Buffer, ServerSentEvent> {
  lastEventId: string;
  retry: number | null = null;
  /** The stream holds an event that is too large: what was before it has been returned. */
  failure: RemoteProtocolError | null = null;
  #maxEventSize: number;
  #details: ErrorDetails;
  /** Each event has it, and not the response: one that is kept holds no memory of the network's. */
  #request: Request | undefined;
  #isFirst = true;
  #skipsLineFeed = false;
  /** The beginning of a line. */
  #begun = new HeldBytes();
  /** Of `data` lines that came before, many joined: a line takes more room than its bytes. */
  #blocks: string[] = [];
  #data: string[] = [];
  #dataSize = 0;
  /** The lines of `#data` whose bytes are counted, and their sum. */
  #counted = 0;
  #countedSize = 0;
  #event = '';
  #id: string;
  #eventRetry: number | null = null;

  constructor(maxEventSize: number, details: ErrorDetails, lastEventId = '') {
    this.#maxEventSize = maxEventSize;
    this.#details = details;
    this.#request = details.request;
    this.lastEventId = this.#id = lastEventId;
  }

  /** The events that this chunk completes. */
  push(chunk: Buffer): ServerSentEvent[] {
    let bytes = chunk;
    if (this.#isFirst) {
      bytes = this.#takeHeld(bytes);
      // A byte order mark may come in pieces.
      if (bytes.length < MARK.length && MARK.subarray(0, bytes.length).equals(bytes)) {
        this.#hold(bytes);
        return [];
      }
      this.#isFirst = false;
      if (MARK.equals(bytes.subarray(0, MARK.length))) bytes = bytes.subarray(MARK.length);
    }
    const events: ServerSentEvent[] = [];
    const end = endOfLines(bytes);
    if (end > 0) {
      const lines = this.#takeHeld(bytes.subarray(0, end));
      this.#lines(utf8Text(lines), events);
    }
    if (end < bytes.length) this.#hold(bytes.subarray(end));
    return events;
  }

  /** What the end leaves unfinished is no event. */
  end(): ServerSentEvent[] {
    return [];
  }

  /** What was held, and these bytes behind it. */
  #takeHeld(bytes: Buffer): Buffer {
    return this.#begun.take(bytes);
  }

  /** Bytes of a line whose end has not come. */
  #hold(bytes: Buffer): void {
    if (this.failure !== null || bytes.length === 0) return;
    this.#begun.hold(bytes);
    if (this.#begun.size + this.#dataSize > this.#maxEventSize) this.#fail();
  }

  /** Whole lines; the last one ends with the text. */
  #lines(text: string, events: ServerSentEvent[]): void {
    let at = 0;
    if (this.#skipsLineFeed && text.charCodeAt(0) === LF) at = 1;
    this.#skipsLineFeed = text.charCodeAt(text.length - 1) === CR;
    // Nearly no server writes CR: the next one is looked for when the one before it is passed.
    let cr = text.indexOf('\r', at);
    while (at < text.length && this.failure === null) {
      let end = text.indexOf('\n', at);
      let next = end + 1;
      if (cr !== -1 && cr < at) cr = text.indexOf('\r', at);
      if (cr !== -1 && (end === -1 || cr < end)) {
        end = cr;
        next = text.charCodeAt(cr + 1) === LF ? cr + 2 : cr + 1;
      }
      if (end === at) this.#dispatch(events);
      else if (!this.#isWhole(text, at, end)) this.#line(text, at, end);
      else {
        this.#one(text, at, end, events);
        next++;
      }
      at = next;
    }
  }

  /** Most events by far: one line of data with an empty one behind it. */
  #isWhole(text: string, start: number, end: number): boolean {
    return (
      text.charCodeAt(end) === LF &&
      text.charCodeAt(end + 1) === LF &&
      this.#data.length === 0 &&
      this.#blocks.length === 0 &&
      (end - start) * 3 < this.#maxEventSize &&
      text.startsWith('data:', start)
    );
  }

  #one(text: string, start: number, end: number, events: ServerSentEvent[]): void {
    const data = valueOf(text, start + 5, end);
    this.lastEventId = this.#id;
    events.push(this.#made(data));
    this.#event = '';
    this.#eventRetry = null;
  }

  #line(text: string, start: number, end: number): void {
    if (text.startsWith('data:', start)) this.#append(valueOf(text, start + 5, end));
    else if (text.startsWith('id:', start)) this.#setId(valueOf(text, start + 3, end));
    else if (text.startsWith('event:', start)) this.#event = this.#bounded(valueOf(text, start + 6, end));
    else this.#rareLine(text.slice(start, end));
  }

  /** A retry, a field without a value, a comment, or what is to be ignored. */
  #rareLine(line: string): void {
    if (line === 'data') this.#append('');
    else if (line === 'id') this.#setId('');
    else if (line === 'event') this.#event = '';
    else if (line.startsWith('retry:')) {
      const value = valueOf(line, 6, line.length);
      if (/^[0-9]+$/.test(value)) this.retry = this.#eventRetry = Number(value);
    }
  }

  #setId(value: string): void {
    if (!value.includes('\0')) this.#id = this.#bounded(value);
  }

  #append(value: string): void {
    this.#data.push(value);
    // One byte at least for each UTF-16 unit, three at most: counted only where that matters.
    this.#dataSize += value.length + 1;
    if (this.#dataSize > this.#maxEventSize / 3 && this.#exactSize() > this.#maxEventSize) this.#fail();
    else if (this.#data.length === MAX_LINE_COUNT) this.#join();
  }

  #join(): void {
    this.#exactSize();
    this.#blocks.push(this.#data.join('\n'));
    this.#data = [];
    this.#counted = 0;
  }

  #exactSize(): number {
    // Each line once: an event of a million lines is not counted a million times.
    for (; this.#counted < this.#data.length; this.#counted++) {
      this.#countedSize += Buffer.byteLength(this.#data[this.#counted]) + 1;
    }
    return this.#countedSize - 1;
  }

  #bounded(value: string): string {
    if (value.length > this.#maxEventSize) this.#fail();
    return value;
  }

  /** An empty line: what was set since the one before counts from now on, data or not. */
  #dispatch(events: ServerSentEvent[]): void {
    this.lastEventId = this.#id;
    if (this.#data.length > 0 || this.#blocks.length > 0) {
      const data =
        this.#data.length === 1 && this.#blocks.length === 0
          ? this.#data[0]
          : this.#blocks.concat(this.#data).join('\n');
      events.push(this.#made(data));
      this.#data = [];
      this.#blocks = [];
      this.#dataSize = this.#counted = this.#countedSize = 0;
    }
    this.#event = '';
    this.#eventRetry = null;
  }

  #made(data: string): ServerSentEvent {
    const event = new ServerSentEvent(this.#event || 'message', data, this.#id, this.#eventRetry);
    Kept.set(event as unknown as Kept, this.#request);
    return event;
  }

  #fail(): void {
    this.#begun.take(NOTHING);
    this.#data = [];
    this.#blocks = [];
    const message = `an event is larger than maxEventSize (${this.#maxEventSize} bytes)`;
    this.failure ??= requestFailure(RemoteProtocolError, message, this.#details);
  }
}

/**
 * `maxEventSize`, if it was given.
 * @throws TypeError, RangeError naming the option
 */
export function maxEventSizeOf(options: EventStreamOptions, what: string): number {
  checkOptions(options, optionNames, what);
  return checkEventSize(Object.hasOwn(options, 'maxEventSize') ? options.maxEventSize : undefined);
}

/** @throws TypeError, RangeError naming the option */
export function checkEventSize(size: number | undefined): number {
  if (size === undefined) return MAX_EVENT_BYTES;
  if (typeof size !== 'number') throw new TypeError(`maxEventSize: expected a number of bytes, got ${typeName(size)}`);
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(`maxEventSize: ${size} is not allowed, expected an integer from 1`);
  }
  return size;
}

/** Lines of data that are kept one by one. */
const MAX_LINE_COUNT = 1024;

/** What stands behind a colon, without the one space that may stand there. */
function valueOf(text: string, start: number, end: number): string {
  return text.slice(start < end && text.charCodeAt(start) === SPACE ? start + 1 : start, end);
}

/** Behind the last line end of a chunk; 0 when there is none. */
function endOfLines(chunk: Buffer): number {
  const lf = chunk.lastIndexOf(LF);
  // A CR behind the last LF is rare, and looked for in what is left only.
  const cr = lf + 1 < chunk.length ? chunk.subarray(lf + 1).lastIndexOf(CR) : -1;
  return cr === -1 ? lf + 1 : lf + 1 + cr + 1;
}

/** The byte order mark. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING = Buffer.alloc(0);
const LF = 10;
const CR = 13;
const SPACE = 32;
const MAX_EVENT_BYTES = 16 * 1024 * 1024;
const optionNames = ['maxEventSize'];
