/** What it costs this process to hold many idle keep-alive connections. */
import { openConnections, settledMegabytes } from '../process-figures.js';

export async function measure(contender, { url, connections }) {
  const client = contender.open({ inFlight: connections, keepIdle: true });
  const ask = async (path) => {
    const { bytes } = await client.json(path);
    if (bytes !== 105) throw new Error(`${path}: the body says ${bytes} bytes instead of 105`);
  };
  // Code and pools that the first requests bring along are not the connections' cost.
  for (let i = 0; i < 100; i++) await ask(url);
  const before = await settledMegabytes();
  const start = performance.now();
  // The origin answers when all of them have arrived: each needs a connection of its own.
  await Promise.all(Array.from({ length: connections }, () => ask(`${url}?arrivals=${connections}`)));
  const seconds = (performance.now() - start) / 1e3;
  const rss = await settledMegabytes();
  const open = await openConnections(new URL('/connections', url));
  if (open < connections) throw new Error(`the origin sees ${open} open connections instead of ${connections}`);
  return { growth: rss - before, rss, seconds, open };
}
