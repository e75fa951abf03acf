/**
 * `npm run rows`: the rows of docs/security-tests.md that no test is named for, one a line, but those whose reason is on the page.
 * It exits with 1 when there are any.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isProgram, root } from './support/program.js';

const FOLDERS = ['__test__', 'interop', 'crates'];
const EXCEPTIONS = '\n## Rows without a test\n';

/**
 * What the page and the tests say: `rows` (all ids of the page, in its order), `excepted` (id → why there is no test), `tested` (id →
 * a file that has one) and `missing` (rows that are neither).
 */
export function securityRows() {
  const page = readFileSync(path.join(root, 'docs', 'security-tests.md'), 'utf8');
  const at = page.indexOf(EXCEPTIONS);
  if (at === -1) throw new Error(`docs/security-tests.md has no section '${EXCEPTIONS.trim()}'`);
  const rows = [...page.slice(0, at).matchAll(/^\| ([A-Z]\d+) /gm)].map(([, id]) => id);
  const excepted = new Map(
    [...page.slice(at).matchAll(/^\| ([A-Z]\d+) +\| (.*?) +\|$/gm)].map(([, id, why]) => [id, why]),
  );
  const tested = new Map();
  for (const folder of FOLDERS) {
    for (const file of readdirSync(path.join(root, folder), { recursive: true })) {
      if (!/\.(?:ts|rs)$/.test(file)) continue;
      const source = readFileSync(path.join(root, folder, file), 'utf8');
      // A title in TypeScript; names of tests in Rust have no hyphens, so that their comment has the id.
      const titles = file.endsWith('.rs') ? source : source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
      for (const [, id] of titles.matchAll(/SEC-([A-Z]\d+)/g)) tested.set(id, `${folder}/${file}`);
    }
  }
  return { rows, excepted, tested, missing: rows.filter((id) => !tested.has(id) && !excepted.has(id)) };
}

if (isProgram(import.meta)) {
  const { missing } = securityRows();
  for (const id of missing) console.log(id);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
