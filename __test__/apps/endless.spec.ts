/**
 * What is in this process and never waits: an iterator, an app, a body made by hand, whose next piece is there at once, for ever. No
 * timer would ever fire between its microtasks. The total timeout ends it, and others have their turns meanwhile. How long anything
 * takes is not asserted.
 */
import test from 'ava';
import { gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { type Client, type ClientOptions, MockDispatch, Response, TotalTimeout } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const APP = 'http://app.test/';

async function* forEver(piece: string): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.from(piece);
}

function* atOnce(piece: string): Generator<Buffer> {
  for (;;) yield Buffer.from(piece);
}

function endless(piece: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
}

async function exhaust(pieces: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pieces);
}

const one = Buffer.from('x');
const answer = () => new globalThis.Response('whole');
const fetchApp = (headers: Record<string, string>, piece: Uint8Array) => ({
  app: () => new globalThis.Response(endless(piece), { headers }),
});
const coded = fetchApp({ 'content-encoding': 'gzip' }, gzipSync(''));
const byHand = (piece: string, headers: Record<string, string> = {}) => ({
  dispatch: new MockDispatch(() => new Response(200, { headers, content: forEver(piece) })),
});
const nodeApp = (_: unknown, response: ServerResponse) => {
  const write = () => {
    while (response.write('x'));
  };
  response.on('drain', write);
  write();
};
const recursing = (_: unknown, response: ServerResponse) => {
  const write = (error?: Error | null) => void (error ?? response.write('x', write));
  write();
};
const readsAll = async (request: Request) => {
  await exhaust(request.body as unknown as AsyncIterable<unknown>);
  return answer();
};

const CASES: [title: string, options: ClientOptions, call: (client: Client) => Promise<unknown>][] = [
  ['a fetch handler’s body', fetchApp({}, one), (client) => client.get(APP)],
  ['a fetch handler’s body, streamed', fetchApp({}, one), async (client) => (await client.stream('GET', APP)).read()],
  ['a fetch handler’s body of empty pieces', fetchApp({}, new Uint8Array()), (client) => client.get(APP)],
  ['a fetch handler’s body that decodes to nothing', coded, (client) => client.get(APP)],
  ['a Node app’s body', { app: nodeApp }, (client) => client.get(APP)],
  ['a Node app’s body, one write after the other', { app: recursing }, (client) => client.get(APP)],
  [
    'a Node app’s body, streamed',
    { app: nodeApp },
    async (client) => exhaust((await client.stream('GET', APP)).iterText()),
  ],
  ['a body made by hand', byHand('x'), (client) => client.get(APP)],
  ['lines', byHand('\n'), async (client) => exhaust((await client.stream('GET', APP)).iterLines())],
  ['JSON values', byHand('{}\n'), async (client) => exhaust((await client.stream('GET', APP)).iterJson())],
  [
    'comments of events',
    byHand(':\n', { 'content-type': 'text/event-stream' }),
    (client) => exhaust(client.events('GET', APP)),
  ],
  [
    'a body that a retry gives up',
    {
      dispatch: new MockDispatch(() => new Response(503, { content: forEver('') })),
      retries: { limit: 9, statusCodes: [503] },
    },
    (client) => client.get(APP),
  ],
  ['an iterable to a fetch handler', { app: readsAll }, (client) => client.post(APP, { content: forEver('x') })],
  ['an iterator to a fetch handler', { app: readsAll }, (client) => client.post(APP, { content: atOnce('x') })],
  [
    'an iterator to a Node app',
    { app: (request, response) => void request.pipe(response) },
    (client) => client.post(APP, { content: atOnce('x') }),
  ],
  [
    'a Node stream to a mock',
    { dispatch: new MockDispatch(() => new Response(200)) },
    (client) => client.post(APP, { content: Readable.from(forEver('')) }),
  ],
];

for (const [title, options, call] of CASES) {
  test.serial(`total: ${title}, without end`, async (t) => {
    const timeout = { connect: null, read: null, write: null, pool: null, total: 200 };
    const client = openClient(t, { ...options, timeout, maxResponseSize: null });
    const error = await failure(call(client));
    t.true(error instanceof TotalTimeout, String(error));
  });
}

test.serial('total: empty pieces of an upload, without end', async (t) => {
  const server = await serve(t, (request, response) => void request.resume().on('end', () => response.end()));
  for (const compress of [null, 'gzip'] as const) {
    const client = openClient(t, { timeout: { read: null, write: null, total: 200 }, compress });
    for (const content of [forEver(''), atOnce('')]) {
      const error = await failure(client.post(server.url, { content }));
      t.true(error instanceof TotalTimeout, String(error));
    }
  }
});

test.serial('others have their turns beside it', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = openClient(t);
  const mine = new AbortController();
  const endlessly = openClient(t, byHand('x')).get(APP, { signal: mine.signal, timeout: null });
  const ended = failure(endlessly);
  t.is((await client.get(server.url)).text, 'ok');
  mine.abort(new Error('enough'));
  t.is((await ended).message, 'enough');
});

test('a body made by hand that never goes on: total, and a signal', async (t) => {
  const hangs = { dispatch: new MockDispatch(() => new Response(200, { content: never() })) };
  async function* never(): AsyncGenerator<Buffer> {
    yield one;
    await new Promise(() => {});
  }
  const client = openClient(t, hangs);
  t.true((await failure(client.get(APP, { timeout: { total: 20 } }))) instanceof TotalTimeout);
  const response = await client.stream('GET', APP, { timeout: { total: 20 } });
  t.true((await failure(response.read())) instanceof TotalTimeout);
  const mine = new AbortController();
  const aborted = failure(client.get(APP, { signal: mine.signal }));
  setTimeout(() => mine.abort(new Error('mine')), 20);
  t.is((await aborted).message, 'mine');
});
