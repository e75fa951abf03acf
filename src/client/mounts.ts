/**
 * Which dispatch a request goes to: its mount, by the URL of the hop, or the client's own. What a pattern means is in
 * `url-pattern.ts`.
 */

import { typeName } from '../errors.js';
import { PatternMap } from '../url/pattern.js';
import type { URL } from '../url/url.js';
import type { AppTypes, NodeApp } from '../dispatch/apps/kind.js';
import { isFetchApp, kindOf } from '../dispatch/apps/kind.js';
import type { Dispatch } from '../dispatch/dispatch.js';
import { FetchDispatch } from '../dispatch/apps/fetch/fetch-dispatch.js';
import { NodeDispatch } from '../dispatch/apps/node/node-dispatch.js';

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

/** Dispatches by URL pattern, the most specific first. */
export class Mounts {
  #map: PatternMap<Dispatch | null>;
  #network: Dispatch | null = null;
  #openNetwork: () => Dispatch;

  /**
   * @param network Makes the network's dispatch, for patterns with null; called once, when the first request needs it.
   * @throws TypeError naming the pattern
   */
  constructor(mounts: Record<string, Dispatch | null>, network: () => Dispatch) {
    this.#map = new PatternMap(mounts, 'mounts', (value, where) =>
      value === null ? null : checkDispatch(value, where),
    );
    this.#openNetwork = network;
  }

  /** undefined: the client's own. */
  lookup(url: URL): Dispatch | undefined {
    const found = this.#map.lookup(url);
    return found === null ? (this.#network ??= this.#openNetwork()) : found;
  }

  /** Closes each of them. Idempotent as they are. */
  async close(): Promise<void> {
    const all = new Set([...this.#map.values(), this.#network]);
    await Promise.all([...all].map((dispatch) => dispatch?.close?.()));
  }
}

function checkDispatch(value: unknown, option: string): Dispatch {
  if (typeof (value as Dispatch | null)?.send === 'function') return value as Dispatch;
  const kind = kindOf(value);
  const way =
    kind === null ? '' : `; an app is mounted as new ${kind === 'fetch' ? 'FetchDispatch' : 'NodeDispatch'}({ app })`;
  throw new TypeError(`${option}: expected an object with a send method, got ${typeName(value)}${way}`);
}
