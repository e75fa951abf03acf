/**
 * `dist/index.js`: all of src/ in one file, as Node takes longer to find a hundred modules than to read them. The declarations
 * beside it are tsc's, which checks the types, too.
 */
import { build } from 'esbuild';
import { root } from './support/program.js';

await build({
  absWorkingDir: root,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // The addon finds its binary from where it is; packages stay what the user has installed.
  plugins: [
    {
      name: 'binding',
      setup: ({ onResolve }) =>
        onResolve({ filter: /\/binding\.js$/ }, () => ({ path: '../binding.js', external: true })),
    },
  ],
  packages: 'external',
  legalComments: 'none',
  logLevel: 'warning',
});
