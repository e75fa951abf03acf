/** Of `node:buffer`. */

export { Buffer } from 'buffer/';

/** Half of what the largest engine allows: beyond it text is refused and not cut. */
export const constants = { MAX_STRING_LENGTH: 2 ** 29 - 24 };

export function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
