/**
 * `npm run build:platforms`: the binaries of other platforms, built on this Linux machine by zig, and what is checked of each: its
 * size, the libraries that it needs, and the oldest glibc that has all of its symbols. They are put into `npm/PLATFORM/`.
 * `npm run build:platforms -- linux-arm64-musl` builds some of them. Needs rustup and Python's pip; what is missing of zig,
 * cargo-zigbuild and Rust's targets is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { installDebian } from './support/debian.js';
import { binaryOf, WINDOWS } from './support/platforms.js';
import { checkUsed, profileOf } from './support/profile.js';
import { asProgram, execute, root, say, seconds, SetupError } from './support/program.js';
import { dateOf, remapped } from './support/same-bytes.js';
import { cargoAuditable, cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const ZIG = 'ziglang==0.14.1';
const ZIGBUILD = 'cargo-zigbuild==0.24.1';
const FOLDER = path.join(root, 'target/platforms');
const MAX_BYTES = 8 * 1024 * 1024;

/** Node 20 itself needs glibc 2.28. */
const GLIBC = '2.28';

/** zstd's ways to search, but for those of its default level, which is ours: 200 KB. And nothing unwinds through C. */
const UNUSED = ['GREEDY', 'LAZY', 'LAZY2', 'BTLAZY2', 'BTOPT', 'BTULTRA'];
const SMALLER_C = [
  ...UNUSED.map((name) => `-DZSTD_EXCLUDE_${name}_BLOCK_COMPRESSOR`),
  '-fno-asynchronous-unwind-tables',
  '-fno-unwind-tables',
];

/** npm's name of a platform, Rust's, and the libraries that every machine of that kind has. */
const PLATFORMS = {
  'linux-x64-gnu': {
    target: 'x86_64-unknown-linux-gnu',
    libraries: /^(lib(c|m|pthread|dl|rt)\.so\.\d|ld-linux-x86-64\.so\.2)$/,
  },
  'linux-arm64-gnu': {
    target: 'aarch64-unknown-linux-gnu',
    libraries: /^(lib(c|m|pthread|dl|rt)\.so\.\d|ld-linux-aarch64\.so\.1)$/,
  },
  'linux-x64-musl': { target: 'x86_64-unknown-linux-musl', libraries: /^libc\.(so|musl-x86_64\.so\.1)$/ },
  'linux-arm64-musl': { target: 'aarch64-unknown-linux-musl', libraries: /^libc\.(so|musl-aarch64\.so\.1)$/ },
  [WINDOWS]: {
    target: 'x86_64-pc-windows-gnu',
    libraries:
      /^(kernel32|ntdll|ws2_32|advapi32|crypt32|bcrypt|bcryptprimitives|msvcrt|userenv|iphlpapi|secur32|api-ms-win-.*)(\.dll)?$/i,
  },
};

await asProgram(() => {
  const asked = process.argv.slice(2);
  const unknown = asked.find((platform) => PLATFORMS[platform] === undefined);
  if (unknown !== undefined) {
    throw new SetupError(`${unknown}: no such platform, there are ${Object.keys(PLATFORMS).join(', ')}`);
  }
  if (process.platform !== 'linux') throw new SetupError('the other platforms are built on Linux');
  if (findCargo() === null) cargoMissing();
  const zig = installZig();
  const rows = (asked.length > 0 ? asked : Object.keys(PLATFORMS)).map((platform) => build(platform, zig));
  console.log(['| platform | took | size | needs |', '| --- | --- | --- | --- |', ...rows].join('\n'));
});

/** A virtual environment of Python's with zig and cargo-zigbuild; its folder of programs. */
function installZig() {
  const environment = path.join(FOLDER, 'python');
  const bin = path.join(environment, 'bin');
  if (spawnSync(path.join(bin, 'cargo-zigbuild'), ['--version']).status !== 0) {
    say('installing zig and cargo-zigbuild');
    mkdirSync(FOLDER, { recursive: true });
    execute('python3', ['-m', 'venv', environment]);
    execute(path.join(bin, 'pip'), ['install', '--quiet', ZIG, ZIGBUILD]);
  }
  return bin;
}

function build(platform, zig) {
  const { target } = PLATFORMS[platform];
  say(`${platform}: building (takes minutes when it is the first)`);
  execute('rustup', ['target', 'add', target]);
  const began = performance.now();
  const isMusl = target.endsWith('musl');
  const maps = remapped(root);
  const profile = profileOf(target, true);
  if (profile !== null) say(`${platform}: by the profile ${path.relative(root, profile)}`);
  const environment = {
    ...cargoEnvironment(),
    ...dateOf('HEAD'),
    CARGO_TARGET_DIR: FOLDER,
    // A library that Node loads uses Node's libc; and no path of the machine that builds is in a binary.
    RUSTFLAGS: [
      // A megabyte less. Here only, as profilers need the names; and not by a setting of cargo's, which would be part of them.
      '-Cstrip=symbols',
      ...(isMusl ? ['-Ctarget-feature=-crt-static'] : []),
      ...(profile === null ? [] : [`-Cprofile-use=${profile}`]),
      ...maps.rustc,
    ].join(' '),
    CFLAGS: [...maps.cc, ...SMALLER_C].join(' '),
  };
  environment.PATH = `${zig}${path.delimiter}${environment.PATH}`;
  // With what it was made of inside, where cargo-auditable is installed: the release has it.
  const cargo = cargoAuditable();
  const args = ['--release', '--locked', '-p', 'whippet-node', '--target'];
  if (platform === WINDOWS) {
    installDebian({ 'x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64-win32', nasm: 'nasm' });
    // Node's functions are looked up in the program that loads the addon: there is no library of them to link against.
    environment.LIBNODE_PATH = emptyLibnode();
    execute('cargo', [...cargo, 'build', ...args, target, '--features', 'napi/dyn-symbols'], environment);
  } else {
    execute('cargo', [...cargo, 'zigbuild', ...args, isMusl ? target : `${target}.${GLIBC}`], environment);
  }
  const file = platform === WINDOWS ? 'whippet_node.dll' : 'libwhippet_node.so';
  const built = path.join(FOLDER, target, 'release', file);
  if (profile !== null) checkUsed(profile, path.dirname(built));
  copyFileSync(built, binaryOf(platform));
  const needs = platform === WINDOWS ? checkWindows(platform, built) : check(platform, built);
  const size = `${(statSync(built).size / 2 ** 20).toFixed(1)} MiB`;
  return `| ${platform} | ${seconds(performance.now() - began)} | ${size} | ${needs} |`;
}

/** napi-build asks for a library by these names. */
function emptyLibnode() {
  const folder = path.join(FOLDER, 'libnode');
  mkdirSync(folder, { recursive: true });
  for (const name of ['libnode.a', 'libnode.dll']) execute('x86_64-w64-mingw32-ar', ['rcs', path.join(folder, name)]);
  return folder;
}

/** What a binary needs, as text. @throws SetupError for one that would not run on each machine of its platform. */
function check(platform, file) {
  const dynamic = execFileSync('readelf', ['--wide', '--dynamic', file], { encoding: 'utf8' });
  const needed = [...dynamic.matchAll(/\(NEEDED\)[^[]*\[([^\]]*)\]/g)].map(([, name]) => name);
  checkFile(platform, file, needed);
  const versions = execFileSync('readelf', ['--wide', '--version-info', file], { encoding: 'utf8' });
  const glibc = [...versions.matchAll(/GLIBC_(\d+\.\d+)/g)].map(([, version]) => version).toSorted(byVersion);
  const newest = glibc.at(-1);
  if (newest !== undefined && byVersion(newest, GLIBC) > 0) {
    throw new SetupError(`${platform}: needs glibc ${newest}, and Node itself only ${GLIBC}`);
  }
  const symbols = execFileSync('readelf', ['--wide', '--dyn-syms', file], { encoding: 'utf8' });
  if (!/ napi_register_module_v1$/m.test(symbols)) throw new SetupError(`${platform}: is no addon of Node's`);
  return [...needed, ...(newest === undefined ? [] : [`glibc ${newest}`])].join(', ');
}

/** As `check`, of a DLL. */
function checkWindows(platform, file) {
  const headers = execFileSync('x86_64-w64-mingw32-objdump', ['--private-headers', file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const needed = [...new Set([...headers.matchAll(/DLL Name: (\S+)/g)].map(([, name]) => name))];
  checkFile(platform, file, needed);
  if (!/\bnapi_register_module_v1\b/.test(headers)) throw new SetupError(`${platform}: is no addon of Node's`);
  return needed.filter((name) => !/^(api-ms-|kernel32|ntdll)/i.test(name)).join(', ');
}

/** Its size, what it needs of other libraries, and that it tells nothing of the machine that built it. */
function checkFile(platform, file, needed) {
  const { size } = statSync(file);
  if (size > MAX_BYTES) throw new SetupError(`${platform}: ${size} bytes, more than ${MAX_BYTES}`);
  const odd = needed.filter((name) => !PLATFORMS[platform].libraries.test(name));
  if (odd.length > 0) throw new SetupError(`${platform}: needs ${odd.join(', ')}, which not every machine has`);
  const text = readFileSync(file, 'latin1');
  if (text.includes(root) || text.includes('/registry/src/')) {
    throw new SetupError(`${platform}: holds paths of the machine that built it`);
  }
}

function byVersion(one, other) {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number));
  return a[0] - b[0] || a[1] - b[1];
}
