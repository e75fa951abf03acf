/** The one safe re-send on a connection that died idle, and what must never be taken for a response (rows 30–33, C6). */
import test, { type ExecutionContext } from 'ava';
import { type Client, ReadError, RemoteProtocolError, type RequestOptions } from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { OK, serveRaw, type RawConnection, type RawServer } from '../helpers/server.js';

const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';

const ENDINGS: [
  title: string,
  end: (connection: RawConnection) => unknown,
  error: typeof RemoteProtocolError | typeof ReadError,
][] = [
  ['FIN', (connection) => connection.end(), RemoteProtocolError],
  ['RST', (connection) => connection.reset(), ReadError],
];

const SAFE: [title: string, method: string, options?: RequestOptions][] = [
  ['GET', 'GET'],
  ['HEAD', 'HEAD'],
  ['OPTIONS', 'OPTIONS'],
  ['TRACE', 'TRACE'],
  ['DELETE', 'DELETE'],
  ['PUT', 'PUT', { content: 'body' }],
  ['PUT of 1 MiB', 'PUT', { content: Buffer.alloc(1 << 20, 'x') }],
  ['GET streamed', 'GET', {}],
  ['PUT of a Blob', 'PUT', { content: new Blob(['blob'.repeat(50_000)]) }],
  ['PUT of bytes with progress', 'PUT', { content: Buffer.alloc(200_000, 'x'), onUploadProgress: () => {} }],
  ['PUT of an array', 'PUT', { content: [Buffer.from('one'), Buffer.from('two')] }],
  ['PUT of a multipart form', 'PUT', { files: { file: new Blob(['blob'.repeat(50_000)]) } }],
  ['QUERY', 'QUERY', { content: 'body' }],
  ['PROPFIND', 'PROPFIND', { content: 'body' }],
  ['REPORT', 'REPORT', { content: 'body' }],
  ['SEARCH', 'SEARCH', { content: 'body' }],
  ['POST with Idempotency-Key', 'POST', { content: 'body', headers: { 'idempotency-key': 'k' } }],
  ['POST with X-Idempotency-Key', 'POST', { content: 'body', headers: { 'X-Idempotency-Key': 'k' } }],
];

for (const [ending, end, error] of ENDINGS) {
  for (const [title, method, options] of SAFE) {
    test(`SEC-C7 ${ending} as the second request arrives: ${title} is sent again, once`, async (t) => {
      const { server, client } = await dying(t, end);
      const response = await client.request(method, `${server.url}second`, options);
      t.is(response.statusCode, 200);
      t.is(server.connections(), 2);
      t.is(count(server, /\/second /g), 2);
      if (typeof options?.content === 'string') {
        t.true(server.received[1].endsWith(options.content as string), 'the body is whole the second time');
      }
    });
  }

  for (const [title, method, options] of [
    ['POST', 'POST', { content: 'body' }],
    ['POST without a body', 'POST', {}],
    ['PATCH', 'PATCH', { content: 'body' }],
    ['PUT of a stream', 'PUT', { content: pieces() }],
    ['an unknown method', 'FROB', {}],
  ] as [string, string, RequestOptions][]) {
    test(`SEC-C7 ${ending} as the second request arrives: ${title} is not sent again`, async (t) => {
      const { server, client } = await dying(t, end);
      const failed = await failure(client.request(method, `${server.url}second`, options));
      t.true(failed instanceof error, String(failed));
      t.is(server.connections(), 1);
      t.is(count(server, /\/second /g), 1);
      t.is(told(await client.get(server.url)), '200 ok');
    });
  }

  test(`${ending}: no re-send on a new connection`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      end(connection);
    });
    t.true((await failure(openClient(t).get(server.url))) instanceof error);
    t.is(server.connections(), 1);
  });

  test(`${ending} both times: the error is the second one's, and there is no third`, async (t) => {
    let connections = 0;
    const server = await serveRaw(t, async (connection) => {
      if (connections++ === 0) {
        await connection.request();
        await connection.write(OK);
      }
      await connection.request();
      end(connection);
    });
    const client = openClient(t);
    await client.get(server.url);
    t.true((await failure(client.get(`${server.url}second`))) instanceof error);
    t.is(server.connections(), 2);
  });

  test(`${ending} after a byte of the response: no re-send`, async (t) => {
    const { server, client } = await dying(t, async (connection) => {
      await connection.write('HTTP/1.1');
      await new Promise((resolve) => setTimeout(resolve, 30));
      end(connection);
    });
    t.true((await failure(client.get(`${server.url}second`))) instanceof error);
    t.is(server.connections(), 1);
  });
}

test('several idle connections dead at once: one re-send is enough', async (t) => {
  let round = 0;
  const server = await serveRaw(t, async (connection) => {
    const { head } = await connection.request();
    if (head.startsWith('GET /warm')) {
      while (server.connections() < 3) await new Promise((resolve) => setTimeout(resolve, 2));
      await connection.write(OK);
      await connection.request();
      round += 1;
      return connection.end();
    }
    await connection.write(OK);
  });
  const client = openClient(t);
  await Promise.all([1, 2, 3].map(() => client.get(`${server.url}warm`)));
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 3 idle>');
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(round, 1);
});

// ── SEC-C6: bytes that a server sends unasked are not taken for a response ──

test('SEC-C6 a second response in the same segment', async (t) => {
  const { server, client } = await poisoning(t, (connection) => connection.write(OK + POISON));
  for (let i = 0; i < 50; i++) t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 50);
});

test('SEC-C6 a second response while the connection is idle', async (t) => {
  const poisons: (() => void)[] = [];
  const { server, client } = await poisoning(t, async (connection) => {
    poisons.push(() => connection.socket.write(POISON));
    await connection.write(OK);
  });
  for (let i = 0; i < 5; i++) {
    t.is(told(await client.get(server.url)), '200 ok');
    poisons[i]();
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.is(String(client.pool), '<Pool 0 active, 0 queued | 0 idle>');
  }
  t.is(server.connections(), 5);
});

test('SEC-C6 a second response just as the next request begins', async (t) => {
  let poison = (): unknown => undefined;
  const { server, client } = await poisoning(t, async (connection) => {
    poison = () => connection.socket.write(POISON);
    await connection.write(OK);
  });
  await client.get(server.url);
  for (let i = 0; i < 100; i++) {
    poison();
    t.is(told(await client.get(server.url)), '200 ok');
  }
});

/** The first connection answers once and ends so when the second request is there; the others answer. */
async function dying(
  t: ExecutionContext,
  end: (connection: RawConnection) => unknown,
): Promise<{ server: RawServer; client: Client }> {
  let first = true;
  const server = await serveRaw(t, async (connection) => {
    const dies = first;
    first = false;
    for (let requests = 0; ; requests++) {
      const head = await connection.head();
      if (dies && requests === 1) {
        // A stream of which nothing was taken yet could still be sent from its beginning.
        if (/transfer-encoding/i.test(head)) await connection.body(1);
        return end(connection);
      }
      await connection.body();
      await connection.write(OK);
    }
  });
  const client = openClient(t);
  await client.get(server.url);
  return { server, client };
}

/** Each request is answered so by a connection. */
async function poisoning(
  t: ExecutionContext,
  answer: (connection: RawConnection) => Promise<unknown>,
): Promise<{ server: RawServer; client: Client }> {
  const server = await serveRaw(t, async (connection) => {
    for (;;) {
      await connection.request();
      await answer(connection);
    }
  });
  return { server, client: openClient(t) };
}

function count(server: RawServer, what: RegExp): number {
  return server.received.join('').match(what)?.length ?? 0;
}

async function* pieces(): AsyncGenerator<string> {
  yield 'a';
  yield 'b';
}
