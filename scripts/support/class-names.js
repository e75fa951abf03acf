/** What esbuild makes of the names of classes. */

/**
 * The bundle with each class under its own name: `var Headers = class _Headers`, which esbuild makes of a class that speaks of itself, would
 * be called `_Headers` in messages and by debuggers. esbuild's `keepNames` defines the name of every function, whenever one is made.
 */
export function withClassNames(text) {
  const names = new Set([...text.matchAll(/=\s*class _(\w+)/g)].map(([, name]) => name));
  return text.replaceAll(/(?<![\w$.#])_(\w+)/g, (found, name) => (names.has(name) ? name : found));
}
