/**
 * `npm run bench:guard`: how many instructions an exchange takes, against the counts in `instructions.json`. More than 3 % above
 * them fails. valgrind's callgrind counts, so that a busy machine says the same as a quiet one.
 *
 *   node benchmark/guard.js [--update]
 *
 * `--update` writes what was counted: after a change that is worth it, or that made it less.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as prettier from 'prettier';

const ROOT = join(import.meta.dirname, '..');
const COUNTS = join(import.meta.dirname, 'instructions.json');
const SLACK = 0.03;
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
const EXCHANGE = join(TARGET, 'release', 'whippet-bench-exchange');

/** Of each: the command of so many, and how many: what starting takes is in both counts, and goes out of the difference. */
const CASES = {
  'core, HTTP/1.1, 1 in flight': { command: (times) => [EXCHANGE, 'http1-1', times], times: [500, 1_500] },
  'core, HTTP/1.1, 50 in flight': { command: (times) => [EXCHANGE, 'http1-50', times], times: [500, 1_500] },
  'core, HTTP/2, 50 streams': { command: (times) => [EXCHANGE, 'http2-50', times], times: [500, 1_500] },
};

const { values: given } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
process.exit(await guard(given));

async function guard({ update }) {
  if (spawnSync('valgrind', ['--version']).status !== 0) {
    console.error('valgrind is not installed');
    return 2;
  }
  must('cargo', ['build', '--quiet', '--release', '--package', 'whippet-bench-exchange']);
  const compiler = must('rustc', ['--version']).stdout.split(' ')[1];
  const folder = mkdtempSync(join(tmpdir(), 'whippet-guard-'));
  const counts = Object.fromEntries(Object.entries(CASES).map(([name, one]) => [name, instructionsOf(one, folder)]));
  rmSync(folder, { recursive: true });
  if (update) {
    const text = JSON.stringify({ compiler, architecture: process.arch, counts });
    const config = await prettier.resolveConfig(COUNTS);
    writeFileSync(COUNTS, await prettier.format(text, { ...config, filepath: COUNTS }));
    for (const [name, count] of Object.entries(counts)) console.log(`${name}: ${count}`);
    return 0;
  }
  const known = JSON.parse(readFileSync(COUNTS, 'utf8'));
  // Another compiler makes other code of the same source: that is no change of ours.
  const isComparable = known.compiler === compiler && known.architecture === process.arch;
  if (!isComparable)
    console.log(`counted with Rust ${known.compiler} (${known.architecture}), here is ${compiler}: not compared`);
  let worse = 0;
  for (const [name, count] of Object.entries(counts)) {
    const more = count / known.counts[name] - 1;
    const failed = isComparable && !(more <= SLACK);
    if (failed) worse++;
    console.log(
      `${failed ? '✘' : '✔'} ${name}: ${count} instructions, ${more < 0 ? '' : '+'}${(more * 100).toFixed(1)} %`,
    );
  }
  if (worse > 0) console.log(`more than ${SLACK * 100} % above benchmark/instructions.json: worth it? then --update`);
  return worse > 0 ? 1 : 0;
}

/** Of one more. */
function instructionsOf({ command, times: [few, many] }, folder) {
  const counted = (times) => {
    const out = join(folder, 'callgrind.out');
    const args = ['--tool=callgrind', `--callgrind-out-file=${out}`, ...command(String(times))];
    return Number(/Collected : (\d+)/.exec(must('valgrind', args).stderr)[1]);
  };
  return Math.round((counted(many) - counted(few)) / (many - few));
}

function must(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return { stdout, stderr };
}
