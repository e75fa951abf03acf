/**
 * URL patterns such as 'https://' and 'all://*.example.com:8080', and maps from them. What a map's values are (proxies, mounts) is
 * not known here; the environment's NO_PROXY has rules of its own, in proxy-environment.ts.
 */

import { InvalidURL } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { nearest } from '../check-options.js';
import type { URL } from './url.js';
import { encodeHost, isIPv4, withoutBrackets } from './host.js';
import { checkPort, defaultPortOf, isScheme, splitNetloc } from './parse.js';

/**
 * What a key of `proxies` or `mounts` means:
 *
 * | pattern | matches |
 * |---|---|
 * | `all`, `all://`, `all://*` | everything |
 * | `http`, `http://`, `http://*` | the scheme |
 * | `http://example.com` | scheme and host, on any port |
 * | `http://example.com:80` | scheme, host and port; a URL without a port has its scheme's |
 * | `all://example.com` | the host, any scheme |
 * | `all://*:8080` | the port, any host |
 * | `http://*.example.com` | subdomains of example.com only |
 * | `http://*example.com` | example.com and its subdomains |
 *
 * Names compare in lower case, in Punycode, without a dot at the end; addresses by value, not by spelling.
 */
export class URLPattern {
  /** '' is any. */
  #scheme: string;
  #host: string;
  #hosts: 'any' | 'one' | 'subdomains' | 'domain';
  #port: number | null;

  /**
   * @param option Whose key it is, for the message.
   * @throws TypeError naming the option and the pattern
   */
  constructor(pattern: string, option: string) {
    const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@\\]*)\/?$/i.exec(pattern);
    const scheme = (parts === null ? pattern : parts[1]).toLowerCase();
    if (parts === null && !bareSchemes.includes(scheme)) throw refused(pattern, option);
    const { host, port } = splitNetloc(parts === null ? '' : parts[2]);
    this.#scheme = scheme === 'all' ? '' : scheme;
    this.#hosts = host === '' || host === '*' ? 'any' : 'one';
    let name = host;
    if (host.startsWith('*') && host !== '*') {
      this.#hosts = host.startsWith('*.') ? 'subdomains' : 'domain';
      name = host.slice(this.#hosts === 'subdomains' ? 2 : 1);
    }
    try {
      this.#host = this.#hosts === 'any' ? '' : canonicalHost(withoutBrackets(encodeHost(name)));
      this.#port = checkPort(port);
    } catch (cause) {
      if (!(cause instanceof InvalidURL)) throw cause;
      throw refused(pattern, option, cause);
    }
    const isWild = this.#hosts === 'subdomains' || this.#hosts === 'domain';
    if ((this.#host === '' && this.#hosts !== 'any') || this.#host.includes('*') || (isWild && isAddress(this.#host))) {
      throw refused(pattern, option);
    }
  }

  /** In lower case; 'all' is any. */
  get scheme(): string {
    return this.#scheme || 'all';
  }

  matches(url: URL): boolean {
    if (this.#scheme !== '' && this.#scheme !== url.scheme) return false;
    if (this.#port !== null && this.#port !== effectivePort(url)) return false;
    if (this.#hosts === 'any') return true;
    const host = canonicalHost(url.rawHost);
    if (this.#hosts !== 'subdomains' && host === this.#host) return true;
    return this.#hosts !== 'one' && isSubdomain(host, this.#host);
  }

  /** For sorting: with a port first, then with a host (an exact one, then the longer), then with a scheme. */
  static compare(a: URLPattern, b: URLPattern): number {
    return (
      Number(b.#port !== null) - Number(a.#port !== null) ||
      Number(b.#hosts !== 'any') - Number(a.#hosts !== 'any') ||
      Number(b.#hosts === 'one') - Number(a.#hosts === 'one') ||
      b.#host.length - a.#host.length ||
      Number(b.#scheme !== '') - Number(a.#scheme !== '')
    );
  }
}

/** Values by pattern, the most specific first: host+scheme, host, scheme, all. */
export class PatternMap<T> {
  #entries: [URLPattern, T][];

  /**
   * @param record Own keys are patterns; `undefined` is as if it were not there.
   * @param option Its name, for messages.
   * @param read Checks a value; `where` names it: `proxies['http']`.
   * @param schemes Those that a pattern may have; default any.
   * @throws TypeError naming the option and the pattern
   */
  constructor(record: object, option: string, read: (value: unknown, where: string) => T, schemes?: readonly string[]) {
    // A Map is an object as well, whose patterns would be overlooked.
    if (Object.prototype.toString.call(record) !== '[object Object]') {
      throw new TypeError(`${option}: expected an object with URL patterns as keys, got ${typeName(record)}`);
    }
    this.#entries = Object.entries(record)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]): [URLPattern, T] => {
        const pattern = new URLPattern(key, option);
        if (schemes !== undefined && !schemes.includes(pattern.scheme)) throw refused(key, option);
        return [pattern, read(value, `${option}[${quote(key)}]`)];
      });
    this.#entries.sort(([a], [b]) => URLPattern.compare(a, b));
  }

  /** The value of the first pattern that matches; undefined when none does. */
  lookup(url: URL): T | undefined {
    return this.#entries.find(([pattern]) => pattern.matches(url))?.[1];
  }

  /** In the order of lookup. */
  values(): T[] {
    return this.#entries.map(([, value]) => value);
  }
}

/** The port that is connected to; null for a scheme without a default. */
export function effectivePort(url: URL): number | null {
  return url.port ?? defaultPortOf(url.scheme);
}

/** A host as it compares: no dot at its end; `host` as `URL.rawHost` gives it. */
export function canonicalHost(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** Below it, at the boundary of a label. Addresses have no subdomains, and what follows a zone's '%' is no name. */
export function isSubdomain(host: string, domain: string): boolean {
  return host.length > domain.length + 1 && host.endsWith(`.${domain}`) && !isAddress(host);
}

/** An IPv4 or IPv6 address, without brackets. */
export function isAddress(host: string): boolean {
  return host.includes(':') || isIPv4(host);
}

function refused(pattern: string, option: string, cause?: InvalidURL): TypeError {
  // What stands before an '@' may be a password.
  const shown = pattern.includes('@') ? `…${pattern.slice(pattern.lastIndexOf('@'))}` : pattern;
  const [scheme] = pattern.split('://');
  const isUnknown = isScheme(scheme) && !bareSchemes.includes(scheme.toLowerCase());
  const word = isUnknown ? nearest(scheme, bareSchemes) : undefined;
  const why = cause === undefined ? '' : ` (${cause.message})`;
  const hint = word === undefined ? '' : ` Did you mean '${word}'?`;
  const expected = "expected 'all', 'http', 'https://', 'http://example.com' or 'all://*.example.com:8080'";
  return new TypeError(`${option}: ${quote(shown)} is not a URL pattern${why}: ${expected}.${hint}`);
}

const bareSchemes: readonly string[] = ['all', 'http', 'https'];
