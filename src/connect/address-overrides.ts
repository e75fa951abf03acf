/**
 * How connections get to where a URL says, where that is not left to the system: `socketPath`, `localAddress`, `resolve`. The Host
 * header, SNI and the verified name are the URL's all the same. Connecting is the core's work.
 */

import { isIP, isIPv6 } from 'node:net';
import path from 'node:path';
import { namesOf } from '../check-options.js';
import { quote, typeName } from '../shown-text.js';
import { maskUserinfo } from '../shown-url.js';
import { encodeHost, withoutBrackets } from '../url/host.js';

/** The options as a user gives them. */
export interface OverrideOptions {
  socketPath?: string | null | undefined;
  localAddress?: string | null | undefined;
  resolve?: Record<string, string> | null | undefined;
}

/** As the core takes them. */
export interface ConnectOverrides {
  socketPath?: string | undefined;
  localAddress?: string | undefined;
  resolve?: { host: string; port?: number; address: string }[] | undefined;
}

/**
 * Checks them, and makes a relative path absolute.
 *
 * @throws TypeError naming the option
 */
export function toConnectOverrides({ socketPath, localAddress, resolve }: OverrideOptions): ConnectOverrides {
  const overrides: ConnectOverrides = {};
  if (socketPath !== undefined && socketPath !== null) overrides.socketPath = toSocketPath(socketPath);
  if (localAddress !== undefined && localAddress !== null) {
    overrides.localAddress = toAddress('localAddress', localAddress);
  }
  if (resolve !== undefined && resolve !== null) overrides.resolve = toRules(resolve);
  return overrides;
}

function toSocketPath(given: unknown): string {
  if (typeof given !== 'string') throw new TypeError(`socketPath: expected a path, got ${typeName(given)}`);
  // Linux has sockets with a name and no file (unix(7), "abstract").
  if (isAbstract(given)) return given;
  if (given === '' || given.includes('\0')) throw new TypeError(`socketPath: ${quote(given)} is no path`);
  // '\\.\pipe\name' of Windows is absolute and has nothing to be resolved.
  return given.startsWith('\\\\') ? given : path.resolve(given);
}

function isAbstract(given: string): boolean {
  const hasThem = process.platform === 'linux' || process.platform === 'android';
  return hasThem && given.length > 1 && given.startsWith('\0') && !given.includes('\0', 1);
}

function toAddress(option: string, given: unknown): string {
  if (typeof given !== 'string') throw new TypeError(`${option}: expected an IP address, got ${typeName(given)}`);
  const address = /^\[.*\]$/.test(given) && isIPv6(given.slice(1, -1)) ? given.slice(1, -1) : given;
  if (isIP(address) === 0 || address.includes('%')) {
    throw new TypeError(`${option}: expected an IP address, got ${quote(maskUserinfo(given))}`);
  }
  return address;
}

function toRules(given: unknown): { host: string; port?: number; address: string }[] {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    throw new TypeError(`resolve: expected an object, got ${typeName(given)}`);
  }
  return namesOf('resolve', given).map((key) => {
    const value: unknown = (given as Record<string, unknown>)[key];
    const address = toAddress(`resolve[${quote(maskUserinfo(key))}]`, value);
    return { ...toHost(key), address };
  });
}

/** `*.example.org` (all below it), `example.org`, `example.org:8080`, `[::1]:8080`, `[::1]` or `::1`, written as in the origin of a URL. */
function toHost(key: string): { host: string; port?: number } {
  const bare = isIPv6(key);
  const parts = /^(\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(bare ? `[${key}]` : key);
  const port = parts?.[2] === undefined ? undefined : Number(parts[2]);
  let host = '';
  try {
    host = encodeHost(parts?.[1] ?? '');
  } catch {
    // Said below.
  }
  if (
    host === '' ||
    host.replace(/^\*\.(?=.)/, '').includes('*') ||
    (port !== undefined && (port < 1 || port > 65_535))
  ) {
    throw new TypeError(`resolve: expected host or host:port, got ${quote(maskUserinfo(key))}`);
  }
  return { host: withoutBrackets(host), port };
}
