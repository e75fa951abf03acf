/** The addon's loader: what it looks for, and what it says when there is nothing. Each case is a folder of its own. */
import test, { type ExecutionContext } from 'ava';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { folderOf } from '../helpers/files.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Manifest;
const require = createRequire(import.meta.url);
const { platform } = (await import('../../scripts/support/addon.js' as string)) as { platform: string };

interface Manifest {
  name: string;
  version: string;
  main?: string;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  napi: { targets: string[] };
  exports: Record<string, unknown>;
}

/** The loader without any binary beside it. */
async function bare(t: ExecutionContext): Promise<string> {
  const folder = folderOf(t);
  for (const name of ['binding.cjs', 'package.json']) await cp(path.join(root, name), path.join(folder, name));
  return folder;
}

/** What `load()` throws in a process of its own. */
function thrown(folder: string, prelude = '', args: string[] = [], env: NodeJS.ProcessEnv = {}): string {
  const program = `${prelude}
    try { require('./binding.cjs')(); console.log('loaded'); }
    catch (error) { console.log(error.code + '\\n' + error.message + '\\ncauses: ' + (error.cause?.errors?.length ?? 0)); }`;
  const { WHIPPET_ADDON_PATH: _, NAPI_RS_NATIVE_LIBRARY_PATH: __, ...clean } = process.env;
  const run = spawnSync(process.execPath, [...args, '-e', program], {
    cwd: folder,
    env: { ...clean, ...env },
    encoding: 'utf8',
  });
  return run.stdout + run.stderr;
}

test('nothing is there: what was looked for, why, and what helps', async (t) => {
  const text = thrown(await bare(t));
  t.regex(text, /^ERR_ADDON_NOT_LOADED\n/);
  t.true(text.includes(`the native addon for ${platform} could not be loaded (Node ${process.version}`));
  t.true(text.includes(`whippet.${platform}.node beside this file: not there`));
  t.true(text.includes(`@whippet-http/binding-${platform}: not there`));
  t.regex(text, /--omit=optional/);
  t.regex(text, /lock file come from another platform/);
  t.regex(text, /bundler/);
  t.regex(text, /causes: 2/);
});

test('a binary that is none: the system’s words', async (t) => {
  const folder = await bare(t);
  await writeFile(path.join(folder, `whippet.${platform}.node`), 'no library');
  t.regex(thrown(folder), /beside this file: .*(?:invalid ELF header|file too short|not a valid|not a mach-o)/i);
});

test('a package of another version is refused by name', async (t) => {
  const folder = await bare(t);
  const inside = path.join(folder, 'node_modules', '@whippet-http', `binding-${platform}`);
  await mkdir(inside, { recursive: true });
  await writeFile(path.join(inside, 'index.js'), 'module.exports = {};');
  await writeFile(path.join(inside, 'package.json'), JSON.stringify({ version: '0.0.1', main: 'index.js' }));
  t.true(thrown(folder).includes(`it is version 0.0.1, and whippet is ${manifest.version}`));
  await writeFile(path.join(inside, 'package.json'), JSON.stringify({ version: manifest.version, main: 'index.js' }));
  t.regex(thrown(folder), /^loaded/);
});

test('another platform: which there are, and the ways out', async (t) => {
  const text = thrown(await bare(t), "Object.defineProperty(process, 'platform', { value: 'sunos' });");
  t.regex(text, /the native addon for sunos-/);
  t.regex(text, /There is no binary for this platform; there is one for linux-x64-gnu/);
  t.regex(text, /npm run build/);
});

test('addons that are switched off', async (t) => {
  const folder = await bare(t);
  await writeFile(path.join(folder, `whippet.${platform}.node`), '');
  t.regex(thrown(folder, '', ['--no-addons']), /--allow-addons/);
});

test('a variable that names a file wins, and is named when it fails', async (t) => {
  const text = thrown(await bare(t), '', [], { WHIPPET_ADDON_PATH: '/nowhere/x.node' });
  t.regex(text, /\/nowhere\/x\.node: not there/);
  t.regex(text, /mend or unset it/);
});

test('the platform packages: names, versions in step, platforms, and all are looked for', async (t) => {
  const loader = await readFile(path.join(root, 'binding.cjs'), 'utf8');
  const folders = [
    'linux-x64-gnu',
    'linux-x64-musl',
    'linux-arm64-gnu',
    'linux-arm64-musl',
    'darwin-x64',
    'darwin-arm64',
    'win32-x64-msvc',
    'win32-arm64-msvc',
  ];
  t.is(manifest.napi.targets.length, folders.length);
  for (const name of folders) {
    const own = require(path.join(root, 'npm', name, 'package.json')) as Manifest;
    t.is(own.name, `@whippet-http/binding-${name}`);
    t.is(own.version, manifest.version);
    t.is(own.main, `whippet.${name}.node`);
    const [os, cpu, abi] = name.split('-');
    t.deepEqual([own.os, own.cpu], [[os], [cpu]]);
    if (os === 'linux') t.deepEqual(own.libc, [abi === 'musl' ? 'musl' : 'glibc']);
    for (const wanted of [`require('./whippet.${name}.node')`, `require('${own.name}')`])
      t.true(loader.includes(wanted), wanted);
  }
});

test('every version is the same: package.json, the crates, the lock file', async (t) => {
  const cargo = await readFile(path.join(root, 'Cargo.toml'), 'utf8');
  t.is(/^version = "(.*)"$/m.exec(cargo)?.[1], manifest.version);
  const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')) as { version: string };
  t.is(lock.version, manifest.version);
});

test('import and require of each door give the same names and the same classes', async (t) => {
  for (const [door, target] of Object.entries(manifest.exports)) {
    if (door === './package.json') continue;
    const { import: esm, require: cjs } = target as Record<'import' | 'require', { default: string }>;
    const imported = (await import(path.join(root, esm.default))) as Record<string, unknown>;
    const required = require(path.join(root, cjs.default)) as Record<string, unknown>;
    const names = Object.keys(required).sort();
    t.deepEqual(Object.keys(imported).sort(), names, door);
    t.deepEqual(
      names.filter((name) => imported[name] !== required[name]),
      [],
      door,
    );
  }
});
