/** The tests of a Koa app: a session by a signed cookie, an upload that is counted as it comes, server-sent events, an error. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import Koa from 'koa';
import { Client, NodeDispatch } from 'whippet';

/** What would be in `app.js`. */
function createApp() {
  const app = new Koa({ keys: ['example'] });
  app.silent = true; // Koa writes no stacks to the console.
  const routes = {
    'POST /login': (ctx) => {
      ctx.cookies.set('user', 'Ada', { signed: true });
      ctx.status = 204;
    },
    'GET /me': (ctx) => {
      const user = ctx.cookies.get('user', { signed: true });
      if (user === undefined) ctx.throw(401, 'log in first');
      ctx.body = { user };
    },
    'PUT /file': async (ctx) => {
      let bytes = 0;
      for await (const piece of ctx.req) bytes += piece.length;
      ctx.body = { bytes };
    },
    'GET /events': (ctx) => {
      const events = new PassThrough();
      ctx.type = 'text/event-stream';
      ctx.body = events;
      for (let i = 1; i <= 3; i++) events.write(`data: ${i}\n\n`);
    },
    'GET /broken': () => {
      throw new Error('out of order');
    },
  };
  app.use((ctx) => routes[`${ctx.method} ${ctx.path}`]?.(ctx));
  return app;
}

test('a session', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const refused = await client.get('/me');
  assert.equal(`${refused.statusCode} ${refused.text}`, '401 log in first');
  await client.post('/login');

  assert.deepEqual((await client.get('/me')).json(), { user: 'Ada' });
});

test('an upload from a stream', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  async function* content() {
    for (let i = 0; i < 10; i++) yield new Uint8Array(100_000);
  }
  assert.deepEqual((await client.put('/file', { content: content() })).json(), { bytes: 1_000_000 });
});

test('server-sent events', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const response = await client.stream('GET', '/events');
  const events = [];
  for await (const line of response.iterLines()) {
    if (line !== '') events.push(line);
    if (events.length === 3) break;
  }
  assert.deepEqual(events, ['data: 1', 'data: 2', 'data: 3']);
});

test('a path without a route', async () => {
  const client = new Client({ app: createApp().callback(), baseUrl: 'http://app.test' });
  const response = await client.get('/nowhere');
  assert.equal(`${response.statusCode} ${response.text}`, '404 Not Found');
});

test('an error of the app is the test’s error, of an app and of its callback()', async () => {
  for (const app of [createApp(), createApp().callback()]) {
    const client = new Client({ app, baseUrl: 'http://app.test' });
    await assert.rejects(client.get('/broken'), { message: 'out of order' });
  }
});

test('… unless it is the answer that is of interest', async () => {
  const dispatch = new NodeDispatch({ app: createApp(), raiseAppExceptions: false });
  const client = new Client({ dispatch, baseUrl: 'http://app.test' });
  const response = await client.get('/broken');
  assert.equal(`${response.statusCode} ${response.text}`, '500 Internal Server Error');
});
