/**
 * JavaScript's side of the binding: requests go down one call each, what happened comes up in batches (`delivery.ts`). Ids, records
 * and the I/O thread are known at these two and nowhere else; what an event means for an exchange is `exchange.ts`.
 */

import { isMainThread } from 'node:worker_threads';
import type {
  Engine,
  ErrorKind,
  FileHandle,
  PoolHandle,
  PoolOptions,
  ProfileOptions,
  ProxyHandle,
  ProxyHandleOptions,
  SendFlag,
} from '../../native.js';
import { addon } from '../../native.js';
import { ConnectError, InternalError } from '../../errors.js';
import type { FilePart } from '../../request/file-content.js';
import { bare } from '../../bare.js';
import { deliver, rememberThrown } from './delivery.js';
import type { AnyListener } from './listener-table.js';
import { listeners, release, take } from './listener-table.js';
import type { ConnectionListener, FileListener, Listener, LookupListener } from './listeners.js';
import { Turn } from './turn.js';

/** How one request is carried: a sum of these. There with the engine: nothing is loaded before the first request. */
export let flags: typeof SendFlag;

/** Starts an exchange: returns its id, for the calls below. The process is held until its promise is settled (`unhold`). */
export function send(listener: Listener, profile: number, flags: number, head: string, body: Buffer | null): number {
  const id = takeHeld(listener);
  try {
    start().send(id, profile, flags, head, body);
  } catch (error) {
    giveBack(id);
    throw notHandedOn(error);
  }
  return id;
}

/**
 * As `send`, where other requests may follow in the same turn of the event loop: the first one goes at once, those behind it go
 * together. Each call that finds the I/O thread asleep wakes it, by a system call.
 */
export function sendSoon(listener: Listener, profile: number, flags: number, head: string): number {
  if (turn.isFirst()) return send(listener, profile, flags, head, null);
  const id = takeHeld(listener);
  turn.add({ id, profile, flags, head });
  return id;
}

/** Everything has been checked: what is thrown is a panic. */
function notHandedOn(error: unknown): InternalError {
  return new InternalError(`the request could not be handed on: ${(error as Error).message}`, { cause: error });
}

/** Asks for the next piece of a streamed response; the first call decides whether it comes raw or decoded. */
export function read(id: number, raw: boolean): void {
  hold();
  start().read(id, raw);
}

/** Asks for all that is left of a streamed response, decoded; more than `limit` bytes are an error. */
export function readWhole(id: number, limit: number | null, tellsProgress: boolean): void {
  hold();
  start().readWhole(id, limit, tellsProgress);
}

/** Nothing more of a streamed response is wanted, but its connection if that costs little. */
export function drainBody(id: number): void {
  hold();
  start().drain(id);
}

/** A piece of a streamed request; `onWritable` follows. */
export function write(id: number, chunk: Buffer): void {
  hold();
  start().write(id, chunk);
}

/** The streamed request is complete. */
export function end(id: number): void {
  start().end(id);
}

/** What is written from here on is the streamed request's body from its beginning. */
export function restart(id: number): void {
  start().restart(id);
}

/** Drops the exchange; its last event still comes, and nothing waits for it. */
export function cancel(id: number): void {
  start().cancel(id);
}

/** `length` bytes of a file of `size` bytes, as a piece of a streamed request; `onWritable` or `onWriteFailed` follows. */
export function writeFile(id: number, part: FilePart, reportsProgress: boolean): void {
  hold();
  start().writeFile(id, part.path, part.start, part.length, part.size, reportsProgress);
}

/** The rest of a streamed response goes into a file, and no piece of it comes up: `onEnd` or `onError` follows. */
export function save(id: number, file: FileHandle, reportsProgress: boolean): void {
  hold();
  start().save(id, file, reportsProgress);
}

/** To be called within `callFile`, with its id. */
export function openFile(id: number, path: string, create: boolean, mode: number | null): FileHandle {
  return start().openFile(id, path, create, mode);
}

/** One call of an open file: what is in it then. */
export function callFile(
  call: (id: number) => void,
  toError: (kind: ErrorKind, code: string | undefined, message: string) => Error,
): Promise<{ size: number; digest: string | null }> {
  return new Promise((resolve, reject) => {
    const listener: FileListener = {
      onFile(text) {
        unhold();
        const [size, digest] = text.split('\n');
        resolve({ size: Number(size), digest: digest || null });
      },
      onError(kind, code, message) {
        unhold();
        reject(toError(kind, code, message));
      },
    };
    begin(listener, call);
  });
}

/** @param lookup Told of the names that the pool wants to know, instead of the system's resolver. */
export function openPool(options: PoolOptions, lookup: LookupListener | null): PoolHandle {
  if (lookup === null) return start().openPool(options);
  const id = take(lookup);
  try {
    return start().openPool(bare({ ...options, lookup: id }));
  } catch (error) {
    release(id);
    throw error;
  }
}

/** The addresses of the name that was asked for. */
export function answerLookup(question: number, addresses: string[]): void {
  start().answerLookup(question, addresses);
}

/** There are none; `reason` becomes the cause of the errors that this ends in. */
export function failLookup(question: number, reason: unknown, words: string): void {
  rememberThrown(question, reason);
  start().answerLookup(question, undefined, words);
}

export function openProfile(options: ProfileOptions, proxy: ProxyHandle | null): number {
  return start().openProfile(options, proxy);
}

export function openProxy(options: ProxyHandleOptions): ProxyHandle {
  return new (addon().ProxyHandle)(options);
}

export function closeProfile(profile: number): void {
  start().closeProfile(profile);
}

/** Starts making connections, until `count` are there: returns the id, for `cancel`. */
export function preconnect(listener: ConnectionListener, profile: number, origin: string, count: number): number {
  return begin(listener, (id) => start().preconnect(id, profile, origin, count));
}

/** Resolves when the pool's idle connections are closed, and the others get no more requests. */
export function drainPool(pool: PoolHandle): Promise<void> {
  return new Promise((resolve) => {
    begin(onClosed(resolve), (id) => start().drainPool(id, pool));
  });
}

/** Resolves when the pool's idle connections are closed. */
export function closePool(pool: PoolHandle): Promise<void> {
  return new Promise((resolve) => {
    begin(onClosed(resolve), (id) => start().closePool(id, pool));
  });
}

function onClosed(resolve: () => void): () => void {
  return () => {
    unhold();
    resolve();
  };
}

let engine: Engine | null = null;

/**
 * Large bodies come without a copy on Node's main thread alone. A program can move their memory to another thread, and when the
 * environment that it came from ends, Node frees it there and then: the main thread's ends last. Bun and Deno promise nothing.
 */
function outlivesViews(): boolean {
  return isMainThread && !('bun' in process.versions) && !('deno' in process.versions);
}

/** Completions that some promise waits for. While there are any, the process is held. */
let pending = 0;

const turn = new Turn(({ id, profile, flags, head }) => {
  try {
    start().send(id, profile, flags, head, null);
  } catch (error) {
    (listeners[id] as Listener).onFault?.(notHandedOn(error));
    release(id);
  }
});

/** In the order of the calls: what waits goes before anything else. */
function start(): Engine {
  turn.sendWaiting();
  return (engine ??= makeEngine());
}

function makeEngine(): Engine {
  const loaded = addon();
  const { RecordKind: kinds } = loaded;
  ({ SendFlag: flags } = loaded);
  try {
    return new loaded.Engine((batch, large) => deliver(batch, large, kinds), outlivesViews());
  } catch (cause) {
    // The system has no descriptor or no thread left.
    const { message, code } = cause as Error & { code?: string };
    throw new ConnectError(message, { cause, ...(code === undefined ? {} : { code }) });
  }
}

/** Starts what some promise waits for: returns its id. Where `call` throws, nothing is left of it. */
function begin(listener: AnyListener, call: (id: number) => void): number {
  const id = takeHeld(listener);
  try {
    call(id);
  } catch (error) {
    giveBack(id);
    throw error;
  }
  return id;
}

/** The process is held first: where there is no engine and none can be made, no id was taken. */
function takeHeld(listener: AnyListener): number {
  hold();
  return take(listener);
}

function giveBack(id: number): void {
  release(id);
  unhold();
}

/** Counts only when the process is held: of a call that failed, nothing may be left that keeps the next one from holding it. */
function hold(): void {
  if (pending === 0) start().setBusy(true);
  pending++;
}

/** A promise is settled without its completion: the caller gave up. */
export function unhold(): void {
  if (--pending === 0) start().setBusy(false);
}
