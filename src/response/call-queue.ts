/** One call after the other, as a generator would have it. */
export class CallQueue {
  #last: Promise<void> | null = null;

  /** Nothing is under way. */
  get isEmpty(): boolean {
    return this.#last === null;
  }

  /** Nothing but its caller waits for its promise: V8 follows no `await` beyond one that several wait for. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let end = (): void => {};
    const turn = (this.#last = new Promise<void>((resolve) => (end = resolve)));
    try {
      if (before !== null) await before;
      return await work();
    } finally {
      if (this.#last === turn) this.#last = null;
      end();
    }
  }
}
