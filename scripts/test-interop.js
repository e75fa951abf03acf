/**
 * `npm run test:interop`: sets up what is missing, then tests against the servers that are installed on this machine; those
 * of the others are skipped by name. Its last line is `N passed, N failed`.
 * `npm run test:interop -- --match 'nginx*'` runs some of them.
 */
import { setup } from './setup.js';
import { asProgram } from './support/program.js';
import { ava } from './support/ava.js';
import { runAll } from './support/runners.js';

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  await setup();
  await runAll([ava({ options: ['--config', 'interop.config.js'], patterns: process.argv.slice(2) })]);
});
