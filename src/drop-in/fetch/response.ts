/**
 * The global Response over one of ours: an instance of it by inheritance, made over no body at all, whose members are ours and made
 * when they are looked at. A Response that is filled costs ten times as much.
 */

import { Readable } from 'node:stream';
import { HTTPError } from '../../errors.js';
import type { Response as Received } from '../../response/response.js';

/** What a Response shows, beside what was received. */
interface Shown {
  readonly received: Received;
  readonly url: string;
  readonly redirected: boolean;
  /** 'cors' when another origin was asked on the way. */
  readonly type: 'basic' | 'cors';
  /** What was not read when it aborts is not to be had any more, although it may be here. */
  readonly signal: AbortSignal | null;
  /** HEAD, or a status that has no body. */
  readonly isBodiless: boolean;
}

type FetchResponseClass = new (shown: Shown, body?: ReadableStream<Uint8Array>) => globalThis.Response;

/** Has no body: an answer to HEAD, or a status of those that have none. */
export function isBodiless({ statusCode }: Received, method: string): boolean {
  return method === 'HEAD' || statusCode === 204 || statusCode === 205 || statusCode === 304;
}

/** @param shown `url` is that of the last hop, without a fragment. */
export function toGlobalResponse(shown: Omit<Shown, 'isBodiless'>, method: string): globalThis.Response {
  const { received } = shown;
  const hasNone = isBodiless(received, method);
  // What is not there ends at once, and the connection is free.
  if (hasNone) received.read().catch(() => {});
  return new (made ??= makeClass())({ ...shown, isBodiless: hasNone });
}

/** The network failed under way. What ends a body by the caller's own signal is the caller's reason, if it is one. */
function bodyError(error: unknown): unknown {
  if (!error) return new DOMException('The operation was aborted.', 'AbortError');
  return error instanceof HTTPError ? new TypeError('terminated', { cause: error }) : error;
}

let made: FetchResponseClass | null = null;

/** Made late: Node loads its fetch when the global `Response` is first asked for. */
function makeClass(): FetchResponseClass {
  class Response extends globalThis.Response {
    #shown: Shown;
    #headers: globalThis.Headers | null = null;
    #stream: ReadableStream<Uint8Array> | null;
    #isUsed = false;

    constructor(shown: Shown, body?: ReadableStream<Uint8Array>) {
      super(null);
      this.#shown = shown;
      this.#stream = body ?? null;
    }

    static readonly members = {
      get status() {
        return self(this).#shown.received.statusCode;
      },
      get ok() {
        return self(this).#shown.received.isSuccess;
      },
      get statusText() {
        const { received } = self(this).#shown;
        // HTTP/2 has none.
        return received.httpVersion === 'HTTP/2' ? '' : received.statusText;
      },
      get type() {
        return self(this).#shown.type;
      },
      get url() {
        return self(this).#shown.url;
      },
      get redirected() {
        return self(this).#shown.redirected;
      },
      get headers() {
        const response = self(this);
        return (response.#headers ??= new (headersClass())(response.#shown.received.headers.multiItems()));
      },
      get body() {
        const response = self(this);
        const { isBodiless } = response.#shown;
        if (isBodiless) return null;
        if (response.#stream === null) {
          // One that was read by text() and the like is shown as it is: locked.
          response.#stream = response.#isUsed
            ? new ReadableStream({ type: 'bytes', start: (controller) => controller.close() })
            : streamOf(response.#shown);
          if (response.#isUsed) response.#stream.getReader();
        }
        return response.#stream;
      },
      get bodyUsed() {
        const response = self(this);
        return response.#isUsed || (response.#stream !== null && Readable.isDisturbed(response.#stream as never));
      },
      async text() {
        return toText(await self(this).#read('text'));
      },
      async json() {
        return JSON.parse(toText(await self(this).#read('json'))) as unknown;
      },
      async arrayBuffer() {
        return toArrayBuffer(await self(this).#read('arrayBuffer'));
      },
      async bytes() {
        return new Uint8Array(toArrayBuffer(await self(this).#read('bytes')));
      },
      async blob() {
        return self(this).#parsed('blob');
      },
      async formData() {
        return self(this).#parsed('formData');
      },
      clone() {
        const response = self(this);
        const { body, bodyUsed } = response;
        if (bodyUsed || body?.locked) throw new TypeError('Response.clone: Body has already been consumed.');
        if (body === null) return new Response(response.#shown);
        const [one, other] = body.tee();
        response.#stream = one;
        return new Response(response.#shown, other);
      },
    };

    /** Read once, from where it stands. */
    async #read(_method: string): Promise<Buffer> {
      const { received, isBodiless, signal } = this.#shown;
      if (isBodiless) return NOTHING;
      if (this.bodyUsed || this.#stream?.locked) throw new TypeError('Body is unusable: Body has already been read');
      this.#isUsed = true;
      if (this.#stream !== null) return readAll(this.#stream);
      if (signal?.aborted) throw (received.close().catch(() => {}), signal.reason);
      try {
        return await received.read();
      } catch (error) {
        throw bodyError(error);
      }
    }

    /** By the platform's own parser, and by the type that the headers say. */
    async #parsed<M extends 'blob' | 'formData'>(method: M): Promise<Awaited<ReturnType<globalThis.Response[M]>>> {
      const type = this.headers.get('content-type');
      const bytes = (await this.#read(method)) as Uint8Array<ArrayBuffer>;
      const parsing = new globalThis.Response(bytes, { headers: type === null ? {} : { 'content-type': type } });
      return parsing[method]() as Promise<Awaited<ReturnType<globalThis.Response[M]>>>;
    }
  }

  /** As the platform's: called on anything else it is a TypeError. */
  function self(response: unknown): Response {
    return response as Response;
  }

  inherit(Response, Response.members);
  return Response;
}

/** Members on the prototype, as the platform has them; and the constructor that a program compares with is the platform's. */
function inherit(target: { prototype: object }, members: object): void {
  Object.defineProperties(target.prototype, Object.getOwnPropertyDescriptors(members));
  delete (target.prototype as { constructor?: unknown }).constructor;
}

let madeHeaders: (new (items: [string, string][]) => globalThis.Headers) | null = null;

/** Of a response they are immutable (Fetch 5.1). */
function headersClass(): new (items: [string, string][]) => globalThis.Headers {
  if (madeHeaders !== null) return madeHeaders;
  class Headers extends globalThis.Headers {}
  const refuse = () => {
    throw new TypeError('immutable');
  };
  inherit(Headers, { append: refuse, delete: refuse, set: refuse });
  return (madeHeaders = Headers);
}

/** A byte stream, read as it is asked for. */
function streamOf({ received, signal }: Shown): ReadableStream<Uint8Array> {
  const pieces = received.iterBytes();
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      try {
        if (signal?.aborted) throw (received.close().catch(() => {}), signal.reason);
        const { done, value } = await pieces.next();
        if (done) {
          controller.close();
          controller.byobRequest?.respond(0);
        } else {
          controller.enqueue(new Uint8Array(toArrayBuffer(value)));
        }
      } catch (error) {
        controller.error(bodyError(error));
      }
    },
    async cancel() {
      await received.close();
    },
  });
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(pieces);
    pieces.push(value);
  }
}

/** UTF-8, whatever the headers say; without the mark at its beginning. */
function toText(bytes: Buffer): string {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.toString('utf8', hasMark ? 3 : 0);
}

/** Memory of its own, for the caller to keep. */
function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteLength === 0) return new ArrayBuffer(0);
  if (byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

const NOTHING: Buffer = Buffer.alloc(0);
