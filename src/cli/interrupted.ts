/** Ctrl+C and SIGTERM: what is under way ends, and the exit code says by which of them. */

import { EXIT } from './exit-code.js';

const EXIT_CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: keyof typeof EXIT_CODES = 'SIGINT') {
    super('interrupted');
    this.name = 'Interrupted';
    this.exitCode = EXIT_CODES[signal];
  }
}

/** Aborts with Interrupted at a signal. SIGHUP has its usual end, as nohup has it ignored, which a listener would undo. */
export function abortOnSignals(abort: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // The second time there is no patience left: without a listener it has its usual end.
      abort.abort(new Interrupted(signal));
    });
  }
}
