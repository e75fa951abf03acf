/** Which failures are worth another attempt, of which requests, and after which wait: pure decisions. The loop is `retries.ts`. */

import { checkOptions } from '../check-options.js';
import { ConnectError, ConnectTimeout, NetworkError, ProxyError, ReadTimeout, RemoteProtocolError } from '../errors.js';
import { typeName } from '../shown-text.js';
import { normaliseMethod } from '../request/method.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { disregard } from '../thenable.js';
import { MAX_TIMER_MS } from '../timeout.js';

/** When a request is sent again, and how soon. @since 0.1.0 */
export interface RetryPolicy {
  /** How many times something is sent again at most, redirects counted together. @since 0.1.0 */
  limit: number;
  /**
   * The methods that are sent again. Default: GET, HEAD, OPTIONS, PUT, DELETE, TRACE, QUERY, PROPFIND, REPORT and
   * SEARCH, which are idempotent, and POST and PATCH with an `Idempotency-Key` or `X-Idempotency-Key` header.
   * @since 0.1.0
   */
  methods?: readonly string[] | undefined;
  /** The statuses that are tried again. Default: 408, 429, 500, 502, 503 and 504. @since 0.1.0 */
  statusCodes?: readonly number[] | undefined;
  /**
   * Milliseconds before attempt 1, 2, …: from 0 to 2147483647, anything else is an error. Default: 200 ms, doubled each time up to 30 s, of which a random half is left out.
   * @since 0.1.0
   */
  backoff?: ((attempt: number) => number) | undefined;
  /**
   * The most milliseconds that a Retry-After is waited for, instead of `backoff`; an answer that asks for more is
   * returned. Default: 60_000.
   * @since 0.1.0
   */
  maxRetryAfter?: number | undefined;
}

/**
 * The policy that the option stands for; null for none.
 * @throws TypeError, RangeError naming the option
 */
export function toRetries(given: number | RetryPolicy | undefined): Required<RetryPolicy> | null {
  if (given === undefined) return null;
  if (typeof given !== 'number' && (given === null || typeof given !== 'object')) {
    throw new TypeError(`retries: expected a number or a policy, got ${typeName(given)}`);
  }
  if (typeof given === 'object') checkOptions(given, policyNames, 'retries');
  const policy = { __proto__: null, ...(typeof given === 'number' ? { limit: given } : given) } as RetryPolicy;
  const { limit, methods = idempotentMethods, statusCodes = passingCodes, maxRetryAfter = 60_000 } = policy;
  const { backoff = defaultBackoff } = policy;
  const name = typeof given === 'number' ? 'retries' : 'retries.limit';
  if (typeof limit !== 'number') throw new TypeError(`${name}: expected a number, got ${typeName(limit)}`);
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(`${name}: ${limit} is not allowed, expected an integer from 0`);
  }
  if (!Array.isArray(methods) || !methods.every((method) => typeof method === 'string')) {
    throw new TypeError('retries.methods: expected a list of methods');
  }
  if (!Array.isArray(statusCodes) || !statusCodes.every((code) => Number.isInteger(code))) {
    throw new TypeError('retries.statusCodes: expected a list of status codes');
  }
  // What no response can have would never be tried again, without a word.
  const never = statusCodes.find((code) => code < 200 || code > 999);
  if (never !== undefined) {
    throw new RangeError(`retries.statusCodes: ${never} is not allowed, expected integers from 200 to 999`);
  }
  if (typeof backoff !== 'function') {
    throw new TypeError(`retries.backoff: expected a function, got ${typeName(backoff)}`);
  }
  if (typeof maxRetryAfter !== 'number') {
    throw new TypeError(`retries.maxRetryAfter: expected milliseconds, got ${typeName(maxRetryAfter)}`);
  }
  if (!(maxRetryAfter >= 0)) {
    throw new RangeError(`retries.maxRetryAfter: ${maxRetryAfter} is not allowed, expected milliseconds from 0`);
  }
  if (limit === 0) return null;
  const upperCase =
    methods === idempotentMethods ? methods : methods.map((method) => normaliseMethod(method, 'retries.methods'));
  return Object.freeze({ limit, methods: upperCase, statusCodes: [...statusCodes], backoff, maxRetryAfter });
}

/** What never reached the server may be sent by any method. A certificate or a name does not get better by waiting. */
export function isPassing(failure: unknown, request: Request, policy: Required<RetryPolicy>): boolean {
  if (failure instanceof ConnectTimeout) return true;
  if (failure instanceof ConnectError) return !isPermanent(failure);
  if (failure instanceof ProxyError) return isPassingRefusal(failure);
  const broke = failure instanceof NetworkError || failure instanceof ReadTimeout;
  return (broke || failure instanceof RemoteProtocolError) && mayRepeat(request, policy);
}

/**
 * A proxy that made no way to the origin: nothing was sent there. It closed, could not reach the origin, or said that it is
 * overloaded; any other status is its last word.
 */
export function isPassingRefusal(failure: ProxyError): boolean {
  const { response } = failure;
  return response === undefined || PASSING_REFUSALS.has(response.statusCode);
}

const PASSING_REFUSALS = new Set([429, 502, 503, 504]);

/** A certificate, a name, a protocol: trying again changes nothing. */
export function isPermanent(failure: ConnectError): boolean {
  return permanentCodes.test(failure.code);
}

/** Not before the time that the server names: an answer that asks for more than is waited is the caller's. */
export function isPassingAnswer(response: Response, request: Request, policy: Required<RetryPolicy>): boolean {
  if (!policy.statusCodes.includes(response.statusCode) || !mayRepeat(request, policy)) return false;
  const wait = retryAfter(response);
  return wait === null || wait <= policy.maxRetryAfter;
}

/** By its method; where the policy names none, also by a key that lets the server see that it is the same request. */
function mayRepeat({ method, headers }: Request, { methods }: Required<RetryPolicy>): boolean {
  if (methods.includes(method)) return true;
  const takesKey = methods === idempotentMethods && (method === 'POST' || method === 'PATCH');
  return takesKey && (headers.has('idempotency-key') || headers.has('x-idempotency-key'));
}

/**
 * RFC 9110 §10.2.3: milliseconds until Retry-After; null when there is none that can be read. Seconds may have a fraction, which
 * the RFC does not have and servers send.
 */
export function retryAfter(response: Response): number | null {
  const text = response.headers.get('retry-after');
  if (text === undefined || text.length > 40) return null;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), MAX_TIMER_MS);
  // The three forms of RFC 9110 §5.6.7, all of them UTC; Date.parse reads years into '1.5'.
  if (!httpDate.test(text)) return null;
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? null : Math.min(Math.max(date - Date.now(), 0), MAX_TIMER_MS);
}

export function checkWait(wait: unknown): number {
  if (typeof wait !== 'number') {
    disregard(wait);
    throw new TypeError(`retries.backoff: expected milliseconds, it returned ${typeName(wait)}`);
  }
  if (!(wait >= 0 && wait <= MAX_TIMER_MS)) {
    throw new RangeError(`retries.backoff: ${wait} is not allowed, expected milliseconds from 0 to ${MAX_TIMER_MS}`);
  }
  return wait;
}

/** Half of it certain, half of it random: many clients that failed together do not come back together. */
function defaultBackoff(attempt: number): number {
  const full = Math.min(200 * 2 ** (attempt - 1), 30_000);
  return full / 2 + (Math.random() * full) / 2;
}

const policyNames = ['limit', 'methods', 'statusCodes', 'backoff', 'maxRetryAfter'];
/** RFC 9110 §9.2.2, and those of IANA's HTTP Method Registry that are used to read. The core has the same list. */
const idempotentMethods: readonly string[] = [
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'REPORT',
  'SEARCH',
];
const passingCodes: readonly number[] = [408, 429, 500, 502, 503, 504];
const permanentCodes = /^(CERT_|ERR_TLS_|SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO|ENOTFOUND|ERR_ADDRESS_FORBIDDEN)/;
/** IMF-fixdate, RFC 850, asctime. */
const httpDate =
  /^(?:[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/;
