/**
 * Calls a Node listener in this process, without a socket (WSGI's place in httpx). How a message becomes one of Node's is in
 * `exchange.ts`, how frameworks are called in `listener.ts`.
 */

import { ClientClosed } from '../../../errors.js';
import { typeName } from '../../../shown-text.js';
import { defineInspect } from '../../../inspect.js';
import { checkOptions } from '../../../check-options.js';
import type { Request } from '../../../request/request.js';
import type { Response } from '../../../response/response.js';
import type { NodeApp } from '../kind.js';
import { kindOf, noApp } from '../kind.js';
import type { Dispatch, DispatchOptions } from '../../dispatch.js';
import { belowMountPath, toMountPath } from '../mount-path.js';
import { NodeExchange } from './exchange.js';
import type { NodeTarget } from './listener.js';
import { targetOf } from './listener.js';
import { checkAsked, checkProtocol } from '../../check-request.js';

/** Which Node app is called, and what it sees of its caller. @since 0.1.0 */
export interface NodeDispatchOptions {
  /** An Express or Koa app, a Fastify instance, an `http.Server`, or a `(req, res)` function. @since 0.1.0 */
  app: NodeApp;
  /**
   * Default: true: an error that the app does not handle rejects the request, or ends the response's body, as it is. false: what
   * the app's framework makes of it, or an empty 500; a body that is cut is a RemoteProtocolError either way.
   * @since 0.1.0
   */
  raiseAppExceptions?: boolean | undefined;
  /**
   * Where the app is mounted: stripped from `req.url`; the whole stays in `req.originalUrl`. Default: the root.
   * @since 0.1.0
   */
  scriptName?: string | undefined;
  /** The address of the peer, which the app sees as `req.socket.remoteAddress`. Default: '127.0.0.1'. @since 0.1.0 */
  remoteAddr?: string | undefined;
}

/**
 * An Express app, a Koa app or its `callback()`, a Fastify instance, an `http.Server` or a plain `(req, res)`, called with a real
 * IncomingMessage and ServerResponse.
 *
 * ```js
 * const client = new Client({ dispatch: new NodeDispatch({ app, remoteAddr: '1.2.3.4' }) });
 * ```
 *
 * @throws TypeError naming the option
 * @since 0.1.0
 */
export class NodeDispatch implements Dispatch {
  #target: NodeTarget;
  #raiseAppExceptions: boolean;
  #scriptName: string;
  #remoteAddr: string;
  #isClosed = false;

  /**
   * Takes the app, and how it is called.
   *
   * @throws TypeError naming the option
   * @since 0.1.0
   */
  constructor(options: NodeDispatchOptions) {
    checkOptions(options, optionNames, 'new NodeDispatch()');
    const given = { __proto__: null, ...options } as unknown as NodeDispatchOptions;
    const kind = kindOf(given.app);
    // A listener that looks at nothing but `arguments`, or at `req` alone, is one if the user says so.
    if (kind === null || (kind === 'fetch' && typeof given.app !== 'function')) {
      throw noApp(given.app, 'a (req, res) listener or an app that is one');
    }
    this.#target = targetOf(given.app);
    this.#raiseAppExceptions = checkFlag(given.raiseAppExceptions);
    this.#scriptName = toMountPath(given.scriptName, 'scriptName');
    const remoteAddr = given.remoteAddr ?? '127.0.0.1';
    if (typeof remoteAddr !== 'string') {
      throw new TypeError(`remoteAddr: expected an address, got ${typeName(remoteAddr)}`);
    }
    this.#remoteAddr = remoteAddr;
  }

  /**
   * Rejects with the app's own error, `signal.reason`, a timeout, or a RemoteProtocolError for what is no response.
   * @since 0.1.0
   */
  send(request: Request, options: DispatchOptions): Promise<Response> {
    const target = this.#target;
    try {
      if (this.#isClosed && options.isUnderWay !== true) {
        throw new ClientClosed('Cannot send a request, as the client has been closed.', { request });
      }
      checkProtocol(request);
      const lines = request.headerLines();
      const asked = checkAsked(request, lines);
      const isTls = request.url.scheme === 'https';
      const ends = {
        remoteAddress: this.#remoteAddr,
        remotePort: REMOTE_PORT,
        localPort: request.url.port ?? (isTls ? 443 : 80),
        isTls,
      };
      const path = belowMountPath(request.url.fullPath, this.#scriptName);
      const raises = this.#raiseAppExceptions;
      const how = { raiseAppExceptions: raises, scriptName: this.#scriptName, ends, server: target.server, asked };
      const exchange = new NodeExchange(request, options, how, lines, path);
      return exchange.send(() => {
        if (target.ready === null) target.call(exchange, raises);
        else
          target.ready().then(
            () => target.call(exchange, raises),
            (error: unknown) => exchange.fail(error),
          );
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Ends the dispatch, not the app: its servers and databases are closed by the code that opened them. Idempotent.
   * @since 0.1.0
   */
  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

defineInspect(NodeDispatch, () => '<NodeDispatch>');

function checkFlag(flag: boolean | undefined): boolean {
  if (flag !== undefined && typeof flag !== 'boolean') {
    throw new TypeError(`raiseAppExceptions: expected true or false, got ${typeName(flag)}`);
  }
  return flag ?? true;
}

/** httpx's. */
const REMOTE_PORT = 123;
const optionNames = ['app', 'raiseAppExceptions', 'scriptName', 'remoteAddr'];
