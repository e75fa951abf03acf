/**
 * What the platform's `fetch` rejects with, as the classes of this package. The standard has one TypeError for all failures; the
 * runtimes say more in its `cause` (undici's and the system's codes), browsers say nothing.
 */

import type { ErrorClass, HTTPError } from '../../errors.js';
import {
  ConnectError,
  ConnectTimeout,
  LocalProtocolError,
  NetworkError,
  ReadError,
  ReadTimeout,
  RemoteProtocolError,
} from '../../errors.js';
import type { Request } from '../../request/request.js';
import { requestFailure } from '../../request-failure.js';

/** The first that fits; a code that is in none of them is a failure of the network. */
const CLASSES: readonly [codes: RegExp, errorClass: ErrorClass][] = [
  [/^(?:UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/, ConnectTimeout],
  [/^UND_ERR_(?:HEADERS|BODY)_TIMEOUT$/, ReadTimeout],
  [/^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|E(?:HOST|NET)(?:UNREACH|DOWN)|EADDRNOTAVAIL|ERR_ACCESS_DENIED)$/, ConnectError],
  [
    /^(?:ERR_(?:TLS|SSL)_\w+|EPROTO|CERT_\w+|(?:UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|HOSTNAME)_\w+)$/,
    ConnectError,
  ],
  [/^(?:ConnectionRefused|FailedToOpenSocket|DNSFailed)$/, ConnectError],
  [/^(?:HPE_\w+|UND_ERR_(?:RES_CONTENT_LENGTH_MISMATCH|HEADERS_OVERFLOW|RESPONSE\w*))$/, RemoteProtocolError],
  [/^UND_ERR_(?:INVALID_ARG|NOT_SUPPORTED|REQ_CONTENT_LENGTH_MISMATCH)$/, LocalProtocolError],
  [/^(?:ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|ConnectionClosed)$/, ReadError],
];

/**
 * The error for one exchange; the platform's own is its cause. Its message says what has a code alone: others may contain the whole
 * URL, and with it a secret.
 */
export function toFailure(error: unknown, request: Request): HTTPError {
  const coded = findCoded(error);
  if (coded === null) {
    return requestFailure(NetworkError, "the platform's fetch failed", { request, cause: error });
  }
  const { code, message } = coded;
  const errorClass = CLASSES.find(([codes]) => codes.test(code))?.[1] ?? NetworkError;
  const text = errorClass === ConnectError ? `cannot connect to ${request.url.origin}: ${message}` : message;
  // undici's names say no more than the class does.
  const details = code.startsWith('UND_ERR_') ? {} : { code };
  return requestFailure(errorClass, text, { request, cause: error, ...details });
}

/** The nearest error with a code, going by `cause`. A DOMException's number is none. */
function findCoded(error: unknown): { code: string; message: string } | null {
  let at = error;
  for (let depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth++) {
    const { code, message, cause, errors } = at as { code: unknown; message: unknown; cause: unknown; errors: unknown };
    if (typeof code === 'string') {
      // Of several addresses, the first is as good as any.
      const first: unknown = Array.isArray(errors) ? (errors[0] as Error | undefined)?.message : undefined;
      return { code, message: String(message || first || code) };
    }
    at = cause;
  }
  return null;
}
