/** `--bench`: the same request many times, and a table of how it went. */

import type { Client } from '../client/client.js';
import type { Arguments } from './arguments.js';
import { histogram } from './histogram.js';
import { Interrupted } from './interrupted.js';
import type { Output } from './output.js';
import type { RequestPlan } from './request-options.js';
import { shownBytes, shownSize, shownTime } from './sizes.js';
import { UsageError } from './usage-error.js';

/** How the requests ended. */
interface Tally {
  /** Milliseconds of each that was answered. */
  readonly latencies: number[];
  /** By class and code. */
  readonly errors: Map<string, number>;
  /** From 400 on. */
  readonly statuses: Map<number, number>;
  bytes: number;
  elapsed: number;
}

/** @throws UsageError */
export function checkBench(args: Arguments): { requests: number; concurrency: number } {
  const requests = args.integer('bench', 1) as number;
  const concurrency = args.integer('concurrency', 1) ?? 1;
  return { requests, concurrency: Math.min(requests, concurrency) };
}

/** The exit code: 1 when nothing was answered. @throws OutputClosed; Interrupted, after the table */
export async function bench(
  client: Client,
  plan: RequestPlan,
  args: Arguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const { requests, concurrency } = checkBench(args);
  const { content } = plan.options as { content?: unknown };
  if (typeof content === 'object' && content !== null && Symbol.asyncIterator in content) {
    throw new UsageError('--bench: the body cannot be read again; give it as --data @FILE, of a file');
  }
  const tally: Tally = { latencies: [], errors: new Map(), statuses: new Map(), bytes: 0, elapsed: 0 };
  const started = performance.now();
  let left = requests;
  const work = async (): Promise<void> => {
    while (left > 0 && !signal.aborted) {
      left--;
      await sendOne(client, plan, signal, tally);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  tally.elapsed = performance.now() - started;
  await output.write(`${table(tally, concurrency).join('\n')}\n`);
  if (output.isTerminal && tally.latencies.length > 1) {
    await output.write(`\n${histogram(tally.latencies, process.stdout.columns || 80).join('\n')}\n`);
  }
  if (signal.reason instanceof Interrupted) throw signal.reason;
  return tally.latencies.length === 0 ? 1 : 0;
}

async function sendOne(client: Client, plan: RequestPlan, signal: AbortSignal, tally: Tally): Promise<void> {
  const started = performance.now();
  try {
    const response = await client.request(plan.method, plan.url, { ...plan.options, signal });
    tally.latencies.push(performance.now() - started);
    tally.bytes += response.numBytesDownloaded;
    if (response.statusCode >= 400) count(tally.statuses, response.statusCode);
  } catch (error) {
    // Cut off by Ctrl+C, not by the server; and what is wrong with the options is wrong with each of them.
    if (signal.aborted) return;
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    const { name, code } = error as Error & { code?: string };
    count(tally.errors, code === undefined ? name : `${name} ${code}`);
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function table(tally: Tally, concurrency: number): string[] {
  const { latencies, errors, statuses, bytes, elapsed } = tally;
  const sorted = [...latencies].sort((a, b) => a - b);
  const failed = [...errors.values()].reduce((sum, one) => sum + one, 0);
  const seconds = elapsed / 1000;
  const rows: [string, string][] = [
    ['requests', `${latencies.length + failed}, ${concurrency} at a time, in ${shownTime(elapsed)}`],
    ['answered', String(latencies.length)],
    ['requests/s', seconds === 0 ? '-' : (latencies.length / seconds).toFixed(1)],
  ];
  if (sorted.length > 0) {
    for (const [name, share] of QUANTILES) rows.push([`latency ${name}`, shownTime(quantile(sorted, share))]);
  }
  rows.push(['bytes', `${shownBytes(bytes)}, ${shownSize(seconds === 0 ? 0 : bytes / seconds)}/s`]);
  for (const [status, times] of [...statuses].sort(([a], [b]) => a - b)) rows.push([`status ${status}`, String(times)]);
  for (const [name, times] of [...errors].sort(([, a], [, b]) => b - a)) rows.push([`error ${name}`, String(times)]);
  if (errors.size === 0) rows.push(['errors', '0']);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

const QUANTILES: readonly (readonly [string, number])[] = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['max', 1],
];

/** The smallest value that at least this share does not exceed. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
