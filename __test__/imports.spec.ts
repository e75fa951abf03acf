/** Imports go one way (docs/architecture.md): each folder of src/ is a layer, and imports only from layers below its own, types included. */
import test from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../src', import.meta.url));

/** From the top down. The files at the root are the ground below all of them, but for the door, which is above. */
const LAYERS = [
  'web',
  'drop-in',
  'cli',
  'client',
  'dispatch',
  'connect',
  'auth',
  'response',
  'request',
  'cookies',
  'url',
];
const DOOR = ['index'];
/** What they name stands anywhere; their imports are types. */
const NAMERS = ['types', 'errors'];

const files = (readdirSync(root, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(path.sep).join('/').replace(/\.ts$/, ''));
const sources = new Map(files.map((name) => [name, readFileSync(path.join(root, `${name}.ts`), 'utf8')]));

interface Import {
  from: string;
  to: string;
  isType: boolean;
}

const imports = [...sources].flatMap(([from, source]) =>
  importsOf(source).map(({ to, isType }): Import => ({ from, to: resolve(from, to), isType })),
);
const ours = imports.filter(({ to }) => sources.has(to));

test('every folder is a layer', (t) => {
  const folders = new Set(files.filter((name) => name.includes('/')).map((name) => name.split('/')[0]));
  t.deepEqual(
    [...folders].filter((folder) => !LAYERS.includes(folder)),
    [],
  );
});

test('a comment names files that are there', (t) => {
  const named = [...sources].flatMap(([from, source]) =>
    [...source.matchAll(/^\s*(?:\/\*\*|\*|\/\/).*/gm)].flatMap(([line]) =>
      [...line.matchAll(/[\w/-]+(?=\.ts\b)/g)].map(([to]) => ({ from, to })),
    ),
  );
  t.true(named.length > 50, 'they were found');
  const isThere = ({ to }: { to: string }) => files.some((file) => `/src/${file}`.endsWith(`/${to}`));
  t.deepEqual(
    named.filter((one) => !isThere(one)).map(({ from, to }) => `${from}: ${to}.ts`),
    [],
  );
});

test('imports go down, types included', (t) => {
  t.true(ours.length > 200, 'the imports were found');
  t.deepEqual(ours.filter(({ from, to }) => !NAMERS.includes(from) && layerOf(to) < layerOf(from)).map(shown), []);
});

test('the command uses what the package exports, and nothing else', (t) => {
  const door = sources.get('index') as string;
  const foreign = [...sources].flatMap(([name, source]) =>
    name.startsWith('cli/')
      ? [...source.matchAll(/^import (?!type)\{([^}]*)\} from '\.\.\/[^']+';/gm)].flatMap(([, names]) =>
          names
            .split(',')
            .map((one) => one.trim())
            .filter((one) => one !== '' && !one.startsWith('type ')),
        )
      : [],
  );
  t.true(foreign.length > 10, 'the imports were found');
  // The list of media types is of no use to others: what is written for curl has to say the type that would be sent.
  const shared = ['guessType'];
  t.deepEqual(
    [...new Set(foreign)].filter(
      (name) =>
        !shared.includes(name) && !new RegExp(`^(?:export \\{.*\\b${name}\\b.*\\}|  ${name},$)`, 'm').test(door),
    ),
    [],
  );
});

test('types and errors import types alone, but for what imports none of them', (t) => {
  const comesBack = (name: string): boolean =>
    NAMERS.includes(name) || ours.some(({ from, to }) => from === name && comesBack(to));
  const values = ours.filter(({ from, isType }) => NAMERS.includes(from) && !isType);
  t.deepEqual(values.filter(({ to }) => comesBack(to)).map(shown), []);
});

test('within a folder there is no cycle of values', (t) => {
  const graph = new Map<string, string[]>();
  for (const { from, to, isType } of ours) if (!isType) graph.set(from, [...(graph.get(from) ?? []), to]);
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (name: string, way: string[]): void => {
    if (way.includes(name)) cycles.push([...way.slice(way.indexOf(name)), name].join(' → '));
    if (done.has(name) || way.includes(name)) return;
    for (const next of graph.get(name) ?? []) walk(next, [...way, name]);
    done.add(name);
  };
  for (const name of files) walk(name, []);
  t.deepEqual(cycles, []);
});

test('one file imports the addon', (t) => {
  const importers = imports.filter(({ to }) => /binding\.c?js$/.test(to)).map(({ from }) => from);
  t.deepEqual([...new Set(importers)], ['native']);
});

test('no dependency is loaded with the package: tough-cookie comes with the first cookie', (t) => {
  const alwaysLoaded = imports.filter(({ from }) => !/^(?:drop-in|cli|web)\//.test(from));
  t.deepEqual(
    alwaysLoaded.filter(
      ({ to, isType }) => !isType && !to.startsWith('node:') && !sources.has(to) && !/binding\.c?js$/.test(to),
    ),
    [],
  );
});

test('there is no `any` in what users see, nor elsewhere', (t) => {
  // What stands behind the request of a fetch handler is the handler's: `unknown` would refuse every handler that says so.
  // And what an axios adapter gives back as `config` is axios' own type, which this package does not import.
  // undici's declarations have these four, and its door is one to them.
  const ofUndici = ['body(): any {', '(dispatch: any) => any;', 'listeners(eventName', 'rawListeners(eventName'];
  const allowed = ['(request: globalThis.Request, ...rest: any[])', 'config: any;', ...ofUndici];
  const found = [...sources].flatMap(([name, source]) =>
    source
      .split('\n')
      .filter((line) => /(?::|<|\bas|\|)\s*any\b(?!\w)|\bany\[\]/.test(line) && !/^\s*(?:\*|\/\/|\/\*)/.test(line))
      .filter((line) => !allowed.some((text) => line.includes(text)))
      .map((line) => `${name}: ${line.trim()}`),
  );
  t.deepEqual(found, []);
});

function layerOf(name: string): number {
  if (!name.includes('/')) return DOOR.includes(name) ? -1 : LAYERS.length;
  return LAYERS.indexOf(name.split('/')[0]);
}

function resolve(from: string, to: string): string {
  return to.startsWith('.') ? path.posix.join(path.posix.dirname(from), to).replace(/(?<!binding)\.js$/, '') : to;
}

function shown({ from, to, isType }: Import): string {
  return `${from} → ${to}${isType ? ' (type)' : ''}`;
}

function importsOf(source: string): { to: string; isType: boolean }[] {
  const statements = source.matchAll(/^(?:import|export)\s+(type\b)?(?:[^'";]*?\sfrom\s+)?'([^']+)';/gm);
  const dynamic = source.matchAll(/(?<!typeof )\bimport\('([^']+)'\)(?!\.)/g);
  return [
    ...[...statements].map(([, type, to]) => ({ to, isType: type !== undefined })),
    ...[...dynamic].map(([, to]) => ({ to, isType: false })),
  ];
}
