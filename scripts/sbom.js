/**
 * `npm run release:sbom`: what the packages are made of, as CycloneDX, one file for npm's tree (with what is bundled) and one for
 * Cargo's, in `target/sbom/`. It needs `npm run build:ts`. cargo-cyclonedx is installed when it is missing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { npmSbom } from './support/npm-sbom.js';
import { asProgram, root, say, SetupError } from './support/program.js';
import { dateOf } from './support/same-bytes.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const FOLDER = path.join(root, 'target/sbom');
const CYCLONEDX = 'cargo-cyclonedx@0.5.9';

await asProgram(() => {
  if (findCargo() === null) cargoMissing();
  const env = { ...process.env, ...cargoEnvironment() };
  mkdirSync(FOLDER, { recursive: true });
  keep('whippet.npm.cdx.json', JSON.stringify(npmSbom(), null, 2));
  if (spawnSync('cargo', ['cyclonedx', '--version'], { env }).status !== 0) {
    say('installing cargo-cyclonedx');
    execFileSync('cargo', ['install', '--quiet', '--locked', CYCLONEDX], { env, stdio: ['ignore', 2, 2] });
  }
  // The packages are of several systems, and each has crates of its own.
  const what = ['--no-build-deps', '--all', '--target', 'all'];
  const cargo = [
    'cyclonedx',
    '--format',
    'json',
    '--spec-version',
    '1.5',
    ...what,
    '--override-filename',
    'whippet.cdx',
  ];
  execFileSync('cargo', cargo, { cwd: root, env: { ...env, ...dateOf('HEAD') }, stdio: ['ignore', 2, 2] });
  // It writes beside each manifest of the workspace.
  const metadata = execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1'], { cwd: root, env });
  const written = JSON.parse(metadata).packages.map(({ manifest_path: manifest }) =>
    path.join(path.dirname(manifest), 'whippet.cdx.json'),
  );
  try {
    const text = readFileSync(path.join(root, 'crates/node/whippet.cdx.json'), 'utf8');
    // Its names of our own crates begin with the folder.
    keep('whippet.cargo.cdx.json', text.replaceAll(pathToFileURL(root).href, 'file:///whippet'));
  } finally {
    for (const file of written) rmSync(file, { force: true });
  }
});

function keep(name, text) {
  const { bomFormat, components = [] } = JSON.parse(text);
  if (bomFormat !== 'CycloneDX' || components.length === 0)
    throw new SetupError(`${name}: is no CycloneDX, or is empty`);
  writeFileSync(path.join(FOLDER, name), text);
  console.log(`target/sbom/${name}: ${components.length} components`);
}
