/** The five timeouts over real sockets. How long they take is not asserted: only which one it is, and what it says. */
import test, { type ExecutionContext } from 'ava';
import {
  type ClientOptions,
  ConnectTimeout,
  PoolTimeout,
  ReadTimeout,
  TimeoutConfig,
  TimeoutException,
  TotalTimeout,
  WriteTimeout,
} from '../../src/index.js';
import { blackhole } from '../helpers/blackhole.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { OK, serveRaw, type RawServer } from '../helpers/server.js';

type Class = new (message: string) => TimeoutException;

/**
 * For a timeout that must not be over before something else has happened: such tests are serial, so that no other of this file has the
 * thread that it happens on.
 */
const LONG_MS = 1500;

// ── pool ──

test('pool: no connection becomes free', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { poolLimits: { maxConnections: 1 } });
  const first = await client.stream('GET', server.url);
  const error = await runsOut(t, PoolTimeout, client.get(server.url, { timeout: { pool: 30 } }));
  t.is(reasonOf(error), `PoolTimeout: no free connection for ${server.origin} within 30 ms`);
  t.is(String(client.pool), '<Pool 1 active, 0 queued | 0 idle>');
  t.is((await first.read()).toString(), 'ok');
  await eventually('the connection is free', () => client.pool.idle === 1);
  t.is(told(await client.get(server.url, { timeout: { pool: 30 } })), '200 ok');
});

test('pool: 1 is fine while there is room, and an error at once when there is none', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { poolLimits: { maxConnections: 1 }, timeout: { pool: 1 } });
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(told(await client.get(server.url)), '200 ok');
  const first = await client.stream('GET', server.url);
  const error = await runsOut(t, PoolTimeout, client.get(server.url));
  t.regex(error.message, /within 1 ms/);
  t.is((await first.read()).toString(), 'ok');
});

test('pool: a connection that is given back in time is taken', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { poolLimits: { maxConnections: 1 } });
  const first = await client.stream('GET', server.url);
  const second = client.get(server.url, { timeout: { pool: 30_000 } });
  await eventually('the second is queued', () => client.pool.queued === 1);
  await first.read();
  t.is(told(await second), '200 ok');
});

// ── connect ──

test('connect: the SYN is not answered (a full backlog)', async (t) => {
  const port = await blackhole(t);
  const client = openClient(t, { timeout: { connect: 100 } });
  const error = await runsOut(t, ConnectTimeout, client.get(`http://127.0.0.1:${port}/`));
  t.is(reasonOf(error), `ConnectTimeout: no connection to http://127.0.0.1:${port} within 100 ms`);
  await eventually('the place is free', () => client.pool.active === 0);
});

test('connect: the TLS handshake hangs', async (t) => {
  const server = await serveRaw(t, (connection) => connection.closed);
  const client = openClient(t, { timeout: { connect: 60 } });
  const error = await runsOut(t, ConnectTimeout, client.get(`https://127.0.0.1:${server.port}/`));
  t.is(reasonOf(error), `ConnectTimeout: no connection to https://127.0.0.1:${server.port} within 60 ms`);
  await closes(server);
});

test('connect: 1', async (t) => {
  const server = await serveRaw(t, (connection) => connection.closed);
  const sent = openClient(t).get(`https://127.0.0.1:${server.port}/`, { timeout: { connect: 1 } });
  await runsOut(t, ConnectTimeout, sent);
});

// ── write ──

test('write: the server takes no more of a large body', async (t) => {
  const server = await serveRaw(t, deaf);
  const client = openClient(t, { timeout: { write: 60, read: 30_000 } });
  const error = await runsOut(t, WriteTimeout, client.post(server.url, { content: Buffer.alloc(32 << 20) }));
  t.is(reasonOf(error), `WriteTimeout: ${server.origin} took no data for 60 ms`);
  await eventually('the place is free', () => client.pool.active === 0);
});

test('write: the server takes no more of a stream, whose producer is told', async (t) => {
  const server = await serveRaw(t, deaf);
  let ended = 0;
  async function* content() {
    try {
      for (;;) yield new Uint8Array(65_536);
    } finally {
      ended += 1;
    }
  }
  const client = openClient(t, { timeout: { write: 60 } });
  await runsOut(t, WriteTimeout, client.post(server.url, { content: content() }));
  await eventually('the producer is told', () => ended === 1);
});

test.serial('write and read: a slow producer is not the server’s fault', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    const { body } = await connection.request();
    await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  async function* content() {
    yield 'a';
    await pause(LONG_MS + 200);
    yield 'b';
  }
  const response = await openClient(t, { timeout: LONG_MS }).post(server.url, { content: content() });
  t.is(response.text, '1\r\na\r\n1\r\nb\r\n0\r\n\r\n');
});

// ── read ──

const SILENCES: [title: string, said: string][] = [
  ['no byte', ''],
  ['in the middle of the head', 'HTTP/1.1 200 OK\r\nX'],
  ['after an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ['before the body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'],
  ['in the middle of the body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
  ['in the middle of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc'],
  ['before the last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
];

for (const [title, said] of SILENCES) {
  test(`read: silence, ${title}`, async (t) => {
    const server = await serveRaw(t, saying(said));
    const client = openClient(t, { timeout: { read: 60 } });
    const error = await runsOut(t, ReadTimeout, client.get(server.url));
    t.is(reasonOf(error), `ReadTimeout: no data from ${server.origin} for 60 ms`);
    await closes(server);
    t.is(String(client.pool), '<Pool 0 active, 0 queued | 0 idle>');
  });
}

test.serial('read: silence in the middle of a streamed body', async (t) => {
  const server = await serveRaw(t, saying('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
  const response = await openClient(t, { timeout: { read: LONG_MS } }).stream('GET', server.url);
  const pieces: string[] = [];
  const reading = async () => {
    for await (const piece of response) pieces.push(piece.toString());
  };
  await runsOut(t, ReadTimeout, reading());
  t.is(pieces.join(''), 'abc');
  t.true(response.isClosed);
});

test.serial('SEC-K17 read: counts silence, not the whole', async (t) => {
  const server = await serveRaw(t, dripping('0123456789', (LONG_MS + 200) / 10));
  t.is((await openClient(t, { timeout: { read: LONG_MS } }).get(server.url)).text, '0123456789');
});

test.serial('read: a consumer who takes his time is not the server’s fault', async (t) => {
  const server = await serveRaw(t, OK);
  const response = await openClient(t, { timeout: { read: LONG_MS } }).stream('GET', server.url);
  await pause(LONG_MS + 200);
  t.is((await response.read()).toString(), 'ok');
});

test('read: a body after which nothing comes is not waited for', async (t) => {
  const server = await serveRaw(t, saying(OK));
  t.is(told(await openClient(t, { timeout: { read: 30_000 } }).get(server.url)), '200 ok');
});

test('read: 1', async (t) => {
  const server = await serveRaw(t, saying(''));
  await runsOut(t, ReadTimeout, openClient(t).get(server.url, { timeout: { read: 1 } }));
});

// ── total ──

test('SEC-K17 total: a dripping body', async (t) => {
  const server = await serveRaw(t, dripping('x'.repeat(1000), 20));
  const client = openClient(t, { timeout: { total: 150 } });
  const error = await runsOut(t, TotalTimeout, client.get(server.url));
  t.is(reasonOf(error), `TotalTimeout: ${server.origin} did not finish within 150 ms in all`);
  await closes(server);
});

test('total: while queued, connecting, uploading and waiting for the head', async (t) => {
  const server = await serveRaw(t, saying(''));
  const limited = { timeout: { total: 60 } };
  const queued = openClient(t, { poolLimits: { maxConnections: 1 } });
  const first = failure(queued.get(server.url, { timeout: { read: 1000 } }));
  await runsOut(t, TotalTimeout, queued.get(server.url, limited));
  const client = openClient(t);
  await runsOut(t, TotalTimeout, client.get(`https://127.0.0.1:${server.port}/`, limited));
  await runsOut(t, TotalTimeout, client.post(server.url, { content: stuck(), ...limited }));
  await runsOut(t, TotalTimeout, client.get(server.url, limited));
  await runsOut(t, TotalTimeout, client.get(server.url, { timeout: { total: 1 } }));
  await eventually('all places are free', () => client.pool.active === 0);
  await first;
});

test.serial('total: a streamed body, though it is not read', async (t) => {
  const server = await serveRaw(t, saying('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
  const response = await openClient(t, { timeout: { total: LONG_MS } }).stream('GET', server.url);
  await pause(LONG_MS + 200);
  await runsOut(t, TotalTimeout, response.read());
});

// ── which one holds ──

const HOLDS: [title: string, client: ClientOptions['timeout'], request: ClientOptions['timeout'], runsOut: boolean][] =
  [
    ['the client’s', 60, undefined, true],
    ['the request’s before the client’s', 30_000, { read: 60 }, true],
    ['null before the client’s', 60, null, false],
    [
      'a TimeoutConfig before the client’s: kinds left out are off',
      60,
      new TimeoutConfig({ connectTimeout: 30_000 }),
      false,
    ],
    ['a plain object inherits what it does not name', { read: 60 }, { connect: 30_000 }, true],
    ['null of one kind', { read: 60 }, { read: null }, false],
  ];

for (const [title, ofClient, ofRequest, expires] of HOLDS) {
  test(`which timeout holds: ${title}`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      if (!expires) await pause(150);
      else await connection.closed;
      await connection.write(OK);
    });
    const sent = openClient(t, { timeout: ofClient }).get(server.url, { timeout: ofRequest });
    if (expires) await runsOut(t, ReadTimeout, sent);
    else t.is(told(await sent), '200 ok');
  });
}

test('a Request that is sent gets the client’s timeout, or its own', async (t) => {
  const server = await serveRaw(t, saying(''));
  const client = openClient(t, { timeout: { read: 60 } });
  await runsOut(t, ReadTimeout, client.send(client.buildRequest('GET', server.url)));
  client.timeout = 30_000;
  await runsOut(t, ReadTimeout, client.send(client.buildRequest('GET', server.url), { timeout: { read: 60 } }));
});

async function runsOut(t: ExecutionContext, kind: Class, sent: Promise<unknown>): Promise<TimeoutException> {
  const error = (await failure(soon('a timeout', sent))) as TimeoutException;
  t.true(error instanceof kind, `${error.name}: ${error.message}`);
  t.true(error instanceof TimeoutException);
  t.is(error.code, `ERR_${kind.name.replace(/(?<=.)([A-Z])/g, '_$1').toUpperCase()}`);
  t.regex(error.request?.url.toString() ?? '', /^https?:\/\/127\.0\.0\.1:/);
  return error;
}

async function closes(server: RawServer): Promise<void> {
  await eventually('the server sees the connection close', () => server.openConnections() === 0);
}

type Script = Exclude<Parameters<typeof serveRaw>[1], string | readonly string[]>;

function saying(text: string): Script {
  return async (connection) => {
    await connection.head();
    if (text !== '') await connection.write(text);
    await connection.closed;
  };
}

function dripping(text: string, every: number): Script {
  return async (connection) => {
    await connection.request();
    await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`);
    for (const byte of text) {
      await pause(every);
      await connection.write(byte);
    }
  };
}

const deaf: Script = async (connection) => {
  await connection.head();
  connection.socket.pause();
  await connection.closed;
};

async function* stuck(): AsyncGenerator<string> {
  yield 'x';
  await new Promise(() => {});
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
