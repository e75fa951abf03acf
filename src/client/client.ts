/**
 * The client: merges its options with a request's, and sends. What happens around an exchange is in call.ts, the loops over
 * exchanges in redirects.ts, retries.ts and auth-flow.ts; how a request reaches a server is its dispatch's work.
 */

import type { DefaultEncoding, Progress, ResponseContext } from '../response/received.js';
import { bare } from '../bare.js';
import { isBasic } from './auth-flow.js';
import type { Auth, AuthTypes } from '../auth/auth.js';
import { fromNetRC } from '../auth/netrc-auth.js';
import { authOf, toAuth } from '../auth/to-auth.js';
import { Callbacks } from './callbacks.js';
import { APP_URL, onBaseUrl, toBaseUrl } from './base-url.js';
import { toContent } from '../request/body-options.js';
import type {
  ClientOptions,
  DoorOptions,
  Given,
  PreconnectOptions,
  RedirectOptions,
  RequestOptions,
  SendOptions,
} from './options.js';
import {
  checkCalls,
  checkSize,
  clientOptionNames,
  keepSending,
  NO_OPTIONS,
  preconnectOptionNames,
  readingSoon,
  READS_SOON,
  readOptions,
  requestOptionNames,
  sendOptionNames,
  toConnectionCount,
  toRedirects,
  withKept,
} from './options.js';
import type { Download } from './download.js';
import { Downloading } from './download.js';
import type { DownloadOptions } from './download-options.js';
import { checkPath, readDownloadOptions } from './download-options.js';
import type { EventsOptions } from './events.js';
import { eventsOf } from './events.js';
import type { ServerSentEvent } from '../response/event-stream.js';
import { cookiesFor, NO_CLIENT_COOKIES, settleCookies, toCookies } from './cookie-header.js';
import { Cookies } from '../cookies/cookies.js';
import { DEFAULT_HEADERS, forRange, ownNames, withoutOwn } from './default-headers.js';
import { wantsLog } from './diagnostics.js';
import type { DispatchOptions } from '../dispatch/dispatch.js';
import { dispatchOptionNames, HTTPDispatch } from '../dispatch/network/http-dispatch.js';
import { noPool } from '../dispatch/network/pool-stats.js';
import { checkPlatform, openNetwork } from './network.js';
import { openFetch } from './fetch-door.js';
import { chooseDispatch, Mounts } from './mounts.js';
import { ClientClosed } from '../errors.js';
import { typeName } from '../shown-text.js';
import type { EventHooks } from './event-hooks.js';
import { toEventHooks } from './event-hooks.js';
import type { Headers } from '../headers.js';
import { mergeHeaders } from '../headers.js';
import type { NetRC } from '../auth/netrc-file.js';
import { findNetRC } from '../auth/netrc-file.js';
import { defineInspect } from '../inspect.js';
import { pick, toFlag } from '../check-options.js';
import { toAddressGuard } from '../connect/address-guard.js';
import { toLookup } from '../connect/lookup.js';
import { Proxies } from '../connect/proxies.js';
import { QueryParams } from '../url/query-params.js';
import { mayKeepAuth } from '../response/next-request.js';
import { sendHandlingRedirects } from './redirects.js';
import { traceToCaller } from '../request-failure.js';
import type { CompressionSettings } from '../request/compression.js';
import { compressBody, toCompression } from '../request/compression.js';
import { headLines } from '../request/header-lines.js';
import { normaliseMethod } from '../request/method.js';
import { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { RetryPolicy } from './retry-policy.js';
import { toRetries } from './retry-policy.js';
import type { CallParameters, ClientSettings } from './call.js';
import { attachToRefusal, checkResponse, closingOnFailure, isAttended, Call, storeCookies } from './call.js';
import { checkDefaultEncoding } from '../response/text.js';
import type { TimeoutConfig } from '../timeout.js';
import { DEFAULT_TIMEOUT, resolveTimeout } from '../timeout.js';
import type { CookieTypes, HeaderTypes, PoolStats, QueryParamTypes, TimeoutTypes, URLTypes } from '../types.js';
import { URL } from '../url/url.js';

/**
 * Connections, defaults and limits for many requests (httpx: Client; requests: Session).
 *
 * ```js
 * await using client = new Client({ baseUrl: 'https://example.org/api' });
 * const response = await client.get('/users', { params: { page: 2 } });
 * ```
 *
 * @throws TypeError, RangeError, InvalidURL at once for bad options, naming them
 * @since 0.1.0
 */
export class Client implements AsyncDisposable {
  #dispatch: Mounts;
  /** undefined: none was given. null: there is to be none, not even from a URL or netrc. */
  #auth: Auth | null | undefined;
  #headers: Headers;
  #params: QueryParams;
  #cookies: Cookies | null;
  #baseUrl: URL | null;
  /** What a path is appended to without a base URL: an app has one origin, whatever its name. */
  #appUrl: URL | null = null;
  #timeout: TimeoutConfig;
  #hooks: EventHooks;
  #compression: CompressionSettings | null;
  #trustEnv: boolean;
  #defaultEncoding: DefaultEncoding | undefined;
  #redirects: RedirectOptions;
  #retries: Required<RetryPolicy> | null;
  #buffered: { maxResponseSize: number | null };
  #logs = wantsLog();
  /** undefined: not looked for yet. */
  #netrc: NetRC | null | undefined;
  #fetch: typeof globalThis.fetch | null = null;
  /** The header lines that every plain request begins with, and what they were made from. */
  #plain: { lines: string; usable: boolean } | null = null;

  /**
   * Reads the options once; what they hold may be changed afterwards without effect. No connection is opened.
   *
   * @throws TypeError, RangeError for bad options, naming them
   * @since 0.1.0
   */
  constructor(options?: ClientOptions) {
    const given = readOptions<ClientOptions>(options, clientOptionNames, 'new Client()');
    this.#auth = given.auth === undefined ? undefined : toAuth(given.auth);
    this.#headers = mergeHeaders(DEFAULT_HEADERS, given.headers);
    this.#params = new QueryParams(given.params);
    this.#baseUrl = given.baseUrl === undefined ? null : toBaseUrl(given.baseUrl);
    this.#cookies = given.cookies === false ? null : toCookies(given.cookies, this.#baseUrl);
    this.#timeout = resolveTimeout(given.timeout, DEFAULT_TIMEOUT);
    this.#hooks = toEventHooks(given.eventHooks);
    this.#redirects = toRedirects(given);
    this.#retries = toRetries(given.retries);
    this.#trustEnv = toFlag('trustEnv', given.trustEnv, true);
    this.#compression = toCompression(given.compress);
    this.#defaultEncoding = checkDefaultEncoding(given.defaultEncoding);
    this.#buffered = { maxResponseSize: checkSize(given.maxResponseSize) };
    const httpsOnly = toFlag('httpsOnly', given.httpsOnly, false);
    toLookup(given.lookup);
    // Now, as the network may be opened later, or never: a guard with a mistake in it is none.
    const guard = toAddressGuard(given, given.socketPath);
    const connecting = { ...pick(given, dispatchOptionNames), httpsOnly, ...guard };
    // Now, as the environment is read here; the network may be opened later, or never.
    const proxies = Proxies.read(given.proxies, this.#trustEnv);
    const network = () => openNetwork(connecting, proxies);
    this.#dispatch = new Mounts(chooseDispatch(given, network), given.mounts, network, httpsOnly);
    checkPlatform(given, this.#dispatch.own, this.#timeout);
    if (given.app !== undefined) this.#appUrl = httpsOnly ? APP_URL.copyWith({ scheme: 'https' }) : APP_URL;
  }

  /** Sends a GET request and resolves with the response, its body read. Rejects as `request()` does. @since 0.1.0 */
  get(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('GET', url, options, 'client.get()', false);
  }

  /**
   * Sends an OPTIONS request and resolves with the response, its body read. Rejects as `request()` does.
   * @since 0.1.0
   */
  options(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('OPTIONS', url, options, 'client.options()', false);
  }

  /**
   * Sends a HEAD request and resolves with the response, which has no body. Rejects as `request()` does.
   * @since 0.1.0
   */
  head(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('HEAD', url, options, 'client.head()', false);
  }

  /** Sends a POST request and resolves with the response, its body read. Rejects as `request()` does. @since 0.1.0 */
  post(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('POST', url, options, 'client.post()', false);
  }

  /** Sends a PUT request and resolves with the response, its body read. Rejects as `request()` does. @since 0.1.0 */
  put(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('PUT', url, options, 'client.put()', false);
  }

  /** Sends a PATCH request and resolves with the response, its body read. Rejects as `request()` does. @since 0.1.0 */
  patch(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('PATCH', url, options, 'client.patch()', false);
  }

  /** Sends a DELETE request and resolves with the response, its body read. Rejects as `request()` does. @since 0.1.0 */
  delete(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('DELETE', url, options, 'client.delete()', false);
  }

  /**
   * QUERY (RFC 10008): safe and idempotent as GET, with what is asked in the body, as `json`, `data` or `content`.
   * @since 0.1.0
   */
  query(url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request('QUERY', url, options, 'client.query()', false);
  }

  /**
   * Sends a request and reads the whole response.
   *
   * Rejects with TypeError, RangeError or InvalidURL before anything is sent; with a subclass of RequestError for what happens
   * under way; with `signal.reason` when it is aborted; with ClientClosed on a closed client.
   * @since 0.1.0
   */
  request(method: string, url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request(method, url, options, 'client.request()', false);
  }

  /**
   * As `request`, but resolves at the response head; the body is read from the response, which must be closed (`await using`,
   * `close()`, or reading to the end).
   * @since 0.1.0
   */
  stream(method: string, url: URLTypes, options?: RequestOptions): Promise<Response> {
    return this.#request(method, url, options, 'client.stream()', true);
  }

  /**
   * Server-sent events (WHATWG HTML 9.2) over as many connections as it takes: after a cut, an end, a 5xx or a failed connection it
   * connects again with Last-Event-ID, after what the server asked for by `retry:` (3 s), longer with each failure in a row. GET does
   * so by itself, another method only with `reconnect`. A 204 ends it, and so does leaving the loop.
   *
   * @throws TypeError, RangeError at once for bad options. The iteration rejects with HTTPStatusError for a 4xx (or a 5xx that is
   *   not to be tried again), RemoteProtocolError for another content type or an event beyond `maxEventSize`, `signal.reason`, and
   *   the last error where it may not connect again.
   * @since 0.1.0
   */
  events(method: string, url: URLTypes, options?: EventsOptions): AsyncIterableIterator<ServerSentEvent> {
    const name = normaliseMethod(method);
    return eventsOf(name, options, async (given, prepare) => {
      const request = this.#build(name, url, given);
      prepare(request);
      return this.#send(request, given, true);
    });
  }

  /**
   * `fetch` of the Fetch standard over this client: with its cookies, auth, headers, timeouts and dispatch, a path on its base URL. It
   * works detached (`const { fetch } = client`). A failure is a TypeError('fetch failed') with this package's error as its `cause`.
   * @since 0.1.0
   */
  get fetch(): typeof globalThis.fetch {
    return (this.#fetch ??= openFetch(this));
  }

  /**
   * Writes the decoded body of a 2xx to `path`, without a byte of it passing through JavaScript: into `path + '.part'`, which gets its
   * name when it is whole. Other statuses are HTTPStatusError, and no file. A download that fails or is aborted keeps its part, and
   * beside it (`path + '.part.json'`) what `resume` needs, also in another process; after success nothing is left over.
   *
   * Rejects as `request()` does; with FileError for what the file system says; with ChecksumMismatch; with ResponseTooLarge beyond
   * `maxSize`. `maxResponseSize` does not count.
   * @since 0.1.0
   */
  download(url: URLTypes, path: string, options?: DownloadOptions): Promise<Download> {
    try {
      const settings = readDownloadOptions(options);
      const method = normaliseMethod(settings.method);
      const opener = {
        build: (given: Given<RequestOptions>) => this.#build(method, url, given),
        send: (request: Request, given: Given<RequestOptions>) => this.#send(request, given, true),
      };
      checkCalls(settings.request);
      return new Downloading(checkPath(path), settings, opener).run();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Opens connections (DNS, proxy, TLS) before the first request needs them, until `connections` (1) are there, idle ones included; over
   * HTTP/2, one. Resolves when they are in the pool, where `keepaliveExpiry` counts for them. There is nothing to do for apps.
   *
   * Rejects as a request does that gets no connection, with `signal.reason`, and with ClientClosed when the client is closed meanwhile.
   *
   * @since 0.1.0
   */
  async preconnect(url: URLTypes, options?: PreconnectOptions): Promise<void> {
    const given = readOptions<PreconnectOptions>(options, preconnectOptionNames, 'client.preconnect()');
    const connections = toConnectionCount(given.connections);
    const timeout = resolveTimeout(given.timeout, this.#timeout);
    checkCalls(given);
    const { signal } = given;
    try {
      await this.#dispatch.preconnect(onBaseUrl(this.#baseUrl ?? this.#appUrl, url), {
        connections,
        timeout,
        trustEnv: this.#trustEnv,
        signal,
      });
    } catch (error) {
      traceToCaller(error);
      throw error;
    }
  }

  /**
   * Merges client and request options into a Request that may be changed before it is sent, without I/O. What concerns the
   *  sending (`timeout`, `auth`, `signal` …) is kept for `send`, whose own options win.
   * @since 0.1.0
   */
  buildRequest(method: string, url: URLTypes, options?: RequestOptions): Request {
    const given = readOptions<RequestOptions>(options, requestOptionNames, 'client.buildRequest()');
    return keepSending(this.#build(normaliseMethod(method), url, given), given);
  }

  /** Sends a Request as it is: auth, redirects and a missing timeout are added, nothing is merged. @since 0.1.0 */
  send(request: Request, options?: SendOptions): Promise<Response> {
    try {
      if (!(request instanceof Request)) {
        throw new TypeError(`request: expected a Request, got ${typeName(request)}`);
      }
      const given = readOptions<SendOptions>(options, sendOptionNames, 'client.send()');
      return this.#send(request, withKept(request, given), toFlag('stream', given.stream, false));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * One exchange of a door, whose API decides about redirects and credentials by itself. Resolves at the head; the body is read as
   * soon as it can be.
   * @internal
   */
  sendOnce(request: Request, { timeout, signal, onInformational }: DoorOptions): Promise<Response> {
    const given = { timeout, signal, onInformational, auth: null, followRedirects: false };
    return this.#send(request, readingSoon(bare<Given<RequestOptions>>(given)), true);
  }

  /**
   * For a door that makes a connection of its own.
   * @throws UnsupportedProtocol, ConnectError where the client's options would be passed by
   * @internal
   */
  checkOwnConnection(request: Request): void {
    this.#dispatch.checkOwnConnection(request);
  }

  /**
   * As it was given, a pair and a function as an Auth; null when there is none. Setting null switches URL and netrc off, too.
   * @since 0.1.0
   */
  get auth(): AuthTypes | null {
    return this.#auth ?? null;
  }

  set auth(auth: AuthTypes | null) {
    this.#auth = toAuth(auth);
  }

  /** What servers have set, and what was given; empty and unused with `cookies: false`. @since 0.1.0 */
  get cookies(): Cookies {
    return this.#cookies ?? new Cookies();
  }

  set cookies(cookies: CookieTypes) {
    this.#cookies = toCookies(cookies, this.#baseUrl);
  }

  /** Default: headers. Setting them puts the five defaults of httpx under the new ones. @since 0.1.0 */
  get headers(): Headers {
    return this.#headers;
  }

  set headers(headers: HeaderTypes) {
    this.#headers = mergeHeaders(DEFAULT_HEADERS, headers);
  }

  /** Query parameters of each request. A request's own win. @since 0.1.0 */
  get params(): QueryParams {
    return this.#params;
  }

  set params(params: QueryParamTypes) {
    this.#params = new QueryParams(params);
  }

  /** With a '/' at the end; '' when there is none. @since 0.1.0 */
  get baseUrl(): URL {
    return this.#baseUrl ?? new URL('');
  }

  set baseUrl(url: URLTypes) {
    this.#baseUrl = toBaseUrl(url);
  }

  /**
   * The timeouts of each request, in milliseconds. Set to a number, an object or null, it changes those of later
   * requests. Default: 5_000 for each of connect, read, write and pool; total is off.
   * @since 0.1.0
   */
  get timeout(): TimeoutConfig {
    return this.#timeout;
  }

  set timeout(timeout: TimeoutTypes | null) {
    this.#timeout = resolveTimeout(timeout, DEFAULT_TIMEOUT);
  }

  /** The lists themselves: what is added to them acts on the next exchange. @since 0.1.0 */
  get eventHooks(): EventHooks {
    return this.#hooks;
  }

  set eventHooks(hooks: Partial<EventHooks>) {
    this.#hooks = toEventHooks(hooks);
  }

  /** Whether the environment's variables count. @since 0.1.0 */
  get trustEnv(): boolean {
    return this.#trustEnv;
  }

  /** Whether `close()` was called. Requests reject with ClientClosed from then on. @since 0.1.0 */
  get isClosed(): boolean {
    return this.#dispatch.isClosed;
  }

  /** The pool in one line, e.g. `<Pool 1 active, 0 queued | 2 idle>`, and as numbers. @since 0.1.0 */
  get pool(): PoolStats {
    const { own } = this.#dispatch;
    const drain = () => this.#dispatch.drain();
    return own instanceof HTTPDispatch ? own.statsWith(drain) : noPool(drain);
  }

  /**
   * Closes idle connections now and active ones when their responses end; new requests reject with ClientClosed. Idempotent.
   * @since 0.1.0
   */
  async close(): Promise<void> {
    await this.#dispatch.close();
  }

  /** `await using`: closes the client at the end of the block. @since 0.1.0 */
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

  #build(method: string, url: URLTypes, options: Given<RequestOptions>): Request {
    const target = this.#url(url, options.params);
    const content = toContent(options, this.#headers);
    const { headers } = options;
    // What a client holds for its base URL goes to that URL's origin only, even where a request names the URL of another.
    const isHome = this.#isHome(target);
    const cookies = cookiesFor(this.#cookies, target, options.cookies, isHome);
    const cookie = typeof cookies?.header === 'string' ? cookies.header : '';
    const lines =
      headers === undefined && isHome && this.#hasPlainHeaders()
        ? headLines(method, target, this.#headers.toLines(), null, content, cookie)
        : headLines(
            method,
            target,
            '',
            forRange(mergeHeaders(isHome ? this.#headers : withoutOwn(this.#headers), headers)),
            content,
            cookie,
          );
    const request = new Request(method, target, undefined, { lines, body: content.body });
    request.clientCookies = cookies;
    const { compress } = options;
    const compression = compress === undefined ? this.#compression : toCompression(compress);
    if (compression !== null) request.compression = compression;
    return request;
  }

  #isHome(url: URL): boolean {
    return this.#baseUrl === null || !this.#baseUrl.isAbsoluteUrl || mayKeepAuth(this.#baseUrl, url);
  }

  /** None of the client's headers is one that a request's own line would have to be left out for. */
  #hasPlainHeaders(): boolean {
    const lines = this.#headers.toLines();
    if (this.#plain?.lines !== lines) {
      const special = ['cookie', 'host', 'content-length', 'transfer-encoding', 'content-type', 'range'];
      this.#plain = { lines, usable: !special.some((name) => this.#headers.has(name)) };
    }
    return this.#plain.usable;
  }

  /** The URL's own query stays; params of the client and then of the request replace what has the same name. */
  #url(url: URLTypes, params: QueryParamTypes | undefined): URL {
    const target = onBaseUrl(this.#baseUrl ?? this.#appUrl, url);
    if (params === undefined && this.#params.isEmpty) return target;
    const merged = params === undefined ? this.#params : this.#params.merge(params);
    return merged.isEmpty ? target : target.copyMergeParams(merged);
  }

  async #send(request: Request, options: Given<RequestOptions>, stream: boolean): Promise<Response> {
    try {
      if (this.#dispatch.isClosed)
        throw new ClientClosed('Cannot send a request, as the client has been closed.', { request });
      if (options !== NO_OPTIONS) checkCalls(options);
      const timeout = resolveTimeout(options.timeout, this.#timeout);
      const trustEnv = options.trustEnv ?? this.#trustEnv;
      const followsRedirects = options.followRedirects ?? this.#redirects.followRedirects;
      const readsSoon = stream && (options as { [READS_SOON]?: boolean })[READS_SOON] === true;
      // Those of a door are this package's own.
      const callbacks = readsSoon ? null : Callbacks.of(request, options, timeout.totalTimeout);
      const { signal, onUploadProgress, onInformational } = callbacks ?? options;
      const progress = callbacks?.progress;
      // Progress is told piece by piece, so the body has to come in pieces.
      const buffered = stream || progress !== undefined ? undefined : this.#buffered;
      if (request.compression !== null) await compressBody(request, request.compression);
      const auth = this.#authFor(request, options.auth, trustEnv);
      const mayRepeat = this.#retries !== null || (auth !== null && !isBasic(auth));
      const headFirst = mayRepeat ? 'unsuccessful' : followsRedirects ? 'redirects' : undefined;
      // Each an own property, so that a polluted Object.prototype has no say.
      const dispatchOptions: DispatchOptions = {
        timeout,
        trustEnv,
        buffered,
        headFirst,
        readsSoon,
        followRedirects: followsRedirects,
        signal,
        onUploadProgress,
        onInformational,
      };
      const parameters: CallParameters = { auth, followsRedirects, elapsed: 0 };
      if (typeof request.clientCookies?.header === 'object') {
        const call = new Call(this.#settings(request, progress, stream), request, dispatchOptions, parameters);
        await call.waitFor(() => settleCookies(request));
      }
      let response: Response;
      if (auth === null && !isAttended(this.#hooks, this.#retries, this.#logs)) {
        try {
          response = checkResponse(await this.#dispatch.send(request, dispatchOptions));
        } catch (reason) {
          attachToRefusal(reason, (answer) => this.#contextOf(request, answer, progress, stream, false));
          throw reason;
        }
        response.attach(request, this.#contextOf(request, response, progress, stream, false));
        const stored = storeCookies(this.#cookiesOf(request), request, response);
        const isFollowed = followsRedirects && response.hasRedirectLocation;
        if (stored !== undefined || isFollowed) {
          parameters.elapsed = response.elapsedTotal;
          const call = new Call(this.#settings(request, progress, stream), request, dispatchOptions, parameters);
          if (stored !== undefined) await closingOnFailure(response, call.settled(stored));
          if (isFollowed) response = await sendHandlingRedirects(request, call, response);
        }
      } else {
        const call = new Call(this.#settings(request, progress, stream), request, dispatchOptions, parameters);
        response = await sendHandlingRedirects(request, call);
      }
      if (!stream && response.isToBeRead) await response.readAtMost(this.#buffered.maxResponseSize);
      const settled = callbacks?.settled() ?? null;
      if (settled !== null) await closingOnFailure(response, settled);
      return response;
    } catch (error) {
      traceToCaller(error);
      throw error;
    }
  }

  /** In turn: the request's option; a header of its own; the client's; credentials in the URL; netrc. */
  #authFor(request: Request, option: AuthTypes | null | undefined, trustEnv: boolean): Auth | null {
    if (option !== undefined) return toAuth(option);
    if (this.#auth === null) return null;
    const { url } = request;
    const ofClient = this.#auth !== undefined && this.#isHome(url) ? this.#auth : null;
    const netrc = trustEnv ? (this.#netrc === undefined ? (this.#netrc = findNetRC()) : this.#netrc) : null;
    if (ofClient === null && netrc === null && url.userinfo === '') return null;
    if (request.hasHeader('authorization')) {
      // That of the client's own headers is no wish of this request.
      const isClients = request.headers.get('authorization') === this.#headers.get('authorization');
      return isClients ? ofClient : null;
    }
    return ofClient ?? authOf(url) ?? fromNetRC(netrc, request);
  }

  /** Headers of the client belong to its base URL, like its auth. */
  #sensitiveHeaders(request: Request): readonly string[] {
    const { sensitiveHeaders } = this.#redirects;
    const isBound = this.#baseUrl !== null && this.#isHome(request.url);
    return isBound ? [...sensitiveHeaders, ...ownNames(this.#headers)] : sensitiveHeaders;
  }

  /** @param request The call's own, whose origin the client's headers may be for. */
  #contextOf(
    request: Request,
    response: Response,
    progress: Progress | undefined,
    stream: boolean,
    isAway: boolean,
  ): ResponseContext {
    const redirect = response.hasRedirectLocation
      ? { sensitiveHeaders: this.#sensitiveHeaders(request), cookies: this.#cookiesOf(request), isAway }
      : undefined;
    const maxResponseSize = stream ? null : this.#buffered.maxResponseSize;
    // Each an own property, so that a polluted Object.prototype has no say.
    return {
      history: undefined,
      redirect,
      defaultEncoding: this.#defaultEncoding,
      progress,
      keepsBody: !stream,
      maxResponseSize,
    };
  }

  /** The jar that a call reads and fills; null where it has been told to have none. */
  #cookiesOf(request: Request): Cookies | null {
    return request.clientCookies === NO_CLIENT_COOKIES ? null : this.#cookies;
  }

  #settings(request: Request, progress: Progress | undefined, stream: boolean): ClientSettings {
    return {
      contextOf: (response, isAway) => this.#contextOf(request, response, progress, stream, isAway),
      dispatch: this.#dispatch,
      cookies: this.#cookiesOf(request),
      hooks: this.#hooks,
      retries: this.#retries,
      maxRedirects: this.#redirects.maxRedirects,
      sensitiveHeaders: () => this.#sensitiveHeaders(request),
      maxResponseSize: this.#buffered.maxResponseSize,
      logs: this.#logs,
    };
  }
}

defineInspect(Client, ({ isClosed, pool }) => `<Client (${isClosed ? 'closed' : 'open'}) ${pool.toString()}>`);
