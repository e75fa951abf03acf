/** A share of `npm run fuzz`, with one seed, so that CI says the same each time; WHIPPET_SEED is another. */
import test from 'ava';
import { seedOf } from '../helpers/random.js';
import { DIFFERENTIAL } from './differential.js';
import { HTTP1 } from './http1.js';
import { PARSERS } from './parsers.js';
import { fuzz } from './target.js';

const seed = seedOf(20_261_127);
for (const target of [...PARSERS, ...DIFFERENTIAL, HTTP1]) {
  test.serial(`fuzz: ${target.name}`, async (t) => {
    await t.notThrowsAsync(fuzz(target, target === HTTP1 ? 500 : 3_000, seed), `WHIPPET_SEED=${seed}`);
  });
}
