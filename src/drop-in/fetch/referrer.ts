/** The Referer of a request (W3C Referrer Policy 8), as Node's fetch sends it: for a `referrer` that was named, as there is no page. */

import { isIP } from 'node:net';
import type { Outgoing } from './outgoing.js';

const POLICIES = new Set([
  'no-referrer',
  'no-referrer-when-downgrade',
  'same-origin',
  'origin',
  'strict-origin',
  'origin-when-cross-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
]);
const LOCAL_SCHEMES = new Set(['about:', 'blob:', 'data:']);
const MAX_LENGTH = 4096;

/** null: none is sent. */
export function refererOf({ referrer, referrerPolicy, url }: Outgoing): string | null {
  if (referrer === null) return null;
  const source = new URL(referrer);
  if (LOCAL_SCHEMES.has(source.protocol)) return null;
  source.username = '';
  source.password = '';
  source.hash = '';
  const whole = source.href;
  source.pathname = '';
  source.search = '';
  const origin = source.href;
  const full = whole.length > MAX_LENGTH ? origin : whole;
  const isSame = source.protocol === url.protocol && source.host === url.host;
  const isDowngrade = isTrustworthy(source) && !isTrustworthy(url);
  switch (referrerPolicy || 'strict-origin-when-cross-origin') {
    case 'no-referrer':
      return null;
    case 'origin':
      return origin;
    case 'unsafe-url':
      return full;
    case 'same-origin':
      return isSame ? full : null;
    case 'origin-when-cross-origin':
      return isSame ? full : origin;
    case 'strict-origin':
      return isDowngrade ? null : origin;
    case 'no-referrer-when-downgrade':
      return isDowngrade ? null : full;
    default:
      if (isSame) return full;
      return isDowngrade ? null : origin;
  }
}

/** The last policy in a Referrer-Policy field that is known; '': none is. */
export function policyOf(field: string | undefined): string {
  const named = (field ?? '').split(',').map((each) => each.trim());
  return named.findLast((each) => POLICIES.has(each)) ?? '';
}

/** W3C Secure Contexts 3.1. */
function isTrustworthy({ protocol, hostname }: globalThis.URL): boolean {
  if (protocol === 'https:' || protocol === 'wss:' || protocol === 'file:') return true;
  if (isIP(hostname) === 4) return hostname.startsWith('127.');
  return hostname === '[::1]' || /(?:^|\.)localhost\.?$/.test(hostname);
}
