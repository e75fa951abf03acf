/** `npm run fuzz`: `node run.ts [seconds for each target] [a part of the target's name]`. */
import { seedOf } from '../helpers/random.js';
import { DIFFERENTIAL } from './differential.js';
import { HTTP1 } from './http1.js';
import { PARSERS } from './parsers.js';
import { fuzz } from './target.js';

const seconds = Number(process.argv[2] ?? 60);
const wanted = process.argv[3] ?? '';
const BATCH = 5_000;
let seed = seedOf();
for (const target of [...PARSERS, ...DIFFERENTIAL, HTTP1]) {
  if (!target.name.includes(wanted)) continue;
  const end = performance.now() + seconds * 1000;
  let executions = 0;
  try {
    while (performance.now() < end) {
      await fuzz(target, BATCH, seed++);
      executions += BATCH;
    }
    console.log(`${target.name}: ${executions} executions`);
  } catch (error) {
    console.log(`${target.name}: after ${executions} executions, seed ${seed - 1}\n${String(error)}`);
    process.exitCode = 1;
  }
}
