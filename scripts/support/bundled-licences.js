/** What of others is inside the package's own JavaScript: their licences are beside it, and their names are in the SBOM. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';

const SUFFIX = '.LICENSES.txt';
const RULE = '─'.repeat(80);
const dist = path.join(root, 'dist');

/** Writes the licences of the packages that esbuild has taken into `dist/NAME`, as `dist/NAME.LICENSES.txt`; none where there are none. */
export function writeLicences(name, { inputs }) {
  const file = path.join(dist, `${name}${SUFFIX}`);
  const packages = new Set();
  for (const input of Object.keys(inputs)) {
    const found = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(input);
    if (found !== null) packages.add(found[1]);
  }
  rmSync(file, { force: true });
  if (packages.size === 0) return;
  writeFileSync(file, [...packages].sort().map(licenceOf).join(`${RULE}\n\n`));
}

/** `name@version` of each package that is inside of a file in `dist`. */
export function bundledPackages() {
  const files = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith(SUFFIX));
  const found = new Set();
  for (const file of files) {
    for (const section of readFileSync(path.join(dist, file), 'utf8').split(`${RULE}\n\n`)) {
      found.add(section.slice(0, section.indexOf('\n')));
    }
  }
  return [...found].sort();
}

function licenceOf(name) {
  const folder = path.join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? license : readFileSync(path.join(folder, file), 'utf8');
  return `${name}@${version}\n\n${text.trim()}\n`;
}
