/**
 * For esbuild: Node's own modules that take long to load are loaded when something of them is used. `import { createHash } from
 * 'node:crypto'` then costs nothing until `createHash` is called; a class that extends one of them at the top of a file still
 * loads it at once.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';

/** Those whose loading can be measured, and which a request by itself does not need. */
const HEAVY = [
  'child_process',
  'crypto',
  'fs/promises',
  'http',
  'module',
  'net',
  'os',
  'stream',
  'tls',
  'tty',
  'worker_threads',
  'zlib',
];

/** What the sources import of each module. A getter for each of hundreds of names would take longer than it saves. */
function importedNames() {
  const names = new Map();
  for (const file of readdirSync(path.join(root, 'src'), { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(path.join(root, 'src', file), 'utf8');
    for (const [, list, module] of text.matchAll(
      /^import (?!type\b)(?:\w+,? ?)?(?:\{([^}]*)\} )?from '(node:[\w/]+)';/gm,
    )) {
      const known = names.get(module) ?? new Set();
      for (const one of (list ?? '').split(',')) {
        const name = one.trim().split(' ')[0];
        if (name !== '' && name !== 'type') known.add(name);
      }
      names.set(module, known);
    }
  }
  return names;
}

export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    const imported = importedNames();
    const filter = new RegExp(`^node:(?:${HEAVY.join('|')})$`);
    onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'lazy-builtin' ? { path, external: true } : { path, namespace: 'lazy-builtin' },
    );
    onLoad({ filter: /./, namespace: 'lazy-builtin' }, ({ path }) => {
      const names = [...(imported.get(path) ?? [])];
      const getters = names.map((name) => `  get ${name}() { return load().${name}; },`);
      return {
        contents: [
          `const load = () => require('${path}');`,
          'module.exports = {',
          '  __esModule: true,',
          ...getters,
          '};',
          // For `import zlib from 'node:zlib'` esbuild takes the exports themselves: they have whatever the module has.
          'Object.setPrototypeOf(module.exports, new Proxy({}, { get: (_, name) => load()[name] }));',
        ].join('\n'),
        loader: 'js',
      };
    });
  },
};
