/**
 * Proxies that work, and keep what they were asked: HTTP ones (forwarding and CONNECT, over http and https) and SOCKS ones. For
 * replies that no working proxy gives there is raw-server.ts.
 */
import type { ExecutionContext } from 'ava';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { connect, createServer as createTcpServer, isIPv4, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { listen, type Listening } from './listen.js';

export interface HttpProxyOptions {
  /** Speak TLS with this identity: an https proxy. */
  tls?: ServerOptions;
  /** Answers 407 to a request without this Proxy-Authorization, or without one that the function accepts. */
  authorization?: string | ((given: string, method: string, uri: string) => boolean);
  /** Proxy-Authenticate of the 407. */
  challenge?: string | (() => string);
  /** Where to connect to instead of what was asked for: `host:port` → port on the loopback. */
  lead?: (authority: string) => number;
}

/** What the proxy was asked. */
export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  /** Which connection brought it, counted from 1. */
  readonly connection: number;
}

export interface HttpProxyServer extends Listening {
  readonly asked: readonly Asked[];
  /** Authorities that tunnels were opened to. */
  readonly tunnels: readonly string[];
}

export async function serveProxy(t: ExecutionContext, options: HttpProxyOptions = {}): Promise<HttpProxyServer> {
  const asked: Asked[] = [];
  const tunnels: string[] = [];
  const record = (request: IncomingMessage): Asked => {
    const { method = '', url: target = '', rawHeaders, headers } = request;
    const connection = listening.connectionOf(request.socket);
    const one = { method, target, rawHeaders, headers, connection };
    asked.push(one);
    return one;
  };
  const isWelcome = ({ headers, method, target }: Asked): boolean => {
    const { authorization } = options;
    const given = headers['proxy-authorization'] ?? '';
    if (authorization === undefined) return true;
    return typeof authorization === 'string' ? given === authorization : authorization(given, method, target);
  };
  const challenge = (): string => {
    const given = options.challenge ?? 'Basic realm="proxy"';
    return typeof given === 'string' ? given : given();
  };
  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    if (!isWelcome(record(request))) {
      response.writeHead(407, { 'Proxy-Authenticate': challenge() }).end('who are you?');
      return;
    }
    const url = new URL(request.url ?? '');
    const { host, hostname, port } = url;
    const path = request.method === 'OPTIONS' && request.url === url.origin ? '*' : url.pathname + url.search;
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onwards = httpRequest(
      {
        method: request.method,
        path,
        headers,
        host: options.lead === undefined ? hostname : '127.0.0.1',
        port: options.lead?.(host) ?? (port || 80),
        agent: false,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
        answer.pipe(response);
      },
    );
    onwards.on('error', () => response.writeHead(502).end('no one there'));
    request.pipe(onwards);
  };
  const { tls } = options;
  const server: Server = tls === undefined ? createServer(forward) : createTlsServer(tls, forward);
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isWelcome(record(request))) {
      const answer = 'HTTP/1.1 407 Proxy Authentication Required\r\n';
      socket.end(`${answer}Proxy-Authenticate: ${challenge()}\r\nContent-Length: 12\r\n\r\nwho are you?`);
      return;
    }
    const authority = request.url ?? '';
    const { hostname, port } = new URL(`tunnel://${authority}`);
    const target =
      options.lead === undefined
        ? connect(Number(port), hostname.replace(/^\[|\]$/g, ''))
        : connect(options.lead(authority), '127.0.0.1');
    const connected = (): void => {
      tunnels.push(authority);
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
    };
    const refused = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 12\r\n\r\nno one there';
    join(socket, target, connected, () => socket.end(refused));
  });
  const listening = await listen(t, server, tls === undefined ? 'http' : 'https', []);
  return { ...listening, asked, tunnels };
}

export interface SocksOptions {
  username?: string;
  password?: string;
  /** As of an HTTP proxy. */
  lead?: (authority: string) => number;
}

export interface SocksServer extends Omit<Listening, 'origin' | 'url'> {
  /** What tunnels were asked for: `4 host:port user`, `5 host:port user`; names as names. */
  readonly asked: readonly string[];
}

/** Both versions, told apart by the first byte. With a username the fifth asks for it, and the fourth compares it. */
export async function serveSocks(t: ExecutionContext, options: SocksOptions = {}): Promise<SocksServer> {
  const asked: string[] = [];
  const server = createTcpServer((socket) => {
    const bytes = new Reader(socket);
    const open = (host: string, port: number, answer: (ok: boolean) => Buffer): void => {
      const authority = `${host}:${port}`;
      const lead = options.lead?.(authority);
      const target = lead === undefined ? connect(port, host) : connect(lead, '127.0.0.1');
      const connected = (): void => {
        socket.write(answer(true));
        bytes.release();
      };
      join(socket, target, connected, () => socket.end(answer(false)));
    };
    const version5 = async (): Promise<void> => {
      const [count] = await bytes.take(1);
      const methods = await bytes.take(count);
      const { username } = options;
      const method = username === undefined ? 0 : 2;
      if (!methods.includes(method)) return void socket.end(Buffer.from([5, 0xff]));
      socket.write(Buffer.from([5, method]));
      let user = '-';
      if (method === 2) {
        await bytes.take(1);
        user = (await bytes.string()).toString();
        const welcome = user === username && (await bytes.string()).toString() === options.password;
        socket.write(Buffer.from([1, welcome ? 0 : 1]));
        if (!welcome) return void socket.end();
      }
      const [, , , kind] = await bytes.take(4);
      let host: string;
      if (kind === 1) host = [...(await bytes.take(4))].join('.');
      else if (kind === 3) host = (await bytes.string()).toString();
      else host = ((await bytes.take(16)).toString('hex').match(/..../g) as string[]).join(':');
      const port = (await bytes.take(2)).readUInt16BE();
      asked.push(`5 ${host}:${port} ${user}`);
      open(host, port, (ok) => Buffer.from([5, ok ? 0 : 5, 0, 1, 0, 0, 0, 0, 0, 0]));
    };
    const version4 = async (): Promise<void> => {
      const head = await bytes.take(7);
      const user = await bytes.line();
      let host = [...head.subarray(3)].join('.');
      if (isIPv4(host) && host.startsWith('0.0.0.')) host = await bytes.line();
      asked.push(`4 ${host}:${head.readUInt16BE(1)} ${user || '-'}`);
      const welcome = options.username === undefined || options.username === user;
      if (!welcome) return void socket.end(Buffer.from([0, 93, 0, 0, 0, 0, 0, 0]));
      open(host, head.readUInt16BE(1), (ok) => Buffer.from([0, ok ? 90 : 91, 0, 0, 0, 0, 0, 0]));
    };
    void bytes
      .take(1)
      .then(([version]) => (version === 5 ? version5() : version4()))
      .catch(() => socket.destroy());
  });
  const { origin: _, url: __, ...listening } = await listen(t, server, 'socks', []);
  return { ...listening, asked };
}

/** Each side's bytes to the other, once `target` is connected; when one goes, so does the other. What is refused is told before only. */
function join(socket: Duplex, target: Socket, connected: () => void, refused: () => void): void {
  socket.on('error', () => {});
  target.on('error', () => {});
  target.once('error', refused);
  socket.once('close', () => target.destroy());
  target.once('close', () => socket.destroy());
  target.once('connect', () => {
    target.off('error', refused);
    connected();
    socket.pipe(target);
    target.pipe(socket);
  });
}

/** Reads by need; after `release` the socket's next reader gets what was not taken. */
class Reader {
  #socket: Socket;
  #unread = Buffer.alloc(0);
  #wake: () => void = () => {};
  #onData = (chunk: Buffer): void => {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    this.#wake();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', () => {});
  }

  async take(length: number): Promise<Buffer> {
    while (this.#unread.length < length) {
      if (this.#socket.readableEnded || this.#socket.destroyed) throw new Error('the client is gone');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.once('close', resolve);
      });
    }
    const taken = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return taken;
  }

  /** A byte of length, and so many. */
  async string(): Promise<Buffer> {
    const [length] = await this.take(1);
    return this.take(length);
  }

  /** Up to a NUL, which is not part of it. */
  async line(): Promise<string> {
    let line = '';
    for (;;) {
      const [byte] = await this.take(1);
      if (byte === 0) return line;
      line += String.fromCharCode(byte);
    }
  }

  release(): void {
    this.#socket.off('data', this.#onData);
    if (this.#unread.length > 0) this.#socket.unshift(this.#unread);
  }
}
