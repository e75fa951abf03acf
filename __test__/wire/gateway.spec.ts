/**
 * A gateway hands an incoming request on (`content: req`) while its client is still uploading. Whatever the upstream does, the
 * client gets the gateway's answer, and its connection serves the next request.
 */
import express from 'express';
import fastify from 'fastify';
import test, { type ExecutionContext } from 'ava';
import { createServer } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import { connect as connectSocket, createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { WriteTimeout, type Client } from '../../src/index.js';
import { eventually, failure, openClient, soon } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';
import { refusedOrigin, serveRaw } from '../helpers/server.js';

/** What the gateway answers: the upstream's status, or its own for a failure. */
async function forward(client: Client, upstream: string, content: Readable & { url?: string }): Promise<number> {
  if (content.url === '/next') return 200;
  try {
    return (await client.post(upstream, { content })).statusCode;
  } catch (error) {
    return error instanceof WriteTimeout ? 504 : 502;
  }
}

type Serve = (t: ExecutionContext, client: Client, upstream: string) => Promise<number>;

const gateways: Record<string, Serve> = {
  async 'node:http'(t, client, upstream) {
    const server = createServer(async (req, res) => {
      res.writeHead(await forward(client, upstream, req)).end('gateway');
    });
    return (await listen(t, server, 'http', [])).port;
  },
  async Express(t, client, upstream) {
    const app = express();
    app.use(async (req, res) => {
      res.status(await forward(client, upstream, req)).send('gateway');
    });
    return (await listen(t, createServer(app), 'http', [])).port;
  },
  async Fastify(t, client, upstream) {
    const app = fastify();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.all('/*', async (request, reply) => {
      reply.code(await forward(client, upstream, request.method === 'GET' ? request.raw : (request.body as Readable)));
      return 'gateway';
    });
    await app.ready();
    return (await listen(t, app.server, 'http', [])).port;
  },
};

interface Upstream {
  status: number;
  start(t: ExecutionContext): Promise<string>;
}

const early = 'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n';

const upstreams: Record<string, Upstream> = {
  'is dead': {
    status: 502,
    start: refusedOrigin,
  },
  'resets behind the head': {
    status: 502,
    async start(t) {
      return (await serveRaw(t, async (connection) => (await connection.head(), connection.reset()))).url;
    },
  },
  'resets behind some of the body': {
    status: 502,
    async start(t) {
      return (
        await serveRaw(
          t,
          async (connection) => (await connection.head(), await connection.body(1000), connection.reset()),
        )
      ).url;
    },
  },
  'stops reading': {
    status: 504,
    async start(t) {
      const server = createTcpServer((socket) => socket.pause());
      return (await listen(t, server, 'http', [])).url;
    },
  },
  'answers early and goes on reading': {
    status: 413,
    async start(t) {
      const script = `${early}\r\nbig`;
      return (await serveRaw(t, async (connection) => (await connection.head(), connection.write(script)))).url;
    },
  },
  'answers early and closes': {
    status: 413,
    async start(t) {
      const script = `${early}Connection: close\r\n\r\nbig`;
      return (
        await serveRaw(t, async (connection) => {
          await connection.head();
          connection.end(script);
        })
      ).url;
    },
  },
};

/**
 * Uploads until the answer is there, ends the body and asks again: the two status lines that came over the one connection. By
 * hand, as Node's own client does not go on with an upload whose answer is complete.
 */
async function upload(t: ExecutionContext, port: number): Promise<string[]> {
  const socket = connectSocket(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  let received = '';
  socket.on('data', (piece) => (received += String(piece)));
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n');
  const piece = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
  const answers = () => received.match(/(?<=HTTP\/1\.1 )\d+|gateway/g) ?? [];
  const failed = once(socket, 'close').then(() => Promise.reject(new Error(`closed behind ${received}`)));
  const uploading = (async () => {
    while (answers().length < 2) {
      if (!socket.write(piece)) await once(socket, 'drain');
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write('0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('a second answer', () => answers().length >= 4);
  })();
  uploading.catch(() => {});
  await soon('the answers', Promise.race([uploading, failed]));
  failed.catch(() => {});
  return answers();
}

async function text(message: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const piece of message) all += String(piece);
  return all;
}

for (const [framework, serve] of Object.entries(gateways)) {
  for (const [what, { status, start }] of Object.entries(upstreams)) {
    test(`${framework}, and the upstream ${what}: ${status}`, async (t) => {
      const client = openClient(t, { timeout: { write: what === 'stops reading' ? 300 : 30_000 } });
      const answers = await upload(t, await serve(t, client, await start(t)));
      t.deepEqual(answers, [String(status), 'gateway', '200', 'gateway']);
    });
  }
}

test('node:http2, and the upstream is dead: 502, over the compatibility layer and the stream itself', async (t) => {
  const client = openClient(t);
  const upstream = await upstreams['is dead'].start(t);
  for (const kind of ['request', 'stream'] as const) {
    const server = createHttp2Server();
    if (kind === 'request') {
      server.on('request', async (req, res) => {
        res.writeHead(await forward(client, upstream, req));
        res.end('gateway');
      });
    } else {
      server.on('stream', async (stream) => {
        stream.respond({ ':status': await forward(client, upstream, stream) });
        stream.end('gateway');
      });
    }
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = connect(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    stream.write('some');
    const [headers] = (await soon(kind, once(stream, 'response'))) as [Record<string, unknown>];
    t.deepEqual([kind, headers[':status']], [kind, 502]);
    t.is(await text(stream), 'gateway');
    session.destroy();
    server.close();
  }
});

test('a socket that is the content can still be answered', async (t) => {
  const client = openClient(t);
  const upstream = await upstreams['is dead'].start(t);
  const server = createTcpServer(async (socket) => {
    socket.on('error', () => {});
    socket.end(String(await forward(client, upstream, socket)));
  });
  const { port } = await listen(t, server, 'http', []);
  const socket = connectSocket(port, '127.0.0.1');
  socket.write('some');
  t.is(await soon('an answer', text(socket)), '502');
});

test('other streams are destroyed as before, a Transform too', async (t) => {
  const client = openClient(t);
  const upstream = await upstreams['is dead'].start(t);
  const streams = [new PassThrough(), new Readable({ read() {} })];
  for (const stream of streams) {
    await failure(client.post(upstream, { content: stream }));
    await eventually('destroyed', () => stream.destroyed);
  }
  t.pass();
});
