/**
 * What the platform's `fetch` cannot do. An option that would have no effect is refused by its name, as one that is ignored would
 * be noticed in production: a proxy that is not used, a certificate that is not asked for.
 */

import type { HTTPDispatchOptions } from '../network/http-dispatch.js';
import type { TimeoutConfig } from '../../timeout.js';
import { DEFAULT_TIMEOUT } from '../../timeout.js';

/** By option of a client: what the platform does instead. */
const LOST: Readonly<
  Record<Exclude<keyof HTTPDispatchOptions, 'trustEnv' | 'proxy' | 'httpsOnly'> | 'proxies', string>
> = {
  httpVersions: 'chooses the version of HTTP by itself',
  poolLimits: 'keeps its connections by itself',
  verify: 'verifies certificates by its own trust store alone',
  cert: 'has no client certificates',
  socketPath: 'knows no sockets but those of URLs',
  localAddress: 'chooses the local address by itself',
  resolve: 'resolves names by itself',
  lookup: 'resolves names by itself',
  allowAddresses: 'tells no address before it connects',
  denyAddresses: 'tells no address before it connects',
  proxies: 'takes no proxy from its caller',
};

/** Beside those, where the platform follows redirects by itself. */
const LOST_WITH_REDIRECTS: Readonly<Record<string, string>> = {
  httpsOnly: 'follows redirects by itself, to http: as well',
  maxRedirects: 'follows redirects by itself, up to 20',
  sensitiveHeaders: 'decides by itself which headers follow a redirect',
};

/**
 * @param given The options of a client whose requests go by PlatformDispatch.
 * @param followsRedirects Whether that is the platform's.
 * @throws TypeError naming the first option that would have no effect
 */
export function refuseLost(given: object, followsRedirects: boolean): void {
  const lost = followsRedirects ? { ...LOST, ...LOST_WITH_REDIRECTS } : LOST;
  for (const [name, instead] of Object.entries(lost)) {
    if (!Object.hasOwn(given, name)) continue;
    const value: unknown = (given as Record<string, unknown>)[name];
    if (!asksForSomething(name, value)) continue;
    throw new TypeError(`${name}: PlatformDispatch goes by the platform's fetch, which ${instead}; ${REMEDY}`);
  }
}

/**
 * The platform tells no phase of a request apart: `read` is the time up to the head, connecting included, and between two chunks of
 * the body. A phase that is given a limit of its own would never run out.
 *
 * @throws TypeError naming the phase
 */
export function refusePhases(timeout: TimeoutConfig): void {
  const { connectTimeout, writeTimeout, poolTimeout, readTimeout } = timeout;
  for (const [name, limit] of Object.entries({ connect: connectTimeout, write: writeTimeout, pool: poolTimeout })) {
    // What a number sets is one limit for all of them; what is 5 s may be the default beside a `read` of its own.
    if (limit === null || limit === readTimeout || limit === DEFAULT_TIMEOUT.connectTimeout) continue;
    throw new TypeError(
      `timeout.${name}: PlatformDispatch goes by the platform's fetch, which does not tell when it has connected or written; ` +
        'give read and total, or a number for all',
    );
  }
}

/** null, an empty list or object, and `verify: true` ask for what is there anyway. */
function asksForSomething(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (name === 'verify') return value !== true;
  if (name === 'httpsOnly') return value === true;
  if (typeof value !== 'object') return true;
  if (Array.isArray(value)) return name !== 'sensitiveHeaders' || value.length > 0;
  // A proxy or a URL has its parts in private.
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return !isPlain || Object.values(value).some((part) => part !== undefined && part !== null);
}

const REMEDY = 'leave it out, or use the addon (HTTPDispatch, the default on Node)';
