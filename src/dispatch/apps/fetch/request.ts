/** The global Request that a fetch handler is given. */

import type { UnderlyingSource } from 'node:stream/web';
import type { BodyPump } from '../../../request/body-pump.js';
import { LocalProtocolError } from '../../../errors.js';
import { requestFailure } from '../../../request-failure.js';
import type { Request } from '../../../request/request.js';
import { bare } from '../../../bare.js';

export interface AppRequest extends globalThis.Request {
  /** Aborts the request's signal: its response is no longer waited for. */
  [abort](reason: unknown): void;
}

/** What a streamed body tells of itself. */
export interface BodyListener {
  fails(error: unknown): void;
  waitsForSource(): void;
  took(): void;
  done(): void;
}

const abort = Symbol('abort');

/**
 * @param path The path and query that the app routes on.
 * @throws LocalProtocolError for what a Request cannot be: TRACE, a body of GET and HEAD
 */
export function toAppRequest(
  request: Request,
  path: string,
  headerLines: string,
  sent: Buffer | ReadableStream<Uint8Array> | null,
): AppRequest {
  const { method, url } = request;
  if (method === 'TRACE' || method === 'TRACK') {
    throw requestFailure(
      LocalProtocolError,
      `${method}: a fetch handler cannot be sent it, a Request has no such method`,
      {
        request,
      },
    );
  }
  if (sent !== null && (method === 'GET' || method === 'HEAD')) {
    throw requestFailure(LocalProtocolError, `${method}: a fetch handler cannot be sent a body with it`, { request });
  }
  const headers: [string, string][] = [];
  const fields = headerLines.split('\n');
  for (let i = 0; i + 1 < fields.length; i += 2) headers.push([fields[i], fields[i + 1]]);
  const init: RequestInit & { duplex?: 'half' } = bare({ method, headers });
  if (sent !== null) {
    init.body = sent as Exclude<typeof sent, Buffer> | Uint8Array<ArrayBuffer>;
    init.duplex = 'half';
  }
  // '*' and an absolute-form target have no place in a URL's path.
  const target = path.startsWith('/') ? path : '/';
  // Redirects are the client's: the default of a Request, 'follow', says nothing to a server.
  return new (appRequestClass())(url.origin + target, init);
}

/** Tells the app, if it listens. */
export function abortRequest(request: AppRequest, reason: unknown): void {
  request[abort](reason);
}

/** A streamed body on its way. Reading it after the exchange has ended rejects with an error and does not hang. */
export interface Streaming {
  readonly stream: ReadableStream<Uint8Array>;
  /** No more is wanted: the source is told, if it was begun. */
  stop(reason: unknown): void;
}

export function streamBody(pump: BodyPump, listener: BodyListener): Streaming {
  let controls: ReadableStreamDefaultController<Uint8Array> | null = null;
  const release = () => {
    controls = null;
    pump.stop();
  };
  const stream = new ReadableStream<Uint8Array>(
    bare<UnderlyingSource<Uint8Array>>({
      start(controller) {
        controls = controller;
      },
      async pull(controller) {
        listener.waitsForSource();
        try {
          const chunk = await pump.next();
          if (controls === null) return;
          if (chunk === null) {
            controls = null;
            controller.close();
            listener.done();
            return;
          }
          // A copy, as on any other way out: producers use their buffers again.
          controller.enqueue(Uint8Array.prototype.slice.call(chunk));
          pump.report(chunk.length);
          listener.took();
        } catch (error) {
          if (controls === null) return;
          release();
          controller.error(error);
          listener.fails(error);
        }
      },
      cancel: release,
    }),
    bare({ highWaterMark: 0 }),
  );
  const stop = (reason: unknown) => {
    const controller = controls;
    if (controller === null) return;
    release();
    controller.error(reason);
  };
  return { stream, stop };
}

type AppRequestClass = new (url: string, init: RequestInit) => AppRequest;

let made: AppRequestClass | null = null;

/** Made late: Node loads its fetch when the global `Request` is first asked for. */
function appRequestClass(): AppRequestClass {
  if (made !== null) return made;
  const probe = new globalThis.Request('http://app/');
  const kept = Object.getOwnPropertySymbols(probe).find(({ description }) => description === 'signal');
  return (made = kept === undefined ? withSignal() : withLateSignal(kept));
}

/** Its signal is one from the beginning: `clone()`, `new Request(request)` and `fetch(request)` read it where no getter helps. */
function withSignal(): AppRequestClass {
  return class Request extends globalThis.Request implements AppRequest {
    #aborting: AbortController;

    constructor(url: string, init: RequestInit) {
      const aborting = new AbortController();
      super(url, { ...init, signal: aborting.signal });
      this.#aborting = aborting;
    }

    [abort](reason: unknown): void {
      this.#aborting.abort(reason);
    }
  };
}

/**
 * The platform keeps the signal under a symbol (Node 20 and 22), so that it can be made when it is looked at, by the app or by a
 * copy. Most do not look, and it would cost as much as the rest.
 */
function withLateSignal(kept: symbol): AppRequestClass {
  return class Request extends globalThis.Request implements AppRequest {
    #aborting: AbortController | null = null;
    #aborted: { reason: unknown } | null = null;

    static {
      const get = function (this: Request) {
        return this.#signal();
      };
      // What the constructor of the platform keeps there is not needed.
      const set = () => {};
      Object.defineProperty(this.prototype, kept, bare({ get, set, configurable: true }));
      // The platform's clones follow a controller of its own.
      const { clone } = globalThis.Request.prototype;
      const value = function (this: Request) {
        return new globalThis.Request(clone.call(this), { signal: this.#signal() });
      };
      Object.defineProperty(this.prototype, 'clone', bare({ value, configurable: true, writable: true }));
    }

    #signal(): AbortSignal {
      if (this.#aborting === null) {
        this.#aborting = new AbortController();
        if (this.#aborted !== null) this.#aborting.abort(this.#aborted.reason);
      }
      return this.#aborting.signal;
    }

    [abort](reason: unknown): void {
      this.#aborted = { reason };
      this.#aborting?.abort(reason);
    }
  };
}
