/** Writes what a run with `--plot` has measured: plots and figures into docs/performance/, tables into docs/performance.md and README. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { bound, goalName, shown } from './report.js';
import { rivalsOf, rows as allRows } from './rows.js';
import { barPlot, linePlot } from './svg.js';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'docs', 'performance');

const MEASURES = {
  requests: { key: 'rps', unit: 'requests/s' },
  cpu: { key: 'main', unit: 'µs of the main thread per request' },
};

export async function writePages({ about, options, results, sweeps }) {
  mkdirSync(FOLDER, { recursive: true });
  for (const sweep of sweeps) {
    for (const [name, { key, unit }] of Object.entries(MEASURES)) {
      const { title, axis, points, logarithmic } = sweep;
      const series = sweep.lines
        .map((line) => ({ ...line, values: line[key] }))
        .filter(({ values }) => values.some(isNumber));
      const plot = sweep.bars ? barPlot : linePlot;
      // CPU per request differs by more than what a linear axis can show.
      const svg = plot({
        title,
        axis,
        unit,
        points,
        series,
        logarithmic: logarithmic || (name === 'cpu' && !sweep.bars),
      });
      writeFileSync(join(FOLDER, `${sweep.name}-${name}.svg`), svg);
    }
  }
  const { rounds, ms } = options;
  const figures = {
    ...about,
    rounds,
    ms,
    sweeps: sweeps.map(({ name, points, lines }) => ({ name, points, lines })),
    rows: results.map(({ contenders, ...row }) => ({
      ...row,
      contenders: contenders.map((contender) => ({ ...contender, rounds: undefined })),
    })),
  };
  await write(join(FOLDER, 'figures.json'), JSON.stringify(figures));
  await fill(join(ROOT, 'docs', 'performance.md'), {
    machine: machine(about, options),
    plots: sweeps.flatMap(plotsOf).join('\n\n'),
    sweeps: sweeps.map(sweepTable).join('\n\n'),
    goals: goalsTable(results),
  });
  const readme = allRows.filter((row) => row.readme);
  const measured = readme.map((row) => [row, results.find(({ name }) => name === row.name)]);
  const isWhole = measured.every(([, result]) => result?.contenders.length > 0);
  // A table with holes would take the place of a whole one.
  if (isWhole) await fill(join(ROOT, 'README.md'), { table: `${whereText(about)}\n\n${readmeTable(measured)}` });
  else console.error('README.md: not every row of its table was measured: left as it is');
}

/** What stands between `<!-- bench NAME -->` and `<!-- /bench -->` gives way to the text of that name. */
async function fill(file, texts) {
  let page = readFileSync(file, 'utf8');
  for (const [name, text] of Object.entries(texts)) {
    const [begin, end] = [`<!-- bench ${name} -->`, '<!-- /bench -->'];
    const from = page.indexOf(begin);
    const to = page.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`${file} has no place for '${name}'`);
    page = `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`;
  }
  await write(file, page);
}

async function write(file, text) {
  const config = await prettier.resolveConfig(file);
  writeFileSync(file, await prettier.format(text, { ...config, filepath: file }));
}

function whereText({ cpus, node, origin, versions, date }) {
  const undici = versions.find((version) => version.startsWith('undici '));
  return `${cpus} cores, Node ${node}, ${origin} as the server, ${undici} with default options; ${date}:`;
}

function machine({ date, cpu, cpus, memory, system, node, origin, versions }, { rounds, ms }) {
  const rest = versions.filter((version) => !version.startsWith('Node '));
  return table(
    ['', ''],
    [
      ['Date', date],
      ['Machine', `${cpus} cores (${cpu}), ${memory} GiB, ${system}`],
      ['Server', `${origin}, in a process of its own on the same machine`],
      ['Versions', [`Node ${node}`, ...rest].join(', ')],
      ['Rows', `${rounds} rounds of ${ms} ms for each contender`],
    ],
  );
}

function plotsOf({ name, question, axis }) {
  const images = Object.entries(MEASURES).map(
    ([measure, { unit }]) => `![${unit} by ${axis}](performance/${name}-${measure}.svg)`,
  );
  return [`### ${question}`, ...images];
}

function sweepTable({ title, points, lines }) {
  const rate = (value) => (isNumber(value) ? Math.round(value).toLocaleString('en') : '–');
  const cell = ({ rps, main }, at) => (isNumber(main[at]) ? `${rate(rps[at])} · ${shown(main[at], 1)}` : rate(rps[at]));
  const body = lines.map((line) => [line.name, ...points.map((_, at) => cell(line, at))]);
  return `${title}: requests/s · µs of the main thread per request\n\n${table(['', ...points], body)}`;
}

function goalsTable(results) {
  const body = results.flatMap(({ title, goals }) =>
    goals.map((goal, at) => [
      at === 0 ? title : '',
      goalName(goal),
      bound(goal),
      `${shown(goal.value, 2)}${MARKS[goal.verdict]}`,
    ]),
  );
  return table(['row', 'what', 'goal', 'measured'], body);
}

const MARKS = { ok: '', below: ' (not reached)', 'not measured': '' };

function readmeTable(measured) {
  const body = measured.map(([row, { contenders }]) => {
    const ours = contenders.find(({ name }) => name === 'whippet');
    const [rival] = rivalsOf(row);
    const { rps, main, wall } = ours?.ratio[rival] ?? {};
    if (row.work === 'first-request') return [row.readme, '', `time × ${shown(wall, 2)}`, ''];
    const name = rival === 'undici' ? '' : ' (node:http2)';
    return [row.readme, Math.round(ours.rps).toLocaleString('en'), `${shown(rps, 1)}${name}`, shown(main, 2)];
  });
  return table(['work', 'requests/s', '÷ undici', 'main-thread CPU ÷ undici'], body);
}

function table(head, body) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

function isNumber(value) {
  return typeof value === 'number';
}
