/**
 * Reading option objects: a mistyped name is an error and not a silent default, and only own properties count, so that a
 * polluted Object.prototype changes nothing. What an option means is said where it is used.
 */

import { bare } from './bare.js';
import { quote, typeName } from './shown-text.js';
import { foreignName } from './foreign-options.js';

/**
 * Throws a TypeError for an own enumerable key that is not known: `Unknown option 'timout' for client.get(). Did you mean
 * 'timeout'?`, and for what is no object of options: a form, a Map or a Promise that was not awaited would pass for an empty one.
 *
 * @param known The names allowed. Pass the same array each time: its set is made once.
 * @param what Whose options these are, for the message.
 * @param noun What they are called in it.
 * @param elsewhere Of a name that is not known here: where it is, as a sentence, or undefined.
 */
export function checkOptions(
  given: unknown,
  known: readonly string[],
  what: string,
  noun = 'options',
  elsewhere?: (name: string) => string | undefined,
): asserts given is object {
  let names = sets.get(known);
  if (names === undefined) sets.set(known, (names = new Set(known)));
  if (given === null || typeof given !== 'object') throw noOptions(given, names, what, noun);
  let isEmpty = true;
  // `for…in` allocates no array of keys; it also sees inherited names, which the second question leaves out.
  for (const key in given) {
    if (names.has(key)) {
      // A response of fetch() inherits `headers`.
      isEmpty &&= !Object.hasOwn(given, key);
    } else if (Object.hasOwn(given, key)) {
      if (isNoTable(given)) throw noOptions(given, names, what, noun);
      const place = elsewhere?.(key);
      const hint = place === undefined ? hintFor(key, names) : ` ${place}`;
      throw new TypeError(`Unknown option ${quote(key)} for ${what}.${hint}`);
    }
  }
  if (isEmpty && isNoTable(given)) throw noOptions(given, names, what, noun);
}

/** A list, a Map, a Date, a Promise …: what names they have are no options. */
function isNoTable(given: object): boolean {
  return Object.prototype.toString.call(given) !== '[object Object]';
}

function noOptions(given: unknown, known: ReadonlySet<string>, what: string, noun: string): TypeError {
  const hint = known.has('files') ? '; a body is content, json, data or files' : '';
  return new TypeError(`${noun} of ${what}: expected an object, got ${typeName(given)}${hint}`);
}

/** What was meant: by another client's name, of which ours may stand elsewhere, or by a slip. */
function hintFor(key: string, known: ReadonlySet<string>): string {
  const ours = known.has('headers') ? foreignName(key) : undefined;
  if (ours === undefined) {
    const near = nearest(key, [...known]);
    return near === undefined ? '' : ` Did you mean '${near}'?`;
  }
  if (!/^\w+$/.test(ours)) return ` Here that is ${ours}.`;
  return known.has(ours) ? ` Did you mean '${ours}'?` : ` Here that is '${ours}', an option of the client.`;
}

/** `options[key]` if it is the object's own, else undefined. */
export function own<T extends object, K extends keyof T>(options: T, key: K): T[K] | undefined {
  return Object.hasOwn(options, key) ? options[key] : undefined;
}

/** Those that are named and there, without a prototype that could have others. */
export function pick<T extends object>(options: T, names: readonly string[]): Partial<T> {
  const picked = bare<Record<string, unknown>>({});
  for (const name of names) if (Object.hasOwn(options, name)) picked[name] = options[name as keyof T];
  return picked as Partial<T>;
}

/**
 * An option that is true or false.
 * @throws TypeError naming it
 */
export function toFlag(option: string, given: unknown, otherwise: boolean): boolean {
  if (given === undefined) return otherwise;
  if (typeof given !== 'boolean') throw new TypeError(`${option}: expected true or false, got ${typeName(given)}`);
  return given;
}

/** Every pair, of headers or params of another copy of this package, whose iterators join or leave out what repeats. */
export function foreignItems<T>(given: object): T[] | undefined {
  const { multiItems } = given as { multiItems?: unknown };
  const isMethod =
    typeof multiItems === 'function' && multiItems !== (Object.prototype as { multiItems?: unknown }).multiItems;
  return isMethod ? (multiItems.call(given) as T[]) : undefined;
}

/**
 * Own names of an object that is a table of names. A Date, an Error or a Promise that was not awaited has none either and would
 * pass for an empty one.
 *
 * @throws TypeError naming the option
 */
export function namesOf(option: string, given: object): string[] {
  if (isNamelessOther(given)) {
    throw new TypeError(`${option}: expected an object of names and values, got ${typeName(given)}`);
  }
  return Object.keys(given);
}

/** No table of names, not even one that something else carries. */
export function isNamelessOther(given: object): boolean {
  return isNoTable(given) && Object.keys(given).length === 0;
}

/** The known name that the given one was most likely meant to be, if one is near. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  if (given.length > 40) return undefined;
  const meant = plain(given);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(meant.length / 3)) + 1;
  for (const name of known) {
    const candidate = plain(name);
    // 'connect' for 'connectTimeout', and the other way round, is one word left out: nearer than any two typing errors.
    const contained =
      meant.length > 2 && (candidate.startsWith(meant) || (candidate.length > 2 && meant.startsWith(candidate)));
    const distance = contained && candidate !== meant ? 1 : editDistance(meant, candidate);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Names compare without case and word separators: `base_url`, `baseURL` and `baseUrl` are one. */
function plain(name: string): string {
  return name.replace(/[_-]/g, '').toLowerCase();
}

/** Damerau-Levenshtein in its optimal string alignment form: insert, delete, replace, swap neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length];
}

const sets = new WeakMap<readonly string[], Set<string>>();
