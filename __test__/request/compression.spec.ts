/** The option `compress`: which bodies, how they are framed, sent again, and what a 415 says. */
import test, { type ExecutionContext } from 'ava';
import { createReadStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  type Compression,
  DigestAuth,
  file,
  LocalProtocolError,
  MockDispatch,
  Response,
  type RequestOptions,
} from '../../src/index.js';
import { addon } from '../../src/native.js';
import { failure, openClient } from '../helpers/client.js';
import { bytesOf, folderOf, sha256 } from '../helpers/files.js';
import { serve } from '../helpers/server.js';

const ENCODINGS = ['gzip', 'br', 'zstd'] as const;
const text = 'some text that repeats itself, '.repeat(20_000);
const noise = bytesOf(300_000);

function decode(coding: string | undefined, body: Buffer): Buffer {
  const decoder = new (addon().Decoder)(coding ?? '');
  if (!decoder.decodes) return body;
  decoder.write(body);
  const pieces: Buffer[] = [];
  for (let ended = false; ;) {
    const piece = decoder.read();
    if (piece !== null) pieces.push(piece);
    else if (ended) return Buffer.concat(pieces);
    else {
      decoder.end();
      ended = true;
    }
  }
}

interface Seen {
  coding?: string;
  length?: string;
  framing?: string;
  size: number;
  sha256: string;
}

/** A server that says what it got: as it came, and decoded. */
function serveSeen(t: ExecutionContext) {
  return serve(t, async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    if (request.url === '/moved') return response.writeHead(307, { location: '/' }).end();
    if (request.url === '/other') return response.writeHead(303, { location: '/' }).end();
    if (request.url === '/auth' && request.headers.authorization === undefined) {
      return response.writeHead(401, { 'www-authenticate': 'Digest realm="a", nonce="b", qop="auth"' }).end();
    }
    const { 'content-encoding': coding, 'content-length': length, 'transfer-encoding': framing } = request.headers;
    const seen: Seen = { coding, length, framing, size: body.length, sha256: sha256(decode(coding, body)) };
    return response.end(JSON.stringify(seen));
  });
}

for (const encoding of ENCODINGS) {
  test(`${encoding}: bytes have a length, streams are chunked, and all come out as they were`, async (t) => {
    const server = await serveSeen(t);
    const client = openClient(t, { compress: encoding });
    const name = path.join(folderOf(t), 'a.txt');
    writeFileSync(name, text);
    const form = { data: { field: text } };
    const cases: [name: string, options: RequestOptions, plain: string | Uint8Array | null, isChunked: boolean][] = [
      ['text', { content: text }, text, false],
      ['bytes', { content: noise }, noise, false],
      ['json', { json: { text } }, JSON.stringify({ text }), false],
      ['form', form, `field=${new URLSearchParams({ a: text }).toString().slice(2)}`, false],
      ['a file by its path', { content: file(name) }, text, true],
      ['a stream of a file', { content: createReadStream(name) }, text, true],
      ['a Blob', { content: new Blob([text]) }, text, true],
      [
        'a generator',
        {
          content: (function* () {
            yield Buffer.from('a');
            yield Buffer.alloc(0);
            yield Buffer.from('b');
          })(),
        },
        'ab',
        true,
      ],
      ['a web stream', { content: new Blob([text]).stream() }, text, true],
      ['an empty stream', { content: Readable.from([]) }, '', true],
    ];
    for (const [what, options, plain, isChunked] of cases) {
      const seen = (await client.post(server.url, options)).json<Seen>();
      t.is(seen.coding, encoding, what);
      t.is(seen.framing, isChunked ? 'chunked' : undefined, what);
      t.is(seen.length, isChunked ? undefined : String(seen.size), what);
      if (plain !== null) t.is(seen.sha256, sha256(Buffer.from(plain)), what);
      if (plain === text) t.true(seen.size < text.length / 20, `${what}: ${seen.size}`);
    }
  });

  test(`${encoding}: sent again after a redirect and a challenge, and dropped with its coding by 303`, async (t) => {
    const server = await serveSeen(t);
    const client = openClient(t, { compress: encoding, auth: new DigestAuth('user', 'secret') });
    for (const target of ['/moved', '/auth']) {
      for (const content of [text, new Blob([text])]) {
        const seen = (await client.put(server.origin + target, { content })).json<Seen>();
        t.is(seen.sha256, sha256(Buffer.from(text)), target);
        t.is(seen.coding, encoding);
      }
    }
    const seen = (await client.post(`${server.origin}/other`, { content: text })).json<Seen>();
    t.is(seen.coding, undefined);
    t.is(seen.size, 0);
  });
}

test('which bodies: by size, by coding, by option', async (t) => {
  const server = await serveSeen(t);
  const client = openClient(t, { compress: 'gzip' });
  const off = openClient(t);
  const of = (length: number) => 'a'.repeat(length);
  const custom = (minSize: number): Compression => ({ encoding: 'gzip', minSize });
  const cases: [client: typeof client, options: RequestOptions, coding: string | undefined][] = [
    [client, { content: of(1023) }, undefined],
    [client, { content: of(1024) }, 'gzip'],
    [client, { content: new Blob([of(1023)]) }, undefined],
    [client, { content: of(5), compress: custom(5) }, 'gzip'],
    [client, { content: of(5), compress: custom(6) }, undefined],
    [client, { content: of(5000), compress: null }, undefined],
    [client, { content: of(5000), compress: undefined }, 'gzip'],
    [client, { content: of(5000), compress: 'br' }, 'br'],
    [client, { content: of(5000), headers: { 'Content-Encoding': 'identity' } }, 'identity'],
    [client, {}, undefined],
    [off, { content: of(5000) }, undefined],
    [off, { content: of(5000), compress: 'zstd' }, 'zstd'],
  ];
  for (const [sender, options, coding] of cases) {
    const seen = (await sender.post(server.url, options)).json<Seen>();
    t.is(seen.coding, coding, JSON.stringify(options));
  }
  const raw = await off.stream('GET', server.url);
  await raw.close();
});

test('a request that was built is compressed when it is sent, once', async (t) => {
  const server = await serveSeen(t);
  const client = openClient(t, { compress: 'gzip' });
  const request = client.buildRequest('POST', server.url, { content: text });
  t.is(request.headers.get('content-encoding'), undefined);
  for (let i = 0; i < 2; i++) {
    const seen = (await client.send(request)).json<Seen>();
    t.is(seen.coding, 'gzip');
    t.is(seen.sha256, sha256(Buffer.from(text)));
  }
});

test('apps and dispatches get the coded bytes', async (t) => {
  const mock = new MockDispatch(async (request) => new Response(200, { content: await request.read() }));
  const client = openClient(t, { dispatch: mock, compress: 'gzip' });
  for (const content of [text, new Blob([text])]) {
    const response = await client.post('http://mock.test/', { content });
    t.is(decode('gzip', response.content).toString(), text);
  }
});

test('what a source throws is the error; a length that was wrong is one', async (t) => {
  const server = await serveSeen(t);
  const client = openClient(t, { compress: 'gzip' });
  const thrown = new Error('no more');
  const failing = async function* () {
    yield Buffer.from(text);
    throw thrown;
  };
  t.is(await failure(client.post(server.url, { content: failing() })), thrown);
  const short = async function* () {
    yield Buffer.from('abc');
  };
  const error = await failure(client.post(server.url, { content: short(), headers: { 'Content-Length': '4' } }));
  t.true(error instanceof LocalProtocolError, String(error));
  const right = await client.post(server.url, { content: short(), headers: { 'Content-Length': '3' } });
  t.is(right.json<Seen>().framing, 'chunked');
});

test('a 415 says that the coding may be the reason', async (t) => {
  const server = await serve(t, (request, response) => {
    response.writeHead(415, request.url === '/says' ? { 'accept-encoding': 'br' } : {}).end();
  });
  const client = openClient(t);
  const messageOf = async (target: string, compress: Compression | null) => {
    const response = await client.post(server.origin + target, { content: text, compress });
    return (t.throws(() => response.raiseForStatus()) as Error).message;
  };
  t.regex(await messageOf('/', 'gzip'), /sent with Content-Encoding 'gzip'/);
  t.regex(await messageOf('/says', 'gzip'), /which accepts 'br'/);
  t.notRegex(await messageOf('/', null), /Content-Encoding/);
});

test('bad input is refused at once, and named', async (t) => {
  const cases: [unknown, RegExp][] = [
    ['deflate', /^compress: 'deflate' is not allowed/],
    [true, /^compress: expected .*got boolean/],
    [{}, /^compress\.encoding: expected .*got undefined/],
    [{ encoding: 'lz4' }, /^compress\.encoding: 'lz4'/],
    [{ encoding: 'gzip', minSize: '1' }, /^compress\.minSize: /],
    [{ encoding: 'gzip', minSize: -1 }, /^compress\.minSize: /],
    [{ encoding: 'gzip', minsize: 1 }, /Unknown option 'minsize' for compress.*'minSize'/],
  ];
  const client = openClient(t, { dispatch: new MockDispatch(() => new Response(200)) });
  for (const [compress, message] of cases) {
    t.regex((t.throws(() => openClient(t, { compress: compress as Compression })) as Error).message, message);
    const error = await failure(client.post('http://mock.test/', { content: text, compress: compress as Compression }));
    t.regex(error.message, message);
  }
});
