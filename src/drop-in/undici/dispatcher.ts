/**
 * undici's Dispatcher over a client's pool, proxies and timeouts: requests go out as they are given, with no redirects, auth, cookies or
 * netrc, and bodies come as they are sent, not decoded (fetch decodes). What a handler is told is `exchange.ts`'s, the calls with
 * promises are `api.ts`'s.
 */

import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import util from 'node:util';
import { bare } from '../../bare.js';
import { Client } from '../../client/client.js';
import type { ClientOptions } from '../../client/options.js';
import type { Request } from '../../request/request.js';
import { typeName } from '../../shown-text.js';
import { ReadTimeouts } from '../read-timeouts.js';
import type {
  Callback,
  ConnectData,
  ConnectOptions,
  PipelineHandler,
  RequestOptions,
  ResponseData,
  StreamData,
  StreamFactory,
  UpgradeData,
  UpgradeOptions,
} from './api.js';
import { connect, pipeline, request, stream, upgrade } from './api.js';
import type { DispatchOptions } from './dispatch-options.js';
import { readDispatchOptions } from './dispatch-options.js';
import { ClientClosedError, ClientDestroyedError, InvalidArgumentError, toUndiciError } from './errors.js';
import { Exchange } from './exchange.js';
import type { AnyHandler } from './handler.js';
import { checkHandler, toHandler } from './handler.js';
import { switchProtocols } from './upgrade.js';

/** Options of the client that a dispatcher makes for itself. @since 0.1.0 */
export type DispatcherOptions = Pick<
  ClientOptions,
  | 'httpVersions'
  | 'proxies'
  | 'poolLimits'
  | 'verify'
  | 'cert'
  | 'trustEnv'
  | 'app'
  | 'dispatch'
  | 'mounts'
  | 'socketPath'
  | 'localAddress'
  | 'resolve'
  | 'timeout'
>;

/** Sends what it is given and tells a handler, as undici's does. */
export type Dispatch = (options: DispatchOptions, handler: AnyHandler) => boolean;

/** Wraps a dispatch in another: of no narrower type, so that the interceptors of every undici are some. */
export type Interceptor = (dispatch: any) => any;

/** @throws what undici's callers know, where the client's options would be passed by */
function checkSwitch(client: Client, request: Request): void {
  try {
    client.checkOwnConnection(request);
  } catch (error) {
    throw toUndiciError(error, false);
  }
}

/** By a symbol and no private field: what `compose()` returns is a proxy. */
const state = Symbol('state');

interface State {
  client: Client;
  /** It was made here, and is closed here. */
  isOwn: boolean;
  exchanges: Set<{ abort(reason?: Error): void }>;
  /** Requests under way, by origin, and whether it has answered. */
  origins: Map<string, { pending: number; isConnected: boolean }>;
  closed: boolean;
  destroyed: boolean;
  onIdle: (() => void)[];
  timeouts: ReadTimeouts;
  /** `headersTimeout` and `bodyTimeout` of requests that have none. */
  readTimeout: number | null;
}

/** undici's. */
const TIMEOUT = { connect: 10_000, read: 300_000, write: 300_000, pool: null };

/** A plain object changes the kinds that it names, as ever, and inherits undici's. */
function withDefaults(given: ClientOptions['timeout']): ClientOptions['timeout'] {
  if (given === undefined) return TIMEOUT;
  if (given === null || typeof given !== 'object' || Object.getPrototypeOf(given) !== Object.prototype) return given;
  const named = Object.entries(given).filter(([, limit]) => limit !== undefined);
  return { ...TIMEOUT, ...(Object.fromEntries(named) as typeof given) };
}

/**
 * A Dispatcher of undici's over a client's pool, proxies and timeouts. Requests go out as they are given, with no
 * redirects, auth, cookies or netrc.
 * @since 0.1.0
 */
export class Dispatcher extends EventEmitter {
  /** @internal */
  [state]: State;

  /**
   * Takes a client, which stays its owner's to close, or options of one that is closed with the dispatcher.
   *
   * @throws TypeError, RangeError for bad options, naming them
   * @since 0.1.0
   */
  constructor(clientOrOptions: Client | DispatcherOptions = {}) {
    super();
    const isOwn = !(clientOrOptions instanceof Client);
    if (clientOrOptions === null || typeof clientOrOptions !== 'object') {
      throw new TypeError(`new Dispatcher(): expected a Client or its options, got ${typeName(clientOrOptions)}`);
    }
    const client = isOwn
      ? new Client({ ...clientOrOptions, timeout: withDefaults(clientOrOptions.timeout), cookies: false })
      : (clientOrOptions as Client);
    this[state] = {
      client,
      isOwn,
      exchanges: new Set(),
      origins: new Map(),
      closed: false,
      destroyed: false,
      onIdle: [],
      timeouts: new ReadTimeouts(),
      readTimeout: isOwn ? client.timeout.readTimeout : TIMEOUT.read,
    };
  }

  /** Whether `close()` was called. @since 0.1.0 */
  get closed(): boolean {
    return this[state].closed;
  }

  /** Whether `destroy()` was called, or the last request has ended after `close()`. @since 0.1.0 */
  get destroyed(): boolean {
    return this[state].destroyed;
  }

  /**
   * Sends a request; the handler, of either of undici's contracts, is told what happens. Always true: there is always room.
   *
   * @throws InvalidArgumentError when the handler is none; all else is the handler's `onError` or `onResponseError`
   * @since 0.1.0
   */
  dispatch(options: DispatchOptions, handler: AnyHandler): boolean {
    const told = toHandler(handler);
    const inside = this[state];
    try {
      if (inside.destroyed) throw new ClientDestroyedError();
      if (inside.closed) throw new ClientClosedError();
      const dispatched = readDispatchOptions(options, undefined, this[state].readTimeout);
      checkHandler(handler, dispatched.upgrade !== null);
      if (dispatched.upgrade !== null) checkSwitch(inside.client, dispatched.request);
      const { origin } = dispatched.request.url;
      const context = Object.hasOwn(options, 'context') ? options.context : undefined;
      const listener = {
        onHead: () => onHead(this, origin),
        onEnd: (error: unknown) => onEnd(this, exchange, origin, error),
      };
      const exchange =
        dispatched.upgrade === null
          ? new Exchange(inside.client, inside.timeouts, dispatched, told, listener)
          : switchProtocols(dispatched, told, listener);
      onBegin(this, exchange, origin);
      // What a handler throws of its own at the very end is an uncaught exception there, and here.
      exchange.run(context).catch((error: unknown) => {
        queueMicrotask(() => {
          throw error;
        });
      });
      return true;
    } catch (error) {
      if (typeof told.onResponseError !== 'function') throw error;
      told.onResponseError(new DeadController(error as Error), error as Error);
      return false;
    }
  }

  /**
   * As undici's `request()`: resolves at the head, the body is a Readable with `json()`, `text()` and so on.
   * @since 0.1.0
   */
  request<Opaque = null>(options: RequestOptions<Opaque>): Promise<ResponseData<Opaque>>;
  request<Opaque = null>(options: RequestOptions<Opaque>, callback: Callback<ResponseData<Opaque>>): void;
  request<Opaque>(
    options: RequestOptions<Opaque>,
    callback?: Callback<ResponseData<Opaque>>,
  ): Promise<ResponseData<Opaque>> | void {
    return request(this, own(options), callback);
  }

  /** As undici's `stream()`: the body goes into the Writable that `factory` makes. @since 0.1.0 */
  stream<Opaque = null>(options: RequestOptions<Opaque>, factory: StreamFactory<Opaque>): Promise<StreamData<Opaque>>;
  stream<Opaque = null>(
    options: RequestOptions<Opaque>,
    factory: StreamFactory<Opaque>,
    callback: Callback<StreamData<Opaque>>,
  ): void;
  stream<Opaque>(
    options: RequestOptions<Opaque>,
    factory: StreamFactory<Opaque>,
    callback?: Callback<StreamData<Opaque>>,
  ): Promise<StreamData<Opaque>> | void {
    return stream(this, own(options), factory, callback);
  }

  /**
   * As undici's `pipeline()`: a Duplex whose writable side is the request's body and whose readable side is what
   * `handler` returns.
   * @since 0.1.0
   */
  pipeline<Opaque = null>(options: RequestOptions<Opaque>, handler: PipelineHandler<Opaque>): Duplex {
    return pipeline(this, own(options), handler);
  }

  /** As undici's `connect()`: CONNECT, on a connection of its own; resolves to its socket. @since 0.1.0 */
  connect<Opaque = null>(options: ConnectOptions<Opaque>): Promise<ConnectData<Opaque>>;
  connect<Opaque = null>(options: ConnectOptions<Opaque>, callback: Callback<ConnectData<Opaque>>): void;
  connect<Opaque>(
    options: ConnectOptions<Opaque>,
    callback?: Callback<ConnectData<Opaque>>,
  ): Promise<ConnectData<Opaque>> | void {
    return connect(this, own(options), callback);
  }

  /** As undici's `upgrade()`: another protocol, on a connection of its own; resolves to its socket. @since 0.1.0 */
  upgrade<Opaque = null>(options: UpgradeOptions<Opaque>): Promise<UpgradeData<Opaque>>;
  upgrade<Opaque = null>(options: UpgradeOptions<Opaque>, callback: Callback<UpgradeData<Opaque>>): void;
  upgrade<Opaque>(
    options: UpgradeOptions<Opaque>,
    callback?: Callback<UpgradeData<Opaque>>,
  ): Promise<UpgradeData<Opaque>> | void {
    return upgrade(this, own(options), callback);
  }

  /**
   * This dispatcher behind interceptors; the last one is asked first.
   * @throws TypeError for what is no interceptor
   * @since 0.1.0
   */
  compose(...given: (Interceptor | null | undefined)[] | [(Interceptor | null | undefined)[]]): Dispatcher {
    const interceptors = (Array.isArray(given[0]) ? given[0] : given) as (Interceptor | null | undefined)[];
    let dispatch: Dispatch = this.dispatch.bind(this);
    for (const interceptor of interceptors) {
      if (interceptor === null || interceptor === undefined) continue;
      if (typeof interceptor !== 'function') {
        throw new TypeError(`invalid interceptor, expected function received ${typeof interceptor}`);
      }
      const inner: unknown = interceptor(dispatch);
      if (typeof inner !== 'function') throw new TypeError('invalid interceptor');
      dispatch = (options, handler) => (inner as Dispatch)(options, toHandler(handler));
    }
    return new Proxy(this, { get: (target, key) => (key === 'dispatch' ? dispatch : Reflect.get(target, key)) });
  }

  /** As EventEmitter's; typed so that this is a Dispatcher to undici's own declarations. @since 0.1.0 */
  override listeners(eventName: string | symbol): any[] {
    return super.listeners(eventName);
  }

  /** As EventEmitter's; typed so that this is a Dispatcher to undici's own declarations. @since 0.1.0 */
  override rawListeners(eventName: string | symbol): any[] {
    return super.rawListeners(eventName);
  }

  /** Resolves when the requests under way have ended; new ones are refused. @since 0.1.0 */
  close(): Promise<void>;
  close(callback: () => void): void;
  close(callback?: () => void): Promise<void> | void {
    if (callback !== undefined && typeof callback !== 'function') throw new InvalidArgumentError('invalid callback');
    const closed = this[state].destroyed ? Promise.reject(new ClientDestroyedError()) : close(this);
    if (callback === undefined) return closed;
    util.callbackify(() => closed)(callback);
  }

  /** Ends the requests under way with `error`. @since 0.1.0 */
  destroy(error?: Error | null): Promise<void>;
  destroy(callback: () => void): void;
  destroy(error: Error | null, callback: () => void): void;
  destroy(given?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const done = typeof given === 'function' ? given : callback;
    if (done !== undefined && typeof done !== 'function') throw new InvalidArgumentError('invalid callback');
    const inside = this[state];
    const reason = (typeof given === 'function' ? null : given) ?? new ClientDestroyedError();
    inside.closed = inside.destroyed = true;
    for (const exchange of inside.exchanges) exchange.abort(reason);
    const destroyed = closeClient(inside);
    if (done === undefined) return destroyed;
    util.callbackify(() => destroyed)(done);
  }
}

async function close(dispatcher: Dispatcher): Promise<void> {
  const inside = dispatcher[state];
  inside.closed = true;
  if (inside.exchanges.size > 0) await new Promise<void>((resolve) => inside.onIdle.push(resolve));
  inside.destroyed = true;
  await closeClient(inside);
}

async function closeClient({ client, isOwn }: State): Promise<void> {
  if (isOwn) await client.close();
}

function onBegin(dispatcher: Dispatcher, exchange: { abort(reason?: Error): void }, origin: string): void {
  const { exchanges, origins } = dispatcher[state];
  exchanges.add(exchange);
  const known = origins.get(origin);
  if (known === undefined) origins.set(origin, { pending: 1, isConnected: false });
  else known.pending++;
}

function onHead(dispatcher: Dispatcher, origin: string): void {
  const known = dispatcher[state].origins.get(origin);
  if (known === undefined || known.isConnected) return;
  known.isConnected = true;
  dispatcher.emit('connect', new globalThis.URL(origin), [dispatcher]);
}

function onEnd(
  dispatcher: Dispatcher,
  exchange: { abort(reason?: Error): void },
  origin: string,
  error: unknown,
): void {
  const { exchanges, origins, onIdle } = dispatcher[state];
  exchanges.delete(exchange);
  const known = origins.get(origin);
  if (known !== undefined) {
    known.pending--;
    const isLost = error !== null && isConnectionLost(error);
    if (isLost) {
      dispatcher.emit(
        known.isConnected ? 'disconnect' : 'connectionError',
        new globalThis.URL(origin),
        [dispatcher],
        error,
      );
    }
    if (isLost || known.pending === 0) {
      known.isConnected &&= !isLost;
      if (known.pending === 0 && dispatcher.listenerCount('drain') > 0) {
        dispatcher.emit('drain', new globalThis.URL(origin));
      }
    }
    if (known.pending === 0 && !known.isConnected) origins.delete(origin);
  }
  if (exchanges.size === 0) for (const resolve of onIdle.splice(0)) resolve();
}

/** What is no object is complained of where it is read. */
function own<T extends object>(options: T): T {
  return typeof options === 'object' && options !== null ? bare(options) : options;
}

function isConnectionLost(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return (
    typeof code === 'string' &&
    (/^E[A-Z]+$/.test(code) || code === 'UND_ERR_SOCKET' || code === 'UND_ERR_CONNECT_TIMEOUT')
  );
}

/** Of a request that never began. */
class DeadController {
  readonly aborted = true;
  readonly paused = false;
  readonly reason: Error;
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;

  constructor(reason: Error) {
    this.reason = reason;
  }

  abort(): void {}
  pause(): void {}
  resume(): void {}
}
