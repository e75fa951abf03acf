/** The ClientHello: X25519MLKEM768 first, with its key share and X25519's beside it, so that a server of either needs no second one. */
import test from 'ava';
import { connect, createServer, type Socket } from 'node:net';
import { failure, openClient } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';
import { serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

const X25519MLKEM768 = 0x11ec;
const X25519 = 0x001d;

/** The extensions of a ClientHello, by number. */
function extensionsOf(hello: Buffer): Map<number, Buffer> {
  // Record header, handshake header, version, random; then session id, cipher suites and compression methods, each with its length.
  let at = 5 + 4 + 2 + 32;
  at += 1 + hello[at];
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello[at];
  const end = at + 2 + hello.readUInt16BE(at);
  const extensions = new Map<number, Buffer>();
  for (at += 2; at < end;) {
    const length = hello.readUInt16BE(at + 2);
    extensions.set(hello.readUInt16BE(at), hello.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return extensions;
}

test('X25519MLKEM768 is preferred, and both shares are there at once', async (t) => {
  let hello = Buffer.alloc(0);
  const gate = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      hello = Buffer.concat([hello, chunk]);
      if (hello.length >= 5 && hello.length >= 5 + hello.readUInt16BE(3)) socket.destroy();
    });
  });
  const { port } = await listen(t, gate, 'https', []);
  await failure(openClient(t).get(`https://localhost:${port}/`));
  const extensions = extensionsOf(hello);
  const groups = extensions.get(10) as Buffer;
  t.is(groups.readUInt16BE(2), X25519MLKEM768);
  const shares = extensions.get(51) as Buffer;
  const found: [group: number, length: number][] = [];
  for (let at = 2; at < shares.length; at += 4 + shares.readUInt16BE(at + 2)) {
    found.push([shares.readUInt16BE(at), shares.readUInt16BE(at + 2)]);
  }
  t.deepEqual(found, [
    [X25519MLKEM768, 1184 + 32],
    [X25519, 32],
  ]);
});

/** ClientHellos in what a client wrote: handshake records before anything is encrypted. */
function hellosIn(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at + 5 < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 22 && bytes[at + 5] === 1) count++;
  }
  return count;
}

test('one ClientHello is enough for this Node’s defaults, and for servers of one group', async (t) => {
  const hasHybrid = process.versions.openssl.localeCompare('3.5', 'en', { numeric: true }) >= 0;
  const cases: [ecdhCurve: string | undefined, group: string][] = [
    [undefined, hasHybrid ? 'X25519MLKEM768' : 'x25519'],
    ['X25519', 'x25519'],
    ...(hasHybrid ? ([['X25519MLKEM768', 'X25519MLKEM768']] as [string, string][]) : []),
  ];
  for (const [ecdhCurve, group] of cases) {
    const own = ecdhCurve === undefined ? {} : { ecdhCurve };
    const server = await serveTls(t, (_, response) => response.end(), own);
    const written: Buffer[] = [];
    const between = createServer((socket: Socket) => {
      const onwards = connect(server.port, '127.0.0.1');
      socket.on('data', (chunk: Buffer) => written.push(chunk));
      socket.on('error', () => onwards.destroy()).pipe(onwards);
      onwards.on('error', () => socket.destroy()).pipe(socket);
    });
    const { port } = await listen(t, between, 'https', []);
    const client = openClient(t, { verify: (await testCA()).cert });
    const { tls } = await client.get(`https://localhost:${port}/`);
    t.is(tls?.group, group, ecdhCurve);
    t.is(hellosIn(Buffer.concat(written)), 1, ecdhCurve);
  }
});
