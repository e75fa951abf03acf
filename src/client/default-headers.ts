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
