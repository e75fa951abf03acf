/**
 * `npm test`: sets up what is missing, then runs the Rust tests and the TypeScript tests. Its last line is
 * `N passed, N failed` over both. `npm test -- '__test__/client*'` runs these TypeScript tests only.
 */
import { setup } from './setup.js';
import { asProgram } from './support/program.js';
import { ava } from './support/ava.js';
import { runAll, rust } from './support/runners.js';

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  await setup();
  const patterns = process.argv.slice(2);
  await runAll(patterns.length === 0 ? [rust, ava()] : [ava({ patterns })]);
});
