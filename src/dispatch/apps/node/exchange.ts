/**
 * One exchange with a Node listener: a real IncomingMessage and a real ServerResponse over a socket without a connection. What
 * `_http_server.js` does around the two is done here; which function is called, and where its errors come from, is
 * `listener.ts`'s work.
 */

import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { StreamBody } from '../../../request/body.js';
import { BodyPump } from '../../../request/body-pump.js';
import { RemoteProtocolError } from '../../../errors.js';
import { requestFailure } from '../../../request-failure.js';
import { Headers } from '../../../headers.js';
import type { Request } from '../../../request/request.js';
import { AppExchange } from '../exchange.js';
import { nextTick, queueMicrotask } from '../../../real-time.js';
import type { AppSocket, Ends, SocketOwner } from './socket.js';
import { openSocket } from './socket.js';
import { ChunkedReader, toBytes } from './chunked.js';
import type { DispatchOptions } from '../../dispatch.js';
import { ownCopy } from '../../../own-memory.js';
import { NodeHead } from './head.js';
import type { IncomingHead, Outgoing } from './messages.js';
import { close, makeRequest, makeResponse, needDrainOf } from './messages.js';
import { isResponse } from '../kind.js';
import type { ConnectionWishes } from '../../check-request.js';
import { whenUnreachable } from './unreachable.js';
import { Turns } from '../../../turns.js';
import { MAX_CHUNK_BYTES, Upload } from './upload.js';

/** What a dispatch decided for all of its exchanges. */
export interface NodeExchangeOptions {
  readonly raiseAppExceptions: boolean;
  /** '' at the root. */
  readonly scriptName: string;
  readonly ends: Ends;
  readonly server: Server | null;
  readonly asked: ConnectionWishes;
}

export class NodeExchange extends AppExchange implements SocketOwner {
  /** null: the app holds it, if it does. */
  #side: AppSide | null;
  #reference: WeakRef<AppSide> | null = null;
  readonly asked: ConnectionWishes;
  /** What an error of the listener is said to be, when it tells that the app is no listener. */
  explain: ((error: unknown) => unknown) | null = null;
  #server: Server | null;
  #raises: boolean;
  /** What the app's framework told us of an error that it may have answered itself. */
  #noted: { error: unknown } | null = null;
  #head: NodeHead | null = null;
  #chunks: ChunkedReader | null = null;
  /** Writes whose callers wait for the reader. */
  #waiting: (() => void)[] = [];
  #release: (() => void) | null = null;
  /** Enough waits for the reader: writers should wait as well. */
  #isFull = false;
  #turns: Turns | null = null;
  #awaitsTurn = false;
  #hasReturned = false;

  /** @param target The request-target, below the mount path. */
  constructor(
    request: Request,
    options: DispatchOptions,
    { raiseAppExceptions, scriptName, ends, server, asked }: NodeExchangeOptions,
    headerLines: string,
    target: string,
  ) {
    super(request, options);
    this.#raises = raiseAppExceptions;
    const socket = openSocket(this, ends);
    const req: Incoming = makeRequest(socket, server, request.method, target, headerLines);
    if (scriptName !== '') {
      req.baseUrl = scriptName;
      req.originalUrl = request.url.fullPath;
    }
    const res = makeResponse(req, server);
    if (asked.closes) res.shouldKeepAlive = false;
    this.asked = asked;
    this.#server = server;
    if (server !== null && server.timeout > 0) socket.setTimeout(server.timeout);
    this.#side = { req, res, socket, upload: null };
    req[exchangeKey] = this;
    res.assignSocket(socket);
    res.on('finish', () => this.#finished());
    res.on('error', (error: unknown) => this.thrown(error));
  }

  get req(): IncomingMessage {
    return this.#app.req;
  }

  get res(): ServerResponse {
    return this.#app.res;
  }

  get socket(): AppSocket {
    return this.#app.socket;
  }

  /** What asks for it is called by the app, which has one of its parts. */
  get #app(): AppSide {
    return (this.#side ?? this.#reference?.deref()) as AppSide;
  }

  /**
   * Calls the listener, then lets the body follow. An expectation that is not 100-continue is answered as by Node's server.
   * @param invites Whether `Expect: 100-continue` is answered first, as Node's server does for listeners of 'request'.
   */
  call(listener: (req: IncomingMessage, res: ServerResponse) => unknown, invites = this.asked.expectsContinue): void {
    if (this.isOver) return;
    try {
      if (invites) this.res.writeContinue();
      const returned = this.asked.expectsMore ? this.#refuseExpectation() : listener(this.req, this.res);
      if (typeof (returned as PromiseLike<unknown> | undefined)?.then === 'function') {
        (returned as PromiseLike<unknown>).then(
          (value) => {
            this.#hasReturned = true;
            this.#checkReturned(value);
            if (!this.isOver && !this.res.headersSent) this.#letGo();
          },
          (error: unknown) => this.#failed(error),
        );
      } else {
        this.#checkReturned(returned);
      }
    } catch (error) {
      this.#failed(error);
    }
    this.#sendBody();
  }

  /** A server answers by writing: what returns a Response is a fetch handler that was taken for a listener. */
  #checkReturned(value: unknown): void {
    if (this.isOver || value === undefined || this.res.headersSent || !isResponse(value)) return;
    value.body?.cancel().catch(() => {});
    this.fail(this.#truncated(`The app returned a Response. ${NO_LISTENER}`, null));
  }

  /** From here on the app alone holds what it could answer by: when it does not, no answer will come. */
  #letGo(): void {
    const side = this.#app as AppSide & { [sideKey]?: AppSide };
    for (const part of [side.req, side.res, side.socket] as { [sideKey]?: AppSide }[]) part[sideKey] = side;
    this.#side = null;
    this.#reference = new WeakRef(side);
    whenUnreachable(
      this.#reference,
      () => this.isOver || this.#head !== null,
      () =>
        this.fail(this.#truncated('The app returned without answering, and nothing is left that could answer', null)),
    );
  }

  #refuseExpectation(): void {
    const { req, res } = this;
    if (this.#server?.emit('checkExpectation', req, res)) return;
    res.writeHead(417);
    res.end();
  }

  #failed(error: unknown): void {
    this.thrown(this.explain === null ? error : this.explain(error));
  }

  // ── what the app's errors do ──

  /** Takes an error that no handler of the app has dealt with. */
  thrown(error: unknown): void {
    if (this.isOver) return;
    if (this.#raises) {
      this.fail(error);
    } else if (this.res.writableEnded) {
      // The answer was whole already.
    } else if (this.res.headersSent) {
      this.fail(this.#truncated('The app failed in the midst of its response', error));
    } else {
      const { res } = this;
      for (const name of res.getHeaderNames()) res.removeHeader(name);
      res.statusCode = 500;
      // What the app said of another status, or what no status line can hold.
      res.statusMessage = '';
      res.end();
    }
  }

  /** The framework tells of an error that it is about to answer: it counts if the answer is a 5xx, or has begun already. */
  noted(error: unknown): void {
    if (this.isOver) return;
    if (this.res.headersSent && !this.res.writableEnded) this.thrown(error);
    else this.#noted = { error };
  }

  // ── what the socket tells ──

  written(data: string | Uint8Array, encoding: BufferEncoding | undefined, callback?: () => void): boolean {
    const more = this.#feed(data, encoding);
    if (more || this.isOver) {
      if (callback !== undefined) nextTick(callback);
      return true;
    }
    if (callback !== undefined) this.#waiting.push(callback);
    // 'drain' is emitted in the app's AsyncLocalStorage, not in that of the reader which made room.
    this.#release ??= AsyncResource.bind(() => this.#drain());
    return false;
  }

  wanted(): void {
    this.#app.upload?.resume();
  }

  destroyed(error: Error | null): void {
    // What was written before is out, as on a socket.
    if (this.isOver || (this.res.writableEnded && error === null)) return;
    if (this.#raises && this.#noted !== null) this.fail(this.#noted.error);
    else if (this.#raises && error !== null) this.fail(error);
    else if (this.hasHead) this.fail(this.#truncated('The app closed its socket in the midst of its response', error));
    else this.fail(this.#truncated('The app closed its socket without a response', error));
  }

  /** As in Node's server, a socket whose 'timeout' has no listener is closed. */
  timedOut(): void {
    const { req, res, socket } = this;
    const heard = [
      !req.complete && req.emit('timeout', socket),
      res.emit('timeout', socket),
      this.#server?.emit('timeout', socket) === true,
    ];
    if (!heard.includes(true)) socket.destroy();
  }

  // ── what the client's side tells ──

  protected room(): void {
    const release = this.#release;
    this.#release = null;
    release?.();
  }

  protected dropped(): void {
    this.#waiting = [];
    const app = this.#side ?? this.#reference?.deref();
    if (app === undefined) return;
    const { req, socket, upload } = app;
    upload?.stop();
    // As a server whose client has gone: the response closes with its socket, the request is aborted.
    socket.destroy();
    const gone: NodeJS.ErrnoException = new Error('aborted');
    gone.code = 'ECONNRESET';
    req.destroy(gone);
  }

  protected override hint(): string {
    return this.#hasReturned && this.#head === null ? ' (the app returned without answering)' : '';
  }

  /** Bytes of the response; false when the writer should wait. */
  #feed(data: string | Uint8Array, encoding: BufferEncoding | undefined): boolean {
    if (this.isOver) return true;
    if (this.#head !== null) return this.#feedBody(data, encoding);
    const header = (this.res as Outgoing)._header;
    if (header !== null && typeof data === 'string' && data.startsWith(header)) {
      const head = new NodeHead(header, encoding, this.request.method);
      this.#head = head;
      if (this.#raises && this.#noted !== null && head.statusCode >= 500) {
        this.fail(this.#noted.error);
        return true;
      }
      this.#noted = null;
      if (!head.isBodiless && Number.isNaN(head.contentLength)) {
        this.fail(this.#truncated('The app sent a Content-Length that is no length', null));
        return true;
      }
      if (!this.begin(head)) return true;
      if ((this.res as Outgoing).chunkedEncoding && !head.isBodiless) {
        this.#chunks = new ChunkedReader(
          (piece) => this.#body(piece),
          (lines) => this.#trailers(lines),
        );
      }
      return data.length === header.length || this.#feedBody(data.slice(header.length), encoding);
    }
    const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
    if (/^HTTP\/1\.1 1\d\d [^]*\r\n\r\n$/.test(text)) {
      this.#informational(text);
    } else if (text !== '') {
      this.fail(this.#truncated('The app wrote to its socket, past its response', null));
    }
    return true;
  }

  #feedBody(data: string | Uint8Array, encoding: BufferEncoding | undefined): boolean {
    if (data.length === 0) return !this.#isFull;
    const head = this.#head as NodeHead;
    if (this.#chunks !== null) {
      if (!this.#chunks.feed(data, encoding)) {
        this.fail(this.#truncated('The app wrote to its socket, past its response', null));
      }
    } else if (!head.isBodiless) {
      this.#body(toBytes(data, encoding));
      if (head.contentLength !== null && this.received > head.contentLength) {
        const message = `The app sent more than the ${head.contentLength} bytes of its Content-Length`;
        this.fail(requestFailure(RemoteProtocolError, message, { request: this.request }));
      }
    }
    return !this.#isFull;
  }

  #body(piece: Buffer): void {
    this.#isFull = !this.push(piece) || (this.collects && !this.#hasTurn());
  }

  /** What is collected fills no buffer. Writers that never wait do so now and then all the same, or nothing else has a turn. */
  #hasTurn(): boolean {
    // Once for all that is written until then: Node 26 writes 64 KiB of small pieces after each 'drain'.
    if (this.#awaitsTurn) return false;
    const turn = (this.#turns ??= new Turns()).due();
    if (turn === null) return true;
    this.#awaitsTurn = true;
    void turn.then(() => {
      this.#awaitsTurn = false;
      this.room();
    });
    return false;
  }

  #trailers(lines: string[]): void {
    if (lines.length === 0) return;
    // Spelled as the app has them, as over a socket.
    this.trailers = Headers.fromLines(`${lines.map((line) => line.replace(/^([^:]*): ?/, '$1\n')).join('\n')}\n`);
  }

  #informational(text: string): void {
    const { onInformational } = this.options;
    if (typeof onInformational !== 'function') return;
    try {
      onInformational(Number(text.slice(9, 12)), Headers.fromLines(new NodeHead(text, 'latin1', '').headerLines));
    } catch (error) {
      this.fail(error);
    }
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** There is room again: the writers that wait go on. */
  #drain(): void {
    this.#isFull = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    const { res } = this;
    nextTick(() => {
      for (const callback of waiting) callback();
      if (!res.writableNeedDrain) return;
      (res as unknown as Record<symbol, boolean>)[needDrainOf(res)] = false;
      res.emit('drain');
    });
  }

  /** `resOnFinish` of Node's server; the response is whole. */
  #finished(): void {
    const { req, res, socket } = this;
    this.#app.upload?.stop();
    if (!(req as Incoming)._consuming) (req as Incoming)._dump();
    res.detachSocket(socket);
    if (socket.timeout) socket.setTimeout(0);
    nextTick(close, res, socket);
    const head = this.#head;
    if (head !== null && !head.isBodiless && head.contentLength !== null && this.received < head.contentLength) {
      const message = `The app ended its response after ${this.received} of the ${head.contentLength} bytes of its Content-Length`;
      this.fail(requestFailure(RemoteProtocolError, message, { request: this.request }));
      return;
    }
    // Not at once: an async listener that fails right behind `res.end()` fails before its answer is out.
    queueMicrotask(() => this.end());
  }

  /** As the parser would: after the listener was called, piece by piece. */
  #sendBody(): void {
    const { body } = this.request;
    const req = this.req as Incoming;
    if (body instanceof StreamBody) {
      if (this.isOver) return;
      const pump = new BodyPump(body, this.options.onUploadProgress, MAX_CHUNK_BYTES);
      const upload = new Upload(pump, req, {
        fails: (error) => this.fail(error),
        waitsForApp: () => this.startWriteTimer(),
        appTook: () => this.stopWriteTimer(),
        waitsForSource: () => {
          (this.#side ?? this.#reference?.deref())?.socket.touch();
          this.stopReadTimer();
        },
        done: () => this.startReadTimer(),
      });
      this.#app.upload = upload;
      void upload.start();
      return;
    }
    if (body !== null && !req.destroyed) {
      // A copy: the app may change what it is given, and the body may be sent again.
      req.push(ownCopy(body));
      this.options.onUploadProgress?.(body.length, body.length);
    }
    req.complete = true;
    if (!req.destroyed) req.push(null);
    // What is answered already needs no clock; an end that never left the response does.
    if (!this.res.writableEnded || this.#head === null) this.startReadTimer();
  }

  #truncated(message: string, cause: unknown): RemoteProtocolError {
    return requestFailure(RemoteProtocolError, message, {
      request: this.request,
      ...(cause === null ? {} : { cause }),
    });
  }
}

/** Behind a message: what to do with a fetch handler of more than one parameter. */
export const NO_LISTENER =
  'A function of two parameters is called as a Node listener, (req, res); a fetch handler of more than one is given as dispatch: new FetchDispatch({ app })';

/** The exchange that a request belongs to: frameworks tell of errors with the request at hand. */
export function exchangeOf(req: object | null | undefined): NodeExchange | undefined {
  return req === null || req === undefined ? undefined : (req as Partial<Incoming>)[exchangeKey];
}

/** What the app is given. */
interface AppSide {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly socket: AppSocket;
  upload: Upload | null;
}

const sideKey = Symbol('side');

/** A property and no WeakMap: entries of that would be the garbage collector's to look through. */
const exchangeKey = Symbol('exchange');

type Incoming = IncomingHead & { [exchangeKey]?: NodeExchange };
