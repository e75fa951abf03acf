/**
 * The network as a dispatch: one pool of connections, and requests written as the binding takes them. Redirects, cookies and auth
 * are the client's; sockets are the core's.
 */

import { bare } from '../../bare.js';
import type { Body } from '../../request/body.js';
import { StreamBody } from '../../request/body.js';
import { ClientClosed, ConnectError } from '../../errors.js';
import { ACCESS_DENIED, accessDenied, mayConnect } from '../../permission.js';
import { requestFailure } from '../../request-failure.js';
import type { AddressGuardOptions } from '../../connect/address-guard.js';
import { toAddressGuard } from '../../connect/address-guard.js';
import { toProxy } from '../../connect/http-proxy.js';
import { resolveHttpVersions } from '../../connect/http-versions.js';
import { defineInspect } from '../../inspect.js';
import { checkOptions, toFlag } from '../../check-options.js';
import { resolvePoolLimits } from '../../connect/pool-limits.js';
import type { LookupFunction } from '../../connect/lookup.js';
import { toLookup } from '../../connect/lookup.js';
import { Proxies } from '../../connect/proxies.js';
import { Request } from '../../request/request.js';
import type { Response } from '../../response/response.js';
import { toConnectOverrides } from '../../connect/address-overrides.js';
import type { TimeoutConfig } from '../../timeout.js';
import type { URL } from '../../url/url.js';
import { resolveTrust, TrustNotice } from '../../connect/trust.js';
import type {
  CertificateTypes,
  ClientCertificateOptions,
  HTTPVersionOption,
  PoolLimits,
  PoolStats,
  ProxyTypes,
} from '../../types.js';
import type { Dispatch, DispatchOptions } from '../dispatch.js';
import { Exchange } from './exchange.js';
import { Resolver } from './resolver.js';
import type { PoolHandle, PoolOptions } from '../../native.js';
import { Preconnecting } from './preconnecting.js';
import * as native from './engine.js';
import { checkProtocol } from '../check-request.js';
import { Stats } from './pool-stats.js';
import { Profiles } from './profiles.js';
import type { ProxyHop } from './proxy-hop.js';
import { ProxyHops } from './proxy-hop.js';

/** How connections are made and kept. @since 0.1.0 */
export interface HTTPDispatchOptions extends AddressGuardOptions {
  /**
   * Versions that may be spoken. https: ALPN offers exactly these, HTTP/2 first, and `'HTTP/2'` alone is a
   * ConnectError where the server picks something else. http: HTTP/1.1, or, with `'HTTP/2'` alone, HTTP/2 by prior
   * knowledge (h2c). Default: both.
   * @since 0.1.0
   */
  httpVersions?: HTTPVersionOption | readonly HTTPVersionOption[] | undefined;
  /** How many connections there may be, and for how long they are kept. Default: those of PoolLimits. @since 0.1.0 */
  poolLimits?: PoolLimits | null | undefined;
  /**
   * Whose certificates are trusted. true: the platform's trust store; false: no verification; else exactly these CA
   * certificates (PEM text, DER bytes, or a path). Default: true.
   * @since 0.1.0
   */
  verify?: boolean | CertificateTypes | readonly CertificateTypes[] | undefined;
  /** The client's certificate, for mutual TLS. null: none. Default: none. @since 0.1.0 */
  cert?: ClientCertificateOptions | null | undefined;
  /**
   * Whether the environment counts: SSL_CERT_FILE, SSL_CERT_DIR and NODE_EXTRA_CA_CERTS when `verify` is true,
   * SSLKEYLOGFILE always. They are read when this is made. Default: true.
   * @since 0.1.0
   */
  trustEnv?: boolean | undefined;
  /**
   * The unix socket (or Windows pipe) to connect through whatever the URL's host; `localAddress` and `resolve` have
   * no say then. Default: none.
   * @since 0.1.0
   */
  socketPath?: string | null | undefined;
  /** The IP address that connections start from. Default: none, the system chooses. @since 0.1.0 */
  localAddress?: string | null | undefined;
  /**
   * `host[:port]` → IP address, before DNS; the Host header and the verified name stay the URL's. Default: none.
   * @since 0.1.0
   */
  resolve?: Record<string, string> | null | undefined;
  /**
   * Refuses http: URLs (UnsupportedProtocol), redirects included, before anything is sent. Default: false.
   * @since 0.1.0
   */
  httpsOnly?: boolean | undefined;
  /**
   * Names (the proxies' too) to IP addresses, instead of the system's resolver. The answer is kept for
   * `poolLimits.dnsTtl`; several addresses are raced, eight at most at a time. What it throws is the `cause` of a ConnectError, which has its
   * `code`, or ENOTFOUND. null: the system's. Default: null.
   * @since 0.1.0
   */
  lookup?: LookupFunction | null | undefined;
  /**
   * The proxy of everything, but not with `socketPath`. The environment's proxies are the client's business.
   * Default: none.
   * @since 0.1.0
   */
  proxy?: ProxyTypes | null | undefined;
}

/** How connections are made before a request needs them. */
export interface PreconnectingOptions {
  connections: number;
  timeout: TimeoutConfig;
  trustEnv?: boolean;
  signal?: AbortSignal | null | undefined;
}

/**
 * The network. The pool is opened by the first request.
 *
 * @throws TypeError, RangeError naming the option
 * @since 0.1.0
 */
export class HTTPDispatch implements Dispatch {
  #poolOptions: PoolOptions;
  #pool: PoolHandle | null = null;
  #profiles = new Profiles();
  #closed = false;
  #preconnecting = new Set<Preconnecting>();
  #httpsOnly: boolean;
  #lookup: LookupFunction | null;
  /** null: nothing ever takes a proxy. */
  #proxies: Proxies | null;
  #hops: ProxyHops | null = null;
  /** What is to be said with the first https connection; null for nothing. */
  #notice: TrustNotice | null = null;

  /**
   * Reads the options; the pool is opened by the first request.
   *
   * @throws TypeError, RangeError naming the option
   * @since 0.1.0
   */
  constructor(options?: HTTPDispatchOptions);
  /**
   * @param proxies A client's.
   * @internal
   */
  constructor(options?: HTTPDispatchOptions, proxies?: Proxies | null);
  constructor(options: HTTPDispatchOptions = {}, proxies?: Proxies | null) {
    checkOptions(options, optionNames, 'new HTTPDispatch()');
    const given = bare(options);
    const limits = resolvePoolLimits(given.poolLimits);
    const trustEnv = toFlag('trustEnv', given.trustEnv, true);
    this.#httpsOnly = toFlag('httpsOnly', given.httpsOnly, false);
    this.#lookup = toLookup(given.lookup);
    const notice = new TrustNotice();
    // What is undefined here the addon would take from a polluted Object.prototype.
    this.#poolOptions = bare<PoolOptions>({
      maxConnections: limits.maxConnections ?? undefined,
      maxConnectionsPerOrigin: limits.maxConnectionsPerOrigin ?? undefined,
      maxKeepaliveConnections: limits.maxKeepaliveConnections ?? undefined,
      keepaliveExpiryMs: limits.keepaliveExpiry ?? undefined,
      pingIntervalMs: limits.pingInterval ?? undefined,
      maxAgeMs: limits.maxAge ?? undefined,
      tcpKeepaliveMs: limits.tcpKeepalive ?? undefined,
      dnsTtlMs: limits.dnsTtl ?? undefined,
      ...resolveHttpVersions(given.httpVersions),
      tls: resolveTrust(given, trustEnv, notice),
      ...toConnectOverrides(given),
      ...toAddressGuard(given, given.socketPath),
    });
    if (!notice.isEmpty) this.#notice = notice;
    const { proxy = null } = given;
    const own =
      proxies === undefined ? Proxies.read(proxy === null ? null : toProxy(proxy, 'proxy'), trustEnv) : proxies;
    // What is behind a unix socket is not reached by way of a proxy.
    this.#proxies = this.#poolOptions.socketPath === undefined ? own : null;
  }

  /**
   * Rejects with `signal.reason`, a subclass of RequestError, or what the request's own body source threw.
   * @since 0.1.0
   */
  send(request: Request, options: DispatchOptions): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { signal, buffered, timeout } = options;
      if (this.#closed && options.isUnderWay !== true) {
        throw new ClientClosed('Cannot send a request, as the client has been closed.', { request });
      }
      if (signal?.aborted) throw signal.reason;
      const { url } = request;
      checkProtocol(request, this.#httpsOnly);
      const hop = this.#checkWay(request, options.trustEnv);
      const head =
        hop === null
          ? `${request.method}\n${url.origin}\n${url.fullPath}\n${request.headerLines()}`
          : hop.head(request);
      const pool = this.#openPool(request);
      const profile = this.#profiles.of(pool, timeout, buffered?.maxResponseSize ?? null, hop);
      let flags = buffered === undefined ? native.flags.StreamResponse : 0;
      if (options.headFirst === 'redirects') flags |= native.flags.RedirectsHeadFirst;
      else if (options.headFirst === 'unsuccessful') flags |= native.flags.UnsuccessfulHeadFirst;
      if (buffered !== undefined || options.readsSoon === true) flags |= native.flags.BodyAtHand;
      if (typeof options.onInformational === 'function') flags |= native.flags.WantInformational;
      const body = typeof options.onUploadProgress === 'function' ? inPieces(request.body) : request.body;
      new Exchange(request, options, { resolve, reject }, hop, this.#lookup).start(profile, flags, head, body);
      if (this.#closed) this.#closeAgain(pool);
    });
  }

  /**
   * Opens connections (DNS, proxy, TLS) before the first request needs them, until `connections` (1) are there, idle ones included; over
   * HTTP/2, one. Rejects as `send` does.
   *
   * @since 0.1.0
   */
  async preconnect(url: URL, options: PreconnectingOptions): Promise<void> {
    const request = new Request('PRECONNECT', url);
    const { connections, timeout, trustEnv, signal } = options;
    if (this.#closed) {
      throw new ClientClosed('Cannot open a connection, as the client has been closed.', { request });
    }
    if (signal?.aborted) throw signal.reason;
    checkProtocol(request, this.#httpsOnly);
    const hop = this.#checkWay(request, trustEnv);
    const profile = this.#profiles.of(this.#openPool(request), timeout, null, hop);
    let preconnecting: Preconnecting | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        preconnecting = new Preconnecting(request, hop, resolve, reject);
        this.#preconnecting.add(preconnecting);
        preconnecting.start(profile, connections, signal);
      });
    } finally {
      if (preconnecting !== undefined) this.#preconnecting.delete(preconnecting);
    }
  }

  /**
   * Whether a connection that is not of the pool may be made for a request: what says where connections lead holds for the pool's alone.
   *
   * @throws UnsupportedProtocol, ConnectError naming the option that would have no effect
   * @internal
   */
  checkOwnConnection(request: Request): void {
    checkProtocol(request, this.#httpsOnly);
    const { allowAddresses, denyAddresses, socketPath, resolve } = this.#poolOptions;
    const options = { allowAddresses, denyAddresses, socketPath, resolve, lookup: this.#lookup ?? undefined };
    const name = Object.entries(options).find(([, value]) => value !== undefined)?.[0];
    if (name === undefined) return;
    const message = `${name}: has no effect on a connection that switches protocols, so that none is made`;
    throw requestFailure(ConnectError, message, { request, code: 'ERR_ADDRESS_FORBIDDEN' });
  }

  /** Closes idle connections now and active ones when their responses end; requests go on, over new connections. @since 0.1.0 */
  async drain(): Promise<void> {
    if (this.#pool !== null && !this.#closed) await native.drainPool(this.#pool);
  }

  /** The pool in numbers and in one line. @since 0.1.0 */
  get stats(): PoolStats {
    return this.statsWith(() => this.drain());
  }

  /**
   * The same for an owner of more than this.
   * @internal
   */
  statsWith(drain: () => Promise<void>): PoolStats {
    return new Stats(this.#pool, drain);
  }

  /** Closes idle connections now and active ones when their responses end. Idempotent. @since 0.1.0 */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const preconnecting of this.#preconnecting) {
      preconnecting.cancel(new ClientClosed('The client was closed while a connection was being made.'));
    }
    this.#profiles.clear();
    if (this.#pool !== null) await native.closePool(this.#pool);
  }

  /** After `close()` a request that may still be sent has a pool of its own, whose connection ends with its response. */
  #openPool(request: Request): PoolHandle {
    if (this.#pool !== null && !this.#closed) return this.#pool;
    const resolver = this.#lookup === null ? null : new Resolver(this.#lookup);
    try {
      const pool = native.openPool(this.#poolOptions, resolver);
      if (!this.#closed) {
        this.#pool = pool;
        abandoned.register(this, this.#profiles);
      }
      return pool;
    } catch (error) {
      if (error instanceof ConnectError) error.request = request;
      throw error;
    }
  }

  /**
   * The proxy in front of a request's origin, if there is one.
   * @throws ConnectError where a connection would not be made
   */
  #checkWay(request: Request, trustEnv: boolean | undefined): ProxyHop | null {
    const { url } = request;
    const proxy = this.#proxies === null ? null : this.#proxies.lookup(url, trustEnv, request);
    const hop = proxy === null ? null : (this.#hops ??= new ProxyHops(this.#poolOptions)).of(proxy, url);
    if (this.#notice !== null && (url.scheme === 'https' || hop?.proxy.proxyUrl.scheme === 'https'))
      this.#say(this.#notice, request);
    if (mayConnect !== null) this.#checkPermission(request, hop);
    return hop;
  }

  #say(notice: TrustNotice, request: Request): void {
    const { failure: cause } = notice;
    if (cause !== null) throw requestFailure(ConnectError, cause.message, { request, cause });
    notice.warn();
    this.#notice = null;
  }

  /** @throws ConnectError with Node's own code where the process may not connect */
  #checkPermission(request: Request, hop: ProxyHop | null): void {
    const { netloc, port, scheme } = hop === null ? request.url : hop.proxy.proxyUrl;
    const place = port === null ? `${netloc}:${scheme === 'https' ? 443 : 80}` : netloc;
    const host = this.#poolOptions.socketPath === undefined ? place : null;
    if (mayConnect?.(host) !== false) return;
    const cause = accessDenied('Net', this.#poolOptions.socketPath ?? place);
    const message = `cannot connect to ${request.url.origin}: ${cause.message}`;
    throw requestFailure(ConnectError, message, { request, cause, code: ACCESS_DENIED });
  }

  #closeAgain(pool: PoolHandle): void {
    this.#profiles.clear();
    void native.closePool(pool);
  }
}

defineInspect(HTTPDispatch, (dispatch) => `<HTTPDispatch ${dispatch.stats.toString()}>`);

/** Bytes as a stream, so that progress can be told. */
function inPieces(body: Body): Body {
  if (body === null || body instanceof StreamBody) return body;
  return new StreamBody(() => slices(body), body.length, true);
}

function slices(bytes: Buffer): Buffer[] {
  const size = 64 * 1024;
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** What a client passes on, too. */
export const dispatchOptionNames: readonly (keyof HTTPDispatchOptions)[] = [
  'httpVersions',
  'poolLimits',
  'verify',
  'cert',
  'trustEnv',
  'socketPath',
  'localAddress',
  'resolve',
  'allowAddresses',
  'denyAddresses',
  'httpsOnly',
  'lookup',
];
const optionNames = [...dispatchOptionNames, 'proxy'];

/** Dispatches that were collected without `close()`. Their pools close with the handle. */
const abandoned = new FinalizationRegistry<Profiles>((profiles) => profiles.clear());
