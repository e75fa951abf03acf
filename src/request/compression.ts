/**
 * Content codings of request bodies (RFC 9110 §8.4): the option `compress`, and a body that is coded before it is sent, bytes off the
 * main thread and streams as they are read. That of responses is in response/decoding.ts.
 */

import { pipeline, Readable, Transform } from 'node:stream';
import type { Zlib } from 'node:zlib';
import zlib from 'node:zlib';
import { bare } from '../bare.js';
import { checkOptions } from '../check-options.js';
import { LocalProtocolError } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { addon } from '../native.js';
import { ownJoin } from '../own-memory.js';
import { PLATFORM } from '../platform.js';
import { requestFailure } from '../request-failure.js';
import { iterateNode, StreamBody, toChunk } from './body.js';
import type { Request } from './request.js';

/** A coding that a server must know: 415 says that it does not. @since 0.1.0 */
export type CompressionEncoding = 'gzip' | 'br' | 'zstd';

/**
 * How request bodies are compressed: those of at least `minSize` bytes (1,024), and all whose length is not known.
 * @since 0.1.0
 */
export type Compression =
  | CompressionEncoding
  | {
      encoding: CompressionEncoding; /** The size from which on a body whose length is known is compressed, in bytes. Default: 1_024. @since 0.1.0 */
      /** The size from which on a body whose length is known is compressed, in bytes. Default: 1_024. @since 0.1.0 */
      minSize?: number | undefined;
    };

/** The option, checked. */
export interface CompressionSettings {
  encoding: CompressionEncoding;
  minSize: number;
}

/**
 * null: bodies are sent as they are.
 * @throws TypeError, RangeError naming the option
 */
export function toCompression(given: Compression | null | undefined): CompressionSettings | null {
  if (given === undefined || given === null) return null;
  if (PLATFORM !== 'node')
    throw new TypeError('compress: the builds for browsers and Workers have no coders; leave it out');
  if (typeof given === 'string') return { encoding: checkEncoding('compress', given), minSize: DEFAULT_MIN_SIZE };
  if (typeof given !== 'object') {
    throw new TypeError(`compress: expected 'gzip', 'br', 'zstd' or { encoding, minSize }, got ${typeName(given)}`);
  }
  checkOptions(given, optionNames, 'compress');
  const { encoding, minSize = DEFAULT_MIN_SIZE } = bare(given);
  if (typeof minSize !== 'number') throw new TypeError(`compress.minSize: expected bytes, got ${typeName(minSize)}`);
  if (!Number.isSafeInteger(minSize) || minSize < 0) {
    throw new RangeError(`compress.minSize: ${minSize} is not allowed, expected an integer from 0`);
  }
  return { encoding: checkEncoding('compress.encoding', encoding), minSize };
}

/** Codes the request's body and says so in its headers, unless it is coded already, or too small. */
export async function compressBody(request: Request, { encoding, minSize }: CompressionSettings): Promise<void> {
  const { body, headers } = request;
  if (body === null || headers.has('content-encoding')) return;
  if (body.length !== null && body.length < minSize) return;
  const coded = body instanceof StreamBody ? codedStream(body, encoding) : await codedBytes(body, encoding);
  request.replaceBody(coded);
  headers.set('Content-Encoding', encoding);
  headers.delete('content-length');
  if (coded instanceof StreamBody) headers.set('Transfer-Encoding', 'chunked');
  else if (!headers.has('transfer-encoding')) headers.set('Content-Length', String(coded.length));
}

function codedStream(body: StreamBody, encoding: CompressionEncoding): StreamBody {
  // A Content-Length of the caller's was that of the plain bytes: it is checked still.
  return new StreamBody(() => iterateNode(through(bytesOf(body), encoding)), null, body.isReadTwice);
}

async function codedBytes(body: Buffer, encoding: CompressionEncoding): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of through(slices(body), encoding)) pieces.push(piece as Buffer);
  return ownJoin(pieces);
}

/** The coder, fed by the source as it is read; what the source throws is what its reader gets. */
function through(source: AsyncIterable<Buffer> | Iterable<Buffer>, encoding: CompressionEncoding): Readable {
  const coder = coders[encoding]();
  pipeline(Readable.from(source, bare({ objectMode: false })), coder, () => {});
  return coder;
}

/** No generator: one that is asked to return would first have to come to a piece that is not empty. */
function bytesOf(body: StreamBody): AsyncIterable<Buffer> {
  const { declared } = body;
  let pieces: AsyncIterator<unknown> | null = null;
  let sent = 0;
  let isOver = false;
  const iterator: AsyncIterator<Buffer> = {
    async next() {
      pieces ??= body.open();
      for (;;) {
        const { done, value } = await pieces.next();
        if (done || isOver) break;
        const chunk = toChunk(value);
        sent += chunk.length;
        if (chunk.length > 0) return { done: false, value: chunk };
      }
      if (!isOver && declared !== null && sent < declared) {
        const message = `Too little data for declared Content-Length: ${sent} bytes, ${declared} declared`;
        throw requestFailure(LocalProtocolError, message, {});
      }
      isOver = true;
      return { done: true, value: undefined };
    },
    async return() {
      isOver = true;
      void pieces?.return?.().catch(() => {});
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}

/** zlib's of Node, where it has the coding: Node 22.15 and 23.8 are the first with zstd. */
const coders: Record<CompressionEncoding, () => Transform & Partial<Zlib>> = {
  gzip: () => zlib.createGzip(bare({ level: zlib.constants.Z_DEFAULT_COMPRESSION })),
  br: () =>
    zlib.createBrotliCompress(bare({ params: bare({ [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY }) })),
  zstd: () => {
    const { createZstdCompress } = zlib as { createZstdCompress?: (options: object) => Transform };
    return createZstdCompress === undefined ? zstdOfCore() : createZstdCompress(bare({}));
  },
};

function zstdOfCore(): Transform {
  const encoder = new (addon().ZstdEncoder)();
  return new Transform(
    bare({
      transform(chunk: Buffer, _encoding: string, done: (error: Error | null, coded?: Buffer) => void) {
        try {
          done(null, encoder.push(chunk, false));
        } catch (error) {
          done(error as Error);
        }
      },
      flush(done: (error: Error | null, coded?: Buffer) => void) {
        try {
          done(null, encoder.push(Buffer.alloc(0), true));
        } catch (error) {
          done(error as Error);
        }
      },
    }),
  );
}

function checkEncoding(name: string, given: unknown): CompressionEncoding {
  if (typeof given !== 'string')
    throw new TypeError(`${name}: expected 'gzip', 'br' or 'zstd', got ${typeName(given)}`);
  if (given === 'gzip' || given === 'br' || given === 'zstd') return given;
  throw new RangeError(`${name}: ${quote(given)} is not allowed, expected 'gzip', 'br' or 'zstd'`);
}

const optionNames = ['encoding', 'minSize'];
const DEFAULT_MIN_SIZE = 1_024;
/** The library's default, 11, takes a second for a megabyte. */
const BROTLI_QUALITY = 5;
/** Bytes that are handed to a coder at once. */
const SLICE_BYTES = 256 * 1024;
