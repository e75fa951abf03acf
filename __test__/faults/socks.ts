/** A SOCKS proxy that works, for the way through one, and the faults of those that do not. */
import { serveRaw, type RawConnection } from '../helpers/server.js';
import type { Fault } from './kit.js';

const GRANTED_4 = '\0\x5A\0\0\0\0\0\0';
const GRANTED_5 = '\x05\0\0\x01\x7F\0\0\x01\0\x50';

/** Reads the handshake of version 5, with a user and a password, up to the request. */
async function greet(connection: RawConnection): Promise<void> {
  await connection.body(1);
  await connection.body((await connection.body(1)).charCodeAt(0));
  await connection.write('\x05\x02');
  await connection.body(1);
  for (let texts = 0; texts < 2; texts++) await connection.body((await connection.body(1)).charCodeAt(0));
  await connection.write('\x01\0');
}

/** Reads what the client asks for: a name. */
async function asked5(connection: RawConnection): Promise<void> {
  await connection.body(4);
  await connection.body((await connection.body(1)).charCodeAt(0) + 2);
}

async function asked4(connection: RawConnection): Promise<void> {
  await connection.body(8);
  // The user's name and the host's, each up to a NUL.
  for (let texts = 0; texts < 2;) if ((await connection.body(1)) === '\0') texts += 1;
}

/** The proxy's part of a tunnel that opens. */
export async function openSocks(connection: RawConnection, way: 'socks5h' | 'socks4a'): Promise<void> {
  if (way === 'socks5h') {
    await greet(connection);
    await asked5(connection);
    await connection.write(GRANTED_5);
  } else {
    await asked4(connection);
    await connection.write(GRANTED_4);
  }
}

const proxy =
  (script: (connection: RawConnection) => unknown): Fault['instead'] =>
  async (t) =>
    (
      await serveRaw(t, async (connection) => {
        connection.socket.setNoDelay(true);
        await script(connection);
      })
    ).port;

const after5 = (reply: (connection: RawConnection) => unknown): Fault['instead'] =>
  proxy(async (connection) => {
    await greet(connection);
    await asked5(connection);
    await reply(connection);
  });

const after4 = (reply: (connection: RawConnection) => unknown): Fault['instead'] =>
  proxy(async (connection) => {
    await asked4(connection);
    await reply(connection);
  });

const refused = 'ProxyError ERR_PROXY';
const ended = 'ProxyError ECONNRESET';
const silent = { options: { timeout: { connect: 100 } }, expected: 'ConnectTimeout ERR_CONNECT_TIMEOUT' };

const EITHER: Fault[] = [
  { row: '36', name: 'FIN as soon as there is a connection', instead: proxy((c) => c.end()), expected: ended },
  {
    row: '36',
    name: 'RST after the first message',
    instead: proxy(async (connection) => {
      await connection.body(2);
      connection.reset();
    }),
    expected: 'ProxyError ECONNRESET',
  },
  { row: '35', name: 'silence', instead: proxy((connection) => connection.rest()), ...silent },
  {
    row: '37',
    name: 'HTTP in reply',
    instead: proxy((c) => c.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    expected: refused,
  },
];

const VERSION_5: Fault[] = [
  { row: '34', name: 'no acceptable method', instead: proxy((c) => c.write('\x05\xFF')), expected: refused },
  { row: '34', name: 'GSSAPI, which was not offered', instead: proxy((c) => c.write('\x05\x01')), expected: refused },
  {
    row: '34',
    name: 'a wrong password',
    instead: proxy(async (connection) => {
      await connection.body(4);
      await connection.write('\x05\x02');
      await connection.body(3);
      await connection.end('\x01\x01');
    }),
    expected: refused,
  },
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((reply): Fault => ({
    row: '34',
    name: `reply ${reply}`,
    instead: after5((connection) => connection.write(`\x05${String.fromCharCode(reply)}\0\x01\0\0\0\0\0\0`)),
    expected: refused,
  })),
  { row: '37', name: 'an unknown kind of address', instead: after5((c) => c.write('\x05\0\0\x09')), expected: refused },
  { row: '36', name: 'FIN in the reply', instead: after5((c) => c.end(GRANTED_5.slice(0, 6))), expected: ended },
  { row: '35', name: 'silence in the reply', instead: after5((c) => c.write(GRANTED_5.slice(0, 3))), ...silent },
];

const VERSION_4: Fault[] = [
  ...[91, 92, 93, 7].map((reply): Fault => ({
    row: '34',
    name: `SOCKS 4: reply ${reply}`,
    instead: after4((connection) => connection.write(`\0${String.fromCharCode(reply)}\0\0\0\0\0\0`)),
    expected: refused,
  })),
  {
    row: '36',
    name: 'SOCKS 4: FIN in the reply',
    instead: after4((c) => c.end(GRANTED_4.slice(0, 5))),
    expected: ended,
  },
  {
    row: '35',
    name: 'SOCKS 4: silence in the reply',
    instead: after4((c) => c.write(GRANTED_4.slice(0, 5))),
    ...silent,
  },
];

export const SOCKS: Fault[] = [
  ...EITHER.map((fault): Fault => ({ ...fault, isProxys: true })),
  ...VERSION_5.map((fault): Fault => ({ ...fault, isProxys: true, ways: ['socks5h'] })),
  ...VERSION_4.map((fault): Fault => ({ ...fault, isProxys: true, ways: ['socks4a'] })),
];
