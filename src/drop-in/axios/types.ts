/** What is used of axios: it is the user's, and loaded with the first request. */

import { createRequire } from 'node:module';

/** A request's configuration, merged, its data transformed. */
export interface AxiosConfig {
  url?: string;
  baseURL?: string;
  method?: string;
  headers: { toJSON(): Record<string, string | string[]> };
  data?: unknown;
  auth?: { username?: string; password?: string };
  timeout?: number;
  timeoutErrorMessage?: string;
  transitional?: { clarifyTimeoutError?: boolean };
  responseType?: string;
  responseEncoding?: string;
  decompress?: boolean;
  maxContentLength?: number;
  maxBodyLength?: number;
  maxRedirects?: number;
  maxRate?: number | [number, number];
  /** Hooks are methods, whose parameters compare both ways: axios' own types say more of them. */
  beforeRedirect?(options: Record<string, unknown>, response: object, request: object): void;
  validateStatus?: ((status: number) => boolean) | null;
  onUploadProgress?(event: object): void;
  onDownloadProgress?(event: object): void;
  proxy?: AxiosProxy | false;
  socketPath?: string | null;
  httpAgent?: unknown;
  httpsAgent?: unknown;
  signal?: AxiosSignal;
  cancelToken?: { subscribe(listener: (reason: unknown) => void): void; unsubscribe(listener: unknown): void };
}

/** An AbortSignal, or one of axios' GenericAbortSignals. */
export interface AxiosSignal {
  readonly aborted: boolean;
  addEventListener?(type: 'abort', listener: () => void): void;
  removeEventListener?(type: 'abort', listener: () => void): void;
}

export interface AxiosProxy {
  protocol?: string;
  host?: string;
  hostname?: string;
  port?: number | string;
  auth?: { username?: string; password?: string };
}

export interface AxiosResponse {
  status: number;
  statusText: string;
  headers: Record<string, string | string[]>;
  // oxlint-disable-next-line typescript/no-explicit-any -- axios has its own type for what it gave.
  config: any;
  /** Shaped as Node's: `request.res.responseUrl` is the URL that answered. */
  request: AxiosRequest;
  data: unknown;
}

export interface AxiosRequest {
  method: string;
  protocol: string;
  host: string;
  path: string;
  res?: { responseUrl: string; statusCode: number; statusMessage: string };
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
