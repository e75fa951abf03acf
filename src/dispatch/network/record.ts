/** Where in a record what is: its layout is that of crates/node/src/pack.rs. */

import type { ErrorKind } from '../../native.js';

/** The fixed part. The head follows, then the body. */
export const RECORD_BYTES = 40;

export const KIND_AT = 4;
export const VERSION_AT = 5;
export const STATUS_AT = 6;
export const HEAD_LENGTH_AT = 8;
export const BODY_LENGTH_AT = 12;
export const HEAD_TIME_AT = 16;
export const NOW_AT = 20;
export const RECEIVED_AT = 24;
export const POOL_AT = 28;
export const SENT_AT = 32;
export const CONNECTION_AT = 36;

/** In place of a body's length: it is the next of the large buffers. */
export const LARGE = 0xffffffff;

/** Added to a record's version: there is a Set-Cookie among the header lines. */
export const SETS_COOKIES = 128;

/** Of the connection's number: it was made for this request, or was there before it. */
export const IS_NEW = 0x80000000;
export const IS_REUSED = 0x40000000;
export const NUMBER = 0x3fffffff;

/** The status of a Writable record that tells of a file's progress. */
export const FILE_PROGRESS = 2;

/** The status of an `Error` record, in bits: it failed on the way to the proxy, or there; the peer closed the connection in order. */
export const AT_PROXY = 1;
export const CLOSED_BY_PEER = 2;

/** What an `Error` record says. */
export interface Fault {
  kind: ErrorKind;
  code: string | undefined;
  course: string;
  message: string;
}

/** `kind \n code \n course \n message` */
export function faultOf(text: string): Fault {
  const [kind, code, course] = text.split('\n', 3);
  const message = text.slice(kind.length + code.length + course.length + 3);
  return { kind: kind as ErrorKind, code: code || undefined, course, message };
}

/** Header lines behind an empty reason phrase; '' where a record has no head. */
export function linesOf(batch: Buffer, start: number, end: number): string {
  return end > start ? batch.latin1Slice(start + 1, end) : '';
}
