/** Settings and windows that change while requests and bodies are on their way (RFC 9113 sections 5.2, 6.5.3 and 6.9). */
import test from 'ava';
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { PoolTimeout, RemoteProtocolError } from '../../src/index.js';
import { eventually, failure, gate, openClient, soon, told } from '../helpers/client.js';
import { ACK, END_STREAM, type Frame, type Http2Peer, OK, PADDED, serveHttp2, Type } from '../helpers/raw-http2.js';

const MAX_CONCURRENT_STREAMS = 3;
const INITIAL_WINDOW_SIZE = 4;
const MAX_FRAME_SIZE = 5;

const DEFAULT_WINDOW = 65_535;
const BODY = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));

/** The DATA that comes before the client has read all that was sent to it so far. */
async function dataUntilPing(peer: Http2Peer): Promise<Frame[]> {
  const data: Frame[] = [];
  await peer.send(Type.PING, 0, 0, Buffer.alloc(8));
  for (;;) {
    const frame = await peer.frame();
    if (frame.type === Type.DATA) data.push(frame);
    if (frame.type === Type.PING && (frame.flags & ACK) !== 0) return data;
  }
}

const lengthOf = (frames: readonly Frame[]): number => frames.reduce((sum, { payload }) => sum + payload.length, 0);

/** The rest of the body, with as much window as it needs. */
async function restOf(peer: Http2Peer, stream: number): Promise<Frame[]> {
  const data: Frame[] = [];
  for (;;) {
    const frame = await peer.next(Type.DATA);
    data.push(frame);
    if ((frame.flags & END_STREAM) !== 0) return data;
    if (frame.payload.length > 0) {
      await peer.windowUpdate(0, frame.payload.length);
      await peer.windowUpdate(stream, frame.payload.length);
    }
  }
}

const bodyOf = (frames: readonly Frame[]): Buffer => Buffer.concat(frames.map(({ payload }) => payload));

test('a window that becomes negative: nothing is sent until it is positive again, and the body is whole', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    const stream = await peer.request();
    const data = await dataUntilPing(peer);
    while (lengthOf(data) < DEFAULT_WINDOW) data.push(await peer.next(Type.DATA));
    t.is(lengthOf(data), DEFAULT_WINDOW);
    // The connection's window is no obstacle from here on; the stream's is -65,535, and then -1.
    await peer.windowUpdate(0, 10_000_000);
    await peer.settings([INITIAL_WINDOW_SIZE, 0]);
    await peer.windowUpdate(stream, DEFAULT_WINDOW - 1);
    t.is(lengthOf(await dataUntilPing(peer)), 0);
    await peer.windowUpdate(stream, 1);
    t.is(lengthOf(await dataUntilPing(peer)), 0);
    await peer.windowUpdate(stream, 1);
    data.push(await peer.next(Type.DATA));
    t.is(lengthOf(data), DEFAULT_WINDOW + 1);
    // It grows by what the setting does.
    await peer.settings([INITIAL_WINDOW_SIZE, 1_000]);
    const more = [await peer.next(Type.DATA)];
    while (lengthOf(more) < 1_000) more.push(await peer.next(Type.DATA));
    t.is(lengthOf(more), 1_000);
    t.is(lengthOf(await dataUntilPing(peer)), 0);
    await peer.windowUpdate(stream, 1_000);
    data.push(...more, ...(await restOf(peer, stream)));
    t.deepEqual(bodyOf(data), BODY);
    await peer.answer(stream);
    // A new stream begins with what the setting is now.
    const next = await peer.request();
    const first = await peer.next(Type.DATA);
    t.is(lengthOf([first, ...(await dataUntilPing(peer))]), 1_000);
    await peer.answer(next);
    await peer.connection.closed;
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', timeout: null, poolLimits: { keepaliveExpiry: null } });
  t.is(told(await soon('the first answer', client.put(server.url, { content: BODY }))), '200 ok');
  t.is(told(await soon('the second answer', client.put(server.url, { content: BODY }))), '200 ok');
  t.is(server.connections(), 1);
});

test('a window that goes up and down 2,000 times in an upload', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    const stream = await peer.request();
    for (let i = 0; i < 1_000; i++) {
      await peer.settings([INITIAL_WINDOW_SIZE, 0], [INITIAL_WINDOW_SIZE, 2 ** 20]);
      await peer.settings([INITIAL_WINDOW_SIZE, i]);
    }
    await peer.windowUpdate(0, 10_000_000);
    await peer.windowUpdate(stream, 10_000_000);
    t.deepEqual(bodyOf(await restOf(peer, stream)), BODY);
    await peer.answer(stream);
    await peer.connection.closed;
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', timeout: null, poolLimits: { keepaliveExpiry: null } });
  t.is(told(await soon('an answer', client.put(server.url, { content: BODY }))), '200 ok');
});

test('frames are never larger than the peer allows, also when it allows less again', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings([MAX_FRAME_SIZE, 100_000], [INITIAL_WINDOW_SIZE, 10_000_000]);
    await peer.windowUpdate(0, 10_000_000);
    for (const [most, least] of [
      [100_000, 16_385],
      [16_384, 1],
    ]) {
      const stream = await peer.request();
      const data = await restOf(peer, stream);
      const sizes = data.map(({ payload }) => payload.length);
      t.true(Math.max(...sizes) <= most && Math.max(...sizes) >= least, String(sizes));
      t.deepEqual(bodyOf(data), BODY);
      await peer.settings([MAX_FRAME_SIZE, 16_384]);
      await dataUntilPing(peer);
      await peer.answer(stream);
    }
    await peer.connection.closed;
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', timeout: null, poolLimits: { keepaliveExpiry: null } });
  // The settings are known to the second one.
  await client.put(server.url, { content: BODY });
  await client.put(server.url, { content: BODY });
  t.is(server.connections(), 1);
});

const OVERFLOWS: [
  name: string,
  overflow: (peer: Http2Peer, stream: number) => unknown,
  code: string,
  message: RegExp,
][] = [
  [
    'WINDOW_UPDATE of the stream',
    async (peer, stream) => {
      await peer.windowUpdate(stream, 2 ** 31 - 1);
      await peer.windowUpdate(stream, 2 ** 31 - 1);
    },
    'ERR_HTTP2_STREAM_ERROR',
    /sent no valid HTTP\/2 response \(FLOW_CONTROL_ERROR\)/,
  ],
  [
    'WINDOW_UPDATE of the connection',
    async (peer) => {
      await peer.windowUpdate(0, 2 ** 31 - 1);
      await peer.windowUpdate(0, 2 ** 31 - 1);
    },
    'ERR_HTTP2_SESSION_ERROR',
    /broke the rules of HTTP\/2 \(FLOW_CONTROL_ERROR\)/,
  ],
  [
    'SETTINGS',
    async (peer, stream) => {
      await peer.windowUpdate(stream, 2 ** 30);
      await peer.settings([INITIAL_WINDOW_SIZE, 2 ** 31 - 1]);
    },
    // h2 resets the stream first, and ends the connection then.
    'ERR_HTTP2_STREAM_ERROR',
    /sent no valid HTTP\/2 response \(FLOW_CONTROL_ERROR\)/,
  ],
];

for (const [name, overflow, code, message] of OVERFLOWS) {
  for (const [body, content] of [
    ['bytes', () => BODY],
    ['a stream that waits', endless],
  ] as const) {
    test(`SEC-L10 a window that ${name} takes beyond 2^31 - 1 is an error at once: ${body}`, async (t) => {
      let isFirst = true;
      const server = await serveHttp2(t, async (peer) => {
        await peer.settings();
        const stream = await peer.request();
        if (isFirst) {
          isFirst = false;
          // Nothing is left of it.
          await dataUntilPing(peer);
          await overflow(peer, stream);
        } else await peer.answer(stream);
        for (;;) await peer.answer(await peer.request());
      });
      const client = openClient(t, { httpVersions: 'HTTP/2', timeout: null, poolLimits: { keepaliveExpiry: null } });
      const error = await soon('an error', failure(client.post(server.url, { content: content() })));
      t.true(error instanceof RemoteProtocolError, String(error));
      t.is((error as RemoteProtocolError).code, code);
      t.regex(error.message, message);
      t.is(told(await soon('the next answer', client.get(server.url))), '200 ok');
    });
  }
}

async function* endless(): AsyncGenerator<Uint8Array> {
  yield BODY;
  await new Promise(() => {});
}

test('padding is part of the windows, and is given back', async (t) => {
  const PADDING = 254;
  const payload = Buffer.concat([Buffer.from([PADDING]), Buffer.from('x'), Buffer.alloc(PADDING)]);
  const COUNT = 40_000;
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    // Before that the client's windows are not what it has told.
    await peer.send(Type.SETTINGS, ACK, 0);
    const stream = await peer.request();
    await peer.headers(stream, OK);
    // As many as the windows that the client has told take, and no more.
    let [connection, own] = [4 * 1024 * 1024, 1024 * 1024];
    let sent = 0;
    const grow = async (): Promise<void> => {
      const update = await peer.next(Type.WINDOW_UPDATE);
      if (update.stream === 0) connection += update.payload.readUInt32BE();
      else own += update.payload.readUInt32BE();
    };
    while (sent < COUNT) {
      const burst = Math.min(COUNT - sent, Math.floor(Math.min(connection, own) / payload.length));
      if (burst === 0) {
        await grow();
        continue;
      }
      for (let i = 0; i < burst; i++) void peer.send(Type.DATA, PADDED, stream, payload).catch(() => {});
      sent += burst;
      connection -= burst * payload.length;
      own -= burst * payload.length;
    }
    await peer.data(stream, '', END_STREAM);
    await peer.connection.closed;
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', timeout: null, poolLimits: { keepaliveExpiry: null } });
  const response = await soon('the whole body', client.get(server.url));
  t.is(response.text.length, COUNT);
});

test('MAX_CONCURRENT_STREAMS 0 and then more: what has no other connection waits, under the pool timeout', async (t) => {
  const [held, raised, zero] = [gate(), gate(), gate()];
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings([MAX_CONCURRENT_STREAMS, 100]);
    await peer.answer(await peer.request());
    const stream = await peer.request();
    await peer.settings([MAX_CONCURRENT_STREAMS, 0]);
    await peer.ping();
    zero.open();
    await held.promise;
    await peer.answer(stream);
    await raised.promise;
    await peer.settings([MAX_CONCURRENT_STREAMS, 2]);
    let open = 0;
    for (;;) {
      const next = await peer.request();
      t.true(++open <= 2, `${open} streams`);
      setImmediate(() => {
        open -= 1;
        peer.answer(next).catch(() => {});
      });
    }
  });
  const client = openClient(t, {
    httpVersions: 'HTTP/2',
    timeout: null,
    poolLimits: { maxConnectionsPerOrigin: 1, keepaliveExpiry: null },
  });
  t.is(told(await client.get(server.url)), '200 ok');
  const first = client.get(server.url);
  await soon('the limit', zero.promise);
  const others = Array.from({ length: 10 }, () => client.get(server.url));
  const late = await soon('a timeout', failure(client.get(server.url, { timeout: { pool: 50 } })));
  t.true(late instanceof PoolTimeout, String(late));
  held.open();
  t.is(told(await soon('the answer that was held', first)), '200 ok');
  const idle = await soon('a timeout', failure(client.get(server.url, { timeout: { pool: 50 } })));
  t.true(idle instanceof PoolTimeout, String(idle));
  raised.open();
  t.deepEqual(new Set((await soon('all answers', Promise.all(others))).map(told)), new Set(['200 ok']));
  t.is(server.connections(), 1);
  await eventually('no connection is in use', () => client.pool.active === 0);
});

test('HEADER_TABLE_SIZE that changes with every request: the sections are read as they were written', async (t) => {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer((request, response) => response.end(String(request.headers['x-number'])));
  server.on('session', (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', poolLimits: { keepaliveExpiry: null } });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const sizes = [4096, 0, 2 ** 31 - 1, 0, 1, 64, 4096, 100, 0, 65_536];
  for (let i = 0; i < 60; i++) {
    const headers = { 'x-number': String(i), 'x-long': 'v'.repeat((i * 37) % 500), [`x-name-${i % 7}`]: String(i % 3) };
    const both = Promise.all([1, 2].map(() => client.get(url, { headers })));
    t.deepEqual((await soon(`answers ${i}`, both)).map(told), [`200 ${i}`, `200 ${i}`]);
    for (const session of sessions) {
      await new Promise((resolve) => session.settings({ headerTableSize: sizes[i % sizes.length] }, resolve));
    }
  }
  t.is(sessions.size, 1);
});

test('settings that are acknowledged only the first time hold nothing up', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    await peer.send(Type.SETTINGS, ACK, 0);
    for (;;) {
      const stream = await peer.request();
      await peer.headers(stream, OK);
      // Enough for the client to want a larger window.
      for (let i = 0; i < 60; i++) await peer.data(stream, Buffer.alloc(16_384));
      await peer.data(stream, '', END_STREAM);
    }
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', timeout: null, poolLimits: { keepaliveExpiry: null } });
  for (let i = 0; i < 10; i++) {
    t.is((await soon(`answer ${i}`, client.get(server.url))).content.length, 60 * 16_384);
  }
  t.is(server.connections(), 1);
});
