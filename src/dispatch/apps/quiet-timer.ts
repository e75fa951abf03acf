/** A timeout in process, where app and client share one event loop. The network's are measured by the core. */

import { clearTimeout, now, setImmediate, setTimeout } from '../../real-time.js';

/**
 * Calls back after so many milliseconds of quiet. A loop that was busy for long is no silence: Node's timers count from the
 * beginning of a turn and come first in the next, so what has happened meanwhile is heard before it counts. An app may need several
 * turns, too (a file, a pipeline): the time is counted in slices, of which each counts as one however late the loop comes to it.
 */
export class QuietTimer {
  #ms: number;
  #slice: number;
  #expired: () => void;
  #holdsProcess: boolean;
  #timer: NodeJS.Timeout | null = null;
  /** Of the slice that runs. */
  #since = 0;
  #left = 0;
  /** How often it was started: what was heard in the last turn starts it once more. */
  #starts = 0;

  constructor(ms: number, expired: () => void, holdsProcess = true) {
    this.#ms = ms;
    this.#slice = Math.ceil(ms / SLICES);
    this.#expired = expired;
    this.#holdsProcess = holdsProcess;
  }

  /** From the beginning, also when it runs already. */
  start(): void {
    this.#starts++;
    this.#left = this.#ms;
    this.#since = now();
    if (this.#timer === null) this.#set(this.#slice);
    else this.#timer.refresh();
  }

  stop(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #set(ms: number): void {
    this.#timer = setTimeout(() => this.#fire(), ms);
    if (!this.#holdsProcess) this.#timer.unref();
  }

  #fire(): void {
    const moment = now();
    this.#left -= Math.min(moment - this.#since, this.#slice);
    this.#since = moment;
    if (this.#left >= 1) {
      this.#set(Math.min(this.#left, this.#slice));
      return;
    }
    const starts = this.#starts;
    setImmediate(() => {
      if (this.#timer !== null && this.#starts === starts) this.#expired();
    });
  }
}

/** A loop that stands still for longer than the whole timeout takes an eighth of it. */
const SLICES = 8;
