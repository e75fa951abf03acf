/**
 * How long each phase of a request may take, in milliseconds. Measuring it is the core's work; what runs out is named by the
 * subclasses of TimeoutException.
 */

import { inspect } from 'node:util';
import { typeName } from './shown-text.js';
import { checkOptions, own } from './check-options.js';
import type { TimeoutTypes } from './types.js';

/** The kinds that a TimeoutConfig may be made of. Milliseconds; null or left out: off. @since 0.1.0 */
export interface TimeoutKinds {
  /**
   * Milliseconds until a connection is made: DNS, TCP, proxy and TLS together. null: no limit. Default: off.
   * @since 0.1.0
   */
  connectTimeout?: number | null | undefined;
  /** Milliseconds between two chunks of a response, or until its head. null: no limit. Default: off. @since 0.1.0 */
  readTimeout?: number | null | undefined;
  /** Milliseconds that the network may take no byte of the request. null: no limit. Default: off. @since 0.1.0 */
  writeTimeout?: number | null | undefined;
  /** Milliseconds to wait for a connection of a full pool. null: no limit. Default: off. @since 0.1.0 */
  poolTimeout?: number | null | undefined;
  /**
   * Milliseconds for the whole call: redirects, retries and the body included. null: no limit. Default: off.
   * @since 0.1.0
   */
  totalTimeout?: number | null | undefined;
}

/** What setTimeout can count, 24.8 days: beyond it Node fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

const kindNames = ['connectTimeout', 'readTimeout', 'writeTimeout', 'poolTimeout', 'totalTimeout'];

const optionNames = ['connect', 'read', 'write', 'pool', 'total'];

/**
 * The five timeouts of a request, in milliseconds; null is off. Immutable.
 *
 * ```js
 * new TimeoutConfig(5000)                     // connect, read, write and pool; total is off
 * new TimeoutConfig({ connectTimeout: 1000 }) // connect alone: kinds left out are off
 * new TimeoutConfig(null)                     // no timeout at all
 * ```
 *
 * @throws TypeError for anything that is no number or null, and for unknown kinds
 * @throws RangeError for 0, negative numbers, NaN and what is longer than 2147483647 ms; null is off
 * @since 0.1.0
 */
export class TimeoutConfig {
  /** One budget for DNS, TCP, proxy and TLS together. @since 0.1.0 */
  readonly connectTimeout: number | null;
  /** The longest silence of the server: up to the head, and between two pieces of the body. @since 0.1.0 */
  readonly readTimeout: number | null;
  /** The longest time in which not a byte of the request can be written. @since 0.1.0 */
  readonly writeTimeout: number | null;
  /** Waiting for a free connection. @since 0.1.0 */
  readonly poolTimeout: number | null;
  /** The whole exchange, from sending to the end of the body, redirects included. @since 0.1.0 */
  readonly totalTimeout: number | null;

  /**
   * Takes milliseconds for connect, read, write and pool each, null for none at all, or an object, of which what is
   * left out is off.
   *
   * @throws TypeError, RangeError naming the kind
   * @since 0.1.0
   */
  constructor(timeout: number | null | TimeoutKinds) {
    if (timeout === null || typeof timeout === 'number') {
      const every = checkDuration(timeout, 'timeout');
      this.connectTimeout = this.readTimeout = this.writeTimeout = this.poolTimeout = every;
      this.totalTimeout = null;
    } else {
      checkObject(timeout, 'a TimeoutConfig');
      checkOptions(timeout, kindNames, 'TimeoutConfig');
      this.connectTimeout = checkDuration(own(timeout, 'connectTimeout') ?? null, 'connectTimeout');
      this.readTimeout = checkDuration(own(timeout, 'readTimeout') ?? null, 'readTimeout');
      this.writeTimeout = checkDuration(own(timeout, 'writeTimeout') ?? null, 'writeTimeout');
      this.poolTimeout = checkDuration(own(timeout, 'poolTimeout') ?? null, 'poolTimeout');
      this.totalTimeout = checkDuration(own(timeout, 'totalTimeout') ?? null, 'totalTimeout');
    }
    Object.freeze(this);
  }

  /** The five timeouts in one line, for logs; null is off. @since 0.1.0 */
  toString(): string {
    const { connectTimeout, readTimeout, writeTimeout, poolTimeout, totalTimeout } = this;
    const alike = connectTimeout === readTimeout && readTimeout === writeTimeout && writeTimeout === poolTimeout;
    if (alike && totalTimeout === null) return `TimeoutConfig(${connectTimeout})`;
    return (
      `TimeoutConfig(connect=${connectTimeout}, read=${readTimeout}, write=${writeTimeout}, ` +
      `pool=${poolTimeout}, total=${totalTimeout})`
    );
  }

  /** What `console.log` and `util.inspect` show: one line, without secrets. @since 0.1.0 */
  [inspect.custom](): string {
    return this.toString();
  }
}

/** All of them off. */
export const NO_TIMEOUT: TimeoutConfig = new TimeoutConfig(null);

/** 5 seconds for each of connect, read, write and pool, as httpx has it; total is off. */
export const DEFAULT_TIMEOUT: TimeoutConfig = new TimeoutConfig(5000);

/**
 * What a `timeout` option means for one request or client:
 *
 *   1. undefined: what is inherited
 *   2. null: no timeout at all
 *   3. a number: connect, read, write and pool; total is off
 *   4. a TimeoutConfig: exactly that
 *   5. a plain object: the kinds that it names change, the rest is inherited
 *
 * @throws TypeError, RangeError as TimeoutConfig does
 */
export function resolveTimeout(value: TimeoutTypes | null | undefined, inherited: TimeoutConfig): TimeoutConfig {
  if (value === undefined) return inherited;
  if (value === null) return NO_TIMEOUT;
  if (typeof value === 'number') return new TimeoutConfig(value);
  if (value instanceof TimeoutConfig) return value;
  checkObject(value, 'a TimeoutConfig, an object such as { read: 5000 }');
  checkOptions(value, optionNames, 'timeout', 'options', kindElsewhere);
  const kind = (name: 'connect' | 'read' | 'write' | 'pool' | 'total', otherwise: number | null) => {
    const given = own(value, name);
    return given === undefined ? otherwise : checkDuration(given, `timeout.${name}`);
  };
  return new TimeoutConfig({
    connectTimeout: kind('connect', inherited.connectTimeout),
    readTimeout: kind('read', inherited.readTimeout),
    writeTimeout: kind('write', inherited.writeTimeout),
    poolTimeout: kind('pool', inherited.poolTimeout),
    totalTimeout: kind('total', inherited.totalTimeout),
  });
}

/** 0 is what other clients call no timeout: neither is meant by chance. */
function checkDuration(value: number | null, name: string): number | null {
  if (value === null) return null;
  if (typeof value !== 'number') {
    throw new TypeError(`${name}: expected milliseconds (a number) or null, got ${typeName(value)}`);
  }
  if (!(value > 0 && value <= MAX_TIMER_MS)) {
    const off = value === 0 ? '; null is off' : '';
    throw new RangeError(
      `${name}: ${value} is not allowed, expected milliseconds above 0, up to ${MAX_TIMER_MS}, or null${off}`,
    );
  }
  return value;
}

/** What got and superagent call the kinds; where they know more of them, the one that covers theirs. */
const FOREIGN_KINDS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  request: 'total',
  deadline: 'total',
  response: 'read',
  socket: 'read',
  send: 'write',
  lookup: 'connect',
  secureConnect: 'connect',
};

function kindElsewhere(name: string): string | undefined {
  return Object.hasOwn(FOREIGN_KINDS, name) ? `Here that is '${FOREIGN_KINDS[name]}'.` : undefined;
}

function checkObject(value: object, orElse: string): void {
  if (typeof value === 'object' && !Array.isArray(value)) return;
  throw new TypeError(`timeout: expected milliseconds (a number), ${orElse} or null, got ${typeName(value)}`);
}
