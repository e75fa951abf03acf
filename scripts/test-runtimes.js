/**
 * `npm run test:runtimes`: other lines of Node, and other runtimes. Each Node runs a share of the AVA tests (more than 2,200) and the
 * smoke; Bun and Deno run the smoke. They come from npm (`node`, `bun`, `deno`) and are kept in node_modules/.cache.
 *
 *   npm run test:runtimes                 all of them
 *   npm run test:runtimes -- 22 26 bun    these
 *   npm run test:runtimes -- --write      and the table in docs/platforms.md
 *
 * The last line is `N passed, N failed` over all.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startServers } from './runtimes/server.js';
import { runSmoke } from './runtimes/smoke.js';
import { setup } from './setup.js';
import { hasPrebuilt } from './support/addon.js';
import { ava } from './support/ava.js';
import { asProgram, root, seconds } from './support/program.js';
import { runSteadily } from './support/runners.js';

/** What depends on a runtime: parsing by its modules, streams, sockets of apps, workers, and the addon's calls. */
const SHARE = [
  '__test__/apps/{endless,fetch-dispatch,http-server,node-dispatch,streams}.spec.ts',
  '__test__/client/{client,redirects}.spec.ts',
  '__test__/connect/address-overrides.spec.ts',
  // Beside Node's own fetch, and the clients that stand on Node's http: 20 s of CPU under Node 26, 37 s under 20.19.
  '__test__/drop-in/*.spec.ts',
  '__test__/platform/platform-dispatch.spec.ts',
  '__test__/request/{body,form,request}.spec.ts',
  '__test__/response/*.spec.ts',
  '__test__/url/{hosts,url}.spec.ts',
  '__test__/wire/http2.spec.ts',
];
const MIN_SHARE = 2200;

const DENO_FLAGS = ['run', '--allow-ffi', '--allow-env', '--allow-read', '--allow-write', '--allow-sys'];
const RUNTIMES = [
  ...['20.19', '22', '24', '26'].map((line) => ({
    name: line,
    title: `Node ${line}`,
    package: `node@${line}`,
    binary: 'node_modules/node/bin/node',
    args: [],
    hasShare: true,
    unsupported: {},
  })),
  { name: 'bun', title: 'Bun', package: 'bun', binary: 'node_modules/.bin/bun', args: ['run'], unsupported: {} },
  {
    name: 'deno',
    title: 'Deno',
    package: 'deno',
    binary: 'node_modules/.bin/deno',
    args: [...DENO_FLAGS, '--allow-net'],
    deniedArgs: DENO_FLAGS,
    unsupported: {},
  },
];

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  // A build of this checkout is taken as it is: CI has made it, and a contributor knows which.
  if (!hasPrebuilt() || !existsSync(path.join(root, 'dist/index.cjs'))) await setup();
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const chosen = RUNTIMES.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  if (chosen.length === 0)
    throw new Error(`none of ${RUNTIMES.map(({ name }) => name).join(', ')}: ${wanted.join(', ')}`);
  const { told, stop } = await startServers();
  const results = [];
  try {
    for (const runtime of chosen) results.push(await run(runtime, told));
  } finally {
    stop();
  }
  const table = toTable(results);
  process.stdout.write(`\n${table}\n`);
  if (process.argv.includes('--write')) await writeTable(table);
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const failed = sum('failed');
  process.exitCode = failed === 0 ? 0 : 1;
  process.stdout.write(`${sum('passed')} passed, ${failed} failed\n`);
});

async function run(runtime, told) {
  const binary = install(runtime);
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).match(/\d+\.\d+\.\d+/)[0];
  const started = performance.now();
  const share = runtime.hasShare ? await runShare(runtime, binary) : { passed: 0, failed: 0 };
  const commands = {
    command: [binary, ...runtime.args],
    deniedCommand: runtime.deniedArgs && [binary, ...runtime.deniedArgs],
  };
  const smoke = await runSmoke(runtime, commands, told);
  const passed = share.passed + smoke.passed;
  const failed = share.failed + smoke.failed;
  process.stdout.write(
    `${runtime.title} (${version}): ${passed} passed, ${failed} failed in ${seconds(performance.now() - started)}\n\n`,
  );
  return { runtime, version, share, smoke, passed, failed };
}

/** By npm, into a folder of its own. */
function install({ name, package: wanted, binary }) {
  const folder = path.join(root, 'node_modules/.cache/runtimes', name);
  const file = path.join(folder, binary);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', wanted], { cwd: folder, stdio: 'inherit' });
  }
  return file;
}

/** AVA under that Node, whose workers are of the same. */
async function runShare({ title }, node) {
  const total = await runSteadily(ava({ patterns: SHARE, node }), (line) => !/^[✔-]/.test(line));
  if (total.passed + total.failed < MIN_SHARE) {
    total.failed += 1;
    process.stdout.write(`${title}: ${total.passed + total.failed} tests are less than ${MIN_SHARE}\n`);
  }
  process.stdout.write(`${title}: ${total.passed} of ava's tests passed, ${total.failed} failed\n`);
  return total;
}

function toTable(results) {
  const rows = results.map(({ runtime, version, share, smoke }) => [
    runtime.hasShare ? `Node ${version}` : `${runtime.title} ${version}`,
    runtime.hasShare ? `${share.passed} of ${share.passed + share.failed}` : '',
    `${smoke.passed} of ${smoke.passed + smoke.failed + smoke.unsupported.length}`,
    smoke.unsupported.join('; ') || 'nothing found',
  ]);
  const all = [['runtime', 'AVA tests', 'smoke', 'not supported'], ['-', '-', '-', '-'], ...rows];
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Between two comments of docs/platforms.md. */
async function writeTable(table) {
  const file = path.join(root, 'docs/platforms.md');
  const [begin, end] = ['<!-- test:runtimes -->', '<!-- /test:runtimes -->'];
  const text = readFileSync(file, 'utf8');
  const [before, rest] = text.split(begin);
  if (rest === undefined) throw new Error(`docs/platforms.md: no ${begin}`);
  const { format, resolveConfig } = await import('prettier');
  const whole = `${before}${begin}\n\n${table}\n\n${end}${rest.split(end)[1]}`;
  writeFileSync(file, await format(whole, { ...(await resolveConfig(file)), filepath: file }));
}
