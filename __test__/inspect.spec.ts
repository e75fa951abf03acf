/** inspect() and String() of what users hold: one line that says what it is, and nothing secret. */
import test from 'ava';
import { inspect } from 'node:util';
import { createDispatcher } from '../src/drop-in/undici.js';
import {
  Auth,
  BasicAuth,
  BearerAuth,
  Client,
  Cookies,
  DigestAuth,
  fetch,
  FetchDispatch,
  Headers,
  HTTPDispatch,
  HTTPProxy,
  MockDispatch,
  NetRCAuth,
  NodeDispatch,
  QueryParams,
  Request,
  Response,
  TimeoutConfig,
  URL,
} from '../src/index.js';

class Mine extends Auth {
  token = 's3cr3t';
  async *authFlow(): AsyncGenerator<Request, void, Response> {}
}

const url = 'http://me:s3cr3t@example.org/';
const secret = { authorization: 's3cr3t' };
const app = () => new globalThis.Response();
const POOL = '<Pool 0 active, 0 queued | 0 idle>';

const SHOWN: [make: () => object, expected: string | RegExp][] = [
  [
    () => new Client({ auth: ['me', 's3cr3t'], baseUrl: url, headers: secret, proxies: url }),
    `<Client (open) ${POOL}>`,
  ],
  [() => new Client({ app }), `<Client (open) ${POOL}>`],
  [() => new Client({ app }).pool, POOL],
  [() => new Client().pool, POOL],
  [() => new HTTPDispatch({ proxy: url }), `<HTTPDispatch ${POOL}>`],
  [() => new MockDispatch(() => new Response(200)), '<MockDispatch, 0 requests>'],
  [() => new FetchDispatch({ app, env: 's3cr3t' }), '<FetchDispatch>'],
  [() => new NodeDispatch({ app: (_request, response) => response.end() }), '<NodeDispatch>'],
  [() => new BasicAuth('me', 's3cr3t'), '<BasicAuth>'],
  [() => new BearerAuth('s3cr3t'), '<BearerAuth>'],
  [() => new DigestAuth('me', 's3cr3t'), '<DigestAuth>'],
  [() => new NetRCAuth(), '<NetRCAuth>'],
  [() => new Mine(), '<Mine>'],
  [() => new Request('GET', url), "<Request('GET', 'http://me:[secure]@example.org/')>"],
  [() => new Response(200), '<Response [200 OK]>'],
  [() => new Response(600), '<Response [600]>'],
  [() => new URL(url), "URL('http://me:[secure]@example.org/')"],
  [() => new Headers(secret), "Headers({ authorization: '[secure]' })"],
  [() => new QueryParams('a=1'), "QueryParams('a=1')"],
  [() => new Cookies({ session: 's3cr3t' }), '<Cookies [session]>'],
  [() => new TimeoutConfig(5), 'TimeoutConfig(5)'],
  [() => new HTTPProxy({ proxyUrl: url, proxyHeaders: secret }), /^HTTPProxy\(\{ .*\[secure\].* \}\)$/],
];

for (const [make, expected] of SHOWN) {
  test(`one line: ${String(make).slice(6)}`, (t) => {
    const shown = make();
    if (typeof expected === 'string') t.is(inspect(shown), expected);
    else t.regex(inspect(shown), expected);
    t.is(inspect(shown, { showHidden: true, depth: 9 }), inspect(shown));
    t.notRegex(inspect({ shown, list: [shown] }), /s3cr3t/);
    // Those of URL and QueryParams are their text.
    t.notRegex(String(shown), /\n|\[object/);
  });
}

test('a closed client says so', async (t) => {
  const client = new Client();
  await client.close();
  t.is(String(client), `<Client (closed) ${POOL}>`);
});

/** What has no password in the right place has it in the text that the message quotes. */
const USERINFO = 'user:s3cr3t@127.0.0.1:1/';
const MISPLACED: [title: string, act: () => unknown][] = [
  ['an escaped @', () => new URL(`http://user:s3cr3t%40127.0.0.1:1/`)],
  ['an escaped @ in the URL of a proxy', () => new HTTPProxy({ proxyUrl: 'http://user:s3cr3t%40127.0.0.1:1/' })],
  ['a key of resolve', () => new Client({ resolve: { [`http://${USERINFO}`]: '127.0.0.1' } })],
  ['a value of resolve', () => new Client({ resolve: { host: USERINFO } })],
  ['an address of lookup', () => new Client({ trustEnv: false, lookup: () => [USERINFO] }).get('http://host.test/')],
  ['fetch', () => fetch(`http://${USERINFO}`)],
  ['fetch with what is no URL', () => fetch('http://user:s3cr3t@ex ample/')],
  [
    'the undici door',
    () => createDispatcher().request({ origin: 'http://user:s3cr3t@ex ample/', path: '/', method: 'GET' }),
  ],
];

for (const [title, act] of MISPLACED) {
  test(`no message shows a misplaced password: ${title}`, async (t) => {
    const error = await (async () => act())().then(
      () => t.fail('no error'),
      (reason: unknown) => reason,
    );
    t.true(error instanceof Error);
    t.notRegex(inspect(error, { depth: 9, showHidden: true }), /s3cr3t/);
    t.notRegex(String((error as Error).stack), /s3cr3t/);
  });
}

test('a Location with a password is shown without it', (t) => {
  const location = 'http://user:s3cr3t@host/path?to=//a@b';
  const response = new Response(302, { headers: { location, link: '<//u:s3cr3t@h/>; rel=next, <http://h/>' } });
  t.is(response.headers.get('location'), location);
  t.notRegex(inspect(response.headers) + JSON.stringify(response), /s3cr3t/);
  t.regex(inspect(response.headers), /http:\/\/\[secure\]@host\/path/);
});
