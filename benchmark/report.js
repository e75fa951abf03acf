/** From the rounds of a row to medians, ratios and goals, and from those to text. Does not measure. */
import { rivalsOf } from './rows.js';

/** What is shown of each work: [key, heading, decimals], and the figures whose ratio to the rivals is of interest. */
const SHOWN = {
  throughput: {
    columns: [
      ['rps', 'req/s', 0],
      ['p50', 'p50 µs', 0],
      ['p99', 'p99 µs', 0],
      ['cpu', 'CPU µs', 1],
      ['main', 'main µs', 1],
      ['rss', 'RSS MB', 0],
    ],
    ratios: ['rps', 'p50', 'main', 'cpu'],
  },
  'first-request': {
    columns: [
      ['answered', 'answered at ms', 1],
      ['wall', 'ended at ms', 1],
    ],
    ratios: ['answered', 'wall'],
  },
  burst: {
    columns: [
      ['cold', 'last answer, cold, ms', 1],
      ['warm', 'warm ms', 1],
      ['coldness', 'cold ÷ warm', 2],
      ['connections', 'connections', 0],
    ],
    ratios: ['cold'],
  },
  'cold-burst': {
    columns: [
      ['burst', 'ms for all', 1],
      ['slowest', 'slowest ms', 1],
      ['cpu', 'CPU µs', 1],
    ],
    ratios: ['burst'],
  },
  preconnect: {
    columns: [
      ['cold', 'first ms', 2],
      ['warm', 'after preconnect ms', 2],
      ['share', 'after ÷ first', 2],
    ],
    ratios: [],
  },
  transfer: {
    columns: [
      ['rate', 'MiB/s', 0],
      ['cpu', 'CPU ms', 0],
      ['main', 'main ms', 1],
      ['growth', 'growth MB', 1],
    ],
    ratios: ['rate'],
  },
  tokens: {
    columns: [
      ['p50', 'p50 µs', 0],
      ['p99', 'p99 µs', 0],
    ],
    ratios: ['p50', 'p99'],
  },
  workers: {
    columns: [
      ['one', 'req/s of one', 0],
      ['several', 'of all', 0],
      ['cpuOfOne', 'CPU µs of one', 1],
      ['cpu', 'of all', 1],
      ['efficiency', 'CPU of one ÷ of all', 2],
    ],
    ratios: ['several'],
  },
  kept: {
    columns: [['each', 'bytes each', 0]],
    ratios: ['each'],
  },
  idle: {
    columns: [
      ['growth', 'growth MB', 1],
      ['rss', 'RSS MB', 1],
      ['seconds', 'opened in s', 2],
    ],
    ratios: ['growth'],
  },
  'in-use': {
    columns: [
      ['above', 'KiB each above idle', 1],
      ['alone', 'p99 µs alone', 0],
      ['beside', 'p99 µs beside', 0],
      ['slowdown', 'beside ÷ alone', 2],
    ],
    ratios: ['above'],
  },
  'new-client': {
    columns: [
      ['each', 'µs each', 2],
      ['threads', 'threads more', 0],
      ['growth', 'growth MB', 1],
    ],
    ratios: ['each'],
  },
};

SHOWN['in-process'] = SHOWN.throughput;

/** Whatever the row's goals are. */
const ALWAYS = new Set(['rps', 'main', 'answered', 'wall', 'rate', 'cold', 'growth', 'each']);

const NAMES = {
  rps: 'requests/s',
  p50: 'p50',
  p99: 'p99',
  main: 'main-thread CPU',
  cpu: 'process CPU',
  answered: 'time to the answer',
  wall: 'whole process',
  growth: 'MB of growth',
  each: 'what each takes',
  threads: 'threads more',
  cold: 'last answer',
  coldness: 'last answer, cold ÷ warm',
  connections: 'connections',
  burst: 'time for all',
  share: 'first request after preconnect() ÷ without',
  rate: 'MiB/s',
  above: 'KiB of each connection above idle',
  slowdown: 'p99 beside ÷ alone',
  several: 'requests/s of all',
  efficiency: 'CPU of a request, one worker ÷ two',
};

/** `runs`: contender → its rounds. */
export function summarize(row, origin, runs) {
  const { columns, ratios } = SHOWN[row.work];
  const errors = [];
  const contenders = [];
  for (const [name, rounds] of Object.entries(runs)) {
    const failed = rounds.find(({ error }) => error !== undefined);
    if (failed) {
      errors.push({ contender: name, error: failed.error });
      continue;
    }
    const medians = Object.fromEntries(columns.map(([key]) => [key, median(rounds.map((round) => round[key]))]));
    const against = (rival) => Object.fromEntries(ratios.map((key) => [key, medianRatio(key, rounds, runs[rival])]));
    const ratio = Object.fromEntries(rivalsOf(row).map((rival) => [rival, against(rival)]));
    contenders.push({ name, ...medians, ratio, rounds });
  }
  const ours = contenders.find(({ name }) => name === 'whippet');
  const [first] = rivalsOf(row);
  const goals = ours ? row.goals.map((goal) => judge(goal.ratio ? { rival: first, ...goal } : goal, ours)) : [];
  return { name: row.name, title: row.title, work: row.work, origin, contenders, goals, errors };
}

function judge(goal, ours) {
  const value = (goal.ratio ? ours.ratio[goal.rival] : ours)[goal.key];
  if (value === null) return { ...goal, value, verdict: 'not measured' };
  const reached = goal.atLeast === undefined ? value <= goal.atMost : value >= goal.atLeast;
  return { ...goal, value, verdict: reached ? 'ok' : 'below' };
}

/** The median over the rounds of what each was against the rival's of the same round. */
function medianRatio(key, rounds, rival = []) {
  const pairs = rounds.map((round, at) => [round[key], rival[at]?.[key]]);
  return median(pairs.map(([one, other]) => (typeof one === 'number' && other ? one / other : null)));
}

/** null of nothing. */
export function median(values) {
  const sorted = values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function heading({ contenders, rounds, ms, origin }) {
  const who = contenders?.join(' and ') ?? 'whippet and its rivals';
  return `${who} in turn, ${rounds} rounds of ${ms} ms; origin: ${origin}; Node ${process.version}\n`;
}

export function printRow({ name, title, work, origin, contenders, goals, errors }) {
  const { columns, ratios } = SHOWN[work];
  const rivals = Object.keys(contenders[0]?.ratio ?? {});
  const wanted = (rival, key) => ALWAYS.has(key) || goals.some((goal) => goal.key === key && goal.rival === rival);
  const compared = rivals
    .flatMap((rival) => ratios.map((key) => [rival, key]))
    // What a tool does not say of itself makes no column.
    .filter(([rival, key]) => wanted(rival, key) && contenders.some(({ ratio }) => ratio[rival][key] !== null));
  const head = ['', ...columns.map(([, text]) => text), ...compared.map(([rival, key]) => `${NAMES[key]} ÷ ${rival}`)];
  const lines = contenders.map((contender) => [
    contender.name,
    ...columns.map(([key, , decimals]) => shown(contender[key], decimals)),
    ...compared.map(([rival, key]) => shown(contender.ratio[rival][key], 2)),
  ]);
  console.log(`${name}: ${title} (${origin})`);
  if (contenders.length > 0) console.log(aligned([head, ...lines]));
  for (const { contender, error } of errors) console.log(`  ${contender} failed: ${error}`);
  for (const goal of goals) console.log(`  goal: ${goalText(goal)}`);
  console.log();
}

export function printSummary(results) {
  const goals = results.flatMap((result) => result.goals.map((goal) => ({ row: result.name, ...goal })));
  const missed = goals.filter(({ verdict }) => verdict !== 'ok');
  for (const goal of missed) console.log(`${goal.row}: ${goalText(goal)}`);
  if (goals.length > 0) console.log(`${goals.length - missed.length} of ${goals.length} goals reached`);
}

function goalText(goal) {
  return `${goalName(goal)} ${bound(goal)}: ${shown(goal.value, 2)} ${goal.verdict}`;
}

/** What a goal is of, e.g. `requests/s ÷ undici`. */
export function goalName({ key, rival }) {
  return `${NAMES[key]}${rival ? ` ÷ ${rival}` : ''}`;
}

/** E.g. `≥ 2.8`. */
export function bound({ atLeast, atMost }) {
  return atLeast === undefined ? `≤ ${rounded(atMost)}` : `≥ ${rounded(atLeast)}`;
}

function rounded(number) {
  return String(Number(number.toPrecision(3)));
}

export function shown(value, decimals) {
  return typeof value === 'number' ? value.toFixed(decimals) : '–';
}

/** Names to the left, numbers to the right. */
function aligned(table) {
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  return table.map((line) => `  ${line.map(pad).join('  ')}`).join('\n');
}
