/** A relay of bytes between a client and a server, for what a network does to them: delay, standstill, an end without a farewell. */
import type { ExecutionContext } from 'ava';
import { connect, createServer, type Socket } from 'node:net';
import { host, listen, type Listening } from './listen.js';

/** What happens to the bytes that the server sends; those of the client go through as they are. */
export interface RelayOptions {
  /** After so many bytes of a connection, counted from when these options were set, `ending` happens. Default: never. */
  after?: number;
  /** FIN, RST, or nothing more at all. Default 'end'. */
  ending?: 'end' | 'reset' | 'silence';
  /** Milliseconds that each chunk waits. Default 0. */
  delay?: number;
}

export interface Relay extends Listening {
  /** What happens from now on, to connections that are open as well. */
  set(options: RelayOptions): void;
}

/** Starts a relay for this test, to a port of the loopback. */
export async function relay(
  t: ExecutionContext,
  port: number,
  scheme = 'http',
  first: RelayOptions = {},
): Promise<Relay> {
  let options = first;
  /** Bytes of each connection since the options were set. */
  const counts = new Map<Socket, number>();
  const server = createServer((client) => {
    const origin = connect(port, host);
    const close = (): void => {
      counts.delete(client);
      client.destroy();
      origin.destroy();
    };
    counts.set(client, 0);
    for (const socket of [client, origin]) socket.on('error', close).on('close', close);
    client.on('data', (chunk: Buffer) => origin.write(chunk));
    client.on('end', () => origin.end());
    let waiting = Promise.resolve();
    let isCut = false;
    origin.on('data', (chunk: Buffer) => {
      const { after = Infinity, ending = 'end', delay = 0 } = options;
      if (isCut) return;
      const left = after - (counts.get(client) ?? 0);
      isCut = chunk.length >= left;
      const through = chunk.subarray(0, left);
      counts.set(client, (counts.get(client) ?? 0) + through.length);
      const deliver = (): void => void (isCut ? cut(client, through, ending) : client.write(through));
      if (delay === 0) deliver();
      else waiting = waiting.then(() => new Promise((resolve) => setTimeout(resolve, delay))).then(deliver);
    });
    origin.on('end', () => void waiting.then(() => isCut || client.end()));
  });
  const listening = await listen(t, server, scheme, []);
  const set = (next: RelayOptions): void => {
    options = next;
    for (const client of counts.keys()) counts.set(client, 0);
  };
  return { ...listening, set };
}

function cut(client: Socket, last: Buffer, ending: RelayOptions['ending']): void {
  client.write(last, () => {
    if (ending === 'end') client.end();
    if (ending === 'reset') client.resetAndDestroy();
  });
}
