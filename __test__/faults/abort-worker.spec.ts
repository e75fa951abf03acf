/** A worker thread that is terminated: whatever its call was about, nothing of it stays open, in every phase and on every way. */
import test, { type ExecutionContext } from 'ava';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { packageUrl } from '../helpers/child.js';
import { eventually, soon } from '../helpers/client.js';
import { open, type Way } from './kit.js';
import { arrives, descriptors, faultOf, type Phase, PHASES } from './phases.js';

const PROGRAM = `
  import { once } from 'node:events';
  import { parentPort, workerData } from 'node:worker_threads';
  import * as whippet from ${JSON.stringify(packageUrl)};
  const { url, options, proxy, isUsed, holds, hasBody } = workerData;
  const client = new whippet.Client(proxy === undefined ? options : { ...options, proxies: new whippet.HTTPProxy(proxy) });
  if (isUsed) await client.get(url);
  parentPort.postMessage('ready');
  await once(parentPort, 'message');
  const held = holds ? await client.stream('GET', url) : undefined;
  const called = hasBody ? client.stream('GET', url).then((response) => response.read()) : client.get(url);
  parentPort.postMessage('called');
  await called;
  parentPort.postMessage(held);`;

for (const phase of PHASES) {
  test.serial(phase.name, async (t) => {
    for (const way of phase.ways) await cell(t, phase, way);
  });
}

async function cell(t: ExecutionContext, phase: Phase, way: Way): Promise<void> {
  const fault = faultOf(phase, way);
  const world = await open(t, fault, way);
  const { url, options, proxy, server, state } = world;
  const { holds, hasBody } = phase;
  const before = descriptors();
  const workerData = { url, options, proxy, holds, hasBody, isUsed: fault.instead === undefined };
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`), {
    execArgv: [],
    workerData,
  });
  const said = (what: string): Promise<unknown> => soon(`${what}: ${way}`, once(worker, 'message'));
  t.deepEqual(await said('the thread is ready'), ['ready'], way);
  state.isFaulty = true;
  state.attempts = 0;
  worker.postMessage('go');
  t.deepEqual(await said('it has called'), ['called'], way);
  await arrives(world);
  t.is(await soon(`the end of the thread: ${way}`, worker.terminate()), 1, way);
  await eventually(`no connection is open: ${way}`, () => server.openConnections() === 0);
  await eventually(`as many descriptors as before: ${way}`, () => descriptors() <= before);
}
