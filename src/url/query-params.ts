/**
 * The query of a URL as names and values. Immutable: `set`, `add`, `remove` and `merge` return a copy. Where the query stands in
 * a URL, and what a client's own params do to it, is not decided here.
 */

import { inspect } from 'node:util';
import { quote, typeName } from '../shown-text.js';
import { maskParams } from '../shown-url.js';
import { foreignItems, namesOf } from '../check-options.js';
import type { ParamValue, QueryParamTypes } from '../types.js';

/**
 * An ordered list of names and values; a name may repeat.
 *
 * Text is read as forms write it (URL standard §5.1): pieces at `&`, the first `=` divides, `+` is a space, a broken `%zz` stays
 * as it is. It is written with `+` for a space and everything but `A-Z a-z 0-9 - . _ ~` encoded. As in httpx, `get`, `values` and
 * iteration give the first value of each name; `getList` and `multiItems` give all of them. Unlike httpx, the order is kept, and
 * escapes that are no UTF-8 (`%E9`), which read as U+FFFD, are written as the bytes that they were.
 *
 * @throws TypeError naming the parameter for a nested object, Date or function
 * @since 0.1.0
 */
export class QueryParams implements Iterable<[string, string]> {
  /**
   * Name, value and, where the two are not all of it, the text of a pair in turn: one array to copy, and nothing that a name such as
   * `__proto__` could reach.
   */
  #list: readonly string[];

  /**
   * Takes text without `?`, pairs, or an object whose arrays repeat the name.
   *
   * @throws TypeError for values that are neither text, number, boolean nor null
   * @since 0.1.0
   */
  constructor(params?: QueryParamTypes) {
    this.#list = params instanceof QueryParams ? params.#list : toList(params);
  }

  /** The first value of the name; undefined when there is none. @since 0.1.0 */
  get(name: string): string | undefined {
    const list = this.#list;
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) return list[i + 1];
    return undefined;
  }

  /** All values of the name, in order. @since 0.1.0 */
  getList(name: string): string[] {
    const list = this.#list;
    const values: string[] = [];
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) values.push(list[i + 1]);
    return values;
  }

  /** Whether there is a parameter of this name. Names are case-sensitive. @since 0.1.0 */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** A copy with this one value for the name, at its first place or at the end. @since 0.1.0 */
  set(name: string, value: ParamValue): QueryParams {
    return QueryParams.#of(replace(this.#list, [checkName(name), toText(value, name), '']));
  }

  /** A copy with one more parameter at the end; those of the same name stay. @since 0.1.0 */
  add(name: string, value: ParamValue): QueryParams {
    return QueryParams.#of([...this.#list, checkName(name), toText(value, name), '']);
  }

  /** A copy without any parameter of this name. @since 0.1.0 */
  remove(name: string): QueryParams {
    const list: string[] = [];
    for (const entry of entries(this.#list)) if (entry[0] !== name) list.push(...entry);
    return QueryParams.#of(list);
  }

  /** A copy in which every name given has the values given; the other names keep theirs. @since 0.1.0 */
  merge(params: QueryParamTypes): QueryParams {
    return QueryParams.#of(replace(this.#list, new QueryParams(params).#list));
  }

  /** Each name once, in order of first appearance. @since 0.1.0 */
  keys(): IterableIterator<string> {
    return this.#first().keys();
  }

  /** The first value of each name. @since 0.1.0 */
  values(): IterableIterator<string> {
    return this.#first().values();
  }

  /** Every name and value in its order, repeated names included. @since 0.1.0 */
  multiItems(): [string, string][] {
    return Array.from(entries(this.#list), ([name, value]) => [name, value]);
  }

  /**
   * Every pair as it is written, with its name.
   * @internal
   */
  get pieces(): { name: string; text: string }[] {
    return Array.from(entries(this.#list), (entry) => ({ name: entry[0], text: write(entry) }));
  }

  /**
   * No pair at all.
   * @internal
   */
  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** How many different names there are. @since 0.1.0 */
  get size(): number {
    return this.#first().size;
  }

  /** Same pairs, in whatever order, as httpx compares them. False for what is no query at all. @since 0.1.0 */
  equals(other: QueryParamTypes): boolean {
    let theirs: readonly string[];
    try {
      theirs = new QueryParams(other).#list;
    } catch {
      return false;
    }
    const sorted = (list: readonly string[]) => Array.from(entries(list), (entry) => JSON.stringify(entry)).sort();
    return theirs.length === this.#list.length && sorted(theirs).join() === sorted(this.#list).join();
  }

  /** `a=1&b=c+d`: what stands after the `?` of a URL. @since 0.1.0 */
  toString(): string {
    let text = '';
    for (const entry of entries(this.#list)) text += text === '' ? write(entry) : `&${write(entry)}`;
    return text;
  }

  /** Each name with its first value; see `multiItems()` for all. @since 0.1.0 */
  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#first().entries();
  }

  /** The query as it is sent, so that JSON shows the same text as `toString()`. @since 0.1.0 */
  toJSON(): string {
    return this.toString();
  }

  /** What `console.log` and `util.inspect` show: one line, without secrets. @since 0.1.0 */
  [inspect.custom](): string {
    return `QueryParams(${quote(maskParams(`?${this.toString()}`).slice(1))})`;
  }

  #first(): Map<string, string> {
    const first = new Map<string, string>();
    for (const [name, value] of entries(this.#list)) if (!first.has(name)) first.set(name, value);
    return first;
  }

  static #of(list: readonly string[]): QueryParams {
    const copy = new QueryParams();
    copy.#list = list;
    return copy;
  }
}

function toList(params: QueryParamTypes | null | undefined): string[] {
  if (params === undefined || params === null) return [];
  if (typeof params === 'string') return parse(params);
  if (typeof params !== 'object') {
    throw new TypeError(`params: expected a string, an object or pairs, got ${typeName(params)}`);
  }
  params = foreignItems<readonly [string, string]>(params) ?? params;
  const list: string[] = [];
  if (typeof (params as Iterable<unknown>)[Symbol.iterator] === 'function') {
    for (const pair of params as Iterable<readonly [string, ParamValue]>) {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new TypeError(`params: expected pairs of name and value, got ${typeName(pair)}`);
      }
      append(list, checkName(pair[0]), pair[1]);
    }
  } else {
    // Own property names only; '__proto__' is one of them where JSON.parse made it.
    for (const name of namesOf('params', params)) append(list, name, (params as Record<string, ParamValue>)[name]);
  }
  return list;
}

function append(list: string[], name: string, value: ParamValue | readonly ParamValue[] | undefined): void {
  if (Array.isArray(value)) {
    for (const each of value) if (each !== undefined) list.push(name, toText(each, name), '');
  } else if (value !== undefined) {
    list.push(name, toText(value as ParamValue, name), '');
  }
}

function toText(value: ParamValue, name: string): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      if (value === null) return '';
      throw new TypeError(
        `Query parameter ${quote(name)}: expected a string, number, bigint, boolean or null, got ${typeName(value)}`,
      );
  }
}

function checkName(name: unknown): string {
  if (typeof name === 'string') return name;
  throw new TypeError(`Query parameter names must be strings, got ${typeName(name)}`);
}

/** The list with every name of `changes` changed: its values at the place of its first, or at the end. */
function replace(list: readonly string[], changes: readonly string[]): readonly string[] {
  if (!overlap(list, changes)) return list.length === 0 ? changes : changes.length === 0 ? list : [...list, ...changes];
  const waiting = new Map<string, Entry[]>();
  for (const entry of entries(changes)) {
    const others = waiting.get(entry[0]);
    if (others === undefined) waiting.set(entry[0], [entry]);
    else others.push(entry);
  }
  const changed = new Set(waiting.keys());
  const result: string[] = [];
  for (const entry of entries(list)) {
    const [name] = entry;
    if (!changed.has(name)) result.push(...entry);
    for (const each of waiting.get(name) ?? []) result.push(...each);
    waiting.delete(name);
  }
  // What was not there goes to the end in the order given, interleaving kept.
  for (const entry of entries(changes)) if (waiting.has(entry[0])) result.push(...entry);
  return result;
}

/** Whether a name of one may be in the other: asked of short lists only, which most are. */
function overlap(list: readonly string[], changes: readonly string[]): boolean {
  if (list.length * changes.length > 512) return true;
  for (let i = 0; i < changes.length; i += 3) {
    for (let j = 0; j < list.length; j += 3) if (changes[i] === list[j]) return true;
  }
  return false;
}

type Entry = readonly [name: string, value: string, text: string];

function* entries(list: readonly string[]): Generator<Entry> {
  for (let i = 0; i < list.length; i += 3) yield [list[i], list[i + 1], list[i + 2]];
}

function write([name, value, text]: Entry): string {
  return text === '' ? `${encode(name)}=${encode(value)}` : text;
}

/** application/x-www-form-urlencoded, read. */
function parse(text: string): string[] {
  const list: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('&', start);
    if (end === -1) end = text.length;
    if (end > start) list.push(...readPair(text.slice(start, end)));
    start = end + 1;
  }
  return list;
}

function readPair(piece: string): Entry {
  const equals = piece.indexOf('=');
  const [name, value] = equals === -1 ? [piece, ''] : [piece.slice(0, equals), piece.slice(equals + 1)];
  const read: Entry = [decode(name), decode(value), ''];
  if (!read[0].includes(REPLACEMENT) && !read[1].includes(REPLACEMENT)) return read;
  // Bytes that are no UTF-8 are not in the two any more.
  return [read[0], read[1], `${encodeBytes(bytesOf(name))}=${encodeBytes(bytesOf(value))}`];
}

/**
 * The name in a piece of a query.
 * @internal
 */
export function decodeName(piece: string): string {
  const equals = piece.indexOf('=');
  return decode(equals === -1 ? piece : piece.slice(0, equals));
}

function decode(text: string): string {
  return percentDecode(withSpaces(text));
}

function withSpaces(text: string): string {
  return text.includes('+') ? text.replaceAll('+', ' ') : text;
}

function bytesOf(text: string): Buffer {
  return percentDecodeBytes(withSpaces(text));
}

/** application/x-www-form-urlencoded, written: UTF-8, `%XX` in upper case. */
function encode(text: string): string {
  let i = 0;
  while (i < text.length && isUnreserved(text.charCodeAt(i))) i++;
  return i === text.length ? text : encodeBytes(Buffer.from(text));
}

function encodeBytes(bytes: Uint8Array): string {
  let encoded = '';
  for (const byte of bytes) encoded += formBytes[byte];
  return encoded;
}

/** RFC 3986 §2.3. */
function isUnreserved(code: number): boolean {
  if (code >= 0x61) return code <= 0x7a || code === 0x7e;
  if (code >= 0x41) return code <= 0x5a || code === 0x5f;
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e;
}

/**
 * `%XX` as UTF-8, a broken escape as it is, bytes that are no UTF-8 as U+FFFD.
 * @internal
 */
export function percentDecode(text: string): string {
  return text.includes('%') ? percentDecodeBytes(text).toString('utf8') : text;
}

function percentDecodeBytes(text: string): Buffer {
  const bytes = Buffer.from(text);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = bytes[i] === 0x25 && i + 2 < bytes.length ? hexDigit(bytes[i + 1]) : -1;
    const low = high === -1 ? -1 : hexDigit(bytes[i + 2]);
    if (low === -1) {
      bytes[length++] = bytes[i];
    } else {
      bytes[length++] = high * 16 + low;
      i += 2;
    }
  }
  return bytes.subarray(0, length);
}

/** @internal */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** What decoding has for bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/** What each byte is written as. */
const formBytes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x20) return '+';
  return isUnreserved(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});
