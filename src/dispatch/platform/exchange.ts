/** One exchange by the platform's `fetch`: what it is called with, its Response, and the body that is pulled from that. */

import { bare } from '../../bare.js';
import { LocalProtocolError, NetworkError, RemoteProtocolError } from '../../errors.js';
import { quote, typeName } from '../../shown-text.js';
import { PLATFORM } from '../../platform.js';
import { requestFailure } from '../../request-failure.js';
import { StreamBody } from '../../request/body.js';
import type { Request } from '../../request/request.js';
import type { AppHead } from '../apps/exchange.js';
import { ignore, WebExchange } from '../apps/fetch/web-exchange.js';
import { toFailure } from './failure.js';

/** What a platform is asked. */
interface Asked {
  readonly url: string;
  readonly headers: [string, string][];
}

export class PlatformExchange extends WebExchange {
  #abort = new AbortController();

  /** Calls `fetch`. What cannot be asked of it throws. */
  call(fetch: (url: string, init: object) => unknown, headerLines: string, init: object): void {
    const { request } = this;
    const asked = toAsked(request, headerLines);
    if (request.body instanceof StreamBody && !streams()) {
      // Read first, where a platform sends bytes alone.
      request.read().then(
        () => this.#send(fetch, asked, init),
        (error: unknown) => this.fail(error),
      );
    } else {
      this.#send(fetch, asked, init);
    }
  }

  #send(fetch: (url: string, init: object) => unknown, { url, headers }: Asked, more: object): void {
    if (this.isOver) return;
    const { request, options } = this;
    const { method, body } = request;
    const init: RequestInit & { duplex?: 'half' } = bare({ ...more, method, headers, signal: this.#abort.signal });
    if (body instanceof StreamBody) {
      init.body = this.streamed(body);
      init.duplex = 'half';
    } else if (body !== null) {
      init.body = body as Uint8Array<ArrayBuffer>;
    }
    this.startReadTimer();
    let answer: Promise<unknown>;
    try {
      checkSent(request, headers);
      answer = Promise.resolve(fetch(url, init));
    } catch (error) {
      this.fail(error instanceof LocalProtocolError ? error : toFailure(error, request));
      return;
    }
    answer.then(
      (response) => this.#answered(response),
      (error: unknown) => this.#failed(error),
    );
    if (body !== null && !(body instanceof StreamBody)) options.onUploadProgress?.(body.length, body.length);
  }

  protected override dropped(reason: unknown): void {
    this.#abort.abort(reason);
    super.dropped(reason);
  }

  protected broken(error: unknown): void {
    this.#failed(error);
  }

  protected toChunk(piece: Uint8Array): Buffer {
    return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  }

  #failed(error: unknown): void {
    if (!this.isOver) this.fail(toFailure(error, this.request));
  }

  #answered(answer: unknown): void {
    const response = answer as globalThis.Response;
    if (this.isOver) {
      response?.body?.cancel().catch(ignore);
      return;
    }
    const { request } = this;
    if (typeof response?.status !== 'number' || typeof response.headers?.get !== 'function') {
      const message = `fetch gave no Response, but ${typeName(answer)}`;
      return this.fail(requestFailure(RemoteProtocolError, message, { request }));
    }
    if (response.type === 'opaqueredirect') {
      const message =
        "a redirect came, and this platform hides it from scripts: new PlatformDispatch({ redirects: 'platform' }), with " +
        'followRedirects, lets it be followed';
      return this.fail(requestFailure(NetworkError, message, { request }));
    }
    if (response.status === 0) {
      const message = `fetch gave an ${quote(response.type)} Response, which shows nothing`;
      return this.fail(requestFailure(NetworkError, message, { request }));
    }
    if (response.bodyUsed || response.body?.locked) {
      const message = 'fetch gave a Response whose body is read already';
      return this.fail(requestFailure(RemoteProtocolError, message, { request }));
    }
    // A function of the program's may give a Response of any kind: what fails here fails the request, and not the process.
    try {
      this.#take(response);
    } catch (error) {
      this.#failed(error);
    }
  }

  #take(response: globalThis.Response): void {
    const isBodiless = this.request.method === 'HEAD' || response.status === 204 || response.status === 304;
    const head: AppHead = {
      statusCode: response.status,
      reason: response.statusText,
      headerLines: toLines(response.headers, isBodiless),
      // The platform has decoded it.
      contentEncoding: undefined,
      isBodiless,
    };
    this.take(head, response.body);
  }
}

/** @throws LocalProtocolError for what a `fetch` refuses, or would send as something else */
function toAsked(request: Request, headerLines: string): Asked {
  const { method, url, body } = request;
  const refused = (message: string) => requestFailure(LocalProtocolError, message, { request });
  if (method === 'TRACE' || method === 'TRACK' || method === 'CONNECT') {
    throw refused(`${method}: the platform's fetch has no such method`);
  }
  if (body !== null && (method === 'GET' || method === 'HEAD')) {
    throw refused(`${method}: the platform's fetch sends no body with it`);
  }
  const { fullPath } = url;
  const target = `${url.origin}${fullPath}`;
  const parsed = fullPath.startsWith('/') ? new globalThis.URL(target) : null;
  if (parsed === null || unescaped(parsed.pathname + parsed.search) !== unescaped(fullPath)) {
    const instead = parsed === null ? 'nothing of the kind' : quote(parsed.pathname);
    throw refused(`path ${quote(fullPath.replace(/\?.*/s, ''))}: the platform's fetch would ask for ${instead}`);
  }
  const hosts = [url.netloc, parsed.host];
  const headers: [string, string][] = [];
  const fields = headerLines.split('\n');
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name, value] = [fields[i], fields[i + 1]];
    if (name.toLowerCase() === 'host') {
      if (hosts.includes(value)) continue;
      throw refused(`header Host: the platform's fetch writes that of the URL, not ${quote(value)}`);
    }
    if (WRITTEN_BY_PLATFORM[name.toLowerCase()]?.test(value) !== true) headers.push([name, value]);
  }
  return { url: target, headers };
}

/** Which values of a header a platform writes by itself, so that it need not be asked for them. */
const WRITTEN_BY_PLATFORM: Readonly<Record<string, RegExp>> = bare({
  connection: /^keep-alive$/i,
  // A client's default. Which codings there are is the platform's to say, as it decodes them.
  'accept-encoding': /^gzip, deflate, br, zstd$/,
  'content-length': /^/,
  'transfer-encoding': /^/,
});

/**
 * Browsers leave out headers that are theirs (Fetch, "forbidden request-header"), without a word: Cookie, Referer, Origin …
 * @throws LocalProtocolError naming the header
 */
function checkSent(request: Request, headers: readonly [string, string][]): void {
  if (PLATFORM !== 'browser') return;
  const kept = new globalThis.Request('http://localhost/', { headers: headers as [string, string][] }).headers;
  const lost = headers.find(([name]) => !kept.has(name) && name.toLowerCase() !== 'user-agent');
  if (lost === undefined) return;
  const message = `header ${lost[0]}: the platform's fetch does not send it for a script`;
  throw requestFailure(LocalProtocolError, message, { request });
}

/**
 * 'name\nvalue\n…'. The coding and the length of what was decoded already are left out, so that the fields describe the body that is
 * read.
 */
function toLines(headers: globalThis.Headers, isBodiless: boolean): string {
  const codings = (headers.get('content-encoding') ?? '').toLowerCase().split(/\s*,\s*/);
  const isCoded = !isBodiless && codings.some((coding) => coding !== '' && coding !== 'identity');
  const isDecoded = isCoded && codings.every((coding) => /^(?:x-gzip|gzip|deflate|br|identity)$/.test(coding));
  let lines = '';
  for (const [name, value] of headers) {
    if (isCoded && name === 'content-length') continue;
    if (isDecoded && name === 'content-encoding') continue;
    lines += `${name}\n${value}\n`;
  }
  return lines;
}

/** Percent-encoding differs between parsers without a difference in meaning. */
function unescaped(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

let canStream: boolean | null = null;

/** Browsers send a stream over HTTP/2 alone, if at all. */
function streams(): boolean {
  if (PLATFORM === 'browser') return false;
  if (canStream !== null) return canStream;
  let isAsked = false;
  const init = {
    method: 'POST',
    body: new ReadableStream(),
    get duplex() {
      isAsked = true;
      return 'half';
    },
  };
  try {
    const request = new globalThis.Request('http://localhost/', init as RequestInit);
    return (canStream = isAsked && !request.headers.has('content-type'));
  } catch {
    return (canStream = false);
  }
}
