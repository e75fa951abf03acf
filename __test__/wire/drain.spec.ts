/**
 * What happened comes up in batches. What one listener throws fails its own request; the others of the batch settle, the records
 * behind it are read, and the process knows of no uncaught exception (AVA fails a file that has one).
 */
import test, { type ExecutionContext } from 'ava';
import type { ServerResponse } from 'node:http';
import { Client, MockDispatch, Response } from '../../src/index.js';
import { eventually, openClient, soon } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const reason = new Error('from a method of the signal');

/** A signal of the user's own making, as libraries wrap them, of which one member throws. */
function badSignal(member: 'addEventListener' | 'removeEventListener' | 'reason'): AbortSignal & { fire(): void } {
  const target = new EventTarget();
  const signal = {
    aborted: false,
    reason: undefined,
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
    fire: () => target.dispatchEvent(new Event('abort')),
  };
  const throws = (): never => {
    throw reason;
  };
  if (member === 'reason') Object.defineProperty(signal, 'reason', { get: throws });
  else signal[member] = throws;
  return signal as unknown as AbortSignal & { fire(): void };
}

/** A server that answers all at once, when it is let. */
async function holding(t: ExecutionContext): Promise<{ url: string; waiting: ServerResponse[]; release(): void }> {
  const waiting: ServerResponse[] = [];
  const { url } = await serve(t, (_, response) => void waiting.push(response));
  return { url, waiting, release: () => waiting.forEach((response) => response.end('ok')) };
}

for (const stream of [false, true]) {
  test(`a signal whose removeEventListener throws, ${stream ? 'streamed' : 'whole'}: its request fails, the others settle`, async (t) => {
    const server = await holding(t);
    const client = openClient(t);
    const one = async (signal?: AbortSignal): Promise<unknown> => {
      const response = await client.stream('GET', server.url, { signal });
      return (await response.read()).toString();
    };
    const whole = async (signal?: AbortSignal): Promise<unknown> => (await client.get(server.url, { signal })).text;
    const ask = stream ? one : whole;
    const bad = [ask(badSignal('removeEventListener')), ask(badSignal('removeEventListener'))];
    const good = [ask(), ask(), ask()];
    const calls = Promise.allSettled([bad[0], good[0], bad[1], good[1], good[2]]);
    await eventually('all are asked for', () => server.waiting.length === 5);
    server.release();
    const results = await soon('all settle', calls);
    t.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason)),
      [reason, 'ok', reason, 'ok', 'ok'],
    );
    t.is(client.pool.active, 0);
  });
}

test('a signal whose addEventListener throws: its request fails at once', async (t) => {
  const server = await holding(t);
  const client = openClient(t);
  const [result] = await Promise.allSettled([client.get(server.url, { signal: badSignal('addEventListener') })]);
  t.is(result.status === 'rejected' && result.reason, reason);
  await eventually('its connection is given up', () => client.pool.active === 0);
});

test('a signal whose reason throws: each request that shares it is aborted', async (t) => {
  const server = await holding(t);
  const client = openClient(t);
  const signal = badSignal('reason');
  const calls = Promise.allSettled([1, 2, 3].map(() => client.get(server.url, { signal })));
  await eventually('all are asked for', () => server.waiting.length === 3);
  signal.fire();
  const results = await soon('all settle', calls);
  t.true(results.every((result) => result.status === 'rejected' && result.reason === reason));
});

test('the same signals with an answer of this process', async (t) => {
  const client = new Client({ dispatch: new MockDispatch(() => new Response(200)) });
  for (const member of ['addEventListener', 'removeEventListener'] as const) {
    const [result] = await Promise.allSettled([client.get('http://mock.test/', { signal: badSignal(member) })]);
    t.is(result.status === 'rejected' && result.reason, reason, member);
  }
  t.is((await client.get('http://mock.test/')).statusCode, 200);
});

test.serial('whatever else throws while a batch is read: its request fails, the others settle', async (t) => {
  const server = await holding(t);
  const client = openClient(t);
  // Streamed: of these the registry knows, so that it is asked when their bodies end.
  const read = async () => (await client.stream('GET', server.url)).read();
  const responses = Promise.allSettled(Array.from({ length: 4 }, read));
  await eventually('all are asked for', () => server.waiting.length === 4);
  const registry: { unregister: (token: WeakKey) => boolean } = FinalizationRegistry.prototype;
  const { unregister } = registry;
  let calls = 0;
  registry.unregister = function (token) {
    if (++calls === 1) throw reason;
    return unregister.call(this, token);
  };
  try {
    server.release();
    const results = await soon('all settle', responses);
    t.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  } finally {
    registry.unregister = unregister;
  }
  const again = client.get(server.url);
  await eventually('it is asked for', () => server.waiting.length === 5);
  server.release();
  t.is((await again).statusCode, 200);
});
