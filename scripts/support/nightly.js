/** A nightly toolchain, for what stable Rust does not have: sanitizers, miri, coverage for libFuzzer. */
import { execFileSync, spawnSync } from 'node:child_process';
import { execute, say, SetupError } from './program.js';
import { cargoEnvironment, cargoMissing, findCargo } from './tools.js';

/** The name of this machine's target: sanitizers are asked for it by name, so that build scripts and macros go without. */
export const TARGET = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`;

/** Installs what is missing of nightly, `components` included, by rustup. */
export function needNightly(components = []) {
  if (findCargo() === null) cargoMissing();
  if (process.platform !== 'linux') throw new SetupError('this is set up for Linux with glibc only');
  if (spawnSync('rustup', ['run', 'nightly', 'rustc', '--version']).status !== 0) {
    say('a nightly toolchain is missing');
    execute('rustup', ['toolchain', 'install', 'nightly', '--profile', 'minimal']);
  }
  if (components.length === 0) return;
  const listed = execFileSync('rustup', ['component', 'list', '--toolchain', 'nightly', '--installed'], {
    encoding: 'utf8',
  });
  const missing = components.filter((name) => !listed.split('\n').some((line) => line.startsWith(name)));
  if (missing.length > 0) execute('rustup', ['component', 'add', '--toolchain', 'nightly', ...missing]);
}

/** Runs nightly's cargo; throws a SetupError when that does not end well. */
export function nightlyCargo(args, env = {}) {
  execute('cargo', ['+nightly', ...args], { ...cargoEnvironment(), ...env });
}
