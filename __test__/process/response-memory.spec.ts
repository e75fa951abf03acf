/** What a body takes while it is read, in a process of its own: all of it counts, small pieces and what holds them as well. */
import test from 'ava';
import { gzipSync } from 'node:zlib';
import { run } from '../helpers/child.js';
import { serveRaw } from '../helpers/server.js';

const MIB = 1024 * 1024;
/**
 * What a process may take besides the body: hyper's buffers, garbage not yet collected; and the 256 MiB of freed memory that
 * AddressSanitizer keeps aside.
 */
const SLACK = process.env.ASAN_OPTIONS === undefined ? 24 : 300;

/** Resolves to the MiB by which the process has grown at most. */
const PROGRAM = `
  const peak = () => process.resourceUsage().maxRSS / 1024;
  const hook = { response: [() => {}] };
  const ways = {
    get: (client) => client.get(args.url),
    'get with progress': (client) => client.get(args.url, { onDownloadProgress: () => {} }),
    'get with a hook': (client) => client.get(args.url),
  };
  const client = new whippet.Client({
    maxResponseSize: args.limit,
    timeout: null,
    eventHooks: args.way === 'get with a hook' ? hook : {},
  });
  await client.get(args.warm);
  const before = peak();
  const { content } = await ways[args.way](client);
  console.log(JSON.stringify([content.length, Math.ceil(peak() - before)]));
  await client.close();
`;

const WAYS = ['get', 'get with progress', 'get with a hook'];
const large = Buffer.alloc(64 * MIB, 'x');
const coded = gzipSync(large);

/** What is sent, the bytes that come out of it, which are the limit as well. */
const BODIES: [title: string, head: string, pieces: () => Iterable<Buffer>, length: number][] = [
  ['a declared body of exactly the limit', `Content-Length: ${large.length}`, () => [large], large.length],
  ['a chunked body of exactly the limit', 'Transfer-Encoding: chunked', () => chunks(large, 16_384), large.length],
  [
    'a coded body of exactly the limit',
    `Content-Encoding: gzip\r\nContent-Length: ${coded.length}`,
    () => [coded],
    large.length,
  ],
  // A million pieces: forty bytes of a container for each would be seen.
  ['a body in chunks of one byte', 'Transfer-Encoding: chunked', () => chunks(Buffer.alloc(MIB), 1), MIB],
];

function* chunks(body: Buffer, size: number): Generator<Buffer> {
  const chunk = Buffer.from(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`);
  const some = Buffer.concat(Array<Buffer>(Math.max(1, 65_536 / size)).fill(chunk));
  for (let at = 0; at < body.length; at += Math.max(65_536, size)) yield some;
  yield Buffer.from('0\r\n\r\n');
}

for (const [title, head, pieces, length] of BODIES) {
  for (const way of WAYS) {
    test.serial(`${title}, by ${way}: once, and little more`, async (t) => {
      const server = await serveRaw(t, async (connection) => {
        const request = await connection.request();
        if (request.head.startsWith('GET /warm')) {
          await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
          return connection.end();
        }
        await connection.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
        for (const piece of pieces()) await connection.write(piece);
      });
      const args = { url: server.url, warm: `${server.url}warm`, limit: length, way };
      const [received, grown] = JSON.parse(await run(t, PROGRAM, args)) as [number, number];
      t.is(received, length);
      t.true(grown <= length / MIB + SLACK, `${grown} MiB for ${length / MIB}`);
    });
  }
}
