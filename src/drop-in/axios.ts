/**
 * `whippet/axios`: an adapter for axios ≥ 1.
 *
 * ```js
 * import axios from 'axios';
 * import { adapter } from 'whippet/axios';
 *
 * const api = axios.create({ adapter });
 * ```
 */

import type { Client } from '../client/client.js';
import type { ClientOptions } from '../client/options.js';
import { AxiosCall } from './axios/call.js';
import type { AxiosConfig, AxiosResponse } from './axios/types.js';
import { loadAxios } from './axios/types.js';
import { DerivedClients } from './derived-clients.js';

export type { AxiosConfig, AxiosResponse };

/** What axios calls with each request's configuration. @since 0.1.0 */
export type AxiosAdapter = ((config: AxiosConfig) => Promise<AxiosResponse>) & { close(): Promise<void> };

/**
 * An adapter over a client, which stays its owner's to close, or over one made from options, closed by `adapter.close()`.
 *
 * `proxy`, `socketPath` and the TLS options of an `httpsAgent` of a request are honoured by clients of their own; over a client that
 * was handed in they are refused by name, as are agents of other kinds.
 *
 * @throws TypeError, RangeError for bad options, naming them
 * @since 0.1.0
 */
export function createAdapter(clientOrOptions?: Client | ClientOptions): AxiosAdapter {
  const clients = new DerivedClients(clientOrOptions, 'createAdapter()');
  const adapter = async (config: AxiosConfig) => new AxiosCall(await loadAxios(config), clients, config).run();
  return Object.assign(adapter, { close: () => clients.close() });
}

/** The adapter with default options. @since 0.1.0 */
export const adapter: AxiosAdapter = createAdapter();
