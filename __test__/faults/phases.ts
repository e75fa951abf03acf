/** The phases of a call, each as a fault in which it stands still; for what ends calls there. */
import { readdirSync } from 'node:fs';
import { blackhole } from '../helpers/blackhole.js';
import { OK as HTTP2_OK } from '../helpers/raw-http2.js';
import { serveRaw } from '../helpers/server.js';
import type { Fault, Http2Fault, Way, World } from './kit.js';

/** Where a call stands still. */
export interface Phase {
  readonly name: string;
  readonly ways: readonly Way[];
  readonly fault: Partial<Fault>;
  readonly http2?: Partial<Http2Fault>;
  /** Another call comes first, whose body does not come, so that its connection stays taken. */
  readonly holds?: true;
  /** The call has a body to read, which triggers other than the signal may end. */
  readonly hasBody?: true;
}

const EVERY: readonly Way[] = ['direct', 'forward', 'tunnel', 'https', 'https in a tunnel', 'h2'];
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';

export const PHASES: readonly Phase[] = [
  {
    name: 'queued',
    ways: ['direct', 'forward', 'tunnel', 'https', 'https in a tunnel'],
    fault: { client: { poolLimits: { maxConnections: 1 } }, play: (connection) => connection.write(HEAD) },
    holds: true,
  },
  { name: 'connecting', ways: ['direct', 'forward', 'tunnel'], fault: { instead: blackhole } },
  {
    name: 'CONNECT',
    ways: ['tunnel', 'https in a tunnel'],
    fault: { isProxys: true, instead: async (t) => (await serveRaw(t, (connection) => connection.rest())).port },
  },
  {
    name: 'the TLS handshake',
    ways: ['https', 'https in a tunnel'],
    fault: { instead: async (t) => (await serveRaw(t, (connection) => connection.rest())).port },
  },
  { name: 'the head', ways: EVERY, fault: { play: () => {} }, http2: { play: () => {} } },
  {
    name: 'a head half way',
    ways: ['direct', 'forward', 'tunnel', 'https'],
    fault: { play: (connection) => connection.write(HEAD.slice(0, 30)) },
  },
  {
    name: 'the head after 103',
    ways: EVERY,
    fault: { play: (connection) => connection.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n') },
    http2: { play: ({ peer, stream }) => peer.headers(stream, [[':status', '103']]) },
  },
  {
    name: 'the second hop of a redirect',
    ways: ['direct', 'forward', 'tunnel', 'https'],
    fault: {
      play: (connection, attempt) =>
        attempt === 1 ? connection.write('HTTP/1.1 302 Found\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n') : undefined,
    },
  },
  {
    name: 'the pause before a retry',
    ways: ['direct', 'forward', 'tunnel', 'https'],
    fault: {
      client: { retries: 3 },
      play: (connection) => connection.write('HTTP/1.1 503 No\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n'),
    },
  },
  {
    name: 'the body',
    ways: EVERY,
    hasBody: true,
    fault: { play: (connection) => connection.write(`${HEAD}some`) },
    http2: {
      play: async ({ peer, stream }) => {
        await peer.headers(stream, HTTP2_OK);
        await peer.data(stream, 'some');
      },
    },
  },
  {
    name: 'the body, larger than what is buffered',
    ways: ['direct', 'forward', 'tunnel', 'https'],
    hasBody: true,
    fault: {
      play: async (connection) => {
        await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n');
        for (;;) await connection.write('x'.repeat(100_000));
      },
    },
  },
];

export function faultOf(phase: Phase, way: Way): Fault {
  const both = { row: '', name: phase.name, expected: '', ...phase.fault, ...(way === 'h2' ? phase.http2 : {}) };
  return both as Fault;
}

/** Resolves when the server has seen the call, or as much of it as it will see. */
export async function arrives({ state }: World): Promise<void> {
  const end = Date.now() + 50;
  while (state.attempts === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Of this process. */
export const descriptors = (): number => readdirSync('/proc/self/fd').length;
