/**
 * `npm run release:publish`: publishes the platform packages, and then the main one, so that an installation finds its binary.
 * What the registry has already is left out, so that a run that failed half-way is run again as it is. Arguments go to
 * `npm publish`: `--provenance`, `--tag next`, `--registry URL`, `--dry-run`.
 *
 * `WHIPPET_PLATFORMS=linux-x64-gnu` names the platforms that are to be published; without it all are, and one without its binary is an
 * error before anything is published.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { folderOf, NOTICES, platforms } from './support/platforms.js';
import { asProgram, root, say, SetupError } from './support/program.js';
import { manifest, npm, stageMain } from './support/staged.js';

await asProgram(() => {
  const args = process.argv.slice(2);
  const main = manifest(root);
  const chosen = process.env.WHIPPET_PLATFORMS?.split(',') ?? platforms;
  const unknown = chosen.find((platform) => !platforms.includes(platform));
  if (unknown !== undefined) throw new SetupError(`WHIPPET_PLATFORMS: ${unknown} is none of ${platforms.join(', ')}`);
  // All is looked at before anything is published: what is published cannot be taken back.
  const folders = chosen.map(folderOf);
  for (const folder of folders) checkPlatform(folder, main);
  for (const folder of folders) publish(folder, args);
  const stage = mkdtempSync(path.join(tmpdir(), 'whippet-publish-'));
  try {
    publish(stageMain(stage), args);
  } finally {
    rmSync(stage, { recursive: true });
  }
});

function checkPlatform(folder, main) {
  const { name, version, main: binary } = manifest(folder);
  if (version !== main.version) throw new SetupError(`${name} is ${version}, and ${main.name} ${main.version}`);
  const size = statSync(path.join(folder, binary), { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) throw new SetupError(`${name}: ${binary} is missing`);
  if (statSync(path.join(folder, NOTICES), { throwIfNoEntry: false }) === undefined) {
    throw new SetupError(`${name}: ${NOTICES} is missing: run \`npm run release:notices\` first`);
  }
}

function publish(folder, args) {
  const { name, version } = manifest(folder);
  const registry = args.filter((arg, at) => arg.startsWith('--registry') || args[at - 1] === '--registry');
  const seen = spawnSync(npm, ['view', `${name}@${version}`, 'version', ...registry], { encoding: 'utf8' });
  if (seen.status === 0 && seen.stdout.trim() !== '') {
    say(`${name}@${version} is published already`);
    return;
  }
  say(`publishing ${name}@${version}`);
  execFileSync(npm, ['publish', folder, '--access', 'public', ...args], { cwd: root, stdio: ['ignore', 2, 2] });
}
