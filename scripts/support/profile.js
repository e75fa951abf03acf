/**
 * The profile by which the addon is optimised (PGO): which functions are called, and which way their branches go, while requests are
 * sent. One that is older than the sources is never wrong: what it does not know is optimised as without it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';
import { cargoEnvironment } from './tools.js';

const FOLDER = path.join(root, 'target/profile');

/** Where cargo builds by profiles: other flags in the common folder would build everything there anew, each time. */
export const TARGET_FOLDER = path.join(FOLDER, 'build');

/** What `rustc` builds for when it is not told. */
export function hostTarget() {
  return /^host: (.*)$/m.exec(rustc(['--version', '--verbose']))[1];
}

/** Where a target's profile lies, and what it is made from. */
export const folderOf = (target) => path.join(FOLDER, target);

/** The target's profile, or null. Its file is named by its content: cargo would not see that it has changed. */
export function profileOf(target) {
  const folder = folderOf(target);
  const file = existsSync(folder) ? readdirSync(folder).find((entry) => entry.endsWith('.profdata')) : undefined;
  return file === undefined ? null : path.join(folder, file);
}

/** The names of those that there are. */
export function profiles() {
  const targets = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  return targets.map(profileOf).flatMap((file) => (file === null ? [] : path.basename(file)));
}

/** The variable RUSTFLAGS with this flag, behind those that are there. */
export const withFlag = (flag) => ({ RUSTFLAGS: [process.env.RUSTFLAGS, flag].filter(Boolean).join(' ') });

/** What `rustc` says. */
export function rustc(args) {
  return execFileSync('rustc', args, { encoding: 'utf8', env: { ...process.env, ...cargoEnvironment() } }).trim();
}
