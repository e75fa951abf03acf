/** What a request says to caches on its way (Fetch, HTTP-network-or-cache fetch); there is no cache here. */

import type { Outgoing } from './outgoing.js';

/** A request with one of these has made up its own mind about caches. */
const CONDITIONS = new Set(['if-modified-since', 'if-none-match', 'if-unmodified-since', 'if-match', 'if-range']);

/** The headers as they are sent: a list of its own. */
export function withCacheHeaders({ headers, cache }: Outgoing): [name: string, value: string][] {
  if (cache === 'default' && headers.length === 0) return [];
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const isConditional = cache === 'default' && [...names].some((name) => CONDITIONS.has(name));
  const all: [string, string][] = [...headers];
  const add = (name: string, value: string) => {
    if (!names.has(name)) all.push([name, value]);
  };
  if (cache === 'no-cache') add('cache-control', 'max-age=0');
  if (isConditional || cache === 'no-store' || cache === 'reload') {
    add('pragma', 'no-cache');
    add('cache-control', 'no-cache');
  }
  return all;
}
