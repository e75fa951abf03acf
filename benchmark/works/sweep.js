/** The points of a sweep one after the other, in one process: a point's figures, or null where the contender cannot. */
import * as throughput from './throughput.js';

/** More before the first point: it is what compiles the code. */
const FIRST_WARM_UP = 700;

export async function measure(contender, { points, ...job }) {
  const results = [];
  for (const point of points) {
    const warmUp = job.warmUp + (results.length === 0 ? FIRST_WARM_UP : 0);
    const { rps, main, p50 } = await throughput.measure(contender, { ...job, ...point, warmUp });
    results.push({ rps, main, p50 });
  }
  return { results };
}
