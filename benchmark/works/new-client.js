/** What a client costs that has not been used, and whether using some brings a thread for each. */
import { performance } from 'node:perf_hooks';
import { residentMegabytes, threadCount } from '../process-figures.js';

export async function measure(contender, { url, clients }) {
  // The first request of a process starts what all its clients share.
  const first = contender.open({ inFlight: 1 });
  await first.json(url);
  const threads = threadCount();
  const rss = residentMegabytes();
  const start = performance.now();
  const all = Array.from({ length: clients }, () => contender.open({ inFlight: 1 }));
  const each = ((performance.now() - start) * 1e3) / clients;
  const growth = residentMegabytes() - rss;
  for (const client of all.slice(0, 50)) await client.json(url);
  const result = { each, threads: threads === null ? null : threadCount() - threads, growth };
  await Promise.all([first, ...all].map((client) => client.close()));
  return result;
}
