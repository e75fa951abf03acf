/**
 * `npm run build:profile`: makes the profile by which `npm run build:native` then optimises the addon: builds one that counts, and sends
 * requests with it. Takes as long as a build from nothing.
 *
 *   node scripts/profile.js               anew
 *   node scripts/profile.js --if-missing  unless there is one; what hinders it is said, and is no failure
 *   node scripts/profile.js --zig         the one for `npm run build:platforms`
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { startServers } from './runtimes/server.js';
import { folderOf, hostTarget, LIBRARY, llvmTool, profileOf, withFlag, ZIG_ENVIRONMENT } from './support/profile.js';
import { asProgram, execute, root, say, seconds, SetupError } from './support/program.js';
import { cargoAuditable, cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

await asProgram(async () => {
  const isOptional = process.argv.includes('--if-missing');
  const isForZig = process.argv.includes('--zig');
  try {
    if (findCargo() === null) cargoMissing();
    if (!isOptional || profileOf(hostTarget(), isForZig) === null) await makeProfile(hostTarget(), isForZig);
  } catch (error) {
    if (!isOptional || !(error instanceof SetupError)) throw error;
    say(`${error.message}. The addon is built without a profile`);
  }
});

/** @throws SetupError when the tools for it cannot be had, or the training fails */
async function makeProfile(target, isForZig) {
  const merge = llvmTool('llvm-profdata');
  const began = performance.now();
  const folder = folderOf(target, isForZig);
  const counted = path.join(folder, 'counted');
  say('profile: building an addon that counts (takes minutes)');
  const library = build(target, counted, path.join(folder, 'counting'), isForZig);
  // What build scripts and macros have counted, where they did.
  rmSync(counted, { recursive: true, force: true });
  // Node loads what has this ending.
  const addon = path.join(folder, 'counting.node');
  copyFileSync(library, addon);
  await train(addon, path.join(counted, '%p.profraw'));
  const merged = path.join(folder, 'merged');
  execute(merge, ['merge', '--output', merged, counted]);
  for (const file of [counted, addon, profileOf(target, isForZig)])
    if (file !== null) rmSync(file, { recursive: true });
  const hash = createHash('sha256').update(readFileSync(merged)).digest('hex').slice(0, 16);
  renameSync(merged, path.join(folder, `${hash}.profdata`));
  say(`profile: done in ${seconds(performance.now() - began)}`);
}

/**
 * The library that counts. Functions are known by their mangled names: cargo's profile, and that the target is named, have to be as in
 * the build by the profile.
 */
function build(target, counted, folder, isForZig) {
  const tool = isForZig ? cargoAuditable() : [];
  execute('cargo', [...tool, 'build', '--release', '--locked', '--package', 'whippet-node', '--target', target], {
    ...cargoEnvironment(),
    ...withFlag(`-Cprofile-generate=${counted}`),
    ...(isForZig && ZIG_ENVIRONMENT),
    CARGO_TARGET_DIR: folder,
  });
  return path.join(folder, target, 'release', LIBRARY);
}

/** Sends requests with the addon that counts. The servers are Node's, in this process. */
async function train(addon, counts) {
  if (!existsSync(path.join(root, 'dist/index.js'))) execute('npm', ['run', '--silent', 'build:ts']);
  say('profile: sending requests');
  const { told, stop } = await startServers();
  const child = spawn(process.execPath, [path.join(root, 'scripts/training/train.js'), JSON.stringify(told)], {
    env: { ...process.env, WHIPPET_ADDON_PATH: addon, LLVM_PROFILE_FILE: counts },
    stdio: ['ignore', 2, 2],
  });
  const [code] = await once(child, 'exit');
  stop();
  if (code !== 0) throw new SetupError('the training failed: its reason is above');
}
