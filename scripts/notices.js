/**
 * `npm run release:notices`: writes `THIRD-PARTY-NOTICES.txt` into each folder of `npm/`: the licences of all that is in a binary,
 * Rust crates and the C that some of them bring. Where a crate brings no text, its licence is named, and where it lies. A
 * crate that says no licence, or one that is not of `deny.toml`'s kind (MIT, Apache, BSD, ISC and the like), is an error. And the licence
 * of whippet itself goes into each folder.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { folderOf, NOTICES, platforms } from './support/platforms.js';
import { asProgram, root, say, SetupError } from './support/program.js';
import { manifest } from './support/staged.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

/** SPDX. What is not here is looked at by a person first. */
const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'ISC',
  '0BSD',
  'Zlib',
  'Unicode-3.0',
  'Unlicense',
  'CC0-1.0',
  'CDLA-Permissive-2.0',
  'OpenSSL',
]);

/** Those for which there is a binary. */
const { targets: TARGETS } = manifest(root).napi;

await asProgram(() => {
  if (findCargo() === null) cargoMissing();
  const crates = new Map();
  for (const target of TARGETS) for (const crate of dependencies(target)) crates.set(crate.id, crate);
  const sections = [...crates.values()].toSorted((a, b) => a.name.localeCompare(b.name)).map(section);
  const head = `The binaries of whippet contain the following ${sections.length} works of others, under these terms.\n`;
  const text = [head, ...sections, standardLibrary()].join(`\n${'─'.repeat(80)}\n\n`);
  for (const platform of platforms) {
    writeFileSync(path.join(folderOf(platform), NOTICES), text);
    // npm packs it unasked.
    copyFileSync(path.join(root, 'LICENSE'), path.join(folderOf(platform), 'LICENSE'));
  }
  say(`${sections.length} works, ${Math.round(text.length / 1024)} KiB`);
});

/** What is linked into the addon: normal dependencies, no tools of the build. */
function dependencies(target) {
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', target];
  const output = execFileSync('cargo', args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...cargoEnvironment() },
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 2],
  });
  const { packages, resolve } = JSON.parse(output);
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const seen = new Set();
  const visit = (id) => {
    if (seen.has(id)) return;
    seen.add(id);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) if (kinds.some(({ kind }) => kind === null)) visit(pkg);
  };
  visit(packages.find(({ name }) => name === 'whippet-node').id);
  return packages.filter(({ id, source }) => seen.has(id) && source !== null);
}

/** Rust's own library is in each binary; the toolchain says whose it is, as HTML. */
function standardLibrary() {
  const env = { ...process.env, ...cargoEnvironment() };
  const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { cwd: root, encoding: 'utf8', env }).trim();
  const file = path.join(sysroot, 'share/doc/rust/COPYRIGHT-library.html');
  const [html] = texts(file);
  const head = "Rust's standard library (MIT OR Apache-2.0)\nhttps://github.com/rust-lang/rust\n\n";
  if (html === undefined) {
    // A distribution's toolchain; the release has rustup's.
    say(`${file} is missing: the licence of Rust's own library is named only`);
    return `${head}(This toolchain brings no text.)\n`;
  }
  const named = { lt: '<', gt: '>', quot: '"', amp: '&' };
  const plain = html
    .replaceAll(/<style>[^]*?<\/style>|<[^>]*>/g, '')
    .replaceAll(/&(lt|gt|quot|amp);/g, (_, name) => named[name])
    .replaceAll(/\n[ \t]*(?:\n[ \t]*)+/g, '\n\n');
  return `${head}${plain.trim()}\n`;
}

function section({ name, version, license, license_file: file, repository, manifest_path: manifest }) {
  const problem = (why) => new SetupError(`${name} ${version}: ${why}`);
  if (license === null && file === null) throw problem('says no licence');
  if (license !== null && !isAllowed(license)) throw problem(`${license} is not among the allowed licences`);
  const folder = path.dirname(manifest);
  const names = readdirSync(folder).filter((entry) => /^(licen[cs]e|copying|notice|unlicense|copyright)/i.test(entry));
  const own = names.flatMap((entry) => texts(path.join(folder, entry)));
  // The C that a crate brings lies below it.
  const brought = ['aws-lc', 'zstd', 'c_src/mimalloc', 'c_src/mimalloc2'].flatMap((entry) =>
    texts(path.join(folder, entry, 'LICENSE')),
  );
  const all = [...new Set([...own, ...brought])];
  const body = all.length > 0 ? all.join('\n\n') : `(The crate brings no text. ${license}: see ${repository}.)\n`;
  return `${name} ${version} (${license ?? file})\n${repository ?? ''}\n\n${body}`;
}

function texts(file) {
  try {
    return [readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trimEnd() + '\n'];
  } catch {
    return [];
  }
}

/** Of several of which one may be chosen, one; of several that hold together, each. */
function isAllowed(expression) {
  const or = expression
    .replaceAll('/', ' OR ')
    .replace(/[()]/g, ' ')
    .split(/\s+OR\s+/);
  return or.some((choice) =>
    choice
      .trim()
      .split(/\s+AND\s+/)
      .every((one) => ALLOWED.has(one.trim())),
  );
}
