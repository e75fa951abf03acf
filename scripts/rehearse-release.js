/**
 * `npm run release:rehearse`: the release against a registry of this machine's own (verdaccio): notices, all packages whose binaries
 * are here, the main one last, and once more, as after a failure half-way. Then `npm install whippet` from it into an empty folder
 * on each line of Node, and what `.ci/smoke` does with it. `-- 20 26` names the lines. Nothing leaves the machine.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setup } from './setup.js';
import { addon, platform } from './support/addon.js';
import { binaryOf, platforms } from './support/platforms.js';
import { asProgram, root, say, SetupError } from './support/program.js';

/** 6.10 wants Node 22; and of node-fetch it asks for a tag that is not everywhere. */
const VERDACCIO = { dependencies: { verdaccio: '6.8.0' }, overrides: { 'node-fetch': '2.7.0' } };
const LINES = ['20', '22', '24', '26'];
const STARTS_WITHIN_MS = 60_000;

await asProgram(async () => {
  const asked = process.argv.slice(2);
  const lines = asked.length > 0 ? asked : LINES;
  await setup();
  copyFileSync(path.join(root, addon), binaryOf(platform));
  const here = platforms.filter((name) => existsSync(binaryOf(name)));
  const work = mkdtempSync(path.join(tmpdir(), 'whippet-release-'));
  const registry = await startRegistry(work);
  try {
    const environment = environmentFor(work, registry.url, here);
    script('notices.js', [], environment);
    script('publish.js', ['--registry', registry.url], environment);
    script('publish.js', ['--registry', registry.url], environment);
    for (const line of lines) use(work, line, environment);
    console.log(`published ${here.join(', ')} and whippet; installed and used on Node ${lines.join(', ')}`);
  } finally {
    registry.stop();
    await registry.ended;
    rmSync(work, { recursive: true, force: true });
  }
});

/** npm's settings, in which this registry alone is known. */
function environmentFor(work, url, platforms) {
  const settings = path.join(work, 'npmrc');
  // npm publishes nothing without a token; this registry takes any.
  writeFileSync(settings, `registry=${url}\n${url.slice('http:'.length)}:_authToken=rehearsal\n`);
  return {
    ...process.env,
    npm_config_userconfig: settings,
    npm_config_registry: url,
    npm_config_cache: path.join(work, 'cache'),
    WHIPPET_PLATFORMS: platforms.join(','),
  };
}

async function startRegistry(work) {
  const upstream = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const port = await freePort();
  const config = path.join(work, 'verdaccio.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      storage: path.join(work, 'storage'),
      auth: { htpasswd: { file: path.join(work, 'htpasswd') } },
      uplinks: { npmjs: { url: upstream } },
      packages: {
        // What is published here is found here only.
        whippet: { access: '$all', publish: '$all' },
        '@whippet-http/*': { access: '$all', publish: '$all' },
        '**': { access: '$all', proxy: 'npmjs' },
      },
      max_body_size: '50mb',
      log: { type: 'stdout', level: 'warn' },
    }),
  );
  const child = spawn(process.execPath, [install(work), '--config', config, '--listen', `127.0.0.1:${port}`], {
    cwd: work,
    stdio: ['ignore', 2, 2],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = `http://127.0.0.1:${port}/`;
  const stop = () => {
    child.kill();
  };
  const until = performance.now() + STARTS_WITHIN_MS;
  while (
    !(await fetch(`${url}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || performance.now() > until) {
      stop();
      throw new SetupError(`verdaccio did not start: its reason is above`);
    }
    await delay(250);
  }
  return { url, stop, ended };
}

/** verdaccio's program. */
function install(work) {
  const folder = path.join(work, 'verdaccio');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, ...VERDACCIO }));
  say('installing verdaccio');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2] });
  return path.join(folder, 'node_modules/verdaccio/bin/verdaccio');
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** As a user: an empty folder, one command, a program. */
function use(work, line, environment) {
  const folder = path.join(work, `node-${line}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const on = (...command) =>
    execFileSync('npx', ['--yes', '--package', `node@${line}`, ...command], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 2, 2],
    });
  say(`Node ${line}: npm install whippet`);
  on('npm', 'install', '--no-audit', '--no-fund', 'whippet');
  const installed = path.join(folder, 'node_modules/@whippet-http', `binding-${platform}`);
  if (!existsSync(installed)) throw new SetupError(`Node ${line}: npm did not choose binding-${platform}`);
  const { version } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
  say(`Node ${line}: with binding-${platform} ${version}`);
  for (const file of ['smoke.mjs', 'smoke.cjs']) {
    copyFileSync(path.join(root, '.ci', file), path.join(folder, file));
    on('node', '--no-warnings', file);
  }
}

function script(name, args, env) {
  execFileSync(process.execPath, [path.join(root, 'scripts', name), ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2],
  });
}
