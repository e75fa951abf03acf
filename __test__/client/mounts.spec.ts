/** `app`, `dispatch` and `mounts` of a client, and MockDispatch. */
import test from 'ava';
import { createServer } from 'node:http';
import {
  Client,
  FetchDispatch,
  MockDispatch,
  NodeDispatch,
  ReadTimeout,
  Response,
  type ClientOptions,
  Request,
} from '../../src/index.js';
import { url } from '../helpers/apps.js';
import { gate, failure, openClient, reasonOf, told } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

/** Answers with its name and the path. */
const named = (name: string) =>
  new MockDispatch((request) => new Response(200, { text: `${name} ${request.url.path}` }));

const LOOKUPS: [mounts: string[], url: string, found: string][] = [
  [['all://*.a.com', 'all://b.com', 'https://'], 'http://a.com/', 'own /'],
  [['all://*.a.com', 'all://b.com', 'https://'], 'http://x.a.com/', 'all://*.a.com /'],
  [['all://*.a.com', 'all://b.com', 'https://'], 'https://x.a.com:81/p', 'all://*.a.com /p'],
  [['all://*.a.com', 'all://b.com', 'https://'], 'https://z.com/', 'https:// /'],
  [['all://*.a.com', 'all://b.com', 'https://'], 'http://z.com/', 'own /'],
  [['all', 'http://a.com', 'http://a.com:81'], 'http://a.com:81/', 'http://a.com:81 /'],
  [['http://*.test:8080'], 'http://x.test:8080/', 'http://*.test:8080 /'],
  [['http://*.test:8080'], 'http://x.test/', 'own /'],
  [[], 'http://a.com/', 'own /'],
];

for (const [patterns, target, found] of LOOKUPS) {
  test(`V9 mounts ${patterns.join(', ')}: ${target} goes to ${found}`, async (t) => {
    const mounts = Object.fromEntries(patterns.map((pattern) => [pattern, named(pattern)]));
    const client = openClient(t, { dispatch: named('own'), mounts });
    t.is((await client.get(target)).text, found);
  });
}

test('null is the network, whatever the client’s own place is', async (t) => {
  const server = await serve(t, (_, res) => res.end('network'));
  const client = openClient(t, { app: () => new globalThis.Response('app'), mounts: { 'all://127.0.0.1': null } });
  t.is((await client.get(server.url)).text, 'network');
  t.is((await client.get(server.url)).text, 'network');
  t.is((await client.get(url)).text, 'app');
  t.is(server.connections(), 1);
  await client.close();
  t.is((await failure(client.get(server.url))).name, 'ClientClosed');
});

test('an app beside the network', async (t) => {
  const server = await serve(t, (_, res) => res.end('network'));
  const app = new NodeDispatch({ app: (_req, res) => res.end('app') });
  const client = openClient(t, { mounts: { 'http://app.test': app } });
  t.is((await client.get('http://app.test/')).text, 'app');
  t.is((await client.get(server.url)).text, 'network');
});

test('each mount is closed once, with the client', async (t) => {
  const closed: string[] = [];
  const closing = (name: string) => ({
    send: async () => new Response(200),
    close: async () => void closed.push(name),
  });
  const shared = closing('shared');
  const client = new Client({ dispatch: closing('own'), mounts: { 'http://a': shared, 'http://b': shared } });
  await client.close();
  await client.close();
  t.deepEqual(closed.toSorted(), ['own', 'shared']);
});

const WRONG: [options: Record<string, unknown>, message: RegExp][] = [
  [{ app: null }, /^app: expected a fetch handler, .*, got null$/],
  [{ app: undefined }, /^app: expected a fetch handler, .*, got undefined$/],
  [{ app: 'http://example' }, /^app: .* got string$/],
  [{ mounts: { 'all://': (() => {}) as never } }, /^mounts\['all:\/\/'\]: .*got function; an app is mounted as new FetchDispatch\(\{ app \}\)$/], // prettier-ignore
  [
    { mounts: { 'all://': createServer() as never } },
    /got Server; an app is mounted as new NodeDispatch\(\{ app \}\)$/,
  ],
  [{ dispatch: ((_req: unknown, _res: unknown) => {}) as never }, /^dispatch: .*new NodeDispatch/],
  [{ app: () => {}, dispatch: named('own') }, /^app and dispatch: /],
  [{ dispatch: {} }, /^dispatch: expected an object with a send method, got Object$/],
  [{ mounts: { 'http://a': {} } }, /^mounts\['http:\/\/a'\]: expected an object with a send method, got Object$/],
  [{ mounts: { 'a.com': null } }, /^mounts: 'a.com' is not a URL pattern/],
  [{ mounts: [] }, /^mounts: expected an object with URL patterns as keys, got Array$/],
  [{ mount: {} }, /^Unknown option 'mount' for new Client\(\)\. Did you mean 'mounts'\?$/],
];

for (const [options, message] of WRONG) {
  test(`a wrong option: ${message.source}`, (t) => {
    t.throws(() => new Client(options as ClientOptions), { instanceOf: TypeError, message });
  });
}

// Serial: nothing else may run in a polluted process.
test.serial('N3 a polluted Object.prototype mounts nothing and changes no dispatch', async (t) => {
  const polluted = { app: named('x'), dispatch: named('x'), mounts: { all: named('x') }, raiseAppExceptions: false, scriptName: '/x', rootPath: '/x', env: 'x', client: { hostname: 'x', port: 1 }, remoteAddr: 'x' }; // prettier-ignore
  const before = Object.keys(Object.prototype);
  Object.assign(Object.prototype, polluted);
  try {
    const fetchApp = new FetchDispatch({ app: (request, env) => new globalThis.Response(`${request.url} ${env.remoteAddr.hostname}`) }); // prettier-ignore
    const nodeApp = new NodeDispatch({ app: (req, res) => res.end(`${req.url} ${req.socket.remoteAddress}`) });
    t.is((await new Client({ __proto__: null, dispatch: fetchApp, app: undefined, mounts: undefined } as ClientOptions).get('http://example/x/y')).text, 'http://example/x/y 127.0.0.1'); // prettier-ignore
    t.is((await new Client({ dispatch: nodeApp }).get('http://example/x/y')).text, '/x/y 127.0.0.1');
  } finally {
    for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name);
  }
  t.deepEqual(Object.keys(Object.prototype), before);
});

// ── MockDispatch ──

test('V13 a mock’s handler, sync and async, and the requests that it saw', async (t) => {
  const handlers: ((request: Request) => Response | Promise<Response>)[] = [
    (request) => new Response(200, { json: { method: request.method } }),
    async (request) => new Response(200, { json: { method: request.method } }),
  ];
  for (const handler of handlers) {
    const dispatch = new MockDispatch(handler);
    const client = openClient(t, { dispatch });
    t.deepEqual((await client.post(url, { json: 1 })).json(), { method: 'POST' });
    await client.get('http://example/second');
    t.deepEqual(
      dispatch.requests.map((request) => `${request.method} ${request.url.path}`),
      ['POST /', 'GET /second'],
    );
    t.is((dispatch.requests[0] as Request).content.toString(), '1');
  }
});

test('a mock sees a streamed body as bytes', async (t) => {
  const client = openClient(t, {
    dispatch: new MockDispatch((request) => new Response(200, { content: request.content })),
  });
  async function* content() {
    yield 'a';
    yield Buffer.from('b');
  }
  t.is((await client.post(url, { content: content() })).text, 'ab');
});

test('a mock’s response has its request, URL and status, and may stream', async (t) => {
  async function* content() {
    yield Buffer.from('a\n');
    yield Buffer.from('b\n');
  }
  const client = openClient(t, { dispatch: new MockDispatch(() => new Response(503, { content: content() })) });
  const response = await client.stream('GET', url);
  t.is(response.url.toString(), url);
  const lines: string[] = [];
  for await (const line of response.iterLines()) lines.push(line);
  t.deepEqual(lines, ['a', 'b']);
  t.is((await failure((async () => (await client.get(url)).raiseForStatus())())).name, 'HTTPStatusError');
});

const own = new Error('own');
const MOCKS: [what: string, handler: () => unknown, error: RegExp | Error][] = [
  ['throws', () => { throw own; }, own], // prettier-ignore
  ['rejects', () => Promise.reject(own), own],
  ['returns nothing', () => undefined, /^RemoteProtocolError: MockDispatch: the handler returned without answering$/],
  ['returns fetch’s Response', () => new globalThis.Response(), /^TypeError: MockDispatch: the handler must give a Response, got Response$/], // prettier-ignore
  ['returns a text', () => 'x', /^TypeError: MockDispatch: the handler must give a Response, got string$/],
];

for (const [what, handler, expected] of MOCKS) {
  test(`a mock’s handler that ${what}`, async (t) => {
    const error = await failure(openClient(t, { dispatch: new MockDispatch(handler as never) }).get(url));
    if (expected instanceof RegExp) t.regex(reasonOf(error), expected);
    else t.is(error, expected);
  });
}

test('one Response for several requests: each has its own request, URL, history and context', async (t) => {
  const explicit = new Request('GET', 'http://explicit/');
  const one = new Response(200, { text: 'one', headers: { 'x-a': '1' } });
  const redirect = new Response(302, { headers: { location: '/next' } });
  const own = new Response(200, { text: 'own', request: explicit });
  const answers = new Map([['/', redirect], ['/own', own]]); // prettier-ignore
  const handler = ({ url: { path } }: Request): Response => answers.get(path) ?? one;
  for (const dispatch of [new MockDispatch(handler), { send: async (request: Request) => handler(request) }]) {
    for (const options of [{}, { retries: 1 }]) {
      const client = openClient(t, { dispatch, ...options });
      const [a, b] = [await client.get('http://h/a'), await client.get('http://h/b')];
      t.deepEqual([String(a.url), String(b.url), a.text, b.text], ['http://h/a', 'http://h/b', 'one', 'one']);
      b.headers.set('x-a', '2');
      t.deepEqual([a.headers.get('x-a'), one.headers.get('x-a')], ['1', '1']);
      const [c, d] = [await client.get('http://h/'), await client.get('http://other/')];
      t.deepEqual([String(c.url), String(c.history[0].url)], ['http://h/next', 'http://h/']);
      t.deepEqual([String(d.url), String(d.history[0].url)], ['http://other/next', 'http://other/']);
      t.is(d.history.length, 1);
      for (let i = 0; i < 2; i++) t.is((await client.get('http://h/own')).request, explicit);
    }
  }
});

test('a mock that never answers: the read timeout, and a signal', async (t) => {
  const called = gate();
  const client = openClient(t, { dispatch: new MockDispatch(() => (called.open(), new Promise(() => {}))) });
  t.true((await failure(client.get(url, { timeout: { read: 10 } }))) instanceof ReadTimeout);
  const controller = new AbortController();
  const sent = failure(client.get(url, { signal: controller.signal }));
  await called.promise;
  controller.abort();
  t.is((await sent).name, 'AbortError');
});

test('a mock on its own, without a client', async (t) => {
  const dispatch = named('alone');
  const request = new Client().buildRequest('GET', 'http://example/x');
  t.is((await dispatch.send(request)).text, 'alone /x');
  t.is(told(await dispatch.send(request)), '200 alone /x');
  t.throws(() => new MockDispatch('x' as never), { message: 'handler: expected a function, got string' });
});

test('a dispatch of one’s own, over another', async (t) => {
  const inner = new NodeDispatch({ app: (req, res) => res.end(req.headers['x-added']) });
  const outer = {
    async send(request: Request, options: Parameters<typeof inner.send>[1]) {
      request.headers.set('x-added', 'yes');
      return inner.send(request, options);
    },
  };
  t.is((await openClient(t, { dispatch: outer }).get(url)).text, 'yes');
});

test('a path without a base URL is the app’s', async (t) => {
  const app = (request: globalThis.Request) => new globalThis.Response(request.url);
  const client = openClient(t, { app });
  t.is((await client.get('/users?q=1')).text, 'http://app/users?q=1');
  t.is((await client.get('users', { params: { a: 1 } })).text, 'http://app/users?a=1');
  t.is((await client.get('http://example/x')).text, 'http://example/x');
  t.is(String(client.baseUrl), '');
  client.baseUrl = 'http://other/v1';
  t.is((await client.get('/users')).text, 'http://other/v1/users');
  // What a client holds is not bound to that base.
  const bound = openClient(t, { app: (request: globalThis.Request) => new globalThis.Response(request.headers.get('authorization')), auth: ['a', 'b'] }); // prettier-ignore
  t.is((await bound.get('http://example/')).text, 'Basic YTpi');
  t.is((await bound.get('/')).text, 'Basic YTpi');
});
