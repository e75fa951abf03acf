/** Worker threads, copies of the addon, asynchronous context, and a polluted prototype. */
import test, { type ExecutionContext } from 'ava';
import { AsyncLocalStorage } from 'node:async_hooks';
import { cp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { endsWith, packageUrl, run, startBare, withArgs } from '../helpers/child.js';
import { openClient } from '../helpers/client.js';
import { serve, serveRaw, type HttpServer } from '../helpers/server.js';
import { folderOf } from '../helpers/files.js';

/** A program that has `startWorker(body)`: a thread that knows `whippet`, `args` and `parentPort`. */
function withWorkers(program: string, args: unknown): string {
  const head = `
    import { parentPort } from 'node:worker_threads';
    import * as whippet from ${JSON.stringify(packageUrl)};
    const args = ${JSON.stringify(args)};`;
  return `
    import { Worker } from 'node:worker_threads';
    import { once } from 'node:events';
    const startWorker = (body) =>
      new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(head)} + body)));
    ${withArgs(program, args)}`;
}

const IN_FLIGHT = `
  const client = new whippet.Client({ timeout: null });
  for (let i = 0; i < 50; i++) client.get(args.url).catch(() => {});
  client.post(args.url, { content: (async function* () { for (;;) { yield 'x'; await new Promise((r) => setTimeout(r)); } })() }).catch(() => {});
`;

const ENDS: [title: string, program: string][] = [
  [
    'terminated with requests in flight',
    `for (const ms of [0, 0, 1, 5, 20]) {
      const worker = startWorker(\`${IN_FLIGHT} parentPort.postMessage('sent');\`);
      await once(worker, 'message');
      await new Promise((resolve) => setTimeout(resolve, ms));
      await worker.terminate();
    }
    console.log('end');`,
  ],
  [
    'terminated while responses arrive',
    `for (const ms of [1, 3, 10, 30]) {
      const worker = startWorker(\`
        const client = new whippet.Client();
        parentPort.postMessage('sent');
        const loop = async () => { for (;;) await client.get(args.ok); };
        for (let i = 0; i < 20; i++) loop();\`);
      await once(worker, 'message');
      await new Promise((resolve) => setTimeout(resolve, ms));
      await worker.terminate();
    }
    console.log('end');`,
  ],
  [
    'that calls process.exit() with requests in flight',
    `const [code] = await once(startWorker(\`${IN_FLIGHT} process.exit(3);\`), 'exit');
    console.log(code === 3 ? 'end' : code);`,
  ],
  [
    'that fails with requests in flight',
    `const [error] = await once(startWorker(\`${IN_FLIGHT} throw new Error('mine');\`), 'error');
    console.log(error.message === 'mine' ? 'end' : error);`,
  ],
  [
    'that ends by itself, and is the only one with the addon',
    `for (let i = 0; i < 5; i++) {
      const worker = startWorker(\`const response = await whippet.get(args.ok); parentPort.postMessage(response.text);\`);
      const [[text]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      if (text !== 'ok') console.log(text);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    console.log('end');`,
  ],
  [
    'beside others and the main thread',
    `const whippet = await import(${JSON.stringify(packageUrl)});
    const body = \`
      const client = new whippet.Client();
      const all = await Promise.all(Array.from({ length: 200 }, () => client.get(args.ok)));
      parentPort.postMessage(all.filter((response) => response.text === 'ok').length);\`;
    const workers = [startWorker(body), startWorker(body), startWorker(body)];
    const client = new whippet.Client();
    const mine = Promise.all(Array.from({ length: 200 }, () => client.get(args.ok)));
    const counts = await Promise.all(workers.map((worker) => once(worker, 'message')));
    console.log(counts.flat().join() === '200,200,200' && (await mine).length === 200 ? 'end' : counts);`,
  ],
];

for (const [title, program] of ENDS) {
  test(`a worker thread ${title}`, async (t) => {
    const server = await answering(t);
    const running = startBare(t, withWorkers(program, { url: `${server.url}hold`, ok: server.url }));
    t.is(endsWith(t, await running.ended), 'end\n');
  });
}

test('two copies of the package, each with its addon, in one process', async (t) => {
  const server = await answering(t);
  const program = `
    const copy = await import(args.copy);
    const clients = [new whippet.Client(), new copy.Client()];
    for (let i = 0; i < 20; i++) for (const client of clients) await client.get(args.ok);
    const responses = await Promise.all(Array.from({ length: 100 }, (_, i) => clients[i % 2].get(args.ok)));
    const error = await copy.get('http://127.0.0.1:1/').catch((error) => error);
    console.log(copy.Client !== whippet.Client, responses.every(({ text }) => text === 'ok'), error instanceof whippet.ConnectError);`;
  const copy = await copyOfPackage(t);
  t.is(await run(t, program, { ok: server.url, copy }), 'true true true\n');
});

test('a copy of the package that only a thread has loaded goes with it, and the other one stays', async (t) => {
  const server = await answering(t);
  const program = `
    const whippet = await import(${JSON.stringify(packageUrl)});
    const client = new whippet.Client();
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
        import { parentPort } from 'node:worker_threads';
        import { createRequire } from 'node:module';
        const copy = createRequire('\${args.copy}')('\${args.door}');
        const client = new copy.Client({ timeout: null });
        for (let i = 0; i < 20; i++) client.get('\${args.hold}').catch(() => {});
        parentPort.postMessage((await client.get('\${args.ok}')).text);\`)));
      const [text] = await once(worker, 'message');
      const inFlight = client.get(args.ok);
      await worker.terminate();
      console.log(text, (await inFlight).text, (await client.get(args.ok)).text);
    }`;
  const copy = await copyOfPackage(t);
  const args = {
    ok: server.url,
    hold: `${server.url}hold`,
    copy,
    door: fileURLToPath(new URL('dist/index.cjs', copy)),
  };
  const running = startBare(t, withWorkers(program, args));
  t.is(endsWith(t, await running.ended), 'ok ok ok\n'.repeat(3));
});

test('the package by import and by require in one process', async (t) => {
  const server = await answering(t);
  const program = `
    const { createRequire } = await import('node:module');
    const required = createRequire(args.copy)(args.door);
    const imported = await import(args.copy);
    const clients = [new required.Client(), new imported.Client(), new whippet.Client()];
    const responses = await Promise.all(Array.from({ length: 90 }, (_, i) => clients[i % 3].get(args.ok)));
    console.log(required.Client === imported.Client, responses.every(({ text }) => text === 'ok'));`;
  const copy = await copyOfPackage(t);
  const args = { ok: server.url, copy, door: fileURLToPath(new URL('dist/index.cjs', copy)) };
  t.is(await run(t, program, args), 'true true\n');
});

test('SEC-N3 a polluted Object.prototype changes nothing on the wire', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const pollution = {
    headers: { evil: '1' },
    params: 'evil=1',
    content: 'evil',
    json: { evil: 1 },
    text: 'evil',
    baseUrl: 'http://evil.test',
    timeout: -1,
    verify: false,
    dispatch: 5,
    maxResponseSize: 0,
    poolLimits: { maxConnections: 0 },
    maxConnections: 0,
    keepaliveExpiry: 0,
    signal: {},
    stream: true,
    request: 5,
    buffered: 1,
    method: 'EVIL',
    url: 'http://evil.test',
    connect: 0,
    read: 0,
    total: 0,
    connectTimeout: 0,
    totalTimeout: 0,
    scheme: 'evil',
    host: 'evil.test',
    netloc: 'evil.test',
    port: 1,
    path: '/evil',
    query: 'evil',
    username: 'evil',
    password: 'evil',
    fragment: 'evil',
    onUploadProgress: 5,
    onDownloadProgress: 5,
    socketPath: '/evil.sock',
    localAddress: '192.0.2.1',
    resolve: ['127.0.0.1=192.0.2.1'],
    readTimeoutMs: 0,
    totalTimeoutMs: 0,
    maxConnectionsPerOrigin: 0,
    keyLog: '/evil/keys',
    roots: [],
    onInformational: 5,
    chunkSize: 0,
    splitCommas: true,
    code: 'EVIL',
    cause: 'evil',
    evil: '1',
    data: { evil: '1' },
    files: { evil: 'evil' },
    cookies: { evil: '1' },
    html: 'evil',
    defaultEncoding: 'utf-16le',
    boundary: 'evil',
    filename: 'evil',
    type: 'evil/evil',
    name: 'evil',
    key: 'evil',
    value: 'evil',
    domain: 'evil.test',
    expires: 0,
    maxAge: 0,
    secure: true,
    httpOnly: true,
    hostOnly: false,
    also: 'evil',
    isCrossSite: true,
    start: 1,
    end: 1,
    0: 'evil',
  };
  const program = `
    const requests = async () => {
      const client = new whippet.Client({ baseUrl: args.url + 'base', params: { p: 1 } });
      await client.post('a?b=1', { headers: { a: 'b' } });
      await client.get(args.url + 'absolute', { params: { q: '2' }, timeout: { read: 4000 } });
      await client.send(new whippet.Request('GET', args.url, { params: { a: '1' } }));
      const cookies = new whippet.Cookies({ c: '1' });
      cookies.set('d', '2', { domain: '127.0.0.1' });
      await client.send(new whippet.Request('GET', args.url, { cookies }));
      await client.post('form', { data: { a: ['1', 2], b: null } });
      const boundary = { 'content-type': 'multipart/form-data; boundary=+++' };
      await client.post('files', { data: { a: 1 }, files: { f: ['n', 'x', 'a/b', { X: '1' }], g: new Blob(['y']) }, headers: boundary });
      const dispatch = new whippet.HTTPDispatch();
      await new whippet.Client({ dispatch }).get(args.url);
      const response = new whippet.Response(200);
      if (response.content.length !== 0 || response.headers.size !== 0) console.log('a polluted response');
    };
    await requests();
    for (const [name, value] of Object.entries(args.pollution)) Object.prototype[name] = value;
    await requests();
    for (const name of Object.keys(args.pollution)) delete Object.prototype[name];`;
  t.is(await run(t, program, { url: server.url, pollution }), '');
  // One connection for what a client and its pool sent: one for the client, one for the dispatch, both times.
  t.is(server.received.length, 4);
  t.deepEqual(server.received.slice(2), server.received.slice(0, 2));
});

test('the asynchronous context is the caller’s: in continuations, chunks and callbacks', async (t) => {
  const server = await serve(t, async (request, response) => {
    response.writeEarlyHints({ link: '</a.css>' });
    for await (const _ of request);
    response.write('a');
    await new Promise((resolve) => setTimeout(resolve, 5));
    response.end('b');
  });
  const client = openClient(t);
  const storage = new AsyncLocalStorage<number>();
  const wrong: string[] = [];
  const lap = (n: number, where: string): void => {
    if (storage.getStore() !== n) wrong.push(`${where}: ${storage.getStore()} instead of ${n}`);
  };
  async function* content(n: number) {
    for (let i = 0; i < 3; i++) {
      lap(n, 'producer');
      yield 'x';
    }
  }
  const exchange = async (n: number): Promise<void> => {
    const callbacks = {
      onInformational: () => lap(n, 'onInformational'),
      onUploadProgress: () => lap(n, 'onUploadProgress'),
      onDownloadProgress: () => lap(n, 'onDownloadProgress'),
    };
    await client.get(server.url).then(() => lap(n, 'then'));
    await client.post(server.url, { content: content(n), ...callbacks });
    await client.post(server.url, { content: 'x', ...callbacks });
    lap(n, 'await');
    for await (const _ of await client.stream('GET', server.url, callbacks)) lap(n, 'chunk');
    await client.get('http://127.0.0.1:1/').catch(() => lap(n, 'catch'));
  };
  await Promise.all(Array.from({ length: 50 }, (_, n) => storage.run(n, exchange, n)));
  t.deepEqual([...new Set(wrong.map((text) => text.split(':')[0]))], []);
});

async function answering(t: ExecutionContext): Promise<HttpServer> {
  return serve(t, (request, response) => request.url === '/hold' || response.end('ok'));
}

/** The URL of a copy's door. */
async function copyOfPackage(t: ExecutionContext): Promise<string> {
  const root = fileURLToPath(new URL('.', packageUrl));
  const folder = folderOf(t);
  const files = (await readdir(root)).filter((name) =>
    /^(index\.js|binding\.cjs|package\.json|dist|.*\.node)$/.test(name),
  );
  for (const name of files) await cp(path.join(root, name), path.join(folder, name), { recursive: true });
  return pathToFileURL(path.join(folder, 'index.js')).href;
}
