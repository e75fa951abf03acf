/** What `-v`, `--curl` and `--json-output` do not show, unless `--show-secrets` is given. */

import { Headers } from '../headers.js';
import { URL } from '../url/url.js';
import type { Arguments } from './arguments.js';
import type { ShowValue } from './message-head.js';

/** In the place of a secret. */
export const MASK = '[secure]';

/** A function for the values of headers. */
export function valueMask(args: Arguments): ShowValue {
  return args.has('show-secrets') ? (_name, value) => value : maskedValue;
}

/** The value of a header without what it keeps secret; names of cookies and schemes of credentials stay. */
export function maskedValue(name: string, value: string): string {
  const lower = name.toLowerCase();
  if (lower === 'cookie') return value.split(';').map(maskedPair).join(';');
  if (lower === 'set-cookie') {
    const [pair, ...attributes] = value.split(';');
    return [maskedPair(pair), ...attributes].join(';');
  }
  if (lower.endsWith('authorization')) return /^[\w-]+ ./.test(value) ? value.replace(/ .*$/s, ` ${MASK}`) : MASK;
  return isSecret(lower) ? MASK : maskedSecrets(value);
}

/** Options whose values are, or may have, a secret. */
const SECRET_OPTIONS = ['auth', 'cookie', 'data', 'header', 'json', 'key-password', 'proxy', 'query'];

/**
 * What `ps` shows to other users is the origin alone, when there may be a secret among the words. On Linux only: elsewhere a
 * process cannot, or renames the window.
 */
export function hideWords(args: Arguments, url: URL): void {
  if (process.platform !== 'linux') return;
  if (args.words.length > 2 || url.userinfo !== '' || url.query !== '' || SECRET_OPTIONS.some((name) => args.has(name)))
    process.title = `whippet ${url.origin}`;
}

/** Of one URL, whatever is in its password. */
export function maskedUrl(url: string): string {
  return url.replace(/^([a-z\d+.-]+:)?\/\/[^/?#]*@/i, (_all, scheme: string = '') => `${scheme}//${MASK}@`);
}

/** 'http://user:password@host' → 'http://[secure]@host', wherever in the text. */
export function maskedUserinfo(text: string): string {
  return text.replace(/\/\/[^/?#\s"'<>]*@/g, `//${MASK}@`);
}

/** The same, and the parameters of URLs in it that the package does not show: '/x?token=abc' → '/x?token=[secure]'. */
export function maskedSecrets(text: string): string {
  return maskedUserinfo(text).replace(/[?#][^\s"'<>]*=[^\s"'<>]*/g, (part) => {
    try {
      const shown = new URL(`/${part}`).toJSON();
      return shown.includes(MASK) ? shown.slice(1) : part;
    } catch {
      // No part of a URL that could be sent.
      return part;
    }
  });
}

/** By the package's own list, which is that of what it shows. */
function isSecret(name: string): boolean {
  return new Headers([[name, '']]).toJSON()[name] === MASK;
}

function maskedPair(pair: string): string {
  const at = pair.indexOf('=');
  return at < 0 ? MASK : `${pair.slice(0, at)}=${MASK}`;
}
