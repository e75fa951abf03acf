/** A body that somebody looks over: how it ended, and what its errors are called. What the pieces are is the source's business. */

import type { BodySource } from './body-source.js';
import type { Headers } from '../headers.js';

/** What the observer is told; each at most once. */
export interface Observer {
  onEnd?(): void;
  /** Returns what the reader gets instead of the reason. */
  onError?(reason: unknown): unknown;
  onCancel?(): void;
}

/** The same source, observed. */
export class ObservedSource implements BodySource {
  #source: BodySource;
  #observer: Observer | null;

  constructor(source: BodySource, observer: Observer) {
    this.#source = source;
    this.#observer = observer;
  }

  get received(): number {
    return this.#source.received;
  }

  get trailers(): Headers | null {
    return this.#source.trailers;
  }

  get elapsed(): number | null {
    return this.#source.elapsed;
  }

  async read(raw: boolean): Promise<Buffer | null> {
    let piece: Buffer | null;
    try {
      piece = await this.#source.read(raw);
    } catch (reason) {
      const observer = this.#take();
      throw observer?.onError === undefined ? reason : observer.onError(reason);
    }
    if (piece === null) this.#take()?.onEnd?.();
    return piece;
  }

  cancel(): void {
    this.#source.cancel();
    this.#take()?.onCancel?.();
  }

  #take(): Observer | null {
    const observer = this.#observer;
    this.#observer = null;
    return observer;
  }
}
