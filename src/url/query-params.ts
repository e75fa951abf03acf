/**
 * The query of a URL as names and values. Immutable: `set`, `add`, `remove` and `merge` return a copy. Where the query stands in
 * a URL, and what a client's own params do to it, is not decided here.
 */

import { inspect } from 'node:util';
import { quote, typeName } from '../errors.js';
import { foreignItems, namesOf } from '../check-options.js';
import type { ParamValue, QueryParamTypes } from '../types.js';

/**
 * An ordered list of names and values; a name may repeat.
 *
 * Text is read as forms write it (URL standard §5.1): pieces at `&`, the first `=` divides, `+` is a space, a broken `%zz` stays
 * as it is. It is written with `+` for a space and everything but `A-Z a-z 0-9 - . _ ~` encoded. As in httpx, `get`, `values` and
 * iteration give the first value of each name; `getList` and `multiItems` give all of them. Unlike httpx, the order is kept.
 *
 * @throws TypeError naming the parameter for a nested object, Date or function
 * @since 0.1.0
 */
export class QueryParams implements Iterable<[string, string]> {
  /** Names and values in turn: one array to copy, and nothing that a name such as `__proto__` could reach. */
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

  /** The first value. @since 0.1.0 */
  get(name: string): string | undefined {
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return list[i + 1];
    return undefined;
  }

  /** All values of the name, in order. @since 0.1.0 */
  getList(name: string): string[] {
    const list = this.#list;
    const values: string[] = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) values.push(list[i + 1]);
    return values;
  }

  /** Names are case-sensitive. @since 0.1.0 */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** A copy with this one value for the name, at its first place or at the end. @since 0.1.0 */
  set(name: string, value: ParamValue): QueryParams {
    return QueryParams.#of(replace(this.#list, [checkName(name), toText(value, name)]));
  }

  /** A copy with one value more. @since 0.1.0 */
  add(name: string, value: ParamValue): QueryParams {
    return QueryParams.#of([...this.#list, checkName(name), toText(value, name)]);
  }

  /** A copy without the name. @since 0.1.0 */
  remove(name: string): QueryParams {
    const list: string[] = [];
    for (const [key, value] of pairs(this.#list)) if (key !== name) list.push(key, value);
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

  /** Every pair, in order. @since 0.1.0 */
  multiItems(): [string, string][] {
    return [...pairs(this.#list)];
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
    const sorted = (list: readonly string[]) => [...pairs(list)].map((pair) => JSON.stringify(pair)).sort();
    return theirs.length === this.#list.length && sorted(theirs).join() === sorted(this.#list).join();
  }

  /** `a=1&b=c+d`: what stands after the `?` of a URL. @since 0.1.0 */
  toString(): string {
    const list = this.#list;
    let text = '';
    for (let i = 0; i < list.length; i += 2) {
      text += `${i === 0 ? '' : '&'}${encodePair(list[i], list[i + 1])}`;
    }
    return text;
  }

  /** Each name with its first value; see `multiItems()` for all. @since 0.1.0 */
  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#first().entries();
  }

  /** The query, as it is sent. @since 0.1.0 */
  toJSON(): string {
    return this.toString();
  }

  /** What `console.log` and `util.inspect` show: one line, without secrets. @since 0.1.0 */
  [inspect.custom](): string {
    return `QueryParams(${quote(this.toString())})`;
  }

  #first(): Map<string, string> {
    const first = new Map<string, string>();
    for (const [name, value] of pairs(this.#list)) if (!first.has(name)) first.set(name, value);
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
    for (const each of value) if (each !== undefined) list.push(name, toText(each, name));
  } else if (value !== undefined) {
    list.push(name, toText(value as ParamValue, name));
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
  const waiting = new Map<string, string[]>();
  for (const [name, value] of pairs(changes)) {
    const values = waiting.get(name);
    if (values === undefined) waiting.set(name, [value]);
    else values.push(value);
  }
  const changed = new Set(waiting.keys());
  const result: string[] = [];
  for (const [name, value] of pairs(list)) {
    if (!changed.has(name)) result.push(name, value);
    for (const each of waiting.get(name) ?? []) result.push(name, each);
    waiting.delete(name);
  }
  // What was not there goes to the end in the order given, interleaving kept.
  for (const [name, value] of pairs(changes)) if (waiting.has(name)) result.push(name, value);
  return result;
}

/** Whether a name of one may be in the other: asked of short lists only, which most are. */
function overlap(list: readonly string[], changes: readonly string[]): boolean {
  if (list.length * changes.length > 256) return true;
  for (let i = 0; i < changes.length; i += 2) {
    for (let j = 0; j < list.length; j += 2) if (changes[i] === list[j]) return true;
  }
  return false;
}

function* pairs(list: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < list.length; i += 2) yield [list[i], list[i + 1]];
}

/** application/x-www-form-urlencoded, read. */
function parse(text: string): string[] {
  const list: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('&', start);
    if (end === -1) end = text.length;
    if (end > start) {
      const piece = text.slice(start, end);
      const equals = piece.indexOf('=');
      if (equals === -1) list.push(decode(piece), '');
      else list.push(decode(piece.slice(0, equals)), decode(piece.slice(equals + 1)));
    }
    start = end + 1;
  }
  return list;
}

/**
 * The name in a piece of a query.
 * @internal
 */
export function decodeName(piece: string): string {
  const equals = piece.indexOf('=');
  return decode(equals === -1 ? piece : piece.slice(0, equals));
}

/**
 * A piece of a query.
 * @internal
 */
export function encodePair(name: string, value: string): string {
  return `${encode(name)}=${encode(value)}`;
}

function decode(text: string): string {
  return percentDecode(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

/** application/x-www-form-urlencoded, written: UTF-8, `%XX` in upper case. */
function encode(text: string): string {
  let i = 0;
  while (i < text.length && isUnreserved(text.charCodeAt(i))) i++;
  if (i === text.length) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) encoded += formBytes[byte];
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
  if (!text.includes('%')) return text;
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
  return bytes.toString('utf8', 0, length);
}

/** @internal */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** What each byte is written as. */
const formBytes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x20) return '+';
  return isUnreserved(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});
