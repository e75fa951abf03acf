/** The versions of HTTP that a client may speak. Choosing one is the server's part (ALPN), speaking it the core's. */

import { quote, typeName } from '../shown-text.js';
import type { HTTPVersionOption } from '../types.js';

/** Which versions are allowed; never none. */
export interface AllowedVersions {
  readonly http1: boolean;
  readonly http2: boolean;
}

/**
 * `httpVersions` as a string or a list, in any case. Default: both.
 *
 * @throws TypeError for what is neither
 * @throws RangeError for an unknown version, naming it, and for an empty list
 */
export function resolveHttpVersions(
  given: HTTPVersionOption | readonly HTTPVersionOption[] | undefined,
): AllowedVersions {
  if (given === undefined) return BOTH;
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw new RangeError(`httpVersions: an empty list allows nothing, expected ${EXPECTED}`);
  const names = list.map((version) => {
    if (typeof version !== 'string') {
      throw new TypeError(`httpVersions: expected ${EXPECTED}, got ${typeName(version)}`);
    }
    const name = version.toUpperCase();
    if (name === 'HTTP/1.1' || name === 'HTTP/2') return name;
    throw new RangeError(`httpVersions: ${quote(version)} is not supported, expected ${EXPECTED}`);
  });
  return Object.freeze({ http1: names.includes('HTTP/1.1'), http2: names.includes('HTTP/2') });
}

const EXPECTED = "'HTTP/1.1', 'HTTP/2' or a list of these";
const BOTH: AllowedVersions = Object.freeze({ http1: true, http2: true });
