/** What ends a request of a door: as a signal to those who ask for one, and to the network by a call. */
import test from 'ava';
import { createDispatcher } from '../../src/drop-in/undici.js';
import { createRequestHandler } from '../../src/drop-in/smithy.js';
import { Aborter } from '../../src/dispatch/aborter.js';
import { FollowingAborter } from '../../src/dispatch/following-aborter.js';
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

/** A signal of a package that has its own. */
class OwnSignal {
  aborted = false;
  reason: unknown;
  listeners = new Set<{ handleEvent(): void }>();
  addEventListener(_: string, listener: { handleEvent(): void }): void {
    this.listeners.add(listener);
  }
  removeEventListener(_: string, listener: { handleEvent(): void }): void {
    this.listeners.delete(listener);
  }
  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.listeners) listener.handleEvent();
  }
}

/** What is followed, and how it is aborted. */
const FOLLOWED: [title: string, make: () => [AbortSignal, (reason: unknown) => void]][] = [
  ['a signal', () => { const one = new AbortController(); return [one.signal, (reason) => one.abort(reason)]; }],
  ['another package’s signal', () => { const one = new OwnSignal(); return [one as unknown as AbortSignal, (reason) => one.abort(reason)]; }],
  ['an Aborter', () => { const one = new Aborter(); return [one.asSignal, (reason) => one.abort(reason)]; }],
]; // prettier-ignore

for (const [title, make] of FOLLOWED) {
  test(`what follows ${title} is aborted with it, and by itself`, (t) => {
    for (const isOwn of [false, true]) {
      const [followed, abort] = make();
      const follower = new FollowingAborter(followed);
      const told: string[] = [];
      listen(follower.asSignal, () => told.push('left'))();
      listen(follower.asSignal, () => told.push('told'));
      const { signal } = follower;
      t.true(signal instanceof AbortSignal);
      t.false(follower.aborted);
      if (isOwn) follower.abort('why');
      else abort('why');
      t.true(follower.aborted);
      t.is(follower.reason, 'why');
      t.is(signal.reason, 'why');
      t.deepEqual([...new Set(told)], ['told']);
      t.is(t.throws(() => follower.throwIfAborted(), { any: true }) as unknown, 'why');
    }
    const [followed, abort] = make();
    abort('before');
    const late = new FollowingAborter(followed);
    t.true(late.aborted && late.signal.aborted);
    t.is(late.signal.reason, 'before');
  });
}

test('nothing listens to a signal that is followed, while nothing listens to what follows it', (t) => {
  const signal = new OwnSignal();
  const follower = new FollowingAborter(signal as unknown as AbortSignal);
  t.is(signal.listeners.size, 0);
  const unlisten = listen(follower.asSignal, () => {});
  t.is(signal.listeners.size, 1);
  unlisten();
  t.is(signal.listeners.size, 0);
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
