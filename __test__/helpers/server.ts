/**
 * Servers on the loopback for one test: `node:http` ones for what a user sees; `raw-server.ts` has one for wire facts.
 * Each ends with the test, and its sockets with it, so that no test hangs.
 */
import type { ExecutionContext } from 'ava';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { host, listen, type Listening } from './listen.js';
import { testCA } from './tls.js';

export { OK, serveRaw, type RawConnection, type RawScript, type RawServer } from './raw-server.js';

/** A request as it arrived; its body is the handler's to read. */
export interface SeenRequest {
  readonly method: string;
  /** The request-target as sent. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  /** Names as sent, in order, values in between. */
  readonly rawHeaders: readonly string[];
  /** Which connection brought it, counted from 1. */
  readonly connection: number;
}

export interface HttpServer extends Listening {
  /** The requests so far, in order of arrival. */
  readonly requests: readonly SeenRequest[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** On a busy machine Node's five seconds are over between two requests of a test: which of the two comes first would be a race. */
const keepAliveTimeout = 60_000;

/** Starts an http server for this test. An error that `handler` throws fails the test when it ends. */
export async function serve(t: ExecutionContext, handler: Handler): Promise<HttpServer> {
  return listenHttp(t, 'http', (listener) => createServer({ keepAliveTimeout }, listener), handler);
}

/** As `serve`, by https. Without a certificate it gets one for localhost from `testCA()`. */
export async function serveTls(t: ExecutionContext, handler: Handler, options?: TlsOptions): Promise<HttpServer> {
  const identity = options?.cert === undefined ? await defaultIdentity() : {};
  return listenHttp(
    t,
    'https',
    (listener) => createTlsServer({ keepAliveTimeout, ...options, ...identity }, listener),
    handler,
  );
}

/**
 * An origin without a listener: connections are refused. Of the ports below 1,024 none is given to a test's server, as one that was
 * free a moment ago may be; and this one is not among those that fetch blocks.
 */
export function refusedOrigin(): Promise<string> {
  return Promise.resolve(`http://${host}:2`);
}

async function listenHttp(
  t: ExecutionContext,
  scheme: string,
  create: (listener: RequestListener) => Server,
  handler: Handler,
): Promise<HttpServer> {
  const requests: SeenRequest[] = [];
  const errors: unknown[] = [];
  const server = create((request, response) => {
    const { method = '', url: target = '', headers, rawHeaders } = request;
    requests.push({ method, target, headers, rawHeaders, connection: listening.connectionOf(request.socket) });
    new Promise((resolve) => resolve(handler(request, response))).catch((error: unknown) => {
      // A client that leaves early is the test's business; a mistake in the handler is the test's failure.
      if (!request.socket.destroyed) errors.push(error);
      request.socket.destroy();
    });
  });
  const listening = await listen(t, server, scheme, errors);
  return { ...listening, requests };
}

let identity: Promise<{ cert: string; key: string }> | undefined;
function defaultIdentity(): Promise<{ cert: string; key: string }> {
  identity ??= testCA().then((ca) => ca.issue());
  return identity;
}
