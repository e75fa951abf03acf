/** What the servers of other packages' protocols have in common, and who sent a request. */
import type { ExecutionContext } from 'ava';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** How many requests of this origin went by this package. */
export function counted(t: ExecutionContext, origin: string): () => number {
  let count = 0;
  const listener = (message: unknown) => {
    if ((message as { request: { url: { origin: string } } }).request.url.origin === origin) count += 1;
  };
  subscribe('whippet:request:start', listener);
  t.teardown(() => unsubscribe('whippet:request:start', listener));
  return () => count;
}

/** A body as it arrived. */
export const read = async (request: IncomingMessage): Promise<string> =>
  Buffer.concat(await request.toArray()).toString('latin1');

/** Answers with JSON. */
export const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

/** One event at a time; the next one when the client has told of the one before, so that nothing is read only at the end. */
export async function sendEvents(response: ServerResponse, events: readonly string[], gate: () => Promise<void>) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) {
    response.write(event);
    await gate();
  }
  response.end();
}

/** Passes one at a time: `wait()` ends with the next `open()`. */
export function turnstile(): { wait(): Promise<void>; open(): void } {
  const events = new EventEmitter();
  let isOpen = 0;
  return {
    async wait() {
      if (isOpen === 0) await once(events, 'open');
      isOpen -= 1;
    },
    open() {
      isOpen += 1;
      events.emit('open');
    },
  };
}
