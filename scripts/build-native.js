/**
 * `npm run build:native`: the addon, into this folder; by the profile of `npm run build:profile` where there is one. More arguments are
 * those of `napi build`.
 *
 * `-- --audited --target TARGET` is for what is published: by cargo-auditable, which napi cannot call, so that the addon holds the list of
 * what it was made of; without symbols, and without paths of this machine. It writes no `binding.d.ts`.
 */
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { addon } from './support/addon.js';
import { asProgram, execute, root, say, SetupError } from './support/program.js';
import { hostTarget, LIBRARY, profileOf, TARGET_FOLDER, withFlag } from './support/profile.js';
import { dateOf, remapped } from './support/same-bytes.js';
import { cargoAuditable, cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const NAPI = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
const BUILD = ['build', '--platform', '--release', '--manifest-path', 'crates/node/Cargo.toml'];
const OUTPUT = ['--output-dir', '.', '--no-js', '--dts', 'binding.d.ts'];

await asProgram(() => {
  if (findCargo() === null) cargoMissing();
  const given = process.argv.slice(2).filter((arg) => arg !== '--audited');
  const isAudited = process.argv.includes('--audited');
  const at = given.indexOf('--target');
  if (at !== -1 && given[at + 1] === undefined) throw new SetupError('--target: the name of a target is missing');
  const target = at === -1 ? hostTarget() : given[at + 1];
  const profile = profileOf(target);
  const flags = [];
  if (profile !== null) {
    say(`built by the profile ${path.relative(root, profile)}`);
    flags.push(`-Cprofile-use=${profile}`);
  }
  // Node brings no VCRUNTIME140.dll, and not every Windows has it.
  if (target.endsWith('-msvc')) flags.push('-Ctarget-feature=+crt-static');
  if (isAudited) {
    buildAudited(target, flags);
    return;
  }
  const environment = { ...cargoEnvironment(), ...(flags.length > 0 && withFlag(flags.join(' '))) };
  // A profile knows functions by the names that they have for a target, and these are other ones where none is named.
  const named = profile === null ? [] : [...(at === -1 ? ['--target', target] : []), '--target-dir', TARGET_FOLDER];
  execute(process.execPath, [NAPI, ...BUILD, ...OUTPUT, ...given, ...named], environment);
});

function buildAudited(target, flags) {
  const auditable = cargoAuditable();
  if (auditable.length === 0)
    throw new SetupError('cargo-auditable is missing: cargo install --locked cargo-auditable@0.7.7');
  const maps = remapped(root);
  const args = [
    '--release',
    '--locked',
    '--package',
    'whippet-node',
    '--target',
    target,
    '--target-dir',
    TARGET_FOLDER,
  ];
  execute('cargo', [...auditable, 'build', ...args], {
    ...cargoEnvironment(),
    ...dateOf('HEAD'),
    ...withFlag([...flags, '-Cstrip=symbols', ...maps.rustc].join(' ')),
    // Microsoft's compiler has no such option.
    ...(!target.endsWith('-msvc') && { CFLAGS: maps.cc.join(' ') }),
  });
  copyFileSync(path.join(TARGET_FOLDER, target, 'release', LIBRARY), path.join(root, addon));
}
