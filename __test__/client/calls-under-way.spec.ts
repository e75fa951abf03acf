/** What ends a call and what does not: `close()` in its midst, and the total timeout or a signal over a dispatch of the user's. */
import test, { type ExecutionContext } from 'ava';
import {
  type Client,
  ClientClosed,
  type ClientOptions,
  DigestAuth,
  type Dispatch,
  HTTPDispatch,
  Request,
  Response,
  TimeoutConfig,
  TotalTimeout,
} from '../../src/index.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const challenge = { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth"' };
type Answer = [status: number, headers?: Record<string, string>];

const GOING_ON: [title: string, first: Answer, options: ClientOptions][] = [
  ['a redirect', [302, { location: '/next' }], {}],
  ['a redirect, with a hook', [302, { location: '/next' }], { eventHooks: { response: [() => {}] } }],
  ['a challenge', [401, challenge], { auth: new DigestAuth('u', 'p') }],
  ['a retry', [503], { retries: { limit: 1, backoff: () => 0 } }],
];

for (const [title, [status, headers], options] of GOING_ON) {
  for (const streamed of [false, true]) {
    test(`close() while ${title} is answered${streamed ? ', streamed' : ''}: the call finishes`, async (t) => {
      const server = await serve(t, async (_, response) => {
        if (server.requests.length > 1) return response.end('ok');
        await client.close();
        return response.writeHead(status, headers).end();
      });
      const client = openClient(t, options);
      const response = await soon('the end', streamed ? client.stream('GET', server.url) : client.get(server.url));
      t.is(`${response.statusCode} ${String(await response.read())}`, '200 ok');
      t.true((await failure(client.get(server.url))) instanceof ClientClosed);
      await eventually('no connection is left', () => server.openConnections() === 0);
    });
  }
}

test('close() in a hook, of an app', async (t) => {
  const client: Client = openClient(t, {
    app: (request: globalThis.Request) =>
      new URL(request.url).pathname === '/'
        ? new globalThis.Response(null, { status: 302, headers: { location: '/next' } })
        : new globalThis.Response('ok'),
    eventHooks: { response: [() => client.close()] },
  });
  t.is(told(await client.get('/')), '200 ok');
  t.true((await failure(client.get('/'))) instanceof ClientClosed);
});

test('a dispatch that was closed refuses what is sent with it alone', async (t) => {
  const dispatch = new HTTPDispatch();
  await dispatch.close();
  const sent = dispatch.send(new Request('GET', 'http://127.0.0.1:1/'), { timeout: new TimeoutConfig(1000) });
  t.true((await failure(sent)) instanceof ClientClosed);
  t.true((await failure(openClient(t, { dispatch }).get('http://127.0.0.1:1/'))) instanceof ClientClosed);
});

// ── a dispatch that knows no time ──

/** Never answers, or never ends its body; keeps the signals that it was given. */
const deaf = (kind: 'head' | 'body', signals: AbortSignal[]): Dispatch => ({
  send: (_request: Request, { signal }) => {
    signals.push(signal as AbortSignal);
    if (kind === 'head') return new Promise<Response>(() => {});
    return Promise.resolve(new Response(200, { content: endless() }));
  },
});

async function* endless(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('some');
  await new Promise(() => {});
}

const WAYS: [title: string, options: ClientOptions][] = [
  ['alone', {}],
  ['with a hook', { eventHooks: { request: [() => {}], response: [] } }],
  ['with auth', { auth: ['u', 'p'] }],
  ['with retries', { retries: 2 }],
  ['as a mount', {}],
];

for (const [title, options] of WAYS) {
  for (const kind of ['head', 'body'] as const) {
    test(`total over a dispatch that never gives its ${kind}, ${title}`, async (t) => {
      const signals: AbortSignal[] = [];
      const client = clientOf(t, title, deaf(kind, signals), options);
      const error = await failure(soon('the timeout', client.get('http://h/', { timeout: { total: 50 } })));
      t.true(error instanceof TotalTimeout, String(error));
      t.is(reasonOf(error), 'TotalTimeout: http://h did not finish within 50 ms in all');
      t.is(signals.length, 1);
      t.true(signals[0].aborted);
    });

    test(`a signal over a dispatch that never gives its ${kind}, ${title}`, async (t) => {
      const signals: AbortSignal[] = [];
      const client = clientOf(t, title, deaf(kind, signals), options);
      const controller = new AbortController();
      const sent = client.get('http://h/', { signal: controller.signal });
      await eventually('it is sent', () => signals.length === 1);
      const mine = new Error('mine');
      controller.abort(mine);
      t.is(await failure(soon('the abort', sent)), mine);
      t.true(signals[0].aborted);
    });
  }
}

test('a response that comes too late is closed', async (t) => {
  let closed = false;
  let answer: (response: Response) => void = () => {};
  const dispatch = { send: () => new Promise<Response>((resolve) => (answer = resolve)) };
  const sent = openClient(t, { dispatch }).get('http://h/', { timeout: { total: 20 } });
  t.true((await failure(sent)) instanceof TotalTimeout);
  const late = new Response(200, {
    content: {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: Buffer.from('x') }),
        return: async () => ((closed = true), { done: true, value: undefined }),
      }),
    } as AsyncIterable<Uint8Array>,
  });
  const iterator = late.iterBytes();
  await iterator.next();
  answer(late);
  await eventually('it is closed', () => closed);
});

test('a dispatch in time is not disturbed, and no timer holds the process', async (t) => {
  const dispatch = { send: async () => new Response(200, { content: pieces() }) };
  const response = await openClient(t, { dispatch }).stream('GET', 'http://h/', { timeout: { total: 60_000 } });
  t.is(String(await response.read()), 'ab');
  t.false(process.getActiveResourcesInfo().includes('Timeout') && response.isClosed === false);
  t.true(response.isClosed);
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a');
  yield Buffer.from('b');
}

function clientOf(t: ExecutionContext, title: string, dispatch: Dispatch, options: ClientOptions): Client {
  return openClient(t, title === 'as a mount' ? { mounts: { 'all://': dispatch } } : { dispatch, ...options });
}
