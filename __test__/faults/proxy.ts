/** Faults of a proxy that is asked for a tunnel. */
import { serveRaw, type RawConnection } from '../helpers/server.js';
import type { Fault } from './kit.js';

const answering =
  (script: (connection: RawConnection) => unknown): Fault['instead'] =>
  async (t) =>
    (
      await serveRaw(t, async (connection) => {
        await connection.head();
        await script(connection);
      })
    ).port;

const refusals = [
  '101 Switching Protocols',
  '302 Found',
  '403 Forbidden',
  '407 Proxy Authentication Required',
  '502 Bad Gateway',
];

const FAULTS: Fault[] = [
  ...refusals.map((status): Fault => ({
    row: '34',
    name: `${status} to CONNECT`,
    instead: answering((connection) => connection.write(`HTTP/1.1 ${status}\r\nContent-Length: 4\r\n\r\nbody`)),
    expected: 'ProxyError ERR_PROXY',
  })),
  {
    row: '35',
    name: 'silence after CONNECT',
    instead: answering((connection) => connection.rest()),
    options: { timeout: { connect: 100 } },
    expected: 'ConnectTimeout ERR_CONNECT_TIMEOUT',
  },
  {
    row: '36',
    name: 'FIN after CONNECT',
    instead: answering((connection) => connection.end()),
    expected: 'ProxyError ERR_PROXY',
  },
  {
    row: '36',
    name: 'RST after CONNECT',
    instead: answering((connection) => connection.reset()),
    expected: 'ProxyError ECONNRESET',
  },
  {
    row: '36',
    name: 'FIN in the head of the reply',
    instead: answering((connection) => connection.end('HTTP/1.1 200 OK\r\nX: ')),
    expected: 'ProxyError ERR_PROXY',
  },
  {
    row: '37',
    name: 'no HTTP in reply',
    instead: answering((connection) => connection.end('SSH-2.0-OpenSSH_9.2\r\n\r\n')),
    expected: 'ProxyError ERR_PROXY',
  },
  {
    row: '37',
    name: 'a reply without end',
    instead: answering(async (connection) => {
      await connection.write('HTTP/1.1 200 OK\r\n');
      for (;;) await connection.write(`X: ${'x'.repeat(1000)}\r\n`);
    }),
    expected: 'ProxyError ERR_PROXY',
  },
  {
    row: '37',
    name: 'a body behind the reply',
    instead: answering((connection) => connection.end('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ngarbage')),
    expected: 'ConnectError EPROTO',
  },
];

export const PROXIES: Fault[] = FAULTS.map((fault) => ({ ...fault, isProxys: true }));
