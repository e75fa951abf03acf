/** Hono, H3 and itty-router in process. */
import { createMiddleware } from 'hono/factory';
import { HTTPException } from 'hono/http-exception';
import { compress } from 'hono/compress';
import { streamSSE, streamText } from 'hono/streaming';
import { Hono } from 'hono';
import { H3, HTTPError } from 'h3';
import { AutoRouter, IttyRouter, Router } from 'itty-router';
import test from 'ava';
import { clientOf, fetchClient, url } from '../helpers/apps.js';
import { failure, told } from '../helpers/client.js';

const own = new Error('the app’s own');

function hono(): Hono {
  const app = new Hono();
  app.get('/', (c) => c.text('Hello World!'));
  app.get('/own', () => {
    throw own;
  });
  app.get('/rejected', async () => Promise.reject(own));
  app.use(
    '/behind/*',
    createMiddleware((_c, next) => next()),
  );
  app.get('/behind/middleware', async () => Promise.reject(own));
  app.route(
    '/sub',
    new Hono().get('/own', () => Promise.reject(own)),
  );
  app.get('/exception', () => {
    throw new HTTPException(503, { message: 'not now' });
  });
  return app;
}

test('Hono: hello, a path without a route, HEAD, an exception that is an answer', async (t) => {
  const client = clientOf(t, hono());
  t.is(told(await client.get(url)), '200 Hello World!');
  t.is(told(await client.get('http://example/none')), '404 404 Not Found');
  t.is(told(await client.head(url)), '200 ');
  t.is(told(await client.get('http://example/exception')), '503 not now');
});

for (const path of ['/own', '/rejected', '/behind/middleware', '/sub/own']) {
  test(`Hono: the app’s own error, ${path}`, async (t) => {
    const app = hono();
    t.is(await failure(clientOf(t, app).get(`http://example${path}`)), own);
    const quiet = fetchClient(t, app, { raiseAppExceptions: false });
    t.is(told(await quiet.get(`http://example${path}`)), '500 Internal Server Error');
    t.is((await app.request(path)).status, 500, 'and for everybody else');
  });
}

test('Hono: its own error handler answers, also one that is set later', async (t) => {
  const before = hono().onError((error, c) => c.text(`sorry: ${error.message}`, 500));
  t.is(told(await clientOf(t, before).get('http://example/own')), '500 sorry: the app’s own');
  const after = hono();
  const client = clientOf(t, after);
  after.onError((error, c) => c.text(`sorry: ${error.message}`, 500));
  t.is(told(await client.get('http://example/own')), '500 sorry: the app’s own');
});

test('Hono: the peer, by Deno’s info and by Node’s bindings', async (t) => {
  // As getConnInfo of hono/deno and of @hono/node-server read them.
  const app = new Hono<{
    Bindings: { remoteAddr: { hostname: string }; incoming: { socket: { remoteAddress: string } } };
  }>();
  app.get('/', (c) => c.json([c.env.remoteAddr.hostname, c.env.incoming.socket.remoteAddress]));
  const client = fetchClient(t, app, { client: { hostname: '9.9.9.9', port: 9 } });
  t.deepEqual((await client.get(url)).json(), ['9.9.9.9', '9.9.9.9']);
});

test('Hono: bindings and the execution context', async (t) => {
  const app = new Hono<{ Bindings: { NAME: string } }>();
  app.get('/', (c) => (c.executionCtx.waitUntil(Promise.resolve()), c.text(c.env.NAME)));
  t.is((await fetchClient(t, app, { env: { NAME: 'env' } }).get(url)).text, 'env');
});

test('Hono: a form, streams, compression, events', async (t) => {
  const app = new Hono();
  app.post('/form', async (c) => {
    const { file, name } = (await c.req.parseBody()) as { file: File; name: string };
    return c.json([file.name, file.size, name]);
  });
  app.get('/text', (c) => streamText(c, async (stream) => void (await stream.write('a'), await stream.write('b'))));
  app.use('/compressed', compress()).get((c) => c.text('text '.repeat(1000)));
  app.get('/events', (c) => streamSSE(c, async (stream) => stream.writeSSE({ data: 'tick', event: 'e', id: '1' })));
  const client = clientOf(t, app);
  const form = new FormData();
  form.set('name', 'Ada');
  form.set('file', new Blob(['x'.repeat(100_000)]), 'x.txt');
  const { headers, body } = new Response(form);
  const sent = await client.post('http://example/form', { content: body as ReadableStream, headers });
  t.deepEqual(sent.json(), ['x.txt', 100_000, 'Ada']);
  t.is((await client.get('http://example/text')).text, 'ab');
  const compressed = await client.get('http://example/compressed');
  t.is(compressed.text, 'text '.repeat(1000));
  t.is(compressed.headers.get('content-encoding'), 'gzip');
  t.is((await client.get('http://example/events')).text, 'event: e\ndata: tick\nid: 1\n\n');
});

test('Hono mounted below a path', async (t) => {
  const app = new Hono().get('/x', (c) => c.text(c.req.path));
  t.is((await fetchClient(t, app, { rootPath: '/api' }).get('http://example/api/x')).text, '/x');
});

function h3(config: ConstructorParameters<typeof H3>[0] = {}): H3 {
  const app = new H3({ silent: true, ...config });
  app.get('/', () => 'Hello World!');
  app.get('/own', () => {
    throw own;
  });
  app.get('/rejected', () => Promise.reject(own));
  app.get('/teapot', () => {
    throw new HTTPError({ status: 418, message: 'teapot' });
  });
  return app;
}

test('H3: hello, a path without a route, an error that is an answer', async (t) => {
  const client = clientOf(t, h3());
  t.is(told(await client.get(url)), '200 Hello World!');
  t.is((await client.get('http://example/none')).statusCode, 404);
  t.is((await client.get('http://example/teapot')).statusCode, 418);
});

for (const path of ['/own', '/rejected']) {
  test(`H3: the app’s own error, ${path}`, async (t) => {
    const app = h3();
    t.is(await failure(clientOf(t, app).get(`http://example${path}`)), own);
    const quiet = fetchClient(t, app, { raiseAppExceptions: false });
    t.is((await quiet.get(`http://example${path}`)).statusCode, 500);
    t.is((await app.request(path)).status, 500, 'and for everybody else');
  });
}

test('H3: its own error handler answers', async (t) => {
  const app = h3({ onError: (error) => `sorry: ${(error.cause as Error).message}` });
  t.is((await clientOf(t, app).get('http://example/own')).text, 'sorry: the app’s own');
});

test('itty-router: AutoRouter answers its errors, Router and IttyRouter raise them', async (t) => {
  const fail = () => {
    throw own;
  };
  const auto = clientOf(
    t,
    AutoRouter()
      .get('/hello/:name', ({ params }: { params: { name: string } }) => ({ name: params.name }))
      .get('/own', fail),
  );
  t.deepEqual((await auto.get('http://example/hello/Ada')).json(), { name: 'Ada' });
  t.is((await auto.get('http://example/own')).statusCode, 500);
  t.is((await auto.get('http://example/none')).statusCode, 404);
  for (const router of [Router(), IttyRouter()]) {
    router.get('/', () => new Response('Hello')).get('/own', fail);
    const client = clientOf(t, router);
    t.is((await client.get(url)).text, 'Hello');
    t.is(await failure(client.get('http://example/own')), own);
    t.regex(String(await failure(client.get('http://example/none'))), /returned without answering/);
    t.is(told(await fetchClient(t, router, { raiseAppExceptions: false }).get('http://example/own')), '500 ');
  }
});

test('Hono: a router that was tested alone and is mounted later has no error handler of its own', async (t) => {
  const routes = () => new Hono().get('/broken', () => Promise.reject(own)).get('/', (c) => c.text('sub'));
  const sub = routes();
  t.is(await failure(fetchClient(t, sub).get('http://example/broken')), own);
  t.is((await sub.request('/broken')).status, 500);
  const parent = new Hono();
  parent.route('/x', sub);
  parent.onError((error, c) => c.json({ parent: error.message }, 503));
  const answer = await parent.request('/x/broken');
  t.deepEqual([answer.status, await answer.json()], [503, { parent: own.message }]);
  const response = await fetchClient(t, parent).get('http://example/x/broken');
  t.deepEqual([response.statusCode, response.json()], [503, { parent: own.message }]);
  t.is(await failure(fetchClient(t, sub).get('http://example/broken')), own, 'and it is raised as before');
});

test('Hono: an onError that is set behind the first request answers', async (t) => {
  const app = new Hono().get('/', () => Promise.reject(own));
  const client = fetchClient(t, app);
  t.is(await failure(client.get('http://example/')), own);
  app.onError((error, c) => c.text(error.message, 500));
  t.is(told(await client.get('http://example/')), `500 ${own.message}`);
});
