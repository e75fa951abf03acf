/** The header lines of a request: their order, those that describe the body, and one framing that tells the truth (RFC 9112 §6). */

import { LocalProtocolError } from '../errors.js';
import { quote } from '../shown-text.js';
import type { Headers } from '../headers.js';
import type { URL } from '../url/url.js';
import type { Content } from './body-options.js';
import type { Body } from './body.js';
import { StreamBody } from './body.js';
import { anticipatesContent } from './method.js';
import { boundaryOf } from './multipart.js';
import type { Request } from './request.js';

/**
 * All header lines, in httpx's order: Host, Content-Length of an empty body, `defaults`, the user's, Cookie, the body's.
 *
 * @param defaults Lines of the client, checked already.
 * @param own The request's own headers, or the client's and the request's merged (then `defaults` is '').
 * @param cookie From a jar: the value of the Cookie header, if the user gave none.
 */
export function headLines(
  method: string,
  url: URL,
  defaults: string,
  own: Headers | null,
  content: Content,
  cookie = '',
): string {
  const { body, type, boundary } = content;
  if (boundary !== null && own !== null) completeBoundary(own, boundary);
  let lines = own === null || !own.has('host') ? `Host\n${url.netloc}\n` : '';
  const cookieLine = cookie === '' || own?.has('cookie') ? '' : `Cookie\n${cookie}\n`;
  const framed = own !== null && (own.has('content-length') || own.has('transfer-encoding'));
  if (body === null) {
    // RFC 9110 §8.6: a method that anticipates content says that there is none.
    if (!framed && anticipatesContent.has(method)) lines += 'Content-Length\n0\n';
    lines += defaults;
    if (own !== null) lines += own.toLines();
    lines += cookieLine;
  } else {
    lines += defaults;
    if (own !== null) lines += own.toLines();
    lines += cookieLine;
    const isNamed = own !== null && (own.has('content-type') || own.isMerged('content-type'));
    const typeLine = type === null || isNamed ? '' : `Content-Type\n${type}\n`;
    // httpx: of multipart the type stands first.
    if (boundary !== null) lines += typeLine;
    if (!framed) {
      lines += body.length === null ? 'Transfer-Encoding\nchunked\n' : `Content-Length\n${body.length}\n`;
    }
    if (boundary === null) lines += typeLine;
  }
  if (framed) checkOwnFraming(own, body);
  if (own !== null) checkHost(own);
  return lines;
}

/** Adds the boundary to a multipart Content-Type given without one: a recipient could not parse the body (RFC 2046 §5.1.1). */
function completeBoundary(own: Headers, boundary: string): void {
  const given = own.get('content-type');
  if (given !== undefined && boundaryOf(given) === null) {
    const bare = given.replace(/;\s*boundary=(?:"")?\s*(?=;|$)/i, '').replace(/[;\s]+$/, '');
    own.set('Content-Type', `${bare}; boundary=${boundary}`);
  }
}

/** Before headers are sent that were changed: a Content-Length among them is the length of a stream that has none. */
export function checkFraming(headers: Headers, request: Request): void {
  if (request.body instanceof StreamBody) request.body.declared = null;
  if (headers.has('content-length') || headers.has('transfer-encoding')) checkOwnFraming(headers, request.body);
  checkHost(headers, request);
}

/** RFC 9112 §3.2: one Host. */
function checkHost(headers: Headers, request?: Request): void {
  if (headers.getList('host').length > 1) throw new LocalProtocolError('More than one Host header', { request });
}

/** RFC 9112 §6: one framing, and one that tells the truth. Two case-variants of a name are two lines here. */
function checkOwnFraming(headers: Headers, body: Body): void {
  const codings = headers.getList('transfer-encoding');
  const lengths = headers.getList('content-length');
  if (codings.length > 0) {
    if (codings.length > 1 || codings[0].toLowerCase() !== 'chunked') {
      throw new LocalProtocolError(
        `Transfer-Encoding: ${quote(codings.join(', '))} is not supported, only 'chunked' is`,
      );
    }
    if (lengths.length > 0) throw new LocalProtocolError('Content-Length and Transfer-Encoding exclude each other');
    return;
  }
  if (lengths.length > 1) throw new LocalProtocolError('More than one Content-Length header');
  const [text] = lengths;
  if (!/^\d{1,15}$/.test(text)) throw new LocalProtocolError(`Content-Length: ${quote(text)} is not a length`);
  const actual = body === null ? 0 : body.length;
  if (actual !== null && actual !== Number(text)) {
    const many = actual < Number(text) ? 'Too little' : 'Too much';
    throw new LocalProtocolError(`${many} data for declared Content-Length: ${actual} bytes, ${text} declared`);
  }
  if (body instanceof StreamBody && actual === null) body.declared = Number(text);
}
