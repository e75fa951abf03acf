/** Who the request says it comes from. How credentials are sent is the client's work. */

import { BasicAuth } from '../auth/basic.js';
import { BearerAuth } from '../auth/bearer.js';
import { DigestAuth } from '../auth/digest.js';
import type { AuthTypes } from '../auth/auth.js';
import type { URL } from '../url/url.js';
import type { Arguments } from './arguments.js';
import { UsageError } from './usage-error.js';

/**
 * undefined: what the client finds by itself (URL, netrc); null: nothing.
 *
 * @param hasHeader The request has an Authorization header of its own.
 * @throws UsageError
 */
export async function authOf(
  args: Arguments,
  url: URL,
  hasHeader: boolean,
  signal: AbortSignal,
): Promise<AuthTypes | null | undefined> {
  const given = args.value('auth');
  const type = args.value('auth-type') ?? 'basic';
  if (given === undefined) {
    if (!args.has('no-netrc') || hasHeader) return undefined;
    return url.userinfo === '' ? null : new BasicAuth(url.username, url.password);
  }
  if (type === 'bearer') return checked(() => new BearerAuth(given));
  const at = given.indexOf(':');
  // curl asks for it.
  if (at < 0 && args.has('curl')) return undefined;
  const username = at < 0 ? given : given.slice(0, at);
  const password = at < 0 ? await askPassword(username, url, signal) : given.slice(at + 1);
  return checked(() => (type === 'digest' ? new DigestAuth(username, password) : new BasicAuth(username, password)));
}

async function askPassword(username: string, url: URL, signal: AbortSignal): Promise<string> {
  const { promptPassword } = await import('./password-prompt.js');
  const password = await promptPassword(`password of ${username} at ${url.host}: `, signal);
  if (password === null)
    throw new UsageError(`--auth: the password of '${username}' is missing, and there is no terminal to ask on`);
  return password;
}

function checked<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new UsageError(`--auth: ${(error as Error).message}`);
  }
}
