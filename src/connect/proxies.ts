/**
 * Which proxy a URL takes: by the option `proxies`, or, where there is none, by the environment. What a proxy is stands in
 * http-proxy.ts; requests ask again on every hop of a redirect.
 */

import type { ProxyVariable } from './proxy-environment.js';
import { ProxyEnvironment } from './proxy-environment.js';
import { ProxyError } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { HTTPProxy, toProxy } from './http-proxy.js';
import type { Request } from '../request/request.js';
import type { ProxiesOption } from '../types.js';
import type { URL } from '../url/url.js';
import { PatternMap } from '../url/pattern.js';

/** A client's proxies; made when the client is. */
export class Proxies {
  #map: PatternMap<HTTPProxy | null> | null = null;
  #environment: ProxyEnvironment | null = null;
  #trustEnv: boolean;
  /** By text, so that two names for one proxy share its connections. */
  #byUrl = new Map<string, HTTPProxy>();
  /** By origin, which is all that the answer depends on. */
  #known = new Map<string, HTTPProxy | null>();

  private constructor(trustEnv: boolean) {
    this.#trustEnv = trustEnv;
  }

  /**
   * null when no request can ever take a proxy.
   *
   * @param option `undefined` leaves it to the environment, which is read now.
   * @param trustEnv Whether the environment counts for requests that do not say.
   * @throws TypeError naming the key of `proxies` that is no pattern, or whose value is no proxy
   */
  static read(
    option: ProxiesOption | undefined,
    trustEnv: boolean,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ): Proxies | null {
    if (option === null) return null;
    const proxies = new Proxies(trustEnv);
    if (option === undefined) {
      const found = new ProxyEnvironment(environment);
      if (found.isEmpty) return null;
      proxies.#environment = found;
      return proxies;
    }
    const read = (value: unknown, where: string) => (value === null ? null : proxies.#proxy(value, where));
    proxies.#map = isProxy(option)
      ? new PatternMap({ all: option }, 'proxies', (value) => read(value, 'proxies'))
      : new PatternMap(option as object, 'proxies', read, SCHEMES);
    return proxies.#map.values().every((proxy) => proxy === null) ? null : proxies;
  }

  /**
   * null: directly.
   *
   * @param trustEnv Of the request; `undefined` is the client's.
   * @param request The error's.
   * @throws ProxyError naming the variable of the environment that is responsible for the URL and names no proxy
   */
  lookup(url: URL, trustEnv: boolean | undefined, request?: Request): HTTPProxy | null {
    if (this.#environment !== null && !(trustEnv ?? this.#trustEnv)) return null;
    const { origin } = url;
    let proxy = this.#known.get(origin);
    if (proxy === undefined) {
      const variable = this.#environment?.variableFor(url);
      proxy = (variable ? this.#named(variable, request) : this.#map?.lookup(url)) ?? null;
      if (this.#known.size >= MAX_KNOWN_COUNT) this.#known.clear();
      this.#known.set(origin, proxy);
    }
    return proxy;
  }

  #named({ name, value }: ProxyVariable, request: Request | undefined): HTTPProxy {
    try {
      return this.#proxy(value, name);
    } catch (cause) {
      throw requestFailure(ProxyError, (cause as Error).message, { cause, request });
    }
  }

  #proxy(given: unknown, where: string): HTTPProxy {
    const proxy = toProxy(given, where);
    if (proxy === given) return proxy;
    const key = `${proxy} ${JSON.stringify(proxy.auth)}`;
    const known = this.#byUrl.get(key);
    if (known === undefined) this.#byUrl.set(key, proxy);
    return known ?? proxy;
  }
}

/** One proxy, and not a record of them. */
function isProxy(option: ProxiesOption): boolean {
  return (
    typeof option !== 'object' ||
    option instanceof HTTPProxy ||
    Object.prototype.toString.call(option) === '[object URL]'
  );
}

const MAX_KNOWN_COUNT = 1_000;
/** No other ones are ever sent, so that another one is a mistake, which would send the requests directly. */
const SCHEMES = ['all', 'http', 'https'];
