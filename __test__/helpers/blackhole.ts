/** Servers that leave a client waiting before there is a connection. */
import type { ExecutionContext } from 'ava';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { host } from './listen.js';

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
  t.teardown(async () => {
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  });
  for (;;) {
    const socket = connect(port, host);
    socket.on('error', () => {});
    fillers.push(socket);
    const answered = await Promise.race([
      new Promise<true>((resolve) => socket.once('connect', () => resolve(true))),
      new Promise<false>((resolve) => setTimeout(resolve, 100, false)),
    ]);
    if (!answered) return port;
  }
}
