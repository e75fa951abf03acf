/** A timeout in process, where app and client share one event loop. The network's are measured by the core. */

import { clearTimeout, now, setImmediate, setTimeout } from '../../real-time.js';

/**
 * Calls back after so many milliseconds of quiet. A loop that was busy for long is no silence: Node's timers count from the
 * beginning of a turn and come first in the next, so what has happened meanwhile is heard before it counts.
 */
export class QuietTimer {
  #ms: number;
  #expired: () => void;
  #timer: NodeJS.Timeout | null = null;
  #since = 0;

  constructor(ms: number, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  /** From the beginning, also when it runs already. */
  start(): void {
    this.#since = now();
    if (this.#timer === null) this.#timer = setTimeout(() => this.#fire(), this.#ms);
    else this.#timer.refresh();
  }

  stop(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #fire(): void {
    const since = this.#since;
    const left = this.#ms - (now() - since);
    if (left >= 1) {
      this.#timer = setTimeout(() => this.#fire(), left);
      return;
    }
    setImmediate(() => {
      if (this.#timer !== null && this.#since === since) this.#expired();
    });
  }
}
