/** The module functions: one short-lived client per call. For more than one request, a Client is faster. */

import type { ClientOptions, RequestOptions } from './options.js';
import { clientOptionNames, readOptions, requestOptionNames } from './options.js';
import { Client } from './client.js';
import type { Response } from '../response/response.js';
import type { URLTypes } from '../types.js';

/** Options of a client and of its one request. @since 0.1.0 */
export type CallOptions = WithoutCookies<RequestOptions> & ClientOptions;

/** Each of the kinds of bodies on its own, so that two of them stay an error. */
type WithoutCookies<T> = T extends unknown ? Omit<T, 'cookies'> : never;

/** Sends one request with a client of its own; rejects as `client.request()` does. @since 0.1.0 */
export async function request(method: string, url: URLTypes, options?: CallOptions): Promise<Response> {
  return call(method, url, options, 'request()', false);
}

/**
 * Sends one GET request with a client of its own, and resolves with the response, its body read. Rejects as
 * `client.request()` does.
 * @since 0.1.0
 */
export function get(url: URLTypes, options?: CallOptions): Promise<Response> {
  return call('GET', url, options, 'get()', false);
}

/**
 * Sends one OPTIONS request with a client of its own, and resolves with the response, its body read. Rejects as
 * `client.request()` does.
 * @since 0.1.0
 */
export function options(url: URLTypes, callOptions?: CallOptions): Promise<Response> {
  return call('OPTIONS', url, callOptions, 'options()', false);
}

/**
 * Sends one HEAD request with a client of its own, and resolves with the response, which has no body. Rejects as
 * `client.request()` does.
 * @since 0.1.0
 */
export function head(url: URLTypes, options?: CallOptions): Promise<Response> {
  return call('HEAD', url, options, 'head()', false);
}

/**
 * Sends one POST request with a client of its own, and resolves with the response, its body read. Rejects as
 * `client.request()` does.
 * @since 0.1.0
 */
export function post(url: URLTypes, options?: CallOptions): Promise<Response> {
  return call('POST', url, options, 'post()', false);
}

/**
 * Sends one PUT request with a client of its own, and resolves with the response, its body read. Rejects as
 * `client.request()` does.
 * @since 0.1.0
 */
export function put(url: URLTypes, options?: CallOptions): Promise<Response> {
  return call('PUT', url, options, 'put()', false);
}

/**
 * Sends one PATCH request with a client of its own, and resolves with the response, its body read. Rejects as
 * `client.request()` does.
 * @since 0.1.0
 */
export function patch(url: URLTypes, options?: CallOptions): Promise<Response> {
  return call('PATCH', url, options, 'patch()', false);
}

/**
 * Sends one DELETE request with a client of its own, and resolves with the response, its body read. Rejects as
 * `client.request()` does.
 * @since 0.1.0
 */
function del(url: URLTypes, options?: CallOptions): Promise<Response> {
  return call('DELETE', url, options, 'delete()', false);
}

export { del as delete };

/** QUERY (RFC 10008): safe and idempotent as GET, with a body. @since 0.1.0 */
export function query(url: URLTypes, options?: CallOptions): Promise<Response> {
  return call('QUERY', url, options, 'query()', false);
}

/** Resolves at the head; the connection is closed with the response. @since 0.1.0 */
export function stream(method: string, url: URLTypes, options?: CallOptions): Promise<Response> {
  return call(method, url, options, 'stream()', true);
}

async function call(
  method: string,
  url: URLTypes,
  options: CallOptions | undefined,
  what: string,
  streamed: boolean,
): Promise<Response> {
  const given = readOptions<CallOptions>(options, allOptionNames, what);
  const client = new Client(pick(given, ofTheClient));
  try {
    const send = streamed ? client.stream : client.request;
    return await send.call(client, method, url, pick(given, ofTheRequest));
  } finally {
    // A streamed response goes on: only idle connections are closed now, its own at its end.
    await client.close();
  }
}

function pick<T extends object>(from: CallOptions, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name))) as T;
}

const allOptionNames = [...new Set([...requestOptionNames, ...clientOptionNames])];
/** What both take is the request's. But how to connect is the client's, and so are cookies, which redirects have to keep. */
const shared = ['trustEnv', 'cookies'];
const ofTheClient = clientOptionNames.filter((name) => shared.includes(name) || !requestOptionNames.includes(name));
const ofTheRequest = requestOptionNames.filter((name) => name !== 'cookies');
