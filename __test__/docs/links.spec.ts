/** Links of README, CONTRIBUTING and docs/: what they lead to is there, its heading too, and docs/index.md leads to every page. */
import test from 'ava';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pages, root, textOf } from './markdown.js';

const REPOSITORY = /^https:\/\/github\.com\/whippet-http\/whippet\/(?:blob|tree)\/main\//;
const linking = [...pages(), 'CONTRIBUTING.md'];

/** Without its blocks of code, in which nothing is a link. */
function proseOf(page: string): string {
  return textOf(page)
    .replace(/^ *```[^]*?^ *```$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replaceAll('[', '('));
}

/** Both ways of writing one: `[text](target)`, and `[text]: target` at a line's beginning. */
function targetsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/\]\(([^()\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(
    ([, inline, named]) => inline ?? named,
  );
}

/** The headings' anchors, as GitHub and the site make them. */
function anchorsOf(file: string): Set<string> {
  const prose = readFileSync(file, 'utf8').replace(/^ *```[^]*?^ *```$/gm, '');
  const slugs = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
  return new Set(slugs);
}

for (const page of linking) {
  test(`the links of ${page} lead somewhere`, (t) => {
    for (const target of targetsOf(page)) {
      const own = REPOSITORY.test(target);
      if (/^[a-z]+:/.test(target) && !own) continue;
      const [name, anchor] = own ? [target.replace(REPOSITORY, '')] : target.split('#');
      const folder = own ? root : path.join(root, path.dirname(page));
      const file = name === '' ? path.join(root, page) : path.join(folder, name);
      t.true(existsSync(file), `${target}: no such file`);
      if (anchor !== undefined && file.endsWith('.md'))
        t.true(anchorsOf(file).has(anchor), `${target}: no such heading`);
    }
    t.pass();
  });
}

test('docs/index.md leads to every page', (t) => {
  const linked = new Set(targetsOf('docs/index.md').map((target) => path.join('docs', target.split('#')[0])));
  const missing = pages().filter(
    (page) =>
      page.startsWith('docs/') &&
      !/^docs\/(?:decisions\/|reference\/(?!index)|index\.md)/.test(page) &&
      !linked.has(page),
  );
  t.deepEqual(missing, []);
});

test('docs/architecture.md leads to every decision', (t) => {
  const linked = targetsOf('docs/architecture.md').map((target) => `docs/${target}`);
  const decisions = pages().filter((page) => page.startsWith('docs/decisions/'));
  t.deepEqual(
    decisions.filter((page) => !linked.includes(page)),
    [],
  );
});

test('what is outside of docs/ is linked by its address, as the site does not have it', (t) => {
  for (const page of pages().filter((page) => page.startsWith('docs/'))) {
    const outside = targetsOf(page).filter((target) => {
      return !/^[a-z]+:|^#/.test(target) && !path.join(path.dirname(page), target).startsWith('docs/');
    });
    t.deepEqual(outside, [], page);
  }
});

test('docs/examples.md leads to every example', (t) => {
  const linked = targetsOf('docs/examples.md').map((target) => path.basename(target));
  const programs = readdirSync(path.join(root, 'examples')).filter((name) => name !== 'support' && name !== 'tour.js');
  t.deepEqual(linked.sort(), programs.sort());
});
