/**
 * Turns of the event loop, for loops over what is there already. An iterator, an app or a stream of this process may have the next
 * piece at once, for ever: `await` then leads from one microtask to the next, and no timer, no signal and no other request is heard.
 */

import { now, setImmediate } from './real-time.js';
import { typeName } from './shown-text.js';

/** Of one loop. */
export class Turns {
  #since = now();

  /** What the loop awaits before it goes on; null, nearly always: nothing has waited for long. */
  due(): Promise<void> | null {
    if (now() - this.#since < MAX_MS) return null;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = now();
        resolve();
      });
    });
  }
}

/** The same pieces, with the others' turns in between. */
export class TakingTurns<T> implements AsyncIterator<T> {
  #pieces: AsyncIterator<T> | Iterator<T>;
  #turns = new Turns();
  #stopped: { reason: unknown } | null = null;

  constructor(pieces: AsyncIterator<T> | Iterator<T>) {
    this.#pieces = pieces;
  }

  async next(): Promise<IteratorResult<T>> {
    const turn = this.#turns.due();
    if (turn !== null) await turn;
    if (this.#stopped !== null) throw this.#stopped.reason;
    return checkResult(await this.#pieces.next());
  }

  async return(): Promise<IteratorResult<T>> {
    return (await this.#pieces.return?.()) ?? { done: true, value: undefined };
  }

  /** Who reads it is told the reason, with the next piece; what it reads from is told to stop, and not waited for. */
  stop(reason: unknown): void {
    if (this.#stopped !== null) return;
    this.#stopped = { reason };
    void Promise.resolve()
      .then(() => this.return())
      .catch(() => {});
  }
}

/** How long others may have to wait. */
const MAX_MS = 10;

/**
 * What an iterator has given.
 * @throws TypeError
 */
export function checkResult<T>(result: IteratorResult<T>): IteratorResult<T> {
  if (typeof result === 'object' && (result as unknown) !== null) return result;
  throw new TypeError(`content: expected next() of the iterator to give { done, value }, got ${typeName(result)}`);
}
