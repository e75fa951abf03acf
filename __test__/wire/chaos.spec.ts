/**
 * Servers that do something else each time, clients that change their minds: every request ends once, none that must not be
 * is acted upon twice, and nothing is left over. What happens is random (WHIPPET_SEED says it again, but for what
 * takes longer this time); what has to hold is not.
 */
import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { type ClientOptions, HTTPError } from '../../src/index.js';
import { eventually, openClient, soon } from '../helpers/client.js';
import { randomFor } from '../helpers/random.js';
import { Code, END_STREAM, Http2Peer, OK, Type } from '../helpers/raw-http2.js';
import { type RawConnection, serveRaw } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

const CLIENTS: [name: string, options: ClientOptions][] = [
  ['the defaults', {}],
  ['HTTP/1.1 only', { httpVersions: 'HTTP/1.1' }],
  ['four connections', { poolLimits: { maxConnections: 4 } }],
  ['four connections of HTTP/1.1', { httpVersions: 'HTTP/1.1', poolLimits: { maxConnections: 4 } }],
  ['two for an origin, one of them idle', { poolLimits: { maxConnectionsPerOrigin: 2, maxKeepaliveConnections: 1 } }],
  ['idle for 5 ms', { poolLimits: { keepaliveExpiry: 5 } }],
];

/** Requests under way at once, and in all. */
const AT_ONCE = 40;
const IN_ALL = 1_000;

for (const [name, options] of CLIENTS) {
  test.serial(`chaos, with a client of ${name}`, async (t) => {
    const random = randomFor(t);
    /** What each POST's body says is counted when it is acted upon. */
    const acted: string[] = [];
    const script = (connection: RawConnection): Promise<void> =>
      (connection.socket as TLSSocket).alpnProtocol === 'h2'
        ? chaosHttp2(connection, acted, random)
        : chaosHttp1(connection, acted, random);
    const identity = await (await testCA()).issue();
    const servers = [
      await serveRaw(t, script, { tls: { ...identity, ALPNProtocols: ['h2', 'http/1.1'] } }),
      await serveRaw(t, script),
    ];

    const client = openClient(t, { ...options, verify: false, timeout: { read: 200, total: 10_000 } });
    let ended = 0;
    const ask = async (id: number): Promise<void> => {
      const chance = random();
      const controller = new AbortController();
      if (chance < 0.1) setTimeout(() => controller.abort(), random() * 20);
      const { signal } = controller;
      const { url } = servers[id % servers.length];
      const content = Buffer.from(`<${id}>`.padEnd(40_000, '-'));
      try {
        if (chance > 0.95) await (await client.stream('GET', url, { signal })).close();
        else if (chance > 0.9) for await (const _ of await client.stream('GET', url, { signal })) break;
        else if (chance > 0.7) await client.post(url, { signal, content });
        else if (chance > 0.6) await client.post(url, { signal, content: pieces(content) });
        else await client.get(url, { signal });
      } catch (error) {
        const isExpected = error instanceof HTTPError || error === signal.reason;
        if (!isExpected) throw error;
      }
      ended += 1;
    };
    let next = 0;
    const asking = Array.from({ length: AT_ONCE }, async () => {
      while (next < IN_ALL) await ask(next++);
    });
    await Promise.all(asking);

    t.is(ended, IN_ALL);
    t.true(acted.length > 50);
    t.is(new Set(acted).size, acted.length, 'no POST was acted upon twice');
    await eventually('no request uses or waits for a connection', () => client.pool.active + client.pool.queued === 0);
    await soon('the client is closed', client.close());
    await eventually('every connection is closed', () => servers.every((server) => server.openConnections() === 0));
  });
}

async function chaosHttp1(connection: RawConnection, acted: string[], random: () => number): Promise<void> {
  for (;;) {
    const { body } = await connection.request();
    note(acted, body);
    const chance = random();
    await sleep(random() * 10);
    if (chance < 0.03) return void connection.socket.destroy();
    if (chance < 0.05) return connection.end();
    if (chance < 0.07) return connection.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    if (chance < 0.08) return void (await connection.rest());
    const content = '-'.repeat(chance < 0.5 ? 100 : 60_000);
    const close = chance < 0.2 ? 'Connection: close\r\n' : '';
    await connection.write(`HTTP/1.1 200 OK\r\n${close}Content-Length: ${content.length}\r\n\r\n${content}`);
    if (chance < 0.2) return connection.end();
  }
}

async function chaosHttp2(connection: RawConnection, acted: string[], random: () => number): Promise<void> {
  await connection.body(24);
  const peer = new Http2Peer(connection);
  await peer.settings([3, 7]);
  /** The streams that are refused, or whose body has been looked at. */
  const known = new Set<number>();
  let last = Infinity;
  const answer = async (stream: number): Promise<void> => {
    const chance = random();
    await sleep(random() * 10);
    if (chance < 0.02) return void connection.socket.destroy();
    if (chance < 0.04) return connection.end();
    if (chance < 0.05) return peer.reset(stream, Code.CANCEL);
    if (chance < 0.06) return;
    await peer.headers(stream, OK);
    await peer.data(stream, '-'.repeat(chance < 0.5 ? 100 : 16_000), chance < 0.1 ? 0 : END_STREAM);
    if (chance < 0.1) await peer.reset(stream, Code.INTERNAL_ERROR);
  };
  for (;;) {
    const { type, flags, stream, payload } = await peer.frame();
    if (type === Type.SETTINGS && flags === 0) await peer.send(Type.SETTINGS, 1, 0);
    if (stream > last) continue;
    if (type === Type.HEADERS) {
      const chance = random();
      if (chance < 0.03) {
        known.add(stream);
        await peer.reset(stream, Code.REFUSED_STREAM);
      } else if (chance < 0.05) {
        last = Math.max(0, stream - 2);
        await peer.goAway(last, Code.NO_ERROR);
      } else answer(stream).catch(() => {});
    }
    if (type === Type.DATA && !known.has(stream)) {
      known.add(stream);
      note(acted, payload.toString('latin1'));
    }
    if (type === Type.DATA && payload.length > 0) {
      // What the windows have lost is given back.
      await peer.windowUpdate(0, payload.length);
      await peer.windowUpdate(stream, payload.length);
    }
  }
}

function note(acted: string[], body: string): void {
  const id = /<\d+>/.exec(body)?.[0];
  if (id !== undefined) acted.push(id);
}

async function* pieces(content: Buffer): AsyncGenerator<Buffer> {
  yield content.subarray(0, 5_000);
  yield content.subarray(5_000);
}
