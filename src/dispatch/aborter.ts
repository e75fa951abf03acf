/**
 * What ends the one request that a door holds, in the place of an AbortController: the network is called back, and needs no signal, which
 * with its listeners would cost more than the request. A dispatch that is not the network gets one (`withSignal`).
 */

import type { DispatchOptions } from './dispatch.js';

/** Of AbortSignal, what this package asks for: it goes where a signal goes, as far as the dispatch. */
export class Aborter {
  #reason: unknown;
  #isAborted = false;
  #controller: AbortController | null = null;
  /** Nearly always there is one: the exchange. */
  #listener: (() => void) | null = null;
  #others: Set<() => void> | null = null;

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Once; what comes after that has no effect. */
  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    const listeners = [this.#listener, ...(this.#others ?? [])];
    this.#listener = this.#others = null;
    for (const listener of listeners) listener?.();
    this.#controller?.abort(reason);
  }

  /** @throws the reason, when it was aborted */
  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }

  /** Calls `onAbort` when it is aborted; the function returned takes that back. */
  listen(onAbort: () => void): () => void {
    if (this.#listener === null) this.#listener = onAbort;
    else (this.#others ??= new Set()).add(onAbort);
    return () => {
      if (this.#listener === onAbort) this.#listener = null;
      else this.#others?.delete(onAbort);
    };
  }

  /** This, for the options of a call: the types that users see have signals only. */
  get asSignal(): AbortSignal {
    return this as unknown as AbortSignal;
  }

  /** A real one, that follows. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** As of a signal, for what listens to any. */
  addEventListener(...given: Parameters<AbortSignal['addEventListener']>): void {
    this.signal.addEventListener(...given);
  }

  removeEventListener(...given: Parameters<AbortSignal['removeEventListener']>): void {
    this.signal.removeEventListener(...given);
  }
}

/** The options with a signal in them that anything takes for one. */
export function withSignal(options: DispatchOptions): DispatchOptions {
  const signal: unknown = options.signal;
  return signal instanceof Aborter ? { ...options, signal: signal.signal } : options;
}
