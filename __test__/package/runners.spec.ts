/** What `npm test` makes of AVA's output, and what it runs once more. */
import test from 'ava';
import { ava } from '../../scripts/support/ava.js';

const OUTPUT = [
  'TAP version 13',
  'ok 1 - url › hosts › port 0 is refused',
  'not ok 2 - package › runners › fails # not a directive',
  '  ---',
  '    name: Error',
  '    message: Test timeout exceeded',
  '  ...',
  'ok 3 - package › runners › omitted # SKIP',
  'not ok 4 - headers › fails › twice',
  '1..4',
  '# tests 4',
];

function reader() {
  const runner = ava();
  const totals = [0, 0, 0];
  const count = (passed: number, failed: number, omitted = 0) => {
    for (const [at, more] of [passed, failed, omitted].entries()) totals[at]! += more;
  };
  return { runner, totals, read: (line: string) => runner.read(line, count) };
}

test('output is shown as by AVA’s own reporter, and counted', (t) => {
  const { totals, read } = reader();
  const shown = OUTPUT.map(read).filter((line) => line !== null);
  t.deepEqual(shown, [
    '✔ url › hosts › port 0 is refused',
    '✘ package › runners › fails # not a directive',
    ...OUTPUT.slice(3, 7),
    '- package › runners › omitted # SKIP',
    '✘ headers › fails › twice',
  ]);
  t.deepEqual(totals, [1, 2, 1]);
});

test('what failed is kept with its reason', (t) => {
  const { runner, read } = reader();
  for (const line of OUTPUT) read(line);
  t.deepEqual(runner.failures, [
    { title: 'package › runners › fails # not a directive', reason: OUTPUT.slice(3, 7) },
    { title: 'headers › fails › twice', reason: [] },
  ]);
});

test('it is run once more by its file, where it has the rest of its title', (t) => {
  const { runner, read } = reader();
  for (const line of OUTPUT) read(line);
  const again = runner.alone().map((one) => [one.runner.command().at(-1), [...one.titles.values()]]);
  t.deepEqual(again, [
    ['__test__/package/runners.spec.ts', ['fails # not a directive']],
    ['__test__/headers.spec.ts', ['fails › twice']],
  ]);
});

test('what is of no file that there is, and more than a few, is not run again', (t) => {
  const crashed = reader();
  crashed.read('not ok 1 - __test__/headers.spec.ts exited due to SIGSEGV');
  t.deepEqual(crashed.runner.alone(), []);
  const many = reader();
  for (let at = 0; at < 6; at++) many.read(`not ok ${at} - headers › fails ${at}`);
  t.deepEqual(many.runner.alone(), []);
});
