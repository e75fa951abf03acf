/** The same program on undici's own Agent and on our Dispatcher. */
import type { ExecutionContext } from 'ava';
import * as undici from 'undici';
import { createDispatcher } from '../../src/drop-in/undici.js';

export type AnyDispatcher = undici.Dispatcher;

/** Both, each closed with the test. */
function both(t: ExecutionContext): [name: string, dispatcher: AnyDispatcher][] {
  const theirs = new undici.Agent();
  const ours = createDispatcher();
  t.teardown(() => Promise.all([theirs.destroy(), ours.destroy()]));
  return [
    ['undici', theirs],
    ['whippet', ours as unknown as AnyDispatcher],
  ];
}

/** The same program on both: what it returns, or what it throws, is the same. */
export async function same(
  t: ExecutionContext,
  program: (dispatcher: AnyDispatcher) => Promise<unknown>,
): Promise<unknown> {
  const [theirs, ours] = both(t);
  const tried = async (dispatcher: AnyDispatcher): Promise<unknown> => {
    try {
      return await program(dispatcher);
    } catch (error) {
      if (process.env.SHOW) console.log(error);
      return shownError(error as Error);
    }
  };
  const expected = await tried(theirs[1]);
  t.deepEqual(await tried(ours[1]), expected);
  return expected;
}

function shownError(error: Error & { code?: string }): object {
  const { name, code } = error;
  const cause = error.cause as (Error & { code?: string }) | undefined;
  const isUndici = String(code).startsWith('UND_ERR');
  return { name, code, cause: isUndici || cause === undefined ? undefined : { name: cause.name, code: cause.code } };
}
