/**
 * CONNECT and Upgrade: what follows the head is no HTTP, so that it has no place in the pool. Node's own client brings such a request to
 * the server, on a connection of its own; proxies and client certificates are not for it.
 */

import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { DispatchRequest } from './dispatch-options.js';
import { HeadersTimeoutError, RequestAbortedError, SocketError } from './errors.js';
import type { ExchangeListener } from './exchange.js';
import type { DispatchController, DispatchHandler } from './handler.js';
import { toObject } from './handler.js';

/** A request that, once answered, is a socket. */
export function switchProtocols(
  dispatched: DispatchRequest,
  handler: DispatchHandler,
  listener: ExchangeListener,
): Switch {
  return new Switch(dispatched, handler, listener);
}

class Switch implements DispatchController {
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;
  reason: Error | null = null;
  readonly paused = false;
  #dispatched: DispatchRequest;
  #handler: DispatchHandler;
  #listener: ExchangeListener;
  #request: http.ClientRequest | null = null;

  constructor(dispatched: DispatchRequest, handler: DispatchHandler, listener: ExchangeListener) {
    this.#dispatched = dispatched;
    this.#handler = handler;
    this.#listener = listener;
  }

  get aborted(): boolean {
    return this.reason !== null;
  }

  abort(reason?: Error): void {
    this.reason ??= reason ?? new RequestAbortedError();
    this.#request?.destroy(this.reason);
  }

  pause(): void {}
  resume(): void {}

  async run(context: unknown): Promise<void> {
    let failure: unknown = null;
    try {
      this.#handler.onRequestStart?.(this, context);
      if (this.reason !== null) throw this.reason;
      const { response, socket } = await this.#exchange();
      try {
        if (this.reason !== null) throw this.reason;
        this.#listener.onHead();
        const headers = pairsOf(response.rawHeaders);
        this.rawHeaders = response.rawHeaders.map((text) => Buffer.from(text, 'latin1'));
        this.#handler.onRequestUpgrade?.(this, response.statusCode ?? 0, toObject(headers), socket);
      } catch (error) {
        socket.on('error', () => {}).destroy();
        throw error;
      }
    } catch (error) {
      failure = this.reason ?? error;
    }
    this.#listener.onEnd(failure);
    if (failure !== null) this.#handler.onResponseError?.(this, failure as Error);
  }

  #exchange(): Promise<{ response: http.IncomingMessage; socket: Duplex }> {
    const { request, method, target, upgrade, headersTimeout } = this.#dispatched;
    const { url } = request;
    const isConnect = method === 'CONNECT';
    const headers: http.OutgoingHttpHeaders = {};
    for (const [name, value] of request.headers.raw) {
      const before = headers[name];
      headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [String(before)]), value];
    }
    if (!isConnect) Object.assign(headers, { Connection: 'upgrade', Upgrade: upgrade });
    const send = url.scheme === 'https' ? https.request : http.request;
    return new Promise((resolve, reject) => {
      const options = {
        method,
        host: url.host,
        port: url.port ?? undefined,
        path: target,
        headers,
        agent: false,
      };
      const sent = send(options);
      this.#request = sent;
      const onSwitch = (response: http.IncomingMessage, socket: Duplex, head: Buffer) => {
        sent.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve({ response, socket });
      };
      sent.on('upgrade', onSwitch).on('connect', onSwitch).on('error', reject);
      sent.on('response', (response) => {
        reject(new SocketError(isConnect ? `bad connect: ${response.statusCode}` : 'bad upgrade'));
        // Its body may have no end.
        response.on('error', () => {});
        sent.destroy();
      });
      if (headersTimeout !== null) sent.setTimeout(headersTimeout, () => sent.destroy(new HeadersTimeoutError()));
      sent.end();
    });
  }
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at], raw[2 * at + 1]]);
}
