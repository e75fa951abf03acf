/** Two servers that misbehave in one answer of twenty, as a seed says: HTTP/1.1 and HTTP/2, both written by hand. */
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ACK, Code, END_STREAM, type Fields, Http2Peer, OK, Type } from '../helpers/raw-http2.js';
import { RawConnection } from '../helpers/raw-server.js';
import { randomOf } from '../helpers/random.js';

export interface Misbehaving {
  readonly http1: string;
  readonly http2: string;
  /** How often each id arrived whole and was acted upon. */
  readonly acted: ReadonlyMap<number, number>;
  readonly faults: number;
  openConnections(): number;
  close(): Promise<void>;
}

/** The body that answers a request: its own id over and over, so that another's is noticed. */
export function bodyFor(id: number): string {
  const length = id % 10 === 0 ? 100_000 : 200;
  return `<${id}>`.repeat(Math.ceil(length / `<${id}>`.length));
}

/** Whether it is such a body, or the beginning of one, and of one request only. */
export function isOneTokenOnly(text: string): boolean {
  const token = /^<\d+>/.exec(text)?.[0] ?? '';
  return token !== '' && token.repeat(Math.ceil(text.length / token.length)).startsWith(text);
}

/** What becomes of the attempt: one of these, or a whole answer, with or without the end of the connection. */
const FAULTS = ['drop', 'reset', 'fin', 'half', 'head', 'silence', 'goaway', 'garbage'] as const;
type Fate = (typeof FAULTS)[number] | 'none' | 'close';

export async function startMisbehaving(seed: number): Promise<Misbehaving> {
  const attempts = new Map<number, number>();
  const acted = new Map<number, number>();
  let faults = 0;
  const fateOf = (id: number): Fate => {
    const attempt = (attempts.get(id) ?? 0) + 1;
    attempts.set(id, attempt);
    const random = randomOf(seed, id, attempt);
    const chance = random();
    if (chance < 0.05) {
      faults += 1;
      return FAULTS[Math.floor(random() * FAULTS.length)];
    }
    return chance < 0.1 ? 'close' : 'none';
  };
  const act = (id: number): void => void acted.set(id, (acted.get(id) ?? 0) + 1);

  const sockets = new Set<Socket>();
  const watch = (server: Server): Server =>
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    });
  const http1 = watch(createServer((socket) => serveHttp1(socket, fateOf, act)));
  let streams = 0;
  const http2 = watch(
    createServer((socket) => {
      socket.setNoDelay(true);
      serveHttp2(new RawConnection(socket, () => {}), () => fateOf(-++streams), act).catch(() => socket.destroy());
    }),
  );
  const listen = async (server: Server): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  return {
    http1: await listen(http1),
    http2: await listen(http2),
    acted,
    get faults() {
      return faults;
    },
    openConnections: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([http1, http2].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

// ── HTTP/1.1 ──

function serveHttp1(socket: Socket, fateOf: (id: number) => Fate, act: (id: number) => void): void {
  let unread = '';
  let isOver = false;
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    unread += chunk.toString('latin1');
    while (!isOver) {
      const request = takeRequest(unread);
      if (request === undefined) return;
      unread = request.rest;
      act(request.id);
      isOver = answerHttp1(socket, request.id, fateOf(request.id));
    }
  });
}

/** The first whole request of the text. */
function takeRequest(text: string): { id: number; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n') + 4;
  if (end === 3) return undefined;
  const head = text.slice(0, end);
  const id = Number(/^[A-Z]+ \/(\d+) /.exec(head)?.[1]);
  if (/^transfer-encoding: chunked\r$/im.test(head)) {
    const last = text.indexOf('\r\n0\r\n\r\n', end - 2);
    return last === -1 ? undefined : { id, rest: text.slice(last + 7) };
  }
  const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
  return text.length < end + length ? undefined : { id, rest: text.slice(end + length) };
}

/** Whether the connection is over with it. */
function answerHttp1(socket: Socket, id: number, fate: Fate): boolean {
  const body = bodyFor(id);
  const head = `HTTP/1.1 200 OK\r\nX-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n`;
  switch (fate) {
    case 'none':
      socket.write(`${head}\r\n${body}`);
      return false;
    case 'close':
      socket.end(`${head}Connection: close\r\n\r\n${body}`);
      return true;
    case 'drop':
      socket.destroy();
      return true;
    case 'reset':
      socket.resetAndDestroy();
      return true;
    case 'half':
      socket.end(`${head}\r\n${body.slice(body.length / 2)}`);
      return true;
    case 'head':
      socket.end(head);
      return true;
    case 'silence':
      return true;
    case 'garbage':
      socket.end('SSH-2.0\r\n\r\n');
      return true;
    case 'fin':
    case 'goaway':
      socket.end();
      return true;
  }
}

// ── HTTP/2, by frames: node:http2 of Node 20 does not survive such a life ──

async function serveHttp2(connection: RawConnection, nextFate: () => Fate, act: (id: number) => void): Promise<void> {
  await connection.body(24);
  const peer = new Http2Peer(connection);
  await peer.settings([3, 20]);
  /** By stream; those whose body has begun have been acted upon. */
  const fates = new Map<number, Fate>();
  const begun = new Set<number>();
  let last = Infinity;
  for (;;) {
    const { type, flags, stream, payload } = await peer.frame();
    if (type === Type.SETTINGS && (flags & ACK) === 0) await peer.send(Type.SETTINGS, ACK, 0);
    if (type === Type.DATA && payload.length > 0) {
      await peer.windowUpdate(0, payload.length);
      if ((flags & END_STREAM) === 0) await peer.windowUpdate(stream, payload.length);
    }
    if (stream > last) continue;
    if (type === Type.HEADERS) {
      const fate = nextFate();
      fates.set(stream, fate);
      if (fate === 'fin') await peer.reset(stream, Code.REFUSED_STREAM);
      if (fate === 'goaway') {
        // This one and those after it are not acted upon, and may come again.
        last = stream - 2;
        await peer.goAway(Math.max(0, last), Code.NO_ERROR);
        continue;
      }
    }
    const fate = fates.get(stream);
    if (fate === undefined || fate === 'fin') continue;
    if (type === Type.DATA && !begun.has(stream)) {
      begun.add(stream);
      const id = /^<(\d+)>/.exec(payload.toString('latin1'))?.[1];
      if (id !== undefined) act(Number(id));
    }
    if ((type === Type.HEADERS || type === Type.DATA) && (flags & END_STREAM) !== 0) {
      if (fate === 'close' && last === Infinity) {
        // All that has come so far is answered.
        last = Math.max(...fates.keys());
        await peer.goAway(last, Code.NO_ERROR);
      }
      answerHttp2(peer, stream, fate).catch(() => {});
    }
  }
}

async function answerHttp2(peer: Http2Peer, stream: number, fate: Fate): Promise<void> {
  const body = bodyFor(stream).slice(0, 10_000);
  const head: Fields = [...OK, ['x-length', String(body.length)]];
  switch (fate) {
    case 'drop':
      return void peer.connection.socket.destroy();
    case 'garbage':
      return void peer.connection.reset();
    case 'reset':
      return peer.reset(stream, Code.INTERNAL_ERROR);
    case 'half':
      await peer.headers(stream, [...head, ['content-length', String(body.length)]]);
      await peer.data(stream, body.slice(body.length / 2));
      return peer.reset(stream, Code.CANCEL);
    case 'head':
      await peer.headers(stream, head);
      return peer.reset(stream, Code.INTERNAL_ERROR);
    case 'silence':
      return undefined;
    default:
      await peer.headers(stream, head);
      return peer.data(stream, body, END_STREAM);
  }
}
