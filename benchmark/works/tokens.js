/** From the moment at which a server writes an event to the body of the loop that reads it, at one stream. */
import { start } from '../children.js';

const TOKENS = 400;
/** Milliseconds between two of them. */
const PAUSE = 2;

/** Writes the time into each event: `process.hrtime` is the same clock in all processes. */
const SERVER = `
  const server = require('node:http').createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let left = ${TOKENS};
    const timer = setInterval(() => {
      if (left-- > 0) response.write('data: ' + process.hrtime.bigint() + '\\n\\n');
      else response.end(clearInterval(timer));
    }, ${PAUSE});
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

export async function measure(contender, job) {
  const server = start(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await new Promise((resolve) => server.stdout.once('data', (data) => resolve([data])));
  const url = `http://127.0.0.1:${Number(line)}/`;
  const client = await contender.open(job);
  const latencies = [];
  for await (const written of client.tokens(url))
    latencies.push(Number(process.hrtime.bigint() - BigInt(written)) / 1e3);
  if (latencies.length !== TOKENS) throw new Error(`${latencies.length} events of ${TOKENS}`);
  await client.close();
  // The first ones compile the code.
  const sorted = latencies.slice(100).sort((a, b) => a - b);
  return { p50: sorted[sorted.length >> 1], p99: sorted[Math.floor(sorted.length * 0.99)] };
}
