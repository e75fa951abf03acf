/**
 * A file by its path, as a request's body or a part of it. The network has the core read it, so that its bytes do not pass through
 * JavaScript; everything else reads it here. A file that is another size than when the request was made ends the request: its
 * Content-Length would be wrong. Streams of files are in disk-file.ts.
 */

import type { Stats } from 'node:fs';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import nodePath from 'node:path';
import { FileError, LocalProtocolError } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { requestFailure } from '../request-failure.js';
import { checkOptions } from '../check-options.js';

/** Which bytes of a file, from `start` up to but not including `end`. @since 0.1.0 */
export interface FileContentOptions {
  /** The first byte that is sent, counted from 0. Default: 0. @since 0.1.0 */
  start?: number | undefined;
  /** The byte before which it ends. Default: the end of the file. @since 0.1.0 */
  end?: number | undefined;
  /** The Content-Type, of the request or of the part. Default: none; of a part, guessed from the name. @since 0.1.0 */
  contentType?: string | undefined;
}

/** A file that is read while it is sent. Nothing is opened before. @since 0.1.0 */
export class FileContent {
  /** The file, as it was given. @since 0.1.0 */
  readonly path: string;
  /** The first byte that is sent, counted from 0. @since 0.1.0 */
  readonly start: number;
  /** The byte before which it ends; null: the file's end. @since 0.1.0 */
  readonly end: number | null;
  /** The Content-Type; null: none, and of a part one that is guessed from the name. @since 0.1.0 */
  readonly contentType: string | null;

  /** @internal */
  constructor(path: string, start: number, end: number | null, contentType: string | null) {
    this.path = path;
    this.start = start;
    this.end = end;
    this.contentType = contentType;
  }
}

/**
 * A file as `content`, or as a value of `files`: its size is the Content-Length. The request rejects with FileError when the file
 * cannot be read or is a directory, a pipe or a device (`fs.createReadStream` reads those), with RangeError when it is shorter than
 * `end`, and with LocalProtocolError when it changes its size while it is sent.
 *
 * @throws TypeError, RangeError naming the argument
 * @since 0.1.0
 */
export function file(path: string, options: FileContentOptions = {}): FileContent {
  if (typeof path !== 'string') throw new TypeError(`path: expected a string, got ${typeName(path)}`);
  if (path === '') throw new RangeError('path: an empty string is no file');
  if (path.includes('\0')) throw new RangeError(`path: NUL is not allowed in it, got ${quote(path)}`);
  checkOptions(options, optionNames, 'file()');
  const { start, end, contentType } = Object.assign(Object.create(null) as FileContentOptions, options);
  const first = checkOffset('start', start) ?? 0;
  const last = checkOffset('end', end);
  if (last !== null && last < first) throw new RangeError(`end: ${last} is not allowed, it is before start (${first})`);
  if (contentType !== undefined && contentType !== null && typeof contentType !== 'string') {
    throw new TypeError(`contentType: expected a string, got ${typeName(contentType)}`);
  }
  return new FileContent(path, first, last, contentType ?? null);
}

/** Some bytes of a file, as one piece of a body: for the core to read. */
export class FilePart {
  constructor(
    /** Absolute. */
    readonly path: string,
    /** As it was given. */
    readonly shownPath: string,
    readonly start: number,
    readonly length: number,
    /** Of the whole file, when `length` was computed. */
    readonly size: number,
  ) {}

  /** The bytes, read here. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { start, length, size } = this;
    const handle = await this.#try(() => open(this.path, 'r'));
    try {
      const check = async () => {
        const found = await this.#try(() => handle.stat());
        if (!found.isFile()) throw this.#changed('is no regular file any more');
        if (found.size !== size) throw this.#changed(found.size < size ? 'became shorter' : 'became longer');
      };
      await check();
      for (let at = 0; at < length;) {
        const chunk = Buffer.allocUnsafeSlow(Math.min(length - at, READ_BYTES));
        const { bytesRead } = await this.#try(() => handle.read(chunk, 0, chunk.length, start + at));
        if (bytesRead === 0) throw this.#changed('became shorter');
        at += bytesRead;
        // A request ends at its length: what is wrong must be known before its last byte.
        if (at === length) await check();
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw fileError(this.shownPath, cause);
    }
  }

  #changed(how: string): LocalProtocolError {
    const message = `the file ${quote(this.shownPath)} ${how} while it was sent: its Content-Length is no longer true`;
    return requestFailure(LocalProtocolError, message, {});
  }
}

/**
 * The bytes that are meant, of the file as it is now.
 *
 * @param what The option, for errors.
 * @throws FileError; RangeError when it is too short
 */
export function toFilePart({ path, start, end }: FileContent, what: string): FilePart {
  let stats: Stats;
  let isSized: boolean;
  try {
    stats = statSync(path);
    isSized = !stats.isFile() || stats.size > 0 || isEmpty(path);
  } catch (cause) {
    throw fileError(path, cause);
  }
  const { size } = stats;
  if (!stats.isFile() || !isSized) {
    const [code, kind] = stats.isDirectory() ? ['EISDIR', 'a directory'] : ['ESPIPE', 'no file that has a size'];
    const hint = stats.isDirectory() ? '' : '; give fs.createReadStream() to send it chunked';
    throw new FileError(`${what}: ${quote(path)} is ${kind}${hint}`, { code, path });
  }
  if (start > size || (end !== null && end > size)) {
    const [name, value] = start > size ? ['start', start] : ['end', end];
    throw new RangeError(`${what}: ${name} (${value}) is behind the end of ${quote(path)}, which has ${size} bytes`);
  }
  return new FilePart(nodePath.resolve(path), path, start, (end ?? size) - start, size);
}

function fileError(path: string, cause: unknown): FileError {
  const { code = 'EIO' } = cause as NodeJS.ErrnoException;
  const why = cause instanceof Error ? cause.message : String(code);
  return new FileError(`cannot read ${quote(path)}: ${why}`, { code, path, cause });
}

/** Files of /proc say 0 and hold more. */
function isEmpty(path: string): boolean {
  const opened = openSync(path, 'r');
  try {
    return readSync(opened, Buffer.alloc(1), 0, 1, 0) === 0;
  } finally {
    closeSync(opened);
  }
}

function checkOffset(name: string, offset: unknown): number | null {
  if (offset === undefined || offset === null) return null;
  if (typeof offset !== 'number') throw new TypeError(`${name}: expected a number of bytes, got ${typeName(offset)}`);
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new RangeError(`${name}: ${offset} is not allowed, expected an integer from 0`);
  }
  return offset;
}

const optionNames = ['start', 'end', 'contentType'];
/** Bytes read at once. */
const READ_BYTES = 256 * 1024;
