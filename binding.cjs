/**
 * Finds and loads the addon of this machine: a build of this checkout, or the package that npm chose by `os`, `cpu` and `libc`.
 * Called with the first request that needs it. Written by hand, with each name in full, so that bundlers and tracers see it.
 */
'use strict';

/** By platform: the file of a local build, and the package. */
const CANDIDATES = {
  'linux-x64-gnu': {
    file: () => require('./whippet.linux-x64-gnu.node'),
    addon: () => require('@whippet-http/binding-linux-x64-gnu'),
    manifest: () => require('@whippet-http/binding-linux-x64-gnu/package.json'),
  },
  'linux-x64-musl': {
    file: () => require('./whippet.linux-x64-musl.node'),
    addon: () => require('@whippet-http/binding-linux-x64-musl'),
    manifest: () => require('@whippet-http/binding-linux-x64-musl/package.json'),
  },
  'linux-arm64-gnu': {
    file: () => require('./whippet.linux-arm64-gnu.node'),
    addon: () => require('@whippet-http/binding-linux-arm64-gnu'),
    manifest: () => require('@whippet-http/binding-linux-arm64-gnu/package.json'),
  },
  'linux-arm64-musl': {
    file: () => require('./whippet.linux-arm64-musl.node'),
    addon: () => require('@whippet-http/binding-linux-arm64-musl'),
    manifest: () => require('@whippet-http/binding-linux-arm64-musl/package.json'),
  },
  'darwin-x64': {
    file: () => require('./whippet.darwin-x64.node'),
    addon: () => require('@whippet-http/binding-darwin-x64'),
    manifest: () => require('@whippet-http/binding-darwin-x64/package.json'),
  },
  'darwin-arm64': {
    file: () => require('./whippet.darwin-arm64.node'),
    addon: () => require('@whippet-http/binding-darwin-arm64'),
    manifest: () => require('@whippet-http/binding-darwin-arm64/package.json'),
  },
  'win32-x64-msvc': {
    file: () => require('./whippet.win32-x64-msvc.node'),
    addon: () => require('@whippet-http/binding-win32-x64-msvc'),
    manifest: () => require('@whippet-http/binding-win32-x64-msvc/package.json'),
  },
  'win32-arm64-msvc': {
    file: () => require('./whippet.win32-arm64-msvc.node'),
    addon: () => require('@whippet-http/binding-win32-arm64-msvc'),
    manifest: () => require('@whippet-http/binding-win32-arm64-msvc/package.json'),
  },
};

/** Where a file may be named that wins over all else: ours, and that of napi's loaders. */
const VARIABLES = ['WHIPPET_ADDON_PATH', 'NAPI_RS_NATIVE_LIBRARY_PATH'];

let loaded;

/**
 * The addon's exports.
 * @throws Error, code ERR_ADDON_NOT_LOADED, that lists what was looked for, why each failed, and what helps
 */
module.exports = function load() {
  return (loaded ??= find());
};

function find() {
  const variable = VARIABLES.find((name) => process.env[name]);
  const { platform, libc } = machine();
  const tried = [];
  const attempt = (name, from) => {
    try {
      return ours(from());
    } catch (error) {
      tried.push({ name, error });
      return undefined;
    }
  };
  if (variable !== undefined) {
    const path = process.env[variable];
    const given = attempt(path, () => open(path));
    if (given !== undefined) return given;
    throw failure(platform, libc, tried, `${variable} names this file and wins over all else: mend or unset it.`);
  }
  const candidate = Object.hasOwn(CANDIDATES, platform) ? CANDIDATES[platform] : undefined;
  if (candidate === undefined) throw failure(platform, libc, tried);
  const file = `whippet.${platform}.node`;
  const built = attempt(`${file} beside this file`, () => {
    inspect(found(`./${file}`));
    return candidate.file();
  });
  if (built !== undefined) return built;
  const name = `@whippet-http/binding-${platform}`;
  const installed = attempt(name, () => {
    inspect(found(name));
    const addon = candidate.addon();
    checkVersion(candidate.manifest().version);
    return addon;
  });
  if (installed !== undefined) return installed;
  throw failure(platform, libc, tried);
}

/**
 * Loads the file that a variable names; a relative path is one of the working directory. Not by `require`, which would run a file of
 * another name as JavaScript, and which knows only Node's own modules in a single executable.
 */
function open(path) {
  const { resolve, toNamespacedPath } = require('node:path');
  const file = resolve(path);
  inspect(file);
  const opened = { exports: {} };
  process.dlopen(opened, toNamespacedPath(file));
  return opened.exports;
}

/** The addon, if it is one of this package's. */
function ours(addon) {
  if (addon === null || typeof addon !== 'object' || typeof addon.Engine !== 'function') {
    throw new Error('it is no addon of whippet’s');
  }
  if (addon.VERSION !== undefined) checkVersion(addon.VERSION);
  return addon;
}

function checkVersion(other) {
  const { version } = require('./package.json');
  if (other !== version) throw new Error(`it is version ${other}, and whippet is ${version}: install both anew`);
}

/** The file that `require(request)` would load here; undefined where there is none, as in some bundles. Not seen by bundlers. */
function found(request) {
  try {
    return require('node:module').createRequire(__filename).resolve(request);
  } catch {
    return undefined;
  }
}

/** ELF's numbers of processors, as Node names them. */
const MACHINES = {
  3: 'ia32',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

/**
 * Looks at a file before the system does. Linux ends the process by SIGBUS for a library that is cut short, and says of one for another
 * processor that there is no such file; other systems look for themselves.
 * @throws Error that says what is wrong with it
 */
function inspect(file) {
  if (file === undefined) return;
  const fs = require('node:fs');
  const stats = fs.statSync(file);
  if (!stats.isFile()) throw new Error('it is no file');
  if (process.platform !== 'linux') return;
  const head = Buffer.alloc(4096);
  const handle = fs.openSync(file, 'r');
  try {
    fs.readSync(handle, head, 0, head.length, 0);
  } finally {
    fs.closeSync(handle);
  }
  // What is no 64-bit ELF file, least byte first, the system's loader refuses in its own words.
  if (head.readUInt32LE(0) !== 0x464c457f || head.readUInt16LE(4) !== 0x0102) return;
  const machine = MACHINES[head.readUInt16LE(18)];
  if (machine !== undefined && machine !== process.arch) {
    throw new Error(`it is for ${machine}, and this Node is for ${process.arch}`);
  }
  const [first, length, count] = [head.readUIntLE(32, 6), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let at = first, left = count; left > 0 && at + 40 <= head.length; at += length, left -= 1) {
    // PT_LOAD: what is mapped, by its offset and its size in the file.
    const end = head.readUInt32LE(at) === 1 ? head.readUIntLE(at + 8, 6) + head.readUIntLE(at + 32, 6) : 0;
    if (end > stats.size) throw new Error(`it is cut short: it has ${stats.size} bytes of at least ${end}`);
  }
}

/** As napi names it, and the C library in words. */
function machine() {
  const { platform, arch } = process;
  if (platform === 'win32') return { platform: `win32-${arch}-msvc`, libc: null };
  if (platform !== 'linux') return { platform: `${platform}-${arch}`, libc: null };
  const glibc = glibcVersion();
  return {
    platform: `linux-${arch}-${glibc === null ? 'musl' : 'gnu'}`,
    libc: glibc === null ? 'musl' : `glibc ${glibc}`,
  };
}

/** null on musl. */
function glibcVersion() {
  // The report takes milliseconds, and what the loader's own script says of itself does not.
  const known = libcOfLdd();
  if (known !== undefined) return known;
  const { report } = process;
  if (report === undefined || typeof report.getReport !== 'function') return 'unknown';
  const before = report.excludeNetwork;
  // Reading the interfaces can take seconds.
  report.excludeNetwork = true;
  const { header } = report.getReport();
  report.excludeNetwork = before;
  return header.glibcVersionRuntime || null;
}

/** Where napi's loaders look, too; undefined where there is no such script, or it says something else. */
function libcOfLdd() {
  try {
    const text = require('node:fs').readFileSync('/usr/bin/ldd', 'latin1');
    if (text.includes('musl')) return null;
    return /\bldd \([^)]*GLIBC[^)]*\) (\d[\d.]*)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

function failure(platform, libc, tried, advice) {
  const known = Object.keys(CANDIDATES);
  const lines = [
    `whippet: the native addon for ${platform} could not be loaded (Node ${process.version}${libc === null ? '' : `, ${libc}`}).`,
  ];
  if (tried.length > 0) lines.push('Looked for:', ...tried.map(({ name, error }) => `  - ${name}: ${why(error)}`));
  lines.push('What helps:');
  if (advice !== undefined) lines.push(`  - ${advice}`);
  else if (!known.includes(platform)) {
    lines.push(
      `  - There is no binary for this platform; there is one for ${known.join(', ')}.`,
      '  - Build it: clone the repository and run `npm run build` with Rust installed.',
      '  - Or go by the platform’s own fetch: new Client({ dispatch: new PlatformDispatch() }).',
    );
  } else if (tried.some(({ error }) => error?.code === 'ERR_DLOPEN_DISABLED')) {
    lines.push(
      '  - Addons are switched off in this process: run without --no-addons, or with --permission --allow-addons.',
    );
  } else {
    // What may not be read looks as if it were not there, on some lines of Node.
    if (process.permission !== undefined) {
      lines.push('  - This process may read little: add --allow-fs-read=/path/to/node_modules to --permission.');
    }
    lines.push(
      '  - Optional dependencies were left out (--omit=optional, --no-optional): install again with them.',
      '  - node_modules or the lock file come from another platform: install on this one, or name it, as in',
      '    `npm install --os=linux --cpu=x64 --libc=musl`.',
      '  - A bundler took whippet in: mark `whippet` as external (Next.js: serverExternalPackages: ["whippet"]),',
      '    or name the addon, in a single executable too: WHIPPET_ADDON_PATH=/path/to/whippet.node.',
      '  - The binary is for another C library or CPU (a message about GLIBC or an ELF header says so): as above.',
    );
  }
  const cause =
    tried.length === 0
      ? undefined
      : new AggregateError(
          tried.map(({ error }) => error),
          'each attempt',
        );
  return Object.assign(new Error(lines.join('\n'), cause === undefined ? undefined : { cause }), {
    code: 'ERR_ADDON_NOT_LOADED',
  });
}

function why(error) {
  if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ENOENT') return 'not there';
  return String(error?.message ?? error).split('\n')[0];
}
