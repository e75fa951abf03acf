/**
 * Which of the two kinds an app is: a fetch handler or a Node listener. Calling them is the work of `fetch-dispatch.ts` and `node-dispatch.ts`.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { typeName } from '../../shown-text.js';

/** What a fetch handler answers with, now or later. */
export type FetchAnswer = globalThis.Response | Promise<globalThis.Response>;

/** A fetch handler: Hono, itty-router, H3, a Workers module, the handlers of Bun.serve and Deno.serve. @since 0.1.0 */
export type FetchApp =
  // Handlers differ in what they take behind the request (env, info, context): `any`, as an `unknown` would refuse them all.
  | ((request: globalThis.Request, ...rest: any[]) => FetchAnswer)
  | { fetch(request: globalThis.Request, ...rest: any[]): FetchAnswer };

type Next = (error?: unknown) => void;

interface Listeners {
  // A method, as its parameters may be narrower: Express's Request is an IncomingMessage.
  plain(req: IncomingMessage, res: ServerResponse, next?: Next): unknown;
  // Two signatures that have no common one: TypeScript infers nothing from them.
  silent(req: IncomingMessage, res: ServerResponse, next: Next): unknown;
  silent<T>(req: IncomingMessage, res: ServerResponse, next: Next, silent?: T): unknown;
}

/** A plain listener, an Express app or Router among them. */
export type NodeListener = Listeners['plain'];

type OtherNodeApp = Server | { callback(): unknown } | { routing: unknown; ready(): unknown };

/** A Node listener: Express, Koa or its callback(), Fastify, an http.Server, a plain `(req, res)`. @since 0.1.0 */
export type NodeApp = NodeListener | OtherNodeApp;

/**
 * An object with `fetch`, or a function of at most one parameter, is a FetchApp; the rest are NodeApps.
 *
 * So that the parameters of a function written in place are inferred, each number of them must have one signature: a function of
 * one has the first. One of more cannot have that, and the last gives it Node's, which in turn says nothing of one parameter. That
 * it is allowed at all says the one between, which says nothing of either.
 * @since 0.1.0
 */
export type AppTypes =
  | ((request: globalThis.Request) => FetchAnswer)
  | Extract<FetchApp, object & { fetch: unknown }>
  | OtherNodeApp
  | Listeners['silent']
  | { (req: IncomingMessage, res: ServerResponse, next: Next): unknown; <T>(one: T): unknown };

/** The shapes that are told apart. */
export type AppKind = 'fetch' | 'listener' | 'fastify' | 'koa' | 'server';

/**
 * What the app is, null when it is none:
 *
 *   1. something with `fetch`, also a function             'fetch'
 *   2. a function of at most one parameter                 'fetch'
 *   3. a function of more                                  'listener'
 *   4. an object with `routing` and `ready` (Fastify)      'fastify'
 *   5. an object with `callback` (Koa)                     'koa'
 *   6. an event emitter that listens for HTTP              'server'
 *
 * `fetch` comes first, as a router may answer to any other name (itty-router makes a route of `router.callback`).
 */
export function kindOf(app: unknown): AppKind | null {
  if ((typeof app !== 'object' && typeof app !== 'function') || app === null) return null;
  const has = (name: string) => typeof (app as Record<string, unknown>)[name] === 'function';
  if (has('fetch')) return 'fetch';
  if (typeof app === 'function') return app.length <= 1 ? 'fetch' : 'listener';
  if (has('routing') && has('ready')) return 'fastify';
  if (has('callback')) return 'koa';
  if (has('emit') && has('listeners') && has('listen') && isHttp(app)) return 'server';
  return null;
}

/** @throws TypeError for what is no app */
export function isFetchApp(app: unknown): app is FetchApp {
  const kind = kindOf(app);
  if (kind === null) throw noApp(app, ANY_APP);
  return kind === 'fetch';
}

/** The error for what is no app; with the way to its listener, where it is known to have one. */
export function noApp(app: unknown, expected: string): TypeError {
  const way = typeof app === 'object' && app !== null ? wayToListener(app as Record<string, unknown>) : null;
  return new TypeError(`app: expected ${expected}, got ${typeName(app)}${way === null ? '' : `: hand in ${way}`}`);
}

/** Of any realm or polyfill: what has a Response's parts is one. */
export function isResponse(value: unknown): value is globalThis.Response {
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, body } = value as Partial<globalThis.Response>;
  const isBody = body === null || body === undefined || typeof body.getReader === 'function';
  return typeof status === 'number' && typeof headers?.get === 'function' && isBody;
}

/** As http, https and http2 servers are, and a net.Server or a framework's own Server is not. */
function isHttp(server: object): boolean {
  if (typeof (server as { updateSettings?: unknown }).updateSettings !== 'function') return 'headersTimeout' in server;
  // Of HTTP/2: with listeners of 'stream' alone there is none that takes (req, res).
  const { listenerCount } = server as Server;
  const counts = ['request', 'stream'].map((event) => listenerCount.call(server as Server, event));
  return counts[0] > 0 || counts[1] === 0;
}

/** Frameworks whose object is no listener. */
function wayToListener(app: Record<string, unknown>): string | null {
  const has = (name: string) => typeof app[name] === 'function';
  if (has('then')) return 'what the promise resolves to: await it';
  if (has('getHttpServer')) return "Nest's app.getHttpServer(), behind await app.init()";
  if (has('updateSettings')) return "a server with a 'request' listener: those of 'stream' take no (req, res)";
  if (has('inject') && 'listener' in app) return "hapi's server.listener, behind await server.initialize()";
  if (has('handler') && Array.isArray(app.stack)) return "h3's toNodeListener(app)";
  if (has('handler')) return '(req, res) => app.handler(req, res)';
  if (has('attach') && has('of') && 'httpServer' in app) return "Socket.IO's io.httpServer";
  if (has('pre') && has('listen') && 'server' in app) return "restify's server.server";
  if (has('on') && has('listen') && has('address')) return 'an http.Server: a net.Server speaks no HTTP';
  return null;
}

const ANY_APP = 'a fetch handler, a (req, res) listener, an http.Server, or an Express, Koa, Fastify or Hono app';
