/** The command line of `run.js`. */
import { parseArgs } from 'node:util';
import { CONTENDERS } from './contenders.js';
import { rows as allRows } from './rows.js';

/** What is not given on the command line. A plot has more to measure: each of its turns is shorter. */
const USUAL = { rounds: 5, ms: 2_000, warmUp: 1_000 };
const FOR_PLOTS = { rounds: 3, ms: 900, warmUp: 400 };
const QUICK = { rounds: 1, ms: 400, warmUp: 200 };

/** @throws Error for what makes no sense, saying what would. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string' },
      rounds: { type: 'string' },
      ms: { type: 'string' },
      contenders: { type: 'string' },
      origin: { type: 'string' },
      json: { type: 'string' },
      plot: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const defaults = values.quick ? QUICK : values.plot ? FOR_PLOTS : USUAL;
  return {
    rows: values.rows === undefined ? usualRows(values) : pick(values.rows, allRows),
    // By default the row's rivals, and whippet.
    contenders: values.contenders && known('contender', values.contenders, CONTENDERS),
    rounds: values.rounds === undefined ? defaults.rounds : atLeastOne('rounds', values.rounds),
    ms: values.ms === undefined ? defaults.ms : atLeastOne('ms', values.ms),
    warmUp: defaults.warmUp,
    origin: values.origin === undefined ? undefined : known('origin', values.origin, ['nginx', 'native'])[0],
    json: values.json,
    plot: values.plot,
    quick: values.quick,
  };
}

function usualRows({ quick }) {
  return allRows.filter((row) => !row.optional && !(quick && row.slow));
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
