/**
 * The fields of a form: `data` as a list of names and values, and as application/x-www-form-urlencoded. Files are in multipart.ts;
 * which of the two a request gets is decided in body.ts.
 */

import { isNamelessOther } from '../check-options.js';
import { isArrayBuffer, isBlob, isFormData } from './brands.js';
import { quote, typeName } from '../shown-text.js';
import { QueryParams } from '../url/query-params.js';
import type { FormTypes, FormValue } from '../types.js';
import { ownText } from '../own-memory.js';

/** What `data` stands for: fields, and the files of a FormData. */
export interface Fields {
  list: [name: string, value: string | Blob][];
  isMultipart: boolean;
}

/**
 * @throws TypeError for what is no form, and for values that have no text of their own
 */
export function toFields(data: FormTypes): Fields {
  if (data === null || typeof data !== 'object') throw refused(data);
  if (isFormData(data)) return { list: [...data], isMultipart: true };
  if (data instanceof URLSearchParams) return { list: [...data], isMultipart: false };
  if (isOther(data)) throw refused(data);
  const list: [string, string][] = [];
  // Object.keys: own names only, so that a polluted Object.prototype adds no field.
  for (const name of Object.keys(data)) {
    const value = (data as Record<string, FormValue | readonly FormValue[] | undefined>)[name];
    for (const each of Array.isArray(value) ? (value as FormValue[]) : [value as FormValue]) {
      if (each !== undefined) list.push([name, toText(name, each)]);
    }
  }
  return { list, isMultipart: false };
}

/** `a=1&b=2`: spaces are '+', UTF-8 in escapes, as in a query. */
export function urlEncode(fields: Fields['list']): Buffer {
  return ownText(new QueryParams(fields as [string, string][]).toString());
}

/** Streams, bytes, lists, dates, promises and responses are objects, and no fields. */
function isOther(data: object): boolean {
  return (
    Symbol.iterator in data ||
    Symbol.asyncIterator in data ||
    isArrayBuffer(data) ||
    isBlob(data) ||
    isNamelessOther(data)
  );
}

function toText(name: string, value: FormValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw new TypeError(`data: field ${quote(name)} must be a string, number, boolean or null, got ${typeName(value)}`);
}

function refused(data: unknown): TypeError {
  return new TypeError(
    `data: expected an object of fields, URLSearchParams or FormData, got ${typeName(data)}; other bodies are content`,
  );
}
