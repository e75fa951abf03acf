/**
 * `npm run release:publish`: publishes the platform packages, and then the main one, so that an installation finds its binary.
 * What the registry has already is left out, so that a run that failed half-way is run again as it is; if what it has is something
 * else, that is an error. Arguments go to `npm publish`: `--provenance`, `--tag next`, `--registry URL`, `--dry-run`.
 *
 * `WHIPPET_PLATFORMS=linux-x64-gnu` names the platforms that are to be published; without it all are, and one without its binary is an
 * error before anything is published.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { folderOf, NOTICES, platforms } from './support/platforms.js';
import { asProgram, execute, root, say, SetupError } from './support/program.js';
import { manifest, npm, stageMain } from './support/staged.js';

await asProgram(() => {
  const args = process.argv.slice(2);
  const main = manifest(root);
  const chosen = process.env.WHIPPET_PLATFORMS?.split(',') ?? platforms;
  const unknown = chosen.find((platform) => !platforms.includes(platform));
  if (unknown !== undefined) throw new SetupError(`WHIPPET_PLATFORMS: ${unknown} is none of ${platforms.join(', ')}`);
  checkTag(main.version, optionOf(args, '--tag') ?? 'latest');
  // All is looked at before anything is published: what is published cannot be taken back.
  const folders = chosen.map(folderOf);
  for (const folder of folders) checkPlatform(folder, main);
  const stage = mkdtempSync(path.join(tmpdir(), 'whippet-publish-'));
  try {
    const registry = optionOf(args, '--registry');
    const asked = registry === undefined ? [] : ['--registry', registry];
    const missing = [...folders, stageMain(stage)].filter((folder) => !isPublished(folder, stage, asked));
    for (const folder of missing) publish(folder, args);
  } finally {
    rmSync(stage, { recursive: true });
  }
});

/** The value of `--name value` or `--name=value`. */
function optionOf(args, name) {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at === -1) return undefined;
  return args[at] === name ? args[at + 1] : args[at].slice(name.length + 1);
}

/** `npm install whippet` gives what is tagged as the latest. */
function checkTag(version, tag) {
  if (version.includes('-') && tag === 'latest') {
    throw new SetupError(`${version} is a version before a release: give it a tag of its own, --tag next`);
  }
}

function checkPlatform(folder, main) {
  const { name, version, main: binary } = manifest(folder);
  if (version !== main.version) throw new SetupError(`${name} is ${version}, and ${main.name} ${main.version}`);
  const size = statSync(path.join(folder, binary), { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) throw new SetupError(`${name}: ${binary} is missing`);
  if (statSync(path.join(folder, NOTICES), { throwIfNoEntry: false }) === undefined) {
    throw new SetupError(`${name}: ${NOTICES} is missing: run \`npm run release:notices\` first`);
  }
}

/** @throws SetupError when the registry does not say, or has another content by that name and version */
function isPublished(folder, stage, registry) {
  const { name, version } = manifest(folder);
  const id = `${name}@${version}`;
  const seen = spawnSync(npm, ['view', id, 'version', '--json', ...registry], { encoding: 'utf8' });
  if (seen.status !== 0 && !/"code": "E404"/.test(seen.stdout)) {
    throw new SetupError(`${id}: the registry does not say whether it is published: ${seen.stderr.trim()}`);
  }
  if (seen.status !== 0 || seen.stdout.trim() === '') return false;
  // By its files: how they are compressed is the packing npm's and Node's matter.
  const [here, there] = [folder, id].map((what) => contents(what, stage, registry));
  const differs = [...new Set([...here.keys(), ...there.keys()])].find(
    (file) => !here.has(file) || !there.has(file) || !here.get(file).equals(there.get(file)),
  );
  if (differs !== undefined) {
    throw new SetupError(
      `${id} is published already, and its ${differs} is another than here: publish what was built then, or raise the version`,
    );
  }
  say(`${id} is published already`);
  return true;
}

/** The files of a package, of a folder's or of the registry's, by their paths. */
function contents(what, stage, registry) {
  const folder = mkdtempSync(path.join(stage, 'packed-'));
  const args = ['pack', what, '--ignore-scripts', '--silent', '--pack-destination', folder, ...registry];
  execFileSync(npm, args, { cwd: stage, stdio: ['ignore', 'ignore', 2] });
  const [packed] = readdirSync(folder);
  const unpacked = path.join(folder, 'unpacked');
  mkdirSync(unpacked);
  execFileSync('tar', ['-xzf', path.join(folder, packed), '-C', unpacked]);
  const entries = readdirSync(unpacked, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map(({ parentPath, name }) => {
      const file = path.join(parentPath, name);
      return [path.relative(path.join(unpacked, 'package'), file), readFileSync(file)];
    }),
  );
}

function publish(folder, args) {
  const { name, version } = manifest(folder);
  say(`publishing ${name}@${version}`);
  execute(npm, ['publish', folder, '--access', 'public', ...args]);
}
