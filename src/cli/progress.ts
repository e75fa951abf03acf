/** How far a download is, on stderr: a bar on a terminal, by cli-progress; plain lines elsewhere. */

import { SingleBar } from 'cli-progress';
import type { Output } from './output.js';
import { shownBytes, shownClock, shownSize } from './sizes.js';

/** What a download tells of itself. */
export interface Progress {
  /** @param total null: the server did not say. */
  update(received: number, total: number | null): void;
  /** Nothing more comes. */
  stop(): void;
}

/** Lines between the first and the last one, at least so many milliseconds apart. */
const LINE_INTERVAL_MS = 5_000;

export function openProgress(output: Output, isTerminal: boolean): Progress {
  return isTerminal ? new Bar(output) : new Lines(output);
}

class Lines implements Progress {
  #output: Output;
  #rate = new Rate();
  #last = performance.now();

  constructor(output: Output) {
    this.#output = output;
  }

  update(received: number, total: number | null): void {
    this.#rate.add(received);
    if (performance.now() - this.#last < LINE_INTERVAL_MS) return;
    this.#last = performance.now();
    const { perSecond } = this.#rate;
    const of =
      total === null ? '' : ` of ${shownSize(total)}, ${shownClock(Math.max(0, total - received) / perSecond)} left`;
    this.#output.note(`${shownSize(received)}${of}, ${shownSize(perSecond)}/s`);
  }

  stop(): void {}
}

class Bar implements Progress {
  #output: Output;
  #rate = new Rate();
  #bar: SingleBar | null = null;
  #received = 0;
  #total: number | null = null;

  constructor(output: Output) {
    this.#output = output;
  }

  update(received: number, total: number | null): void {
    this.#received = received;
    this.#total = total;
    this.#rate.add(received);
    if (this.#bar === null) {
      this.#bar = new SingleBar({
        format: () => barLine(this.#received, this.#total, this.#rate.perSecond, this.#output.columns),
        stream: process.stderr,
        // What it would switch off stays off when the command is killed; the line fits, so that it is not wrapped.
        hideCursor: false,
        linewrap: true,
        clearOnComplete: true,
        // Ctrl+C is the command's to answer.
        gracefulExit: false,
        fps: 10,
      });
      this.#bar.start(total ?? received, received);
    }
    if (total === null) this.#bar.setTotal(Math.max(received, 1));
    this.#bar.update(received);
  }

  stop(): void {
    this.#bar?.stop();
  }
}

/** One line that fits: the bar gets what is left, and what is least is left out first. */
export function barLine(received: number, total: number | null, perSecond: number, columns: number): string {
  const rate = `${shownSize(perSecond)}/s`;
  if (total === null) return fitting([`${shownSize(received)}  ${rate}`, shownSize(received)], columns);
  const share = total === 0 ? 1 : Math.min(1, received / total);
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
  const sizes = `${shownSize(received)} of ${shownSize(total)}`;
  const left = `${shownClock(Math.max(0, total - received) / perSecond)} left`;
  const text = fitting(
    [[sizes, rate, left].join('  '), [shownSize(received), rate, left].join('  '), [rate, left].join('  '), left, ''],
    columns - percent.length - 3,
  );
  const width = Math.min(40, columns - percent.length - text.length - 5);
  const bar = width < 5 ? '' : ` [${'#'.repeat(Math.round(share * width)).padEnd(width, '-')}]`;
  return `${percent}${bar} ${text}`;
}

function fitting(texts: readonly string[], columns: number): string {
  return texts.find((text) => text.length < columns) ?? '';
}

/** Bytes per second, over the last seconds. */
class Rate {
  #samples: { at: number; received: number }[] = [{ at: performance.now(), received: 0 }];
  #latest = 0;

  add(received: number): void {
    this.#latest = received;
    const at = performance.now();
    if (at - (this.#samples.at(-1)?.at ?? 0) < 100) return;
    this.#samples.push({ at, received });
    if (this.#samples.length > 50) this.#samples.shift();
  }

  get perSecond(): number {
    const [{ at, received }] = this.#samples;
    const seconds = (performance.now() - at) / 1000;
    return seconds <= 0 ? 0 : Math.max(0, this.#latest - received) / seconds;
  }
}

/** The last line: what is in the file. */
export function savedLine(path: string, size: number, resumedFrom: number, milliseconds: number): string {
  const resumed = resumedFrom === 0 ? '' : `, resumed from ${shownBytes(resumedFrom)}`;
  const rate = `${shownSize(((size - resumedFrom) * 1000) / Math.max(1, milliseconds))}/s`;
  return `saved ${path}: ${shownBytes(size)} (${shownSize(size)})${resumed}, ${rate}`;
}
