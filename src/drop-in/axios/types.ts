/** What is used of axios: it is the user's, and loaded with the first request. */

import { createRequire } from 'node:module';

/** A request's configuration, merged, its data transformed. @since 0.1.0 */
export interface AxiosConfig {
  /** The URL, absolute or below `baseURL`. Default: none. @since 0.1.0 */
  url?: string | undefined;
  /** What a relative `url` is appended to. Default: none. @since 0.1.0 */
  baseURL?: string | undefined;
  /** The method. Default: 'get'. @since 0.1.0 */
  method?: string | undefined;
  /** The headers, merged by axios. @since 0.1.0 */
  headers: { toJSON(): Record<string, string | string[]>; get?(name: string): unknown };
  /** The body, transformed by axios. Default: none. @since 0.1.0 */
  data?: unknown;
  /** Name and password of Basic. Default: none. @since 0.1.0 */
  auth?: { username?: string | undefined; password?: string | undefined } | undefined;
  /** Milliseconds for the whole request; 0: without a limit. Default: 0. @since 0.1.0 */
  timeout?: number | undefined;
  /** The message of the error of `timeout`. Default: axios' own. @since 0.1.0 */
  timeoutErrorMessage?: string | undefined;
  /**
   * Whether the error of `timeout` has the code ETIMEDOUT instead of ECONNABORTED. Default: ECONNABORTED.
   * @since 0.1.0
   */
  transitional?: { clarifyTimeoutError?: boolean | undefined } | undefined;
  /**
   * What `data` of the response is: 'json', 'text', 'arraybuffer', 'stream' or 'blob'. Default: 'json'.
   * @since 0.1.0
   */
  responseType?: string | undefined;
  /** The encoding of text. Default: 'utf8'. @since 0.1.0 */
  responseEncoding?: string | undefined;
  /** Whether content codings are undone. Default: true. @since 0.1.0 */
  decompress?: boolean | undefined;
  /** The most bytes of a response; -1: any number. Default: -1. @since 0.1.0 */
  maxContentLength?: number | undefined;
  /**
   * The most bytes of a request; -1: any number. Default: -1, and 10 MiB of a stream are kept for redirects.
   * @since 0.1.0
   */
  maxBodyLength?: number | undefined;
  /** How many redirects are followed. Default: 21, as follow-redirects has it. @since 0.1.0 */
  maxRedirects?: number | undefined;
  /** Bytes per second, up and down, or one number for both. Default: none. @since 0.1.0 */
  maxRate?: number | [number, number] | undefined;
  /**
   * Called before a redirect is followed. Hooks are methods, whose parameters compare both ways: axios' own types
   * say more of them.
   * @since 0.1.0
   */
  beforeRedirect?(options: Record<string, unknown>, response: object, request: object): void | Promise<void>;
  /** Which statuses fulfil the promise; null: every one. Default: 2xx. @since 0.1.0 */
  validateStatus?: ((status: number) => boolean) | null | undefined;
  /** Called as the body is sent. @since 0.1.0 */
  onUploadProgress?(event: object): void;
  /** Called as the body arrives. @since 0.1.0 */
  onDownloadProgress?(event: object): void;
  /** The proxy; false: none. Default: the client's. @since 0.1.0 */
  proxy?: AxiosProxy | false | undefined;
  /** The unix socket to connect through. Default: none. @since 0.1.0 */
  socketPath?: string | null | undefined;
  /** Names to addresses, of the shape of Node's `dns.lookup`, or a function that returns a promise. Default: the client's. @since 0.1.0 */
  lookup?: unknown;
  /**
   * Node's own agent for http, which is ignored: connections are the client's. Another kind of agent is refused.
   * Default: none.
   * @since 0.1.0
   */
  httpAgent?: unknown;
  /**
   * Node's own agent for https, whose TLS options count. Another kind of agent is refused. Default: none.
   * @since 0.1.0
   */
  httpsAgent?: unknown;
  /** Aborts the request. Default: none. @since 0.1.0 */
  signal?: AxiosSignal | undefined;
  /** Aborts the request, axios' older way. Default: none. @since 0.1.0 */
  cancelToken?:
    { subscribe(listener: (reason: unknown) => void): void; unsubscribe(listener: unknown): void } | undefined;
}

/** An AbortSignal, or one of axios' GenericAbortSignals. */
export interface AxiosSignal {
  readonly aborted: boolean;
  addEventListener?(type: 'abort', listener: () => void): void;
  removeEventListener?(type: 'abort', listener: () => void): void;
}

export interface AxiosProxy {
  protocol?: string | undefined;
  host?: string | undefined;
  hostname?: string | undefined;
  port?: number | string | undefined;
  auth?: { username?: string; password?: string } | string | undefined;
}

/** What an adapter resolves with. @since 0.1.0 */
export interface AxiosResponse {
  /** The status code. @since 0.1.0 */
  status: number;
  /** The reason phrase. @since 0.1.0 */
  statusText: string;
  /** The headers, names in small letters. @since 0.1.0 */
  headers: Record<string, string | string[]>;
  // oxlint-disable-next-line typescript/no-explicit-any -- axios has its own type for what it gave.
  /** The configuration of the request. @since 0.1.0 */
  config: any;
  /** Shaped as Node's: `request.res.responseUrl` is the URL that answered. @since 0.1.0 */
  request: AxiosRequest;
  /** The body, as `responseType` says; axios transforms it further. @since 0.1.0 */
  data: unknown;
}

export interface AxiosRequest {
  method: string;
  protocol: string;
  host: string;
  path: string;
  res?: { responseUrl: string; statusCode: number; statusMessage: string } | undefined;
}

type ErrorClass = {
  new (message: string, code?: string, config?: unknown, request?: unknown, response?: unknown): Error;
  from(error: unknown, code?: string, config?: unknown, request?: unknown, response?: unknown): Error;
};

/** The part of axios that an adapter needs. */
export interface Axios {
  AxiosError: ErrorClass;
  CanceledError: new (message: string | null, config?: unknown, request?: unknown) => Error;
  AxiosHeaders: unknown;
  VERSION: string;
  getUri(config: AxiosConfig): string;
}

let loading: Promise<Axios> | null = null;
let required: Axios | null = null;

/**
 * The copy that the configuration comes from, by its headers: `import` and `require` give two, with error classes of their own.
 * @throws Error when axios is not installed
 */
export async function loadAxios({ headers }: AxiosConfig): Promise<Axios> {
  const name: string = 'axios';
  loading ??= import(name).then((module: { default: Axios }) => module.default);
  const imported = await loading;
  if (headers.constructor === imported.AxiosHeaders) return imported;
  required ??= createRequire(import.meta.url)(name) as Axios;
  return headers.constructor === required.AxiosHeaders ? required : imported;
}
