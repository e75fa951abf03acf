/** How latencies are spread: a line for each range of them. */

import { shownTime } from './sizes.js';

const MAX_LINES = 12;

/** Ranges of equal width up to the slowest per cent, which has the last line. @param columns Of the terminal. */
export function histogram(values: readonly number[], columns: number): string[] {
  const sorted = [...values].sort((a, b) => a - b);
  const least = sorted[0];
  const most = sorted[Math.ceil(sorted.length * 0.99) - 1];
  const lines = Math.min(MAX_LINES, Math.max(1, Math.ceil(Math.sqrt(sorted.length))));
  const step = (most - least) / lines || 1;
  const counts = Array.from({ length: lines }, () => 0);
  let beyond = 0;
  for (const value of sorted) {
    if (value > most) beyond++;
    else counts[Math.min(lines - 1, Math.floor((value - least) / step))]++;
  }
  const rows = counts.map((count, index): [string, number] => [
    `${shownTime(least + step * index)} – ${shownTime(least + step * (index + 1))}`,
    count,
  ]);
  if (beyond > 0) rows.push([`more, up to ${shownTime(sorted.at(-1) as number)}`, beyond]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const digits = Math.max(...rows.map(([, count]) => String(count).length));
  const room = Math.max(1, Math.min(50, columns - width - digits - 4));
  const highest = Math.max(...rows.map(([, count]) => count));
  return rows.map(([name, count]) => {
    const bar = '#'.repeat(Math.ceil((count / highest) * room));
    return `${name.padStart(width)}  ${String(count).padStart(digits)} ${bar}`.trimEnd();
  });
}
