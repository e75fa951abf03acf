/** The client behind a door: one that was handed in and stays its owner's, or one made from options, closed with the door. */

import { Client } from '../client/client.js';
import type { ClientOptions } from '../client/options.js';
import { typeName } from '../shown-text.js';

export class ClientHolder {
  #given: Client | null;
  #options: ClientOptions;
  #own: Client | null = null;

  /**
   * @param defaults Below the options that are given.
   * @throws TypeError, RangeError for bad options, naming them, at once
   */
  constructor(clientOrOptions: Client | ClientOptions | undefined, defaults: ClientOptions, what: string) {
    if (clientOrOptions instanceof Client) {
      this.#given = clientOrOptions;
      this.#options = {};
      return;
    }
    if (clientOrOptions !== undefined && (clientOrOptions === null || typeof clientOrOptions !== 'object')) {
      throw new TypeError(`${what}: expected a Client or its options, got ${typeName(clientOrOptions)}`);
    }
    this.#given = null;
    this.#options = { ...defaults, ...clientOrOptions };
    this.#own = new Client(this.#options);
  }

  get client(): Client {
    return this.#given ?? (this.#own ??= new Client(this.#options));
  }

  /** Closes what is idle now, the rest when it has ended. The next access makes a new client, as with Node's agents. */
  async close(): Promise<void> {
    const own = this.#own;
    this.#own = null;
    await own?.close();
  }
}
