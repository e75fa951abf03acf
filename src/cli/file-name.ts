/**
 * The name of a file that a server, or a URL, proposes: one that stays in its folder, is seen in listings, and is a name on every
 * system. What is there already is not touched.
 */

import { lstatSync } from 'node:fs';
import path from 'node:path';
import type { Response } from '../response/response.js';
import { headerText } from './visible-text.js';

/** For `--download`: by Content-Disposition (RFC 6266), else by the URL that answered; free in the folder. */
export function nameFor(response: Response, folder: string): string {
  const proposed = dispositionName(headerText(response.headers.get('content-disposition') ?? '')) ?? urlName(response);
  return freeName(safeName(proposed), folder);
}

/** `filename*` (RFC 8187) before `filename`. */
export function dispositionName(header: string): string | null {
  const parameters = new Map<string, string>();
  for (const [, name, quoted, token] of header.matchAll(
    /;\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))/g,
  )) {
    const value = quoted === undefined ? token.trim() : quoted.replace(/\\(.)/g, '$1');
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
  }
  const [, charset, encoded] = /^(utf-8|iso-8859-1)'[^']*'(.*)$/i.exec(parameters.get('filename*') ?? '') ?? [];
  if (encoded !== undefined) {
    const decoded = percentDecoded(encoded, charset.toLowerCase() === 'utf-8' ? 'utf-8' : 'latin1');
    if (decoded !== null && decoded !== '') return decoded;
  }
  const name = parameters.get('filename');
  return name === undefined || name === '' ? null : name;
}

function urlName(response: Response): string {
  const last = response.url.path.split('/').at(-1) ?? '';
  if (last === '')
    return /^\s*text\/html\b/i.test(response.headers.get('content-type') ?? '') ? 'index.html' : 'download';
  return percentDecoded(last, 'utf-8') ?? last;
}

/** null: it is not of that charset. */
function percentDecoded(text: string, charset: 'utf-8' | 'latin1'): string | null {
  const bytes = Buffer.from(
    Buffer.from(text)
      .toString('latin1')
      .replace(/%([\da-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  if (charset === 'latin1') return bytes.toString('latin1');
  const decoded = bytes.toString();
  return decoded.includes('\ufffd') ? null : decoded;
}

/** Bytes that a name may have, so that `.part.json` and a number still fit. */
const MAX_NAME_BYTES = 200;

/** The last component, without what is special to a shell, a file system or a listing. */
export function safeName(proposed: string): string {
  let name = proposed.split(/[/\\]/).at(-1) as string;
  name = name
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
    .replace(/[\ud800-\udfff]/gu, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^[\s.]+/, '')
    .replace(/[\s.]+$/, '')
    // Not an option of whatever is called with it.
    .replace(/^-/, '_');
  // Windows takes these for devices, whatever their extension.
  if (/^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d\u00b9\u00b2\u00b3])(?:\.|\s*$)/i.test(name))
    name = `_${name}`;
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) name = shortened(name);
  // What another download goes on from is not for a server to write.
  if (/\.part(?:\.json)?$/i.test(name)) name = `${name}_`;
  return name === '' ? 'download' : name;
}

function shortened(name: string): string {
  const { ext, name: stem } = path.parse(name);
  const ending = Buffer.byteLength(ext) <= 20 ? ext : '';
  let kept = '';
  for (const char of ending === '' ? name : stem) {
    if (Buffer.byteLength(kept + char + ending) > MAX_NAME_BYTES) break;
    kept += char;
  }
  return `${kept}${ending}`;
}

/** `name`, `name-1`, `name-2` …: the first that nothing has, a link to nowhere included. */
function freeName(name: string, folder: string): string {
  for (let attempt = 0; ; attempt++) {
    const candidate = attempt === 0 ? name : `${name}-${attempt}`;
    const kinds = ['', '.part', '.part.json'].map((ending) => kindOf(path.join(folder, `${candidate}${ending}`)));
    // A part is begun anew, but what is no file is not written to.
    if (kinds[0] === 'none' && kinds[1] !== 'other' && kinds[2] !== 'other') return candidate;
  }
}

function kindOf(file: string): 'none' | 'file' | 'other' {
  const state = lstatSync(file, { throwIfNoEntry: false });
  if (state === undefined) return 'none';
  return state.isFile() ? 'file' : 'other';
}
