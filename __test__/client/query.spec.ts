/** QUERY (RFC 10008): safe and idempotent, with a body. */
import test from 'ava';
import * as whippet from '../../src/index.js';
import { query, Request, RemoteProtocolError, Response, MockDispatch } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { OK, type RawConnection, serveRaw } from '../helpers/server.js';

/** Method, target and body of a request as it was written. */
function parse(text: string): string {
  const [, method, target, body] = /^(\S+) (\S+) HTTP\/1\.1\r\n[^]*?\r\n\r\n([^]*)$/.exec(text) ?? [];
  return `${method} ${target} ${body}`;
}

test('client.query() and query() send it, with what is asked as the body', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  t.is((await client.query(server.url, { json: { a: 1 } })).text, 'ok');
  t.regex(server.received[0], /^QUERY \/ HTTP\/1\.1\r\n[^]*Content-Type: application\/json\r\n\r\n\{"a":1\}$/);
  t.is((await query(server.url, { content: 'a=1', headers: { 'Content-Type': 'text/plain' } })).text, 'ok');
  t.is(parse(server.received[1]), 'QUERY / a=1');
  t.is(typeof whippet.query, 'function');
});

test('without a body it says so', async (t) => {
  const server = await serveRaw(t, OK);
  await openClient(t).query(server.url);
  t.regex(server.received[0], /\r\nContent-Length: 0\r\n/);
  t.is(new Request('query', 'http://a.test/').headers.get('content-length'), '0');
});

test('redirects: 301, 302, 307 and 308 ask again in the other place, 303 fetches what is there', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await serveRaw(t, [`HTTP/1.1 ${status} X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n`, OK]);
    const response = await openClient(t).query(`${server.origin}/a`, { content: 'q' });
    const [, second] = server.received[0].split(/(?=(?:QUERY|GET) \/b)/);
    t.is(parse(second), status === 303 ? 'GET /b ' : 'QUERY /b q', String(status));
    t.is(response.request.method, status === 303 ? 'GET' : 'QUERY');
    t.is(response.request.headers.has('content-length'), status !== 303);
  }
});

test('a connection that died idle costs it nothing', async (t) => {
  const server = await serveRaw(t, async (connection: RawConnection) => {
    await connection.request();
    await connection.write(OK);
    await connection.request();
    if (server.received.length === 1) return connection.end();
    await connection.write(OK);
  });
  const client = openClient(t);
  await client.query(server.url, { content: '1' });
  t.is((await client.query(server.url, { content: '2' })).text, 'ok');
  t.deepEqual(
    server.received.map(parse).map((text) => text.slice(0, 9)),
    ['QUERY / 1', 'QUERY / 2'],
  );
});

test('retries take it for idempotent; without any it fails', async (t) => {
  const handler = (failures: number) => {
    let left = failures;
    return new MockDispatch(() => {
      if (left-- > 0) throw new RemoteProtocolError('cut');
      return new Response(200, { text: 'ok' });
    });
  };
  const dispatch = handler(2);
  const client = openClient(t, { dispatch, retries: { limit: 2, backoff: () => 0 } });
  t.is((await client.query('http://a.test/', { content: 'q' })).text, 'ok');
  t.deepEqual(
    dispatch.requests.map(({ content }) => String(content)),
    ['q', 'q', 'q'],
  );
  t.is((await failure(openClient(t, { dispatch: handler(1) }).query('http://a.test/'))).message, 'cut');
});

test('bad arguments', async (t) => {
  const client = openClient(t);
  t.regex((await failure(client.query('http://a.test/', { query: 'a' } as never))).message, /query/);
  t.regex((await failure(client.query('http://a.test/', null as never))).message, /^options of client\.query\(\)/);
  t.regex((await failure(query('http://a.test/', 1 as never))).message, /query\(\)/);
});
