/** `file(path)` as content and in files: its bytes as they are, its length, what is refused, and what changes meanwhile. */
import test from 'ava';
import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer as createHttp2Server } from 'node:http2';
import path from 'node:path';
import {
  DigestAuth,
  file,
  FileError,
  LocalProtocolError,
  type HTTPError,
  type Client,
  MockDispatch,
  Request,
  Response,
} from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';
import { bytesOf, folderOf, sha256 } from '../helpers/files.js';
import { serve, serveRaw } from '../helpers/server.js';

const SIZE = 1_300_000;
const content = bytesOf(SIZE);

async function bodyOf(request: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A server that says the digest and the length of what it got, and answers other paths as they say. */
function serveDigest(t: Parameters<typeof serve>[0]) {
  return serve(t, async (request, response) => {
    const body = await bodyOf(request);
    if (request.url === '/moved') return response.writeHead(307, { location: '/' }).end();
    if (request.url === '/basic' && request.headers.authorization === undefined) {
      return response.writeHead(401, { 'www-authenticate': 'Digest realm="a", nonce="b", qop="auth"' }).end();
    }
    const { 'content-length': length, 'transfer-encoding': coding, 'content-type': type } = request.headers;
    return response.end(JSON.stringify({ sha256: sha256(body), length, coding, type }));
  });
}

test('ranges of a file: the bytes, and their number as Content-Length', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, content);
  const server = await serveDigest(t);
  const client = openClient(t);
  const cases: [options: { start?: number; end?: number }, start: number, end: number][] = [
    [{}, 0, SIZE],
    [{ start: 0, end: SIZE }, 0, SIZE],
    [{ start: 1 }, 1, SIZE],
    [{ end: 512 * 1024 }, 0, 512 * 1024],
    [{ start: 10, end: 10 + 512 * 1024 + 1 }, 10, 10 + 512 * 1024 + 1],
    [{ start: SIZE - 1 }, SIZE - 1, SIZE],
    [{ start: SIZE }, SIZE, SIZE],
    [{ start: 7, end: 7 }, 7, 7],
  ];
  for (const [options, start, end] of cases) {
    const {
      sha256: digest,
      length,
      coding,
    } = (await client.put(server.url, { content: file(name, options) })).json<Record<string, string>>();
    t.is(digest, sha256(content.subarray(start, end)), JSON.stringify(options));
    t.is(length, String(end - start));
    t.false(coding !== undefined);
  }
});

test('what it says of itself, and its Content-Type', async (t) => {
  const name = path.join(folderOf(t), 'a.txt');
  writeFileSync(name, 'text');
  const server = await serveDigest(t);
  const client = openClient(t);
  const given = file(name, { start: 1, end: 3, contentType: 'text/x' });
  t.like(given, { path: name, start: 1, end: 3, contentType: 'text/x' });
  t.like(file(name), { path: name, start: 0, end: null, contentType: null });
  t.is((await client.put(server.url, { content: given })).json<{ type: string }>().type, 'text/x');
  const headers = { 'Content-Type': 'text/y' };
  t.is((await client.put(server.url, { content: given, headers })).json<{ type: string }>().type, 'text/y');
  t.false('type' in (await client.put(server.url, { content: file(name) })).json<object>());
});

test('sent again after 307 and after a challenge', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, content);
  const server = await serveDigest(t);
  const client = openClient(t, { auth: new DigestAuth('user', 'secret') });
  for (const target of ['/moved', '/basic']) {
    const response = await client.put(server.origin + target, { content: file(name) });
    t.is(response.json<{ sha256: string }>().sha256, sha256(content), target);
  }
  t.is(server.requests.length, 4);
});

test('progress: every byte is counted once', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, content);
  const server = await serveDigest(t);
  const seen: [number, number | null][] = [];
  const client = openClient(t);
  await client.put(server.url, { content: file(name), onUploadProgress: (...given) => seen.push(given) });
  t.true(seen.length > 1);
  t.deepEqual(seen.at(-1), [SIZE, SIZE]);
  t.deepEqual(
    seen.map(([sent]) => sent),
    seen.map(([sent]) => sent).sort((a, b) => a - b),
  );
});

test('in files: names, types, lengths, beside streams and bytes', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'a.txt'), 'aaa');
  writeFileSync(path.join(folder, 'b.bin'), 'bbb');
  const client = openClient(t, {
    app: async (request) => new globalThis.Response((await request.text()).replaceAll(/--\w+/g, '--')),
  });
  const files = {
    one: file(path.join(folder, 'a.txt')),
    two: ['other', file(path.join(folder, 'b.bin'), { start: 1, contentType: 'x/y' })] as const,
    three: 'text',
  };
  const expected = [
    '--',
    'Content-Disposition: form-data; name="one"; filename="a.txt"',
    'Content-Type: text/plain',
    '',
    'aaa',
    '--',
    'Content-Disposition: form-data; name="two"; filename="other"',
    'Content-Type: x/y',
    '',
    'bb',
    '--',
    'Content-Disposition: form-data; name="three"; filename="upload"',
    'Content-Type: application/octet-stream',
    '',
    'text',
    '----',
    '',
  ].join('\r\n');
  t.is((await client.post('/', { files })).text.replace(/--+\r\n$/, '----\r\n'), expected);
  const server = await serve(t, async (request, response) => {
    const body = await bodyOf(request);
    response.end(`${body.length === Number(request.headers['content-length'])} ${body.toString().includes('aaa')}`);
  });
  t.is((await client.post('/', { files })).request.headers.get('transfer-encoding'), undefined);
  t.is((await openClient(t).post(server.url, { files })).text, 'true true');
});

test('apps, mocks and read() get its bytes', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, content);
  const seen: string[] = [];
  const mock = new MockDispatch(async (request) => {
    seen.push(sha256(await request.read()));
    return new Response(200);
  });
  await openClient(t, { dispatch: mock }).put('http://mock.test/', { content: file(name, { start: 5 }) });
  const app = async (request: globalThis.Request) => {
    seen.push(sha256(Buffer.from(await request.arrayBuffer())));
    return new globalThis.Response();
  };
  await openClient(t, { app }).put('/', { content: file(name, { start: 5 }) });
  const request = new Request('PUT', 'http://example.org', { content: file(name, { start: 5 }) });
  t.is(request.headers.get('content-length'), String(SIZE - 5));
  seen.push(sha256(await request.read()));
  t.deepEqual(seen, Array(3).fill(sha256(content.subarray(5))));
});

const changes: [name: string, change: (name: string) => void][] = [
  ['shorter', (name) => truncateSync(name, SIZE - 1)],
  ['empty', (name) => truncateSync(name, 0)],
  ['longer', (name) => appendFileSync(name, 'x')],
];
for (const [how, change] of changes) {
  test(`a file that becomes ${how} while it is sent ends the request before its end`, async (t) => {
    const name = path.join(folderOf(t), 'a.bin');
    // More than the connection takes before its peer reads.
    writeFileSync(name, Buffer.alloc(30_000_000));
    const server = await serveRaw(t, async (connection) => {
      await connection.head();
      change(name);
      await connection.rest();
    });
    const error = (await failure(openClient(t).put(server.url, { content: file(name) }))) as HTTPError;
    t.true(error instanceof LocalProtocolError, String(error));
    t.regex(error.message, /a\.bin" became (shorter|longer) while it was sent/);
    const [received] = server.received;
    t.true(received.length - received.indexOf('\r\n\r\n') - 4 < 30_000_000);
  });

  test(`a file that became ${how} before it is sent, by the core and to an app`, async (t) => {
    const name = path.join(folderOf(t), 'a.bin');
    const server = await serveRaw(t, (connection) => connection.rest());
    const client = openClient(t);
    const app = openClient(t, { app: async (request) => new globalThis.Response(await request.text()) });
    const targets: [Client, string][] = [
      [client, server.url],
      [app, 'http://app.test/'],
    ];
    for (const [sender, url] of targets) {
      writeFileSync(name, content);
      const request = sender.buildRequest('PUT', url, { content: file(name) });
      change(name);
      const error = await failure(sender.send(request));
      t.true(error instanceof LocalProtocolError, String(error));
    }
  });
}

test('a file that is gone when it is sent', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, content);
  const server = await serveRaw(t, (connection) => connection.rest());
  const client = openClient(t);
  const request = client.buildRequest('PUT', server.url, { content: file(name) });
  rmSync(name);
  const error = (await failure(client.send(request))) as FileError;
  t.true(error instanceof FileError, String(error));
  t.is(error.code, 'ENOENT');
  t.is(error.path, name);
  t.is(error.request?.method, 'PUT');
});

test('what cannot be sent is refused before anything is', async (t) => {
  const folder = folderOf(t);
  const server = await serveDigest(t);
  const client = openClient(t);
  writeFileSync(path.join(folder, 'a'), 'abc');
  mkdirSync(path.join(folder, 'dir'));
  const cases: [string, string][] = [
    ['none', 'ENOENT'],
    ['dir', 'EISDIR'],
    ['a/b', 'ENOTDIR'],
  ];
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [path.join(folder, 'fifo')]);
    cases.push(['fifo', 'ESPIPE']);
  }
  for (const [name, code] of cases) {
    const target = path.join(folder, name);
    for (const options of [{ content: file(target) }, { files: { a: file(target) } }]) {
      const error = (await failure(client.post(server.url, options))) as FileError;
      t.true(error instanceof FileError, String(error));
      t.is(error.code, code);
      t.is(error.path, target);
    }
  }
  for (const options of [{ start: 4 }, { end: 4 }]) {
    const error = await failure(client.put(server.url, { content: file(path.join(folder, 'a'), options) }));
    t.true(error instanceof RangeError, String(error));
  }
  if (process.platform === 'linux') {
    const error = (await failure(client.put(server.url, { content: file('/proc/self/status') }))) as FileError;
    t.is(error.code, 'ESPIPE');
    t.true(readFileSync('/proc/self/status').length > 0);
  }
  t.is(server.requests.length, 0);
});

test('bad arguments are refused at once, and named', (t) => {
  const cases: [unknown[], RegExp][] = [
    [[], /^path: expected a string, got undefined/],
    [[new URL('file:///a')], /^path: expected a string, got URL/],
    [[''], /^path: /],
    [['a\0b'], /^path: NUL/],
    [['a', null], /^options of file\(\)/],
    [['a', { begin: 1 }], /Unknown option 'begin'/],
    [['a', { start: -1 }], /^start: /],
    [['a', { start: '1' }], /^start: /],
    [['a', { end: 1.5 }], /^end: /],
    [['a', { start: 2, end: 1 }], /^end: /],
    [['a', { contentType: 1 }], /^contentType: /],
  ];
  for (const [given, message] of cases) {
    const error = t.throws(() => (file as (...given: unknown[]) => unknown)(...given)) as Error;
    t.true(error instanceof TypeError || error instanceof RangeError);
    t.regex(error.message, message);
  }
});

test('an abort while it is sent', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, Buffer.alloc(30_000_000));
  const controller = new AbortController();
  const reason = new Error('enough');
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    controller.abort(reason);
    await connection.rest();
  });
  t.is(await failure(openClient(t).put(server.url, { content: file(name), signal: controller.signal })), reason);
});

test('an answer before the end of the file', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, Buffer.alloc(30_000_000));
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    await connection.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    await connection.closed;
  });
  t.is((await openClient(t).put(server.url, { content: file(name) })).statusCode, 413);
});

test('HTTP/2, larger than its windows', async (t) => {
  const name = path.join(folderOf(t), 'a.bin');
  writeFileSync(name, content);
  const server = createHttp2Server(async (request, response) => {
    const body = await bodyOf(request);
    response.end(`${request.headers['content-length']} ${sha256(body)}`);
  });
  const { origin } = await listen(t, server, 'http', []);
  const response = await openClient(t, { httpVersions: 'HTTP/2' }).put(origin, { content: file(name) });
  t.is(response.text, `${SIZE} ${sha256(content)}`);
});
