/**
 * The two contracts that undici has for handlers, as one. v1 (undici ≤ 7's interceptors and APIs, the fetch of Node 20 to 24): `onConnect`,
 * `onHeaders`, `onData`, `onComplete`, `onError`, `onUpgrade`; v2: `onRequestStart` and so on, with a controller. They are told apart by
 * `onRequestStart`.
 */

import type { Duplex } from 'node:stream';
import { setField } from '../header-fields.js';
import { InvalidArgumentError } from './errors.js';

export type IncomingHeaders = Record<string, string | string[]>;

/** What a v2 handler holds of the request under way. @since 0.1.0 */
export interface DispatchController {
  /** Whether the request was aborted. @since 0.1.0 */
  readonly aborted: boolean;
  /** Whether the body is held back. @since 0.1.0 */
  readonly paused: boolean;
  /** What the request was aborted with; null while it was not. @since 0.1.0 */
  readonly reason: Error | null;
  /** Names and values in turn, as they came. @since 0.1.0 */
  rawHeaders: Buffer[] | null;
  /** Trailers, names and values in turn, as they came; null before they came. @since 0.1.0 */
  rawTrailers: Buffer[] | null;
  /** Ends the request. The handler hears of it by `onResponseError`. @since 0.1.0 */
  abort(reason?: Error): void;
  /** Holds the body back, until `resume()`. @since 0.1.0 */
  pause(): void;
  /** Lets the body go on after `pause()`. @since 0.1.0 */
  resume(): void;
}

/** A handler of undici's newer contract: each callback gets a controller of the request. @since 0.1.0 */
export interface DispatchHandler {
  /** Called before the request is sent. @since 0.1.0 */
  onRequestStart?(controller: DispatchController, context: unknown): void;
  /** Called when the server switches protocols, with the socket. @since 0.1.0 */
  onRequestUpgrade?(controller: DispatchController, statusCode: number, headers: IncomingHeaders, socket: Duplex): void;
  /** Called with the head of each response, 1xx included. @since 0.1.0 */
  onResponseStart?(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHeaders,
    statusMessage?: string,
  ): void;
  /** Called with each chunk of the body, as it was sent. @since 0.1.0 */
  onResponseData?(controller: DispatchController, chunk: Buffer): void;
  /** Called at the end of the body, with its trailers. @since 0.1.0 */
  onResponseEnd?(controller: DispatchController, trailers: IncomingHeaders): void;
  /** Called with what the request failed by; nothing is called after it. @since 0.1.0 */
  onResponseError?(controller: DispatchController, error: Error): void;
}

/** A handler of undici's older contract, whose callbacks get raw headers and functions. @since 0.1.0 */
export interface LegacyHandler {
  /** Called before the request is sent, with a function that ends it. @since 0.1.0 */
  onConnect?(abort: (reason?: Error) => void, context?: unknown): void;
  /** Called when the server switches protocols, with the socket. @since 0.1.0 */
  onUpgrade?(statusCode: number, headers: Buffer[], socket: Duplex): void;
  /** Called before `onHeaders`. @since 0.1.0 */
  onResponseStarted?(): void;
  /**
   * Called with the head of each response, 1xx included. False holds the body back until `resume` is called.
   * @since 0.1.0
   */
  onHeaders?(statusCode: number, headers: Buffer[], resume: () => void, statusText: string): boolean | void;
  /** Called with each chunk of the body, as it was sent. False holds the body back. @since 0.1.0 */
  onData?(chunk: Buffer): boolean | void;
  /** Called at the end of the body, with its trailers: names and values in turn, as Buffers. @since 0.1.0 */
  onComplete?(trailers: readonly unknown[] | null): void;
  /** Called with what the request failed by; nothing is called after it. @since 0.1.0 */
  onError?(error: Error): void;
}

/** A handler by either contract: they are told apart by `onRequestStart`. @since 0.1.0 */
export type AnyHandler = DispatchHandler | LegacyHandler;

/**
 * The handler, by the second contract.
 * @throws InvalidArgumentError for what is no handler
 */
export function toHandler(handler: AnyHandler): DispatchHandler {
  if (handler === null || typeof handler !== 'object') throw new InvalidArgumentError('handler must be an object');
  if (isCurrent(handler)) return handler;
  if (typeof (handler as LegacyHandler).onError !== 'function')
    throw new InvalidArgumentError('invalid onError method');
  return new WrappedHandler(handler as LegacyHandler);
}

/**
 * What a handler must have, as undici asks it of v1; of v2, what would never be told otherwise.
 * @throws InvalidArgumentError naming the method
 */
export function checkHandler(handler: AnyHandler, isSwitching: boolean): void {
  if (isCurrent(handler)) {
    if (!isSwitching || typeof handler.onRequestUpgrade === 'function') return;
    throw new InvalidArgumentError('invalid onUpgrade method');
  }
  const own = handler as LegacyHandler & { onBodySent?: unknown };
  const needed = ['onConnect', ...(isSwitching ? ['onUpgrade'] : ['onHeaders', 'onData', 'onComplete'])];
  const missing = needed.find((name) => typeof own[name as keyof LegacyHandler] !== 'function');
  if (missing !== undefined) throw new InvalidArgumentError(`invalid ${missing} method`);
  if (own.onBodySent !== undefined && typeof own.onBodySent !== 'function') {
    throw new InvalidArgumentError('invalid onBodySent method');
  }
}

function isCurrent(handler: AnyHandler): handler is DispatchHandler {
  return typeof (handler as DispatchHandler).onRequestStart === 'function';
}

/** A v1 handler behind the second contract. */
export class WrappedHandler implements DispatchHandler {
  #handler: LegacyHandler;

  constructor(handler: LegacyHandler) {
    this.#handler = handler;
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.#handler.onConnect?.((reason) => controller.abort(reason), context);
  }

  onRequestUpgrade(controller: DispatchController, statusCode: number, headers: IncomingHeaders, socket: Duplex): void {
    this.#handler.onUpgrade?.(statusCode, controller.rawHeaders ?? toRaw(headers), socket);
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHeaders,
    statusMessage = '',
  ): void {
    this.#handler.onResponseStarted?.();
    const raw = controller.rawHeaders ?? toRaw(headers);
    const goesOn = this.#handler.onHeaders?.(statusCode, raw, () => controller.resume(), statusMessage);
    if (goesOn === false) controller.pause();
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) controller.pause();
  }

  onResponseEnd(controller: DispatchController, trailers: IncomingHeaders): void {
    this.#handler.onComplete?.(controller.rawTrailers ?? toRaw(trailers));
  }

  onResponseError(_: DispatchController, error: Error): void {
    this.#handler.onError?.(error);
  }
}

/** Names and values in turn. */
export function toRaw(headers: IncomingHeaders): Buffer[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [
      Buffer.from(name, 'latin1'),
      Buffer.from(one, 'latin1'),
    ]),
  );
}

/** By name in lower case; several of a name as a list. */
export function toObject(lines: Iterable<readonly [string, string]>): IncomingHeaders {
  const headers: IncomingHeaders = {};
  for (const [given, value] of lines) {
    const name = given.toLowerCase();
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (before === undefined) setField(headers, name, value);
    else if (typeof before === 'string') headers[name] = [before, value];
    else before.push(value);
  }
  return headers;
}
