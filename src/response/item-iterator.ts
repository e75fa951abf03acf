/**
 * What a body's chunks are made into, one item after the other: events, lines, values. A chunk of many costs one step, and each item
 * of it a promise that is resolved already.
 */

import { CallQueue } from './call-queue.js';

/** Makes items of chunks. */
export interface ItemParser<C, T> {
  /** Thrown behind the items that were returned before; null while there is none. */
  readonly failure: Error | null;
  /** The items that this chunk completes. */
  push(chunk: C): T[];
  /** The items that the end completes. */
  end(): T[];
}

/**
 * The items of a body, each as soon as its last byte is there. Reading is pulled: a chunk is asked for when the items of the one
 * before are used up. What came before an error is delivered before it.
 */
export class ItemIterator<C, T> implements AsyncIterableIterator<T> {
  #chunks: AsyncIterator<C>;
  #parser: ItemParser<C, T>;
  #close: () => Promise<void>;
  #items: T[] = [];
  #at = 0;
  #isOver = false;
  #calls = new CallQueue();

  constructor(chunks: AsyncIterator<C>, parser: ItemParser<C, T>, close: () => Promise<void>) {
    this.#chunks = chunks;
    this.#parser = parser;
    this.#close = close;
  }

  next(): Promise<IteratorResult<T>> {
    return this.isReady
      ? Promise.resolve({ done: false, value: this.#items[this.#at++] })
      : this.#calls.take(() => this.#pull());
  }

  /** There is an item to be had without waiting. */
  get isReady(): boolean {
    return this.#calls.isEmpty && this.#at < this.#items.length;
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    this.#isOver = true;
    this.#items = [];
    await this.#close();
    return { done: true, value };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next chunk. After the loop was left, an error that this caused is dropped. */
  async #next(): Promise<IteratorResult<C>> {
    try {
      return await this.#chunks.next();
    } catch (error) {
      if (this.#isOver) return DONE;
      throw error;
    }
  }

  async #pull(): Promise<IteratorResult<T>> {
    for (;;) {
      if (this.#at < this.#items.length) return { done: false, value: this.#items[this.#at++] };
      const { failure } = this.#parser;
      if (failure !== null && !this.#isOver) {
        await this.return();
        throw failure;
      }
      if (this.#isOver) return DONE;
      const { done, value } = await this.#next();
      // Left meanwhile.
      if (this.#isOver) return DONE;
      this.#items = done === true ? this.#parser.end() : this.#parser.push(value);
      this.#at = 0;
      // An error of the parser comes behind its last items.
      if (done === true) this.#isOver = this.#parser.failure === null;
    }
  }
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });
