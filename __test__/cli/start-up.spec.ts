/** What the command has loaded when its request is on its way: the figure itself is benchmark/start-up.js. */
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';
import { program } from '../helpers/command.js';
import { serveRaw } from '../helpers/server.js';

const folder = path.dirname(program);

test('no module of Node that takes long is loaded before the request', async (t) => {
  // It never answers: the process that this one waits for ends by itself.
  const { url } = await serveRaw(t, () => {});
  const code = `
    const before = new Set(process.moduleLoadList);
    process.argv = [process.execPath, 'whippet', ${JSON.stringify(url)}, '--no-env', 'X-A:1', '-q', 'a=1'];
    setImmediate(() => {
      const loaded = process.moduleLoadList.filter((name) => !before.has(name)).map((name) => name.split(' ').at(-1));
      require('node:fs').writeSync(1, JSON.stringify(loaded));
      process.exit();
    });
    require(${JSON.stringify(path.join(folder, 'main.cjs'))});`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const loaded = JSON.parse(stdout || '[]') as string[];
  t.true(loaded.includes('internal/abort_controller'), stderr);
  const heavy = [
    'http',
    'crypto',
    'net',
    'stream',
    'zlib',
    'worker_threads',
    'fs/promises',
    'perf_hooks',
    'child_process',
    'tls',
  ];
  t.deepEqual(
    loaded.filter((name) => heavy.includes(name)),
    [],
  );
});

test('what a plain request does not need is in files of its own', (t) => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cjs'));
  for (const name of [
    'help',
    'completion',
    'download',
    'verbose',
    'json-output',
    'curl-command',
    'bench',
    'password-prompt',
  ])
    t.true(files.includes(`${name}.cjs`), name);
  t.true(statSync(path.join(folder, 'main.cjs')).size < 320_000);
  t.true(existsSync(path.join(folder, 'download.LICENSES.txt')), 'cli-progress and what it needs');
});

test('code that is compiled beforehand is there for a Node that keeps none itself', (t) => {
  const caches = readdirSync(folder).filter((name) => name.endsWith('.cache'));
  t.is(caches.length, 'enableCompileCache' in Module ? 0 : 1);
  for (const name of caches) {
    const cachedData = readFileSync(path.join(folder, name));
    t.false(cachedData.includes(folder), 'the folder of the build');
    const main = path.join(folder, 'main.cjs');
    const script = new Script(Module.wrap(readFileSync(main, 'latin1')), { filename: main, cachedData });
    t.false(script.cachedDataRejected, 'V8 takes it under the name that the file has when it is installed');
  }
});
