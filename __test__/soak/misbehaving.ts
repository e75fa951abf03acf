/** Two servers that misbehave in one answer of twenty, as a seed says: HTTP/1.1 and HTTP/2, both written by hand. */
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ACK, Code, END_STREAM, type Fields, Http2Peer, OK, Type } from '../helpers/raw-http2.js';
import { RawConnection } from '../helpers/raw-server.js';
import { randomOf } from '../helpers/random.js';

export interface Misbehaving {
  readonly http1: string;
  readonly http2: string;
  /** How often each id arrived, in whole or in part, and was not said to be refused. */
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

/**
 * What becomes of an attempt that is spoilt. `cut` comes while the upload is on its way, `early` answers then; `goaway` and `fin` of
 * HTTP/2 say that the request was not acted upon.
 */
const FAULTS = ['drop', 'reset', 'fin', 'half', 'head', 'silence', 'goaway', 'garbage', 'cut', 'early'] as const;
/** Or a whole answer; with the end of the connection announced (`close`), or not (`idle`: a next request may cross with it). */
type Fate = (typeof FAULTS)[number] | 'none' | 'close' | 'idle';

interface Attempt {
  readonly fate: Fate;
  /** For the rest of its choices. */
  readonly random: () => number;
}

export async function startMisbehaving(seed: number): Promise<Misbehaving> {
  const attempts = new Map<number, number>();
  const acted = new Map<number, number>();
  let faults = 0;
  const attemptAt = (id: number): Attempt => {
    const attempt = (attempts.get(id) ?? 0) + 1;
    attempts.set(id, attempt);
    const random = randomOf(seed, id, attempt);
    const chance = random();
    if (chance < 0.05) {
      faults += 1;
      return { fate: FAULTS[Math.floor(random() * FAULTS.length)], random };
    }
    return { fate: chance < 0.08 ? 'close' : chance < 0.1 ? 'idle' : 'none', random };
  };
  const act = (id: number): void => void acted.set(id, (acted.get(id) ?? 0) + 1);

  const sockets = new Set<Socket>();
  const watch = (server: Server): Server =>
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    });
  const http1 = watch(createServer((socket) => serveHttp1(socket, attemptAt, act)));
  let streams = 0;
  const http2 = watch(
    createServer((socket) => {
      socket.setNoDelay(true);
      serveHttp2(new RawConnection(socket, () => {}), () => attemptAt(-++streams), act).catch(() => socket.destroy());
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

const REQUEST_LINE = /^[A-Z]+ \/(\d+) HTTP\/1\.1\r$/gm;

function serveHttp1(socket: Socket, attemptAt: (id: number) => Attempt, act: (id: number) => void): void {
  let unread = '';
  let isOver = false;
  let current: ({ id: number; isBodyWhole: () => boolean } & Attempt) | undefined;
  socket.setNoDelay(true);
  const end = (): void => {
    isOver = true;
    socket.end();
  };
  socket.on('data', (chunk) => {
    const text = chunk.toString('latin1');
    if (isOver) {
      // It gets no answer, but has arrived.
      for (const [, id] of text.matchAll(REQUEST_LINE)) act(Number(id));
      return;
    }
    unread += text;
    while (!isOver) {
      if (current === undefined) {
        const headEnd = unread.indexOf('\r\n\r\n') + 4;
        if (headEnd === 3) return;
        const head = unread.slice(0, headEnd);
        unread = unread.slice(headEnd);
        const id = Number(/^[A-Z]+ \/(\d+) /.exec(head)?.[1]);
        act(id);
        const takeBody = (length: number): boolean => {
          if (length < 0 || unread.length < length) return false;
          unread = unread.slice(length);
          return true;
        };
        const isBodyWhole = /^transfer-encoding: chunked\r$/im.test(head)
          ? () => takeBody(lengthOfChunks(unread))
          : () => takeBody(Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0));
        current = { id, isBodyWhole, ...attemptAt(id) };
      }
      if (!(current.fate === 'cut' || current.fate === 'early' || current.isBodyWhole())) return;
      const { id, fate, random } = current;
      current = undefined;
      isOver = answerHttp1(socket, id, fate, random);
      if (fate === 'idle') setTimeout(end, random() * 3);
    }
  });
}

/** Of the chunks that the text begins with, as whippet writes them; -1: not all are there. */
function lengthOfChunks(text: string): number {
  if (text.startsWith('0\r\n\r\n')) return 5;
  const last = text.indexOf('\r\n0\r\n\r\n');
  return last === -1 ? -1 : last + 7;
}

/** Whether nothing more is answered on the connection. */
function answerHttp1(socket: Socket, id: number, fate: Fate, random: () => number): boolean {
  const body = bodyFor(id);
  const isChunked = random() < 0.3;
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const head = `HTTP/1.1 200 OK\r\nX-Length: ${body.length}\r\n${framing}\r\n`;
  const framed = (text: string): string => (isChunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text);
  switch (fate) {
    case 'none':
    case 'idle':
    case 'close':
    case 'early': {
      const isLast = fate === 'close' || fate === 'early';
      const cut = Math.floor(random() * (body.length - 1)) + 1;
      const interim = random() < 0.1 ? 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' : '';
      socket.write(`${interim}${head}${isLast ? 'Connection: close\r\n' : ''}\r\n${framed(body.slice(0, cut))}`);
      const rest = framed(body.slice(cut)) + (isChunked ? '0\r\n\r\n' : '');
      if (isLast) socket.end(rest);
      else socket.write(rest);
      return isLast;
    }
    case 'drop':
      socket.destroy();
      return true;
    case 'reset':
    case 'cut':
      socket.resetAndDestroy();
      return true;
    case 'half':
      socket.end(`${head}\r\n${framed(body.slice(body.length / 2))}`);
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

/** A request of HTTP/2: its path is not decoded, so that its body says its id. */
interface Stream extends Attempt {
  /** The beginning of the body, until the id is in it. */
  token: string;
  id: number | undefined;
  isAnswered: boolean;
}

async function serveHttp2(
  connection: RawConnection,
  nextAttempt: () => Attempt,
  act: (id: number) => void,
): Promise<void> {
  await connection.body(24);
  const peer = new Http2Peer(connection);
  await peer.settings([3, 20]);
  const streams = new Map<number, Stream>();
  let last = Infinity;
  for (;;) {
    const { type, flags, stream: number, payload } = await peer.frame();
    const isEnd = (flags & END_STREAM) !== 0;
    if (type === Type.SETTINGS && (flags & ACK) === 0) await peer.send(Type.SETTINGS, ACK, 0);
    if (type === Type.DATA && payload.length > 0) {
      await peer.windowUpdate(0, payload.length);
      if (!isEnd) await peer.windowUpdate(number, payload.length);
    }
    if (type === Type.RST_STREAM) streams.delete(number);
    if (number > last || (type !== Type.HEADERS && type !== Type.DATA)) continue;
    if (type === Type.HEADERS) {
      const attempt = nextAttempt();
      if (attempt.fate === 'fin') {
        await peer.reset(number, Code.REFUSED_STREAM);
        continue;
      }
      if (attempt.fate === 'goaway') {
        // This one and those after it are not acted upon, and may come again.
        last = number - 2;
        await peer.goAway(Math.max(0, last), Code.NO_ERROR);
        continue;
      }
      if (attempt.fate === 'cut') await peer.reset(number, Code.CANCEL);
      streams.set(number, { ...attempt, token: '', id: undefined, isAnswered: attempt.fate === 'cut' });
    }
    const stream = streams.get(number);
    if (stream === undefined) continue;
    if (type === Type.DATA && stream.id === undefined) {
      stream.token += payload.toString('latin1', 0, 20);
      const id = /^<(\d+)>/.exec(stream.token)?.[1];
      if (id !== undefined) act((stream.id = Number(id)));
    }
    const isEarly = stream.fate === 'early' && stream.id !== undefined;
    if (stream.isAnswered || !(isEnd || isEarly)) continue;
    stream.isAnswered = true;
    if ((stream.fate === 'close' || stream.fate === 'idle') && last === Infinity) {
      // All that has come so far is answered.
      last = Math.max(...streams.keys());
      await peer.goAway(last, Code.NO_ERROR);
    }
    const isCutShort = isEarly && !isEnd;
    answerHttp2(peer, number, stream)
      // The rest of the upload is not wanted: RFC 9113 section 8.1.
      .then(() => (isCutShort ? peer.reset(number, Code.NO_ERROR) : undefined))
      .catch(() => {});
  }
}

async function answerHttp2(peer: Http2Peer, stream: number, { fate, random, id }: Stream): Promise<void> {
  const body = bodyFor(id ?? stream).slice(0, 10_000);
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
    default: {
      const shape = random();
      if (shape < 0.1) {
        await peer.send(Type.PING, 0, 0, Buffer.alloc(8));
        await peer.headers(stream, [[':status', '103']]);
      }
      await peer.headers(stream, head);
      if (shape > 0.9) {
        await peer.data(stream, body);
        return peer.headers(stream, [['x-checksum', 'abc']], END_STREAM);
      }
      const cut = shape > 0.7 ? Math.floor(random() * body.length) : 0;
      if (cut > 0) await peer.data(stream, body.slice(0, cut));
      return peer.data(stream, body.slice(cut), END_STREAM);
    }
  }
}
