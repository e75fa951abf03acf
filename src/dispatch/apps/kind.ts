/**
 * Which of the two kinds an app is: a fetch handler or a Node listener. Calling them is `fetch-app.ts`'s and `node-app.ts`'s work.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { typeName } from '../../errors.js';

/** What a fetch handler answers with, now or later. */
export type FetchAnswer = globalThis.Response | Promise<globalThis.Response>;

/** A fetch handler: Hono, itty-router, H3, a Workers module, the handlers of Bun.serve and Deno.serve. */
export type FetchApp =
  // Handlers differ in what they take behind the request (env, info, context): `any`, as an `unknown` would refuse them all.
  | ((request: globalThis.Request, ...rest: any[]) => FetchAnswer)
  | { fetch(request: globalThis.Request, ...rest: any[]): FetchAnswer };

/** A plain listener, an Express app among them. */
export type NodeListener = (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void) => unknown;

/** A Node listener: Express, Koa or its callback(), Fastify, an http.Server, a plain `(req, res)`. */
export type NodeApp = NodeListener | Server | { callback(): unknown } | { routing: unknown; ready(): unknown };

/** An object with `fetch`, or a function of at most one parameter, is a FetchApp; the rest are NodeApps. */
export type AppTypes = FetchApp | NodeApp;

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
 *   6. an event emitter that listens (http.Server)         'server'
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
  if (has('emit') && has('listeners') && has('listen')) return 'server';
  return null;
}

/** @throws TypeError for what is no app */
export function isFetchApp(app: unknown): app is FetchApp {
  const kind = kindOf(app);
  if (kind === null) throw new TypeError(`app: expected ${ANY_APP}, got ${typeName(app)}`);
  return kind === 'fetch';
}

const ANY_APP = 'a fetch handler, a (req, res) listener, an http.Server, or an Express, Koa, Fastify or Hono app';
