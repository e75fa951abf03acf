/**
 * JSON laid out anew, on its text: numbers keep their digits, members their order and their doubles, strings their escapes. It is
 * read one token after the other, and what is no JSON is left as it is.
 */

import type { Painter } from './colors.js';

/** A blank, a string, a number, a word, or a mark. */
const TOKEN =
  /[ \t\n\r]+|"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\]:,]/y;

/** Levels within each other that are laid out; what is deeper is no document for reading. */
const MAX_DEPTH = 500;

/**
 * The text with a line for each value and member, coloured; null when it is no JSON.
 *
 * @param show Makes the characters of a string fit for the terminal.
 */
export function layOutJson(text: string, paint: Painter, show: (text: string) => string): string | null {
  const out: string[] = [];
  /** The brackets that are open. */
  const open: string[] = [];
  let expected: Expected = 'value';
  TOKEN.lastIndex = 0;
  const line = (): void => void out.push(`\n${'  '.repeat(open.length)}`);
  const ended = (): Expected => (open.length === 0 ? 'nothing' : 'comma');
  while (TOKEN.lastIndex < text.length) {
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return null;
    const first = token[0];
    if (first === ' ' || first === '\n' || first === '\r' || first === '\t') continue;
    if (first === '}' || first === ']') {
      const opened = open.pop();
      if (opened !== (first === '}' ? '{' : '[')) return null;
      const isEmpty = expected === (first === '}' ? 'first-name' : 'first-value');
      if (!isEmpty && expected !== 'comma') return null;
      if (!isEmpty) line();
      out.push(paint('mark', first));
      expected = ended();
    } else if (first === ',') {
      if (expected !== 'comma') return null;
      out.push(paint('mark', ','));
      line();
      expected = open.at(-1) === '{' ? 'name' : 'value';
    } else if (first === ':') {
      if (expected !== 'colon') return null;
      out.push(paint('mark', ':'), ' ');
      expected = 'value';
    } else if (expected === 'name' || expected === 'first-name') {
      if (first !== '"') return null;
      if (expected === 'first-name') line();
      out.push(paint('name', show(token)));
      expected = 'colon';
    } else {
      if (expected !== 'value' && expected !== 'first-value') return null;
      if (expected === 'first-value') line();
      if (first === '{' || first === '[') {
        if (open.length === MAX_DEPTH) return null;
        open.push(first);
        out.push(paint('mark', first));
        expected = first === '{' ? 'first-name' : 'first-value';
      } else {
        out.push(paint(first === '"' ? 'text' : /[tfn]/.test(first) ? 'word' : 'number', show(token)));
        expected = ended();
      }
    }
  }
  return expected === 'nothing' ? out.join('') : null;
}

/** JSON on the text as it is, coloured only. A string may have no end, so that nothing is read twice. */
export function colorJson(text: string, paint: Painter): string {
  return text.replace(
    /("(?:[^"\\]|\\[^])*(?:"|\\?$))([ \t\n\r]{0,100}:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g,
    (all, quoted, colon, number, word) => {
      if (quoted !== undefined) return colon === undefined ? paint('text', quoted) : paint('name', quoted) + colon;
      return number === undefined ? (word === undefined ? all : paint('word', word)) : paint('number', number);
    },
  );
}

/** What may come next. */
type Expected = 'value' | 'first-value' | 'name' | 'first-name' | 'colon' | 'comma' | 'nothing';
