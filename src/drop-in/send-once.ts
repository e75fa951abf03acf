/** One exchange for a door: what the API in front of it decides by itself, redirects and credentials, is left out here. */

import type { Client } from '../client/client.js';
import type { SendOptions } from '../client/options.js';
import { readingSoon } from '../client/options.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';

/** Resolves at the head; the body is read as soon as it can be. */
export function sendOnce(
  client: Client,
  request: Request,
  options: Pick<SendOptions, 'signal' | 'timeout'>,
): Promise<Response> {
  return client.send(request, readingSoon({ stream: true, followRedirects: false, auth: null, ...options }));
}
