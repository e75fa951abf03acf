/**
 * A pool's `lookup` at the binding: questions come up in batches, each answer goes down by itself. When there is a question, and who
 * shares its answer, is the core's to decide.
 */

import type { LookupFunction } from '../../connect/lookup.js';
import { lookUp, wordsOf } from '../../connect/lookup.js';
import type { LookupListener } from './listeners.js';
import * as native from './engine.js';

export class Resolver implements LookupListener {
  // A client may be reached from its own function: held here, neither would ever be collected. Requests under way hold it.
  #lookup: WeakRef<LookupFunction>;

  constructor(lookup: LookupFunction) {
    this.#lookup = new WeakRef(lookup);
  }

  onLookup(question: number, host: string): void {
    const lookup = this.#lookup.deref();
    const found = lookup === undefined ? Promise.reject(new Error('the client has gone')) : lookUp(lookup, host);
    found.then(
      (addresses) => native.answerLookup(question, addresses),
      (reason: unknown) => native.failLookup(question, reason, wordsOf(reason)),
    );
  }
}
