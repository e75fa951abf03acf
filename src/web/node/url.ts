/** Of `node:url`: UTS #46 is the platform's own, by way of its URL. */

// @ts-expect-error: it has no types.
import untyped from 'punycode/';
import { absent } from '../absent.js';

const punycode = untyped as { toUnicode(name: string): string };

/** '' for what is no name. */
export function domainToASCII(name: string): string {
  if (/[\0-\x20/\\?#@:[\]]/.test(name)) return '';
  try {
    return new globalThis.URL(`http://${name}/`).hostname;
  } catch {
    return '';
  }
}

export function domainToUnicode(name: string): string {
  const ascii = domainToASCII(name);
  try {
    return punycode.toUnicode(ascii);
  } catch {
    return '';
  }
}

export const fileURLToPath = absent('node:url fileURLToPath');
