/** What `-v`, `--curl` and `--json-output` do not show, unless `--show-secrets` is given. */

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
  return SECRET_NAMES.test(lower) ? MASK : maskedUserinfo(value);
}

/** 'http://user:password@host' → 'http://[secure]@host', wherever in the text. */
export function maskedUserinfo(text: string): string {
  return text.replace(/\/\/[^/?#\s"'<>]*@/g, `//${MASK}@`);
}

function maskedPair(pair: string): string {
  const at = pair.indexOf('=');
  return at < 0 ? MASK : `${pair.slice(0, at)}=${MASK}`;
}

/** `X-API-Key`, `apikey`, `X-Auth-Token`, `Private-Token`, `X-Amz-Security-Token`, `X-Client-Secret` and the like. */
const SECRET_NAMES =
  /(?:^|[-_])(?:x?api[-_]?key|access[-_]?key|auth|key|token|secret|passwo?r?d|credentials?|session(?:[-_]?id)?|signature|jwt)$|token$|secret$|apikey$/;
