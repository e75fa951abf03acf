/**
 * `npm run build:native`: the addon, into this folder; by the profile of `npm run build:profile` where there is one. More arguments are
 * those of `napi build`.
 */
import path from 'node:path';
import { asProgram, execute, root, say, SetupError } from './support/program.js';
import { hostTarget, profileOf, TARGET_FOLDER, withFlag } from './support/profile.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const NAPI = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
const BUILD = ['build', '--platform', '--release', '--manifest-path', 'crates/node/Cargo.toml'];
const OUTPUT = ['--output-dir', '.', '--no-js', '--dts', 'binding.d.ts'];

await asProgram(() => {
  if (findCargo() === null) cargoMissing();
  const given = process.argv.slice(2);
  const at = given.indexOf('--target');
  if (at !== -1 && given[at + 1] === undefined) throw new SetupError('--target: the name of a target is missing');
  const target = at === -1 ? hostTarget() : given[at + 1];
  const profile = profileOf(target);
  const command = [NAPI, ...BUILD, ...OUTPUT, ...given];
  if (profile === null) {
    execute(process.execPath, command, cargoEnvironment());
  } else {
    say(`built by the profile ${path.relative(root, profile)}`);
    // A profile knows functions by the names that they have for a target, and these are other ones where none is named.
    const named = at === -1 ? ['--target', target] : [];
    const environment = { ...cargoEnvironment(), ...withFlag(`-Cprofile-use=${profile}`) };
    execute(process.execPath, [...command, ...named, '--target-dir', TARGET_FOLDER], environment);
  }
});
