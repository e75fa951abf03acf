/** Bytes to text: by the charset that a response declares, and JSON by its own rules. */

import { isAscii } from 'node:buffer';
import { quote, typeName } from '../errors.js';

/**
 * The charset of a Content-Type, when it is one that the WHATWG Encoding standard knows (whose names never run code, as some of
 * Python's do). The first `charset` counts; double quotes are taken off.
 */
export function charsetOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined) return undefined;
  for (const part of contentType.split(';').slice(1)) {
    const at = part.indexOf('=');
    if (at === -1 || part.slice(0, at).trim().toLowerCase() !== 'charset') continue;
    let label = part.slice(at + 1).trim();
    if (label.length > 1 && label.startsWith('"') && label.endsWith('"')) label = label.slice(1, -1);
    return isEncoding(label) ? label.toLowerCase() : undefined;
  }
  return undefined;
}

/**
 * A decoder for a label of the Encoding standard, or for Python's name of Latin-1, which httpx's users write.
 * @throws RangeError for any other
 */
export function decoderOf(label: string): InstanceType<typeof TextDecoder> {
  return new TextDecoder(label.toLowerCase() === 'latin-1' ? 'latin1' : label);
}

/** Whether `decoderOf` knows it. */
export function isEncoding(label: string): boolean {
  try {
    decoderOf(label).decode();
    return true;
  } catch {
    return false;
  }
}

/**
 * A client's `defaultEncoding`: a label, or a function that guesses one.
 * @throws TypeError, RangeError for any other
 */
export function checkDefaultEncoding<F>(given: string | F | undefined): string | F | undefined {
  if (given === undefined || typeof given === 'function') return given;
  if (typeof given !== 'string') {
    throw new TypeError(`defaultEncoding: expected a string or a function, got ${typeName(given)}`);
  }
  if (isEncoding(given)) return given;
  throw new RangeError(`defaultEncoding: ${quote(given)} is not an encoding of the WHATWG standard`);
}

/** Invalid sequences become U+FFFD; a byte order mark of the encoding is dropped. */
export function decodeText(bytes: Buffer, encoding: string): string {
  if (encoding !== 'utf-8' && encoding !== 'utf8') return decoderOf(encoding).decode(bytes);
  // Most long texts are ASCII: asking costs a fortieth of what reading them as UTF-8 does.
  if (bytes.length >= WORTH_ASKING && isAscii(bytes)) return bytes.latin1Slice(0, bytes.length);
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return bytes.utf8Slice(start, bytes.length);
}

/** RFC 8259 §8.1 asks for UTF-8; older senders' UTF-16 and UTF-32 are told by where their zero bytes are. The charset is ignored. */
export function decodeJson(bytes: Buffer): unknown {
  return JSON.parse(jsonText(bytes)) as unknown;
}

function jsonText(bytes: Buffer): string {
  const [a, b, c, d] = bytes;
  if (a !== 0 && b !== 0 && a !== 0xff && a !== 0xfe) return decodeText(bytes, 'utf-8');
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a !== 0 && b === 0 && c === 0 && d === 0)) {
    return utf32(bytes, 'little');
  }
  if (a === 0 && b === 0 && (c === 0xfe || c === 0) && (d === 0xff || d !== 0)) return utf32(bytes, 'big');
  if ((a === 0xff && b === 0xfe) || b === 0) return new TextDecoder('utf-16le').decode(bytes);
  if ((a === 0xfe && b === 0xff) || a === 0) return new TextDecoder('utf-16be').decode(bytes);
  return decodeText(bytes, 'utf-8');
}

function utf32(bytes: Buffer, order: 'little' | 'big'): string {
  let text = '';
  for (let at = 0; at + 3 < bytes.length; at += 4) {
    const code = order === 'little' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    if (code !== 0xfeff || at > 0) text += code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
  }
  return text;
}

/** Bytes. */
const WORTH_ASKING = 1024;

declare global {
  interface Buffer {
    /** Node's own, faster than toString('utf8') by its argument checks. */
    utf8Slice(start: number, end: number): string;
    latin1Slice(start: number, end: number): string;
  }
}
