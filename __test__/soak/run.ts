/** `npm run soak`: `node run.ts [requests] [seed]`. */
import { soak } from './chaos.js';
import { seedOf } from '../helpers/random.js';

const requests = Number(process.argv[2] ?? 100_000);
const seed = process.argv[3] === undefined ? seedOf() : Number(process.argv[3]);
console.log(`${requests} requests, seed ${seed}`);
const started = performance.now();
const onProgress = (settled: number): void => console.log(`${settled} settled`);
const { broken, ...figures } = await soak({ requests, seed, onProgress });
console.log(figures, `${((performance.now() - started) / 1000).toFixed(1)} s`);
for (const what of broken.slice(0, 50)) console.log(`broken: ${what}`);
process.exitCode = broken.length === 0 ? 0 : 1;
