/**
 * Server-sent events that survive a lost connection: the loop around `client.stream()` that WHATWG HTML 9.2.3 asks of an
 * EventSource. How bytes become events is `response/event-stream.ts`'s.
 */

import {
  ConnectError,
  HTTPStatusError,
  LocalProtocolError,
  ProxyError,
  RemoteProtocolError,
  TotalTimeout,
  TransportError,
  UnsupportedProtocol,
} from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { requestFailure } from '../request-failure.js';
import type { Request } from '../request/request.js';
import type { ServerSentEvent } from '../response/event-stream.js';
import { checkEventSize, EventStreamParser } from '../response/event-stream.js';
import { ItemIterator } from '../response/item-iterator.js';
import type { Response } from '../response/response.js';
import { CallQueue } from '../response/call-queue.js';
import { MAX_TIMER_MS } from '../timeout.js';
import type { Given, RequestOptions } from './options.js';
import { checkCalls, readOptions, requestOptionNames } from './options.js';
import { isPassingRefusal, isPermanent } from './retry-policy.js';

/** What `client.events()` takes beyond the options of a request. @since 0.1.0 */
export interface ReconnectOptions {
  /** What is sent as Last-Event-ID with the first request already. Default: none. @since 0.1.0 */
  lastEventId?: string | undefined;
  /**
   * Whether a stream that ended is asked for again; a number is the most reconnections in a row without an event.
   * Default: true for GET, false otherwise.
   * @since 0.1.0
   */
  reconnect?: boolean | number | undefined;
  /**
   * Milliseconds to wait before connecting again, until the server sends `retry:`, of which at most an hour is waited; of either, at
   * least 10. Each further connection in a row without an event waits twice as long, up to a minute. At most 2147483647, which
   * is what a timer can count. Default: 3_000.
   * @since 0.1.0
   */
  retry?: number | undefined;
  /** The longest event, in bytes; a longer one is a RemoteProtocolError. Default: 16 MiB. @since 0.1.0 */
  maxEventSize?: number | undefined;
}

/** Options of `client.events()`. @since 0.1.0 */
export type EventsOptions = RequestOptions & ReconnectOptions;

/** Builds one request, hands it to `prepare`, sends it and resolves at the head of its response. */
type Open = (options: Given<RequestOptions>, prepare: (request: Request) => void) => Promise<Response>;

/**
 * The events of a URL, over as many connections as it takes.
 *
 * @param open Called anew for each connection.
 * @throws TypeError, RangeError for bad options, at once
 */
export function eventsOf(
  method: string,
  options: EventsOptions | undefined,
  open: Open,
): AsyncIterableIterator<ServerSentEvent> {
  const given = readOptions<EventsOptions>(options, [...requestOptionNames, ...reconnectNames], 'client.events()');
  const { lastEventId, reconnect, retry, maxEventSize, ...others } = given;
  const rest = own(others as Given<RequestOptions>);
  checkCalls(rest);
  return new EventSource(open, rest, {
    lastEventId: checkLastEventId(lastEventId),
    maxReconnects: checkReconnect(reconnect, method),
    retry: checkRetry(retry),
    maxEventSize: checkEventSize(maxEventSize),
  });
}

interface Settings {
  lastEventId: string;
  /** Reconnections in a row without an event. */
  maxReconnects: number;
  retry: number;
  maxEventSize: number;
}

class EventSource implements AsyncIterableIterator<ServerSentEvent> {
  #open: Open;
  #options: Given<RequestOptions>;
  #settings: Settings;
  #lastEventId: string;
  #retry: number;
  /** Reconnections since the last event. */
  #failures = 0;
  #isOver = false;
  /** Ends what is under way when the loop is left. */
  #left = new AbortController();
  /** The caller's, or ours. */
  #signal: AbortSignal;
  #response: Response | null = null;
  #parser: EventStreamParser | null = null;
  #events: ItemIterator<Buffer, ServerSentEvent> | null = null;
  #calls = new CallQueue();

  constructor(open: Open, options: Given<RequestOptions>, settings: Settings) {
    this.#open = open;
    this.#options = options;
    this.#settings = settings;
    this.#lastEventId = settings.lastEventId;
    this.#retry = settings.retry;
    const { signal } = options;
    this.#signal =
      signal === undefined || signal === null ? this.#left.signal : AbortSignal.any([signal, this.#left.signal]);
  }

  next(): Promise<IteratorResult<ServerSentEvent>> {
    // Another event of a chunk that is there.
    const ready = this.#calls.isEmpty && !this.#isOver && !this.#signal.aborted ? this.#events?.takeReady() : null;
    return ready ?? this.#calls.take(() => this.#next());
  }

  async return(): Promise<IteratorResult<ServerSentEvent>> {
    this.#isOver = true;
    this.#left.abort();
    await this.#drop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<ServerSentEvent>> {
    try {
      while (!this.#isOver) {
        if (this.#signal.aborted) throw this.#signal.reason;
        if (this.#events === null && !(await this.#connect())) break;
        const event = await this.#read();
        if (event !== null) return { done: false, value: event };
      }
    } catch (error) {
      // The caller left the loop: an error that this caused is not reported.
      const wasLeft = this.#left.signal.aborted;
      this.#isOver = true;
      await this.#drop();
      if (!wasLeft) throw error;
    }
    this.#isOver = true;
    return { done: true, value: undefined };
  }

  /** False when the stream is over in peace: 204. */
  async #connect(): Promise<boolean> {
    for (;;) {
      const failure = await this.#send();
      if (failure === null) break;
      if (!isPassing(failure)) throw failure;
      await this.#wait(failure);
    }
    const response = this.#response as Response;
    if (response.statusCode !== 204) {
      this.#accept(response);
      return true;
    }
    await this.#drop();
    return false;
  }

  /** One attempt: null when there is a response to be looked at, else why there is none. */
  async #send(): Promise<unknown> {
    const options = own({ ...this.#options, signal: this.#signal });
    let response: Response;
    try {
      response = await this.#open(options, (request) => this.#prepare(request));
    } catch (error) {
      return error;
    }
    this.#response = response;
    if (!response.isServerError) return null;
    await this.#drop();
    return statusErrorOf(response);
  }

  /** HTML 9.2.2 and 9.2.3; an Accept or Cache-Control of one's own wins. */
  #prepare({ headers }: Request): void {
    if ((headers.get('accept') ?? ANY_TYPE) === ANY_TYPE) headers.set('Accept', 'text/event-stream');
    if (!headers.has('cache-control')) headers.set('Cache-Control', 'no-store');
    // UTF-8 on the wire, whatever the id is.
    const id = toFieldValue(this.#lastEventId);
    if (id !== '') headers.set('Last-Event-ID', id);
  }

  #accept(response: Response): void {
    response.raiseForStatus();
    const type = response.headers.get('content-type') ?? '';
    if (type.split(';')[0].trim().toLowerCase() !== 'text/event-stream') {
      const found = type === '' ? 'no Content-Type' : `Content-Type ${quote(type)}`;
      const message = `${response.request.url.origin}: expected an event stream (text/event-stream), got ${found}`;
      throw requestFailure(RemoteProtocolError, message, { request: response.request, response });
    }
    response.tellSecrets();
    const details = { request: response.request, response };
    this.#parser = new EventStreamParser(this.#settings.maxEventSize, details, this.#lastEventId);
    this.#events = new ItemIterator(response.iterBytes(), this.#parser, () => response.close());
  }

  /** The next event; null when the connection is lost and another is to be tried. */
  async #read(): Promise<ServerSentEvent | null> {
    const parser = this.#parser as EventStreamParser;
    let failure: unknown = null;
    try {
      const { done, value } = await (this.#events as ItemIterator<Buffer, ServerSentEvent>).next();
      this.#remember(parser);
      if (!done) {
        this.#failures = 0;
        return value;
      }
    } catch (error) {
      this.#remember(parser);
      // An event beyond maxEventSize would be sent again as well.
      if (error === parser.failure || !isPassing(error)) throw error;
      failure = error;
    }
    await this.#drop();
    if (this.#isOver) return null;
    await this.#wait(failure);
    return null;
  }

  #remember(parser: EventStreamParser): void {
    this.#lastEventId = parser.lastEventId;
    if (parser.retry !== null) this.#retry = Math.min(parser.retry, MAX_SERVER_RETRY_MS);
  }

  /**
   * Waits before the next connection, each time in a row twice as long.
   * @throws `failure` when there is to be none; at the end of a stream without one, the iteration ends
   */
  async #wait(failure: unknown): Promise<void> {
    if (this.#failures >= this.#settings.maxReconnects) {
      if (failure !== null) throw failure;
      this.#isOver = true;
      return;
    }
    const wait = backoffOf(this.#retry, this.#failures);
    this.#failures++;
    await sleep(wait, this.#signal);
  }

  async #drop(): Promise<void> {
    const response = this.#response;
    this.#response = null;
    this.#events = null;
    await response?.close();
  }
}

/**
 * Milliseconds to wait before the next connection. HTML 9.2.3 leaves a longer wait than the one asked for to the client: without a least
 * one, a server that sends `retry: 0` with an event and closes would be asked without a pause, for ever.
 * @param failures Connections in a row that brought no event.
 */
export function backoffOf(retry: number, failures: number): number {
  return Math.min(
    Math.max(retry, MIN_BACKOFF_MS) * 2 ** Math.min(failures, 20),
    Math.max(retry, MAX_BACKOFF_MS),
    MAX_TIMER_MS,
  );
}

/** What another connection may mend: the network, the time, the server's own trouble. */
function isPassing(failure: unknown): boolean {
  if (failure instanceof HTTPStatusError) return failure.response.isServerError;
  if (!(failure instanceof TransportError)) return false;
  if (failure instanceof ConnectError) return !isPermanent(failure);
  if (failure instanceof ProxyError) return isPassingRefusal(failure);
  // The caller's own bound, or the caller's own fault.
  return !finalErrors.some((errorClass) => failure instanceof errorClass);
}

function statusErrorOf(response: Response): unknown {
  try {
    response.raiseForStatus();
    return null;
  } catch (error) {
    return error;
  }
}

/** Without a prototype, so that a polluted Object.prototype has no say. */
function own(options: Given<RequestOptions>): Given<RequestOptions> {
  return Object.assign(Object.create(null) as Given<RequestOptions>, options);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort);
  });
}

/**
 * The id in UTF-8 (HTML 9.2.3), as far as a header can carry it: blanks at its ends are no part of a value, and one with control
 * characters is not sent, so that a server's odd id ends no stream.
 */
function toFieldValue(id: string): string {
  const value = Buffer.from(id)
    .toString('latin1')
    .replace(/^[\t ]+|[\t ]+$/g, '');
  return /[\0-\x08\x0a-\x1f\x7f]/.test(value) ? '' : value;
}

function checkLastEventId(id: string | undefined): string {
  if (id === undefined) return '';
  if (typeof id !== 'string') throw new TypeError(`lastEventId: expected a string, got ${typeName(id)}`);
  // What no event stream could have set.
  if (/[\0\r\n]/.test(id)) throw new RangeError('lastEventId: NUL, CR and LF are not allowed in it');
  return id;
}

function checkReconnect(reconnect: boolean | number | undefined, method: string): number {
  if (reconnect === undefined) return String(method).toUpperCase() === 'GET' ? Infinity : 0;
  if (typeof reconnect === 'boolean') return reconnect ? Infinity : 0;
  if (typeof reconnect !== 'number') {
    throw new TypeError(`reconnect: expected true, false or a number, got ${typeName(reconnect)}`);
  }
  if (!Number.isSafeInteger(reconnect) || reconnect < 0) {
    throw new RangeError(`reconnect: ${reconnect} is not allowed, expected an integer from 0`);
  }
  return reconnect;
}

function checkRetry(retry: number | undefined): number {
  if (retry === undefined) return DEFAULT_RETRY_MS;
  if (typeof retry !== 'number') throw new TypeError(`retry: expected milliseconds, got ${typeName(retry)}`);
  if (!(retry >= 0 && retry <= MAX_TIMER_MS)) {
    throw new RangeError(`retry: ${retry} is not allowed, expected milliseconds from 0 to ${MAX_TIMER_MS}`);
  }
  return retry;
}

const reconnectNames = ['lastEventId', 'reconnect', 'retry', 'maxEventSize'];
const finalErrors = [TotalTimeout, LocalProtocolError, UnsupportedProtocol];
/** The client's default. */
const ANY_TYPE = '*/*';
const DEFAULT_RETRY_MS = 3_000;
/** The least wait, where doubling begins, whatever the server asks for. */
const MIN_BACKOFF_MS = 10;
/** Doubling ends here, unless the server asks for longer. */
const MAX_BACKOFF_MS = 60_000;
/** What a server may ask for. Of a number without end, a browser too takes what its clock can count; that would be 25 days. */
const MAX_SERVER_RETRY_MS = 3_600_000;
