/**
 * `npm run soak:workers`: `node workers.ts [cycles]`. Worker threads with twenty requests in flight are terminated at a random moment,
 * and others that are the only ones with the addon end by themselves. A crash ends this program by a signal; nothing else counts.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { packageUrl } from '../helpers/child.js';
import { randomOf, seedOf } from '../helpers/random.js';

const cycles = Number(process.argv[2] ?? 500);
const seed = seedOf();
const random = randomOf(seed);
const server = createServer((request, response) => {
  if (request.url === '/ok') response.end('ok');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const start = (program: string): Worker => {
  const head = `import { parentPort } from 'node:worker_threads'; import * as whippet from ${JSON.stringify(packageUrl)};`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(head + program)}`), { execArgv: [] });
};

console.log(`${cycles} cycles, WHIPPET_SEED=${seed}`);
for (let i = 0; i < cycles; i++) {
  const path = random() < 0.5 ? 'ok' : 'hold';
  const worker = start(`
    const client = new whippet.Client({ timeout: null });
    const again = () => client.get('${origin}/${path}').then(again, () => {});
    for (let i = 0; i < 20; i++) again();
    parentPort.postMessage('sent');`);
  await once(worker, 'message');
  await new Promise((resolve) => setTimeout(resolve, random() * 20));
  await worker.terminate();
  const alone = start(`parentPort.postMessage((await whippet.get('${origin}/ok')).text);`);
  const [[text]] = await Promise.all([once(alone, 'message'), once(alone, 'exit')]);
  if (text !== 'ok') throw new Error(`got ${String(text)}`);
  if (i % 100 === 99) console.log(`${i + 1} cycles`);
}
server.closeAllConnections();
server.close();
console.log('all ended');
