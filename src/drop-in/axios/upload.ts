/** The body of axios' request: watched while it is sent (its size, progress and rate), and kept for a redirect that asks for it again. */

import { ReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import type { Aborter } from '../../dispatch/aborter.js';
import type { Headers } from '../../headers.js';
import { ownText } from '../../own-memory.js';
import { StreamBody } from '../../request/body.js';
import { isArrayBuffer, type StreamForm } from '../../request/brands.js';
import { Request } from '../../request/request.js';
import type { ContentTypes } from '../../types.js';
import { paced, Progress } from './progress.js';
import type { Axios, AxiosConfig } from './types.js';

type Pieces = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** What is sent: `headers` are completed. */
export class Upload {
  #axios: Axios;
  #config: AxiosConfig;
  #headers: Headers;
  #ending: Aborter;

  constructor(axios: Axios, config: AxiosConfig, headers: Headers, ending: Aborter) {
    this.#axios = axios;
    this.#config = config;
    this.#headers = headers;
    this.#ending = ending;
  }

  /** @throws AxiosError for what is no body, and for one that is too large */
  get content(): ContentTypes | FormData | undefined {
    const { data } = this.#config;
    if (data === undefined || data === null) return undefined;
    if (data instanceof FormData) return this.#form(data);
    if (typeof (data as { getHeaders?: unknown }).getHeaders === 'function') {
      const own = (data as { getHeaders(): Record<string, string> }).getHeaders();
      for (const [name, value] of Object.entries(own)) this.#headers.set(name, value);
      return this.#stream(data as Readable, lengthOf(data as StreamForm));
    }
    if (typeof data === 'string') return this.#bytes(ownText(data));
    if (isArrayBuffer(data)) return this.#bytes(Buffer.from(data));
    if (ArrayBuffer.isView(data)) return this.#bytes(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    if (data instanceof Blob) {
      this.#headers.set('Content-Type', data.type === '' ? 'application/octet-stream' : data.type);
      const pieces = () => data.stream() as unknown as AsyncIterable<Uint8Array>;
      return this.#watched(pieces, data.size) ?? (data.stream() as ContentTypes);
    }
    if (isStream(data)) return this.#stream(data as Readable, null);
    const message = 'Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream';
    throw new this.#axios.AxiosError(message, 'ERR_BAD_REQUEST', this.#config);
  }

  /** Written by ours, whose boundary is made with it. */
  #form(data: FormData): ContentTypes | FormData {
    this.#headers.delete('content-type');
    if (!this.#isWatched) return data;
    const written = new Request('POST', 'http://localhost/', { data });
    this.#headers.set('Content-Type', written.headers.get('content-type') as string);
    const { body } = written;
    if (!(body instanceof StreamBody)) return this.#bytes(body ?? Buffer.alloc(0));
    const pieces = () => ({ [Symbol.asyncIterator]: () => body.open() }) as unknown as Pieces;
    return this.#watched(pieces, body.length) as ContentTypes;
  }

  #bytes(bytes: Buffer): ContentTypes {
    const { maxBodyLength = -1 } = this.#config;
    if (maxBodyLength > -1 && bytes.length > maxBodyLength) throw this.#tooLarge();
    return this.#watched(() => slices(bytes), bytes.length) ?? bytes;
  }

  #stream(source: Readable, size: number | null): ContentTypes {
    if (source.destroyed && !source.readableEnded) throw this.#failed(source.errored);
    // A file is read again from its beginning.
    if (source instanceof ReadStream) return this.#watched(() => source, size) ?? source;
    const kept = this.#config.maxRedirects === 0 ? null : new Kept(source, this.#config.maxBodyLength ?? -1);
    const pieces = () => (kept === null ? piecesOf(source) : kept.pieces());
    return this.#watched(pieces, size) ?? { [Symbol.asyncIterator]: () => this.#bounded(pieces()) };
  }

  get #isWatched(): boolean {
    const { maxBodyLength = -1, onUploadProgress } = this.#config;
    return maxBodyLength > -1 || onUploadProgress !== undefined || rateOf(this.#config, 0) !== undefined;
  }

  /** The body with progress, limit and rate, counted anew for each iterator; null when the config asks for none of them. */
  #watched(pieces: () => Pieces, size: number | null): ContentTypes | null {
    const declared = this.#headers.get('content-length');
    const total = size ?? (declared !== undefined && /^\d+$/.test(declared) ? Number(declared) : null);
    if (total !== null) this.#headers.set('Content-Length', String(total));
    if (!this.#isWatched) return null;
    const { onUploadProgress } = this.#config;
    return {
      [Symbol.asyncIterator]: () => {
        const progress = new Progress(onUploadProgress, 'upload', total);
        const rate = rateOf(this.#config, 0);
        return paced(this.#bounded(pieces()), progress, rate, this.#ending);
      },
    };
  }

  async *#bounded(pieces: Pieces): AsyncGenerator<Buffer> {
    const { maxBodyLength = -1 } = this.#config;
    let sent = 0;
    try {
      for await (const piece of pieces) {
        const bytes = typeof piece === 'string' ? ownText(piece) : viewOf(piece);
        sent += bytes.length;
        if (maxBodyLength > -1 && sent > maxBodyLength) throw this.#tooLarge();
        yield bytes;
      }
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #tooLarge(): Error {
    const message = 'Request body larger than maxBodyLength limit';
    return new this.#axios.AxiosError(message, 'ERR_BAD_REQUEST', this.#config);
  }

  /** What its source fails with; without an error, its owner has destroyed it. */
  #failed(error: unknown): unknown {
    const isCutShort = error === null || (error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (isCutShort) return new this.#axios.CanceledError('Request stream has been aborted', this.#config);
    if (!(error instanceof Error) || (error as { isAxiosError?: unknown }).isAxiosError === true) return error;
    return this.#axios.AxiosError.from(error, undefined, this.#config);
  }
}

/** What a stream gave, for the redirect that wants it again, as follow-redirects keeps it. */
class Kept {
  #source: Readable;
  #limit: number;
  #pieces: (Uint8Array | string)[] | null = [];
  #size = 0;
  #isBegun = false;

  constructor(source: Readable, limit: number) {
    // Reading reports the stream's errors. Until it begins, 'error' must not end the process.
    source.on?.('error', () => {});
    this.#source = source;
    this.#limit = limit > -1 ? limit : MAX_KEPT_BYTES;
  }

  async *pieces(): AsyncGenerator<Uint8Array | string> {
    if (this.#isBegun) {
      if (this.#pieces === null) {
        throw new Error(`the redirect asks for the body again, a stream of more than ${this.#limit} bytes`);
      }
      yield* this.#pieces;
      return;
    }
    this.#isBegun = true;
    for await (const piece of piecesOf(this.#source)) {
      this.#size += piece.length;
      if (this.#size > this.#limit) this.#pieces = null;
      this.#pieces?.push(piece);
      yield piece;
    }
  }
}

/** Of a form of npm's form-data; null when it would have to look for it. */
function lengthOf(form: StreamForm): number | null {
  return form.hasKnownLength?.() === true ? (form.getLengthSync?.() ?? null) : null;
}

function viewOf(piece: Uint8Array): Buffer {
  if (ArrayBuffer.isView(piece)) return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  // Throws, naming what it got.
  return Buffer.from(piece);
}

/** A stream of the old kind is no iterable. */
function piecesOf(source: Readable): Pieces {
  if (typeof source[Symbol.asyncIterator] === 'function') return source;
  const pieces = new PassThrough();
  source.on('error', (error: Error) => pieces.destroy(error));
  return source.pipe(pieces);
}

/** Bytes a second: 0 up, 1 down; nothing is no limit. */
export function rateOf({ maxRate }: AxiosConfig, direction: 0 | 1): number | undefined {
  const rate = Number(Array.isArray(maxRate) ? maxRate[direction] : maxRate);
  return rate > 0 && Number.isFinite(rate) ? rate : undefined;
}

function isStream(data: unknown): boolean {
  const given = data as { pipe?: unknown; getReader?: unknown };
  return typeof given === 'object' && (typeof given.pipe === 'function' || typeof given.getReader === 'function');
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024);
}

/** follow-redirects'. */
const MAX_KEPT_BYTES = 10 * 1024 * 1024;
