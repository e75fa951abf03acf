/** The tests of a Fastify app: plugins are loaded by the first request, `inject()` is not needed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { Client, NodeDispatch } from 'whippet';

/** What would be in `app.js`. */
function createApp() {
  const app = fastify();
  const sessions = new Map();
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.register(async (api) => {
    api.post('/login', async (request, reply) => {
      const id = String(sessions.size + 1);
      sessions.set(id, request.body.name);
      reply.header('set-cookie', `session=${id}; HttpOnly`).code(204);
    });
    api.get('/me', async (request, reply) => {
      const user = sessions.get(/session=(\d+)/.exec(request.headers.cookie ?? '')?.[1]);
      return user === undefined ? reply.code(401).send({ error: 'log in first' }) : { user };
    });
    const schema = { querystring: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } };
    api.get('/double', { schema }, async (request) => ({ double: request.query.n * 2 }));
    api.put('/file', async (request) => {
      let bytes = 0;
      for await (const piece of request.body) bytes += piece.length;
      return { bytes };
    });
    api.get('/events', (request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 1; i <= 3; i++) reply.raw.write(`data: ${i}\n\n`);
    });
    api.get('/broken', async () => {
      throw new Error('out of order');
    });
  });
  return app;
}

test('a session', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  assert.equal((await client.get('/me')).statusCode, 401);
  await client.post('/login', { json: { name: 'Ada' } });
  assert.deepEqual((await client.get('/me')).json(), { user: 'Ada' });
});

test('validation answers, and is no error of the test', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  assert.deepEqual((await client.get('/double', { params: { n: 21 } })).json(), { double: 42 });
  const refused = await client.get('/double');
  assert.equal(refused.statusCode, 400);
  assert.equal(refused.json().code, 'FST_ERR_VALIDATION');
});

test('an upload from a stream', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  async function* content() {
    for (let i = 0; i < 10; i++) yield new Uint8Array(50_000);
  }
  const headers = { 'content-type': 'application/octet-stream' };
  assert.deepEqual((await client.put('/file', { content: content(), headers })).json(), { bytes: 500_000 });
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

test('an error of the app is the test’s error', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  await assert.rejects(client.get('/broken'), { message: 'out of order' });
});

test('… unless it is the answer that is of interest', async () => {
  const dispatch = new NodeDispatch({ app: createApp(), raiseAppExceptions: false });
  const client = new Client({ dispatch, baseUrl: 'http://app.test' });
  assert.equal((await client.get('/broken')).json().message, 'out of order');
});
