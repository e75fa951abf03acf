/** One client for what requests have in common, and one more for each proxy, socket or TLS option that a request brings along. */

import type { Agent as HttpAgent } from 'node:http';
import { Client } from '../client/client.js';
import type { ClientOptions } from '../client/options.js';
import { ClientHolder } from './client-holder.js';

export class DerivedClients {
  #holder: ClientHolder;
  /** null: a client was handed in. */
  #options: ClientOptions | null;
  /** By what differs, the oldest first. */
  #others = new Map<string, Client>();

  /** @throws TypeError, RangeError for bad options, naming them */
  constructor(clientOrOptions: Client | ClientOptions | undefined, what: string) {
    this.#holder = new ClientHolder(clientOrOptions, DEFAULTS, what);
    this.#options = clientOrOptions instanceof Client ? null : { ...DEFAULTS, ...clientOrOptions };
  }

  /**
   * The client for a request with these options of its own.
   * @throws TypeError when there are some, and the client was handed in
   */
  for(own: ClientOptions): Client {
    const names = Object.keys(own);
    if (names.length === 0) return this.#holder.client;
    if (this.#options === null) {
      throw new TypeError(`${names.join(', ')}: not for a client that was handed in; it has options of its own`);
    }
    const key = JSON.stringify(own, (_, value: unknown) => {
      if (typeof value === 'function') return `function ${numberOf(value)}`;
      return value instanceof Uint8Array ? [...value] : value;
    });
    const known = this.#others.get(key);
    if (known !== undefined) return known;
    if (this.#others.size >= MAX_CLIENT_COUNT) {
      const [oldest, client] = this.#others.entries().next().value as [string, Client];
      this.#others.delete(oldest);
      // What it fails with concerns no request.
      client.close().catch(() => {});
    }
    const client = new Client({ ...this.#options, ...own });
    this.#others.set(key, client);
    return client;
  }

  async close(): Promise<void> {
    const others = [...this.#others.values()];
    this.#others.clear();
    await Promise.all([this.#holder.close(), ...others.map((client) => client.close())]);
  }
}

/** Node's TLS options as ours. */
export function tlsOptions(given: Record<string, unknown>): ClientOptions {
  const { ca, cert, key, passphrase, pfx, rejectUnauthorized } = given;
  const own: ClientOptions = {};
  if (rejectUnauthorized === false) own.verify = false;
  else if (ca !== undefined && ca !== null) own.verify = ca as string;
  const password = passphrase === undefined ? {} : { password: passphrase as string };
  if (cert !== undefined && key !== undefined) own.cert = { cert: cert as string, key: key as string, ...password };
  else if (pfx !== undefined) own.cert = { pfx: pfx as Uint8Array, ...password } as unknown as ClientOptions['cert'];
  return own;
}

/** Pooling is ours: of an agent the options count, and one that connects in a way of its own cannot be followed. */
export function isPlainAgent(agent: unknown, kind: typeof HttpAgent): boolean {
  return (
    agent === undefined || agent === null || (agent instanceof kind && Object.getPrototypeOf(agent) === kind.prototype)
  );
}

/** Functions are told apart by identity. */
function numberOf(given: object): number {
  const known = numbers.get(given) ?? ++lastNumber;
  numbers.set(given, known);
  return known;
}

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

const MAX_CLIENT_COUNT = 32;
/** As the clients that are replaced: no limit but for connecting, no cookies. */
const DEFAULTS: ClientOptions = { timeout: { connect: 10_000, read: null, write: null, pool: null }, cookies: false };
