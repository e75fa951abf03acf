/**
 * How a Fastify app is called, and how errors become known that its own last word answers (`{ statusCode: 500, … }`).
 *
 * An error passes `reply.send` where it arose, and once more from the default error handler if no handler of the app answered
 * it. The second is observed, on the prototype of Fastify's replies, for exchanges of ours alone. Nothing is registered with the
 * app: handlers set by plugins, `allowErrorHandlerOverride` and apps that are ready already are as without us.
 */

import { errorMonitor, type EventEmitter } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { NodeListener } from '../kind.js';
import type { NodeExchange } from './exchange.js';
import { exchangeOf } from './exchange.js';
import type { NodeTarget } from './listener.js';
import { bare } from '../../../bare.js';

export interface FastifyLike {
  routing: NodeListener;
  ready(): PromiseLike<unknown>;
  readonly server: Server;
  readonly errorHandler?: { name: string };
}

export function fastifyTarget(app: FastifyLike): NodeTarget {
  const target: NodeTarget = {
    server: app.server,
    async ready() {
      await app.ready();
      target.ready = null;
    },
    call(exchange) {
      watchReplies(app);
      const res = exchange.res as Called;
      res[appKey] = app;
      // Of a stream that fails behind the head Fastify says nothing but to its log.
      res.on('pipe', notePiped);
      exchange.call(app.routing);
    },
  };
  return target;
}

/** A property and no WeakMap: entries of that would be the garbage collector's to look through. */
const appKey = Symbol('app');
type Called = ServerResponse & { [appKey]?: FastifyLike };

/** What is used of a reply; the symbols are Fastify's own, by their descriptions. */
interface Reply {
  readonly raw: Called;
  send(this: Reply, payload?: unknown): unknown;
}

const watched = new WeakSet<object>();

/** Replies without decorations are of the class that all apps of one Fastify share. */
function watchReplies(app: FastifyLike): void {
  let replies = (valueOf(app, 'fastify.Reply') as { prototype: Reply } | undefined)?.prototype ?? null;
  while (replies !== null && !Object.hasOwn(replies, 'send')) replies = Object.getPrototypeOf(replies) as Reply | null;
  if (replies === null || watched.has(replies)) return;
  watched.add(replies);
  const { send } = replies;
  replies.send = function (this: Reply, payload?: unknown) {
    const called = this.raw[appKey];
    const exchange = called === undefined ? undefined : exchangeOf(this.raw.req);
    if (exchange !== undefined) {
      if (!isLastWord(this)) watchStream(payload, exchange);
      else if (leavesErrors(called as FastifyLike)) exchange.noted(payload);
    }
    return send.call(this, payload);
  };
}

/** The default handler is at work: there is none behind it. A handler of the user's has the next one here, with its function. */
function isLastWord(reply: Reply): boolean {
  const next = valueOf(reply, 'fastify.reply.nextErrorHandler');
  return typeof next === 'object' && next !== null && !('func' in next);
}

/** With an error handler of its own at the root, an app answers its errors, also those that it hands on. */
function leavesErrors({ errorHandler }: FastifyLike): boolean {
  return errorHandler === undefined || errorHandler.name === 'defaultErrorHandler';
}

/** The value under a symbol, the object's own or inherited (an encapsulated app inherits from its parent). */
function valueOf(object: object, description: string): unknown {
  for (let at: object | null = object; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const symbol = Object.getOwnPropertySymbols(at).find((each) => each.description === description);
    if (symbol !== undefined) return (at as Record<symbol, unknown>)[symbol];
  }
  return undefined;
}

function notePiped(this: ServerResponse, source: EventEmitter): void {
  source.on(errorMonitor, (error: unknown) => {
    if (this.headersSent) exchangeOf(this.req)?.noted(error);
  });
}

/** A web stream, or a Response with one: Fastify reads it by `getReader()` and tells of a late error only its log. */
function watchStream(payload: unknown, exchange: NodeExchange): void {
  if (typeof payload !== 'object' || payload === null) return;
  const isResponse = Object.prototype.toString.call(payload) === '[object Response]';
  const stream = (isResponse ? (payload as Response).body : payload) as ReadableStream | null;
  if (stream === null || typeof stream.getReader !== 'function' || stream.locked) return;
  const { getReader } = stream;
  Object.defineProperty(
    stream,
    'getReader',
    bare({
      configurable: true,
      writable: true,
      value: (...args: unknown[]) => {
        const reader = Reflect.apply(getReader, stream, args) as ReadableStreamDefaultReader<unknown>;
        const read = reader.read.bind(reader);
        reader.read = (() =>
          read().catch((error: unknown) => {
            if (exchange.res.headersSent) exchange.noted(error);
            throw error;
          })) as typeof read;
        return reader;
      },
    }),
  );
}
