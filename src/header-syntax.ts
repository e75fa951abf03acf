/**
 * The syntax of a field's name and value (RFC 9110 §5): what is wrong is a TypeError that shows no secret. The list of fields is `headers.ts`'s.
 */

import { quote, typeName } from './shown-text.js';
import { isSecretHeader } from './secret-names.js';

/** The name in lower case, by which headers are compared. */
export function toKey(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`Header names must be strings, got ${typeName(name)}`);
  return name.toLowerCase();
}

/** RFC 9110 §5.6.2: a token. Returns it in lower case. */
export function checkName(name: unknown): string {
  const key = toKey(name);
  const given = name as string;
  let valid = given.length > 0;
  for (let i = 0; valid && i < given.length; i++) {
    const code = given.charCodeAt(i);
    valid = code < 128 && tokenChars[code] === 1;
  }
  if (!valid) throw new TypeError(`Invalid header name ${quote(given)}`);
  return key;
}

/** RFC 9110 §5.5: visible ASCII, space, HTAB, and bytes from 0x80 (obs-text), each as the Latin-1 character of its number. */
export function checkValue(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new TypeError(`Header ${quote(name)}: value must be a string, got ${typeName(value)}`);
  }
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code >= 0x20 && code <= 0x7e) || code === 0x09 || (code >= 0x80 && code <= 0xff)) continue;
    const shown = isSecretHeader(name) ? '' : ` ${quote(String.fromCharCode(code))}`;
    throw new TypeError(`Header ${quote(name)}: value has an invalid character${shown} at position ${i}`);
  }
  if (value.length > 0 && (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))) {
    throw new TypeError(`Header ${quote(name)}: value must not begin or end with whitespace`);
  }
  return value;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const tokenChars = new Uint8Array(128);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  tokenChars[char.charCodeAt(0)] = 1;
}
