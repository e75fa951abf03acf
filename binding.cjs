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

/**
 * The addon's exports.
 * @throws Error, code ERR_ADDON_NOT_LOADED, that lists what was looked for, why each failed, and what helps
 */
module.exports = function load() {
  const path = process.env.WHIPPET_ADDON_PATH || process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  const { platform, libc } = machine();
  const tried = [];
  const attempt = (name, from) => {
    try {
      return from();
    } catch (error) {
      tried.push({ name, error });
      return undefined;
    }
  };
  if (path) {
    const given = attempt(path, () => require(path));
    if (given !== undefined) return given;
    throw failure(platform, libc, tried, 'The variable that names a file wins over all else: mend or unset it.');
  }
  const candidate = Object.hasOwn(CANDIDATES, platform) ? CANDIDATES[platform] : undefined;
  if (candidate === undefined) throw failure(platform, libc, tried);
  const built = attempt(`whippet.${platform}.node beside this file`, candidate.file);
  if (built !== undefined) return built;
  const name = `@whippet-http/binding-${platform}`;
  const found = attempt(name, () => {
    const addon = candidate.addon();
    const other = candidate.manifest().version;
    const { version } = require('./package.json');
    if (other !== version) throw new Error(`it is version ${other}, and whippet is ${version}: install both anew`);
    return addon;
  });
  if (found !== undefined) return found;
  throw failure(platform, libc, tried);
};

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
  } else if (
    tried.some(({ error }) => error.code === 'ERR_DLOPEN_DISABLED' || /disabled/.test(String(error.message)))
  ) {
    lines.push(
      '  - Addons are switched off in this process: run without --no-addons, or with --permission --allow-addons.',
    );
  } else {
    lines.push(
      '  - Optional dependencies were left out (--omit=optional, --no-optional): install again with them.',
      '  - node_modules or the lock file come from another platform: install on this one, or name it, as in',
      '    `npm install --os=linux --cpu=x64 --libc=musl`.',
      '  - A bundler took whippet in: mark `whippet` as external (Next.js: serverExternalPackages: ["whippet"]).',
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
  if (error.code === 'MODULE_NOT_FOUND') return 'not there';
  return String(error.message).split('\n')[0];
}
