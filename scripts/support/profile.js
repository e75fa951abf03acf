/**
 * The profile by which the addon is optimised (PGO): which functions are called, and which way their branches go, while requests are
 * sent. One that is older than the sources is never wrong: what it does not know is optimised as without it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { execute, root, say, seconds, SetupError } from './program.js';
import { cargoEnvironment } from './tools.js';

const FOLDER = path.join(root, 'target/profile');

/** Where cargo builds by profiles: other flags in the common folder would build everything there anew, each time. */
export const TARGET_FOLDER = path.join(FOLDER, 'build');

/** What `rustc` builds for when it is not told. */
export function hostTarget() {
  return /^host: (.*)$/m.exec(rustc(['--version', '--verbose']))[1];
}

/** The profile of that name, or null. Its file is named by its content: cargo would not see that it has changed. */
export function profileOf(name) {
  const folder = path.join(FOLDER, name);
  const file = existsSync(folder) ? readdirSync(folder).find((entry) => entry.endsWith('.profdata')) : undefined;
  return file === undefined ? null : path.join(folder, file);
}

/** Those that there are. */
export function profiles() {
  return existsSync(FOLDER) ? readdirSync(FOLDER).flatMap((name) => profileOf(name) ?? []) : [];
}

/** The variable RUSTFLAGS with these flags, behind those that are there. */
export function withFlags(flags, { RUSTFLAGS } = process.env) {
  return { RUSTFLAGS: [RUSTFLAGS, ...flags].filter(Boolean).join(' ') };
}

/**
 * Makes the profile `name` with what `build` builds: an addon that counts, which is sent the requests of `../training/train.js`.
 *
 * @param build is given the variables under which cargo is to run, and returns the library. Functions are known by their mangled names,
 *   so that cargo's profile, its wrapper and whether the target is named have to be those of the build that uses this.
 * @returns {Promise<string>} its file
 * @throws SetupError when the tools for it cannot be had, or the training fails
 */
export async function makeProfile(name, build) {
  const merge = needTool();
  const began = performance.now();
  const folder = path.join(FOLDER, name);
  const counted = path.join(folder, 'counted');
  say('profile: building an addon that counts (takes minutes)');
  const library = build({
    ...withFlags([`-Cprofile-generate=${counted}`]),
    CARGO_TARGET_DIR: path.join(folder, 'counting'),
  });
  // What build scripts and macros have counted, where they did.
  rmSync(counted, { recursive: true, force: true });
  const addon = path.join(folder, 'counting.node');
  copyFileSync(library, addon);
  await train(addon, path.join(counted, '%p.profraw'));
  const merged = path.join(folder, 'merged');
  execute(merge, ['merge', '--output', merged, counted]);
  for (const file of [counted, addon, profileOf(name)]) if (file !== null) rmSync(file, { recursive: true });
  const hash = createHash('sha256').update(readFileSync(merged)).digest('hex').slice(0, 16);
  const kept = path.join(folder, `${hash}.profdata`);
  renameSync(merged, kept);
  say(`profile: done in ${seconds(performance.now() - began)}`);
  return kept;
}

/** Sends requests with the addon that counts. The servers are Node's, in this process. */
async function train(addon, counts) {
  if (!existsSync(path.join(root, 'dist/index.js'))) execute('npm', ['run', '--silent', 'build:ts']);
  say('profile: sending requests');
  // Not before it is needed: setup.js imports this file when there are no dependencies yet.
  const { startServers } = await import('../runtimes/server.js');
  const { told, stop } = await startServers();
  const child = spawn(process.execPath, [path.join(root, 'scripts/training/train.js'), JSON.stringify(told)], {
    env: { ...process.env, WHIPPET_ADDON_PATH: addon, LLVM_PROFILE_FILE: counts },
    stdio: ['ignore', 2, 2],
  });
  const [code] = await once(child, 'exit');
  stop();
  if (code !== 0) throw new SetupError('the training failed: its reason is above');
}

/** The program that merges what was counted, of the toolchain's component llvm-tools; rustup installs that where it is missing. */
function needTool() {
  const name = process.platform === 'win32' ? 'llvm-profdata.exe' : 'llvm-profdata';
  const tool = path.join(rustc(['--print', 'sysroot']), 'lib/rustlib', hostTarget(), 'bin', name);
  if (existsSync(tool)) return tool;
  try {
    execute('rustup', ['component', 'add', 'llvm-tools'], cargoEnvironment());
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
  }
  if (!existsSync(tool)) throw new SetupError('a profile needs the component llvm-tools of Rust, by rustup');
  return tool;
}

function rustc(args) {
  return execFileSync('rustc', args, { encoding: 'utf8', env: { ...process.env, ...cargoEnvironment() } }).trim();
}
