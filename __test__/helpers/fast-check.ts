/** fast-check, which prints the seed of a run that failed. WHIPPET_SEED, where it is set, is the seed of this one. */
import { configureGlobal } from 'fast-check';

if (process.env.WHIPPET_SEED !== undefined) configureGlobal({ seed: Number(process.env.WHIPPET_SEED) });

export * from 'fast-check';
