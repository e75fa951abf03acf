/**
 * The profile by which the addon is optimised (PGO): which functions are called, and which way their branches go, while requests are
 * sent. One that is older than the sources is never wrong: what it does not know is optimised as without it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { execute, root, SetupError } from './program.js';
import { cargoEnvironment } from './tools.js';

const FOLDER = path.join(root, 'target/profile');

const ZIG = '-zig';

/** Where cargo builds by profiles: other flags in the common folder would build everything there anew, each time. */
export const TARGET_FOLDER = path.join(FOLDER, 'build');

/** How cargo names the addon's library on this system. */
export const LIBRARY =
  { win32: 'whippet_node.dll', darwin: 'libwhippet_node.dylib' }[process.platform] ?? 'libwhippet_node.so';

/** What `rustc` builds for when it is not told. */
export function hostTarget() {
  return /^host: (.*)$/m.exec(rustc(['--version', '--verbose']))[1];
}

/**
 * What cargo-zigbuild tells cargo. It is part of the names that functions get, so that a build by zig needs a profile that was counted with
 * the same.
 */
export const ZIG_ENVIRONMENT = {
  CARGO_TARGET_APPLIES_TO_HOST: 'false',
  CARGO_UNSTABLE_TARGET_APPLIES_TO_HOST: 'true',
  __CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS: 'nightly',
};

/** Where a target's profile lies, and what it is made from; the one for builds by zig has a folder of its own. */
export const folderOf = (target, isForZig = false) => path.join(FOLDER, isForZig ? `${target}${ZIG}` : target);

/** The target's profile, or null. Its file is named by its content: cargo would not see that it has changed. */
export function profileOf(target, isForZig = false) {
  const folder = folderOf(target, isForZig);
  const file = existsSync(folder) ? readdirSync(folder).find((entry) => entry.endsWith('.profdata')) : undefined;
  return file === undefined ? null : path.join(folder, file);
}

/** The names of those for a build by `npm run build:native`. */
export function profiles() {
  const targets = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => !name.endsWith(ZIG)) : [];
  return targets.map((target) => profileOf(target)).flatMap((file) => (file === null ? [] : path.basename(file)));
}

/** The variable RUSTFLAGS with this flag, behind those that are there. */
export const withFlag = (flag) => ({ RUSTFLAGS: [process.env.RUSTFLAGS, flag].filter(Boolean).join(' ') });

/** What `rustc` says. */
export function rustc(args) {
  return execFileSync('rustc', args, { encoding: 'utf8', env: { ...process.env, ...cargoEnvironment() } }).trim();
}

/** A program of the toolchain's component llvm-tools; rustup installs that where it is missing. */
export function llvmTool(name) {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  const tool = path.join(rustc(['--print', 'sysroot']), 'lib/rustlib', hostTarget(), 'bin', file);
  if (existsSync(tool)) return tool;
  try {
    execute('rustup', ['component', 'add', 'llvm-tools'], cargoEnvironment());
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
  }
  if (!existsSync(tool)) throw new SetupError('a profile needs the component llvm-tools of Rust, by rustup');
  return tool;
}

/**
 * A profile that knows the functions by other names changes nothing, and no compiler says so: a good part of rustls, as cargo has built it in
 * `folder`, must be among what was counted.
 *
 * @throws SetupError when it is not
 */
export function checkUsed(profile, folder) {
  const lines = (tool, args) =>
    execFileSync(llvmTool(tool), args, { encoding: 'utf8', maxBuffer: 2 ** 28 }).split('\n');
  const deps = path.join(folder, 'deps');
  const libraries = readdirSync(deps).filter((name) => /^librustls-.*\.rlib$/.test(name));
  const symbols = lines('llvm-nm', ['--defined-only', '--quiet', ...libraries.map((name) => path.join(deps, name))]);
  const built = [...new Set(symbols.map((line) => line.split(' ').at(-1)).filter((name) => name.includes('rustls')))];
  const shown = lines('llvm-profdata', ['show', '--all-functions', profile]);
  const counted = new Set(shown.map((line) => /^ {2}(?:\S+;)?(_\S+):$/.exec(line)?.[1]));
  const share = built.filter((name) => counted.has(name)).length / built.length;
  if (share > 0.1) return;
  const percent = Math.round(share * 100);
  throw new SetupError(`${path.relative(root, profile)} knows ${percent} % of rustls by name: it is another build's`);
}
