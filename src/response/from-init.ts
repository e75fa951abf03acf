/** A Response that is made by hand, for mocks and in-process dispatches. What comes over the network is not here. */

import { types } from 'node:util';
import type { ResponseVersion } from './received.js';
import { encodeJson, toChunk } from '../request/body.js';
import { decodeWhole, DecodingSource } from './decoding.js';
import type { BodySource } from './body-source.js';
import { quote, typeName } from '../shown-text.js';
import { Headers } from '../headers.js';
import { checkOptions } from '../check-options.js';
import { Request } from '../request/request.js';
import type { ResponseParts } from '../types.js';
import { ownCopy, ownText } from '../own-memory.js';

/** What such a response begins with. */
export interface ResponseFromInit {
  request: Request | null;
  version: ResponseVersion;
  headers: Headers;
  /** null when it comes from `source`. */
  content: Buffer | null;
  source: BodySource | null;
  /** Bytes of the content, before decoding. */
  received: number;
}

/**
 * The user's headers, those of the body where the user names none, and the body with its content coding undone.
 * @throws RangeError for what is no status code
 * @throws TypeError for unknown options, two bodies, what is none, and what is no Request or version
 * @throws DecodingError when the bytes are not what Content-Encoding says
 */
export function responseFromInit(statusCode: number, options?: ResponseParts): ResponseFromInit {
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 999) {
    throw new RangeError(`statusCode: ${statusCode} is not a status code, expected an integer from 100 to 999`);
  }
  if (options !== undefined) checkOptions(options, initNames, 'new Response()');
  const init = { __proto__: null, ...options } as ResponseParts;
  const { request = null, httpVersion = 'HTTP/1.1' } = init;
  if (request !== null && !(request instanceof Request)) {
    throw new TypeError(`request: expected a Request, got ${typeName(request)}`);
  }
  if (!versions.has(httpVersion)) {
    throw new TypeError(`httpVersion: ${quote(String(httpVersion))} is none, expected ${[...versions].join(', ')}`);
  }
  const body = bodyOf(init);
  const headers = new Headers(init.headers);
  for (const [name, value] of body.headers) {
    // A length or a coding only where the user framed nothing; a type only where the user named none.
    const isFraming = name === 'Content-Length' || name === 'Transfer-Encoding';
    if (headers.has(name) || (isFraming && (headers.has('transfer-encoding') || headers.has('content-length'))))
      continue;
    headers.append(name, value);
  }
  const coding = headers.get('content-encoding');
  const details = { request: request ?? undefined };
  const { content, source } = body;
  if (source !== null) {
    const decoded = coding === undefined ? source : new DecodingSource(source, coding, details);
    return { request, version: httpVersion, headers, content: null, source: decoded, received: 0 };
  }
  const decoded = coding === undefined ? content : decodeWhole(content, coding, details);
  return { request, version: httpVersion, headers, content: decoded, source: null, received: content.length };
}

/** A body and the headers that it brings. */
interface MadeBody {
  content: Buffer;
  /** null when the content is there. */
  source: BodySource | null;
  headers: [string, string][];
}

/** httpx's: the length of what has one, and a type for text, html and json. */
function bodyOf(init: ResponseParts): MadeBody {
  const given = (['content', 'text', 'html', 'json'] as const).filter((name) => init[name] !== undefined);
  if (given.length > 1) throw new TypeError(`${given.join(' and ')}: a response has one body, give one of them`);
  const { content, text, html, json } = init;
  if (text !== undefined) return whole(textOf('text', text), 'text/plain; charset=utf-8');
  if (html !== undefined) return whole(textOf('html', html), 'text/html; charset=utf-8');
  if (json !== undefined) return whole(encodeJson(json), 'application/json');
  if (content === undefined || content === null) return { content: Buffer.alloc(0), source: null, headers: [] };
  if (typeof content === 'string') return whole(ownText(content));
  // Copied: the caller may change the bytes afterwards.
  if (types.isUint8Array(content)) return whole(ownCopy(content));
  if (typeof content !== 'object' || !(Symbol.asyncIterator in content)) {
    throw new TypeError(`content: expected text, bytes or an async iterable of bytes, got ${typeName(content)}`);
  }
  return { content: Buffer.alloc(0), source: sourceOf(content), headers: [['Transfer-Encoding', 'chunked']] };
}

function whole(content: Buffer, type?: string): MadeBody {
  const headers: [string, string][] = [['Content-Length', String(content.length)]];
  if (type !== undefined) headers.push(['Content-Type', type]);
  return { content, source: null, headers };
}

function textOf(name: string, text: unknown): Buffer {
  if (typeof text !== 'string') throw new TypeError(`${name}: expected a string, got ${typeName(text)}`);
  return ownText(text);
}

function sourceOf(content: AsyncIterable<Uint8Array>): BodySource {
  let iterator: AsyncIterator<Uint8Array> | null = null;
  let received = 0;
  return {
    get received() {
      return received;
    },
    trailers: null,
    elapsed: null,
    async read() {
      iterator ??= content[Symbol.asyncIterator]();
      const { done, value } = await iterator.next();
      if (done) return null;
      const piece = toChunk(value);
      received += piece.length;
      return piece;
    },
    cancel() {
      // The iterator is the caller's, and `return()` may throw or reject: after a cancel its errors are dropped.
      void (async () => iterator?.return?.())().catch(() => {});
    },
  };
}

const versions: ReadonlySet<string> = new Set(['HTTP/1.0', 'HTTP/1.1', 'HTTP/2', 'HTTP/3']);
const initNames = ['headers', 'content', 'text', 'html', 'json', 'request', 'httpVersion'];
