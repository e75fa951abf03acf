/** Clients of apps in this process, for one test. */
import type { ExecutionContext } from 'ava';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppTypes, Client, ClientOptions, NodeApp } from '../../src/index.js';
import { FetchDispatch, NodeDispatch, type FetchDispatchOptions, type NodeDispatchOptions } from '../../src/index.js';
import { openClient } from './client.js';

export type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

/** Nothing listens here: an answer can only come from the app. */
export const url = 'http://example/';

export function clientOf(t: ExecutionContext, app: AppTypes, options: ClientOptions = {}): Client {
  return openClient(t, { app, ...options });
}

export function nodeClient(t: ExecutionContext, app: NodeApp, options: Partial<NodeDispatchOptions> = {}): Client {
  return openClient(t, { dispatch: new NodeDispatch({ app, ...options }) });
}

export function fetchClient(
  t: ExecutionContext,
  app: FetchDispatchOptions['app'],
  options: Partial<FetchDispatchOptions> = {},
): Client {
  return openClient(t, { dispatch: new FetchDispatch({ app, ...options }) });
}

/** Event-loop turns, for "and nothing more happens". */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

export async function bodyOf(req: AsyncIterable<unknown>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of req) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

/** Counts what was taken of it, and whether it was told to stop. */
export function source(count: number, piece: Buffer = Buffer.alloc(64 * 1024, 'x')) {
  const state = { taken: 0, returned: 0 };
  async function* pieces() {
    try {
      for (; state.taken < count;) {
        state.taken++;
        yield piece;
      }
    } finally {
      state.returned++;
    }
  }
  return { state, content: pieces() };
}
