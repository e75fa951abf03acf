/**
 * The package as users load it. One CommonJS file holds what the doors share (`dist/core.cjs`), so that there is one world of classes
 * however it is loaded, and as Node takes longer to find a hundred modules than to read them. Each door is a small file beside
 * it, for `require`, and one that re-exports its names, for `import`. The declarations are tsc's, once for each of the two.
 */
import { build } from 'esbuild';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleCommand, META } from './support/bundle-command.js';
import { withClassNames } from './support/class-names.js';
import { lazyBuiltins } from './support/lazy-builtins.js';
import { root } from './support/program.js';

const source = path.join(root, 'src');
const DOORS = [
  'index',
  ...readdirSync(path.join(source, 'drop-in'))
    .filter(
      (file) =>
        file.endsWith('.ts') &&
        readFileSync(path.join(source, 'drop-in', file), 'utf8').startsWith('/**\n * `whippet/'),
    )
    .map((file) => `drop-in/${file.replace(/\.ts$/, '')}`),
];

/** What only an ES module of ours imports of the core. */
const RESOLVER = 'tough-cookie-resolver.cjs';

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};
const commonJs = {
  ...common,
  format: 'cjs',
  // What an ES module knows of itself.
  define: { 'import.meta.url': '__meta.url' },
  banner: { js: META },
  logOverride: { 'empty-import-meta': 'silent' },
};

/** The addon's loader finds its binary from where it is. */
const binding = {
  name: 'binding',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/binding\.cjs$/ }, () => ({ path: '../binding.cjs', external: true })),
};

// What each door is made of, and the names that it exports.
const looks = await Promise.all(
  DOORS.map((door) =>
    build({
      ...common,
      format: 'esm',
      entryPoints: [`src/${door}.ts`],
      outdir: 'dist',
      write: false,
      plugins: [binding],
    }),
  ),
);
const namesOf = looks.map(({ metafile }) => Object.values(metafile.outputs)[0].exports);
const inputsOf = looks.map(({ metafile }) => Object.keys(metafile.inputs));
const core = new Set(inputsOf[0]);
// Below the doors everything is shared, also what a single door imports.
for (const input of inputsOf.flat()) if (!input.startsWith('src/drop-in/')) core.add(input);

const wanted = new Set();
for (const [at, inputs] of inputsOf.entries()) {
  for (const input of inputs) {
    if (core.has(input) && input !== `src/${DOORS[at]}.ts`) continue;
    for (const { path: to } of looks[at].metafile.inputs[input].imports) if (core.has(to)) wanted.add(to);
  }
}

const everything = [...new Set([...wanted, 'src/cookies/tough-cookie.ts'])].map(
  (file) => `export * from './${file.slice('src/'.length).replace(/\.ts$/, '.js')}';`,
);
await build({
  ...commonJs,
  stdin: { contents: everything.join('\n'), resolveDir: source, sourcefile: 'core.ts', loader: 'ts' },
  outfile: 'dist/core.cjs',
  plugins: [binding, lazyBuiltins],
});

await Promise.all(
  DOORS.map((door) =>
    build({ ...commonJs, entryPoints: [`src/${door}.ts`], outfile: `dist/${door}.cjs`, plugins: [sharedWith(door)] }),
  ),
);

// V8 reads a text faster when each character is a byte. esbuild writes others as escapes, but for comments.
const bundle = path.join(root, 'dist', 'core.cjs');
writeFileSync(bundle, withClassNames(readFileSync(bundle, 'utf8')).replaceAll(/[^\0-\x7f]/g, '?'));

// Of a CommonJS module that an ES module imports, Node reads the whole text once more for the names of its exports: of the core that
// takes as long as all the rest, of this file nothing.
writeFileSync(
  path.join(root, 'dist', RESOLVER),
  "exports.resolveToughCookieBy = require('./core.cjs').resolveToughCookieBy;\n",
);

for (const [at, door] of DOORS.entries()) {
  const name = path.basename(door);
  const lines = [`export { ${namesOf[at].join(', ')} } from './${name}.cjs';`];
  // What the user's own import of tough-cookie gives, only an ES module can tell.
  if (door === 'index') {
    lines.unshift(
      `import { resolveToughCookieBy } from './${RESOLVER}';`,
      // Not in one expression, which webpack resolves itself, for an import that is none.
      'const { resolve } = import.meta;',
      "resolveToughCookieBy(() => resolve('tough-cookie'));",
    );
  }
  writeFileSync(path.join(root, 'dist', `${door}.js`), `${lines.join('\n')}\n`);
}

await bundleCommand();

const shown = reachableFrom(DOORS.map((door) => path.join(root, 'dist', `${door}.d.ts`)));
for (const file of readdirSync(path.join(root, 'dist'), { recursive: true })) {
  if (!file.endsWith('.d.ts')) continue;
  // What no door leads to is nothing that a user may use.
  if (!shown.has(path.join(root, 'dist', file))) {
    for (const one of [file, file.replace(/\.d\.ts$/, '.d.cts')]) rmSync(path.join(root, 'dist', one), { force: true });
    continue;
  }
  const emitted = readFileSync(path.join(root, 'dist', file), 'utf8');
  // The first comment of a module is for its readers. Where its imports are left out, an editor shows it with the first declaration.
  const apart = emitted.replace(/^\/\*\*(?:[^*]|\*(?!\/))*\*\/\s*(?=\/\*\*)/, '');
  // From TypeScript 6 on no package of types is there unless it is asked for: Node's are, where they are installed.
  const isDoor = DOORS.includes(
    file
      .split(path.sep)
      .join('/')
      .replace(/\.d\.ts$/, ''),
  );
  const text = isDoor ? `/// <reference types="node" />\n${apart}` : apart;
  if (text !== emitted) writeFileSync(path.join(root, 'dist', file), text);
  // binding.d.ts, which the native build writes, has no twin: beside binding.cjs stands the loader's own declaration.
  const twin = text
    .replaceAll(/((?:from|import\()\s*['"](?!\.\.\/binding\.js)\.[^'"]*)\.js(['"])/g, '$1.cjs$2')
    .replace("from '../binding.js';", "from '../binding.js' with { 'resolution-mode': 'import' };");
  writeFileSync(path.join(root, 'dist', file.replace(/\.d\.ts$/, '.d.cts')), twin);
}

/** The declarations, and those that they import. */
function reachableFrom(doors) {
  const found = new Set(doors);
  for (const file of found) {
    const text = readFileSync(file, 'utf8');
    for (const [, to] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g)) {
      const next = path.resolve(path.dirname(file), `${to}.d.ts`);
      if (existsSync(next)) found.add(next);
    }
  }
  return found;
}

/** What a door shares with the others, it takes from the core. */
function sharedWith(door) {
  const up = door.includes('/') ? '../core.cjs' : './core.cjs';
  return {
    name: 'core',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\.\.?\// }, ({ path: to, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const file = path
          .relative(root, path.resolve(resolveDir, to))
          .split(path.sep)
          .join('/')
          .replace(/\.js$/, '.ts');
        return core.has(file) ? { path: up, external: true } : undefined;
      }),
  };
}
