/** A pool in numbers, and in one line. */

import { inspect } from 'node:util';
import type { PoolHandle } from '../../native.js';
import type { PoolStats } from '../../types.js';

export class Stats implements PoolStats {
  readonly active: number;
  readonly idle: number;
  readonly queued: number;
  #drain: () => Promise<void>;

  constructor(pool: PoolHandle | null, drain: () => Promise<void>) {
    this.#drain = drain;
    this.active = pool?.active ?? 0;
    this.idle = pool?.idle ?? 0;
    this.queued = pool?.queued ?? 0;
  }

  drain(): Promise<void> {
    return this.#drain();
  }

  toString(): string {
    return `<Pool ${this.active} active, ${this.queued} queued | ${this.idle} idle>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** What a client without connections of its own shows. */
export function noPool(drain: () => Promise<void>): PoolStats {
  return new Stats(null, drain);
}
