/** What `raiseForStatus()` says. When it is thrown is decided in response.ts. */

import { inspect } from 'node:util';
import { quote } from '../shown-text.js';
import { withoutSecrets } from '../request-secrets.js';
import { maskUrls } from '../shown-url.js';
import type { Response } from './response.js';
import { decodeText } from './text.js';
import type { URL } from '../url/url.js';

/**
 * httpx's text, passwords masked: `Client error '404 Not Found' for url 'https://example.org/'`, where to read more, and where a
 * redirect would have led.
 *
 * @param content The body; null while it is not there.
 */
export function statusMessage(response: Response, url: URL | null, content: Buffer | null): string {
  const { statusCode } = response;
  response.tellSecrets();
  const own = (text: string) => (response.hasRequest ? withoutSecrets(text, response.request) : text);
  const kind = kinds.get(Math.floor(statusCode / 100)) ?? 'Invalid status code';
  const status = bounded(`${statusCode} ${own(response.reasonPhrase)}`.trimEnd());
  const where = url === null ? '' : ` for url '${bounded(url.toSafeString())}'`;
  const location = response.hasRedirectLocation ? own(maskLocation(response.headers.get('location') ?? '')) : '';
  const leads = location === '' ? '' : `\nRedirect location: '${bounded(location)}'`;
  const more = `\nFor more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/${statusCode}`;
  const beginning = content === null ? '' : own(textOf(content, response)).slice(0, MAX_BODY_CHARS).trim();
  const body = beginning === '' ? '' : `\nThe body begins: ${inspect(beginning, { breakLength: Infinity })}`;
  return `${kind} '${status}'${where}${leads}${own(codingHint(response))}${more}${body}`;
}

/** RFC 9110 §15.5.16: a 415 may be about the coding of the request, and says in Accept-Encoding which ones would do. */
function codingHint(response: Response): string {
  if (response.statusCode !== 415 || !response.hasRequest) return '';
  const coding = response.request.headers.get('content-encoding');
  if (coding === undefined) return '';
  const accepted = response.headers.get('accept-encoding');
  const knows = accepted === undefined ? '' : `, which accepts ${quote(accepted)}`;
  const advice = 'without the option compress the body is sent as it is';
  return `\nThe body was sent with Content-Encoding ${quote(coding)}. Perhaps that is unknown to the server${knows}: ${advice}`;
}

/** The beginning of a body that is text, with more of it than is shown: what it echoes is found only as a whole. Else ''. */
function textOf(content: Buffer, response: Response): string {
  const isText = /^(text\/|application\/([\w.+-]*\+)?(json|xml))/i.test(response.headers.get('content-type') ?? '');
  return isText ? decodeText(content.subarray(0, MAX_READ_BYTES), response.encoding) : '';
}

/** A message is no place for all that a server may send, nor for what a terminal obeys. */
function bounded(text: string): string {
  const shown = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
  return shown.replace(/\p{Cc}/gu, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`);
}

/** As far as it goes for text that need not be a URL: all of an authority before its last '@'. */
function maskLocation(text: string): string {
  return maskUrls(text.replace(/(\/\/)[^/?#]*@/, '$1[secure]@'));
}

const MAX_CHARS = 500;
const MAX_BODY_CHARS = 200;
/** Longer than any header that a server takes. */
const MAX_READ_BYTES = 64 * 1024;

const kinds = new Map([
  [1, 'Informational response'],
  [3, 'Redirect response'],
  [4, 'Client error'],
  [5, 'Server error'],
]);
