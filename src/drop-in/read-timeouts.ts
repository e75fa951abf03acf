/** A client's timeouts with another limit for silence. */

import { TimeoutConfig } from '../timeout.js';

/** The network knows timeouts by their identity: those of one request after the other are one object. */
export class ReadTimeouts {
  #base: TimeoutConfig | null = null;
  #made: TimeoutConfig | null = null;

  of(base: TimeoutConfig, readTimeout: number | null, writeTimeout: number | null): TimeoutConfig {
    const made = this.#made;
    if (made !== null && this.#base === base) {
      if (made.readTimeout === readTimeout && made.writeTimeout === writeTimeout) return made;
    }
    const { connectTimeout, poolTimeout, totalTimeout } = base;
    this.#base = base;
    this.#made = new TimeoutConfig({ connectTimeout, poolTimeout, totalTimeout, readTimeout, writeTimeout });
    return this.#made;
  }
}
