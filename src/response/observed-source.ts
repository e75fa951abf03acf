/** A body with an observer, which is told how the body ended and may replace its errors. The chunks pass through unchanged. */

import type { Abortion, BodySource } from './body-source.js';
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
  readonly readWhole: BodySource['readWhole'];
  readonly drain: BodySource['drain'];
  readonly save: BodySource['save'];
  #source: BodySource;
  #observer: Observer | null;

  constructor(source: BodySource, observer: Observer) {
    this.#source = source;
    this.#observer = observer;
    const { readWhole, drain, save } = source;
    this.readWhole = readWhole && ((limit, tell) => this.#toEnd(() => readWhole.call(source, limit, tell)));
    this.drain = drain && (() => this.#toEnd(() => drain.call(source)));
    this.save = save && ((sink, tell) => this.#toEnd(() => save.call(source, sink, tell)));
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
    const piece = await this.#translating(() => this.#source.read(raw));
    if (piece === null) this.#take()?.onEnd?.();
    return piece;
  }

  async #toEnd<T>(work: () => Promise<T>): Promise<T> {
    const rest = await this.#translating(work);
    this.#take()?.onEnd?.();
    return rest;
  }

  async #translating<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (reason) {
      const observer = this.#take();
      throw observer?.onError === undefined ? reason : observer.onError(reason);
    }
  }

  abortion(): Abortion | null {
    const abortion = this.#source.abortion?.() ?? null;
    if (abortion === null) return null;
    const observer = this.#take();
    return observer?.onError === undefined ? abortion : { reason: observer.onError(abortion.reason) };
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
