/** The globals of Node that this package uses, for the builds that run where there are none. The build puts them in. */

import { Buffer as PortableBuffer } from 'buffer/';

type Slice = (this: PortableBuffer, start: number, end: number) => string;

/** Node's own short cuts past `toString`. */
Object.assign(PortableBuffer.prototype, {
  utf8Slice: function (start, end) {
    return this.toString('utf8', start, end);
  } satisfies Slice,
  latin1Slice: function (start, end) {
    return this.toString('latin1', start, end);
  } satisfies Slice,
});

export { PortableBuffer as Buffer };

export const process = {
  env: {},
  versions: {},
  platform: 'browser',
  emitWarning(warning: unknown): void {
    console.warn(String(warning));
  },
  nextTick(call: (...args: unknown[]) => void, ...args: unknown[]): void {
    queueMicrotask(() => call(...args));
  },
  stderr: {
    write(text: string): void {
      console.error(text.replace(/\n$/, ''));
    },
  },
};

/** Workers had none until 2025: what is forgotten there is collected, and nothing else is told. */
export const FinalizationRegistry: typeof globalThis.FinalizationRegistry =
  globalThis.FinalizationRegistry ??
  (class {
    register(): void {}
    unregister(): void {}
  } as never);

/** The well-known symbols where the engine has them, and then `await using` works. */
// By destructuring: the bundler puts these two in the place of the symbols' usual spelling, here as well.
const { asyncDispose: ownAsyncDispose, dispose: ownDispose } = Symbol;
export const asyncDispose: symbol = ownAsyncDispose ?? Symbol.for('Symbol.asyncDispose');
export const dispose: symbol = ownDispose ?? Symbol.for('Symbol.dispose');
