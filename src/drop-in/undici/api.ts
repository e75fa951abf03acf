/** undici's calls with promises or callbacks (`request`, `stream`, `pipeline`, `connect`, `upgrade`), over any `dispatch`. */

import { AsyncResource } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { Duplex, finished, PassThrough } from 'node:stream';
import { bare } from '../../bare.js';
import { BodyReadable } from './body-readable.js';
import type { DispatchOptions, HeadersInput } from './dispatch-options.js';
import { InvalidArgumentError, InvalidReturnValueError, RequestAbortedError, SocketError } from './errors.js';
import type { DispatchController, DispatchHandler, IncomingHeaders } from './handler.js';

export type Callback<T> = (error: Error | null, data: T) => void;
/** An AbortSignal of any realm, or an EventEmitter; undici's own types say no more of it. */
type Signal = unknown;

export interface RequestOptions<Opaque = null> extends DispatchOptions {
  /** Handed back with the result. */
  opaque?: Opaque | undefined;
  signal?: Signal | undefined;
  onInfo?: ((info: { statusCode: number; headers: Record<string, string | string[]> }) => void) | null | undefined;
  /** 'raw': headers are names and values in turn, as they came. */
  responseHeaders?: 'raw' | null | undefined;
  highWaterMark?: number | undefined;
  objectMode?: boolean | undefined;
}

export interface ResponseData<Opaque = null> {
  statusCode: number;
  statusText: string;
  headers: IncomingHttpHeaders;
  body: BodyReadable;
  trailers: Record<string, string>;
  opaque: Opaque;
  context: object;
}

export interface StreamData<Opaque = null> {
  opaque: Opaque;
  trailers: Record<string, string>;
}

interface Head<Opaque> {
  statusCode: number;
  headers: IncomingHttpHeaders;
  opaque: Opaque;
  context: object;
}

export type StreamFactory<Opaque = null> = (data: Head<Opaque>) => Writable;
export type PipelineHandler<Opaque = null> = (data: Head<Opaque> & { body: BodyReadable }) => Readable;

export interface ConnectOptions<Opaque = null> {
  origin?: string | globalThis.URL | undefined;
  path: string;
  headers?: HeadersInput | undefined;
  signal?: Signal | undefined;
  opaque?: Opaque | undefined;
  responseHeaders?: 'raw' | null | undefined;
}

export interface ConnectData<Opaque = null> {
  statusCode: number;
  headers: IncomingHttpHeaders;
  socket: Duplex;
  opaque: Opaque;
}

export interface UpgradeOptions<Opaque = null> extends ConnectOptions<Opaque> {
  method?: string | undefined;
  /** Default 'Websocket'. */
  protocol?: string | undefined;
}

export interface UpgradeData<Opaque = null> {
  headers: IncomingHttpHeaders;
  socket: Duplex;
  opaque: Opaque;
}

interface Dispatching {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean;
}

export function request<Opaque>(
  dispatcher: Dispatching,
  options: RequestOptions<Opaque>,
  callback?: Callback<ResponseData<Opaque>>,
): Promise<ResponseData<Opaque>> | void {
  return called(callback, options, (done) => {
    check(options);
    checkMethod(options);
    let body: BodyReadable | null = null;
    const trailers: Record<string, string> = {};
    const unlisten = { call: () => {} };
    dispatcher.dispatch(options, {
      onRequestStart: (controller) => (unlisten.call = listen(options.signal, controller, () => body)),
      onResponseStart(controller, statusCode, headers, statusText = '') {
        const shown = shownHeaders(controller, headers, options);
        if (statusCode < 200) return void options.onInfo?.({ statusCode, headers: shown as IncomingHeaders });
        const type = headers['content-type'];
        body = new BodyReadable({
          resume: () => controller.resume(),
          abort: (reason) => controller.abort(reason),
          type: typeof type === 'string' ? type : '',
          highWaterMark: options.highWaterMark,
        });
        body.on('close', unlisten.call);
        const { opaque = null as Opaque } = options;
        done(null, {
          statusCode,
          statusText,
          headers: shown,
          trailers,
          opaque,
          body,
          context: (options.context ?? null) as object,
        });
      },
      onResponseData(controller, chunk) {
        if (body?.push(chunk) === false) controller.pause();
      },
      onResponseEnd(_, found) {
        Object.assign(trailers, found);
        body?.push(null);
      },
      onResponseError(_, error) {
        unlisten.call();
        const open = body;
        if (open === null) done(error);
        // The caller that has just been given the body adds its listeners first.
        else queueMicrotask(() => open.destroy(error));
      },
    });
  });
}

export function stream<Opaque>(
  dispatcher: Dispatching,
  options: RequestOptions<Opaque>,
  factory: StreamFactory<Opaque>,
  callback?: Callback<StreamData<Opaque>>,
): Promise<StreamData<Opaque>> | void {
  return called(callback, options, (done) => {
    check(options);
    checkMethod(options);
    if (typeof factory !== 'function') throw new InvalidArgumentError('invalid factory');
    let into: Writable | null = null;
    const { opaque = null as Opaque } = options;
    const unlisten = { call: () => {} };
    let trailers: Record<string, string> = {};
    let isEnded = false;
    dispatcher.dispatch(options, {
      onRequestStart: (controller) => (unlisten.call = listen(options.signal, controller, () => null)),
      onResponseStart(controller, statusCode, headers) {
        const shown = shownHeaders(controller, headers, options);
        if (statusCode < 200) return void options.onInfo?.({ statusCode, headers: shown as IncomingHeaders });
        const made = factory({ statusCode, headers: shown, opaque, context: (options.context ?? null) as object });
        if (typeof made?.write !== 'function' || typeof made.end !== 'function' || typeof made.on !== 'function') {
          throw new InvalidReturnValueError('expected Writable');
        }
        into = made;
        made.on('drain', () => controller.resume());
        finished(made, { readable: false }, (error) => {
          unlisten.call();
          if (error) done(error);
          // Its owner may end it before the body does, and wants no more then.
          else done(null, { opaque, trailers });
          if (error || !isEnded) controller.abort(error ?? new RequestAbortedError());
        });
      },
      onResponseData(controller, chunk) {
        if (into?.write(chunk) === false) controller.pause();
      },
      onResponseEnd(_, found) {
        isEnded = true;
        trailers = { ...found } as Record<string, string>;
        into?.end();
      },
      onResponseError(_, error) {
        unlisten.call();
        if (into === null) done(error);
        else into.destroy(error);
      },
    });
  });
}

export function pipeline<Opaque>(
  dispatcher: Dispatching,
  options: RequestOptions<Opaque>,
  handler: PipelineHandler<Opaque>,
): Duplex {
  let controller: DispatchController | null = null;
  const upload = new PassThrough();
  const download = new PassThrough(bare({ readableObjectMode: options?.objectMode === true }));
  const duplex = Duplex.from({ writable: upload, readable: download });
  try {
    check(options);
    checkMethod(options);
    if (typeof handler !== 'function') throw new InvalidArgumentError('invalid handler');
    const { opaque = null as Opaque } = options;
    let body: BodyReadable | null = null;
    const unlisten = { call: () => {} };
    duplex.on('close', () => {
      unlisten.call();
      if (download.readableEnded) return;
      controller?.abort(new RequestAbortedError());
      body?.destroy(new RequestAbortedError());
    });
    dispatcher.dispatch(
      { ...options, body: upload },
      {
        onRequestStart(given) {
          controller = given;
          unlisten.call = listen(options.signal, given, () => null);
        },
        onResponseStart(given, statusCode, headers) {
          const shown = shownHeaders(given, headers, options);
          if (statusCode < 200) return void options.onInfo?.({ statusCode, headers: shown as IncomingHeaders });
          const resume = () => given.resume();
          body = new BodyReadable({ resume, abort: (reason) => given.abort(reason), type: '' });
          body.on('error', () => {});
          const made = handler({
            statusCode,
            headers: shown,
            opaque,
            body,
            context: (options.context ?? null) as object,
          });
          if (typeof made?.on !== 'function') throw new InvalidReturnValueError('expected Readable');
          made.on('error', (error) => duplex.destroy(error));
          made.on('close', () => {
            if (!made.readableEnded) duplex.destroy(new RequestAbortedError());
          });
          made.pipe(download);
        },
        onResponseData(given, chunk) {
          if (body?.push(chunk) === false) given.pause();
        },
        onResponseEnd: () => void body?.push(null),
        onResponseError: (_, error) => void duplex.destroy(error),
      },
    );
  } catch (error) {
    duplex.destroy(error as Error);
  }
  return duplex;
}

export function connect<Opaque>(
  dispatcher: Dispatching,
  options: ConnectOptions<Opaque>,
  callback?: Callback<ConnectData<Opaque>>,
): Promise<ConnectData<Opaque>> | void {
  return called(callback, options, (done) => {
    check(options);
    const { opaque = null as Opaque } = options;
    const unlisten = { call: () => {} };
    dispatcher.dispatch(
      { ...options, method: 'CONNECT' },
      {
        onRequestStart: (controller) => (unlisten.call = listen(options.signal, controller, () => null)),
        onRequestUpgrade(controller, statusCode, headers, socket) {
          unlisten.call();
          done(null, { statusCode, headers: shownHeaders(controller, headers, options), socket, opaque });
        },
        onResponseError(_, error) {
          unlisten.call();
          done(error);
        },
      },
    );
  });
}

export function upgrade<Opaque>(
  dispatcher: Dispatching,
  options: UpgradeOptions<Opaque>,
  callback?: Callback<UpgradeData<Opaque>>,
): Promise<UpgradeData<Opaque>> | void {
  return called(callback, options, (done) => {
    check(options);
    const { opaque = null as Opaque, method = 'GET', protocol = 'Websocket' } = options;
    const unlisten = { call: () => {} };
    dispatcher.dispatch(
      { ...options, method, upgrade: protocol },
      {
        onRequestStart: (controller) => (unlisten.call = listen(options.signal, controller, () => null)),
        onRequestUpgrade(controller, statusCode, headers, socket) {
          unlisten.call();
          // The socket is ended by what is thrown.
          if (statusCode !== 101) throw new SocketError('bad upgrade');
          done(null, { headers: shownHeaders(controller, headers, options), socket, opaque });
        },
        onResponseError(_, error) {
          unlisten.call();
          done(error);
        },
      },
    );
  });
}

/** With a callback it is called once; without one there is a promise. */
function called<T>(
  callback: Callback<T> | undefined,
  options: { opaque?: unknown } | undefined,
  work: (done: (error: Error | null, data?: T) => void) => void,
): Promise<T> | void {
  if (callback === undefined) {
    return new Promise((resolve, reject) => {
      called((error: Error | null, data: T) => (error === null ? resolve(data) : reject(error)), options, work);
    });
  }
  if (typeof callback !== 'function') throw new InvalidArgumentError('invalid callback');
  const bound = AsyncResource.bind(callback);
  let isDone = false;
  const done = (error: Error | null, data?: T) => {
    if (isDone) return;
    isDone = true;
    if (error === null) bound(null, data as T);
    else queueMicrotask(() => bound(error, { opaque: options?.opaque ?? null } as T));
  };
  try {
    work(done);
  } catch (error) {
    done(error as Error);
  }
}

/** A tunnel has no response to give: `connect()` opens it. */
function checkMethod({ method }: { method?: unknown }): void {
  if (method === 'CONNECT') throw new InvalidArgumentError('invalid method');
}

function check(options: RequestOptions<unknown> | ConnectOptions<unknown>): void {
  if (options === null || typeof options !== 'object') throw new InvalidArgumentError('invalid opts');
  const { signal, onInfo, highWaterMark } = options as RequestOptions<unknown>;
  if (highWaterMark !== undefined && (!Number.isFinite(highWaterMark) || highWaterMark < 0)) {
    throw new InvalidArgumentError('invalid highWaterMark');
  }
  if (
    signal &&
    typeof (signal as EventEmitter).on !== 'function' &&
    typeof (signal as AbortSignal).addEventListener !== 'function'
  ) {
    throw new InvalidArgumentError('signal must be an EventEmitter or EventTarget');
  }
  if (onInfo && typeof onInfo !== 'function') throw new InvalidArgumentError('invalid onInfo callback');
}

/** Ends the request when the signal says so; returns what takes the listener away. */
function listen(
  signal: Signal | undefined,
  controller: DispatchController,
  body: () => BodyReadable | null,
): () => void {
  if (signal === null || signal === undefined) return () => {};
  const abort = () => {
    const reason = ((signal as AbortSignal).reason as Error | undefined) ?? new RequestAbortedError();
    const open = body();
    if (open === null) controller.abort(reason);
    else open.on('error', () => {}).destroy(reason);
  };
  if ((signal as AbortSignal).aborted) abort();
  if (typeof (signal as AbortSignal).addEventListener === 'function') {
    (signal as AbortSignal).addEventListener('abort', abort);
    return () => (signal as AbortSignal).removeEventListener('abort', abort);
  }
  (signal as EventEmitter).on('abort', abort);
  return () => (signal as EventEmitter).off('abort', abort);
}

function shownHeaders(
  controller: DispatchController,
  headers: IncomingHeaders,
  options: { responseHeaders?: 'raw' | null },
): IncomingHttpHeaders {
  if (options.responseHeaders !== 'raw') return headers;
  // As in undici's own types, the raw form is none of its own.
  return (controller.rawHeaders ?? []).map((bytes) => bytes.toString('latin1')) as unknown as IncomingHttpHeaders;
}
