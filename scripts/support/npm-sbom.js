/** What the npm package is made of, as CycloneDX. */
import { execFileSync } from 'node:child_process';
import { bundledPackages } from './bundled-licences.js';
import { root, SetupError } from './program.js';
import { manifest } from './staged.js';

/** What users get with the package, and what of the devDependencies is inside of its own files. Needs `dist/`. */
export function npmSbom() {
  const installed = sbom('--omit', 'dev');
  const { component } = installed.metadata;
  // npm takes the folder's.
  component.name = manifest(root).name;
  const known = new Set(installed.components.map((one) => one['bom-ref']));
  const all = sbom();
  const holds = [];
  for (const bundled of bundledPackages()) {
    const at = bundled.lastIndexOf('@');
    const [name, version] = [bundled.slice(0, at), bundled.slice(at + 1)];
    const found = all.components.find((one) => one.version === version && nameOf(one) === name);
    if (found === undefined) throw new SetupError(`${bundled} is inside of dist, and not in the lock file`);
    const ref = found['bom-ref'];
    if (known.has(ref)) continue;
    known.add(ref);
    holds.push(ref);
    // It is one of development in the lock file, and not in what is published.
    const properties = found.properties?.filter((property) => property.name !== 'cdx:npm:package:development');
    installed.components.push({ ...found, scope: 'required', properties });
  }
  for (const { ref, dependsOn = [] } of all.dependencies) {
    if (holds.includes(ref)) installed.dependencies.push({ ref, dependsOn: dependsOn.filter((one) => known.has(one)) });
  }
  installed.dependencies.find(({ ref }) => ref === component['bom-ref']).dependsOn.push(...holds);
  return installed;
}

function sbom(...args) {
  const said = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 2],
  });
  return JSON.parse(said);
}

function nameOf({ group, name }) {
  return group === undefined || name.startsWith('@') ? name : `${group}/${name}`;
}
