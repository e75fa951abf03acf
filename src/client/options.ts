/**
 * What a client, a request and `send` take, and the reading of it: names, own properties, kinds that would fail too late. What an
 * option means is decided where it is used.
 */

import type { Compression } from '../request/compression.js';
import type { AuthTypes } from '../auth/auth.js';
import type { AppTypes } from '../dispatch/apps/kind.js';
import type { Dispatch } from '../dispatch/dispatch.js';
import { dispatchOptionNames, type HTTPDispatchOptions } from '../dispatch/network/http-dispatch.js';
import { typeName } from '../shown-text.js';
import type { EventHooksOption } from './event-hooks.js';
import type { Headers } from '../headers.js';
import { bare } from '../bare.js';
import { checkOptions, pick, toFlag } from '../check-options.js';
import type { Request } from '../request/request.js';
import type { RetryPolicy } from './retry-policy.js';
import type {
  BodyOptions,
  CookieTypes,
  HeaderTypes,
  ProxiesOption,
  QueryParamTypes,
  TimeoutTypes,
  URLTypes,
} from '../types.js';

/** What a client does by default for each of its requests, and how it connects. @since 0.1.0 */
export interface ClientOptions extends Omit<HTTPDispatchOptions, 'proxy'> {
  /**
   * Credentials for requests to the base URL's origin, or to any when there is none. Default: none but those of a
   * URL and netrc. null: not even those.
   * @since 0.1.0
   */
  auth?: AuthTypes | null | undefined;
  /** Query parameters that are merged into each request's; the request's win. Default: none. @since 0.1.0 */
  params?: QueryParamTypes | null | undefined;
  /**
   * Headers of each request, after the defaults (Accept, Accept-Encoding, Connection, User-Agent); null as a value
   * removes a default. With a base URL, those that are no defaults go to its origin only. Default: none besides the
   * defaults.
   * @since 0.1.0
   */
  headers?: HeaderTypes | null | undefined;
  /**
   * Cookies that are sent where they fit, and joined by what servers set. Those of a plain object belong to the base
   * URL's host, or to any host while no redirect leaves the origin. `false`: no cookie is stored or sent by the
   * client. Default: an empty jar.
   * @since 0.1.0
   */
  cookies?: CookieTypes | false | null | undefined;
  /** The URL that requests with a relative one are appended to. Default: none; every URL is absolute. @since 0.1.0 */
  baseUrl?: URLTypes | null | undefined;
  /**
   * Timeouts in milliseconds: a number for connect, read, write and pool each, or an object. null: no timeout at
   * all. Default: 5_000 for each of connect, read, write and pool; total is off.
   * @since 0.1.0
   */
  timeout?: TimeoutTypes | null | undefined;
  /** Whether redirects are followed, for every method. Default: true. @since 0.1.0 */
  followRedirects?: boolean | undefined;
  /** How many redirects in a row are followed; the one after that is TooManyRedirects. Default: 20. @since 0.1.0 */
  maxRedirects?: number | undefined;
  /**
   * Headers that never follow a redirect to another origin, besides Authorization, Cookie and Proxy-Authorization.
   * Default: none besides those.
   * @since 0.1.0
   */
  sensitiveHeaders?: readonly string[] | undefined;
  /**
   * One proxy for everything, or proxies by URL pattern: `'http://example.com'`, `'all://example.com'`, `'http'`,
   * `'all'`, looked up in that order; null is "directly". Default: the environment's (HTTP_PROXY, HTTPS_PROXY,
   * ALL_PROXY, NO_PROXY), as they are when the client is made. null: none.
   * @since 0.1.0
   */
  proxies?: ProxiesOption | undefined;
  /**
   * Whether the environment counts: the variables of `proxies` and of `HTTPDispatchOptions.trustEnv`, and NETRC,
   * ~/.netrc and ~/_netrc, which have credentials for requests without any. Default: true.
   * @since 0.1.0
   */
  trustEnv?: boolean | undefined;
  /**
   * An in-process app instead of the network: see FetchDispatch and NodeDispatch. Default: none, the network.
   * @since 0.1.0
   */
  app?: AppTypes;
  /**
   * Anything with `send`, instead of the network: an HTTPDispatch with options of its own, a MockDispatch. It is
   * closed with the client. Default: an HTTPDispatch of its own.
   * @since 0.1.0
   */
  dispatch?: Dispatch | undefined;
  /**
   * URL pattern → dispatch, or null for the network: 'https://', 'all://example.com', 'http://*.test:8080'.
   * Default: none.
   * @since 0.1.0
   */
  mounts?: Record<string, Dispatch | null> | null | undefined;
  /**
   * Functions that are called before each request is sent and after each response's head, those of redirects and
   * auth included. Default: none.
   * @since 0.1.0
   */
  eventHooks?: EventHooksOption | null | undefined;
  /**
   * The encoding of text bodies without a charset, or a function that guesses it from the body. Default: 'utf-8'.
   * @since 0.1.0
   */
  defaultEncoding?: (string | ((content: Buffer) => string)) | undefined;
  /**
   * The largest response body that the non-streaming calls hold in memory, in decoded bytes; a larger one is
   * ResponseTooLarge. null: no limit. Default: 256 MiB.
   * @since 0.1.0
   */
  maxResponseSize?: number | null | undefined;
  /**
   * Compresses request bodies: a coding, or one with the size from which on. A server that does not know the coding
   * answers 415. Default: none, bodies are sent as they are.
   * @since 0.1.0
   */
  compress?: Compression | null | undefined;
  /** How often, or by which policy, what failed is sent again. Default: 0, never. @since 0.1.0 */
  retries?: number | RetryPolicy | null | undefined;
}

/** What one request adds to its client's options, but for its body. @since 0.1.0 */
interface OwnRequestOptions {
  /**
   * Query parameters of this request, over the client's and those of the URL of the same name. Default: none.
   * @since 0.1.0
   */
  params?: QueryParamTypes | null | undefined;
  /**
   * Headers of this request, over the client's; null as a value removes the client's header of that name. A Cookie
   * header is sent instead of all cookies. Default: none.
   * @since 0.1.0
   */
  headers?: HeaderTypes | null | undefined;
  /**
   * Cookies beside the client's, for this one request and no redirect of it; they are not stored. false: the request and its
   * redirects carry none of the client's, and none that a response sets is kept. Default: none.
   * @since 0.1.0
   */
  cookies?: CookieTypes | false | null | undefined;
  /**
   * Credentials instead of the client's. null: no auth, not even from the URL or netrc. Default: the client's.
   * @since 0.1.0
   */
  auth?: AuthTypes | null | undefined;
  /**
   * Timeouts in milliseconds. A number stands for connect, read, write and pool, an object changes what it names,
   * null switches all off. Default: the client's.
   * @since 0.1.0
   */
  timeout?: TimeoutTypes | null | undefined;
  /** Whether redirects of this request are followed. Default: the client's. @since 0.1.0 */
  followRedirects?: boolean | undefined;
  /** Whether the environment counts for this request: proxies and netrc. Default: the client's. @since 0.1.0 */
  trustEnv?: boolean | undefined;
  /**
   * Aborts the request in every phase; the promise rejects with `signal.reason`, and so does a body that is being
   * read. Default: none.
   * @since 0.1.0
   */
  signal?: AbortSignal | undefined;
  /**
   * Called as the body is sent, with the bytes so far and those in all, null where their number is not known. What it throws is what
   * the request rejects with. It may be async: the request ends once its promises have settled, and what one of them rejects with ends it
   * at once. Default: none.
   * @since 0.1.0
   */
  onUploadProgress?: ((sent: number, total: number | null) => void) | undefined;
  /**
   * Called as the body arrives, with the bytes so far, as they come on the wire, and those in all, null where their
   * number is not known. It may throw and be async as `onUploadProgress` may, up to the end of the body. Default: none.
   * @since 0.1.0
   */
  onDownloadProgress?: ((received: number, total: number | null) => void) | undefined;
  /**
   * Called for each 1xx response (103 Early Hints, 102 Processing), before the final one. It may throw and be async as
   * `onUploadProgress` may. Default: none.
   * @since 0.1.0
   */
  onInformational?: ((statusCode: number, headers: Headers) => void) | undefined;
  /** Compresses the body of this request. null: the body is sent as it is. Default: the client's. @since 0.1.0 */
  compress?: Compression | null | undefined;
}

/** What one request adds to its client's options, its body among them. @since 0.1.0 */
export type RequestOptions = OwnRequestOptions & BodyOptions;

/** What `send` takes; `undefined` inherits from the client. @since 0.1.0 */
export interface SendOptions extends Pick<
  OwnRequestOptions,
  'auth' | 'timeout' | 'followRedirects' | 'trustEnv' | 'signal'
> {
  /** Whether the promise resolves at the head and leaves the body unread. Default: false. @since 0.1.0 */
  stream?: boolean | undefined;
}

/** How `client.preconnect()` opens connections. @since 0.1.0 */
export interface PreconnectOptions {
  /**
   * How many are to be there afterwards, idle ones included, as far as the pool's limits allow; over HTTP/2 it is one. Default: 1.
   * @since 0.1.0
   */
  connections?: number | undefined;
  /** Milliseconds for each connection, as for a request: `pool`, `connect` and `total` count. Default: the client's. @since 0.1.0 */
  timeout?: TimeoutTypes | null | undefined;
  /** Ends it, with `signal.reason`. Default: none. @since 0.1.0 */
  signal?: AbortSignal | undefined;
}

/** @throws TypeError, RangeError naming the option */
export function toConnectionCount(given: unknown): number {
  if (given === undefined) return 1;
  if (typeof given !== 'number') throw new TypeError(`connections: expected a number, got ${typeName(given)}`);
  if (Number.isInteger(given) && given >= 1 && given <= MAX_CONNECTION_COUNT) return given;
  throw new RangeError(`connections: ${given} is not allowed, expected an integer from 1 to ${MAX_CONNECTION_COUNT}`);
}

/** Of one address there are not more ports. */
const MAX_CONNECTION_COUNT = 65_535;

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
  checkOptions(options, known, what, 'options', placeFor(known));
  const given = bare(options as Record<string, unknown>);
  for (const name of nothings) if (given[name] === null) given[name] = undefined;
  return given as Given<T>;
}

/** What says where a name is that these do not have. */
function placeFor(known: readonly string[]): (name: string) => string | undefined {
  if (known === clientOptionNames) return placeOfRequests;
  return known === sendOptionNames ? placeBeforeSending : placeOfClients;
}

/** Of a name that a client does not know. */
function placeOfRequests(name: string): string | undefined {
  return requestOptionNames.includes(name)
    ? `It is an option of a request, as in client.get(url, { ${name} }).`
    : undefined;
}

/** Of a name that a call does not know. */
function placeOfClients(name: string): string | undefined {
  return clientOptionNames.includes(name) ? `It is an option of the client: new Client({ ${name} }).` : undefined;
}

/** Of a name that `send()` does not know: the request is made before. */
function placeBeforeSending(name: string): string | undefined {
  return requestOptionNames.includes(name) ? 'It is an option of client.buildRequest().' : placeOfClients(name);
}

/**
 * An option of calls that only the doors of this package give: the body is read as soon as it can be, and no one counts on the
 * connection to be held until then.
 */
export const READS_SOON: unique symbol = Symbol('readsSoon');

/** What a door says of a call: `sendOnce`. */
export type DoorOptions = Pick<OwnRequestOptions, 'timeout' | 'signal' | 'onInformational'>;

/** `options`, for a call of a door whose body is read as soon as it can be. */
export function readingSoon<T extends object>(options: T): T {
  (options as { [READS_SOON]?: boolean })[READS_SOON] = true;
  return options;
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
    sendingOf.set(request, pick(options, kept));
  }
  return request;
}

/** `given`, over what the request was built with. */
export function withKept(request: Request, given: Given<SendOptions>): Given<RequestOptions> {
  const kept = sendingOf.get(request);
  if (kept === undefined) return given;
  const own = Object.entries(given).filter(([, value]) => value !== undefined);
  const merged = bare<object>({ ...kept, ...Object.fromEntries(own) });
  return READS_SOON in given ? readingSoon(merged) : merged;
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
export const preconnectOptionNames: readonly string[] = ['connections', 'timeout', 'signal'];
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
