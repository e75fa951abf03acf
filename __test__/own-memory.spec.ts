/**
 * Bytes that a user is given have memory of their own: Node's pool, or a neighbour's bytes, would be seen through `buffer`, and taken along
 * when it is transferred.
 */
import test, { type ExecutionContext } from 'ava';
import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { type Client, FetchDispatch, NodeDispatch, Request, Response } from '../src/index.js';
import { openClient } from './helpers/client.js';
import { serve } from './helpers/server.js';

function isOwn(t: ExecutionContext, bytes: Uint8Array, text: string, what: string): void {
  t.is(Buffer.from(bytes).toString(), text, what);
  t.is(bytes.buffer.byteLength, bytes.byteLength, `${what} shows what is around it`);
  t.is(bytes.byteOffset, 0, what);
}

/** Everything that a client gives for a body that comes in pieces. */
async function everyWay(t: ExecutionContext, client: Client, url: string, text: string): Promise<void> {
  isOwn(t, (await client.get(url)).content, text, 'content');
  const open = async () => client.stream('GET', url);
  isOwn(t, await (await open()).read(), text, 'read()');
  const ways: [string, AsyncIterable<Uint8Array>][] = [
    ['iterBytes()', (await open()).iterBytes()],
    ['iterBytes(3)', (await open()).iterBytes({ chunkSize: 3 })],
    ['iterBytes(1000)', (await open()).iterBytes({ chunkSize: 1000 })],
    ['iterBytes(2) of what was read', (await client.get(url)).iterBytes({ chunkSize: 2 })],
    ['the web stream', (await open()).body as unknown as AsyncIterable<Uint8Array>],
  ];
  for (const [what, source] of ways) {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) {
      isOwn(t, piece, Buffer.from(piece).toString(), what);
      pieces.push(structuredClone(piece));
      // What comes next must not go with it.
      structuredClone(piece.buffer, { transfer: [piece.buffer as ArrayBuffer] });
    }
    t.is(Buffer.concat(pieces).toString(), text, what);
  }
}

for (const coding of ['identity', 'gzip'] as const) {
  test(`what comes over the network, ${coding}`, async (t) => {
    const server = await serve(t, async (_request, response) => {
      response.setHeader('content-encoding', coding);
      const bytes = coding === 'gzip' ? gzipSync('one, two, three') : Buffer.from('one, two, three');
      for (let at = 0; at < bytes.length; at += 5) {
        await new Promise((resolve) => response.write(bytes.subarray(at, at + 5), resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    await everyWay(t, openClient(t), server.url, 'one, two, three');
  });

  test(`what an app answers, ${coding}`, async (t) => {
    const whole = coding === 'gzip' ? gzipSync('one, two') : Buffer.from('one, two');
    const pieces = [whole.subarray(0, 5), whole.subarray(5)];
    const headers = { 'content-encoding': coding };
    const node = (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(200, headers);
      response.write(pieces[0]);
      response.end(pieces[1]);
    };
    const fetched = () => {
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece);
          controller.close();
        },
      });
      return new globalThis.Response(stream, { headers });
    };
    for (const dispatch of [new NodeDispatch({ app: node }), new FetchDispatch({ app: fetched })]) {
      await everyWay(t, openClient(t, { dispatch }), 'http://app/', 'one, two');
    }
    t.is(whole.toString('latin1'), Buffer.concat(pieces).toString('latin1'), 'the app keeps its own');
  });
}

test('an app that answers with text, at once', async (t) => {
  const node = (_request: IncomingMessage, response: ServerResponse) => void response.end('one, two');
  await everyWay(t, openClient(t, { dispatch: new NodeDispatch({ app: node }) }), 'http://app/', 'one, two');
  const fetched = () => new globalThis.Response('one, two');
  await everyWay(t, openClient(t, { dispatch: new FetchDispatch({ app: fetched }) }), 'http://app/', 'one, two');
});

test('what an app is sent is not the client’s own', async (t) => {
  const app = async (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) {
      pieces.push(Buffer.from(piece));
      piece.fill(0);
    }
    if (request.url === '/') response.writeHead(307, { location: '/again' });
    response.end(Buffer.concat(pieces));
  };
  const client = openClient(t, { dispatch: new NodeDispatch({ app: app }), followRedirects: true });
  const content = Buffer.from('some bytes');
  for (const body of [content, [content, Buffer.from('and more')], new Blob([content])]) {
    const { text } = await client.post('http://app/', { content: body });
    t.is(text, Array.isArray(body) ? 'some bytesand more' : 'some bytes');
  }
  t.is(content.toString(), 'some bytes');
});

test('responses made by hand', async (t) => {
  isOwn(t, new Response(200, { text: 'text' }).content, 'text', 'text');
  isOwn(t, new Response(200, { html: '<p>' }).content, '<p>', 'html');
  isOwn(t, new Response(200, { json: { a: 1 } }).content, '{"a":1}', 'json');
  isOwn(t, new Response(200, { content: 'content' }).content, 'content', 'content');
  isOwn(t, new Response(200, { content: Buffer.from('bytes') }).content, 'bytes', 'bytes');
  const headers = { 'content-encoding': 'gzip' };
  isOwn(t, new Response(200, { content: gzipSync('text'), headers }).content, 'text', 'decoded');
  async function* pieces() {
    yield Buffer.from('one, ');
    yield Buffer.from('two');
  }
  isOwn(t, await new Response(200, { content: pieces() }).read(), 'one, two', 'read()');
});

test('bodies of requests', async (t) => {
  const url = 'https://example.org/';
  isOwn(t, new Request('POST', url, { content: 'text' }).content, 'text', 'text');
  isOwn(t, new Request('POST', url, { content: 'ünï' }).content, 'ünï', 'text');
  isOwn(t, new Request('POST', url, { json: ['a', '€'] }).content, '["a","€"]', 'json');
  isOwn(t, new Request('POST', url, { data: { a: 'b' } }).content, 'a=b', 'data');
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  const { content } = new Request('POST', url, { data: { a: '1' }, files: { f: Buffer.from('2') }, headers });
  isOwn(t, content, content.toString(), 'files');
  isOwn(
    t,
    await new Request('POST', url, { content: [Buffer.from('one'), Buffer.from('two')] }).read(),
    'onetwo',
    'read()',
  );
});

test('headers on diagnostics channels', async (t) => {
  const server = await serve(t, (_request, response) => response.end());
  const seen: Buffer[] = [];
  const listener = (message: unknown) => {
    const { response } = message as { response: { headers: Buffer[] } };
    seen.push(...response.headers);
  };
  channel('undici:request:headers').subscribe(listener);
  t.teardown(() => channel('undici:request:headers').unsubscribe(listener));
  await openClient(t).get(server.url);
  t.true(seen.length > 0);
  for (const text of seen) isOwn(t, text, text.toString(), 'a header');
});
