/**
 * Requests by the ten thousand to servers that misbehave, as a seed says. What has to hold: each promise settles once; each body is
 * the request's own; what is not idempotent is acted upon once at most; nothing outlives its deadline by a second; and when all is
 * over, nothing is left.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, HTTPError, type Response } from '../../src/index.js';
import { isOneTokenOnly } from './misbehaving.js';
import { randomOf } from '../helpers/random.js';

export interface SoakOptions {
  requests: number;
  seed: number;
  /** Default 100. */
  atOnce?: number;
  /** Called now and then with how many have settled. */
  onProgress?: (settled: number) => void;
}

export interface SoakReport {
  /** Whole responses, the request's own. */
  succeeded: number;
  /** By class, how many rejected. */
  failed: Record<string, number>;
  aborted: number;
  /** Answers that the servers spoilt. */
  faults: number;
  /** What did not hold; empty when all is well. */
  broken: string[];
}

const DEADLINE = 5_000;
const GRACE = 1_000;

export async function soak({ requests, seed, atOnce = 100, onProgress }: SoakOptions): Promise<SoakReport> {
  const server = fork(fileURLToPath(new URL('server.ts', import.meta.url)), [String(seed)]);
  const ask = async <T>(question?: string): Promise<T> => {
    const answered = once(server, 'message');
    if (question !== undefined) server.send(question);
    return (await answered)[0] as T;
  };
  const servers = await ask<{ http1: string; http2: string }>();
  const timeout = { read: 1_000, total: DEADLINE };
  const clients = [
    { origin: servers.http1, client: new Client({ httpVersions: 'HTTP/1.1', timeout }) },
    { origin: servers.http2, client: new Client({ httpVersions: 'HTTP/2', timeout }) },
  ];
  const report: SoakReport = { succeeded: 0, failed: {}, aborted: 0, faults: 0, broken: [] };
  const settled = new Uint8Array(requests);
  const posts = new Set<number>();

  const one = async (id: number): Promise<void> => {
    const random = randomOf(seed, id);
    const { origin, client } = clients[Math.floor(random() * clients.length)];
    const url = `${origin}/${id}`;
    const controller = new AbortController();
    if (random() < 0.1) setTimeout(() => controller.abort(), random() * 20);
    const { signal } = controller;
    const kind = random();
    const content = `<${id}>${'x'.repeat(100 + Math.floor(random() * 20_000))}`;
    // Over HTTP/2 the server knows the request by its body.
    const isKnown = origin === servers.http1 || kind >= 0.75;
    const isOwn = ({ headers }: Response, text: string): boolean =>
      text.length === Number(headers.get('x-length')) &&
      isOneTokenOnly(text) &&
      (!isKnown || text.startsWith(`<${id}>`));
    /** null: nothing was read to the end. */
    const call = async (): Promise<boolean | null> => {
      const whole = async (asked: Promise<Response>): Promise<boolean> => {
        const response = await asked;
        await response.read();
        return isOwn(response, response.text);
      };
      if (kind < 0.5) return whole(client.get(url, { signal }));
      if (kind < 0.65) return whole(client.stream('GET', url, { signal }));
      if (kind < 0.7) return (await client.stream('GET', url, { signal })).close().then(() => null);
      if (kind < 0.75) {
        for await (const _ of await client.stream('GET', url, { signal })) return null;
        return null;
      }
      if (kind < 0.8) return whole(client.put(url, { content, signal }));
      posts.add(id);
      return whole(client.post(url, { content: kind < 0.9 ? content : halves(content), signal }));
    };
    const late = setTimeout(() => {
      // What has settled meanwhile gets its turn first.
      setImmediate(() => settled[id] === 0 && report.broken.push(`${id} outlived its deadline`));
    }, DEADLINE + GRACE);
    await call().then(
      (isWhole) => {
        settled[id] += 1;
        if (isWhole === false) report.broken.push(`${id} got what is not its own`);
        else report.succeeded += 1;
      },
      (error: unknown) => {
        settled[id] += 1;
        if (error === signal.reason) report.aborted += 1;
        else if (error instanceof HTTPError) report.failed[error.name] = (report.failed[error.name] ?? 0) + 1;
        else report.broken.push(`${id} rejected with ${String(error)}`);
      },
    );
    clearTimeout(late);
  };

  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < requests) {
      const id = next++;
      await one(id);
      if (id % 10_000 === 9_999) onProgress?.(id + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runner));

  for (const [id, times] of settled.entries()) if (times !== 1) report.broken.push(`${id} settled ${times} times`);
  const expectSoon = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
    const end = Date.now() + 5_000;
    while (!(await holds())) {
      if (Date.now() > end) return void report.broken.push(`did not come about: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await expectSoon('empty pools', () => clients.every(({ client: { pool } }) => pool.active + pool.queued === 0));
  await Promise.all(clients.map(({ client }) => client.close()));
  await expectSoon('the end of all connections', async () => (await ask<{ open: number }>('open')).open === 0);
  const { faults, acted } = await ask<{ faults: number; acted: [number, number][] }>('end');
  report.faults = faults;
  if (faults < requests * 0.03 || report.succeeded < requests * 0.7) report.broken.push('not what a soak is');
  for (const [id, times] of acted) {
    if (times > 1 && posts.has(id)) report.broken.push(`POST ${id} arrived ${times} times`);
  }
  return report;
}

async function* halves(content: string): AsyncGenerator<string> {
  yield content.slice(0, content.length / 2);
  await new Promise((resolve) => setImmediate(resolve));
  yield content.slice(content.length / 2);
}
