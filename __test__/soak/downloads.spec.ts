/** A share of `npm run soak:downloads`. */
import test from 'ava';
import { onUnix } from '../helpers/where.js';
import { CUT_SIZE, cutAndResume, killAndResume } from './downloads.js';
import { seedOf } from '../helpers/random.js';

test('a cut beside each boundary of a write, of a segment and of the file: resume ends with the same SHA-256', async (t) => {
  t.timeout(60_000);
  const points = new Set<number>();
  // What is written at once is a multiple of a page; a segment of the loopback has what 64 KiB leave for headers.
  for (const step of [4096, 16_384, 1460, 65_483]) {
    for (let at = 0; at <= CUT_SIZE; at += step) for (const beside of [-1, 0, 1]) points.add(at + beside);
  }
  points.add(CUT_SIZE);
  const within = [...points].filter((point) => point >= 0 && point <= CUT_SIZE);
  t.deepEqual(await cutAndResume(within), []);
});

onUnix('kill -9 at a random moment: never a wrong file', async (t) => {
  t.timeout(120_000);
  const seed = seedOf(20_261_127);
  const { broken, killed } = await killAndResume(12, seed);
  t.deepEqual(broken, [], `WHIPPET_SEED=${seed}`);
  t.true(killed > 0);
});
