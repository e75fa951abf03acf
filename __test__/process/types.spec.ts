/** What a program sees that is compiled with stricter options than this one. */
import test from 'ava';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test('exactOptionalPropertyTypes: every option takes undefined', async (t) => {
  t.timeout(120_000);
  const tsc = at('../../node_modules/typescript/lib/tsc.js');
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', at('../types/exact')]).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
  );
  t.is(stdout, '');
});
