/** The body of a Response that is made by hand, for mocks and in-process dispatches. What comes over the network is not here. */

import { encodeJson, toChunk } from './content.js';
import type { BodySource } from './dispatch/dispatch.js';
import { typeName } from './errors.js';
import type { ResponseInit_ } from './types.js';

/** A body and the headers that it brings, for where the user names none. */
export interface MadeBody {
  content: Buffer;
  /** null when the content is there. */
  source: BodySource | null;
  headers: [string, string][];
}

/**
 * httpx's: the length of what has one, and a type for text, html and json.
 * @throws TypeError for two bodies, and for what is none
 */
export function bodyOf(init: ResponseInit_): MadeBody {
  const given = (['content', 'text', 'html', 'json'] as const).filter((name) => init[name] !== undefined);
  if (given.length > 1) throw new TypeError(`${given.join(' and ')}: a response has one body, give one of them`);
  const { content, text, html, json } = init;
  if (text !== undefined) return whole(textOf('text', text), 'text/plain; charset=utf-8');
  if (html !== undefined) return whole(textOf('html', html), 'text/html; charset=utf-8');
  if (json !== undefined) return whole(encodeJson(json), 'application/json');
  if (content === undefined || content === null) return { content: Buffer.alloc(0), source: null, headers: [] };
  if (typeof content === 'string') return whole(Buffer.from(content));
  // Copied: whoever gave them may change them.
  if (content instanceof Uint8Array) return whole(Buffer.from(content));
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
  return Buffer.from(text);
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
      // It may be anything: what it says to being stopped is nobody's business.
      void (async () => iterator?.return?.())().catch(() => {});
    },
  };
}
