/** The headers that a client sends unless it is told otherwise, and which of its headers belong to its base URL alone. */

import { Headers } from '../headers.js';
import { version } from '../version.js';

/** httpx's; `client.headers = …` puts them under the new ones. Host and the headers of a body are the request's. */
export const DEFAULT_HEADERS = new Headers([
  ['Accept', '*/*'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
  ['Connection', 'keep-alive'],
  ['User-Agent', `whippet/${version}`],
]);

/** Those that a user gave: meant for the base URL's origin, when there is one. */
export function ownNames(headers: Headers): string[] {
  return [...headers.keys()].filter((name) => !DEFAULT_HEADERS.has(name));
}

/** What may go to any origin. */
export function withoutOwn(headers: Headers): Headers {
  const rest = new Headers(headers);
  for (const name of ownNames(headers)) rest.delete(name);
  return rest;
}

/**
 * A range of a coded body is of no use, and some servers answer with one: unless the user has asked for codings, a request for a
 * range asks for none (Fetch, "HTTP-network-or-cache fetch"; RFC 9110 §14.2).
 *
 * @param headers A client's, with the request's own merged into them.
 */
export function forRange(headers: Headers): Headers {
  const isOwn = headers.isMerged('accept-encoding') || headers.get('accept-encoding') !== DEFAULT_CODINGS;
  if (!isOwn && headers.has('range')) headers.set('Accept-Encoding', 'identity');
  return headers;
}

const DEFAULT_CODINGS = DEFAULT_HEADERS.get('accept-encoding');
