/** Being watched: diagnostics_channel, undici's channels, the log. Subscribers are the process's: the tests run one by one. */
import test, { type ExecutionContext } from 'ava';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type HTTPError, ReadError, type Request, type Response } from '../../src/index.js';
import { start } from '../helpers/child.js';
import { failure, openClient, told } from '../helpers/client.js';
import { refusedOrigin, serve, serveRaw } from '../helpers/server.js';

type Message = Record<string, any>;

/** Collects what is published until the test ends, as `[channel, message]`. */
function watch(t: ExecutionContext, prefix: string, names: string[]): [string, Message][] {
  const seen: [string, Message][] = [];
  for (const name of names) {
    const listener = (message: unknown) => void seen.push([name, message as Message]);
    subscribe(`${prefix}${name}`, listener);
    t.teardown(() => unsubscribe(`${prefix}${name}`, listener));
  }
  return seen;
}

const OWN = ['start', 'response', 'end', 'error'];
const UNDICI = ['create', 'bodySent', 'headers', 'trailers', 'error'];
const names = (seen: [string, Message][]) => seen.map(([name]) => name);

test.serial('own channels: start, response, end; for each exchange', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/b' }).end();
    else response.end('ok');
  });
  const seen = watch(t, 'whippet:request:', OWN);
  const response = await openClient(t).get(server.url);
  t.deepEqual(names(seen), ['start', 'response', 'end', 'start', 'response', 'end']);
  const requests = seen.map(([, { request }]) => (request as Request).url.path);
  t.deepEqual(requests, ['/', '/', '/', '/b', '/b', '/b']);
  t.is((seen[5][1].response as Response).statusCode, response.statusCode);
});

test.serial('own channels: the end of a stream, its early end, and errors', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const endless = await serve(t, (_, response) => {
    response.write('begun');
  });
  const broken = await serveRaw(t, (connection) =>
    connection.request().then(() => connection.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbeg')),
  );
  const seen = watch(t, 'whippet:request:', OWN);
  const client = openClient(t);
  const whole = await client.stream('GET', server.url);
  t.deepEqual(names(seen), ['start', 'response']);
  await whole.read();
  t.deepEqual(names(seen.splice(0)), ['start', 'response', 'end']);
  const part = await client.stream('GET', endless.url);
  await part.close();
  await part.close();
  t.deepEqual(names(seen.splice(0)), ['start', 'response', 'error']);
  const cut = await client.stream('GET', broken.url);
  const error = await failure(cut.read());
  t.is(seen.at(-1)?.[1].error, error);
  t.deepEqual(names(seen.splice(0)), ['start', 'response', 'error']);
  const refused = await failure(client.get(await refusedOrigin()));
  t.deepEqual(names(seen), ['start', 'error']);
  t.is(seen[1][1].error, refused);
});

test.serial('undici’s channels, in its order and shapes; each exchange has one request object', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(200, { 'x-mine': 'é' }).end('ok'));
  const seen = watch(t, 'undici:request:', UNDICI);
  const client = openClient(t);
  const response = await client.post(`${server.url}path?q=1`, { content: 'abc', headers: { 'X-A': '1' } });
  t.is(told(response), '200 ok');
  t.deepEqual(names(seen), ['create', 'bodySent', 'headers', 'trailers']);
  const [request, ...more] = seen.map(([, { request }]) => request as Message);
  t.true(more.every((each) => each === request));
  t.is(request.origin, server.origin);
  t.is(request.path, '/path?q=1');
  t.is(request.method, 'POST');
  t.is(request.contentLength, 3);
  t.true(request.completed);
  t.false(request.aborted);
  t.is(request.headers[request.headers.indexOf('X-A') + 1], '1');
  const { statusCode, statusText, headers } = seen[2][1].response as Message;
  t.deepEqual([statusCode, statusText], [200, 'OK']);
  t.true((headers as unknown[]).every((each) => Buffer.isBuffer(each)));
  const texts = (headers as Buffer[]).map((each) => each.toString('latin1').toLowerCase());
  t.is(texts[texts.indexOf('x-mine') + 1], 'é');
  t.deepEqual(seen[3][1].trailers, []);
});

test.serial('undici:request:error, once', async (t) => {
  const broken = await serveRaw(t, async (connection) => {
    await connection.request();
    connection.reset();
  });
  const seen = watch(t, 'undici:request:', UNDICI);
  const error = await failure(openClient(t).get(broken.url));
  t.true(error instanceof ReadError);
  t.deepEqual(names(seen), ['create', 'error']);
  t.is(seen[1][1].error, error);
  t.true((seen[1][1].request as Message).aborted);
});

// As undici says it: agents read `error.name`, and a span that was cancelled is no failed one.
test.serial('undici:request:error has an Error, whatever the reason; closing early is an AbortError', async (t) => {
  const endless = await serve(t, (request, response) => {
    if (request.url === '/head') response.write('begun');
  });
  const seen = watch(t, 'undici:request:', ['error']);
  const client = openClient(t);
  for (const reason of [null, 'text', 5]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);
    const rejected = await client.get(endless.url, { signal: controller.signal }).then(
      () => t.fail(),
      (error: unknown) => error,
    );
    t.is(rejected, reason, 'the caller gets it untouched');
    const { error } = seen.splice(0)[0][1];
    t.true(error instanceof Error);
    t.is(error.name, 'AbortError');
  }
  const part = await client.stream('GET', `${endless.url}head`);
  await part.close();
  t.deepEqual(
    seen.map(([, { error }]) => error.name),
    ['AbortError'],
  );
});

test.serial('undici:client:sendHeaders, with the headers as sent and the protocol of the connection', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const order = watch(t, 'undici:', ['request:create', 'client:sendHeaders', 'request:bodySent', 'request:headers']);
  const listener = (message: unknown) => void (message as Message).request.addHeader('traceparent', '00-ab-cd-01');
  subscribe('undici:request:create', listener);
  t.teardown(() => unsubscribe('undici:request:create', listener));
  await openClient(t).get(server.url);
  t.deepEqual(names(order), ['request:create', 'client:sendHeaders', 'request:bodySent', 'request:headers']);
  const { request, headers, socket } = order[1][1];
  t.is(request, order[0][1].request);
  t.is(socket.alpnProtocol, 'http/1.1');
  t.true(headers.startsWith('GET / HTTP/1.1\r\n'));
  t.true(headers.includes('\r\ntraceparent: 00-ab-cd-01\r\n'));
});

test.serial('where the connection leads: the socket of sendHeaders, and peer and timings beside ours', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const sent = watch(t, 'undici:', ['client:sendHeaders']);
  const ours = watch(t, 'whippet:request:', ['response', 'end', 'error']);
  const client = openClient(t);
  const response = await client.get(server.url);
  const { peer } = response;
  t.deepEqual(sent[0][1].socket, {
    remoteAddress: '127.0.0.1',
    remotePort: server.port,
    localAddress: '127.0.0.1',
    localPort: peer?.localPort,
    alpnProtocol: 'http/1.1',
  } as never);
  t.deepEqual(names(ours), ['response', 'end']);
  t.like(ours[0][1], { peer, timings: response.timings });
  t.like(ours[1][1], { peer, timings: response.timings });
  const error = (await failure(client.get(await refusedOrigin()))) as HTTPError;
  t.like(ours[2][1], { error, peer: null, timings: error.timings });
  sent.splice(0);
  ours.splice(0);
  await openClient(t, { app: () => new globalThis.Response('ok') }).get('/');
  t.is(sent[0][1].socket.remoteAddress, undefined);
  t.is(ours[0][1].peer, null);
});

test.serial('an agent may change a header in the list (Sentry merges baggage), or take one out', async (t) => {
  const server = await serve(t, (request, response) => response.end(JSON.stringify(request.headers)));
  const listener = (message: unknown) => {
    const { headers } = (message as Message).request;
    headers[headers.indexOf('baggage') + 1] = 'a=1,b=2';
    headers.splice(headers.indexOf('x-twice'), 2);
    headers.push('sentry-trace', 's');
  };
  subscribe('undici:request:create', listener);
  t.teardown(() => unsubscribe('undici:request:create', listener));
  const headers: [string, string][] = [['x-twice', '1'], ['x-twice', '2'], ['baggage', 'a=1']]; // prettier-ignore
  const sent = (await openClient(t).get(server.url, { headers })).json<Record<string, string>>();
  t.is(sent.baggage, 'a=1,b=2');
  t.is(sent['x-twice'], '2');
  t.is(sent['sentry-trace'], 's');
  t.is(sent.host, server.url.slice(7, -1));
});

/** What OpenTelemetry's instrumentation of undici does with a request. */
for (const way of ['addHeader', 'push'] as const) {
  test.serial(`an agent’s traceparent is sent, by ${way}, and the user’s Request stays as it was`, async (t) => {
    const server = await serve(t, (request, response) => response.end(request.headers.traceparent as string));
    const listener = (message: unknown) => {
      const { request } = message as { request: { headers: string[]; addHeader(name: string, value: string): void } };
      if (way === 'addHeader') request.addHeader('traceparent', '00-ab-cd-01');
      else request.headers.push('traceparent', '00-ab-cd-01');
    };
    subscribe('undici:request:create', listener);
    t.teardown(() => unsubscribe('undici:request:create', listener));
    const client = openClient(t);
    t.is(told(await client.get(server.url)), '200 00-ab-cd-01');
    const request = client.buildRequest('GET', server.url);
    t.is(told(await client.send(request)), '200 00-ab-cd-01');
    t.is(told(await client.send(request)), '200 00-ab-cd-01');
    t.false(request.headers.has('traceparent'));
  });
}

test.serial('whippet:request:start may add headers', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers['x-trace']));
  const listener = (message: unknown) => (message as { request: Request }).request.headers.set('x-trace', '1');
  subscribe('whippet:request:start', listener);
  t.teardown(() => unsubscribe('whippet:request:start', listener));
  t.is(told(await openClient(t).get(server.url)), '200 1');
});

const LOGS: [env: Record<string, string>, lines: boolean][] = [
  [{ HTTPX_DEBUG: '1' }, true],
  [{ HTTPX_DEBUG: 'True' }, true],
  [{ WHIPPET_DEBUG: '1' }, true],
  [{ HTTPX_DEBUG: '0' }, false],
  [{ HTTPX_DEBUG: 'False' }, false],
  [{ HTTPX_DEBUG: '' }, false],
  [{}, false],
];

for (const [env, logs] of LOGS) {
  test.serial(`X1 X4 the log with ${JSON.stringify(env)}`, async (t) => {
    const server = await serve(t, (request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/b' }).end();
      else response.end('ok');
    });
    const refused = await refusedOrigin();
    const program = `Object.assign(process.env, args.env);
      const client = new whippet.Client();
      await client.get(args.url);
      await client.get(args.refused).catch(() => {});`;
    const url = server.url.replace('//', '//me:secret@');
    const { stderr } = await start(t, program, { env, url, refused }).ended;
    const said = stderr.replaceAll(/^\d\d:\d\d:\d\d\.\d{3} - whippet - /gm, '');
    const expected = [
      `HTTP Request: GET ${server.url} "HTTP/1.1 302 Found"`,
      `HTTP Request: GET ${server.url}b "HTTP/1.1 200 OK"`,
      `HTTP Request: GET ${refused} "ConnectError"`,
      '',
    ];
    t.is(said, logs ? expected.join('\n') : '');
  });
}
