/** Faults of HTTP/1.1 and of TCP underneath: what a server does, and what each call comes to. */
import { gzipSync } from 'node:zlib';
import { blackhole } from '../helpers/blackhole.js';
import type { RawConnection } from '../helpers/server.js';
import { BODY, type Cell, type Fault, OK, type Outcome, TYPE, settle } from './kit.js';

const START = `HTTP/1.1 200 OK\r\n${TYPE}`;
const LONG = `${START}Content-Length: 100\r\n\r\n`;
const CHUNKED = `${START}Transfer-Encoding: chunked\r\n\r\n`;
const OPEN = `${START}\r\n`;
const GZIP = gzipSync(BODY);
const gone = 'RemoteProtocolError ERR_REMOTE_PROTOCOL';
const reset = 'ReadError ECONNRESET';

const reply =
  (text: string): Fault['play'] =>
  (connection) =>
    connection.write(text);
/** Says that much and closes in order. */
const end =
  (text = ''): Fault['play'] =>
  (connection) =>
    connection.end(text);
/** Says that much, which arrives, and resets the connection. */
const abort =
  (text = ''): Fault['play'] =>
  async (connection) => {
    if (text !== '') {
      await connection.write(text);
      await settle();
    }
    connection.reset();
  };
const drip =
  (text: string): Fault['play'] =>
  async (connection) => {
    for (const character of text) {
      await connection.write(character);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  };

const gzipped = (bytes: Uint8Array): string =>
  `${START}Content-Encoding: gzip\r\nContent-Length: ${bytes.length}\r\n\r\n${Buffer.from(bytes).toString('latin1')}`;

/** A used connection that ends before a byte of the response: what may be sent twice is. */
const resent = ({ reused, operation }: Cell, failed: Outcome): Outcome =>
  reused && operation !== 'streamed POST' ? 'whole' : failed;

const broken = (row: string, name: string, answer: string): Fault => ({
  row,
  name,
  play: reply(answer),
  expected: gone,
});

export const HTTP1: Fault[] = [
  {
    row: '1',
    name: 'the port is closed',
    instead: () => Promise.resolve(2),
    expected: 'ConnectError ECONNREFUSED',
  },
  {
    row: '2',
    name: 'the SYN is not answered',
    instead: blackhole,
    options: { timeout: { connect: 100 } },
    expected: 'ConnectTimeout ERR_CONNECT_TIMEOUT',
  },
  { row: '4', name: 'FIN after the request', play: end(), expected: gone },
  {
    row: '4',
    name: 'FIN as soon as there is a connection',
    atOnce: (connection) => connection.end(),
    expected: ({ way }) => (way === 'tunnel' ? 'ProxyError ERR_PROXY' : gone),
  },
  { row: '5', name: 'RST after the request', play: abort(), expected: reset },
  {
    row: '5',
    name: 'RST as soon as there is a connection',
    atOnce: (connection) => connection.reset(),
    expected: ({ way }) =>
      way === 'tunnel'
        ? ['ProxyError ECONNRESET', 'ProxyError EPIPE', 'ConnectError ECONNRESET']
        : [reset, 'WriteError ECONNRESET', 'WriteError EPIPE', 'ConnectError ECONNRESET'],
  },
  { row: '6', name: 'FIN in the head', play: end('HTTP/1.1 200 OK\r\nContent-'), expected: gone },
  { row: '7', name: 'RST in the head', play: abort('HTTP/1.1 200 OK\r\nContent-'), expected: reset },
  {
    row: '8',
    name: 'no answer',
    play: () => {},
    options: { timeout: { read: 100 } },
    expected: 'ReadTimeout ERR_READ_TIMEOUT',
  },
  {
    row: '9',
    name: 'a byte of the head at a time',
    play: drip(OK),
    options: { timeout: { read: 5000 } },
    expected: 'whole',
  },
  {
    row: '9',
    name: 'a byte of the head at a time, with timeout.total',
    play: drip(`${LONG.slice(0, -4)}${'\r\nX: y'.repeat(100)}`),
    options: { timeout: { total: 100 } },
    expected: 'TotalTimeout ERR_TOTAL_TIMEOUT',
  },
  {
    row: '10',
    name: 'a byte of the body at a time, with timeout.total',
    play: async (connection, attempt) => {
      await connection.write(LONG);
      await drip('x'.repeat(90))?.(connection, attempt);
    },
    options: { timeout: { total: 100 } },
    expected: 'TotalTimeout ERR_TOTAL_TIMEOUT',
  },
  { row: '11', name: 'fewer bytes than Content-Length, FIN', play: end(LONG + BODY), expected: gone },
  { row: '12', name: 'fewer bytes than Content-Length, RST', play: abort(LONG + BODY), expected: reset },
  { row: '13', name: 'no last chunk, FIN', play: end(`${CHUNKED}a\r\n${BODY}\r\n`), expected: gone },
  { row: '13', name: 'no last chunk, RST', play: abort(`${CHUNKED}a\r\n${BODY}\r\n`), expected: reset },
  { row: '14', name: 'a body that the end delimits, FIN', play: end(OPEN + BODY), expected: 'whole' },
  { row: '15', name: 'a body that the end delimits, RST', play: abort(OPEN + BODY), expected: reset },
  {
    row: '18',
    name: 'gzip, cut',
    play: reply(gzipped(GZIP.subarray(0, -6))),
    expected: 'DecodingError ERR_DECODING',
  },
  {
    row: '19',
    name: 'gzip, corrupt',
    play: reply(gzipped(Buffer.concat([GZIP.subarray(0, 10), Buffer.from([0xff, 0xff, 0xff]), GZIP.subarray(13)]))),
    expected: 'DecodingError ERR_DECODING',
  },
  {
    row: '20',
    name: 'gzip, with garbage behind it',
    play: reply(gzipped(Buffer.concat([GZIP, Buffer.from('garbage')]))),
    expected: 'whole',
  },
  {
    row: '23',
    name: '204 with a body',
    play: reply(`HTTP/1.1 204 No Content\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`),
    expected: 'empty',
  },
  {
    row: '24',
    name: '413 and FIN in the middle of an upload',
    isEarly: true,
    operations: ['streamed POST'],
    play: end('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
    expected: '413',
  },
  {
    row: '25',
    name: '413 and RST in the middle of an upload',
    isEarly: true,
    operations: ['streamed POST'],
    play: abort('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
    expected: '413',
  },
  {
    row: '27',
    name: '101, which nothing asked for',
    play: reply('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxyz'),
    expected: gone,
  },
  {
    row: '28',
    name: 'redirects without an end',
    play: reply('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'),
    expected: 'TooManyRedirects ERR_TOO_MANY_REDIRECTS',
  },
  {
    row: '28',
    name: 'a redirect to file:',
    play: reply('HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n'),
    expected: 'UnsupportedProtocol ERR_UNSUPPORTED_PROTOCOL',
  },
  {
    row: '28',
    name: 'a redirect to what is no URL',
    play: reply('HTTP/1.1 302 Found\r\nLocation: http://[::\r\nContent-Length: 0\r\n\r\n'),
    expected: gone,
  },
  { row: '29', name: 'FIN while idle', reused: true, whileIdle: (connection) => connection.end(), expected: 'whole' },
  { row: '29', name: 'RST while idle', reused: true, whileIdle: (connection) => connection.reset(), expected: 'whole' },
  {
    row: '30',
    name: 'FIN as the request arrives, once',
    play: once((connection) => connection.end()),
    expected: (cell) => resent(cell, gone),
  },
  {
    row: '31',
    name: 'RST as the request arrives, once',
    play: once((connection) => connection.reset()),
    expected: (cell) => resent(cell, reset),
  },
  {
    row: '33',
    name: 'a second response while idle',
    reused: true,
    whileIdle: async (connection) => {
      await connection.write(OK.replace(BODY, 'data: no\n\n'));
    },
    expected: 'whole',
  },
  {
    row: '33',
    name: 'a second response in the same segment',
    play: reply(OK + OK.replace(BODY, 'data: no\n\n')),
    expected: 'whole',
  },
  {
    row: '46',
    name: 'the link stands still in the body',
    ways: ['direct'],
    play: reply(`${LONG}${'x'.repeat(100)}`),
    relay: { after: LONG.length + 50, ending: 'silence' },
    options: { timeout: { read: 100 } },
    expected: 'ReadTimeout ERR_READ_TIMEOUT',
  },
  {
    row: '46',
    name: 'the link ends in the head',
    ways: ['direct'],
    play: reply(OK),
    relay: { after: 20 },
    expected: gone,
  },
  {
    row: '46',
    name: 'a slow link',
    ways: ['direct'],
    play: reply(OK),
    relay: { delay: 20 },
    expected: 'whole',
  },
  {
    row: '47',
    name: 'FIN in the middle of an upload',
    isEarly: true,
    operations: ['streamed POST'],
    play: async (connection) => {
      connection.end();
      await connection.rest();
    },
    expected: gone,
  },
  {
    row: 'SEC-J1',
    name: 'Content-Length and Transfer-Encoding',
    play: reply(`${START}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\na\r\n${BODY}\r\n0\r\n\r\n`),
    expected: 'whole',
  },
  broken('SEC-J2', 'two Content-Lengths', `${START}Content-Length: 10\r\nContent-Length: 11\r\n\r\n${BODY}`),
  broken('SEC-J3', 'an unknown transfer coding', `${START}Transfer-Encoding: xchunked\r\n\r\n${BODY}`),
  broken('SEC-J4', 'a chunk size beyond 2^64', `${CHUNKED}10000000000000002\r\n${BODY}\r\n0\r\n\r\n`),
  broken('SEC-J5', 'a chunk longer than its size', `${CHUNKED}2\r\n${BODY}\r\n0\r\n\r\n`),
  broken('SEC-J8', 'a space before the colon', `${START}Content-Length : 10\r\n\r\n${BODY}`),
  broken('SEC-J10', 'NUL in a name', `${START}X\0: y\r\nContent-Length: 10\r\n\r\n${BODY}`),
  broken('SEC-J11', 'no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  broken('SEC-K1', 'a head without end', `${START}${`X-Long: ${'x'.repeat(1000)}\r\n`.repeat(1000)}`),
  broken('SEC-K2', 'a status line of 1 MB', `HTTP/1.1 200 ${'x'.repeat(1_000_000)}\r\n\r\n`),
  {
    ...broken('SEC-J17', 'interim responses without end', ''),
    play: async (connection) => {
      for (;;) await connection.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1000));
    },
  },
  broken('SEC-K4', 'a chunk extension without end', `${CHUNKED}1;${'x'.repeat(1_000_000)}`),
  broken('SEC-K5', 'trailers without end', `${CHUNKED}0\r\n${`X: ${'x'.repeat(1000)}\r\n`.repeat(1000)}`),
  {
    ...broken(
      'SEC-K6',
      'twenty content codings',
      `${START}Content-Encoding: ${Array(20).fill('gzip').join(', ')}\r\nContent-Length: 10\r\n\r\n${BODY}`,
    ),
    expected: 'DecodingError ERR_DECODING',
  },
];

/** The first time; from then on the answer is as it should be. */
function once(play: (connection: RawConnection) => unknown): Fault['play'] {
  return (connection, attempt) => (attempt === 1 ? play(connection) : connection.write(OK));
}
