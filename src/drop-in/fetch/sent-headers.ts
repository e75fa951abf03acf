/** The headers of one hop: the caller's, and what Fetch and Node add to them or take away. */

import { withCacheHeaders } from './cache-headers.js';
import type { Outgoing } from './outgoing.js';
import { refererOf } from './referrer.js';

/** Node's fetch refuses them: they are the connection's. */
const REFUSED = new Set(['transfer-encoding', 'keep-alive', 'upgrade', 'expect']);

/**
 * A list of its own. What is named as the referrer of the next hop is what this one has sent.
 * @throws Error for a header that a program may not set
 */
export function sentHeaders(outgoing: Outgoing): [name: string, value: string][] {
  let headers = withCacheHeaders(outgoing);
  let isReferred = false;
  let hasLength = false;
  for (const [name] of headers) {
    const lower = name.toLowerCase();
    if (REFUSED.has(lower)) throw new Error(`headers: '${name}' is not a program's to set`);
    if (lower === 'referer') isReferred = true;
    if (lower === 'content-length') hasLength = true;
  }
  // Of a body that there is not, such as that of a request that is passed on.
  if (hasLength && outgoing.body === null) {
    headers = headers.filter(([name]) => name.toLowerCase() !== 'content-length');
  }
  if (outgoing.referrer !== null) {
    outgoing.referrer = refererOf(outgoing);
    if (outgoing.referrer !== null && !isReferred) headers.push(['referer', outgoing.referrer]);
  }
  return headers;
}
