/** whippet behind the APIs of others: the same calls as those contenders', answered by its core. */
import { fetchReads } from './fetch.js';

const DOORS = {
  /** `client.fetch`. */
  async fetch({ ca }) {
    const { Client } = await import('whippet');
    const client = new Client(ca ? { verify: ca } : {});
    return { ...fetchReads(client.fetch), close: () => client.close() };
  },
  /** The global fetch, with our Dispatcher below it. */
  async dispatcher({ ca }) {
    const { createDispatcher } = await import('whippet/undici');
    const dispatcher = createDispatcher(ca ? { verify: ca } : {});
    const reads = fetchReads((url, init) => fetch(url, { ...init, dispatcher }));
    return { ...reads, close: () => dispatcher.close() };
  },
  async axios(job) {
    const [{ createAdapter }, axios] = await Promise.all([import('whippet/axios'), import('./axios.js')]);
    const adapter = createAdapter(job.ca ? { verify: job.ca } : {});
    return { ...axios.open(job, { adapter }), close: () => adapter.close() };
  },
  async got(job) {
    const [{ createRequest }, got] = await Promise.all([import('whippet/got'), import('./got.js')]);
    const request = createRequest(job.ca ? { verify: job.ca } : {});
    return { ...got.open(job, { request }), close: () => request.close() };
  },
  async s3(job) {
    const [{ createRequestHandler }, s3] = await Promise.all([import('whippet/smithy'), import('./s3.js')]);
    return s3.open(job, createRequestHandler(job.ca ? { verify: job.ca } : {}));
  },
};

export function openDoor(job) {
  return DOORS[job.door](job);
}
