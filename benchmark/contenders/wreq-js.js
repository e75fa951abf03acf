import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { fetchReads } from './fetch.js';

// Installed by `npm install --prefix benchmark/rivals`: its binary is too large for everybody who tests.
const resolve = createRequire(new URL('../rivals/', import.meta.url)).resolve;
const { createSession } = await import(pathToFileURL(resolve('wreq-js')).href);

/** A session, so that connections are kept. It takes no authority of ours: it has no rows over TLS. */
export function open() {
  const session = createSession();
  const fetch = async (...args) => (await session).fetch(...args);
  return { ...fetchReads(fetch), close: async () => (await session).close() };
}
