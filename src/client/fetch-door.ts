/** The way from a client up to its `fetch`, which stands above it: provided where both are known, in index.ts. */

import type { Client } from './client.js';

type Fetch = typeof globalThis.fetch;

let make: ((client: Client) => Fetch) | null = null;

export function provideFetch(given: (client: Client) => Fetch): void {
  make = given;
}

export function openFetch(client: Client): Fetch {
  if (make === null) throw new Error('client.fetch comes with the package itself: import the client from there');
  return make(client);
}
