/** Every option takes undefined, also under exactOptionalPropertyTypes, and null where it is nothing: read by process/types.spec.ts. */
import type {
  ClientOptions,
  HTTPDispatchOptions,
  HTTPProxyOptions,
  PlatformDispatchOptions,
  PoolLimits,
  RequestOptions,
  ResponseInit_,
  RetryPolicy,
  SendOptions,
  TimeoutKinds,
  URLComponents,
} from '../../index.js';

/** The same with each optional property set to undefined. */
type Undefined<T> = { [K in keyof T]: undefined extends T[K] ? undefined : T[K] };

declare const client: Undefined<Omit<ClientOptions, 'app'>>;
declare const request: Undefined<RequestOptions>;
declare const send: Undefined<SendOptions>;
declare const dispatch: Undefined<HTTPDispatchOptions>;
declare const limits: Undefined<PoolLimits>;
declare const platform: Undefined<PlatformDispatchOptions>;
export const platforms: PlatformDispatchOptions = platform;
declare const policy: Undefined<RetryPolicy>;
declare const init: Undefined<ResponseInit_>;
declare const components: Undefined<URLComponents>;

export const all: [ClientOptions, RequestOptions, SendOptions, HTTPDispatchOptions, PoolLimits, RetryPolicy, ResponseInit_, URLComponents] =
  [client, request, send, dispatch, limits, policy, init, components]; // prettier-ignore

export const explicit: ClientOptions = {
  auth: undefined, params: undefined, headers: undefined, cookies: undefined, baseUrl: undefined, timeout: undefined,
  followRedirects: undefined, maxRedirects: undefined, sensitiveHeaders: undefined, proxies: undefined, trustEnv: undefined,
  dispatch: undefined, mounts: undefined, eventHooks: undefined, defaultEncoding: undefined, maxResponseSize: undefined,
  retries: undefined, httpVersions: undefined, poolLimits: undefined, verify: undefined, cert: undefined, socketPath: undefined,
  localAddress: undefined, resolve: undefined, allowAddresses: undefined, denyAddresses: undefined, httpsOnly: undefined, lookup: undefined,
}; // prettier-ignore
export const unguarded: HTTPDispatchOptions = { allowAddresses: null, denyAddresses: null, lookup: null };
export const guarded: ClientOptions[] = [
  { allowAddresses: 'public' },
  { allowAddresses: ['10.0.0.0/8'], denyAddresses: ['::1'] },
];
export const hooks: ClientOptions = { eventHooks: { request: undefined, response: undefined } };
export const timeout: RequestOptions = { timeout: { connect: undefined, read: undefined, write: undefined, pool: undefined, total: undefined } }; // prettier-ignore
export const kinds: TimeoutKinds = { connectTimeout: undefined, totalTimeout: undefined };
export const proxy: HTTPProxyOptions = { proxyUrl: 'http://p', proxyMode: undefined, proxyHeaders: undefined, auth: undefined, verify: undefined, cert: undefined }; // prettier-ignore
export const nothing: ClientOptions = { headers: null, params: null, cookies: null, retries: null, eventHooks: null, mounts: null, poolLimits: null, baseUrl: null }; // prettier-ignore
export const empty: RequestOptions = { headers: null, params: null, cookies: null, data: null, files: null };
