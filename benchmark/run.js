/**
 * `npm run bench`: every row of `rows.js`, each contender in a process of its own, in turn, over several rounds.
 *
 * This file decides the order and nothing else: what a work measures is in `works/`, what is printed in `report.js`.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run, withManyFiles } from './children.js';
import { startOrigins } from './origin.js';
import { heading, printRow, printSummary, summarize } from './report.js';
import { rivalsOf, rows as allRows } from './rows.js';
import { startTinyproxy } from './tinyproxy.js';

const HERE = import.meta.dirname;
const CONTENDERS = ['whippet', 'undici', 'undici-tuned', 'undici-h2', 'fetch', 'http', 'http2', 'got', 'axios'];
const WARM_UP = 1_000;
const SLACK = 30_000;
const NO_ORIGINS = { preferred: { name: 'in process' } };

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
process.exit(await bench(options));

async function bench({ rows, contenders, rounds, ms, origin, json }) {
  const origins = rows.some(({ work }) => work !== 'in-process') ? await startOrigins(origin) : NO_ORIGINS;
  console.log(heading({ contenders, rounds, ms, origin: origins.preferred.name }));
  const results = [];
  const proxy = rows.some(({ tunnel }) => tunnel) ? await startTinyproxy() : null;
  for (const row of rows) {
    if (row.tunnel && proxy === null) {
      console.error(`${row.name}: tinyproxy is not installed: left out`);
      continue;
    }
    const server = row.work === 'in-process' ? NO_ORIGINS.preferred : origins[row.origin ?? 'preferred'];
    // What calls an app is no contender elsewhere, nor the other way round.
    const who = row.work === 'in-process' ? undefined : contenders;
    const runs = await runRow(row, { server, contenders: who, rounds, ms, proxy, ...origins });
    const result = summarize(row, server.name, runs);
    printRow(result);
    results.push(result);
  }
  printSummary(results);
  if (json !== undefined) {
    const about = { date: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length };
    writeFileSync(json, `${JSON.stringify({ ...about, rounds, ms, rows: results }, null, 2)}\n`);
  }
  return results.some(({ errors }) => errors.length > 0) ? 1 : 0;
}

/** The contenders in turn, A B A B …: what slows the machine down for a minute slows both. */
async function runRow(row, { contenders: chosen, rounds, ...where }) {
  const contenders = chosen ?? ['whippet', ...rivalsOf(row)];
  const total = Math.min(rounds * (row.timesPerRound ?? 1), row.mostRounds ?? Infinity);
  const runs = Object.fromEntries(contenders.map((name) => [name, []]));
  for (let round = 1; round <= total; round++) {
    for (const name of contenders) {
      // One that failed is not asked again: its error is the result.
      if (runs[name].some(({ error }) => error !== undefined)) continue;
      showProgress(`${row.name}  ${round}/${total}  ${name}`);
      runs[name].push(await runOnce(row, name, where).catch((error) => ({ error: error.message })));
    }
  }
  showProgress('');
  return runs;
}

async function runOnce(row, contender, { server, ms, proxy, caFile, netrc }) {
  const port = row.ports?.[contender] ?? row.port;
  const tls = port === 'https' || port === 'h2';
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${server[port]}${row.path}`;
  const env = environment({
    ...(tls && contender === 'fetch' && { NODE_EXTRA_CA_CERTS: caFile }),
    ...(row.dressed && { NETRC: netrc }),
  });
  const certificate = tls ? { caFile } : {};
  if (row.work === 'first-request') {
    const args = [join(HERE, 'first-request.js'), contender, url, row.bytes, ...Object.values(certificate)];
    const { code, wall, stdout, stderr } = await run(process.execPath, args.map(String), { timeout: SLACK, env });
    return code === 0 ? { answered: Number(stdout), wall } : { error: stderr.trim() || `exit code ${code}` };
  }
  const job = { ...row, contender, url, ms, warmUp: WARM_UP, ...certificate, ...(row.tunnel && { proxy }) };
  const worker = ['--expose-gc', join(HERE, 'worker.js'), JSON.stringify(job)];
  const command = row.work === 'idle' ? withManyFiles(process.execPath, worker) : [process.execPath, worker];
  const { code, signal, stdout, stderr } = await run(...command, { timeout: WARM_UP + ms + SLACK, env });
  const line = stdout.trim().split('\n').at(-1);
  return line ? JSON.parse(line) : { error: stderr.trim() || `ended with ${signal ?? code} and said nothing` };
}

/** The contenders ask the origin, not a proxy that this shell happens to name. */
function environment(more) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/_proxy$|^NODE_(OPTIONS|EXTRA_CA_CERTS)$/i.test(name),
  );
  return { ...Object.fromEntries(inherited), ...more };
}

function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      ms: { type: 'string', default: '2000' },
      contenders: { type: 'string' },
      origin: { type: 'string' },
      json: { type: 'string' },
    },
  });
  return {
    rows: values.rows === undefined ? allRows.filter(({ optional }) => !optional) : pick(values.rows, allRows),
    // By default the row's rivals, and whippet.
    contenders: values.contenders && known('contender', values.contenders, CONTENDERS).filter(isInstalled),
    rounds: atLeastOne('rounds', values.rounds),
    ms: atLeastOne('ms', values.ms),
    origin: values.origin === undefined ? undefined : known('origin', values.origin, ['nginx', 'native'])[0],
    json: values.json,
  };
}

function pick(list, from) {
  const names = from.map(({ name }) => name);
  return known('row', list, names).map((name) => from[names.indexOf(name)]);
}

function known(what, list, names) {
  const chosen = list.split(',');
  const stranger = chosen.find((name) => !names.includes(name));
  if (stranger !== undefined) throw new Error(`no ${what} '${stranger}': there are ${names.join(', ')}`);
  return chosen;
}

function atLeastOne(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number, not '${text}'`);
  return number;
}

function isInstalled(name) {
  // got and axios need not be installed: their rows run where they are.
  if (name !== 'got' && name !== 'axios') return true;
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    console.error(`${name} is not installed: left out`);
    return false;
  }
}

function showProgress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
