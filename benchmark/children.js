/** The processes that the benchmark starts: none outlives it, and none is waited for without an end. */
import { spawn } from 'node:child_process';

const running = new Set();

/** Spawns a child that is killed, by its handle, when this process ends. */
export function start(command, args, options) {
  const child = spawn(command, args, options);
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Runs to the end: `{ code, signal, stdout, stderr, wall }`, or rejects after `timeout` milliseconds. */
export function run(command, args, { timeout, ...options }) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = start(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const text = { stdout: '', stderr: '' };
    let wall;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`no end after ${timeout} ms: ${[command, ...args].join(' ')}`));
    }, timeout);
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (chunk) => (text[name] += chunk));
    }
    child.once('exit', () => (wall = performance.now() - startedAt));
    child.once('error', (error) => (clearTimeout(timer), reject(error)));
    child.once('close', (code, signal) => (clearTimeout(timer), resolve({ code, signal, wall, ...text })));
  });
}

/** With room for 10,000 connections, as far as the hard limit goes. */
export function withManyFiles(command, args) {
  const raise = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"';
  return ['sh', ['-c', raise, 'sh', command, ...args]];
}

export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(130));
}
