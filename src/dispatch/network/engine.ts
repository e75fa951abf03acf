/**
 * JavaScript's side of the binding: requests go down one call each, what happened comes up in batches. Ids, records and the
 * I/O thread are known here and nowhere else; what an event means for an exchange is `exchange.ts`.
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
  RecordKind,
  SendFlag,
} from '../../native.js';
import { addon } from '../../native.js';
import { ConnectError, InternalError } from '../../errors.js';
import { ownCopy } from '../../own-memory.js';
import { nextTick } from '../../real-time.js';
import type { FilePart } from '../../request/file-content.js';
import { bare } from '../../bare.js';
import { ArrivedHead } from './arrived-head.js';
import type { ConnectionFacts } from './connection-facts.js';
import { connectionFactsOf } from './connection-facts.js';
import type { ConnectionListener, FileListener, Listener, LookupListener, Thrown } from './listeners.js';
import {
  BODY_LENGTH_AT,
  CONNECTION_AT,
  FILE_PROGRESS,
  HEAD_LENGTH_AT,
  KIND_AT,
  LARGE,
  NOW_AT,
  NUMBER,
  RECEIVED_AT,
  RECORD_BYTES,
  STATUS_AT,
  faultOf,
  linesOf,
} from './record.js';

/** The addon's enums, there with the engine: nothing is loaded before the first request. */
let kinds: typeof RecordKind;
/** How one request is carried: a sum of these. */
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
  if (!hasSent) {
    hasSent = true;
    nextTick(endTurn);
    return send(listener, profile, flags, head, null);
  }
  const id = takeHeld(listener);
  waiting.push({ id, profile, flags, head });
  if (waiting.length === MAX_WAITING_COUNT) sendWaiting();
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
  thrown.set(question, { reason });
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
    begin(resolve, (id) => start().drainPool(id, pool));
  });
}

/** Resolves when the pool's idle connections are closed. */
export function closePool(pool: PoolHandle): Promise<void> {
  return new Promise((resolve) => {
    begin(resolve, (id) => start().closePool(id, pool));
  });
}

let engine: Engine | null = null;

/**
 * Large bodies come without a copy on Node's main thread alone. A program can move their memory to another thread, and when the
 * environment that it came from ends, Node frees it there and then: the main thread's ends last. Bun and Deno promise nothing.
 */
function outlivesViews(): boolean {
  return isMainThread && !('bun' in process.versions) && !('deno' in process.versions);
}

type AnyListener = Listener | FileListener | LookupListener | ConnectionListener | (() => void);

/** What look-ups threw, by question, until no error can come of it any more. */
const thrown = new Map<number, Thrown>();

/** By id. Ids are dense: a slot that is free again is taken first. */
const listeners: (AnyListener | undefined)[] = [];
const free: number[] = [];

/** Completions that some promise waits for. While there are any, the process is held. */
let pending = 0;

/** Requests of this turn behind its first one. More at a time would leave the I/O thread without work meanwhile. */
let waiting: { id: number; profile: number; flags: number; head: string }[] = [];
const MAX_WAITING_COUNT = 8;
/** In this turn. */
let hasSent = false;

function endTurn(): void {
  hasSent = false;
  if (waiting.length > 0) sendWaiting();
}

function sendWaiting(): void {
  const sent = waiting;
  waiting = [];
  for (const { id, profile, flags, head } of sent) {
    try {
      start().send(id, profile, flags, head, null);
    } catch (error) {
      (listeners[id] as Listener).onFault?.(notHandedOn(error));
      release(id);
    }
  }
}

/** In the order of the calls: what waits goes before anything else. */
function start(): Engine {
  if (waiting.length > 0) sendWaiting();
  return (engine ??= makeEngine());
}

function makeEngine(): Engine {
  const loaded = addon();
  ({ RecordKind: kinds, SendFlag: flags } = loaded);
  try {
    return new loaded.Engine(drain, outlivesViews());
  } catch (cause) {
    // The system has no descriptor or no thread left.
    const { message, code } = cause as Error & { code?: string };
    throw new ConnectError(message, { cause, ...(code === undefined ? {} : { code }) });
  }
}

function take(listener: AnyListener): number {
  const id = free.pop() ?? listeners.length;
  listeners[id] = listener;
  return id;
}

function release(id: number): void {
  listeners[id] = undefined;
  free.push(id);
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

function drain(batch: Buffer, large: Buffer[]): void {
  let nextLarge = 0;
  for (let at = 0; at < batch.length;) {
    const id = batch.readUInt32LE(at);
    const kind = batch[at + KIND_AT];
    const status = batch.readUInt16LE(at + STATUS_AT);
    const headLength = batch.readUInt32LE(at + HEAD_LENGTH_AT);
    const bodyLength = batch.readUInt32LE(at + BODY_LENGTH_AT);
    const headAt = at + RECORD_BYTES;
    const bodyAt = headAt + headLength;
    const isLarge = bodyLength === LARGE;
    const bodyEnd = isLarge ? bodyAt : bodyAt + bodyLength;
    const body = isLarge ? large[nextLarge++] : null;
    const listener = listeners[id] as Listener;
    // Each record on its own: what one listener throws must not keep the others from what is theirs.
    try {
      switch (kind) {
        case kinds.Done:
        case kinds.Head:
        case kinds.FailedHead: {
          const isWhole = kind !== kinds.Head;
          const facts = connections[batch.readUInt32LE(at + CONNECTION_AT) & NUMBER];
          const head = new ArrivedHead(batch, at, isWhole, body, facts);
          if (kind === kinds.Done) {
            release(id);
            listener.onDone(head);
          } else if (kind === kinds.Head) {
            listener.onHead(head);
          } else {
            listener.onFailedHead(head);
          }
          break;
        }
        case kinds.HeadWithBody: {
          release(id);
          const facts = connections[batch.readUInt32LE(at + CONNECTION_AT) & NUMBER];
          const head = new ArrivedHead(batch, at, false, null, facts);
          const elapsed = batch.readUInt32LE(at + NOW_AT) / 1000;
          const content = ownCopy(batch.subarray(bodyAt, bodyEnd));
          listener.onHeadWithBody(head, elapsed, batch.readUInt32LE(at + RECEIVED_AT), content);
          break;
        }
        case kinds.Chunk:
          listener.onChunk(body ?? ownCopy(batch.subarray(bodyAt, bodyEnd)), batch.readUInt32LE(at + RECEIVED_AT));
          break;
        case kinds.Progress:
          listener.onProgress(batch.readUInt32LE(at + RECEIVED_AT));
          break;
        case kinds.End: {
          release(id);
          const elapsed = batch.readUInt32LE(at + NOW_AT) / 1000;
          const rest = status === 1 ? null : (body ?? ownCopy(batch.subarray(bodyAt, bodyEnd)));
          listener.onEnd(linesOf(batch, headAt, bodyAt), elapsed, batch.readUInt32LE(at + RECEIVED_AT), rest);
          break;
        }
        case kinds.Trailers:
          listener.onTrailers(linesOf(batch, headAt, bodyAt));
          break;
        case kinds.Informational:
          listener.onInformational(status, linesOf(batch, headAt, bodyAt));
          break;
        case kinds.Writable:
          if (status === FILE_PROGRESS) listener.onFileProgress(batch.readUInt32LE(at + RECEIVED_AT));
          else listener.onWritable(status === 1);
          break;
        case kinds.Restart:
          listener.onRestart();
          break;
        case kinds.Error: {
          release(id);
          const { kind: failed, code, message, course } = faultOf(batch.utf8Slice(bodyAt, bodyEnd));
          listener.onError(
            failed,
            code,
            message,
            status === 1,
            course,
            thrown.get(batch.readUInt32LE(at + RECEIVED_AT)),
          );
          break;
        }
        case kinds.WriteFailed: {
          const { kind: failed, code, message } = faultOf(batch.utf8Slice(bodyAt, bodyEnd));
          listener.onWriteFailed(failed, code, message);
          break;
        }
        case kinds.Connection:
          connections[id] = connectionFactsOf(body ?? batch.subarray(bodyAt, bodyEnd));
          break;
        case kinds.File:
          release(id);
          (listener as unknown as FileListener).onFile(batch.utf8Slice(bodyAt, bodyEnd));
          break;
        case kinds.Lookup:
          (listener as unknown as LookupListener).onLookup(
            batch.readUInt32LE(at + RECEIVED_AT),
            batch.utf8Slice(bodyAt, bodyEnd),
          );
          break;
        case kinds.LookupForgotten:
          thrown.delete(batch.readUInt32LE(at + RECEIVED_AT));
          break;
        case kinds.LookupEnded:
          release(id);
          break;
        case kinds.Warning:
          process.emitWarning(batch.utf8Slice(bodyAt, bodyEnd), bare({ code: 'WHIPPET_NO_TRUST_STORE' }));
          break;
        case kinds.Refusal:
          listener.onRefusal(new ArrivedHead(batch, at, true, body, undefined));
          break;
        case kinds.Ready:
          release(id);
          (listener as unknown as ConnectionListener).onReady();
          break;
        case kinds.Closed:
          release(id);
          unhold();
          (listener as unknown as () => void)();
          break;
      }
    } catch (error) {
      (listener as Partial<Listener> | undefined)?.onFault?.(error);
    }
    at = (bodyEnd + 3) & ~3;
  }
}

/** By number. The core gives one of a connection that has gone to another, and says so. */
const connections: (ConnectionFacts | undefined)[] = [];
