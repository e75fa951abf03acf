/**
 * Which dispatch a request goes to: its mount, by the URL of the hop, or the client's own. What a pattern means is in
 * `url/pattern.ts`.
 */

import { ClientClosed, UnsupportedProtocol } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { typeName } from '../shown-text.js';
import { PatternMap } from '../url/pattern.js';
import type { URL } from '../url/url.js';
import type { AppTypes, NodeApp } from '../dispatch/apps/kind.js';
import { isFetchApp, kindOf } from '../dispatch/apps/kind.js';
import { withSignal } from '../dispatch/aborter.js';
import { checkProtocol } from '../dispatch/check-request.js';
import type { Dispatch, DispatchOptions } from '../dispatch/dispatch.js';
import { FetchDispatch } from '../dispatch/apps/fetch/fetch-dispatch.js';
import { NodeDispatch } from '../dispatch/apps/node/node-dispatch.js';
import type { PreconnectingOptions } from '../dispatch/network/http-dispatch.js';
import { HTTPDispatch } from '../dispatch/network/http-dispatch.js';
import { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { needsDeadline, sendInTime } from './own-deadline.js';

/** The options of a client that say where its requests go. */
export interface DispatchChoice {
  app?: AppTypes;
  dispatch?: Dispatch;
}

/**
 * The dispatch that `app` or `dispatch` is; the network's when there is neither.
 * @throws TypeError naming the option
 */
export function chooseDispatch<N extends Dispatch>(choice: DispatchChoice, network: () => N): Dispatch | N {
  const { app, dispatch } = choice;
  if (app !== undefined && dispatch !== undefined) {
    throw new TypeError('app and dispatch: a client has one place where its requests go, give one of them');
  }
  // An import that gave nothing would otherwise be a client of the network, in a test of all places.
  if (app !== undefined || (dispatch === undefined && Object.hasOwn(choice, 'app'))) {
    return isFetchApp(app) ? new FetchDispatch({ app }) : new NodeDispatch({ app: app as NodeApp });
  }
  if (dispatch !== undefined) return checkDispatch(dispatch, 'dispatch');
  return network();
}

/** The dispatches of one client as one: its own, and those mounted by URL pattern, the most specific first. */
export class Mounts implements Dispatch {
  /** The client's own. */
  readonly own: Dispatch;
  #map: PatternMap<Dispatch | null> | null;
  #network: Dispatch | null = null;
  #openNetwork: () => Dispatch;
  #httpsOnly: boolean;
  #isClosed = false;

  /**
   * @param mounts undefined when everything goes to the client's own.
   * @param network Makes the network's dispatch, for patterns with null; called once, when the first request needs it.
   * @param httpsOnly http: URLs are refused, wherever they would go.
   * @throws TypeError naming the pattern
   */
  constructor(
    own: Dispatch,
    mounts: Record<string, Dispatch | null> | undefined,
    network: () => Dispatch,
    httpsOnly: boolean,
  ) {
    this.own = own;
    this.#httpsOnly = httpsOnly;
    this.#map =
      mounts === undefined
        ? null
        : new PatternMap(mounts, 'mounts', (value, where) => (value === null ? null : checkDispatch(value, where)));
    this.#openNetwork = network;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** By the hop's own URL: a redirect may leave the app, or come to it. */
  send(request: Request, options: DispatchOptions): Promise<Response> {
    if (this.#httpsOnly) checkProtocol(request, true);
    const dispatch = this.#map === null ? this.own : this.#lookup(this.#map, request.url);
    // What has begun goes to its end, whatever of its requests is still to be sent.
    if (this.#isClosed) options = { ...options, isUnderWay: true };
    if (dispatch.send === HTTPDispatch.prototype.send) return dispatch.send(request, options);
    const known = withSignal(options);
    return needsDeadline(dispatch, known) ? sendInTime(dispatch, request, known) : dispatch.send(request, known);
  }

  /** Connections before the requests that need them, where those would go to the network. */
  async preconnect(url: URL, options: PreconnectingOptions): Promise<void> {
    if (this.#isClosed) throw new ClientClosed('Cannot open a connection, as the client has been closed.');
    if (this.#httpsOnly) checkProtocol(new Request('PRECONNECT', url), true);
    const dispatch = this.#map === null ? this.own : this.#lookup(this.#map, url);
    if (dispatch instanceof HTTPDispatch) await dispatch.preconnect(url, options);
  }

  /**
   * Whether a connection that is not of the pool may be made for a request, which goes to the network then.
   * @throws UnsupportedProtocol, ConnectError
   */
  checkOwnConnection(request: Request): void {
    if (this.#httpsOnly) checkProtocol(request, true);
    const dispatch = this.#map === null ? this.own : this.#lookup(this.#map, request.url);
    if (dispatch instanceof HTTPDispatch) return dispatch.checkOwnConnection(request);
    const message = 'a connection that switches protocols is made to the network, where this request does not go';
    throw requestFailure(UnsupportedProtocol, message, { request });
  }

  /** See `PoolStats.drain`: of all that are the network. */
  async drain(): Promise<void> {
    await Promise.all(this.#all().map((dispatch) => (dispatch instanceof HTTPDispatch ? dispatch.drain() : undefined)));
  }

  #all(): (Dispatch | null)[] {
    return [...new Set([this.own, ...(this.#map?.values() ?? []), this.#network])];
  }

  #lookup(map: PatternMap<Dispatch | null>, url: URL): Dispatch {
    const found = map.lookup(url);
    if (found === undefined) return this.own;
    return found === null ? (this.#network ??= this.#openNetwork()) : found;
  }

  /** Closes each of them. Idempotent as they are. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all(this.#all().map((dispatch) => dispatch?.close?.()));
  }
}

function checkDispatch(value: unknown, option: string): Dispatch {
  if (typeof (value as Dispatch | null)?.send === 'function') return value as Dispatch;
  const kind = kindOf(value);
  const way =
    kind === null ? '' : `; an app is mounted as new ${kind === 'fetch' ? 'FetchDispatch' : 'NodeDispatch'}({ app })`;
  throw new TypeError(`${option}: expected an object with a send method, got ${typeName(value)}${way}`);
}
