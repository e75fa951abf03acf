/** What `text` and `json()` say of a body that they cannot read. */

import type { ErrorDetails } from '../errors.js';
import { DecodingError } from '../errors.js';
import { quote } from '../shown-text.js';
import { requestFailure } from '../request-failure.js';
import { hasSecrets } from '../request-secrets.js';
import type { Request } from '../request/request.js';
import type { Response } from './response.js';
import { isTooLong } from './text.js';

/**
 * A DecodingError that names URL, status and Content-Type, as an HTML page in the place of JSON is nearly always an error page or a
 * login; `cause` itself when it is something else.
 */
export function unreadable(response: Response, bytes: Buffer, cause: unknown, details: ErrorDetails): unknown {
  const tooLong = isTooLong(bytes);
  if (!tooLong && !(cause instanceof SyntaxError)) return cause;
  const shown = withoutSnippet(cause, bytes, details.request);
  const status = `${response.statusCode} ${response.reasonPhrase}`.trimEnd();
  const type = response.headers.get('content-type');
  const found = `${status}, ${type === undefined ? 'no Content-Type' : quote(type)}`;
  const message = tooLong
    ? `the body is too long for a text (${found}): ${bytes.length} bytes are more than a string can hold, use iterText() or iterBytes()`
    : `the body is no JSON (${found}): ${(shown as SyntaxError).message.replace(/\p{C}/gu, '?')}`;
  return requestFailure(DecodingError, message, { ...details, cause: shown });
}

/**
 * What `JSON.parse` throws quotes a few characters of the text: without them, where the text has in it what the request keeps secret, of
 * which those may be a part.
 */
export function withoutSnippet(cause: unknown, text: Buffer | string, request: Request | undefined): unknown {
  if (request === undefined || !(cause instanceof SyntaxError)) return cause;
  if (text.length <= MAX_SEARCHED_CHARS && !hasSecrets(String(text), request)) return cause;
  return new SyntaxError(cause.message.replace(/(?:\.\.\.)?".*"(?:\.\.\.)?/s, '…'));
}

const MAX_SEARCHED_CHARS = 1024 * 1024;
