/** The shapes that several files take from a user. Types only; what may stand in them is checked where they are read. */

import type { Readable } from 'node:stream';
import type { CookieJar } from 'tough-cookie';
import type { Cookies } from './cookies/cookies.js';
import type { Headers } from './headers.js';
import type { FileContent } from './request/file-content.js';
import type { HTTPProxy } from './connect/http-proxy.js';
import type { QueryParams } from './url/query-params.js';
import type { Request } from './request/request.js';
import type { Response } from './response/response.js';
import type { TimeoutConfig } from './timeout.js';
import type { URL } from './url/url.js';

/** The version that a response came in, or is made with. @since 0.1.0 */
export type HTTPVersion = 'HTTP/1.1' | 'HTTP/2' | 'HTTP/3';

/** A version that `httpVersions` allows, in either case. HTTP/3 is not spoken yet. @since 0.1.0 */
export type HTTPVersionOption = 'HTTP/1.1' | 'HTTP/2' | 'http/1.1' | 'http/2';

/** Text, this package's URL, or the platform's. @since 0.1.0 */
export type URLTypes = string | URL | globalThis.URL;

/**
 * Parts of a URL to set or replace. Text is percent-encoded where it must be; what is encoded already stays as it is. null for
 * `query` or `fragment` removes it with its `?` or `#`.
 * @since 0.1.0
 */
export interface URLComponents {
  /** The scheme, without its colon. Default: as in the URL. @since 0.1.0 */
  scheme?: string | undefined;
  /** The name of the userinfo. Alone, it drops the password. Default: as in the URL. @since 0.1.0 */
  username?: string | undefined;
  /** The password of the userinfo. Default: as in the URL. @since 0.1.0 */
  password?: string | undefined;
  /**
   * A name, in Unicode or Punycode, or an address; IPv6 with or without brackets. Default: as in the URL.
   * @since 0.1.0
   */
  host?: string | undefined;
  /** The port. null: the scheme's. Default: as in the URL. @since 0.1.0 */
  port?: number | null | undefined;
  /** `host[:port]` in one. Without a port, the port is dropped. Default: as in the URL. @since 0.1.0 */
  netloc?: string | undefined;
  /** The path, percent-encoded where it must be. Default: as in the URL. @since 0.1.0 */
  path?: string | undefined;
  /** The query without its `?`; null removes it. Default: as in the URL. @since 0.1.0 */
  query?: string | null | undefined;
  /** The fragment without its `#`; null removes it. Default: as in the URL. @since 0.1.0 */
  fragment?: string | null | undefined;
  /** Parameters that replace the query; none at all removes it. Default: the query as it is. @since 0.1.0 */
  params?: QueryParamTypes | undefined;
}

/** What a query parameter may be. null is the empty text; true and false are 'true' and 'false'. @since 0.1.0 */
export type ParamValue = string | number | bigint | boolean | null;

/**
 * A query: text without `?`, pairs, or an object whose arrays repeat the name. `object` is for those that an interface or a class
 * describes, which TypeScript takes for no Record: their values are checked at run time.
 * @since 0.1.0
 */
export type QueryParamTypes =
  | string
  | URLSearchParams
  | QueryParams
  | Record<string, ParamValue | readonly ParamValue[] | undefined>
  | Iterable<readonly [string, ParamValue]>
  | object;

/**
 * Headers: an object whose arrays are several lines, or pairs. In the headers of a request null removes a client's default. `object`
 * is for what an interface describes, as in QueryParamTypes.
 * @since 0.1.0
 */
export type HeaderTypes =
  | Headers
  | globalThis.Headers
  | Record<string, string | readonly string[] | null | undefined>
  | Iterable<readonly [string, string]>
  | object;

/** Cookies: an object or pairs, which are bound to no host, or a jar. @since 0.1.0 */
export type CookieTypes = Cookies | CookieJar | Record<string, string> | Iterable<readonly [string, string]>;

/** Milliseconds. A plain object changes the kinds that it names and inherits the rest; null is off. @since 0.1.0 */
export type TimeoutTypes =
  | number
  | TimeoutConfig
  | {
      /**
       * Milliseconds until a connection is made: DNS, TCP, proxy and TLS together. null: no limit. Default: the
       * client's, 5_000.
       * @since 0.1.0
       */
      connect?: number | null | undefined;
      /**
       * Milliseconds between two chunks of a response, or until its head. null: no limit. Default: the client's,
       * 5_000.
       * @since 0.1.0
       */
      read?: number | null | undefined;
      /**
       * Milliseconds that the network may take no byte of the request. null: no limit. Default: the client's, 5_000.
       * @since 0.1.0
       */
      write?: number | null | undefined;
      /**
       * Milliseconds to wait for a connection of a full pool. null: no limit. Default: the client's, 5_000.
       * @since 0.1.0
       */
      pool?: number | null | undefined;
      /**
       * Milliseconds for the whole call: redirects, retries and the body included. null: no limit. Default: the
       * client's, off.
       * @since 0.1.0
       */
      total?: number | null | undefined;
    };

/** How many connections the pool may hold. null: no limit. @since 0.1.0 */
export interface PoolLimits {
  /**
   * Connections open at once, over all origins; further requests wait in turn. null: no limit. Default: 1_000.
   * @since 0.1.0
   */
  maxConnections?: number | null | undefined;
  /** Connections open at once to one origin. null: no limit. Default: none. @since 0.1.0 */
  maxConnectionsPerOrigin?: number | null | undefined;
  /** Connections that are kept idle for the next request. null: no limit. Default: 256. @since 0.1.0 */
  maxKeepaliveConnections?: number | null | undefined;
  /**
   * Idle milliseconds after which a connection is closed; a server's `Keep-Alive: timeout=` shortens it. null:
   * never. Default: 4_000.
   * @since 0.1.0
   */
  keepaliveExpiry?: number | null | undefined;
  /**
   * HTTP/2: milliseconds of silence, while requests are under way, after which a PING asks whether the server is still there; no
   * answer within the same time closes the connection. Default: off.
   * @since 0.1.0
   */
  pingInterval?: number | null | undefined;
  /**
   * Milliseconds after which a connection takes no further request, so that rollouts and load balancing by DNS are
   * followed; exchanges under way end in peace. null: however old. Default: null.
   * @since 0.1.0
   */
  maxAge?: number | null | undefined;
  /**
   * Milliseconds of silence, at least 1_000, after which TCP probes whether the peer is still there: once, and then
   * every sixth of that time (at least every second), at most five times. A peer that is gone is noticed so where read
   * timeouts are off, on Linux just as soon while something that was sent is not acknowledged, when TCP does not probe;
   * one that lives and reads nothing is left alone. null: never. Default: 60_000.
   * @since 0.1.0
   */
  tcpKeepalive?: number | null | undefined;
  /**
   * Milliseconds for which the addresses of a name are used again. Those that ask for one name at one time share the question either
   * way. A question that failed is not kept, except that it lets the last answer serve once more; an answer none of whose addresses
   * could be connected to is dropped. null or 0: each connection asks. Default: 10_000.
   * @since 0.1.0
   */
  dnsTtl?: number | null | undefined;
}

/** The pool in numbers, and in one line: `<Pool 1 active, 0 queued | 2 idle>`. @since 0.1.0 */
export interface PoolStats {
  /** Connections that carry a request, or whose response is not read to its end. @since 0.1.0 */
  readonly active: number;
  /** Connections kept for the next request. @since 0.1.0 */
  readonly idle: number;
  /** Requests that wait for a connection. @since 0.1.0 */
  readonly queued: number;
  /**
   * Closes what is idle, and lets no connection of now serve another request: those in use end with their responses. For what lies
   * behind them has changed, such as the network of a laptop. Resolves when the idle ones are closed.
   *
   * @since 0.1.0
   */
  drain(): Promise<void>;
  /** In one line: `<Pool 1 active, 0 queued | 2 idle>`. @since 0.1.0 */
  toString(): string;
}

/** A certificate or key: PEM text, DER bytes, or a path. @since 0.1.0 */
export type CertificateTypes = string | Uint8Array;

/** The client's own certificate, for mutual TLS. @since 0.1.0 */
export interface ClientCertificateOptions {
  /**
   * The certificate, and those between it and the authority after it. A path may be the same file as the key's.
   * @since 0.1.0
   */
  cert: CertificateTypes;
  /** RSA (2048 to 8192 bits), P-256, P-384, P-521 or Ed25519: PKCS#8, PKCS#1 or SEC1. @since 0.1.0 */
  key: CertificateTypes;
  /** The password of an encrypted key. Default: none; an encrypted key without one is a TypeError. @since 0.1.0 */
  password?: string | undefined;
}
/** A proxy: `http:`, `https:`, `socks5:`, `socks5h:`, `socks4:` or `socks4a:`. Credentials as userinfo. @since 0.1.0 */
export type ProxyTypes = string | URL | globalThis.URL | HTTPProxy;

/**
 * One proxy for everything; proxies by URL pattern (`'all'`, `'https'`, `'all://*.example.com'`), null for "directly"; or none.
 * @since 0.1.0
 */
export type ProxiesOption = ProxyTypes | Record<string, ProxyTypes | null | undefined> | null;

/** A body. Streams and iterables are read as the network takes them. @since 0.1.0 */
export type ContentTypes =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | Readable
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array>
  | FileContent
  | Response;

/** A field of a form. null is the empty text. @since 0.1.0 */
export type FormValue = string | number | boolean | null;

/**
 * A form: its arrays repeat the name. FormData is sent as multipart, the others urlencoded unless there are files. `object` is for
 * what an interface describes, as in QueryParamTypes.
 * @since 0.1.0
 */
export type FormTypes =
  Record<string, FormValue | readonly FormValue[] | undefined> | URLSearchParams | FormData | object;

/** A file of a multipart form: its content, or `[filename, content, contentType?, headers?]`. @since 0.1.0 */
export type FileTypes =
  | FileValue
  | readonly [filename: string | null, content: FileValue, contentType?: string, headers?: Record<string, string>];

/**
 * Files by the name of their field. An array is `[filename, content, …]` if it begins like that, else several files.
 * @since 0.1.0
 */
export type FilesTypes =
  Record<string, FileTypes | readonly FileTypes[] | undefined> | readonly (readonly [name: string, file: FileTypes])[];

/**
 * The body of a request: at most one of content, json, and data with files.
 *
 * Bytes are not copied when they are many: leave them as they are until the promise settles. Files on disk are read while they are
 * sent, and never held in memory.
 * @since 0.1.0
 */
export type BodyOptions =
  | {
      /** The body as it is: no Content-Type is added. Default: none. @since 0.1.0 */
      content?: ContentTypes | undefined;
      json?: undefined;
      data?: undefined;
      files?: undefined;
    }
  | {
      /** The body as JSON. Default: none. @since 0.1.0 */
      json?: unknown;
      content?: undefined;
      data?: undefined;
      files?: undefined;
    }
  | {
      /** The body as a form; with files, its fields come first. Default: none. @since 0.1.0 */
      data?: FormTypes | null | undefined;
      /** The body as multipart/form-data. Default: none. @since 0.1.0 */
      files?: FilesTypes | null | undefined;
      content?: undefined;
      json?: undefined;
    };

/**
 * What a file may hold: `file(path)`, a Blob (`fs.openAsBlob`), bytes, text, or a stream (`fs.createReadStream`) of bytes.
 * @since 0.1.0
 */
export type FileValue = FileContent | Blob | Uint8Array | string | Readable;

/**
 * A Response made by hand, for mocks and in-process dispatches. At most one of content, text, html and json.
 * @since 0.1.0
 */
export interface ResponseParts {
  /** Headers of the response. Default: none but the Content-Type of the body. @since 0.1.0 */
  headers?: HeaderTypes | undefined;
  /** The body as bytes, text, or a stream of bytes. Default: none. @since 0.1.0 */
  content?: Uint8Array | string | AsyncIterable<Uint8Array> | undefined;
  /** The body as text/plain. Default: none. @since 0.1.0 */
  text?: string | undefined;
  /** The body as text/html. Default: none. @since 0.1.0 */
  html?: string | undefined;
  /** The body as JSON. Default: none. @since 0.1.0 */
  json?: unknown;
  /** The request that it answers. Default: none; the client sets it. @since 0.1.0 */
  request?: Request | undefined;
  /** The version of HTTP. Default: 'HTTP/1.1'. @since 0.1.0 */
  httpVersion?: HTTPVersion | undefined;
}
