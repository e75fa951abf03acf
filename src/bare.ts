/** Options for what is not ours (Node, the platform, property descriptors), with nothing in them but what was written here. */

/**
 * The same members without a prototype: what reads an option that is not there finds none, whatever a polluted Object.prototype
 * says. Our own options are read by `own()`; a null prototype in the literal itself is what types do not allow everywhere.
 */
export function bare<T extends object>(members: T): T {
  return Object.assign(Object.create(null) as T, members);
}
