/** The versions that advisories ask for: what Cargo.lock has is none of those below. */
import test from 'ava';
import { readFileSync } from 'node:fs';

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

function isBelow(version: string, floor: string): boolean {
  const [a, b] = [version, floor].map((text) => text.split('.').map(Number));
  const at = a.findIndex((number, i) => number !== b[i]);
  return at !== -1 && a[at] < b[at];
}
