/** Of `node:util`: how a value is shown, in short, and what kind it is, by its tag. */

export const inspect = Object.assign(
  (value: unknown): string => {
    if (typeof value === 'string') return `'${value.replace(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`;
    if (typeof value !== 'object' || value === null) return String(value);
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  },
  { custom: Symbol.for('nodejs.util.inspect.custom') },
);

const is = (tag: string) => (value: unknown) => Object.prototype.toString.call(value) === `[object ${tag}]`;

export const types = {
  isArrayBuffer: is('ArrayBuffer'),
  isDate: is('Date'),
  isPromise: is('Promise'),
  isUint8Array: (value: unknown): boolean =>
    ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array',
};
