/** The options of the client, from those of the command: how it connects, what it trusts, how long it waits. */

import { statSync } from 'node:fs';
import { NetRCAuth } from '../auth/netrc-auth.js';
import type { ClientOptions } from '../client/options.js';
import type { CertificateTypes, HTTPVersionOption } from '../types.js';
import type { Arguments } from './arguments.js';
import { checkReadable, readBytes } from './files.js';
import { badValue, shown, UsageError } from './usage-error.js';

/** @throws UsageError */
export async function clientOptions(args: Arguments, signal: AbortSignal): Promise<ClientOptions> {
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
    verify: await verify(args, signal),
    cert: await clientCertificate(args, signal),
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

async function verify(args: Arguments, signal: AbortSignal): Promise<boolean | CertificateTypes[] | undefined> {
  if (args.has('no-verify')) return false;
  const files: CertificateTypes[] = [];
  for (const file of args.values('ca')) files.push(await certificate('--ca', checkExists('--ca', file), signal));
  return files.length === 0 ? undefined : files;
}

async function clientCertificate(args: Arguments, signal: AbortSignal): Promise<ClientOptions['cert']> {
  const cert = args.value('cert');
  if (cert === undefined) return undefined;
  const key = args.value('key') ?? cert;
  return {
    cert: await certificate('--cert', checkReadable('--cert', cert), signal),
    key: await certificate('--key', checkReadable('--key', key), signal),
    password: args.value('key-password'),
  };
}

/** The path, or what a pipe has. */
async function certificate(option: string, file: string, signal: AbortSignal): Promise<CertificateTypes> {
  const state = statSync(file);
  return state.isFile() || state.isDirectory() ? file : readBytes(option, file, signal);
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
export function proxiesOf(args: Arguments): Record<string, string | null> | null | undefined {
  if (args.has('no-proxy')) return null;
  const given = args.values('proxy');
  if (given.length === 0) return undefined;
  const proxies: Record<string, string | null> = Object.create(null) as Record<string, null>;
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
