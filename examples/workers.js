// One client for many workers: the main thread has the connections, the cookies and the limits, and little to do, as the core
// receives and decodes on a thread of its own. The worker threads have the computing.
//   node examples/workers.js 4 https://example.org/a https://example.org/b …
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Client, HTTPError } from 'whippet';

async function main([count, ...urls]) {
  const client = new Client({ poolLimits: { maxConnectionsPerOrigin: 8 }, retries: 2 });

  /** Fetches for one worker until nothing is left: as soon as it is done with a page, it gets the next. */
  async function serve(worker) {
    for (let url = urls.shift(); url !== undefined; url = urls.shift()) {
      try {
        const { content } = (await client.get(url)).raiseForStatus();
        worker.postMessage(content);
        const [digest] = await once(worker, 'message');
        console.log(url, digest);
      } catch (error) {
        if (!(error instanceof HTTPError)) throw error;
        console.log(url, error.code);
      }
    }
    await worker.terminate();
  }

  await Promise.all(Array.from({ length: Number(count) }, () => serve(new Worker(new URL(import.meta.url)))));
  await client.close();
}

function work(content) {
  parentPort.postMessage(createHash('sha256').update(content).digest('hex'));
}

if (isMainThread) await main(process.argv.slice(2));
else parentPort.on('message', work);
