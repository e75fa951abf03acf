/** Items of chunks that are larger than what is parsed at once. */
import test from 'ava';
import type { ItemParser } from '../../src/response/item-iterator.js';
import { ItemIterator } from '../../src/response/item-iterator.js';
import { failure } from '../helpers/client.js';

/** The sizes of what it is given; a failure beyond so many bytes. */
class Sizes implements ItemParser<Buffer, number> {
  failure: Error | null = null;
  pushed = 0;
  #most: number;
  #throws: boolean;

  constructor(most = Infinity, throws = false) {
    this.#most = most;
    this.#throws = throws;
  }

  push(chunk: Buffer): number[] {
    this.pushed += chunk.length;
    if (this.pushed <= this.#most) return [chunk.length];
    if (this.#throws) throw new RangeError('Invalid string length');
    this.failure = new Error('too much');
    return [];
  }

  end(): number[] {
    return [0];
  }
}

function open(parser: Sizes, sizes: number[]): { items: ItemIterator<Buffer, number>; closed: () => number } {
  let closed = 0;
  async function* chunks() {
    for (const size of sizes) yield Buffer.alloc(size);
  }
  const items = new ItemIterator(chunks(), parser, async () => void closed++);
  return { items, closed: () => closed };
}

test('a large chunk is parsed a part at a time, when the items of the one before are used up', async (t) => {
  const parser = new Sizes();
  const { items } = open(parser, [200_000, 1]);
  const seen: number[] = [];
  for await (const size of items) {
    seen.push(size);
    if (seen.length === 1) t.is(parser.pushed, 65_536);
  }
  t.deepEqual(seen, [65_536, 65_536, 65_536, 3_392, 1, 0]);
});

test('calls of next() that do not wait for each other get the items in order', async (t) => {
  const { items } = open(new Sizes(), [100_000, 70_000]);
  const results = await Promise.all(Array.from({ length: 7 }, () => items.next()));
  t.deepEqual(
    results.map(({ value }) => value as number | undefined),
    [65_536, 34_464, 65_536, 4_464, 0, undefined, undefined],
  );
});

test('a failure within a chunk comes behind the items before it; nothing behind it is parsed', async (t) => {
  const parser = new Sizes(100_000);
  const { items, closed } = open(parser, [400_000]);
  t.is((await items.next()).value, 65_536);
  t.is((await failure(items.next())).message, 'too much');
  t.is(parser.pushed, 131_072);
  t.is(closed(), 1);
  t.true((await items.next()).done);
});

test('what a parser throws rejects, and closes', async (t) => {
  const { items, closed } = open(new Sizes(100_000, true), [400_000]);
  t.is((await items.next()).value, 65_536);
  t.true((await failure(items.next())) instanceof RangeError);
  t.is(closed(), 1);
  t.true((await items.next()).done);
});

test('leaving the loop within a chunk ends it', async (t) => {
  const parser = new Sizes();
  const { items, closed } = open(parser, [400_000]);
  for await (const size of items) {
    t.is(size, 65_536);
    break;
  }
  t.is(closed(), 1);
  t.true((await items.next()).done);
  t.is(parser.pushed, 65_536);
});
