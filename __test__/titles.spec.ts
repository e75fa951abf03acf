/** Ids in titles of tests lead to a page: docs/security-tests.md has a row for each. */
import test from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

test('every SEC id that a test names has a row in docs/security-tests.md, and no row is there twice', (t) => {
  const page = readFileSync(path.join(root, 'docs', 'security-tests.md'), 'utf8');
  const rows = [...page.matchAll(/^\| ([A-Z]\d+) /gm)].map(([, id]) => id);
  t.deepEqual(
    rows.filter((id, index) => rows.indexOf(id) !== index),
    [],
  );
  const named = new Map<string, string>();
  for (const folder of ['__test__', 'interop', 'crates']) {
    for (const file of readdirSync(path.join(root, folder), { recursive: true }) as string[]) {
      if (!/\.(?:ts|rs)$/.test(file)) continue;
      const source = readFileSync(path.join(root, folder, file), 'utf8');
      for (const [, id] of source.matchAll(/SEC-([A-Z]\d+)/g)) named.set(id, `${folder}/${file}`);
    }
  }
  t.true(named.size > 100, 'the ids were found');
  t.deepEqual(
    [...named].filter(([id]) => !rows.includes(id)),
    [],
  );
});
