/**
 * Bodies that are always ahead of their reader: they never wait, so no timer interrupts them. The total timeout does, and other
 * requests are served meanwhile. How long anything takes is not asserted.
 */
import test, { type ExecutionContext } from 'ava';
import { constants, createBrotliCompress } from 'node:zlib';
import { type Client, type ClientOptions, type Response, TotalTimeout } from '../../src/index.js';
import { failure, openClient, soon, told } from '../helpers/client.js';
import { chunked, ENDLESS_BODIES, many } from '../helpers/endless.js';
import { ACK, type Fields, type Frame, type Http2Peer, OK, serveHttp2, Type } from '../helpers/raw-http2.js';
import { type RawServer, serveRaw } from '../helpers/server.js';

type Read = (client: Client, url: string) => Promise<unknown>;

const WAYS: [name: string, read: Read][] = [
  ['get', (client, url) => client.get(url)],
  ['get with progress', (client, url) => client.get(url, { onDownloadProgress: () => {} })],
  ['stream, read', async (client, url) => (await client.stream('GET', url)).read()],
  ['stream, in pieces', async (client, url) => exhaust(await client.stream('GET', url))],
];

async function exhaust(response: Response): Promise<void> {
  for await (const _ of response.iterBytes());
}

for (const { title, coding, begin, again } of ENDLESS_BODIES) {
  test.serial(`total: ${title} without end, over HTTP/1.1`, async (t) => {
    await runsOut(t, await serveChunks(t, coding, [chunked(begin), chunked(again)]));
  });

  test.serial(`total: ${title} without end, over HTTP/2`, async (t) => {
    const server = await serveHttp2(t, async (peer) => {
      const flow = new Flow(peer);
      const stream = await flow.request();
      await peer.headers(stream, coded(coding));
      for (await flow.send(stream, begin); ;) await flow.send(stream, again);
    });
    await runsOut(t, server, { httpVersions: 'HTTP/2' });
  });
}

test.serial('total: chunks of one byte without end', async (t) => {
  await runsOut(t, await serveChunks(t, 'identity', [Buffer.alloc(0), many(Buffer.from('1\r\nx\r\n'))]));
});

test.serial('total: 1 GiB from 2 KB of br', async (t) => {
  const compress = createBrotliCompress({
    params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
  const zeros = Buffer.alloc(1 << 20);
  const pieces: Buffer[] = [];
  compress.on('data', (piece: Buffer) => pieces.push(piece));
  for (let i = 0; i < 1024; i++) await new Promise((resolve) => compress.write(zeros, resolve));
  await new Promise((resolve) => compress.end(resolve));
  const body = Buffer.concat(pieces).toString('latin1');
  const server = await serveRaw(
    t,
    `HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await runsOut(t, server);
});

/** Each way of reading ends in TotalTimeout, and a server beside it is served meanwhile. */
async function runsOut(t: ExecutionContext, server: RawServer, options: ClientOptions = {}): Promise<void> {
  const other = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const beside = openClient(t);
  t.is(told(await beside.get(other.url)), '200 ok');
  for (const [name, read] of WAYS) {
    // Each on a connection of its own, whose script knows one request.
    const client = openClient(t, { ...options, maxResponseSize: null, timeout: { total: 100 } });
    const over = failure(read(client, server.url));
    for (let i = 0; i < 3; i++) t.is(told(await soon('an answer', beside.get(other.url))), '200 ok', name);
    const error = await soon(`the end of ${name}`, over);
    t.true(error instanceof TotalTimeout, `${name}: ${String(error)}`);
    t.true(error.message.endsWith(`${server.origin} did not finish within 100 ms in all`), error.message);
  }
}

function serveChunks(t: ExecutionContext, coding: string, [begin, again]: [Buffer, Buffer]): Promise<RawServer> {
  return serveRaw(t, async (connection) => {
    await connection.request();
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    await connection.write(Buffer.concat([Buffer.from(head), begin]));
    for (;;) await connection.write(again);
  });
}

function coded(coding: string): Fields {
  return [...OK, ['content-encoding', coding]];
}

/** Sends as much as the client's windows allow, of the stream and of the connection. */
class Flow {
  #rooms = [65_535, 1 << 20];

  constructor(readonly peer: Http2Peer) {}

  /** The stream of the request. The client's windows count when its SETTINGS are confirmed. */
  async request(): Promise<number> {
    await this.peer.settings();
    await this.peer.send(Type.SETTINGS, ACK, 0);
    for (;;) {
      const frame = await this.#frame();
      if (frame.type === Type.HEADERS) return frame.stream;
    }
  }

  async send(stream: number, piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; at += 16_384) {
      const part = piece.subarray(at, at + 16_384);
      while (Math.min(...this.#rooms) < part.length) await this.#frame();
      this.#rooms = this.#rooms.map((room) => room - part.length);
      await this.peer.data(stream, part);
    }
  }

  async #frame(): Promise<Frame> {
    const frame = await this.peer.frame();
    if (frame.type === Type.WINDOW_UPDATE) this.#rooms[Math.min(frame.stream, 1)] += frame.payload.readUInt32BE(0);
    return frame;
  }
}
