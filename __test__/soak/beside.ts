/**
 * `npm run soak:beside`: how long a small request to another server takes while a body or a connection without an end keeps the
 * client busy: the median of 400, one after the other. `-- NAME` runs those whose name contains it. The servers are in another
 * process.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/index.js';

/** Milliseconds by which one body or connection may delay others, at the median. */
const GOAL = 1;
const REQUESTS = 400;
const wanted = process.argv[2] ?? '';

const server = fork(fileURLToPath(new URL('beside-server.ts', import.meta.url)));
const [{ alone, ...attacks }] = (await once(server, 'message')) as [Record<string, string>];
const client = new Client({ timeout: null });

await median();
const before = await median();
console.log(`${before.toFixed(2)} ms: alone`);
for (const [name, url] of Object.entries(attacks)) {
  if (!name.includes(wanted)) continue;
  const attacked = new Client({
    timeout: { total: 300 },
    maxResponseSize: null,
    ...(name.includes('frames') && { httpVersions: 'HTTP/2' as const }),
  });
  const ending = new AbortController();
  // One attack after the other: each ends by the total timeout, or because the client closes the connection.
  const attack = (async () => {
    while (!ending.signal.aborted) await drop(attacked, url);
  })();
  await median(50);
  const time = await median();
  ending.abort();
  await attack;
  await attacked.close();
  console.log(`${time.toFixed(2)} ms: beside ${name}${time - before <= GOAL ? '' : ` (goal: ${GOAL} more)`}`);
  if (time - before > GOAL) process.exitCode = 1;
}
await client.close();
server.disconnect();

/** Reads to the end, and keeps nothing. */
async function drop(attacked: Client, url: string): Promise<void> {
  try {
    const response = await attacked.stream('GET', url);
    for await (const _ of response.iterBytes());
  } catch {
    return;
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
}

async function median(requests = REQUESTS): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < requests; i++) {
    const started = performance.now();
    await client.get(alone);
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}
