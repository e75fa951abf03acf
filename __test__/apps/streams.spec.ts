/** Bodies over both kinds of app: piece by piece, in either direction. Their ends before time are in app-aborts.spec.ts. */
import test from 'ava';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { ResponseTooLarge, type Client, type RequestOptions } from '../../src/index.js';
import { fetchClient, nodeClient, source, turns, url } from '../helpers/apps.js';
import { gate, eventually, failure, soon } from '../helpers/client.js';

const KIB_64 = Buffer.alloc(64 * 1024, 'x');

async function all<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}

// ── the response ──

test('U18 node: pieces arrive as they are sent', async (t) => {
  const more = gate();
  const client = nodeClient(t, async (_, res) => {
    res.write('a');
    await more.promise;
    res.write('b');
    await turns();
    res.end('c');
  });
  const response = await client.stream('GET', url);
  const pieces = response.iterText();
  t.is((await pieces.next()).value, 'a');
  more.open();
  t.is((await pieces.next()).value, 'b');
  t.is((await pieces.next()).value, 'c');
  t.true((await pieces.next()).done);
});

test('U18 fetch: pieces arrive as they are sent', async (t) => {
  const more = gate();
  async function* body() {
    yield Buffer.from('a');
    await more.promise;
    yield Buffer.from('b');
  }
  const client = fetchClient(t, () => new Response(ReadableStream.from(body())));
  const response = await client.stream('GET', url);
  const pieces = response.iterText();
  t.is((await pieces.next()).value, 'a');
  more.open();
  t.is((await pieces.next()).value, 'b');
  t.true((await pieces.next()).done);
});

test('node: write() returns false while the body is unread, and drain comes once it is read', async (t) => {
  let written = 0;
  const client = nodeClient(t, async (_, res) => {
    for (let i = 0; i < 64; i++) {
      written += KIB_64.length;
      if (!res.write(KIB_64)) {
        if (!res.writableNeedDrain) t.fail();
        await once(res, 'drain');
        if (res.writableNeedDrain) t.fail();
      }
    }
    res.end();
  });
  const response = await client.stream('GET', url);
  await turns(20);
  t.true(written <= 2 * KIB_64.length, `${written} bytes were written ahead`);
  let read = 0;
  for await (const piece of response) {
    read += piece.length;
    if (written - read > 2 * KIB_64.length) t.fail();
  }
  t.is(read, 64 * KIB_64.length);
});

test('node: callbacks of writes and finish wait for the reader as well', async (t) => {
  const events: string[] = [];
  const client = nodeClient(t, (_, res) => {
    res.write(KIB_64, () => events.push('written'));
    res.end(KIB_64, () => events.push('finished'));
  });
  const response = await client.stream('GET', url);
  await turns(10);
  t.deepEqual(events, []);
  t.is((await response.read()).length, 2 * KIB_64.length);
  await turns();
  t.deepEqual(events, ['written', 'finished']);
});

test('fetch: the stream is pulled only when it is read', async (t) => {
  let pulled = 0;
  const body = new ReadableStream(
    {
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(10));
        if (pulled === 5) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const client = fetchClient(t, () => new Response(body));
  const response = await client.stream('GET', url);
  await turns(10);
  t.is(pulled, 0);
  const pieces = response.iterBytes();
  await pieces.next();
  await turns(10);
  t.is(pulled, 1);
  t.is((await all(pieces)).length, 4);
});

const ENCODED: [coding: string, body: Buffer][] = [
  ['gzip', gzipSync('text '.repeat(50_000))],
  ['br', brotliCompressSync('text '.repeat(50_000))],
];

for (const [coding, body] of ENCODED) {
  test(`${coding} of either kind is decoded, buffered and streamed, and raw if asked`, async (t) => {
    const headers = { 'content-encoding': coding, 'content-length': String(body.length) };
    const clients = [
      nodeClient(t, (_, res) => res.writeHead(200, headers).end(body)),
      fetchClient(t, () => new Response(new Uint8Array(body), { headers })),
    ];
    for (const client of clients) {
      const whole = await client.get(url);
      t.is(whole.text.length, 250_000);
      t.is(whole.numBytesDownloaded, body.length);
      const raw = await client.stream('GET', url);
      const pieces = await all(raw.iterRaw());
      t.deepEqual(Buffer.concat(pieces), body);
    }
  });
}

test('maxResponseSize counts in process, of what is decoded too', async (t) => {
  let closed = false;
  const endless = (_: IncomingMessage, res: ServerResponse) => {
    res.on('close', () => (closed = true));
    const write = () => {
      while (!res.destroyed && res.write(KIB_64));
      if (!res.destroyed) setImmediate(write);
    };
    write();
  };
  const bomb = gzipSync(Buffer.alloc(1 << 22));
  const limited = { maxResponseSize: 1 << 20 };
  const { NodeDispatch, FetchDispatch, Client } = await import('../../src/index.js');
  const dispatches = [
    new NodeDispatch({ app: (_, res) => res.end(Buffer.alloc((1 << 20) + 1)) }),
    new NodeDispatch({ app: (_, res) => res.setHeader('content-encoding', 'gzip').end(bomb) }),
    new FetchDispatch({ app: () => new Response(new Uint8Array((1 << 20) + 1)) }),
    new FetchDispatch({ app: () => new Response(new Uint8Array(bomb), { headers: { 'content-encoding': 'gzip' } }) }),
    new NodeDispatch({ app: endless }),
  ];
  for (const dispatch of dispatches) {
    const client = new Client({ dispatch, ...limited });
    t.true((await soon('an end', failure(client.get(url)))) instanceof ResponseTooLarge);
  }
  await eventually('the endless app is told', () => closed);
});

test('content has memory of its own', async (t) => {
  const shared = Buffer.from('shared');
  const clients = [nodeClient(t, (_, res) => res.end(shared)), fetchClient(t, () => new Response(shared))];
  for (const client of clients) {
    const { content } = await client.get(url);
    t.is(content.buffer.byteLength, content.length);
    content.fill('x');
    t.is(shared.toString(), 'shared');
  }
});

test('an app may use its buffer again as soon as write() has called back', async (t) => {
  const client = nodeClient(t, (_, res) => {
    const buffer = Buffer.from('first');
    res.write(buffer, () => {
      buffer.fill('-');
      res.end();
    });
  });
  t.is((await client.get(url)).text, 'first');
});

// ── the request's body ──

test('node: a streamed body is taken as the app reads it', async (t) => {
  const { state, content } = source(64);
  let read = 0;
  const client = nodeClient(t, async (req, res) => {
    await turns(20);
    if (state.taken > 2) t.fail(`${state.taken} pieces were taken ahead`);
    for await (const piece of req) {
      read += (piece as Buffer).length;
      if (state.taken * KIB_64.length - read > 2 * KIB_64.length) t.fail();
    }
    res.end(String(read));
  });
  t.is((await client.post(url, { content })).text, String(64 * KIB_64.length));
  t.is(state.returned, 1);
});

test('fetch: a streamed body is taken as the app reads it', async (t) => {
  const { state, content } = source(64);
  const client = fetchClient(t, async (request) => {
    await turns(20);
    if (state.taken > 1) t.fail(`${state.taken} pieces were taken ahead`);
    let read = 0;
    for await (const piece of request.body as ReadableStream<Uint8Array>) {
      read += piece.length;
      if (state.taken * KIB_64.length - read > 2 * KIB_64.length) t.fail();
    }
    return new Response(String(read));
  });
  t.is((await client.post(url, { content })).text, String(64 * KIB_64.length));
  t.is(state.returned, 1);
});

test('U13 node: pieces as they are sent, then the end', async (t) => {
  const client = nodeClient(t, (req, res) => {
    const seen: string[] = [];
    req.on('data', (piece: Buffer) => seen.push(piece.toString()));
    req.on('end', () => res.end(JSON.stringify([...seen, req.complete])));
  });
  const content = [Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')];
  t.deepEqual((await client.post(url, { content })).json(), ['a', 'b', true]);
});

test('a large piece reaches a Node app in small ones', async (t) => {
  const client = nodeClient(t, async (req, res) => {
    let largest = 0;
    for await (const piece of req) largest = Math.max(largest, (piece as Buffer).length);
    res.end(String(largest));
  });
  async function* content() {
    yield Buffer.alloc(1 << 20);
  }
  t.true(Number((await client.post(url, { content: content() })).text) <= 128 * 1024);
});

const ECHOES: [kind: string, open: (t: Parameters<typeof nodeClient>[0]) => Client][] = [
  ['node', (t) => nodeClient(t, (req, res) => void req.pipe(res))],
  ['fetch', (t) => fetchClient(t, (request) => new Response(request.body))],
];

for (const [kind, open] of ECHOES) {
  test(`${kind}: both directions at once`, async (t) => {
    const next = [gate<string>(), gate<string>(), gate<string>()];
    async function* content() {
      for (const { promise } of next) yield await promise;
    }
    next[0].open('one');
    const response = await open(t).stream('POST', url, { content: content() });
    const pieces = response.iterText();
    t.is((await soon('the first', pieces.next())).value, 'one');
    next[1].open('two');
    t.is((await soon('the second', pieces.next())).value, 'two');
    next[2].open('three');
    t.is((await soon('the third', pieces.next())).value, 'three');
    t.true((await pieces.next()).done);
  });

  test(`${kind}: a source that fails is the caller’s error, and the app is told`, async (t) => {
    const mine = new Error('mine');
    async function* content() {
      yield 'a';
      throw mine;
    }
    t.is(await failure(open(t).post(url, { content: content() })), mine);
  });

  test(`${kind}: a piece of no bytes is a TypeError`, async (t) => {
    const error = await failure(open(t).post(url, { content: [7] as never }));
    t.true(error instanceof TypeError);
  });

  test(`${kind}: progress of either direction`, async (t) => {
    const up: unknown[] = [];
    const down: number[] = [];
    const options: Pick<RequestOptions, 'onUploadProgress' | 'onDownloadProgress'> = {
      onUploadProgress: (sent, total) => up.push([sent, total]),
      onDownloadProgress: (received) => down.push(received),
    };
    await open(t).post(url, { content: [Buffer.alloc(10), Buffer.alloc(20)], ...options });
    t.deepEqual(up, [
      [10, null],
      [30, null],
    ]);
    t.is(down.at(-1), 30);
    up.length = 0;
    await open(t).post(url, { content: Buffer.alloc(5), ...options });
    t.deepEqual(up, [[5, 5]]);
  });
}

const REPLAYS: [what: string, content: () => RequestOptions['content']][] = [
  ['a Node stream', () => Readable.from([Buffer.from('a'), Buffer.from('b')])],
  ['a web stream', () => new Blob(['ab']).stream()],
  ['a Blob', () => new Blob(['ab'])],
  ['strings of a generator', () => (async function* () { yield 'a'; yield 'b'; })()], // prettier-ignore
];

for (const [what, content] of REPLAYS) {
  for (const [kind, open] of ECHOES) {
    test(`${kind}: ${what} as a body`, async (t) => {
      t.is((await open(t).post(url, { content: content() })).text, 'ab');
    });
  }
}

test('an answer before the upload’s end: it is delivered, and the source told once', async (t) => {
  const clients = [
    nodeClient(t, (_, res) => res.writeHead(413).end('too much')),
    fetchClient(t, (request) => {
      void request.body?.cancel();
      return new Response('too much', { status: 413 });
    }),
    fetchClient(t, () => new Response('too much', { status: 413 })),
    fetchClient(t, async (request) => {
      await request.body?.getReader().read();
      return new Response('too much', { status: 413 });
    }),
  ];
  for (const client of clients) {
    const { state, content } = source(1000);
    const response = await client.post(url, { content });
    t.is(response.statusCode, 413);
    t.is(response.text, 'too much');
    await turns();
    t.true(state.taken < 4);
    t.is(state.returned, state.taken === 0 ? 0 : 1);
  }
});
