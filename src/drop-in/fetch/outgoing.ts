/**
 * What `fetch(input, init)` asks for, as parts that a client can send. The common cases are read here; for all others the platform's
 * own Request says what the standard makes of them, its TypeErrors included.
 */

import { bare } from '../../bare.js';
import { isArrayBuffer, isBlob, isFormData } from '../../request/brands.js';
import type { ReadableStreamReadResult } from 'node:stream/web';
import { maskUserinfo } from '../../shown-url.js';

/** A request on its way: the parts change with a redirect. */
export interface Outgoing {
  method: string;
  url: globalThis.URL;
  /** Names and values as given. */
  headers: [name: string, value: string][];
  body: OutgoingBody | null;
  readonly signal: AbortSignal | null;
  readonly redirect: 'follow' | 'error' | 'manual';
  readonly integrity: string;
  readonly credentials: globalThis.Request['credentials'];
  readonly mode: globalThis.Request['mode'];
  readonly cache: globalThis.Request['cache'];
  /** What Referer is made of; null: nothing was named. */
  referrer: string | null;
  /** '': the default one. A redirect may say another one. */
  referrerPolicy: string;
  /** The platform's Request: its signal follows another one for as long as it lives. */
  readonly origin: globalThis.Request | null;
}

export interface OutgoingBody {
  readonly content: string | Uint8Array | Blob | FormData | AsyncIterable<Uint8Array>;
  /** The Content-Type that says what it is; null: as the headers have it, or as the client makes it (a form's boundary). */
  readonly type: string | null;
  /** Can be sent again behind a redirect (Fetch: its source is not null). */
  readonly isReplayable: boolean;
}

type Input = string | globalThis.URL | globalThis.Request;

/**
 * @param resolve Makes a URL of a text that is not absolute, or null.
 * @throws TypeError as `new Request(input, init)` does
 */
export function toOutgoing(
  input: Input,
  init: RequestInit | undefined,
  resolve: (relative: string) => string | null,
): Outgoing | Promise<Outgoing> {
  const plain = toPlain(input, init, resolve);
  if (plain !== null) return plain;
  let target: Input = input;
  if (typeof input === 'string' && !URL.canParse(input)) target = resolve(input) ?? input;
  else if (isForeign(input)) return fromForeign(input, init, resolve);
  return fromRequest(toRequest(target, init), target, init);
}

/** The platform's errors, and their causes, show a URL as it is. */
function toRequest(target: Input, init: RequestInit | undefined): globalThis.Request {
  let failure: unknown;
  try {
    return new globalThis.Request(target, init);
  } catch (error) {
    failure = error;
  }
  const text = typeof target === 'string' || target instanceof globalThis.URL ? String(target) : '';
  const shown = maskUserinfo(text);
  if (shown === text) throw failure;
  throw new TypeError((failure as Error).message.replaceAll(text, () => shown));
}

/** Members of a plain `init` that are read here; with any other one the platform reads all of it. */
const PLAIN_MEMBERS = new Set(['method', 'headers', 'body', 'signal', 'redirect']);
const PLAIN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Without blanks at the ends, which the standard takes off. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** null: not one of the common cases, or not right. */
function toPlain(
  input: Input,
  init: RequestInit | undefined,
  resolve: (relative: string) => string | null,
): Outgoing | null {
  const url = typeof input === 'string' ? parse(input, resolve) : input instanceof URL ? new URL(input.href) : null;
  if (url === null || url.username !== '' || url.password !== '') return null;
  if (init === undefined || init === null) {
    return { method: 'GET', url, headers: [], body: null, signal: null, ...DEFAULTS };
  }
  const prototype: unknown = Object.getPrototypeOf(init);
  if (prototype !== Object.prototype && prototype !== null) return null;
  for (const name in init) if (!PLAIN_MEMBERS.has(name)) return null;
  const { method = 'GET', signal = null, redirect = 'follow' } = init;
  if (!PLAIN_METHODS.has(method)) return null;
  if (redirect !== 'follow' && redirect !== 'manual' && redirect !== 'error') return null;
  if (signal !== null && !(signal instanceof AbortSignal)) return null;
  const headers = plainHeaders(init.headers);
  if (headers === null) return null;
  const body = plainBody(init.body);
  if (body === undefined || (body !== null && (method === 'GET' || method === 'HEAD'))) return null;
  return { method, url, headers, body, signal, ...DEFAULTS, redirect };
}

const DEFAULTS = {
  redirect: 'follow',
  integrity: '',
  credentials: 'same-origin',
  mode: 'cors',
  cache: 'default',
  referrer: null,
  referrerPolicy: '',
  origin: null,
} as const;

function parse(text: string, resolve: (relative: string) => string | null): globalThis.URL | null {
  if (URL.canParse(text)) return new URL(text);
  const resolved = resolve(text);
  return resolved === null ? null : new URL(resolved);
}

function plainHeaders(headers: RequestInit['headers']): [string, string][] | null {
  if (headers === undefined) return [];
  if (headers instanceof globalThis.Headers) return [...headers];
  if (headers === null || typeof headers !== 'object' || Symbol.iterator in headers) return null;
  const list: [string, string][] = [];
  for (const name of Reflect.ownKeys(headers)) {
    const value = (headers as Record<string | symbol, unknown>)[name];
    if (typeof name !== 'string' || typeof value !== 'string' || !TOKEN.test(name) || !VALUE.test(value)) return null;
    list.push([name, value]);
  }
  // Names that differ in case alone are one name, whose values the platform joins.
  return list.length > 1 && new Set(list.map(([name]) => name.toLowerCase())).size < list.length ? null : list;
}

/** undefined: the platform's to read. */
function plainBody(body: unknown): OutgoingBody | null | undefined {
  if (body === undefined || body === null) return null;
  return bodyOfSource(body) ?? undefined;
}

/** A body that has a source, in the words of the standard: it can be sent again. null for streams. */
function bodyOfSource(body: unknown): OutgoingBody | null {
  const made = (content: OutgoingBody['content'], type: string | null) => ({ content, type, isReplayable: true });
  if (typeof body === 'string') return made(body, 'text/plain;charset=UTF-8');
  if (body instanceof URLSearchParams) {
    return made(body.toString(), 'application/x-www-form-urlencoded;charset=UTF-8');
  }
  // Of another realm as well, such as that of a test runner.
  if (isArrayBuffer(body)) return made(new Uint8Array(body.slice(0)), null);
  if (ArrayBuffer.isView(body) && isArrayBuffer(body.buffer)) {
    return made(new Uint8Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength)), null);
  }
  if (body instanceof FormData) return made(asSent(body), null);
  if (body instanceof Blob) return made(body, body.type === '' ? null : body.type);
  return null;
}

/** What is no body is its text; null for streams and their like, and for forms and Blobs of other packages, which the platform reads. */
function bodyOfText(body: unknown): OutgoingBody | null {
  if (body instanceof ReadableStream || Symbol.asyncIterator in (Object(body) as object)) return null;
  if (isFormData(body) || isBlob(body)) return null;
  return { content: String(body), type: 'text/plain;charset=UTF-8', isReplayable: true };
}

/** With the line breaks that names and values have in forms (CRLF: HTML, multipart form data), and files without a type as bytes. */
function asSent(form: FormData): FormData {
  const fix = (text: string) => text.replace(/\r\n?|\n/g, '\r\n');
  const isFixed = (value: string | File) => (typeof value === 'string' ? !/[\r\n]/.test(value) : value.type !== '');
  if ([...form].every(([name, value]) => isFixed(name) && isFixed(value))) return form;
  const fixed = new FormData();
  for (const [name, value] of form) {
    if (typeof value === 'string') fixed.append(fix(name), fix(value));
    else if (value.type !== '') fixed.append(fix(name), value);
    else fixed.append(fix(name), new File([value], value.name, bare({ type: 'application/octet-stream' })));
  }
  return fixed;
}

/** The platform has read and checked all of it; the body's source is taken where it was given, as a Request shows a stream alone. */
function fromRequest(
  request: globalThis.Request,
  input: Input,
  init: RequestInit | undefined,
): Outgoing | Promise<Outgoing> {
  const given = init?.body;
  const source = given === undefined || given === null ? null : (bodyOfSource(given) ?? bodyOfText(given));
  const headers = [...request.headers];
  const outgoing: Outgoing = {
    method: request.method,
    url: new URL(request.url),
    headers: source?.content instanceof FormData ? headers.filter((header) => !isPlatformsForm(header)) : headers,
    body: source,
    // The one that was given has the reason at once; what follows it is told later.
    signal: init?.signal ?? (input instanceof globalThis.Request ? request.signal : null),
    redirect: request.redirect,
    integrity: request.integrity,
    credentials: request.credentials,
    mode: request.mode,
    cache: request.cache,
    referrer: request.referrer === '' || request.referrer === 'about:client' ? null : request.referrer,
    referrerPolicy: request.referrerPolicy,
    origin: request,
  };
  if (source !== null || request.body === null) return outgoing;
  // Forms and Blobs of other packages have a length; a stream is not touched before it is sent.
  if (given !== undefined && given !== null && !isFormData(given) && !isBlob(given)) {
    outgoing.body = {
      content: iterate(request.body.getReader(), [], null, outgoing.signal),
      type: null,
      isReplayable: false,
    };
    return outgoing;
  }
  return peek(request.body, outgoing.signal).then((body) => {
    outgoing.body = body;
    return outgoing;
  });
}

/** Its boundary is that of a body that is not sent. */
function isPlatformsForm([name, value]: [string, string]): boolean {
  return name === 'content-type' && value.startsWith('multipart/form-data; boundary=----formdata-undici-');
}

/** A Request of the npm undici, another realm or a polyfill. */
function isForeign(input: unknown): input is globalThis.Request {
  if (typeof input !== 'object' || input === null || input instanceof globalThis.Request) return false;
  const { url, method, headers } = input as Partial<globalThis.Request>;
  return typeof url === 'string' && typeof method === 'string' && typeof headers?.get === 'function';
}

function fromForeign(
  foreign: globalThis.Request,
  init: RequestInit | undefined,
  resolve: (relative: string) => string | null,
): Outgoing | Promise<Outgoing> {
  const { method, redirect, integrity, credentials, signal, body } = foreign;
  if (foreign.bodyUsed)
    throw new TypeError('Cannot construct a Request with a Request object that has already been used.');
  const parts = {
    method,
    redirect,
    integrity,
    credentials,
    signal,
    headers: [...foreign.headers] as [string, string][],
  };
  const whole: RequestInit & { duplex?: string } = body ? { ...parts, body, duplex: 'half' } : parts;
  return toOutgoing(foreign.url, { ...whole, ...init }, resolve);
}

/**
 * The body of a Request, of which only the stream is to be seen: one that is there already (a text, a form) is sent with its length,
 * and again behind a redirect, as fetch itself does; another one goes out piece by piece.
 */
async function peek(stream: ReadableStream<Uint8Array>, signal: AbortSignal | null): Promise<OutgoingBody> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  for (;;) {
    const reading = reader.read();
    // Its failure is that of sending it.
    const result = await Promise.race([reading, turn()]).catch(() => null);
    const isBytes = result !== null && (result.done || result.value instanceof Uint8Array);
    if (!isBytes) return { content: iterate(reader, pieces, reading, signal), type: null, isReplayable: false };
    if (result.done) return { content: Buffer.concat(pieces), type: null, isReplayable: true };
    pieces.push(result.value);
  }
}

/** @param signal What it says is what the stream is cancelled with. */
function iterate(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  begun: Uint8Array[],
  reading: Promise<ReadableStreamReadResult<Uint8Array>> | null,
  signal: AbortSignal | null,
): AsyncIterable<Uint8Array> {
  // One that no one has come to yet.
  reading?.catch(() => {});
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const piece = begun.shift();
      if (piece !== undefined) return { done: false, value: piece };
      const next = reading ?? reader.read();
      reading = null;
      const { done, value } = await next;
      if (done) return { done, value: undefined };
      return { done, value };
    },
    async return() {
      await reader.cancel(signal?.aborted ? signal.reason : undefined);
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** As it was when this was loaded: tests put fake ones in its place. */
const { setImmediate } = globalThis;

function turn(): Promise<null> {
  return new Promise((resolve) => setImmediate(() => resolve(null)));
}
