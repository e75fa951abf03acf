/**
 * Work on a cookie store, written once for stores that answer at once and for those that take their time. What the work is
 * stands in storage.ts and retrieval.ts.
 */

import { disregard, isThenable } from '../thenable.js';

/** A call of a store: it answers by the callback. A store of async methods rejects, at times, where it should have called back. */
export type Call<T> = (callback: (error: Error | null, result?: T) => void) => unknown;

/** Yields calls, and gets their results. */
export type Steps<R> = Generator<Call<unknown>, R, unknown>;

/** The result itself when the store is synchronous, else a promise of it. */
export function run<R>(steps: Steps<R>, synchronous: boolean): R | Promise<R> {
  return synchronous ? runSync(steps) : runAsync(steps);
}

export function runSync<R>(steps: Steps<R>): R {
  let next = steps.next();
  while (!next.done) next = steps.next(answerOf(next.value));
  return next.value;
}

async function runAsync<R>(steps: Steps<R>): Promise<R> {
  let next = steps.next();
  while (!next.done) {
    const call = next.value;
    const result = await new Promise<unknown>((resolve, reject) => {
      const returned = call((error, value) => {
        if (error) reject(error);
        else resolve(value);
      });
      if (isThenable(returned)) Promise.resolve(returned).catch(reject);
    });
    next = steps.next(result);
  }
  return next.value;
}

function answerOf(call: Call<unknown>): unknown {
  let answer: { error: Error | null; result: unknown } | undefined;
  const returned = call((error, result) => {
    answer = { error, result };
  });
  disregard(returned);
  if (answer === undefined) throw new Error('The cookie store says that it is synchronous, and did not answer at once');
  if (answer.error) throw answer.error;
  return answer.result;
}
