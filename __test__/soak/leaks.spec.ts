/** A share of `npm run leaks`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { onLinux } from '../helpers/where.js';

const run = fileURLToPath(new URL('../../scripts/run-typescript.js', import.meta.url));
/** As `npm run leaks` has them. */
const flags = ['--min-semi-space-size=16', '--max-semi-space-size=16'];
const program = fileURLToPath(new URL('leaks.ts', import.meta.url));

onLinux('resident memory is flat over hundreds of calls of each kind', async (t) => {
  t.timeout(240_000);
  const { stdout } = await promisify(execFile)(process.execPath, [run, ...flags, program, '0.003']);
  t.log(stdout);
  t.is(stdout.match(/^flat: /gm)?.length, 9, stdout);
});
