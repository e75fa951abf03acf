/** A request as a command of curl, to be pasted into a POSIX shell: it sends the same bytes, as far as curl lets it. */

import { checkOptions, toFlag } from '../check-options.js';
import { isSecretHeader } from '../secret-names.js';
import { ownText } from '../own-memory.js';
import { URL } from '../url/url.js';
import { StreamBody } from './body.js';
import type { FilePart } from './file-content.js';
import type { Request } from './request.js';

/** How `toCurl()` writes a request as a command of curl. @since 0.1.0 */
export interface CurlOptions {
  /**
   * Whether the command has the values of Authorization, Cookie, X-API-Key and the like, and the password in the URL; `[secure]` stands
   * for them otherwise. Default: false.
   * @since 0.1.0
   */
  showSecrets?: boolean | undefined;
}

/** @throws TypeError for bad options, naming them */
export function toCurl(request: Request, options: CurlOptions = {}): string {
  checkOptions(options, optionNames, 'toCurl()');
  const given = Object.assign(Object.create(null) as CurlOptions, options);
  const showsSecrets = toFlag('showSecrets', given.showSecrets, false);
  const { method, headers } = request;
  const data = dataOf(request);
  const url = request.url.toString().replace(/#.*/s, '');
  const shownUrl = showsSecrets ? url : request.url.toSafeString().replace(/#.*/s, '');
  const words = ['curl'];
  if (method === 'HEAD' && data === null) words.push('--head');
  else if (method !== (data === null ? 'GET' : 'POST')) words.push('-X', word(method));
  // What curl would read as a pattern, or rewrite.
  if (/[[\]{}]/.test(shownUrl)) words.push('--globoff');
  if (/\/(\.|%2e){1,2}(\/|\?|$)/i.test(url)) words.push('--path-as-is');
  if (new URL(url).fullPath !== request.url.fullPath) words.push('--request-target', word(request.url.fullPath));
  words.push(word(shownUrl));
  for (const [name, value] of headers.raw) {
    const key = name.toLowerCase();
    if (key === 'content-length' || (key === 'host' && value === request.url.netloc)) continue;
    if (key === 'transfer-encoding' && !(request.body instanceof StreamBody)) continue;
    const shown = showsSecrets || !isSecretHeader(name) ? value : '[secure]';
    // curl's way to write an empty one.
    words.push('-H', word(shown === '' ? `${name};` : `${name}: ${shown}`, 'latin1'));
  }
  // Those of its own that this request does not have.
  for (const name of data === null ? ['User-Agent', 'Accept'] : ['User-Agent', 'Accept', 'Content-Type', 'Expect']) {
    if (!headers.has(name) && (name !== 'Expect' || data?.isLarge === true)) words.push('-H', `'${name}:'`);
  }
  // So that it decodes what it asked for.
  if (headers.has('accept-encoding')) words.push('--compressed');
  if (data !== null) words.push(...data.words);
  return `${data?.before ?? ''}${words.join(' ')}${data?.after ?? ''}`;
}

/** How a body gets into curl. */
interface Data {
  words: readonly string[];
  /** What is piped into it. */
  before?: string;
  after?: string;
  /** curl would ask first: `Expect: 100-continue`. */
  isLarge: boolean;
}

/** null: there is none, and no length of none either. */
function dataOf(request: Request): Data | null {
  const { body } = request;
  const binary = ['--data-binary', '@-'];
  if (body === null)
    return request.headers.has('content-length') ? { words: ['--data-raw', "''"], isLarge: false } : null;
  if (body instanceof StreamBody) {
    if (body.file !== null) return ofFile(body.file);
    return { words: binary, after: ' # the body is a stream: give it to stdin', isLarge: true };
  }
  const isLarge = body.length > MAX_ARGUMENT_BYTES;
  if (!isLarge && isText(body)) return { words: ['--data-raw', quoted(body.toString())], isLarge };
  return { words: binary, before: `printf '${format(body)}' | `, isLarge };
}

function ofFile({ shownPath, start, length, size }: FilePart): Data {
  const isWhole = start === 0 && length === size;
  if (isWhole) return { words: ['--data-binary', word(`@${shownPath}`)], isLarge: true };
  const path = word(shownPath.startsWith('-') ? `./${shownPath}` : shownPath);
  const before = `tail -c +${start + 1} ${path} | head -c ${length} | `;
  return { words: ['--data-binary', '@-'], before, isLarge: true };
}

/** One word of a shell. */
function word(text: string, encoding: BufferEncoding = 'utf8'): string {
  const bytes = Buffer.from(text, encoding);
  return isText(bytes) ? quoted(bytes.toString()) : `"$(printf '${format(bytes)}')"`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What a terminal takes as it is. */
function isText(bytes: Buffer): boolean {
  const text = bytes.toString();
  return ownText(text).equals(bytes) && !/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text);
}

/** Any bytes, for printf within single quotes. What begins with '-', as each multipart body does, would be an option of it. */
function format(bytes: Buffer): string {
  return bytes.latin1Slice(0, bytes.length).replace(/^-|[^\x20-\x7e]|[\\'%]/g, (char) => {
    if (char === '%') return '%%';
    return `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
}

const optionNames = ['showSecrets'];
/** Linux takes no argument beyond 128 KiB. */
const MAX_ARGUMENT_BYTES = 100_000;
