/**
 * `npm run release:reproducible`: builds the committed sources twice, in two folders with targets of their own, and compares the two
 * binaries byte for byte. Takes as long as two builds from nothing.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asProgram, root, say, SetupError } from './support/program.js';
import { dateOf, remapped } from './support/same-bytes.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

await asProgram(() => {
  if (findCargo() === null) cargoMissing();
  const work = mkdtempSync(path.join(tmpdir(), 'whippet-reproducible-'));
  try {
    // Folders of unequal lengths, so that a path that is left in a binary shows.
    // Of one commit, whatever is checked out or pulled meanwhile.
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
    const [one, other] = ['a', 'another-folder'].map((name) => build(commit, path.join(work, name)));
    if (one !== other) throw new SetupError(`two builds of the same sources differ: ${one} and ${other}`);
    console.log(`two builds, one hash: sha256 ${one}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

/** The hash of what the commit's sources give when they lie in `folder`. */
function build(commit, folder) {
  mkdirSync(folder);
  const sources = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 2 ** 28 });
  execFileSync('tar', ['-x', '-C', folder], { input: sources });
  say(`building in ${folder}`);
  const maps = remapped(folder);
  execFileSync('cargo', ['build', '--release', '--locked', '--package', 'whippet-node'], {
    cwd: folder,
    env: {
      ...process.env,
      ...cargoEnvironment(),
      ...dateOf(commit),
      CARGO_TARGET_DIR: path.join(folder, 'target'),
      CARGO_INCREMENTAL: '0',
      RUSTFLAGS: maps.rustc.join(' '),
      CFLAGS: maps.cc.join(' '),
    },
    stdio: ['ignore', 2, 2],
  });
  const binary = readFileSync(path.join(folder, 'target/release/libwhippet_node.so'));
  if (binary.includes(folder)) throw new SetupError(`the binary holds the path ${folder}`);
  return createHash('sha256').update(binary).digest('hex');
}
