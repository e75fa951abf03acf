/** How many connections the pool may hold. Holding them is the core's work. */

import { typeName } from '../shown-text.js';
import { checkOptions, own } from '../check-options.js';
import type { PoolLimits } from '../types.js';

/**
 * The limits with the defaults filled in; null stands for "no limit" (and, for `keepaliveExpiry`, for "never").
 *
 * @throws TypeError for unknown names and for what is no number or null
 * @throws RangeError for numbers that are no such limit, naming it: `poolLimits.maxConnections: 0 is not allowed, …`
 */
export function resolvePoolLimits(limits: PoolLimits | null | undefined): Required<PoolLimits> {
  if (limits === undefined || limits === null) return defaults;
  if (typeof limits !== 'object' || Array.isArray(limits)) {
    throw new TypeError(`poolLimits: expected an object such as { maxConnections: 100 }, got ${typeName(limits)}`);
  }
  checkOptions(limits, Object.keys(defaults), 'poolLimits');
  return Object.freeze({
    maxConnections: count(limits, 'maxConnections', 1),
    maxConnectionsPerOrigin: count(limits, 'maxConnectionsPerOrigin', 1),
    maxKeepaliveConnections: count(limits, 'maxKeepaliveConnections', 0),
    keepaliveExpiry: duration(limits, 'keepaliveExpiry', 0),
    pingInterval: duration(limits, 'pingInterval', 1),
    maxAge: duration(limits, 'maxAge', 'more'),
    tcpKeepalive: duration(limits, 'tcpKeepalive', 1000),
    dnsTtl: duration(limits, 'dnsTtl', 0),
  });
}

function count(limits: PoolLimits, name: keyof PoolLimits, least: 0 | 1): number | null {
  const value = given(limits, name);
  if (value !== null && !(Number.isInteger(value) && value >= least && value <= MAX_LIMIT)) {
    throw new RangeError(
      `poolLimits.${name}: ${value} is not allowed, expected an integer from ${least} to ${MAX_LIMIT} or null`,
    );
  }
  return value;
}

/** @param least 'more': more than 0, however little. */
function duration(limits: PoolLimits, name: keyof PoolLimits, least: number | 'more'): number | null {
  const value = given(limits, name);
  if (value !== null && !((least === 'more' ? value > 0 : value >= least) && value <= MAX_LIMIT)) {
    const range = least === 'more' ? 'above 0, up to' : `from ${least} to`;
    throw new RangeError(
      `poolLimits.${name}: ${value} is not allowed, expected milliseconds ${range} ${MAX_LIMIT} or null`,
    );
  }
  return value;
}

function given(limits: PoolLimits, name: keyof PoolLimits): number | null {
  const value = own(limits, name);
  if (value === undefined) return defaults[name];
  if (value === null || typeof value === 'number') return value;
  throw new TypeError(`poolLimits.${name}: expected a number or null, got ${typeName(value)}`);
}

const MAX_LIMIT = 2 ** 31 - 1;

/** Wide enough that a service does not queue behind its own pool; idle ones go before most servers (nginx: 75 s) close them. */
const defaults: Required<PoolLimits> = Object.freeze({
  maxConnections: 1000,
  maxConnectionsPerOrigin: null,
  maxKeepaliveConnections: 256,
  keepaliveExpiry: 4000,
  pingInterval: null,
  maxAge: null,
  tcpKeepalive: 60_000,
  dnsTtl: 10_000,
});
