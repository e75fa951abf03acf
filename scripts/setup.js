/**
 * Sets up what a fresh clone lacks: dependencies, the native addon, the compiled façade.
 *
 * Runs before `npm install` has, so it and scripts/support/ use Node's built-ins only. Whether something has to be done is
 * decided by content: the installed packages against package-lock.json, and each build's inputs against the record of the
 * last one. It downloads no toolchain, and it is not an install script: nothing runs where whippet is a dependency.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { addon, hasPrebuilt, platform } from './support/addon.js';
import { withLock } from './support/lock.js';
import { profiles } from './support/profile.js';
import { SetupError, asProgram, isProgram, root, say, seconds } from './support/program.js';
import * as record from './support/record.js';
import { cargoEnvironment, cargoMissing, checkNode, compilerHint, findCargo, npm } from './support/tools.js';

// `reason` says in words why a step has to run, or null.
const dependencies = {
  name: 'dependencies (npm ci)',
  reason() {
    const wanted = record.readJson('package-lock.json');
    if (wanted === null) throw new SetupError('package-lock.json is missing: check out the whole repository');
    // npm writes this file last, so it also tells a finished installation from an interrupted one.
    const installed = record.readJson('node_modules/.package-lock.json');
    if (installed === null) return 'node_modules is missing';
    const different = firstDifference(wanted.packages, installed.packages);
    return different === null ? null : `${different} is not what package-lock.json asks for`;
  },
  async run() {
    await npm(['ci', '--include=dev', '--no-audit', '--no-fund'], {}, 'npm ci failed: its reason is above');
  },
};

const nativeBuild = {
  name: 'native build (cargo, release; takes minutes when it is the first)',
  sources: () => ({
    ...record.hashFiles(
      ['Cargo.toml', 'crates', 'scripts/build-native.js'],
      (file) => !/^crates\/[^/]+\/(tests|benches|target)\//.test(file),
    ),
    'the profile': profiles().join(),
    platform,
  }),
  // The build itself may write this one.
  lockFile: () => record.hashFiles(['Cargo.lock']),
  missing: () => record.firstMissing([addon, 'binding.d.ts']),

  reason() {
    const stale = record.whyStale('native', { ...this.sources(), ...this.lockFile() }, this.missing());
    if (stale === null || findCargo() !== null) return stale;
    // Without a toolchain, a prebuilt binary is used as it is.
    return hasPrebuilt() ? null : cargoMissing();
  },
  async run() {
    const sources = this.sources();
    record.forget('native');
    await npm(
      ['run', '--silent', 'build:native'],
      cargoEnvironment(),
      `the native build failed: cargo’s reason is above${compilerHint()}`,
    );
    if (this.missing() !== null) throw new SetupError(`the native build did not make ${this.missing()}`);
    record.write('native', { ...sources, ...this.lockFile() });
  },
};

const typescriptBuild = {
  name: 'TypeScript build (tsc, esbuild)',
  sources: () =>
    record.hashFiles([
      'src',
      'tsconfig.json',
      'binding.d.ts',
      'binding.cjs',
      'binding.d.cts',
      'scripts/bundle.js',
      'scripts/bundle-web.js',
      'scripts/support/bundle-command.js',
      'scripts/support/command-launcher.cjs',
      'scripts/support/lazy-builtins.js',
      'scripts/support/write-code-cache.cjs',
      'node_modules/typescript/package.json',
    ]),
  reason() {
    return record.whyStale(
      'typescript',
      this.sources(),
      record.firstMissing([
        'dist/index.js',
        'dist/index.cjs',
        'dist/index.d.ts',
        'dist/index.d.cts',
        'dist/cli/whippet.cjs',
        'dist/cli/main.cjs',
      ]),
    );
  },
  async run() {
    const sources = this.sources();
    record.forget('typescript');
    rmSync(path.join(root, 'dist'), { recursive: true, force: true });
    await npm(['run', '--silent', 'build:ts'], {}, 'the TypeScript build failed: the reasons of tsc are above');
    record.write('typescript', sources);
  },
};

// In this order: a step's output is the next one's input.
const steps = [dependencies, nativeBuild, typescriptBuild];

/**
 * Brings node_modules, the addon and dist/ up to date. Does nothing, quickly, when they are.
 *
 * @returns {Promise<void>} rejects with a SetupError that names what to install, or what failed
 */
export async function setup() {
  checkNode();
  if (steps.map((step) => step.reason()).every((reason) => reason === null)) return;
  mkdirSync(record.folder, { recursive: true });
  await withLock(path.join(record.folder, 'lock'), say, async () => {
    for (const step of steps) {
      // Asked again: another setup, or the step before, may have changed the answer.
      const reason = step.reason();
      if (reason === null) continue;
      const started = performance.now();
      say(`${step.name}: ${reason}`);
      await step.run();
      say(`${step.name.split(' (')[0]}: done in ${seconds(performance.now() - started)}`);
    }
  });
}

/** The first package that is wanted and not installed so, or installed and not wanted. */
function firstDifference(wanted, installed) {
  for (const [name, entry] of Object.entries(wanted)) {
    if (name === '') continue;
    const found = installed[name];
    // Binaries for other platforms are in the lock file and not on this machine.
    if (found === undefined && (entry.optional || entry.devOptional)) continue;
    if (found?.version !== entry.version || differ(found.integrity, entry.integrity)) return name;
  }
  return Object.keys(installed).find((name) => !(name in wanted)) ?? null;
}

/** A lock file need not have every integrity. */
function differ(one, other) {
  return one !== undefined && other !== undefined && one !== other;
}

if (isProgram(import.meta)) await asProgram(setup);
