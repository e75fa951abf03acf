/**
 * A URL, immutable but for `fullPath`. Parsing is in parse.ts and host.ts; what a client's base URL and params do to it is
 * not decided here.
 */

import { inspect } from 'node:util';
import { InvalidURL } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { maskParams } from '../shown-url.js';
import { percentDecode, QueryParams } from './query-params.js';
import type { ParamValue, QueryParamTypes, URLComponents, URLTypes } from '../types.js';
import { changeComponents } from './components.js';
import { decodeHost, withoutBrackets, withoutZone } from './host.js';
import type { Layout, Parts } from './parse.js';
import { assemble, isScheme, MAX_URL_CHARS, parse, removeDotSegments, split } from './parse.js';
import { appendParams, mergeParams, removeParam } from './query-text.js';

/**
 * A URL as httpx reads it: RFC 3986, strict, relative references allowed.
 *
 * Differences from the platform's URL: control characters are an error and are not dropped; escapes are not changed and nothing
 * is encoded twice; an IPv6 address may have a zone; `http://a.b` and `http://a.b/` are not equal.
 * Longest: 65536 characters.
 *
 * @throws InvalidURL for text that is no URL and components that do not fit; its message shows no password
 * @throws TypeError for anything else than text or a URL, and for unknown components
 * @since 0.1.0
 */
export class URL {
  #layout: Layout;
  #fullPath: string | null = null;

  /**
   * Takes text or another URL, and parts to replace in it.
   *
   * @throws InvalidURL, TypeError
   * @since 0.1.0
   */
  constructor(url: URLTypes, components?: URLComponents) {
    try {
      if (components !== undefined) {
        const parts = url instanceof URL ? url.#parts() : split(textOf(url));
        this.#layout = assemble(changeComponents(parts, components));
      } else if (url instanceof URL) {
        this.#layout = url.#layout;
        this.#fullPath = url.#fullPath;
      } else {
        this.#layout = parse(textOf(url));
      }
    } catch (error) {
      // The parser's own frames say nothing, and V8 keeps few: the application's line is to be among them.
      if (error instanceof InvalidURL) Error.captureStackTrace(error, new.target);
      throw error;
    }
  }

  /** Lower case, without the ':'. '' for a relative URL. @since 0.1.0 */
  get scheme(): string {
    const { href, schemeEnd } = this.#layout;
    return href.slice(0, schemeEnd);
  }

  /** Username and password as they stand in the URL, percent-encoded. @since 0.1.0 */
  get userinfo(): string {
    const { href, userinfoStart, hostStart } = this.#layout;
    return hostStart > userinfoStart && userinfoStart !== -1 ? href.slice(userinfoStart, hostStart - 1) : '';
  }

  /** The user name, percent-decoded; empty when there is none. @since 0.1.0 */
  get username(): string {
    const { userinfo } = this;
    const colon = userinfo.indexOf(':');
    return percentDecode(colon === -1 ? userinfo : userinfo.slice(0, colon));
  }

  /** The password, percent-decoded; empty when there is none. @since 0.1.0 */
  get password(): string {
    const { userinfo } = this;
    const colon = userinfo.indexOf(':');
    return colon === -1 ? '' : percentDecode(userinfo.slice(colon + 1));
  }

  /**
   * In Unicode where it has such a form; IPv6 without brackets, its zone behind a '%'. For people: what is connected to is `rawHost`.
   * @since 0.1.0
   */
  get host(): string {
    return decodeHost(this.rawHost);
  }

  /** Lower case, Punycode; IPv6 without brackets. @since 0.1.0 */
  get rawHost(): string {
    const { href, hostStart, hostEnd } = this.#layout;
    return withoutBrackets(href.slice(hostStart, hostEnd));
  }

  /** Null when it is the scheme's default (http, https, ws, wss, ftp) or not given. @since 0.1.0 */
  get port(): number | null {
    return this.#layout.port;
  }

  /**
   * `host[:port]`, the value of a Host header: no userinfo, no default port, Punycode, IPv6 in brackets and without a zone.
   * @since 0.1.0
   */
  get netloc(): string {
    const { href, userinfoStart, hostStart, pathStart } = this.#layout;
    return userinfoStart === -1 ? '' : withoutZone(href.slice(hostStart, pathStart));
  }

  /**
   * `scheme://host[:port]` (RFC 9110 §4.3.1), with the zone of an IPv6 address: the key of connections and credentials. 'null' for a
   * URL that is not absolute.
   * @since 0.1.0
   */
  get origin(): string {
    const { href, userinfoStart, hostStart, pathStart } = this.#layout;
    if (!this.isAbsoluteUrl) return 'null';
    return userinfoStart === hostStart
      ? href.slice(0, pathStart)
      : `${this.scheme}://${href.slice(hostStart, pathStart)}`;
  }

  /** Decoded; '/' when there is none. @since 0.1.0 */
  get path(): string {
    return percentDecode(this.rawPath) || '/';
  }

  /**
   * The path as it stands in the URL, without the query; possibly ''.
   * @internal
   */
  get rawPath(): string {
    const { href, pathStart, pathEnd } = this.#layout;
    return href.slice(pathStart, pathEnd);
  }

  /** As it stands in the URL, without the '?'. @since 0.1.0 */
  get query(): string {
    const { href, pathEnd, queryEnd } = this.#layout;
    return href.slice(pathEnd + 1, queryEnd);
  }

  /** The fragment, percent-decoded and without the '#'; it is never sent. @since 0.1.0 */
  get fragment(): string {
    const { href, queryEnd } = this.#layout;
    return percentDecode(href.slice(queryEnd + 1));
  }

  /** The query's names and values. @since 0.1.0 */
  get params(): QueryParams {
    return new QueryParams(this.query);
  }

  /**
   * The request-target: path and query as they are sent, unless it was set. Set it to `'*'` for `OPTIONS *`, to an absolute URL
   * for a proxy's absolute-form, or to a path that must go out as it is (RFC 9112 §3.2). It belongs to this object and one made by
   * `new URL(url)`; `copyWith` and `join` leave it behind, and nothing else of the URL follows it.
   *
   * @throws TypeError when setting anything else, or a space, control or non-ASCII character
   * @since 0.1.0
   */
  get fullPath(): string {
    if (this.#fullPath !== null) return this.#fullPath;
    const { href, pathStart, pathEnd, queryEnd } = this.#layout;
    const target = href.slice(pathStart, queryEnd);
    return pathEnd > pathStart ? target : `/${target}`;
  }

  set fullPath(target: string) {
    this.#fullPath = checkTarget(target);
  }

  /**
   * Whether `fullPath` was set.
   * @internal
   */
  get hasFullPath(): boolean {
    return this.#fullPath !== null;
  }

  /** Whether it has a scheme and a host, so that it can be requested as it is. @since 0.1.0 */
  get isAbsoluteUrl(): boolean {
    const { schemeEnd, hostStart, hostEnd } = this.#layout;
    return schemeEnd > 0 && hostEnd > hostStart;
  }

  /** Whether it has no scheme or no host, and so is to be joined to a base URL. @since 0.1.0 */
  get isRelativeUrl(): boolean {
    return !this.isAbsoluteUrl;
  }

  /** The URL that a reference means when it stands in this one: RFC 3986 §5.2. @since 0.1.0 */
  join(url: URLTypes): URL {
    const base = this.#parts();
    const target = (url instanceof URL ? url : new URL(url)).#parts();
    // §5.2.2, its backward compatible form: 'https:c' in a https URL is 'c'.
    if (target.scheme === base.scheme && !target.authority) target.scheme = '';
    if (target.scheme !== '') return URL.#from(target);
    target.scheme = base.scheme;
    if (target.authority) return URL.#from(target);
    const { path } = target;
    if (path === '') {
      target.path = base.path;
      target.query ??= base.query;
    } else if (!path.startsWith('/')) {
      const directory = base.path.slice(0, base.path.lastIndexOf('/') + 1);
      target.path = (directory === '' && base.authority ? '/' : directory) + path;
    }
    if (path !== '') target.path = removeDotSegments(target.path);
    const { authority, userinfo, host, port } = base;
    return URL.#from({ ...target, authority, userinfo, host, port });
  }

  /** A copy with these components; `fullPath` is not taken along. @since 0.1.0 */
  copyWith(components: URLComponents): URL {
    return new URL(this, components);
  }

  /** What is not changed of the query stays as it is written, here and in the next three. @since 0.1.0 */
  copySetParam(name: string, value: ParamValue): URL {
    return this.#withQuery(mergeParams(this.query, new QueryParams().set(name, value)));
  }

  /** A copy with one more query parameter, behind those of the same name. @since 0.1.0 */
  copyAddParam(name: string, value: ParamValue): URL {
    return this.#withQuery(appendParams(this.query, new QueryParams().add(name, value)));
  }

  /** A copy without the query parameters of that name. @since 0.1.0 */
  copyRemoveParam(name: string): URL {
    return this.#withQuery(removeParam(this.query, name));
  }

  /**
   * A copy whose query parameters are replaced by these where the names are the same, and joined by the others.
   * @since 0.1.0
   */
  copyMergeParams(params: QueryParamTypes): URL {
    return this.#withQuery(mergeParams(this.query, new QueryParams(params)));
  }

  /** The whole, password included. For messages and logs there is `inspect()`, which masks it, and parameters such as `access_token`. @since 0.1.0 */
  toString(): string {
    return this.#layout.href;
  }

  /**
   * Text, the password masked, and the values of parameters such as `access_token`: what is logged as JSON shows no more than `inspect()`.
   * `toString()` has them.
   * @since 0.1.0
   */
  toJSON(): string {
    return this.toSafeString();
  }

  /**
   * The whole with its secrets masked, for messages.
   * @internal
   */
  toSafeString(): string {
    const { href, userinfoStart, hostStart } = this.#layout;
    // 'user:password@host' without a scheme is a URL of the scheme 'user', and 'http:user:password@host' has no authority. What
    // begins with a '/' is a path.
    if (userinfoStart === -1) return maskParams(href.startsWith('/') ? href : href.replace(/:.*@/s, ':[secure]@'));
    const colon = this.userinfo.indexOf(':') + userinfoStart;
    if (colon < userinfoStart || colon + 2 >= hostStart) return maskParams(href);
    return `${href.slice(0, colon + 1)}[secure]${maskParams(href.slice(hostStart - 1))}`;
  }

  /**
   * The same without username and password; `fullPath` is taken along.
   * @internal
   */
  withoutUserinfo(): URL {
    const url = URL.#from({ ...this.#parts(), userinfo: '' });
    url.#fullPath = this.#fullPath;
    return url;
  }

  /** Same text in its final spelling. False for what is no URL at all. @since 0.1.0 */
  equals(other: URLTypes): boolean {
    try {
      return new URL(other).#layout.href === this.#layout.href;
    } catch {
      return false;
    }
  }

  /** What `Object.prototype.toString` says, as of the platform's URL. @since 0.1.0 */
  get [Symbol.toStringTag](): string {
    return 'URL';
  }

  /** What `console.log` shows: `URL('https://user:[secure]@host/')`. @since 0.1.0 */
  [inspect.custom](): string {
    return `URL('${this.toSafeString()}')`;
  }

  /** The query is in its final spelling: it is put in its place, and nothing is parsed. */
  #withQuery(text: string): URL {
    const { href, pathEnd, queryEnd } = this.#layout;
    const query = text === '' ? '' : `?${text}`;
    if (pathEnd + query.length + href.length - queryEnd > MAX_URL_CHARS) throw new InvalidURL('URL too long');
    const copy = new URL(this);
    copy.#fullPath = null;
    copy.#layout = {
      ...this.#layout,
      href: href.slice(0, pathEnd) + query + href.slice(queryEnd),
      queryEnd: pathEnd + query.length,
    };
    return copy;
  }

  #parts(): Parts {
    const { href, userinfoStart, hostStart, hostEnd, port, pathEnd, queryEnd } = this.#layout;
    return {
      scheme: this.scheme,
      authority: userinfoStart !== -1,
      userinfo: this.userinfo,
      host: href.slice(hostStart, hostEnd),
      port,
      path: this.rawPath,
      query: queryEnd > pathEnd ? this.query : null,
      fragment: queryEnd < href.length ? href.slice(queryEnd + 1) : null,
    };
  }

  static #from(parts: Parts): URL {
    const url = new URL('');
    url.#layout = assemble(parts);
    return url;
  }
}

function textOf(url: unknown): string {
  if (typeof url === 'string') return url;
  if (url instanceof globalThis.URL) return url.href;
  // A URL of another realm (a vm context, a test runner), or of another copy of this package.
  if (Object.prototype.toString.call(url) === '[object URL]') return String(url);
  const primitive = (typeof url !== 'object' && typeof url !== 'function') || url === null;
  const shown = url === null || url === undefined || !primitive ? '' : `: ${String(url)}`;
  throw new TypeError(`Invalid type for url. Expected string or URL, got ${typeName(url)}${shown}`);
}

/** RFC 9112 §3.2: origin-form, absolute-form or asterisk-form; no character that could end the request line. */
function checkTarget(target: unknown): string {
  if (typeof target !== 'string') throw new TypeError(`fullPath: expected a string, got ${typeName(target)}`);
  if (target.length > MAX_URL_CHARS) throw new TypeError(`fullPath: too long, at most ${MAX_URL_CHARS} characters`);
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code > 0x20 && code < 0x7f) continue;
    throw new TypeError(`fullPath: invalid character ${quote(target[i])} at position ${i}`);
  }
  const absoluteForm = isScheme(target.slice(0, Math.max(0, target.indexOf('://'))));
  if (target === '*' || target.startsWith('/') || absoluteForm) return target;
  throw new TypeError("fullPath: expected '*', a path beginning with '/', or an absolute URL");
}
