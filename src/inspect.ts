/** What a console shows of an object whose parts are private. Values that have a spelling of their own say it in their own file. */

import { inspect } from 'node:util';
import { bare } from './bare.js';

/**
 * Gives the instances of a class, and of those derived from it, `toString()`, `inspect()` and `toJSON()`: one line, with nothing
 * secret in it. Not as methods in the class, as `implements` would then ask for them.
 */
export function defineInspect<T extends object>(type: { prototype: T }, line: (object: T) => string): void {
  const method = bare({
    value(this: T): string {
      return line(this);
    },
    configurable: true,
    writable: true,
  });
  Object.defineProperties(type.prototype, { toString: method, toJSON: method, [inspect.custom]: method });
}
