/**
 * What a client, a request and `send` take, and the reading of it: names, own properties, kinds that would fail too late. What an
 * option means is decided where it is used.
 */

import type { Compression } from '../request/compression.js';
import type { AuthTypes } from '../auth/auth.js';
import type { AppTypes } from '../dispatch/apps/kind.js';
import type { Dispatch } from '../dispatch/dispatch.js';
import { dispatchOptionNames, type HTTPDispatchOptions } from '../dispatch/network/http-dispatch.js';
import { typeName } from '../errors.js';
import type { EventHooksOption } from './event-hooks.js';
import type { Headers } from '../headers.js';
import { checkOptions, toFlag } from '../check-options.js';
import type { Request } from '../request/request.js';
import type { RetryPolicy } from './retries.js';
import type {
  BodyOptions,
  CookieTypes,
  HeaderTypes,
  ProxiesOption,
  QueryParamTypes,
  TimeoutTypes,
  URLTypes,
} from '../types.js';

/** What a client does by default for each of its requests, and how it connects. */
export interface ClientOptions extends Omit<HTTPDispatchOptions, 'proxy'> {
  /** For requests to the base URL's origin, or to any when there is none. null: no auth, not even from a URL or netrc. */
  auth?: AuthTypes | null | undefined;
  /** Merged into each request's; the request's win. */
  params?: QueryParamTypes | null | undefined;
  /**
   * Sent with each request, after the defaults (Accept, Accept-Encoding, Connection, User-Agent); null removes a default. With a
   * base URL, those that are no defaults go to its origin only.
   */
  headers?: HeaderTypes | null | undefined;
  /**
   * Sent where they fit, and joined by what servers set. Those of a plain object belong to the base URL's host, or to any host
   * while no redirect leaves the origin. `false`: no cookie is stored or sent by the client.
   */
  cookies?: CookieTypes | false | null | undefined;
  /** Requests with a relative URL are appended to it. */
  baseUrl?: URLTypes | null | undefined;
  /** Default 5_000 ms for each of connect, read, write and pool; total is off. null: no timeout at all. */
  timeout?: TimeoutTypes | null | undefined;
  /** Default true, for every method. */
  followRedirects?: boolean | undefined;
  /** Default 20; the redirect after that is TooManyRedirects. */
  maxRedirects?: number | undefined;
  /** Headers that never follow a redirect to another origin, besides Authorization, Cookie and Proxy-Authorization. */
  sensitiveHeaders?: readonly string[] | undefined;
  /**
   * One proxy for everything, or proxies by URL pattern: `'http://example.com'`, `'all://example.com'`, `'http'`, `'all'`, looked
   * up in that order; null is "directly". Default: the environment's (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), as they are
   * when the client is made. null: none.
   */
  proxies?: ProxiesOption | undefined;
  /**
   * Default true: the variables of `proxies` and `HTTPDispatchOptions.trustEnv` count, and NETRC, ~/.netrc and ~/_netrc have credentials for
   * requests without any.
   */
  trustEnv?: boolean | undefined;
  /** An in-process app instead of the network: see FetchDispatch and NodeDispatch. */
  app?: AppTypes;
  /** Anything with `send`, instead of the network. */
  dispatch?: Dispatch | undefined;
  /** URL pattern → dispatch, or null for the network: 'https://', 'all://example.com', 'http://*.test:8080'. */
  mounts?: Record<string, Dispatch | null> | null | undefined;
  /** Called before each request is sent and after each response's head, those of redirects and auth included. */
  eventHooks?: EventHooksOption | null | undefined;
  /** Encoding of text bodies without a charset, or a function that guesses it from the body. Default 'utf-8'. */
  defaultEncoding?: (string | ((content: Buffer) => string)) | undefined;
  /** Largest response body held in memory by the non-streaming calls, in bytes. Default 256 MiB; null: no limit. */
  maxResponseSize?: number | null | undefined;
  /** Compresses request bodies. A server that does not know the coding answers 415. Default: not. */
  compress?: Compression | null | undefined;
  /** How often, or by which policy, what failed is sent again. Default never. */
  retries?: number | RetryPolicy | null | undefined;
}

/** What one request adds to its client's options, but for its body. */
interface OwnRequestOptions {
  params?: QueryParamTypes | null | undefined;
  /** null as a value removes the client's header of that name. A Cookie header is sent instead of all cookies. */
  headers?: HeaderTypes | null | undefined;
  /** Beside the client's, for this one request and no redirect of it; not stored. */
  cookies?: CookieTypes | null | undefined;
  /** null: no auth, not even from the URL or netrc. */
  auth?: AuthTypes | null | undefined;
  timeout?: TimeoutTypes | null | undefined;
  followRedirects?: boolean | undefined;
  trustEnv?: boolean | undefined;
  /** Aborts at every phase; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  onUploadProgress?: ((sent: number, total: number | null) => void) | undefined;
  onDownloadProgress?: ((received: number, total: number | null) => void) | undefined;
  /** Called for each 1xx response. */
  onInformational?: ((statusCode: number, headers: Headers) => void) | undefined;
  /** Instead of the client's; null: the body is sent as it is. */
  compress?: Compression | null | undefined;
}

/** What one request adds to its client's options, its body among them. */
export type RequestOptions = OwnRequestOptions & BodyOptions;

/** What `send` takes; `undefined` inherits from the client. */
export interface SendOptions extends Pick<
  OwnRequestOptions,
  'auth' | 'timeout' | 'followRedirects' | 'trustEnv' | 'signal'
> {
  /** Resolve at the head and leave the body unread. Default false. */
  stream?: boolean | undefined;
}

/** No options: one object, to be known by its identity. */
export const NO_OPTIONS: Given<RequestOptions> = Object.freeze({ __proto__: null }) as Given<RequestOptions>;

/**
 * The options as a copy of their own properties: what a polluted Object.prototype has does not count.
 * @throws TypeError for names that are not known
 */
export function readOptions<T extends object>(
  options: T | undefined,
  known: readonly string[],
  what: string,
): Given<T> {
  if (options === undefined) return NO_OPTIONS as Given<T>;
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`options of ${what}: expected an object, got ${typeName(options)}`);
  }
  checkOptions(options, known, what);
  const given: Record<string, unknown> = { __proto__: null, ...options };
  for (const name of nothings) if (given[name] === null) given[name] = undefined;
  return given as Given<T>;
}

/** Options of which null is nothing, as if they were left out; of the others it is refused, or means "off". */
const nothings = [
  'headers',
  'params',
  'cookies',
  'data',
  'files',
  'retries',
  'eventHooks',
  'mounts',
  'poolLimits',
  'baseUrl',
] as const;

/** Options as they were read. */
export type Given<T> = T extends unknown
  ? { [K in keyof T]: K extends (typeof nothings)[number] ? Exclude<T[K], null> : T[K] }
  : never;

/** What is called or asked while a request is under way, where it would be too late to complain. null is none. */
export function checkCalls(options: Given<RequestOptions>): void {
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
  for (const name of switchNames) toFlag(name, options[name], true);
}

/** What of `buildRequest`'s options is no part of the request, but of its sending. */
const sendingOf = new WeakMap<Request, Given<RequestOptions>>();

/** Keeps those options for `send`. */
export function keepSending(request: Request, options: Given<RequestOptions>): Request {
  checkCalls(options);
  const kept = sendingNames.filter((name) => options[name] !== undefined);
  if (kept.length > 0) {
    const own: object = { __proto__: null, ...Object.fromEntries(kept.map((name) => [name, options[name]])) };
    sendingOf.set(request, own);
  }
  return request;
}

/** `given`, over what the request was built with. */
export function withKept(request: Request, given: Given<SendOptions>): Given<RequestOptions> {
  const kept = sendingOf.get(request);
  if (kept === undefined) return given;
  const own = Object.entries(given).filter(([, value]) => value !== undefined);
  const merged: object = { __proto__: null, ...kept, ...Object.fromEntries(own) };
  return merged;
}

/** Bytes, null, or the default of 256 MiB. */
export function checkSize(size: number | null | undefined, name = 'maxResponseSize'): number | null {
  if (size === undefined) return 256 * 1024 * 1024;
  if (size === null) return null;
  if (typeof size !== 'number') throw new TypeError(`${name}: expected bytes or null, got ${typeName(size)}`);
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`${name}: ${size} is not allowed, expected an integer from 0 or null`);
  }
  return size;
}

/** What the client does about redirects. */
export type RedirectOptions = Required<Pick<ClientOptions, 'followRedirects' | 'maxRedirects' | 'sensitiveHeaders'>>;

/** With the defaults in place. */
export function toRedirects(given: Given<ClientOptions>): RedirectOptions {
  const { followRedirects = true, maxRedirects = 20, sensitiveHeaders = [] } = given;
  toFlag('followRedirects', followRedirects, true);
  if (typeof maxRedirects !== 'number') {
    throw new TypeError(`maxRedirects: expected a number, got ${typeName(maxRedirects)}`);
  }
  if (!Number.isSafeInteger(maxRedirects) || maxRedirects < 0) {
    throw new RangeError(`maxRedirects: ${maxRedirects} is not allowed, expected an integer from 0`);
  }
  if (!Array.isArray(sensitiveHeaders) || !sensitiveHeaders.every((name) => typeof name === 'string')) {
    throw new TypeError('sensitiveHeaders: expected a list of header names');
  }
  return { followRedirects, maxRedirects, sensitiveHeaders: [...sensitiveHeaders] };
}

export const clientOptionNames: readonly string[] = [
  'auth',
  'params',
  'headers',
  'cookies',
  'baseUrl',
  'timeout',
  'followRedirects',
  'maxRedirects',
  'sensitiveHeaders',
  'app',
  'proxies',
  'dispatch',
  'mounts',
  'eventHooks',
  'defaultEncoding',
  'maxResponseSize',
  'retries',
  'compress',
  ...dispatchOptionNames,
];
const calledNames = ['onUploadProgress', 'onDownloadProgress', 'onInformational'] as const;
/** Of the sending, not of the request. */
const sendNames = ['auth', 'timeout', 'followRedirects', 'trustEnv', 'signal'] as const;
const sendingNames = [...sendNames, ...calledNames] as const;
export const sendOptionNames: readonly string[] = [...sendNames, 'stream'];
export const requestOptionNames: readonly string[] = [
  'params',
  'headers',
  'cookies',
  'content',
  'json',
  'data',
  'files',
  'compress',
  ...sendingNames,
];
const switchNames = ['followRedirects', 'trustEnv'] as const;
