/** What a dispatch can carry at all: checked before anything is sent. */

import { LocalProtocolError, UnsupportedProtocol } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import type { Request } from '../request/request.js';

/**
 * @param httpsOnly http is refused as well.
 * @throws UnsupportedProtocol for anything else than an absolute http or https URL
 */
export function checkProtocol(request: Request, httpsOnly = false): void {
  const { url } = request;
  const { scheme } = url;
  if (httpsOnly && scheme === 'http') {
    const message = `httpsOnly: Request URL has the protocol 'http://', and only 'https://' is allowed.`;
    throw requestFailure(UnsupportedProtocol, message, { request });
  }
  if ((scheme === 'https' || scheme === 'http') && url.isAbsoluteUrl) return;
  if (scheme === '') {
    const message =
      "Request URL is missing an 'http://' or 'https://' protocol; a path needs a client with the option baseUrl.";
    throw requestFailure(UnsupportedProtocol, message, { request });
  }
  if (scheme === 'https' || scheme === 'http') {
    throw requestFailure(UnsupportedProtocol, `Request URL is missing a host: '${url.toSafeString()}'`, { request });
  }
  const hint = /unix|pipe/.test(scheme) ? ' A unix socket is given as the option socketPath of a client.' : '';
  const message = `Request URL has an unsupported protocol '${scheme}://'.${hint}`;
  throw requestFailure(UnsupportedProtocol, message, { request });
}

/** What the header lines of a request ask of the connection, which an app in this process does not have. */
export interface ConnectionWishes {
  /** `Connection: close` */
  readonly closes: boolean;
  /** `Expect: 100-continue` */
  readonly expectsContinue: boolean;
  /** Another expectation, which a server need not meet (RFC 9110 §10.1.1). */
  readonly expectsMore: boolean;
  /** `Connection: upgrade` with the protocol to come. */
  readonly upgrades: boolean;
}

/**
 * @param headerLines 'name\nvalue\n…'
 * @throws LocalProtocolError for a WebSocket: there is no connection that could become one
 */
export function checkAsked(request: Request, headerLines: string): ConnectionWishes {
  if (!/(?:^|\n)(?:upgrade|expect|connection\nclose)\n/i.test(headerLines)) return NOTHING_ASKED;
  if (/(?:^|\n)upgrade\n[^\n]*websocket/i.test(headerLines)) throw noUpgrade(request, 'become a WebSocket');
  const expectation = /(?:^|\n)expect\n([^\n]*)\n/i.exec(headerLines)?.[1];
  const expectsContinue = expectation !== undefined && CONTINUE.test(expectation);
  return {
    closes: /(?:^|\n)connection\nclose\n/i.test(headerLines),
    expectsContinue,
    expectsMore: expectation !== undefined && !expectsContinue,
    upgrades: /(?:^|\n)upgrade\n/i.test(headerLines) && /(?:^|\n)connection\n[^\n]*\bupgrade\b/i.test(headerLines),
  };
}

/** The error for a request that wants to take over the connection. */
export function noUpgrade(request: Request, purpose: string): LocalProtocolError {
  const message = `Upgrade: an app in this process has no connection that could ${purpose}; let it listen on a port`;
  return requestFailure(LocalProtocolError, message, { request });
}

/** Node's own way to find it, among other expectations too. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

const NOTHING_ASKED: ConnectionWishes = Object.freeze({
  closes: false,
  expectsContinue: false,
  expectsMore: false,
  upgrades: false,
});
