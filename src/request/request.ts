/**
 * A request: method, URL, headers and body. Defaults of a client, auth, cookies and redirects are not decided here; this file
 * knows the headers that describe the body (RFC 9112 §6) and nothing else.
 */

import { inspect } from 'node:util';
import { toContent } from './body-options.js';
import type { Body } from './body.js';
import type { CompressionSettings } from './compression.js';
import type { CurlOptions } from './curl.js';
import { toCurl } from './curl.js';
import { StreamBody, toChunk } from './body.js';
import { Cookies } from '../cookies/cookies.js';
import { LocalProtocolError, RequestNotRead } from '../errors.js';
import { hasLine, Headers, mergeHeaders } from '../headers.js';
import { checkFraming, headLines } from './header-lines.js';
import { anticipatesContent, normaliseMethod } from './method.js';
import { checkOptions } from '../check-options.js';
import type { BodyOptions, CookieTypes, HeaderTypes, QueryParamTypes, URLTypes } from '../types.js';
import { URL } from '../url/url.js';
import { ownJoin } from '../own-memory.js';

/** What a request may be made of. At most one body. @since 0.1.0 */
export type RequestParts = BodyOptions & {
  /** Parameters that are merged into the query of the URL. Default: none. @since 0.1.0 */
  params?: QueryParamTypes | null | undefined;
  /** The headers. Default: none but Host and those of the body. @since 0.1.0 */
  headers?: HeaderTypes | null | undefined;
  /**
   * Cookies, of which those that fit the URL are sent, unless there is a Cookie header of one's own. Needs a
   * synchronous store. Default: none.
   * @since 0.1.0
   */
  cookies?: CookieTypes | false | null | undefined;
};

/** What a client wrote into a Cookie header. */
export interface ClientCookies {
  /** '' for no header; a promise while a store takes its time. */
  header: string | Promise<string>;
  /** The cookies of this one request, which are in no jar. */
  also: Cookies | undefined;
}

/**
 * One request, to be changed freely until it is sent. A hand-made one has Host and the body's headers, nothing else
 * (`client.buildRequest()` adds the client's).
 *
 * @throws InvalidURL, TypeError for a method that is no token, bad headers, unknown options and two bodies
 * @since 0.1.0
 */
export class Request {
  #method: string;
  #url: URL;
  #headers: Headers | null = null;
  #lines = '';
  /** The name that was looked for last and is not in the lines: it is looked for before it is added. */
  #absent = '';
  #body: Body;
  /** The body's length when it was given: memory that is taken away from under it leaves none. */
  #length: number | null;
  /**
   * The Cookie header that a client wrote, and the request's own cookies in it; null when none did.
   * @internal
   */
  get clientCookies(): ClientCookies | null {
    return this.#clientCookies;
  }

  /** @internal */
  set clientCookies(cookies: ClientCookies | null) {
    this.#clientCookies = cookies;
  }

  /**
   * How the body is to be compressed when it is sent.
   * @internal
   */
  get compression(): CompressionSettings | null {
    return this.#compression;
  }

  /** @internal */
  set compression(compression: CompressionSettings | null) {
    this.#compression = compression;
  }

  #compression: CompressionSettings | null = null;

  /** Private, as every field that is not is logged, copied by structuredClone() and shown in tables. */
  #clientCookies: ClientCookies | null = null;

  /**
   * Takes the method, the URL and what there is to send.
   *
   * @throws TypeError for a method that is none, or a body that cannot be sent
   * @throws InvalidURL
   * @since 0.1.0
   */
  constructor(method: string, url: URLTypes, options?: RequestParts);
  /**
   * @param prepared Parts that are checked already.
   * @internal
   */
  constructor(method: string, url: URLTypes, options?: RequestParts, prepared?: { lines: string; body: Body });
  constructor(method: string, url: URLTypes, options?: RequestParts, prepared?: { lines: string; body: Body }) {
    if (prepared !== undefined) {
      this.#method = method;
      this.#url = url as URL;
      this.#lines = prepared.lines;
      this.#body = prepared.body;
      this.#length = lengthOf(prepared.body);
      return;
    }
    if (options !== undefined) checkOptions(options, initNames, 'new Request()');
    const given = Object.assign(Object.create(null) as RequestParts, options);
    const content = toContent(given);
    this.#method = normaliseMethod(method);
    const parsed = new URL(url);
    this.#url = given.params === undefined || given.params === null ? parsed : parsed.copyMergeParams(given.params);
    this.#body = content.body;
    this.#length = lengthOf(content.body);
    const headers = mergeHeaders(new Headers(), given.headers ?? undefined);
    const cookie = (given.cookies ?? false) === false ? '' : cookieOf(given.cookies as CookieTypes, this.url);
    this.#lines = headLines(this.#method, this.url, '', headers, content, cookie);
  }

  /** In upper case. Setting it to what is no token (RFC 9110 §9.1) is a TypeError. @since 0.1.0 */
  get method(): string {
    return this.#method;
  }

  set method(method: string) {
    this.#method = normaliseMethod(method);
  }

  /**
   * Where it goes. Set `url.fullPath` to send another request-target; Host stays as it is when another URL is set.
   * @since 0.1.0
   */
  get url(): URL {
    return this.#url;
  }

  set url(url: URLTypes) {
    this.#url = url instanceof URL ? url : new URL(url);
  }

  /** The headers, which may be changed until the request is sent. @since 0.1.0 */
  get headers(): Headers {
    return (this.#headers ??= Headers.fromLines(this.#lines));
  }

  set headers(headers: HeaderTypes) {
    this.#headers = new Headers(headers);
  }

  /**
   * The bytes of the body, as they are sent; empty when there is none.
   * @throws RequestNotRead for a stream that was not read
   * @since 0.1.0
   */
  get content(): Buffer {
    if (this.#body === null) return Buffer.alloc(0);
    if (this.#body instanceof StreamBody) {
      throw new RequestNotRead('The request body is a stream: call read() first', { request: this });
    }
    return this.#body;
  }

  /**
   * Reads a streamed body into memory; it can be sent more than once afterwards, with its Content-Length.
   * @since 0.1.0
   */
  async read(): Promise<Buffer> {
    if (this.#body instanceof StreamBody) {
      const iterator = this.#body.open();
      const pieces: Buffer[] = [];
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) break;
        pieces.push(toChunk(value));
      }
      this.#body = ownJoin(pieces);
      this.#length = this.#body.length;
      this.#frame(this.#body.length);
    }
    return this.content;
  }

  /** What is read has a length, and servers that refuse chunks (S3) take it. */
  #frame(length: number): void {
    if (!this.hasHeader('transfer-encoding') || this.hasHeader('content-length')) return;
    this.headers.delete('transfer-encoding');
    if (length > 0 || anticipatesContent.has(this.#method)) this.headers.set('Content-Length', String(length));
  }

  /**
   * Another that says the same, for the client to add credentials to: what a user sends twice must not keep them. Userinfo stays
   * behind, as it is on its way into a header.
   * @internal
   */
  copy(): Request {
    const { url } = this;
    const target = url.userinfo === '' ? new URL(url) : url.withoutUserinfo();
    const copy = new Request(this.#method, target, undefined, { lines: this.headerLines(), body: this.body });
    copy.clientCookies = this.clientCookies;
    if (this.#headers === null) copy.#absent = this.#absent;
    return copy;
  }

  /**
   * As `headers.set`, without parsing header lines that are still unparsed, and without a check: the value is the client's own.
   * @internal
   */
  setHeader(name: string, value: string): void {
    if (this.hasHeader(name) || this.#headers !== null) {
      this.headers.put(name, value);
    } else {
      this.#lines += `${name}\n${value}\n`;
      this.#absent = '';
    }
  }

  /**
   * As `headers.has`, likewise.
   * @internal
   */
  hasHeader(name: string): boolean {
    if (this.#headers !== null) return this.#headers.has(name);
    const key = name.toLowerCase();
    if (key === this.#absent) return false;
    const has = hasLine(this.#lines, key);
    if (!has) this.#absent = key;
    return has;
  }

  /**
   * Puts another body in the place of this one; the headers that describe it are the caller's business.
   * @internal
   */
  replaceBody(body: Body): void {
    this.#body = body;
    this.#length = lengthOf(body);
  }

  /**
   * The body as it is sent.
   * @throws LocalProtocolError when the memory of its bytes was taken away
   * @internal
   */
  get body(): Body {
    if (this.#body !== null && this.#body.length !== this.#length) throw detached(this);
    return this.#body;
  }

  /**
   * The header lines as they are sent, checked for framing that two parties could read differently.
   * @internal
   */
  headerLines(): string {
    // Untouched since it was built: the lines were written here.
    if (this.#headers === null) return this.#lines;
    checkFraming(this.#headers, this);
    return this.#headers.toLines();
  }

  /**
   * The same request as a command of curl, for a POSIX shell: `curl 'https://example.org/' -H 'Accept: *\/*' …`. What is the client's
   * (proxies, certificates, timeouts) is not in it, and a stream is left to stdin. Secret headers and the password of the URL are
   * masked, unless `showSecrets` is true.
   *
   * @throws TypeError for bad options
   * @since 0.1.0
   */
  toCurl(options?: CurlOptions): string {
    return toCurl(this, options);
  }

  /** `<Request('GET', 'https://example.org/')>`, the password masked. @since 0.1.0 */
  toString(): string {
    return `<Request('${this.#method}', '${this.url.toSafeString()}')>`;
  }

  /** For logs: no body, the password of the URL and the values of secret headers masked. @since 0.1.0 */
  toJSON(): { method: string; url: string; headers: Record<string, string | string[]> } {
    return { method: this.method, url: this.url.toSafeString(), headers: this.headers.toJSON() };
  }

  /** What `console.log` and `util.inspect` show: one line, without secrets. @since 0.1.0 */
  [inspect.custom](): string {
    return this.toString();
  }
}

function lengthOf(body: Body): number | null {
  return body === null ? null : body.length;
}

function detached(request: Request): LocalProtocolError {
  const message =
    'content: the bytes of the request are gone: their memory was transferred, resized or grown since they were given';
  return new LocalProtocolError(message, { request });
}

function cookieOf(cookies: CookieTypes, url: URL): string {
  const header = (cookies instanceof Cookies ? cookies : new Cookies(cookies)).headerFor(url);
  if (typeof header === 'string') return header;
  header.catch(() => {});
  throw new TypeError('cookies: the store of the jar is asynchronous, and a Request is made at once');
}

const initNames = ['params', 'headers', 'cookies', 'content', 'json', 'data', 'files'];
