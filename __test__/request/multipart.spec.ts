/** Forms with files: the bytes of each part, lengths, files on disk, sending them again, and what a server makes of it. */
import test, { type ExecutionContext } from 'ava';
import express from 'express';
import * as fc from '../helpers/fast-check.js';
import multer, { type MulterFile } from 'multer';
import { createReadStream, openAsBlob } from 'node:fs';
import { appendFile, open, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { LocalProtocolError, Request, type RequestParts, StreamConsumed } from '../../src/index.js';
import { eventually, failure, openClient, told } from '../helpers/client.js';
import { OK, serve, serveRaw } from '../helpers/server.js';
import { folderOf } from '../helpers/files.js';

const PLUS = { 'Content-Type': 'multipart/form-data; boundary=+++' };
const DISPOSITION = 'Content-Disposition: form-data; name="file"';
const OCTETS = 'Content-Type: application/octet-stream';

/** The lines of a body; the boundary is `+++`. */
const lines = (...all: string[]) => `${all.join('\r\n')}\r\n`;
const part = (head: string[], content: string) => lines('--+++', ...head, '', content, '--+++--');
const named = (filename: string, type: string) => [`${DISPOSITION}; filename="${filename}"`, `Content-Type: ${type}`];
const file = (name: string, type?: string) => new File(['x'], name, { type });

const BODIES: [title: string, init: Pick<RequestParts, 'data' | 'files'>, body: string][] = [
  [
    'G1 bytes',
    { files: { file: Buffer.from('<file content>') } },
    part(named('upload', 'application/octet-stream'), '<file content>'),
  ],
  [
    'G2 fields first',
    { data: { text: 'abc' }, files: { file: Buffer.from('<file content>') } },
    lines(
      '--+++',
      'Content-Disposition: form-data; name="text"',
      '',
      'abc',
      '--+++',
      `${DISPOSITION}; filename="upload"`,
      OCTETS,
      '',
      '<file content>',
      '--+++--',
    ),
  ],
  [
    'lists repeat, numbers and null are text',
    { data: { a: ['1', 2], b: null }, files: { file: '' } },
    lines(
      '--+++',
      'Content-Disposition: form-data; name="a"',
      '',
      '1',
      '--+++',
      'Content-Disposition: form-data; name="a"',
      '',
      '2',
      '--+++',
      'Content-Disposition: form-data; name="b"',
      '',
      '',
      '--+++',
      `${DISPOSITION}; filename="upload"`,
      OCTETS,
      '',
      '',
      '--+++--',
    ),
  ],
  [
    'G8 headers before the type',
    { files: { file: ['f', 'x', 'text/plain', { Expires: '0' }] } },
    part([`${DISPOSITION}; filename="f"`, 'Expires: 0', 'Content-Type: text/plain'], 'x'),
  ],
  [
    'G8 headers, the type guessed',
    { files: { file: ['f.txt', 'x', undefined, { Expires: '0' }] } },
    part([`${DISPOSITION}; filename="f.txt"`, 'Expires: 0', 'Content-Type: text/plain'], 'x'),
  ],
  [
    'G8 the type null',
    { files: { file: ['f', 'x', null as never, { Expires: '0' }] } },
    part([`${DISPOSITION}; filename="f"`, 'Expires: 0', OCTETS], 'x'),
  ],
  [
    'G9 a type among the headers wins',
    { files: { file: ['f', 'x', 'text/plain', { 'content-type': 'image/png' }] } },
    part([`${DISPOSITION}; filename="f"`, 'content-type: image/png'], 'x'),
  ],
  ['G11 no filename', { files: { file: [null, 'x'] } }, part([DISPOSITION], 'x')],
  ['an empty filename', { files: { file: ['', 'x'] } }, part([DISPOSITION], 'x')],
  [
    'G13 no filename, but a type',
    { files: { file: [null, 'x', 'text/plain'] } },
    part([DISPOSITION, 'Content-Type: text/plain'], 'x'),
  ],
  ['G15 text as UTF-8', { files: { file: ['f', 'ç'] } }, part(named('f', 'application/octet-stream'), 'ç')],
  [
    'an ArrayBuffer',
    { files: { file: new Uint8Array([0x78]).buffer as never } },
    part(named('upload', 'application/octet-stream'), 'x'),
  ],
  ['a Blob', { files: { file: new Blob(['x']) } }, part(named('upload', 'application/octet-stream'), 'x')],
  [
    'a Blob with a type',
    { files: { file: new Blob(['x'], { type: 'image/png' }) } },
    part(named('upload', 'image/png'), 'x'),
  ],
  ['an empty Blob', { files: { file: new Blob([]) } }, part(named('upload', 'application/octet-stream'), '')],
  ['a File', { files: { file: file('a.json') } }, part(named('a.json', 'application/json'), 'x')],
  [
    'a File with a folder in its name',
    { files: { file: file('b/a.json') } },
    part(named('a.json', 'application/json'), 'x'),
  ],
  ['a File with another name', { files: { file: ['b.txt', file('a.json')] } }, part(named('b.txt', 'text/plain'), 'x')],
  ['G19 a name beyond ASCII', { files: { file: ['näme', 'x'] } }, part(named('näme', 'application/octet-stream'), 'x')],
  [
    'escapes',
    { files: { file: ['a"b\\c\r\nd\0\x1b\x7f', 'x'] } },
    part(named('a%22b\\\\c%0D%0Ad%00\x1b\x7f', 'application/octet-stream'), 'x'),
  ],
  [
    'SEC-I3 a FormData with names that break out',
    { data: formData(['a"\r\nb', new File(['x'], 'c"\r\nd', { type: 'text/plain' })]) },
    part(
      ['Content-Disposition: form-data; name="a%22%0D%0Ab"; filename="c%22%0D%0Ad"', 'Content-Type: text/plain'],
      'x',
    ),
  ],
  [
    'SEC-I3 the type of a Blob with CRLF is none',
    { files: { file: new Blob(['x'], { type: 'a/b\r\nc: d' }) } },
    part(named('upload', 'application/octet-stream'), 'x'),
  ],
  [
    'a FormData',
    { data: formData(['a', '1'], ['file', file('f.txt')], ['a', '2']) },
    lines(
      '--+++',
      'Content-Disposition: form-data; name="a"',
      '',
      '1',
      '--+++',
      `${DISPOSITION}; filename="f.txt"`,
      'Content-Type: text/plain',
      '',
      'x',
      '--+++',
      'Content-Disposition: form-data; name="a"',
      '',
      '2',
      '--+++--',
    ),
  ],
  ['an empty FormData', { data: new FormData() }, '--+++--\r\n'],
  ['a FormData without files', { data: formData(['file', '1']) }, part([DISPOSITION], '1')],
  [
    'several files of one name, by a list and by pairs',
    { files: { file: [file('a.txt'), ['b.txt', 'y']] } },
    lines(
      '--+++',
      ...named('a.txt', 'text/plain'),
      '',
      'x',
      '--+++',
      ...named('b.txt', 'text/plain'),
      '',
      'y',
      '--+++--',
    ),
  ],
  [
    'pairs',
    {
      files: [
        ['file', file('a.txt')],
        ['file', ['b.txt', 'y']],
      ],
    },
    lines(
      '--+++',
      ...named('a.txt', 'text/plain'),
      '',
      'x',
      '--+++',
      ...named('b.txt', 'text/plain'),
      '',
      'y',
      '--+++--',
    ),
  ],
  [
    'the name __proto__',
    { files: JSON.parse('{"__proto__":["f","x"]}') as never },
    part(['Content-Disposition: form-data; name="__proto__"; filename="f"', OCTETS], 'x'),
  ],
];

for (const [title, init, body] of BODIES) {
  test(`multipart: ${title}`, async (t) => {
    const request = new Request('POST', 'http://example.org/', { ...init, headers: PLUS });
    t.is((await request.read()).toString(), body);
    t.is(request.headers.get('content-length'), String(Buffer.byteLength(body)));
  });
}

test('F28 and F29: 138 and 210 bytes', (t) => {
  const files = { file: Buffer.from('<file content>') };
  const length = (init: RequestParts) =>
    new Request('POST', 'http://h/', { ...init, headers: PLUS } as RequestParts).content.length;
  t.is(length({ files }), 138);
  t.is(length({ data: { message: 'Hello, world!' }, files }), 210);
});

const TYPES: [filename: string, type: string][] = [
  ['example.json', 'application/json'],
  ['example.txt', 'text/plain'],
  ['no-extension', 'application/octet-stream'],
  ['a.HTML', 'text/html'],
  ['a.png', 'image/png'],
  ['a.jpg', 'image/jpeg'],
  ['a.pdf', 'application/pdf'],
  ['a.js', 'text/javascript'],
  ['a.css', 'text/css'],
  ['a.xml', 'application/xml'],
  ['a.csv', 'text/csv'],
  ['a.svg', 'image/svg+xml'],
  ['a.webp', 'image/webp'],
  ['a.md', 'text/markdown'],
  ['a.mp4', 'video/mp4'],
  ['a.zip', 'application/zip'],
  ['a.tar', 'application/x-tar'],
  ['a.tar.gz', 'application/x-tar'],
  ['a.gz', 'application/octet-stream'],
  ['a.yaml', 'application/octet-stream'],
  ['.json', 'application/octet-stream'],
  ['a.__proto__', 'application/octet-stream'],
  ['a.', 'application/octet-stream'],
];

for (const [filename, type] of TYPES) {
  test(`G14 ${filename} is ${type}`, (t) => {
    const request = new Request('POST', 'http://h/', { files: { file: [filename, 'x'] }, headers: PLUS });
    t.is(request.content.toString(), part(named(filename, type), 'x'));
  });
}

const BOUNDARIES: string[] = [
  'multipart/form-data; boundary=+++',
  'multipart/form-data; boundary=+++ ;',
  'multipart/form-data; boundary="+++"',
  'multipart/form-data; boundary=+++; charset=utf-8',
  'multipart/form-data; boundary="+++"; charset=utf-8',
  'multipart/form-data; charset=utf-8; boundary=+++',
  'multipart/form-data; charset=utf-8; boundary="+++" ;',
  'multipart/form-data;BOUNDARY=+++',
  'multipart/mixed; boundary=+++',
];

for (const contentType of BOUNDARIES) {
  test(`G3 a boundary of one’s own: ${contentType}`, async (t) => {
    const server = await serveRaw(t, OK);
    const client = openClient(t);
    await client.post(server.url, { files: { file: [null, 'x'] }, headers: { 'content-type': contentType } });
    const other = openClient(t, { headers: { 'content-type': contentType } });
    await other.post(server.url, { files: { file: [null, 'x'] } });
    for (const received of server.received) {
      t.true(received.includes(`\r\ncontent-type: ${contentType}\r\n`), received);
      t.true(received.endsWith(`\r\n\r\n${part([DISPOSITION], 'x')}`), received);
    }
  });
}

for (const given of [
  'multipart/form-data',
  'multipart/form-data; charset=utf-8',
  'multipart/form-data; boundary=',
  'multipart/form-data;',
]) {
  test(`a multipart type without a boundary gets one: ${given}`, (t) => {
    const request = new Request('POST', 'http://h/', { files: { file: 'x' }, headers: { 'content-type': given } });
    const [, boundary] = /; boundary=([0-9a-f]{32})$/.exec(request.headers.get('content-type') ?? '') ?? [];
    t.truthy(boundary, request.headers.get('content-type'));
    t.true(request.content.toString().startsWith(`--${boundary}\r\n`));
    t.is(request.headers.getList('content-type').length, 1);
    t.is(request.headers.get('content-type')?.match(/boundary/g)?.length, 1);
  });
}

test('a boundary that is none of RFC 2046', (t) => {
  for (const boundary of ['x'.repeat(71), 'a"b', 'ä']) {
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    t.throws(() => new Request('POST', 'http://h/', { files: { file: 'x' }, headers }), {
      instanceOf: TypeError,
      message: /boundary/,
    });
  }
});

test('G24, SEC-I4 a boundary of 32 hexadecimal digits, new for each request; type before length', (t) => {
  const made = Array.from({ length: 50 }, () => new Request('POST', 'http://h/', { files: { file: 'x' } }).headers);
  const types = made.map((headers) => headers.get('content-type') ?? '');
  for (const type of types) t.regex(type, /^multipart\/form-data; boundary=[0-9a-f]{32}$/);
  t.is(new Set(types).size, 50);
  t.deepEqual(
    made[0].raw.map(([name]) => name),
    ['Host', 'Content-Type', 'Content-Length'],
  );
});

const REFUSED: [title: string, files: unknown, message: RegExp][] = [
  ['a number', { a: 5 }, /^files: 'a' must be a Blob, bytes, a string or a Node stream, got number$/],
  ['null', { a: null }, /^files: 'a' must be .* got null$/],
  ['an object', { a: {} }, /^files: 'a' must be .* got Object$/],
  ['a web stream', { a: new Blob(['x']).stream() }, /^files: 'a' must be .* got ReadableStream$/],
  ['a Date', { a: new Date() }, /^files: 'a' must be .* got Date$/],
  ['a filename that is none', { a: [5, 'x'] }, /^files: 'a' must be .* got number$/],
  ['a content that is none', [['a', ['f', 5]]], /^files: 'a' must be .* got number$/],
  ['one item', [['a', ['f']]], /^files: 'a': expected \[filename, content, contentType\?, headers\?\], got 1 items$/],
  ['five items', { a: ['f', 'x', 'a/b', {}, 'secret'] }, /^files: 'a': expected .* got 5 items$/],
  ['a type that is none', { a: ['f', 'x', 5] }, /^files: 'a': contentType must be a string, got number$/],
  ['a type with CRLF', { a: ['f', 'x', 'a/b\r\nX: secret'] }, /^Header 'Content-Type': value has an invalid character/],
  [
    'headers with CRLF',
    { a: ['f', 'x', 'a/b', { X: 'a\r\nY: secret' }] },
    /^Header 'X': value has an invalid character/,
  ],
  ['a header name with CRLF', { a: ['f', 'x', 'a/b', { 'X\r\nY': '1' }] }, /^Invalid header name/],
  [
    'a Content-Disposition',
    { a: ['f', 'x', 'a/b', { 'content-disposition': 'x' }] },
    /^files: 'a': Content-Disposition is written/,
  ],
  ['text', 'secret', /^files: expected an object or pairs of name and file, got string$/],
  ['bytes', Buffer.from('secret'), /^files: expected an object or pairs of name and file, got Buffer$/],
  ['a Blob', new Blob(['secret']), /^files: expected an object or pairs of name and file, got Blob$/],
  ['a Map', new Map(), /^files: expected an object or pairs of name and file, got Map$/],
  ['a promise', Promise.resolve({}), /^files: expected an object or pairs of name and file, got Promise$/],
  ['a Date itself', new Date(), /^files: expected an object or pairs of name and file, got Date$/],
  ['a response', new Response('secret'), /^files: expected an object or pairs of name and file, got Response$/],
  ['files in a list', [Buffer.from('secret')], /^files: expected pairs of name and file, got Buffer$/],
  ['a name that is none', [[5, 'x']], /^files: names must be strings, got number$/],
  [
    'G16 a stream that gives text',
    { a: createReadStream(import.meta.filename, 'utf8') },
    /^files: 'a': expected a stream of bytes, got one of text \(utf8\)$/,
  ],
  ['a stream of objects', { a: Readable.from([{}]) }, /^files: 'a': expected a stream of bytes, got one of objects$/],
  ['a directory', { a: createReadStream(tmpdir()) }, /^files: 'a': '.*' is a directory, expected a file$/],
];

for (const [title, files, message] of REFUSED) {
  test(`no file: ${title}`, (t) => {
    const error = t.throws(() => new Request('POST', 'http://h/', { files } as RequestParts), {
      instanceOf: TypeError,
      message,
    });
    t.notRegex(error.message, /secret/);
  });
}

test('a file that is not there rejects, and does not end the process', async (t) => {
  const missing = path.join(tmpdir(), 'whippet-is-not-here');
  const error = await failure(openClient(t).post('http://127.0.0.1:1/', { files: { a: createReadStream(missing) } }));
  t.is((error as NodeJS.ErrnoException).code, 'ENOENT');
  const content = await failure(openClient(t).post('http://127.0.0.1:1/', { content: createReadStream(missing) }));
  t.is((content as NodeJS.ErrnoException).code, 'ENOENT');
  await new Promise((resolve) => setTimeout(resolve, 20));
});

// ── from disk ──

async function onDisk(t: ExecutionContext, content: string | Buffer, name = 'data.txt'): Promise<string> {
  const folder = folderOf(t);
  await writeFile(path.join(folder, name), content);
  return path.join(folder, name);
}

type Open = (name: string) => Promise<Blob | Readable> | Readable;

const DISK: [title: string, open: Open, content: string, filename: string, type: string][] = [
  ['a stream', (name) => createReadStream(name), '0123456789', 'data.txt', 'text/plain'],
  ['a part of it', (name) => createReadStream(name, { start: 2, end: 5 }), '2345', 'data.txt', 'text/plain'],
  ['from somewhere on', (name) => createReadStream(name, { start: 7 }), '789', 'data.txt', 'text/plain'],
  ['more than there is', (name) => createReadStream(name, { start: 7, end: 99 }), '789', 'data.txt', 'text/plain'],
  ['nothing of it', (name) => createReadStream(name, { start: 10 }), '', 'data.txt', 'text/plain'],
  ['opened already', opened, '0123456789', 'data.txt', 'text/plain'],
  ['begun already', begun, '456789', 'data.txt', 'text/plain'],
  ['a Blob', (name) => openAsBlob(name), '0123456789', 'upload', 'application/octet-stream'],
];

async function opened(name: string): Promise<Readable> {
  const stream = createReadStream(name);
  await new Promise<void>((resolve) => stream.once('open', () => resolve()));
  return stream;
}

async function begun(name: string): Promise<Readable> {
  const stream = createReadStream(name);
  await new Promise<void>((resolve) => stream.once('readable', () => resolve()));
  stream.read(4);
  return stream;
}

for (const [title, open, content, filename, type] of DISK) {
  test(`from disk: ${title}, with its length, once and again`, async (t) => {
    const server = await serveRaw(t, OK);
    const client = openClient(t);
    const source = await open(await onDisk(t, '0123456789'));
    const request = client.buildRequest('POST', server.url, { files: { file: source }, headers: PLUS });
    const body = part(named(filename, type), content);
    for (let i = 0; i < 2; i++) {
      t.is(told(await client.send(request)), '200 ok');
      t.true(server.received.join('').endsWith(`\r\n\r\n${body}`), server.received.join(''));
    }
    t.is(server.received.join('').match(new RegExp(`Content-Length: ${body.length}\r\n`, 'g'))?.length, 2);
    t.notRegex(server.received.join(''), /chunked/);
  });
}

test('G18 the same stream of a file in two requests: its content both times', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const stream = createReadStream(await onDisk(t, 'abcdef'));
  await client.post(server.url, { files: { file: stream }, headers: PLUS });
  await client.post(server.url, { files: { file: stream }, headers: PLUS });
  t.is(server.received.join('').match(/abcdef/g)?.length, 2);
});

test('the same stream of a file in two parts, and in two requests at once', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const stream = createReadStream(await onDisk(t, 'abcdef'));
  await client.post(server.url, { files: { file: [stream, stream] }, headers: PLUS });
  t.is(server.received.join('').match(/abcdef/g)?.length, 2);
  const other = createReadStream(await onDisk(t, 'abcdef'));
  await Promise.all([1, 2].map(() => client.post(server.url, { files: { file: other }, headers: PLUS })));
  t.is(server.received.join('').match(/abcdef/g)?.length, 4);
});

test('a stream of a file without a path is read once', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const handle = await open(await onDisk(t, 'abcdef'));
  const request = new Request('POST', server.url, { content: handle.createReadStream() });
  t.is(request.headers.get('content-length'), '6');
  t.is(told(await client.send(request)), '200 ok');
  t.true((await failure(client.send(request))) instanceof StreamConsumed);
});

test('F10 content from disk has a length, and can be sent again', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const request = new Request('POST', server.url, {
    content: createReadStream(await onDisk(t, '0123456789'), { start: 3 }),
  });
  t.is(request.headers.get('content-length'), '7');
  await client.send(request);
  await client.send(request);
  t.is(server.received.join('').match(/\r\n\r\n3456789/g)?.length, 2);
});

test('an empty file has a length, a file of /proc has none', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const empty = await onDisk(t, '');
  await client.post(server.url, { files: { file: createReadStream(empty) }, headers: PLUS });
  await client.post(server.url, { content: createReadStream(empty) });
  t.true(server.received.join('').includes(`\r\n\r\n${part(named('data.txt', 'text/plain'), '')}`));
  t.regex(server.received.join(''), /\r\nContent-Length: 0\r\n\r\n$/);
  if (process.platform !== 'linux') return;
  const request = new Request('POST', server.url, { content: createReadStream('/proc/self/status') });
  t.is(request.headers.get('transfer-encoding'), 'chunked');
  t.regex((await request.read()).toString(), /^Name:/);
});

test('a stream without a length: chunked, and not twice', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const stream = Readable.from([Buffer.from('ab'), Buffer.from('c')], { objectMode: false });
  const request = new Request('POST', server.url, { files: { file: stream } });
  t.deepEqual(
    request.headers.raw.map(([name]) => name),
    ['Host', 'Content-Type', 'Transfer-Encoding'],
  );
  t.is(told(await client.send(request)), '200 ok');
  t.true((await failure(client.send(request))) instanceof StreamConsumed);
  t.is(server.received.join('').match(/POST/g)?.length, 1);
});

for (const [title, open] of [
  ['a stream', createReadStream],
  ['a Blob', openAsBlob],
] as [string, Open][]) {
  for (const as of ['files', 'content'] as const) {
    test(`${as}: ${title} of a file that shrinks while it is sent is a LocalProtocolError`, async (t) => {
      const server = await serve(t, (request, response) => {
        request.resume().on('end', () => response.end('ok'));
      });
      const name = await onDisk(t, Buffer.alloc(8_000_000, 'x'));
      const client = openClient(t);
      const source = await open(name);
      const init = as === 'files' ? { files: { file: source } } : { content: source };
      const request = client.buildRequest('POST', server.url, init);
      await truncate(name, 1000);
      const error = await failure(client.send(request));
      t.true(error instanceof LocalProtocolError, String(error));
      t.regex(error.message, /the file changed while it was sent: Too little data for declared Content-Length/);
      t.is(told(await client.get(server.url)), '200 ok');
    });
  }
}

test('a file that grows is sent as long as it was', async (t) => {
  const server = await serveRaw(t, OK);
  const name = await onDisk(t, 'abc');
  const client = openClient(t);
  const request = client.buildRequest('POST', server.url, { files: { file: createReadStream(name) }, headers: PLUS });
  await appendFile(name, 'def');
  t.is(told(await client.send(request)), '200 ok');
  t.true(server.received[0].endsWith(part(named('data.txt', 'text/plain'), 'abc')));
});

test('what a server makes of it: fields, files, names beyond ASCII, large ones', async (t) => {
  const app = express();
  app.post('/', multer().any(), (request, response) => {
    const files = (request as unknown as { files: MulterFile[] }).files.map(
      ({ fieldname, originalname, mimetype, size, buffer }) => {
        const filename = Buffer.from(originalname, 'latin1').toString();
        return { fieldname, filename, mimetype, size, sum: buffer.reduce((a, b) => (a + b) % 65_521, 0) };
      },
    );
    response.json({ body: request.body as unknown, files });
  });
  const server = await serve(t, app);
  const large = Buffer.alloc(6_000_000, 'abc');
  const sum = large.reduce((a, b) => (a + b) % 65_521, 0);
  const response = await openClient(t).post(server.url, {
    data: { title: 'Größe', tag: ['a', 'b'] },
    files: [
      ['one', ['größe.bin', large]],
      ['two', createReadStream(await onDisk(t, large))],
      ['three', await openAsBlob(await onDisk(t, large))],
      ['four', ['plus.txt', Readable.from([large], { objectMode: false })]],
    ],
  });
  t.deepEqual(response.json(), {
    body: { title: 'Größe', tag: ['a', 'b'] },
    files: [
      { fieldname: 'one', filename: 'größe.bin', mimetype: 'application/octet-stream', size: 6_000_000, sum },
      { fieldname: 'two', filename: 'data.txt', mimetype: 'text/plain', size: 6_000_000, sum },
      { fieldname: 'three', filename: 'upload', mimetype: 'application/octet-stream', size: 6_000_000, sum },
      { fieldname: 'four', filename: 'plus.txt', mimetype: 'text/plain', size: 6_000_000, sum },
    ],
  });
});

for (const [title, open] of [
  ['a stream', createReadStream],
  ['a pipe', () => new PassThrough()],
] as [string, (name: string) => Readable][]) {
  test(`an aborted upload lets go of what it reads: ${title}`, async (t) => {
    const server = await serve(t, () => {});
    const client = openClient(t);
    const source = open(await onDisk(t, Buffer.alloc(30_000_000)));
    const abort = new AbortController();
    const reason = new Error('mine');
    const sent = client.post(server.url, { files: { file: source }, signal: abort.signal });
    await eventually('the request arrived', () => server.requests.length === 1);
    abort.abort(reason);
    t.is(await failure(sent), reason);
    await eventually('the source is closed', () => source.destroyed);
    await eventually('nothing is in use', () => client.pool.active === 0);
  });
}

test('onUploadProgress counts the whole form', async (t) => {
  const server = await serve(t, (request, response) => request.resume().on('end', () => response.end('ok')));
  const seen: [number, number | null][] = [];
  await openClient(t).post(server.url, {
    files: { file: createReadStream(await onDisk(t, Buffer.alloc(300_000))) },
    onUploadProgress: (sent, total) => seen.push([sent, total]),
  });
  const last = seen.at(-1) ?? [0, 0];
  t.is(last[0], last[1] ?? 0);
  t.true(last[0] > 300_000);
});

test('property: what is written, the platform’s own reader takes apart the same', async (t) => {
  const name = fc.string({ unit: fc.constantFrom(..."ab ç;='日".split('')), minLength: 1, maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom(...'ab\r\n-"\\\0ç日'.split('')), maxLength: 20 });
  const entry = fc.record({ name, text, filename: fc.option(name) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 5 }), async (entries) => {
      const files = entries.map(({ name: field, text: content, filename }) => [field, [filename, content]] as const);
      const request = new Request('POST', 'http://h/', { files });
      const headers = { 'content-type': request.headers.get('content-type') as string };
      const form = await new globalThis.Response(new Uint8Array(request.content), { headers }).formData();
      const read = await Promise.all(
        [...form].map(async ([field, value]) =>
          typeof value === 'string' ? [field, value, null] : [field, await value.text(), value.name],
        ),
      );
      t.deepEqual(
        read,
        entries.map(({ name: field, text: content, filename }) => [field, content, filename]),
      );
    }),
    { numRuns: 100 },
  );
});

function formData(...entries: [name: string, value: string | File][]): FormData {
  const form = new FormData();
  for (const [name, value] of entries) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value);
  }
  return form;
}
