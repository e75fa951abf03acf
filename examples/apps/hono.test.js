/** The tests of a Hono app: a session, a file upload, server-sent events, bindings, an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { HTTPException } from 'hono/http-exception';
import { streamSSE } from 'hono/streaming';
import { Client, FetchDispatch } from 'whippet';

/** What would be in `app.js`. */
function createApp() {
  const app = new Hono();
  app.post('/login', async (c) => {
    const { name } = await c.req.json();
    setCookie(c, 'user', name, { httpOnly: true });
    return c.body(null, 204);
  });
  app.get('/me', (c) => {
    const user = getCookie(c, 'user');
    if (user === undefined) throw new HTTPException(401, { message: 'log in first' });
    return c.json({ user });
  });
  app.post('/photos', async (c) => {
    const { photo, title } = await c.req.parseBody();
    return c.json({ name: photo.name, bytes: photo.size, title }, 201);
  });
  app.get('/events', (c) =>
    streamSSE(c, async (stream) => {
      for (let id = 1; id <= 3; id++) await stream.writeSSE({ id: String(id), data: `tick ${id}` });
    }),
  );
  app.get('/binding', (c) => c.text(c.env.GREETING));
  app.get('/broken', () => {
    throw new Error('out of order');
  });
  return app;
}

test('a session', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const refused = await client.get('/me');
  assert.equal(`${refused.statusCode} ${refused.text}`, '401 log in first');
  await client.post('/login', { json: { name: 'Ada' } });
  assert.deepEqual((await client.get('/me')).json(), { user: 'Ada' });
});

test('a file upload', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const photo = ['photo.png', new Uint8Array(100_000), 'image/png'];
  const response = await client.post('/photos', { data: { title: 'A photo' }, files: { photo } });
  assert.deepEqual(response.json(), { name: 'photo.png', bytes: 100_000, title: 'A photo' });
});

test('server-sent events', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const response = await client.stream('GET', '/events');
  const events = [];
  for await (const line of response.iterLines()) if (line.startsWith('data: ')) events.push(line.slice(6));
  assert.deepEqual(events, ['tick 1', 'tick 2', 'tick 3']);
});

test('bindings', async () => {
  const dispatch = new FetchDispatch({ app: createApp(), env: { GREETING: 'hello' } });
  const client = new Client({ dispatch, baseUrl: 'http://app.test' });
  assert.equal((await client.get('/binding')).text, 'hello');
});

test('an error of the app is the test’s error', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  await assert.rejects(client.get('/broken'), { message: 'out of order' });
});
