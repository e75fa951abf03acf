/**
 * Errors with the names and codes that users of undici look for. `instanceof` undici's own classes holds as well: they ask for a
 * registered symbol (`undici.error.…`), which these carry. What happened below stays the `cause`.
 */

import {
  ConnectError,
  ConnectTimeout,
  HTTPError,
  LocalProtocolError,
  NetworkError,
  ReadTimeout,
  RemoteProtocolError,
  ResponseTooLarge,
  TimeoutException,
  WriteTimeout,
} from '../../errors.js';
import { isClosedByPeer } from '../../request-failure.js';
import { systemErrorOf } from '../system-error.js';

/** The base: `error.code` is stable, for programs. @since 0.1.0 */
export class UndiciError extends Error {
  override name = 'UndiciError';
  readonly code: string = 'UND_ERR';

  constructor(message?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

type Name = `${string}Error`;

/** A class of undici's, by its name and code. */
function define(name: Name, code: string, message: string, base: typeof UndiciError = UndiciError): typeof UndiciError {
  const made = {
    [name]: class extends base {
      override name: string = name;
      override readonly code: string = code;
      constructor(text: string = message, cause?: unknown) {
        super(text, cause);
      }
    },
  }[name];
  Object.defineProperty(made.prototype, Symbol.for(`undici.error.${code}`), {
    __proto__: null,
    value: true,
  } as PropertyDescriptor);
  return made;
}
Object.defineProperty(UndiciError.prototype, Symbol.for('undici.error.UND_ERR'), {
  __proto__: null,
  value: true,
} as PropertyDescriptor);

/** The connection was not made in time: UND_ERR_CONNECT_TIMEOUT. @since 0.1.0 */
export const ConnectTimeoutError = define('ConnectTimeoutError', 'UND_ERR_CONNECT_TIMEOUT', 'Connect Timeout Error');
/** The head of the response did not come in time: UND_ERR_HEADERS_TIMEOUT. @since 0.1.0 */
export const HeadersTimeoutError = define('HeadersTimeoutError', 'UND_ERR_HEADERS_TIMEOUT', 'Headers Timeout Error');
/** The body of the response stopped coming: UND_ERR_BODY_TIMEOUT. @since 0.1.0 */
export const BodyTimeoutError = define('BodyTimeoutError', 'UND_ERR_BODY_TIMEOUT', 'Body Timeout Error');
/** An argument is not what undici takes: UND_ERR_INVALID_ARG. @since 0.1.0 */
export const InvalidArgumentError = define('InvalidArgumentError', 'UND_ERR_INVALID_ARG', 'Invalid Argument Error');
/** A function of the user returned what it must not: UND_ERR_INVALID_RETURN_VALUE. @since 0.1.0 */
export const InvalidReturnValueError = define(
  'InvalidReturnValueError',
  'UND_ERR_INVALID_RETURN_VALUE',
  'Invalid Return Value Error',
);
/** Something that undici does not do either: UND_ERR_NOT_SUPPORTED. @since 0.1.0 */
export const NotSupportedError = define('NotSupportedError', 'UND_ERR_NOT_SUPPORTED', 'Not supported error');
/** The dispatcher was destroyed: UND_ERR_DESTROYED. @since 0.1.0 */
export const ClientDestroyedError = define('ClientDestroyedError', 'UND_ERR_DESTROYED', 'The client is destroyed');
/** The dispatcher was closed: UND_ERR_CLOSED. @since 0.1.0 */
export const ClientClosedError = define('ClientClosedError', 'UND_ERR_CLOSED', 'The client is closed');
/** The connection broke while the request was under way: UND_ERR_SOCKET. @since 0.1.0 */
export const SocketError = define('SocketError', 'UND_ERR_SOCKET', 'Socket error');
/** The body is larger than it may be: UND_ERR_RES_EXCEEDED_MAX_SIZE. @since 0.1.0 */
export const ResponseExceededMaxSizeError = define(
  'ResponseExceededMaxSizeError',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'Response content exceeded max size',
);
/** The body is not as long as its Content-Length says: UND_ERR_REQ_CONTENT_LENGTH_MISMATCH. @since 0.1.0 */
export const RequestContentLengthMismatchError = define(
  'RequestContentLengthMismatchError',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'Request body length does not match content-length header',
);
const AbortError = define('AbortError', 'UND_ERR_ABORT', 'The operation was aborted');
/** Its name is AbortError, as undici's is. @since 0.1.0 */
export const RequestAbortedError = define('AbortError', 'UND_ERR_ABORTED', 'Request aborted', AbortError);

/** What a handler of undici's is told of an error of ours; anything else passes through as it is. @since 0.1.0 */
export function toUndiciError(error: unknown, hasHead: boolean): unknown {
  if (!(error instanceof HTTPError)) return error;
  if (error instanceof ConnectTimeout) return new ConnectTimeoutError(error.message, error);
  if (error instanceof ReadTimeout || error instanceof WriteTimeout) {
    return hasHead ? new BodyTimeoutError(undefined, error) : new HeadersTimeoutError(undefined, error);
  }
  if (error instanceof TimeoutException) {
    return hasHead ? new BodyTimeoutError(error.message, error) : new HeadersTimeoutError(error.message, error);
  }
  const system = systemErrorOf(error);
  if (system !== null) return system;
  if (error instanceof ConnectError)
    return Object.assign(new Error(error.message, { cause: error }), { code: error.code });
  if (error instanceof ResponseTooLarge) return new ResponseExceededMaxSizeError(error.message, error);
  if (error instanceof LocalProtocolError && /Content-Length/.test(error.message)) {
    return new RequestContentLengthMismatchError(undefined, error);
  }
  if (error instanceof LocalProtocolError) return new InvalidArgumentError(error.message, error);
  if (error instanceof RemoteProtocolError || error instanceof NetworkError) {
    return new SocketError(isClosedByPeer(error) ? 'other side closed' : error.message, error);
  }
  return new UndiciError(error.message, error);
}
