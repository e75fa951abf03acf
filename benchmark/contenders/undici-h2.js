import * as undici from './undici.js';

/** undici over HTTP/2: one connection and up to 100 streams, as whippet has it by itself. */
export function open(job) {
  return undici.open(job, { allowH2: true, connections: 1, pipelining: 100 });
}
