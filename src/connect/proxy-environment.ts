/**
 * The proxies that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. What a proxy's URL means is told by
 * http-proxy.ts, which requests ask for it by proxies.ts. Operating systems have settings of their own; those are not read.
 */

import { NoProxy } from './no-proxy.js';
import type { URL } from '../url/url.js';

/** A variable that names a proxy. */
export interface ProxyVariable {
  /** As it is spelt in the environment. */
  readonly name: string;
  /** Trimmed, not empty; with 'http://' where no scheme was given. */
  readonly value: string;
}

/**
 * A snapshot of the variables. Names in lower case come before those in upper case, and those before mixed ones (`Http_Proxy`); an
 * empty one counts as well: `http_proxy=` unsets HTTP_PROXY.
 *
 * With REQUEST_METHOD in the environment this is a CGI program, to which a request's `Proxy:` header arrives as HTTP_PROXY
 * (CVE-2016-5385, "httpoxy"): only `http_proxy` in lower case is trusted then.
 */
export class ProxyEnvironment {
  #proxies = new Map<string, ProxyVariable>();
  #noProxy = NO_EXCEPTION;

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    // Not `Object.keys`, which asks `process.env` for each of them once more.
    const names = Object.getOwnPropertyNames(environment).filter((name) => spellings.test(name));
    if (names.length === 0) return;
    const isCGI = Object.hasOwn(environment, 'REQUEST_METHOD');
    const find = (wanted: string): string | undefined => {
      const spelt = names.filter((name) => name.toLowerCase() === wanted);
      const trusted = isCGI && wanted === 'http_proxy' ? spelt.filter((name) => name === wanted) : spelt;
      return [wanted, wanted.toUpperCase()].find((name) => trusted.includes(name)) ?? trusted.at(0);
    };
    for (const scheme of ['http', 'https', 'all']) {
      const name = find(`${scheme}_proxy`);
      const value = name === undefined ? '' : (environment[name] ?? '').trim();
      if (name !== undefined && value !== '') {
        this.#proxies.set(scheme, { name, value: value.includes('://') ? value : `http://${value}` });
      }
    }
    const name = find('no_proxy');
    if (name !== undefined) this.#noProxy = new NoProxy(environment[name] ?? '');
  }

  /** No variable names a proxy. */
  get isEmpty(): boolean {
    return this.#proxies.size === 0;
  }

  /** The variable that is responsible for the URL; null: it is reached directly. Another scheme than http and https has ALL_PROXY. */
  variableFor(url: URL): ProxyVariable | null {
    if (this.isEmpty) return null;
    const { scheme } = url;
    const variable = (scheme === 'all' ? undefined : this.#proxies.get(scheme)) ?? this.#proxies.get('all');
    return variable === undefined || this.#noProxy.covers(url) ? null : variable;
  }
}

const NO_EXCEPTION = new NoProxy('');
const spellings = /^(?:http|https|all|no)_proxy$/i;
