/**
 * How a request looks that takes a proxy: in absolute-form, or as it would without one, through a tunnel (RFC 9112 §3.2). Which
 * proxy it takes is decided in proxies.ts; CONNECT is the core's.
 */

import { Headers } from '../../headers.js';
import type { HTTPProxy } from '../../connect/http-proxy.js';
import { HTTPProxyMode } from '../../connect/http-proxy.js';
import { Request } from '../../request/request.js';
import { alsoSecret } from '../../request-secrets.js';
import type { PoolOptions, ProxyHandle, ProxyHandleOptions, TlsOptions } from '../../native.js';
import { URL } from '../../url/url.js';
import * as native from './engine.js';
import { ownText } from '../../own-memory.js';
import { bare } from '../../bare.js';

/** A dispatch's proxies as they are used. */
export class ProxyHops {
  #pool: PoolOptions;
  #known = new Map<HTTPProxy, { forward?: ProxyHop; tunnel?: ProxyHop }>();
  #count = 0;

  /** @param pool What a proxy inherits, and which versions are spoken. */
  constructor(pool: PoolOptions) {
    this.#pool = pool;
  }

  /** The same hop for the same proxy: the core shares connections among requests that name one proxy handle. */
  of(proxy: HTTPProxy, url: URL): ProxyHop {
    const name = isForwarded(proxy, url, this.#pool.http1) ? 'forward' : 'tunnel';
    let hops = this.#known.get(proxy);
    if (hops === undefined) this.#known.set(proxy, (hops = {}));
    return (hops[name] ??= new ProxyHop(proxy, name === 'forward', this.#trust(proxy), ++this.#count));
  }

  /** The client's `verify: false` does not open the connection on which credentials go unprotected; its `cert` is for origins. */
  #trust({ proxyUrl, trust }: HTTPProxy): TlsOptions {
    if (proxyUrl.scheme !== 'https') return { verify: true };
    const { roots, extraRoots, keyLog } = this.#pool.tls;
    return { verify: true, roots, extraRoots, keyLog, ...trust };
  }
}

/** One proxy, in one of its two uses. */
export class ProxyHop {
  readonly proxy: HTTPProxy;
  /** The proxy gets requests; otherwise it opens tunnels. */
  readonly forwards: boolean;
  readonly handle: ProxyHandle;
  #hasWarned = false;
  /** Its own header lines, for CONNECT or for each forwarded request. */
  #lines: string;

  /** Among those of its dispatch. */
  readonly number: number;

  /** @param trust Whom to trust as an https proxy. */
  constructor(proxy: HTTPProxy, forwards: boolean, trust: TlsOptions, number: number) {
    this.proxy = proxy;
    this.number = number;
    this.forwards = forwards;
    this.#lines = ownLines(proxy);
    const { auth, isDigest, isSocks, proxyUrl, port } = proxy;
    const told = isDigest || isSocks ? auth : null;
    this.handle = native.openProxy({
      __proto__: null,
      protocol: proxyUrl.scheme as ProxyHandleOptions['protocol'],
      host: proxyUrl.rawHost,
      port,
      forwards,
      username: told?.[0],
      password: told?.[1],
      fields: ownText(this.#lines, 'latin1'),
      tls: { __proto__: null, ...trust },
    } as ProxyHandleOptions);
  }

  /** The request as `native.send` takes it. */
  head(request: Request): string {
    const { method, url } = request;
    const lines = request.headerLines();
    if (this.forwards && url.scheme === 'https') this.#warn();
    if (this.forwards) return `${method}\n${url.origin}\n${absoluteForm(url)}\n${this.#withOwn(lines)}`;
    // What is for the proxy is told with CONNECT; the origin must not learn of it.
    return `${method}\n${url.origin}\n${url.fullPath}\n${withoutProxyFields(lines)}`;
  }

  /** For messages and logs: without credentials. */
  connectRequest(url: URL): Request {
    const port = url.port === null ? (url.scheme === 'https' ? ':443' : ':80') : '';
    const authority = url.netloc + port;
    const target = new URL(this.proxy.proxyUrl);
    // Authority-form (RFC 9112 §3.2.3), which is for CONNECT alone and which a URL of a user's cannot have.
    Object.defineProperty(target, 'fullPath', bare({ value: authority }));
    const connect = new Request('CONNECT', target, undefined, {
      lines: `Host\n${authority}\nAccept\n*/*\n`,
      body: null,
    });
    alsoSecret(connect, this.proxy);
    return connect;
  }

  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const message = `HTTPProxyMode.FORWARD_ONLY: https requests go to ${this.proxy} in a form that the proxy can read`;
    process.emitWarning(message, bare({ code: 'WHIPPET_HTTPS_FORWARDED' }));
  }

  /** Host first, then the proxy's own, then the request's; of two with one name the request's counts. */
  #withOwn(lines: string): string {
    if (this.#lines === '') return lines;
    const theirs = Headers.fromLines(lines);
    let own = '';
    for (const [name, value] of Headers.fromLines(this.#lines).raw) {
      if (!theirs.has(name)) own += `${name}\n${value}\n`;
    }
    const hostEnd = /^host\n[^\n]*\n/i.exec(lines)?.[0].length ?? 0;
    return lines.slice(0, hostEnd) + own + lines.slice(hostEnd);
  }
}

/** HTTP/2 is spoken to origins only, so a client that speaks nothing else needs a tunnel. */
function isForwarded(proxy: HTTPProxy, url: URL, speaksHttp1: boolean): boolean {
  if (proxy.isSocks || proxy.proxyMode === HTTPProxyMode.TUNNEL_ONLY) return false;
  return proxy.proxyMode === HTTPProxyMode.FORWARD_ONLY || (url.scheme === 'http' && speaksHttp1);
}

/** RFC 9112 §3.2.2; and §3.2.4, for `OPTIONS *`: then without a path. Userinfo is never part of it. */
function absoluteForm(url: URL): string {
  const target = url.fullPath;
  // As the origin, but for the zone of an address, which is no business of the proxy's.
  const origin = `${url.scheme}://${url.netloc}`;
  if (target === '*') return origin;
  return target.startsWith('/') ? origin + target : target;
}

/** Basic credentials come before the other headers for the proxy; one that a user wrote by hand replaces them. */
function ownLines(proxy: HTTPProxy): string {
  const { auth, proxyHeaders } = proxy;
  if (auth === null || proxy.isDigest || proxy.isSocks || proxyHeaders.has('proxy-authorization')) {
    return proxyHeaders.toLines();
  }
  const credentials = ownText(`${auth[0]}:${auth[1]}`).toString('base64');
  return `Proxy-Authorization\nBasic ${credentials}\n${proxyHeaders.toLines()}`;
}

function withoutProxyFields(lines: string): string {
  if (!/^proxy-(?:authorization|connection)$/im.test(lines)) return lines;
  const headers = Headers.fromLines(lines);
  headers.delete('proxy-authorization');
  headers.delete('proxy-connection');
  return headers.toLines();
}
