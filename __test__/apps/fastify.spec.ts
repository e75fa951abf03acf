/** Fastify 5 in process: made ready by the first request, its errors, its streams. */
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import test from 'ava';
import { Readable } from 'node:stream';
import { clientOf, nodeClient, turns, url } from '../helpers/apps.js';
import { failure, reasonOf, told } from '../helpers/client.js';

const own = new Error('the app’s own');

function appOf(options: FastifyServerOptions = {}): FastifyInstance {
  const app = fastify(options);
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

/** How an app comes to its client; however that is, its errors are heard. */
const BUILDS: Record<string, () => Promise<FastifyInstance> | FastifyInstance> = {
  'ready before': async () => {
    const app = appOf();
    await app.ready();
    return app;
  },
  'of an async function': async () => appOf(),
  awaited: async () => await appOf(),
  'ready before, with decorated replies': async () => {
    const app = appOf();
    app.decorateReply('extra', null);
    await app.ready();
    return app;
  },
  'that forbids to override an error handler': () => appOf({ allowErrorHandlerOverride: false }),
};

for (const [how, build] of Object.entries(BUILDS)) {
  test(`an app ${how}: the errors of handlers, hooks and plugins`, async (t) => {
    const app = await build();
    const client = clientOf(t, app);
    for (const path of PATHS) t.is(await failure(client.get(`http://example${path}`)), own, path);
    t.is((await client.get('http://example/teapot')).statusCode, 418);
    t.is((await app.inject('/own')).statusCode, 500);
    const quiet = nodeClient(t, app, { raiseAppExceptions: false });
    t.is((await quiet.get('http://example/hook')).statusCode, 500);
  });
}

/** Plugins that set the error handler of the app they are registered with, as fastify-plugin has them. */
const unwrapped = (plugin: (app: FastifyInstance) => void) =>
  Object.assign(async (app: FastifyInstance) => plugin(app), { [Symbol.for('skip-override')]: true });
const sorry = (error: Error, _request: unknown, reply: { code(code: number): { send(body: unknown): void } }) =>
  reply.code(500).send({ sorry: error.message });

const HANDLERS: Record<string, (app: FastifyInstance) => void> = {
  'set by a plugin': (app) => void app.register(unwrapped((inner) => void inner.setErrorHandler(sorry as never))),
  'set in after()': (app) => void app.after(() => void app.setErrorHandler(sorry as never)),
  'that is async': (app) =>
    void app.setErrorHandler(async (error: Error, _request, reply) => {
      reply.code(500);
      return { sorry: error.message };
    }),
};

for (const override of [true, false]) {
  for (const [what, set] of Object.entries(HANDLERS)) {
    test(`an error handler ${what} answers; allowErrorHandlerOverride: ${override}`, async (t) => {
      const app = fastify({ allowErrorHandlerOverride: override });
      set(app);
      app.register(async (plugin) => void plugin.get('/own', async () => Promise.reject(own)));
      const response = await clientOf(t, app).get('http://example/own');
      t.deepEqual([response.statusCode, response.json()], [500, { sorry: own.message }]);
      t.deepEqual((await app.inject('/own')).json(), { sorry: own.message });
    });
  }
}

test('no warning of Fastify’s is caused', async (t) => {
  const warnings: string[] = [];
  const hear = (warning: Error) => warnings.push(String(warning));
  process.on('warning', hear);
  t.teardown(() => process.off('warning', hear));
  const app = appOf();
  HANDLERS['set by a plugin'](app);
  await clientOf(t, app).get(url);
  await turns();
  t.deepEqual(warnings, []);
});

test('handlers of a plugin, of a route, and those that hand on', async (t) => {
  const app = appOf();
  app.register(async (plugin) => {
    plugin.setErrorHandler(sorry as never);
    plugin.get('/inner', async () => Promise.reject(own));
    plugin.get('/route', { errorHandler: (_error, _request, reply) => void reply.code(500).send('route') }, async () =>
      Promise.reject(own),
    );
  });
  app.register(async (plugin) => {
    plugin.setErrorHandler((error, _request, reply) => void reply.send(error));
    plugin.get('/handed-on', async () => Promise.reject(own));
  });
  const client = clientOf(t, app);
  t.deepEqual((await client.get('http://example/inner')).json(), { sorry: own.message });
  t.is((await client.get('http://example/route')).text, 'route');
  t.is(await failure(client.get('http://example/handed-on')), own);
});

test('what is thrown and is no Error', async (t) => {
  const app = fastify();
  app.get('/', async () => Promise.reject('text'));
  t.is((await failure(clientOf(t, app).get(url))) as unknown, 'text');
});

test('an app that is ready just now, without a plugin', async (t) => {
  const app = fastify();
  app.get('/', async () => Promise.reject(own));
  await app.ready();
  t.is(await failure(clientOf(t, app).get(url)), own);
});

test('a 4xx, validation and a path without a route are answers', async (t) => {
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

/** Bodies that Fastify reads by a reader, and that fail behind the head. */
const webStream = () =>
  new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode('some'));
      await turns(2);
      controller.error(own);
    },
  });
const LATE: Record<string, () => unknown> = {
  'a web stream': webStream,
  'a Response': () => new Response(webStream()),
};

for (const [what, make] of Object.entries(LATE)) {
  for (const way of ['returned', 'sent']) {
    test(`${what} that is ${way} and fails late: the app’s own error`, async (t) => {
      const app = fastify();
      app.get('/', (_request, reply) => void reply.send(make()));
      app.get('/returned', async () => make());
      app.get('/whole', async () => new Blob(['a', 'b']).stream());
      const target = way === 'sent' ? url : 'http://example/returned';
      t.is(await failure(clientOf(t, app).get(target)), own);
      const error = await failure(nodeClient(t, app, { raiseAppExceptions: false }).get(target));
      t.regex(reasonOf(error), /^RemoteProtocolError: The app failed in the midst of its response/);
      t.is(error.cause, own);
      t.is((await clientOf(t, app).get('http://example/whole')).text, 'ab');
    });
  }
}

test('the server of an app', async (t) => {
  const app = appOf();
  await app.ready();
  t.is(told(await clientOf(t, app.server).get(url)), '200 Hello World!');
});
