/** What a dispatch can carry at all: checked before anything is sent. */

import { LocalProtocolError, UnsupportedProtocol } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import type { Request } from '../request/request.js';

/** @throws UnsupportedProtocol for anything else than an absolute http or https URL */
export function checkProtocol(request: Request): void {
  const { url } = request;
  const { scheme } = url;
  if ((scheme === 'https' || scheme === 'http') && url.isAbsoluteUrl) return;
  if (scheme === '') {
    throw requestFailure(UnsupportedProtocol, "Request URL is missing an 'http://' or 'https://' protocol.", {
      request,
    });
  }
  if (scheme === 'https' || scheme === 'http') {
    throw requestFailure(UnsupportedProtocol, `Request URL is missing a host: '${url.toSafeString()}'`, { request });
  }
  throw requestFailure(UnsupportedProtocol, `Request URL has an unsupported protocol '${scheme}://'.`, { request });
}

/** What the header lines of a request ask of the connection, which an app in this process does not have. */
export interface Asked {
  /** `Connection: close` */
  readonly closes: boolean;
  /** `Expect: 100-continue` */
  readonly expectsContinue: boolean;
}

/**
 * @param headerLines 'name\nvalue\n…'
 * @throws LocalProtocolError for a WebSocket: there is no connection that could become one
 */
export function checkAsked(request: Request, headerLines: string): Asked {
  if (!/(?:^|\n)(?:upgrade|expect|connection\nclose)\n/i.test(headerLines)) return NOTHING_ASKED;
  if (/(?:^|\n)upgrade\n[^\n]*websocket/i.test(headerLines)) {
    const what = 'an app in this process has no connection that could become a WebSocket; let it listen on a port';
    throw requestFailure(LocalProtocolError, `Upgrade: ${what}`, { request });
  }
  return {
    closes: /(?:^|\n)connection\nclose\n/i.test(headerLines),
    expectsContinue: /(?:^|\n)expect\n100-continue\n/i.test(headerLines),
  };
}

const NOTHING_ASKED: Asked = Object.freeze({ closes: false, expectsContinue: false });
