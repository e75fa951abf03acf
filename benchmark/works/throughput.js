/** So many requests in flight for so many milliseconds, every body's length checked. */
import { performance } from 'node:perf_hooks';
import { mainThreadCpu, residentMegabytes, totalCpu } from '../process-figures.js';

export async function measure(contender, job) {
  const { url, read, bytes, inFlight, ms, warmUp } = job;
  const client = await contender.open(job);
  const content = read === 'upload' ? Buffer.alloc(bytes, 'w') : undefined;
  const send = client[read];
  const lengthOf = LENGTH_OF[read];

  const keepAsking = async (until, latencies) => {
    while (performance.now() < until) {
      const start = performance.now();
      const length = lengthOf(await send(url, content));
      latencies.push((performance.now() - start) * 1e3);
      if (length !== bytes) throw new Error(`${url}: ${length} bytes instead of ${bytes}`);
    }
  };
  const run = async (duration) => {
    const latencies = [];
    const until = performance.now() + duration;
    await Promise.all(Array.from({ length: inFlight }, () => keepAsking(until, latencies)));
    return latencies;
  };

  await run(warmUp);
  const before = { main: mainThreadCpu(), cpu: totalCpu(), at: performance.now() };
  const latencies = (await run(ms)).sort((a, b) => a - b);
  const seconds = (performance.now() - before.at) / 1e3;
  const main = mainThreadCpu();
  const total = totalCpu();
  await client.close();
  const requests = latencies.length;
  const cpu = (total - before.cpu) / requests;
  const quantile = (q) => latencies[Math.min(requests - 1, Math.floor(requests * q))];
  return {
    requests,
    rps: requests / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    cpu,
    main: main === null ? null : (main - before.main) / requests,
    rss: residentMegabytes(),
  };
}

// The small JSON body states its own length; one that is not whole does not parse.
const LENGTH_OF = {
  json: (value) => value.bytes,
  bytes: (length) => length,
  stream: (length) => length,
  gunzip: (length) => length,
  events: (count) => count,
  lines: (count) => count,
  upload: (value) => value.received,
};
