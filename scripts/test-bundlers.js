/**
 * `npm run test:bundlers`: what is published, packed and installed into an empty folder, under test runners, bundlers, package managers and
 * flags of Node. The tools come from npm and stay out of package.json; each has its fixtures in scripts/bundlers/.
 *
 *   npm run test:bundlers                 all of them
 *   npm run test:bundlers -- jest esbuild those whose names begin so
 *
 * The last line is `N passed, N failed`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setup } from './setup.js';
import { addon, hasPrebuilt, platform } from './support/addon.js';
import { installDebian } from './support/debian.js';
import { asProgram, root, seconds } from './support/program.js';
import { manifest, stageMain } from './support/staged.js';

const TOOLS =
  'jest vitest esbuild webpack webpack-cli @vercel/ncc @vercel/nft workerd ' +
  'rollup @rollup/plugin-commonjs @rollup/plugin-json @rollup/plugin-node-resolve';
/** Not in a node_modules: Jest looks at nothing there. */
const home = path.join(root, 'target/bundlers');
const at = (...parts) => path.join(home, ...parts);
const { version } = manifest(root);
const packed = [`whippet-${version}.tgz`, `whippet-http-binding-${platform}-${version}.tgz`];
const QUIET = ['--silent', '--no-audit', '--no-fund', '--no-save', '--no-package-lock'];

/** Runs a program there; its output is the error's when it fails. */
function run(command, args, { cwd = home, env = {} } = {}) {
  return execFileSync(command, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  });
}

const node = (args, options) => run(process.execPath, args, options);
const bin = (name, args, options) => run(at('node_modules/.bin', name), args, options);

/** The bundle's own last word; with flags of Node's, and arguments of its own. */
function works(file, flags = [], { args = [], ...options } = {}) {
  const said = node([...flags, file, ...args], options);
  if (!said.includes('works')) throw new Error(`it said: ${said}`);
}

/** esbuild's, for bundling: the addon's packages stay outside, and are installed beside the bundle. */
const ESBUILD = ['app.mjs', '--bundle', '--platform=node', '--log-level=error'];
const BUNDLED = ['--external:@whippet-http/*', '--external:*.node'];

const CHECKS = {
  'jest, CommonJS': () => bin('jest', ['--rootDir', 'jest-cjs']),
  'jest, ES modules': () => {
    bin('jest', ['--rootDir', 'jest-esm', '-c', 'jest-esm/jest.config.mjs'], {
      env: { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' },
    });
  },
  'vitest, threads': () => bin('vitest', ['run', '--root', 'vitest', '--pool=threads']),
  'vitest, forks': () => bin('vitest', ['run', '--root', 'vitest', '--pool=forks']),
  'esbuild, whippet external': () => {
    bin('esbuild', [...ESBUILD, '--format=esm', '--external:whippet', '--outfile=esbuild/external.mjs']);
    works('esbuild/external.mjs');
  },
  'esbuild, whippet bundled': () => {
    bin('esbuild', [...ESBUILD, '--format=cjs', '--minify', ...BUNDLED, '--outfile=esbuild/bundled.cjs']);
    works('esbuild/bundled.cjs');
  },
  'rollup, whippet external': () => {
    bin('rollup', ['-c'], { cwd: at('rollup'), env: { MODE: 'external' } });
    works('rollup/out-external.mjs');
  },
  'rollup, whippet bundled': () => {
    bin('rollup', ['-c'], { cwd: at('rollup'), env: { MODE: 'bundled' } });
    works('rollup/out-bundled.cjs');
  },
  'webpack, whippet external': () => {
    bin('webpack', ['-c', 'webpack/webpack.config.cjs'], { env: { MODE: 'external' } });
    works('webpack/out-external.mjs');
  },
  'webpack, whippet bundled': () => {
    bin('webpack', ['-c', 'webpack/webpack.config.cjs'], { env: { MODE: 'bundled' } });
    works('webpack/out-bundled.mjs');
  },
  'ncc, whippet external': () => {
    bin('ncc', ['build', 'app.mjs', '-e', 'whippet', '-o', 'ncc/external']);
    works('ncc/external/index.mjs');
  },
  'ncc, whippet bundled': () => {
    bin('ncc', ['build', 'app.mjs', '-o', 'ncc/bundled']);
    works('ncc/bundled/index.mjs');
  },
  '@vercel/nft: what is traced runs elsewhere': () => {
    const target = at('nft/traced');
    rmSync(target, { recursive: true, force: true });
    node(['nft/trace.mjs', home, target]);
    works(path.join(target, 'app.mjs'), [], { cwd: target });
  },
  '--permission --allow-addons': () => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
    const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
    works('app.mjs', [flag, '--no-warnings', '--allow-addons', '--allow-fs-read=*', ...net]);
  },
  'a worker': () => {
    const program = "new (require('node:worker_threads').Worker)('./app.mjs')";
    if (!node(['-e', program]).includes('works')) throw new Error('it said nothing');
  },
  'NODE_OPTIONS=--enable-source-maps': () => works('app.mjs', [], { env: { NODE_OPTIONS: '--enable-source-maps' } }),
  '--jitless': () => works('app.mjs', ['--jitless']),
  '--disable-proto=delete': () => works('app.mjs', ['--disable-proto=delete']),
  '--frozen-intrinsics': () => works('app.mjs', ['--frozen-intrinsics', '--no-warnings']),
  'workerd: the build for Workers': () => works('web/run.mjs', [], { args: ['workerd'] }),
  'Chromium: the build for browsers': () => works('web/run.mjs', [], { args: ['browser', browser('chromium')] }),
  'Firefox: the build for browsers': () => works('web/run.mjs', [], { args: ['browser', browser('firefox-esr')] }),
  'Next.js: standalone, moved, and its page in Chromium': () => {
    const next = at('next');
    rmSync(path.join(next, '.next'), { recursive: true, force: true });
    rmSync(path.join(next, 'node_modules/whippet'), { recursive: true, force: true });
    writeFileSync(path.join(next, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', ...QUIET, 'next', 'react', 'react-dom', ...packed.map((file) => `../${file}`)], {
      cwd: next,
    });
    const env = { NEXT_TELEMETRY_DISABLED: '1' };
    run(path.join(next, 'node_modules/.bin/next'), ['build'], { cwd: next, env });
    works('run.mjs', [], { args: [browser('chromium')], cwd: next, env });
  },
  'pnpm install': () => installBy('pnpm', ['pnpm@latest', 'install', '--ignore-scripts']),
  'yarn 1 install': () => installBy('yarn1', ['yarn@1', 'install', '--ignore-scripts', '--no-lockfile']),
  'yarn 4 install, node-modules': () => installBy('yarn4', YARN4, yarn4('node-modules')),
  'yarn 4 install, Plug’n’Play': () => installBy('yarn4-pnp', YARN4, yarn4('pnp'), [...YARN4.slice(0, -1), 'node']),
};

/** npm's arguments for a yarn that is installed by npm. */
const YARN4 = ['--package', '@yarnpkg/cli-dist@4', 'yarn', 'install'];

/** Its settings, which are no one else's: in CI it would ask for a lock file. */
const yarn4 = (linker) => ({
  YARN_NODE_LINKER: linker,
  YARN_ENABLE_GLOBAL_CACHE: 'false',
  YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  YARN_ENABLE_TELEMETRY: 'false',
});

/** The browser's program: what the variable CHROMIUM or FIREFOX says, or Debian's. */
function browser(name) {
  const given = process.env[name.split('-')[0].toUpperCase()];
  if (!given) installDebian({ [name]: name });
  return given || name;
}

/** From the packed files, into a folder of its own outside of any other's node_modules. By npx; `program` is what then runs a module. */
function installBy(name, args, env, program) {
  const folder = at('managers', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const binding = { [`@whippet-http/binding-${platform}`]: `file:${at(packed[1])}` };
  // What whippet itself asks for is not in a registry: each manager has a word of its own for where it is instead.
  const manifest = {
    private: true,
    dependencies: { whippet: `file:${at(packed[0])}` },
    pnpm: { overrides: binding },
    resolutions: binding,
  };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  // yarn 4 takes the folder for a project of its own by this.
  if (env !== undefined) writeFileSync(path.join(folder, 'yarn.lock'), '');
  cpSync(at('app.mjs'), path.join(folder, 'app.mjs'));
  const npx = (...rest) => run('npx', ['--yes', ...rest], { cwd: folder, env });
  npx(...args);
  if (program === undefined) works('app.mjs', [], { cwd: folder });
  else if (!npx(...program, 'app.mjs').includes('works')) throw new Error('it said nothing');
}

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  if (!hasPrebuilt() || !existsSync(path.join(root, 'dist/index.cjs'))) await setup();
  install();
  const wanted = process.argv.slice(2);
  let passed = 0;
  let failed = 0;
  for (const [name, check] of Object.entries(CHECKS)) {
    if (wanted.length > 0 && !wanted.some((prefix) => name.startsWith(prefix))) continue;
    const started = performance.now();
    try {
      check();
      passed++;
      process.stdout.write(`✔ ${name} (${seconds(performance.now() - started)})\n`);
    } catch (error) {
      failed++;
      const said = `${error.stderr ?? ''}${error.stdout ?? ''}` || String(error);
      process.stdout.write(`✘ ${name}\n${said.slice(-2000)}\n`);
    }
  }
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
});

/** The packed packages anew, the tools as they are. */
function install() {
  mkdirSync(home, { recursive: true });
  cpSync(path.join(root, 'scripts/bundlers'), home, { recursive: true });
  rmSync(at('binding'), { recursive: true, force: true });
  cpSync(path.join(root, 'npm', platform), at('binding'), { recursive: true });
  cpSync(path.join(root, addon), at('binding', addon));
  writeFileSync(at('package.json'), '{ "private": true }\n');
  const pack = (folder) =>
    run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', home], { cwd: folder });
  rmSync(at('staged'), { recursive: true, force: true });
  mkdirSync(at('staged'));
  pack(stageMain(at('staged'), [platform]));
  pack(at('binding'));
  rmSync(at('node_modules/whippet'), { recursive: true, force: true });
  run('npm', ['install', ...QUIET, ...TOOLS.split(' '), ...packed.map((file) => `./${file}`)]);
}
