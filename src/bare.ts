/** Options for what is not ours (Node, the platform, property descriptors), with nothing in them but what was written here. */

/**
 * The same members without a prototype: what reads an option that is not there finds none, whatever a polluted Object.prototype
 * says. Our own options are read by `own()`; a null prototype in the literal itself is what types do not allow everywhere.
 */
export function bare<T extends object>(members: T): T {
  return Object.assign(new Bare() as T, members);
}

/**
 * Its instances inherit nothing, as those of `Object.create(null)`, which V8 keeps as hash tables: with twenty members, ten times the
 * memory and four times the time.
 */
const Bare = function () {} as unknown as new () => object;
Bare.prototype = Object.freeze(Object.create(null));
