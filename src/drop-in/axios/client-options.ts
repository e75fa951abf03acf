/** What of axios' configuration is an option of a client. */

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { ClientOptions } from '../../client/options.js';
import { isPlainAgent, tlsOptions } from '../derived-clients.js';
import { fromNodeLookup } from '../node-lookup.js';
import type { Axios, AxiosConfig, AxiosProxy } from './types.js';

/** @throws AxiosError for what cannot be done */
export function clientOptionsOf(axios: Axios, config: AxiosConfig): ClientOptions {
  const own: ClientOptions = {};
  if (config.proxy === false) own.proxies = null;
  else if (config.proxy) own.proxies = proxyUrl(axios, config.proxy, config);
  if (config.socketPath) {
    if (typeof config.socketPath !== 'string') {
      throw new axios.AxiosError('socketPath must be a string', 'ERR_BAD_OPTION_VALUE', config);
    }
    own.socketPath = config.socketPath;
  }
  if (typeof config.lookup === 'function') own.lookup = fromNodeLookup(config.lookup as () => unknown);
  checkAgent(axios, 'httpAgent', config.httpAgent, HttpAgent, config);
  checkAgent(axios, 'httpsAgent', config.httpsAgent, HttpsAgent, config);
  if (config.httpsAgent)
    Object.assign(own, tlsOptions((config.httpsAgent as HttpsAgent).options as Record<string, unknown>));
  return own;
}

function checkAgent(axios: Axios, name: string, agent: unknown, kind: typeof HttpAgent, config: AxiosConfig): void {
  if (isPlainAgent(agent, kind)) return;
  const message = `${name}: an agent of another kind than Node’s own cannot be used; see the options of createAdapter()`;
  throw new axios.AxiosError(message, 'ERR_NOT_SUPPORT', config);
}

function proxyUrl(axios: Axios, proxy: AxiosProxy, config: AxiosConfig): string {
  const { protocol = 'http', port, auth } = proxy;
  const host = proxy.hostname ?? proxy.host;
  if (typeof host !== 'string') throw new axios.AxiosError('proxy: host is missing', 'ERR_BAD_OPTION_VALUE', config);
  const user = auth ? `${userinfoOf(auth)}@` : '';
  return `${protocol.replace(/:$/, '')}://${user}${host}${port === undefined || port === '' ? '' : `:${port}`}`;
}

/** axios takes it as one text, too. */
function userinfoOf(auth: NonNullable<AxiosProxy['auth']> | string): string {
  if (typeof auth !== 'string') return `${encode(auth.username)}:${encode(auth.password)}`;
  const at = auth.indexOf(':');
  return at === -1 ? encode(auth) : `${encode(auth.slice(0, at))}:${encode(auth.slice(at + 1))}`;
}

function encode(text: string | undefined): string {
  return encodeURIComponent(text ?? '');
}
