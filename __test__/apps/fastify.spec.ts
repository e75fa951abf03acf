/** Fastify 5 in process: made ready by the first request, its errors, its streams. */
import fastify, { type FastifyInstance } from 'fastify';
import test from 'ava';
import { Readable } from 'node:stream';
import { clientOf, nodeClient, url } from '../helpers/apps.js';
import { failure, reasonOf, told } from '../helpers/client.js';

const own = new Error('the app’s own');

function appOf(): FastifyInstance {
  const app = fastify();
  app.get('/', async () => 'Hello World!');
  app.get('/own', async () => Promise.reject(own));
  app.get('/thrown', () => {
    throw own;
  });
  app.get('/sent', (_request, reply) => void reply.send(own));
  app.get('/teapot', async () => Promise.reject(Object.assign(new Error('teapot'), { statusCode: 418 })));
  app.register(async (plugin) => {
    plugin.get('/plugin', async () => Promise.reject(own));
    plugin.addHook('onRequest', async (request) => {
      if (request.url === '/hook') throw own;
    });
    plugin.get('/hook', async () => 'not reached');
  });
  return app;
}

test('hello: plugins are loaded by the first requests, which are many', async (t) => {
  let loaded = 0;
  const app = appOf();
  app.register(async () => void loaded++);
  const client = clientOf(t, app);
  const answers = await Promise.all(Array.from({ length: 5 }, async () => told(await client.get(url))));
  t.deepEqual([...new Set(answers)], ['200 Hello World!']);
  t.is(loaded, 1);
  t.is((await client.head(url)).headers.get('content-length'), '12');
});

const PATHS = ['/own', '/thrown', '/sent', '/plugin', '/hook'];

for (const path of PATHS) {
  test(`${path}: the app’s own error, or what Fastify makes of it`, async (t) => {
    t.is(await failure(clientOf(t, appOf()).get(`http://example${path}`)), own);
    const quiet = nodeClient(t, appOf(), { raiseAppExceptions: false });
    const response = await quiet.get(`http://example${path}`);
    t.is(response.statusCode, 500);
    t.deepEqual(response.json(), { statusCode: 500, error: 'Internal Server Error', message: own.message });
  });
}

test('an app that was ready before: the handlers’ errors', async (t) => {
  const app = appOf();
  await app.ready();
  const client = clientOf(t, app);
  for (const path of ['/own', '/thrown', '/plugin']) t.is(await failure(client.get(`http://example${path}`)), own);
});

test('an app that is ready just now, without a plugin', async (t) => {
  const app = fastify();
  app.get('/', async () => Promise.reject(own));
  await app.ready();
  t.is(await failure(clientOf(t, app).get(url)), own);
});

test('a 4xx, validation and nobody’s path are answers', async (t) => {
  const app = appOf();
  const body = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } };
  app.post('/valid', { schema: { body } }, async (request) => request.body);
  const client = clientOf(t, app);
  t.is((await client.get('http://example/teapot')).statusCode, 418);
  t.is((await client.post('http://example/valid', { json: {} })).statusCode, 400);
  t.deepEqual((await client.post('http://example/valid', { json: { a: '7' } })).json(), { a: 7 });
  t.is((await client.get('http://example/none')).statusCode, 404);
});

test('an error handler of the app’s own answers', async (t) => {
  const app = appOf();
  app.setErrorHandler((error: Error, _request, reply) => void reply.code(500).send({ sorry: error.message }));
  const response = await clientOf(t, app).get('http://example/own');
  t.deepEqual([response.statusCode, response.json()], [500, { sorry: own.message }]);
});

test('inject() and a second client of the same app go on as before', async (t) => {
  const app = appOf();
  t.is(await failure(clientOf(t, app).get('http://example/own')), own);
  t.is((await app.inject('/own')).statusCode, 500);
  const quiet = nodeClient(t, app, { raiseAppExceptions: false });
  t.is((await quiet.get('http://example/own')).statusCode, 500);
});

test('a plugin that fails to load', async (t) => {
  const app = fastify();
  app.register(async () => Promise.reject(own));
  t.is(await failure(clientOf(t, app).get(url)), own);
});

test('streams: one that is whole, one that fails', async (t) => {
  const app = fastify();
  app.get('/whole', async () => Readable.from(['a', 'b']));
  app.get('/fails', async () =>
    Readable.from(
      (async function* () {
        yield 'some';
        throw own;
      })(),
    ),
  );
  const client = clientOf(t, app);
  t.is((await client.get('http://example/whole')).text, 'ab');
  t.is(await failure(client.get('http://example/fails')), own);
  const quiet = nodeClient(t, app, { raiseAppExceptions: false });
  const error = await failure(quiet.get('http://example/fails'));
  t.regex(reasonOf(error), /^RemoteProtocolError: The app failed in the midst of its response/);
  t.is((error as Error).cause, own);
});

test('the server of an app', async (t) => {
  const app = appOf();
  await app.ready();
  t.is(told(await clientOf(t, app.server).get(url)), '200 Hello World!');
});
