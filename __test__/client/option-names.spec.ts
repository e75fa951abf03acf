/** Options as other clients call them, null for what is left out, and what an option must be (field.md, "Decided"). */
import test from 'ava';
import { Readable } from 'node:stream';
import { Client, get, HTTPDispatch, MockDispatch, Request, type RequestOptions, Response } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const FOREIGN: [name: string, ours: RegExp, ofClient?: RegExp][] = [
  ['body', /Did you mean 'content'\?$/, /content/],
  ['searchParams', /Did you mean 'params'\?$/],
  ['query', /Did you mean 'params'\?$/],
  ['qs', /Did you mean 'params'\?$/],
  ['form', /Did you mean 'data'\?$/, /data/],
  ['redirect', /Did you mean 'followRedirects'\?$/],
  ['follow', /Did you mean 'followRedirects'\?$/],
  ['maxRedirections', /'maxRedirects', an option of the client\.$/, /Did you mean 'maxRedirects'\?$/],
  ['proxy', /Here that is 'proxies', an option of the client\.$/, /Did you mean 'proxies'\?$/],
  ['agent', /'poolLimits', 'proxies', 'verify'/],
  ['httpsAgent', /'poolLimits', 'proxies', 'verify'/],
  ['dispatcher', /Here that is 'dispatch', an option of the client\.$/, /Did you mean 'dispatch'\?$/],
  ['rejectUnauthorized', /Here that is 'verify: false'\.$/],
  ['ca', /'verify', an option of the client\.$/, /Did you mean 'verify'\?$/],
  ['pfx', /'cert', an option of the client\.$/, /Did you mean 'cert'\?$/],
  ['responseType', /response\.json\(\), response\.text or response\.content\.$/],
  ['method', /client\.post\(\), or the first argument of request\(\)\.$/],
  ['url', /the first argument, a URL\.$/],
  ['baseURL', /^Unknown option 'baseURL' for client\.get\(\)\./, /Did you mean 'baseUrl'\?$/],
  ['prefixUrl', /'baseUrl', an option of the client\.$/, /Did you mean 'baseUrl'\?$/],
  ['throwHttpErrors', /response\.raiseForStatus\(\)\.$/],
  ['validateStatus', /response\.raiseForStatus\(\)\.$/],
  ['username', /'auth: \[username, password\]'\.$/],
  ['cookieJar', /Did you mean 'cookies'\?$/],
  ['retry', /'retries', an option of the client\.$/, /Did you mean 'retries'\?$/],
  ['hooks', /'eventHooks', an option of the client\.$/, /Did you mean 'eventHooks'\?$/],
  ['maxContentLength', /'maxResponseSize', an option of the client\.$/, /Did you mean 'maxResponseSize'\?$/],
  ['bodyTimeout', /'timeout: \{ read \}'\.$/],
];

for (const [name, ours, ofClient = ours] of FOREIGN) {
  test(`${name} is refused with our name for it`, async (t) => {
    const error = await failure(openClient(t).get('http://127.0.0.1:1/', { [name]: 1 } as never));
    t.true(error instanceof TypeError);
    t.true(error.message.startsWith(`Unknown option '${name}' for client.get().`), error.message);
    t.regex(error.message, ours);
    t.throws(() => new Client({ [name]: 1 } as never), { instanceOf: TypeError, message: ofClient });
    const one = await failure(get('http://127.0.0.1:1/', { [name]: 1 } as never));
    t.true(one.message.startsWith(`Unknown option '${name}' for get().`), one.message);
  });
}

for (const name of ['retries', 'verify', 'proxies', 'maxRedirects', 'baseUrl', 'eventHooks', 'lookup'] as const) {
  test(`${name} in a request is known as an option of the client`, async (t) => {
    const message = (what: string) =>
      `Unknown option '${name}' for ${what}. It is an option of the client: new Client({ ${name} }).`;
    const client = openClient(t);
    const url = 'http://127.0.0.1:1/';
    t.is((await failure(client.get(url, { [name]: 1 } as never))).message, message('client.get()'));
    t.is((await failure(client.stream('GET', url, { [name]: 1 } as never))).message, message('client.stream()'));
    t.is((await failure(client.download(url, 'x', { [name]: 1 } as never))).message, message('client.download()'));
    t.throws(() => client.buildRequest('GET', url, { [name]: 1 } as never), {
      message: message('client.buildRequest()'),
    });
    const request = new Request('GET', url);
    t.is((await failure(client.send(request, { [name]: 1 } as never))).message, message('client.send()'));
  });
}

for (const name of ['json', 'content', 'data', 'files', 'signal', 'onUploadProgress'] as const) {
  test(`${name} in a client is known as an option of a request`, (t) => {
    t.throws(() => new Client({ [name]: 1 } as never), {
      instanceOf: TypeError,
      message: `Unknown option '${name}' for new Client(). It is an option of a request, as in client.get(url, { ${name} }).`,
    });
  });
}

test('the parts of a request are none of send()', async (t) => {
  const request = new Request('GET', 'http://127.0.0.1:1/');
  for (const name of ['json', 'headers', 'onUploadProgress']) {
    const error = await failure(openClient(t).send(request, { [name]: 1 } as never));
    t.regex(
      error.message,
      new RegExp(
        `^Unknown option '${name}' for client\\.send\\(\\)\\. It is an option of client\\.buildRequest\\(\\)\\.$`,
      ),
    );
  }
});

test('names of Object.prototype are unknown as any other', async (t) => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    const error = await failure(openClient(t).get('http://127.0.0.1:1/', { [name]: 1 } as never));
    t.regex(error.message, new RegExp(`^Unknown option '${name}' for client\\.get\\(\\)\\.`));
  }
});

// ── null ──

test('null is nothing: of a client, of a request, of a Request, of a dispatch', async (t) => {
  const server = await serve(t, (request, response) => {
    response.end(JSON.stringify([request.url, request.headers['content-length'], request.headers.cookie]));
  });
  const nothing = { headers: null, params: null, cookies: null } as never;
  const ofClient = { headers: null, params: null, cookies: null, retries: null, eventHooks: null, mounts: null, poolLimits: null, baseUrl: null } as never; // prettier-ignore
  const client = openClient(t, ofClient);
  const ofRequest = { headers: null, params: null, cookies: null, data: null, files: null } as never;
  t.deepEqual((await client.post(`${server.origin}/a`, ofRequest)).json(), ['/a', '0', null]);
  t.deepEqual((await client.send(new Request('GET', `${server.origin}/b`, nothing))).json(), ['/b', null, null]);
  t.deepEqual((await get(`${server.origin}/c`, ofClient)).json(), ['/c', null, null]);
  t.notThrows(() => new HTTPDispatch({ poolLimits: null } as never));
  const inherited = openClient(t, { headers: { 'x-a': '1' }, params: { p: 1 }, cookies: { c: '1' } });
  t.deepEqual((await inherited.get(`${server.origin}/d`, ofRequest)).json(), ['/d?p=1', null, 'c=1']);
});

// ── Content-Type: null ──

const BODIES: [title: string, options: RequestOptions][] = [
  ['json', { json: { a: 1 } }],
  ['data', { data: { a: '1' } }],
  ['files', { files: { f: 'x' } }],
  ['FormData', { data: new FormData() }],
];

for (const [title, options] of BODIES) {
  test(`'content-type': null beside ${title}: none is sent`, async (t) => {
    const server = await serve(t, (request, response) => {
      response.end(
        JSON.stringify([request.headers['content-type'] ?? null, Number(request.headers['content-length']) > 0]),
      );
    });
    for (const headers of [{ 'Content-Type': null }, [['content-type', null]] as never]) {
      const client = openClient(t, { headers: { 'content-type': 'text/mine' } });
      t.deepEqual((await client.post(server.url, { ...options, headers })).json(), [null, true]);
      t.deepEqual((await client.send(new Request('POST', server.url, { ...options, headers }))).json(), [null, true]);
    }
    t.regex(String((await openClient(t).post(server.url, options)).json<string[]>()[0]), /^(application|multipart)\//);
  });
}

// ── Range ──

const RANGES: [title: string, ofClient: Record<string, string | null>, ofRequest: Record<string, string | null>, sent: string | null][] = [
  ['a range', {}, { Range: 'bytes=1-' }, 'identity'],
  ['a range of the client', { range: 'bytes=1-' }, {}, 'identity'],
  ['and codings of one’s own', {}, { range: 'bytes=1-', 'accept-encoding': 'gzip' }, 'gzip'],
  ['and the default ones by name', {}, { range: 'bytes=1-', 'accept-encoding': 'gzip, deflate, br, zstd' }, 'gzip, deflate, br, zstd'],
  ['and codings of the client', { 'accept-encoding': 'br' }, { range: 'bytes=1-' }, 'br'],
  ['and none at all', {}, { range: 'bytes=1-', 'accept-encoding': null }, null],
  ['and none at all of the client', { 'accept-encoding': null }, { range: 'bytes=1-' }, null],
  ['a range that the request removes', { range: 'bytes=1-' }, { range: null }, 'gzip, deflate, br, zstd'],
  ['no range', {}, {}, 'gzip, deflate, br, zstd'],
]; // prettier-ignore

for (const [title, ofClient, ofRequest, sent] of RANGES) {
  test(`Accept-Encoding with ${title}: ${sent}`, (t) => {
    const request = new Client({ headers: ofClient }).buildRequest('GET', 'http://h/', { headers: ofRequest });
    t.is(request.headers.get('accept-encoding') ?? null, sent);
    t.is(request.headers.getList('accept-encoding').length, sent === null ? 0 : 1);
  });
}

// ── a base URL and colons ──

const COLONS: [url: string, expected: string][] = [
  ['documents:commit', 'http://h/v1/documents:commit'],
  ['documents:commit?a=b:c#d', 'http://h/v1/documents:commit?a=b:c#d'],
  ['/documents:commit', 'http://h/v1/documents:commit'],
  ['a/b:c', 'http://h/v1/a/b:c'],
  ['mailto:me@example.org', 'http://h/v1/mailto:me@example.org'],
  ['localhost:8080/x', 'http://h/v1/localhost:8080/x'],
  ['urn:isbn:1', 'http://h/v1/urn:isbn:1'],
  ['http://other/x', 'http://other/x'],
  ['HTTP://other/x', 'http://other/x'],
  ['../x', 'http://h/x'],
  ['./x', 'http://h/v1/x'],
];

for (const [url, expected] of COLONS) {
  test(`${url} on a base URL`, (t) => {
    t.is(String(new Client({ baseUrl: 'http://h/v1' }).buildRequest('GET', url).url), expected);
  });
}

test('without a base URL a colon is a scheme’s, and a URL object always', async (t) => {
  t.is(new Client().buildRequest('GET', 'documents:commit').url.scheme, 'documents');
  const client = new Client({ baseUrl: 'http://h/v1' });
  t.is(client.buildRequest('GET', new URL('data:text/plain,x')).url.scheme, 'data');
  const app = openClient(t, { app: (request: globalThis.Request) => new globalThis.Response(request.url) });
  t.is((await app.get('documents:commit')).text, 'http://app/documents:commit');
});

// ── values ──

test('json: an invalid Date is null, as JSON.stringify has it; NaN is refused', async (t) => {
  const dispatch = new MockDispatch((request) => new Response(200, { content: request.content }));
  const client = openClient(t, { dispatch });
  t.is(
    (await client.post('http://h/', { json: { at: new Date(Number.NaN), a: [new Date('x')] } })).text,
    '{"at":null,"a":[null]}',
  );
  t.is((await client.post('http://h/', { json: new Date(Number.NaN) })).text, 'null');
  t.true((await failure(client.post('http://h/', { json: { a: Number.NaN } }))) instanceof TypeError);
});

test('content: a stream with setEncoding() is refused', async (t) => {
  const stream = new Readable({ read() {} });
  stream.setEncoding('utf8');
  const error = await failure(openClient(t).post('http://127.0.0.1:1/', { content: stream }));
  t.true(error instanceof TypeError);
  t.regex(error.message, /^content: expected a stream of bytes, got one of text \(setEncoding\('utf8'\)\)$/);
});
