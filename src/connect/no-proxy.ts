/**
 * NO_PROXY: which hosts are reached directly although the environment names a proxy. No standard specifies it; this is the
 * union of what curl, Go and Python understand. The variable itself is read in proxy-environment.ts.
 */

import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { InvalidURL } from '../errors.js';
import type { URL } from '../url/url.js';
import { encodeHost, withoutBrackets } from '../url/host.js';
import { checkPort, splitNetloc } from '../url/parse.js';
import { canonicalHost, effectivePort, isAddress, isSubdomain, URLPattern } from '../url/pattern.js';

/**
 * A list of entries, divided by commas or spaces:
 *
 * | entry | reached directly |
 * |---|---|
 * | `*` | everything |
 * | `example.com` | it and its subdomains |
 * | `.example.com`, `*.example.com` | its subdomains |
 * | `localhost` | that name alone |
 * | `10.0.0.1`, `::1`, `[::1]` | that address, however it is spelt |
 * | `10.0.0.0/8`, `fe80::/10` | the addresses of that network |
 * | any of these with `:8080`, an IPv6 address then in brackets | on that port only; a URL without a port has its scheme's |
 * | `http://example.com` | as a key of `proxies`: that scheme, exactly that host |
 *
 * Names are not looked up, so an entry with an address says nothing about the names that lead there. Entries that are nothing of
 * this match nothing: other programs have syntaxes of their own, and one list serves them all.
 */
export class NoProxy {
  #everything = false;
  #entries: ((url: URL, host: string) => boolean)[] = [];

  constructor(list: string) {
    for (const entry of list.split(/[\s,]+/)) {
      if (entry === '*') this.#everything = true;
      else if (entry !== '') this.#entries.push(read(entry));
    }
  }

  covers(url: URL): boolean {
    if (this.#everything) return true;
    if (this.#entries.length === 0) return false;
    const host = canonicalHost(url.rawHost);
    return this.#entries.some((covers) => covers(url, host));
  }
}

function read(entry: string): (url: URL, host: string) => boolean {
  try {
    if (entry.includes('://')) {
      const pattern = new URLPattern(entry, 'NO_PROXY');
      return (url) => pattern.matches(url);
    }
    const [network, bits] = entry.split('/');
    if (bits !== undefined) return inNetwork(network, bits);
    // '::1' is an address; only '[::1]:81' has a port.
    const { host, port } = isIPv6(entry) ? { host: `[${entry}]`, port: null } : splitNetloc(entry);
    const matches = hostMatcher(host);
    const number = checkPort(port);
    return number === null ? matches : (url, host) => number === effectivePort(url) && matches(url, host);
  } catch (error) {
    if (!(error instanceof InvalidURL || error instanceof TypeError)) throw error;
    return nothing;
  }
}

function hostMatcher(given: string): (url: URL, host: string) => boolean {
  const wild = /^\*?\./.exec(given)?.[0] ?? '';
  const host = canonicalHost(withoutBrackets(encodeHost(given.slice(wild.length))));
  if (host === '' || host.includes('*')) return nothing;
  if (isAddress(host)) return wild === '' ? ofAddress(host) : nothing;
  if (wild !== '') return (_, target) => isSubdomain(target, host);
  if (host === 'localhost') return (_, target) => target === host;
  return (_, target) => target === host || isSubdomain(target, host);
}

/** By value: `::ffff:7f00:1` is 127.0.0.1. One with a zone is only itself. */
function ofAddress(address: string): (url: URL, host: string) => boolean {
  if (address.includes('%')) return (_, target) => target === address;
  const list = new BlockList();
  list.addAddress(address, familyOf(address));
  return (_, target) => contains(list, target);
}

function inNetwork(given: string, bits: string): (url: URL, host: string) => boolean {
  const address = given.replace(/^\[(.*)\]$/, '$1');
  const known = isIPv4(address) || isIPv6(address);
  if (!known || !/^\d{1,3}$/.test(bits) || Number(bits) > (isIPv4(address) ? 32 : 128)) return nothing;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), familyOf(address));
  return (_, target) => contains(list, target);
}

function contains(list: BlockList, target: string): boolean {
  if (!isAddress(target)) return false;
  const [address] = target.split('%');
  return list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

function nothing(): boolean {
  return false;
}
