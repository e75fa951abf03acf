/** Everything that `import … from 'whippet'` gives. */

export { delete, get, head, options, patch, post, put, query, request, stream } from './client/functions.js';
export type { CallOptions } from './client/functions.js';
export { Auth } from './auth/auth.js';
export type { AuthFlow, AuthTypes } from './auth/auth.js';
export { BasicAuth } from './auth/basic.js';
export { BearerAuth } from './auth/bearer.js';
export { DigestAuth } from './auth/digest.js';
export { NetRCAuth } from './auth/netrc-auth.js';
export { Client } from './client/client.js';
export type { Download } from './client/download.js';
export type { DownloadOptions, FileOptions } from './client/download-options.js';
export type { EventsOptions, ReconnectOptions } from './client/events.js';
export type { ClientOptions, PreconnectOptions, RequestOptions, SendOptions } from './client/options.js';
export { Cookies } from './cookies/cookies.js';
export type { CookieScope } from './cookies/input.js';
export type { AppTypes, FetchApp, NodeApp } from './dispatch/apps/kind.js';
export type { Dispatch, DispatchOptions } from './dispatch/dispatch.js';
export type { BodySink, BodySource } from './response/body-source.js';
export { FetchDispatch } from './dispatch/apps/fetch/fetch-dispatch.js';
export type { FetchDispatchOptions } from './dispatch/apps/fetch/fetch-dispatch.js';
export { HTTPDispatch } from './dispatch/network/http-dispatch.js';
export type { HTTPDispatchOptions } from './dispatch/network/http-dispatch.js';
export { MockDispatch } from './dispatch/apps/mock-dispatch.js';
export type { MockHandler } from './dispatch/apps/mock-dispatch.js';
export { NodeDispatch } from './dispatch/apps/node/node-dispatch.js';
export type { NodeDispatchOptions } from './dispatch/apps/node/node-dispatch.js';
export { PlatformDispatch } from './dispatch/platform/platform-dispatch.js';
export type { PlatformDispatchOptions } from './dispatch/platform/platform-dispatch.js';
export {
  ChecksumMismatch,
  ClientClosed,
  CloseError,
  ConnectError,
  ConnectTimeout,
  CookieConflict,
  DecodingError,
  FileError,
  HTTPError,
  HTTPStatusError,
  InternalError,
  InvalidURL,
  LocalProtocolError,
  NetworkError,
  PoolTimeout,
  ProtocolError,
  ProxyError,
  ReadError,
  ReadTimeout,
  RedirectBodyUnavailable,
  RemoteProtocolError,
  RequestError,
  RequestNotRead,
  ResponseClosed,
  ResponseNotRead,
  ResponseTooLarge,
  StreamClosed,
  StreamConsumed,
  StreamError,
  Timeout,
  TimeoutException,
  TooManyRedirects,
  TotalTimeout,
  TransportError,
  UnsupportedProtocol,
  ValidationError,
  WriteError,
  WriteTimeout,
} from './errors.js';
export type { ValidationIssue } from './errors.js';
export type { EventHooks } from './client/event-hooks.js';
export { Headers } from './headers.js';
export { HTTPProxy, HTTPProxyMode } from './connect/http-proxy.js';
export type { HTTPProxyOptions } from './connect/http-proxy.js';
export { QueryParams } from './url/query-params.js';
export type { Compression, CompressionEncoding } from './request/compression.js';
export type { CurlOptions } from './request/curl.js';
export { file } from './request/file-content.js';
export type { FileContent, FileContentOptions } from './request/file-content.js';
export { Request } from './request/request.js';
export type { RequestParts } from './request/request.js';
export { ServerSentEvent } from './response/event-stream.js';
export type { EventStreamOptions } from './response/event-stream.js';
export type { StandardSchema, StandardSchemaOutput } from './response/schema.js';
export { Response } from './response/response.js';
export type { ResponseVersion } from './response/received.js';
export type { FailedTimings, Peer, Timings, TLSInfo } from './response/timings.js';
export type { RetryPolicy } from './client/retry-policy.js';
export { codes } from './response/status-codes.js';
export { TimeoutConfig } from './timeout.js';
export type { TimeoutKinds } from './timeout.js';
export type * from './types.js';
/** The name of ResponseParts in the published types. */
export type { ResponseParts as ResponseInit_ } from './types.js';
export { URL } from './url/url.js';
export { version } from './version.js';

import { provideFetch } from './client/fetch-door.js';
import { createFetch, fetch } from './drop-in/fetch.js';

provideFetch(createFetch);
export { fetch };
