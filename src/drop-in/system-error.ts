/** Errors as Node itself would have thrown them, for programs that ask for `code`, `errno` and `syscall`. */

import { constants } from 'node:os';
import { ConnectError, HTTPError, NetworkError } from '../errors.js';
import type { URL } from '../url/url.js';

/**
 * `connect ECONNREFUSED 127.0.0.1:80`, with errno and syscall; null where the system did not speak.
 *
 * @param socketPath The unix socket that it was to be connected by: `connect ENOENT /run/app.sock`.
 */
export function systemErrorOf(error: HTTPError, socketPath?: string): Error | null {
  if (!(error instanceof NetworkError) || !isSystemCode(error.code)) return null;
  const { code } = error;
  const isLookup = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  const syscall = isLookup ? 'getaddrinfo' : error instanceof ConnectError ? 'connect' : transferOf(code);
  const url = error.request?.url;
  const place =
    url === undefined || syscall === 'read' || syscall === 'write'
      ? ''
      : isLookup
        ? ` ${url.host}`
        : ` ${socketPath ?? `${url.host}:${portOf(url)}`}`;
  const number = (constants.errno as Record<string, number>)[code];
  const errno = isLookup ? LOOKUP_ERRNOS[code] : number === undefined ? undefined : -number;
  const own = new Error(`${syscall} ${code}${place}`);
  const more = isLookup ? { hostname: url?.host } : socketPath === undefined ? {} : { address: socketPath };
  return Object.assign(own, { errno, code, syscall }, more);
}

/** What Node's own client would have failed with; anything that is not ours passes through. */
export function toNodeError(error: unknown, socketPath?: string): Error {
  if (!(error instanceof HTTPError)) return error as Error;
  const system = systemErrorOf(error, socketPath);
  if (system !== null) return Object.assign(system, { cause: error });
  const code = /TIMEOUT/.test(error.code)
    ? 'ETIMEDOUT'
    : /^ERR_(?:REMOTE_PROTOCOL|READ|WRITE|NETWORK)/.test(error.code)
      ? 'ECONNRESET'
      : error.code;
  return Object.assign(new Error(error.message, { cause: error }), { code });
}

/** A pipe breaks when it is written to. */
function transferOf(code: string): 'read' | 'write' {
  return code === 'EPIPE' ? 'write' : 'read';
}

function isSystemCode(code: string): boolean {
  return /^E[A-Z0-9_]+$/.test(code) && !code.startsWith('ERR_');
}

function portOf(url: URL): number {
  return url.port ?? (url.scheme === 'https' ? 443 : 80);
}

/** libuv's. */
const LOOKUP_ERRNOS: Record<string, number> = { ENOTFOUND: -3008, EAI_AGAIN: -3001 };
