import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';

const isBundled = process.env.MODE === 'bundled';
/** The addon and its packages, which no bundle holds. */
const isAddon = (id) => /^@whippet-http\/|\.node$/.test(id);

export default {
  input: '../app.mjs',
  // Bundled, it is CommonJS: there the addon is asked for by `require` where it is wanted, and not by imports of all that might be.
  output: isBundled
    ? { file: 'out-bundled.cjs', format: 'cjs', inlineDynamicImports: true }
    : { file: 'out-external.mjs', format: 'es', inlineDynamicImports: true },
  external: isBundled ? isAddon : ['whippet'],
  onwarn() {},
  plugins: [
    resolve({ preferBuiltins: true, exportConditions: ['node'] }),
    commonjs({ ignoreDynamicRequires: true, ignore: isAddon }),
    json(),
  ],
};
