/**
 * Every error that a request can end in, as classes; and nothing else: deciding which one it is belongs to the layer where it
 * happened.
 *
 *   HTTPError                      ERR_HTTP; request, cause
 *   ├─ InvalidURL                  ERR_INVALID_URL
 *   ├─ CookieConflict              ERR_COOKIE_CONFLICT
 *   ├─ ClientClosed                ERR_CLIENT_CLOSED
 *   ├─ HTTPStatusError             ERR_HTTP_STATUS; response
 *   ├─ ValidationError             ERR_VALIDATION; issues, response
 *   ├─ StreamError                 ERR_STREAM
 *   │  ├─ StreamConsumed           ERR_STREAM_CONSUMED       (also RedirectBodyUnavailable)
 *   │  ├─ StreamClosed             ERR_STREAM_CLOSED         (also ResponseClosed)
 *   │  ├─ ResponseNotRead          ERR_RESPONSE_NOT_READ
 *   │  └─ RequestNotRead           ERR_REQUEST_NOT_READ
 *   ├─ ChecksumMismatch            ERR_CHECKSUM; expected, actual, response
 *   ├─ FileError                   the system's (ENOENT, EACCES, ENOSPC, EEXIST …); path
 *   └─ RequestError                ERR_REQUEST
 *      ├─ DecodingError            ERR_DECODING
 *      ├─ TooManyRedirects         ERR_TOO_MANY_REDIRECTS; response
 *      ├─ ResponseTooLarge         ERR_RESPONSE_TOO_LARGE
 *      └─ TransportError           ERR_TRANSPORT
 *         ├─ TimeoutException      ERR_TIMEOUT               (also Timeout)
 *         │  ├─ ConnectTimeout     ERR_CONNECT_TIMEOUT
 *         │  ├─ ReadTimeout        ERR_READ_TIMEOUT
 *         │  ├─ WriteTimeout       ERR_WRITE_TIMEOUT
 *         │  ├─ PoolTimeout        ERR_POOL_TIMEOUT
 *         │  └─ TotalTimeout       ERR_TOTAL_TIMEOUT
 *         ├─ NetworkError          ERR_NETWORK
 *         │  ├─ ConnectError       ERR_CONNECT               (or the system's: ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED …;
 *         │  │                                               or ERR_ADDRESS_FORBIDDEN)
 *         │  ├─ ReadError          ERR_READ                  (ECONNRESET …)
 *         │  ├─ WriteError         ERR_WRITE                 (EPIPE …)
 *         │  └─ CloseError         ERR_CLOSE
 *         ├─ ProtocolError         ERR_PROTOCOL
 *         │  ├─ LocalProtocolError   ERR_LOCAL_PROTOCOL
 *         │  └─ RemoteProtocolError  ERR_REMOTE_PROTOCOL
 *         ├─ ProxyError            ERR_PROXY; response (the CONNECT exchange), proxy
 *         └─ UnsupportedProtocol   ERR_UNSUPPORTED_PROTOCOL
 *
 * A bad argument is a TypeError or RangeError instead; what a user's own code throws, and `signal.reason`, pass through as they
 * are. The tree is httpx's, with InvalidURL, CookieConflict and StreamError under the one base as well.
 */

import type { ErrorKind } from './native.js';
import { maskUserinfo } from './shown-url.js';
import type { Request } from './request/request.js';
import type { Response } from './response/response.js';
import type { FailedTimings, Peer } from './response/timings.js';

/** What an error carries besides its message. */
export interface ErrorDetails {
  /** Default: the class's own code. The system's name where there is one: 'ECONNREFUSED', 'CERT_HAS_EXPIRED'. */
  code?: string | undefined;
  /** The request that failed. */
  request?: Request | undefined;
  /** The response that the error is about. */
  response?: Response | undefined;
  /** What led to it, kept as `error.cause`. */
  cause?: unknown;
  /** The proxy that was in the way. Credentials in it are masked. */
  proxy?: string | undefined;
  /** The file that could not be read or written. */
  path?: string | undefined;
  /** How far the exchange came. */
  timings?: FailedTimings | undefined;
  peer?: Peer | null | undefined;
}

/** The descriptor of a property that may be changed. It inherits nothing: a polluted Object.prototype would make it an accessor. */
function valueOf(value: unknown, enumerable = false): PropertyDescriptor {
  return { __proto__: null, value, writable: true, configurable: true, enumerable } as PropertyDescriptor;
}

/** Static, on each class of the tree: the registered symbol that its instances carry. */
const brand = Symbol('brand');

/**
 * The base of everything that a request can end in.
 *
 * What to do: catch it where any failure of a request is handled alike, and a narrower class where one is not.
 * @since 0.1.0
 */
export class HTTPError extends Error {
  /** Stable, for programs: `ERR_…`, or the system's own (`ECONNREFUSED`) where the system spoke. @since 0.1.0 */
  declare readonly code: string;
  /**
   * The request that failed, when one is known; not there by default. Not enumerable, so that a logged error stays
   * short and shows no secret.
   * @since 0.1.0
   */
  declare request?: Request;
  /** The proxy that was in the way, without its credentials. @since 0.1.0 */
  declare readonly proxy?: string;
  /**
   * Of an exchange over the network that failed: milliseconds in each phase that it came to, the last one until the failure; null for
   * the others. Not enumerable.
   * @since 0.1.0
   */
  declare readonly timings?: FailedTimings;
  /** The same: where its connection led; null when there was none yet. Not enumerable. @since 0.1.0 */
  declare readonly peer?: Peer | null;

  /** Takes the message and what is known of the exchange. An error of a mock is made in this way, too. @since 0.1.0 */
  constructor(message: string, details: ErrorDetails = {}) {
    // Own properties only: a polluted Object.prototype must not change what an error says.
    const has = (name: keyof ErrorDetails) => Object.hasOwn(details, name);
    super(message, has('cause') ? { cause: details.cause } : undefined);
    Object.defineProperty(this, 'request', valueOf(has('request') ? details.request : undefined));
    Object.defineProperty(this, 'response', valueOf(has('response') ? details.response : undefined));
    const code = (has('code') && details.code) || defaultCode(this);
    Object.defineProperty(this, 'code', valueOf(code, true));
    if (has('proxy') && details.proxy !== undefined) {
      Object.defineProperty(this, 'proxy', valueOf(maskUserinfo(details.proxy), true));
    }
    if (has('timings') && details.timings !== undefined)
      Object.defineProperty(this, 'timings', valueOf(details.timings));
    if (has('peer') && details.peer !== undefined) Object.defineProperty(this, 'peer', valueOf(details.peer));
  }

  /**
   * For logs: what it is, and of the request and the response which they were. No headers, and no password of a URL.
   * @since 0.1.0
   */
  toJSON(): Record<string, unknown> {
    const { name, code, message, proxy, request, response, cause } = this as HTTPError & { response?: Response };
    const shown: Record<string, unknown> = { name, code, message };
    if (proxy !== undefined) shown.proxy = proxy;
    if (request !== undefined)
      shown.request = { method: request.method, url: (request as Partial<Request>).url?.toJSON() };
    if (response !== undefined) shown.response = { statusCode: response.statusCode };
    if (cause instanceof HTTPError) shown.cause = cause.toJSON();
    else if (cause instanceof Error) shown.cause = { name: cause.name, message: cause.message };
    return shown;
  }

  /**
   * True across copies of this package: two versions in one node_modules tree, or ESM beside a bundle. A class that a user derives
   * has no brand of its own and is compared in the ordinary way.
   * @since 0.1.0
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    const mark = Object.hasOwn(this, brand) ? (this as unknown as { [brand]: symbol })[brand] : undefined;
    if (mark === undefined) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[mark] === true;
  }
}

/**
 * The text is no URL, or a component does not fit into one. The message never shows userinfo.
 *
 * What to do: mend the text; for text of users, catch this and say so to them. `new URL(text)` checks without a
 * request.
 * @since 0.1.0
 */
export class InvalidURL extends HTTPError {}

/**
 * Several cookies match: narrow the lookup by `domain` or `path`.
 *
 * What to do: say which by `cookies.get(name, { domain, path })`.
 * @since 0.1.0
 */
export class CookieConflict extends HTTPError {}

/**
 * The client was closed before or while the request was under way.
 *
 * What to do: close a client when nothing uses it any more, or make another; a module-level client is closed at the
 * end of the process.
 * @since 0.1.0
 */
export class ClientClosed extends HTTPError {}

/**
 * `raiseForStatus()` met a status that is not 2xx.
 *
 * What to do: look at `error.response.statusCode`; 429 and 503 are what `retries` is for.
 * @since 0.1.0
 */
export class HTTPStatusError extends HTTPError {
  /** The response with that status. Not enumerable. @since 0.1.0 */
  declare readonly response: Response;
}

/** One thing that a schema finds wrong (Standard Schema v1). @since 0.1.0 */
export interface ValidationIssue {
  /** What is wrong, in the words of the schema. @since 0.1.0 */
  readonly message: string;
  /** Where in the value it is: the keys that lead there. Absent for the value as a whole. @since 0.1.0 */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A body that is not what the schema of `json(schema)` says.
 *
 * What to do: look at `error.issues`; either the schema or the server has changed.
 * @since 0.1.0
 */
export class ValidationError extends HTTPError {
  /** What the schema found, in its own words. @since 0.1.0 */
  readonly issues: readonly ValidationIssue[];
  /** The response whose body it is. Not enumerable. @since 0.1.0 */
  declare readonly response: Response;

  /** Takes the message and what the schema found wrong. @since 0.1.0 */
  constructor(message: string, issues: readonly ValidationIssue[], details?: ErrorDetails) {
    super(message, details);
    this.issues = issues;
  }
}

/**
 * What was downloaded is not what the caller's checksum says; there is no file.
 *
 * What to do: download again; if it stays, the published digest is of another version of the file.
 * @since 0.1.0
 */
export class ChecksumMismatch extends HTTPError {
  /** The caller's, in lower-case hexadecimal. @since 0.1.0 */
  readonly expected: string;
  /** The digest of what was received, in lower-case hexadecimal. @since 0.1.0 */
  readonly actual: string;
  /** The response whose body it was. Not enumerable, so that a logged error stays short. @since 0.1.0 */
  declare readonly response: Response;

  /** Takes the message, and both digests in hexadecimal. @since 0.1.0 */
  constructor(message: string, expected: string, actual: string, details?: ErrorDetails) {
    super(message, details);
    this.expected = expected;
    this.actual = actual;
  }
}

/**
 * A file could not be read or written; `code` is the system's: ENOENT, EACCES, EISDIR, ENOSPC, EEXIST, EBUSY …
 *
 * What to do: do as `code` says: make the folder (ENOENT), permit (EACCES), make room (ENOSPC); EEXIST is `ifExists:
 * 'fail'`.
 * @since 0.1.0
 */
export class FileError extends HTTPError {
  /** The file, as the caller named it. @since 0.1.0 */
  declare readonly path: string;

  /** Takes the message and what the system said: `code` is the system's (ENOENT, EACCES, ENOSPC …). @since 0.1.0 */
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details);
    const path = Object.hasOwn(details, 'path') ? details.path : undefined;
    Object.defineProperty(this, 'path', valueOf(path ?? '', true));
  }
}

/**
 * The base of misuse of a body that streams.
 *
 * What to do: see the classes below it.
 * @since 0.1.0
 */
export class StreamError extends HTTPError {}

/**
 * The body was already read, or has to be sent twice and comes from a source that can be read once.
 *
 * What to do: read once and keep the result, or `await response.read()` first; send a body again from bytes, a Blob or
 * `file(path)`, not from a stream.
 * @since 0.1.0
 */
export class StreamConsumed extends StreamError {}

/**
 * The body was closed before it was read.
 *
 * What to do: read before `close()` and inside the block of `await using`.
 * @since 0.1.0
 */
export class StreamClosed extends StreamError {}

/**
 * `content`, `text` or `json()` of a streamed response before `read()`.
 *
 * What to do: `await response.read()` first, or use a method that is not `stream()`.
 * @since 0.1.0
 */
export class ResponseNotRead extends StreamError {}

/**
 * `content` of a request with a streamed body before `read()`.
 *
 * What to do: `await request.read()` first.
 * @since 0.1.0
 */
export class RequestNotRead extends StreamError {}

/**
 * The base of what goes wrong between sending a request and the end of its response.
 *
 * What to do: see the classes below it; `error.request` says which request it was.
 * @since 0.1.0
 */
export class RequestError extends HTTPError {
  /**
   * The response that it is about, where its head had arrived: of an undecodable 502, its status and headers. Not enumerable.
   * @since 0.1.0
   */
  declare response?: Response;
}

/**
 * A body is not what its Content-Encoding says, or not the JSON that was asked for.
 *
 * What to do: look at `error.response.headers`; a server that labels its body wrongly is read by `stream()` and
 * `iterRaw()`.
 * @since 0.1.0
 */
export class DecodingError extends RequestError {}

/**
 * A fault of this package ended the request: its core panicked, and said on stderr where. Other requests go on.
 *
 * What to do: report it, with what is on stderr. What the server has made of the request is not known.
 * @since 0.1.0
 */
export class InternalError extends RequestError {}

/**
 * More than `maxRedirects` redirects.
 *
 * What to do: look at `error.response` and its `history` for a loop, which is most often a missing cookie; else raise
 * `maxRedirects`.
 * @since 0.1.0
 */
export class TooManyRedirects extends RequestError {
  /** The redirect that was one too many. Not enumerable. @since 0.1.0 */
  declare readonly response?: Response;
}

/**
 * The body grew beyond `maxResponseSize`.
 *
 * What to do: use `stream()` or `download()`, which hold nothing in memory, or raise `maxResponseSize`.
 * @since 0.1.0
 */
export class ResponseTooLarge extends RequestError {}

/**
 * The base of what goes wrong on the way to the server and back.
 *
 * What to do: try again later; `retries` does so for what may be sent again.
 * @since 0.1.0
 */
export class TransportError extends RequestError {}

/**
 * The base of the timeouts: the class says which budget ran out.
 *
 * What to do: the class says which budget ran out, and the message its length; raise that one.
 * @since 0.1.0
 */
export class TimeoutException extends TransportError {}

/**
 * No connection within `connect`: DNS, TCP, proxy and TLS together.
 *
 * What to do: check host, port and firewall: packets are dropped; `error.timings` says whether DNS, TCP or TLS took
 * the time.
 * @since 0.1.0
 */
export class ConnectTimeout extends TimeoutException {}

/**
 * No byte of the response for `read`.
 *
 * What to do: raise `timeout.read` for what is slow by design (reports, language models), or ask for less.
 * @since 0.1.0
 */
export class ReadTimeout extends TimeoutException {}

/**
 * No byte of the request could be written for `write`.
 *
 * What to do: raise `timeout.write`: the network, or the server, takes the upload too slowly.
 * @since 0.1.0
 */
export class WriteTimeout extends TimeoutException {}

/**
 * No connection became free within `pool`.
 *
 * What to do: read or close every streamed response, send less at once, or raise `poolLimits.maxConnections` or
 * `timeout.pool`.
 * @since 0.1.0
 */
export class PoolTimeout extends TimeoutException {}

/**
 * The whole exchange, redirects and body included, took longer than `total`.
 *
 * What to do: raise `timeout.total`, or leave it off and rely on the timeouts of the phases.
 * @since 0.1.0
 */
export class TotalTimeout extends TimeoutException {}

/**
 * The base of failures of the network; `code` is the system's where it gave one.
 *
 * What to do: try again later; `code` says what the system said.
 * @since 0.1.0
 */
export class NetworkError extends TransportError {}

/**
 * No connection: DNS, refusal, TLS handshake, certificate.
 *
 * What to do: ECONNREFUSED: is the server up, and the port right? ENOTFOUND: the name. CERT_… and ERR_TLS_…: the
 * certificate, see the page on TLS.
 * @since 0.1.0
 */
export class ConnectError extends NetworkError {}

/**
 * The connection broke while the response was awaited or read.
 *
 * What to do: try again if the request may be sent twice (`retries`); the server, or something between, has cut the
 * connection.
 * @since 0.1.0
 */
export class ReadError extends NetworkError {}

/**
 * The connection broke while the request was written.
 *
 * What to do: as ReadError; a server that refuses a large body early may cut the connection, so look at its limits.
 * @since 0.1.0
 */
export class WriteError extends NetworkError {}

/**
 * The connection could not be closed in an orderly way.
 *
 * What to do: nothing: the exchange is over.
 * @since 0.1.0
 */
export class CloseError extends NetworkError {}

/**
 * The base of violations of HTTP.
 *
 * What to do: see the classes below it.
 * @since 0.1.0
 */
export class ProtocolError extends TransportError {}

/**
 * We would have violated HTTP.
 *
 * What to do: mend what the message names: a header, a method, a length. Nothing was sent, or the request was cut.
 * @since 0.1.0
 */
export class LocalProtocolError extends ProtocolError {}

/**
 * The server violated HTTP.
 *
 * What to do: report it to the server's owner; `httpVersions: 'HTTP/1.1'` helps when only its HTTP/2 is broken.
 * @since 0.1.0
 */
export class RemoteProtocolError extends ProtocolError {}

/**
 * A proxy refused, or answered CONNECT with something else than 2xx.
 *
 * What to do: look at `error.response` (407: credentials) and `error.proxy`; `proxies: null` goes around it.
 * @since 0.1.0
 */
export class ProxyError extends TransportError {
  /** The proxy's answer to CONNECT, when there was one. Not enumerable. @since 0.1.0 */
  declare readonly response?: Response;
}

/**
 * The URL has no scheme, or one that this client does not speak.
 *
 * What to do: write `http://` or `https://` in front; with `httpsOnly`, only the latter.
 * @since 0.1.0
 */
export class UnsupportedProtocol extends TransportError {}

/** httpx's reference name of TimeoutException. */
export { TimeoutException as Timeout };
/** httpx's reference name of StreamClosed. */
export { StreamClosed as ResponseClosed };
/** httpx's reference name of StreamConsumed. */
export { StreamConsumed as RedirectBodyUnavailable };

/** A class of the tree. */
export type ErrorClass = new (message: string, details?: ErrorDetails) => HTTPError;

/** The class for each kind that the core knows. `tsc` fails here when the core gains a kind. */
export const errorByKind: Readonly<Record<ErrorKind, ErrorClass>> = Object.freeze({
  ConnectTimeout,
  ReadTimeout,
  WriteTimeout,
  PoolTimeout,
  TotalTimeout,
  ConnectError,
  ReadError,
  WriteError,
  CloseError,
  LocalProtocolError,
  RemoteProtocolError,
  ResponseTooLarge,
  ProxyError,
  DecodingError,
  FileError,
  InternalError,
});

/** The key is what the class is called, whatever a minifier makes of `class.name`. */
const table: [errorClass: abstract new (...details: never[]) => HTTPError, name: string, code: string][] = [
  [HTTPError, 'HTTPError', 'ERR_HTTP'],
  [InvalidURL, 'InvalidURL', 'ERR_INVALID_URL'],
  [CookieConflict, 'CookieConflict', 'ERR_COOKIE_CONFLICT'],
  [ClientClosed, 'ClientClosed', 'ERR_CLIENT_CLOSED'],
  [HTTPStatusError, 'HTTPStatusError', 'ERR_HTTP_STATUS'],
  [ValidationError, 'ValidationError', 'ERR_VALIDATION'],
  [ChecksumMismatch, 'ChecksumMismatch', 'ERR_CHECKSUM'],
  [FileError, 'FileError', 'ERR_FILE'],
  [StreamError, 'StreamError', 'ERR_STREAM'],
  [StreamConsumed, 'StreamConsumed', 'ERR_STREAM_CONSUMED'],
  [StreamClosed, 'StreamClosed', 'ERR_STREAM_CLOSED'],
  [ResponseNotRead, 'ResponseNotRead', 'ERR_RESPONSE_NOT_READ'],
  [RequestNotRead, 'RequestNotRead', 'ERR_REQUEST_NOT_READ'],
  [RequestError, 'RequestError', 'ERR_REQUEST'],
  [DecodingError, 'DecodingError', 'ERR_DECODING'],
  [InternalError, 'InternalError', 'ERR_INTERNAL'],
  [TooManyRedirects, 'TooManyRedirects', 'ERR_TOO_MANY_REDIRECTS'],
  [ResponseTooLarge, 'ResponseTooLarge', 'ERR_RESPONSE_TOO_LARGE'],
  [TransportError, 'TransportError', 'ERR_TRANSPORT'],
  [TimeoutException, 'TimeoutException', 'ERR_TIMEOUT'],
  [ConnectTimeout, 'ConnectTimeout', 'ERR_CONNECT_TIMEOUT'],
  [ReadTimeout, 'ReadTimeout', 'ERR_READ_TIMEOUT'],
  [WriteTimeout, 'WriteTimeout', 'ERR_WRITE_TIMEOUT'],
  [PoolTimeout, 'PoolTimeout', 'ERR_POOL_TIMEOUT'],
  [TotalTimeout, 'TotalTimeout', 'ERR_TOTAL_TIMEOUT'],
  [NetworkError, 'NetworkError', 'ERR_NETWORK'],
  [ConnectError, 'ConnectError', 'ERR_CONNECT'],
  [ReadError, 'ReadError', 'ERR_READ'],
  [WriteError, 'WriteError', 'ERR_WRITE'],
  [CloseError, 'CloseError', 'ERR_CLOSE'],
  [ProtocolError, 'ProtocolError', 'ERR_PROTOCOL'],
  [LocalProtocolError, 'LocalProtocolError', 'ERR_LOCAL_PROTOCOL'],
  [RemoteProtocolError, 'RemoteProtocolError', 'ERR_REMOTE_PROTOCOL'],
  [ProxyError, 'ProxyError', 'ERR_PROXY'],
  [UnsupportedProtocol, 'UnsupportedProtocol', 'ERR_UNSUPPORTED_PROTOCOL'],
];

/** On each prototype: the class's default code, inherited by classes that users derive. */
const ownCode = Symbol('code');

for (const [errorClass, name, code] of table) {
  const mark = Symbol.for(`whippet.error.${name}`);
  Object.defineProperty(errorClass, brand, valueOf(mark));
  Object.defineProperties(errorClass.prototype, {
    name: valueOf(name),
    [mark]: valueOf(true),
    [ownCode]: valueOf(code),
  });
}

function defaultCode(error: HTTPError): string {
  return (error as unknown as { [ownCode]: string })[ownCode];
}
