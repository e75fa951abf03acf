/**
 * Header fields: an ordered list of names and values. Which headers a request gets by default, and what a redirect drops, is not
 * decided here; framing (Content-Length, Transfer-Encoding, Host) is checked where requests are built.
 */

import { inspect } from 'node:util';
import { typeName } from './shown-text.js';
import { connectionFields } from './hop-by-hop.js';
import { foreignItems, namesOf } from './check-options.js';
import { checkName, checkValue, toKey } from './header-syntax.js';
import { isSecretHeader } from './secret-names.js';
import { maskUrls } from './shown-url.js';
import type { HeaderTypes } from './types.js';

/**
 * Header fields in order, names case-insensitive and kept as given, lines kept apart.
 *
 * What is wrong is refused here, before a connection is opened for nothing: names must be tokens (RFC 9110 §5.6.2); values hold
 * no control character but HTAB, nothing beyond U+00FF, and no whitespace at either end (RFC 9110 §5.5). They go out as Latin-1.
 *
 * @throws TypeError naming the header; never showing its value
 * @since 0.1.0
 */
export class Headers implements Iterable<[string, string]> {
  /** Name as given, name in lower case, value; in turn. null while only the lines are known. */
  #list: string[] | null = [];
  /** The same as text, for the binding; null when it has to be written anew. */
  #lines: string | null = null;
  /** The names that were merged last, those among them that null removed. */
  #merges: ReadonlySet<string> | null = null;
  /** How often the text was searched instead of read. */
  #searches = 0;

  /**
   * Takes an object whose arrays are several lines, pairs, or other headers.
   *
   * @throws TypeError for names and values that cannot be sent
   * @since 0.1.0
   */
  constructor(headers?: HeaderTypes) {
    if (headers === undefined) return;
    if (headers instanceof Headers) {
      this.#list = headers.#list === null ? null : headers.#list.slice();
      this.#lines = headers.#lines;
    } else {
      this.#list = read(headers, 'refuse null').list;
    }
  }

  /**
   * From 'name\nvalue\nname\nvalue\n' as the core writes it: Latin-1, checked there, read at the first access.
   * @internal
   */
  static fromLines(lines: string): Headers {
    const headers = new Headers();
    headers.#list = null;
    headers.#lines = lines;
    return headers;
  }

  /**
   * The form that `fromLines` reads, written once until something changes.
   * @internal
   */
  toLines(): string {
    if (this.#lines !== null) return this.#lines;
    const list = this.#entries();
    let lines = '';
    for (let i = 0; i < list.length; i += 3) lines += `${list[i]}\n${list[i + 2]}\n`;
    return (this.#lines = lines);
  }

  /** All values joined by ', ' (RFC 9110 §5.3). For Set-Cookie, which cannot be joined, use `getList`. @since 0.1.0 */
  get(name: string): string | undefined {
    const key = toKey(name);
    // One or two headers are all that most responses are asked for: looking them up in the text costs half of reading it.
    if (this.#list === null && this.#searches++ < 2) return search(this.#lines ?? '', key);
    const list = this.#entries();
    let joined: string | undefined;
    for (let i = 1; i < list.length; i += 3) if (list[i] === key) joined = join(joined, list[i + 1]);
    return joined;
  }

  /**
   * The values line by line. `splitCommas` divides each at its commas and drops spaces and empty elements (RFC 9110 §5.6.1);
   * Set-Cookie is never divided.
   * @since 0.1.0
   */
  getList(name: string, options: { splitCommas?: boolean } = {}): string[] {
    const key = toKey(name);
    const list = this.#entries();
    const values: string[] = [];
    for (let i = 1; i < list.length; i += 3) if (list[i] === key) values.push(list[i + 1]);
    const split = Object.hasOwn(options, 'splitCommas') && options.splitCommas === true && key !== 'set-cookie';
    if (!split) return values;
    return values.flatMap((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    );
  }

  /** Whether there is a header of that name, in whatever case. @since 0.1.0 */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** One line with this value: where the first was, or at the end. The name is kept as it is given now. @since 0.1.0 */
  set(name: string, value: string): void {
    checkName(name);
    checkValue(name, value);
    this.put(name, value);
  }

  /**
   * As `set`, for what is known to be right.
   * @internal
   */
  put(name: string, value: string): void {
    const key = name.toLowerCase();
    const list = this.#entries();
    const changed: string[] = [];
    let placed = false;
    for (let i = 0; i < list.length; i += 3) {
      if (list[i + 1] !== key) {
        changed.push(list[i], list[i + 1], list[i + 2]);
      } else if (!placed) {
        changed.push(name, key, value);
        placed = true;
      }
    }
    if (!placed) changed.push(name, key, value);
    this.#list = changed;
    this.#lines = null;
  }

  /**
   * Adds a line at the end, beside those of the name that are there. A TypeError for what would break a request.
   * @since 0.1.0
   */
  append(name: string, value: string): void {
    const key = checkName(name);
    checkValue(name, value);
    this.#entries().push(name, key, value);
    this.#lines = null;
  }

  /** Removes every line of the name; false when there was none. @since 0.1.0 */
  delete(name: string): boolean {
    if (!this.has(name)) return false;
    this.#remove(new Set([toKey(name)]));
    return true;
  }

  /**
   * For each name given: its lines go, and the new ones, all of them, follow at the end. Nothing changes if one is refused.
   * @since 0.1.0
   */
  update(headers: HeaderTypes): void {
    this.#apply(headers instanceof Headers ? fromHeaders(headers.#entries()) : read(headers, 'refuse null'));
  }

  /** Each name once, in lower case, in order of first appearance. @since 0.1.0 */
  keys(): IterableIterator<string> {
    return this.#merged().keys();
  }

  /** For each name its values, joined by ', '. @since 0.1.0 */
  values(): IterableIterator<string> {
    return this.#merged().values();
  }

  /** Every line; names in lower case. @since 0.1.0 */
  multiItems(): [string, string][] {
    const list = this.#entries();
    const items: [string, string][] = [];
    for (let i = 0; i < list.length; i += 3) items.push([list[i + 1], list[i + 2]]);
    return items;
  }

  /**
   * A copy for the next hop, as a gateway sends it: without the fields that belong to this connection (RFC 9110 §7.6.1), which are
   * Connection, the fields that it names, Keep-Alive, TE, Transfer-Encoding, Upgrade, Proxy-Connection and those for one proxy alone.
   * @since 0.1.0
   */
  forwardable(): Headers {
    const left = connectionFields(this);
    const lines = this.raw.filter(([name]) => !left.has(name.toLowerCase()));
    return Headers.fromLines(lines.map(([name, value]) => `${name}\n${value}\n`).join(''));
  }

  /** Every line in its order, as name and value; names are spelled as they were given or received. @since 0.1.0 */
  get raw(): readonly [string, string][] {
    const list = this.#entries();
    const items: [string, string][] = [];
    for (let i = 0; i < list.length; i += 3) items.push([list[i], list[i + 2]]);
    return items;
  }

  /** How many different names there are. @since 0.1.0 */
  get size(): number {
    return this.#merged().size;
  }

  /**
   * Same lines in whatever order, names without case, as httpx compares them. False for what are no headers at all.
   * @since 0.1.0
   */
  equals(other: HeaderTypes): boolean {
    let theirs: Headers;
    try {
      theirs = new Headers(other);
    } catch {
      return false;
    }
    const sorted = (headers: Headers) =>
      headers
        .multiItems()
        .map((pair) => JSON.stringify(pair))
        .sort();
    return sorted(theirs).join() === sorted(this).join();
  }

  /** Merged by name, in lower case. @since 0.1.0 */
  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#merged().entries();
  }

  /** One line, as pairs when a name repeats; the values of secret headers are masked. @since 0.1.0 */
  toString(): string {
    const items = this.multiItems().map(([name, value]) => [name, shownValue(name, value)]);
    const text = (value: string) => inspect(value, { breakLength: Infinity });
    if (this.size !== items.length) {
      return `Headers([${items.map(([name, value]) => ` [${text(name)}, ${text(value)}]`).join(',')} ])`;
    }
    if (items.length === 0) return 'Headers({})';
    const field = (name: string) => (/^[a-z_]\w*$/.test(name) ? name : text(name));
    return `Headers({ ${items.map(([name, value]) => `${field(name)}: ${text(value)}`).join(', ')} })`;
  }

  /**
   * By name, in lower case; a list where a name repeats. The values of secret headers are masked, as `toString()` masks them.
   * @since 0.1.0
   */
  toJSON(): Record<string, string | string[]> {
    const fields = Object.create(null) as Record<string, string | string[]>;
    for (const [name, value] of this.multiItems()) {
      const shown = shownValue(name, value);
      const before = fields[name];
      if (before === undefined) fields[name] = shown;
      else if (typeof before === 'string') fields[name] = [before, shown];
      else before.push(shown);
    }
    return fields;
  }

  /** What `console.log` and `util.inspect` show: one line, without secrets. @since 0.1.0 */
  [inspect.custom](): string {
    return this.toString();
  }

  /**
   * As `mergeHeaders`, on this object.
   * @internal
   */
  merge(changes: HeaderTypes): void {
    const given = changes instanceof Headers ? fromHeaders(changes.#entries()) : read(changes, 'null removes');
    this.#merges = given.names;
    this.#apply(given);
  }

  /**
   * Whether the last `merge` named it, be it with null, which removes it.
   * @internal
   */
  isMerged(key: string): boolean {
    return this.#merges !== null && this.#merges.has(key);
  }

  #apply({ list, names }: Changes): void {
    if (names.size === 0) return;
    this.#remove(names);
    const own = this.#entries();
    for (const text of list) own.push(text);
    this.#lines = null;
  }

  #remove(names: ReadonlySet<string>): void {
    const list = this.#entries();
    const kept: string[] = [];
    for (let i = 0; i < list.length; i += 3) {
      if (!names.has(list[i + 1])) kept.push(list[i], list[i + 1], list[i + 2]);
    }
    if (kept.length === list.length) return;
    this.#list = kept;
    this.#lines = null;
  }

  #merged(): Map<string, string> {
    const list = this.#entries();
    const merged = new Map<string, string>();
    for (let i = 1; i < list.length; i += 3) merged.set(list[i], join(merged.get(list[i]), list[i + 1]));
    return merged;
  }

  #entries(): string[] {
    return this.#list ?? this.#parse();
  }

  #parse(): string[] {
    const lines = this.#lines ?? '';
    const list: string[] = [];
    let start = 0;
    while (start < lines.length) {
      const nameEnd = lines.indexOf('\n', start);
      const valueEnd = lines.indexOf('\n', nameEnd + 1);
      const name = lines.slice(start, nameEnd);
      list.push(name, name.toLowerCase(), lines.slice(nameEnd + 1, valueEnd));
      start = valueEnd + 1;
    }
    return (this.#list = list);
  }
}

/**
 * A copy of `base` with the changes of one request: each name given replaces the base's lines, and null removes them.
 * @internal
 */
export function mergeHeaders(base: Headers, changes: HeaderTypes | undefined): Headers {
  const merged = new Headers(base);
  if (changes !== undefined) merged.merge(changes);
  return merged;
}

/**
 * `has` on the text of `fromLines`.
 * @param key In lower case.
 * @internal
 */
export function hasLine(lines: string, key: string): boolean {
  for (let start = 0; start < lines.length;) {
    const nameEnd = lines.indexOf('\n', start);
    if (nameEnd - start === key.length && lines.slice(start, nameEnd).toLowerCase() === key) return true;
    start = lines.indexOf('\n', nameEnd + 1) + 1;
  }
  return false;
}

/** `get` on the text of `fromLines`. */
function search(lines: string, key: string): string | undefined {
  let joined: string | undefined;
  let start = 0;
  while (start < lines.length) {
    const nameEnd = lines.indexOf('\n', start);
    const valueEnd = lines.indexOf('\n', nameEnd + 1);
    if (nameEnd - start === key.length && lines.slice(start, nameEnd).toLowerCase() === key) {
      joined = join(joined, lines.slice(nameEnd + 1, valueEnd));
    }
    start = valueEnd + 1;
  }
  return joined;
}

function join(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

/** Lines to append, in the form of `Headers.#list`, and the names whose lines they replace. */
interface Changes {
  list: string[];
  names: Set<string>;
}

function fromHeaders(list: readonly string[]): Changes {
  return { list: [...list], names: new Set(list.filter((_, i) => i % 3 === 1)) };
}

function read(headers: HeaderTypes | null, onNull: 'refuse null' | 'null removes'): Changes {
  if (headers === null || typeof headers !== 'object') {
    throw new TypeError(`headers: expected an object or pairs, got ${typeName(headers)}`);
  }
  const list: string[] = [];
  const names = new Set<string>();
  const add = (name: string, value: string | readonly string[] | null | undefined) => {
    if (value === undefined) return;
    const key = checkName(name);
    names.add(key);
    if (value === null && onNull === 'null removes') return;
    for (const line of Array.isArray(value) ? value : [value]) list.push(name, key, checkValue(name, line));
  };
  const items = foreignItems<readonly [string, string]>(headers) ?? headers;
  if (typeof (items as Iterable<unknown>)[Symbol.iterator] === 'function') {
    for (const pair of items as Iterable<readonly [string, string]>) {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new TypeError(`headers: expected pairs of name and value, got ${typeName(pair)}`);
      }
      add(pair[0], pair[1]);
    }
  } else {
    // Own names only, so that a polluted Object.prototype adds no header.
    for (const name of namesOf('headers', items)) add(name, (items as Record<string, string>)[name]);
  }
  return { list, names };
}

/** The value of a header in a text for people. That of a URL, such as a Location, may have a password. */
function shownValue(name: string, value: string): string {
  return isSecretHeader(name) ? '[secure]' : maskUrls(value);
}
