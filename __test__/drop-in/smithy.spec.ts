/** `whippet/smithy` under the AWS SDK v3, side by side with its own NodeHttpHandler; interop/ asks a whole S3. */
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import test, { type ExecutionContext } from 'ava';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Client } from '../../src/index.js';
import {
  createRequestHandler,
  requestHandler,
  type SmithyConfig,
  type SmithyHandler,
} from '../../src/drop-in/smithy.js';
import { failure } from '../helpers/client.js';
import { serve, serveRaw } from '../helpers/server.js';

interface Handler {
  handle(
    request: never,
    options?: object,
  ): Promise<{ response: { statusCode: number; headers: Record<string, string>; body: Readable } }>;
  destroy(): void;
}

function handlers(t: ExecutionContext): [name: string, handler: Handler][] {
  const both: [string, Handler][] = [
    ['NodeHttpHandler', new NodeHttpHandler() as unknown as Handler],
    ['whippet', createRequestHandler() as unknown as Handler],
  ];
  t.teardown(() => both.forEach(([, handler]) => handler.destroy()));
  return both;
}

const s3With = (url: string, handler: Handler | SmithyHandler, extra: object = {}): S3Client =>
  new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    requestHandler: handler as never,
    ...extra,
  });

/** Keeps what is put, gives it back, and shows each request. */
function memory(): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const objects = new Map<string, Buffer>();
  return async (request, response) => {
    const key = (request.url ?? '').split('?')[0];
    if (request.method === 'PUT') {
      objects.set(key, Buffer.concat(await request.toArray()));
      response.setHeader('etag', '"1"');
      response.end();
      return;
    }
    const found = objects.get(key);
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'application/xml' });
      response.end('<Error><Code>NoSuchKey</Code><Message>no</Message></Error>');
      return;
    }
    response.setHeader('content-length', found.length);
    response.end(request.method === 'HEAD' ? undefined : found);
  };
}

/** As it was signed: what differs by time and program is left out. */
function signed(headers: IncomingMessage['headers']): object {
  const own = Object.entries(headers).filter(
    ([name]) => !/^(?:host|connection|user-agent|x-amz-user-agent|amz-sdk.*|x-amz-date|authorization)$/.test(name),
  );
  return Object.fromEntries(own);
}

const KEYS = ['plain.txt', 'with blank', "quote'(*)!", 'plus+and&', 'grüße/漢字', 'a//b', 'percent%41'];

for (const key of KEYS) {
  test(`S3, the same as with its own handler: ${key}`, async (t) => {
    const seen: unknown[] = [];
    for (const [, handler] of handlers(t)) {
      const store = memory();
      const server = await serve(t, store);
      const s3 = s3With(server.url, handler);
      await s3.send(new PutObjectCommand({ Bucket: 'b', Key: key, Body: 'hello' }));
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'b', Key: key }));
      const text = await Body?.transformToString();
      const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket: 'b', Key: key }));
      const missing = await failure(s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'none' })));
      seen.push([
        text,
        ContentLength,
        missing.name,
        server.requests.map(({ method, target, headers }) => [method, target, signed(headers)]),
      ]);
    }
    t.deepEqual(seen[1], seen[0]);
  });
}

test('bodies: bytes, Node streams, web streams, blobs; 1 MiB back as a stream', async (t) => {
  const server = await serve(t, memory());
  const { hostname, port } = new URL(server.url);
  const bytes = Buffer.alloc(1024 * 1024, 'x');
  const bodies: [title: string, body: () => unknown][] = [
    ['bytes', () => bytes],
    ['node', () => Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)])],
    ['web', () => new Blob([bytes]).stream()],
    ['blob', () => new Blob([bytes])],
  ];
  const handler = createRequestHandler();
  for (const [title, body] of bodies) {
    const headers = { 'content-length': String(bytes.length) };
    const base = { protocol: 'http:', hostname, port: Number(port), path: `/${title}` };
    await handler.handle({ ...base, method: 'PUT', headers, body: body() });
    const { response } = await handler.handle({ ...base, method: 'GET', headers: {} });
    const hash = createHash('sha256');
    for await (const chunk of response.body) hash.update(chunk as Buffer);
    t.is(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'), title);
  }
  t.true(
    server.requests.every(({ headers, method }) => method === 'GET' || headers['transfer-encoding'] === undefined),
  );
});

test('handle(): method, path, query, userinfo and headers as they are', async (t) => {
  const server = await serve(t, (request, response) =>
    response.end(JSON.stringify([request.url, request.headers.authorization])),
  );
  const { hostname, port } = new URL(server.url);
  const query = { b: 'x y', a: ['1', "2'"], empty: '', none: null };
  const request = {
    method: 'GET',
    protocol: 'http:',
    hostname,
    port: Number(port),
    path: '/p%20q',
    query,
    headers: {},
    username: 'u',
    password: 'p',
  };
  const answers: string[] = [];
  for (const [, handler] of handlers(t)) {
    const { response } = await handler.handle(request as never);
    answers.push(Buffer.concat(await response.body.toArray()).toString());
  }
  t.is(answers[1], answers[0]);
});

test('an SDK client’s destroy() does not break a handler that another shares', async (t) => {
  const server = await serve(t, memory());
  const one = s3With(server.url, requestHandler);
  const other = s3With(server.url, requestHandler);
  await one.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' }));
  one.destroy();
  const { Body } = await other.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }));
  t.is(await Body?.transformToString(), 'x');
  other.destroy();
});

test('a client that was handed in stays open', async (t) => {
  const client = new Client();
  const handler = createRequestHandler(client);
  handler.destroy();
  t.false(client.isClosed);
  await client.close();
});

test('abortSignal: before, and while it waits', async (t) => {
  const server = await serve(t, () => {});
  const { hostname, port } = new URL(server.url);
  const request = { method: 'GET', protocol: 'http:', hostname, port: Number(port), path: '/', headers: {} };
  const handler = createRequestHandler();
  t.is((await failure(handler.handle(request, { abortSignal: AbortSignal.abort() }))).name, 'AbortError');
  const controller = new AbortController();
  const waiting = failure(handler.handle(request, { abortSignal: controller.signal }));
  setTimeout(() => controller.abort(), 20);
  t.is((await waiting).name, 'AbortError');
  const legacy = { aborted: false, onabort: null as ((event: never) => void) | null };
  const old = failure(handler.handle(request, { abortSignal: legacy }));
  setTimeout(() => legacy.onabort?.(undefined as never), 20);
  t.is((await old).name, 'AbortError');
});

test('destroy(): a dispatch that cannot be closed ends no process', async (t) => {
  let closed = 0;
  const close = async (): Promise<never> => {
    closed++;
    throw new Error('close');
  };
  createRequestHandler({ dispatch: { send: () => Promise.reject(new Error('unused')), close } }).destroy();
  // A rejection that is left over would be reported now.
  await new Promise(setImmediate);
  t.is(closed, 1);
});

const HEAD = 'HTTP/1.1 200 OK\r\n';
/** What a server sends before it closes the connection, and the name of the error. */
const CLOSED: [what: string, sent: string, name: string][] = [
  ['before the response', '', 'TimeoutError'],
  ['in the status line', 'HTTP/1.1 20', 'TimeoutError'],
  ['among the fields', `${HEAD}content-length: 5\r\n`, 'TimeoutError'],
  ['in the body', `${HEAD}content-length: 5\r\n\r\nhel`, 'TimeoutError'],
  ['before the body', `${HEAD}content-length: 5\r\n\r\n`, 'TimeoutError'],
  ['in a chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhel`, 'TimeoutError'],
  ['before the last chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n`, 'TimeoutError'],
  ['after what is no HTTP', 'no HTTP at all\r\n\r\n', 'RemoteProtocolError'],
  ['after a chunk that is none', `${HEAD}transfer-encoding: chunked\r\n\r\nx\r\nhel`, 'RemoteProtocolError'],
];

for (const [what, sent, name] of CLOSED) {
  test(`a connection that is closed ${what} is a ${name}`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      if (sent !== '') await connection.write(sent);
      connection.end();
    });
    const call = async () => {
      const { response } = await createRequestHandler().handle(requestTo(server.url), {});
      return (response.body as Readable).toArray();
    };
    const error = await failure(call());
    t.is(error.name, name, String(error));
    if (name === 'TimeoutError') t.is((error.cause as Error).name, 'RemoteProtocolError');
  });
}

test('requestTimeout and broken connections are TimeoutErrors, which the SDK retries', async (t) => {
  let tries = 0;
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    tries++;
    if (tries === 1) return connection.reset();
    if (tries === 2) return connection.end();
    return connection.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
  });
  const { Body } = await s3With(server.url, createRequestHandler()).send(
    new GetObjectCommand({ Bucket: 'b', Key: 'k' }),
  );
  t.is(await Body?.transformToString(), 'hello');
  t.is(tries, 3);

  const silent = await serve(t, () => {});
  const request = requestTo(silent.url);
  const error = await failure(createRequestHandler().handle(request, { requestTimeout: 30 }));
  t.is(error.name, 'TimeoutError');
  const configured = createRequestHandler({ requestTimeout: 30 });
  t.is((await failure(configured.handle(request))).name, 'TimeoutError');
  configured.updateHttpClientConfig('requestTimeout', 40);
  t.deepEqual(configured.httpHandlerConfigs(), { requestTimeout: 40 } as SmithyConfig);
});

function requestTo(url: string): Parameters<ReturnType<typeof createRequestHandler>['handle']>[0] {
  const { hostname, port } = new URL(url);
  return { method: 'GET', protocol: 'http:', hostname, port: Number(port), path: '/', headers: {} };
}

for (const requestTimeout of [-1, NaN, Infinity, 2 ** 31]) {
  test(`a requestTimeout that no timer counts is refused by its name: ${requestTimeout}`, async (t) => {
    const server = await serve(t, () => t.fail());
    const handler = createRequestHandler();
    const error = await failure(handler.handle(requestTo(server.url), { requestTimeout }));
    t.regex(error.message, /^requestTimeout: .* is not allowed, expected milliseconds from 0 to 2147483647/);
    t.throws(() => createRequestHandler({ requestTimeout }), { message: /^requestTimeout: / });
  });
}

test('metadata', (t) => {
  t.is(createRequestHandler().metadata.handlerProtocol, 'http/1.1');
  t.is(createRequestHandler({ httpVersions: 'HTTP/2' }).metadata.handlerProtocol, 'h2');
});

for (const given of [null, 1, { nope: 1 }, { requestTimeout: 'x' }, { requestTimeout: -1 }]) {
  test(`createRequestHandler(): ${JSON.stringify(given)} is refused`, (t) => {
    t.throws(() => createRequestHandler(given as never));
  });
}
