/** What the servers for tests have in common: a free loopback port, counted connections, an end. */
import type { ExecutionContext } from 'ava';
import type { AddressInfo, Server, Socket } from 'node:net';

/** The address that servers listen on. */
export const host = '127.0.0.1';

/** What the servers here have in common. */
export interface Listening<S extends Server = Server> {
  /** Scheme, host and port: `http://127.0.0.1:40123`. */
  readonly origin: string;
  /** The origin's root: `http://127.0.0.1:40123/`. */
  readonly url: string;
  readonly port: number;
  readonly server: S;
  /** How many TCP connections were made so far. */
  connections(): number;
  /** How many of them are open. */
  openConnections(): number;
}

/**
 * Listens on a free port (or a unix socket), counts connections, and ends everything with the test; then the first of `errors` is
 * thrown.
 */
export async function listen<S extends Server>(
  t: ExecutionContext,
  server: S,
  scheme: string,
  errors: readonly unknown[],
  socketPath?: string,
): Promise<Listening<S> & { connectionOf(socket: Socket): number }> {
  const open = new Set<Socket>();
  const numbers = new Map<number, number>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    if (socket.remotePort !== undefined) numbers.set(socket.remotePort, connections);
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => {}); // Resets are part of the tests.
  });
  server.on('tlsClientError', () => {}); // So are handshakes that fail.
  await (socketPath === undefined ? bind(server) : bindPath(server, socketPath));
  t.teardown(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
    if (errors.length > 0) throw errors[0];
  });
  const port = socketPath === undefined ? (server.address() as AddressInfo).port : 0;
  const origin = socketPath === undefined ? `${scheme}://${host}:${port}` : `${scheme}://localhost`;
  return {
    origin,
    url: `${origin}/`,
    port,
    server,
    connections: () => connections,
    openConnections: () => open.size,
    // By port, since a TLS socket is not the one that was accepted.
    connectionOf: (socket) => numbers.get(socket.remotePort ?? -1) ?? 0,
  };
}

/** Listens on a free port of the loopback. */
export async function bind(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
}

async function bindPath(server: Server, socketPath: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
}
