/** Everything that `import … from 'whippet'` gives. */

export { delete, get, head, options, patch, post, put, request, stream } from './api.js';
export type { CallOptions } from './api.js';
export { Auth } from './auth/auth.js';
export type { AuthTypes } from './auth/auth.js';
export { BasicAuth } from './auth/basic.js';
export { BearerAuth } from './auth/bearer.js';
export { DigestAuth } from './auth/digest.js';
export { NetRCAuth } from './auth/netrc.js';
export { Client } from './client.js';
export type { ClientOptions, RequestOptions, SendOptions } from './client-options.js';
export { Cookies } from './cookies/cookies.js';
export type { CookieScope } from './cookies/arguments.js';
export type { AppTypes, FetchApp, NodeApp } from './dispatch/app-kind.js';
export type { BodySource, Dispatch, DispatchOptions } from './dispatch/dispatch.js';
export { FetchDispatch } from './dispatch/fetch-app.js';
export type { FetchDispatchOptions } from './dispatch/fetch-app.js';
export { HTTPDispatch } from './dispatch/http.js';
export type { HTTPDispatchOptions } from './dispatch/http.js';
export { MockDispatch } from './dispatch/mock.js';
export type { MockHandler } from './dispatch/mock.js';
export { NodeDispatch } from './dispatch/node-app.js';
export type { NodeDispatchOptions } from './dispatch/node-app.js';
export {
  ClientClosed,
  CloseError,
  ConnectError,
  ConnectTimeout,
  CookieConflict,
  DecodingError,
  HTTPError,
  HTTPStatusError,
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
  WriteError,
  WriteTimeout,
} from './errors.js';
export type { EventHooks } from './event-hooks.js';
export { Headers } from './headers.js';
export { HTTPProxy, HTTPProxyMode } from './http-proxy.js';
export type { HTTPProxyOptions } from './http-proxy.js';
export { QueryParams } from './query-params.js';
export { Request } from './request.js';
export type { RequestInit_ } from './request.js';
export { Response } from './response.js';
export type { ResponseVersion } from './arrival.js';
export type { RetryPolicy } from './retries.js';
export { codes } from './status-codes.js';
export { TimeoutConfig } from './timeout.js';
export type { TimeoutKinds } from './timeout.js';
export type * from './types.js';
export { URL } from './url.js';
export { version } from './version.js';
