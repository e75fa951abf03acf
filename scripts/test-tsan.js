/**
 * `npm run test:tsan`: the core's tests with ThreadSanitizer, which finds memory that two threads use at once. Linux only; it installs what
 * it needs of nightly, and builds the standard library as well, since a race may begin there. `npm run test:tsan -- pool` runs the
 * tests with that in their names.
 */
import { needNightly, nightlyCargo, TARGET } from './support/nightly.js';
import { asProgram, say } from './support/program.js';

await asProgram(() => {
  process.exitCode = 1; // Until all is known to be well.
  needNightly(['rust-src']);
  say('native build with ThreadSanitizer (cargo, nightly; takes minutes when it is the first)');
  const where = ['--target', TARGET, '--target-dir', 'target/tsan'];
  nightlyCargo(['test', '-Zbuild-std', '--package', 'whippet-core', ...where, '--', ...process.argv.slice(2)], {
    RUSTFLAGS: '-Zsanitizer=thread',
  });
  process.exitCode = 0;
});
