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

/** A version as ALPN and `httpVersions` name it. */
export type HTTPVersion = 'HTTP/1.1' | 'HTTP/2' | 'HTTP/3';

/** Text, this package's URL, or the platform's. */
export type URLTypes = string | URL | globalThis.URL;

/**
 * Parts of a URL to set or replace. Text is percent-encoded where it must be; what is encoded already stays as it is. null for
 * `query` or `fragment` removes it with its `?` or `#`.
 */
export interface URLComponents {
  scheme?: string | undefined;
  /** Alone, it drops the password. */
  username?: string | undefined;
  password?: string | undefined;
  /** A name, in Unicode or Punycode, or an address; IPv6 with or without brackets. */
  host?: string | undefined;
  /** null: the scheme's default. */
  port?: number | null | undefined;
  /** `host[:port]` in one. Without a port, the port is dropped. */
  netloc?: string | undefined;
  path?: string | undefined;
  query?: string | null | undefined;
  fragment?: string | null | undefined;
  /** Replaces the query; none at all removes it. */
  params?: QueryParamTypes | undefined;
}

/** What a query parameter may be. null is the empty text; true and false are 'true' and 'false'. */
export type ParamValue = string | number | bigint | boolean | null;

/** A query: text without `?`, pairs, or an object whose arrays repeat the name. */
export type QueryParamTypes =
  | string
  | URLSearchParams
  | QueryParams
  | Record<string, ParamValue | readonly ParamValue[] | undefined>
  | Iterable<readonly [string, ParamValue]>;

/** Headers: an object whose arrays are several lines, or pairs. In the headers of a request null removes a client's default. */
export type HeaderTypes =
  | Headers
  | globalThis.Headers
  | Record<string, string | readonly string[] | null | undefined>
  | Iterable<readonly [string, string]>;

/** Cookies: an object or pairs, which are bound to no host, or a jar. */
export type CookieTypes = Cookies | CookieJar | Record<string, string> | Iterable<readonly [string, string]>;

/** Milliseconds. A plain object changes the kinds that it names and inherits the rest; null is off. */
export type TimeoutTypes =
  | number
  | TimeoutConfig
  | {
      connect?: number | null | undefined;
      read?: number | null | undefined;
      write?: number | null | undefined;
      pool?: number | null | undefined;
      total?: number | null | undefined;
    };

/** How many connections the pool may hold. null: no limit. */
export interface PoolLimits {
  /** Connections open at once, all origins. Default 1_000. */
  maxConnections?: number | null | undefined;
  /** Per origin. Default off. */
  maxConnectionsPerOrigin?: number | null | undefined;
  /** Kept idle. Default 256. */
  maxKeepaliveConnections?: number | null | undefined;
  /** Idle milliseconds after which a connection is closed. Default 4_000; a server's `Keep-Alive: timeout=` shortens it. */
  keepaliveExpiry?: number | null | undefined;
  /**
   * HTTP/2: milliseconds of silence, while requests are under way, after which a PING asks whether the server is still there; no
   * answer within the same time closes the connection. Default off.
   */
  pingInterval?: number | null | undefined;
}

/** The pool in numbers, and in one line: `<Pool 1 active, 0 queued | 2 idle>`. */
export interface PoolStats {
  /** Connections in use. */
  readonly active: number;
  /** Connections kept for the next request. */
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly queued: number;
  toString(): string;
}

/** A certificate or key: PEM text, DER bytes, or a path. */
export type CertificateTypes = string | Uint8Array;

/** The client's own certificate, for mutual TLS. */
export interface ClientCertificateOptions {
  /** The certificate, and those between it and the authority after it. A path may be the same file as the key's. */
  cert: CertificateTypes;
  /** RSA (2048 to 8192 bits), P-256, P-384, P-521 or Ed25519: PKCS#8, PKCS#1 or SEC1. */
  key: CertificateTypes;
  /** Of an encrypted key. */
  password?: string | undefined;
}
/** A proxy: `http:`, `https:`, `socks5:`, `socks5h:`, `socks4:` or `socks4a:`. Credentials as userinfo. */
export type ProxyTypes = string | URL | globalThis.URL | HTTPProxy;

/** One proxy for everything; proxies by URL pattern (`'all'`, `'https'`, `'all://*.example.com'`), null for "directly"; or none. */
export type ProxiesOption = ProxyTypes | Record<string, ProxyTypes | null | undefined> | null;

/** A body. Streams and iterables are read as the network takes them. */
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

/** A field of a form. null is the empty text. */
export type FormValue = string | number | boolean | null;

/** A form: its arrays repeat the name. FormData is sent as multipart, the others urlencoded unless there are files. */
export type FormTypes = Record<string, FormValue | readonly FormValue[] | undefined> | URLSearchParams | FormData;

/** A file of a multipart form: its content, or `[filename, content, contentType?, headers?]`. */
export type FileTypes =
  | FileValue
  | readonly [filename: string | null, content: FileValue, contentType?: string, headers?: Record<string, string>];

/**
 * Files by the name of their field. An array is `[filename, content, …]` if it begins like that, else several files.
 */
export type FilesTypes =
  Record<string, FileTypes | readonly FileTypes[] | undefined> | readonly (readonly [name: string, file: FileTypes])[];

/**
 * The body of a request: at most one of content, json, and data with files.
 *
 * Bytes are not copied when they are many: leave them as they are until the promise settles. Files on disk are read while they are
 * sent, and never held in memory.
 */
export type BodyOptions =
  | {
      /** The body as it is: no Content-Type is added. */
      content?: ContentTypes | undefined;
      json?: undefined;
      data?: undefined;
      files?: undefined;
    }
  | {
      /** The body as JSON. */
      json?: unknown;
      content?: undefined;
      data?: undefined;
      files?: undefined;
    }
  | {
      /** The body as a form; with files, its fields come first. */
      data?: FormTypes | null | undefined;
      /** The body as multipart/form-data. */
      files?: FilesTypes | null | undefined;
      content?: undefined;
      json?: undefined;
    };

/** What a file may hold: `file(path)`, a Blob (`fs.openAsBlob`), bytes, text, or a stream (`fs.createReadStream`) of bytes. */
export type FileValue = FileContent | Blob | Uint8Array | string | Readable;

/** A Response made by hand, for mocks and in-process dispatches. At most one of content, text, html and json. */
export interface ResponseParts {
  headers?: HeaderTypes | undefined;
  content?: Uint8Array | string | AsyncIterable<Uint8Array> | undefined;
  text?: string | undefined;
  html?: string | undefined;
  json?: unknown;
  request?: Request | undefined;
  httpVersion?: HTTPVersion | undefined;
}
