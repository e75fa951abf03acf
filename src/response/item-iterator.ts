/**
 * What a body's chunks are made into, one item after the other: events, lines, values. A chunk of many is parsed a part at a time, and
 * each item of a part costs a promise that is resolved already.
 */

import type { Abortion } from './body-source.js';
import { CallQueue } from './call-queue.js';
import { cut } from './iterators.js';

/** Makes items of chunks. */
export interface ItemParser<C extends Buffer | string, T> {
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
export class ItemIterator<C extends Buffer | string, T> implements AsyncIterableIterator<T> {
  #chunks: AsyncIterator<C>;
  #parser: ItemParser<C, T>;
  #close: () => Promise<void>;
  #stopped: () => Abortion | null;
  #items: T[] = [];
  #at = 0;
  /** The chunk under way, and how much of it has been parsed. */
  #chunk: C | null = null;
  #parsed = 0;
  #thrown: Error | null = null;
  #isOver = false;
  #calls = new CallQueue();

  /** @param stopped Asked before each item: why the items that are at hand are not to be delivered; null when they are. */
  constructor(
    chunks: AsyncIterator<C>,
    parser: ItemParser<C, T>,
    close: () => Promise<void>,
    stopped: () => Abortion | null = () => null,
  ) {
    this.#chunks = chunks;
    this.#parser = parser;
    this.#close = close;
    this.#stopped = stopped;
  }

  next(): Promise<IteratorResult<T>> {
    return this.takeReady() ?? this.#calls.take(() => this.#pull());
  }

  /** The next item; null when it cannot be had without waiting. */
  takeReady(): Promise<IteratorResult<T>> | null {
    if (!this.#calls.isEmpty || !this.#isAtHand() || this.#stopped() !== null) return null;
    return Promise.resolve({ done: false, value: this.#items[this.#at++] });
  }

  async return(value?: unknown): Promise<IteratorResult<T>> {
    this.#isOver = true;
    this.#items = [];
    this.#chunk = null;
    await this.#close();
    return { done: true, value };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #isAtHand(): boolean {
    return this.#at < this.#items.length || this.#parse();
  }

  /** Parses on until there are items; false when the chunk is used up. */
  #parse(): boolean {
    const chunk = this.#chunk;
    if (chunk === null) return false;
    while (this.#parsed < chunk.length && this.#failure === null) {
      const start = this.#parsed;
      this.#parsed += PART_SIZE;
      try {
        this.#items = this.#parser.push(cut(chunk, start, this.#parsed));
      } catch (error) {
        // More than a string can hold.
        this.#thrown = error as Error;
        break;
      }
      this.#at = 0;
      if (this.#items.length > 0) return true;
    }
    this.#chunk = null;
    return false;
  }

  get #failure(): Error | null {
    return this.#thrown ?? this.#parser.failure;
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
      if (this.#isAtHand()) {
        const stop = this.#isOver ? null : this.#stopped();
        if (stop === null) return { done: false, value: this.#items[this.#at++] };
        await this.return();
        throw stop.reason;
      }
      const failure = this.#failure;
      if (failure !== null && !this.#isOver) {
        await this.return();
        throw failure;
      }
      if (this.#isOver) return DONE;
      const { done, value } = await this.#next();
      // Left meanwhile.
      if (this.#isOver) return DONE;
      if (done === true) {
        this.#items = this.#parser.end();
        this.#at = 0;
        // An error of the parser comes behind its last items.
        this.#isOver = this.#parser.failure === null;
      } else {
        this.#chunk = value;
        this.#parsed = 0;
      }
    }
  }
}

/** Bytes, or characters: what is parsed at once is used up before it has grown old, and a string of it has room among the young. */
const PART_SIZE = 64 * 1024;

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });
