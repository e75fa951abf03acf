/** A response's head as Node's ServerResponse wrote it; its fields are parsed on first access. */

import type { AppHead } from '../exchange.js';

export class NodeHead implements AppHead {
  readonly statusCode: number;
  readonly isBodiless: boolean;
  #text: string;
  #lines: string | null = null;
  #contentLength: number | null | undefined;

  /**
   * @param text From 'HTTP/1.1 ' to the empty line.
   * @param encoding What it was written in: Node writes a head in UTF-8 when the text behind it is.
   * @param method Of the request: HEAD has no content.
   */
  constructor(text: string, encoding: BufferEncoding | undefined, method: string) {
    const isAscii = encoding === 'latin1' || !NOT_ASCII.test(text);
    this.#text = isAscii ? text : Buffer.from(text).toString('latin1');
    this.statusCode = Number(text.slice(9, 12));
    this.isBodiless = method === 'HEAD' || this.statusCode === 204 || this.statusCode === 304;
  }

  get reason(): string {
    return this.#text.slice(13, this.#text.indexOf('\r\n'));
  }

  get headerLines(): string {
    return (this.#lines ??= toLines(this.#text));
  }

  get contentEncoding(): string | undefined {
    const text = this.#text;
    const first = CONTENT_ENCODING.exec(text);
    if (first === null) return undefined;
    // RFC 9110 §5.3: several lines are one list.
    return [...text.matchAll(new RegExp(CONTENT_ENCODING, 'gi'))].map(([, value]) => value).join(', ');
  }

  /** NaN for what is no length. */
  get contentLength(): number | null {
    if (this.#contentLength === undefined) {
      const found = CONTENT_LENGTH.exec(this.#text);
      this.#contentLength = found === null ? null : toLength(found[1]);
      if (found !== null && CONTENT_LENGTH.test(this.#text.slice(found.index + 2))) {
        const all = [...this.#text.matchAll(new RegExp(CONTENT_LENGTH, 'gi'))];
        this.#contentLength = toLength(all.map(([, value]) => value).join(','));
      }
    }
    return this.#contentLength;
  }
}

/** The value of Content-Length; the same one several times is one (RFC 9110 §8.6), NaN for anything else. */
export function toLength(value: string): number {
  const [first, ...others] = value.split(',').map((each) => each.trim());
  return /^\d{1,15}$/.test(first) && others.every((each) => each === first) ? Number(first) : Number.NaN;
}

/** 'name\nvalue\n…', of the lines behind the first; names as the app gave them, as over the network. */
function toLines(text: string): string {
  let lines = '';
  let start = text.indexOf('\r\n') + 2;
  for (;;) {
    const end = text.indexOf('\r\n', start);
    if (end <= start) return lines;
    const colon = text.indexOf(':', start);
    lines += `${text.slice(start, colon)}\n${text.slice(colon + 1, end).trim()}\n`;
    start = end + 2;
  }
}

const CONTENT_ENCODING = /\r\ncontent-encoding: ([^\r]*)/i;
const CONTENT_LENGTH = /\r\ncontent-length: ([^\r]*)/i;
const NOT_ASCII = /[^\x00-\x7f]/;
