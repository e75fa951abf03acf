/**
 * A scripted HTTP/2 server: it sends the frames that the script says, right or wrong, and reads those of the client. Header
 * sections are encoded without compression; those of the client are not decoded.
 */
import type { ExecutionContext } from 'ava';
import { type RawConnection, type RawServer, type RawServerOptions, serveRaw } from './raw-server.js';

/** RFC 9113 section 6. */
export const Type = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** RFC 9113 section 7. */
export const Code = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  ENHANCE_YOUR_CALM: 11,
  HTTP_1_1_REQUIRED: 13,
} as const;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export type Fields = readonly (readonly [name: string, value: string])[];

export const OK: Fields = [[':status', '200']];

/** Starts a server for this test that speaks HTTP/2 as `script` says, on every connection, after the client's preface. */
export function serveHttp2(
  t: ExecutionContext,
  script: (peer: Http2Peer) => unknown,
  options?: RawServerOptions,
): Promise<RawServer> {
  return serveRaw(
    t,
    async (connection) => {
      // Small writes do not wait for the acknowledgement of those before them.
      connection.socket.setNoDelay(true);
      await connection.body(PREFACE_LENGTH);
      await script(new Http2Peer(connection));
    },
    options,
  );
}

/** One connection, seen from the server. */
export class Http2Peer {
  constructor(readonly connection: RawConnection) {}

  /** The client's next frame. */
  async frame(): Promise<Frame> {
    const head = Buffer.from(await this.connection.body(9), 'latin1');
    const payload = Buffer.from(await this.connection.body(head.readUIntBE(0, 3)), 'latin1');
    return { type: head[3], flags: head[4], stream: head.readUInt32BE(5) & 0x7fffffff, payload };
  }

  /** The client's next frame of that type; those before it are skipped. */
  async next(type: number): Promise<Frame> {
    for (;;) {
      const frame = await this.frame();
      if (frame.type === type) return frame;
    }
  }

  /** The stream of the next request, whose body is not waited for. */
  async request(): Promise<number> {
    return (await this.next(Type.HEADERS)).stream;
  }

  /** The stream of the next request, once its body is there as well. */
  async whole(): Promise<number> {
    for (;;) {
      const { type, flags, stream } = await this.frame();
      if ((type === Type.HEADERS || type === Type.DATA) && (flags & END_STREAM) !== 0) return stream;
    }
  }

  /** Resolves when the client has read what was sent to it so far. */
  async ping(): Promise<void> {
    await this.send(Type.PING, 0, 0, Buffer.alloc(8));
    while (((await this.next(Type.PING)).flags & ACK) === 0);
  }

  send(type: number, flags: number, stream: number, payload: Uint8Array = EMPTY): Promise<void> {
    return this.connection.write(frame(type, flags, stream, payload));
  }

  settings(...pairs: readonly (readonly [id: number, value: number])[]): Promise<void> {
    const payload = Buffer.alloc(6 * pairs.length);
    pairs.forEach(([id, value], i) => {
      payload.writeUInt16BE(id, i * 6);
      payload.writeUInt32BE(value, i * 6 + 2);
    });
    return this.send(Type.SETTINGS, 0, 0, payload);
  }

  headers(stream: number, fields: Fields, flags = 0): Promise<void> {
    return this.send(Type.HEADERS, flags | END_HEADERS, stream, section(fields));
  }

  data(stream: number, data: string | Uint8Array, flags = 0): Promise<void> {
    return this.send(Type.DATA, flags, stream, Buffer.from(data));
  }

  /** A whole response. */
  async answer(stream: number, body = 'ok'): Promise<void> {
    await this.headers(stream, OK);
    await this.data(stream, body, END_STREAM);
  }

  reset(stream: number, code: number): Promise<void> {
    return this.send(Type.RST_STREAM, 0, stream, word(code));
  }

  goAway(last: number, code: number): Promise<void> {
    return this.send(Type.GOAWAY, 0, 0, Buffer.concat([word(last), word(code)]));
  }

  windowUpdate(stream: number, increment: number): Promise<void> {
    return this.send(Type.WINDOW_UPDATE, 0, stream, word(increment));
  }
}

/** A frame as bytes. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = EMPTY): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** These bytes, so often. */
export const repeated = (bytes: Uint8Array, times: number): Buffer => Buffer.alloc(bytes.length * times, bytes);

/** RFC 7541 section 6.2.2: each a literal without indexing, with a new name, without Huffman coding. */
export function section(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 7541 section 5.1, with a prefix of seven bits. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length = [];
  let left = bytes.length;
  if (left < 127) length.push(left);
  else {
    length.push(127);
    for (left -= 127; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128);
    length.push(left);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

const EMPTY = new Uint8Array(0);
const PREFACE_LENGTH = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length;
