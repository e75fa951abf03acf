/** Faults of a DNS server, which Node's own resolver asks (c-ares, not the system's) and hands on by `lookup`. */
import type { ExecutionContext } from 'ava';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import type { LookupFunction } from '../../src/connect/lookup.js';
import { type Fault, OK, type State } from './kit.js';

/** RFC 1035 section 4.1.1. */
const RESPONSE = 0x8180;
const [SERVFAIL, NXDOMAIN, REFUSED] = [2, 3, 5];

/** The answer to a query: its code, and addresses. */
function answer(query: Buffer, code: number, addresses: readonly string[] = []): Buffer {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(RESPONSE | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  // A pointer to the name, A, IN, a minute, four bytes.
  const records = addresses.map((address) => [
    0xc0,
    12,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    60,
    0,
    4,
    ...address.split('.').map(Number),
  ]);
  return Buffer.concat([head, question, ...records.map((record) => Buffer.from(record))]);
}

/** The resolver of a cell: what the server says while it is faulty, and 127.0.0.1 afterwards. */
async function resolver(
  t: ExecutionContext,
  state: State,
  fault: (query: Buffer) => Buffer | undefined,
): Promise<LookupFunction> {
  const server = createSocket('udp4');
  t.teardown(() => server.close());
  server.on('message', (query, { port, address }) => {
    const said = state.isFaulty ? fault(query) : answer(query, 0, ['127.0.0.1']);
    if (said !== undefined) server.send(said, port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  t.teardown(() => resolver.cancel());
  return (host) => resolver.resolve4(host);
}

const saying = (fault: (query: Buffer) => Buffer | undefined): Fault['lookup'] => {
  return (t, state) => resolver(t, state, fault);
};

export const DNS: Fault[] = [
  { row: '41', name: 'NXDOMAIN', lookup: saying((q) => answer(q, NXDOMAIN)), expected: 'ConnectError ENOTFOUND' },
  { row: '41', name: 'SERVFAIL', lookup: saying((q) => answer(q, SERVFAIL)), expected: 'ConnectError ESERVFAIL' },
  { row: '41', name: 'REFUSED', lookup: saying((q) => answer(q, REFUSED)), expected: 'ConnectError EREFUSED' },
  { row: '41', name: 'no address', lookup: saying((q) => answer(q, 0)), expected: 'ConnectError ENODATA' },
  {
    row: '41',
    name: 'an answer that is cut',
    lookup: saying((query) => answer(query, 0, ['127.0.0.1']).subarray(0, -6)),
    expected: 'ConnectError EBADRESP',
  },
  {
    row: '41',
    name: 'no answer',
    lookup: saying(() => undefined),
    options: { timeout: { connect: 100 } },
    expected: 'ConnectTimeout ERR_CONNECT_TIMEOUT',
  },
  {
    row: '41',
    name: 'an answer to another query',
    lookup: saying((query) => {
      const other = answer(query, 0, ['127.0.0.1']);
      other.writeUInt16BE(other.readUInt16BE(0) ^ 1, 0);
      return other;
    }),
    options: { timeout: { connect: 100 } },
    expected: 'ConnectTimeout ERR_CONNECT_TIMEOUT',
  },
  {
    row: '41',
    name: 'an address that refuses before one that does not',
    lookup: saying((query) => answer(query, 0, ['127.0.0.3', '127.0.0.1'])),
    play: (connection) => connection.write(OK),
    expected: 'whole',
  },
  {
    row: '41',
    name: 'nothing but addresses that refuse',
    lookup: saying((query) => answer(query, 0, ['127.0.0.3', '127.0.0.4'])),
    expected: 'ConnectError ECONNREFUSED',
  },
];
