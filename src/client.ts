/**
 * The client: merges its options with a request's, and sends. One loop per method, named after it; auth, redirects and cookies
 * join `send` in later issues. How a request reaches a server is its dispatch's work.
 */

import { onBaseUrl, toBaseUrl } from './base-url.js';
import { toContent } from './body.js';
import type { Dispatch, DispatchOptions } from './dispatch/dispatch.js';
import { dispatchOptionNames, HTTPDispatch, type HTTPDispatchOptions } from './dispatch/http.js';
import { ClientClosed, typeName } from './errors.js';
import { Headers, mergeHeaders } from './headers.js';
import { checkOptions, toFlag } from './options.js';
import { QueryParams } from './query-params.js';
import { headLines, normaliseMethod, Request } from './request.js';
import type { DefaultEncoding, Response } from './response.js';
import { checkDefaultEncoding } from './text.js';
import type { TimeoutConfig } from './timeout.js';
import { DEFAULT_TIMEOUT, resolveTimeout } from './timeout.js';
import type { BodyOptions, HeaderTypes, PoolStats, QueryParamTypes, TimeoutTypes, URLTypes } from './types.js';
import { URL } from './url.js';
import { version } from './version.js';

/** What a client does by default for each of its requests, and how it connects. */
export interface ClientOptions extends HTTPDispatchOptions {
  /** Merged into each request's; the request's win. */
  params?: QueryParamTypes;
  /** Sent with each request, after the defaults (Accept, Accept-Encoding, Connection, User-Agent); null removes a default. */
  headers?: HeaderTypes;
  /** Requests with a relative URL are appended to it. */
  baseUrl?: URLTypes;
  /** Default 5_000 ms for each of connect, read, write and pool; total is off. null: no timeout at all. */
  timeout?: TimeoutTypes | null;
  /** Anything with `send`, instead of the network. */
  dispatch?: Dispatch;
  /** Encoding of text bodies without a charset, or a function that guesses it from the body. Default 'utf-8'. */
  defaultEncoding?: string | ((content: Buffer) => string);
  /** Largest response body held in memory by the non-streaming calls, in bytes. Default 1 GiB; null: no limit. */
  maxResponseSize?: number | null;
}

/** What one request adds to its client's options, but for its body. */
interface OwnRequestOptions {
  params?: QueryParamTypes;
  /** null as a value removes the client's header of that name. */
  headers?: HeaderTypes;
  timeout?: TimeoutTypes | null;
  /** Aborts at every phase; the promise rejects with `signal.reason`. */
  signal?: AbortSignal;
  onUploadProgress?: (sent: number, total: number | null) => void;
  onDownloadProgress?: (received: number, total: number | null) => void;
  /** Called for each 1xx response. */
  onInformational?: (statusCode: number, headers: Headers) => void;
}

/** What one request adds to its client's options, its body among them. */
export type RequestOptions = OwnRequestOptions & BodyOptions;

/** What `send` takes; `undefined` inherits from the client. */
export interface SendOptions extends Pick<OwnRequestOptions, 'timeout' | 'signal'> {
  /** Resolve at the head and leave the body unread. Default false. */
  stream?: boolean;
}

/**
 * Connections, defaults and limits for many requests (httpx: Client; requests: Session).
 *
 * ```js
 * await using client = new Client({ baseUrl: 'https://example.org/api' });
 * const response = await client.get('/users', { params: { page: 2 } });
 * ```
 *
 * @throws TypeError, RangeError, InvalidURL at once for bad options, naming them
 */
export class Client implements AsyncDisposable {
  #dispatch: Dispatch;
  #headers: Headers;
  #params: QueryParams;
  #baseUrl: URL | null;
  #timeout: TimeoutConfig;
  #buffered: { maxResponseSize: number | null };
  #trustEnv: boolean;
  #defaultEncoding: DefaultEncoding | undefined;
  #closed = false;
  /** The header lines that every plain request begins with, and what they were made from. */
  #plain: { lines: string; usable: boolean } | null = null;

  constructor(options?: ClientOptions) {
    const given = readOptions<ClientOptions>(options, clientOptionNames, 'new Client()');
    this.#headers = mergeHeaders(DEFAULT_HEADERS, given.headers);
    this.#params = new QueryParams(given.params);
    this.#baseUrl = given.baseUrl === undefined ? null : toBaseUrl(given.baseUrl);
    this.#timeout = resolveTimeout(given.timeout, DEFAULT_TIMEOUT);
    this.#buffered = { maxResponseSize: checkSize(given.maxResponseSize) };
    this.#trustEnv = toFlag('trustEnv', given.trustEnv, true);
    this.#defaultEncoding = checkDefaultEncoding(given.defaultEncoding);
    const { dispatch, httpVersions, poolLimits, verify, cert, trustEnv } = given;
    const { socketPath, localAddress, resolve } = given;
    if (dispatch === undefined) {
      const connecting = { httpVersions, poolLimits, verify, cert, trustEnv, socketPath, localAddress, resolve };
      this.#dispatch = new HTTPDispatch(connecting);
    } else {
      if (typeof dispatch?.send !== 'function') {
        throw new TypeError(`dispatch: expected an object with a send method, got ${typeName(dispatch)}`);
      }
      this.#dispatch = dispatch;
    }
  }

  get(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('GET', url, options, 'client.get()', false);
  }

  options(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('OPTIONS', url, options, 'client.options()', false);
  }

  head(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('HEAD', url, options, 'client.head()', false);
  }

  post(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('POST', url, options, 'client.post()', false);
  }

  put(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('PUT', url, options, 'client.put()', false);
  }

  patch(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('PATCH', url, options, 'client.patch()', false);
  }

  delete(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('DELETE', url, options, 'client.delete()', false);
  }

  /**
   * Sends a request and reads the whole response.
   *
   * Rejects with TypeError, RangeError or InvalidURL before anything is sent; with a subclass of RequestError for what happens
   * under way; with `signal.reason` when it is aborted; with ClientClosed on a closed client.
   */
  request(method: string, url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request(method, url, options, 'client.request()', false);
  }

  /**
   * As `request`, but resolves at the response head; the body is read from the response, which must be closed (`await using`,
   * `close()`, or reading to the end).
   */
  stream(method: string, url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request(method, url, options, 'client.stream()', true);
  }

  /** Merges client and request options into a Request that may be changed before it is sent. Does no I/O; works when closed. */
  buildRequest(method: string, url: URLTypes, options?: RequestOptions): Request {
    return this.#build(normaliseMethod(method), url, readOptions(options, requestOptionNames, 'client.buildRequest()'));
  }

  /** Sends a Request as it is: a missing timeout is added, nothing is merged. */
  send(request: Request, options?: SendOptions): Promise<Response> {
    try {
      if (!(request instanceof Request)) {
        throw new TypeError(`request: expected a Request, got ${typeName(request)}`);
      }
      const given = readOptions<SendOptions>(options, sendOptionNames, 'client.send()');
      return this.#send(request, given, given.stream === true);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Default headers. Setting them puts the five defaults of httpx under the new ones. */
  get headers(): Headers {
    return this.#headers;
  }

  set headers(headers: HeaderTypes) {
    this.#headers = mergeHeaders(DEFAULT_HEADERS, headers);
  }

  get params(): QueryParams {
    return this.#params;
  }

  set params(params: QueryParamTypes) {
    this.#params = new QueryParams(params);
  }

  /** With a '/' at the end; '' when there is none. */
  get baseUrl(): URL {
    return this.#baseUrl ?? new URL('');
  }

  set baseUrl(url: URLTypes) {
    this.#baseUrl = toBaseUrl(url);
  }

  get timeout(): TimeoutConfig {
    return this.#timeout;
  }

  set timeout(timeout: TimeoutTypes | null) {
    this.#timeout = resolveTimeout(timeout, DEFAULT_TIMEOUT);
  }

  /** Whether the environment's variables count. */
  get trustEnv(): boolean {
    return this.#trustEnv;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** The pool in one line, e.g. `<Pool 1 active, 0 queued | 2 idle>`, and as numbers. */
  get pool(): PoolStats {
    return this.#dispatch instanceof HTTPDispatch ? this.#dispatch.stats : NO_POOL;
  }

  /** Closes idle connections now and active ones when their responses end; new requests reject with ClientClosed. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#dispatch.close?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Everything that is wrong with the arguments rejects; nothing throws. */
  #request(
    method: string,
    url: URLTypes,
    options: RequestOptions | undefined,
    what: string,
    stream: boolean,
  ): Promise<Response> {
    try {
      const given = options === undefined ? NO_OPTIONS : readOptions(options, requestOptionNames, what);
      return this.#send(this.#build(normaliseMethod(method), url, given), given, stream);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #build(method: string, url: URLTypes, options: RequestOptions): Request {
    const target = this.#url(url, options.params);
    const content = toContent(options, this.#headers);
    const { headers } = options;
    const lines =
      headers === undefined && this.#hasPlainHeaders()
        ? headLines(method, target, this.#headers.toLines(), null, content)
        : headLines(method, target, '', mergeHeaders(this.#headers, headers), content);
    return new Request(method, target, undefined, { lines, body: content.body });
  }

  /** None of the client's headers is one that a request's own line would have to be left out for. */
  #hasPlainHeaders(): boolean {
    const lines = this.#headers.toLines();
    if (this.#plain?.lines !== lines) {
      const special = ['host', 'content-length', 'transfer-encoding', 'content-type'];
      this.#plain = { lines, usable: !special.some((name) => this.#headers.has(name)) };
    }
    return this.#plain.usable;
  }

  /** The URL's own query stays; params of the client and then of the request replace what has the same name. */
  #url(url: URLTypes, params: QueryParamTypes | undefined): URL {
    const target = onBaseUrl(this.#baseUrl, url);
    if (params === undefined && this.#params.isEmpty) return target;
    const merged = params === undefined ? this.#params : this.#params.merge(params);
    return merged.isEmpty ? target : target.copyMergeParams(merged);
  }

  async #send(request: Request, options: RequestOptions, stream: boolean): Promise<Response> {
    if (this.#closed) throw new ClientClosed('Cannot send a request, as the client has been closed.', { request });
    if (options !== NO_OPTIONS) checkCalls(options);
    const { onDownloadProgress } = options;
    const timeout = resolveTimeout(options.timeout, this.#timeout);
    // Progress is told piece by piece, so the body has to come in pieces.
    const buffered = stream || typeof onDownloadProgress === 'function' ? undefined : this.#buffered;
    const { signal, onUploadProgress, onInformational } = options;
    // Each an own property, so that a polluted Object.prototype has no say.
    const sending: DispatchOptions = { timeout, buffered, signal, onUploadProgress, onInformational };
    const response = await this.#sendSingle(request, sending);
    response.attach(request, { onDownloadProgress, defaultEncoding: this.#defaultEncoding });
    if (!stream && !response.isClosed) await response.readAtMost(this.#buffered.maxResponseSize);
    return response;
  }

  #sendSingle(request: Request, options: DispatchOptions): Promise<Response> {
    return this.#dispatch.send(request, options);
  }
}

/**
 * The options as a copy of their own properties: what a polluted Object.prototype has does not count.
 * @internal
 */
export function readOptions<T extends object>(options: T | undefined, known: readonly string[], what: string): T {
  if (options === undefined) return NO_OPTIONS as T;
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`options of ${what}: expected an object, got ${typeName(options)}`);
  }
  checkOptions(options, known, what);
  return { __proto__: null, ...options } as T;
}

/** What is called while a request is under way, where it would be too late to complain. null is none. */
function checkCalls(options: RequestOptions): void {
  const { signal } = options;
  if (signal !== undefined && signal !== null && typeof signal.addEventListener !== 'function') {
    throw new TypeError(`signal: expected an AbortSignal, got ${typeName(signal)}`);
  }
  for (const name of calledNames) {
    const given: unknown = options[name];
    if (given !== undefined && given !== null && typeof given !== 'function') {
      throw new TypeError(`${name}: expected a function, got ${typeName(given)}`);
    }
  }
}

function checkSize(size: number | null | undefined): number | null {
  if (size === undefined) return 2 ** 30;
  if (size === null) return null;
  if (typeof size !== 'number') throw new TypeError(`maxResponseSize: expected bytes or null, got ${typeName(size)}`);
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`maxResponseSize: ${size} is not allowed, expected an integer from 0 or null`);
  }
  return size;
}

const NO_OPTIONS = Object.freeze({ __proto__: null }) as RequestOptions;
const NO_POOL: PoolStats = Object.freeze({
  active: 0,
  idle: 0,
  queued: 0,
  toString: () => '<Pool 0 active, 0 queued | 0 idle>',
});
const DEFAULT_HEADERS = new Headers([
  ['Accept', '*/*'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
  ['Connection', 'keep-alive'],
  ['User-Agent', `whippet/${version}`],
]);
export const clientOptionNames: readonly string[] = [
  'params',
  'headers',
  'baseUrl',
  'timeout',
  'dispatch',
  'defaultEncoding',
  'maxResponseSize',
  ...dispatchOptionNames,
];
export const requestOptionNames: readonly string[] = [
  'params',
  'headers',
  'content',
  'json',
  'data',
  'files',
  'timeout',
  'signal',
  'onUploadProgress',
  'onDownloadProgress',
  'onInformational',
];
const calledNames = ['onUploadProgress', 'onDownloadProgress', 'onInformational'] as const;
const sendOptionNames = ['timeout', 'signal', 'stream'];
