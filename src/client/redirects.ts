/**
 * Following redirects (httpx's rules, RFC 9110 §15.4). What the next request looks like is decided in next-request.ts; auth and
 * retries happen within each hop.
 */

import { TooManyRedirects, UnsupportedProtocol } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { buildRedirectRequest, mayKeepAuth } from '../response/next-request.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { sendHandlingRetries } from './retries.js';
import type { Call } from './call.js';

/**
 * The loop. Auth belongs to the origin that the request was for: from the first redirect that leaves it there is none, even when a
 * later one comes back (CVE-2024-45336). Cookies are chosen anew for each hop.
 *
 * @param first The response to `request`, when it is there already.
 */
export async function sendHandlingRedirects(request: Request, call: Call, first?: Response): Promise<Response> {
  const { settings } = call;
  let hop = request;
  let response = first ?? (await sendHandlingRetries(hop, call));
  for (let followed = 0; call.followsRedirects && response.hasRedirectLocation; followed++) {
    let next: Request;
    try {
      if (followed === settings.maxRedirects) {
        const message = `Exceeded maximum allowed redirects. ${hop.url.origin} asks for one more than ${settings.maxRedirects}`;
        throw requestFailure(TooManyRedirects, message, { request: hop, response });
      }
      next = buildRedirectRequest(hop, response, settings.sensitiveHeaders());
      checkScheme(next, response);
      call.throwIfOver();
    } catch (error) {
      // What it says is the error's too, where that costs little.
      await response.drain().catch(() => response.close());
      throw error;
    }
    if (!mayKeepAuth(hop.url, next.url)) call.leave();
    await call.keep(response);
    await call.addCookies(next);
    hop = next;
    response = await sendHandlingRetries(hop, call);
  }
  return response;
}

/** Before any dispatch is asked: file:, data:, unix: and the like are no places that a server may send us to. */
function checkScheme({ url }: Request, response: Response): void {
  if (url.scheme === 'http' || url.scheme === 'https') return;
  const message = `The redirect ${response.statusCode} is to a URL with an unsupported protocol '${url.scheme}:'.`;
  throw requestFailure(UnsupportedProtocol, message, { request: response.request, response });
}
