/**
 * `npm run leaks`: what the resident memory does over many calls of one kind, after a warm-up. `node leaks.ts [share] [case]`: a share
 * of 1 is 10^6 good requests and a fifth of that of each other kind. The servers are in another process. The young generation of V8's
 * heap has to have one size (`--min-semi-space-size=16 --max-semi-space-size=16`): it doubles at a moment of its own choice.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/index.js';

const share = Number(process.argv[2] ?? 1);
const wanted = process.argv[3] ?? '';
const gc = globalThis.gc as () => void;
const AT_ONCE = 50;
const SAMPLES = 40;
/** Bytes that the whole of a case may add: a page here and there, and what the allocator keeps. */
const MAX_GROWTH = 8 << 20;

const server = fork(fileURLToPath(new URL('leaks-server.ts', import.meta.url)));
const [{ http, https, refused }] = (await once(server, 'message')) as [Record<string, string>];
const folder = mkdtempSync(path.join(tmpdir(), 'whippet-leaks-'));
const client = new Client({ timeout: null, poolLimits: { maxConnections: 100 } });
const ignore = (): void => {};

/** [name, calls at a share of 1, the call]. */
const CASES: [name: string, calls: number, call: (i: number) => Promise<unknown>][] = [
  ['good requests', 1_000_000, () => client.get(`${http}/ok`)],
  ['streamed, closed at the head', 200_000, async () => (await client.stream('GET', `${http}/long`)).close()],
  ['aborted bodies', 200_000, (i) => aborted(i)],
  ['refused connections', 200_000, () => client.get(refused).catch(ignore)],
  ['failed handshakes', 200_000, () => client.get(https).catch(ignore)],
  ['events', 200_000, () => firstEvent()],
  ['downloads', 200_000, (i) => downloaded(i)],
  ['unread responses', 200_000, (i) => unread(i)],
  ['clients', 20_000, () => newClient()],
];

async function aborted(i: number): Promise<void> {
  const controller = new AbortController();
  const called = client.get(`${http}/long`, { signal: controller.signal }).catch(ignore);
  if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await called;
}

async function firstEvent(): Promise<void> {
  for await (const _ of client.events('GET', `${http}/events`)) return;
}

async function downloaded(i: number): Promise<void> {
  const file = path.join(folder, String(i));
  await client.download(`${http}/ok`, file);
  rmSync(file);
}

/** Its connection comes back when it is collected; there are no more than a hundred. */
async function unread(i: number): Promise<void> {
  if (i % 25 === 0) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.stream('GET', `${http}/ok`);
}

async function newClient(): Promise<void> {
  const own = new Client();
  await own.get(`${http}/ok`);
  await own.close();
}

for (const [name, all, call] of CASES) {
  if (!name.includes(wanted)) continue;
  const calls = Math.ceil((all * share) / SAMPLES) * SAMPLES;
  const run = async (count: number): Promise<void> => {
    let next = 0;
    const runner = async (): Promise<void> => {
      while (next < count) await call(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runner));
  };
  await run(Math.max(2_000, Math.ceil(calls / 5)));
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    await run(calls / SAMPLES);
    gc();
    // Finalizers run in a turn of their own.
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    samples.push(resident());
  }
  const { slope, error } = fit(samples);
  const perCall = (bytes: number): string => ((bytes * SAMPLES) / calls).toFixed(2);
  const growth = Math.max(0, mean(samples.slice(-10)) - mean(samples.slice(0, 10)));
  const verdict = growth <= MAX_GROWTH ? 'flat' : 'GROWS';
  const figures = `${perCall(slope)} ± ${perCall(1.96 * error)} bytes a call, ${(growth / 1024).toFixed(0)} KiB`;
  console.log(`${verdict}: ${name}: ${figures} over ${calls} calls, ${client.pool}`);
  if (growth > MAX_GROWTH) process.exitCode = 1;
}
await client.close();
rmSync(folder, { recursive: true });
server.disconnect();

function resident(): number {
  return Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]) * 4096;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Least squares: bytes from one sample to the next, and the standard error of that. */
function fit(values: readonly number[]): { slope: number; error: number } {
  const n = values.length;
  const middle = (n - 1) / 2;
  const average = mean(values);
  let xx = 0;
  let xy = 0;
  for (const [x, y] of values.entries()) {
    xx += (x - middle) ** 2;
    xy += (x - middle) * (y - average);
  }
  const slope = xy / xx;
  const rest = values.reduce((sum, y, x) => sum + (y - average - slope * (x - middle)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (n - 2) / xx) };
}
