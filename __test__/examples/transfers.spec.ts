/** The examples that move much or move it bit by bit: downloads, uploads, S3, a language model's answer, traces. */
import test from 'ava';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runExample, startExample } from '../helpers/example.js';
import { bytesOf, folderOf, namesIn, sha256 } from '../helpers/files.js';
import { json, read } from '../helpers/protocols.js';
import { serve } from '../helpers/server.js';

test('download.js: what breaks off goes on, in the same run and in the next', async (t) => {
  const content = bytesOf(3_000_000);
  let cuts = 1;
  const server = await serve(t, (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = content.subarray(from);
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from === 0 ? 200 : 206, { etag: '"1"', 'content-length': rest.length, ...(from > 0 && range) });
    if (cuts-- > 0) response.write(rest.subarray(0, 400_000), () => request.socket.destroySoon());
    else response.end(rest);
  });
  const folder = folderOf(t);
  const file = path.join(folder, 'big.iso');
  const progress = /\r13 %.*\r100 %$/s;

  const lines = await runExample(t, 'download.js', [server.url, file, sha256(content)], { stderr: progress });
  t.deepEqual(lines, ['broke off: ERR_REMOTE_PROTOCOL', `${file}: 3000000 bytes, 400000 of them were there before`]);
  t.true(content.equals(readFileSync(file)));
  t.deepEqual(namesIn(folder), ['big.iso']);

  cuts = Infinity;
  const other = path.join(folder, 'other.iso');
  const failing = await runExample(t, 'download.js', [server.url, other], { code: 1, stderr: /\r66 %$/ });
  t.regex(failing.at(-1) ?? '', /^RemoteProtocolError: GET http:/);
  t.deepEqual(namesIn(folder), ['big.iso', 'other.iso.part', 'other.iso.part.json']);
  cuts = 0;
  const before = server.requests.length;
  const [line] = await runExample(t, 'download.js', [server.url, other], { stderr: /\r100 %$/ });
  t.regex(line, /^.*: 3000000 bytes, 2000000 of them were there before$/);
  t.is(server.requests.length, before + 1);
  t.true(content.equals(readFileSync(other)));
});

test('download.js: another content than the checksum says is no file', async (t) => {
  const server = await serve(t, (_request, response) => response.end('other'));
  const folder = folderOf(t);
  const args = [server.url, path.join(folder, 'file'), sha256(Buffer.from('this'))];
  const [line] = await runExample(t, 'download.js', args, { code: 1, stderr: /100 %/ });
  t.regex(line, /^ChecksumMismatch: /);
  t.deepEqual(namesIn(folder), []);
});

test('upload.js: the file with its length, progress, a refusal before the body, and no file', async (t) => {
  const content = bytesOf(5_000_000);
  const folder = folderOf(t);
  const file = path.join(folder, 'big.iso');
  writeFileSync(file, content);
  const bodies: string[] = [];
  const server = await serve(t, async (request, response) => {
    const body = await request.toArray();
    bodies.push(sha256(Buffer.concat(body)));
    response.writeHead(201).end();
  });
  const [line] = await runExample(t, 'upload.js', [file, server.url], { stderr: /\r100 %$/ });
  t.regex(line, /^201 after \d+ ms$/);
  t.deepEqual(bodies, [sha256(content)]);
  t.is(server.requests[0].headers['content-length'], '5000000');

  const full = await serve(t, () => t.fail());
  full.server.on('checkContinue', (_request, response) => response.writeHead(507).end());
  const [refusal] = await runExample(t, 'upload.js', [file, full.url], { code: 1 });
  t.regex(refusal, /^HTTPStatusError: Server error '507 Insufficient Storage'/);
  t.deepEqual(await runExample(t, 'upload.js', [`${file}.none`, server.url], { code: 1 }), [
    `cannot read ${file}.none: ENOENT`,
  ]);
});

test('s3.js: put, get and list, signed by the SDK', async (t) => {
  const objects = new Map<string, Buffer>();
  const server = await serve(t, async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=id/'))
      return response.writeHead(403).end();
    if (pathname.startsWith('/none')) {
      response.writeHead(404, { 'content-type': 'application/xml' });
      return response.end('<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>');
    }
    if (request.method === 'PUT') {
      objects.set(pathname, Buffer.concat(await request.toArray()));
      return response.writeHead(200, { etag: '"abc"' }).end();
    }
    const object = objects.get(pathname);
    if (object !== undefined) return response.end(object);
    const contents = [...objects].map(([key, { length }]) => {
      return `<Contents><Key>${key.replace('/b/', '')}</Key><Size>${length}</Size></Contents>`;
    });
    response.setHeader('content-type', 'application/xml');
    response.end(`<ListBucketResult><Name>b</Name>${contents.join('')}</ListBucketResult>`);
  });
  const env = {
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_S3: server.origin,
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
    NODE_NO_WARNINGS: '1', // the SDK's own, about old versions of Node
  };
  const lines = await runExample(t, 's3.js', ['b', 'notes/today.txt', 'Hello'], { env });
  t.deepEqual(lines.slice(0, 1), ['put "abc"']);
  t.regex(lines[1], /^got \d+ bytes$/);
  t.regex(lines[2], /^notes\/today\.txt \d+$/);
  t.regex(String(objects.get('/b/notes/today.txt')), /Hello/);
  t.deepEqual(await runExample(t, 's3.js', ['none', 'k', 'v'], { env, code: 1 }), ['NoSuchBucket 404']);
});

test('sse.js: each word is shown before the next one is made', async (t) => {
  const words = ['Because', ' of', ' Rayleigh'];
  const shown: (() => void)[] = [];
  const server = await serve(t, async (request, response) => {
    t.like(JSON.parse(await read(request)), { model: 'small', stream: true, messages: [{ content: 'Why?' }] });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of words) {
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
      await new Promise<void>((resolve) => shown.push(resolve));
    }
    response.end('data: {"choices":[]}\n\ndata: [DONE]\n\n');
  });
  const env = { API_KEY: 'secret' };
  const running = startExample(t, 'sse.js', [`${server.url}v1/`, 'small', 'Why?'], { env });
  const seen: string[] = [];
  running.process.stdout?.on('data', (text: Buffer) => {
    seen.push(text.toString());
    shown.shift()?.();
  });
  t.like(await running.ended, { code: 0, stdout: 'Because of Rayleigh\n', stderr: '' });
  t.deepEqual(seen.slice(0, 3), words);
  t.is(server.requests[0].target, '/v1/chat/completions');
  t.is(server.requests[0].headers.authorization, 'Bearer secret');
});

test('sse.js: an error before the stream, an error within it, and Ctrl-C', async (t) => {
  const server = await serve(t, async (request, response) => {
    const { model } = JSON.parse(await read(request)) as { model: string };
    if (model === 'none') return json(response, { error: { message: 'no such model' } }, 404);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"choices":[{"delta":{"content":"One"}}]}\n\n');
    if (model === 'broken') response.end('data: {"error":{"message":"overloaded"}}\n\n');
  });
  const env = { API_KEY: 'secret' };
  const args = (model: string) => [`${server.url}v1/`, model, 'Why?'];
  t.deepEqual(
    await runExample(t, 'sse.js', args('none'), { env, code: 1, stderr: /404 Not Found.*no such model/s }),
    [],
  );
  const broken = await startExample(t, 'sse.js', args('broken'), { env }).ended;
  t.like(broken, { code: 1, stdout: 'One', stderr: 'Error: overloaded\n' });

  const endless = startExample(t, 'sse.js', args('endless'), { env });
  endless.process.stdout?.once('data', () => endless.process.kill('SIGINT'));
  t.like(await endless.ended, { code: 1, stdout: 'One', stderr: 'stopped\n' });
});

test('opentelemetry.js: a span for each request, and the trace goes along', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/here' });
    response.end();
  });
  const lines = await runExample(t, 'opentelemetry.js', [`${server.url}moved`]);
  const trace = lines[0].replace('trace ', '');
  t.regex(trace, /^[0-9a-f]{32}$/);
  t.deepEqual(
    lines.slice(1).map((line) => line.replace(/ \d+ ms$/, '')),
    ['GET 302', 'GET 200', 'a job of ours '],
  );
  for (const { headers } of server.requests) t.is(String(headers.traceparent).split('-')[1], trace);
});
