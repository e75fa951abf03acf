/** The addon's loader: what it looks for, and what it says when there is nothing. Each case is a folder of its own. */
import test, { type ExecutionContext } from 'ava';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
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
  t.regex(text, /WHIPPET_ADDON_PATH=/);
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
  await writeFile(path.join(inside, 'index.js'), 'module.exports = { Engine: class {} };');
  await writeFile(path.join(inside, 'package.json'), JSON.stringify({ version: '0.0.1', main: 'index.js' }));
  t.true(thrown(folder).includes(`it is version 0.0.1, and whippet is ${manifest.version}`));
  await writeFile(path.join(inside, 'package.json'), JSON.stringify({ version: manifest.version, main: 'index.js' }));
  t.regex(thrown(folder), /^loaded/);
  await writeFile(path.join(inside, 'index.js'), "module.exports = { Engine: class {}, VERSION: '0.0.2' };");
  t.true(thrown(folder).includes(`it is version 0.0.2, and whippet is ${manifest.version}`));
});

test('the binary says the version of the package', (t) => {
  const addon = (require(path.join(root, 'binding.cjs')) as () => { VERSION: string })();
  t.is(addon.VERSION, manifest.version);
});

/** A copy of this machine's binary, changed by `change`, for a variable to name. */
async function changed(t: ExecutionContext, change: (bytes: Buffer) => Buffer, name = 'changed.node'): Promise<string> {
  const file = path.join(folderOf(t), name);
  await writeFile(file, change(await readFile(path.join(root, `whippet.${platform}.node`))));
  return file;
}

if (process.platform === 'linux') {
  test('a binary that is cut short does not end the process', async (t) => {
    const folder = await bare(t);
    for (const length of [4096, 100_000, 1_000_000]) {
      const file = await changed(t, (bytes) => bytes.subarray(0, length), `${length}.node`);
      t.regex(
        thrown(folder, '', [], { WHIPPET_ADDON_PATH: file }),
        /it is cut short: it has \d+ bytes of at least \d+/,
      );
      await cp(file, path.join(folder, `whippet.${platform}.node`));
      t.regex(thrown(folder), /beside this file: it is cut short/);
    }
    const inside = path.join(folder, 'node_modules', '@whippet-http', `binding-${platform}`);
    await mkdir(inside, { recursive: true });
    await cp(path.join(root, 'npm', platform, 'package.json'), path.join(inside, 'package.json'));
    await cp(path.join(folder, `whippet.${platform}.node`), path.join(inside, `whippet.${platform}.node`));
    t.regex(thrown(folder), new RegExp(`binding-${platform}: it is cut short`));
  });

  test('a binary for another processor is named as that', async (t) => {
    const other = process.arch === 'arm64' ? 'x64' : 'arm64';
    const file = await changed(t, (bytes) => {
      bytes.writeUInt16LE(other === 'arm64' ? 183 : 62, 18);
      return bytes;
    });
    const text = thrown(await bare(t), '', [], { WHIPPET_ADDON_PATH: file });
    t.true(text.includes(`it is for ${other}, and this Node is for ${process.arch}`), text);
  });
}

test('what a variable names: other things than an addon of whippet’s', async (t) => {
  const folder = await bare(t);
  const put = async (name: string, text: string): Promise<string> => {
    await writeFile(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const named = (file: string): string => thrown(folder, '', [], { WHIPPET_ADDON_PATH: file });
  t.regex(named(folder), /: it is no file\n/);
  t.regex(named(path.join(folder, 'none.node')), /: not there\n/);
  // None of them is run as JavaScript.
  for (const [name, text] of [
    ['thrown.js', 'throw null'],
    ['loud.cjs', 'console.log("run")'],
    ['some.json', '{ "Engine": 1 }'],
    ['plain', 'text'],
    ['empty.node', ''],
  ] as const) {
    const said = named(await put(name, text));
    t.regex(said, /^ERR_ADDON_NOT_LOADED\n/, name);
    t.notRegex(said, /^run$/m);
  }
  const [another] = (await readdir(path.join(root, 'node_modules/@oxc-node'))).filter((name) =>
    name.startsWith('core-'),
  );
  const addons = await readdir(path.join(root, 'node_modules/@oxc-node', another!));
  const addon = addons.find((name) => name.endsWith('.node'))!;
  t.regex(named(path.join(root, 'node_modules/@oxc-node', another!, addon)), /it is no addon of whippet’s/);
});

test('what a variable names may lie anywhere, have any name, and be relative to the working directory', async (t) => {
  const folder = await bare(t);
  await cp(path.join(root, `whippet.${platform}.node`), path.join(folder, 'my addon #1 %20?.so'));
  t.regex(thrown(folder, '', [], { WHIPPET_ADDON_PATH: './my addon #1 %20?.so' }), /^loaded/);
  t.regex(thrown(folder, '', [], { NAPI_RS_NATIVE_LIBRARY_PATH: 'my addon #1 %20?.so' }), /^loaded/);
});

test('the package may not be read', async (t) => {
  const folder = await bare(t);
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  const inside = path.join(folder, 'node_modules', '@whippet-http', `binding-${platform}`);
  await mkdir(inside, { recursive: true });
  for (const name of ['binding.cjs', 'package.json']) await cp(path.join(folder, name), path.join(inside, name));
  const readable = ['binding.cjs', 'package.json'].map((name) => `--allow-fs-read=${path.join(folder, name)}`);
  t.regex(thrown(folder, '', [flag, '--no-warnings', '--allow-addons', ...readable]), /add --allow-fs-read=/);
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
