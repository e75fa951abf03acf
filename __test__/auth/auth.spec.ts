/** Basic, Bearer, functions and flows of one's own; which credentials win (rows M… and SEC-M…). */
import test from 'ava';
import { inspect } from 'node:util';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Auth,
  BasicAuth,
  BearerAuth,
  Client,
  DigestAuth,
  NetRCAuth,
  Request,
  RequestError,
  type Response,
  StreamConsumed,
  TotalTimeout,
  type AuthTypes,
  type ClientOptions,
  type RequestOptions,
} from '../../src/index.js';
import { eventually, failure, openClient, soon, told } from '../helpers/client.js';
import { serve, type HttpServer } from '../helpers/server.js';
import type { ExecutionContext } from 'ava';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

/** Answers with the Authorization that it got. */
const echo = (t: ExecutionContext): Promise<HttpServer> =>
  serve(t, (request, response) => response.end(request.headers.authorization ?? 'none'));

// ── precedence: request > its header > client > URL > netrc (which has a file of its own) ──

const token = (request: Request) => {
  request.headers.set('authorization', 'Token 123');
  return request;
};

const ROWS: [title: string, client: ClientOptions, userinfo: string, request: RequestOptions, expected: string][] = [
  ['none', {}, '', {}, 'none'],
  ['M1 a pair', {}, '', { auth: ['user', 'password123'] }, 'Basic dXNlcjpwYXNzd29yZDEyMw=='],
  ['M3 a pair of the client', { auth: ['user', 'password123'] }, '', {}, 'Basic dXNlcjpwYXNzd29yZDEyMw=='],
  ['M2 in the URL', {}, 'user:password123@', {}, 'Basic dXNlcjpwYXNzd29yZDEyMw=='],
  ['M4 a function', {}, '', { auth: token }, 'Token 123'],
  ['M4 an async function of the client', { auth: async (request) => token(request) }, '', {}, 'Token 123'],
  [
    'a function that returns another request',
    {},
    '',
    { auth: (request) => new Request('GET', request.url, { headers: { authorization: 'other' } }) },
    'other',
  ],
  ['BasicAuth', { auth: new BasicAuth('a', 'b') }, '', {}, 'Basic YTpi'],
  ['BearerAuth', { auth: new BearerAuth('t0k.en') }, '', {}, 'Bearer t0k.en'],
  ['BearerAuth of a function', {}, '', { auth: new BearerAuth(() => 'now') }, 'Bearer now'],
  ['BearerAuth of an async function', {}, '', { auth: new BearerAuth(async () => 'later') }, 'Bearer later'],
  ['the request over the client', { auth: ['a', 'b'] }, '', { auth: ['c', 'd'] }, 'Basic Yzpk'],
  ['M9 the client over the URL', { auth: ['c', 'd'] }, 'a:b@', {}, 'Basic Yzpk'],
  ['the request over the URL', {}, 'a:b@', { auth: ['c', 'd'] }, 'Basic Yzpk'],
  ['M5 null of the request', { auth: ['a', 'b'] }, '', { auth: null }, 'none'],
  ['M10 null of the request, and a URL', {}, 'a:b@', { auth: null }, 'none'],
  ['undefined inherits', { auth: ['a', 'b'] }, '', { auth: undefined }, 'Basic YTpi'],
  ['null of the client, and a URL', { auth: null }, 'a:b@', {}, 'none'],
  ['a header over the URL', {}, 'a:b@', { headers: { Authorization: 'mine' } }, 'mine'],
  ['a header over the client', { auth: ['a', 'b'] }, '', { headers: { Authorization: 'mine' } }, 'mine'],
  [
    'the request’s auth over its header',
    {},
    '',
    { auth: ['a', 'b'], headers: { Authorization: 'mine' } },
    'Basic YTpi',
  ],
  ['the client’s auth over its header', { auth: ['a', 'b'], headers: { Authorization: 'mine' } }, '', {}, 'Basic YTpi'],
  ['the client’s header over the URL', { headers: { Authorization: 'mine' } }, 'a:b@', {}, 'mine'],
  ['null of the request leaves a header', {}, '', { auth: null, headers: { Authorization: 'mine' } }, 'mine'],
  ['M12 the URL is decoded', {}, 'u%40:p%3A%C3%A9@', {}, basic('u@:p:é')],
  ['M13 a name alone', {}, 'u@', {}, 'Basic dTo='],
  ['M13 a password alone', {}, ':p@', {}, 'Basic OnA='],
  ['UTF-8', {}, '', { auth: ['ü', '€'] }, basic('ü:€')],
  ['empty parts', {}, '', { auth: ['', ''] }, 'Basic Og=='],
  ['A18 the base URL’s', { baseUrl: 'http://u:p@HOST/' }, '', {}, 'Basic dTpw'],
];

for (const [title, ofClient, userinfo, ofRequest, expected] of ROWS) {
  test(`who is sent: ${title}`, async (t) => {
    const server = await echo(t);
    const options = { ...ofClient };
    const host = `127.0.0.1:${server.port}`;
    if (options.baseUrl !== undefined) options.baseUrl = String(options.baseUrl).replace('HOST', host);
    const client = openClient(t, options);
    const url = options.baseUrl === undefined ? `http://${userinfo}${host}/` : 'path';
    t.is(told(await client.get(url, ofRequest)), `200 ${expected}`);
    const streamed = await client.stream('GET', url, ofRequest);
    t.is(String(await streamed.read()), expected);
    // The same by send(): nothing is merged, auth is added.
    const { auth, ...rest } = ofRequest;
    const request = client.buildRequest('GET', url, rest);
    t.is(told(await client.send(request, 'auth' in ofRequest ? { auth } : {})), `200 ${expected}`);
    t.is(
      told(await client.send(request, 'auth' in ofRequest ? { auth } : {})),
      `200 ${expected}`,
      'the same Request again',
    );
    t.deepEqual(
      server.requests.map(({ headers }) => headers.host),
      Array(4).fill(host),
    );
  });
}

test('credentials of the URL are in no URL that is shown afterwards', async (t) => {
  const server = await echo(t);
  const response = await openClient(t).get(`http://me:secret@127.0.0.1:${server.port}/`);
  t.is(response.url.toString(), server.url);
  t.notRegex(inspect(response.request), /secret/);
  t.is(inspect(response.request.headers).includes('[secure]'), true, 'M17');
});

test('auth is a setter of the client; credentials in it are not shown', async (t) => {
  const server = await echo(t);
  const client = openClient(t);
  t.is(client.auth, null);
  client.auth = ['u', 'secret'];
  t.is(told(await client.get(server.url)), `200 ${basic('u:secret')}`);
  t.notRegex(inspect(client.auth, { showHidden: true, depth: 9 }), /secret|dTpz/);
  const digest = new DigestAuth('u', 'secret');
  client.auth = digest;
  t.is(client.auth, digest);
  t.notRegex(inspect(digest, { showHidden: true, depth: 9 }), /secret/);
  t.notRegex(inspect(new BearerAuth('secret'), { showHidden: true, depth: 9 }), /secret/);
  client.auth = null;
  t.is(told(await client.get(server.url)), '200 none');
});

const BAD: [title: string, auth: unknown, message: RegExp][] = [
  ['M7 text', 'user:pass', /^Invalid "auth" argument: .* got string$/],
  ['a number', 1, /^Invalid "auth" argument/],
  ['an object', { username: 'u', password: 'p' }, /^Invalid "auth" argument: .* got Object$/],
  ['one string', ['u'], /^auth: a pair must be two strings/],
  ['three strings', ['u', 'p', 'x'], /^auth: a pair must be two strings/],
  ['numbers', [1, 2], /^auth: a pair must be two strings/],
  ['SEC-M5 a colon in the name', ['a:b', 'secret'], /^BasicAuth: username must not contain ':'$/],
  ['a line feed in the password', ['a', 'sec\nret'], /^BasicAuth: password must not contain control characters$/],
];

for (const [title, auth, message] of BAD) {
  test(`bad auth: ${title}`, async (t) => {
    const server = await echo(t);
    const client = openClient(t);
    t.throws(() => new Client({ auth: auth as AuthTypes }), { instanceOf: TypeError, message });
    t.throws(() => (client.auth = auth as AuthTypes), { instanceOf: TypeError, message });
    const error = await failure(client.get(server.url, { auth: auth as AuthTypes }));
    t.true(error instanceof TypeError);
    t.regex(error.message, message);
    t.is(server.requests.length, 0);
  });
}

for (const [userinfo, message] of [
  ['a%3Ab:secret', "url: username must not contain ':'"],
  ['a:sec%0Aret', 'url: password must not contain control characters'],
]) {
  test(`credentials of a URL that Basic cannot carry: ${message}`, async (t) => {
    const server = await echo(t);
    const error = await failure(openClient(t).get(server.url.replace('//', `//${userinfo}@`)));
    t.is(String(error), `TypeError: ${message}`);
    t.is(server.requests.length, 0);
  });
}

test('bad arguments of the classes', (t) => {
  for (const make of [
    () => new BasicAuth(1 as never, 'p'),
    () => new BasicAuth('u', undefined as never),
    () => new DigestAuth('u', null as never),
    () => new DigestAuth('u\0', 'p'),
    () => new BearerAuth('' as never),
    () => new BearerAuth('a b'),
    () => new BearerAuth('a\r\nx: y'),
    () => new BearerAuth(undefined as never),
    () => new NetRCAuth(1 as never),
    () => new NetRCAuth('/nowhere/netrc'),
  ]) {
    t.throws(make, { instanceOf: TypeError });
  }
});

test('a Bearer function that gives no token', async (t) => {
  const server = await echo(t);
  const error = await failure(openClient(t).get(server.url, { auth: new BearerAuth(() => undefined as never) }));
  t.regex(error.message, /^BearerAuth: expected a token/);
  t.is(server.requests.length, 0);
});

// ── flows ──

class Repeat extends Auth {
  override requiresRequestBody = true;
  override requiresResponseBody = true;
  constructor(private readonly times: number) {
    super();
  }
  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    const nonces: string[] = [];
    request.headers.set('authorization', 'Repeat 0');
    for (let i = 0; i < this.times; i++) {
      const response = yield request;
      nonces.push(`${response.headers.get('www-authenticate')}${response.text}`);
      request.headers.set('authorization', `Repeat ${nonces.join('.')}`);
    }
    yield request;
  }
}

for (const stream of [false, true]) {
  test(`M14 a flow over three exchanges, ${stream ? 'streamed' : 'read'}`, async (t) => {
    const server = await serve(t, async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      response.writeHead(200, { 'www-authenticate': 'abc' }).end(body);
    });
    const client = openClient(t);
    async function* content() {
      yield 'x';
    }
    const options = { auth: new Repeat(2), content: content() };
    const response = stream ? await client.stream('POST', server.url, options) : await client.post(server.url, options);
    t.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Repeat 0', 'Repeat abcx', 'Repeat abcx.abcx'],
    );
    t.is(response.history.length, 2);
    t.deepEqual(response.history[1].history, [response.history[0]]);
    t.is(server.connections(), 1);
    await response.close();
  });
}

test('a flow may ask another server first', async (t) => {
  const tokens = await serve(t, (_, response) => response.end('fresh'));
  const server = await echo(t);
  class OAuth extends Auth {
    override requiresResponseBody = true;
    async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
      const response = yield new Request('POST', tokens.url);
      request.headers.set('authorization', `Bearer ${response.text}`);
      yield request;
    }
  }
  const response = await openClient(t).get(server.url, { auth: new OAuth() });
  t.is(told(response), '200 Bearer fresh');
  t.is(response.history.length, 1);
});

test('the user’s Request is not changed by a flow', async (t) => {
  const server = await echo(t);
  const client = openClient(t);
  const request = client.buildRequest('GET', server.url);
  const before = request.headers.raw;
  await client.send(request, { auth: new Repeat(1) });
  t.deepEqual(request.headers.raw, before);
});

class Flow extends Auth {
  constructor(private readonly flow: (request: Request) => AsyncGenerator<Request, void, Response>) {
    super();
  }
  authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    return this.flow(request);
  }
}

test('SEC-M6 a flow that throws: the error is the user’s own, the response is closed', async (t) => {
  const mine = new Error('mine');
  const server = await serve(t, (_, response) => {
    response.write('endless');
  });
  let seen: Response | undefined;
  const auth = new Flow(async function* (request) {
    seen = yield request;
    throw mine;
  });
  t.is(await failure(openClient(t).stream('GET', server.url, { auth })), mine);
  t.true(seen?.isClosed);
  await eventually('the connection is closed', () => server.openConnections() === 0);
  const before = new Flow(async function* (request) {
    if (request.method === 'GET') throw mine;
    yield request;
  });
  t.is(await failure(openClient(t).get(server.url, { auth: before })), mine);
  t.is(server.requests.length, 1);
  const thrower = () => {
    throw mine;
  };
  t.is(await failure(openClient(t).get(server.url, { auth: thrower })), mine);
});

const STRANGE: [title: string, flow: (request: Request) => AsyncGenerator<Request, void, Response>, message: RegExp][] =
  [
    ['yields nothing', async function* () {}, /^auth: the flow ended without a request$/],
    [
      'yields something else',
      async function* () {
        yield 'x' as never;
      },
      /^auth: the flow must yield requests, got string$/,
    ],
  ];

for (const [title, flow, message] of STRANGE) {
  test(`a flow that ${title}`, async (t) => {
    const server = await echo(t);
    const error = await failure(openClient(t).get(server.url, { auth: new Flow(flow) }));
    t.true(error instanceof TypeError);
    t.regex(error.message, message);
  });
}

test('a function that returns no request', async (t) => {
  const server = await echo(t);
  const error = await failure(openClient(t).get(server.url, { auth: (() => undefined) as never }));
  t.regex(error.message, /^auth: the function must return a Request, it returned undefined$/);
});

test('SEC-M6 a flow that never ends is ended', async (t) => {
  const server = await echo(t);
  let cleanedUp = false;
  const auth = new Flow(async function* (request) {
    try {
      for (;;) yield request;
    } finally {
      cleanedUp = true;
    }
  });
  const error = await failure(openClient(t).get(server.url, { auth }));
  t.true(error instanceof RequestError);
  t.is(server.requests.length, 100);
  await eventually('the generator is closed', () => cleanedUp);
});

test('SEC-M6 a flow that is stuck: the signal and the total timeout end it', async (t) => {
  const server = await echo(t);
  const stuck = new Flow(async function* (request) {
    await new Promise(() => {});
    yield request;
  });
  const controller = new AbortController();
  const aborted = openClient(t).get(server.url, { auth: stuck, signal: controller.signal });
  setImmediate(() => controller.abort(new Error('enough')));
  t.is((await failure(soon('the abort', aborted))).message, 'enough');
  const late = await failure(
    soon('the timeout', openClient(t).get(server.url, { auth: stuck, timeout: { total: 50 } })),
  );
  t.true(late instanceof TotalTimeout);
  t.regex(late.message, /did not finish within 50 ms in all$/);
  t.is(server.requests.length, 0);
});

test('a streamed body cannot be sent for a second time: the error says that credentials were asked for', async (t) => {
  const server = await serve(t, async (request, response) => {
    for await (const _ of request);
    response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n"' }).end();
  });
  async function* content() {
    yield 'x';
  }
  const error = await failure(openClient(t).post(server.url, { content: content(), auth: new DigestAuth('u', 'p') }));
  t.true(error instanceof StreamConsumed, inspect(error));
  t.regex(error.message, /asks for credentials \(401\)/);
});

test('the caller’s AsyncLocalStorage is there in flows, functions and tokens', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(401).end());
  const storage = new AsyncLocalStorage<number>();
  const seen: unknown[] = [];
  const note = () => seen.push(storage.getStore());
  const auth = new Flow(async function* (request) {
    note();
    yield request;
    note();
    await Promise.resolve();
    yield request;
    note();
  });
  const client = openClient(t);
  await storage.run(7, () => client.get(server.url, { auth }).then(note));
  await storage.run(7, () => client.get(server.url, { auth: new BearerAuth(async () => (note(), 'x')) }));
  await storage.run(7, () => client.get(server.url, { auth: (request) => (note(), request) }));
  t.deepEqual(seen, Array(6).fill(7));
});
