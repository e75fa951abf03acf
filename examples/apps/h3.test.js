/** The tests of an H3 app, and of a router as small as itty-router. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventStream, getCookie, H3, HTTPError, setCookie } from 'h3';
import { AutoRouter } from 'itty-router';
import { Client } from 'whippet';

/** What would be in `app.js`. */
function createApp() {
  const app = new H3({ silent: true });
  app.post('/login', async (event) => {
    setCookie(event, 'user', (await event.req.json()).name);
    return { ok: true };
  });
  app.get('/me', (event) => {
    const user = getCookie(event, 'user');
    if (user === undefined) throw new HTTPError({ status: 401, message: 'log in first' });
    return { user };
  });
  app.post('/photos', async (event) => {
    const form = await event.req.formData();
    return { name: form.get('photo').name, bytes: form.get('photo').size };
  });
  app.get('/events', async (event) => {
    const stream = createEventStream(event);
    for (let i = 1; i <= 3; i++) void stream.push(`tick ${i}`);
    return stream.send();
  });
  app.get('/broken', () => {
    throw new Error('out of order');
  });
  return app;
}

test('a session', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  assert.equal((await client.get('/me')).statusCode, 401);
  await client.post('/login', { json: { name: 'Ada' } });
  assert.deepEqual((await client.get('/me')).json(), { user: 'Ada' });
});

test('a file upload', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const photo = ['photo.png', new Uint8Array(1000), 'image/png'];
  assert.deepEqual((await client.post('/photos', { files: { photo } })).json(), {
    name: 'photo.png',
    bytes: 1000,
  });
});

test('server-sent events', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const response = await client.stream('GET', '/events');
  const events = [];
  for await (const line of response.iterLines()) {
    if (line.startsWith('data: ')) events.push(line.slice(6));
    if (events.length === 3) break;
  }
  assert.deepEqual(events, ['tick 1', 'tick 2', 'tick 3']);
});

test('an error of the app is the test’s error', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  await assert.rejects(client.get('/broken'), { message: 'out of order' });
});

test('itty-router', async () => {
  const router = AutoRouter().get('/hello/:name', ({ name }) => `Hello ${name}`);
  const client = new Client({ app: router, baseUrl: 'http://app.test' });
  assert.equal((await client.get('/hello/Ada')).json(), 'Hello Ada');
  assert.equal((await client.get('/nowhere')).statusCode, 404);
});
