/** A short body that comes with its head: what the doors show of it is what they show of any other. */
import test from 'ava';
import { gzipSync } from 'node:zlib';
import { createDispatcher } from '../../src/drop-in/undici.js';
import { createFetch } from '../../src/drop-in/fetch.js';
import { ReadError, RemoteProtocolError } from '../../src/index.js';
import { eventually, failure, openClient, told } from '../helpers/client.js';
import { Code, END_STREAM, OK, serveHttp2 } from '../helpers/raw-http2.js';
import { type RawConnection, serveRaw } from '../helpers/server.js';

const LONG = 'x'.repeat(20_000);
const ZIPPED = gzipSync('zipped').toString('latin1');

/** What is written, each piece after a pause, and what the body is then. */
const ANSWERS: [title: string, pieces: string[], body: string][] = [
  ['with its head', ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'], 'body'],
  ['after its head', ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', 'body'], 'body'],
  ['in part with its head', ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo', 'dy'], 'body'],
  ['in part, and in parts', ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nb', 'o', 'd', 'y'], 'body'],
  ['no body', ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'], ''],
  ['a status without one', ['HTTP/1.1 204 No Content\r\n\r\n'], ''],
  ['in chunks', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'], 'body'],
  ['as long as the connection', ['HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody', ''], 'body'],
  ['longer', [`HTTP/1.1 200 OK\r\nContent-Length: ${LONG.length}\r\n\r\n${LONG}`], LONG],
  [
    'coded',
    [`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${ZIPPED.length}\r\n\r\n${ZIPPED}`],
    'zipped',
  ],
];

/** Each way to read it. */
const READINGS: Record<string, (response: Response) => Promise<string>> = {
  text: (response) => response.text(),
  bytes: async (response) => Buffer.from(await response.arrayBuffer()).toString('latin1'),
  blob: async (response) => (await response.blob()).text(),
  stream: (response) => (response.body === null ? Promise.resolve('') : new Response(response.body).text()),
  clone: async (response) => {
    const [one, other] = await Promise.all([response.clone().text(), response.text()]);
    return one === other ? one : `${one} and ${other}`;
  },
};

function answering(pieces: readonly string[]) {
  return async (connection: RawConnection): Promise<void> => {
    for (;;) {
      await connection.request();
      for (const [at, piece] of pieces.entries()) {
        if (at > 0) await new Promise((resolve) => setTimeout(resolve, 20));
        if (piece === '') return connection.end();
        await connection.write(piece);
      }
    }
  };
}

for (const [title, pieces, body] of ANSWERS) {
  test(`a body ${title}, by each way to read it`, async (t) => {
    const server = await serveRaw(t, answering(pieces));
    const client = openClient(t);
    for (const [name, read] of Object.entries(READINGS)) {
      t.is(await read(await client.fetch(server.url)), body, name);
    }
    const dispatcher = createDispatcher(client);
    if (title !== 'coded') {
      const { body: read } = await dispatcher.request({ origin: server.origin, path: '/', method: 'GET' });
      t.is(await read.text(), body, 'undici');
    }
    t.is(told(await client.get(server.url)).replace(/^\d+ ?/, ''), body, 'get');
  });
}

test('the connection of a body that was there serves again before it is read', async (t) => {
  const server = await serveRaw(t, answering(ANSWERS[0][1]));
  const client = openClient(t, { poolLimits: { maxConnections: 1 } });
  const unread = await client.fetch(server.url);
  const other = await client.fetch(server.url);
  t.is(server.connections(), 1);
  t.is(`${await unread.text()} ${await other.text()}`, 'body body');
});

test('a streamed response holds its connection until it is read, however short it is', async (t) => {
  const server = await serveRaw(t, answering(ANSWERS[0][1]));
  const client = openClient(t, { poolLimits: { maxConnections: 1 }, timeout: { pool: 50 } });
  const unread = await client.stream('GET', server.url);
  const { name } = await failure(client.get(server.url));
  t.is(name, 'PoolTimeout');
  t.is(String(await unread.read()), 'body');
  await eventually('the connection is free', () => client.pool.idle === 1);
  t.is(told(await client.get(server.url)), '200 body');
});

test('half a body is an error, wherever it is cut', async (t) => {
  for (const part of ['', 'b', 'bod']) {
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${part}`);
      connection.end();
    });
    const response = await createFetch(openClient(t))(server.url);
    const error = await failure(response.text());
    t.is(error.message, 'terminated', part);
    t.true(error.cause instanceof ReadError || error.cause instanceof RemoteProtocolError, String(error.cause));
  }
});

test('over HTTP/2: with its head, without its end, reset', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    const fields = [...OK, ['content-length', '4'] as const];
    for (let at = 0; ; at++) {
      const stream = await peer.request();
      await peer.headers(stream, fields);
      if (at === 2) await peer.reset(stream, Code.INTERNAL_ERROR);
      else await peer.data(stream, 'body', at === 0 ? END_STREAM : 0);
      if (at === 1) await peer.data(stream, '', END_STREAM);
    }
  });
  const { fetch: own } = openClient(t, { httpVersions: 'HTTP/2' });
  t.is(await (await own(server.url)).text(), 'body');
  t.is(await (await own(server.url)).text(), 'body');
  await t.throwsAsync(async () => (await own(server.url)).text());
});

test('redirects and errors with short bodies: one connection, and the body of an error can be read', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    for (;;) {
      const { head } = await connection.request();
      if (head.startsWith('GET /redirect'))
        await connection.write('HTTP/1.1 302 Found\r\nLocation: /gone\r\nContent-Length: 4\r\n\r\naway');
      else await connection.write('HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone');
    }
  });
  const client = openClient(t, { retries: 1 });
  const response = await client.get(`${server.url}redirect`);
  t.is(`${response.statusCode} ${response.text}`, '410 gone');
  t.is(response.history[0].text, 'away');
  t.is(server.connections(), 1);
  t.is(response.numBytesDownloaded, 4);
});

test('what is read below is told as any other: progress, size, elapsed', async (t) => {
  const server = await serveRaw(t, answering(ANSWERS[0][1]));
  const seen: [number, number | null][] = [];
  const client = openClient(t, { retries: 1, maxResponseSize: 3 });
  const response = await openClient(t).get(server.url, {
    onDownloadProgress: (received, total) => void seen.push([received, total]),
  });
  t.is(response.text, 'body');
  t.deepEqual(seen, [[4, 4]]);
  t.true(response.elapsedTotal >= response.elapsed);
  const { name } = await failure(client.get(server.url));
  t.is(name, 'ResponseTooLarge');
});
