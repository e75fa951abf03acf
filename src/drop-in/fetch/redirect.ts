/** What Fetch makes of a redirect (HTTP-redirect fetch, 4.4), as far as there is no page with an origin of its own. */

import type { Response } from '../../response/response.js';
import type { Outgoing } from './outgoing.js';
import { policyOf } from './referrer.js';

/** Redirects followed at most. */
export const MAX_REDIRECT_COUNT = 20;

const STATUSES = new Set([301, 302, 303, 307, 308]);
const OF_BODY = new Set(['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']);
/** What another origin does not get. */
const OF_ORIGIN = new Set(['authorization', 'proxy-authorization', 'cookie', 'host']);

/** Whether it is a redirect, wherever it leads to. */
export function isRedirect({ statusCode }: Response): boolean {
  return STATUSES.has(statusCode);
}

/**
 * Where the response leads to; null when it is no redirect.
 * @throws Error for what is no URL
 */
export function locationOf(response: Response, { url }: Outgoing): globalThis.URL | null {
  if (!isRedirect(response)) return null;
  const location = response.headers.get('location');
  if (location === undefined) return null;
  // Bytes beyond ASCII are UTF-8, as browsers read them.
  const target = new URL(Buffer.from(location, 'latin1').toString(), url);
  if (target.hash === '') target.hash = url.hash;
  return target;
}

/**
 * Changes the request to what is sent next.
 * @throws Error that says why it cannot be
 */
export function follow(outgoing: Outgoing, response: Response, target: globalThis.URL, count: number): void {
  const { statusCode, headers } = response;
  if (target.protocol !== 'http:' && target.protocol !== 'https:')
    throw new Error('URL scheme must be a HTTP(S) scheme');
  if (count === MAX_REDIRECT_COUNT) throw new Error('redirect count exceeded');
  const isOther = target.origin !== outgoing.url.origin;
  // The origin of a program is none of the web's.
  if (target.username !== '' || target.password !== '') {
    throw new Error('cross origin not allowed for request mode "cors"');
  }
  const { method, body } = outgoing;
  if (statusCode !== 303 && body !== null && !body.isReplayable) {
    throw new Error('the body is a stream, which cannot be sent again behind a redirect');
  }
  const changes =
    ((statusCode === 301 || statusCode === 302) && method === 'POST') ||
    (statusCode === 303 && method !== 'GET' && method !== 'HEAD');
  if (changes) {
    outgoing.method = 'GET';
    outgoing.body = null;
  }
  outgoing.headers = outgoing.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return !(changes && OF_BODY.has(lower)) && !(isOther && OF_ORIGIN.has(lower));
  });
  outgoing.url = target;
  outgoing.referrerPolicy = policyOf(headers.get('referrer-policy')) || outgoing.referrerPolicy;
}
