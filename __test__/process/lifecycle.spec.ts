/** How processes end, and what holds them. Each case is a program of its own. */
import test, { type ExecutionContext } from 'ava';
import { endsWith, run, start } from '../helpers/child.js';
import { eventually, soon } from '../helpers/client.js';
import { serve, serveRaw, type HttpServer } from '../helpers/server.js';

const THOUSAND = `
  const client = new whippet.Client({ timeout: null, poolLimits: { maxConnections: null } });
  const sent = Array.from({ length: 1000 }, (_, i) => client.get(args.url + i));
  for (const promise of sent) promise.catch(() => {});
`;

const EXITS: [title: string, program: string, code: number][] = [
  ['in the same tick', `${THOUSAND} process.exit(7);`, 7],
  ['in the next turn', `${THOUSAND} setImmediate(() => process.exit(7));`, 7],
  ['a little later', `${THOUSAND} setTimeout(() => process.exit(7), 30);`, 7],
  ['when all are at the server', `${THOUSAND} await whippet.get(args.all); process.exit(7);`, 7],
  [
    'by a signal handler',
    `${THOUSAND} process.on('SIGUSR2', () => process.exit(7)); process.kill(process.pid, 'SIGUSR2');`,
    7,
  ],
  [
    'with open bodies',
    `await Promise.all(Array.from({ length: 100 }, () => whippet.stream('GET', args.body))); process.exit(7);`,
    7,
  ],
  ['in a callback of ours', `whippet.get(args.hints, { onInformational: () => process.exit(7) });`, 7],
  [
    'in a producer',
    `${THOUSAND} whippet.post(args.url, { content: (async function* () { yield 'x'; process.exit(7); })() });`,
    7,
  ],
];

for (const [title, program, code] of EXITS) {
  test(`process.exit() with requests in flight: ${title}`, async (t) => {
    const server = await holding(t);
    const stdout = await run(t, program, addresses(server), code);
    t.is(stdout, '');
  });
}

test('an uncaught error with requests in flight ends the process with code 1', async (t) => {
  const server = await holding(t);
  const { code, signal, stderr } = await start(t, `${THOUSAND} throw new Error('mine');`, addresses(server)).ended;
  t.deepEqual([code, signal], [1, null]);
  t.regex(stderr, /Error: mine/);
});

test('SIGTERM with requests in flight: the handler runs', async (t) => {
  const server = await holding(t);
  const program = `${THOUSAND} process.on('SIGTERM', () => process.exit(9)); await whippet.get(args.all); console.log('ready');`;
  const running = start(t, program, addresses(server));
  await running.printed('ready');
  running.process.kill('SIGTERM');
  endsWith(t, await running.ended, 9);
});

test('an unclosed client does not hold the process', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const program = `
    const client = new whippet.Client({ poolLimits: { keepaliveExpiry: null } });
    console.log((await client.get(args.url)).text, String(client.pool));`;
  t.is(await run(t, program, { url: server.url }), 'ok <Pool 0 active, 0 queued | 1 idle>\n');
});

test('a client that sent nothing, and an import alone, do not hold the process', async (t) => {
  t.is(await run(t, `new whippet.Client(); console.log('end');`), 'end\n');
});

test('an unread streamed response does not hold the process', async (t) => {
  const server = await holding(t);
  t.is(
    await run(
      t,
      `const response = await whippet.stream('GET', args.body); console.log(response.status);`,
      addresses(server),
    ),
    '200\n',
  );
});

const ALONE: [title: string, program: string, stdout: string][] = [
  ['a request', `whippet.get(args.slow).then((response) => console.log(response.text));`, 'ok\n'],
  [
    'a failing request',
    `whippet.get(args.never, { timeout: { read: 50 } }).catch((error) => console.log(error.name));`,
    'ReadTimeout\n',
  ],
  [
    'close()',
    `const client = new whippet.Client(); await client.get(args.fast); client.close().then(() => console.log('closed'));`,
    'closed\n',
  ],
  [
    'reading a streamed body',
    `whippet.stream('GET', args.slow).then(async (response) => { for await (const piece of response) console.log(String(piece)); });`,
    'ok\n',
  ],
  [
    'an upload',
    `whippet.post(args.slow, { content: [Buffer.alloc(3e6)] }).then((response) => console.log(response.text));`,
    'ok\n',
  ],
];

for (const [title, program, stdout] of ALONE) {
  test(`${title} that nothing else waits for goes to its end`, async (t) => {
    const server = await serve(t, async (request, response) => {
      for await (const _ of request);
      if (request.url === '/never') return;
      if (request.url === '/slow') await new Promise((resolve) => setTimeout(resolve, 200));
      response.end('ok');
    });
    const { url } = server;
    t.is(await run(t, program, { slow: `${url}slow`, fast: `${url}fast`, never: `${url}never` }), stdout);
  });
}

test('no rejection goes unhandled but the caller’s own', async (t) => {
  const server = await holding(t);
  const program = `
    let unhandled = 0;
    process.on('unhandledRejection', (error) => { unhandled += 1; console.log(error); });
    const quiet = (promise) => promise.catch(() => {});
    const stuck = () => (async function* () { yield 'x'; await new Promise(() => {}); })();
    const failing = (n) => (async function* () { for (let i = 0; i < n; i++) yield 'x'; throw new Error('mine'); })();
    const hasty = new whippet.Client({ timeout: { read: 50 } });
    const client = new whippet.Client({ timeout: 15_000 });
    await quiet(client.get('http://127.0.0.1:1/'));
    await quiet(hasty.get(args.url));
    await quiet(client.get(args.url, { signal: AbortSignal.timeout(20) }));
    await quiet(client.get(args.url, { signal: AbortSignal.abort() }));
    await quiet(client.post(args.url, { content: stuck(), signal: AbortSignal.timeout(20) }));
    for (const n of [0, 1, 5]) await quiet(client.post(args.url, { content: failing(n) }));
    await quiet(client.get(args.hints, { onInformational() { throw new Error('mine'); } }));
    await quiet(client.get(args.fast, { onDownloadProgress() { throw new Error('mine'); } }));
    await quiet(client.post(args.fast, { content: 'x', onUploadProgress() { throw new Error('mine'); } }));
    await quiet(client.get(args.url, { timout: 1 }));
    await quiet(client.stream('GET', args.body, { timeout: { read: 100 } }).then((response) => response.read()));
    await (await client.stream('GET', args.body)).close();
    for await (const piece of await client.stream('GET', args.body)) break;
    await (await client.stream('GET', args.body)).body.cancel();
    const response = await client.stream('GET', args.body);
    const reading = response.read();
    await response.close();
    await quiet(reading);
    const controller = new AbortController();
    const aborted = await client.stream('GET', args.body, { signal: controller.signal });
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve, 60));
    await client.close();
    await quiet(client.get(args.url));
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(unhandled);`;
  t.is(await run(t, program, addresses(server)), '0\n');
});

test('SEC-N1 streamed responses that were forgotten give their connections back', async (t) => {
  const server = await holding(t);
  const program = `
    const client = new whippet.Client({ timeout: null });
    for (let i = 0; i < 50; i++) await client.stream('GET', args.body);
    for (let i = 0; i < 100 && client.pool.active > 0; i++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    console.log(String(client.pool));`;
  const running = start(t, program, addresses(server), ['--expose-gc']);
  t.is(endsWith(t, await running.ended), '<Pool 0 active, 0 queued | 0 idle>\n');
});

test('a client that was forgotten closes its idle connections', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const program = `
    for (let i = 0; i < 10; i++) await new whippet.Client({ poolLimits: { keepaliveExpiry: null } }).get(args.url);
    for (let i = 0; i < 200; i++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }`;
  start(t, program, { url: server.url }, ['--expose-gc']);
  await eventually('ten connections were made', () => server.connections() === 10);
  await soon(
    'all are closed',
    eventually('all are closed', () => server.openConnections() === 0),
  );
  t.pass();
});

/** Answers /body with half a body, /fast at once, /hints with an interim response, /all when a thousand wait; others never. */
async function holding(t: ExecutionContext): Promise<HttpServer> {
  const server = await serve(t, async (request, response) => {
    if (request.url === '/body') {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half');
    } else if (request.url === '/fast') {
      response.end('ok');
    } else if (request.url === '/hints') {
      response.writeEarlyHints({ link: '</a.css>' });
    } else if (request.url === '/all') {
      await eventually('a thousand wait', () => server.requests.length > 1000);
      response.end();
    }
  });
  return server;
}

function addresses({ url }: HttpServer): Record<string, string> {
  return { url, body: `${url}body`, fast: `${url}fast`, hints: `${url}hints`, all: `${url}all` };
}
