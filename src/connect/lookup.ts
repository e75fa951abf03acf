/** `lookup`: names to addresses, in the place of the system's resolver. Who shares an answer, and for how long, the core decides. */

import { isIP } from 'node:net';
import { quote, typeName } from '../shown-text.js';
import { maskUserinfo } from '../shown-url.js';

/** Called with a name as it stands in a URL's origin: lower case, Punycode. */
export type LookupFunction = (host: string) => readonly string[] | Promise<readonly string[]>;

/** @throws TypeError for what is no function */
export function toLookup(given: unknown): LookupFunction | null {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'function') throw new TypeError(`lookup: expected a function, got ${typeName(given)}`);
  return given as LookupFunction;
}

/**
 * What the function says about a name.
 *
 * Rejects with what it threw; with a TypeError for what is no list of IP addresses, naming it.
 */
export async function lookUp(lookup: LookupFunction, host: string): Promise<string[]> {
  const found: unknown = await lookup(host);
  if (!Array.isArray(found)) {
    throw new TypeError(`lookup: expected a list of IP addresses for ${quote(host)}, it returned ${typeName(found)}`);
  }
  // Not by `map`, which leaves the holes of a list out.
  return Array.from(found as unknown[], (address) => {
    if (typeof address !== 'string') {
      throw new TypeError(`lookup: expected IP addresses for ${quote(host)}, one of them is ${typeName(address)}`);
    }
    if (isIP(address) === 0 || address.includes('%')) {
      throw new TypeError(`lookup: expected IP addresses for ${quote(host)}, ${quote(maskUserinfo(address))} is none`);
    }
    return address;
  });
}

/** What a function threw, in a few words, whatever it was. */
export function wordsOf(reason: unknown): string {
  try {
    if (reason instanceof Error) return String(reason.message) || reason.name;
    return `lookup threw ${typeof reason === 'string' ? quote(reason) : typeName(reason)}`;
  } catch {
    return 'lookup threw what cannot be read';
  }
}

/** The code of what a function threw, if it has one. */
export function codeOf(reason: unknown): string | undefined {
  try {
    const code: unknown = (reason as { code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' && code !== '' ? code : undefined;
  } catch {
    return undefined;
  }
}
