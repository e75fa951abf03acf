/** A share of `npm run soak`. */
import test from 'ava';
import { soak } from './chaos.js';
import { seedOf } from '../helpers/random.js';

test('six thousand requests to servers that misbehave', async (t) => {
  t.timeout(120_000);
  const seed = seedOf(20_261_127);
  const { broken, succeeded, faults } = await soak({ requests: 6_000, seed });
  t.deepEqual(broken, [], `WHIPPET_SEED=${seed}`);
  t.true(succeeded > 4_000 && faults > 200, `${succeeded} succeeded, ${faults} faults, WHIPPET_SEED=${seed}`);
});
