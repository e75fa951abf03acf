/**
 * A share of `npm run fuzz`. The commit is the seed, so that each run of one says the same, and other commits try other texts; the seed
 * is printed, and WHIPPET_SEED is another.
 */
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { seedOf } from '../helpers/random.js';
import { DIFFERENTIAL } from './differential.js';
import { HTTP1 } from './http1.js';
import { PARSERS } from './parsers.js';
import { fuzz } from './target.js';

/** Of each parser: half a second to five of one core. */
const TEXT_COUNT = 20_000;
/** Two requests for each of them. */
const RESPONSE_COUNT = 4_000;

const seed = seedOf(ofCommit());
for (const target of [...PARSERS, ...DIFFERENTIAL, HTTP1]) {
  test.serial(`fuzz: ${target.name}`, async (t) => {
    t.timeout(120_000);
    const count = target === HTTP1 ? RESPONSE_COUNT : TEXT_COUNT;
    t.log(`${count} texts, WHIPPET_SEED=${seed}`);
    await t.notThrowsAsync(fuzz(target, count, seed), `WHIPPET_SEED=${seed}`);
  });
}

/** Seven digits of it; a day's date where there is no repository. */
function ofCommit(): number {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' });
  return Number.parseInt(stdout?.slice(0, 7), 16) || 20_261_127;
}
