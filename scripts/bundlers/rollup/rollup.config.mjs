import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';

const external = process.env.MODE === 'external' ? ['whippet'] : [/^@whippet-http\//, /\.node$/];
export default {
  input: '../app.mjs',
  output: { file: `out-${process.env.MODE}.mjs`, format: 'es', inlineDynamicImports: true },
  external,
  onwarn() {},
  plugins: [
    resolve({ preferBuiltins: true, exportConditions: ['node'] }),
    commonjs({ ignoreDynamicRequires: true }),
    json(),
  ],
};
