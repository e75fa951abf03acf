/** Subresource Integrity (W3C SRI 3.3): the digests that a caller names for a body. */

import { createHash } from 'node:crypto';

/** From the weakest to the strongest; of several kinds the strongest counts. */
const ALGORITHMS = ['sha256', 'sha384', 'sha512'];
const DIGEST = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?[\x21-\x7e]*)?$/i;

/** Whether the bytes have one of the digests; those that cannot be read do not count, and with none there is no condition. */
export function hasIntegrity(bytes: Uint8Array, metadata: string): boolean {
  const digests = metadata
    .split(/[\t\n\f\r ]+/)
    .map((each) => DIGEST.exec(each))
    .filter((each) => each !== null)
    .map(([, algorithm, value]) => ({ algorithm: algorithm.toLowerCase(), value }));
  if (digests.length === 0) return true;
  const strongest = ALGORITHMS.findLast((algorithm) => digests.some((each) => each.algorithm === algorithm));
  const actual = createHash(strongest as string)
    .update(bytes)
    .digest('base64');
  return digests.some(({ algorithm, value }) => algorithm === strongest && plain(value) === plain(actual));
}

/** base64url and base64 are one, and padding says nothing. */
function plain(value: string): string {
  return value.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
}
