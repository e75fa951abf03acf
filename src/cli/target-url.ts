/** The URL as people type it: what is missing of it, and which scheme it has then. */

import { InvalidURL } from '../errors.js';
import { URL } from '../url/url.js';
import { shown, UsageError } from './usage-error.js';

/**
 * `https:` where no scheme is given, `http:` for this machine: localhost, names under it, loopback addresses, and `:8080/path`,
 * which has no host at all.
 *
 * @throws UsageError
 */
export function toUrl(given: string): URL {
  const text = withScheme(given);
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    if (error instanceof InvalidURL || error instanceof TypeError) throw new UsageError(`URL: ${error.message}`);
    throw error;
  }
  if (url.scheme !== 'http' && url.scheme !== 'https') {
    throw new UsageError(`URL: ${shown(url.scheme)} is not supported, expected http or https`);
  }
  if (url.host === '') throw new UsageError(`URL: ${shown(given)} has no host`);
  return url;
}

/** @throws UsageError for a scheme with fewer slashes: what stands behind it, a password perhaps, would be shown as a path */
function withScheme(given: string): string {
  if (hasScheme(given)) return given;
  const scheme = /^https?:(?!\d+(?:[/?#]|$))/i.exec(given);
  if (scheme !== null) throw new UsageError(`URL: expected ${scheme[0]}//HOST, two slashes behind the scheme`);
  const text = given.replace(/^\/\//, '');
  // `:8080/path`, `:/path`, `:`
  if (/^:\d*(?:[/?#]|$)/.test(text)) return `http://localhost${text.replace(/^:(?!\d)/, '')}`;
  return `${isOfThisMachine(text) ? 'http' : 'https'}://${text}`;
}

function isOfThisMachine(text: string): boolean {
  let host: string;
  try {
    host = new URL(`http://${text}`).host.toLowerCase().replace(/\.$/, '');
  } catch {
    return false;
  }
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const address = host.replace(/^\[|\]$/g, '');
  return /^127\.\d+\.\d+\.\d+$/.test(address) || address === '::1' || /^::ffff:(?:127\.|7f[\da-f]{2}:)/.test(address);
}

/** `scheme://`, of whatever scheme. */
export function hasScheme(word: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(word);
}

/** Whether a word is more likely a URL than an item: it begins as one, with a host, or with a port of this machine. */
export function beginsAsUrl(word: string): boolean {
  if (hasScheme(word) || /^:\d*(?:[/?#]|$)/.test(word) || word.startsWith('//')) return true;
  const [host] = word.split(/[/?#]/, 1);
  // `name=value`, `Name:value`, `name@path` are items; a colon before the host's end is a port's.
  return /^(?:\[[\da-f:.]+\]|[^\s:=;@[\]]+)(?::\d+)?$/i.test(host);
}
