/** The programs in examples/ that are tests themselves: each runs as its reader would run it. */
import test from 'ava';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../examples/apps', import.meta.url));

for (const file of readdirSync(folder).filter((name) => name.endsWith('.test.js'))) {
  test(`examples/apps/${file} passes`, async (t) => {
    const child = spawn(process.execPath, ['--test', '--test-reporter=tap', join(folder, file)], {
      // As a test script has it. AVA's own variables would make it another runner's child.
      env: { PATH: process.env.PATH, NODE_ENV: 'test' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    t.is(code, 0, output);
    t.regex(output, /^# pass [1-9]/m);
  });
}
