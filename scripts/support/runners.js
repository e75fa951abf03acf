/**
 * The test runners as one: each is shown in the same manner, and counted. Which of them run is decided in scripts/test.js
 * and scripts/test-interop.js.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { root, seconds } from './program.js';
import { cargoEnvironment, cargoMissing, findCargo } from './tools.js';

export const rust = {
  name: 'cargo test',
  // The release profile is the addon's: the dependencies are compiled already.
  command: () => [findCargo() ?? cargoMissing(), 'test', '--release', '--no-fail-fast'],
  environment: () => ({ ...cargoEnvironment(), ...(process.stderr.isTTY && { CARGO_TERM_COLOR: 'always' }) }),
  read(line, count) {
    const result = /^test result: \w+\. (\d+) passed; (\d+) failed;/.exec(line);
    if (result !== null) count(Number(result[1]), Number(result[2]));
    return line;
  },
};

/** Runs one after the other. The last line is the sum, and the exit code says whether all of it passed. */
export async function runAll(runners) {
  let passed = 0;
  let failed = 0;
  for (const runner of runners) {
    const total = await runSteadily(runner);
    passed += total.passed;
    failed += total.failed;
  }
  process.exitCode = failed === 0 ? 0 : 1;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
}

/**
 * Runs one runner; what failed, once more by itself where the runner can do that. At the end stands what failed, with its reason. `show` says
 * which lines are passed on.
 */
export async function runSteadily(runner, show = () => true) {
  const total = await run(runner, show);
  if (!runner.failures?.length) return total;
  const unsteady = new Set();
  for (const { runner: alone, titles } of runner.alone()) {
    process.stdout.write(`once more, by itself: ${[...titles.keys()].join(', ')}\n`);
    await run(alone, show);
    for (const [title, name] of titles) if (alone.passed.has(name)) unsteady.add(title);
  }
  total.failed -= unsteady.size;
  total.passed += unsteady.size;
  for (const { title, reason } of runner.failures) {
    const fate = unsteady.has(title) ? 'unsteady, it passed by itself' : 'failed';
    process.stdout.write([`✘ ${title}: ${fate}`, ...reason, ''].join('\n'));
  }
  return total;
}

/** Runs one runner, passing its output on. A runner that crashes, or that runs nothing, is one failure more. */
async function run(runner, show) {
  const started = performance.now();
  const total = { passed: 0, failed: 0, omitted: 0 };
  const count = (passed, failed, omitted = 0) => {
    total.passed += passed;
    total.failed += failed;
    total.omitted += omitted;
  };
  const [command, ...args] = runner.command();
  const env = { ...process.env, ...runner.environment() };
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  // Both by whole lines: cargo's words and those of the tests would get mixed up otherwise.
  lines(child.stderr).on('line', (line) => process.stderr.write(`${line}\n`));
  lines(child.stdout).on('line', (line) => {
    const shown = runner.read(line, count);
    if (shown !== null && show(shown)) process.stdout.write(`${shown}\n`);
  });
  const end = await ended;
  const trouble = whatWentWrong(end, total);
  if (trouble !== null) {
    total.failed += 1;
    process.stdout.write(`${runner.name} ${trouble}: counted as one failure\n`);
  }
  const took = seconds(performance.now() - started);
  const omitted = total.omitted > 0 ? `, ${total.omitted} skipped` : '';
  process.stdout.write(`${runner.name}: ${total.passed} passed, ${total.failed} failed${omitted} in ${took}\n\n`);
  return total;
}

function lines(input) {
  return createInterface({ input, crlfDelay: Infinity });
}

function whatWentWrong(end, { passed, failed, omitted }) {
  if (passed + failed + omitted === 0) return `ran no test and ended with ${end}`;
  // A runner whose tests failed ends with a code of its own, which says nothing new.
  return end !== 0 && failed === 0 ? `ended with ${end}` : null;
}
