/** Express 5 in process: its stock middleware unchanged, its errors, its files. */
import compression from 'compression';
import express, { type ErrorRequestHandler, type NextFunction, type Request, type Response } from 'express';
import session from 'express-session';
import helmet from 'helmet';
import multer from 'multer';
import test from 'ava';
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { clientOf, nodeClient, turns, url, type Listener } from '../helpers/apps.js';
import { eventually, failure, reasonOf, told } from '../helpers/client.js';

const thisFile = fileURLToPath(import.meta.url);
const own = new Error('the app’s own');

function stack() {
  const app = express().set('env', 'test');
  app.use(helmet(), compression({ threshold: 0 }));
  app.use(session({ secret: 'x', resave: false, saveUninitialized: false }));
  app.use(express.json({ limit: 100 }), express.urlencoded(), express.text(), express.raw());
  app.get('/', (_req, res) => void res.send('Hello World!'.repeat(100)));
  app.post('/echo', (req, res) => void res.json({ type: req.get('content-type'), body: req.body }));
  app.post('/count', (req, res) => {
    const { session: kept } = req as unknown as { session: { count?: number } };
    kept.count = (kept.count ?? 0) + 1;
    res.send(String(kept.count));
  });
  app.post('/files', multer().any(), (req, res) => {
    const files = (req as unknown as { files: { originalname: string; size: number; mimetype: string }[] }).files;
    res.json(files.map(({ originalname, size, mimetype }) => [originalname, size, mimetype]));
  });
  app.get('/file', (_req, res) => res.sendFile(thisFile));
  app.get('/download', (_req, res) => res.download(thisFile, 'source.ts'));
  app.get('/stream', (_req, res) => void createReadStream(thisFile).pipe(res.type('text')));
  app.use('/static', express.static(fileURLToPath(new URL('.', import.meta.url))));
  return app;
}

test('hello, by helmet and compression', async (t) => {
  const response = await clientOf(t, stack()).get(url);
  t.is(response.text, 'Hello World!'.repeat(100));
  t.is(response.headers.get('content-encoding'), 'br');
  t.is(response.headers.get('x-powered-by'), undefined);
  t.is(response.headers.get('x-dns-prefetch-control'), 'off');
  t.true(response.numBytesDownloaded < 100);
});

const ENCODINGS = ['gzip', 'deflate', 'br', 'identity'];

for (const encoding of ENCODINGS) {
  test(`compression: ${encoding}, of a file by pipe()`, async (t) => {
    const client = clientOf(t, stack());
    const headers = { 'accept-encoding': encoding };
    const source = readFileSync(thisFile, 'utf8');
    t.is((await client.get('http://example/stream', { headers })).text, source);
    const streamed = await client.stream('GET', 'http://example/stream', { headers });
    t.is((await streamed.read()).toString(), source);
  });
}

test('body parsers', async (t) => {
  const client = clientOf(t, stack());
  const echo = async (content: string, type: string) =>
    (await client.post('http://example/echo', { content, headers: { 'content-type': type } })).json();
  t.deepEqual(await echo('{"a":1}', 'application/json'), { type: 'application/json', body: { a: 1 } });
  t.deepEqual(await echo('a=1&b=2', 'application/x-www-form-urlencoded'), { type: 'application/x-www-form-urlencoded', body: { a: '1', b: '2' } }); // prettier-ignore
  t.deepEqual(await echo('größer', 'text/plain'), { type: 'text/plain', body: 'größer' });
  const streamed = (async function* () {
    yield '{"a":';
    yield '[1]}';
  })();
  const headers = { 'content-type': 'application/json' };
  t.deepEqual((await client.post('http://example/echo', { content: streamed, headers })).json(), { type: 'application/json', body: { a: [1] } }); // prettier-ignore
});

test('a body parser’s refusals are answers: too large, no JSON', async (t) => {
  const client = clientOf(t, stack());
  t.is((await client.post('http://example/echo', { json: 'x'.repeat(200) })).statusCode, 413);
  const headers = { 'content-type': 'application/json' };
  t.is((await client.post('http://example/echo', { content: '{', headers })).statusCode, 400);
});

test('sessions: the cookie that comes is the cookie that goes', async (t) => {
  const app = stack();
  const client = clientOf(t, app);
  t.is((await client.post('http://example/count')).text, '1');
  t.is((await client.post('http://example/count')).text, '2');
  const stranger = clientOf(t, app);
  t.is((await stranger.post('http://example/count')).text, '1');
});

test('multer: files of several pieces', async (t) => {
  const files: [string, [string, string | Buffer, string]][] = [
    ['files', ['a.txt', 'a'.repeat(200_000), 'text/plain']],
    ['files', ['b.bin', Buffer.alloc(7), 'application/octet-stream']],
  ];
  const response = await clientOf(t, stack()).post('http://example/files', { data: { name: 'Ada' }, files });
  t.deepEqual(response.json(), [
    ['a.txt', 200_000, 'text/plain'],
    ['b.bin', 7, 'application/octet-stream'],
  ]);
});

test('files: whole, ranges, conditions, download, HEAD, not found', async (t) => {
  const client = clientOf(t, stack());
  const source = readFileSync(thisFile, 'utf8');
  const whole = await client.get('http://example/file');
  t.is(whole.text, source);
  const plain = { 'accept-encoding': 'identity' };
  const range = await client.get('http://example/file', { headers: { ...plain, range: 'bytes=3-10' } });
  t.deepEqual([range.statusCode, range.text], [206, source.slice(3, 11)]);
  const etag = whole.headers.get('etag') as string;
  const unchanged = await client.get('http://example/file', { headers: { 'if-none-match': etag } });
  t.deepEqual([unchanged.statusCode, unchanged.content.length], [304, 0]);
  const beyond = await client.get('http://example/file', { headers: { range: 'bytes=9999999-' } });
  t.is(beyond.statusCode, 416);
  const download = await client.get('http://example/download');
  t.is(download.headers.get('content-disposition'), 'attachment; filename=source.ts');
  t.is(download.text, source);
  const head = await client.head('http://example/file', { headers: plain });
  t.deepEqual([head.content.length, Number(head.headers.get('content-length'))], [0, Buffer.byteLength(source)]);
  t.is((await client.get('http://example/static/express.spec.ts')).text, source);
  t.is((await client.get('http://example/static/none')).statusCode, 404);
});

const ERRORS: [what: string, fail: (req: Request, res: Response, next: NextFunction) => unknown][] = [
  ['thrown', () => { throw own; }], // prettier-ignore
  ['rejected', async () => Promise.reject(own)],
  ['handed on', (_req, _res, next) => next(own)],
  ['handed on later', (_req, _res, next) => void setImmediate(() => next(own))],
  ['thrown behind the head', (_req, res) => { res.write('some'); throw own; }], // prettier-ignore
];

for (const [what, fail] of ERRORS) {
  test(`an error ${what}, in an app, a router and behind an http.Server`, async (t) => {
    const app = express().set('env', 'test');
    app.use(express.Router().get('/', fail));
    t.is(await failure(clientOf(t, app).get(url)), own);
    t.is(await failure(clientOf(t, createServer(app)).get(url)), own);
    t.is(await failure(clientOf(t, express().use('/sub', app)).get('http://example/sub')), own);
    const quiet = nodeClient(t, app, { raiseAppExceptions: false });
    if (what === 'thrown behind the head') {
      t.regex(reasonOf(await failure(quiet.get(url))), /^RemoteProtocolError: The app (failed|closed)/);
    } else {
      const response = await quiet.get(url);
      t.is(response.statusCode, 500);
      t.true(response.text.includes('the app’s own'));
    }
  });
}

test('an app’s own error handler answers, whatever the flag', async (t) => {
  const app = express();
  app.get('/', () => {
    throw own;
  });
  const answer: ErrorRequestHandler = (error: Error, _req, res, _next) =>
    void res.status(500).json({ sorry: error.message });
  app.use(answer);
  for (const raiseAppExceptions of [true, false]) {
    const response = await nodeClient(t, app, { raiseAppExceptions }).get(url);
    t.deepEqual([response.statusCode, response.json()], [500, { sorry: 'the app’s own' }]);
  }
});

test('errors with a 4xx status, and a path without a route, are answers', async (t) => {
  const app = express().set('env', 'test');
  app.get('/teapot', (_req, _res, next) => next(Object.assign(new Error('teapot'), { status: 418, expose: true })));
  const client = clientOf(t, app);
  t.is((await client.get('http://example/teapot')).statusCode, 418);
  const missing = await client.get('http://example/none');
  t.is(missing.statusCode, 404);
  t.true(missing.text.includes('Cannot GET /none'));
  t.is(missing.headers.get('x-powered-by'), 'Express');
});

test('a path without a route answers as over the network', async (t) => {
  const app = express();
  const bare: Listener = (req, res) => (app as unknown as Listener)(req, res);
  const [known, unknown] = [await clientOf(t, app).get(url), await nodeClient(t, bare).get(url)];
  const fields = ({ headers }: typeof known) => headers.multiItems().filter(([name]) => name !== 'date');
  t.deepEqual(fields(known), fields(unknown));
  t.is(told(known), told(unknown));
});

test('server-sent events, and the listener that leaves', async (t) => {
  let left = 0;
  const app = express();
  app.get('/', (req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    let id = 0;
    const timer = setInterval(() => res.write(`id: ${++id}\n\n`), 1);
    req.on('close', () => {
      clearInterval(timer);
      left++;
    });
  });
  const response = await clientOf(t, app).stream('GET', url);
  const lines: string[] = [];
  for await (const line of response.iterLines()) {
    if (line !== '' && lines.push(line) === 3) break;
  }
  t.deepEqual(lines, ['id: 1', 'id: 2', 'id: 3']);
  await eventually('close', () => left === 1);
});

test('a proxy of an app: pipeline() both ways', async (t) => {
  const app = express();
  app.post('/', async (req, res) => pipeline(req, res));
  const content = Buffer.alloc(1 << 20, 'abc');
  t.deepEqual((await clientOf(t, app).post(url, { content })).content, content);
});

test('res.setTimeout and req.setTimeout', async (t) => {
  const app = express();
  app.get('/', (_req, res) => void res.setTimeout(10, () => res.status(503).send('too slow')));
  t.is(told(await clientOf(t, app).get(url)), '503 too slow');
  const deaf = nodeClient(t, (req) => void req.setTimeout(10));
  t.regex(String(await failure(deaf.get(url))), /closed its socket without a response$/);
  await turns();
});
