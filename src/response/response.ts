/**
 * A response: status, headers and a body that is there already or is read when asked for. How it got here is a dispatch's work;
 * following a redirect is the client's.
 */

import { inspect } from 'node:util';
import type { ReceivedResponse, DefaultEncoding, ResponseContext, ResponseVersion } from './received.js';
import { chunkSizeOf, closingEarly, decodePieces, LineParser, once, streamOf, toPieces } from './iterators.js';
import type { ProgressOfBody } from './body-reader.js';
import { BodyReader } from './body-reader.js';
import { Cookies } from '../cookies/cookies.js';
import type { Abortion, BodySink, BodySource } from './body-source.js';
import { HTTPStatusError, LocalProtocolError, ResponseNotRead, StreamConsumed } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { disregard, isThenable } from '../thenable.js';
import { Headers } from '../headers.js';
import type { EventStreamOptions, ServerSentEvent } from './event-stream.js';
import { EventStreamParser, maxEventSizeOf } from './event-stream.js';
import { ItemIterator, type ItemParser } from './item-iterator.js';
import { JsonParser } from './json-values.js';
import type { StandardSchema, StandardSchemaOutput } from './schema.js';
import { validate } from './schema.js';
import { parseLinks } from './links.js';
import { responseFromInit } from './from-init.js';
import { own } from '../check-options.js';
import { nextRequestOf } from './next-request.js';
import { responseBrand } from '../request/brands.js';
import { alsoSecret } from '../request-secrets.js';
import type { CurlOptions } from '../request/curl.js';
import type { Request } from '../request/request.js';
import { codes } from './status-codes.js';
import { statusMessage } from './status-message.js';
import { charsetOf, decodeJson, decodeText, isEncoding, PieceDecoder } from './text.js';
import { unreadable } from './unreadable-body.js';
import type { ResponseParts } from '../types.js';
import type { Peer, Timings, TLSInfo } from './timings.js';
import { withoutConnection } from './timings.js';
import type { URL } from '../url/url.js';

/**
 * One response. Of a non-streaming call the body is there: `content`, `text`, `json()`. Of a streaming one it is read once, by
 * `read()`, an iterator or `body`, and the response must be closed (`await using`, `close()`, or reading to the end).
 * @since 0.1.0
 */
export class Response implements AsyncDisposable, AsyncIterable<Buffer> {
  /** The status code, 100 to 999. @since 0.1.0 */
  readonly statusCode: number;
  /** The responses that led here, redirects and challenges, the first one first. @since 0.1.0 */
  readonly history: readonly Response[] = NO_HISTORY;
  #redirect: ResponseContext['redirect'];
  #request: Request | null;
  #receivedResponse: ReceivedResponse | null;
  #headers: Headers | null = null;
  #cookies: Cookies | null = null;
  #content: Buffer | null = null;
  /** null when the body is there. */
  #reader: BodyReader | null = null;
  #encoding: string | null = null;
  #text: string | null = null;
  /** Of one that was made by hand. */
  #version: ResponseVersion = 'HTTP/1.1';
  /** The same: null until an exchange has taken it, then the request that it was made with, if there was one. */
  #taken: { request: Request | null } | null = null;
  #isIntermediate = false;
  #received = 0;
  #progress: ResponseContext['progress'];
  #keepsBody = false;
  /** While the whole body is being read; where its call keeps it and that failed, for good: a hook may have caught the error. */
  #reading: Promise<Buffer> | null = null;
  #defaultEncoding: DefaultEncoding | undefined;
  #maxResponseSize: number | null = null;

  /** For mocks and in-process dispatches; at most one of content, text, html and json. @since 0.1.0 */
  constructor(statusCode: number, init?: ResponseParts);
  /**
   * What a dispatch received.
   * @internal
   */
  constructor(statusCode: number, init?: ResponseParts, receivedResponse?: ReceivedResponse, request?: Request);
  constructor(statusCode: number, init?: ResponseParts, receivedResponse?: ReceivedResponse, request?: Request) {
    this.statusCode = statusCode;
    if (receivedResponse !== undefined) {
      this.#receivedResponse = receivedResponse;
      this.#request = request ?? null;
      const { source } = receivedResponse;
      if (source !== null) {
        this.#reader = new BodyReader(source, () => this.#details());
      }
      return;
    }
    const made = responseFromInit(statusCode, init);
    this.#receivedResponse = null;
    this.#request = made.request;
    this.#version = made.version;
    this.#headers = made.headers;
    this.#content = made.content;
    this.#received = made.received;
    if (made.source !== null) this.#reader = new BodyReader(made.source, () => this.#details());
  }

  /** As the server wrote it; else the one that belongs to the code, '' for an unknown one. @since 0.1.0 */
  get reasonPhrase(): string {
    return this.#receivedResponse?.reason || codes.phrase(this.statusCode);
  }

  /**
   * The version of HTTP that the response came by: `HTTP/1.1`, `HTTP/2`; of apps and mocks what they say.
   * @since 0.1.0
   */
  get httpVersion(): ResponseVersion {
    return this.#receivedResponse?.version ?? this.#version;
  }

  /** Where it came from: the URL of the request, after redirects. @since 0.1.0 */
  get url(): URL {
    return this.request.url;
  }

  /** The headers, as they were received. @since 0.1.0 */
  get headers(): Headers {
    return (this.#headers ??= Headers.fromLines(this.#receivedResponse?.headerLines ?? ''));
  }

  /** What this response alone sets and its URL may set; without a request, bound to no host. @since 0.1.0 */
  get cookies(): Cookies {
    if (this.#cookies === null) {
      this.#cookies = new Cookies();
      void this.#cookies.storeFrom(this.#request === null ? null : this.url, this.setCookies());
    }
    return this.#cookies;
  }

  /**
   * The values of Set-Cookie, line by line; asking costs next to nothing when there is none.
   * @internal
   */
  setCookies(): readonly string[] {
    if (this.#headers === null && !this.maySetCookies) return NO_LINES;
    return this.headers.getList('set-cookie');
  }

  /**
   * The request that it answers.
   * @throws Error when a response made by hand was given none
   * @since 0.1.0
   */
  get request(): Request {
    if (this.#request === null) throw new Error('The request instance has not been set on this response.');
    return this.#request;
  }

  /** @internal */
  get hasRequest(): boolean {
    return this.#request !== null;
  }

  /**
   * This; or, where one that was made by hand answers a second request, a copy, as each response belongs to one exchange.
   * @internal
   */
  forExchange(): Response {
    if (this.#receivedResponse !== null) return this;
    if (this.#taken === null) {
      this.#taken = { request: this.#request };
      return this;
    }
    const copy = new Response(this.statusCode);
    copy.#request = this.#taken.request;
    copy.#taken = this.#taken;
    copy.#version = this.#version;
    copy.#headers = new Headers(this.headers);
    copy.#content = this.#content;
    copy.#reader = this.#reader;
    copy.#encoding = this.#encoding;
    copy.#received = this.#received;
    return copy;
  }

  /**
   * Attaches what the client knows, which is more and more: what was attached before stays, where it is not named again.
   * @internal
   */
  attach(request: Request, context: ResponseContext): this {
    this.#request ??= request;
    const history = own(context, 'history');
    if (history !== undefined) (this as { history: readonly Response[] }).history = history;
    this.#redirect = own(context, 'redirect') ?? this.#redirect;
    this.#progress = own(context, 'progress') ?? this.#progress;
    this.#keepsBody = own(context, 'keepsBody') ?? this.#keepsBody;
    // What a function has guessed already stays.
    this.#defaultEncoding ??= own(context, 'defaultEncoding');
    this.#maxResponseSize = own(context, 'maxResponseSize') ?? this.#maxResponseSize;
    return this;
  }

  /**
   * Puts another source in the body's place, through which an observer sees how it ends.
   * @internal
   */
  wrapBody(wrap: (source: BodySource) => BodySource): void {
    if (this.#reader !== null) this.#reader = new BodyReader(wrap(this.#reader.source), () => this.#details());
  }

  /**
   * Whether there may be a Set-Cookie: false is certain, and cheap.
   * @internal
   */
  get maySetCookies(): boolean {
    return this.#receivedResponse?.maySetCookies ?? true;
  }

  /**
   * The Link header (RFC 8288) by relation: `{ next: { url, rel, … } }`; a link without one is named by its URL.
   * @since 0.1.0
   */
  get links(): Record<string, Record<string, string>> {
    const header = this.headers.get('link');
    return header === undefined ? {} : parseLinks(header);
  }

  /**
   * The redirect that this response asks for, with its cookies, when it was not followed; null when it asks for none.
   * @since 0.1.0
   */
  get nextRequest(): Request | null {
    if (!this.hasRedirectLocation || this.#request === null) return null;
    return nextRequestOf(this.#request, this, this.#redirect);
  }

  /**
   * The bytes of the body, after content decoding.
   * @throws ResponseNotRead before `read()` of a streaming response
   * @since 0.1.0
   */
  get content(): Buffer {
    if (this.#content !== null) return this.#content;
    const content = this.#receivedResponse?.copy() ?? null;
    if (content === null) throw this.#notRead('content');
    return (this.#content = content);
  }

  /**
   * The body as text: by `encoding` if it was set, else the charset of Content-Type, else the client's `defaultEncoding`, else
   * UTF-8. What is no text in it becomes U+FFFD; a byte order mark is dropped.
   * @since 0.1.0
   */
  get text(): string {
    return (this.#text ??= this.#decode('text', (bytes) => decodeText(bytes, this.encoding, this.#encoding !== null)));
  }

  /** The encoding of `text`; set it before the first use of `text`. @since 0.1.0 */
  get encoding(): string {
    if (this.#encoding !== null) return this.#encoding;
    return (
      this.#charset ?? (this.#defaultEncoding === undefined ? 'utf-8' : this.#guessEncoding(this.#defaultEncoding))
    );
  }

  set encoding(encoding: string) {
    if (this.#text !== null) throw new TypeError('encoding cannot be set after text was read');
    if (!isEncoding(encoding))
      throw new RangeError(`encoding: ${quote(encoding)} is not an encoding of the WHATWG standard`);
    this.#encoding = encoding.toLowerCase();
  }

  /**
   * The body as JSON: UTF-8, UTF-16 or UTF-32 (RFC 8259 §8.1), or what is none of them by the charset of Content-Type.
   * @throws DecodingError, with URL, status and Content-Type in its message and the SyntaxError as its cause, when it is none
   * @since 0.1.0
   */
  json<T = unknown>(): T;
  /**
   * The body as JSON, validated by a Standard Schema (zod, valibot, arktype …): what the schema makes of it. Rejects with
   * ValidationError, which has the schema's issues; and as `json()` throws.
   * @since 0.1.0
   */
  json<S extends StandardSchema>(schema: S): Promise<StandardSchemaOutput<S>>;
  json(...given: [] | [StandardSchema]): unknown {
    if (given.length === 0) return this.#parsed();
    return this.#validated(given[0]);
  }

  async #validated<S extends StandardSchema>(schema: S): Promise<StandardSchemaOutput<S>> {
    const value = this.#parsed();
    const request = this.#request;
    const where = request === null ? 'json()' : `${request.method} ${request.url.origin}${request.url.path}`;
    return validate(schema, value, where, this.#details());
  }

  /** Milliseconds from sending to the head. @since 0.1.0 */
  get elapsed(): number {
    return this.#receivedResponse?.elapsed ?? 0;
  }

  /** Milliseconds from sending to the end of the body; to the head while it is not read. @since 0.1.0 */
  get elapsedTotal(): number {
    return this.#receivedResponse?.elapsedTotal ?? this.#reader?.source.elapsed ?? this.elapsed;
  }

  /**
   * Milliseconds spent in each phase of the exchange, the final one after redirects and challenges; their sum is `elapsedTotal`. 0: a
   * kept connection saved it. null: there was none (`dns` of an address, `tls` of http, those and `connect` of apps and responses made
   * by hand, `receive` before the end).
   * @since 0.1.0
   */
  get timings(): Timings {
    const received = this.#receivedResponse;
    const total = received?.elapsedTotal ?? (this.#reader === null ? 0 : this.#reader.source.elapsed);
    return received?.facts?.timings(total) ?? withoutConnection(this.elapsed, total);
  }

  /**
   * Who answered: the proxy behind one; null for apps, mocks and unix sockets. `isReused`: the connection was there before this request
   * asked.
   * @since 0.1.0
   */
  get peer(): Peer | null {
    return this.#receivedResponse?.facts?.peer ?? null;
  }

  /**
   * TLS with the origin, null without (also behind an https proxy that forwards). IANA's names; certificates as sent, DER, the leaf
   * first; on resumed connections too. Not shown by inspect() and JSON.
   * @since 0.1.0
   */
  get tls(): TLSInfo | null {
    return this.#receivedResponse?.facts?.tls ?? null;
  }

  /** Bytes of the body received, before decoding. @since 0.1.0 */
  get numBytesDownloaded(): number {
    return this.#reader?.source.received ?? this.#receivedResponse?.received ?? this.#received;
  }

  /** Fields after the body (RFC 9110 §6.5); empty before its end. @since 0.1.0 */
  get trailers(): Headers {
    return this.#receivedResponse?.trailers ?? this.#reader?.source.trailers ?? new Headers();
  }

  /** Whether the status is 1xx. @since 0.1.0 */
  get isInformational(): boolean {
    return this.statusCode >= 100 && this.statusCode < 200;
  }

  /** Whether the status is 2xx. @since 0.1.0 */
  get isSuccess(): boolean {
    return this.statusCode >= 200 && this.statusCode < 300;
  }

  /** Whether the status is 3xx, with or without a Location. @since 0.1.0 */
  get isRedirect(): boolean {
    return this.statusCode >= 300 && this.statusCode < 400;
  }

  /** Whether the status is 4xx. @since 0.1.0 */
  get isClientError(): boolean {
    return this.statusCode >= 400 && this.statusCode < 500;
  }

  /** Whether the status is 5xx. @since 0.1.0 */
  get isServerError(): boolean {
    return this.statusCode >= 500 && this.statusCode < 600;
  }

  /** Whether the status is 4xx or 5xx. @since 0.1.0 */
  get isError(): boolean {
    return this.isClientError || this.isServerError;
  }

  /** Whether the status is 301, 302, 303, 307 or 308, and there is a Location that is not empty. @since 0.1.0 */
  get hasRedirectLocation(): boolean {
    return redirectCodes.has(this.statusCode) && !!this.headers.get('location');
  }

  /**
   * In a response hook: the call goes on after this response, a redirect that is followed, a challenge that is answered or a status
   * that is retried. `raiseForStatus()` returns then.
   * @since 0.1.0
   */
  get isIntermediate(): boolean {
    return this.#isIntermediate;
  }

  /**
   * Whether the call goes on after it.
   * @internal
   */
  setIntermediate(goesOn: boolean): void {
    this.#isIntermediate = goesOn;
  }

  /** Whether the body was read to its end or given up; true of a response that came as a whole. @since 0.1.0 */
  get isClosed(): boolean {
    return this.#reader === null || this.#reader.isClosed;
  }

  /**
   * Whether a call that reads the body has to: it may have come with the head, and a hook may have read or closed it. What a hook could
   * not read fails once more.
   * @internal
   */
  get isToBeRead(): boolean {
    return !this.isClosed || this.#reading !== null;
  }

  /** Whether reading the body has begun: it can be read once. @since 0.1.0 */
  get isStreamConsumed(): boolean {
    return this.#reader === null || this.#reader.isConsumed;
  }

  /**
   * This, unless the status is not 2xx and the response is the call's last.
   * @throws HTTPStatusError, with the beginning of a text body in its message
   * @since 0.1.0
   */
  raiseForStatus(): this {
    if (this.isSuccess || this.#isIntermediate) return this;
    const body = this.#content ?? this.#receivedResponse?.view() ?? null;
    const message = statusMessage(this, this.#request?.url ?? null, body);
    throw new HTTPStatusError(message, { response: this, request: this.#request ?? undefined });
  }

  /** The whole decoded body; resolves to the same bytes each time. @since 0.1.0 */
  async read(): Promise<Buffer> {
    return this.readAtMost(this.#maxResponseSize);
  }

  /**
   * As `read()`, giving up beyond so many bytes.
   * @param isSilent No progress is reported: the caller did not ask for this body.
   * @internal
   */
  async readAtMost(limit: number | null, isSilent = false): Promise<Buffer> {
    if (this.#reader === null || this.#content !== null) return this.content;
    // A hook may have begun, and not waited for it.
    if (this.#reading !== null) return this.#reading;
    // That of a coded body says nothing about what comes out of it.
    const declared = limit === null || this.headers.has('content-encoding') ? null : this.#declaredLength();
    this.#reading = this.#reader.collect(limit, declared, isSilent ? null : this.#telling());
    try {
      return (this.#content = await this.#reading);
    } finally {
      if (this.#content !== null || !this.#keepsBody) this.#reading = null;
    }
  }

  /**
   * The whole body at once, where that is possible and nothing of it was read: as it came, which has no content coding then. It counts
   * as read.
   * @internal
   */
  takeAtHand(): Buffer | null {
    return this.#progress === undefined ? (this.#reader?.takeAtHand() ?? null) : null;
  }

  /**
   * Ends a body that is not wanted, undecoded, so that its connection serves again if that costs little. A small one that is not coded
   * can still be had.
   * @internal
   */
  async drain(): Promise<void> {
    if (this.#reader === null || this.#reader.isClosed) return;
    const rest = await this.#reader.drain();
    if (rest !== null && !this.headers.has('content-encoding')) this.#content = rest;
  }

  /**
   * Writes the decoded body into a file, where it can without a look at it.
   * @internal
   */
  async saveTo(sink: BodySink): Promise<void> {
    const telling = this.#telling();
    if (this.#reader !== null && this.#content === null) return this.#reader.save(sink, telling);
    await sink.write(this.content);
    telling?.progress.tell(this.content.length, telling.total);
    await (telling?.progress.settled() ?? null);
  }

  /** @internal */
  get [responseBrand](): true {
    return true;
  }

  /**
   * The body as that of a request.
   *
   * @param raw With its content coding.
   * @throws StreamConsumed, StreamClosed, LocalProtocolError
   * @internal
   */
  toBody(raw: boolean): Buffer | { readonly length: number | null; open(): AsyncIterable<Buffer> } {
    const isCoded = this.headers.has('content-encoding');
    if (this.#reader === null || this.#content !== null) {
      if (!raw) return this.content;
      const message =
        'content: the body of the response was decoded already, and the request says Content-Encoding: use client.stream()';
      throw new LocalProtocolError(message, this.#details());
    }
    const reader = this.#reader;
    reader.checkUnread('content');
    const length = isCoded && !raw ? null : this.#declaredLength();
    // An error of the body is the call's that sends it.
    const open = () => this.#iterator(reader.pieces('content', raw, this.#telling(), false));
    return { length, open };
  }

  /**
   * The decoded body as it arrives, or in pieces of exactly `chunkSize` bytes (the last may be shorter).
   * @since 0.1.0
   */
  iterBytes(options: { chunkSize?: number } = {}): AsyncIterableIterator<Buffer> {
    return this.#iterator(toPieces(this.#bytes('iterBytes()'), chunkSizeOf(options, 'iterBytes()')));
  }

  /**
   * The body as text; `chunkSize` counts UTF-16 code units, one more where the cut would divide a surrogate pair.
   * @since 0.1.0
   */
  iterText(options: { chunkSize?: number } = {}): AsyncIterableIterator<string> {
    return this.#iterator(this.#texts('iterText()', chunkSizeOf(options, 'iterText()')));
  }

  /**
   * Lines without their ends. Breaks at LF, CR and CRLF only, so that U+2028 in JSON or SSE breaks nothing. A line longer than 2^28
   * characters is a DecodingError, after the lines before it.
   * @since 0.1.0
   */
  iterLines(): AsyncIterableIterator<string> {
    return this.#items(this.#texts('iterLines()', null), new LineParser(() => this.#details()));
  }

  /**
   * The body's server-sent events (WHATWG HTML 9.2), each as soon as it is complete; ends with the body. Leaving the loop closes the
   * connection. `client.events()` connects again after a cut.
   *
   * @throws TypeError, RangeError for a bad `maxEventSize`; the iteration rejects with RemoteProtocolError at an event beyond it
   * @since 0.1.0
   */
  events(options: EventStreamOptions = {}): AsyncIterableIterator<ServerSentEvent> {
    const parser = new EventStreamParser(maxEventSizeOf(options, 'events()'), this.#details());
    return this.#items(this.#bytes('events()'), parser);
  }

  /**
   * One JSON value a line (NDJSON, JSON Lines) or a record (JSON text sequences, RFC 7464), each as soon as it is complete. Empty
   * lines are passed over; a broken one, or one longer than 256 MiB, is a DecodingError that says which line it is, after the values
   * before it.
   * @since 0.1.0
   */
  iterJson<T = unknown>(): AsyncIterableIterator<T> {
    return this.#items(this.#bytes('iterJson()'), new JsonParser<T>(() => this.#details()));
  }

  /** The body before content decoding. Only of a streaming response, and once. @since 0.1.0 */
  iterRaw(options: { chunkSize?: number } = {}): AsyncIterableIterator<Buffer> {
    if (this.#reader === null) throw new StreamConsumed('iterRaw(): the body was read already', this.#details());
    return this.#iterator(toPieces(this.#pieces('iterRaw()', true), chunkSizeOf(options, 'iterRaw()')));
  }

  /** `iterBytes()` as a web stream, pulled on demand. @since 0.1.0 */
  get body(): ReadableStream<Uint8Array> {
    return streamOf(
      () => this.#iterator(this.#bytes('body')),
      () => this.close(),
    );
  }

  /** Gives up what is not read: the connection is closed. Idempotent. @since 0.1.0 */
  async close(): Promise<void> {
    this.#reader?.close();
  }

  /** The body in chunks, decoded, as `iterBytes()` has it. @since 0.1.0 */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.iterBytes();
  }

  /** `await using`: closes the response at the end of the block, and gives its connection back. @since 0.1.0 */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The name that fetch has for `statusCode`. @since 0.1.0 */
  get status(): number {
    return this.statusCode;
  }

  /** The name that fetch has for `reasonPhrase`. @since 0.1.0 */
  get statusText(): string {
    return this.reasonPhrase;
  }

  /** The name that fetch has for `isSuccess`. @since 0.1.0 */
  get ok(): boolean {
    return this.isSuccess;
  }

  /**
   * The request that it answers, the last one after redirects, as a command of curl: see `Request.toCurl`.
   * @since 0.1.0
   */
  toCurl(options?: CurlOptions): string {
    return this.request.toCurl(options);
  }

  /** The status in one line, for logs: `<Response [200 OK]>`. @since 0.1.0 */
  toString(): string {
    return `<Response [${`${this.statusCode} ${this.reasonPhrase}`.trimEnd()}]>`;
  }

  /** For logs: no body, the password of the URL and the values of secret headers masked. @since 0.1.0 */
  toJSON(): {
    statusCode: number;
    reasonPhrase: string;
    httpVersion: string;
    url: string | null;
    headers: Record<string, string | string[]>;
  } {
    const { statusCode, reasonPhrase, httpVersion } = this;
    const url = this.#request === null ? null : this.#request.url.toSafeString();
    return { statusCode, reasonPhrase, httpVersion, url, headers: this.headers.toJSON() };
  }

  /** What `console.log` and `util.inspect` show: one line, without secrets. @since 0.1.0 */
  [inspect.custom](): string {
    return this.toString();
  }

  #iterator<T>(pieces: AsyncGenerator<T>): AsyncIterableIterator<T> {
    return closingEarly(
      pieces,
      () => this.close(),
      () => this.#stopped(),
    );
  }

  #items<C extends Buffer | string, T>(chunks: AsyncGenerator<C>, parser: ItemParser<C, T>): AsyncIterableIterator<T> {
    return new ItemIterator(
      this.#iterator(chunks),
      parser,
      () => this.close(),
      () => this.#stopped(),
    );
  }

  #stopped(): Abortion | null {
    return this.#reader?.stopped() ?? null;
  }

  /** @param what The call, for errors. */
  #bytes(what: string): AsyncGenerator<Buffer> {
    if (this.#reader === null || this.#content !== null) return once(this.content);
    // That of a redirect is not read by the call, and may have no end.
    const keeps = this.#keepsBody && !this.#isIntermediate;
    return keeps && (!this.#reader.isConsumed || this.#reading !== null)
      ? this.#whole(what)
      : this.#pieces(what, false);
  }

  async *#whole(what: string): AsyncGenerator<Buffer> {
    if (this.#content === null && this.#reading === null) this.#reader?.checkUnread(what);
    yield* once(await this.read());
  }

  #texts(what: string, chunkSize: number | null): AsyncGenerator<string> {
    const decoder = new PieceDecoder(this.encoding, this.#encoding !== null);
    return toPieces(decodePieces(this.#bytes(what), decoder), chunkSize);
  }

  #parsed(): unknown {
    return this.#decode('json()', (bytes) => decodeJson(bytes, () => this.#encoding ?? this.#charset));
  }

  /** @throws DecodingError, for what is no JSON and for more than a string can hold */
  #decode<T>(what: string, read: (bytes: Buffer) => T): T {
    const bytes = this.#view(what);
    try {
      return read(bytes);
    } catch (cause) {
      throw unreadable(this, bytes, cause, this.#details());
    }
  }

  get #charset(): string | undefined {
    return charsetOf(this.headers.getList('content-type'));
  }

  #pieces(what: string, raw: boolean): AsyncGenerator<Buffer> {
    return (this.#reader as BodyReader).pieces(what, raw, this.#telling());
  }

  #telling(): ProgressOfBody | null {
    const progress = this.#progress;
    return progress === undefined ? null : { progress, total: this.#declaredLength() };
  }

  /**
   * The length that the body is to have, before decoding; null when none is declared, or that of what GET would have got
   * (RFC 9110 §8.6).
   * @internal
   */
  get declaredLength(): number | null {
    return this.#declaredLength();
  }

  #declaredLength(): number | null {
    if (this.statusCode === 204 || this.statusCode === 304 || this.#request?.method === 'HEAD') return null;
    const text = this.headers.get('content-length');
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
  }

  /** A function is asked once, and only when the whole body is there. */
  #guessEncoding(given: DefaultEncoding): string {
    if (typeof given === 'string') return given.toLowerCase();
    if (this.#content === null && this.#reader !== null) return 'utf-8';
    const guessed: unknown = given(this.content);
    if (isThenable(guessed)) {
      disregard(guessed);
      throw new TypeError(`defaultEncoding: expected the name of an encoding, it returned ${typeName(guessed)}`);
    }
    this.#defaultEncoding = typeof guessed === 'string' && isEncoding(guessed) ? guessed : 'utf-8';
    return this.#defaultEncoding.toLowerCase();
  }

  #view(what: string): Buffer {
    const bytes = this.#content ?? this.#receivedResponse?.view() ?? null;
    if (bytes === null) throw this.#notRead(what);
    return bytes;
  }

  get #whyNotThere(): string {
    if (this.#reader === null || !this.#reader.isClosed) {
      return 'the body of a streaming response is not there before read()';
    }
    const { isConsumed } = this.#reader;
    return `the ${isConsumed ? 'body was read already, and only read() keeps it' : 'response was closed before its body was read'}`;
  }

  #notRead(what: string): ResponseNotRead {
    return new ResponseNotRead(`${what}: ${this.#whyNotThere}`, this.#details());
  }

  /**
   * To be called where an error is made of it, so that its message hides what the proxy was told as well.
   * @internal
   */
  tellSecrets(): void {
    const proxy = this.#receivedResponse?.facts?.proxy ?? null;
    if (proxy !== null && this.#request !== null) alsoSecret(this.#request, proxy);
  }

  /** Of an error. */
  #details(): { response: Response; request: Request | undefined } {
    this.tellSecrets();
    return { response: this, request: this.#request ?? undefined };
  }
}

const NO_LINES: readonly string[] = Object.freeze([]);
const NO_HISTORY: readonly Response[] = Object.freeze([]);
const redirectCodes: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
