/** The options of the client, from those of the command: how it connects, what it trusts, how long it waits. */

import { NetRCAuth } from '../auth/netrc-auth.js';
import type { ClientOptions } from '../client/options.js';
import type { HTTPVersionOption, ProxyTypes } from '../types.js';
import type { Arguments } from './arguments.js';
import { checkReadable } from './files.js';
import { badValue, shown, UsageError } from './usage-error.js';

/** @throws UsageError */
export function clientOptions(args: Arguments): ClientOptions {
  const options: ClientOptions = {
    timeout: {
      connect: orElse(args.milliseconds('connect-timeout'), DEFAULT_CONNECT_TIMEOUT_MS),
      read: orElse(args.milliseconds('read-timeout'), null),
      write: null,
      pool: null,
      total: orElse(args.milliseconds('timeout'), null),
    },
    followRedirects: !args.has('no-follow'),
    maxRedirects: args.integer('max-redirects', 0),
    retries: args.integer('retry', 0),
    trustEnv: !args.has('no-env'),
    httpVersions: httpVersions(args),
    verify: verify(args),
    cert: clientCertificate(args),
    socketPath: args.value('unix-socket'),
    localAddress: args.value('interface'),
    resolve: addresses(args),
    maxResponseSize: null,
  };
  const proxies = proxiesOf(args);
  if (proxies !== undefined) options.proxies = proxies;
  const netrc = args.value('netrc');
  if (netrc !== undefined) options.auth = new NetRCAuth(checkReadable('--netrc', netrc));
  return options;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

function orElse<T>(value: T | undefined, otherwise: T): T {
  return value === undefined ? otherwise : value;
}

function httpVersions(args: Arguments): HTTPVersionOption[] | undefined {
  const versions = args.values('http').map((version): HTTPVersionOption => (version === '2' ? 'HTTP/2' : 'HTTP/1.1'));
  return versions.length === 0 ? undefined : [...new Set(versions)];
}

function verify(args: Arguments): boolean | string[] | undefined {
  if (args.has('no-verify')) return false;
  const files = args.values('ca').map((file) => checkExists('--ca', file));
  return files.length === 0 ? undefined : files;
}

function clientCertificate(args: Arguments): ClientOptions['cert'] {
  const cert = args.value('cert');
  if (cert === undefined) return undefined;
  const key = args.value('key') ?? cert;
  return {
    cert: checkReadable('--cert', cert),
    key: checkReadable('--key', key),
    password: args.value('key-password'),
  };
}

/** A folder of authorities is fine, too. */
function checkExists(option: string, path: string): string {
  try {
    return checkReadable(option, path);
  } catch (error) {
    if (error instanceof UsageError && error.message.endsWith('is a directory')) return path;
    throw error;
  }
}

/** One proxy, or proxies by pattern; without a scheme it is an http one. */
function proxiesOf(args: Arguments): ClientOptions['proxies'] | undefined {
  if (args.has('no-proxy')) return null;
  const given = args.values('proxy');
  if (given.length === 0) return undefined;
  const proxies: Record<string, ProxyTypes | null> = Object.create(null) as Record<string, null>;
  for (const text of given) {
    const [, pattern = 'all', proxy = text] = /^([a-z\d+.-]+(?::\/\/[^=@/]*)?)=(.*)$/i.exec(text) ?? [];
    if (proxy === '' && pattern === 'all') throw badValue('--proxy', text, 'a URL; --no-proxy is none');
    if (proxy === '') proxies[pattern] = null;
    else proxies[pattern] = proxy.includes('://') ? proxy : `http://${proxy}`;
  }
  return { ...proxies };
}

function addresses(args: Arguments): Record<string, string> | undefined {
  const given = args.values('resolve');
  if (given.length === 0) return undefined;
  return Object.fromEntries(
    given.map((text) => {
      const at = text.lastIndexOf('=');
      if (at < 1 || at === text.length - 1) {
        throw new UsageError(`--resolve: ${shown(text)} is not allowed, expected host=address or host:port=address`);
      }
      return [text.slice(0, at), text.slice(at + 1).replace(/^\[(.*)\]$/, '$1')];
    }),
  );
}
