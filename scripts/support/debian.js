/**
 * Packages of another Debian than this machine's, or for another processor, unpacked into a folder and not installed: a C library
 * for a program of another kind. They come from the archive that this machine's apt uses, by its keys.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execute, SetupError } from './program.js';

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * @param folder - Where the lists and the packages are kept, and the root that they are unpacked into: `folder/root`.
 * @param suite - As in `trixie`.
 * @param architecture - As Debian says: `amd64`, `arm64`.
 * @returns The root.
 */
export function unpackDebian(folder, suite, architecture, names) {
  const unpacked = path.join(folder, 'root');
  if (existsSync(unpacked)) return unpacked;
  const archive = archiveOf();
  const file = (name) => path.join(folder, name);
  for (const name of ['lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(file(name), { recursive: true });
  writeFileSync(file('status'), '');
  writeFileSync(file('sources.list'), `deb [signed-by=${KEYS}] ${archive} ${suite} main\n`);
  const settings = [
    `Dir::State::Lists=${file('lists')}`,
    `Dir::State::status=${file('status')}`,
    `Dir::Cache=${file('cache')}`,
    `Dir::Etc::sourcelist=${file('sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `APT::Architecture=${architecture}`,
    `APT::Architectures::=${architecture}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  execute('apt-get', [...settings, '-qq', 'update']);
  execute('apt-get', [...settings, '-qq', 'download', ...names], {}, file('packages'));
  try {
    for (const name of readdirSync(file('packages')))
      execute('dpkg-deb', ['-x', path.join(file('packages'), name), unpacked]);
  } catch (error) {
    rmSync(unpacked, { recursive: true, force: true });
    throw error;
  }
  return unpacked;
}

/** Programs of this machine's, by name, each with Debian's package or packages: installed as root, or said to be missing. */
export function installDebian(programs) {
  const missing = Object.entries(programs).filter(([program]) => !isOnPath(program));
  if (missing.length === 0) return;
  const names = missing.flatMap(([, name]) => name);
  if (process.getuid() !== 0) throw new SetupError(`install ${names.join(' ')}: apt-get install ${names.join(' ')}`);
  execute('apt-get', ['-qq', 'update']);
  execute('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...names], {
    DEBIAN_FRONTEND: 'noninteractive',
  });
}

/** @throws SetupError where apt is missing, or knows no archive of Debian's */
function archiveOf() {
  let targets = '';
  try {
    targets = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], {
      encoding: 'utf8',
    });
  } catch {
    throw new SetupError('the C libraries of the other platforms are taken from Debian: apt-get is missing here');
  }
  const found = targets.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (found === undefined) throw new SetupError('apt has no archive of Debian’s in its sources');
  return found;
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, program)));
}
