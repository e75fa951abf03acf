/**
 * multipart/form-data (RFC 7578, with httpx's choices where it leaves one): fields and files as one body, files read from where they
 * are while they are sent. What may be a field is said in form.ts, how a file on disk is read in disk-file.ts.
 */

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Readable } from 'node:stream';
import { isNamelessOther } from '../check-options.js';
import { isArrayBuffer, isBlob, isFile } from './brands.js';
import type { Body } from './body.js';
import { blobBody, fileBody, nodeBody, StreamBody } from './body.js';
import { nameOf } from './disk-file.js';
import { FileContent } from './file-content.js';
import { quote, typeName } from '../shown-text.js';
import type { Fields } from './form.js';
import { Headers } from '../headers.js';
import { guessType } from './media-types.js';
import type { FilesTypes, FileTypes, FileValue } from '../types.js';
import { ownJoin } from '../own-memory.js';

/** A file as a part: how it is called, and what it holds. */
interface Part {
  name: string;
  /** null: none is sent. */
  filename: string | null;
  content: FileValue;
  /** null: none is sent. */
  type: string | null;
  headers: Headers;
}

/** Bytes, or what is read when its turn comes. */
type Segment = Buffer | StreamBody;

/**
 * The files that the option names; none for an empty one.
 * @throws TypeError for what is no file, with the name of its field
 */
export function toFiles(files: FilesTypes): Part[] {
  if (files === null || typeof files !== 'object') throw refused('files', files);
  const pairs: [string, unknown][] = [];
  if (Array.isArray(files)) {
    for (const pair of files as readonly unknown[]) {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new TypeError(`files: expected pairs of name and file, got ${typeName(pair)}`);
      }
      pairs.push([pair[0] as string, pair[1]]);
    }
  } else {
    if (Symbol.iterator in files || Symbol.asyncIterator in files || isBlob(files) || isNamelessOther(files)) {
      throw refused('files', files);
    }
    for (const name of Object.keys(files)) {
      const value = (files as Record<string, unknown>)[name];
      if (value === undefined) continue;
      const list: unknown[] = Array.isArray(value) && !isDescribed(value) ? value : [value];
      for (const each of list) pairs.push([name, each]);
    }
  }
  return pairs.map(([name, value]) => toFile(name, value as FileTypes));
}

/**
 * Fields first, then files, each in the order given (httpx). Small forms are bytes; what is large or on disk is read as it is sent.
 * A Content-Length is known unless a stream without one is among the files.
 *
 * @throws TypeError for a directory, a stream that gives text, and one that was used up
 */
export function encodeMultipart(fields: Fields['list'], files: readonly Part[], boundary: string): Body {
  const segments: Segment[] = [];
  const separator = (first: boolean) => `${first ? '' : '\r\n'}--${boundary}\r\n`;
  for (const [name, value] of fields) {
    const start = separator(segments.length === 0);
    if (typeof value === 'string') {
      segments.push(Buffer.from(`${start}Content-Disposition: form-data; name="${escape(name)}"\r\n\r\n${value}`));
    } else {
      segments.push(Buffer.from(start + headOf(toEntry(name, value))), ...contentOf(name, value));
    }
  }
  for (const file of files) {
    segments.push(Buffer.from(separator(segments.length === 0) + headOf(file)), ...contentOf(file.name, file.content));
  }
  segments.push(Buffer.from(`${segments.length === 0 ? '' : '\r\n'}--${boundary}--\r\n`));
  const joined = join(segments);
  if (joined.length === 1 && Buffer.isBuffer(joined[0])) return joined[0];
  let length: number | null = 0;
  for (const segment of joined) length = length === null || segment.length === null ? null : length + segment.length;
  const isReplayable = joined.every((segment) => Buffer.isBuffer(segment) || segment.isReadTwice);
  return new StreamBody((forCore) => read(joined, forCore), length, isReplayable);
}

/** A boundary of 128 random bits: no part can have been written to contain it. */
export function newBoundary(): string {
  return randomBytes(16).toString('hex');
}

/** The boundary of a Content-Type of one's own; null when it names none, undefined when it is no multipart. */
export function boundaryOf(contentType: string | undefined): string | null | undefined {
  if (contentType === undefined || !/^\s*multipart\//i.test(contentType)) return undefined;
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]*)"|([^;]*))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain?.trim();
  if (boundary === undefined || boundary === '') return null;
  // RFC 2046 §5.1.1
  if (!/^[0-9A-Za-z'()+_,./:=? -]{1,70}$/.test(boundary)) {
    throw new TypeError(`headers: the boundary ${quote(boundary)} is none of RFC 2046`);
  }
  return boundary;
}

/** `[filename, content, contentType?, headers?]`, told from a list of files by its first two. */
function isDescribed(value: readonly unknown[]): boolean {
  const [filename, content] = value;
  return value.length >= 2 && (filename === null || typeof filename === 'string') && isContent(content);
}

function toFile(name: unknown, value: FileTypes): Part {
  if (typeof name !== 'string') throw new TypeError(`files: names must be strings, got ${typeName(name)}`);
  const what = `files: ${quote(name)}`;
  if (!Array.isArray(value)) {
    const content = value as FileValue;
    if (!isContent(content)) throw refused(what, content);
    const filename = filenameOf(content);
    return { name, filename, content, type: typeOf(content) ?? guessType(filename), headers: new Headers() };
  }
  const [filename, content, contentType, headers, ...rest] = value as unknown[];
  if (value.length < 2 || rest.length > 0) {
    throw new TypeError(`${what}: expected [filename, content, contentType?, headers?], got ${value.length} items`);
  }
  if (filename !== null && typeof filename !== 'string') {
    throw new TypeError(`${what}: filename must be a string or null, got ${typeName(filename)}`);
  }
  if (!isContent(content)) throw refused(what, content);
  if (contentType !== undefined && contentType !== null && typeof contentType !== 'string') {
    throw new TypeError(`${what}: contentType must be a string, got ${typeName(contentType)}`);
  }
  const own =
    headers === undefined || headers === null ? new Headers() : new Headers(headers as Record<string, string>);
  if (own.has('content-disposition')) throw new TypeError(`${what}: Content-Disposition is written from the names`);
  // The first that says something: its headers, the third item, the Blob, the name.
  const guessed = filename === null || filename === '' ? null : (typeOf(content) ?? guessType(filename));
  return { name, filename: filename || null, content, type: contentType ?? guessed, headers: own };
}

/** A file of a FormData: its name is the form's, also where it has a folder in it or is empty. */
function toEntry(name: string, value: Blob): Part {
  const filename = isFile(value) ? value.name : 'blob';
  return { name, filename, content: value, type: typeOf(value) ?? guessType(filename), headers: new Headers() };
}

function isContent(value: unknown): value is FileValue {
  return (
    typeof value === 'string' ||
    ArrayBuffer.isView(value) ||
    isArrayBuffer(value) ||
    isBlob(value) ||
    value instanceof FileContent ||
    value instanceof Readable
  );
}

function filenameOf(content: FileValue): string {
  // Not by `name in content`, which a polluted Object.prototype would answer.
  if (isFile(content)) return content.name.slice(content.name.lastIndexOf('/') + 1) || 'upload';
  if (content instanceof FileContent) return path.basename(content.path) || 'upload';
  if (content instanceof Readable) return nameOf(content) ?? 'upload';
  return 'upload';
}

function typeOf(content: FileValue): string | null {
  if (content instanceof FileContent) return content.contentType;
  return isBlob(content) && content.type !== '' ? content.type : null;
}

/** The part's header lines and the empty one after them. Everything in it is escaped or was checked by Headers. */
function headOf({ name, filename, type, headers }: Part): string {
  let head = `Content-Disposition: form-data; name="${escape(name)}"`;
  if (filename !== null) head += `; filename="${escape(filename)}"`;
  const lines = new Headers(headers);
  if (type !== null && !lines.has('content-type')) lines.append('Content-Type', type);
  for (const [field, value] of lines.raw) head += `\r\n${field}: ${value}`;
  return `${head}\r\n\r\n`;
}

function contentOf(name: string, content: FileValue): Segment[] {
  const what = `files: ${quote(name)}`;
  if (typeof content === 'string') return [Buffer.from(content)];
  if (ArrayBuffer.isView(content)) return [Buffer.from(content.buffer, content.byteOffset, content.byteLength)];
  if (content instanceof FileContent) return [fileBody(content, what)];
  if (isBlob(content)) return content.size === 0 ? [] : [blobBody(content, what)];
  if (!(content instanceof Readable)) return [Buffer.from(content as ArrayBuffer)];
  if (content.readableObjectMode || content.readableEncoding !== null) {
    const gives = content.readableObjectMode ? 'objects' : `text (${content.readableEncoding})`;
    throw new TypeError(`${what}: expected a stream of bytes, got one of ${gives}`);
  }
  return [nodeBody(content, what)];
}

/** httpx's, and in parts HTML's: what would end the quotes or the line. Everything else is UTF-8 as it is. */
function escape(name: string): string {
  return name.replace(/["\\\x00-\x1a\x1c-\x1f]/g, (char) =>
    char === '\\' ? '\\\\' : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Neighbouring bytes as one, unless they are many: large ones are not copied. */
function join(segments: readonly Segment[]): Segment[] {
  const joined: Segment[] = [];
  let small: Buffer[] = [];
  const flush = () => {
    if (small.length > 0) joined.push(small.length === 1 ? small[0] : ownJoin(small));
    small = [];
  };
  const isSmall = segments.every(Buffer.isBuffer) && sum(segments as Buffer[]) <= MAX_COPIED_BYTES;
  for (const segment of segments) {
    if (Buffer.isBuffer(segment) && (isSmall || segment.length <= MAX_JOINED_BYTES)) {
      small.push(segment);
    } else {
      flush();
      joined.push(segment);
    }
  }
  flush();
  return joined;
}

function sum(segments: readonly Buffer[]): number {
  return segments.reduce((length, segment) => length + segment.length, 0);
}

/** One after the other. Stopped while it waits for a piece, it tells the source that it waits for. */
function read(segments: readonly Segment[], forCore: boolean): AsyncIterable<unknown> {
  let at = 0;
  let current: AsyncIterator<unknown> | Iterator<unknown> | null = null;
  const iterator: AsyncIterator<unknown> = {
    async next() {
      while (at < segments.length) {
        const segment = segments[at];
        if (Buffer.isBuffer(segment)) {
          at++;
          return { done: false, value: segment };
        }
        current ??= segment.open(forCore);
        const { done, value } = await current.next();
        if (!done) return { done: false, value };
        current = null;
        at++;
      }
      return { done: true, value: undefined };
    },
    async return() {
      at = segments.length;
      await current?.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function refused(what: string, value: unknown): TypeError {
  return what === 'files'
    ? new TypeError(`files: expected an object or pairs of name and file, got ${typeName(value)}`)
    : new TypeError(`${what} must be a Blob, bytes, a string or a Node stream, got ${typeName(value)}`);
}

/** Bytes: parts up to this size stand together with what is around them. */
const MAX_JOINED_BYTES = 64 * 1024;
/** Bytes: a form of bytes alone up to this size is one Buffer. */
const MAX_COPIED_BYTES = 4 * 1024 * 1024;
