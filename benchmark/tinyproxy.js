/** A proxy for the rows that want a tunnel: tinyproxy, on a free loopback port, for as long as this process. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from './children.js';

const STARTS_WITHIN = 10_000;

/** Its URL; null where it is not installed. */
export async function startTinyproxy() {
  if (spawnSync('tinyproxy', ['-v']).status !== 0) return null;
  const dir = mkdtempSync(join(tmpdir(), 'whippet-bench-proxy-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const port = await freePort();
  const file = join(dir, 'tinyproxy.conf');
  writeFileSync(
    file,
    `Port ${port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 1000\nAllow 127.0.0.1\nLogLevel Critical\n`,
  );
  start('tinyproxy', ['-d', '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (!(await listens(port))) throw new Error('tinyproxy did not start');
  return `http://127.0.0.1:${port}`;
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listens(port) {
  for (const until = performance.now() + STARTS_WITHIN; performance.now() < until; await sleep(10)) {
    const socket = net.connect(port, '127.0.0.1');
    const accepted = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(1_000, false, { ref: false }),
    ]);
    socket.destroy();
    if (accepted) return true;
  }
  return false;
}
