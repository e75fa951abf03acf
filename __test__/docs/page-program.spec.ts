/** What the check of the pages itself refuses, and what it makes of a page. */
import test from 'ava';
import { programsOf } from './page-program.js';

const given = new Set(['client', 'url']);
const page = (...blocks: string[]): string => blocks.map((block) => `Text.\n\n\`\`\`${block}\n\`\`\`\n`).join('\n');

const REFUSED: [what: string, text: string, message: RegExp][] = [
  ['a fence without a language', page('\nconst a = 1;'), /^line 3: a block of "" is neither run nor checked/],
  ['an unknown mark', page('js skip\nconst a = 1;'), /^line 3: a block of "js skip"/],
  ['what is no JavaScript', page('js\nreturn 1;'), /^line 4: /],
  ['an export', page('js\nexport const a = 1;'), /^line 4: a block exports nothing/],
  ['an output below nothing that runs', page('text output\nabc'), /^line 3: an output is below what runs/],
  ['a value that is not checked', page("js\nurl; // 'abc'"), /^line 4: .* looks like an output/],
  ['a print that is not checked', page('js\nconsole.log(url); // the address'), /^line 4: .* looks like an output/],
  ['a claim about nothing', page('js\n// => 1'), /^line 4: .* stands behind no statement/],
];

for (const [what, text, message] of REFUSED) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => programsOf(text, given), { message });
  });
}

test('a claim becomes a comparison around its statement', (t) => {
  const [{ code }] = programsOf(page('js\nurl.length; // => 3\nawait url(); // throws ReadTimeout: GET …'), given);
  t.regex(code ?? '', /\$docs\.value\(4, "3", url\.length\)/);
  t.regex(code ?? '', /\$docs\.threw\(5, "ReadTimeout: GET …", \$error\)/);
});

test("the reader's names are given to a page that uses them and has not imported them", (t) => {
  const [{ typescript }] = programsOf(page("js\nimport { client } from './mine.js';\nclient.get(url);"), given);
  t.regex(typescript, /import \{ url \} from '\$GIVEN'/);
});

test('each block is in the scope of those before it, and what only types are checked of does not run', (t) => {
  const [{ code, typescript }] = programsOf(
    page('js\nconst a = 1;', 'js types\nconst b = a;', 'js\nconst a = 2;'),
    given,
  );
  t.notRegex(code ?? '', /const b/);
  t.regex(typescript, /const a = 1;\n\{\n.*\nconst b = a;\n\{\n.*\nconst a = 2;\n\}\}\}/);
});

test('a name that is imported from elsewhere begins a new program, which has the other imports', (t) => {
  const programs = programsOf(page("js\nimport a, { b } from 'x';\na(b);", "js\nimport a from 'y';\na(b);"), given);
  t.is(programs.length, 2);
  t.regex(programs[1].typescript, /import \{ b as b \} from 'x'/);
  t.notRegex(programs[1].typescript, /import a from 'x'/);
});

test('imports of types are there for the check of types, and not where the program runs', (t) => {
  const block = "ts\nimport { a, type B, type C as D } from 'x';\nconst b: B | D = a;";
  const [{ code, typescript }] = programsOf(page(block), given);
  t.regex(typescript, /import \{ type B as B \} from 'x';\nimport \{ type C as D \} from 'x';/);
  t.notRegex(code ?? '', /[BCD] as/);
});
