/**
 * What a server sends, for a terminal: control characters can move the cursor, rename the window or type into the shell, so that they
 * are shown instead of sent. Colours are added after this, never before.
 */

/** C0 but LF and TAB, DEL, C1; and the overrides and isolates of bidirectional text, which show one thing and are another. */
export const CONTROLS: RegExp = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069]/g;

/** Text of several lines. A CR before an LF is no more than the end of a line. */
export function visible(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(CONTROLS, escaped);
}

/** Text of one line. */
export function visibleLine(text: string): string {
  return text.replace(/\n/g, '\\n').replace(CONTROLS, escaped);
}

/** Bytes that a header has as latin1: UTF-8 where they are. */
export function headerText(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** Of JSON: the same character. */
export function escapedInJson(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  if (char === '\r') return '\\r';
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
