/**
 * A proxy as a user describes it. Which requests take it is told by proxies.ts; how a request looks that does, by
 * dispatch/network/proxy-hop.ts; speaking to it is the core's work.
 */

import { inspect } from 'node:util';
import { checkPair } from '../auth/basic.js';
import type { DigestAuth } from '../auth/digest.js';
import { InvalidURL } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { maskUserinfo } from '../shown-url.js';
import { Headers } from '../headers.js';
import { checkOptions, nearest } from '../check-options.js';
import type { TlsOptions } from '../native.js';
import { resolveTrust } from './trust.js';
import type { CertificateTypes, ClientCertificateOptions, HeaderTypes, URLTypes } from '../types.js';
import { URL } from '../url/url.js';

/**
 * What happens to a request that takes the proxy. `DEFAULT`: http is forwarded, https goes through a tunnel (CONNECT).
 * `FORWARD_ONLY`: https is forwarded as well, so that the proxy reads it. `TUNNEL_ONLY`: http goes through a tunnel as well.
 * @since 0.1.0
 */
export const HTTPProxyMode = Object.freeze({
  DEFAULT: 'DEFAULT',
  FORWARD_ONLY: 'FORWARD_ONLY',
  TUNNEL_ONLY: 'TUNNEL_ONLY',
} as const);
/** One of the modes, as text. @since 0.1.0 */
export type HTTPProxyMode = (typeof HTTPProxyMode)[keyof typeof HTTPProxyMode];

/** What there is to say about a proxy. @since 0.1.0 */
export interface HTTPProxyOptions {
  /**
   * `http:`, `https:`, `socks4:`, `socks4a:`, `socks5:` or `socks5h:`. Userinfo in it is `auth`, unless that is given.
   * @since 0.1.0
   */
  proxyUrl: URLTypes;
  /**
   * Whether http: requests are forwarded or tunnelled; https: ones are tunnelled always. Default: `DEFAULT`, http:
   * is forwarded.
   * @since 0.1.0
   */
  proxyMode?: HTTPProxyMode | undefined;
  /**
   * Headers that are sent to the proxy: with CONNECT, or with each request that it forwards, where the request's own
   * of that name win. Default: none.
   * @since 0.1.0
   */
  proxyHeaders?: HeaderTypes | undefined;
  /**
   * Name and password, sent with the first request already (Basic, or SOCKS's own way); or DigestAuth. null: none.
   * Default: the userinfo of `proxyUrl`.
   * @since 0.1.0
   */
  auth?: readonly [username: string, password: string] | DigestAuth | null | undefined;
  /**
   * Whose certificate an https proxy may have, as the client's option of that name. Default: the client's
   * certificates, if it trusts particular ones; else the platform's. The client's `verify: false` is for origins
   * only.
   * @since 0.1.0
   */
  verify?: boolean | CertificateTypes | readonly CertificateTypes[] | undefined;
  /** The client's certificate for an https proxy. Default: none; the client's own is for origins. @since 0.1.0 */
  cert?: ClientCertificateOptions | null | undefined;
}

/**
 * A proxy with more to say about it than its URL.
 *
 * ```js
 * const proxy = new HTTPProxy({ proxyUrl: 'https://127.0.0.1', proxyMode: HTTPProxyMode.TUNNEL_ONLY });
 * const client = new Client({ proxies: proxy });
 * ```
 *
 * @throws TypeError naming the option, for what is no proxy URL and for options that its scheme has no use for
 * @since 0.1.0
 */
export class HTTPProxy {
  /** The proxy's URL, without user name and password: those are its auth. @since 0.1.0 */
  readonly proxyUrl: URL;
  /** Whether http: requests are forwarded or tunnelled. @since 0.1.0 */
  readonly proxyMode: HTTPProxyMode;
  /** Headers that the proxy gets, and the origin does not. @since 0.1.0 */
  readonly proxyHeaders: Headers;
  #auth: HTTPProxyOptions['auth'];
  #trust: Partial<TlsOptions>;

  /**
   * Takes the proxy's URL and what there is to say about it.
   *
   * @throws TypeError, RangeError, InvalidURL naming the option
   * @since 0.1.0
   */
  constructor(options: HTTPProxyOptions) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`new HTTPProxy(): expected an object with a proxyUrl, got ${typeName(options)}`);
    }
    checkOptions(options, optionNames, 'new HTTPProxy()');
    const given = { __proto__: null, ...options } as unknown as HTTPProxyOptions;
    const url = toProxyUrl(given.proxyUrl, 'proxyUrl');
    const { proxyMode = HTTPProxyMode.DEFAULT, proxyHeaders, verify, cert } = given;
    this.proxyUrl = url.userinfo === '' ? url : url.copyWith({ username: '', password: '' });
    this.proxyMode = checkMode(proxyMode);
    if (proxyHeaders !== undefined && (typeof proxyHeaders !== 'object' || proxyHeaders === null)) {
      throw new TypeError(`proxyHeaders: expected an object or pairs, got ${typeName(proxyHeaders)}`);
    }
    this.proxyHeaders = new Headers(proxyHeaders);
    const framing = FRAMING.find((name) => this.proxyHeaders.has(name));
    if (framing !== undefined) {
      throw new TypeError(`proxyHeaders: ${framing} belongs to a request's body, and is told for each by itself`);
    }
    this.#auth = given.auth === undefined ? userinfoOf(url) : checkAuth(given.auth);
    if (this.isSocks) {
      if (proxyHeaders !== undefined) throw unused('proxyHeaders', url);
      if (proxyMode === HTTPProxyMode.FORWARD_ONLY) throw unused("proxyMode: 'FORWARD_ONLY'", url);
      this.#checkSocksAuth(url);
    } else if (this.auth !== null && !this.isDigest) {
      checkPair(this.auth[0], this.auth[1], 'auth');
    }
    if (url.scheme !== 'https') {
      if (verify !== undefined) throw unused('verify', url);
      if (cert !== undefined && cert !== null) throw unused('cert', url);
    }
    const { verify: verifies, ...trust } = resolveTrust({ verify, cert }, false);
    // What is left out is the client's.
    this.#trust =
      verify === undefined ? trust : { verify: verifies, roots: undefined, extraRoots: undefined, ...trust };
  }

  /** Username and password, of the option or of the URL, decoded; null when there are none. @since 0.1.0 */
  get auth(): readonly [username: string, password: string] | null {
    return this.#auth === null || this.#auth === undefined ? null : credentialsOf(this.#auth);
  }

  /** They are for Digest only. @internal */
  get isDigest(): boolean {
    return this.#auth !== null && this.#auth !== undefined && !isPair(this.#auth);
  }

  /** @internal */
  get isSocks(): boolean {
    return this.proxyUrl.scheme.startsWith('socks');
  }

  /** What differs from the client's. @internal */
  get trust(): Partial<TlsOptions> {
    return this.#trust;
  }

  /** The port that it listens on. @internal */
  get port(): number {
    return this.proxyUrl.port ?? defaultPorts[this.proxyUrl.scheme as keyof typeof defaultPorts];
  }

  /** Scheme, host and port: its name in errors. @since 0.1.0 */
  toString(): string {
    return this.proxyUrl.origin;
  }

  /** What `console.log` shows: the password is `[secure]`. @since 0.1.0 */
  [inspect.custom](): string {
    const { auth } = this;
    const shown = [`proxyUrl: ${inspect(this.proxyUrl)}`];
    if (auth !== null) shown.push(`auth: [${inspect(auth[0])}, '[secure]']`);
    shown.push(`proxyHeaders: ${inspect(this.proxyHeaders)}`, `proxyMode: '${this.proxyMode}'`);
    return `HTTPProxy({ ${shown.join(', ')} })`;
  }

  /** For logs: the password is `[secure]`. @since 0.1.0 */
  toJSON(): {
    proxyUrl: string;
    auth: readonly [username: string, password: string] | null;
    proxyHeaders: Record<string, string | string[]>;
    proxyMode: HTTPProxyMode;
  } {
    const { auth, proxyHeaders, proxyMode } = this;
    return {
      proxyUrl: this.proxyUrl.toSafeString(),
      auth: auth === null ? null : [auth[0], '[secure]'],
      proxyHeaders: proxyHeaders.toJSON(),
      proxyMode,
    };
  }

  /** RFC 1929: a byte for each length. SOCKS 4 ends its strings with a NUL, and has no password. */
  #checkSocksAuth(url: URL): void {
    if (this.isDigest) throw unused('auth: DigestAuth', url);
    for (const [i, text] of (this.auth ?? []).entries()) {
      const name = i === 0 ? 'username' : 'password';
      const length = Buffer.byteLength(text);
      if (length > 255) throw new RangeError(`auth: the ${name} is ${length} bytes long, and SOCKS allows 255`);
      if (text.includes('\0')) throw new TypeError(`auth: the ${name} has a NUL in it, which SOCKS cannot carry`);
    }
  }
}

/**
 * A proxy from whatever a user may give.
 *
 * @param where The option or variable, for messages.
 */
export function toProxy(given: unknown, where: string): HTTPProxy {
  if (given instanceof HTTPProxy) return given;
  const proxyUrl = toProxyUrl(given, where);
  try {
    return new HTTPProxy({ proxyUrl });
  } catch (error) {
    // What it says of `auth` is of the URL's userinfo.
    if (error instanceof RangeError) throw new RangeError(`${where}: ${error.message}`, { cause: error });
    if (error instanceof TypeError) throw new TypeError(`${where}: ${error.message}`, { cause: error });
    throw error;
  }
}

function toProxyUrl(given: unknown, where: string): URL {
  let url: URL;
  try {
    url = new URL(given as URLTypes);
  } catch (cause) {
    if (!(cause instanceof InvalidURL)) {
      const expected = `${where}: expected the URL of a proxy or an HTTPProxy, got ${typeName(given)}`;
      throw new TypeError(expected, { cause });
    }
    throw new TypeError(`${where}: ${shown(given)} is no URL of a proxy: ${cause.message}`, { cause });
  }
  // As GNOME and curl's users write it; the proxy resolves names, as it does for browsers.
  if (url.scheme === 'socks') url = url.copyWith({ scheme: 'socks5h' });
  if (!Object.hasOwn(defaultPorts, url.scheme)) {
    const word = nearest(url.scheme, Object.keys(defaultPorts));
    const hint = word === undefined || url.scheme === '' ? '' : ` Did you mean '${word}:'?`;
    throw new TypeError(`${where}: Unknown scheme for proxy URL ${shown(given)}: expected ${SCHEMES}.${hint}`);
  }
  if (url.rawHost === '') throw new TypeError(`${where}: the proxy URL ${shown(given)} has no host`);
  if ((url.rawPath !== '' && url.rawPath !== '/') || url.query !== '' || url.fragment !== '') {
    throw new TypeError(`${where}: the proxy URL ${shown(given)} has a path, and a proxy is a host and a port`);
  }
  return url;
}

/** What stands before an '@' may be a password, whatever else is wrong with the text. */
function shown(given: unknown): string {
  return quote(maskUserinfo(String(given)));
}

function checkMode(mode: unknown): HTTPProxyMode {
  if (typeof mode === 'string' && Object.hasOwn(HTTPProxyMode, mode)) return mode as HTTPProxyMode;
  const names = Object.keys(HTTPProxyMode);
  const given = typeof mode === 'string' ? quote(mode) : typeName(mode);
  const word = typeof mode === 'string' ? nearest(mode, names) : undefined;
  const hint = word === undefined ? '' : ` Did you mean '${word}'?`;
  throw new TypeError(`proxyMode: ${given} is not a mode, expected '${names.join("', '")}'.${hint}`);
}

function userinfoOf(url: URL): readonly [string, string] | null {
  return url.userinfo === '' ? null : [url.username, url.password];
}

function checkAuth(auth: HTTPProxyOptions['auth']): HTTPProxyOptions['auth'] {
  if (auth === null) return null;
  const isDigest = typeof auth === 'object' && !isPair(auth) && Array.isArray(auth?.digestCredentials);
  const isText = isPair(auth) && auth.length === 2 && auth.every((text) => typeof text === 'string');
  if (isDigest) return auth;
  if (isText) return [auth[0], auth[1]];
  const got = isPair(auth) ? 'another array' : typeName(auth);
  throw new TypeError(`auth: expected [username, password] or a DigestAuth, got ${got}`);
}

function credentialsOf(auth: NonNullable<HTTPProxyOptions['auth']>): readonly [string, string] {
  return isPair(auth) ? auth : auth.digestCredentials;
}

function isPair(auth: unknown): auth is readonly [string, string] {
  return Array.isArray(auth);
}

function unused(option: string, url: URL): TypeError {
  return new TypeError(`${option}: not allowed for a proxy with the scheme ${url.scheme}`);
}

const defaultPorts = { http: 80, https: 443, socks4: 1080, socks4a: 1080, socks5: 1080, socks5h: 1080 };
const SCHEMES = Object.keys(defaultPorts)
  .map((scheme) => `${scheme}:`)
  .join(', ');
/** In a request without a body they would have the next request on the connection taken for one. */
const FRAMING = ['Content-Length', 'Transfer-Encoding'];
const optionNames = ['proxyUrl', 'proxyMode', 'proxyHeaders', 'auth', 'verify', 'cert'];
