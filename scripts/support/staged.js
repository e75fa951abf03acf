/** The main package as it is published, which is not as it lies here. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { folderOf, platforms } from './platforms.js';
import { root } from './program.js';

/** npm's program. */
export const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/**
 * Packs the main package and unpacks it into `stage`, with `optionalDependencies`, which are in what is published alone: `npm ci` of
 * this repository would look for packages that do not exist before they are published.
 *
 * @param depends - The platforms whose packages it names: all of them, unless it is tried where they are not published.
 * @returns the folder
 */
export function stageMain(stage, depends = platforms) {
  const main = manifest(root);
  // Without scripts: prepack would build, and put, a binary of this machine into the package.
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', stage];
  const file = execFileSync(npm, args, { cwd: root, encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', path.join(stage, file), '-C', stage]);
  const published = { ...main };
  for (const own of ['scripts', 'devDependencies', 'napi', 'ava']) delete published[own];
  published.optionalDependencies = Object.fromEntries(
    depends.map((platform) => [manifest(folderOf(platform)).name, main.version]),
  );
  const folder = path.join(stage, 'package');
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  return folder;
}

/** A folder's package.json. */
export function manifest(folder) {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
}
