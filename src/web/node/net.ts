/** Of `node:net`: addresses, as the platform's own URL reads them. */

import { absent } from '../absent.js';

export function isIPv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

export function isIPv6(text: string): boolean {
  return spell(text) !== null;
}

export function isIP(text: string): 0 | 4 | 6 {
  return isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0;
}

/** Whose `address` is the shortest spelling. */
export class SocketAddress {
  readonly address: string;

  constructor({ address }: { address: string }) {
    this.address = spell(address) ?? address;
  }
}

function spell(address: string): string | null {
  if (!/^[\da-fA-F:.]+$/.test(address)) return null;
  try {
    return new globalThis.URL(`http://[${address}]/`).hostname.slice(1, -1);
  } catch {
    return null;
  }
}

export const BlockList = absent('node:net BlockList');
export const Socket = absent('node:net Socket');
