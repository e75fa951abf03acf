/** The same work in one worker thread and in several, each with a client of its own. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export async function measure(_contender, { workers, ...job }) {
  const one = await together(1, job);
  const several = await together(workers, job);
  return { one: one.rps, several: several.rps, cpuOfOne: one.cpu, cpu: several.cpu, efficiency: one.cpu / several.cpu };
}

async function together(count, job) {
  const script = new URL('../worker-thread.js', import.meta.url);
  const threads = Array.from({ length: count }, () => new Worker(script, { workerData: job }));
  const figures = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
  await Promise.all(threads.map((thread) => thread.terminate()));
  const sum = (of) => figures.reduce((sum, figure) => sum + of(figure), 0);
  const requests = sum((figure) => figure.requests);
  // Each has seen the CPU of the whole process, in the same time but for milliseconds.
  const cpu = sum((figure) => figure.cpu * figure.requests) / count;
  return { rps: sum((figure) => figure.rps), cpu: cpu / requests };
}
