/**
 * For esbuild: Node's own modules that take long to load are loaded when something of them is used. `import { createHash } from
 * 'node:crypto'` then costs nothing until `createHash` is called; a class that extends one of them at the top of a file still
 * loads it at once.
 */
import { createRequire } from 'node:module';

/** Those whose loading can be measured, and which a request by itself does not need. */
const HEAVY = [
  'child_process',
  'crypto',
  'fs/promises',
  'http',
  'net',
  'os',
  'stream',
  'tls',
  'tty',
  'worker_threads',
  'zlib',
];

const require = createRequire(import.meta.url);

export const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^node:(?:${HEAVY.join('|')})$`);
    onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'lazy-builtin' ? { path, external: true } : { path, namespace: 'lazy-builtin' },
    );
    onLoad({ filter: /./, namespace: 'lazy-builtin' }, ({ path }) => {
      const names = Object.keys(require(path)).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default');
      const getters = names.map((name) => `  get ${name}() { return load().${name}; },`);
      return {
        contents: [
          `const load = () => require('${path}');`,
          'module.exports = {',
          '  __esModule: true,',
          '  get default() { return load(); },',
          ...getters,
          '};',
        ].join('\n'),
        loader: 'js',
      };
    });
  },
};
