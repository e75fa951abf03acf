/** What `client.download()` takes, checked. */

import { quote, typeName } from '../errors.js';
import { toFlag } from '../check-options.js';
import type { Given, RequestOptions } from './options.js';
import { checkSize, readOptions, requestOptionNames } from './options.js';

/** What `client.download()` takes beyond the options of a request. @since 0.1.0 */
export interface FileOptions {
  /** The method. Default: 'GET'. @since 0.1.0 */
  method?: string | undefined;
  /**
   * Continues `path + '.part'` by Range and If-Range, where a strong ETag or Last-Modified says that the content is the same still;
   * begins anew when the server cannot. No content coding is asked for. Only for GET without a body. Default: false.
   * @since 0.1.0
   */
  resume?: boolean | undefined;
  /**
   * The digest of the file, in hexadecimal, compared before the file gets its name; another one is ChecksumMismatch,
   * and there is no file. Default: none.
   * @since 0.1.0
   */
  checksum?: { sha256: string; sha512?: undefined } | { sha512: string; sha256?: undefined } | null | undefined;
  /**
   * What becomes of a file that is there already. 'fail': FileError EEXIST; 'skip': resolves with `response` null; neither sends
   * anything. Default: 'replace'.
   * @since 0.1.0
   */
  ifExists?: 'replace' | 'fail' | 'skip' | undefined;
  /** The file's permissions. Default: those of the file that it replaces, else 0o666 less the umask. @since 0.1.0 */
  mode?: number | undefined;
  /** How many bytes the file may have; more is ResponseTooLarge. null: any number. Default: null. @since 0.1.0 */
  maxSize?: number | null | undefined;
}

/** Options of `client.download()`. @since 0.1.0 */
export type DownloadOptions = RequestOptions & FileOptions;

/** The options, checked; `request` has those of the request. */
export interface DownloadSettings {
  method: string;
  resume: boolean;
  checksum: { algorithm: 'sha256' | 'sha512'; expected: string } | null;
  ifExists: 'replace' | 'fail' | 'skip';
  mode: number | null;
  maxSize: number | null;
  request: Given<RequestOptions>;
}

/** @throws TypeError, RangeError naming the option */
export function readDownloadOptions(options: DownloadOptions | undefined): DownloadSettings {
  const given = readOptions<DownloadOptions>(options, downloadOptionNames, 'client.download()');
  const { method = 'GET', resume, checksum, ifExists, mode, maxSize, ...request } = given;
  return {
    method,
    resume: toFlag('resume', resume, false),
    checksum: checkChecksum(checksum),
    ifExists: checkIfExists(ifExists),
    mode: checkMode(mode),
    maxSize: checkSize(maxSize ?? null, 'maxSize'),
    request: Object.assign(Object.create(null) as Given<RequestOptions>, request),
  };
}

/** @throws TypeError, RangeError naming the argument */
export function checkPath(path: unknown): string {
  if (typeof path !== 'string') throw new TypeError(`path: expected a string, got ${typeName(path)}`);
  if (path === '') throw new RangeError('path: an empty string is no file');
  if (path.includes('\0')) throw new RangeError(`path: NUL is not allowed in it, got ${quote(path)}`);
  return path;
}

function checkChecksum(given: unknown): DownloadSettings['checksum'] {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'object') {
    throw new TypeError(`checksum: expected { sha256 } or { sha512 }, got ${typeName(given)}`);
  }
  const { sha256, sha512, ...others } = { __proto__: null, ...given } as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new TypeError(`checksum: ${quote(other)} is not known, expected sha256 or sha512`);
  if ((sha256 === undefined) === (sha512 === undefined)) {
    throw new TypeError('checksum: expected one of sha256 and sha512');
  }
  const algorithm = sha256 === undefined ? 'sha512' : 'sha256';
  const text = sha256 ?? sha512;
  if (typeof text !== 'string') throw new TypeError(`checksum.${algorithm}: expected a string, got ${typeName(text)}`);
  const digits = algorithm === 'sha256' ? 64 : 128;
  if (text.length !== digits || !/^[0-9a-f]*$/i.test(text)) {
    throw new RangeError(`checksum.${algorithm}: expected ${digits} hexadecimal digits, got ${quote(text)}`);
  }
  return { algorithm, expected: text.toLowerCase() };
}

function checkIfExists(given: unknown): DownloadSettings['ifExists'] {
  if (given === undefined) return 'replace';
  if (given === 'replace' || given === 'fail' || given === 'skip') return given;
  if (typeof given === 'string') {
    throw new RangeError(`ifExists: ${quote(given)} is not allowed, expected 'replace', 'fail' or 'skip'`);
  }
  throw new TypeError(`ifExists: expected 'replace', 'fail' or 'skip', got ${typeName(given)}`);
}

function checkMode(given: unknown): number | null {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'number')
    throw new TypeError(`mode: expected permissions such as 0o644, got ${typeName(given)}`);
  if (!Number.isInteger(given) || given < 0 || given > 0o777) {
    throw new RangeError(`mode: ${given} is not allowed, expected an integer from 0 to 0o777`);
  }
  return given;
}

const downloadOptionNames: readonly string[] = [
  ...requestOptionNames,
  'method',
  'resume',
  'checksum',
  'ifExists',
  'mode',
  'maxSize',
];
