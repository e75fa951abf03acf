/**
 * The tests of an Express app: a session, a file upload, server-sent events, an error. No port is opened.
 * `node --test examples/apps/` runs them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import compression from 'compression';
import express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import multer from 'multer';
import { Client, NodeDispatch } from 'whippet';

/** What would be in `app.js`. */
function createApp() {
  const app = express();
  app.use(helmet(), compression(), session({ secret: 'example', resave: false, saveUninitialized: false }));
  app.post('/login', express.json(), (req, res) => {
    req.session.user = req.body.name;
    res.json({ hello: req.body.name });
  });
  app.get('/me', (req, res) => {
    if (req.session.user === undefined) return res.status(401).json({ error: 'log in first' });
    res.json({ user: req.session.user });
  });
  app.post('/photos', multer().single('photo'), (req, res) => {
    res.status(201).json({ name: req.file.originalname, bytes: req.file.size, title: req.body.title });
  });
  app.get('/events', (req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-transform' });
    for (let i = 1; i <= 3; i++) res.write(`data: ${i}\n\n`);
    res.on('close', () => app.emit('listener left'));
  });
  app.get('/whoami', (req, res) => res.send(req.ip));
  app.get('/broken', () => {
    throw new Error('out of order');
  });
  return app;
}

test('a session', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  assert.equal((await client.get('/me')).statusCode, 401);
  await client.post('/login', { json: { name: 'Ada' } });

  const me = await client.get('/me');
  assert.deepEqual(me.raiseForStatus().json(), { user: 'Ada' });
});

test('a file upload', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const photo = ['photo.png', new Uint8Array(100_000), 'image/png'];
  const response = await client.post('/photos', { data: { title: 'A photo' }, files: { photo } });
  assert.equal(response.statusCode, 201);
  assert.deepEqual(response.json(), { name: 'photo.png', bytes: 100_000, title: 'A photo' });
});

test('server-sent events, until we have heard enough', async () => {
  const app = createApp();
  const left = new Promise((resolve) => app.once('listener left', resolve));
  const client = new Client({ app, baseUrl: 'http://app.test' });

  const response = await client.stream('GET', '/events');
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const events = [];
  for await (const line of response.iterLines()) {
    if (line.startsWith('data: ')) events.push(line.slice(6));
    if (events.length === 3) break; // closes the response
  }
  assert.deepEqual(events, ['1', '2', '3']);
  await left;
});

test('what the middleware does: compressed, and with helmet’s headers', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  const response = await client.get('/whoami');
  assert.equal(response.text, '127.0.0.1');
  assert.equal(response.headers.get('x-powered-by'), undefined);
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
});

test('a client address', async () => {
  const dispatch = new NodeDispatch({ app: createApp(), remoteAddr: '1.2.3.4' });
  const client = new Client({ dispatch, baseUrl: 'http://app.test' });
  assert.equal((await client.get('/whoami')).text, '1.2.3.4');
});

test('an error of the app is the test’s error', async () => {
  const client = new Client({ app: createApp(), baseUrl: 'http://app.test' });
  await assert.rejects(client.get('/broken'), { message: 'out of order' });
});

test('… unless it is the answer that is of interest', async () => {
  const app = createApp().set('env', 'test'); // Express writes no stack to the console then.
  const dispatch = new NodeDispatch({ app, raiseAppExceptions: false });
  const client = new Client({ dispatch, baseUrl: 'http://app.test' });
  assert.equal((await client.get('/broken')).statusCode, 500);
});
