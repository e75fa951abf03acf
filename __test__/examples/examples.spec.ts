/**
 * The rule of examples/: programs of at most 45 lines over the package itself, each with a test that runs it. The tests of apps among
 * them run as their reader would run them.
 */
import test from 'ava';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { examplesFolder } from '../helpers/example.js';

const specs = fileURLToPath(new URL('.', import.meta.url));
const tests = readdirSync(specs)
  .filter((name) => name !== 'examples.spec.ts')
  .map((name) => readFileSync(path.join(specs, name), 'utf8'))
  .join('\n');
const programs = readdirSync(examplesFolder).filter((name) => name.endsWith('.js') && name !== 'tour.js');

for (const name of programs) {
  test(`examples/${name} is short, imports the package, says how it is started, and is tested`, (t) => {
    const text = readFileSync(path.join(examplesFolder, name), 'utf8');
    const lines = text.split('\n').length - 1;
    t.true(lines <= 45, `${lines} lines`);
    t.regex(text, /^import \{.*\} from 'whippet';$/m);
    t.true(text.includes(`node examples/${name}`));
    t.true(tests.includes(`${name}: `), 'no test has its name in its title');
  });
}

const folder = path.join(examplesFolder, 'apps');
for (const file of readdirSync(folder).filter((name) => name.endsWith('.test.js'))) {
  test(`examples/apps/${file} passes`, async (t) => {
    const child = spawn(process.execPath, ['--test', '--test-reporter=tap', path.join(folder, file)], {
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
