/** Crates: which versions, licenses and sources there may be, and which of them have code that the compiler cannot check. */
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { denied } from '../scripts/deny.js';
import { findCargo } from '../scripts/support/tools.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The first version without a known fault, for each of its lines (0.4.x, 1.x) that were mended. */
const FLOORS: Record<string, string> = {
  'aws-lc-sys': '0.39.0',
  bytes: '1.11.1',
  h2: '0.4.16',
  http: '0.1.20',
  hyper: '1.11.0',
  idna: '1.0.3',
  mio: '0.8.11',
  ring: '0.17.12',
  rustls: '0.23.18',
  'rustls-webpki': '0.103.10',
  slab: '0.4.11',
  time: '0.3.47',
  'tokio-rustls': '0.13.1',
  url: '2.5.4',
};

/** Without a maintainer (RUSTSEC-2025-0134), or with a fault that stays. */
const FORBIDDEN = ['rustls-pemfile', 'ruzstd', 'cookie'];

test('SEC-N2 no crate of Cargo.lock is older than the advisories allow', (t) => {
  const lock = readFileSync(new URL('../Cargo.lock', import.meta.url), 'utf8');
  const crates = [...lock.matchAll(/^name = "(.*)"\nversion = "(\d+\.\d+\.\d+).*"$/gm)].map(([, name, version]) => [
    name,
    version,
  ]);
  t.true(crates.length > 50);
  t.deepEqual(
    crates.filter(([name, version]) => FORBIDDEN.includes(name) || (name in FLOORS && isBelow(version, FLOORS[name]))),
    [],
  );
  t.true(crates.filter(([name]) => name in FLOORS).length > 8, 'the names are those of the crates');
});

test('licenses, sources and duplicates are what deny.toml allows', (t) => {
  const { problems, count } = denied();
  t.deepEqual(problems, []);
  t.true(count > 50);
});

test('each crate of the binary with unsafe code is on docs/decisions/crates-with-unsafe.md', (t) => {
  const cargo = (...args: string[]): string =>
    execFileSync(findCargo() ?? 'cargo', [...args, '--offline', '--locked'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
  const metadata = JSON.parse(cargo('metadata', '--format-version', '1')) as {
    packages: { name: string; version: string; source: string | null; manifest_path: string }[];
  };
  const tree = cargo('tree', '-p', 'whippet-node', '-e', 'normal,no-proc-macro', '--prefix', 'none').split('\n');
  const built = new Set(tree.map((line) => line.split(' ').slice(0, 2).join(' ')));
  const page = readFileSync(path.join(root, 'docs/decisions/crates-with-unsafe.md'), 'utf8');
  const names = new Set([...page.matchAll(/`([\w-]+)`/g)].map(([, name]) => name));
  const unsafe = metadata.packages
    .filter(({ name, version, source }) => source !== null && built.has(`${name} v${version}`))
    .filter(({ manifest_path: manifest }) => hasUnsafe(path.dirname(manifest)))
    .map(({ name }) => name);
  t.true(unsafe.length > 30);
  t.deepEqual(
    unsafe.filter((name) => !names.has(name)),
    [],
  );
});

/** What is said in comments, or forbidden by an attribute, is not it. */
function hasUnsafe(crate: string): boolean {
  const folder = existsSync(path.join(crate, 'src')) ? path.join(crate, 'src') : crate;
  const files = readdirSync(folder, { recursive: true }) as string[];
  return files.some((file) => {
    if (!file.endsWith('.rs')) return false;
    const code = readFileSync(path.join(folder, file), 'utf8').replace(/\/\/.*|#!?\[(?:forbid|deny)[^\]]*\]/g, '');
    return /\bunsafe\b/.test(code);
  });
}

function isBelow(version: string, floor: string): boolean {
  const [a, b] = [version, floor].map((text) => text.split('.').map(Number));
  const at = a.findIndex((number, i) => number !== b[i]);
  return at !== -1 && a[at] < b[at];
}
