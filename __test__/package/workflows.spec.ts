/** What the workflows of GitHub may do and run; that they are right, only GitHub can tell. */
import test from 'ava';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = path.join(root, '.github/workflows');
const workflows = await Promise.all(
  (await readdir(folder)).map(async (name) => ({ name, text: await readFile(path.join(folder, name), 'utf8') })),
);
const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

test('actions are pinned to commits, and a checkout keeps no credentials', (t) => {
  for (const { name, text } of workflows) {
    const uses = [...text.matchAll(/uses: (\S+)(.*)/g)].filter(([, what]) => !what!.startsWith('./'));
    t.true(uses.length > 0, name);
    for (const [, what, comment] of uses) t.regex(`${what}${comment}`, /^[\w/.-]+@[0-9a-f]{40} # \S/, name);
    const checkouts = text.match(/actions\/checkout@.*\n +with:\n +persist-credentials: false\n/g) ?? [];
    t.is(checkouts.length, text.split('actions/checkout@').length - 1, name);
  }
});

test('programs of crates.io and PyPI are installed by their versions', async (t) => {
  const installers = await Promise.all(
    ['sbom.js', 'build-platforms.js'].map(async (name) => ({
      name,
      text: await readFile(path.join(root, 'scripts', name), 'utf8'),
    })),
  );
  const named = [...workflows, ...installers].flatMap(({ name, text }) =>
    [...text.matchAll(/(cargo install [^\n]*|'(?:cargo-\w+|ziglang)[@=][^']*)/g)].map(([, what]) => ({ name, what })),
  );
  t.true(named.length >= 6);
  for (const { name, what } of named) t.regex(what!, /[\w-](?:@|==)\d+\.\d+\.\d+$/, name);
});

test('a workflow may read, and only the job that publishes asks for an identity', (t) => {
  for (const { name, text } of workflows) {
    t.true(text.includes('\npermissions:\n  contents: read\n'), name);
    const granted = [...text.matchAll(/^ {4,}([\w-]+): write/gm)].map(([, what]) => what);
    t.deepEqual(granted, name === 'release.yml' ? ['id-token'] : [], name);
    // What a stranger may choose, as a title or the name of a branch, is no text of a script.
    t.notRegex(text, /\$\{\{ *(?:github\.event|github\.head_ref|github\.ref_name|inputs)\b/, name);
  }
});

test('the scripts that they run are there', (t) => {
  for (const { name, text } of workflows) {
    for (const [, script] of text.matchAll(/npm run (?:--silent )?([\w:]+)/g))
      t.true((script ?? '') in scripts, `${name}: ${script}`);
  }
  t.true(workflows.some(({ text }) => text.includes('schedule:')));
});
