/** HTTP/1 responses, as the core reads them and as Node's llhttp does: what both take, both see alike. */
import * as fc from 'fast-check';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { Client, HTTPError } from '../../src/index.js';
import { type AsyncTarget, same, textsOf } from './target.js';

const status = fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 404 No', 'HTTP/1.0 200 OK', 'HTTP/1.1 204 No', 'HTTP/1.1 200', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1 2000 OK'); // prettier-ignore
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('Content-Length: 5', 'Transfer-Encoding: chunked', 'Connection: close', 'X: y'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('Content-Length: 3', 'content-length:5', 'Content-Length: 05', 'Content-Length: +5', 'Content-Length: 5, 5', 'Content-Length:', 'Transfer-Encoding: Chunked', 'Transfer-Encoding: chunked, chunked', 'Transfer-Encoding: gzip', 'Transfer-Encoding:chunked ', 'Content-Length : 5', ' X: folded', 'X:\ty', ': y', 'X', 'Trailer: X', 'Keep-Alive: timeout=5'), // prettier-ignore
  },
  { weight: 1, arbitrary: textsOf(['X', ':', ' ', 'y', '\t', '\0', '\r', '\n', '\u00e9', 'Content-Length: 5'], 5) },
);
const body = fc.oneof(
  fc.constantFrom('hello', '5\r\nhello\r\n0\r\n\r\n', '', 'hello, world', '5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n'),
  textsOf(['hello', '5\r\n', '\r\n', '0\r\n', '0', ' ', ';', 'a', '\n', '+5', '0x5', '00005\r\nhello'], 8),
);
const texts = fc
  .tuple(status, fc.array(line, { maxLength: 4 }), fc.constantFrom('\r\n', '\r\n', '\r\n', '\n'), body)
  .map(([first, lines, end, rest]) => `${[first, ...lines].join(end)}${end}${end}${rest}`);

let answer = '';
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end(answer, 'latin1'));
});
server.unref();
let started: Promise<string> | undefined;
const origin = (): Promise<string> =>
  (started ??= new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)),
  ));
const client = new Client({ httpVersions: 'HTTP/1.1', timeout: 5_000, poolLimits: { maxKeepaliveConnections: 0 } });

/** Status and body; null when it is refused. */
type Seen = [status: number, body: string] | null;

async function ours(url: string): Promise<Seen> {
  try {
    const { statusCode, content } = await client.get(url, { followRedirects: false });
    return [statusCode, content.toString('latin1')];
  } catch (error) {
    if (error instanceof HTTPError) return null;
    throw error;
  }
}

function theirs(url: string): Promise<Seen> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(response.complete ? [response.statusCode ?? 0, text] : null));
      response.on('error', () => resolve(null));
    });
    sent.on('error', () => resolve(null)).end();
  });
}

export const HTTP1: AsyncTarget = {
  name: 'HTTP/1 responses against llhttp',
  texts,
  async checkLater(text) {
    const url = await origin();
    answer = text;
    const [mine, other] = [await ours(url), await theirs(url)];
    // Which of them is stricter is each one's own; what both take must be the same to both.
    if (mine !== null && other !== null) same(mine, other, 'the response');
  },
};
