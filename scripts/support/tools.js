/** The tools that setting up needs: found, checked and run. None is ever downloaded. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { SetupError, root } from './program.js';

const oldestNode = [20, 19, 0];

// rustup's `cargo` would fetch a toolchain that is asked for and missing; it is to say so instead.
const rustup = { RUSTUP_AUTO_INSTALL: process.env.RUSTUP_AUTO_INSTALL ?? '0' };

/** Throws a SetupError when this Node is too old. */
export function checkNode() {
  const version = process.versions.node.split('.').map(Number);
  const difference = oldestNode.map((part, i) => version[i] - part).find((part) => part !== 0) ?? 0;
  if (difference >= 0) return;
  throw new SetupError(
    `Node ${process.versions.node} is too old: whippet needs ${oldestNode.join('.')} or newer, see https://nodejs.org`,
  );
}

let cargo;
/** The path of a cargo that answers, or null. rustup's folder counts although this shell may not know it yet. */
export function findCargo() {
  if (cargo !== undefined) return cargo;
  const name = process.platform === 'win32' ? 'cargo.exe' : 'cargo';
  const home = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo');
  const folders = [...searchPath().split(path.delimiter), path.join(home, 'bin')];
  const candidates = folders.filter((folder) => folder !== '').map((folder) => path.join(folder, name));
  cargo = candidates.find((file) => existsSync(file) && answers(file)) ?? null;
  return cargo;
}

/** Throws a SetupError that says where cargo comes from. */
export function cargoMissing() {
  throw new SetupError(
    'Rust is needed, and no working `cargo` was found: install Rust 1.88 or newer from https://rustup.rs and try again',
  );
}

/** The variables under which cargo, found by findCargo(), runs. */
export function cargoEnvironment() {
  return { ...rustup, PATH: `${searchPath()}${path.delimiter}${path.dirname(findCargo())}` };
}

/** What stands before `build` where cargo-auditable is installed, as in the release: it writes what an addon was made of into it. */
export function cargoAuditable() {
  const { status } = spawnSync('cargo', ['auditable', '--version'], { env: { ...process.env, ...cargoEnvironment() } });
  return status === 0 ? ['auditable'] : [];
}

/** A sentence to add to a failed build's message when there is no linker; else an empty string. */
export function compilerHint() {
  if (process.platform === 'win32' || process.env.CC || answers('cc')) return '';
  const how = process.platform === 'darwin' ? 'xcode-select --install' : 'for instance apt-get install gcc libc6-dev';
  return `. There is no C compiler \`cc\`, with which Rust links: ${how}`;
}

/** Runs npm; throws a SetupError with the message `failure` when it does not end well. */
export async function npm(args, env, failure) {
  // Inside `npm run`, npm says where it is: no search, and no shell on Windows.
  const script = process.env.npm_execpath ?? '';
  const known = path.basename(script) === 'npm-cli.js' && existsSync(script);
  const windows = process.platform === 'win32';
  const [command, prefix] = known ? [process.execPath, [script]] : [windows ? 'npm.cmd' : 'npm', []];
  const result = await run(command, [...prefix, ...args], env, windows && !known);
  if (result === 'ENOENT') throw new SetupError('`npm` was not found: it comes with Node.js, see https://nodejs.org');
  if (result !== 0) throw new SetupError(failure);
}

/** Resolves to the exit code or the signal, or to the error's code when the command did not start. */
function run(command, args, env, shell) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 2, 2], shell });
    child.on('error', (error) => resolve(error.code));
    child.on('exit', (code, signal) => resolve(code ?? signal));
  });
}

function answers(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore', env: { ...process.env, ...rustup } }).status === 0;
}

function searchPath() {
  return process.env.PATH ?? '';
}
