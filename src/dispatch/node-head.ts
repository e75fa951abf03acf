/** A response's head as Node's ServerResponse wrote it; fields are read when somebody asks. */

import type { AppHead } from './app-exchange.js';

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

  get contentLength(): number | null {
    if (this.#contentLength === undefined) {
      const found = CONTENT_LENGTH.exec(this.#text);
      this.#contentLength = found === null ? null : Number(found[1]);
    }
    return this.#contentLength;
  }
}

/** 'name\nvalue\n…', of the lines behind the first; names in lower case, as the core writes them. */
function toLines(text: string): string {
  let lines = '';
  let start = text.indexOf('\r\n') + 2;
  for (;;) {
    const end = text.indexOf('\r\n', start);
    if (end <= start) return lines;
    const colon = text.indexOf(':', start);
    lines += `${text.slice(start, colon).toLowerCase()}\n${text.slice(colon + 1, end).trim()}\n`;
    start = end + 2;
  }
}

const CONTENT_ENCODING = /\r\ncontent-encoding: ([^\r]*)/i;
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)\r/i;
const NOT_ASCII = /[^\x00-\x7f]/;
