/** axios' progress events, and `maxRate`. */

import { setTimeout } from 'node:timers/promises';
import type { Aborter } from '../../dispatch/aborter.js';
import { isThenable } from '../../thenable.js';
import { MAX_TIMER_MS } from '../../timeout.js';

/** Tells a listener at most three times a second, and at the end. */
export class Progress {
  #listener: ((event: object) => unknown) | undefined;
  #kind: 'upload' | 'download';
  #total: number | undefined;
  #loaded = 0;
  #reported = 0;
  #reportedAt = 0;
  #startedAt = performance.now();

  constructor(listener: ((event: object) => unknown) | undefined, kind: 'upload' | 'download', total: number | null) {
    this.#listener = listener;
    this.#kind = kind;
    this.#total = total ?? undefined;
  }

  /** @returns as `flush` */
  add(bytes: number): unknown {
    this.#loaded += bytes;
    const isDue = this.#listener !== undefined && performance.now() - this.#reportedAt >= INTERVAL_MS;
    return isDue ? this.flush() : undefined;
  }

  /** What is not reported yet. @returns what the listener does, which may be a promise */
  flush(): unknown {
    const listener = this.#listener;
    if (listener === undefined || this.#loaded === this.#reported) return undefined;
    const loaded = this.#loaded;
    const total = this.#total;
    const bytes = loaded - this.#reported;
    this.#reported = loaded;
    this.#reportedAt = performance.now();
    const seconds = (this.#reportedAt - this.#startedAt) / 1000;
    const rate = seconds > 0.001 ? loaded / seconds : undefined;
    const event = { lengthComputable: total !== undefined, total, loaded };
    return listener({
      loaded,
      total,
      progress: total ? loaded / total : undefined,
      bytes,
      rate,
      estimated: rate && total ? (total - loaded) / rate : undefined,
      event,
      lengthComputable: total !== undefined,
      [this.#kind]: true,
    });
  }
}

/** Chunks as they come, counted, and no faster than `rate` bytes a second. It waits until `ending` is aborted at most. */
export async function* paced(
  chunks: AsyncIterable<Buffer>,
  progress: Progress,
  rate: number | undefined,
  ending: Aborter,
): AsyncGenerator<Buffer> {
  const startedAt = performance.now();
  let sent = 0;
  for await (const chunk of chunks) {
    yield chunk;
    const told = progress.add(chunk.length);
    if (isThenable(told)) await settled(told, ending);
    sent += chunk.length;
    if (rate === undefined) continue;
    const due = startedAt + (sent / rate) * 1000 - performance.now();
    if (due <= 1) continue;
    const { signal } = ending;
    await setTimeout(Math.min(due, MAX_TIMER_MS), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  const told = progress.flush();
  if (isThenable(told)) await settled(told, ending);
}

/** A listener's promise, waited for until `ending` is aborted: what it rejects with is what the iterator throws. */
async function settled(told: PromiseLike<unknown>, ending: Aborter): Promise<void> {
  let unlisten: (() => void) | undefined;
  try {
    await new Promise<unknown>((resolve, reject) => {
      Promise.resolve(told).then(resolve, reject);
      if (ending.aborted) reject(ending.reason as Error);
      else unlisten = ending.listen(() => reject(ending.reason as Error));
    });
  } finally {
    unlisten?.();
  }
}

const INTERVAL_MS = 1000 / 3;
