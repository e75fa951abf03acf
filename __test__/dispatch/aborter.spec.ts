/** What ends a request of a door: as a signal to those who ask for one, and to the network by a call. */
import test from 'ava';
import { createDispatcher } from '../../src/drop-in/undici.js';
import { createRequestHandler } from '../../src/drop-in/smithy.js';
import { Aborter } from '../../src/dispatch/aborter.js';
import { listen } from '../../src/dispatch/shared-abort-listener.js';
import { Client, type ClientOptions, type Response } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

test('aborted once; who listens is told, who listened is not', (t) => {
  const aborter = new Aborter();
  const told: string[] = [];
  const stop = listen(aborter.asSignal, () => told.push('first'));
  listen(aborter.asSignal, () => told.push('second'));
  listen(aborter.asSignal, () => told.push('third'))();
  stop();
  listen(aborter.asSignal, () => told.push('fourth'));
  t.false(aborter.aborted);
  t.notThrows(() => aborter.throwIfAborted());
  aborter.abort('why');
  aborter.abort('another');
  t.deepEqual(told, ['fourth', 'second']);
  t.true(aborter.aborted);
  t.is(t.throws(() => aborter.throwIfAborted(), { any: true }) as unknown, 'why');
});

test('the signal is a real one, whenever it is asked for', (t) => {
  const aborter = new Aborter();
  const { signal } = aborter;
  const any = AbortSignal.any([signal]);
  aborter.abort('why');
  t.true(signal instanceof AbortSignal);
  t.is(any.reason, 'why');
  const late = new Aborter();
  late.abort('why');
  t.is(late.signal.reason, 'why');
});

for (const [title, options] of [
  ['a dispatch of the user’s', {}],
  ['one, and hooks, which wait themselves', { eventHooks: { response: [async () => {}] } }],
] satisfies [string, ClientOptions][]) {
  test(`a door over ${title}: the signal is an AbortSignal, and aborts`, async (t) => {
    let signal: AbortSignal | undefined;
    const dispatch = {
      send: (_: unknown, given: { signal?: AbortSignal }) => {
        ({ signal } = given);
        return new Promise<Response>(() => {});
      },
    };
    const client = new Client({ dispatch, ...options });
    t.teardown(() => client.close());
    const dispatcher = createDispatcher(client);
    const ending = new AbortController();
    const sent = dispatcher.request({
      origin: 'http://example.org',
      path: '/',
      method: 'GET',
      signal: ending.signal,
    } as never);
    await new Promise((resolve) => setImmediate(resolve));
    t.true(signal instanceof AbortSignal);
    ending.abort(new Error('enough'));
    await t.throwsAsync(sent, { message: 'enough' });
    t.true(signal?.aborted);
  });
}

test('aborted while a response hook waits, and while a body is read', async (t) => {
  const server = await serve(t, (_, response) => void response.write('a'));
  const ending = new AbortController();
  const client = openClient(t, {
    eventHooks: { response: [() => new Promise<void>(() => setImmediate(() => ending.abort()))] },
  });
  const handler = createRequestHandler(client);
  const { hostname, port } = new URL(server.url);
  const request = { method: 'GET', protocol: 'http:', hostname, port: Number(port), path: '/', headers: {} };
  await t.throwsAsync(handler.handle(request, { abortSignal: ending.signal }), { any: true, name: 'AbortError' });
  const reading = new AbortController();
  const { response } = await createRequestHandler(openClient(t)).handle(request, { abortSignal: reading.signal });
  setImmediate(() => reading.abort());
  await t.throwsAsync(response.body.toArray(), { any: true, name: 'AbortError' });
});
