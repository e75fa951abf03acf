/** A share of `npm run fuzz`. */
import test from 'ava';
import { seedOf } from '../soak/random.js';
import { DIFFERENTIAL } from './differential.js';
import { PARSERS } from './parsers.js';
import { fuzz } from './target.js';

const seed = seedOf();
for (const target of [...PARSERS, ...DIFFERENTIAL]) {
  test.serial(`fuzz: ${target.name}`, async (t) => {
    await t.notThrowsAsync(fuzz(target, 3_000, seed), `WHIPPET_SEED=${seed}`);
  });
}
