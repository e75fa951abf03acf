/**
 * `npm run fuzz:core -- [--plain] [SECONDS] [TARGET]`: libFuzzer, with AddressSanitizer, on the targets of crates/core/fuzz, or on the one
 * that is named; a minute each, as many at a time as there are processors. It begins with `seeds/`, and keeps what it finds of new paths in
 * `target/fuzz/corpus` for the next time. Linux only; it installs a nightly toolchain where there is none. An input that fails is left in
 * `target/fuzz/artifacts`, and is run again by naming it behind the target. `--plain` builds without AddressSanitizer, by the toolchain that
 * builds everything else: executions are several times as many, and what is found is what the targets, debug assertions and overflow checks
 * find.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { needNightly, nightlyCargo, TARGET } from './support/nightly.js';
import { asProgram, execute, root, say, SetupError } from './support/program.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const FUZZ = path.join(root, 'crates/core/fuzz');
const FOLDER = path.join(root, 'target/fuzz');
/** libFuzzer takes one by chance for 0. */
const seed = Number(process.env.WHIPPET_SEED) || Math.ceil(Math.random() * 2 ** 31);
/** What cargo-fuzz compiles with: counters and comparisons for libFuzzer. */
const FLAGS = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
  '-Ccodegen-units=16',
];

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  const given = process.argv.slice(2);
  const isPlain = given[0] === '--plain';
  const [seconds = '60', wanted, ...inputs] = isPlain ? given.slice(1) : given;
  const targets = readdirSync(path.join(FUZZ, 'fuzz_targets')).map((file) => path.basename(file, '.rs'));
  if (!/^\d+$/.test(seconds) || (wanted !== undefined && !targets.includes(wanted))) {
    throw new SetupError(`npm run fuzz:core -- [--plain] SECONDS TARGET, where TARGET is one of ${targets.join(', ')}`);
  }
  const chosen = wanted === undefined ? targets : [wanted];
  const programs = build(chosen, isPlain);
  const waiting = [...chosen];
  const failed = [];
  const worker = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      if (!(await fuzz(path.join(programs, target), target, seconds, inputs))) failed.push(target);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  else process.exitCode = 0;
});

/** The folder of the targets' programs. */
function build(targets, isPlain) {
  if (findCargo() === null) cargoMissing();
  if (!isPlain) needNightly();
  say('native build for libFuzzer (cargo; takes minutes when it is the first)');
  const bins = targets.flatMap((target) => ['--bin', target]);
  // Each kind in a folder of its own, so that neither is built anew for the other.
  const folder = isPlain ? path.join(FOLDER, 'plain') : FOLDER;
  const manifest = ['--manifest-path', path.join(FUZZ, 'Cargo.toml')];
  const args = ['build', '--release', '--locked', ...manifest, ...bins, '--target', TARGET, '--target-dir', folder];
  if (isPlain) execute('cargo', args, { ...cargoEnvironment(), RUSTFLAGS: FLAGS.join(' ') });
  else nightlyCargo(args, { RUSTFLAGS: [...FLAGS, '-Zsanitizer=address'].join(' ') });
  return path.join(folder, TARGET, 'release');
}

/** True: nothing was found. */
async function fuzz(program, target, seconds, inputs) {
  const [corpus, artifacts] = ['corpus', 'artifacts'].map((kind) => path.join(FOLDER, kind, target));
  for (const folder of [corpus, artifacts]) mkdirSync(folder, { recursive: true });
  const dictionary = path.join(FUZZ, 'dictionaries', `${target}.dict`);
  const options = [
    `-max_total_time=${seconds}`,
    `-seed=${seed}`,
    // An execution that takes longer has found something.
    '-timeout=10',
    '-rss_limit_mb=2048',
    '-malloc_limit_mb=512',
    '-print_final_stats=1',
    `-artifact_prefix=${artifacts}/`,
    ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
  ];
  const folders = inputs.length > 0 ? inputs : [corpus, path.join(FUZZ, 'seeds', target)];
  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' };
  const running = promisify(execFile)(program, [...options, ...folders], { cwd: FOLDER, env, maxBuffer: 2 ** 28 });
  const { stderr, code = 0 } = await running.catch((error) => error);
  const figure = (name) => new RegExp(`stat::${name}:\\s+(\\d+)`).exec(stderr)?.[1] ?? '?';
  const covered = stderr.match(/cov: (\d+)/g)?.at(-1) ?? 'cov: ?';
  const [all, each] = [figure('number_of_executed_units'), figure('average_exec_per_sec')];
  console.log(`${target}: ${all} executions (${each} a second), ${covered} edges, seed ${seed}`);
  if (code !== 0) console.log(stderr.split('\n').slice(-60).join('\n'));
  return code === 0;
}
