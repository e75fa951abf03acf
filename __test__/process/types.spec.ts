/** What a program sees that is compiled with stricter options than this one. */
import test from 'ava';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { folderOf } from '../helpers/files.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test('exactOptionalPropertyTypes and the DOM’s types: every option takes undefined, every door fits its library', async (t) => {
  t.timeout(120_000);
  const tsc = at('../../node_modules/typescript/lib/tsc.js');
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', at('../types/exact')]).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
  );
  t.is(stdout, '');
});

test("no option for types: the compiler finds Node's by itself, for each door, imported and required", async (t) => {
  t.timeout(120_000);
  const root = at('../..');
  const folder = folderOf(t);
  mkdirSync(path.join(folder, 'node_modules'));
  for (const name of ['@types', 'undici-types', '@standard-schema', 'tough-cookie'])
    symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
  symlinkSync(root, path.join(folder, 'node_modules/whippet'));
  const doors = ['index', ...['install', 'undici', 'axios', 'got', 'smithy'].map((name) => `drop-in/${name}`)];
  const files = doors.flatMap((door) =>
    ['mts', 'cts'].map((kind) => {
      const file = `${path.basename(door)}.${kind}`;
      const name = door === 'index' ? 'whippet' : `whippet/${path.basename(door)}`;
      writeFileSync(path.join(folder, file), `import * as door from '${name}';\nvoid door;\n`);
      return file;
    }),
  );
  const tsc = at('../../node_modules/typescript/lib/tsc.js');
  const args = [tsc, '--noEmit', '--strict', '--module', 'nodenext', '--preserveSymlinks', ...files];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
  );
  t.is(stdout, '');
  // One door's reference would do for all of them in one program.
  for (const door of doors) {
    for (const kind of ['d.ts', 'd.cts']) {
      const text = readFileSync(path.join(root, `dist/${door}.${kind}`), 'utf8');
      t.true(text.startsWith('/// <reference types="node" />\n'), `${door}.${kind}`);
    }
  }
});
