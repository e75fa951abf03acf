/** Bodies without an end that keep their reader busy: each begins, and then the same comes again and again. */
import { constants, deflateRawSync, gzipSync } from 'node:zlib';

export interface EndlessBody {
  readonly title: string;
  /** What Content-Encoding says. */
  readonly coding: string;
  readonly begin: Buffer;
  readonly again: Buffer;
}

const EMPTY = Buffer.alloc(0);
const zeros = Buffer.alloc(1 << 20);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** As many as fit into a piece of 16 KiB. */
export function many(unit: Buffer): Buffer {
  return Buffer.alloc(unit.length * Math.max(1, Math.floor(16_384 / unit.length)), unit);
}

export const ENDLESS_BODIES: readonly EndlessBody[] = [
  { title: 'plain bytes', coding: 'identity', begin: EMPTY, again: Buffer.alloc(16_384, 'x') },
  { title: 'gzip that decodes to nothing', coding: 'gzip', begin: EMPTY, again: many(gzipSync('')) },
  {
    title: 'a name in a header of gzip',
    coding: 'gzip',
    begin: hex('1f8b0808000000000003'),
    again: Buffer.alloc(16_384, 'x'),
  },
  {
    title: 'deflate that decodes to nothing',
    coding: 'deflate',
    begin: hex('789c'),
    again: many(hex('000000ffff')),
  },
  {
    title: 'zstd that decodes to nothing',
    coding: 'zstd',
    begin: EMPTY,
    again: many(hex('502a4d180700000000000000000000')),
  },
  { title: 'br that decodes to nothing', coding: 'br', begin: hex('0c'), again: Buffer.alloc(16_384, 6) },
  { title: 'a bomb of gzip', coding: 'gzip', begin: EMPTY, again: many(gzipSync(zeros, { level: 9 })) },
  {
    title: 'a bomb of deflate',
    coding: 'deflate',
    begin: hex('789c'),
    again: deflateRawSync(zeros, { level: 9, finishFlush: constants.Z_FULL_FLUSH }),
  },
  { title: 'a bomb of zstd', coding: 'zstd', begin: hex('28b52ffd0038'), again: many(hex('02001000')) },
  {
    title: 'a bomb of gzip in gzip',
    coding: 'gzip, gzip',
    begin: EMPTY,
    again: gzipSync(Buffer.alloc(1 << 18, many(gzipSync(zeros, { level: 9 })))),
  },
];

/** One piece of a chunked body. */
export function chunked(bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
