/**
 * A file that is sent from disk, given as fs.ReadStream: how long it is, and reading it again. Other streams are read once, in
 * body.ts; how a file stands in a form is decided in multipart.ts.
 */

import type { Stats } from 'node:fs';
import { closeSync, createReadStream, fstatSync, openSync, ReadStream, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { StreamConsumed } from '../errors.js';
import { quote } from '../shown-text.js';
import { bare } from '../bare.js';

/** Some bytes of a file, from where its stream stands to where it ends. */
export interface DiskFile {
  /** null for what has no length of its own: pipes, devices, and files of /proc, which say 0 and hold more. */
  readonly length: number | null;
  /** It has a path to be opened by once more. */
  readonly isReplayable: boolean;
  /** The stream itself the first time, if it is not used up; afterwards another one of the same bytes. */
  open(): Readable;
}

export function isReadStream(value: unknown): value is ReadStream {
  return value instanceof ReadStream;
}

/**
 * @param what The option, for errors.
 * @throws TypeError for a directory, and for a stream that gives text or was used up and has no path
 * @throws what the file system says of a path that is not there
 */
export function toDiskFile(stream: ReadStream, what: string): DiskFile {
  // Reading reports the stream's errors. Until it begins, and if it never does, 'error' must not end the process.
  stream.on('error', ignore);
  const fresh = !stream.destroyed && !stream.readableEnded && !taken.has(stream);
  const path = typeof stream.path === 'string' || Buffer.isBuffer(stream.path) ? stream.path : null;
  if (!fresh && path === null) throw new TypeError(`${what}: the stream has ended or was destroyed already`);
  let stats: Stats;
  let known: boolean;
  try {
    stats = statOf(stream, path);
    if (stats.isDirectory()) {
      throw new TypeError(`${what}: ${quote(String(path ?? 'the stream'))} is a directory, expected a file`);
    }
    known = stats.isFile() && (stats.size > 0 || isEmpty(stream, path));
  } catch (error) {
    stream.destroy();
    throw error;
  }
  // `start` and `end` are inclusive, and not in the types.
  const { start = 0, end = Infinity } = stream as { start?: number; end?: number };
  const stop = Math.min(end + 1, stats.size);
  const consumed = fresh ? stream.bytesRead - stream.readableLength : 0;
  const from = Math.min(start + consumed, stop);
  return {
    length: known ? stop - from : null,
    isReplayable: path !== null && known,
    open() {
      // Two parts, or two requests at once, may hold the same stream.
      if (fresh && !stream.destroyed && !stream.readableEnded && !taken.has(stream)) {
        taken.add(stream);
        return stream;
      }
      if (path === null)
        throw new StreamConsumed(`${what}: the stream was read already, and has no path to open again`);
      return from === stop && known
        ? new Readable(bare({ read: atEnd }))
        : createReadStream(path, bare({ ...PLAIN_STREAM, start: from, end: stop - 1 }));
    },
  };
}

/** Its file name: the last part of its path. */
export function nameOf(stream: Readable): string | null {
  const path = isReadStream(stream) ? stream.path : undefined;
  if (typeof path !== 'string' && !Buffer.isBuffer(path)) return null;
  const text = String(path);
  return text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf(SEPARATOR)) + 1) || null;
}

function statOf(stream: ReadStream, path: string | Buffer | null): Stats {
  const { fd } = stream as { fd?: unknown };
  return typeof fd === 'number' ? fstatSync(fd) : statSync(path as string);
}

/** A size of 0 is asked for its first byte. */
function isEmpty(stream: ReadStream, path: string | Buffer | null): boolean {
  const { fd } = stream as { fd?: unknown };
  const opened = typeof fd === 'number' ? fd : openSync(path as string, 'r');
  try {
    return readSync(opened, Buffer.alloc(1), 0, 1, 0) === 0;
  } finally {
    if (opened !== fd) closeSync(opened);
  }
}

function ignore(): void {}

function atEnd(this: Readable): void {
  this.push(null);
}

/** All that Node's streams look for: they copy what they are given into an object that inherits from Object.prototype. */
const PLAIN_STREAM: Parameters<typeof createReadStream>[1] & object = bare({
  flags: 'r',
  encoding: undefined,
  fd: undefined,
  mode: undefined,
  autoClose: true,
  emitClose: true,
  highWaterMark: 64 * 1024,
  fs: undefined,
  signal: undefined,
  ...Object.fromEntries(
    [
      'read',
      'destroy',
      'construct',
      'objectMode',
      'readableObjectMode',
      'defaultEncoding',
      'readableHighWaterMark',
    ].map((name) => [name, undefined]),
  ),
});

const SEPARATOR = process.platform === 'win32' ? '\\' : '/';

/** Streams whose file is read for a request already. */
const taken = new WeakSet<ReadStream>();
