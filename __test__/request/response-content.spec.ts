/** A response as the body of a request, and the headers that a gateway passes on. */
import test from 'ava';
import { gzipSync } from 'node:zlib';
import { Headers, LocalProtocolError, Response, StreamClosed, StreamConsumed } from '../../src/index.js';
import { eventually, failure, openClient } from '../helpers/client.js';
import { bytesOf, sha256 } from '../helpers/files.js';
import { serve } from '../helpers/server.js';

test('forwardable: without what belongs to the connection', (t) => {
  const cases: [given: [string, string][], left: [string, string][]][] = [
    [[], []],
    [
      [
        ['A', '1'],
        ['a', '2'],
        ['Content-Encoding', 'gzip'],
      ],
      [
        ['A', '1'],
        ['a', '2'],
        ['Content-Encoding', 'gzip'],
      ],
    ],
    [
      [
        ['Connection', 'close'],
        ['Keep-Alive', 'timeout=5'],
        ['Proxy-Connection', 'keep-alive'],
        ['TE', 'trailers'],
        ['Transfer-Encoding', 'chunked'],
        ['Upgrade', 'h2c'],
        ['Proxy-Authorization', 'Basic x'],
        ['Proxy-Authenticate', 'Basic realm="x"'],
        ['Trailer', 'X-Sum'],
        ['Content-Length', '3'],
        ['Set-Cookie', 'a=1, b'],
        ['Set-Cookie', 'c=2'],
      ],
      [
        ['Trailer', 'X-Sum'],
        ['Content-Length', '3'],
        ['Set-Cookie', 'a=1, b'],
        ['Set-Cookie', 'c=2'],
      ],
    ],
    [
      [
        ['connection', 'X-One , close'],
        ['Connection', ',x-TWO,,'],
        ['X-One', '1'],
        ['x-two', '2'],
        ['X-Three', '3'],
      ],
      [['X-Three', '3']],
    ],
    [
      [
        ['Connection', 'Connection'],
        ['A', '1'],
      ],
      [['A', '1']],
    ],
  ];
  for (const [given, left] of cases) {
    const headers = new Headers(given);
    t.deepEqual([...headers.forwardable().raw], left);
    t.deepEqual([...headers.raw], given, 'a copy');
  }
});

const content = bytesOf(400_000);
const coded = gzipSync(content);

test('a streamed response is sent on as it arrives: decoded, or as the headers say', async (t) => {
  const source = await serve(t, (request, response) => {
    const isCoded = request.url === '/coded';
    const body = isCoded ? coded : content;
    if (request.url !== '/chunked') response.setHeader('content-length', body.length);
    response.writeHead(200, isCoded ? { 'content-encoding': 'gzip' } : {}).end(body);
  });
  const target = await serve(t, async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { 'content-length': length, 'content-encoding': coding } = request.headers;
    response.end(JSON.stringify([sha256(Buffer.concat(pieces)), length ?? null, coding ?? null]));
  });
  const client = openClient(t);
  const [plain, raw] = [sha256(content), sha256(coded)];
  const cases: [path: string, passesHeaders: boolean, expected: unknown[]][] = [
    ['/plain', false, [plain, String(content.length), null]],
    ['/plain', true, [plain, String(content.length), null]],
    ['/chunked', true, [plain, null, null]],
    ['/coded', false, [plain, null, null]],
    ['/coded', true, [raw, String(coded.length), 'gzip']],
  ];
  for (const [path, passesHeaders, expected] of cases) {
    const response = await client.stream('GET', source.origin + path);
    const headers = passesHeaders ? response.headers.forwardable() : undefined;
    const answer = await client.put(target.url, { content: response, headers });
    t.deepEqual(answer.json(), expected, `${path} ${passesHeaders}`);
  }
  // The connections of both sides serve again.
  await eventually('all connections are idle', () => client.pool.active === 0);
});

test('one that was read has its bytes; one that cannot be read, or whose coding is gone, is refused', async (t) => {
  const client = openClient(t, { app: async (request) => new globalThis.Response(await request.text()) });
  t.is((await client.post('/', { content: new Response(200, { text: 'abc' }) })).text, 'abc');
  t.is((await client.post('/', { content: new Response(204) })).text, '');
  const server = await serve(t, (_, response) => response.setHeader('content-encoding', 'gzip').end(coded));
  const network = openClient(t);
  const whole = await network.get(server.url);
  t.is(
    (await client.post('/', { content: whole })).content.length,
    (await client.post('/', { content: content })).content.length,
  );
  const headers = whole.headers.forwardable();
  t.true((await failure(client.post('/', { content: whole, headers }))) instanceof LocalProtocolError);
  const closed = await network.stream('GET', server.url);
  await closed.close();
  t.true((await failure(client.post('/', { content: closed }))) instanceof StreamClosed);
  const begun = await network.stream('GET', server.url);
  await begun.iterBytes().next();
  t.true((await failure(client.post('/', { content: begun }))) instanceof StreamConsumed);
  await begun.close();
});

test('back-pressure and aborts go through: a target that stops, a source that breaks off', async (t) => {
  let sent = 0;
  let sourceClosed = false;
  const source = await serve(t, (request, response) => {
    response.on('close', () => (sourceClosed = true));
    if (request.url === '/broken') {
      response
        .writeHead(200, { 'content-length': 1000 })
        .write('x', () => setImmediate(() => response.socket?.destroy()));
      return;
    }
    const more = (): void => {
      do sent += content.length;
      while (!response.destroyed && response.write(content));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  const target = await serve(t, (request, response) => {
    if (request.url === '/deaf') request.pause();
    else request.on('data', () => {}).on('end', () => response.end('whole'));
  });
  const client = openClient(t);
  const endless = await client.stream('GET', source.origin);
  const controller = new AbortController();
  const reason = new Error('enough');
  const sending = failure(client.put(`${target.origin}/deaf`, { content: endless, signal: controller.signal }));
  let before = -1;
  await eventually('the source waits', () => {
    const waits = sent > 10 * content.length && sent === before;
    before = sent;
    return waits;
  });
  t.true(sent < 64 * 1024 * 1024, `${sent} bytes went into nothing`);
  controller.abort(reason);
  t.is(await sending, reason);
  await eventually('the source is let go', () => sourceClosed);
  const broken = await client.stream('GET', `${source.origin}/broken`);
  const error = await failure(client.put(target.origin, { content: broken }));
  t.regex(String(error), /ReadError|RemoteProtocolError/);
});
