/**
 * The request that a redirect asks for (httpx's table, RFC 9110 §15.4): method, body, and which headers may not follow to another
 * origin. Following it, and how often, is decided in redirects.ts.
 */

import type { RedirectContext } from './received.js';
import { StreamBody } from '../request/body.js';
import { InvalidURL, RemoteProtocolError, StreamConsumed } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { Headers } from '../headers.js';
import { Request } from '../request/request.js';
import type { Response } from './response.js';
import { URL } from '../url/url.js';
import { withoutSecrets } from '../request-secrets.js';

/**
 * `response` has a redirect's status and a Location.
 *
 * @throws RemoteProtocolError for a Location that is no URL
 * @throws StreamConsumed when the body has to be sent again and cannot be
 */
export function buildRedirectRequest(request: Request, response: Response, sensitive: readonly string[] = []): Request {
  const url = locationOf(request, response);
  const method = redirectMethod(request.method, response.statusCode);
  const keepsBody = method === request.method && request.body !== null;
  if (keepsBody && request.body instanceof StreamBody && !request.body.isReplayable) {
    const message = `The redirect ${response.statusCode} to ${url.toSafeString()} asks for the body again, a stream that was already sent`;
    throw new StreamConsumed(withoutAnySecrets(message, request, response), { request, response });
  }
  const headers = new Headers(request.headers);
  headers.delete('proxy-authorization');
  headers.delete('cookie');
  if (method !== request.method)
    for (const name of Array.from(headers.keys()).filter(describesContent)) headers.delete(name);
  if (request.url.origin !== url.origin) {
    headers.delete('host');
    for (const name of sensitive) headers.delete(name);
  }
  // RFC 7616 §3.4: an answer to a Digest challenge is good for one URI.
  const keepsAuth = mayKeepAuth(request.url, url) && !/^digest /i.test(headers.get('authorization') ?? '');
  if (!keepsAuth) headers.delete('authorization');
  const host = headers.has('host') ? '' : `Host\n${url.netloc}\n`;
  return new Request(method, url, undefined, {
    lines: host + headers.toLines(),
    body: keepsBody ? request.body : null,
  });
}

/** The same with its cookies, as `Response.nextRequest` gives it to a caller that follows redirects by hand. */
export function nextRequestOf(request: Request, response: Response, known: RedirectContext | undefined): Request {
  const next = buildRedirectRequest(request, response, known?.sensitiveHeaders);
  const cookies = known?.cookies ?? null;
  if (cookies === null) return next;
  const isCrossSite = known?.isAway === true || !mayKeepAuth(request.url, next.url);
  const header = cookies.headerFor(next.url, { isCrossSite });
  // One that takes its time is waited for by `send`.
  next.clientCookies = { header, also: undefined };
  if (typeof header === 'string' && header !== '') next.setHeader('Cookie', header);
  return next;
}

/** RFC 9110 §10.2.2: resolved against the request's URL, whose fragment it inherits. Userinfo in it is not taken over. */
function locationOf(request: Request, response: Response): URL {
  const [location, ...others] = response.headers.getList('location');
  // What was sent in the end: a hook or an auth function may have chosen another URL.
  const base = response.hasRequest ? response.request.url : request.url;
  let url: URL;
  try {
    if (others.some((other) => other !== location)) throw new InvalidURL('there are several');
    // Header values arrive as Latin-1; a server that writes UTF-8 there means UTF-8.
    const bytes = Buffer.from(location, 'latin1');
    const text = bytes.utf8Slice(0, bytes.length);
    const target = new URL(text.includes('\ufffd') ? location : text);
    // A path to us, another host to a browser.
    if (/^(?:https?:)?[\\/]*\\/i.test(text)) throw new InvalidURL('it begins with a backslash');
    url = base.join(withHost(target, text, base));
    if (url.rawHost === '' && ['http', 'https'].includes(url.scheme)) throw new InvalidURL('it has no host');
    if (url.userinfo !== '') url = url.withoutUserinfo();
    if (url.fragment === '' && request.url.fragment !== '') url = url.copyWith({ fragment: request.url.fragment });
  } catch (cause) {
    if (!(cause instanceof InvalidURL)) throw cause;
    const said = withoutAnySecrets(cause.message, request, response);
    throw requestFailure(RemoteProtocolError, `Invalid URL in location header: ${said}`, {
      request,
      response,
      cause: said === cause.message ? cause : new InvalidURL(said),
    });
  }
  return url;
}

/** Without the secrets of the hop's request, nor those of what was sent in the end, which a hook or an auth function may have made, and its proxy's. */
function withoutAnySecrets(text: string, request: Request, response: Response): string {
  response.tellSecrets();
  const own = withoutSecrets(text, request);
  return response.hasRequest && response.request !== request ? withoutSecrets(own, response.request) : own;
}

/**
 * 'https:///x' and 'https://:443/': no host means the same host, and no port the same port within one scheme. 'http:/x' and 'http:x'
 * have no place for one: they are paths, as in browsers.
 */
function withHost(target: URL, text: string, base: URL): URL {
  if ((target.scheme !== 'http' && target.scheme !== 'https') || target.rawHost !== '') return target;
  const hasAuthority = /^[a-z]+:\/\//i.test(text.trim());
  const isSame = target.scheme === base.scheme;
  if (!hasAuthority && isSame) return target;
  const hasPort = /^[a-z]+:\/\/[^/?#]*:\d/i.test(text.trim());
  return isSame && !hasPort ? target.copyWith({ netloc: base.netloc }) : target.copyWith({ host: base.rawHost });
}

/**
 * 303: GET unless HEAD. 302: the same, as browsers do it, but QUERY stays (RFC 10008 §2.5): it is safe. 301: only POST becomes GET. 307
 * and 308 keep the method.
 */
function redirectMethod(method: string, statusCode: number): string {
  if (statusCode === 302 && method === 'QUERY') return method;
  if (statusCode === 303 || statusCode === 302) return method === 'HEAD' ? method : 'GET';
  return statusCode === 301 && method === 'POST' ? 'GET' : method;
}

/** The same origin; or, httpx's one exception, http on its default port to https on its own, same host. */
export function mayKeepAuth(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  const isUpgrade = from.scheme === 'http' && to.scheme === 'https';
  return isUpgrade && from.rawHost === to.rawHost && from.port === null && to.port === null;
}

/** Of the content that is left behind, or of how it was sent. */
function describesContent(name: string): boolean {
  return name.startsWith('content-') || contentHeaders.has(name);
}

const contentHeaders = new Set(['transfer-encoding', 'trailer', 'expect', 'digest', 'repr-digest']);
