/** A client's first request, and the same after `preconnect()`: how much of the wait was for the connection. */
import { performance } from 'node:perf_hooks';

export async function measure(contender, { url, bytes, ca, ms, warmUp }) {
  const named = url.replace('127.0.0.1', 'localhost');
  const first = async (prepare) => {
    const client = await contender.open({ inFlight: 1, ca });
    if (typeof client.preconnect !== 'function') throw new Error('this contender cannot connect beforehand');
    if (prepare) await client.preconnect(named);
    const start = performance.now();
    const value = await client.json(named);
    const took = performance.now() - start;
    if (value.bytes !== bytes) throw new Error(`${named}: ${value.bytes} bytes instead of ${bytes}`);
    await client.close();
    return took;
  };
  for (const end = performance.now() + warmUp; performance.now() < end;) await first(false);
  const [without, after] = [[], []];
  for (const end = performance.now() + ms; performance.now() < end;) {
    // In turn, so that a slow moment hits both.
    without.push(await first(false));
    after.push(await first(true));
  }
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const [cold, warm] = [median(without), median(after)];
  return { cold, warm, share: warm / cold };
}
