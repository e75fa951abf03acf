/**
 * What a body is made of, told by brand and not by class: Blob, File, FormData and ArrayBuffer exist more than once, in other
 * packages (node-fetch, formdata-node, fetch-blob) and in other realms (node:vm, which test runners use).
 */

import { types } from 'node:util';
import type { Headers } from '../headers.js';

/** On responses of this package, also of another copy of it. */
export const responseBrand: unique symbol = Symbol.for('whippet.response') as never;

/** What of a response counts where it is the body of a request. */
export interface ReceivedBody {
  readonly headers: Headers;
  /** The bytes, or a source that is read once. `raw`: with their content coding. */
  toBody(raw: boolean): Buffer | { readonly length: number | null; open(): AsyncIterable<Buffer> };
}

/** A response of this package. */
export function isResponse(value: unknown): value is ReceivedBody {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[responseBrand] === true;
}

/** A Blob or a File. */
export function isBlob(value: unknown): value is Blob {
  if (value instanceof Blob) return true;
  const brand = brandOf(value);
  return (
    (brand === 'Blob' || brand === 'File') &&
    typeof (value as Blob).stream === 'function' &&
    typeof (value as Blob).size === 'number'
  );
}

/** A Blob with a name. */
export function isFile(value: unknown): value is File {
  return (
    value instanceof File || (isBlob(value) && brandOf(value) === 'File' && typeof (value as File).name === 'string')
  );
}

/** The names and values of a form. */
export function isFormData(value: unknown): value is FormData {
  if (value instanceof FormData) return true;
  return brandOf(value) === 'FormData' && typeof (value as FormData)[Symbol.iterator] === 'function';
}

/** The form of npm's form-data, a stream of the old kind that has its own boundary. */
export interface StreamForm extends NodeJS.EventEmitter {
  pipe<T extends NodeJS.WritableStream>(to: T): T;
  getHeaders(): Record<string, string>;
  getBoundary?(): string;
  hasKnownLength?(): boolean;
  getLengthSync?(): number;
}

export function isStreamForm(value: unknown): value is StreamForm {
  if (typeof value !== 'object' || value === null) return false;
  const { pipe, getHeaders } = value as Partial<StreamForm>;
  return typeof pipe === 'function' && typeof getHeaders === 'function';
}

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return types.isArrayBuffer(value);
}

/** '' for what is no object. */
function brandOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value).slice(8, -1) : '';
}
