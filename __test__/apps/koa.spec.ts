/** Koa 3 in process: an app, its callback(), and a server of it. */
import Koa from 'koa';
import test from 'ava';
import { createServer } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { RemoteProtocolError, type NodeApp } from '../../src/index.js';
import { clientOf, nodeClient, turns, url, type Listener } from '../helpers/apps.js';
import { failure, soon, told } from '../helpers/client.js';

const own = new Error('the app’s own');

function appOf(middleware: Koa.Middleware): Koa {
  const app = new Koa({ keys: ['x'] });
  app.silent = true;
  return app.use(middleware);
}

const FORMS: [form: string, of: (app: Koa) => NodeApp][] = [
  ['app', (app) => app],
  ['callback()', (app) => app.callback()],
  ['http.Server', (app) => createServer(app.callback())],
];

for (const [form, of] of FORMS) {
  test(`${form}: bodies`, async (t) => {
    const bodies: Record<string, unknown> = {
      '/text': 'größer',
      '/json': { a: 1 },
      '/bytes': Buffer.from([1, 2]),
      '/stream': Readable.from(['a', 'b']),
      '/web': new Blob(['web']).stream(),
      '/blob': new Blob(['blob']),
    };
    const app = appOf((ctx) => {
      if (ctx.path in bodies) ctx.body = bodies[ctx.path];
    });
    const client = clientOf(t, of(app));
    const told = async (path: string) => (await client.get(`http://example${path}`)).content.toString();
    t.is(await told('/text'), 'größer');
    t.is(await told('/json'), '{"a":1}');
    t.is(await told('/bytes'), '\x01\x02');
    t.is(await told('/stream'), 'ab');
    t.is(await told('/web'), 'web');
    t.is(await told('/blob'), 'blob');
    t.is((await client.get('http://example/none')).statusCode, 404);
    t.is((await client.head('http://example/text')).headers.get('content-length'), '8');
  });

  test(`${form}: the app’s own error, and no 4xx`, async (t) => {
    const app = appOf((ctx) => {
      if (ctx.path === '/teapot') ctx.throw(418, 'short and stout');
      if (ctx.path === '/own') throw own;
    });
    const seen: unknown[] = [];
    app.on('error', (error) => seen.push(error));
    const client = clientOf(t, of(app));
    t.is(await failure(client.get('http://example/own')), own);
    t.is(await failure(client.get('http://example/own')), own);
    t.is(told(await client.get('http://example/teapot')), '418 short and stout');
    t.deepEqual(seen.slice(0, 2), [own, own]);
    t.is(app.listenerCount('error'), 1);
    const quiet = nodeClient(t, of(app) as Listener, { raiseAppExceptions: false });
    t.is(told(await quiet.get('http://example/own')), '500 Internal Server Error');
  });

  test(`${form}: a stream that fails behind the head`, async (t) => {
    const app = appOf((ctx) => {
      const body = new PassThrough();
      body.write('some');
      ctx.body = body;
      setTimeout(() => body.destroy(own), 5);
    });
    app.on('error', () => {});
    const raising = clientOf(t, of(app));
    t.is(await soon('an end', failure(raising.get(url))), own);
    const response = await raising.stream('GET', url);
    t.is(await soon('an end', failure(response.read())), own);
    const quiet = nodeClient(t, of(app) as Listener, { raiseAppExceptions: false });
    t.true((await soon('an end', failure(quiet.get(url)))) instanceof RemoteProtocolError);
  });
}

test('the app sees host, protocol and peer', async (t) => {
  const app = appOf((ctx) => void (ctx.body = [ctx.host, ctx.protocol, ctx.secure, ctx.ip, ctx.href]));
  const client = nodeClient(t, app.callback(), { remoteAddr: '1.2.3.4' });
  const seen = (await client.get('https://example:81/a?b')).json();
  t.deepEqual(seen, ['example:81', 'https', true, '1.2.3.4', 'https://example:81/a?b']);
});

test('an error that an earlier middleware catches is answered', async (t) => {
  const app = new Koa();
  app.use(async (ctx, next) => next().catch((error: Error) => ((ctx.status = 500), (ctx.body = error.message))));
  app.use(() => Promise.reject(own));
  t.is(told(await clientOf(t, app).get(url)), '500 the app’s own');
});

test('ctx.respond = false that never answers is the read timeout', async (t) => {
  // Held, so that an answer can still come: else there is another error as soon as the garbage collector has noticed.
  const held: unknown[] = [];
  const client = clientOf(
    t,
    appOf((ctx) => {
      ctx.respond = false;
      held.push(ctx.res);
    }),
  );
  t.is((await failure(client.get(url, { timeout: { read: 10 } }))).name, 'ReadTimeout');
  t.is(held.length, 1);
});

test('Object.create is what it was, also when the app throws at once', async (t) => {
  const before = Object.create;
  const client = clientOf(t, appOf(() => Promise.reject(own)).callback());
  await failure(client.get(url));
  await turns();
  t.is(Object.create, before);
});
