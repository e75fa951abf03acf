/** Both kinds of app when a request is aborted or times out, and whose AsyncLocalStorage is seen where. */
import test from 'ava';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ReadTimeout, TotalTimeout, WriteTimeout, type Client, type RequestOptions } from '../../src/index.js';
import { fetchClient, nodeClient, source, turns, url } from '../helpers/apps.js';
import { run, start } from '../helpers/child.js';
import { gate, eventually, failure, reasonOf, soon } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';

const KIB_64 = Buffer.alloc(64 * 1024, 'x');

const ECHOES: ((t: Parameters<typeof nodeClient>[0]) => Client)[] = [
  (t) => nodeClient(t, (req, res) => void req.pipe(res)),
  (t) => fetchClient(t, (request) => new Response(request.body)),
];

// ── the end of patience ──

const SLOW: [what: string, client: (t: Parameters<typeof nodeClient>[0]) => Client][] = [
  ['node, before the head', (t) => nodeClient(t, () => {})],
  ['node, behind the head', (t) => nodeClient(t, (_, res) => res.flushHeaders())],
  ['fetch, before the head', (t) => fetchClient(t, () => new Promise<Response>(() => {}))],
  ['fetch, behind the head', (t) => fetchClient(t, () => new Response(new ReadableStream({})))],
];

for (const [what, open] of SLOW) {
  test(`${what}: read and total, buffered and streamed`, async (t) => {
    const client = open(t);
    const streamed = async (timeout: RequestOptions['timeout']) => {
      await using response = await client.stream('GET', url, { timeout });
      await response.read();
    };
    for (const ask of [(timeout: RequestOptions['timeout']) => client.get(url, { timeout }), streamed]) {
      t.true((await soon('an end', failure(ask({ read: 20 })))) instanceof ReadTimeout);
      const error = await soon('an end', failure(ask({ read: null, total: 20 })));
      t.true(error instanceof TotalTimeout);
      t.is(reasonOf(error).split(' (')[0], 'TotalTimeout: http://example did not finish within 20 ms in all');
    }
  });
}

test('node: an app that does not take the body runs into the write timeout', async (t) => {
  const { state, content } = source(1000);
  const client = nodeClient(t, () => {});
  const error = await failure(client.post(url, { content, timeout: { write: 20, read: null } }));
  t.true(error instanceof WriteTimeout);
  await turns();
  t.is(state.returned, 1);
});

test('a reader that takes its time is no silence of the app', async (t) => {
  const client = nodeClient(t, (_, res) => (res.write('a'), res.end('b')));
  const response = await client.stream('GET', url, { timeout: { read: 20 } });
  const pieces = response.iterText();
  await pieces.next();
  await new Promise((resolve) => setTimeout(resolve, 60));
  t.is((await pieces.next()).value, 'b');
});

test('a slow source is no silence of the app', async (t) => {
  async function* content() {
    await new Promise((resolve) => setTimeout(resolve, 60));
    yield 'late';
  }
  for (const open of ECHOES) {
    t.is((await open(t).post(url, { content: content(), timeout: { read: 20 } })).text, 'late');
  }
});

test('a busy event loop is no silence of the app, before it is called or after', async (t) => {
  const busy = (ms: number) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  const clients = [
    nodeClient(t, (_, res) => void turns(1).then(() => res.end('answered'))),
    nodeClient(t, (_, res) => void turns(5).then(() => res.end('answered'))),
    fetchClient(t, () => turns(1).then(() => new Response('answered'))),
    fetchClient(t, () => turns(5).then(() => new Response('answered'))),
  ];
  for (const client of clients) {
    busy(60);
    const sent = client.get(url, { timeout: { read: 20 } });
    busy(60);
    t.is((await sent).text, 'answered');
  }
});

// ── aborts ──

test('an aborted signal: the app is not called', async (t) => {
  const reason = new Error('mine');
  const signal = AbortSignal.abort(reason);
  const clients = [nodeClient(t, () => t.fail()), fetchClient(t, () => (t.fail(), new Response()))];
  for (const client of clients) t.is(await failure(client.get(url, { signal })), reason);
});

test('node: an abort before the head closes request and response', async (t) => {
  const events: string[] = [];
  const called = gate();
  const client = nodeClient(t, (req, res) => {
    for (const name of ['aborted', 'close', 'error'])
      req.on(name, (error?: Error) => events.push(`req ${name} ${(error as NodeJS.ErrnoException | undefined)?.code}`));
    for (const name of ['close', 'finish', 'error']) res.on(name, () => events.push(`res ${name} ${res.destroyed}`));
    req.socket.on('close', () => events.push('socket close'));
    called.open();
  });
  const controller = new AbortController();
  const sent = failure(client.get(url, { signal: controller.signal }));
  await called.promise;
  controller.abort();
  t.is((await sent).name, 'AbortError');
  await turns();
  const expected = [
    'req aborted undefined',
    'req close undefined',
    'req error ECONNRESET',
    'res close true',
    'socket close',
  ];
  t.deepEqual(events.toSorted(), expected);
});

test('fetch: an abort is seen on the request’s signal, with its reason', async (t) => {
  const reasons: unknown[] = [];
  const called = gate();
  const client = fetchClient(t, (request) => {
    request.signal.addEventListener('abort', () => reasons.push(request.signal.reason));
    called.open();
    return new Promise<Response>(() => {});
  });
  const controller = new AbortController();
  const sent = failure(client.get(url, { signal: controller.signal }));
  await called.promise;
  controller.abort('enough');
  t.is((await sent) as unknown, 'enough');
  t.deepEqual(reasons, ['enough']);
});

const COPIES: Record<string, (request: Request) => AbortSignal> = {
  'a clone': (request) => request.clone().signal,
  'a clone of a clone': (request) => request.clone().clone().signal,
  'a new Request of it': (request) => new Request(request).signal,
  'a new Request of it with another URL': (request) => new Request('http://other/', request).signal,
  'a new Request of a clone': (request) => new Request(request.clone()).signal,
};

for (const [what, copy] of Object.entries(COPIES)) {
  test(`fetch: an abort is seen on the signal of ${what}`, async (t) => {
    const { promise, open } = gate<Request>();
    const { promise: aborted, open: abort } = gate<unknown>();
    const app = async (request: Request) => {
      const signal = copy(request);
      signal.addEventListener('abort', () => abort(signal.reason));
      open(request);
      return new Promise<Response>(() => {});
    };
    const controller = new AbortController();
    const sent = failure(fetchClient(t, app).post(url, { content: 'body', signal: controller.signal }));
    const request = await promise;
    const reason = new Error('enough');
    controller.abort(reason);
    await sent;
    t.is(await soon('an abort', aborted), reason);
    t.is(request.signal.reason, reason);
    if (!request.bodyUsed) t.true(copy(request).aborted, 'and of what is copied later');
  });
}

test('fetch: the upstream of fetch(request) is told', async (t) => {
  let closed = 0;
  const server = await listen(
    t,
    createServer((req) => void req.on('close', () => closed++)),
    'http',
    [],
  );
  const arrived = new Promise((resolve) => server.server.once('request', resolve));
  // Kept, as the platform follows signals by weak references.
  const onward: Request[] = [];
  const client = fetchClient(t, (request) => {
    onward.push(new Request(server.url, request));
    return fetch(onward[0]);
  });
  const controller = new AbortController();
  const sent = failure(client.get(url, { signal: controller.signal }));
  await arrived;
  controller.abort();
  await sent;
  await eventually('the upstream sees a close', () => closed === 1);
  t.true(onward[0].signal.aborted);
});

test('fetch: a signal that is first looked at when it is over', async (t) => {
  let request: Request | undefined;
  const client = fetchClient(t, (given) => {
    request = given;
    return new Promise<Response>(() => {});
  });
  await failure(client.get(url, { signal: AbortSignal.timeout(10) }));
  t.is((request as Request).signal.reason.name, 'TimeoutError');
});

const ENDINGS: [how: string, end: (client: Client) => Promise<unknown>][] = [
  ['close()', async (client) => (await client.stream('GET', url)).close()],
  [
    'close() while it is read',
    async (client) => {
      const response = await client.stream('GET', url);
      const pieces = response.iterBytes();
      await pieces.next();
      const waiting = failure(pieces.next());
      await response.close();
      await waiting;
    },
  ],
  [
    'breaking off a loop',
    async (client) => {
      for await (const _ of await client.stream('GET', url)) break;
    },
  ],
  [
    'cancelling its web stream',
    async (client) => {
      const response = await client.stream('GET', url);
      await response.body.cancel();
    },
  ],
  [
    'a signal',
    async (client) => {
      const controller = new AbortController();
      const response = await client.stream('GET', url, { signal: controller.signal });
      const reading = failure(response.read());
      controller.abort();
      await reading;
    },
  ],
  ['the read timeout', async (client) => failure(client.get(url, { timeout: { read: 20 } }))],
];

for (const [how, end] of ENDINGS) {
  test(`node: ${how} ends a response under way, and the app sees it close`, async (t) => {
    let closed = 0;
    const client = nodeClient(t, (_, res) => {
      res.write('event: 1\n\n');
      res.on('close', () => closed++);
    });
    await soon('an end', end(client));
    await eventually('close', () => closed === 1);
    await turns();
    t.is(closed, 1);
  });

  test(`fetch: ${how} ends a response under way, and its source is cancelled`, async (t) => {
    let cancelled = 0;
    const client = fetchClient(t, () => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('event: 1\n\n')),
        cancel: () => void cancelled++,
      });
      return new Response(body);
    });
    await soon('an end', end(client));
    await eventually('cancel', () => cancelled === 1);
    await turns();
    t.is(cancelled, 1);
  });
}

test('a response that comes after the timeout is cancelled', async (t) => {
  let cancelled = false;
  const late = gate<Response>();
  const client = fetchClient(t, () => late.promise);
  await failure(client.get(url, { timeout: { read: 10 } }));
  late.open(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
  await turns();
  t.true(cancelled);
});

test('U10 a Node app goes on writing when the client is gone: no error, no hang', async (t) => {
  const done = gate<string>();
  const client = nodeClient(t, async (_, res) => {
    res.write('a');
    await once(res, 'close');
    res.write('b');
    res.end('c');
    await turns();
    done.open('fine');
  });
  const response = await client.stream('GET', url);
  await response.close();
  t.is(await soon('the app’s end', done.promise), 'fine');
});

// ── AsyncLocalStorage ──

const storage = new AsyncLocalStorage<string>();

test('the caller’s AsyncLocalStorage is the app’s, and kept behind the answer', async (t) => {
  const seen: (string | undefined)[] = [];
  const note = () => seen.push(storage.getStore());
  const clients = [
    nodeClient(t, async (req, res) => {
      note();
      for await (const _ of req) note();
      res.on('close', note);
      res.end('x', note);
    }),
    fetchClient(t, async (request) => {
      note();
      await request.text();
      note();
      return new Response('x');
    }),
  ];
  for (const client of clients) {
    await storage.run('caller', async () => {
      await client.post(url, { content: 'body' }).then(note);
      const response = await client.stream('POST', url, { content: 'body' });
      for await (const _ of response) note();
    });
  }
  await turns();
  t.true(seen.length > 10);
  t.deepEqual([...new Set(seen)], ['caller']);
});

test('what waits for a reader goes on in the app’s AsyncLocalStorage, not in the reader’s', async (t) => {
  const seen: (string | undefined)[] = [];
  const client = nodeClient(t, (req, res) =>
    storage.run('app', () => {
      res.write(KIB_64, () => seen.push(storage.getStore()));
      res.once('drain', () => (seen.push(storage.getStore()), res.end()));
      req.on('close', () => {});
    }),
  );
  const response = await storage.run('caller', () => client.stream('GET', url));
  await storage.run('reader', () => response.read());
  t.deepEqual(seen, ['app', 'app']);
});

test('an abort reaches the app in the caller’s AsyncLocalStorage', async (t) => {
  const seen: (string | undefined)[] = [];
  const client = nodeClient(t, (_, res) => void res.on('close', () => seen.push(storage.getStore())));
  const controller = new AbortController();
  const sent = storage.run('caller', () => failure(client.get(url, { signal: controller.signal })));
  await turns();
  storage.run('the caller', () => controller.abort());
  await sent;
  await eventually('close', () => seen.length === 1);
  t.deepEqual(seen, ['caller']);
});

test('a source runs in the caller’s AsyncLocalStorage, wherever it is read', async (t) => {
  const seen: (string | undefined)[] = [];
  async function* content() {
    for (let i = 0; i < 8; i++) {
      seen.push(storage.getStore());
      yield KIB_64;
    }
  }
  const client = nodeClient(t, (req, res) =>
    storage.run('app', async () => {
      for await (const _ of req);
      res.end();
    }),
  );
  await storage.run('caller', () => client.post(url, { content: content() }));
  t.deepEqual([...new Set(seen)], ['caller']);
});

test('a streamed body when the client gives up: the source is told once', async (t) => {
  const clients = [
    nodeClient(t, (req) => void req.resume()),
    fetchClient(t, async (request) => {
      await request.body?.getReader().read();
      return new Promise<Response>(() => {});
    }),
  ];
  for (const client of clients) {
    const controller = new AbortController();
    const { state, content } = source(Infinity);
    const sent = failure(client.post(url, { content, signal: controller.signal }));
    await eventually('a first piece', () => state.taken > 0);
    controller.abort();
    await sent;
    await eventually('the end of the source', () => state.returned === 1);
    const { taken } = state;
    await turns(10);
    t.is(state.taken, taken);
  }
});

test('fetch: reading the request when the response is whole is an error, and no hang', async (t) => {
  let later: Promise<unknown> | undefined;
  const client = fetchClient(t, (request) => {
    later = turns(10).then(() => failure(request.text()));
    return new Response('early');
  });
  t.is((await client.post(url, { content: source(3).content })).text, 'early');
  t.regex(String(await later), /The response is whole/);
});

test('node: what an app does to its socket behind its response does no harm', async (t) => {
  const apps = [
    (req: IncomingMessage, res: ServerResponse) => void res.on('close', () => req.socket.destroy()).end('whole'),
    (req: IncomingMessage, res: ServerResponse) => void res.on('finish', () => req.destroy()).end('whole'),
    (req: IncomingMessage, res: ServerResponse) => (res.end('whole'), void req.socket.destroy()),
    (_: IncomingMessage, res: ServerResponse) => (res.end('whole'), void res.destroy()),
    (_: IncomingMessage, res: ServerResponse) => void res.writeHead(200).end('whole').socket?.end(),
  ];
  for (const app of apps) {
    t.is((await nodeClient(t, app).get(url)).text, 'whole');
    const response = await nodeClient(t, app).stream('GET', url);
    t.is((await response.read()).toString(), 'whole');
  }
});

test('node: timeouts that an app has set end with its response; who listens to the socket sees it close', async (t) => {
  const seen: string[] = [];
  const client = nodeClient(t, (req, res) => {
    res.setTimeout(10, () => seen.push('timeout'));
    req.socket.on('close', () => seen.push('close'));
    res.end();
  });
  await client.get(url);
  await new Promise((resolve) => setTimeout(resolve, 40));
  t.deepEqual(seen, ['close']);
});

test('N1 streamed responses collected unread and unclosed: their apps are told', async (t) => {
  const program = `
    const counts = { closed: 0, cancelled: 0 };
    const node = new whippet.Client({ app: (req, res) => res.on('close', () => counts.closed++).write('x') });
    const pull = (controller) => controller.enqueue(new Uint8Array(10));
    const cancel = () => void counts.cancelled++;
    const fetched = new whippet.Client({ app: () => new Response(new ReadableStream({ pull, cancel })) });
    for (let i = 0; i < 50; i++) {
      await node.stream('GET', 'http://example/');
      await fetched.stream('GET', 'http://example/');
    }
    while (counts.closed + counts.cancelled < 100) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    console.log('all');
  `;
  const running = start(t, program, {}, ['--expose-gc']);
  await running.printed('all');
  t.is((await running.ended).code, 0);
});

test('an unfinished exchange with an app holds the process no longer than its timeout', async (t) => {
  const program = `
    const client = new whippet.Client({ app: (req, res) => {}, timeout: { read: 20 } });
    console.log(await client.get('http://example/').catch((error) => error.name));
  `;
  t.is(await run(t, program), 'ReadTimeout\n');
});
