/** Ids in titles of tests lead to a page: docs/security-tests.md has a row for each, and a test for each row. */
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { securityRows } from '../scripts/rows.js';

const { rows, excepted, tested, missing } = securityRows();

test('every SEC id that a test names has a row in docs/security-tests.md, and no row is there twice', (t) => {
  t.deepEqual(
    rows.filter((id, index) => rows.indexOf(id) !== index),
    [],
  );
  t.true(tested.size > 150, 'the ids were found');
  t.deepEqual(
    [...tested].filter(([id]) => !rows.includes(id)),
    [],
  );
});

test('every row has a test that is named for it, or a reason why there is none', (t) => {
  t.deepEqual(missing, []);
  t.deepEqual(
    [...excepted.keys()].filter((id) => tested.has(id) || !rows.includes(id)),
    [],
    'an exception is a row, and one without a test',
  );
  for (const [id, why] of excepted) t.true(why.length > 20, id);
});

test('the ids that SECURITY.md leads to are rows', (t) => {
  const page = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8');
  const ids = [...page.matchAll(/SEC-([A-Z]\d+)/g)].map(([, id]) => id);
  t.true(ids.length > 30);
  t.deepEqual(
    ids.filter((id) => !rows.includes(id)),
    [],
  );
});

test('npm run rows prints nothing', (t) => {
  const script = fileURLToPath(new URL('../scripts/rows.js', import.meta.url));
  t.is(execFileSync(process.execPath, [path.normalize(script)], { encoding: 'utf8' }), '');
});
