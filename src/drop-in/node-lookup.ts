/** A look-up function as Node's clients take it, for a client of ours. */

import { bare } from '../bare.js';
import type { LookupFunction } from '../connect/lookup.js';

type Done = (error: unknown, found?: unknown) => void;
/** Of `dns.lookup`'s shape; axios takes one that returns a promise, too. */
type NodeLookup = (host: string, options: object, done: Done) => unknown;

/** The same function for the same one: clients are told apart by it. */
export function fromNodeLookup(given: NodeLookup): LookupFunction {
  const known = made.get(given);
  if (known !== undefined) return known;
  const lookup = (host: string) =>
    new Promise<string[]>((resolve, reject) => {
      const done: Done = (error, found) => (error ? reject(error as Error) : resolve(addressesOf(found)));
      const returned = given(host, bare({ all: true, family: 0, hints: 0, verbatim: true }), done);
      if (typeof (returned as PromiseLike<unknown> | undefined)?.then !== 'function') return;
      (returned as PromiseLike<unknown>).then((found) => resolve(addressesOf(found)), reject);
    });
  made.set(given, lookup);
  return lookup;
}

const made = new WeakMap<NodeLookup, LookupFunction>();

/** An address, an entry with one, or a list of these; numbers in it are families. */
function addressesOf(found: unknown): string[] {
  if (Array.isArray(found)) return found.flatMap((one: unknown) => (typeof one === 'number' ? [] : addressesOf(one)));
  return [typeof found === 'object' && found !== null ? (found as { address: string }).address : (found as string)];
}
