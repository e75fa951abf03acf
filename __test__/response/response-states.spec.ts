/** What may be done with a response in which state (httpx.md 7.4). */
import test, { type ExecutionContext } from 'ava';
import { Response, ResponseNotRead, StreamClosed, StreamConsumed } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

const USES: Record<string, (response: Response) => unknown> = {
  'read()': async (response) => String(await response.read()),
  content: (response) => String(response.content),
  text: (response) => response.text,
  'json()': (response) => String(response.json()),
  'iterBytes()': async (response) => (await all(response.iterBytes())).join(''),
  'iterText()': async (response) => (await all(response.iterText())).join(''),
  'iterLines()': async (response) => (await all(response.iterLines())).join(''),
  'iterJson()': async (response) => (await all(response.iterJson())).join(''),
  'events()': async (response) => `123${(await all(response.events())).join('')}`,
  'iterRaw()': async (response) => (await all(response.iterRaw())).join(''),
  body: async (response) =>
    (await all(response.body as unknown as AsyncIterable<Uint8Array>)).map((b) => Buffer.from(b)).join(''),
  'for await': async (response) => (await all(response)).join(''),
};
const ITERATORS = ['iterBytes()', 'iterText()', 'iterLines()', 'iterJson()', 'events()', 'body', 'for await'];
const VALUES = ['content', 'text', 'json()'];

type Outcome = string | (new (...args: never[]) => Error);
const STATES: [
  state: string,
  prepare: (response: Response) => unknown,
  outcomes: [uses: string[], outcome: Outcome][],
][] = [
  [
    'unread',
    () => {},
    [
      [['read()', 'iterRaw()', ...ITERATORS], '123'],
      [VALUES, ResponseNotRead],
    ],
  ],
  [
    'after read()',
    (response) => response.read(),
    [
      [['read()', ...ITERATORS, ...VALUES], '123'],
      [['iterRaw()'], StreamConsumed],
    ],
  ],
  [
    'after iterating',
    (response) => all(response.iterBytes()),
    [
      [['read()', 'iterRaw()', ...ITERATORS], StreamConsumed],
      [VALUES, ResponseNotRead],
    ],
  ],
  [
    'after iterating in part',
    async (response) => {
      for await (const _ of response) break;
    },
    [
      [['read()', 'iterRaw()', ...ITERATORS], StreamConsumed],
      [VALUES, ResponseNotRead],
    ],
  ],
  [
    'closed unread',
    (response) => response.close(),
    [
      [['read()', 'iterRaw()', ...ITERATORS], StreamClosed],
      [VALUES, ResponseNotRead],
    ],
  ],
];

for (const [state, prepare, outcomes] of STATES) {
  for (const [uses, outcome] of outcomes) {
    for (const use of uses) {
      test(`states: ${use} ${state} is ${typeof outcome === 'string' ? 'fine' : outcome.name}`, async (t) => {
        for (const response of [streamed(['1', '23']), await overTheWire(t)]) {
          await prepare(response);
          const run = async (): Promise<unknown> => USES[use](response);
          if (typeof outcome === 'string') t.is(await run(), outcome);
          else {
            const error = await failure(run());
            t.true(error instanceof outcome);
            t.true(error.message.startsWith(`${use === 'for await' ? 'iterBytes()' : use}: `), error.message);
          }
        }
      });
    }
  }
}

test('states: isClosed, isStreamConsumed and numBytesDownloaded along the way', async (t) => {
  const response = await overTheWire(t);
  const seen = () => [response.isClosed, response.isStreamConsumed, response.numBytesDownloaded];
  t.deepEqual(seen(), [false, false, 0]);
  t.is(response.trailers.size, 0);
  t.true(response.elapsed > 0);
  await response.read();
  t.deepEqual(seen(), [true, true, 3]);
  t.true(response.elapsedTotal >= response.elapsed);
  t.is(await response.read(), response.content, 'the same bytes each time');
});

test('body: cancelled before it is begun, or later, it closes the response', async (t) => {
  const unbegun = await overTheWire(t);
  await unbegun.body.cancel();
  t.true(unbegun.isClosed);
  const begun = await overTheWire(t);
  const reader = begun.body.getReader();
  await reader.read();
  await reader.cancel();
  t.true(begun.isClosed);
});

test('SEC-N1 the bytes of a small body share no memory with others', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n123');
  const { content } = await openClient(t).get(server.url);
  t.is(content.buffer.byteLength, 3);
});

function streamed(pieces: (string | Uint8Array)[], headers = {}): Response {
  async function* content() {
    for (const piece of pieces) yield Buffer.from(piece as string);
  }
  return new Response(200, { content: content(), headers });
}

async function overTheWire(t: ExecutionContext): Promise<Response> {
  const server = await serveRaw(
    t,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n2\r\n23\r\n0\r\n\r\n',
  );
  return openClient(t).stream('GET', server.url);
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
