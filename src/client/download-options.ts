/** What `client.download()` takes, checked. */

import path from 'node:path';
import { quote, typeName } from '../shown-text.js';
import { toFlag } from '../check-options.js';
import type { Response } from '../response/response.js';
import type { Given, RequestOptions } from './options.js';
import { checkSize, readOptions, requestOptionNames } from './options.js';

/** What `client.download()` takes beyond the options of a request. @since 0.1.0 */
export interface FileOptions {
  /** The method of the request. Default: 'GET'. @since 0.1.0 */
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
  /**
   * Names the file by the response's head; `path` is then the folder it comes into. What it returns is one component of a path:
   * a separator, `.` or `..` is a RangeError. With `resume`, a part in the folder that was begun for this very request is continued.
   * Default: none, `path` is the file.
   * @since 0.1.0
   */
  fileName?: ((response: Response) => string) | undefined;
  /**
   * false: the body of any final status is written, not that of a 2xx alone. Default: true, others are HTTPStatusError and no file.
   * @since 0.1.0
   */
  raiseForStatus?: boolean | undefined;
  /** The file's permissions. Default: those of the file that it replaces, else 0o666 less the umask. @since 0.1.0 */
  mode?: number | undefined;
  /**
   * true: the file's bytes are flushed to the disk before it gets its name, and the name before the promise resolves, so that both
   * outlive a power failure. Default: false.
   * @since 0.1.0
   */
  fsync?: boolean | undefined;
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
  fileName: ((response: Response) => string) | null;
  raiseForStatus: boolean;
  mode: number | null;
  fsync: boolean;
  maxSize: number | null;
  request: Given<RequestOptions>;
}

/** @throws TypeError, RangeError naming the option */
export function readDownloadOptions(options: DownloadOptions | undefined): DownloadSettings {
  const given = readOptions<DownloadOptions>(options, downloadOptionNames, 'client.download()');
  const {
    method = 'GET',
    resume,
    checksum,
    ifExists,
    fileName,
    raiseForStatus,
    mode,
    fsync,
    maxSize,
    ...request
  } = given;
  return {
    method,
    resume: toFlag('resume', resume, false),
    checksum: checkChecksum(checksum),
    ifExists: checkIfExists(ifExists),
    fileName: checkNaming(fileName),
    raiseForStatus: toFlag('raiseForStatus', raiseForStatus, true),
    mode: checkMode(mode),
    fsync: toFlag('fsync', fsync, false),
    maxSize: checkSize(maxSize ?? null, 'maxSize'),
    request: Object.assign(Object.create(null) as Given<RequestOptions>, request),
  };
}

/** @throws TypeError, RangeError naming the argument */
export function checkPath(given: unknown): string {
  if (typeof given !== 'string') throw new TypeError(`path: expected a string, got ${typeName(given)}`);
  if (given === '') throw new RangeError('path: an empty string is no file');
  if (given.includes('\0')) throw new RangeError(`path: NUL is not allowed in it, got ${quote(given)}`);
  return given;
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

function checkNaming(given: unknown): DownloadSettings['fileName'] {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'function') throw new TypeError(`fileName: expected a function, got ${typeName(given)}`);
  return given as (response: Response) => string;
}

/** @throws TypeError, RangeError for what is no name of a file in a folder */
export function checkFileName(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`fileName: expected it to return a string, got ${typeName(name)}`);
  if (name === '' || name === '.' || name === '..' || path.basename(name) !== name || name.includes('\0')) {
    throw new RangeError(`fileName: ${quote(name)} is not allowed, expected a name without a folder`);
  }
  return name;
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
  'fileName',
  'raiseForStatus',
  'mode',
  'fsync',
  'maxSize',
];
