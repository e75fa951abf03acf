/**
 * The builds without the addon: `dist/browser.js` and `dist/workerd.js`, where `exports` leads by the conditions `browser` and
 * `workerd`, the former also as CommonJS for test
 * runners that ask for it with `require`. One file, without an import but
 * tough-cookie's: what the package uses of Node is in `src/web/`, and what is not there is an error that names it, at the call.
 */
import { build } from 'esbuild';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { writeLicences } from './support/bundled-licences.js';
import { withClassNames } from './support/class-names.js';
import { root } from './support/program.js';

if (!existsSync(path.join(root, 'node_modules/buffer'))) {
  throw new Error('The devDependency buffer is missing: run npm install');
}
const web = path.join(root, 'src/web');
const BUILTIN = new RegExp(`^(?:node:.*|${builtinModules.join('|')})$`);
/** Which modules of ours have another one in their place. */
const INSTEAD = {
  'src/cookies/tough-cookie.ts': 'tough-cookie.ts',
  'src/real-time.ts': 'real-time.ts',
};

const instead = (platform) => ({
  name: 'web',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\/binding\.cjs$/ }, () => ({ path: path.join(web, 'binding.ts') }));
    onResolve({ filter: BUILTIN }, ({ path: name }) => {
      const module = name.replace(/^node:/, '');
      const file = path.join(web, 'node', `${module}.ts`);
      return existsSync(file) ? { path: file } : { path: module, namespace: 'absent' };
    });
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path: to, resolveDir }) => {
      const file = path.relative(root, path.resolve(resolveDir, to)).split(path.sep).join('/');
      const other = INSTEAD[file.replace(/\.js$/, '.ts')];
      return other === undefined ? undefined : { path: path.join(web, other) };
    });
    onLoad({ filter: /[/\\]src[/\\]platform\.ts$/ }, () => ({
      contents: `export const PLATFORM = '${platform}';`,
      loader: 'ts',
    }));
    // In CommonJS, as its names are not known before they are asked for. esbuild copies what is a module's own, and keeps its prototype.
    onLoad({ filter: /.*/, namespace: 'absent' }, ({ path: module }) => ({
      contents: `
        const { absent } = require(${JSON.stringify(path.join(web, 'absent.ts'))});
        const known = { __proto__: null, constants: {} };
        const get = (_, name) => (typeof name === 'symbol' ? undefined : (known[name] ??= absent('node:${module} ' + name)));
        module.exports = Object.create(new Proxy({}, { get }));`,
      loader: 'ts',
      resolveDir: web,
    }));
  },
});

for (const { platform, format, file } of [
  { platform: 'browser', format: 'esm', file: 'browser.js' },
  { platform: 'browser', format: 'cjs', file: 'browser.cjs' },
  { platform: 'workerd', format: 'esm', file: 'workerd.js' },
]) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/index.ts'],
    outfile: `dist/${file}`,
    bundle: true,
    format,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: ['es2022'],
    external: ['tough-cookie'],
    define: { 'import.meta.url': '""', 'Symbol.asyncDispose': 'asyncDispose', 'Symbol.dispose': 'dispose' },
    inject: ['src/web/globals.ts'],
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [instead(platform)],
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  const bundle = path.join(root, 'dist', file);
  writeFileSync(bundle, withClassNames(readFileSync(bundle, 'utf8')));
  writeLicences(file, metafile);
}
