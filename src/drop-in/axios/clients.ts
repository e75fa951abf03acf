/** One client for what requests have in common, and one more for each proxy, socket or TLS option that a request brings along. */

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Client } from '../../client/client.js';
import type { ClientOptions } from '../../client/options.js';
import { ClientHolder } from '../client-holder.js';
import type { Axios, AxiosConfig, AxiosProxy } from './types.js';

export class AxiosClients {
  #holder: ClientHolder;
  #options: ClientOptions | null;
  /** By what differs, the oldest first. */
  #others = new Map<string, Client>();

  constructor(clientOrOptions: Client | ClientOptions | undefined) {
    this.#holder = new ClientHolder(clientOrOptions, DEFAULTS, 'createAdapter()');
    this.#options = clientOrOptions instanceof Client ? null : { ...DEFAULTS, ...clientOrOptions };
  }

  /** @throws AxiosError for what this client cannot do */
  for(axios: Axios, config: AxiosConfig): Client {
    const own = ownOptions(axios, config);
    if (own === null) return this.#holder.client;
    if (this.#options === null) {
      const message = `${Object.keys(own).join(', ')}: not for a client that was handed in; it has options of its own`;
      throw new axios.AxiosError(message, 'ERR_BAD_OPTION', config);
    }
    const key = JSON.stringify(own, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
    const known = this.#others.get(key);
    if (known !== undefined) return known;
    if (this.#others.size >= MAX_CLIENT_COUNT) {
      const [oldest, client] = this.#others.entries().next().value as [string, Client];
      this.#others.delete(oldest);
      void client.close();
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

/** What of a request's configuration is an option of a client; null for nothing. */
function ownOptions(axios: Axios, config: AxiosConfig): ClientOptions | null {
  const own: ClientOptions = {};
  if (config.proxy === false) own.proxies = null;
  else if (config.proxy) own.proxies = proxyUrl(axios, config.proxy, config);
  if (config.socketPath) {
    if (typeof config.socketPath !== 'string') {
      throw new axios.AxiosError('socketPath must be a string', 'ERR_BAD_OPTION_VALUE', config);
    }
    own.socketPath = config.socketPath;
  }
  checkAgent(axios, 'httpAgent', config.httpAgent, HttpAgent, config);
  checkAgent(axios, 'httpsAgent', config.httpsAgent, HttpsAgent, config);
  if (config.httpsAgent) {
    const { options } = config.httpsAgent as { options: Record<string, unknown> };
    const { ca, cert, key, passphrase, pfx, rejectUnauthorized } = options;
    if (rejectUnauthorized === false) own.verify = false;
    else if (ca !== undefined) own.verify = ca as string;
    const password = passphrase === undefined ? {} : { password: passphrase as string };
    if (cert !== undefined && key !== undefined) own.cert = { cert: cert as string, key: key as string, ...password };
    else if (pfx !== undefined) own.cert = { pfx: pfx as Uint8Array, ...password } as unknown as ClientOptions['cert'];
  }
  return Object.keys(own).length === 0 ? null : own;
}

/** Pooling is ours; an agent that connects in a way of its own cannot be followed. */
function checkAgent(axios: Axios, name: string, agent: unknown, kind: typeof HttpAgent, config: AxiosConfig): void {
  if (agent === undefined || agent === null) return;
  const isPlain = agent instanceof kind && Object.getPrototypeOf(agent) === kind.prototype;
  if (isPlain) return;
  const message = `${name}: an agent of another kind than Node’s own cannot be used; see the options of createAdapter()`;
  throw new axios.AxiosError(message, 'ERR_NOT_SUPPORT', config);
}

function proxyUrl(axios: Axios, proxy: AxiosProxy, config: AxiosConfig): string {
  const { protocol = 'http', port, auth } = proxy;
  const host = proxy.hostname ?? proxy.host;
  if (typeof host !== 'string') throw new axios.AxiosError('proxy: host is missing', 'ERR_BAD_OPTION_VALUE', config);
  const user = auth === undefined ? '' : `${encode(auth.username)}:${encode(auth.password)}@`;
  return `${protocol.replace(/:$/, '')}://${user}${host}${port === undefined || port === '' ? '' : `:${port}`}`;
}

function encode(text: string | undefined): string {
  return encodeURIComponent(text ?? '');
}

const MAX_CLIENT_COUNT = 32;
/** As axios: no limit but for connecting, no cookies. */
const DEFAULTS: ClientOptions = { timeout: { connect: 10_000, read: null, write: null, pool: null }, cookies: false };
