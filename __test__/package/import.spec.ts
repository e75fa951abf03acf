/** What an import of the package loads of Node. The figures are the benchmark's: `npm run bench -- --rows first-request`. */
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as whippet from '../../src/index.js';

const index = fileURLToPath(new URL('../../dist/index.cjs', import.meta.url));
const core = fileURLToPath(new URL('../../dist/core.cjs', import.meta.url));

test('no module of Node that takes long is loaded with the package', (t) => {
  const code = `
    const before = new Set(process.moduleLoadList);
    require(${JSON.stringify(index)});
    const loaded = process.moduleLoadList.filter((name) => !before.has(name));
    require('node:fs').writeSync(1, [process.moduleLoadList.includes('NativeModule fs'), ...loaded].join('\\n'));`;
  const loaded = execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' }).split('\n');
  // Names are of this form, so that those below would be found.
  t.is(loaded[0], 'true', loaded.join(', '));
  const heavy = ['crypto', 'fs/promises', 'http', 'http2', 'https', 'module', 'net', 'os', 'perf_hooks', 'stream'];
  for (const name of [...heavy, 'stream/web', 'tls', 'worker_threads', 'zlib']) {
    t.false(loaded.includes(`NativeModule ${name}`), name);
  }
});

test('what is asked of such a module as a whole is there when it is used', async (t) => {
  const { Client } = createRequire(import.meta.url)(index) as typeof whippet;
  const app = async (request: globalThis.Request) =>
    Response.json([request.headers.get('content-encoding'), (await request.arrayBuffer()).byteLength < 1000]);
  for (const compress of ['gzip', 'br', 'zstd'] as const) {
    const client = new Client({ app });
    const response = await client.post('http://app/', { content: 'x'.repeat(5000), compress });
    t.deepEqual(response.json(), [compress, true]);
  }
});

test('what is exported is called by the name it is exported by', (t) => {
  const exported = createRequire(import.meta.url)(index) as Record<string, unknown>;
  const functions = Object.entries(exported).filter(([, value]) => typeof value === 'function');
  const others = functions.map(([name, value]) => [name, (value as () => void).name]).filter(([a, b]) => a !== b);
  t.deepEqual(others, [
    // Second names, and one that no declaration can have.
    ['RedirectBodyUnavailable', 'StreamConsumed'],
    ['ResponseClosed', 'StreamClosed'],
    ['Timeout', 'TimeoutException'],
    ['delete', 'del'],
  ]);
});

test('the package is text of one byte for each character, which V8 reads fastest', (t) => {
  t.notRegex(readFileSync(core, 'latin1'), /[^\x00-\x7f]/);
});
