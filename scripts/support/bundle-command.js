/**
 * The command as it is installed: `dist/cli/whippet.cjs` starts `main.cjs`, which has what every call of it needs, so that Node finds, reads and compiles one
 * small file; what `import()` names in `src/cli/` becomes a file of its own beside it, loaded when it is used. The command has its
 * own copy of the client, without what it does not use.
 */
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { writeLicences } from './bundled-licences.js';
import { lazyBuiltins } from './lazy-builtins.js';
import { root } from './program.js';

const source = path.join(root, 'src', 'cli');
const target = path.join(root, 'dist', 'cli');

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  // V8 reads a text faster when each character is a byte.
  charset: 'ascii',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  // Node's import() loads its loader of ES modules first; require() does not.
  supported: { 'dynamic-import': false },
  // The global one loads node:perf_hooks.
  define: { 'import.meta.url': '__meta.url', performance: '__performance' },
  logOverride: { 'empty-import-meta': 'silent' },
};
/** What stands for `import.meta` in a CommonJS module. */
export const META = "const __meta = { get url() { return require('node:url').pathToFileURL(__filename).href; } };";
const BANNER = [
  `'use strict';${META}`,
  'const __performance = { now() { const [s, ns] = process.hrtime(); return s * 1e3 + ns / 1e6; } };',
].join('');

export async function bundleCommand() {
  // Its declarations are of no use to anyone.
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const parts = lazyParts();
  const shared = await sharedModules(parts);
  const exported = [...shared.wanted].map(
    (file) => `export * from './${file.slice('src/'.length).replace(/\.ts$/, '.js')}';`,
  );
  const { metafile: ofMain } = await build({
    ...common,
    stdin: {
      contents: [...exported, "import './cli/whippet.js';"].join('\n'),
      resolveDir: path.join(root, 'src'),
      sourcefile: 'whippet.ts',
      loader: 'ts',
    },
    banner: { js: BANNER },
    outfile: 'dist/cli/main.cjs',
    plugins: [outside, without, aside(parts), lazyBuiltins],
  });
  writeLicences('cli/main', ofMain);
  for (const part of parts) {
    const { metafile } = await build({
      ...common,
      entryPoints: [`src/cli/${part}.ts`],
      outfile: `dist/cli/${part}.cjs`,
      banner: { js: BANNER },
      plugins: [outside, without, inMain(shared.main), aside(parts), lazyBuiltins],
    });
    writeLicences(`cli/${part}`, metafile);
  }
  const program = path.join(target, 'whippet.cjs');
  copyFileSync(path.join(root, 'scripts', 'support', 'command-launcher.cjs'), program);
  chmodSync(program, 0o755);
  // Later Nodes keep such code themselves.
  if (typeof Module.enableCompileCache === 'function') return;
  // Only a matter of speed: without an addon there is less in it, and without the file it is slower.
  spawnSync(
    process.execPath,
    [path.join(root, 'scripts', 'support', 'write-code-cache.cjs'), path.join(target, 'main.cjs')],
    {
      stdio: 'ignore',
      timeout: 20_000,
    },
  );
}

/** The files of `src/cli/` that are loaded when they are used. */
function lazyParts() {
  const parts = new Set();
  for (const file of readdirSync(source)) {
    const text = readFileSync(path.join(source, file), 'utf8');
    for (const [, name] of text.matchAll(/\bimport\('\.\/([\w-]+)\.js'\)/g)) parts.add(name);
  }
  return [...parts].sort();
}

/** What the main file is made of, and which of it the parts need as well. */
async function sharedModules(parts) {
  const look = (entry) =>
    build({
      ...common,
      entryPoints: [entry],
      outdir: 'dist/cli',
      write: false,
      plugins: [outside, without, aside(parts)],
    });
  const main = new Set(Object.keys((await look('src/cli/whippet.ts')).metafile.inputs));
  const wanted = new Set();
  for (const part of parts) {
    const { inputs } = (await look(`src/cli/${part}.ts`)).metafile;
    for (const [file, { imports }] of Object.entries(inputs)) {
      if (main.has(file)) continue;
      for (const { path: to } of imports) if (main.has(to)) wanted.add(to);
    }
  }
  return { main, wanted };
}

/** The addon's loader finds its binary from where it is; tough-cookie is a dependency. */
const outside = {
  name: 'outside',
  setup({ onResolve }) {
    onResolve({ filter: /\/binding\.cjs$/ }, () => ({ path: '../../binding.cjs', external: true }));
    onResolve({ filter: /^tough-cookie$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** What a command never has: apps in process, the platform's fetch, and a thread of its own. */
const without = {
  name: 'without',
  setup({ onResolve, onLoad }) {
    const namespace = 'without';
    onResolve({ filter: /\/(?:fetch|node|platform)-dispatch\.js$/ }, ({ path }) => ({ path, namespace }));
    onResolve({ filter: /^node:worker_threads$/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /^node:/, namespace }, () => ({ contents: 'export const isMainThread = true;' }));
    onLoad({ filter: /./, namespace }, () => ({
      contents: 'export class FetchDispatch {} export class NodeDispatch {} export class PlatformDispatch {}',
    }));
  },
};

/** What is loaded when it is used stays a file of its own. */
function aside(parts) {
  return {
    name: 'aside',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\.\/[\w-]+\.js$/ }, ({ path: to, kind }) => {
        const name = to.slice('./'.length, -'.js'.length);
        return kind === 'dynamic-import' && parts.includes(name)
          ? { path: `./${name}.cjs`, external: true }
          : undefined;
      }),
  };
}

/** What the main file has, its parts take from there. */
function inMain(main) {
  return {
    name: 'in-main',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\.\.?\// }, ({ path: to, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const file = path
          .relative(root, path.resolve(resolveDir, to))
          .split(path.sep)
          .join('/')
          .replace(/\.js$/, '.ts');
        return main.has(file) ? { path: './main.cjs', external: true } : undefined;
      }),
  };
}
