/** Faults of TLS, on the way to the origin or inside a tunnel. */
import type { ExecutionContext } from 'ava';
import type { TlsOptions } from 'node:tls';
import { serveRaw, serveTls, type RawConnection } from '../helpers/server.js';
import { expired, type Identity, makeCA, notYetValid, selfSigned, testCA } from '../helpers/tls.js';
import { BODY, type Fault, TYPE } from './kit.js';

const gone = 'RemoteProtocolError ERR_REMOTE_PROTOCOL';
const START = `HTTP/1.1 200 OK\r\n${TYPE}`;

/** A server that works but for what its handshake has. */
const serving =
  (identity: () => Promise<Identity>, options: TlsOptions = {}) =>
  async (t: ExecutionContext): Promise<number> => {
    const { chain: cert, key } = await identity();
    return (await serveTls(t, (_, response) => response.end(BODY), { ...options, cert, key })).port;
  };
const issued = (options: Parameters<Awaited<ReturnType<typeof testCA>>['issue']>[0]) => async (): Promise<Identity> =>
  (await testCA()).issue(options);
/** Bytes of TCP instead of a handshake. */
const saying =
  (script: (connection: RawConnection) => unknown) =>
  async (t: ExecutionContext): Promise<number> =>
    (await serveRaw(t, script)).port;
/** Ends TCP, and says nothing of it in TLS. */
const cut =
  (text: string): Fault['play'] =>
  async (connection) => {
    await connection.write(text);
    connection.socket.destroy();
  };

export const TLS: Fault[] = [
  {
    row: '16',
    name: 'a body that the end delimits, without close_notify',
    play: cut(`${START}\r\n${BODY}`),
    expected: gone,
  },
  {
    row: '17',
    name: 'fewer bytes than Content-Length, without close_notify',
    play: cut(`${START}Content-Length: 99\r\n\r\n${BODY}`),
    expected: gone,
  },
  {
    row: '14',
    name: 'a body that the end delimits, with close_notify',
    play: (connection) => connection.end(`${START}\r\n${BODY}`),
    expected: 'whole',
  },
  { row: '4', name: 'the end after the request', play: (connection) => connection.end(), expected: gone },
  {
    row: '38',
    name: 'an expired certificate',
    instead: serving(issued(expired)),
    expected: 'ConnectError CERT_HAS_EXPIRED',
  },
  {
    row: '38',
    name: 'a certificate of tomorrow',
    instead: serving(issued(notYetValid)),
    expected: 'ConnectError CERT_NOT_YET_VALID',
  },
  {
    row: '38',
    name: 'the certificate of another host',
    instead: serving(issued({ dnsNames: ['other.test'] })),
    expected: 'ConnectError ERR_TLS_CERT_ALTNAME_INVALID',
  },
  {
    row: '38',
    name: 'an unknown authority',
    instead: serving(async () => (await makeCA('CN=Other')).issue()),
    expected: 'ConnectError UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  {
    row: '38',
    name: 'a self-signed certificate',
    instead: serving(() => selfSigned()),
    expected: 'ConnectError DEPTH_ZERO_SELF_SIGNED_CERT',
  },
  {
    row: '39',
    name: 'TLS 1.1 only',
    instead: serving(issued({}), { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    expected: 'ConnectError ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  },
  {
    row: '39',
    name: 'HTTP instead of TLS',
    instead: saying(async (connection) => {
      await connection.body(1);
      connection.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    }),
    expected: 'ConnectError EPROTO',
  },
  {
    row: '39',
    name: 'FIN in the handshake',
    instead: saying(async (connection) => {
      await connection.body(1);
      connection.end();
    }),
    expected: 'ConnectError ECONNRESET',
  },
  {
    row: '39',
    name: 'RST in the handshake',
    ways: ['https'],
    instead: saying(async (connection) => {
      await connection.body(1);
      connection.reset();
    }),
    expected: 'ConnectError ECONNRESET',
  },
  {
    row: '40',
    name: 'silence in the handshake',
    instead: saying((connection) => connection.rest()),
    options: { timeout: { connect: 100 } },
    expected: 'ConnectTimeout ERR_CONNECT_TIMEOUT',
  },
];
