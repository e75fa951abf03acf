/**
 * `npm run bench`: every row of `rows.js`, each contender in a process of its own, in turn, over several rounds; with `--plot`
 * the sweeps of `sweeps.js` as well, and what is written of both.
 *
 * This file decides the order and nothing else: what a work measures is in `works/`, what is printed in `report.js`.
 */
import { writeFileSync } from 'node:fs';
import { isInstalled } from './contenders.js';
import { aboutThisMachine } from './machine.js';
import { readOptions } from './options.js';
import { startOrigins } from './origin.js';
import { showProgress } from './progress.js';
import { heading, printRow, printSummary, summarize } from './report.js';
import { rivalsOf } from './rows.js';
import { takeTurn } from './turn.js';
import { startTinyproxy } from './tinyproxy.js';

const NO_ORIGINS = { preferred: { name: 'in process' } };

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
process.exit(await bench(options));

async function bench(options) {
  const { rows, contenders, rounds, ms, origin, json, plot } = options;
  const needsOrigins = plot || rows.some(({ work }) => work !== 'in-process');
  const origins = needsOrigins ? await startOrigins(origin) : NO_ORIGINS;
  console.log(heading({ contenders, rounds, ms, origin: origins.preferred.name }));
  const results = [];
  const proxy = rows.some(({ tunnel }) => tunnel) ? await startTinyproxy() : null;
  for (const row of rows) {
    const missing =
      row.tunnel && proxy === null ? 'tinyproxy' : row.needs && origins.preferred.name !== row.needs && row.needs;
    if (missing) {
      console.error(`${row.name}: ${missing} is not there: left out`);
      continue;
    }
    const server = row.work === 'in-process' ? NO_ORIGINS.preferred : origins[row.origin ?? 'preferred'];
    const runs = await runRow(row, { ...origins, ...options, server, proxy });
    const result = summarize(row, server.name, runs);
    printRow(result);
    results.push(result);
  }
  printSummary(results);
  const about = aboutThisMachine(origins.preferred);
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ ...about, rounds, ms, rows: results }, null, 2)}\n`);
  }
  const failures = results.flatMap(({ errors }) => errors);
  if (plot) {
    const [{ sweep }, { writePages }] = await Promise.all([import('./sweep.js'), import('./pages.js')]);
    const swept = await sweep({ ...origins, ...options });
    failures.push(...swept.errors);
    await writePages({ about, options, results, sweeps: swept.sweeps });
  }
  return failures.length > 0 ? 1 : 0;
}

/** The contenders in turn, A B A B …: what slows the machine down for a minute slows both. */
async function runRow(row, { contenders: chosen, rounds, ...where }) {
  // What calls an app is no contender elsewhere, nor the other way round; and what is measured in threads has no rival.
  const others = row.work === 'workers' ? [] : rivalsOf(row);
  const asked = (row.work !== 'in-process' && chosen) || ['whippet', ...others];
  const contenders = asked.filter(isInstalled);
  const total = Math.min(rounds * (where.quick ? 1 : (row.timesPerRound ?? 1)), row.mostRounds ?? Infinity);
  const runs = Object.fromEntries(contenders.map((name) => [name, []]));
  for (let round = 1; round <= total; round++) {
    for (const name of contenders) {
      // One that failed is not asked again: its error is the result.
      if (runs[name].some(({ error }) => error !== undefined)) continue;
      showProgress(`${row.name}  ${round}/${total}  ${name}`);
      runs[name].push(await takeTurn(row, name, where).catch((error) => ({ error: error.message })));
    }
  }
  showProgress('');
  return runs;
}
