/** Servers that leave a client waiting before there is a connection. */
import type { ExecutionContext } from 'ava';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { bind, host } from './listen.js';

/** The port of a listener whose backlog is full and which accepts no connection: the kernel leaves new ones unanswered. */
export async function blackhole(t: ExecutionContext): Promise<number> {
  const script = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '${host}', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      // From here on its event loop stands still.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const worker = new Worker(script, { eval: true, execArgv: [] });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const fillers: Socket[] = [];
  const control = createServer((socket) => socket.destroy());
  await bind(control);
  t.teardown(async () => {
    control.close();
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  });
  for (;;) {
    const socket = connect(port, host);
    socket.on('error', () => {});
    fillers.push(socket);
    let isAnswered = false;
    socket.once('connect', () => (isAnswered = true));
    // No time is waited for, which a busy machine may need to tell of a connection: what was begun later is answered before.
    for (let i = 0; i < 3; i++) await connection(control);
    if (!isAnswered) return port;
  }
}

/** A connection that is made, and ended. */
async function connection(server: Server): Promise<void> {
  const socket = connect((server.address() as AddressInfo).port, host);
  await once(socket, 'connect');
  socket.destroy();
}
