/** A share of `npm run soak`, whose hundred thousand are a step of CI. */
import test from 'ava';
import { soak } from './chaos.js';
import { seedOf } from '../helpers/random.js';

test('six thousand requests to servers that misbehave', async (t) => {
  t.timeout(120_000);
  const seed = seedOf(20_261_127);
  const { broken, ...figures } = await soak({ requests: 6_000, seed });
  t.deepEqual(broken, [], `WHIPPET_SEED=${seed} ${JSON.stringify(figures)}`);
});
