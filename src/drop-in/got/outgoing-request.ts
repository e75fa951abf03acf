/** What got holds while a request is sent: shaped as Node's ClientRequest, carried by a client. */

import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Writable } from 'node:stream';
import { bare } from '../../bare.js';
import type { Client } from '../../client/client.js';
import { Aborter } from '../../dispatch/aborter.js';
import type { Headers } from '../../headers.js';
import { Request } from '../../request/request.js';
import type { Response } from '../../response/response.js';
import { URL } from '../../url/url.js';
import { toNodeError } from '../system-error.js';
import { IncomingResponse } from './incoming-response.js';
import { fillTimings } from './timings.js';

/** As got gives them. */
type GivenHeaders = Record<string, string | string[] | number | undefined>;

/** Of Node's request options, those that count. */
export interface NativeOptions {
  method?: string | undefined;
  /** A list is what Node's own types allow; got hands over an object. */
  headers?: GivenHeaders | readonly string[] | undefined;
  agent?: unknown;
  socketPath?: string | undefined;
  localAddress?: string | undefined;
  /** Of the shape of `dns.lookup`: got's `dnsLookup` and `dnsCache`. */
  lookup?: unknown;
  /** Refused. */
  createConnection?: unknown;
}

type Done = (error?: Error | null) => void;

export class OutgoingRequest extends Writable {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly protocol: string;
  readonly socketPath: string | undefined;
  /** Node's, as far as got looks at it. */
  socket: RequestSocket | null = null;
  res: IncomingMessage | null = null;
  aborted = false;
  reusedSocket = false;
  /** got's own. */
  timings?: unknown;
  #client: Client;
  #url: globalThis.URL;
  #options: NativeOptions;
  #ending = new Aborter();
  #hasBegun = false;
  /** The first chunk: when it is the only one, it is the whole body. */
  #first: Buffer | null = null;
  #queue: { chunk: Buffer; done: Done }[] = [];
  #isEnded = false;
  #wake: (() => void) | null = null;
  #idle: { timer: NodeJS.Timeout; ms: number } | null = null;

  constructor(client: Client, url: globalThis.URL, options: NativeOptions) {
    // It lives on behind its last byte, until its response is read.
    super(bare({ autoDestroy: false }));
    this.#client = client;
    this.#url = url;
    this.#options = options;
    this.method = (options.method ?? 'GET').toUpperCase();
    this.path = url.pathname + url.search;
    this.host = url.hostname;
    this.protocol = url.protocol;
    this.socketPath = options.socketPath;
    checkLikeNode(this.method, this.#given);
  }

  /** Milliseconds without any progress until 'timeout'; 0: none. */
  setTimeout(ms: number, callback?: () => void): this {
    if (this.#idle !== null) clearTimeout(this.#idle.timer);
    this.#idle = null;
    if (callback !== undefined) this.once('timeout', callback);
    if (ms > 0 && !this.destroyed) this.#idle = { ms, timer: setTimeout(() => this.emit('timeout'), ms) };
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setSocketKeepAlive(): this {
    return this;
  }

  get #given(): GivenHeaders {
    return (this.#options.headers ?? {}) as GivenHeaders;
  }

  getHeader(name: string): string | string[] | number | undefined {
    const headers = this.#given;
    const key = Object.keys(headers).find((own) => own.toLowerCase() === name.toLowerCase());
    return key === undefined ? undefined : headers[key];
  }

  /** The request goes out without waiting for its body. */
  flushHeaders(): void {
    this.#stream();
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    this.emit('abort');
    this.destroy();
  }

  override _write(given: Buffer | string, encoding: BufferEncoding, done: Done): void {
    const chunk = typeof given === 'string' ? Buffer.from(given, encoding) : given;
    this.#touch();
    if (!this.#hasBegun && this.#first === null) {
      this.#first = chunk;
      done();
      // A body that does not end in the same turn is a stream.
      setImmediate(() => this.#stream());
      return;
    }
    this.#stream();
    this.#queue.push({ chunk, done });
    this.#wake?.();
  }

  override _final(done: Done): void {
    this.#isEnded = true;
    if (this.#hasBegun) this.#wake?.();
    else this.#begin(this.#first);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.setTimeout(0);
    // Behind the end of the response there is nothing to end, but for an upload that it did not wait for.
    const isOver = error === null && this.res?.complete === true && this.#queue.length === 0;
    if (!isOver) {
      const reason = error ?? hangUp();
      this.#ending.abort(reason);
      for (const waiting of this.#queue.splice(0)) waiting.done(reason);
    }
    this.#wake?.();
    done(error ?? (this.res === null ? hangUp() : null));
  }

  #stream(): void {
    if (!this.#hasBegun && !this.destroyed) this.#begin(this.#chunks());
  }

  #begin(body: Buffer | AsyncIterable<Buffer> | null): void {
    this.#hasBegun = true;
    this.#send(body).catch((error: unknown) => this.destroy(toNodeError(error, this.socketPath)));
  }

  async #send(body: Buffer | AsyncIterable<Buffer> | null): Promise<void> {
    const url = new URL(this.#url.href);
    const headers = Object.entries(this.#given).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : value === undefined ? [] : [String(value)]).map((one): [string, string] => [
        name,
        one,
      ]),
    );
    const target = url.userinfo === '' ? url : url.copyWith({ username: '', password: '' });
    const request = new Request(this.method, target, body === null ? { headers } : { headers, content: body });
    this.socket = new RequestSocket(this);
    this.emit('socket', this.socket);
    const response = await this.#client.sendOnce(request, {
      signal: this.#ending.asSignal,
      onInformational: (statusCode, fields) => this.#onInformational(statusCode, fields),
    });
    this.#onResponse(response);
  }

  #onInformational(statusCode: number, fields: Headers): void {
    this.emit('information', { statusCode, headers: Object.fromEntries(fields), rawHeaders: fields.raw.flat() });
    if (statusCode === 100) this.emit('continue');
  }

  #onResponse(response: Response): void {
    this.#touch();
    this.socket?.connected(response);
    fillTimings(this, response.timings);
    const incoming = new IncomingResponse(response, this, () => this.#touch());
    this.res = incoming as unknown as IncomingMessage;
    incoming.once('close', () => {
      this.setTimeout(0);
      this.destroy();
    });
    if (!this.emit('response', incoming)) incoming.resume();
  }

  #touch(): void {
    this.#idle?.timer.refresh();
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    if (this.#first !== null) yield this.#first;
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        yield next.chunk;
        this.#touch();
        next.done();
      } else if (this.destroyed) {
        // An end would pass for that of the body.
        throw hangUp();
      } else if (this.#isEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = null;
      }
    }
  }
}

/** What got and its timers look at of a socket: by the time there is one, it is connected. */
class RequestSocket extends EventEmitter {
  readonly connecting = false;
  readonly writable = true;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  localAddress: string | undefined;
  #request: OutgoingRequest;

  constructor(request: OutgoingRequest) {
    super();
    this.#request = request;
  }

  get encrypted(): boolean {
    return this.#request.protocol === 'https:';
  }

  connected(response: Response): void {
    const { peer } = response;
    this.#request.reusedSocket = peer?.isReused ?? false;
    this.remoteAddress = peer?.address;
    this.remotePort = peer?.port;
    this.localAddress = peer?.localAddress;
  }

  address(): object {
    return this.localAddress === undefined ? {} : { address: this.localAddress };
  }

  setTimeout(): this {
    return this;
  }
}

/** node:http's own errors, by their codes, for what no request may have. */
function checkLikeNode(method: string, headers: GivenHeaders): void {
  // RFC 9110 §9.1: a token, as the name of a header is. The label is Node 20's, and not in the types yet.
  (validateHeaderName as (name: string, label: string) => void)(method, 'Method');
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    validateHeaderName(name);
    for (const one of Array.isArray(value) ? value : [String(value)]) validateHeaderValue(name, one);
  }
}

function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
