/** Requests of the doors that are made in one turn of the event loop, and go to the I/O thread together. */
import test from 'ava';
import { createDispatcher } from '../../src/drop-in/undici.js';
import { Client } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

test('requests of one turn arrive in their order, and one that is aborted in it does not', async (t) => {
  const seen: string[] = [];
  const server = await serve(t, (request, response) => {
    seen.push(request.url as string);
    response.end('ok');
  });
  const client = openClient(t, { poolLimits: { maxConnections: 1 } });
  await client.fetch(server.url);
  const ending = new AbortController();
  const paths = Array.from({ length: 20 }, (_, at) => `/${at}`);
  const sent = paths.map((path, at) => {
    const url = new URL(path, server.url);
    if (at === 12) return client.fetch(url, { method: 'POST', body: 'x' });
    return client.fetch(url, at === 5 ? { signal: ending.signal } : {});
  });
  // Those that are not held up by anything are sent by now, this one waits for the others of its turn.
  ending.abort(new Error('enough'));
  const results = await Promise.allSettled(sent.map(async (one) => (await one).text()));
  t.deepEqual(
    results.flatMap(({ status }, at) => (status === 'rejected' ? [at] : [])),
    [5],
  );
  t.deepEqual(
    seen.slice(1),
    paths.filter((_, at) => at !== 5),
  );
});

test('a client that is closed in the turn of its requests: they are answered', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = new Client();
  const sent = Array.from({ length: 5 }, () => client.fetch(server.url));
  await Promise.resolve();
  const closed = client.close();
  const texts = await Promise.all(sent.map(async (one) => (await one).text()));
  await closed;
  t.deepEqual(texts, ['ok', 'ok', 'ok', 'ok', 'ok']);
});

test('a request behind another one of its turn goes out, though nothing else happens', async (t) => {
  const dispatcher = createDispatcher();
  t.teardown(() => dispatcher.destroy());
  // Nothing listens on the port of discard.
  const sent = [1, 2].map(() => dispatcher.request({ origin: 'http://127.0.0.1:9', path: '/', method: 'GET' }));
  const results = await Promise.allSettled(sent);
  t.deepEqual(
    results.map((result) => (result as PromiseRejectedResult).reason.code),
    ['ECONNREFUSED', 'ECONNREFUSED'],
  );
});
