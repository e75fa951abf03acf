/** `whippet/got`: the same programs by got over node:http and over ours, compared. */
import test, { type ExecutionContext } from 'ava';
import { got, type Got, type OptionsInit, type RequestError } from 'got';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { CookieJar } from 'tough-cookie';
import { Client } from '../../src/index.js';
import { createRequest } from '../../src/drop-in/got.js';
import { failure } from '../helpers/client.js';
import { folderOf } from '../helpers/files.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

function ours(t: ExecutionContext): Got {
  const request = createRequest();
  t.teardown(() => request.close());
  return got.extend({ request, retry: { limit: 0 } });
}

async function same(t: ExecutionContext, program: (api: Got) => Promise<unknown>): Promise<unknown> {
  const both = [got.extend({ retry: { limit: 0 } }), ours(t)];
  const [theirs, found] = await Promise.all(
    both.map(async (api) => {
      try {
        return await program(api);
      } catch (error) {
        if (process.env.SHOW) console.log(error);
        const { name, code, response } = error as RequestError;
        return { name, code, status: response?.statusCode, body: response?.body };
      }
    }),
  );
  t.deepEqual(found, theirs);
  return theirs;
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = Buffer.concat(await request.toArray()).toString('latin1');
  const { host: _h, connection: _c, ...headers } = request.headers;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method: request.method, url: request.url, headers, body }));
}

const REQUESTS: [title: string, program: (api: Got, url: string) => Promise<unknown>][] = [
  ['get', (api, url) => api.get(url).json()],
  ['searchParams', (api, url) => api.get(url, { searchParams: { a: 'b c', d: 1 } }).json()],
  ['json', (api, url) => api.post(url, { json: { a: 'ü' } }).json()],
  ['form', (api, url) => api.post(url, { form: { a: 'b c' } }).json()],
  ['text', (api, url) => api.put(url, { body: 'text' }).json()],
  ['bytes', (api, url) => api.put(url, { body: Buffer.from('bytes') }).json()],
  ['a stream', (api, url) => api.post(url, { body: Readable.from(['a', 'b', 'c']) }).json()],
  [
    'a generator',
    (api, url) =>
      api
        .post(url, {
          body: (async function* () {
            yield Buffer.from('a');
            await new Promise(setImmediate);
            yield Buffer.from('b');
          })(),
        })
        .json(),
  ],
  ['headers', (api, url) => api.get(url, { headers: { 'X-A': '1', 'user-agent': 'me' } }).json()],
  ['credentials', (api, url) => api.get(url, { username: 'u', password: 'p' }).json()],
  ['delete', (api, url) => api.delete(url).json()],
  ['head', async (api, url) => (await api.head(url)).body],
];

for (const [title, program] of REQUESTS) {
  test(`the request: ${title}`, async (t) => {
    const server = await serve(t, echo);
    await same(t, (api) => program(api, server.url));
  });
}

test('what a response has', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(201, 'Made', {
      'X-A': ['1', '2'],
      'set-cookie': ['a=1', 'b=2'],
      trailer: 'x-t',
      'transfer-encoding': 'chunked',
    });
    response.addTrailers({ 'x-t': '7' });
    response.end('hello');
  });
  await same(t, async (api) => {
    const response = await api(server.url);
    const { statusCode, statusMessage, headers, body, httpVersion, complete, trailers, ok, url, ip } = response;
    const phases = Object.keys(response.timings.phases);
    const isTimed = typeof response.timings.phases.total === 'number' && typeof response.timings.end === 'number';
    return {
      statusCode,
      statusMessage,
      a: headers['x-a'],
      cookies: headers['set-cookie'],
      body,
      httpVersion,
      complete,
      trailers,
      ok,
      url,
      ip,
      phases,
      isTimed,
    };
  });
});

test('ip and timings are those of the connection', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('hello'));
  const { cert } = await testCA();
  const api = ours(t).extend({ https: { certificateAuthority: cert } });
  const url = `https://localhost:${server.port}/`;
  for (const isKept of [false, true]) {
    const { ip, timings } = await api(url);
    t.is(ip, '127.0.0.1');
    const { start, socket, lookup, connect, secureConnect, upload, response, end, phases } = timings;
    const moments = [start, socket, lookup, connect, secureConnect, upload, response, end].map(Number);
    t.deepEqual(
      [...moments].sort((a, b) => a - b),
      moments,
      'in their order',
    );
    const known = [phases.wait, phases.dns, phases.tcp, phases.tls, phases.request, phases.firstByte, phases.download];
    t.true(
      known.every((phase) => Number.isInteger(phase) && Number(phase) >= 0),
      JSON.stringify(phases),
    );
    t.is(
      known.reduce((sum: number, phase) => sum + Number(phase), 0),
      Number(phases.total),
    );
    if (isKept) t.deepEqual([phases.dns, phases.tcp, phases.tls], [0, 0, 0]);
  }
  const plain = await serve(t, (_, response) => response.end('hello'));
  t.is((await api(plain.url)).timings.phases.tls, undefined);
});

test('compressed bodies, and not', async (t) => {
  const server = await serve(t, (_, response) =>
    response.setHeader('content-encoding', 'gzip').end(gzipSync('zipped')),
  );
  await same(t, async (api) => [
    await api(server.url).text(),
    (await api(server.url, { decompress: false }).buffer()).toString('hex'),
  ]);
});

test('redirects and cookies', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') return response.writeHead(302, { location: '/there', 'set-cookie': 'a=1' }).end();
    return response.end(`${request.url} ${request.headers.cookie}`);
  });
  await same(t, async (api) => {
    const response = await api(server.url, { cookieJar: new CookieJar() });
    return [response.body, response.redirectUrls.length, new URL(response.url).pathname];
  });
});

const STATUSES: [status: number, name: string][] = [
  [404, 'HTTPError'],
  [503, 'HTTPError'],
];

for (const [status, name] of STATUSES) {
  test(`${status}`, async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(status).end('no'));
    t.like(await same(t, (api) => api(server.url)), { name, status });
  });
}

const INVALID: [title: string, options: OptionsInit, code: string][] = [
  ['a line break in a header', { headers: { 'x-a': 'a\r\nb: c' } }, 'ERR_INVALID_CHAR'],
  ['one in a header of several', { headers: { 'x-a': ['a', 'b\n'] } }, 'ERR_INVALID_CHAR'],
  ['a character beyond Latin-1', { headers: { 'x-a': '€' } }, 'ERR_INVALID_CHAR'],
  ['a blank in the name of a header', { headers: { 'x a': 'b' } }, 'ERR_INVALID_HTTP_TOKEN'],
  ['a blank in the method', { method: 'GE T' as 'GET' }, 'ERR_INVALID_HTTP_TOKEN'],
];
for (const [title, options, code] of INVALID) {
  test(`refused before anything is sent: ${title}`, async (t) => {
    const server = await serve(t, () => t.fail());
    const program = async (api: Got): Promise<unknown> =>
      messageOf(await failure(api(server.url, { ...options, isStream: false })));
    t.like(await same(t, program), { code });
  });
}

test('a unix socket that is missing, and one that is closed: its path is in the message', async (t) => {
  const folder = folderOf(t);
  for (const name of ['missing.sock', 'closed.sock']) {
    const socket = path.join(folder, name);
    const program = async (api: Got): Promise<unknown> =>
      messageOf(await failure(api(`unix:${socket}:/x`, { enableUnixSockets: true })));
    if (name === 'closed.sock') writeFileSync(socket, '');
    const code = name === 'closed.sock' ? 'ECONNREFUSED' : 'ENOENT';
    t.like(await same(t, program), { code, message: `connect ${code} ${socket}` });
  }
});

/** Node's own errors say it in what they are caused by. */
function messageOf(error: Error): object {
  const { name, code, message, cause } = error as RequestError;
  const { syscall, errno, address } = cause as NodeJS.ErrnoException & { address?: string };
  return { name, code, message, syscall, errno, address };
}

test('failing: refused, unknown, closed, cut', async (t) => {
  const origin = await refusedOrigin();
  t.like(await same(t, (api) => api(origin)), { code: 'ECONNREFUSED' });
  t.like(await same(t, (api) => api('http://nowhere.invalid/')), { code: 'ENOTFOUND' });
  const closing = await serveRaw(t, async (connection) => {
    await connection.request();
    connection.reset();
  });
  t.like(await same(t, (api) => api.post(closing.url, { body: 'x' })), { code: 'ECONNRESET' });
  const cutting = await serveRaw(t, async (connection) => {
    await connection.request();
    connection.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
  });
  t.like(await same(t, (api) => api(cutting.url)), { code: 'ECONNRESET' });
});

for (const event of ['request', 'response', 'socket', 'read'] as const) {
  test(`timeout: ${event}`, async (t) => {
    const server = await serve(t, (_, response) => {
      if (event === 'read') response.write('a');
    });
    t.like(await same(t, (api) => api(server.url, { timeout: { [event]: 50 } })), {
      name: 'TimeoutError',
      code: 'ETIMEDOUT',
    });
  });
}

test('retries are got’s', async (t) => {
  for (const api of [got, ours(t)]) {
    let tries = 0;
    const server = await serve(t, (_, response) => response.writeHead(++tries === 3 ? 200 : 503).end(String(tries)));
    const retry = {
      limit: 2,
      calculateDelay: ({ computedValue }: { computedValue: number }) => (computedValue ? 1 : 0),
    };
    t.is(await api(server.url, { retry }).text(), '3');
  }
});

const DESTROYED: [title: string, path: string, at: 'request' | 'arrived', error?: Error][] = [
  ['at once', '/silent', 'request'],
  ['at once, with an error', '/silent', 'request', new RangeError('own')],
  ['while it waits for the head', '/silent', 'arrived'],
  ['while it waits for the head, with an error', '/silent', 'arrived', new RangeError('own')],
  ['while the body is read', '/endless', 'arrived'],
];
for (const [title, path, at, error] of DESTROYED) {
  test(`the request is destroyed ${title}`, async (t) => {
    const server = await serve(t, (request, response) => {
      if (request.url === '/endless') response.write('a');
    });
    await same(t, async (api) => {
      const arrived = new Promise((resolve) => server.server.once('request', resolve));
      const sent = api.get(new URL(path, server.url));
      const over = failure(sent);
      void sent.on('request', (request) => {
        if (at === 'request') request.destroy(error);
        else
          void arrived.then(() =>
            path === '/endless' ? request.once('response', () => request.destroy()) : request.destroy(error),
          );
      });
      throw await over;
    });
  });
}

test('a destroyed request counts no time', async (t) => {
  const server = await serve(t, () => {});
  const sent = ours(t).get(server.url);
  const over = failure(sent);
  const request = await new Promise<{ destroy(): void; setTimeout(ms: number, callback: () => void): void }>(
    (resolve) => {
      void sent.on('request', (given) => resolve(given as never));
    },
  );
  request.destroy();
  await over;
  let isTold = false;
  request.setTimeout(1, () => (isTold = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.false(isTold);
});

test('signal', async (t) => {
  const server = await serve(t, () => {});
  t.like(
    await same(t, (api) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 30);
      return api(server.url, { signal: controller.signal });
    }),
    { name: 'AbortError' },
  );
});

test('streams, both ways', async (t) => {
  const server = await serve(t, (request, response) => void request.pipe(response));
  await same(t, async (api) => {
    const out: Buffer[] = [];
    const source = Readable.from(Array.from({ length: 50 }, (_, n) => Buffer.alloc(5_000, String(n % 10))));
    await pipeline(
      source,
      api.stream.post(server.url),
      new PassThrough().on('data', (chunk: Buffer) => out.push(chunk)),
    );
    const all = Buffer.concat(out);
    return [all.length, all.subarray(0, 3).toString(), all.subarray(-3).toString()];
  });
  await same(t, async (api) => {
    const stream = api.stream(server.url);
    const text = Buffer.concat(await stream.toArray()).toString();
    return [text, stream.response?.statusCode];
  });
});

test('dnsLookup and dnsCache', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const { port } = new URL(server.url);
  const dnsLookup = (_: string, __: object, done: (...found: unknown[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }]);
  await same(t, (api) => api(`http://name.test:${port}/`, { dnsLookup: dnsLookup as never }).text());
  await same(t, (api) => api(server.url.replace('127.0.0.1', 'localhost'), { dnsCache: true }).text());
});

test('https with an authority of one’s own, and refused without', async (t) => {
  const { cert } = await testCA();
  const server = await serveTls(t, (_, response) => response.end('secret'));
  await same(t, (api) => api(server.url, { https: { certificateAuthority: cert } }).text());
  await same(t, (api) => api(server.url, { https: { rejectUnauthorized: false } }).text());
  t.is((await failure(ours(t)(server.url))).name, 'RequestError');
});

test('what cannot be done is refused by name; a client that was handed in stays open', async (t) => {
  class Mine extends Agent {}
  const refused = await failure(ours(t)('https://example.org/', { agent: { https: new Mine() as never } }));
  t.regex(refused.message, /^agent: /);
  const client = new Client();
  const request = createRequest(client);
  const handed = got.extend({ request, retry: { limit: 0 } });
  const server = await serve(t, (_, response) => response.end('ok'));
  t.is(await handed(server.url).text(), 'ok');
  t.regex((await failure(handed(server.url, { https: { rejectUnauthorized: false } }))).message, /^verify: /);
  await request.close();
  t.false(client.isClosed);
  await client.close();
  for (const given of [null, 1, { nope: 1 }]) t.throws(() => createRequest(given as never));
});

for (const [title, headers, path] of [
  ['kept', { 'cache-control': 'max-age=60' }, '/a?b=c'],
  ['asked for again', { 'cache-control': 'max-age=0', etag: '"1"' }, '/'],
  ['not kept', { 'cache-control': 'no-store' }, '/'],
] as const) {
  test(`cache: an answer that is ${title}`, async (t) => {
    await same(t, async (api) => {
      const seen: unknown[] = [];
      const server = await serve(t, async (request, response) => {
        const { authorization, 'if-none-match': tag, 'x-own': own } = request.headers;
        seen.push([request.method, request.url, authorization, tag, own]);
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        if (tag !== undefined) return void response.writeHead(304).end();
        return void response.end(`answer ${seen.length}`);
      });
      const options = { cache: new Map(), headers: { authorization: 'Bearer x', 'x-own': '1' } };
      const url = new URL(path, server.url).href;
      const answers = [await api.get(url, options), await api.get(url, options)].map((answer) => [
        answer.body,
        answer.statusCode,
        answer.isFromCache,
      ]);
      const posted = await api.post(url, { ...options, body: 'text' });
      return [answers, seen, posted.body];
    });
  });
}

test('cache: what fails', async (t) => {
  const origin = await refusedOrigin();
  await same(t, (api) => api.get(origin, { cache: new Map() }));
});

test('createConnection is refused by name', async (t) => {
  const createConnection = () => new PassThrough() as never;
  const { message } = await failure(Promise.resolve(ours(t).get('http://127.0.0.1:1/', { createConnection })));
  t.regex(message, /createConnection/);
});
