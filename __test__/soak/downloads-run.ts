/** `npm run soak:downloads`: `node downloads-run.ts [kills] [stride] [seed]`; a stride of 0 leaves the cuts out. */
import { CUT_SIZE, cutAndResume, killAndResume } from './downloads.js';
import { seedOf } from '../helpers/random.js';

const kills = Number(process.argv[2] ?? 200);
const stride = Number(process.argv[3] ?? 1);
const seed = process.argv[4] === undefined ? seedOf() : Number(process.argv[4]);
const seconds = (from: number): string => `${((performance.now() - from) / 1000).toFixed(0)} s`;

const broken: string[] = [];
if (stride > 0) {
  const started = performance.now();
  const points = Array.from({ length: Math.floor(CUT_SIZE / stride) + 1 }, (_, index) => index * stride);
  broken.push(...(await cutAndResume(points)));
  console.log(`${points.length} cuts of ${CUT_SIZE} bytes, ${seconds(started)}`);
}
if (kills > 0) {
  const started = performance.now();
  const tell = (round: number): void => void (round % 50 === 0 && console.log(`${round} rounds`));
  const figures = await killAndResume(kills, seed, tell);
  broken.push(...figures.broken);
  console.log({ ...figures, seed }, seconds(started));
}
for (const what of broken.slice(0, 50)) console.log(`broken: ${what}`);
process.exitCode = broken.length === 0 ? 0 : 1;
