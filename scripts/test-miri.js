/**
 * `npm run test:miri`: miri interprets Rust, and stops at undefined behaviour: memory out of bounds or not initialised, a reference that
 * another one made invalid, two threads that use the same memory at once. It has no foreign functions, so no sockets, no TLS, no zstd and
 * no Node: it runs the tests of what is left, how the binding packs and copies bytes, and how the core cuts and keeps them. It needs
 * rustup, and installs what it needs of nightly. `npm run test:miri -- fields` runs the tests with that in their names.
 */
import { needNightly, nightlyCargo } from './support/nightly.js';
import { asProgram, say } from './support/program.js';

/** Modules of the core whose unit tests call nothing foreign, and are short enough for an interpreter. */
const CORE = [
  'connect::resolve::',
  'connection::http1::',
  'connection::http2::frames::reader::',
  'fields::',
  'origin::',
  'version::',
];

await asProgram(() => {
  process.exitCode = 1; // Until all is known to be well.
  const asked = process.argv.slice(2);
  needNightly(['miri', 'rust-src']);
  say('build for miri (cargo, nightly; takes minutes when it is the first)');
  const node = ['--package', 'whippet-node', '--no-default-features', '--test', 'pure'];
  miri(node, asked);
  miri(['--package', 'whippet-core', '--lib'], asked.length > 0 ? asked : CORE);
  process.exitCode = 0;
});

function miri(suite, tests) {
  // Timings read the machine's clock.
  const env = { MIRIFLAGS: '-Zmiri-disable-isolation' };
  nightlyCargo(['miri', 'test', '--target-dir', 'target/miri', ...suite, '--', ...tests], env);
}
