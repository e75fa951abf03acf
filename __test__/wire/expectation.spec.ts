/** `Expect: 100-continue` (RFC 9110 section 10.1.1): what is sent of the body, and when. */
import test from 'ava';
import type { RequestOptions } from '../../src/index.js';
import { eventually, openClient, told } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const EXPECT = { Expect: '100-continue' };

async function* pieces(): AsyncGenerator<Buffer> {
  yield Buffer.from('ab');
  yield Buffer.from('cde');
}

const BODIES: [title: string, content: () => RequestOptions['content'], wire: string][] = [
  ['bytes', () => 'abcde', 'abcde'],
  ['a stream', pieces, '2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n'],
];

for (const [title, content, wire] of BODIES) {
  test(`T12 ${title}: sent after 100, and the connection is kept`, async (t) => {
    let early = '';
    const server = await serveRaw(t, async (connection) => {
      await connection.head();
      early = server.received[0].split('\r\n\r\n')[1];
      await connection.write('HTTP/1.1 100 Continue\r\n\r\n');
      await connection.body();
      await connection.write(OK);
    });
    const client = openClient(t);
    t.is(told(await client.post(server.url, { content: content(), headers: EXPECT })), '200 ok');
    t.is(early, '');
    t.true(server.received[0].endsWith(`\r\n\r\n${wire}`), server.received[0]);
    t.is(client.pool.idle, 1);
  });

  for (const status of ['401 Unauthorized', '417 Expectation Failed', '200 OK']) {
    test(`SEC-J16 T12 ${title}: not sent after ${status}, and the connection is closed`, async (t) => {
      const server = await serveRaw(t, async (connection) => {
        await connection.head();
        await connection.write(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nok`);
        await connection.closed;
      });
      const client = openClient(t);
      const response = await client.post(server.url, { content: content(), headers: EXPECT });
      t.is(told(response), `${status.slice(0, 3)} ok`);
      await eventually('the connection is closed', () => client.pool.active + client.pool.idle === 0);
      t.is(server.received[0].split('\r\n\r\n')[1], '');
    });
  }

  test(`T12 ${title}: sent after a second of silence`, async (t) => {
    const server = await serveRaw(t, OK);
    const response = await openClient(t).post(server.url, { content: content(), headers: EXPECT });
    t.is(told(response), '200 ok');
    t.true(server.received[0].endsWith(`\r\n\r\n${wire}`), server.received[0]);
  });
}

test('T12 without a body nothing waits', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  t.is(told(await client.get(server.url, { headers: EXPECT })), '200 ok');
  t.is(client.pool.idle, 1);
});
