/** `whippet/axios`: the same programs by axios' own http adapter and by ours, compared. */
import test, { type ExecutionContext } from 'ava';
import { type AxiosInstance, type AxiosRequestConfig, create, type CreateAxiosDefaults, isAxiosError } from 'axios';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import { runInNewContext } from 'node:vm';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { Client } from '../../src/index.js';
import { createAdapter } from '../../src/drop-in/axios.js';
import { failure } from '../helpers/client.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

type Program = (api: AxiosInstance) => Promise<unknown>;

function instances(t: ExecutionContext, defaults: CreateAxiosDefaults = {}): AxiosInstance[] {
  const adapter = createAdapter();
  t.teardown(() => adapter.close());
  return [create({ ...defaults, adapter: 'http' }), create({ ...defaults, adapter: adapter as never })];
}

function shownError(error: unknown): unknown {
  if (!isAxiosError(error)) return { name: (error as Error).name, message: (error as Error).message };
  const { name, code, response, message } = error;
  const status = response?.status;
  // Messages of the system differ in their details.
  return { name, code, status, data: response?.data, message: /^E[A-Z]+$/.test(code ?? '') ? null : message };
}

async function same(t: ExecutionContext, program: Program, defaults?: CreateAxiosDefaults): Promise<unknown> {
  const [theirs, ours] = await Promise.all(
    instances(t, defaults).map(async (api) => {
      try {
        return await program(api);
      } catch (error) {
        if (process.env.SHOW) console.log(error);
        return shownError(error);
      }
    }),
  );
  t.deepEqual(ours, theirs);
  return theirs;
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = Buffer.concat(await request.toArray()).toString('latin1');
  const { method, url } = request;
  const { host: _h, connection: _c, 'accept-encoding': _e, ...headers } = request.headers;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, headers, body: body.replace(/axios-[\w.-]+|-{4,}\w+/g, 'BOUNDARY') }));
}

const REQUESTS: [title: string, config: () => AxiosRequestConfig][] = [
  ['get', () => ({})],
  ['params', () => ({ params: { a: 1, b: ['x', 'y'], c: 'ü & d', e: null } })],
  ['a path that is encoded', () => ({ url: '/a%20b/ü?x=1#frag' })],
  ['json', () => ({ method: 'post', data: { a: [1, 'ü'] } })],
  ['text', () => ({ method: 'put', data: 'text', headers: { 'content-type': 'text/plain' } })],
  ['a form', () => ({ method: 'post', data: new URLSearchParams({ a: 'b c' }) })],
  ['bytes', () => ({ method: 'post', data: Buffer.from('bytes') })],
  ['an ArrayBuffer', () => ({ method: 'post', data: new Uint8Array([104, 105]).buffer })],
  ['bytes of another realm', () => ({ method: 'post', data: runInNewContext('new Uint8Array([104, 105])') })],
  ['a stream', () => ({ method: 'post', data: Readable.from(['a', 'b']) })],
  ['auth', () => ({ auth: { username: 'u', password: 'p:ü' } })],
  ['headers', () => ({ headers: { 'X-A': '1', accept: 'x/y' } })],
  ['no user agent and no coding at all', () => ({ headers: { 'User-Agent': false, 'Accept-Encoding': false } })],
  ['no user agent of one’s own', () => ({ headers: { 'user-agent': 'me' } })],
  ['delete with data', () => ({ method: 'delete', data: { a: 1 } })],
  ['head', () => ({ method: 'head' })],
];

for (const [title, config] of REQUESTS) {
  test(`the request: ${title}`, async (t) => {
    const server = await serve(t, echo);
    await same(t, async (api) => {
      const { status, statusText, data, headers } = await api.request({ baseURL: server.url, ...config() });
      return { status, statusText, data, type: headers['content-type'] };
    });
  });
}

test('a FormData, a Blob', async (t) => {
  const server = await serve(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    response.end(
      `${/name="a"\r\n\r\nb\r\n/.test(body)} ${body.includes('blob')} ${request.headers['content-type']?.split(';')[0]}`,
    );
  });
  await same(t, async (api) => {
    const form = new FormData();
    form.append('a', 'b');
    form.append('f', new Blob(['blob'], { type: 'text/x' }), 'f.txt');
    return [
      (await api.post(server.url, form)).data,
      (await api.post(server.url, new Blob(['blob'], { type: 'a/b' }))).data,
    ];
  });
});

const RESPONSES: [title: string, answer: (response: ServerResponse) => unknown, config?: AxiosRequestConfig][] = [
  ['json', (response) => response.setHeader('content-type', 'application/json').end('{"a":1}')],
  ['text', (response) => response.end('hello ü')],
  ['a byte order mark', (response) => response.end('\u{feff}{"a":1}')],
  ['latin1', (response) => response.end(Buffer.from([0xe9])), { responseEncoding: 'latin1' }],
  ['gzip', (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('zipped'))],
  [
    'gzip, not undone',
    (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('zipped')),
    { decompress: false, responseType: 'arraybuffer' },
  ],
  ['an arraybuffer', (response) => response.end('bytes'), { responseType: 'arraybuffer' }],
  ['nothing', (response) => response.writeHead(204).end()],
  ['a created', (response) => response.writeHead(201, { 'x-a': ['1', '2'], 'set-cookie': ['a=1', 'b=2'] }).end('ok')],
  ['not found', (response) => response.writeHead(404).end('no')],
  ['a server error', (response) => response.writeHead(503).end('{"why":"busy"}')],
  ['not modified', (response) => response.writeHead(304).end()],
  ['every status is fine', (response) => response.writeHead(500).end('x'), { validateStatus: () => true }],
  ['maxContentLength', (response) => response.end('x'.repeat(100)), { maxContentLength: 10 }],
  [
    'maxContentLength, decoded',
    (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('x'.repeat(1000))),
    { maxContentLength: 100 },
  ],
  ['maxBodyLength', (response) => response.end('x'), { method: 'post', data: 'x'.repeat(100), maxBodyLength: 10 }],
];

for (const [title, answer, config] of RESPONSES) {
  test(`the response: ${title}`, async (t) => {
    const server = await serve(t, (request, response) => {
      request.resume();
      answer(response);
    });
    await same(t, async (api) => {
      const { status, statusText, data, headers } = await api.request({ url: server.url, ...config });
      const shown = Buffer.isBuffer(data) ? data.toString('hex') : data;
      return {
        status,
        statusText,
        data: shown,
        a: headers['x-a'],
        cookies: headers['set-cookie'],
        coding: headers['content-encoding'],
      };
    });
  });
}

test('a stream as the response, and one that is cut', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    const { head } = await connection.request();
    const isWhole = head.includes('/whole');
    await connection.write(`HTTP/1.1 200 OK\r\ncontent-length: ${isWhole ? 5 : 50}\r\n\r\nhello`);
    connection.end();
  });
  await same(t, async (api) => {
    const { data } = await api.get<Readable>(`${server.url}/whole`, { responseType: 'stream' });
    return Buffer.concat(await data.toArray()).toString();
  });
  const [, ours] = instances(t);
  const { data } = await ours.get<Readable>(`${server.url}/cut`, { responseType: 'stream' });
  const error = await failure(data.toArray());
  t.true(isAxiosError(error));
});

const FAILURES: [title: string, url: () => Promise<string>, config?: AxiosRequestConfig][] = [
  ['refused', refusedOrigin],
  ['unknown', () => Promise.resolve('http://nowhere.invalid/')],
  ['another scheme', () => Promise.resolve('ftp://example.org/')],
];

for (const [title, url, config] of FAILURES) {
  test(`failing: ${title}`, async (t) => {
    const address = await url();
    await same(t, (api) => api.get(address, config));
  });
}

test('failing: the connection is closed', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    connection.reset();
  });
  t.like(await same(t, (api) => api.post(server.url, 'x')), { code: 'ECONNRESET' });
});

test('timeout, its message, its code', async (t) => {
  const server = await serve(t, () => {});
  t.like(await same(t, (api) => api.get(server.url, { timeout: 50 })), { code: 'ECONNABORTED' });
  await same(t, (api) => api.get(server.url, { timeout: 50, timeoutErrorMessage: 'too slow' }));
  await same(t, (api) => api.get(server.url, { timeout: 50, transitional: { clarifyTimeoutError: true } }));
});

test('signal and cancelToken: before, and while it waits', async (t) => {
  const server = await serve(t, () => {});
  t.like(await same(t, (api) => api.get(server.url, { signal: AbortSignal.abort() })), { code: 'ERR_CANCELED' });
  await same(t, (api) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    return api.get(server.url, { signal: controller.signal });
  });
  await same(t, async (api) => {
    const source = (await import('axios')).default.CancelToken.source();
    setTimeout(() => source.cancel('mine'), 30);
    return api.get(server.url, { cancelToken: source.token });
  });
});

test('redirects: followed, counted, refused, shown; beforeRedirect', async (t) => {
  const { url } = await serve(t, async (request, response) => {
    const [, n] = /^\/r(\d+)/.exec(request.url ?? '') ?? [];
    if (n === undefined || n === '0') return echo(request, response);
    request.resume();
    return response.writeHead(302, { location: `/r${Number(n) - 1}` }).end('moved');
  });
  await same(t, async (api) => {
    const { data, request } = await api.post(new URL('/r3', url).href, { a: 1 });
    return [data.method, data.url, data.body, new URL(request.res.responseUrl as string).pathname];
  });
  t.like(await same(t, (api) => api.get(new URL('/r3', url).href, { maxRedirects: 2 })), {
    code: 'ERR_FR_TOO_MANY_REDIRECTS',
  });
  t.like(await same(t, (api) => api.get(new URL('/r3', url).href, { maxRedirects: 0 })), { status: 302 });
  await same(t, async (api) => {
    const seen: unknown[] = [];
    const { data } = await api.get(new URL('/r2', url).href, {
      beforeRedirect(options, { statusCode }) {
        seen.push(options.path, options.method, statusCode);
        options.headers['x-mine'] = '1';
      },
    });
    return [seen, data.headers['x-mine']];
  });
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`the caller's Cookie follows a ${status} within the origin, there and back it does not`, async (t) => {
    const other = await serve(t, (request, response) =>
      response.writeHead(status, { location: new URLSearchParams(request.url?.slice(2)).get('back') ?? '' }).end(),
    );
    const server = await serve(t, async (request, response) => {
      const to = new URL(request.url ?? '', 'http://x').searchParams.get('to');
      if (to === null) return echo(request, response);
      return response.writeHead(status, { location: to }).end();
    });
    const away = `${other.url}?${new URLSearchParams({ back: server.url })}`;
    for (const to of ['/?to=/end', away]) {
      await same(t, async (api) => {
        const { data } = await api.get(server.url, { params: { to }, headers: { cookie: 'session=1; b=2' } });
        return data.headers.cookie ?? null;
      });
    }
  });
}

for (const location of ['http://[', 'ftp://example.test/', 'http://127.0.0.1:notaport/']) {
  test(`a redirect that cannot be followed: ${location}`, async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(302, { location }).end());
    const told = (api: AxiosInstance) =>
      api.get(server.url).catch((error: NodeJS.ErrnoException) => [error.name, error.code, isAxiosError(error)]);
    await same(t, told);
  });
}

test('beforeRedirect that throws', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(302, { location: '/next' }).end());
  const refuse = () => {
    throw new Error('not there');
  };
  t.like(await same(t, (api) => api.get(server.url, { beforeRedirect: refuse })), {
    code: 'ERR_FR_REDIRECTION_FAILURE',
  });
});

test('a proxy whose credentials are one text', async (t) => {
  const proxy = await serve(t, (request, response) => response.end(request.headers['proxy-authorization']));
  const { hostname, port } = new URL(proxy.url);
  for (const auth of ['me:se:cret', 'alone:', { username: 'me', password: 'ü' }]) {
    await same(t, async (api) => {
      const config = { proxy: { host: hostname, port: Number(port), auth: auth as never } };
      return (await api.get('http://target.test/', config)).data as unknown;
    });
  }
});

test('credentials do not follow to another origin', async (t) => {
  const other = await serve(t, echo);
  const server = await serve(t, (_, response) => response.writeHead(302, { location: other.url }).end());
  await same(t, async (api) => {
    const { data } = await api.get(server.url, { auth: { username: 'u', password: 'p' }, headers: { cookie: 'a=1' } });
    return [data.headers.authorization, data.headers.cookie];
  });
});

test('progress, both ways', async (t) => {
  const server = await serve(t, echo);
  await same(t, async (api) => {
    const last: { up?: number; down?: number; total?: number; kind?: boolean } = {};
    const { data } = await api.post(server.url, 'x'.repeat(200_000), {
      onUploadProgress: ({ loaded, total, upload }) => Object.assign(last, { up: loaded, total, kind: upload }),
      onDownloadProgress: ({ loaded }) => (last.down = loaded),
    });
    return [last.up, last.total, last.kind, last.down === JSON.stringify(data).length];
  });
});

test('maxRate slows down', async (t) => {
  const server = await serve(t, echo);
  const [, ours] = instances(t);
  const { data } = await ours.post(server.url, 'x'.repeat(70_000), { maxRate: [1_000_000, 1_000_000] });
  t.is(data.body.length, 70_000);
});

test('data: URLs', async (t) => {
  await same(t, async (api) => (await api.get('data:text/plain;base64,aGVsbG8=')).data);
  await same(t, async (api) => (await api.get('data:text/plain,a%20b', { responseType: 'text' })).data);
  await same(t, async (api) => (await api.post('data:text/plain,a')).data);
});

test('https with an httpsAgent’s options; proxy: false', async (t) => {
  const { cert } = await testCA();
  const server = await serveTls(t, (_, response) => response.end('secret'));
  await same(t, async (api) => (await api.get(server.url, { httpsAgent: new Agent({ ca: cert }), proxy: false })).data);
  await same(
    t,
    async (api) => (await api.get(server.url, { httpsAgent: new Agent({ rejectUnauthorized: false }) })).data,
  );
  const [, ours] = instances(t);
  t.true(isAxiosError(await failure(ours.get(server.url))));
});

test('proxy: an object', async (t) => {
  const proxy = await serve(t, (request, response) =>
    response.end(`${request.url} ${request.headers['proxy-authorization']}`),
  );
  const { hostname, port } = new URL(proxy.url);
  await same(t, async (api) => {
    const auth = { username: 'u', password: 'p' };
    return (
      await api.get('http://example.org/x', { proxy: { host: hostname, port: Number(port), protocol: 'http', auth } })
    ).data;
  });
});

const LOOKUPS: [title: string, lookup: unknown][] = [
  ['by a callback', (_: string, __: object, done: (...found: unknown[]) => void) => done(null, '127.0.0.1', 4)],
  [
    'entries by a callback',
    (_: string, __: object, done: (...found: unknown[]) => void) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  ],
  ['by a promise', async () => ['127.0.0.1', 4]],
  ['an entry by a promise', async () => ({ address: '127.0.0.1', family: 4 })],
  [
    'that fails',
    (_: string, __: object, done: (...found: unknown[]) => void) =>
      done(Object.assign(new Error('no'), { code: 'ENOTFOUND' })),
  ],
];
for (const [title, lookup] of LOOKUPS) {
  test(`lookup: ${title}`, async (t) => {
    const server = await serve(t, (_, response) => response.end('ok'));
    const { port } = new URL(server.url);
    await same(t, async (api) => {
      const asked = api.get(`http://name.test:${port}/`, { lookup, proxy: false } as AxiosRequestConfig);
      const answer = await asked.catch((error: { code?: string }) => ({ data: error.code }));
      return answer.data;
    });
  });
}

test('lookup: a client that was handed in has its own', async (t) => {
  const client = new Client();
  t.teardown(() => client.close());
  const handed = create({ adapter: createAdapter(client) as never });
  const refused = await failure(handed.get('http://name.test/', { lookup: async () => '127.0.0.1' } as never));
  t.regex(refused.message, /^lookup: /);
});

test('what cannot be done is refused by name', async (t) => {
  class Mine extends Agent {}
  const [, ours] = instances(t);
  const agent = await failure(ours.get('https://example.org/', { httpsAgent: new Mine() }));
  t.regex(agent.message, /^httpsAgent: /);
  const client = new Client();
  const handed = create({ adapter: createAdapter(client) as never });
  t.regex((await failure(handed.get('http://127.0.0.1:1/', { proxy: false }))).message, /^proxies: /);
  await client.close();
  for (const given of [null, 1, { nope: 1 }]) t.throws(() => createAdapter(given as never));
});

test('interceptors and instances are axios’ own', async (t) => {
  const server = await serve(t, echo);
  await same(t, async (api) => {
    api.interceptors.request.use((config) => {
      config.headers.set('x-i', '1');
      return config;
    });
    api.interceptors.response.use(({ data }) => data.headers['x-i']);
    return api.get(server.url);
  });
});
