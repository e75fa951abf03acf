/** A client's cookies and those of one request of it: whose they are, and the header that they make together. */

import type { Request, ClientCookies } from '../request/request.js';
import type { CookieTypes } from '../types.js';
import type { URL } from '../url/url.js';
import { Cookies } from '../cookies/cookies.js';
import { disregard } from '../thenable.js';

/** A Cookies or a jar is shared, not copied. Cookies of a map belong to the base URL's host, if there is one. */
export function toCookies(given: CookieTypes | undefined, baseUrl: URL | null): Cookies {
  if (given instanceof Cookies) return given;
  const cookies = new Cookies(given);
  if (baseUrl !== null && baseUrl.isAbsoluteUrl && !cookies.isEmpty) cookies.bindTo(baseUrl);
  return cookies;
}

/** Of a request whose exchange has nothing to do with the client's cookies: none is sent, none is stored. */
export const NO_CLIENT_COOKIES: ClientCookies = Object.freeze({ header: '', also: undefined });

/** A store that takes its time has answered: the header that `buildRequest` could not write. */
export async function settleCookies(request: Request): Promise<void> {
  const { header: pending, also } = request.clientCookies as ClientCookies;
  const header = await pending;
  request.clientCookies = { header, also };
  if (header !== '' && !request.hasHeader('cookie')) request.setHeader('Cookie', header);
}

/**
 * The header for one request; null when there is nothing to send.
 *
 * @param given The request's own cookies; false for no cookies at all.
 * @param isHome Whether the client's cookies without a host may go there.
 */
export function cookiesFor(
  jar: Cookies | null,
  url: URL,
  given: CookieTypes | false | undefined,
  isHome: boolean,
): ClientCookies | null {
  if (given === false) return NO_CLIENT_COOKIES;
  const also = given === undefined || given === null ? undefined : toCookies(given, null);
  if (also === undefined && (jar === null || jar.isEmpty)) return null;
  const header = (jar ?? new Cookies()).headerFor(url, { also, isCrossSite: !isHome });
  // It is awaited when the request is sent, which may be never.
  disregard(header);
  return { header, also };
}
