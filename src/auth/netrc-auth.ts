/** Credentials from a netrc file, asked for by hand. That a client does so by itself is its `trustEnv`. */

import { quote, typeName } from '../shown-text.js';
import type { NetRC } from './netrc-file.js';
import { findNetRC, readNetRC, warnOfEntry } from './netrc-file.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { Auth } from './auth.js';
import { BasicAuth } from './basic.js';

/**
 * Basic authentication with what a netrc file says about the host; none when it says nothing. The file is read once.
 *
 * @throws TypeError when the file that `path` names cannot be read or is no netrc. Without a path: NETRC, `~/.netrc`, `~/_netrc`, of
 * which none has to be there.
 * @since 0.1.0
 */
export class NetRCAuth extends Auth {
  #file: NetRC | null;

  /**
   * Takes the path of the file. Default: the variable NETRC, else ~/.netrc, else ~/_netrc, of which none has to be
   * there.
   *
   * @throws TypeError when the file of a path cannot be read or is no netrc
   * @since 0.1.0
   */
  constructor(path?: string) {
    super();
    if (path !== undefined && typeof path !== 'string') {
      throw new TypeError(`NetRCAuth: expected a path, got ${typeName(path)}`);
    }
    try {
      this.#file = path === undefined ? findNetRC() : readNetRC(path);
    } catch (cause) {
      throw new TypeError(`NetRCAuth: ${(cause as Error).message}`, { cause });
    }
  }

  /**
   * Yields the request with the credentials of its host's entry, or as it is when there is none. Called by the
   * client for each request; a flow of one's own extends `Auth`.
   * @since 0.1.0
   */
  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    fromNetRC(this.#file, request)?.apply(request);
    yield request;
  }
}

/** What the file says about the request's host; a login that Basic cannot carry is a warning, as all that is wrong with a file is. */
export function fromNetRC(file: NetRC | null, { url }: Pick<Request, 'url'>): BasicAuth | null {
  const found = file?.lookup(url) ?? null;
  if (file === null || found === null) return null;
  if (!found.login.includes(':')) return new BasicAuth(found.login, found.password);
  // RFC 7617 §2: the server would cut at the first one.
  const why = `the login for ${quote(url.host)} has a ':', which Basic authentication cannot carry`;
  warnOfEntry(file.file, why);
  return null;
}
