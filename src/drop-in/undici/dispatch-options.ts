/** What undici's `dispatch` takes: checked as undici checks it, and made a Request. */

import { IncomingMessage } from 'node:http';
import { type ParsedUrlQueryInput, stringify } from 'node:querystring';
import { Readable } from 'node:stream';
import { bare } from '../../bare.js';
import { typeName } from '../../shown-text.js';
import { maskUserinfo } from '../../shown-url.js';
import { isBlob, isFormData } from '../../request/brands.js';
import { Request } from '../../request/request.js';
import { MAX_TIMER_MS } from '../../timeout.js';
import type { ContentTypes } from '../../types.js';
import { URL } from '../../url/url.js';
import { InvalidArgumentError, NotSupportedError, RequestAbortedError, toUndiciError } from './errors.js';

export type HeadersInput =
  | readonly string[]
  | Record<string, unknown>
  | Iterable<readonly [string, string | readonly string[] | undefined]>
  | null;

/** What `dispatch` takes, as undici documents it. @since 0.1.0 */
export interface DispatchOptions {
  /** Scheme, host and port. Default: none; undici's own pools have one, this dispatcher asks for it. @since 0.1.0 */
  origin?: string | globalThis.URL | undefined;
  /** The request-target, sent as it is. @since 0.1.0 */
  path: string;
  /** The method, sent as it is. @since 0.1.0 */
  method: string;
  /** Text, bytes, a stream, an iterable, a Blob or FormData. Default: none. @since 0.1.0 */
  body?: unknown;
  /** Headers: names and values in turn, an object, or pairs. Default: none. @since 0.1.0 */
  headers?: HeadersInput | undefined;
  /** Parameters that are joined to `path`, which may have no query then. Default: none. @since 0.1.0 */
  query?: Record<string, unknown> | null | undefined;
  /** Milliseconds until the head; 0: without a limit. Default: 300_000. @since 0.1.0 */
  headersTimeout?: number | null | undefined;
  /** Milliseconds between two chunks of the body; 0: without a limit. Default: 300_000. @since 0.1.0 */
  bodyTimeout?: number | null | undefined;
  /** Whether the connection is closed behind this request. Default: false. @since 0.1.0 */
  reset?: boolean | null | undefined;
  /** The protocol to switch to. Default: none. @since 0.1.0 */
  upgrade?: string | boolean | null | undefined;
  /** Whether the body waits for a 100 (Continue). Default: false. @since 0.1.0 */
  expectContinue?: boolean | null | undefined;
  /**
   * Whether the request may be pipelined; taken, and without effect: nothing is pipelined here. Default: none.
   * @since 0.1.0
   */
  idempotent?: boolean | null | undefined;
  /** Whether the response is late by design; taken, and without effect. Default: false. @since 0.1.0 */
  blocking?: boolean | null | undefined;
  /** Refused, as undici 7 does, which still declares it. Default: none. @since 0.1.0 */
  throwOnError?: boolean | undefined;
  /** Refused but for 0, as undici 7 does: redirects are an interceptor's. Default: 0. @since 0.1.0 */
  maxRedirections?: number | null | undefined;
  /** A value that is handed to `onRequestStart`. Default: none. @since 0.1.0 */
  context?: unknown;
}

/** One request to be dispatched. */
export interface DispatchRequest {
  request: Request;
  /** The method and request-target: with CONNECT, the request itself cannot have them. */
  method: string;
  target: string;
  headersTimeout: number | null;
  bodyTimeout: number | null;
  upgrade: string | null;
  /** The body, when it is a stream whose errors end the request. */
  stream: Readable | null;
  /** `touch` is called for each piece of a body that is sent while `headersTimeout` is watched. */
  upload: Upload;
}

interface Upload {
  touch(): void;
}

/** @throws InvalidArgumentError, NotSupportedError as undici does */
export function readDispatchOptions(
  given: DispatchOptions,
  origin: string | undefined,
  readTimeout: number | null,
): DispatchRequest {
  if (given === null || typeof given !== 'object') throw new InvalidArgumentError('opts must be an object.');
  const options = bare(given);
  const { path, method, upgrade, query } = options;
  const base = originOf(options.origin ?? origin);
  if (typeof path !== 'string') throw new InvalidArgumentError('path must be a string');
  if (path[0] !== '/' && !/^https?:\/\//.test(path) && method !== 'CONNECT') {
    throw new InvalidArgumentError('path must be an absolute URL or start with a slash');
  }
  if (/[^\u0021-\u00ff]/.test(path)) throw new InvalidArgumentError('invalid request path');
  if (typeof method !== 'string') throw new InvalidArgumentError('method must be a string');
  if (!isToken(method)) throw new InvalidArgumentError('invalid request method');
  if (upgrade && typeof upgrade !== 'string') throw new InvalidArgumentError('upgrade must be a string');
  if (upgrade && !isFieldValue(upgrade)) throw new InvalidArgumentError('invalid upgrade header');
  for (const name of ['reset', 'expectContinue'] as const) {
    const given = options[name];
    if (given !== undefined && given !== null && typeof given !== 'boolean') {
      throw new InvalidArgumentError(`invalid ${name}`);
    }
  }
  if (options.throwOnError !== undefined && options.throwOnError !== null) {
    throw new InvalidArgumentError('invalid throwOnError');
  }
  if (options.maxRedirections) {
    throw new InvalidArgumentError('maxRedirections is not supported, use the redirect interceptor');
  }
  const headers = readHeaders(options.headers ?? null);
  if (options.reset) headers.push(['Connection', 'close']);
  if (options.expectContinue) headers.push(['Expect', '100-continue']);
  const target = query ? withQuery(path, query) : path;
  const url = urlOf(base, method, target);
  const name = method === 'CONNECT' ? 'GET' : method;
  const headersTimeout = timeoutOf('headersTimeout', options.headersTimeout, readTimeout);
  const bodyTimeout = timeoutOf('bodyTimeout', options.bodyTimeout, readTimeout);
  const upload: Upload = { touch: () => {} };
  const { content: body, stream } = readBody(options.body);
  const type = isBlob(body) ? body.type : '';
  if (type !== '' && !headers.some(([name]) => name.toLowerCase() === 'content-type')) {
    if (!isFieldValue(type)) throw new InvalidArgumentError('invalid content-type header');
    headers.push(['Content-Type', type]);
  }
  const isWatched = headersTimeout !== null && (bodyTimeout === null || headersTimeout < bodyTimeout);
  const content = isWatched && isSource(body) ? touching(body, upload) : body;
  const length = stream === null ? null : knownLength(stream);
  if (length !== null && !headers.some(([name]) => name.toLowerCase() === 'content-length')) {
    headers.push(['Content-Length', String(length)]);
  }
  const request = requestOf(name, url, headers, content);
  return {
    request,
    method,
    target,
    headersTimeout,
    bodyTimeout,
    upgrade: typeof upgrade === 'string' && upgrade !== '' ? upgrade : method === 'CONNECT' ? 'CONNECT' : null,
    stream,
    upload,
  };
}

/** @throws RequestContentLengthMismatchError for bytes that are not as many as their header says */
function requestOf(
  method: string,
  url: URL,
  headers: [string, string][],
  content: ContentTypes | FormData | undefined,
): Request {
  if (content === undefined) {
    // The length of a body that there is not, such as that of a request that is passed on.
    return new Request(method, url, { headers: headers.filter(([name]) => name.toLowerCase() !== 'content-length') });
  }
  try {
    return new Request(method, url, isFormData(content) ? { headers, data: content } : { headers, content });
  } catch (error) {
    throw toUndiciError(error, false);
  }
}

/** Read while it is sent, its length unknown: a Blob has one, and is sent as fast as the network takes it. */
function isSource(body: ContentTypes | FormData | undefined): body is AsyncIterable<Uint8Array> {
  return (
    typeof body === 'object' &&
    !ArrayBuffer.isView(body) &&
    (Symbol.asyncIterator in body || Symbol.iterator in body) &&
    !isFormData(body)
  );
}

async function* touching(body: AsyncIterable<Uint8Array>, upload: Upload): AsyncGenerator<Uint8Array> {
  // A request that is passed on can still be answered.
  const pieces = body instanceof IncomingMessage ? body.iterator({ destroyOnReturn: false }) : body;
  for await (const piece of pieces as AsyncIterable<Uint8Array>) {
    upload.touch();
    yield piece;
  }
  upload.touch();
}

/** null: without a limit. */
function timeoutOf(name: string, given: number | null | undefined, otherwise: number | null): number | null {
  if (given === undefined || given === null) return otherwise;
  if (!Number.isFinite(given) || given < 0) throw new InvalidArgumentError(`invalid ${name}`);
  // undici's own clock counts further than ours, which is as good as no limit there.
  return given === 0 ? null : Math.min(given, MAX_TIMER_MS);
}

/** The URL of a request whose target is sent as it is: a mock and a hook see its path, as far as a URL can say it. */
function urlOf(base: string, method: string, target: string): URL {
  // CONNECT asks for an authority, and an absolute target has an origin of its own: neither is a path of this one.
  const url = (method !== 'CONNECT' && target.startsWith('/') && parsed(`${base}${target}`)) || new URL(`${base}/`);
  if (method !== 'CONNECT' && url.fullPath !== target) url.fullPath = target;
  return url;
}

function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function originOf(given: string | globalThis.URL | undefined): string {
  if (!(typeof given === 'string' || given instanceof globalThis.URL) || given === '') {
    throw new InvalidArgumentError('opts.origin must be a non-empty string or URL.');
  }
  const url = parsedOrigin(given);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new InvalidArgumentError('Invalid URL protocol: the URL must start with `http:` or `https:`.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw new InvalidArgumentError('invalid url');
  return url.origin;
}

function parsedOrigin(given: string | globalThis.URL): globalThis.URL {
  const text = String(given);
  // The platform's error has the text as its `input`.
  if (maskUserinfo(text) === text || globalThis.URL.canParse(text)) return new globalThis.URL(given);
  const invalid: NodeJS.ErrnoException = new TypeError('Invalid URL');
  invalid.code = 'ERR_INVALID_URL';
  throw invalid;
}

function readHeaders(given: HeadersInput): [string, string][] {
  const lines: [string, string][] = [];
  if (given === null) return lines;
  if (typeof given !== 'object') throw new InvalidArgumentError('headers must be an object or an array');
  if (Array.isArray(given)) {
    if (given.length % 2 !== 0) throw new InvalidArgumentError('headers array must be even');
    for (let at = 0; at < given.length; at += 2) addHeader(lines, given[at], given[at + 1]);
  } else if (typeof (given as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function') {
    for (const pair of given as Iterable<readonly [string, unknown]>) {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new InvalidArgumentError('headers must be in key-value pair format');
      }
      addHeader(lines, pair[0], pair[1]);
    }
  } else {
    for (const [name, value] of Object.entries(given)) addHeader(lines, name, value);
  }
  return lines;
}

function addHeader(lines: [string, string][], given: unknown, value: unknown): void {
  if (value === undefined) return;
  const name = typeof given === 'string' ? given : String(given);
  if (!isToken(name)) throw new InvalidArgumentError('invalid header key');
  if (Array.isArray(value)) {
    for (const one of value) addHeader(lines, name, one === null ? '' : one);
    return;
  }
  if (typeof value === 'object' && value !== null) throw new InvalidArgumentError(`invalid ${name} header`);
  const text = value === null ? '' : `${value as string}`;
  if (!isFieldValue(text)) throw new InvalidArgumentError(`invalid ${name} header`);
  const lower = name.toLowerCase();
  if (lower === 'transfer-encoding' || lower === 'keep-alive' || lower === 'upgrade') {
    throw new InvalidArgumentError(`invalid ${lower} header`);
  }
  if (lower === 'content-length' && !/^\d+$/.test(text))
    throw new InvalidArgumentError('invalid content-length header');
  if (lower === 'expect') throw new NotSupportedError('expect header not supported');
  if (lower === 'connection') {
    // Connections are kept unless the request says otherwise, in one of several words.
    if (
      !text
        .toLowerCase()
        .split(',')
        .some((word) => word.trim() === 'close')
    )
      return;
    lines.push([name, 'close']);
    return;
  }
  lines.push([name, text]);
}

function readBody(body: unknown): { content: ContentTypes | FormData | undefined; stream: Readable | null } {
  if (body === null || body === undefined) return { content: undefined, stream: null };
  if (typeof body === 'string') return { content: body === '' ? undefined : body, stream: null };
  if (ArrayBuffer.isView(body)) {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return { content: bytes.length === 0 ? undefined : bytes, stream: null };
  }
  if (body instanceof ArrayBuffer) return { content: body.byteLength === 0 ? undefined : body, stream: null };
  if (body instanceof Readable) {
    if (body.destroyed) throw body.on('error', () => {}).errored ?? new RequestAbortedError();
    return { content: body, stream: body };
  }
  if (isFormData(body)) return { content: body, stream: null };
  const iterable = body as { [Symbol.asyncIterator]?: unknown; [Symbol.iterator]?: unknown; stream?: unknown };
  if (
    typeof iterable === 'object' &&
    (typeof iterable[Symbol.asyncIterator] === 'function' ||
      typeof iterable[Symbol.iterator] === 'function' ||
      typeof iterable.stream === 'function')
  ) {
    return { content: body as ContentTypes, stream: null };
  }
  throw new InvalidArgumentError(
    `body must be a string, a Buffer, a Readable stream, an iterable, or an async iterable, got ${typeName(body)}`,
  );
}

/** Of a stream whose source has ended, as undici looks at it: Node shows it nowhere else. */
function knownLength(stream: Readable): number | null {
  const { ended, objectMode, length } = (stream as unknown as { _readableState: Record<string, unknown> })
    ._readableState;
  return ended === true && objectMode !== true && typeof length === 'number' ? length : null;
}

function withQuery(path: string, query: Record<string, unknown>): string {
  if (path.includes('?') || path.includes('#')) {
    // undici's own has no code.
    throw new Error('Query params cannot be passed when url already contains "?" or "#".');
  }
  // Node's own, as undici has it: a blank is %20, and what is no text, number or boolean is empty.
  const text = stringify(query as ParsedUrlQueryInput);
  return text === '' ? path : `${path}?${text}`;
}

function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

function isFieldValue(text: string): boolean {
  return !/[^\t\x20-\x7e\x80-\xff]/.test(text);
}
