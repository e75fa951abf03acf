/**
 * Where connections may lead: `allowAddresses` and `denyAddresses`, read and checked. Which addresses they let pass is decided in the
 * core, after every name has been resolved.
 */

import { isIP, isIPv4, SocketAddress } from 'node:net';
import { bare } from '../bare.js';
import { quote, typeName } from '../shown-text.js';

/** The options as a user gives them. @since 0.1.0 */
export interface AddressGuardOptions {
  /**
   * The only addresses that connections lead to: `'public'` (nothing that IANA's special-purpose registries keep
   * from the internet), or a list of IP addresses, CIDRs and `'public'`. Checked for every resolved address, on
   * every hop of a redirect and every new connection; not together with `socketPath`. null: anywhere. Default: null.
   * @since 0.1.0
   */
  allowAddresses?: 'public' | readonly string[] | null | undefined;
  /**
   * IP addresses and CIDRs that no connection leads to, whatever `allowAddresses` says; not together with
   * `socketPath`. null: none. Default: null.
   * @since 0.1.0
   */
  denyAddresses?: readonly string[] | null | undefined;
}

/** As the core takes them; undefined is off. */
export interface AddressGuard {
  allowAddresses?: string[] | undefined;
  denyAddresses?: string[] | undefined;
}

/**
 * Checks every entry, so that no mistake in a list is noticed by what it lets pass.
 *
 * @throws TypeError for what is no list of text, and for a `socketPath` beside it
 * @throws RangeError for an entry that is neither an address nor a network, naming it
 */
export function toAddressGuard(
  { allowAddresses, denyAddresses }: AddressGuardOptions,
  socketPath: unknown,
): AddressGuard {
  const guard: AddressGuard = {};
  if (allowAddresses !== undefined && allowAddresses !== null) {
    const list: unknown = allowAddresses;
    guard.allowAddresses = list === 'public' ? ['public'] : toEntries('allowAddresses', list, true);
  }
  if (denyAddresses !== undefined && denyAddresses !== null) {
    guard.denyAddresses = toEntries('denyAddresses', denyAddresses, false);
  }
  const [name] = Object.keys(guard);
  if (name !== undefined && socketPath !== undefined && socketPath !== null) {
    throw new TypeError(
      `${name}: with socketPath every connection leads to that socket, which has no address to check`,
    );
  }
  return guard;
}

function toEntries(option: string, given: unknown, takesPublic: boolean): string[] {
  const expected = takesPublic ? "'public' or a list of IP addresses and CIDRs" : 'a list of IP addresses and CIDRs';
  if (typeof given === 'string' && takesPublic) {
    throw new RangeError(`${option}: ${quote(given)} is not allowed, expected ${expected}`);
  }
  if (!Array.isArray(given)) throw new TypeError(`${option}: expected ${expected}, got ${typeName(given)}`);
  // Not by `map`, which leaves the holes of a list out.
  return Array.from(given as unknown[], (entry, i) => {
    if (typeof entry !== 'string') {
      throw new TypeError(`${option}[${i}]: expected an IP address or a CIDR, got ${typeName(entry)}`);
    }
    if (!(takesPublic && entry === 'public')) checkEntry(`${option}[${i}]`, entry);
    return entry;
  });
}

function checkEntry(place: string, entry: string): void {
  const refused = (why: string) => new RangeError(`${place}: ${quote(entry)} ${why}`);
  const slash = entry.indexOf('/');
  const address = slash === -1 ? entry : entry.slice(0, slash);
  if (address.startsWith('[')) throw refused('is written without brackets in a list');
  if (address.includes('%')) throw refused('has a zone, which no network has');
  const family = isIP(address);
  if (family === 0) throw refused('is neither an IP address nor a CIDR');
  if (slash === -1) return;
  const prefix = entry.slice(slash + 1);
  const bits = family === 4 ? 32 : 128;
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bits) {
    throw refused(`has no prefix length from 0 to ${bits}`);
  }
  const hostBits = BigInt(bits - Number(prefix));
  const value = toNumber(address);
  if ((value >> hostBits) << hostBits !== value)
    throw refused('has bits set behind its prefix: name the first address');
}

/** The address as one number. */
function toNumber(address: string): bigint {
  if (isIPv4(address)) return numberOf(address.split('.'), 8n, 10);
  // One spelling of many; but an IPv4 address stays in its end.
  const text = new SocketAddress(bare({ address, family: 'ipv6' as const })).address;
  const [head, tail] = text.replace(/[\d.]+$/, hextets).split('::') as [string, string?];
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const missing = 8 - groups(head).length - groups(tail).length;
  return numberOf(
    [...groups(head), ...Array<string>(tail === undefined ? 0 : missing).fill('0'), ...groups(tail)],
    16n,
    16,
  );
}

function numberOf(parts: readonly string[], bits: bigint, radix: number): bigint {
  return parts.reduce((number, part) => (number << bits) + BigInt(Number.parseInt(part, radix)), 0n);
}

/** `127.0.0.1` → `7f00:1`; other text as it is. */
function hextets(text: string): string {
  if (!isIPv4(text)) return text;
  const number = Number(numberOf(text.split('.'), 8n, 10));
  return `${Math.floor(number / 65_536).toString(16)}:${(number % 65_536).toString(16)}`;
}
