/**
 * How each kind of Node app is called, and how an error that its framework answers becomes known to us. The messages are
 * `exchange.ts`'s.
 *
 * Frameworks keep their errors: each has its own way out, all of them public and none changes what other callers of the app see.
 *
 *   Express, connect   the third argument is called with an error that no handler took; the app's own final handler makes the page
 *   Koa                emits 'error' with the context; we listen as a monitor, so that its own listener stays the only one
 *   Fastify            in fastify.ts
 *   http.Server        its 'request' listener is called as what it is
 */

import { errorMonitor, type EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { RemoteProtocolError } from '../../../errors.js';
import { noUpgrade } from '../../check-request.js';
import { requestFailure } from '../../../request-failure.js';
import type { NodeApp, NodeListener } from '../kind.js';
import { kindOf } from '../kind.js';
import type { FastifyLike } from './fastify.js';
import { fastifyTarget } from './fastify.js';
import { learnKoa } from './koa-callback.js';
import type { NodeExchange } from './exchange.js';
import { exchangeOf, NO_LISTENER } from './exchange.js';
import { bare } from '../../../bare.js';

/** An app, ready to be called. */
export interface NodeTarget {
  readonly server: Server | null;
  /** Set while the app has to be made ready first. */
  ready: (() => PromiseLike<unknown>) | null;
  call(exchange: NodeExchange, raises: boolean): void;
}

export function targetOf(app: NodeApp): NodeTarget {
  switch (kindOf(app)) {
    case 'fastify':
      return fastifyTarget(app as unknown as FastifyLike);
    case 'koa':
      return koaTarget(app as unknown as KoaLike);
    case 'server':
      return serverTarget(app as Server);
    default: {
      const call = callOf(app as NodeListener);
      return { server: null, ready: null, call };
    }
  }
}

type Call = NodeTarget['call'];

/** A function, by what it is part of. `server` is the `this` of a server's listener, which is called without `next`. */
function callOf(listener: NodeListener, server?: Server): Call {
  if (isFinal(listener)) return (exchange, raises) => callFinal(listener, exchange, raises);
  // Its name may be a minifier's.
  const isKoa = /\bcreateContext\(/.test(Function.prototype.toString.call(listener));
  let koa: KoaLike | null | undefined = isKoa ? undefined : null;
  const mayBeFetch = server === undefined && listener.length === 2;
  return (exchange) => {
    if (mayBeFetch) exchange.explain = (error) => explain(error, exchange);
    exchange.call((req, res) => {
      const next = (error?: unknown) => {
        const message = 'The app returned without answering: it called next(), and no handler is left';
        exchange.thrown(error ?? requestFailure(RemoteProtocolError, message, { request: exchange.request }));
      };
      const call = () =>
        Reflect.apply(listener, server, server === undefined ? [req, res, next] : [req, res]) as unknown;
      if (koa !== undefined) return call();
      return learnKoa(call, (found) => monitorKoa((koa = found as KoaLike)));
    });
  };
}

/** What a fetch handler of two parameters stumbles over when it is called with Node's (req, res): named as what it is. */
function explain(error: unknown, { req, res, request }: NodeExchange): unknown {
  if (!(error instanceof TypeError) || res.headersSent) return error;
  const { code, input } = error as { code?: unknown; input?: unknown };
  const isUrl = code === 'ERR_INVALID_URL' && input === req.url;
  if (!isUrl && !METHODS_OF_REQUEST.test(error.message)) return error;
  return requestFailure(RemoteProtocolError, `The app failed (${error.message}). ${NO_LISTENER}`, {
    request,
    cause: error,
  });
}

/** As V8 says that Node's request has no such method. */
const METHODS_OF_REQUEST =
  /(?:\bheaders\.(?:get|has|entries|keys|values|getSetCookie)|\b(?:req|request)\.(?:json|text)|\.(?:formData|arrayBuffer|blob|bytes|clone)) is not a function$/;

// ── Express and connect: apps with a last word of their own ──

interface FinalApp extends NodeListener {
  handle(req: IncomingMessage, res: ServerResponse): void;
}

/** A Router, which has `handle` too, has no last word: nothing answers what it does not. */
function isFinal(app: unknown): app is FinalApp {
  const { handle, request, response, route, stack } = app as Record<string, unknown>;
  const isExpress = typeof request === 'object' && typeof response === 'object';
  const isConnect = typeof route === 'string' && Array.isArray(stack);
  return typeof handle === 'function' && (isExpress || isConnect);
}

function callFinal(app: FinalApp, exchange: NodeExchange, raises: boolean): void {
  exchange.call((req, res) =>
    app(req, res, (error) => {
      const isNone = error === undefined || error === null;
      if (!isNone && (res.headersSent || (raises && !isAnswer(error, res)))) exchange.thrown(error);
      else lastWord(app, req, res, error);
    }),
  );
}

/** An error with a 4xx status is an answer: what `http-errors` makes, a body parser's 413. */
function isAnswer(error: unknown, res: ServerResponse): boolean {
  const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown };
  return [status, statusCode, res.statusCode].some((code) => typeof code === 'number' && code >= 400 && code < 500);
}

/** Writes the page that the app has for an error, or for a path without a route: the same app, its routes taken out. */
function lastWord(app: FinalApp, req: IncomingMessage, res: ServerResponse, error: unknown): void {
  const handle = (_req: unknown, _res: unknown, done: (error?: unknown) => void) => done(error);
  const emptied = Object.create(app, {
    router: bare({ value: { handle } }), // Express 5
    _router: bare({ value: { handle } }), // Express 4
    stack: bare({ value: [{ route: '', handle }] }), // connect
  }) as FinalApp;
  emptied.handle(req, res);
}

// ── Koa ──

type KoaLike = EventEmitter & { callback(): NodeListener };

function koaTarget(app: KoaLike): NodeTarget {
  let listener: NodeListener | null = null;
  return {
    server: null,
    ready: null,
    call(exchange) {
      if (listener === null) {
        // Before ours: Koa adds its own error listener when there is none.
        listener = app.callback();
        monitorKoa(app);
      }
      exchange.call(listener);
    },
  };
}

const monitored = new WeakSet<object>();

function monitorKoa(app: KoaLike): void {
  if (monitored.has(app)) return;
  monitored.add(app);
  app.on(errorMonitor, (error: unknown, context?: { req?: object }) => exchangeOf(context?.req)?.noted(error));
}

// ── http.Server ──

function serverTarget(server: Server): NodeTarget {
  const calls = new WeakMap<object, Call>();
  const request: Call = (exchange, raises) => {
    const listeners = server.listeners('request') as NodeListener[];
    if (listeners.length === 0) {
      throw requestFailure(RemoteProtocolError, "The app is an http.Server without a 'request' listener", {
        request: exchange.request,
      });
    }
    const { asked } = exchange;
    if (asked.upgrades && server.listenerCount('upgrade') > 0) throw noUpgrade(exchange.request, 'be taken over');
    const [only] = listeners;
    if (asked.expectsContinue && server.listenerCount('checkContinue') > 0) {
      exchange.call((req, res) => void server.emit('checkContinue', req, res), false);
      return;
    }
    // With more than one, or one that expects to be called by the server, it is an event.
    if (listeners.length > 1 || server.rawListeners('request')[0] !== only) {
      exchange.call((req, res) => void server.emit('request', req, res));
      return;
    }
    let call = calls.get(only);
    if (call === undefined) calls.set(only, (call = callOf(only, server)));
    call(exchange, raises);
  };
  return { server, ready: null, call: request };
}
