/** Random numbers that a seed decides, so that a run that failed can be run again. */
import type { ExecutionContext } from 'ava';

/** Numbers in [0, 1), the same ones for the same words. */
export function randomOf(...seeds: readonly number[]): () => number {
  let state = 0x9e3779b9;
  for (const seed of seeds) state = Math.imul(state ^ seed, 0x85ebca6b) ^ (state >>> 13);
  // mulberry32, by Tommy Ettinger (public domain).
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The seed of this run: WHIPPET_SEED, or else the one that is given, or one of chance. */
export function seedOf(otherwise = Math.floor(Math.random() * 2 ** 31)): number {
  return Number(process.env.WHIPPET_SEED ?? otherwise);
}

/** The random numbers of a test, which prints their seed. */
export function randomFor(t: ExecutionContext): () => number {
  const seed = seedOf();
  t.log(`WHIPPET_SEED=${seed}`);
  return randomOf(seed);
}
