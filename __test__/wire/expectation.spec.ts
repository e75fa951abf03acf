/** `Expect: 100-continue` (RFC 9110 section 10.1.1): what is sent of the body, and when. */
import test from 'ava';
import { RemoteProtocolError, type RequestOptions } from '../../src/index.js';
import { eventually, failure, openClient, told } from '../helpers/client.js';
import { ACK, Code, END_STREAM, type Http2Peer, serveHttp2, Type } from '../helpers/raw-http2.js';
import { OK, serveRaw } from '../helpers/server.js';

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
  // Serial, as those below: the body follows after a second of silence, and other tests of this file may have the thread for as long.
  test.serial(`T12 ${title}: sent after 100, and the connection is kept`, async (t) => {
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
    test.serial(`SEC-J16 T12 ${title}: not sent after ${status}, and the connection is closed`, async (t) => {
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

// ── HTTP/2 ──

/** The next frames of a request's body, up to END_STREAM. */
async function bodyOf(peer: Http2Peer): Promise<string> {
  let body = '';
  for (;;) {
    const { flags, payload } = await peer.next(Type.DATA);
    body += payload.toString('latin1');
    if (flags & END_STREAM) return body;
  }
}

/** Whether nothing of a body has come, when the client has answered a PING that was sent behind it all. */
async function isSilent(peer: Http2Peer): Promise<boolean> {
  await peer.send(Type.PING, 0, 0, Buffer.alloc(8, 'x'));
  for (;;) {
    const { type, flags } = await peer.frame();
    if (type === Type.DATA) return false;
    if (type === Type.PING && flags === ACK) return true;
  }
}

for (const [title, content] of BODIES) {
  test(`T12 ${title} over HTTP/2: sent after 100`, async (t) => {
    let early = true;
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      const stream = await peer.request();
      early = !(await isSilent(peer));
      await peer.headers(stream, [[':status', '103']]);
      early ||= !(await isSilent(peer));
      await peer.headers(stream, [[':status', '100']]);
      await peer.answer(stream, await bodyOf(peer));
      await peer.connection.closed;
    });
    const client = openClient(t, { httpVersions: 'HTTP/2' });
    t.is(told(await client.post(server.url, { content: content(), headers: EXPECT })), '200 abcde');
    t.false(early);
  });

  for (const status of ['401', '417', '200']) {
    test(`SEC-J16 T12 ${title} over HTTP/2: not sent after ${status}, and the connection goes on`, async (t) => {
      const silent: boolean[] = [];
      const server = await serveHttp2(t, async (peer) => {
        await peer.settings();
        const stream = await peer.request();
        silent.push(await isSilent(peer));
        await peer.headers(stream, [[':status', status]]);
        await peer.data(stream, 'no', END_STREAM);
        silent.push(await isSilent(peer));
        await peer.answer(await peer.request());
        await peer.connection.closed;
      });
      const client = openClient(t, { httpVersions: 'HTTP/2' });
      t.is(told(await client.post(server.url, { content: content(), headers: EXPECT })), `${status} no`);
      t.is(told(await client.get(server.url)), '200 ok');
      t.is(server.connections(), 1);
      t.deepEqual(silent, [true, true]);
    });
  }

  test(`T12 ${title} over HTTP/2: sent after a second of silence`, async (t) => {
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      const stream = await peer.request();
      await peer.answer(stream, await bodyOf(peer));
      await peer.connection.closed;
    });
    const client = openClient(t, { httpVersions: 'HTTP/2' });
    t.is(told(await client.post(server.url, { content: content(), headers: EXPECT })), '200 abcde');
  });
}

test('T12 over HTTP/2 a stream that is reset, and a caller that gives up, while the body waits', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    await peer.reset(await peer.request(), Code.CANCEL);
    await peer.request();
    await peer.connection.closed;
  });
  const client = openClient(t, { httpVersions: 'HTTP/2' });
  const ask = (signal?: AbortSignal) => failure(client.post(server.url, { content: 'abcde', headers: EXPECT, signal }));
  t.true((await ask()) instanceof RemoteProtocolError);
  t.is((await ask(AbortSignal.timeout(50))).name, 'TimeoutError');
  await eventually('no stream is left', () => client.pool.active === 0);
});

test('T12 without a body nothing waits', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  t.is(told(await client.get(server.url, { headers: EXPECT })), '200 ok');
  t.is(client.pool.idle, 1);
});
