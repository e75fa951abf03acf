/** What a server may not say, byte by byte (reliability.md 1.J): where a message ends is never guessed. */
import test, { type ExecutionContext } from 'ava';
import { RemoteProtocolError } from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

const START = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${START}Transfer-Encoding: chunked\r\n\r\n`;

/** Answers the first request so and closes; `null` is RemoteProtocolError, a text is the whole body. */
type Case = [title: string, answer: string, body: string | null];

const FRAMING: Case[] = [
  ['SEC-J2 two different Content-Lengths', `${START}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!`, null],
  ['SEC-J2 the same Content-Length twice', `${START}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['SEC-J2 Content-Length: +2', `${START}Content-Length: +2\r\n\r\nok`, null],
  ['SEC-J2 Content-Length: -1', `${START}Content-Length: -1\r\n\r\nok`, null],
  ['SEC-J2 Content-Length: 0x2', `${START}Content-Length: 0x2\r\n\r\nok`, null],
  ['SEC-J2 Content-Length: 2 2', `${START}Content-Length: 2 2\r\n\r\nok`, null],
  ['SEC-J2 Content-Length: 2, 3', `${START}Content-Length: 2, 3\r\n\r\nok!`, null],
  ['SEC-J2 an empty Content-Length', `${START}Content-Length: \r\n\r\nok`, null],
  ['SEC-J2 Content-Length of 2^64 + 2', `${START}Content-Length: 18446744073709551618\r\n\r\nok`, null],
  ['SEC-J3 Transfer-Encoding: xchunked', `${START}Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J3 chunked, identity', `${START}Transfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J3 identity, chunked', `${START}Transfer-Encoding: identity, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J3 gzip, chunked', `${START}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J3 chunked twice in a line', `${START}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  [
    'SEC-J3 chunked in two lines',
    `${START}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    null,
  ],
  ['SEC-J3 ,chunked', `${START}Transfer-Encoding: ,chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J3 an empty Transfer-Encoding', `${START}Transfer-Encoding: \r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J3 a folded Transfer-Encoding', `${START}Transfer-Encoding:\r\n chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J3 chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', null],
  ['Transfer-Encoding: CHUNKED is chunked', `${START}Transfer-Encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n`, 'ok'],
  [
    'chunks, an extension and upper case sizes',
    `${CHUNKED}2;a=b\r\nok\r\nA\r\n0123456789\r\n0\r\n\r\n`,
    'ok0123456789',
  ],
  ['SEC-J4 a chunk size of 2^64 + 2', `${CHUNKED}10000000000000002\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 chunk size 0x2', `${CHUNKED}0x2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 chunk size 2_0', `${CHUNKED}2_0\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 chunk size +2', `${CHUNKED}+2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 chunk size -2', `${CHUNKED}-2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 an empty chunk size', `${CHUNKED}\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 a space before a chunk size', `${CHUNKED} 2\r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 a space after a chunk size', `${CHUNKED}2 \r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 a tab and spaces after a chunk size', `${CHUNKED}2\t  \r\nok\r\n0\r\n\r\n`, null],
  ['SEC-J4 a space after the last chunk size', `${CHUNKED}2\r\nok\r\n0 \r\n\r\n`, null],
  ['SEC-J4 a space after a chunk size, and LF alone', `${CHUNKED}2 \nok\r\n0\r\n\r\n`, null],
  // RFC 9112 §7.1.1: BWS, which a recipient is to read.
  ['SEC-J4 a space before a chunk extension', `${CHUNKED}2 ;a\r\nok\r\n0\t; b\r\n\r\n`, 'ok'],
  ['SEC-J5 a chunk longer than its size', `${CHUNKED}2\r\nokXX\r\n0\r\n\r\n`, null],
  ['SEC-J5 no CRLF after a chunk', `${CHUNKED}2\r\nok0\r\n\r\n`, null],
  ['SEC-J6 LF alone after a chunk size', `${CHUNKED}2\nok\r\n0\r\n\r\n`, null],
  ['SEC-J6 LF alone after a chunk', `${CHUNKED}2\r\nok\n0\r\n\r\n`, null],
  ['SEC-J6 LF alone in a chunk extension', `${CHUNKED}2;a\nok\r\n0\r\n\r\n`, null],
  ['SEC-J6 LF alone ends header lines (accepted)', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'ok'],
  ['SEC-J7 CR X ends the header block', `${START}Content-Length: 2\r\n\rXok`, null],
  ['SEC-J7 CR X ends a chunk size', `${CHUNKED}2\rXok\r\n0\r\n\r\n`, null],
  ['SEC-J8 a space before the colon', `${START}Content-Length : 2\r\n\r\nok`, null],
  ['SEC-J8 a space before the first name', `${START} Content-Length: 2\r\n\r\nok`, null],
  ['SEC-J9 a folded Content-Length', `${START}Content-Length: 2\r\n 0\r\n\r\nok`, null],
  ['SEC-J9 a Content-Length that begins with a fold', `${START}Content-Length:\r\n 2\r\n\r\nok`, null],
  ['SEC-J9 a folded Transfer-Encoding', `${START}Transfer-Encoding: chunked\r\n\t\r\n\r\n2\r\nok\r\n0\r\n\r\n`, null],
  ['RFC 9112 5.2 any other folded line', `${START}Content-Length: 2\r\nX-Folded: a\r\n b\r\n\r\nok`, 'ok'],
];

const SYNTAX: Case[] = [
  ['SEC-J10 NUL in a name', `${START}X\0Y: 1\r\nContent-Length: 2\r\n\r\nok`, null],
  ['SEC-J10 NUL in a value', `${START}X: a\0b\r\nContent-Length: 2\r\n\r\nok`, null],
  ['SEC-J10 CR alone in a value', `${START}X: a\rb\r\nContent-Length: 2\r\n\r\nok`, null],
  ['SEC-J10 a byte over 0x7f in a name', `${START}X\xe9: 1\r\nContent-Length: 2\r\n\r\nok`, null],
  ['SEC-J10 an empty name', `${START}: 1\r\nContent-Length: 2\r\n\r\nok`, null],
  ['SEC-J10 no colon', `${START}nonsense\r\nContent-Length: 2\r\n\r\nok`, null],
  ['SEC-J11 HTTP/9.9', 'HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 HTTP/1.32', 'HTTP/1.32 200 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 HTTP/01.1', 'HTTP/01.1 200 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 HTP/1.1', 'HTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 status 99', 'HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 status 1000', 'HTTP/1.1 1000 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 status 2x0', 'HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 status 000', 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok', null],
  ['SEC-J11 a body in HTTP/0.9', 'just a body', null],
  ['SEC-J11 no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ['SEC-J11 an empty reason phrase', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ['garbage: lol', 'lol\r\n\r\n', null],
  ['garbage: a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n', null],
  ['garbage: a TLS alert', '\x15\x03\x01\0\x02\x02\x46', null],
  ['garbage: HTTP/2 settings', '\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\xff\xff', null],
];

const TRUNCATED: Case[] = [
  ['FIN before a byte', '', null],
  ['SEC-J13 FIN in the status line', 'HTTP/1.1 20', null],
  ['SEC-J13 FIN after the status line', START, null],
  ['SEC-J13 FIN inside the headers', `${START}Content-Length: 2\r\nX-Cut: a`, null],
  ['SEC-J13 FIN before the empty line', `${START}Content-Length: 2\r\n`, null],
  ['SEC-J13 FIN before the end of Content-Length', `${START}Content-Length: 10\r\n\r\nabc`, null],
  ['SEC-J13 FIN before the first body byte', `${START}Content-Length: 10\r\n\r\n`, null],
  ['SEC-J13 FIN inside a chunk', `${CHUNKED}5\r\nabc`, null],
  ['SEC-J13 FIN between chunks', `${CHUNKED}2\r\nok\r\n`, null],
  ['SEC-J13 FIN after the last chunk size', `${CHUNKED}2\r\nok\r\n0\r\n`, null],
  ['a body that the end of the connection delimits', `${START}\r\nuntil the end`, 'until the end'],
  ['an empty body that the end of the connection delimits', `${START}\r\n`, ''],
];

for (const [title, answer, body] of [...FRAMING, ...SYNTAX, ...TRUNCATED]) {
  test(`${title} (buffered)`, async (t) => {
    const url = await serveOnce(t, answer);
    const client = openClient(t, { timeout: 5000 });
    await judge(t, body, async () => told(await client.get(url)));
    t.is(client.pool.active, 0);
  });

  test(`${title} (streamed)`, async (t) => {
    const url = await serveOnce(t, answer);
    const client = openClient(t, { timeout: 5000 });
    await judge(t, body, async () => {
      await using response = await client.stream('GET', url);
      return `${response.statusCode} ${(await response.read()).toString()}`;
    });
    t.is(client.pool.active, 0);
  });
}

async function serveOnce(t: ExecutionContext, answer: string): Promise<string> {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    connection.end(answer);
  });
  return server.url;
}

async function judge(t: ExecutionContext, body: string | null, send: () => Promise<string>): Promise<void> {
  if (body !== null) {
    t.is(await send(), `200 ${body}`);
    return;
  }
  const error = await failure(send());
  t.true(error instanceof RemoteProtocolError, `${error.name}: ${error.message}`);
  t.regex(error.message, /http:\/\/127\.0\.0\.1:\d+/);
}
