/**
 * Whatever a call is about, wherever it has got to: an abort, close(), a body that is cancelled or forgotten ends it, once and for
 * good. Phases × ways × triggers, generated.
 */
import test, { type ExecutionContext } from 'ava';
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RequestOptions, Response } from '../../src/index.js';
import { blackhole } from '../helpers/blackhole.js';
import { eventually, soon } from '../helpers/client.js';
import { OK as HTTP2_OK } from '../helpers/raw-http2.js';
import { serveRaw } from '../helpers/server.js';
import { bodyOf, type Fault, type Http2Fault, open, type Way, type World } from './kit.js';

/** Where a call stands still. */
interface Phase {
  readonly name: string;
  readonly ways: readonly Way[];
  readonly fault: Partial<Fault>;
  readonly http2?: Partial<Http2Fault>;
  /** Before the call. */
  prepare?(world: World): Promise<unknown>;
  /** The call has a body to read, which triggers other than the signal may end. */
  readonly hasBody?: true;
  readonly options?: RequestOptions;
}

const EVERY: readonly Way[] = ['direct', 'forward', 'tunnel', 'https', 'https in a tunnel', 'h2'];
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';

const PHASES: readonly Phase[] = [
  {
    name: 'queued',
    ways: ['direct', 'forward', 'tunnel', 'https', 'https in a tunnel'],
    fault: { client: { poolLimits: { maxConnections: 1 } }, play: (connection) => connection.write(HEAD) },
    prepare: async ({ client, url, state }) => {
      state.isFaulty = true;
      // Its body does not come, so that the one connection stays taken until it is closed.
      return client.stream('GET', url);
    },
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

/** What ends the call; resolves when it has ended. */
type Trigger = (
  t: ExecutionContext,
  world: World,
  call: (options: RequestOptions) => Promise<Response>,
) => Promise<void>;

/** Resolves when the server has seen the call, or as much of it as it will see. */
async function arrives({ state }: World): Promise<void> {
  const end = Date.now() + 50;
  while (state.attempts === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => setTimeout(resolve, 5));
}

const REASON = new Error('the reason');

const SIGNALS: Record<string, Trigger> = {
  async 'a signal'(t, world, call) {
    const controller = new AbortController();
    const { signal } = controller;
    let settled = 0;
    const called = call({ signal }).then(
      async (response) => response.read(),
      (error: unknown) => error,
    );
    const ended = called.then(
      () => (settled += 1),
      (error: unknown) => {
        settled += 1;
        t.is(error, REASON);
      },
    );
    await arrives(world);
    controller.abort(REASON);
    await soon('the end', ended);
    t.is(settled, 1);
    t.is(getEventListeners(signal, 'abort').length, 0, 'no listener is left');
  },
  async 'a signal that is aborted in the same turn'(t, _world, call) {
    const controller = new AbortController();
    const called = call({ signal: controller.signal });
    controller.abort(REASON);
    t.is(
      await soon(
        'the end',
        called.catch((error: unknown) => error),
      ),
      REASON,
    );
    t.is(getEventListeners(controller.signal, 'abort').length, 0, 'no listener is left');
  },
};

const ENDS: Record<string, Trigger> = {
  async 'close()'(_t, _world, call) {
    await soon('the end', (await call({})).close());
  },
  async 'a loop that is left'(_t, _world, call) {
    for await (const _ of await call({})) break;
  },
  async 'cancel() of the web stream'(_t, _world, call) {
    await soon('the end', (await call({})).body?.cancel() ?? Promise.reject(new Error('there is no body')));
  },
  async 'a response that is forgotten'(_t, world, call) {
    await call({});
    await eventually('the response is collected', () => {
      collectGarbage();
      return world.client.pool.active === 0;
    });
  },
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const descriptors = (): number => readdirSync('/proc/self/fd').length;

for (const phase of PHASES) {
  for (const way of phase.ways) {
    for (const [name, trigger] of Object.entries(phase.hasBody ? { ...SIGNALS, ...ENDS } : SIGNALS)) {
      test.serial(`${phase.name}, ${way}: ${name}`, async (t) => {
        const fault = { row: '', name: phase.name, expected: '', ...phase.fault, ...(way === 'h2' ? phase.http2 : {}) };
        const world = await open(t, fault as Fault, way);
        const { client, url, server, state } = world;
        if (fault.instead === undefined) t.is(bodyOf(await client.get(url)), 'whole');
        const before = descriptors();
        const held = (await phase.prepare?.(world)) as Response | undefined;
        state.isFaulty = true;
        state.attempts = 0;
        const call = (options: RequestOptions): Promise<Response> =>
          phase.hasBody ? client.stream('GET', url, options) : client.get(url, options);
        await trigger(t, world, call);
        state.isFaulty = false;
        await held?.close();
        await eventually('nothing is active or waits', () => client.pool.active + client.pool.queued === 0);
        if (fault.instead === undefined) {
          t.is(bodyOf(await soon('the next request', client.get(url))), 'whole');
          await eventually('as many descriptors as before', () => descriptors() <= before);
        }
        await client.close();
        await eventually('no connection is open', () => server.openConnections() === 0);
      });
    }
  }
}
