/** Bytes to text: by the charset that a response declares, and JSON by its own rules. */

import { constants, isAscii, isUtf8 } from 'node:buffer';
import { quote, typeName } from '../shown-text.js';

/**
 * The charset of Content-Type, when it is one that the WHATWG Encoding standard knows (whose names never run code, as some of
 * Python's do). The first `charset` of a type counts; double quotes are taken off. Of several types, in one line or several, the
 * last that is one counts, with the charset of those before it that are the same (Fetch, "extract a MIME type").
 */
export function charsetOf(lines: readonly string[]): string | undefined {
  const types = lines.flatMap(typesOf);
  if (types.length === 1) return charsetIn(types[0]);
  let essence = '';
  let charset: string | undefined;
  for (const type of types) {
    const own = type.split(';')[0].trim().toLowerCase();
    if (!/^[^\s/]+\/[^\s/]+$/.test(own) || own === '*/*') continue;
    charset = charsetIn(type) ?? (own === essence ? charset : undefined);
    essence = own;
  }
  return charset;
}

/** The values of one line. */
function typesOf(line: string): string[] {
  return line.includes(',') ? divided(line, /(?:"(?:[^"\\]|\\.)*"?|[^",])+/g) : [line];
}

/** Texts between separators, those in quotes left out: `pieces` matches one of them. */
function divided(text: string, pieces: RegExp): string[] {
  return text.match(pieces) ?? [];
}

function charsetIn(type: string): string | undefined {
  for (const part of divided(type, /(?:"(?:[^"\\]|\\.)*"?|[^";])+/g).slice(1)) {
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

/**
 * Invalid sequences become U+FFFD; a byte order mark is dropped.
 * @param isGiven The user has chosen the encoding: else a byte order mark wins over it.
 */
export function decodeText(bytes: Buffer, encoding: string, isGiven = false): string {
  const marked = isGiven ? undefined : markedEncoding(bytes);
  if (marked !== undefined ? marked !== 'utf-8' : encoding !== 'utf-8' && encoding !== 'utf8') {
    const decoder = decoderOf(marked ?? encoding);
    // In one go Node reads windows-1252 as Latin-1 (nodejs/node#60888): 0x80 would be no euro sign.
    return decoder.decode(bytes, { stream: true }) + decoder.decode();
  }
  // Most long texts are ASCII: asking costs a fortieth of what reading them as UTF-8 does.
  if (bytes.length >= WORTH_ASKING && isAscii(bytes)) return bytes.latin1Slice(0, bytes.length);
  return bytes.utf8Slice(startsWith(bytes, 0xef, 0xbb, 0xbf) ? 3 : 0, bytes.length);
}

/** UTF-8 without regard to a byte order mark. Invalid sequences become U+FFFD. */
export function utf8Text(bytes: Buffer): string {
  if (bytes.length >= WORTH_ASKING && isAscii(bytes)) return bytes.latin1Slice(0, bytes.length);
  return bytes.utf8Slice(0, bytes.length);
}

/** Text that comes in pieces, which may be cut inside of a character. As `decodeText`. */
export class PieceDecoder {
  #encoding: string;
  #isGiven: boolean;
  #decoder: InstanceType<typeof TextDecoder> | null = null;
  /** The first bytes, while they may be the beginning of a byte order mark. */
  #begun: Buffer = Buffer.alloc(0);

  constructor(encoding: string, isGiven: boolean) {
    this.#encoding = encoding;
    this.#isGiven = isGiven;
  }

  write(piece: Buffer): string {
    if (this.#decoder !== null) return this.#decoder.decode(piece, { stream: true });
    this.#begun = this.#begun.length === 0 ? piece : Buffer.concat([this.#begun, piece]);
    return !this.#isGiven && mayBeginMark(this.#begun) ? '' : this.#begin();
  }

  end(): string {
    const rest = this.#decoder === null ? this.#begin() : '';
    return rest + (this.#decoder as InstanceType<typeof TextDecoder>).decode();
  }

  #begin(): string {
    const bytes = this.#begun;
    this.#begun = Buffer.alloc(0);
    this.#decoder = decoderOf((this.#isGiven ? undefined : markedEncoding(bytes)) ?? this.#encoding);
    return this.#decoder.decode(bytes, { stream: true });
  }
}

function mayBeginMark(bytes: Buffer): boolean {
  const isShort = bytes.length < (bytes[0] === 0xef ? 3 : 2);
  return bytes.length === 0 || (isShort && bytes[0] >= 0xef && (bytes.length === 1 || bytes[1] === 0xbb));
}

/** What the byte order mark says (Encoding standard, "BOM sniff"); undefined when there is none. */
function markedEncoding(bytes: Buffer): string | undefined {
  if (startsWith(bytes, 0xef, 0xbb, 0xbf)) return 'utf-8';
  if (startsWith(bytes, 0xff, 0xfe)) return 'utf-16le';
  return startsWith(bytes, 0xfe, 0xff) ? 'utf-16be' : undefined;
}

function startsWith(bytes: Buffer, ...beginning: number[]): boolean {
  return beginning.every((byte, i) => bytes[i] === byte);
}

/**
 * RFC 8259 §8.1 asks for UTF-8; older senders' UTF-16 and UTF-32 are told by where their zero bytes are. What is none of them is
 * read by the charset that was declared.
 *
 * @throws SyntaxError
 */
export function decodeJson(bytes: Buffer, charset: () => string | undefined): unknown {
  return JSON.parse(jsonText(bytes, charset)) as unknown;
}

function jsonText(bytes: Buffer, charset: () => string | undefined): string {
  const [a, b, c, d] = bytes;
  const isUtf8Like = a !== 0 && b !== 0 && a !== 0xff && a !== 0xfe;
  if (isUtf8Like) {
    const text = decodeText(bytes, 'utf-8');
    // The charset is asked for, and the head looked at, only where something could not be read.
    if (!text.includes('\u{fffd}') || isUtf8(bytes)) return text;
    const declared = charset();
    return declared === undefined ? text : decodeText(bytes, declared);
  }
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a !== 0 && b === 0 && c === 0 && d === 0)) {
    return utf32(bytes, 'little');
  }
  if (a === 0 && b === 0 && (c === 0xfe || c === 0) && (d === 0xff || d !== 0)) return utf32(bytes, 'big');
  if ((a === 0xff && b === 0xfe) || b === 0) return new TextDecoder('utf-16le').decode(bytes);
  if ((a === 0xfe && b === 0xff) || a === 0) return new TextDecoder('utf-16be').decode(bytes);
  return decodeText(bytes, 'utf-8');
}

/** Whether bytes that could not be read are more than a string can hold: 512 MiB in V8. */
export function isTooLong(bytes: Buffer): boolean {
  return bytes.length > constants.MAX_STRING_LENGTH;
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
