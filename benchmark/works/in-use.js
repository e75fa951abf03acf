/** Many connections in use at once, to a server that is slow to answer: what each takes, and how a fast request fares beside them. */
import { openConnections, settledMegabytes } from '../process-figures.js';

const FAST = 2_000;

export async function measure(contender, job) {
  const { url, connections, connectionsUrl } = job;
  const client = await contender.open({ ...job, inFlight: connections + 1, keepIdle: true });
  const ask = async (path) => {
    const start = performance.now();
    const { bytes } = await client.json(path);
    if (bytes !== 105) throw new Error(`${path}: the body says ${bytes} bytes instead of 105`);
    return performance.now() - start;
  };
  const p99 = async () => {
    const latencies = [];
    for (let i = 0; i < FAST; i++) latencies.push(await ask(url));
    return latencies.sort((a, b) => a - b)[Math.floor(FAST * 0.99)] * 1e3;
  };
  await p99();
  const alone = await p99();
  // They are answered when one more has arrived.
  const held = `${url}?arrivals=${connections + 1}`;
  const all = Array.from({ length: connections }, () => ask(held));
  // One that fails is seen below; until then it must not end the process.
  for (const one of all) one.catch(() => {});
  await allArrived(connectionsUrl, connections);
  const inUse = await settledMegabytes();
  const beside = await p99();
  await ask(held);
  await Promise.all(all);
  const idle = await settledMegabytes();
  return { above: ((inUse - idle) * 1e6) / 1024 / connections, alone, beside, slowdown: beside / alone };
}

async function allArrived(connectionsUrl, connections) {
  const until = performance.now() + 20_000;
  for (let open = 0; open < connections; open = await openConnections(connectionsUrl)) {
    if (performance.now() > until) throw new Error(`the origin sees ${open} connections of ${connections}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
