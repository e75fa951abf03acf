/**
 * `npm run release:sbom`: what the packages are made of, as CycloneDX, one file for npm's tree (with what is bundled) and one for
 * Cargo's, in `target/sbom/`. It needs `npm run build:ts`. cargo-cyclonedx is installed when it is missing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundledPackages } from './support/bundled-licences.js';
import { asProgram, root, say, SetupError } from './support/program.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const FOLDER = path.join(root, 'target/sbom');

await asProgram(() => {
  if (findCargo() === null) cargoMissing();
  const env = { ...process.env, ...cargoEnvironment() };
  mkdirSync(FOLDER, { recursive: true });
  keep('whippet.npm.cdx.json', JSON.stringify(ofNpm(), null, 2));
  if (spawnSync('cargo', ['cyclonedx', '--version'], { env }).status !== 0) {
    say('installing cargo-cyclonedx');
    execFileSync('cargo', ['install', '--quiet', '--locked', 'cargo-cyclonedx'], { env, stdio: ['ignore', 2, 2] });
  }
  const cargo = ['cyclonedx', '--format', 'json', '--no-build-deps', '--all', '--override-filename', 'whippet.cdx'];
  execFileSync('cargo', cargo, { cwd: root, env, stdio: ['ignore', 2, 2] });
  // It writes beside each manifest.
  const written = path.join(root, 'crates/node/whippet.cdx.json');
  keep('whippet.cargo.cdx.json', readFileSync(written, 'utf8'));
  for (const crate of ['crates/core', 'crates/node', 'benchmark/origin'])
    rmSync(path.join(root, crate, 'whippet.cdx.json'), { force: true });
});

/** What users get with the package, and what of the devDependencies is inside of its own files. */
function ofNpm() {
  const sbom = (...args) =>
    JSON.parse(
      execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', ...args], {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
        stdio: ['ignore', 'pipe', 2],
      }),
    );
  const installed = sbom('--omit', 'dev');
  const known = new Set(installed.components.map(({ purl }) => purl));
  const all = sbom().components;
  for (const bundled of bundledPackages()) {
    const at = bundled.lastIndexOf('@');
    const [name, version] = [bundled.slice(0, at), bundled.slice(at + 1)];
    const component = all.find((one) => one.version === version && nameOf(one) === name);
    if (component === undefined) throw new SetupError(`${bundled} is inside of dist, and not in the lock file`);
    if (!known.has(component.purl)) installed.components.push({ ...component, scope: 'required' });
  }
  return installed;
}

function nameOf({ group, name }) {
  return group === undefined || name.startsWith('@') ? name : `${group}/${name}`;
}

function keep(name, text) {
  const { bomFormat, components = [] } = JSON.parse(text);
  if (bomFormat !== 'CycloneDX' || components.length === 0)
    throw new SetupError(`${name}: is no CycloneDX, or is empty`);
  writeFileSync(path.join(FOLDER, name), text);
  console.log(`target/sbom/${name}: ${components.length} components`);
}
