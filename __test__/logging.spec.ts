/**
 * What loggers make of what users hold: JSON, inspect() at any depth, structured clones, tables, pino with its own serialisers. No
 * password, token or cookie is in any of it.
 */
import test from 'ava';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import pino from 'pino';
import {
  Auth,
  BasicAuth,
  BearerAuth,
  Client,
  ConnectError,
  Cookies,
  DigestAuth,
  FetchDispatch,
  Headers,
  HTTPDispatch,
  HTTPProxy,
  HTTPStatusError,
  InvalidURL,
  MockDispatch,
  NetRCAuth,
  ProxyError,
  Request,
  Response,
  TooManyRedirects,
  URL,
} from '../src/index.js';

const SECRET = 's3cr3t';
const url = `https://me:${SECRET}@example.org/x?q=1`;
const shownUrl = 'https://me:[secure]@example.org/x?q=1';
const headers = { authorization: `Bearer ${SECRET}`, cookie: `sid=${SECRET}`, 'x-own': 'seen' };

class Mine extends Auth {
  #token = SECRET;
  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    request.headers.set('authorization', this.#token);
    yield request;
  }
}

const client = new Client({
  auth: ['me', SECRET],
  baseUrl: url,
  headers,
  cookies: { sid: SECRET },
  proxies: `http://me:${SECRET}@proxy.test`,
});
const request = () => new Request('POST', url, { headers, content: SECRET });
const built = () => client.buildRequest('GET', url, { cookies: { own: SECRET } });
const response = () =>
  new Response(302, { request: request(), headers: { 'set-cookie': `sid=${SECRET}`, location: '/y' }, text: SECRET });
const details = () => ({ request: request(), response: response(), proxy: `http://me:${SECRET}@proxy.test` });

const VALUES: Record<string, [make: () => unknown, json: unknown]> = {
  Request: [
    request,
    {
      method: 'POST',
      url: shownUrl,
      headers: {
        host: 'example.org',
        'content-length': '6',
        authorization: '[secure]',
        cookie: '[secure]',
        'x-own': 'seen',
      },
    },
  ],
  'Request of a client': [built, undefined],
  Response: [
    response,
    {
      statusCode: 302,
      reasonPhrase: 'Found',
      httpVersion: 'HTTP/1.1',
      url: shownUrl,
      headers: {
        'set-cookie': '[secure]',
        location: '/y',
        'content-length': '6',
        'content-type': 'text/plain; charset=utf-8',
      },
    },
  ],
  'Response.nextRequest': [() => response().nextRequest, undefined],
  Client: [() => client, '<Client (open) <Pool 0 active, 0 queued | 0 idle>>'],
  HTTPDispatch: [
    () => new HTTPDispatch({ proxy: `http://me:${SECRET}@proxy.test` }),
    '<HTTPDispatch <Pool 0 active, 0 queued | 0 idle>>',
  ],
  FetchDispatch: [
    () => new FetchDispatch({ app: () => new globalThis.Response(), env: { token: SECRET } }),
    '<FetchDispatch>',
  ],
  MockDispatch: [() => new MockDispatch(() => new Response(200)), '<MockDispatch, 0 requests>'],
  Cookies: [() => new Cookies({ sid: SECRET }), '<Cookies [sid]>'],
  'Cookies of two': [() => new Cookies([['a', SECRET]]), '<Cookies [a]>'],
  BasicAuth: [() => new BasicAuth('me', SECRET), '<BasicAuth>'],
  BearerAuth: [() => new BearerAuth(SECRET), '<BearerAuth>'],
  DigestAuth: [() => new DigestAuth('me', SECRET), '<DigestAuth>'],
  NetRCAuth: [() => new NetRCAuth(), '<NetRCAuth>'],
  'an Auth of the user': [() => new Mine(), '<Mine>'],
  HTTPProxy: [
    () => new HTTPProxy({ proxyUrl: `http://me:${SECRET}@proxy.test`, proxyHeaders: { authorization: SECRET } }),
    {
      proxyUrl: 'http://proxy.test',
      auth: ['me', '[secure]'],
      proxyHeaders: { authorization: '[secure]' },
      proxyMode: 'DEFAULT',
    },
  ],
  Headers: [() => new Headers(headers), { authorization: '[secure]', cookie: '[secure]', 'x-own': 'seen' }],
  'Headers with a name twice': [
    () =>
      new Headers([
        ['A', '1'],
        ['a', '2'],
        ['Set-Cookie', SECRET],
        ['set-cookie', SECRET],
      ]),
    { a: ['1', '2'], 'set-cookie': ['[secure]', '[secure]'] },
  ],
  URL: [() => new URL(url), shownUrl],
  'URL without a scheme': [() => new URL(`user:${SECRET}@host/`), 'user:[secure]@host/'],
  HTTPStatusError: [
    () => new HTTPStatusError('no', details()),
    {
      name: 'HTTPStatusError',
      code: 'ERR_HTTP_STATUS',
      message: 'no',
      proxy: 'http://[secure]@proxy.test',
      request: { method: 'POST', url: shownUrl },
      response: { statusCode: 302 },
    },
  ],
  TooManyRedirects: [() => new TooManyRedirects('no', details()), undefined],
  ProxyError: [() => new ProxyError('no', details()), undefined],
  'ConnectError with a cause': [
    () => new ConnectError('no', { code: 'ECONNREFUSED', cause: new InvalidURL('bad', details()) }),
    undefined,
  ],
  'a plain HTTPError': [
    () => new InvalidURL('bad', { cause: new Error('why') }),
    { name: 'InvalidURL', code: 'ERR_INVALID_URL', message: 'bad', cause: { name: 'Error', message: 'why' } },
  ],
};

function written(write: (stream: Writable) => void): string {
  let text = '';
  write(
    new Writable({
      write(chunk, _, done) {
        text += String(chunk);
        done();
      },
    }),
  );
  return text;
}

const WAYS: Record<string, (value: unknown) => string> = {
  'JSON.stringify': (value) => JSON.stringify(value) + JSON.stringify({ deep: [{ value }] }),
  inspect: (value) => inspect(value) + inspect({ deep: [{ value }] }, { depth: 9 }),
  'inspect of everything': (value) =>
    [0, 1, 2, 9, null].map((depth) => inspect([value], { depth, showHidden: true, getters: false })).join(),
  // A URL's is the URL, by definition.
  String: (value) => (value instanceof URL ? '' : `${String(value)} ${Object.prototype.toString.call(value)}`),
  structuredClone: (value) => {
    try {
      return inspect(structuredClone(value), { depth: null, showHidden: true });
    } catch (error) {
      return (error as Error).name;
    }
  },
  'a spread': (value) => inspect({ ...(value as object) }, { depth: null }) + JSON.stringify({ ...(value as object) }),
  'console.table': (value) =>
    written((stream) => {
      new Console(stream).table(value);
      new Console(stream).table([value, { value }]);
    }),
  'console.dir': (value) => written((stream) => new Console(stream).dir({ value }, { depth: null, showHidden: true })),
  pino: (value) =>
    written((stream) => {
      const { req, res, err } = pino.stdSerializers;
      const logger = pino({ base: null, serializers: { req, res, err } }, stream);
      logger.info(value as object, 'itself');
      // The serialiser of requests takes apart whatever it is given, a path of its own included.
      logger.info({ value, ...(value instanceof URL ? {} : { req: value }), err: value });
      logger.error(value);
    }),
  "pino's serialiser of responses": (value) =>
    value instanceof Response
      ? written((stream) => pino({ serializers: { res: pino.stdSerializers.res } }, stream).info({ res: value }))
      : '',
};

for (const [name, [make, json]] of Object.entries(VALUES)) {
  for (const [way, show] of Object.entries(WAYS)) {
    test(`${name}: no secret by ${way}`, (t) => {
      const text = show(make());
      t.false(text.includes(SECRET), text);
      t.false(text.includes(Buffer.from(`me:${SECRET}`).toString('base64')), text);
    });
  }
  if (json !== undefined) {
    test(`${name}: what JSON shows`, (t) => {
      t.deepEqual(JSON.parse(JSON.stringify(make())), json);
    });
  }
}

test('a logged request says what it was', (t) => {
  const text = written((stream) => pino({ base: null, timestamp: false }, stream).info({ request: built() }));
  const { method, url: shown, headers: fields } = (JSON.parse(text) as { request: Record<string, string> }).request;
  t.deepEqual([method, shown], ['GET', shownUrl]);
  t.is((fields as unknown as Record<string, string>).cookie, '[secure]');
});

const WITHOUT_SCHEME = [
  [`user:${SECRET}@host/`, 'user:[secure]@host/'],
  [`user:${SECRET}@host:8080/x?q`, 'user:[secure]@host:8080/x?q'],
  [`user:${SECRET}?@host/`, 'user:[secure]@host/'],
  [`user:#${SECRET}@host/`, 'user:[secure]@host/'],
  [`user:a/${SECRET}@host/`, 'user:[secure]@host/'],
  [`user:${SECRET}@a@host/`, 'user:[secure]@host/'],
  [`user:@${SECRET}@host/`, 'user:[secure]@host/'],
  [`http:user:${SECRET}@host/`, 'http:[secure]@host/'],
  [`http:/user:${SECRET}@host/`, 'http:[secure]@host/'],
  [`1user:${SECRET}@host/`, '1user:[secure]@host/'],
  [`us_er:${SECRET}@host/`, 'us_er:[secure]@host/'],
  [`//user:${SECRET}@host/`, '//user:[secure]@host/'],
] as const;
for (const [given, shown] of WITHOUT_SCHEME) {
  test(`${given}: the password is in no error, no log and no message`, async (t) => {
    const parsed = new URL(given);
    t.deepEqual([inspect(parsed), JSON.stringify(parsed)], [`URL('${shown}')`, `"${shown}"`]);
    const seen: unknown[] = [];
    const own = new Client({ eventHooks: { request: [(asked) => void seen.push(asked)] } });
    const error = (await own.get(given).then(
      () => t.fail(),
      (reason: unknown) => reason,
    )) as ConnectError;
    for (const value of [error, error.request, ...seen]) {
      t.false(inspect(value, { depth: null, showHidden: true }).includes(SECRET));
      t.false(JSON.stringify(value ?? null).includes(SECRET));
    }
    t.false(String(error.stack).includes(SECRET), error.stack);
    await own.close();
  });
}
