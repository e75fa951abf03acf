/** An app in this process, asked one request at a time, the body read as text. No socket but supertest's. */
import { performance } from 'node:perf_hooks';
import { apps, HELLO } from '../apps.js';
import { mainThreadCpu, residentMegabytes, totalCpu } from '../process-figures.js';

export async function measure(contender, { framework, ms, warmUp }) {
  const ask = await contender.openApp(await apps[framework]());
  const run = async (duration) => {
    const latencies = [];
    const until = performance.now() + duration;
    for (let start = performance.now(); start < until;) {
      const text = await ask();
      const now = performance.now();
      latencies.push((now - start) * 1e3);
      start = now;
      if (text !== HELLO) throw new Error(`the app said ${text}`);
    }
    return latencies;
  };

  await run(warmUp);
  const before = { main: mainThreadCpu(), cpu: totalCpu(), at: performance.now() };
  const latencies = (await run(ms)).sort((a, b) => a - b);
  const seconds = (performance.now() - before.at) / 1e3;
  const main = mainThreadCpu();
  const requests = latencies.length;
  const quantile = (q) => latencies[Math.min(requests - 1, Math.floor(requests * q))];
  return {
    requests,
    rps: requests / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    cpu: (totalCpu() - before.cpu) / requests,
    main: main === null ? null : (main - before.main) / requests,
    rss: residentMegabytes(),
  };
}
