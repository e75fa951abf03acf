/**
 * `whippet/smithy`: a `requestHandler` for the AWS SDK v3 and what else is built on Smithy.
 *
 * ```js
 * import { S3Client } from '@aws-sdk/client-s3';
 * import { requestHandler } from 'whippet/smithy';
 *
 * const s3 = new S3Client({ requestHandler });
 * ```
 */

import type { Readable } from 'node:stream';
import type { Client } from '../client/client.js';
import type { ClientOptions } from '../client/options.js';
import { Aborter } from '../dispatch/aborter.js';
import { HTTPError, NetworkError, TimeoutException } from '../errors.js';
import { isClosedByPeer } from '../request-failure.js';
import { ownText } from '../own-memory.js';
import { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { MAX_TIMER_MS, type TimeoutConfig } from '../timeout.js';
import type { ContentTypes } from '../types.js';
import { URL } from '../url/url.js';
import { ClientHolder } from './client-holder.js';
import { fieldsOf } from './header-fields.js';
import { ResponseReadable } from './readable.js';
import { ReadTimeouts } from './read-timeouts.js';

/** A request of Smithy's (`@smithy/types` HttpRequest). @since 0.1.0 */
export interface SmithyRequest {
  /** The method of the request. @since 0.1.0 */
  method: string;
  /** The scheme with its colon: `https:`. @since 0.1.0 */
  protocol: string;
  /** The host of the request, without its port. @since 0.1.0 */
  hostname: string;
  /** The port. Default: the scheme's. @since 0.1.0 */
  port?: number | undefined;
  /** The path, percent-encoded as it is sent. @since 0.1.0 */
  path: string;
  /** The query parameters, not encoded. Default: none. @since 0.1.0 */
  query?: Record<string, string | (string | null)[] | null> | undefined;
  /** The headers, one value each. @since 0.1.0 */
  headers: Record<string, string>;
  /** The name of the userinfo. Default: none. @since 0.1.0 */
  username?: string | undefined;
  /** The password of the userinfo. Default: none. @since 0.1.0 */
  password?: string | undefined;
  /** Bytes, text or a stream. Default: none. @since 0.1.0 */
  body?: unknown;
}

/** A response of Smithy's; its body is a Node stream, as it came. @since 0.1.0 */
export interface SmithyResponse {
  /** The status code. @since 0.1.0 */
  statusCode: number;
  /** The reason phrase, where there is one. Default: none. @since 0.1.0 */
  reason?: string | undefined;
  /** The headers, one value each, names in small letters. @since 0.1.0 */
  headers: Record<string, string>;
  /** The body, as it came on the wire: the SDK decodes it. @since 0.1.0 */
  body: Readable;
}

/** What goes with one request. @since 0.1.0 */
export interface HandlerOptions {
  /** Aborts the request. Default: none. @since 0.1.0 */
  abortSignal?: (AbortSignal | { aborted: boolean; onabort: ((event: never) => void) | Function | null }) | undefined;
  /** Milliseconds until the head. Default: the handler's. @since 0.1.0 */
  requestTimeout?: number | undefined;
}

/** How the handler works; the rest are the client's options. @since 0.1.0 */
export interface SmithyConfig {
  /**
   * Milliseconds until the head of a response, and between two chunks of it; 0 or null: without a limit. Default: null.
   * @since 0.1.0
   */
  requestTimeout?: number | null | undefined;
}

/**
 * Of the shape that the SDK asks for: `handle`, `destroy`, `metadata` and the two for its configuration.
 * @since 0.1.0
 */
export class SmithyHandler {
  /** The protocol that the SDK is told of: `http/1.1` or `h2`. @since 0.1.0 */
  readonly metadata: { handlerProtocol: string };
  #holder: ClientHolder;
  #config: SmithyConfig;
  #timeouts = new ReadTimeouts();

  /**
   * Takes a client, which stays its owner's to close, or the options of one that is closed with the handler.
   *
   * @throws TypeError, RangeError for bad options, naming them
   * @since 0.1.0
   */
  constructor(clientOrOptions?: Client | (ClientOptions & SmithyConfig)) {
    const isClient = typeof (clientOrOptions as Client | undefined)?.send === 'function';
    const { requestTimeout = null, ...options } = (isClient ? {} : (clientOrOptions ?? {})) as ClientOptions &
      SmithyConfig;
    checkTimeout(requestTimeout);
    this.#config = { requestTimeout };
    // As the SDK's own handler: no limit but for connecting, no cookies, no netrc.
    const defaults: ClientOptions = {
      timeout: { connect: 10_000, read: null, write: null, pool: null },
      cookies: false,
    };
    const given =
      isClient || clientOrOptions === null || typeof clientOrOptions !== 'object' ? clientOrOptions : options;
    this.#holder = new ClientHolder(given as Client | ClientOptions, defaults, 'createRequestHandler()');
    const versions = isClient ? undefined : options.httpVersions;
    const isHttp2 = String(versions) === 'HTTP/2';
    this.metadata = { handlerProtocol: isHttp2 ? 'h2' : 'http/1.1' };
  }

  /**
   * Sends a request as it is: no redirects, auth, retries or cookies, which are the SDK's.
   *
   * Rejects with an AbortError when it is aborted, and with a TimeoutError, which the SDK retries, when a limit runs out or the
   * connection breaks; what happened is its `cause`.
   * @since 0.1.0
   */
  async handle(request: SmithyRequest, options: HandlerOptions = {}): Promise<{ response: SmithyResponse }> {
    const { client } = this.#holder;
    const { abortSignal } = options;
    const aborting = new Aborter();
    const onAbort = () => aborting.abort(abortError(abortSignal));
    checkTimeout(options.requestTimeout);
    if (abortSignal?.aborted) throw abortError(abortSignal);
    const unlisten = listen(abortSignal, onAbort);
    const limit = options.requestTimeout ?? this.#config.requestTimeout;
    const timer = limit
      ? setTimeout(() => aborting.abort(timeoutError(`no response within ${limit} ms`)), limit)
      : undefined;
    let response: Response;
    try {
      response = await client.sendOnce(toRequest(request), {
        timeout: this.#timeoutOf(client, limit),
        signal: aborting.asSignal,
      });
    } catch (error) {
      unlisten();
      throw translate(error);
    } finally {
      clearTimeout(timer);
    }
    const body = new SmithyReadable(response);
    body.once('close', unlisten);
    return {
      response: {
        statusCode: response.statusCode,
        reason: response.reasonPhrase,
        headers: fieldsOf(response),
        body,
      },
    };
  }

  #timeoutOf(client: Client, limit: number | null | undefined): TimeoutConfig | undefined {
    return limit ? this.#timeouts.of(client.timeout, limit, client.timeout.writeTimeout) : undefined;
  }

  /**
   * Closes idle connections now, the others when they are done. A later request opens anew: a handler may be shared by SDK clients.
   * @since 0.1.0
   */
  destroy(): void {
    // What a dispatch of the caller's fails with here has no promise to reject.
    this.#holder.close().catch(() => {});
  }

  /** The SDK's way to change an option of a handler that is there: of ours, `requestTimeout`. @since 0.1.0 */
  updateHttpClientConfig(key: string, value: unknown): void {
    if (key !== 'requestTimeout') return;
    checkTimeout(value);
    this.#config = { ...this.#config, requestTimeout: value };
  }

  /** The configuration, as the SDK asks for it. @since 0.1.0 */
  httpHandlerConfigs(): SmithyConfig {
    return { ...this.#config };
  }
}

/**
 * A handler over a client, which stays its owner's to close, or over one made from options.
 * @throws TypeError, RangeError for bad options, naming them
 * @since 0.1.0
 */
export function createRequestHandler(clientOrOptions?: Client | (ClientOptions & SmithyConfig)): SmithyHandler {
  return new SmithyHandler(clientOrOptions);
}

/** The handler with default options; every SDK client that is given it shares its pool. @since 0.1.0 */
export const requestHandler: SmithyHandler = new SmithyHandler();

function toRequest(given: SmithyRequest): Request {
  const { method, protocol, hostname, port, path, query = {}, headers, body } = given;
  const scheme = protocol.replace(/:$/, '');
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  const url = new URL(`${scheme}://${host}${port === undefined ? '' : `:${port}`}/`);
  const queryText = buildQuery(query);
  // What was signed is what is sent.
  url.fullPath = `${path === '' ? '/' : path}${queryText === '' ? '' : `?${queryText}`}`;
  const lines: [string, string][] = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  if ((given.username ?? given.password) !== undefined && !lines.some(([name]) => /^authorization$/i.test(name))) {
    const pair = ownText(`${given.username ?? ''}:${given.password ?? ''}`).toString('base64');
    lines.push(['Authorization', `Basic ${pair}`]);
  }
  const content = isEmpty(body) ? undefined : (body as ContentTypes);
  return new Request(method, url, content === undefined ? { headers: lines } : { headers: lines, content });
}

function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || body === '' || (ArrayBuffer.isView(body) && body.byteLength === 0);
}

/** As `@smithy/querystring-builder` has it, since it is what was signed. */
function buildQuery(query: NonNullable<SmithyRequest['query']>): string {
  return Object.keys(query)
    .sort()
    .flatMap((key) => {
      const value = query[key];
      const name = escapeUri(key);
      if (Array.isArray(value)) return value.map((one) => `${name}=${escapeUri(String(one))}`);
      return typeof value === 'string' ? [`${name}=${escapeUri(value)}`] : [name];
    })
    .join('&');
}

function escapeUri(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

class SmithyReadable extends ResponseReadable {
  protected override toError(error: unknown): unknown {
    return translate(error);
  }
}

/** By the names and codes that the SDK's retries ask for. */
function translate(error: unknown): unknown {
  if (!(error instanceof HTTPError)) return error;
  if (error instanceof TimeoutException) return timeoutError(error.message, error);
  // The SDK's own handler calls a broken connection a TimeoutError, so that it is tried again; for Node one that was closed in the midst
  // of an exchange is one that was reset.
  const isBroken = error instanceof NetworkError && /^(?:ECONNRESET|EPIPE|ETIMEDOUT)$/.test(error.code);
  return isBroken || isClosedByPeer(error) ? timeoutError(error.message, error) : error;
}

function timeoutError(message: string, cause?: HTTPError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.name = 'TimeoutError';
  return Object.assign(error, { code: cause?.code ?? 'ETIMEDOUT' });
}

function abortError(signal: HandlerOptions['abortSignal']): Error {
  const reason: unknown = (signal as AbortSignal | undefined)?.reason;
  if (reason instanceof Error && reason.name === 'AbortError') return reason;
  const error = new Error('Request aborted', reason === undefined ? undefined : { cause: reason });
  error.name = 'AbortError';
  return error;
}

function listen(signal: HandlerOptions['abortSignal'], onAbort: () => void): () => void {
  if (signal === undefined || signal === null) return () => {};
  if (typeof (signal as AbortSignal).addEventListener === 'function') {
    (signal as AbortSignal).addEventListener('abort', onAbort);
    return () => (signal as AbortSignal).removeEventListener('abort', onAbort);
  }
  // Smithy's own kind of signal, of which there is one listener.
  Object.assign(signal, { onabort: onAbort });
  return () => {
    // Another request may listen by now.
    if ((signal as { onabort: unknown }).onabort === onAbort) Object.assign(signal, { onabort: null });
  };
}

function checkTimeout(value: unknown): asserts value is number | null | undefined {
  if (value === undefined || value === null) return;
  if (typeof value !== 'number') throw new TypeError(`requestTimeout: expected milliseconds, got ${typeof value}`);
  if (!(value >= 0 && value <= MAX_TIMER_MS)) {
    throw new RangeError(
      `requestTimeout: ${value} is not allowed, expected milliseconds from 0 to ${MAX_TIMER_MS}; 0 is off`,
    );
  }
}
