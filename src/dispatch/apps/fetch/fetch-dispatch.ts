/**
 * Calls a fetch handler in this process (ASGI's place in httpx): a global Request in, a global Response out. Node listeners are
 * `node-dispatch.ts`'s.
 */

import { isIPv6 } from 'node:net';
import { ClientClosed } from '../../../errors.js';
import { typeName } from '../../../shown-text.js';
import { defineInspect } from '../../../inspect.js';
import { checkOptions } from '../../../check-options.js';
import type { Request } from '../../../request/request.js';
import type { Response } from '../../../response/response.js';
import type { FetchAnswer, FetchApp } from '../kind.js';
import { kindOf, noApp } from '../kind.js';
import type { Dispatch, DispatchOptions } from '../../dispatch.js';
import { FetchExchange } from './exchange.js';
import type { Watch } from './errors.js';
import { watchErrors } from './errors.js';
import { belowMountPath, toMountPath } from '../mount-path.js';
import { checkAsked, checkProtocol } from '../../check-request.js';

/** How a fetch handler is called. @since 0.1.0 */
export interface FetchDispatchOptions {
  /** The handler: a function of a Request, or an object with `fetch`. @since 0.1.0 */
  app: FetchApp;
  /**
   * Default: true: an error that the app does not handle rejects the request, or ends the response's body, as it is. false: what
   * the app's framework makes of it, or an empty 500; a body that is cut is a RemoteProtocolError.
   * @since 0.1.0
   */
  raiseAppExceptions?: boolean | undefined;
  /** Where the app is mounted: stripped from the path of the Request's URL. Default: the root. @since 0.1.0 */
  rootPath?: string | undefined;
  /**
   * The client's address: Deno's `info.remoteAddr`; `env.incoming.socket` for Hono's Node `getConnInfo`. Default: 127.0.0.1:123.
   * @since 0.1.0
   */
  client?: { hostname: string; port: number } | undefined;
  /**
   * The handler's second argument, with what `client` says on top of it if both are given. Default: none.
   * @since 0.1.0
   */
  env?: unknown;
}

/**
 * Hono, itty-router, H3, a Workers module, a handler of Bun.serve or Deno.serve, or any `(Request) => Response`.
 *
 * ```js
 * const client = new Client({ dispatch: new FetchDispatch({ app, env: { DB: db } }) });
 * ```
 *
 * The handler is called with the Request, `env`, and a context with `waitUntil` and `passThroughOnException`.
 *
 * @throws TypeError naming the option
 * @since 0.1.0
 */
export class FetchDispatch implements Dispatch {
  #call: Handler;
  #raiseAppExceptions: boolean;
  #rootPath: string;
  #env: unknown;
  #watch: Watch | null;
  #isClosed = false;

  /**
   * Takes the app, and how it is called.
   *
   * @throws TypeError naming the option
   * @since 0.1.0
   */
  constructor(options: FetchDispatchOptions) {
    checkOptions(options, optionNames, 'new FetchDispatch()');
    const given = { __proto__: null, ...options } as unknown as FetchDispatchOptions;
    const { app, raiseAppExceptions } = given;
    // A function of two parameters, as Deno's and Bun's are, is one if the user says so.
    if (kindOf(app) !== 'fetch' && typeof app !== 'function') {
      throw noApp(app, 'a function or an object with fetch');
    }
    if (raiseAppExceptions !== undefined && typeof raiseAppExceptions !== 'boolean') {
      throw new TypeError(`raiseAppExceptions: expected true or false, got ${typeName(raiseAppExceptions)}`);
    }
    this.#raiseAppExceptions = raiseAppExceptions ?? true;
    this.#rootPath = toMountPath(given.rootPath, 'rootPath');
    this.#env = toEnv(given.env, given.client);
    const handler = app as { fetch: Handler };
    this.#call =
      typeof handler.fetch === 'function'
        ? (request, env, context) => handler.fetch(request, env, context)
        : (app as Handler);
    this.#watch = this.#raiseAppExceptions ? watchErrors(app) : null;
  }

  /**
   * Rejects with the app's own error, `signal.reason`, a timeout, or a RemoteProtocolError for what is no response.
   * @since 0.1.0
   */
  send(request: Request, options: DispatchOptions): Promise<Response> {
    try {
      if (this.#isClosed && options.isUnderWay !== true) {
        throw new ClientClosed('Cannot send a request, as the client has been closed.', { request });
      }
      checkProtocol(request);
      const lines = request.headerLines();
      checkAsked(request, lines);
      const path = belowMountPath(request.url.fullPath, this.#rootPath);
      const exchange = new FetchExchange(request, options, this.#raiseAppExceptions, this.#watch);
      return exchange.send(() => {
        exchange.call((asked, context) => this.#call(asked, this.#env, context), path, lines);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The app stays what it is. Idempotent. @since 0.1.0 */
  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

defineInspect(FetchDispatch, () => '<FetchDispatch>');

type Handler = (request: globalThis.Request, env: unknown, context: unknown) => FetchAnswer;

/** An `env` alone is handed on as the object that it is. */
function toEnv(env: unknown, client: FetchDispatchOptions['client']): unknown {
  if (client === undefined && env !== undefined) return env;
  const { hostname, port } = client === undefined ? DEFAULT_CLIENT : checkClient(client);
  const remoteFamily = isIPv6(hostname) ? 'IPv6' : 'IPv4';
  const peer = {
    remoteAddr: { transport: 'tcp', hostname, port },
    incoming: { socket: { remoteAddress: hostname, remotePort: port, remoteFamily } },
  };
  if (env === undefined || env === null) return peer;
  if (typeof env !== 'object') throw new TypeError(`env: expected an object beside client, got ${typeName(env)}`);
  return Object.assign(Object.create(Object.getPrototypeOf(env) as object | null) as object, env, peer);
}

function checkClient(client: unknown): { hostname: string; port: number } {
  const { hostname, port } = { __proto__: null, ...Object(client) } as Record<string, unknown>;
  if (typeof hostname !== 'string' || !Number.isInteger(port) || (port as number) < 0 || (port as number) > 65535) {
    throw new TypeError(`client: expected { hostname: string, port: 0 to 65535 }, got ${typeName(client)}`);
  }
  return { hostname, port: port as number };
}

/** httpx's. */
const DEFAULT_CLIENT = { hostname: '127.0.0.1', port: 123 };
const optionNames = ['app', 'raiseAppExceptions', 'rootPath', 'client', 'env'];
