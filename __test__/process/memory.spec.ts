/**
 * Memory that JavaScript may take away, give away or change while a body is on its way: the programs run with what tells
 * (`--expose-gc`), and what was freed is written over, so that memory read too late is not what it was.
 */
import test, { type ExecutionContext } from 'ava';
import { DigestAuth } from '../../src/index.js';
import { endsWith, packageUrl, start } from '../helpers/child.js';
import { gate, failure, openClient } from '../helpers/client.js';
import { END_STREAM, serveHttp2, Type } from '../helpers/raw-http2.js';
import { type HttpServer, serve, serveTls } from '../helpers/server.js';

// ── request bodies ──

/** How a program takes the memory of a body away. `make(size)` returns the bytes, `take(bytes)` frees what is under them. */
const WAYS: Record<string, string> = {
  'structuredClone with transfer': `
    const make = (size) => new Uint8Array(size);
    const take = ({ buffer }) => void structuredClone(buffer, { transfer: [buffer] });`,
  'postMessage to a closed port': `
    const make = (size) => new Uint8Array(size);
    const take = ({ buffer }) => {
      const { port1, port2 } = new MessageChannel();
      port2.close();
      port1.postMessage(buffer, [buffer]);
      port1.close();
    };`,
  'ArrayBuffer.prototype.transfer': `
    const make = (size) => new Uint8Array(size);
    const take = ({ buffer }) => void (buffer.transfer?.(0) ?? structuredClone(buffer, { transfer: [buffer] }));`,
  'resize to nothing': `
    const make = (size) => new Uint8Array(new ArrayBuffer(size, { maxByteLength: 2 * size }), 0, size);
    const take = ({ buffer }) => buffer.resize(0);`,
  'a WebAssembly memory that grows': `
    const memories = new Map();
    const make = (size) => {
      const memory = new WebAssembly.Memory({ initial: Math.ceil(size / 65536), maximum: 1024 });
      memories.set(memory.buffer, memory);
      return new Uint8Array(memory.buffer, 0, size);
    };
    const take = ({ buffer }) => void memories.get(buffer).grow(1);`,
};

/** Frees what can be freed, and writes over it. */
const REUSE = `
  const reuse = async (sizes) => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return sizes.map((size) => new Uint8Array(size).fill(0xee));
  };`;

for (const [way, program] of Object.entries(WAYS)) {
  for (const scheme of way === 'resize to nothing' ? (['http', 'https'] as const) : (['http'] as const)) {
    test.serial(`queued bodies are sent as they were: ${way}, over ${scheme}`, async (t) => {
      const server = await gathering(t, scheme);
      const sizes = Array.from({ length: 16 }, (_, i) => (i % 4 === 3 ? 3_000_000 : 70_000 + i * 1000));
      const running = start(
        t,
        `${program}${REUSE}
        const client = new whippet.Client({ poolLimits: { maxConnections: 2 }, timeout: null, verify: false });
        const bodies = args.sizes.map((size, i) => make(size).fill(i + 1));
        const sent = bodies.map((content, i) => client.post(args.url + (i + 1), { content }));
        bodies.forEach(take);
        bodies.length = 0;
        const kept = await reuse(args.sizes);
        await whippet.get(args.url + 'go', { verify: false });
        for (const { text } of await Promise.all(sent)) console.log(text);
        await client.close();
        if (kept.some((bytes) => bytes[0] !== 0xee)) console.log('written over');`,
        { url: server.url, sizes },
        ['--expose-gc'],
      );
      t.is(endsWith(t, await running.ended), sizes.map((size) => `${size} bytes as they were\n`).join(''));
    });
  }

  test.serial(`the end of a body that waits for the peer's window over h2c: ${way}`, async (t) => {
    const size = 65_535 + 200;
    const go = defer();
    const gate = await serve(t, (_request, response) => {
      go.resolve();
      response.end();
    });
    const received = defer<Buffer>();
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      const stream = await peer.request();
      const pieces: Buffer[] = [];
      let length = 0;
      const more = async (until: number): Promise<void> => {
        while (length < until) {
          const { payload } = await peer.next(Type.DATA);
          pieces.push(payload);
          length += payload.length;
        }
      };
      await more(65_535);
      await peer.headers(stream, [[':status', '103']]);
      await go.promise;
      await peer.windowUpdate(0, 1000);
      await peer.windowUpdate(stream, 1000);
      await more(size);
      received.resolve(Buffer.concat(pieces));
      await peer.headers(stream, [[':status', '204']], END_STREAM);
      await peer.connection.closed;
    });
    const running = start(
      t,
      `${program}${REUSE}
      const client = new whippet.Client({ httpVersions: 'HTTP/2' });
      let bytes = make(args.size);
      for (let i = 0; i < args.size; i++) bytes[i] = i % 251;
      let waits;
      const waiting = new Promise((resolve) => (waits = resolve));
      const sent = client.post(args.url, { content: bytes, onInformational: () => waits() });
      await waiting;
      take(bytes);
      bytes = null;
      const kept = await reuse(Array.from({ length: 50 }, () => args.size));
      await whippet.get(args.gate);
      console.log((await sent).statusCode, kept.length);
      await client.close();`,
      { url: server.url, gate: gate.url, size },
      ['--expose-gc'],
    );
    const bytes = await Promise.race([received.promise, running.ended]);
    t.deepEqual(bytes, Buffer.from(Array.from({ length: size }, (_, i) => i % 251)));
    t.is(endsWith(t, await running.ended), '204 50\n');
  });
}

test.serial('bytes that another thread changes meanwhile are sent as they are at some moment', async (t) => {
  const size = 3_000_000;
  const server = await serve(t, async (request, response) => {
    let length = 0;
    let highest = 0;
    for await (const piece of request as AsyncIterable<Buffer>) {
      length += piece.length;
      for (const byte of piece) highest = Math.max(highest, byte);
    }
    response.end(`${length} bytes of ${highest > 1 ? 'others' : 'these'}`);
  });
  const running = start(
    t,
    `import { Worker } from 'node:worker_threads';
    const shared = new Uint8Array(new SharedArrayBuffer(args.size + 4), 0, args.size);
    const word = new Int32Array(shared.buffer, args.size, 1);
    const worker = new Worker(
      \`const { bytes, word } = require('node:worker_threads').workerData;
      for (let i = 0; Atomics.load(word, 0) === 0; i++) bytes.fill(i % 2);\`,
      { eval: true, execArgv: [], workerData: { bytes: shared, word } },
    );
    const sent = await Promise.all([0, 1, 2].map(() => whippet.post(args.url, { content: shared, timeout: null })));
    for (const { text } of sent) console.log(text);
    Atomics.store(word, 0, 1);
    await new Promise((resolve) => worker.once('exit', resolve));`,
    { url: server.url, size },
  );
  t.is(endsWith(t, await running.ended), '3000000 bytes of these\n'.repeat(3));
});

// AddressSanitizer keeps what is freed, to see whether it is read.
const allocates = process.env.ASAN_OPTIONS === undefined ? test.serial : test.serial.skip;

allocates('the memory of a burst of copies goes back to the system when it is quiet', async (t) => {
  // Nothing is read, and so nothing given back, before all are copied.
  const gated = gate();
  const server = await serve(t, async (request, response) => {
    if (request.url === '/go') gated.open();
    else if (request.url !== '/warm') await gated.promise;
    request.resume();
    request.once('end', () => response.end());
  });
  const program = `
    const client = new whippet.Client({ poolLimits: { maxConnections: 2 }, timeout: null });
    const content = new Uint8Array(args.size).fill(1);
    await client.post(args.url + 'warm', { content });
    const before = process.memoryUsage.rss();
    const sent = Array.from({ length: 60 }, () => client.post(args.url, { content }));
    await new Promise((resolve) => setImmediate(resolve));
    const most = process.memoryUsage.rss();
    await whippet.get(args.url + 'go');
    await Promise.all(sent);
    const half = (before + most) / 2;
    while (process.memoryUsage.rss() > half) await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(most - before > 30 * args.size);
    await client.close();`;
  t.is(endsWith(t, await start(t, program, { url: server.url, size: 5_000_000 }).ended), 'true\n');
});

const GONE =
  /^LocalProtocolError: content: the bytes of the request are gone: their memory was transferred, resized or grown/;

test('a request whose bytes are gone before it is sent is an error', async (t) => {
  const server = await serve(t, (_request, response) => response.end('ok'));
  const client = openClient(t);
  for (const size of [1, 100, 100_000]) {
    for (const headers of [{}, { 'content-length': String(size) }]) {
      const content = new Uint8Array(size);
      const request = client.buildRequest('POST', server.url, { content, headers });
      structuredClone(content.buffer, { transfer: [content.buffer] });
      const error = await failure(client.send(request));
      t.regex(String(error), GONE);
      t.like(error, { request });
    }
  }
  t.is(server.requests.length, 0);
});

test('a redirect, a retry and a challenge do not send a body that is gone', async (t) => {
  const server = await serve(t, (request, response) => {
    request.resume();
    request.once('end', () => {
      if (request.url === '/redirect') response.writeHead(307, { location: '/' });
      else if (request.url === '/retry') response.writeHead(503, { 'retry-after': '0' });
      else response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth"' });
      response.end();
    });
  });
  for (const target of ['redirect', 'retry', 'challenge']) {
    const content = new Uint8Array(100_000);
    const client = openClient(t, {
      followRedirects: true,
      retries: { limit: 1, methods: ['POST'], backoff: () => 0 },
      auth: new DigestAuth('user', 'password'),
      eventHooks: {
        response: [() => void (content.length > 0 && structuredClone(content.buffer, { transfer: [content.buffer] }))],
      },
    });
    const error = await failure(client.post(server.url + target, { content }));
    t.regex(String(error), GONE, target);
  }
  t.is(server.requests.length, 3);
});

// ── what was received, moved to another thread ──

/** Text that a worker's program and its parent share. `move` takes the memory away from where it came from. */
const MOVING = `
  const { Worker, isMainThread, parentPort, workerData } = await import('node:worker_threads');
  const move = ({ buffer }) => buffer.transfer?.() ?? structuredClone(buffer, { transfer: [buffer] });
  const counted = (size) => Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
  const fetchAll = async (url, size) => {
    const content = (await whippet.get(url + size)).content;
    const stream = await whippet.stream('GET', url + size);
    const pieces = [];
    for await (const piece of stream.iterRaw()) pieces.push(piece);
    return [content, ...pieces];
  };`;

const ENDS = {
  'ends by itself': '',
  'calls process.exit()': 'process.exit();',
  'is terminated': 'parentPort.postMessage("end me"); setInterval(() => {}, 1000);',
};

for (const [title, end] of Object.entries(ENDS)) {
  test.serial(`what a worker received outlives it: the worker ${title}`, async (t) => {
    const server = await counting(t);
    const program = `${MOVING}${REUSE}
      const url = args.url;
      for (const size of [100, 20_000, 2_000_000]) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(args.worker)), { workerData: { url, size } });
        let moved;
        worker.on('message', (message) => {
          if (message === 'end me') void worker.terminate();
          else moved = message;
        });
        await new Promise((resolve) => worker.once('exit', resolve));
        const kept = await reuse([...moved.map((memory) => memory.byteLength), size, size]);
        const [content, ...pieces] = moved.map((memory) => Buffer.from(memory));
        const same = [content, Buffer.concat(pieces)].every((bytes) => bytes.equals(counted(size)));
        console.log(size, same, kept.length > 0);
      }`;
    const worker = `import * as whippet from ${JSON.stringify(packageUrl)};
      ${MOVING}
      const { url, size } = workerData;
      const moved = (await fetchAll(url, size)).map(move);
      parentPort.postMessage(moved, moved);
      ${end}`;
    const running = start(t, program, { url: server.url, worker }, ['--expose-gc']);
    t.is(endsWith(t, await running.ended), '100 true true\n20000 true true\n2000000 true true\n');
  });
}

test.serial(
  'what the main thread received outlives its own views in a worker, and the end of the process',
  async (t) => {
    const server = await counting(t);
    const program = `${MOVING}${REUSE}
    const size = 3_000_000;
    const worker = new Worker(
      \`const { parentPort, workerData } = require('node:worker_threads');
      parentPort.once('message', (memories) => {
        parentPort.once('message', () => {
          const sum = (memory) => new Uint8Array(memory).reduce((sum, byte) => sum + byte, 0);
          parentPort.postMessage(memories.map(sum));
          for (;;) memories.map(sum);
        });
      });\`,
      { eval: true, execArgv: [] },
    );
    let bodies = [];
    for (let i = 0; i < 4; i++) bodies.push((await whippet.get(args.url + size)).content);
    const sum = bodies[0].reduce((sum, byte) => sum + byte, 0);
    // Node 20 cannot move what came without a copy, only clone it.
    const moved = bodies.map((body) => (body.buffer.transfer ? body.buffer.transfer() : body.buffer));
    worker.postMessage(moved, bodies[0].buffer.transfer ? moved : []);
    bodies = moved.length = 0;
    const kept = await reuse([size, size, size, size]);
    worker.postMessage('read');
    const sums = await new Promise((resolve) => worker.once('message', resolve));
    console.log(sums.length, sums.every((found) => found === sum), kept.length);
    if (args.exits) process.exit();
    worker.unref();`;
    for (const exits of [true, false]) {
      const running = start(t, program, { url: server.url, exits }, ['--expose-gc']);
      t.is(endsWith(t, await running.ended), '4 true 4\n');
    }
  },
);

const COUNT = Buffer.from(Array.from({ length: 251 }, (_, i) => i));

/** A server whose path says how many bytes it answers; they count to 250. */
function counting(t: ExecutionContext): Promise<HttpServer> {
  return serve(t, (request, response) => {
    const size = Number(request.url?.slice(1));
    response.end(Buffer.alloc(size, COUNT));
  });
}

/** A server that reads nothing before it is asked for `/go`, then says whether each body is as its path says. */
async function gathering(t: ExecutionContext, scheme: 'http' | 'https'): Promise<HttpServer> {
  const go = defer();
  return (scheme === 'https' ? serveTls : serve)(t, async (request, response) => {
    if (request.url === '/go') {
      go.resolve();
      response.end();
      return;
    }
    await go.promise;
    const byte = Number(request.url?.slice(1));
    let length = 0;
    let foreign = 0;
    for await (const piece of request as AsyncIterable<Buffer>) {
      length += piece.length;
      if (!piece.equals(Buffer.alloc(piece.length, byte))) foreign++;
    }
    response.end(`${length} bytes ${foreign === 0 ? 'as they were' : 'with others among them'}`);
  });
}

function defer<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
