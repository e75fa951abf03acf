/**
 * The tables of docs/migrate/node-fetch.md and docs/migrate/superagent.md, measured: each row by that package and by this one. A row is
 * known by its first cell, so that none can be changed without its measurement.
 */
import test, { type ExecutionContext } from 'ava';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import axios from 'axios';
import { got } from 'got';
import nodeFetch from 'node-fetch';
import superagent from 'superagent';
import { request as undiciRequest } from 'undici';
import { BearerAuth, Client, fetch, file } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { folderOf } from '../helpers/files.js';
import { refusedOrigin, serve } from '../helpers/server.js';

/** What arrived, as JSON; or what the path asks for. */
function serveAll(t: ExecutionContext) {
  let visits = 0;
  const answers: Record<string, (req: IncomingMessage, res: ServerResponse) => unknown> = {
    '/loop': (_req, res) => res.writeHead(302, { location: '/loop' }).end(),
    '/gzip': (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(100))),
    '/hundred': (_req, res) => res.end('x'.repeat(100)),
    '/silent': () => {},
    '/endless': (_req, res) => res.write('a'),
    '/flaky': (_req, res) => res.writeHead(++visits % 2 === 1 ? 503 : 200).end(),
    '/six': (_req, res) => res.writeHead(302, { location: ++visits % 7 === 6 ? '/' : '/six' }).end(),
    '/missing': (_req, res) => res.writeHead(404).end(),
    '/text': (_req, res) => res.writeHead(200, { 'content-type': 'text/plain', 'x-a': '1' }).end('hi'),
    '/link': (_req, res) => res.writeHead(200, { link: '</2>; rel="next"' }).end(),
    '/set': (_req, res) => res.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-a': ['1', '2'] }).end(),
  };
  return serve(t, async (req, res) => {
    const body = Buffer.concat(await req.toArray()).toString('latin1');
    const answer = answers[req.url ?? ''];
    if (answer !== undefined) return answer(req, res);
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body }));
  });
}

interface Echo {
  url: string;
  headers: Record<string, string | undefined>;
  body: string;
}

/** What came of it: a value, or the error by its name, `type`, `code` and cause. */
async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    const { name, type, code, cause } = error as Error & { type?: string; code?: unknown; cause?: { code?: string } };
    return [name, type, typeof code === 'string' ? code : undefined, cause?.code].filter(Boolean).join(' ');
  }
}

/** The first cells of a page's table below "What differs". */
function rowsOf(page: string): string[] {
  const text = readFileSync(new URL(`../../docs/migrate/${page}.md`, import.meta.url), 'utf8');
  const [, table] = /## What differs\n\n.*\n\n((?:\|.*\n)+)/.exec(text)!;
  return table
    .split('\n')
    .slice(2, -1)
    .map((line) => line.split(' | ')[0].slice(2).trim());
}

type Fetch = (url: string, init?: object) => Promise<any>;
type FetchRow = [row: string, run: (f: Fetch, url: string) => Promise<unknown>, nodeFetch: unknown, ours: unknown];

const signal = () => AbortSignal.abort();
const echoed = async (f: Fetch, url: string, init?: object) => (await (await f(url, init)).json()) as Echo;
const stream = () => Readable.from(['a', 'b']);

const FETCH: FetchRow[] = [
  ['`response.body` is a Node stream', async (f, u) => (await f(u)).body instanceof Readable, true, false],
  ['`response.buffer()`', async (f, u) => typeof (await f(u)).buffer, 'function', 'undefined'],
  [
    '`headers.raw()`',
    async (f, u) => {
      const { headers } = await f(`${u}set`);
      return [headers.raw?.()['set-cookie'], headers.getSetCookie?.(), headers.get('x-a')];
    },
    [['a=1', 'b=2'], undefined, '1, 2'],
    [undefined, ['a=1', 'b=2'], '1, 2'],
  ],
  [
    'a Node stream as `body`',
    async (f, u) => (await echoed(f, u, { method: 'POST', body: stream() })).body,
    'ab',
    'TypeError',
  ],
  [
    'a Node stream as `body`',
    async (f, u) => (await echoed(f, u, { method: 'POST', body: stream(), duplex: 'half' })).body,
    'ab',
    'ab',
  ],
  [
    '`follow: 3`, then FetchError `max-redirect`',
    (f, u) => f(`${u}loop`, { follow: 3 }),
    'FetchError max-redirect',
    'TypeError',
  ],
  [
    '`compress: false`: the coded bytes',
    async (f, u) => (await (await f(`${u}gzip`, { compress: false })).arrayBuffer()).byteLength === 100,
    false,
    true,
  ],
  [
    '`size: 10`: FetchError `max-size` beyond',
    async (f, u) => (await (await f(`${u}hundred`, { size: 10 })).text()).length,
    'FetchError max-size',
    100,
  ],
  [
    'FetchError with `type`, `code` and `errno`',
    async (f) => f(await refusedOrigin()),
    'FetchError system ECONNREFUSED',
    'TypeError ECONNREFUSED',
  ],
  ['an aborted `signal`: its AbortError', (f, u) => f(u, { signal: signal() }), 'AbortError aborted', 'AbortError'],
  ['a relative URL is a TypeError', (f) => f('/users'), 'TypeError ERR_INVALID_URL', 'TypeError ERR_INVALID_URL'],
  ['the Response is its own', async (f, u) => (await f(u)) instanceof Response, false, true],
  [
    "`redirect: 'manual'`: type `default`",
    async (f, u) => {
      const { status, headers, type } = await f(`${u}loop`, { redirect: 'manual' });
      return [status, headers.get('location'), type];
    },
    [302, '/loop', 'default'],
    [302, '/loop', 'basic'],
  ],
  [
    '`Accept-Encoding: gzip, deflate, br`',
    async (f, u) => (await echoed(f, u)).headers['accept-encoding'],
    'gzip, deflate, br',
    'gzip, deflate, br, zstd',
  ],
  [
    '`User-Agent: node-fetch`',
    async (f, u) => {
      const { headers } = await echoed(f, u);
      return [headers['user-agent'], headers['accept-language'], headers['sec-fetch-mode']];
    },
    ['node-fetch', undefined, undefined],
    ['node', '*', 'cors'],
  ],
];

FETCH.forEach(([row, run, theirs, ours], index) => {
  test(`node-fetch ${index + 1}: ${row}`, async (t) => {
    const { url } = await serveAll(t);
    t.deepEqual(await outcome(() => run(nodeFetch as unknown as Fetch, url)), theirs);
    t.deepEqual(await outcome(() => run(fetch as unknown as Fetch, url)), ours);
  });
});

test('node-fetch: fetch follows 20; `maxRedirects` is for the client’s own calls, and its `baseUrl` for fetch too', async (t) => {
  const { url, requests } = await serveAll(t);
  const client = openClient(t, { maxRedirects: 3, baseUrl: url });
  t.is(await outcome(() => client.fetch('/loop')), 'TypeError');
  t.is(requests.length, 21);
  t.is(await outcome(() => client.get('/loop')), 'TooManyRedirects ERR_TOO_MANY_REDIRECTS');
  t.is(requests.length, 25);
  t.is((await client.fetch('/text')).status, 200);
});

/** Of version 2, of classes of its own, or of sockets: nothing that a request shows. */
const NOT_OF_FETCH = [
  '`timeout` (in 2)',
  '`agent`',
  'its own FormData, Blob and File',
  '`highWaterMark`, `hostname`, `insecureHTTPParser`',
];

test('docs/migrate/node-fetch.md has these rows and no others', (t) => {
  t.deepEqual(rowsOf('node-fetch').sort(), [...new Set([...FETCH.map(([row]) => row), ...NOT_OF_FETCH])].sort());
});

type AgentRow = [
  row: string,
  theirs: (url: string, name: string) => Promise<unknown>,
  ours: (client: Client, url: string, name: string) => Promise<unknown>,
  expected: unknown,
  /** Where they differ. */
  ourOwn?: unknown,
];

const typed = ({ headers, body }: Echo) => [headers['content-type'], body];
const authorized = ({ headers }: Echo) => headers.authorization;
const parts = ({ body }: Echo) => body.match(/name="\w+"(?:; filename="[^"]*")?|Content-Type: \S+/g);

const AGENT: AgentRow[] = [
  [
    '`.query({ page: 2 })`',
    async (u) => ((await superagent.get(`${u}a?z=1`).query({ page: 2 })).body as Echo).url,
    async (client, u) => (await client.get(`${u}a?z=1`, { params: { page: 2 } })).json<Echo>().url,
    '/a?z=1&page=2',
  ],
  [
    "`.set('X-A', '1')`",
    async (u) => ((await superagent.get(u).set('X-A', '1')).body as Echo).headers['x-a'],
    async (client, u) => (await client.get(u, { headers: { 'X-A': '1' } })).json<Echo>().headers['x-a'],
    '1',
  ],
  [
    '`.send({ a: 1 })`',
    async (u) => typed((await superagent.post(u).send({ a: 1 })).body as Echo),
    async (client, u) => typed((await client.post(u, { json: { a: 1 } })).json<Echo>()),
    ['application/json', '{"a":1}'],
  ],
  [
    "`.type('form').send({ a: 1 })`",
    async (u) => typed((await superagent.post(u).type('form').send({ a: 1 })).body as Echo),
    async (client, u) => typed((await client.post(u, { data: { a: 1 } })).json<Echo>()),
    ['application/x-www-form-urlencoded', 'a=1'],
  ],
  [
    "`.attach('f', 'a.txt')`, `.field('x', '1')`",
    async (u, name) => parts((await superagent.post(u).field('x', '1').attach('f', name)).body as Echo),
    async (client, u, name) =>
      parts((await client.post(u, { data: { x: '1' }, files: { f: file(name) } })).json<Echo>()),
    ['name="x"', 'name="f"; filename="a.txt"', 'Content-Type: text/plain'],
  ],
  [
    "`.auth('me', 'secret')`",
    async (u) => authorized((await superagent.get(u).auth('me', 'secret')).body as Echo),
    async (client, u) => authorized((await client.get(u, { auth: ['me', 'secret'] })).json<Echo>()),
    `Basic ${btoa('me:secret')}`,
  ],
  [
    "`.auth(token, { type: 'bearer' })`",
    async (u) => authorized((await superagent.get(u).auth('abc', { type: 'bearer' })).body as Echo),
    async (client, u) => authorized((await client.get(u, { auth: new BearerAuth('abc') })).json<Echo>()),
    'Bearer abc',
  ],
  [
    '`.timeout({ response: 5000 })`: `ECONNABORTED`',
    async (u) => superagent.get(`${u}silent`).timeout({ response: 100 }),
    (client, u) => client.get(`${u}silent`, { timeout: { read: 100 } }),
    'Error ECONNABORTED',
    'ReadTimeout ERR_READ_TIMEOUT',
  ],
  [
    '`.timeout({ deadline: 60000 })`: `ECONNABORTED`',
    async (u) => superagent.get(`${u}endless`).timeout({ deadline: 100 }),
    (client, u) => client.get(`${u}endless`, { timeout: { total: 100 } }),
    'Error ECONNABORTED',
    'TotalTimeout ERR_TOTAL_TIMEOUT',
  ],
  [
    '`.retry(2)`, of a POST as well',
    async (u) => (await superagent.post(`${u}flaky`).retry(2)).status,
    async (_client, u) => {
      const client = new Client({ retries: { limit: 2, backoff: () => 0 } });
      const get = await client.get(`${u}flaky`);
      const post = await client.post(`${u}flaky`);
      await client.get(`${u}flaky`);
      const headers = { 'Idempotency-Key': 'k' };
      const withKey = await client.post(`${u}flaky`, { headers });
      await client.close();
      return [get.statusCode, post.statusCode, withKey.statusCode];
    },
    200,
    [200, 503, 200],
  ],
  [
    '`.redirects(2)`, 5 by default; then the 302 rejects',
    async (u) => superagent.get(`${u}six`).catch((error: { status: number }) => error.status),
    async (client, u) => (await client.get(`${u}six`)).statusCode,
    302,
    200,
  ],
  [
    '`.buffer(false)`, `.pipe(stream)`',
    async (u) => (await superagent.get(`${u}text`).buffer(false)).text,
    async (client, u) => {
      const response = await client.stream('GET', `${u}text`);
      for await (const chunk of response) return chunk.toString();
      return undefined;
    },
    undefined,
    'hi',
  ],
  [
    'a status of 400 and above rejects',
    async (u) => superagent.get(`${u}missing`).catch((error: { status: number }) => `rejects ${error.status}`),
    async (client, u) => {
      const response = await client.get(`${u}missing`);
      return [response.statusCode, await outcome(async () => response.raiseForStatus())];
    },
    'rejects 404',
    [404, 'HTTPStatusError ERR_HTTP_STATUS'],
  ],
  [
    '`res.body`, by Content-Type',
    async (u) => {
      const { body, text } = await superagent.get(`${u}text`);
      return [body, text];
    },
    async (client, u) => (await client.get(`${u}text`)).text,
    [{}, 'hi'],
    'hi',
  ],
  [
    "`res.status`, `res.headers['x']`",
    async (u) => {
      const { status, headers } = await superagent.get(`${u}text`);
      return [status, (headers as Record<string, string>)['x-a']];
    },
    async (client, u) => {
      const { statusCode, headers } = await client.get(`${u}text`);
      return [statusCode, headers.get('x-a')];
    },
    [200, '1'],
  ],
  [
    '`res.links.next`',
    async (u) => (await superagent.get(`${u}link`)).links.next as unknown,
    async (client, u) => (await client.get(`${u}link`)).links.next.url,
    '/2',
  ],
  [
    'no cookies without `request.agent()`',
    async (u) => {
      await superagent.get(`${u}set`);
      return ((await superagent.get(u)).body as Echo).headers.cookie;
    },
    async (client, u) => {
      await client.get(`${u}set`);
      return (await client.get(u)).json<Echo>().headers.cookie;
    },
    undefined,
    'a=1; b=2',
  ],
  [
    '`Accept-Encoding: gzip, deflate`',
    async (u) => ((await superagent.get(u)).body as Echo).headers['accept-encoding'],
    async (client, u) => (await client.get(u)).json<Echo>().headers['accept-encoding'],
    'gzip, deflate',
    'gzip, deflate, br, zstd',
  ],
  [
    '`Connection: close`',
    async (u) => ((await superagent.get(u)).body as Echo).headers.connection,
    async (client, u) => (await client.get(u)).json<Echo>().headers.connection,
    'close',
    'keep-alive',
  ],
];

AGENT.forEach(([row, theirs, ours, expected, ourOwn = expected], index) => {
  test(`superagent ${index + 1}: ${row}`, async (t) => {
    const [first, second] = [await serveAll(t), await serveAll(t)];
    const name = path.join(folderOf(t), 'a.txt');
    writeFileSync(name, 'a file');
    t.deepEqual(await outcome(() => theirs(first.url, name)), expected);
    t.deepEqual(await outcome(() => ours(openClient(t), second.url, name)), ourOwn);
  });
});

const NOT_OF_AGENT = ['`.ca()`, `.cert()`, `.key()`', 'plugins (`.use(fn)`)'];

test('docs/migrate/superagent.md has these rows and no others', (t) => {
  t.deepEqual(rowsOf('superagent').sort(), [...AGENT.map(([row]) => row), ...NOT_OF_AGENT].sort());
});

test('the limits of redirects that docs/migrate/ names: axios 21, got 10, superagent 5, whippet 20', async (t) => {
  const counted = async (run: (url: string) => Promise<unknown>): Promise<number> => {
    const { url, requests } = await serveAll(t);
    await t.throwsAsync(() => run(`${url}loop`));
    return requests.length - 1;
  };
  t.is(await counted((url) => axios.get(url)), 21);
  t.is(await counted((url) => got(url, { retry: { limit: 0 } })), 10);
  t.is(await counted((url) => Promise.resolve(superagent.get(url))), 5);
  t.is(await counted((url) => openClient(t).get(url)), 20);
});

test('the retries that docs/migrate/got.md names: two of got, none here', async (t) => {
  const { url, requests } = await serve(t, (_req, res) => res.writeHead(503, { 'retry-after': '0' }).end());
  await t.throwsAsync(() => Promise.resolve(got(url)));
  t.is(requests.length, 3);
  await openClient(t).get(url);
  t.is(requests.length, 4);
});

test('what docs/migrate/ says of a status that is not 2xx: axios and got reject, undici and a client do not', async (t) => {
  const { url } = await serveAll(t);
  const missing = `${url}missing`;
  t.is(await outcome(() => axios.get(missing)), 'AxiosError ERR_BAD_REQUEST');
  t.is(await outcome(() => Promise.resolve(got(missing))), 'HTTPError ERR_NON_2XX_3XX_RESPONSE');
  t.is((await undiciRequest(missing)).statusCode, 404);
  t.is((await openClient(t).get(missing)).statusCode, 404);
});

/** What is sent for the same, in the tables of axios.md and got.md about a client. */
const SENT: [
  row: string,
  theirs: (url: string) => Promise<unknown>,
  ours: (client: Client, url: string) => Promise<unknown>,
  expected: unknown,
  ourOwn: unknown,
][] = [
  [
    'axios: a list in `params`',
    async (url) => (await axios.get<Echo>(url, { params: { ids: [1, 2] } })).data.url,
    async (client, url) => [
      (await client.get(url, { params: { ids: [1, 2] } })).json<Echo>().url,
      (await client.get(url, { params: { 'ids[]': [1, 2] } })).json<Echo>().url,
    ],
    '/?ids%5B%5D=1&ids%5B%5D=2',
    ['/?ids=1&ids=2', '/?ids%5B%5D=1&ids%5B%5D=2'],
  ],
  [
    'axios: nothing in `params`',
    async (url) => (await axios.get<Echo>(url, { params: { q: null, r: undefined } })).data.url,
    async (client, url) => (await client.get(url, { params: { q: null, r: undefined } })).json<Echo>().url,
    '/',
    '/?q=',
  ],
  [
    'axios: a Date in `params`',
    async (url) => (await axios.get<Echo>(url, { params: { d: new Date(0) } })).data.url,
    async (client, url) => (await client.get(url, { params: { d: new Date(0) as never } })).text,
    '/?d=1970-01-01T00:00:00.000Z',
    'TypeError',
  ],
  [
    'axios: an object in `params`',
    async (url) => (await axios.get<Echo>(url, { params: { filter: { a: 1 } } })).data.url,
    async (client, url) => [
      await outcome(async () => client.get(url, { params: { filter: { a: 1 } as never } })),
      (await client.get(url, { params: { 'filter[a]': 1 } })).json<Echo>().url,
    ],
    '/?filter%5Ba%5D=1',
    ['TypeError', '/?filter%5Ba%5D=1'],
  ],
  [
    'axios: text as `data`',
    async (url) => (await axios.post<Echo>(url, 'a=1')).data.headers['content-type'],
    async (client, url) => [
      (await client.post(url, { content: 'a=1' })).json<Echo>().headers['content-type'],
      (await client.post(url, { data: new URLSearchParams('a=1') })).json<Echo>().headers['content-type'],
    ],
    'application/x-www-form-urlencoded',
    [undefined, 'application/x-www-form-urlencoded'],
  ],
  [
    'axios: a header of the response',
    async (url) => (await axios.get(`${url}text`)).headers['x-a'] as unknown,
    async (client, url) => (await client.get(`${url}text`)).headers.get('x-a'),
    '1',
    '1',
  ],
  [
    'got: the text of the response, and a header',
    async (url) => {
      const { body, headers } = await got(`${url}text`);
      return [body, headers['x-a']];
    },
    async (client, url) => {
      const { text, body, headers } = await client.get(`${url}text`);
      return [text, body instanceof ReadableStream, headers.get('x-a')];
    },
    ['hi', '1'],
    ['hi', true, '1'],
  ],
];

for (const [row, theirs, ours, expected, ourOwn] of SENT) {
  test(`what docs/migrate/ says of a client beside ${row}`, async (t) => {
    const { url } = await serveAll(t);
    t.deepEqual(await outcome(() => theirs(url)), expected);
    t.deepEqual(await outcome(() => ours(openClient(t), url)), ourOwn);
  });
}
