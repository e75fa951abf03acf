/** A process that is stopped for longer than its timeouts, and whose answer has arrived meanwhile. */
import { start } from '../helpers/child.js';
import { serveRaw } from '../helpers/server.js';
import { onUnixSerially } from '../helpers/where.js';

const PROGRAM = `
  const client = new whippet.Client({ timeout: args.timeout });
  const response = args.streams ? await client.stream('GET', args.url) : await client.get(args.url);
  const read = response.read();
  // When it is waited for.
  if (args.streams) setTimeout(() => console.log('head'), 20);
  await read;
  console.log(response.statusCode, response.content.length);
  await client.close();
`;

const body = 'x'.repeat(200_000);
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;

const ROWS: [title: string, timeout: object, streams: boolean][] = [
  ['read', { read: 1000 }, false],
  ['total', { total: 1000 }, false],
  ['read, streamed', { read: 1000 }, true],
  ['total, streamed', { total: 1000 }, true],
];

// There is no SIGSTOP elsewhere.

for (const [title, timeout, streams] of ROWS) {
  onUnixSerially(`an answer that came while the process stood still is taken: ${title}`, async (t) => {
    const program: { stop?: () => void } = {};
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      if (streams) {
        await connection.write(HEAD);
        await child.printed('head');
      }
      program.stop?.();
      await connection.write(streams ? body : HEAD + body);
      // Longer than the timeout: that is what it is about.
      await new Promise((resolve) => setTimeout(resolve, 1300));
      child.process.kill('SIGCONT');
    });
    const child = start(t, PROGRAM, { url: server.url, timeout, streams });
    program.stop = () => child.process.kill('SIGSTOP');
    const { stdout, stderr } = await child.ended;
    t.is(stdout + stderr, `${streams ? 'head\n' : ''}200 200000\n`);
  });
}
