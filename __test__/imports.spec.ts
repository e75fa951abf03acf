/** Imports go one way (design.md 4). Types may point anywhere: `import type` leaves nothing behind. */
import test from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../src', import.meta.url));

/** From the door inwards. A file may import from floors below its own, and within its folder's own floor where said. */
const FLOORS: string[][] = [
  ['index'],
  ['api'],
  ['client'],
  ['base-url', 'redirects', 'client-options', 'cookies/client-cookies', 'default-headers'],
  ['dispatch/http', 'dispatch/mounts'],
  ['dispatch/fetch-app', 'dispatch/node-app', 'dispatch/mock'],
  ['dispatch/node-listener', 'dispatch/fetch-exchange'],
  ['dispatch/koa-callback', 'dispatch/node-exchange', 'dispatch/app-request', 'dispatch/fetch-errors'],
  ['dispatch/app-exchange', 'dispatch/app-socket', 'dispatch/node-head', 'dispatch/upload', 'dispatch/chunked'],
  ['dispatch/app-kind', 'dispatch/mount-path', 'dispatch/protocol', 'dispatch/clock'],
  ['dispatch/exchange', 'dispatch/proxy-route', 'proxies', 'route', 'http-versions', 'pool-limits', 'retries'],
  ['environment', 'http-proxy'],
  ['trust'],
  ['client-certificate'],
  ['certificates'],
  ['dispatch/native', 'dispatch/dispatch', 'auth/handling'],
  ['response', 'sending', 'auth/netrc', 'auth/to-auth'],
  ['redirect-request', 'body-iteration', 'body-reader', 'links', 'made-response', 'status-error', 'status-codes'],
  ['diagnostics', 'text'],
  ['auth/digest', 'auth/bearer', 'auth/function-auth', 'netrc', 'observed-source', 'event-hooks'],
  ['auth/basic'],
  ['auth/auth', 'auth/challenge', 'dispatch/abort'],
  ['request'],
  ['cookies/cookies'],
  ['cookies/arguments', 'cookies/netscape', 'cookies/retrieval'],
  ['cookies/storage'],
  ['cookies/memory-store', 'cookies/set-cookie', 'cookies/steps'],
  ['cookies/domain'],
  ['cookies/tough'],
  ['body'],
  ['form', 'multipart'],
  ['no-proxy'],
  ['url-pattern'],
  ['content', 'decoding', 'headers', 'timeout', 'url', 'version'],
  ['url-components'],
  ['query-params', 'url-parse'],
  ['url-host'],
  ['arrival', 'disk-file', 'media-types', 'one-line', 'options', 'types'],
  ['errors'],
];
const floorOf = new Map(FLOORS.flatMap((names, floor) => names.map((name): [string, number] => [name, floor])));

const imports = (readdirSync(root, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => {
    const from = file.replace(/\.ts$/, '');
    return valueImports(readFileSync(path.join(root, file), 'utf8')).map((to): [string, string] => [
      from,
      to.startsWith('.') ? path.relative(root, path.resolve(root, path.dirname(file), to)).replace(/\.js$/, '') : to,
    ]);
  });
const ours = imports.filter(([, to]) => floorOf.has(to));

test('every source file has its floor', (t) => {
  const files = (readdirSync(root, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'));
  t.deepEqual(
    files.map((file) => file.replace(/\.ts$/, '')).filter((name) => !floorOf.has(name)),
    [],
  );
});

test('imports go one way', (t) => {
  t.true(ours.length > 20, 'the imports were found');
  const upwards = ours.filter(([from, to]) => (floorOf.get(from) ?? NaN) >= (floorOf.get(to) ?? NaN));
  t.deepEqual(upwards, []);
});

test('only dispatch/native.ts imports the addon', (t) => {
  t.deepEqual(
    imports.filter(([, to]) => to.includes('binding')).map(([from]) => from),
    ['dispatch/native'],
  );
});

test('errors and types import nothing of ours, options nothing but errors', (t) => {
  const leaves = new Set(['errors', 'types', 'options']);
  t.deepEqual(
    ours.filter(([from]) => leaves.has(from)),
    [['options', 'errors']],
  );
});

test('no dependency is loaded with the package: tough-cookie comes with the first cookie', (t) => {
  t.deepEqual(
    imports.filter(([, to]) => !to.startsWith('node:') && !floorOf.has(to) && !to.includes('binding')),
    [],
  );
});

/** What is imported or re-exported as a value. */
function valueImports(source: string): string[] {
  const statements = source.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)';/gm);
  const dynamic = source.matchAll(/\bimport\('([^']+)'\)/g);
  return [...statements, ...dynamic].map(([, specifier]) => specifier);
}

test('there is no `any` in what users see, nor elsewhere', (t) => {
  // What stands behind the request of a fetch handler is the handler's: `unknown` would refuse every handler that says so.
  const allowed = '(request: globalThis.Request, ...rest: any[])';
  const files = (readdirSync(root, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'));
  const found = files.flatMap((file) =>
    readFileSync(path.join(root, file), 'utf8')
      .split('\n')
      .filter((line) => /(?::|<|\bas|\|)\s*any\b(?!\w)|\bany\[\]/.test(line) && !/^\s*(?:\*|\/\/|\/\*)/.test(line))
      .filter((line) => !line.includes(allowed))
      .map((line) => `${file}: ${line.trim()}`),
  );
  t.deepEqual(found, []);
});
