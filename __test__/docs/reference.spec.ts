/** docs/reference/ is what the doc comments say, and its lists are those of the sources. */
import test from 'ava';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import * as whippet from '../../index.js';
import { channels, codes, doorCodes, reasons, variables } from '../../scripts/reference/facts.js';
import { readModel } from '../../scripts/reference/model.js';
import { pagesOf } from '../../scripts/reference/pages.js';
import { root, textOf } from './markdown.js';

const model = readModel();
const reference = (name: string): string => textOf(`docs/reference/${name}`);
const names = (text: string): string[] => text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [];

/** The sources of what users meet, without their tests. */
const sources = [
  ...filesIn('src', /\.ts$/),
  ...filesIn('crates/core/src', /\.rs$/),
  ...filesIn('crates/node/src', /\.rs$/),
  'binding.cjs',
]
  .map((file) => textOf(file).replace(/#\[cfg\(test\)\][^]*$/, ''))
  .join('\n');

test('docs/reference/ is fresh: `npm run docs:reference` writes it', (t) => {
  const pages = pagesOf(model, whippet);
  const stale = [...pages]
    .filter(([name, text]) => !existing().includes(name) || reference(name) !== text)
    .map(([name]) => name);
  t.deepEqual(stale, [], 'npm run docs:reference');
  t.deepEqual(existing(), [...pages.keys()].sort());
});

test('every error code of the sources is in the reference', (t) => {
  const given = new Set([...sources.matchAll(/['"](ERR_[A-Z0-9_]+[A-Z0-9])['"]/g)].map(([, code]) => code));
  // Node's own, which are read and not given.
  const read = ['ERR_DLOPEN_DISABLED', 'ERR_MISSING_PASSPHRASE', 'ERR_OSSL_UNSUPPORTED', 'ERR_STREAM_PREMATURE_CLOSE'];
  t.true(given.size > 40);
  const page = reference('errors.md');
  t.deepEqual(
    [...given].filter((code) => !read.includes(code) && !page.includes(`\`${code}\``)),
    [],
  );
});

test("docs/errors.md has each class with its own code, and httpx's names", (t) => {
  const page = textOf('docs/errors.md');
  const table = [...textOf('src/errors.ts').matchAll(/^ {2}\[(\w+), '\w+', '(ERR_\w+)'\],$/gm)];
  const aliases = [...textOf('src/errors.ts').matchAll(/^export \{ \w+ as (\w+) \};$/gm)].map(([, name]) => name);
  t.true(table.length > 30);
  t.deepEqual(aliases, ['Timeout', 'ResponseClosed', 'RedirectBodyUnavailable']);
  t.deepEqual(
    [...table.flatMap(([, name, code]) => [name, code]), ...aliases].filter(
      (word) => !new RegExp(`\\b${word}\\b`).test(page),
    ),
    [],
  );
});

test('no code stands in the reference that the sources do not have', (t) => {
  const listed = [...codes, ...doorCodes]
    .map(([code]) => code)
    .filter((code) => code.startsWith('ERR_') || code.startsWith('CERT_'));
  t.deepEqual(
    listed.filter((code) => !sources.includes(code)),
    [],
  );
});

test('every environment variable that is read is in the reference, and no other', (t) => {
  const listed = variables.flatMap(([names]) => names.split(', '));
  const read = [
    ...sources.matchAll(/process\.env\.([A-Z_]+)/g),
    ...sources.matchAll(/\bvariable\('([A-Z_]+)'\)/g),
    ...sources.matchAll(/\bhasOwn\(environment, '([A-Z_]+)'\)/g),
  ].map(([, name]) => name);
  const named = /^const VARIABLES = \[(.*)\];$/m.exec(textOf('binding.cjs'))?.[1].match(/[A-Z_]{4,}/g) ?? [];
  const picked = [...sources.matchAll(/const \{ ([^}]+) \} = (?:process\.env|environment);/g)].flatMap(
    ([, text]) => text.match(/[A-Z_]{4,}/g) ?? [],
  );
  const proxies = ['http', 'https', 'all', 'no'].flatMap((scheme) => [
    `${scheme.toUpperCase()}_PROXY`,
    `${scheme}_proxy`,
  ]);
  const found = new Set([...read, ...named, ...picked, ...proxies].filter((name) => name !== 'TERM'));
  t.deepEqual([...found].sort(), [...new Set(listed)].sort());
  const page = reference('environment.md');
  t.deepEqual(
    names(listed.join(' ')).filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('every channel is in the reference, and no other', (t) => {
  const published = [...textOf('src/client/diagnostics.ts').matchAll(/= channel\('([\w:]+)'\);/g)].map(
    ([, name]) => name,
  );
  t.deepEqual(
    channels.map(([name]) => name),
    published.length === 0 ? [] : [...new Set([...channels.map(([name]) => name), ...published])],
  );
});

test('a reason is of an option that there is', (t) => {
  const items = model.get('whippet') ?? [];
  const members = (name: string): string[] =>
    items.find((one) => one.name === name)?.members.map((one) => one.name) ?? [];
  const of = { ReconnectOptions: 'EventsOptions', FileOptions: 'DownloadOptions' };
  t.deepEqual(
    Object.keys(reasons).filter((key) => {
      const [name, member] = key.split('.');
      return !members(of[name as keyof typeof of] ?? name).includes(member);
    }),
    [],
  );
});

test('every default that is a value has its reason', (t) => {
  const rows = textOf('docs/reference/defaults.md')
    .split('\n')
    .filter((line) => line.startsWith('| ['))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |\s*\|$/g, '').trim()));
  t.true(rows.length > 50);
  const isValue = (value: string): boolean => !/^(?:none|the |an? |those of |null$)/.test(value);
  t.deepEqual(
    rows.filter(([, , value, reason = '']) => isValue(value) && reason === '').map(([, option]) => option),
    [],
  );
});

function existing(): string[] {
  return readdirSync(path.join(root, 'docs/reference')).sort();
}

function filesIn(folder: string, pattern: RegExp): string[] {
  return (readdirSync(path.join(root, folder), { recursive: true }) as string[])
    .filter((file) => pattern.test(file))
    .map((file) => `${folder}/${file.split(path.sep).join('/')}`);
}
