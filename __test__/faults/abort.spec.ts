/**
 * Whatever a call is about, wherever it has got to: an abort, close(), a body that is cancelled or forgotten ends it, once and for
 * good. Phases × ways × triggers, generated.
 */
import test, { type ExecutionContext } from 'ava';
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RequestOptions, Response } from '../../src/index.js';
import { eventually, soon } from '../helpers/client.js';
import { bodyOf, open, type World } from './kit.js';
import { arrives, descriptors, faultOf, PHASES } from './phases.js';

/** What ends the call; resolves when it has ended. */
type Trigger = (
  t: ExecutionContext,
  world: World,
  call: (options: RequestOptions) => Promise<Response>,
) => Promise<void>;

const REASON = new Error('the reason');

const SIGNALS: Record<string, Trigger> = {
  async 'a signal'(t, world, call) {
    const controller = new AbortController();
    const { signal } = controller;
    let settled = 0;
    const called = call({ signal }).then(
      async (response) => response.read(),
      (error: unknown) => error,
    );
    const ended = called.then(
      () => (settled += 1),
      (error: unknown) => {
        settled += 1;
        t.is(error, REASON);
      },
    );
    await arrives(world);
    controller.abort(REASON);
    await soon('the end', ended);
    t.is(settled, 1);
    t.is(getEventListeners(signal, 'abort').length, 0, 'no listener is left');
  },
  async 'a signal that is aborted in the same turn'(t, _world, call) {
    const controller = new AbortController();
    const called = call({ signal: controller.signal });
    controller.abort(REASON);
    t.is(
      await soon(
        'the end',
        called.catch((error: unknown) => error),
      ),
      REASON,
    );
    t.is(getEventListeners(controller.signal, 'abort').length, 0, 'no listener is left');
  },
};

const ENDS: Record<string, Trigger> = {
  async 'close()'(_t, _world, call) {
    await soon('the end', (await call({})).close());
  },
  async 'a loop that is left'(_t, _world, call) {
    for await (const _ of await call({})) break;
  },
  async 'cancel() of the web stream'(_t, _world, call) {
    await soon('the end', (await call({})).body?.cancel() ?? Promise.reject(new Error('there is no body')));
  },
  async 'a response that is forgotten'(_t, world, call) {
    await call({});
    await eventually('the response is collected', () => {
      collectGarbage();
      return world.client.pool.active === 0;
    });
  },
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

for (const phase of PHASES) {
  for (const way of phase.ways) {
    for (const [name, trigger] of Object.entries(phase.hasBody ? { ...SIGNALS, ...ENDS } : SIGNALS)) {
      test.serial(`${phase.name}, ${way}: ${name}`, async (t) => {
        const fault = faultOf(phase, way);
        const world = await open(t, fault, way);
        const { client, url, server, state } = world;
        if (fault.instead === undefined) t.is(bodyOf(await client.get(url)), 'whole');
        const before = descriptors();
        state.isFaulty = true;
        const held = phase.holds ? await client.stream('GET', url) : undefined;
        state.attempts = 0;
        const call = (options: RequestOptions): Promise<Response> =>
          phase.hasBody ? client.stream('GET', url, options) : client.get(url, options);
        await trigger(t, world, call);
        state.isFaulty = false;
        await held?.close();
        await eventually('nothing is active or waits', () => client.pool.active + client.pool.queued === 0);
        if (fault.instead === undefined) {
          t.is(bodyOf(await soon('the next request', client.get(url))), 'whole');
          await eventually('as many descriptors as before', () => descriptors() <= before);
        }
        await client.close();
        await eventually('no connection is open', () => server.openConnections() === 0);
      });
    }
  }
}
