/** Where another implementation exists, both read the same, or the difference is one that is known and written here. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Cookie } from 'tough-cookie';
import { parseSetCookie } from '../../src/cookies/set-cookie.js';
import { InvalidURL, URL } from '../../src/index.js';
import { EventStreamParser } from '../../src/response/event-stream.js';
import { randomOf } from '../helpers/random.js';
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
      // An attribute of more than 1,024 octets is ignored, says RFC 6265bis 5.6; tough-cookie reads it.
      if (text.split(';').some((part) => Buffer.byteLength(part) > 1_024)) return;
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
      const whole = text.endsWith('\r') ? `${text}\n` : text;
      // Not all bytes are UTF-8.
      const bytes = Buffer.from(whole, /[\x80-\xff]/.test(whole) && whole.length % 2 === 1 ? 'latin1' : 'utf8');
      const ours = read([bytes]);
      const theirs: unknown[] = [];
      const retries: number[] = [];
      const onRetry = (retry: number) => void retries.push(retry);
      const onEvent = ({ event, data, id }: EventSourceMessage) =>
        // An id that came before, or without data, is not kept by theirs.
        void theirs.push([event || 'message', data, id ?? ours.events[theirs.length]?.id]);
      createParser({ onEvent, onRetry }).feed(new TextDecoder().decode(bytes));
      same(
        ours.events.map(({ event, data, id }) => [event, data, id]),
        theirs,
        'the events',
      );
      same(ours.retry, retries.at(-1) ?? null, 'retry');
      // Wherever the bytes are cut, the same comes out.
      const random = randomOf(bytes.length, ...bytes.subarray(0, 8));
      for (const most of [1, 2, 7, 40]) {
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += pieces[pieces.length - 1].length) {
          pieces.push(bytes.subarray(at, at + 1 + Math.floor(random() * most)));
        }
        same(read(pieces), ours, `in pieces of ${pieces.map((piece) => piece.length).join()}`);
      }
    },
  },
];

/** All that our parser makes of these bytes. */
function read(pieces: readonly Buffer[]) {
  const parser = new EventStreamParser(1 << 20, {});
  const events = pieces.flatMap((piece) => parser.push(piece));
  return { events, retry: parser.retry, lastEventId: parser.lastEventId };
}
