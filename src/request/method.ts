/** Methods, as they are written (RFC 9110 §9). Which of them are sent again is `retry-policy.ts`'s and the core's to say. */

import { quote, typeName } from '../shown-text.js';

/** RFC 9110 §9.1: a token, in upper case as httpx has it. */
export function normaliseMethod(method: unknown, option = 'method'): string {
  if (typeof method !== 'string') throw new TypeError(`${option}: expected a string, got ${typeName(method)}`);
  if (commonMethods.has(method)) return method;
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/.test(method)) {
    throw new TypeError(`${option}: ${quote(method)} is not a token (letters, digits and -, at most 64)`);
  }
  const upper = method.toUpperCase();
  if (upper === 'CONNECT')
    throw new TypeError(`${option}: 'CONNECT' is for proxies; a tunnel is opened by the client itself`);
  return upper;
}

const commonMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']);
/** RFC 9110 §8.6: that say that there is no content, where there is none. */
export const anticipatesContent: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'QUERY']);
