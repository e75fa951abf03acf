/** fetch over a client, what the module's leaves out, requests of other packages, and `whippet/install`. */
import test from 'ava';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { FormData as UndiciFormData, Request as UndiciRequest } from 'undici';
import {
  ConnectError,
  ClientClosed,
  fetch,
  MockDispatch,
  RemoteProtocolError,
  Response as Own,
} from '../../src/index.js';
import { createFetch } from '../../src/drop-in/fetch.js';
import { eventually, failure, openClient } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';
import { serveRaw } from '../helpers/server.js';

const echoServer = () =>
  createServer((req, res) => {
    res.setHeader('set-cookie', 'id=1');
    const pieces: Buffer[] = [];
    req.on('data', (piece: Buffer) => pieces.push(piece));
    req.on('end', () =>
      res.end(
        JSON.stringify({
          url: req.url,
          method: req.method,
          headers: req.headers,
          body: Buffer.concat(pieces).toString(),
        }),
      ),
    );
  });
interface Seen {
  url: string;
  method: string;
  headers: Record<string, string | undefined>;
  body: string;
}
const seen = async (response: Response) => (await response.json()) as Seen;

test('client.fetch: base URL, headers, params, auth and cookies are the client’s; it works detached', async (t) => {
  const { origin } = await listen(t, echoServer(), 'http', []);
  const client = openClient(t, {
    baseUrl: `${origin}/v1`,
    headers: { 'X-Own': '1' },
    params: { q: 'a' },
    auth: ['u', 'p'],
  });
  const { fetch: own } = client;
  t.is(own, client.fetch);
  const first = await seen(await own('/users'));
  t.like(first, { url: '/v1/users?q=a', method: 'GET' });
  t.like(first.headers, { 'x-own': '1', authorization: 'Basic dTpw', cookie: undefined });
  const second = await seen(await own(`${origin}/v1/x`, { method: 'POST', body: 'x' }));
  t.like(second, { method: 'POST', body: 'x' });
  t.is(second.headers.cookie, 'id=1');
  const omitted = await seen(await own('/y', { credentials: 'omit' }));
  t.like(omitted.headers, { authorization: undefined, cookie: undefined });
});

test('client.fetch: an app, a mock, and their errors', async (t) => {
  const own = new Error('the app’s own');
  const app = openClient(t, {
    app: (request) => (request.url.endsWith('/broken') ? Promise.reject(own) : new Response(request.url)),
  });
  t.is(await (await app.fetch('/users')).text(), 'http://app/users');
  const error = await failure(app.fetch('/broken'));
  t.deepEqual([error.name, error.message, error.cause], ['TypeError', 'fetch failed', own]);
  const mock = openClient(t, { dispatch: new MockDispatch(() => new Own(201, { json: { a: 1 } })) });
  const response = await mock.fetch('https://example.org/');
  t.deepEqual([response.status, await response.json()], [201, { a: 1 }]);
});

test('client.fetch: a closed client, and a dispatcher that is not its own', async (t) => {
  const client = openClient(t);
  await client.close();
  t.true((await failure(client.fetch('http://127.0.0.1/'))).cause instanceof ClientClosed);
  t.regex((await failure(client.fetch('http://127.0.0.1/', { dispatcher: {} } as never))).message, /^dispatcher: /);
});

test('the module’s fetch keeps no cookies; its errors have ours as their cause', async (t) => {
  const { url } = await listen(t, echoServer(), 'http', []);
  await fetch(url);
  t.is((await seen(await fetch(url))).headers.cookie, undefined);
  const refused = await failure(fetch('http://127.0.0.1:2/'));
  t.true(refused.cause instanceof ConnectError);
  t.is((refused.cause as ConnectError).code, 'ECONNREFUSED');
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', { end: true });
  const response = await fetch(server.url);
  const cut = await failure(response.text());
  t.deepEqual([cut.name, cut.message], ['TypeError', 'terminated']);
  t.truthy(cut.cause);
});

test('nothing is thrown at once', async (t) => {
  for (const args of [[], [Symbol('x')], ['http://'], ['http://h/', { method: 'b d' }]]) {
    const promise = (fetch as (...args: unknown[]) => Promise<unknown>)(...args);
    t.true((await failure(promise)) instanceof TypeError);
  }
  t.deepEqual([fetch.length, fetch.name, openClient(t).fetch.name], [1, 'fetch', 'fetch']);
});

test('options for a fetch of its own are checked at once', (t) => {
  t.throws(() => createFetch({ timout: 1 } as never), { instanceOf: TypeError, message: /Unknown option 'timout'/ });
  t.throws(() => createFetch(5 as never), { instanceOf: TypeError, message: /createFetch\(\): expected a Client/ });
});

test('a Request of the npm undici', async (t) => {
  const { url } = await listen(t, echoServer(), 'http', []);
  const controller = new AbortController();
  const request = new UndiciRequest(`${url}a`, {
    method: 'PUT',
    body: 'x',
    headers: { 'x-own': '1' },
    signal: controller.signal,
  });
  const answer = await seen(await fetch(request as never));
  t.like(answer, { method: 'PUT', url: '/a', body: 'x' });
  t.is(answer.headers['x-own'], '1');
  t.true((await failure(fetch(request as never))) instanceof TypeError, 'it was used');
  controller.abort();
  t.is((await failure(fetch(new UndiciRequest(url, { signal: controller.signal }) as never))).name, 'AbortError');
});

test('a stream goes up while the answer comes down', async (t) => {
  const server = createServer((req, res) => void req.pipe(res));
  const { url } = await listen(t, server, 'http', []);
  let push!: (text: string | null) => void;
  const body = new ReadableStream({
    start(controller) {
      push = (text) => (text === null ? controller.close() : controller.enqueue(Buffer.from(text)));
    },
  });
  push('one');
  const response = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  t.is(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'one');
  push('two');
  t.is(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'two');
  push(null);
  t.true((await reader.read()).done);
});

test('an endless Request body is sent as it comes', async (t) => {
  const server = createServer((req, res) => req.once('data', (piece) => res.end(piece)));
  const { url } = await listen(t, server, 'http', []);
  const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('first')) });
  const request = new Request(url, { method: 'POST', body, duplex: 'half' } as RequestInit);
  t.is(await (await fetch(request)).text(), 'first');
});

test('a body that is not wanted frees its connection', async (t) => {
  const server = await listen(
    t,
    createServer((_req, res) => res.end(Buffer.alloc(1_000_000))),
    'http',
    [],
  );
  const response = await fetch(server.url);
  await response.body?.cancel();
  await eventually('closed', () => server.openConnections() === 0);
  t.true(response.bodyUsed);
});

test.serial('install: once, twice, undone, and what others install is left alone', async (t) => {
  const before = globalThis.fetch;
  const { install, uninstall } = await import('../../src/drop-in/install.js');
  t.is(globalThis.fetch, fetch);
  install();
  uninstall();
  t.is(globalThis.fetch, before);
  uninstall();
  t.is(globalThis.fetch, before);
  install();
  const other: typeof globalThis.fetch = async () => new Response('other');
  globalThis.fetch = other;
  uninstall();
  t.is(globalThis.fetch, other);
  globalThis.fetch = fetch;
  uninstall();
  t.is(globalThis.fetch, before);
});

test.serial('install: of two copies of the package, and data: goes on', async (t) => {
  const before = globalThis.fetch;
  const { install, uninstall } = await import('../../src/drop-in/install.js');
  install();
  const copy = (await import(new URL('../../dist/drop-in/install.js', import.meta.url).href)) as { uninstall(): void };
  t.not(globalThis.fetch, fetch);
  t.is(await (await globalThis.fetch('data:,a%20b')).text(), 'a b');
  copy.uninstall();
  t.is(globalThis.fetch, fetch);
  uninstall();
  t.is(globalThis.fetch, before);
});

test('one world of classes: a door of the build and its index', async (t) => {
  const load = (file: string) =>
    import(new URL(`../../${file}`, import.meta.url).href) as Promise<Record<string, never>>;
  const index = (await load('dist/index.js')) as unknown as {
    Client: new (options: object) => { close(): Promise<void> };
  };
  const door = (await load('dist/drop-in/axios.js')) as unknown as { createAdapter(client: unknown): unknown };
  const client = new index.Client({});
  t.notThrows(() => door.createAdapter(client));
  await client.close();
});

test('each hop is told on undici’s channels once, as Node tells it', async (t) => {
  const server = createServer((req, res) =>
    req.url === '/' ? res.writeHead(302, { location: '/x' }).end() : res.end('x'),
  );
  const { url } = await listen(t, server, 'http', []);
  const paths: string[] = [];
  const hear = (message: unknown) => {
    const { request } = message as { request: { origin: string; path: string } };
    if (url.startsWith(request.origin)) paths.push(request.path);
  };
  subscribe('undici:request:create', hear);
  t.teardown(() => unsubscribe('undici:request:create', hear));
  t.is(await (await fetch(url)).text(), 'x');
  t.deepEqual(paths, ['/', '/x']);
});

test('an answer that makes no sense', async (t) => {
  const server = await serveRaw(t, 'nothing of the kind\r\n\r\n', { end: true });
  t.true((await failure(fetch(server.url))).cause instanceof RemoteProtocolError);
});

test('a form of the npm undici is sent as the platform sends it', async (t) => {
  const { origin } = await listen(t, echoServer(), 'http', []);
  const form = new UndiciFormData();
  form.set('a', 'b');
  const sent = async (by: typeof fetch) => {
    const { body } = await seen(await by(origin, { method: 'POST', body: form as never }));
    return body.replace(/-+formdata-undici-\d+/g, '--boundary');
  };
  t.is(await sent(fetch), await sent(globalThis.fetch));
});
