/** Content codings, undone on the I/O thread: whole bodies, streams, bombs; and for responses made by hand. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Client, DecodingError, Response, ResponseTooLarge, type ClientOptions } from '../../src/index.js';
import { serve, serveRaw, type HttpServer } from '../helpers/server.js';
import { eventually } from '../helpers/client.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const text = Buffer.from('test 123');
// Node 20 has no zstd: made by zstd 1.5.
const zstdText = hex('28b52ffd0458410000746573742031323323c30104');
const zstdFoo = hex('28b52ffd0458190000666f6f3fbac459');
const zstdBar = hex('28b52ffd045819000062617259a627ad');
const zstdSkippable = hex('502a4d180700000000000000000000');
const zeros = Buffer.alloc(1 << 20);

/** What the server sends for every request: the codings, the body, in these pieces. */
async function serveCoded(t: ExecutionContext, coding: string | string[], ...pieces: Buffer[]): Promise<HttpServer> {
  return serve(t, async (_, response) => {
    response.setHeader('content-encoding', coding);
    if (pieces.length === 1) return response.end(pieces[0]);
    for (const piece of pieces) {
      response.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    response.end();
  });
}

function open(t: ExecutionContext, options?: ClientOptions): Client {
  const client = new Client(options);
  t.teardown(() => client.close());
  return client;
}

async function joined(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

const bytesOf = (body: Buffer): Buffer[] => Array.from(body, (byte) => Buffer.of(byte));

// ── what is decoded ──

const CODED: [title: string, coding: string | string[], body: Buffer, content: Buffer | string][] = [
  ['I1 gzip', 'gzip', gzipSync(text), text],
  ['I1 deflate with zlib frame', 'deflate', deflateSync(text), text],
  ['I1 deflate raw', 'deflate', deflateRawSync(text), text],
  ['I1 br', 'br', brotliCompressSync(text), text],
  ['I1 zstd', 'zstd', zstdText, text],
  ['I4 br, identity', 'br, identity', brotliCompressSync(text), text],
  ['I4 identity, br', 'identity, br', brotliCompressSync(text), text],
  ['I5 zstd frames, one to skip', 'zstd', Buffer.concat([zstdFoo, zstdSkippable, zstdBar]), 'foobar'],
  ...['gzip', 'deflate', 'br', 'zstd', 'identity'].map((coding): (typeof CODED)[number] => [
    `I8 no body in ${coding}`,
    coding,
    Buffer.alloc(0),
    '',
  ]),
  ['I12 upper case', 'GZIP', gzipSync(text), text],
  ['x-gzip', 'x-gzip', gzipSync(text), text],
  ['gzip members', 'gzip', Buffer.concat([gzipSync('foo'), gzipSync('bar')]), 'foobar'],
  ['fault 20: garbage behind gzip', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('garbage')]), text],
  ['a list', 'deflate, gzip, br', brotliCompressSync(gzipSync(deflateSync(text))), text],
  ['several lines', ['deflate', 'gzip', 'br'], brotliCompressSync(gzipSync(deflateSync(text))), text],
  ['unknown, gzip', 'unknown, gzip', gzipSync(text), text],
  ['gzip, unknown', 'gzip, unknown', gzipSync(text), gzipSync(text)],
  ['compress', 'compress', text, text],
];

for (const [title, coding, body, content] of CODED) {
  test(`decodes ${title}`, async (t) => {
    const client = open(t);
    const server = await serveCoded(t, coding, body);
    t.deepEqual((await client.get(server.url)).content, Buffer.from(content));
    const streamed = await client.stream('GET', server.url);
    t.deepEqual(await joined(streamed.iterBytes()), Buffer.from(content));
    t.is(streamed.numBytesDownloaded, body.length);
    // By hand, with the same headers.
    const headers = { 'content-encoding': coding };
    t.deepEqual(new Response(200, { headers, content: body }).content, Buffer.from(content));
    const byHand = new Response(200, { headers, content: pieces(...bytesOf(body)) });
    t.deepEqual(await byHand.read(), Buffer.from(content));
    t.is(server.connections(), 1, 'the connection was used again');
  });
}

async function* pieces(...all: Buffer[]): AsyncGenerator<Buffer> {
  yield* all;
}

test('large bodies are whole, buffered and streamed', async (t) => {
  const content = Buffer.from(randomBytes(300_000).toString('hex'));
  const client = open(t);
  for (const [coding, body] of [
    ['gzip', gzipSync(content)],
    ['deflate', deflateSync(content)],
    ['br', brotliCompressSync(content, { params: { 1: 4 } })],
  ] as const) {
    const server = await serveCoded(t, coding, body);
    const whole = await client.get(server.url);
    t.true(whole.content.equals(content), coding);
    t.is(whole.numBytesDownloaded, body.length);
    const streamed = await client.stream('GET', server.url);
    t.true((await streamed.read()).equals(content), coding);
  }
});

test('I11 I19 in pieces, and byte by byte', async (t) => {
  const client = open(t);
  for (const [coding, body] of [
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdText],
  ] as const) {
    for (const cut of [[body.subarray(0, 5), body.subarray(5)], bytesOf(body)]) {
      const server = await serveCoded(t, coding, ...cut);
      t.is((await client.get(server.url)).text, 'test 123');
      t.is((await joined((await client.stream('GET', server.url)).iterBytes())).toString(), 'test 123');
    }
  }
});

test('I23 Content-Encoding and Content-Length stay as received', async (t) => {
  const body = gzipSync(text);
  const server = await serveCoded(t, 'gzip', body);
  const { headers } = await open(t).get(server.url);
  t.is(headers.get('content-encoding'), 'gzip');
  t.is(headers.get('content-length'), String(body.length));
});

test('HEAD, 204 and 304 have no body to decode', async (t) => {
  const client = open(t);
  const coding = 'Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip\r\n';
  for (const head of [
    '204 No Content\r\n',
    '304 Not Modified\r\nContent-Length: 99\r\n',
    '200 OK\r\nContent-Length: 0\r\n',
  ]) {
    const server = await serveRaw(t, `HTTP/1.1 ${head}${coding}\r\n`);
    t.is((await client.get(server.url)).text, '');
    t.is((await (await client.stream('GET', server.url)).read()).length, 0);
  }
  const server = await serveRaw(t, `HTTP/1.1 200 OK\r\nContent-Length: 99\r\n${coding}\r\n`);
  t.is((await client.head(server.url)).content.length, 0);
});

test('trailers come behind decoded content', async (t) => {
  const body = gzipSync(text).toString('latin1');
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n';
  const server = await serveRaw(t, `${head}${body.length.toString(16)}\r\n${body}\r\n0\r\nx-sum: 7\r\n\r\n`);
  const client = open(t);
  const whole = await client.get(server.url);
  t.deepEqual([whole.text, whole.trailers.get('x-sum')], ['test 123', '7']);
  const streamed = await client.stream('GET', server.url);
  t.is((await streamed.read()).toString(), 'test 123');
  t.is(streamed.trailers.get('x-sum'), '7');
});

// ── raw ──

test('iterRaw() gives what was received', async (t) => {
  const body = gzipSync(text);
  const server = await serveCoded(t, 'gzip', body.subarray(0, 15), body.subarray(15));
  const response = await open(t).stream('GET', server.url);
  t.deepEqual(await joined(response.iterRaw()), body);
  t.is(response.numBytesDownloaded, body.length);
  const byHand = new Response(200, { headers: { 'content-encoding': 'gzip' }, content: pieces(body) });
  t.deepEqual(await joined(byHand.iterRaw()), body);
  t.is(byHand.numBytesDownloaded, body.length);
});

test('iterRaw() of too many codings is no error', async (t) => {
  const server = await serveCoded(t, 'gzip,'.repeat(6), text);
  const client = open(t);
  t.deepEqual(await joined((await client.stream('GET', server.url)).iterRaw()), text);
});

test('H32 numBytesDownloaded and onDownloadProgress count what was received', async (t) => {
  const body = gzipSync(Buffer.from('abcdefghij'.repeat(10)));
  const server = await serve(t, async (_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length });
    response.write(body.subarray(0, 15));
    await eventually('the first piece was told', () => told.length === 1);
    response.end(body.subarray(15));
  });
  const told: [number, number | null][] = [];
  const response = await open(t).get(server.url, { onDownloadProgress: (...progress) => told.push(progress) });
  t.is(response.content.length, 100);
  t.is(response.numBytesDownloaded, body.length);
  t.deepEqual(told, [
    [15, body.length],
    [body.length, body.length],
  ]);
});

test('what has arrived is decoded at once', async (t) => {
  const events = ['data: 1\n\n', 'data: 2\n\n'];
  let release = (): void => {};
  const server = await serve(t, async (_, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.write(gzipSync(events[0]));
    await new Promise<void>((resolve) => (release = resolve));
    response.end(gzipSync(events[1]));
  });
  const got: string[] = [];
  for await (const piece of (await open(t).stream('GET', server.url)).iterText()) {
    got.push(piece);
    release();
  }
  t.deepEqual(got, events);
});

// ── what is no such coding ──

const cut = (body: Buffer): Buffer => body.subarray(0, body.length - 3);
const wrongSum = gzipSync(text);
wrongSum[wrongSum.length - 8] ^= 1;

const BROKEN: [title: string, coding: string, body: Buffer, message: RegExp][] = [
  ['I6 zstd cut at both ends', 'zstd', zstdText.subarray(1, 3), /not valid zstd$/],
  ['I7 zstd of text', 'zstd', Buffer.from('this is not compressed'), /not valid zstd$/],
  ['zstd that states 96 bytes and has none', 'zstd', hex('28b52ffd2060010000'), /not valid zstd$/],
  ['zstd of seven bytes that states eight', 'zstd', hex('28b52ffd200838000078787878787878010000'), /not valid zstd$/],
  ['I16 gzip with a wrong checksum', 'gzip', wrongSum, /gzip content does not have the checksum/],
  ['I20 br with bytes behind', 'br', Buffer.concat([brotliCompressSync(text), text]), /not valid br$/],
  ['fault 18: gzip truncated', 'gzip', cut(gzipSync(text)), /gzip content is incomplete$/],
  ['fault 18: deflate truncated', 'deflate', cut(deflateSync(text)), /deflate content is incomplete$/],
  ['fault 18: br truncated', 'br', cut(brotliCompressSync(text)), /br content is incomplete$/],
  ['fault 18: zstd truncated', 'zstd', cut(zstdText), /zstd content is incomplete$/],
  ['fault 19: gzip of text', 'gzip', text, /not valid gzip$/],
  [
    'SEC-K6 a chain of six',
    'gzip, gzip, gzip, gzip, gzip, gzip',
    text,
    /Cannot apply more than 5 content encodings\.$/,
  ],
];

for (const [title, coding, body, message] of BROKEN) {
  test(`a DecodingError: ${title}`, async (t) => {
    const server = await serveCoded(t, coding, body);
    const client = open(t);
    const expected = { instanceOf: DecodingError, message, code: 'ERR_DECODING' };
    const error = await t.throwsAsync<DecodingError>(client.get(server.url), expected);
    t.is(error?.request?.url.toString(), server.url);
    t.true(error?.message.includes(server.origin));
    const streamed = await client.stream('GET', server.url);
    await t.throwsAsync(joined(streamed.iterBytes()), expected);
    t.true(streamed.isClosed);
    // By hand: on construction, or when it is read.
    const headers = { 'content-encoding': coding };
    t.throws(() => new Response(200, { headers, content: body }), expected);
    await t.throwsAsync(new Response(200, { headers, content: pieces(body) }).read(), expected);
  });
}

test('SEC-K6 a chain of six over six lines', async (t) => {
  const server = await serveCoded(t, Array<string>(6).fill('gzip'), text);
  await t.throwsAsync(open(t).get(server.url), { instanceOf: DecodingError, message: /more than 5/ });
});

test('what was decoded before a fault is delivered before it', async (t) => {
  const server = await serveCoded(t, 'gzip', wrongSum);
  const response = await open(t).stream('GET', server.url);
  const got: string[] = [];
  await t.throwsAsync(
    async () => {
      for await (const piece of response.iterText()) got.push(piece);
    },
    { instanceOf: DecodingError },
  );
  t.is(got.join(''), 'test 123');
});

// ── bombs ──

const BOMBS: [coding: string, body: Buffer][] = [
  ['gzip', Buffer.concat(Array<Buffer>(1000).fill(gzipSync(zeros)))],
  ['deflate', deflateSync(Buffer.alloc(256 << 20), { level: 9 })],
  ['br', brotliCompressSync(Buffer.alloc(256 << 20), { params: { 1: 1 } })],
  ['gzip, gzip', gzipSync(Buffer.concat(Array<Buffer>(1000).fill(gzipSync(zeros))))],
];

for (const [coding, body] of BOMBS) {
  test.serial(`SEC-K7 a ${coding} bomb stays a step ahead of its reader, and maxResponseSize stops it`, async (t) => {
    const server = await serveCoded(t, coding, body);
    const client = open(t, { maxResponseSize: 8 << 20 });
    const before = process.memoryUsage.rss();
    const response = await client.stream('GET', server.url);
    let largest = 0;
    let length = 0;
    for await (const piece of response.iterBytes()) {
      largest = Math.max(largest, piece.length);
      length += piece.length;
      if (length > 16 << 20) break;
    }
    t.true(largest <= 128 << 10, `pieces of at most two steps, not ${largest}`);
    await t.throwsAsync(client.get(server.url), { instanceOf: ResponseTooLarge });
    await t.throwsAsync(client.get(server.url, { onDownloadProgress: () => {} }), { instanceOf: ResponseTooLarge });
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    t.true(grown < 100, `${Math.round(grown)} MiB more`);
  });
}

test('SEC-K7 a body given up is not decoded any more', async (t) => {
  const server = await serveCoded(t, 'gzip', BOMBS[0][1]);
  const response = await open(t).stream('GET', server.url);
  await response.close();
  // Nothing was asked for, so nothing was read, let alone decoded.
  t.is(response.numBytesDownloaded, 0);
});

test('SEC-K14 a million empty members', async (t) => {
  const empty = gzipSync('');
  const body = Buffer.concat([Buffer.alloc(1_000_000 * empty.length, empty), gzipSync(text)]);
  const server = await serveCoded(t, 'gzip', body);
  t.is((await open(t).get(server.url)).text, 'test 123');
});

test.serial('a bomb that goes off leaves the others their turn', async (t) => {
  const bomb = await serveCoded(t, 'gzip', BOMBS[0][1]);
  const server = await serveCoded(t, 'identity', text);
  // Hundreds of milliseconds of decoding, against one exchange on a connection that is there.
  const client = open(t, { maxResponseSize: 400 << 20 });
  await client.get(server.url);
  const exploding = client.get(bomb.url).then(
    () => 'bomb',
    () => 'bomb',
  );
  const first = await Promise.race([exploding, client.get(server.url).then(() => 'the others')]);
  t.is(first, 'the others');
  await exploding;
});

// ── Accept-Encoding ──

test('Accept-Encoding says what is understood, unless the user does', async (t) => {
  const server = await serveCoded(t, 'identity', text);
  const client = open(t);
  await client.get(server.url);
  await client.get(server.url, { headers: { 'accept-encoding': 'identity' } });
  await client.get(server.url, { headers: { 'Accept-Encoding': null } });
  t.deepEqual(
    server.requests.map(({ headers }) => headers['accept-encoding']),
    ['gzip, deflate, br, zstd', 'identity', undefined],
  );
  const names = server.requests[0].rawHeaders.filter((_, i) => i % 2 === 0);
  t.deepEqual(names, ['Host', 'Accept', 'Accept-Encoding', 'Connection', 'User-Agent']);
});
