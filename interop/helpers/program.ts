/** Third-party servers and proxies: found, started on free ports in a folder of their own, ended with the test. */
import type { ExecutionContext } from 'ava';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { host } from '../../__test__/helpers/listen.js';
import { testCA } from '../../__test__/helpers/tls.js';

const STARTS_WITHIN = 20_000;
const ENDS_WITHIN = 5_000;

/** Debian keeps servers where only root's PATH looks. */
const FOLDERS = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];

/** Where the program is, or null. */
export function find(program: string): string | null {
  const found = FOLDERS.map((folder) => path.join(folder, program)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ?? null;
}

/** Ports of the loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, host);
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A folder for one peer, with a certificate for the loopback in `cert.pem` and `key.pem`, both in `both.pem`. */
export async function peerFolder(t: ExecutionContext): Promise<string> {
  const dir = mkdtempSync(path.join(tmpdir(), 'whippet-interop-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755);
  const { chain, key } = await (await testCA()).issue();
  writeFileSync(path.join(dir, 'cert.pem'), chain);
  writeFileSync(path.join(dir, 'key.pem'), key);
  writeFileSync(path.join(dir, 'both.pem'), `${chain}\n${key}`);
  return dir;
}

export interface Program {
  readonly pid: number;
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<unknown>;
  signal(name: NodeJS.Signals): void;
}

/** Starts a program and waits until it accepts connections on all `ports`. It ends with the test, however that ends. */
export async function start(
  t: ExecutionContext,
  command: string,
  args: string[],
  ...ports: number[]
): Promise<Program> {
  const child = spawn(command, args, {
    // Nothing of what this shell happens to be set up for; the folders are for what caddy wants to remember.
    env: { PATH: process.env.PATH, HOME: tmpdir(), XDG_DATA_HOME: tmpdir(), XDG_CONFIG_HOME: tmpdir() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', resolve);
  });
  const watchman = child.pid === undefined ? null : watch(child.pid);
  t.teardown(async () => {
    watchman?.kill('SIGKILL');
    await end(child, ended);
    if (!t.passed && said !== '') t.log(said.trim());
  });
  for (const port of ports) {
    if (!(await listens(port, child))) throw new Error(`${command} ${args.join(' ')} did not start:\n${said}`);
  }
  return { pid: child.pid!, ended, signal: (name) => child.kill(name) };
}

/** Ends the program when this process is no more, even if it was killed: its end of the pipe is closed then. */
function watch(pid: number): ChildProcess {
  const script = 'trap "" INT; cat >/dev/null; kill "$1"';
  return spawn('sh', ['-c', script, 'sh', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
}

/** Asked to end first: what a master process has started ends with it. */
async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN);
  await ended;
  clearTimeout(timer);
}

async function listens(port: number, child: ChildProcess): Promise<boolean> {
  for (const until = Date.now() + STARTS_WITHIN; Date.now() < until; await sleep(10)) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return false;
    const socket = connect(port, host);
    const accepted = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (accepted) return true;
  }
  return false;
}
