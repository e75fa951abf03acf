/** A scripted TCP server, for facts about the wire: it says byte for byte what the script says, and keeps what it received. */
import type { ExecutionContext } from 'ava';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { listen, type Listening } from './listen.js';

/**
 * What to answer, latin1:
 * - a string: after every whole request;
 * - strings: one per request of a connection, which is closed when they run out;
 * - a function: called for every connection, which it may leave open.
 */
export type RawScript = string | readonly string[] | ((connection: RawConnection) => unknown);

/** The shortest answer that a test can compare: `200 ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

export interface RawServerOptions {
  /** Speak TLS with this identity. */
  tls?: { cert: string; key: string; ALPNProtocols?: string[] };
  /** Close the connection after the last answer of a string script. Default: only when an array of them has run out. */
  end?: boolean;
  /** Listen on this unix socket. */
  socketPath?: string;
}

export interface RawServer extends Listening {
  /** What each connection received so far, verbatim, as latin1. */
  readonly received: readonly string[];
}

/** Starts a scripted server for this test. An error that the script throws fails the test when it ends. */
export async function serveRaw(
  t: ExecutionContext,
  script: RawScript,
  options: RawServerOptions = {},
): Promise<RawServer> {
  const received: string[] = [];
  const errors: unknown[] = [];
  const play = typeof script === 'function' ? script : answering(script, options.end ?? false);
  const accept = (socket: Socket): void => {
    const index = received.push('') - 1;
    const connection = new RawConnection(socket, (text) => (received[index] += text));
    new Promise((resolve) => resolve(play(connection))).catch((error: unknown) => {
      if (error instanceof ConnectionEnded) return;
      errors.push(error);
      connection.reset();
    });
  };
  const { tls } = options;
  const server: Server = tls === undefined ? createServer(accept) : createTlsServer({ ...tls }, accept);
  const { connectionOf: _, ...listening } = await listen(
    t,
    server,
    tls === undefined ? 'http' : 'https',
    errors,
    options.socketPath,
  );
  return { ...listening, received };
}

function answering(script: string | readonly string[], end: boolean): (connection: RawConnection) => Promise<void> {
  return async (connection) => {
    for (let i = 0; ; i++) {
      const answer = typeof script === 'string' ? script : script[i];
      const last = typeof script === 'string' || i === script.length - 1;
      await connection.request();
      // One request more than the script knows: say so by closing, rather than let the test wait.
      if (answer === undefined) return connection.end();
      await connection.write(answer);
      if (end && last) return connection.end();
    }
  };
}

/** The client closed the connection while the script waited for more: no error of the script. */
export class ConnectionEnded extends Error {
  override name = 'ConnectionEnded';
}

/** One accepted connection, read by need. Texts are latin1: one character, one byte. */
export class RawConnection {
  readonly socket: Socket;
  /** Resolves when the socket is closed, by either end. */
  readonly closed: Promise<void>;
  #unread = '';
  #lastHead = '';
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, record: (text: string) => void) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      record(text);
      this.#unread += text;
      this.#wake?.();
    });
    const ended = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.once('end', ended);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        ended();
        resolve();
      });
    });
    socket.on('error', () => {});
  }

  /** The next request head, up to and with its empty line. */
  async head(): Promise<string> {
    this.#lastHead = await this.#until('\r\n\r\n');
    return this.#lastHead;
  }

  /** The next `n` bytes; or, without `n`, the body that the last head announces, as framed on the wire. */
  async body(n?: number): Promise<string> {
    if (n !== undefined) return this.#take(n);
    if (/^transfer-encoding:.*chunked[ \t]*\r$/im.test(this.#lastHead)) return this.#chunkedBody();
    return this.#take(Number(/^content-length:[ \t]*(\d+)/im.exec(this.#lastHead)?.[1] ?? 0));
  }

  /** The next whole request. */
  async request(): Promise<{ head: string; body: string }> {
    return { head: await this.head(), body: await this.body() };
  }

  /** Everything until the client ends its side. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more();
    return this.#take(this.#unread.length);
  }

  /** Resolves when the operating system has the bytes; rejects with ConnectionEnded when the client is gone. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    await new Promise<void>((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(new ConnectionEnded(error.message)) : resolve()));
    });
  }

  /** Closes in order (FIN), after a last write if there is one. */
  end(data?: string): void {
    if (data === undefined) this.socket.end();
    else this.socket.end(data, 'latin1');
  }

  /** Closes at once (RST). */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async #chunkedBody(): Promise<string> {
    let framed = '';
    for (;;) {
      const line = await this.#until('\r\n');
      const size = Number.parseInt(line, 16);
      framed += line;
      if (size === 0) break;
      framed += await this.#take(size + 2);
    }
    // Trailers, if any, and the empty line.
    for (;;) {
      const line = await this.#until('\r\n');
      framed += line;
      if (line === '\r\n') return framed;
    }
  }

  async #until(mark: string): Promise<string> {
    for (;;) {
      const at = this.#unread.indexOf(mark);
      if (at !== -1) return this.#take(at + mark.length);
      await this.#more();
    }
  }

  async #take(n: number): Promise<string> {
    while (this.#unread.length < n) await this.#more();
    const taken = this.#unread.slice(0, n);
    this.#unread = this.#unread.slice(n);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new ConnectionEnded('the client closed the connection');
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
