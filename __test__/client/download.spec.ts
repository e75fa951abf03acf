/** `client.download()`: into a file, by the core; what is left of one that broke off, and how it goes on. */
import test, { type ExecutionContext } from 'ava';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants as h2, createServer as createHttp2Server } from 'node:http2';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  ChecksumMismatch,
  type Client,
  type ClientOptions,
  type DownloadOptions,
  FileError,
  HTTPStatusError,
  MockDispatch,
  ReadError,
  RemoteProtocolError,
  Response,
  ResponseTooLarge,
  TotalTimeout,
} from '../../src/index.js';
import { eventually, failure, openClient } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';
import { bytesOf, folderOf, namesIn, sha256 } from '../helpers/files.js';
import { serve, serveRaw, type HttpServer } from '../helpers/server.js';
import { onUnix } from '../helpers/where.js';

const SIZE = 64 * 1024;
const content = bytesOf(SIZE);
const other = bytesOf(SIZE, 2);

interface Place {
  client: Client;
  folder: string;
  file: string;
}

function place(t: ExecutionContext, options?: ClientOptions): Place {
  const folder = folderOf(t);
  return { client: openClient(t, options), folder, file: path.join(folder, 'file.bin') };
}

/** What a server that has ranges says of these bytes (RFC 9110 §14). */
interface Ranged {
  body: Buffer;
  headers: Record<string, string>;
  /** Cuts the connection after so many bytes of the body. */
  cutAt?: number;
}

function answerRange(request: IncomingMessage, response: ServerResponse, { body, headers, cutAt }: Ranged): void {
  const validators = [headers.etag, headers['last-modified']];
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const ifRange = request.headers['if-range'];
  const isRanged = asked !== null && (ifRange === undefined || validators.includes(String(ifRange)));
  const start = isRanged ? Number(asked[1]) : 0;
  if (isRanged && start >= body.length) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${body.length}` }).end();
    return;
  }
  const rest = body.subarray(start);
  const range = { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` };
  response.writeHead(isRanged ? 206 : 200, { ...headers, 'content-length': rest.length, ...(isRanged ? range : {}) });
  if (cutAt === undefined) {
    response.end(rest);
    return;
  }
  const destroy = () => setImmediate(() => response.socket?.destroy());
  response.flushHeaders();
  if (cutAt === 0) destroy();
  else response.write(rest.subarray(0, cutAt), destroy);
}

/** Answers the n-th request by the n-th way, the last one from then on. */
function serveRanges(
  t: ExecutionContext,
  ...ways: (Ranged | ((...given: [IncomingMessage, ServerResponse]) => unknown))[]
): Promise<HttpServer> {
  let count = 0;
  return serve(t, (request, response) => {
    const way = ways[Math.min(count++, ways.length - 1)];
    return typeof way === 'function' ? way(request, response) : answerRange(request, response, way);
  });
}

const strong = { etag: '"one"' };
const whole: Ranged = { body: content, headers: strong };
const cut = (cutAt: number): Ranged => ({ ...whole, cutAt });

test('a whole file: its name, its bytes, nothing beside it', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder, file } = place(t);
  const download = await client.download(`${server.origin}/a`, file);
  t.is(sha256(readFileSync(file)), sha256(content));
  t.deepEqual(namesIn(folder), ['file.bin']);
  const { response, ...rest } = download;
  t.deepEqual(rest, { path: file, size: SIZE, resumedFrom: 0, sha256: null });
  t.is(response?.statusCode, 200);
  t.is(response?.numBytesDownloaded, SIZE);
  t.true(response?.isClosed);
  t.is(server.requests[0].headers.range, undefined);
  // The connection serves again.
  t.is(client.pool.idle, 1);
});

test('bodies of every size and framing, coded and empty ones', async (t) => {
  for (const length of [0, 1, 16 * 1024, 300_001]) {
    const body = bytesOf(length, length + 1);
    for (const way of ['length', 'chunked', 'gzip'] as const) {
      const server = await serve(t, (_, response) => {
        if (way === 'length') response.setHeader('content-length', length);
        if (way === 'gzip') response.setHeader('content-encoding', 'gzip');
        response.end(way === 'gzip' ? gzipSync(body, { level: 1 }) : body);
      });
      const { client, file } = place(t);
      const checksum = { sha256: sha256(body).toUpperCase() };
      const download = await client.download(server.url, file, { checksum });
      t.is(download.size, length, `${way} ${length}`);
      t.is(download.sha256, sha256(body), `${way} ${length}`);
      t.is(sha256(readFileSync(file)), sha256(body), `${way} ${length}`);
    }
  }
});

test('an app, a dispatch, and a hook that has read the body', async (t) => {
  const ways: ClientOptions[] = [
    { app: () => new globalThis.Response(content) },
    { dispatch: new MockDispatch(() => new Response(200, { content })) },
    {
      dispatch: new MockDispatch(() => new Response(200, { content })),
      eventHooks: { response: [async (response) => void (await response.read())] },
    },
  ];
  for (const options of ways) {
    const { client, folder, file } = place(t, options);
    const download = await client.download('http://app.test/', file, { checksum: { sha256: sha256(content) } });
    t.is(sha256(readFileSync(file)), sha256(content));
    t.is(download.size, SIZE);
    t.deepEqual(namesIn(folder), ['file.bin']);
  }
});

test('redirects and auth lead to the file', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/old') return response.writeHead(302, { location: '/new' }).end('moved');
    if (request.headers.authorization === undefined) {
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    }
    return response.end(content);
  });
  const { client, file } = place(t, { auth: ['user', 'secret'] });
  const { response } = await client.download(`${server.origin}/old`, file);
  t.is(response?.history.length, 1);
  t.is(sha256(readFileSync(file)), sha256(content));
});

test('maxResponseSize does not count, maxSize does', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/declared') response.setHeader('content-length', SIZE);
    response.end(content);
  });
  const { client, folder, file } = place(t, { maxResponseSize: 10 });
  await client.download(server.url, file, { maxSize: SIZE });
  t.is(sha256(readFileSync(file)), sha256(content));
  for (const target of ['/declared', '/chunked']) {
    const error = await failure(client.download(server.origin + target, path.join(folder, 'b'), { maxSize: SIZE - 1 }));
    t.true(error instanceof ResponseTooLarge, String(error));
    t.false(existsSync(path.join(folder, 'b')));
  }
});

test('another status is HTTPStatusError, and writes nothing', async (t) => {
  const { client, folder, file } = place(t, { followRedirects: false });
  for (const status of [404, 500, 302, 304]) {
    const server = await serve(t, (_, response) =>
      response
        .writeHead(status, { 'content-type': 'text/plain', location: '/' })
        .end(status === 304 ? undefined : 'no such thing'),
    );
    const error = await failure(client.download(server.url, file));
    t.true(error instanceof HTTPStatusError, String(error));
    t.is((error as HTTPStatusError).response.statusCode, status);
    if (status === 404) t.regex(error.message, /no such thing/);
    t.deepEqual(namesIn(folder), []);
  }
});

test('progress is that of the file', async (t) => {
  const server = await serveRanges(t, cut(20_000), whole);
  const { client, file } = place(t);
  const seen: [number, number | null][] = [];
  const options: DownloadOptions = { resume: true, onDownloadProgress: (...given) => seen.push(given) };
  await failure(client.download(server.url, file, options));
  const { resumedFrom } = await client.download(server.url, file, options);
  t.is(resumedFrom, 20_000);
  t.deepEqual(seen.at(-1), [SIZE, SIZE]);
  const thrown = new Error('no more');
  const error = await failure(
    client.download(server.url, file, {
      onDownloadProgress: () => {
        throw thrown;
      },
    }),
  );
  t.is(error, thrown);
});

test('a cut anywhere: resume ends with the same bytes', async (t) => {
  const points = [0, 1, 2, 1000, 4095, 4096, 16_383, 16_384, 16_385, 32_768, 50_001, SIZE - 1];
  const expected = sha256(content);
  for (const point of points) {
    const server = await serveRanges(t, cut(point), whole);
    const { client, folder, file } = place(t);
    const error = await failure(client.download(server.url, file, { resume: true }));
    t.true(error instanceof ReadError || error instanceof RemoteProtocolError, String(error));
    t.is(statSync(`${file}.part`).size, point);
    t.false(existsSync(file));
    const download = await client.download(server.url, file, { resume: true, checksum: { sha256: expected } });
    t.is(download.resumedFrom, point, `cut at ${point}`);
    t.is(sha256(readFileSync(file)), expected, `cut at ${point}`);
    t.deepEqual(namesIn(folder), ['file.bin']);
    const [first, second] = server.requests;
    t.is(first.headers['accept-encoding'], 'identity');
    t.is(second.headers['accept-encoding'], 'identity');
    t.is(second.headers.range, point === 0 ? undefined : `bytes=${point}-`);
    t.is(second.headers['if-range'], point === 0 ? undefined : '"one"');
  }
});

test('a cut every thousand bytes, over and over', async (t) => {
  let served = 0;
  const server = await serve(t, (request, response) => {
    served++;
    answerRange(request, response, { ...whole, cutAt: 1009 });
  });
  const { client, file } = place(t);
  let rounds = 0;
  for (;;) {
    rounds++;
    const done = await client
      .download(server.url, file, { resume: true, checksum: { sha256: sha256(content) } })
      .catch((error: unknown) => error);
    if (!(done instanceof Error)) break;
    t.true(rounds < 100, String(done));
  }
  t.is(rounds, Math.ceil(SIZE / 1009));
  t.is(served, rounds);
  t.is(sha256(readFileSync(file)), sha256(content));
});

test('a download that was not to be resumed can be, if its content was not coded', async (t) => {
  const server = await serveRanges(t, cut(10_000), whole);
  const { client, file } = place(t);
  await failure(client.download(server.url, file));
  t.is((await client.download(server.url, file, { resume: true })).resumedFrom, 10_000);
  t.is(sha256(readFileSync(file)), sha256(content));
});

const old = 'Mon, 01 Jan 2024 00:00:00 GMT';
type Headers_ = Record<string, string>;
/** What the first answer says, and whether the second one is asked for the rest. */
const validators: [name: string, headers: Headers_, ifRange: string | undefined][] = [
  ['strong ETag', { etag: '"a b"' }, undefined],
  ['strong ETag', { etag: '"abc"' }, '"abc"'],
  ['both: the ETag', { etag: '"abc"', 'last-modified': old }, '"abc"'],
  ['old date', { 'last-modified': old }, old],
  ['weak ETag', { etag: 'W/"abc"' }, undefined],
  ['weak ETag and old date', { etag: 'W/"abc"', 'last-modified': old }, old],
  ['date of this second', { 'last-modified': old, date: old }, undefined],
  ['no validator', {}, undefined],
  ['no quotes', { etag: 'abc' }, undefined],
  ['no date', { 'last-modified': 'yesterday' }, undefined],
];
for (const [name, headers, ifRange] of validators) {
  test(`SEC-J14 validators: ${name} ${JSON.stringify(headers)}`, async (t) => {
    const ways: Ranged = { body: content, headers };
    const server = await serveRanges(t, { ...ways, cutAt: 30_000 }, ways);
    const { client, file } = place(t);
    await failure(client.download(server.url, file, { resume: true }));
    const { resumedFrom } = await client.download(server.url, file, { resume: true });
    t.is(server.requests[1].headers['if-range'], ifRange);
    t.is(resumedFrom, ifRange === undefined ? 0 : 30_000);
    t.is(sha256(readFileSync(file)), sha256(content));
  });
}

const HALF = SIZE / 2;
const range = (start: number, last: number, total: number | string) => ({
  'content-range': `bytes ${start}-${last}/${total}`,
});
/** What a server answers to `bytes=32768-`, and the file that comes of it; the third request gets `other`, whole. */
const liars: [name: string, status: number, headers: Headers_, body: Buffer, requests: number][] = [
  ['the whole', 200, strong, other, 2],
  ['another start', 206, { ...strong, ...range(HALF - 1, SIZE - 1, SIZE) }, content.subarray(HALF - 1), 3],
  ['the beginning', 206, { ...strong, ...range(0, SIZE - 1, SIZE) }, content, 3],
  ['another total', 206, { ...strong, ...range(HALF, SIZE, SIZE + 1) }, bytesOf(HALF + 1), 3],
  ['no total', 206, { ...strong, ...range(HALF, SIZE - 1, '*') }, content.subarray(HALF), 3],
  ['not to the end', 206, { ...strong, ...range(HALF, SIZE - 2, SIZE) }, content.subarray(HALF, SIZE - 1), 3],
  ['no Content-Range', 206, strong, content.subarray(HALF), 3],
  [
    'two Content-Ranges',
    206,
    { ...strong, 'content-range': `bytes ${HALF}-${SIZE - 1}/${SIZE}, bytes 0-1/2` },
    content.subarray(HALF),
    3,
  ],
  ['other units', 206, { ...strong, 'content-range': `items ${HALF}-${SIZE - 1}/${SIZE}` }, content.subarray(HALF), 3],
  ['another ETag', 206, { etag: '"two"', ...range(HALF, SIZE - 1, SIZE) }, other.subarray(HALF), 3],
  ['the ETag, weak', 206, { etag: 'W/"one"', ...range(HALF, SIZE - 1, SIZE) }, other.subarray(HALF), 3],
  ['no ETag', 206, range(HALF, SIZE - 1, SIZE), other.subarray(HALF), 3],
  [
    'coded',
    206,
    { ...strong, 'content-encoding': 'gzip', ...range(HALF, SIZE - 1, SIZE) },
    gzipSync(content.subarray(HALF)),
    3,
  ],
  [
    'fewer bytes than it says',
    206,
    { ...strong, ...range(HALF, SIZE - 1, SIZE), 'transfer-encoding': 'chunked' },
    content.subarray(HALF, SIZE - 9),
    3,
  ],
  [
    'more bytes than it says',
    206,
    { ...strong, ...range(HALF, SIZE - 1, SIZE), 'transfer-encoding': 'chunked' },
    bytesOf(HALF + 9),
    3,
  ],
  ['416, shorter by now', 416, { ...strong, 'content-range': 'bytes */10' }, Buffer.alloc(0), 3],
  [
    '416, shorter by now: as long as the part',
    416,
    { ...strong, 'content-range': `bytes */${HALF}` },
    Buffer.alloc(0),
    3,
  ],
  ['416, longer', 416, { ...strong, 'content-range': `bytes */${SIZE}` }, Buffer.alloc(0), 3],
  ['416 without a range', 416, strong, Buffer.from('no'), 3],
  ['416 of other content', 416, { etag: '"two"', 'content-range': `bytes */${HALF}` }, Buffer.alloc(0), 3],
];
for (const [name, status, headers, body, requests] of liars) {
  test(`SEC-J14 begun anew: ${name}`, async (t) => {
    const server = await serveRanges(t, cut(HALF), (_, response) => response.writeHead(status, headers).end(body), {
      body: other,
      headers: { etag: '"two"' },
    });
    const { client, folder, file } = place(t);
    await failure(client.download(server.url, file, { resume: true }));
    const download = await client.download(server.url, file, { resume: true, checksum: { sha256: sha256(other) } });
    t.is(server.requests[1].headers.range, `bytes=${HALF}-`);
    t.is(server.requests.length, requests);
    t.is(server.requests[2]?.headers.range, undefined);
    t.is(download.resumedFrom, 0);
    t.is(sha256(readFileSync(file)), sha256(other));
    t.deepEqual(namesIn(folder), ['file.bin']);
  });
}

test('changed meanwhile: a server with If-Range sends the whole', async (t) => {
  const server = await serveRanges(t, cut(HALF), { body: other, headers: { etag: '"two"' } });
  const { client, file } = place(t);
  await failure(client.download(server.url, file, { resume: true }));
  const { resumedFrom, response } = await client.download(server.url, file, { resume: true });
  t.is(resumedFrom, 0);
  t.is(response?.statusCode, 200);
  t.is(sha256(readFileSync(file)), sha256(other));
});

test('begun anew, and cut: what is left is that of the new content', async (t) => {
  const two: Ranged = { body: other, headers: { etag: '"two"' } };
  const server = await serveRanges(t, cut(HALF), { ...two, cutAt: 100 }, two);
  const { client, file } = place(t);
  await failure(client.download(server.url, file, { resume: true }));
  await failure(client.download(server.url, file, { resume: true }));
  t.is((await client.download(server.url, file, { resume: true })).resumedFrom, 100);
  t.is(server.requests[2].headers['if-range'], '"two"');
  t.is(sha256(readFileSync(file)), sha256(other));
});

test('a part that has everything: killed before it got its name', async (t) => {
  const server = await serveRanges(t, cut(HALF), whole);
  const { client, file } = place(t);
  await failure(client.download(server.url, file, { resume: true }));
  writeFileSync(`${file}.part`, content);
  t.is((await client.download(server.url, file, { resume: true })).resumedFrom, SIZE - 1);
  t.is(server.requests[1].headers.range, `bytes=${SIZE - 1}-`);
  t.is(sha256(readFileSync(file)), sha256(content));
});

test('416 says that the part, whose length was not known, is the whole', async (t) => {
  const server = await serveRanges(
    t,
    (_, response) =>
      response.writeHead(200, strong).write(content, () => setImmediate(() => response.socket?.destroy())),
    whole,
  );
  const { client, folder, file } = place(t);
  await failure(client.download(server.url, file, { resume: true }));
  const checksum = { sha512: createHash('sha512').update(content).digest('hex') };
  const download = await client.download(server.url, file, { resume: true, checksum });
  t.is(download.response?.statusCode, 416);
  t.is(download.resumedFrom, SIZE);
  t.is(download.sha256, null);
  t.is(sha256(readFileSync(file)), sha256(content));
  t.deepEqual(namesIn(folder), ['file.bin']);
});

test('a note that is none, of another request, or gone: begun anew', async (t) => {
  const notes: [string, (file: string) => void][] = [
    ['no JSON', (file) => writeFileSync(`${file}.part.json`, '{"etag":')],
    ['null', (file) => writeFileSync(`${file}.part.json`, 'null')],
    ['another shape', (file) => writeFileSync(`${file}.part.json`, '{"target":1,"etag":"\\"one\\""}')],
    [
      'a header in it',
      (file) =>
        writeFileSync(`${file}.part.json`, readFileSync(`${file}.part.json`, 'utf8').replace('one', 'x\\r\\ny: z')),
    ],
    ['longer than the content', (file) => writeFileSync(`${file}.part`, Buffer.concat([content, content]))],
  ];
  for (const [name, spoil] of notes) {
    const server = await serveRanges(t, cut(HALF), whole);
    const { client, file } = place(t);
    await failure(client.download(server.url, file, { resume: true }));
    spoil(file);
    const { resumedFrom } = await client.download(server.url, file, { resume: true });
    t.is(resumedFrom, name === 'longer than the content' ? SIZE - 1 : 0, name);
    if (resumedFrom === 0) t.is(sha256(readFileSync(file)), sha256(content), name);
  }
  const server = await serveRanges(t, cut(HALF), whole);
  const { client, file } = place(t);
  await failure(client.download(`${server.origin}/a?b=1`, file, { resume: true }));
  t.is((await client.download(`${server.origin}/a?b=2`, file, { resume: true })).resumedFrom, 0);
  t.notRegex(JSON.stringify(server.requests[1].headers), /range/);
});

test('only a GET without a body is resumed', async (t) => {
  const server = await serveRanges(t, cut(HALF), whole);
  const { client, file } = place(t);
  await failure(client.download(server.url, file, { resume: true }));
  const download = await client.download(server.url, file, { resume: true, method: 'post', json: { a: 1 } });
  t.is(server.requests[1].method, 'POST');
  t.is(server.requests[1].headers.range, undefined);
  t.is(download.resumedFrom, 0);
});

test('a range of its own: what comes is the file; a 206 that nothing asked for is refused', async (t) => {
  const server = await serveRanges(t, (_, response) =>
    response.writeHead(206, { ...strong, ...range(0, 9, SIZE) }).end(content.subarray(0, 10)),
  );
  const { client, folder, file } = place(t);
  const error = await failure(client.download(server.url, file));
  t.true(error instanceof RemoteProtocolError, String(error));
  t.deepEqual(namesIn(folder), []);
  await client.download(server.url, file, { headers: { Range: 'bytes=0-9' } });
  t.deepEqual(readFileSync(file), content.subarray(0, 10));
});

test('a checksum that differs: no file, no part, the old file stays', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder, file } = place(t);
  writeFileSync(file, 'old');
  const sha512 = '0'.repeat(128);
  const error = (await failure(client.download(server.url, file, { checksum: { sha512 } }))) as ChecksumMismatch;
  t.true(error instanceof ChecksumMismatch, String(error));
  t.is(error.code, 'ERR_CHECKSUM');
  t.is(error.expected, sha512);
  t.is(error.actual, createHash('sha512').update(content).digest('hex'));
  t.is(error.response.statusCode, 200);
  t.is(error.request, error.response.request);
  t.is(readFileSync(file, 'utf8'), 'old');
  t.deepEqual(namesIn(folder), ['file.bin']);
});

test('ifExists', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder, file } = place(t);
  writeFileSync(file, 'old');
  const error = (await failure(client.download(server.url, file, { ifExists: 'fail' }))) as FileError;
  t.true(error instanceof FileError);
  t.is(error.code, 'EEXIST');
  t.is(error.path, file);
  const skipped = await client.download(server.url, file, { ifExists: 'skip' });
  t.deepEqual(skipped, { path: file, size: 3, resumedFrom: 0, sha256: null, response: null });
  t.is(server.requests.length, 0);
  t.is(readFileSync(file, 'utf8'), 'old');
  await client.download(server.url, file);
  t.is(sha256(readFileSync(file)), sha256(content));
  for (const ifExists of ['fail', 'skip', 'replace'] as const) {
    const fresh = path.join(folder, ifExists);
    t.is((await client.download(server.url, fresh, { ifExists })).size, SIZE);
  }
});

test('a file that comes into being meanwhile is not replaced with ifExists: fail', async (t) => {
  const { client, file } = place(t);
  const server = await serve(t, (_, response) => {
    writeFileSync(file, 'other');
    response.end(content);
  });
  const error = (await failure(client.download(server.url, file, { ifExists: 'fail' }))) as FileError;
  t.is(error.code, 'EEXIST');
  t.is(readFileSync(file, 'utf8'), 'other');
});

onUnix('mode: of a new file, exactly; of one that was there, its own', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder, file } = place(t);
  const modeOf = (name: string) => statSync(name).mode & 0o777;
  const umask = process.umask();
  await client.download(server.url, file);
  t.is(modeOf(file), 0o666 & ~umask);
  for (const mode of [0o600, 0o640, 0o400, 0o777]) {
    const target = path.join(folder, `m${mode}`);
    await client.download(server.url, target, { mode });
    t.is(modeOf(target), mode);
  }
  chmodSync(file, 0o750);
  await client.download(server.url, file);
  t.is(modeOf(file), 0o750);
});

test('an abort keeps the part, and rejects with its reason', async (t) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const { client, file } = place(t);
  const server = await serveRanges(
    t,
    (_, response) => {
      response.writeHead(200, { ...strong, 'content-length': SIZE }).write(content.subarray(0, HALF));
    },
    whole,
  );
  const onDownloadProgress = () => controller.abort(reason);
  const options = { signal: controller.signal, onDownloadProgress, resume: true };
  const error = await failure(client.download(server.url, file, options));
  t.is(error, reason);
  t.true(existsSync(`${file}.part`));
  t.true((await client.download(server.url, file, { resume: true })).resumedFrom > 0);
  t.is(sha256(readFileSync(file)), sha256(content));
  const late = await failure(client.download(server.url, file, { signal: AbortSignal.abort(reason) }));
  t.is(late, reason);
});

test('a total timeout keeps the part', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { ...strong, 'content-length': SIZE }).write(content.subarray(0, HALF));
  });
  const { client, file } = place(t);
  const error = await failure(client.download(server.url, file, { timeout: { total: 4000 }, resume: true }));
  t.true(error instanceof TotalTimeout, String(error));
  t.is(statSync(`${file}.part`).size, HALF);
});

test('two writers of one path: the second is refused, the first one goes on', async (t) => {
  let release = () => {};
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { ...strong, 'content-length': SIZE }).write(content.subarray(0, HALF));
    const before = release;
    release = () => {
      before();
      response.end(content.subarray(HALF));
    };
  });
  const { client, folder, file } = place(t);
  const first = client.download(server.url, file);
  await eventually('the first one writes', () => existsSync(`${file}.part`) && statSync(`${file}.part`).size === HALF);
  for (const resume of [false, true]) {
    const error = (await failure(client.download(server.url, file, { resume }))) as FileError;
    t.true(error instanceof FileError, String(error));
    t.is(error.code, 'EBUSY');
    t.is(error.path, file);
  }
  release();
  await first;
  t.is(sha256(readFileSync(file)), sha256(content));
  t.deepEqual(namesIn(folder), ['file.bin']);
});

test('many downloads at once', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder } = place(t);
  const names = Array.from({ length: 40 }, (_, i) => path.join(folder, String(i)));
  const done = await Promise.all(
    names.map((name) => client.download(server.url, name, { checksum: { sha256: sha256(content) } })),
  );
  t.true(done.every(({ size }) => size === SIZE));
  t.is(namesIn(folder).length, 40);
});

test('what the file system refuses is FileError with its code, before anything is sent', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder, file } = place(t);
  mkdirSync(path.join(folder, 'dir'));
  writeFileSync(file, '');
  const cases: [string, string][] = [
    ['dir', 'EISDIR'],
    ['dir/', 'EISDIR'],
    ['new/', 'EISDIR'],
    ['none/a', 'ENOENT'],
    ['file.bin/a', 'ENOTDIR'],
    ['n'.repeat(300), 'ENAMETOOLONG'],
  ];
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [path.join(folder, 'fifo')]);
    cases.push(['fifo', 'EEXIST']);
  }
  for (const [name, code] of cases) {
    const target = `${folder}/${name}`;
    const error = (await failure(client.download(server.url, target))) as FileError;
    t.true(error instanceof FileError, `${name}: ${String(error)}`);
    t.is(error.code, code, error.message);
    t.is(error.path, target);
  }
  t.is(server.requests.length, 0);
});

onUnix('a symbolic link in the place of the part is not followed', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder, file } = place(t);
  writeFileSync(path.join(folder, 'victim'), 'dear');
  symlinkSync(path.join(folder, 'victim'), `${file}.part`);
  const error = (await failure(client.download(server.url, file))) as FileError;
  t.is(error.code, 'ELOOP');
  t.is(readFileSync(path.join(folder, 'victim'), 'utf8'), 'dear');
});

test('relative paths are those of now', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, file } = place(t);
  const relative = path.relative(process.cwd(), file);
  t.is((await client.download(server.url, relative)).path, relative);
  t.is(sha256(readFileSync(file)), sha256(content));
});

test('bad input is refused at once, and named', async (t) => {
  const server = await serveRanges(t, whole);
  const { client, folder, file } = place(t);
  const hex = '0'.repeat(64);
  const cases: [unknown, unknown, RegExp][] = [
    [undefined, {}, /^path: expected a string, got undefined/],
    [Buffer.from(file), {}, /^path: expected a string, got Buffer/],
    ['', {}, /^path: /],
    [`${file}\0.txt`, {}, /^path: NUL/],
    [file, null, /^options of client\.download\(\)/],
    [file, { resum: true }, /Unknown option 'resum'.*'resume'/],
    [file, { resume: 1 }, /^resume: /],
    [file, { fsync: 1 }, /^fsync: /],
    [file, { ifExists: 'overwrite' }, /^ifExists: /],
    [file, { ifExists: true }, /^ifExists: /],
    [file, { mode: '644' }, /^mode: /],
    [file, { mode: -1 }, /^mode: /],
    [file, { mode: 0o1000 }, /^mode: /],
    [file, { maxSize: 1.5 }, /^maxSize: /],
    [file, { checksum: hex }, /^checksum: /],
    [file, { checksum: {} }, /^checksum: /],
    [file, { checksum: { md5: hex } }, /^checksum: 'md5'/],
    [file, { checksum: { sha256: hex, sha512: hex + hex } }, /^checksum: /],
    [file, { checksum: { sha256: 'g'.repeat(64) } }, /^checksum\.sha256: expected 64 hexadecimal/],
    [file, { checksum: { sha256: hex.slice(1) } }, /^checksum\.sha256: /],
    [file, { checksum: { sha512: hex } }, /^checksum\.sha512: expected 128/],
    [file, { checksum: { sha256: 1 } }, /^checksum\.sha256: /],
    [file, { method: 'a b' }, /^method: /],
    [file, { signal: {} }, /^signal: /],
    [file, { onDownloadProgress: 1 }, /^onDownloadProgress: /],
  ];
  for (const [target, options, message] of cases) {
    const error = await failure(client.download(server.url, target as string, options as DownloadOptions));
    t.true(error instanceof TypeError || error instanceof RangeError, String(error));
    t.regex(error.message, message);
  }
  t.is(server.requests.length, 0);
  t.deepEqual(namesIn(folder), []);
});

test('over TLS-sized records and from a raw peer that dribbles', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n');
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') await connection.write(letter);
  });
  const { client, file } = place(t);
  await client.download(server.url, file);
  t.is(readFileSync(file, 'utf8'), 'abcdefghijklmnopqrstuvwxyz');
});

test('HTTP/2: a stream that is reset, and the rest of it', async (t) => {
  const server = createHttp2Server((request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${SIZE - 1}/${SIZE}`);
    response.writeHead(start > 0 ? 206 : 200, { ...strong, 'content-length': SIZE - start });
    if (start > 0) response.end(content.subarray(start));
    else
      response.write(content.subarray(0, 10_000), () =>
        setTimeout(() => response.stream.close(h2.NGHTTP2_INTERNAL_ERROR), 50),
      );
  });
  const { origin } = await listen(t, server, 'http', []);
  const { client, folder, file } = place(t, { httpVersions: 'HTTP/2' });
  await failure(client.download(origin, file, { resume: true }));
  const there = statSync(`${file}.part`).size;
  t.true(there > 0);
  const { resumedFrom, response } = await client.download(origin, file, { resume: true });
  t.deepEqual([resumedFrom, response?.httpVersion], [there, 'HTTP/2']);
  t.is(sha256(readFileSync(file)), sha256(content));
  t.deepEqual(namesIn(folder), ['file.bin']);
});
