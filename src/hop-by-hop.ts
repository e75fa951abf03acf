/** Fields of one connection, which an intermediary does not pass on (RFC 9110 §7.6.1). */

import type { Headers } from './headers.js';

/** The names, in lower case, of the fields that end here: the known ones, and those that Connection names. */
export function connectionFields(headers: Headers): ReadonlySet<string> {
  const named = headers.getList('connection', { splitCommas: true }).map((option) => option.trim().toLowerCase());
  return new Set([...KNOWN, ...named]);
}

/** Of §7.6.1, and what is meant for the next proxy alone (§11.7). */
const KNOWN = [
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
];
