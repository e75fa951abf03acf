/** Measures the sweeps: of each line and port, its points one after the other in one process, in as many rounds as are asked for. */
import { isInstalled } from './contenders.js';
import { showProgress } from './progress.js';
import { median } from './report.js';
import { contenderAt, LINES, sweeps } from './sweeps.js';
import { isTool } from './tools.js';
import { takeTurn } from './turn.js';

const MOST_ROUNDS = 2;
const TIMES = { ms: 400, warmUp: 200 };
const QUICK = { ms: 200, warmUp: 100 };

/** `{ sweeps, errors }`: of each sweep its points' texts, and of each line its figures at those points, or null. */
export async function sweep({ rounds, quick, preferred, ...origins }) {
  const measured = [];
  const errors = [];
  const where = { ...origins, server: preferred, ...(quick ? QUICK : TIMES) };
  for (const sweep of sweeps) {
    const lines = LINES.map((line) => ({ ...line, rounds: sweep.points.map(() => []) }));
    for (let round = 1; round <= Math.min(rounds, MOST_ROUNDS); round++) {
      for (const line of lines) {
        for (const turn of turnsOf(line, sweep)) {
          if (line.failed || !isInstalled(turn.contender)) continue;
          showProgress(`${sweep.name}  ${round}  ${line.name}`);
          const results = await figuresOf(turn, where).catch((error) => {
            errors.push({ contender: line.name, error: error.message });
            console.error(`${sweep.name}: ${line.name} failed: ${error.message}`);
            line.failed = true;
            return [];
          });
          results.forEach((figures, at) => line.rounds[turn.at[at]].push(figures));
        }
      }
    }
    showProgress('');
    const points = sweep.points.map(({ text }) => text);
    measured.push({
      ...sweep,
      points,
      lines: lines.map(summed).filter(({ rps }) => rps.some((value) => value !== null)),
    });
  }
  return { sweeps: measured, errors };
}

/** The points that one process takes: same contender, same port. A tool takes one. */
function turnsOf(line, { points }) {
  const turns = new Map();
  points.forEach((point, at) => {
    const contender = contenderAt(line, point);
    if (contender === null || line.without?.includes(point.port)) return;
    const key = isTool(contender) ? `${at}` : `${contender} ${point.port}`;
    const turn = turns.get(key) ?? { contender, port: point.port, path: '/small', points: [], at: [] };
    turn.points.push(point);
    turn.at.push(at);
    turns.set(key, turn);
  });
  return [...turns.values()];
}

async function figuresOf({ contender, points, port, path }, where) {
  const turn = { port, path };
  if (isTool(contender)) return [await takeTurn({ ...turn, ...points[0] }, contender, where)];
  const { results, error } = await takeTurn({ ...turn, points, work: 'sweep' }, contender, where);
  if (error !== undefined) throw new Error(error);
  return results;
}

function summed({ name, isLimit = false, rounds }) {
  const figure = (key) => rounds.map((figures) => median(figures.map((one) => one[key])));
  return { name, isLimit, rps: figure('rps'), main: figure('main') };
}
