/** Where another implementation exists, both read the same, or the difference is one that is known and written here. */
import { createParser } from 'eventsource-parser';
import { Cookie } from 'tough-cookie';
import { parseSetCookie } from '../../src/cookies/set-cookie.js';
import { InvalidURL, URL } from '../../src/index.js';
import { EventStreamParser } from '../../src/response/event-stream.js';
import { allowing, same, type Target, textsOf } from './target.js';

const NOW = Date.UTC(2026, 0, 1);

export const DIFFERENTIAL: readonly Target[] = [
  {
    name: 'URL against WHATWG',
    texts: textsOf([
      'http://',
      'https://',
      'a',
      'b.c',
      ':',
      '80',
      '/',
      '@',
      '?',
      '#',
      '[::1]',
      '%41',
      '%',
      '..',
      '.',
      '127.1',
      '0x7f.1',
      '\u3002',
      '\u00df',
      'xn--fiqs8s',
      "'",
      '"',
      '|',
      '`',
      '{',
    ]),
    check(text) {
      const url = allowing([InvalidURL], () => new URL(text));
      if (url === undefined || !url.isAbsoluteUrl || !/^https?$/.test(url.scheme) || !globalThis.URL.canParse(text))
        return;
      const platform = new globalThis.URL(text);
      // Where a request goes is what must not differ.
      same(
        [`${url.scheme}:`, url.rawHost.includes(':') ? `[${url.rawHost}]` : url.rawHost, url.port],
        [platform.protocol, platform.hostname, platform.port === '' ? null : Number(platform.port)],
        'where to',
      );
    },
  },
  {
    name: 'Set-Cookie against tough-cookie',
    texts: textsOf([
      'a',
      'b',
      '=',
      ';',
      '; ',
      ' ',
      '"',
      ',',
      'Domain=',
      'Path=',
      '/',
      'example.com',
      'Max-Age=',
      '-1',
      '5',
      'Secure',
      'HttpOnly',
      'SameSite=',
      'Lax',
      'strict',
      '__Host-',
      '\u00e9',
    ]),
    check(text) {
      // tough-cookie trims whatever is white in Unicode; the RFC trims spaces and tabs.
      if (/[^\S \t]/.test(text)) return;
      const ours = parseSetCookie(text, NOW);
      const theirs = Cookie.parse(text, { loose: true });
      // Without a name they differ: RFC 6265bis 5.6 makes all of `=a=` but the first '=' the value.
      if (ours === null || theirs === undefined || ours.name === '') return;
      same(
        [ours.name, ours.value, ours.secure, ours.httpOnly],
        [theirs.key, theirs.value, theirs.secure, theirs.httpOnly],
        'the cookie',
      );
      if (ours.path !== null) same(ours.path, theirs.path, 'the path');
      if (ours.domain !== '') same(ours.domain, theirs.domain, 'the domain');
    },
  },
  {
    name: 'server-sent events against eventsource-parser',
    texts: textsOf([
      'data',
      ':',
      ' ',
      '\n',
      '\r\n',
      '\r',
      'event',
      'id',
      'retry',
      '1',
      'a',
      '\n\n',
      ':comment',
      '\ufeff',
      '\u00e9',
      'data: x\n\n',
    ]),
    check(text) {
      // Whether a CR at the end is half of a line break is known with the next character only.
      const bytes = Buffer.from(text.endsWith('\r') ? `${text}\n` : text);
      const ours: unknown[] = [];
      const parser = new EventStreamParser(1 << 20, {});
      // In pieces, so that whatever may be cut is.
      for (let at = 0; at < bytes.length; at += 3) {
        for (const { event, data } of parser.push(bytes.subarray(at, at + 3))) ours.push([event, data]);
      }
      const theirs: unknown[] = [];
      const other = createParser({ onEvent: ({ event, data }) => void theirs.push([event || 'message', data]) });
      other.feed(new TextDecoder().decode(bytes));
      same(ours, theirs, 'the events');
    },
  },
];
