/**
 * The test runners as one: each is shown in the same manner, and counted. Which of them run is decided in scripts/test.js
 * and scripts/test-interop.js.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
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

/** AVA with the arguments that it is given: patterns of files, a configuration of its own. */
export const typescript = (args, environment = {}) => ({
  name: 'ava',
  command: () => [process.execPath, path.join(root, 'node_modules/ava/entrypoints/cli.mjs'), '--tap', ...args],
  environment: () => environment,
  // TAP, shown in the manner of AVA's own reporter.
  read(line, count) {
    const test = /^(not )?ok \d+ - (.*?)( # (?:SKIP|TODO).*)?$/.exec(line);
    if (test === null) return /^(TAP version|1\.\.\d|# (tests|pass|fail|skip|todo) )/.test(line) ? null : line;
    const [, failed, title, omitted] = test;
    if (omitted !== undefined) {
      count(0, 0, 1);
      return `- ${title}${omitted}`;
    }
    if (failed !== undefined) count(0, 1);
    else count(1, 0);
    return `${failed === undefined ? '✔' : '✘'} ${title}`;
  },
});

/** Runs one after the other. The last line is the sum, and the exit code says whether all of it passed. */
export async function runAll(runners) {
  let passed = 0;
  let failed = 0;
  for (const runner of runners) {
    const total = await run(runner);
    passed += total.passed;
    failed += total.failed;
  }
  process.exitCode = failed === 0 ? 0 : 1;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
}

/** Runs one runner, passing its output on. A runner that crashes, or that runs nothing, is one failure more. */
async function run(runner) {
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
    if (shown !== null) process.stdout.write(`${shown}\n`);
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
