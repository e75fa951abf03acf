/**
 * `fetch` of the Fetch standard over a client: what `import { fetch } from 'whippet'`, `client.fetch` and `whippet/install` are.
 *
 * ```js
 * import { fetch } from 'whippet';
 *
 * const response = await fetch('https://example.org/users');
 * ```
 */

import { Client } from '../client/client.js';
import { type ClientOptions, readingSoon, type RequestOptions } from '../client/options.js';
import { markOwnFetch } from '../dispatch/platform/own-fetch.js';
import { PlatformDispatch } from '../dispatch/platform/platform-dispatch.js';
import { PLATFORM } from '../platform.js';
import type { Response } from '../response/response.js';
import { ClientHolder } from './client-holder.js';
import { isBlockedPort } from './fetch/blocked-ports.js';
import { hasIntegrity } from './fetch/integrity.js';
import type { Outgoing } from './fetch/outgoing.js';
import { toOutgoing } from './fetch/outgoing.js';
import { follow, isRedirect, locationOf } from './fetch/redirect.js';
import { isBodiless, toGlobalResponse } from './fetch/response.js';
import { sentHeaders } from './fetch/sent-headers.js';

export type Fetch = typeof globalThis.fetch;

/**
 * A fetch over a client, which stays its owner's to close, with its cookies, auth, headers, timeouts and dispatches; or over one made
 * from options, with Node's timeouts, without cookies and netrc.
 *
 * It rejects with TypeError('fetch failed'), whose `cause` is this package's error, with `signal.reason`, or with the TypeErrors of the
 * standard; it never throws.
 *
 * @throws TypeError, RangeError for bad options, naming them
 */
export function createFetch(clientOrOptions?: Client | ClientOptions): Fetch {
  const holder = new ClientHolder(clientOrOptions, defaults(clientOrOptions), 'createFetch()');
  const isGiven = clientOrOptions instanceof Client;
  // A method, as a bundler would rename a function; with one parameter, as Node's.
  const door = {
    async fetch(input: Parameters<Fetch>[0], init: RequestInit | undefined = undefined) {
      if (isPlatforms(input)) return platformFetch(input, init);
      if (init?.dispatcher !== undefined && init.dispatcher !== null) {
        if (!isGiven) return platformFetch(input, init);
        throw new TypeError('dispatcher: a fetch over a client has the client for that; use the global fetch');
      }
      const { client } = holder;
      const given = toOutgoing(input as string, init, (path) => onBase(client, path));
      const outgoing = given instanceof Promise ? await given : given;
      return send(client, outgoing, isGiven);
    },
  };
  return markOwnFetch(door.fetch as Fetch);
}

let shared: Fetch | null = null;

/** The Fetch standard's `fetch()`, with a client that all callers share, made by the first call. @since 0.1.0 */
export const { fetch }: { fetch: Fetch } = {
  fetch: (input, init = undefined) => (shared ??= createFetch())(input, init),
};
markOwnFetch(fetch);

// Node's own, as it was when this was loaded: for what no network is asked for, and for undici's dispatchers.
const { fetch: platformFetch } = globalThis;

function isPlatforms(input: unknown): boolean {
  const url = input instanceof globalThis.Request ? input.url : input;
  return (typeof url === 'string' || url instanceof URL) && /^\s*(?:data|blob|about):/i.test(String(url));
}

/** A path on the client's base URL; null when there is none. */
function onBase(client: Client, path: string): string | null {
  try {
    const url = client.buildRequest('GET', path).url;
    return url.isAbsoluteUrl ? url.toString() : null;
  } catch {
    return null;
  }
}

/** @param keepsAuth Of the client: the module's fetch has none, nor that of netrc. */
async function send(client: Client, outgoing: Outgoing, keepsAuth: boolean): Promise<globalThis.Response> {
  const { signal, redirect, integrity } = outgoing;
  if (signal?.aborted) {
    await discard(outgoing);
    throw signal.reason;
  }
  try {
    const { origin } = outgoing.url;
    let type: 'basic' | 'cors' = 'basic';
    for (let count = 0; ; count++) {
      if (outgoing.url.origin !== origin) type = 'cors';
      if (type === 'cors' && outgoing.mode === 'same-origin') throw new Error('request mode cannot be "same-origin"');
      const received = await sendHop(client, outgoing, keepsAuth);
      // There is no window that could ask for the proxy's credentials (Fetch 4.6).
      if (received.statusCode === 407) throw (release(received), new Error('proxy authentication required'));
      if (redirect === 'error' && isRedirect(received)) throw (release(received), new Error('unexpected redirect'));
      const target = redirect === 'manual' ? null : locationOf(received, outgoing);
      if (target === null) {
        const { method, url } = outgoing;
        if (integrity !== '') await checkIntegrity(received, method, integrity);
        return toGlobalResponse({ received, url: withoutFragment(url), redirected: count > 0, type, signal }, method);
      }
      release(received);
      follow(outgoing, received, target, count);
    }
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error;
    throw new TypeError('fetch failed', { cause: error });
  }
}

/** A body that there is not has none (Fetch, main fetch). */
async function checkIntegrity(received: Response, method: string, integrity: string): Promise<void> {
  const isRight = !isBodiless(received, method) && hasIntegrity(await received.read(), integrity);
  if (!isRight) throw (release(received), new Error('integrity mismatch'));
}

function sendHop(client: Client, outgoing: Outgoing, keepsAuth: boolean): Promise<Response> {
  const { method, url, body, signal, credentials, mode } = outgoing;
  const headers = sentHeaders(outgoing);
  // The client of the module's fetch says 'cors' by itself.
  if (!keepsAuth && mode !== 'cors') headers.push(['sec-fetch-mode', mode]);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('unknown scheme');
  if (isBlockedPort(url)) throw new Error('bad port');
  const options: RequestOptions = { followRedirects: false };
  if (signal !== null) options.signal = signal;
  if (!keepsAuth || credentials === 'omit') options.auth = null;
  if (credentials === 'omit') options.cookies = false;
  const hasType = headers.some(([name]) => name.toLowerCase() === 'content-type');
  const given =
    body === null || body.type === null || hasType
      ? headers
      : [...headers, ['content-type', body.type] as [string, string]];
  if (given.length > 0) options.headers = given;
  if (body !== null) {
    if (body.content instanceof FormData) options.data = body.content;
    else options.content = body.content;
  }
  return client.stream(method, url.href, readingSoon(options));
}

/** Discards the body of a redirect: a short one is read, so that its connection is used again; a longer one is cancelled. */
function release(received: Response): void {
  const length = Number(received.headers.get('content-length') ?? Number.NaN);
  const done = length <= MAX_DRAINED_BYTES ? received.readAtMost(MAX_DRAINED_BYTES) : received.close();
  done.catch(() => received.close()).catch(() => {});
}

/** A request that is not sent: its body's source is told. */
async function discard({ body }: Outgoing): Promise<void> {
  if (body === null || typeof body.content !== 'object' || !(Symbol.asyncIterator in body.content)) return;
  await body.content[Symbol.asyncIterator]().return?.();
}

function withoutFragment({ href, hash }: globalThis.URL): string {
  const at = href.indexOf('#');
  return at === -1 && hash === '' ? href : href.slice(0, at);
}

const MAX_DRAINED_BYTES = 64 * 1024;

/** Node's timeouts and headers; proxies of the environment where Node is told to use them, too. */
function defaults(options: Client | ClientOptions | undefined): ClientOptions {
  const { NODE_USE_ENV_PROXY } = process.env;
  // The platform's own fetch tells no phases apart.
  const isPlatforms =
    PLATFORM !== 'node' || (options as ClientOptions | undefined)?.dispatch instanceof PlatformDispatch;
  return {
    cookies: false,
    headers: { 'accept-language': '*', 'sec-fetch-mode': 'cors', 'user-agent': 'node' },
    timeout: { connect: isPlatforms ? null : 10_000, read: 300_000, write: null, pool: null },
    maxResponseSize: null,
    ...(NODE_USE_ENV_PROXY === '1' ? {} : { proxies: {} }),
  };
}
