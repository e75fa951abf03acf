/** Where the time of an exchange went: a line for each phase, one after the other as they were. */

import { shownTime } from './sizes.js';

/** In their order, by the names of `response.timings`. */
const PHASES = ['pool', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'] as const;

/** @param columns Of a terminal, at most. */
export function waterfall(
  timings: { readonly [phase in (typeof PHASES)[number]]: number | null },
  columns: number,
): string[] {
  const phases = PHASES.map((name) => ({ name, time: timings[name] }));
  const total = phases.reduce((sum, { time }) => sum + (time ?? 0), 0);
  const width = Math.max(0, Math.min(40, columns - 22));
  let before = 0;
  const lines = phases.flatMap(({ name, time }) => {
    if (time === null) return [];
    const from = total === 0 ? 0 : Math.floor((before / total) * width);
    before += time;
    const to = total === 0 ? 0 : Math.ceil((before / total) * width);
    const bar = time === 0 ? '' : `${' '.repeat(from)}${'='.repeat(Math.max(1, to - from))}`;
    return [`${name.padEnd(8)} ${shownTime(time).padStart(9)}  ${bar}`.trimEnd()];
  });
  return [...lines, `${'total'.padEnd(8)} ${shownTime(total).padStart(9)}`];
}
