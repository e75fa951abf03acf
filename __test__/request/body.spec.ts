/** Request bodies on the wire: each kind, its framing, progress, and sending it again. */
import test, { type ExecutionContext } from 'ava';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type ContentTypes, type RequestOptions, RequestNotRead, Request, StreamConsumed } from '../../src/index.js';
import { eventually, failure, openClient, told } from '../helpers/client.js';
import { OK, serve, serveRaw, type RawServer } from '../helpers/server.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

type Make = () => ContentTypes;
/** What stands on the wire after the head. */
const CHUNKED_AB = '2\r\nab\r\n1\r\nc\r\n0\r\n\r\n';

const KINDS: [title: string, make: Make, framing: string, wire: string][] = [
  ['a string', () => 'çabc', 'Content-Length: 5', Buffer.from('çabc').toString('latin1')],
  ['a Buffer', () => Buffer.from('abc'), 'Content-Length: 3', 'abc'],
  ['a part of a buffer', () => bytes('xabcx').subarray(1, 4), 'Content-Length: 3', 'abc'],
  ['an ArrayBuffer', () => bytes('abc').buffer as ArrayBuffer, 'Content-Length: 3', 'abc'],
  ['another view', () => new Uint16Array([0x6261]) as unknown as Uint8Array, 'Content-Length: 2', 'ab'],
  ['a Blob', () => new Blob(['ab', 'c'], { type: 'text/plain' }), 'Content-Length: 3', 'abc'],
  ['a web stream', () => ReadableStream.from([bytes('ab'), bytes('c')]), 'Transfer-Encoding: chunked', CHUNKED_AB],
  ['a Node stream', () => Readable.from([bytes('ab'), bytes('c')]), 'Transfer-Encoding: chunked', CHUNKED_AB],
  ['F40 an async iterable', () => pieces(['ab', 'c']), 'Transfer-Encoding: chunked', CHUNKED_AB],
  ['F40 an iterable', () => [bytes('ab'), bytes('c')], 'Transfer-Encoding: chunked', CHUNKED_AB],
  ['a generator', () => syncPieces(), 'Transfer-Encoding: chunked', CHUNKED_AB],
  [
    'an iterable with empty pieces',
    () => [bytes(''), bytes('ab'), bytes(''), bytes('c')],
    'Transfer-Encoding: chunked',
    CHUNKED_AB,
  ],
  ['an empty iterable', () => [], 'Transfer-Encoding: chunked', '0\r\n\r\n'],
  ['F8 an empty string', () => '', 'Content-Length: 0', ''],
  ['F8 no bytes', () => new Uint8Array(0), 'Content-Length: 0', ''],
  ['F8 an empty Blob', () => new Blob([]), 'Content-Length: 0', ''],
];

for (const [title, make, framing, wire] of KINDS) {
  for (const progress of [false, true]) {
    test(`content: ${title}${progress ? ', with progress' : ''}`, async (t) => {
      const server = await serveRaw(t, OK);
      const onUploadProgress = progress ? () => {} : undefined;
      const client = openClient(t);
      t.is(told(await client.post(server.url, { content: make(), onUploadProgress })), '200 ok');
      const [head, body] = split(server.received[0]);
      t.true(head.includes(`\r\n${framing}\r\n`), head);
      t.notRegex(head, /Content-Type/i);
      t.is(head.match(/Content-Length|Transfer-Encoding/g)?.length, 1);
      t.is(body, wire);
      t.is(told(await client.get(server.url)), '200 ok');
      t.is(server.connections(), 1);
    });
  }
}

const HEADERS: [title: string, method: string, options: RequestOptions, framing: RegExp, wire: string][] = [
  [
    'F12 a stream with a length of one’s own',
    'POST',
    { content: pieces(['abc']), headers: { 'Content-Length': '3' } },
    /Content-Length: 3/,
    'abc',
  ],
  [
    'a web stream with a length of one’s own',
    'POST',
    { content: ReadableStream.from([bytes('ab'), bytes('c')]), headers: { 'Content-Length': '3' } },
    /Content-Length: 3/,
    'abc',
  ],
  [
    'F13 bytes with Transfer-Encoding: chunked',
    'POST',
    { content: 'abc', headers: { 'Transfer-Encoding': 'chunked' } },
    /Transfer-Encoding: chunked/,
    '3\r\nabc\r\n0\r\n\r\n',
  ],
  ['SEC-I6 GET with a body is framed', 'GET', { content: 'abc' }, /Content-Length: 3/, 'abc'],
  [
    'SEC-I6 DELETE with a stream is framed',
    'DELETE',
    { content: pieces(['abc']) },
    /Transfer-Encoding: chunked/,
    '3\r\nabc\r\n0\r\n\r\n',
  ],
  [
    'json',
    'POST',
    { json: { greeting: 'ça' } },
    /Content-Length: 18\r\nContent-Type: application\/json/,
    Buffer.from('{"greeting":"ça"}').toString('latin1'),
  ],
  ['F18 json: 0', 'POST', { json: 0 }, /Content-Length: 1\r\n/, '0'],
  ['F18 json: false', 'POST', { json: false }, /Content-Length: 5\r\n/, 'false'],
  ['F18 json: null', 'POST', { json: null }, /Content-Length: 4\r\n/, 'null'],
  ['F18 json: ""', 'POST', { json: '' }, /Content-Length: 2\r\n/, '""'],
  [
    'F20 json with a Content-Type of one’s own',
    'POST',
    { json: 1, headers: { 'content-type': 'a/b' } },
    /content-type: a\/b\r\nContent-Length: 1\r\n/,
    '1',
  ],
];

for (const [title, method, options, framing, wire] of HEADERS) {
  test(`content: ${title}`, async (t) => {
    const server = await serveRaw(t, OK);
    t.is(told(await openClient(t).request(method, server.url, options)), '200 ok');
    const [head, body] = split(server.received[0]);
    t.regex(head, framing);
    t.is(head.match(/Content-Length|Transfer-Encoding/gi)?.length, 1, head);
    t.is(head.match(/Content-Type/gi)?.length ?? 0, options.json === undefined ? 0 : 1);
    t.is(body, wire);
  });
}

test('a large body of each kind arrives whole', async (t) => {
  const server = await serve(t, async (request, response) => {
    let length = 0;
    for await (const chunk of request) length += (chunk as Buffer).length;
    response.end(String(length));
  });
  const client = openClient(t);
  const large = Buffer.alloc(3_000_001, 'x');
  const many = Array.from({ length: 3000 }, () => new Uint8Array(1000));
  for (const [content, length] of [
    [large, 3_000_001],
    [new Blob([large]), 3_000_001],
    [[large], 3_000_001],
    [many, 3_000_000],
    [new Blob([large]).stream(), 3_000_001],
    [Readable.from(many), 3_000_000],
  ] as [ContentTypes, number][]) {
    t.is((await client.post(server.url, { content })).text, String(length));
  }
  const file = createReadStream(fileURLToPath(new URL('../../binding.d.ts', import.meta.url)));
  t.is((await client.post(server.url, { content: file })).text, String(file.bytesRead));
});

const mine = new Error('mine');

// ── progress ──

test('onUploadProgress: counts what was sent, with the total where it is known', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  for (const [content, size, total] of [
    [Buffer.alloc(200_000), 200_000, 200_000],
    [new Blob([Buffer.alloc(200_000)]), 200_000, 200_000],
    [pieces(['abc', 'de']), 5, null],
  ] as [ContentTypes, number, number | null][]) {
    const told: [number, number | null][] = [];
    await client.post(server.url, { content, onUploadProgress: (sent, of) => told.push([sent, of]) });
    t.true(told.length > 0);
    t.deepEqual(told.at(-1), [size, total]);
    t.deepEqual(
      told.map(([sent]) => sent),
      told.map(([sent]) => sent).toSorted((a, b) => a - b),
    );
    t.true(told.every(([, of]) => of === total));
  }
});

test('onDownloadProgress: counts what was received, with the total where it is declared', async (t) => {
  for (const [answer, total] of [
    ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef', 6],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n', null],
  ] as const) {
    const server = await serveRaw(t, answer);
    for (const stream of [false, true]) {
      const told: [number, number | null][] = [];
      const onDownloadProgress = (received: number, of: number | null) => told.push([received, of]);
      const client = openClient(t);
      const response = stream
        ? await client.stream('GET', server.url, { onDownloadProgress })
        : await client.get(server.url, { onDownloadProgress });
      t.is((await response.read()).toString(), 'abcdef');
      t.deepEqual(told.at(-1), [6, total]);
    }
  }
});

for (const [title, options] of [
  ['onUploadProgress', { content: pieces(['a', 'b']), onUploadProgress: fails }],
  ['onDownloadProgress', { onDownloadProgress: fails }],
] as [string, RequestOptions][]) {
  test(`what ${title} throws is what the request rejects with`, async (t) => {
    const server = await serveRaw(t, OK);
    const client = openClient(t);
    t.is(await failure(client.post(server.url, options)), mine);
    await eventually('nothing is in use', () => client.pool.active === 0);
  });
}

// ── again ──

const AGAIN: [title: string, make: Make, again: boolean][] = [
  ['bytes', () => 'abc', true],
  ['a Blob', () => new Blob(['abc']), true],
  ['an array', () => [bytes('abc')], true],
  ['a generator', () => pieces(['abc']), false],
  ['a web stream', () => new Blob(['abc']).stream(), false],
  ['a Node stream', () => Readable.from([bytes('abc')]), false],
];

for (const [title, make, again] of AGAIN) {
  test(`a Request sent twice: ${title} ${again ? 'again' : 'is StreamConsumed'}`, async (t) => {
    const server = await serveRaw(t, OK);
    const client = openClient(t);
    const request = new Request('POST', server.url, { content: make() });
    await client.send(request);
    if (again) {
      t.is(told(await client.send(request)), '200 ok');
      t.is(server.received.join('').match(/abc/g)?.length, 2);
    } else {
      t.true((await failure(client.send(request))) instanceof StreamConsumed);
      t.is(server.received.join('').match(/POST/g)?.length, 1);
    }
  });
}

test('F44 read(): content is there, and can be sent as often as one likes', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const request = client.buildRequest('POST', server.url, { content: pieces(['ab', 'c']) });
  t.throws(() => request.content, { instanceOf: RequestNotRead });
  t.is((await request.read()).toString(), 'abc');
  t.is(request.content.toString(), 'abc');
  t.is(told(await client.send(request)), '200 ok');
  t.is(told(await client.send(request)), '200 ok');
  assertBodies(t, server, 2);
});

const SPENT: [title: string, make: () => NonNullable<RequestOptions['content']>][] = [
  ['an async generator', () => pieces(['ab', 'c'])],
  ['a generator', () => syncPieces()],
  ['a web stream', () => ReadableStream.from([bytes('ab'), bytes('c')])],
];

for (const [title, make] of SPENT) {
  test(`F9 content: ${title} in a second request is StreamConsumed, and no empty body`, async (t) => {
    const server = await serveRaw(t, OK);
    const client = openClient(t);
    const content = make();
    const [first, second] = [0, 1].map(() => client.buildRequest('POST', server.url, { content }));
    t.is(told(await client.send(first)), '200 ok');
    t.true((await failure(client.send(second))) instanceof StreamConsumed);
    t.true((await failure(client.post(server.url, { content }))) instanceof StreamConsumed);
    assertBodies(t, server, 1);
  });
}

function assertBodies(t: ExecutionContext, server: RawServer, count: number): void {
  t.is(server.received.join('').match(/abc|2\r\nab\r\n1\r\nc\r\n|3\r\nabc\r\n/g)?.length, count);
}

function split(received: string): [head: string, body: string] {
  const at = received.indexOf('\r\n\r\n') + 4;
  return [received.slice(0, at), received.slice(at)];
}

async function* pieces(texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

function* syncPieces(): Generator<Uint8Array> {
  yield bytes('ab');
  yield bytes('c');
}

function fails(): never {
  throw mine;
}

for (const [title, content] of [
  ['URLSearchParams', new URLSearchParams('a=1')],
  ['FormData', new FormData()],
] as [string, never][]) {
  test(`content: ${title} is a form, and refused`, (t) => {
    t.throws(() => new Request('POST', 'http://h/', { content }), {
      instanceOf: TypeError,
      message: `content: expected a body as it is, got ${title}: forms are given as data`,
    });
  });
}

test('content: a directory is refused', (t) => {
  t.throws(() => new Request('POST', 'http://h/', { content: createReadStream(tmpdir()) }), {
    instanceOf: TypeError,
    message: /^content: '.*' is a directory, expected a file$/,
  });
});
