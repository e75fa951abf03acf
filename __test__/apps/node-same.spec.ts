/**
 * Whatever a Node listener does, its client sees the same in process as over a socket: each row is run both ways, by the same
 * client code, and the two are compared.
 */
import test, { type ExecutionContext } from 'ava';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Client, RequestOptions, Response } from '../../src/index.js';
import { bodyOf, nodeClient, type Listener, url } from '../helpers/apps.js';
import { openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

interface Row {
  title: string;
  app: Listener;
  method?: string;
  options?: RequestOptions;
  target?: string;
}

const thisFile = fileURLToPath(import.meta.url);

const RESPONSES: Row[] = [
  { title: 'a text', app: (_, res) => res.end('Hello World!') },
  { title: 'nothing', app: (_, res) => res.end() },
  { title: 'UTF-8', app: (_, res) => res.end('größer, 大きい, 🐋') },
  { title: 'Latin-1', app: (_, res) => res.end('größer', 'latin1') },
  { title: 'hexadecimal digits', app: (_, res) => res.end('00ff10', 'hex') },
  { title: 'a Buffer', app: (_, res) => res.end(Buffer.from([0, 255, 128])) },
  { title: 'a Uint8Array', app: (_, res) => res.end(new Uint8Array([1, 2, 3])) },
  { title: 'a status', app: (_, res) => res.writeHead(404).end('no') },
  { title: 'a status of their own', app: (_, res) => res.writeHead(599, 'Odd One').end('odd') },
  { title: 'statusMessage', app: (_, res) => ((res.statusMessage = 'Fine'), res.end('x')) },
  { title: 'an empty statusMessage', app: (_, res) => res.writeHead(200, '').end('x') },
  {
    title: 'header names as given, in order, values apart',
    app: (_, res) => {
      res.setHeader('X-One', '1');
      res.setHeader('set-cookie', ['a=1', 'b=2']);
      res.appendHeader('X-Two', 'x');
      res.appendHeader('X-Two', 'y');
      res.setHeader('x-number', 7);
      res.end('x');
    },
  },
  {
    title: 'raw header arrays of writeHead',
    app: (_, res) => res.writeHead(200, ['X-A', '1', 'X-A', '2', 'Content-Type', 'text/plain']).end('x'),
  },
  {
    title: 'a Latin-1 header value',
    app: (_, res) => res.setHeader('x-name', 'Gr\u00fc\u00dfe').end(Buffer.from('x')),
  },
  {
    title: 'a Latin-1 header value before a text',
    app: (_, res) => res.setHeader('x-name', 'Gr\u00fc\u00dfe').end('x'),
  },
  { title: 'an empty header value', app: (_, res) => res.setHeader('x-empty', '').end('x') },
  { title: 'several writes', app: (_, res) => (res.write('a'), res.write(Buffer.from('b')), res.end('c')) },
  { title: 'several writes and nothing at the end', app: (_, res) => (res.write('a'), res.write('b'), res.end()) },
  { title: 'empty writes', app: (_, res) => (res.write(''), res.write('a'), res.write(Buffer.alloc(0)), res.end('')) },
  {
    title: 'writes over several turns',
    app: async (_, res) => {
      for (const piece of ['a', 'b', 'c']) {
        res.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      res.end();
    },
  },
  {
    title: 'corked writes',
    app: (_, res) => {
      res.cork();
      res.write('a');
      res.write('b');
      res.uncork();
      res.end('c');
    },
  },
  {
    title: 'writes of a declared length',
    app: (_, res) => (res.setHeader('content-length', 3), res.write('a'), res.end('bc')),
  },
  { title: 'what looks like chunks', app: (_, res) => (res.write('5\r\nhello\r\n'), res.end('0\r\n\r\n')) },
  {
    title: 'no framing: until the connection is closed',
    app: (_, res) => {
      res.removeHeader('transfer-encoding');
      res.setHeader('connection', 'close');
      res.write('a');
      res.end('b');
    },
  },
  { title: 'flushHeaders', app: (_, res) => (res.flushHeaders(), setImmediate(() => res.end('late'))) },
  { title: '204', app: (_, res) => res.writeHead(204).end('ignored') },
  { title: '304', app: (_, res) => res.writeHead(304, { etag: '"x"' }).end('ignored') },
  { title: 'HEAD', method: 'HEAD', app: (_, res) => res.end('not sent') },
  { title: 'HEAD with a length', method: 'HEAD', app: (_, res) => res.setHeader('content-length', 12).end() },
  { title: 'HEAD in pieces', method: 'HEAD', app: (_, res) => (res.write('a'), res.end('b')) },
  {
    title: 'HEAD of what is compressed',
    method: 'HEAD',
    app: (_, res) => res.setHeader('content-encoding', 'gzip').setHeader('content-length', 20).end(),
  },
  { title: 'gzip', app: (_, res) => res.setHeader('content-encoding', 'gzip').end(gzipSync('compressed'.repeat(999))) },
  { title: 'nothing, said to be gzip', app: (_, res) => res.setHeader('content-encoding', 'gzip').end() },
  {
    title: 'trailers',
    app: (_, res) => {
      res.setHeader('trailer', 'x-sum, x-more');
      res.write('body');
      res.addTrailers({ 'X-Sum': 'abc', 'x-more': '1: 2' });
      res.end();
    },
  },
  { title: '1 MiB', app: (_, res) => res.end(Buffer.alloc(1 << 20, 'abcdefg')) },
  { title: '1 MiB in a text of wide characters', app: (_, res) => res.end('大'.repeat(350_000)) },
  { title: 'a file by pipe()', app: (_, res) => createReadStream(thisFile).pipe(res) },
  {
    title: 'a generator by pipeline()',
    app: (_, res) => pipeline(Readable.from(Array.from({ length: 500 }, (_, i) => `line ${i}\n`)), res, () => {}),
  },
  {
    title: 'a redirect',
    app: (req, res) => (req.url === '/' ? res.writeHead(302, { location: '/else' }).end() : res.end('else')),
  },
  {
    title: 'Connection: close of the client',
    app: (_, res) => res.end('x'),
    options: { headers: { connection: 'close' } },
  },
];

const echo: Listener = async (req, res) => {
  const whenCalled = [
    req.complete,
    req.readable,
    req.readableEnded,
    req.aborted,
    req.destroyed,
    (req as { upgrade?: unknown }).upgrade,
  ];
  const body = await bodyOf(req);
  const { method, url: target, httpVersion, headers, headersDistinct, trailers } = req;
  // On the wire names are in Title-Case, whatever the user wrote.
  const rawHeaders = req.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  const seen = { method, target, httpVersion, headers, headersDistinct, rawHeaders, trailers, whenCalled };
  const json = JSON.stringify({ ...seen, complete: req.complete, length: body.length, body: body.slice(0, 99) });
  res.setHeader('content-type', 'application/json').end(json.replaceAll(headers.host as string, 'example'));
};

const REQUESTS: Row[] = [
  { title: 'GET', app: echo },
  { title: 'a path with escapes and a query', app: echo, target: 'a%20b/%C3%A9;x/user@example.org?x=%20y&&z#fragment' },
  { title: 'DELETE', method: 'DELETE', app: echo },
  { title: 'OPTIONS', method: 'OPTIONS', app: echo },
  { title: 'TRACE', method: 'TRACE', app: echo },
  { title: 'PUT without a body', method: 'PUT', app: echo },
  { title: 'POST of bytes', method: 'POST', app: echo, options: { content: Buffer.from('bytes') } },
  { title: 'POST of a text', method: 'POST', app: echo, options: { content: 'größer' } },
  { title: 'POST of JSON', method: 'POST', app: echo, options: { json: { a: [1] } } },
  { title: 'POST of 1 MiB', method: 'POST', app: echo, options: { content: Buffer.alloc(1 << 20, 'x') } },
  { title: 'GET with a body', app: echo, options: { content: 'body' } },
  {
    title: 'POST of an array of pieces',
    method: 'POST',
    app: echo,
    options: { content: [Buffer.from('a'), Buffer.from('b')] },
  },
  { title: 'POST of a Blob', method: 'POST', app: echo, options: { content: new Blob(['blob']) } },
  {
    title: 'headers of one name',
    app: echo,
    options: {
      headers: [
        ['X-A', '1'],
        ['x-a', '2'],
        ['cookie', 'a=1'],
        ['Cookie', 'b=2'],
        ['content-type', 'a/b'],
        ['Content-Type', 'c/d'],
      ],
    },
  },
  {
    title: 'odd headers',
    app: echo,
    options: { headers: { 'x-empty': '', 'x-colon': 'a: b', 'x-latin': 'Gr\u00fc\u00dfe', __proto__x: '1' } },
  },
];

for (const row of RESPONSES) {
  test(`response: ${row.title}`, async (t) => {
    const { network, inProcess } = await both(t, row, told);
    t.deepEqual(inProcess, network);
  });
  test(`streamed response: ${row.title}`, async (t) => {
    const { network, inProcess } = await both(t, row, async (client, method, target, options) => {
      const response = await client.stream(method, target, options);
      await response.read();
      return describe(response);
    });
    t.deepEqual(inProcess, network);
  });
}

for (const row of REQUESTS) {
  test(`request: ${row.title}`, async (t) => {
    const { network, inProcess } = await both(t, row, told);
    t.deepEqual(inProcess, network);
  });
}

const INFORMATIONAL: [title: string, app: Listener][] = [
  ['100', (_, res) => (res.writeContinue(), res.end('x'))],
  ['102', (_, res) => (res.writeProcessing(), res.end('x'))],
  [
    '103',
    (_, res) =>
      res.writeEarlyHints({ link: ['</a.css>; rel=preload', '</b.js>; rel=preload'], 'x-a': 'b' }, () => res.end('x')),
  ],
  [
    '102 and 103',
    (_, res) => (res.writeProcessing(), res.writeEarlyHints({ link: '</a>; rel=preload' }), res.end('x')),
  ],
];

for (const [title, app] of INFORMATIONAL) {
  test(`informational: ${title}`, async (t) => {
    const { network, inProcess } = await both(t, { title, app }, async (client, method, target) => {
      const seen: unknown[] = [];
      const onInformational = (status: number, headers: { multiItems(): unknown }) =>
        seen.push(status, headers.multiItems());
      const response = await client.request(method, target, { onInformational });
      return { seen, ...describe(response) };
    });
    t.deepEqual(inProcess, network);
    t.true(inProcess.seen.length > 0);
  });
}

const EVENTS: [title: string, method: string, app: (note: (event: string) => void) => Listener, content?: string][] = [
  [
    'an answer at once',
    'GET',
    (note) => (_, res) => {
      res.end('x', () => note('end callback'));
    },
  ],
  [
    'an answer that looks at no body',
    'POST',
    () => (_, res) => {
      res.end('x');
    },
    'body',
  ],
  [
    'an answer behind the body',
    'POST',
    (note) => (req, res) => {
      req.on('data', () => note('req data'));
      req.on('end', () => res.end('x'));
    },
    'body',
  ],
  [
    'a write and its callback',
    'GET',
    (note) => (_, res) => {
      res.write('a', () => note('write callback'));
      setImmediate(() => res.end());
    },
  ],
];

for (const [title, method, make, content] of EVENTS) {
  test(`events: ${title}`, async (t) => {
    const told: string[][] = [];
    const app: Listener = (req, res) => {
      const events: string[] = [];
      told.push(events);
      for (const name of ['end', 'close', 'aborted', 'error']) req.on(name, () => events.push(`req ${name}`));
      for (const name of ['prefinish', 'finish', 'close', 'error']) {
        res.on(name, () => events.push(`res ${name} ${res.writableEnded} ${res.writableFinished} ${res.destroyed}`));
      }
      return make((event) => events.push(event))(req, res);
    };
    const row = { title, app, method, options: content === undefined ? {} : { content } };
    await both(t, row, (client, verb, target, options) => client.request(verb, target, options));
    await new Promise((resolve) => setTimeout(resolve, 20));
    t.deepEqual(told[1], told[0]);
    t.true(told[0].length > 1);
  });
}

type Ask<T> = (client: Client, method: string, target: string, options: RequestOptions) => Promise<T>;

async function both<T>(t: ExecutionContext, row: Row, ask: Ask<T>): Promise<{ network: T; inProcess: T }> {
  const server = await serve(t, row.app);
  const { method = 'GET', target = '' } = row;
  const options = row.options ?? {};
  const network = await ask(openClient(t), method, `${server.url}${target}`, options);
  const inProcess = await ask(nodeClient(t, row.app), method, `${url}${target}`, options);
  return { network, inProcess };
}

async function told(client: Client, method: string, target: string, options: RequestOptions): Promise<unknown> {
  return describe(await client.request(method, target, options));
}

/** Everything that a user can see of it, but for what a connection adds. */
function describe(response: Response): Record<string, unknown> {
  const { statusCode, reasonPhrase, httpVersion, trailers, isClosed, numBytesDownloaded } = response;
  const ofTheConnection = new Set(['date', 'keep-alive']);
  const headers = response.headers.raw.filter(([name]) => !ofTheConnection.has(name.toLowerCase()));
  const content = response.content.toString('latin1');
  return {
    statusCode,
    reasonPhrase,
    httpVersion,
    headers,
    content,
    trailers: trailers.raw,
    isClosed,
    numBytesDownloaded,
  };
}
