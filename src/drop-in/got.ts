/**
 * `whippet/got`: the `request` option of got ≥ 14. Redirects, cookies, retries, decompression and timeouts stay got's.
 *
 * ```js
 * import got from 'got';
 * import { request } from 'whippet/got';
 *
 * const api = got.extend({ request });
 * ```
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Client } from '../client/client.js';
import type { ClientOptions } from '../client/options.js';
import { DerivedClients, isPlainAgent, tlsOptions } from './derived-clients.js';
import { fromNodeLookup } from './node-lookup.js';
import type { NativeOptions } from './got/outgoing-request.js';
import { OutgoingRequest } from './got/outgoing-request.js';

/** As `http.request`: what got calls. What it returns has of ClientRequest what got uses. @since 0.1.0 */
export type RequestFunction = ((
  url: globalThis.URL,
  options: NativeOptions,
  callback?: (response: IncomingMessage) => void,
) => ClientRequest) & { close(): Promise<void> };

/**
 * A request function over a client, which stays its owner's to close, or over one made from options, closed by `request.close()`.
 *
 * TLS options, `localAddress` and unix sockets of a request are honoured by clients of their own; over a client that was handed in they
 * are refused by name, as are agents of other kinds than Node's own.
 *
 * @throws TypeError, RangeError for bad options, naming them
 * @since 0.1.0
 */
export function createRequest(clientOrOptions?: Client | ClientOptions): RequestFunction {
  const clients = new DerivedClients(clientOrOptions, 'createRequest()');
  const request = (...args: Call): ClientRequest => {
    const { url, options, callback } = readCall(args);
    const outgoing = new OutgoingRequest(clients.for(clientOptionsOf(options)), url, options);
    if (callback !== undefined) outgoing.once('response', callback);
    return outgoing as unknown as ClientRequest;
  };
  return Object.assign(request, { close: () => clients.close() });
}

/** The request function with default options. @since 0.1.0 */
export const request: RequestFunction = createRequest();

type Callback = (response: IncomingMessage) => void;
/** Node's two forms: a cache between got and this uses the one without a URL. */
type Call = [url: globalThis.URL, options: NativeOptions, callback?: Callback] | [options: object, callback?: Callback];

function readCall(args: Call): { url: globalThis.URL; options: NativeOptions; callback: Callback | undefined } {
  const [first, second, third] = args;
  if (first instanceof globalThis.URL) return { url: first, options: second as NativeOptions, callback: third };
  return { url: new globalThis.URL((first as { href: string }).href), options: first, callback: second as Callback };
}

function clientOptionsOf(options: NativeOptions): ClientOptions {
  const { agent, socketPath, localAddress, lookup, createConnection } = options;
  if (typeof createConnection === 'function') {
    throw new TypeError('createConnection: connections are made by whippet; see the options of createRequest()');
  }
  if (agent !== false && !isPlainAgent(agent, HttpAgent) && !isPlainAgent(agent, HttpsAgent)) {
    throw new TypeError(
      'agent: one of another kind than Node’s own cannot be used; see the options of createRequest()',
    );
  }
  const own = tlsOptions(options as Record<string, unknown>);
  if (typeof lookup === 'function') own.lookup = fromNodeLookup(lookup as () => unknown);
  if (typeof socketPath === 'string') own.socketPath = socketPath;
  if (typeof localAddress === 'string') own.localAddress = localAddress;
  return own;
}
