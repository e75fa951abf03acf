/**
 * How soon the command `whippet` asks: from the start of the process to the first byte that the server reads, against a whole
 * `node -e 0`. In turn, so that a slow moment hits both. `node benchmark/start-up.js [ROUNDS]` prints the medians.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { start } from './children.js';

const COMMAND = fileURLToPath(new URL('../dist/cli/whippet.cjs', import.meta.url));
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok';

/** Medians in milliseconds, and the median of the rounds' own ratios. */
export async function startUp(rounds = 25) {
  let arrived = () => {};
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      arrived(performance.now());
      socket.end(ANSWER);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}/`;
  // Certificates and proxies that the environment names are not what is measured.
  const { PATH, HOME, WHIPPET_ADDON_PATH } = process.env;
  const env = { PATH, HOME, ...(WHIPPET_ADDON_PATH && { WHIPPET_ADDON_PATH }) };
  const run = (args) => {
    const startedAt = performance.now();
    const child = start(process.execPath, args, { env, stdio: 'ignore' });
    return { startedAt, ended: once(child, 'exit').then(() => performance.now()) };
  };
  const node = [];
  const command = [];
  for (let round = 0; round < rounds; round++) {
    const empty = run(['-e', '0']);
    node.push((await empty.ended) - empty.startedAt);
    const first = new Promise((resolve) => (arrived = resolve));
    const asking = run([COMMAND, url]);
    command.push((await first) - asking.startedAt);
    await asking.ended;
  }
  server.close();
  return { node: median(node), command: median(command), ratio: median(command.map((time, at) => time / node[at])) };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { node, command, ratio } = await startUp(Number(process.argv[2] ?? 25));
  console.log(
    `node -e 0: ${node.toFixed(1)} ms; whippet to its first byte: ${command.toFixed(1)} ms; ratio ${ratio.toFixed(2)} (goal: at most 1.5)`,
  );
}
