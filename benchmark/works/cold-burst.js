/** Many requests at once to one name, by a client that has no connection yet: until all are answered. */
import { performance } from 'node:perf_hooks';
import { totalCpu } from '../process-figures.js';

export async function measure(contender, { url, requests, bytes, ca, ms, warmUp }) {
  const named = url.replace('127.0.0.1', 'localhost');
  const once = async () => {
    const client = await contender.open({ inFlight: requests, ca });
    const start = performance.now();
    const values = await Promise.all(Array.from({ length: requests }, () => client.json(named)));
    const took = performance.now() - start;
    const wrong = values.find((value) => value.bytes !== bytes);
    if (wrong !== undefined) throw new Error(`${named}: ${wrong.bytes} bytes instead of ${bytes}`);
    await client.close();
    return took;
  };
  // What a process does once, such as reading the trust store and compiling, is not the burst's.
  for (const end = performance.now() + warmUp; performance.now() < end;) await once();
  const bursts = [];
  const cpu = totalCpu();
  for (const end = performance.now() + ms; performance.now() < end;) bursts.push(await once());
  const each = (totalCpu() - cpu) / (bursts.length * requests);
  bursts.sort((a, b) => a - b);
  return { burst: bursts[bursts.length >> 1], slowest: bursts.at(-1), cpu: each };
}
