/** A client for one test, and what tests ask of promises. */
import type { ExecutionContext } from 'ava';
import { Client, PlatformDispatch, TimeoutConfig, type ClientOptions, type Response } from '../../src/index.js';

/** Under AddressSanitizer everything takes several times as long. */
const PATIENCE_MS = process.env.ASAN_OPTIONS === undefined ? 30_000 : 120_000;

/**
 * A client that is closed with the test. Timeouts that the test does not name are as long as its patience: client, server and all
 * other tests of a file share one thread, and on a machine that is busy the default is over before that has come to each of them.
 */
export function openClient(t: ExecutionContext, options: ClientOptions = {}): Client {
  const client = new Client({ ...options, timeout: patient(options) });
  t.teardown(() => client.close());
  return client;
}

function patient({ timeout, dispatch }: ClientOptions): ClientOptions['timeout'] {
  if (timeout === null || typeof timeout === 'number' || timeout instanceof TimeoutConfig) return timeout;
  // It refuses what it cannot tell apart.
  if (dispatch instanceof PlatformDispatch) return timeout;
  return { connect: PATIENCE_MS, read: PATIENCE_MS, write: PATIENCE_MS, pool: PATIENCE_MS, ...timeout };
}

/** What the promise rejects with. A promise that resolves is an error of the test. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`expected a rejection, but it resolved to ${String(value)}`);
}

/** Resolves as soon as the condition holds; after half a minute without it the test has failed. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not come about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** `promise`, or an error when it is not settled after half a minute: for "this must not hang". */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not come about: ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the count has begun, and does not change any more: nothing is pulled, sent or read on. */
export async function stops(what: string, count: () => number): Promise<void> {
  const settle = async () => {
    for (let last = -1; last !== count() || last === 0;) {
      last = count();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await soon(`${what} stops`, settle());
}

/** `'<status> <body>'`, the shortest thing to compare. */
export function told(response: Response): string {
  return `${response.statusCode} ${response.text}`;
}

/** `'<name>: <message>'` without the method and URL that the message begins with, so that a test may say the rest. */
export function reasonOf(error: unknown): string {
  return String(error).replace(/^(\w+: )[A-Z]+ \S+: /, '$1');
}

/** A promise and what resolves it, for tests that decide when something goes on. */
export function gate<T = void>(): { promise: Promise<T>; open(value: T): void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}
