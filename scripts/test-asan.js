/**
 * `npm run test:asan`: builds the addon with AddressSanitizer, which finds memory that is read after it was freed, and runs the
 * tests of bodies and worker threads with it. Linux only; it needs rustup, installs a nightly toolchain where there is none, and
 * gcc's libasan. The system's allocator takes mimalloc's place, as it is the one that AddressSanitizer watches.
 * `npm run test:asan -- '__test__/wire/*.spec.ts'` runs other tests.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { setup } from './setup.js';
import { needNightly, nightlyCargo, TARGET } from './support/nightly.js';
import { asProgram, root, say, SetupError } from './support/program.js';
import { ava } from './support/ava.js';
import { runAll } from './support/runners.js';

const FOLDER = path.join(root, 'target/asan');
const TESTS = [
  '__test__/process/*.spec.ts',
  '__test__/own-memory.spec.ts',
  '__test__/response/response.spec.ts',
  '__test__/response/decoding.spec.ts',
  '__test__/wire/abort.spec.ts',
  '__test__/wire/http2.spec.ts',
  '__test__/wire/resend.spec.ts',
  '__test__/wire/upload.spec.ts',
];

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  if (process.platform !== 'linux') throw new SetupError('AddressSanitizer is set up for Linux with glibc only');
  await setup();
  const library = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
  if (!path.isAbsolute(library)) throw new SetupError('gcc has no libasan.so: for instance apt-get install libasan8');
  const tests = process.argv.slice(2);
  const environment = {
    LD_PRELOAD: library,
    // Node frees little when it ends, and its own allocations are none of our business.
    ASAN_OPTIONS: 'detect_leaks=0,alloc_dealloc_mismatch=0,new_delete_type_mismatch=0',
    WHIPPET_ASAN_ADDON: build(),
    NODE_OPTIONS: `--require ${path.join(import.meta.dirname, 'support/asan-preload.cjs')}`,
  };
  // One file at a time: under the sanitizer each takes three times as long and as much memory.
  await runAll([
    ava({
      patterns: tests.length > 0 ? tests : TESTS,
      options: ['--concurrency', '1', '--timeout', '5m'],
      environment,
    }),
  ]);
});

/** The path of the addon. */
function build() {
  needNightly();
  say('native build with AddressSanitizer (cargo, nightly; takes minutes when it is the first)');
  const args = ['build', '--package', 'whippet-node', '--no-default-features', '--target', TARGET];
  nightlyCargo([...args, '--target-dir', FOLDER, '--config', 'profile.dev.opt-level=1'], {
    RUSTFLAGS: '-Zsanitizer=address',
  });
  const addon = path.join(FOLDER, 'whippet.node');
  copyFileSync(path.join(FOLDER, TARGET, 'debug/libwhippet_node.so'), addon);
  return addon;
}
