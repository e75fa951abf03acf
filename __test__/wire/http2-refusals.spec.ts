/** Requests that an HTTP/2 server says it has not processed (row L14): by how many connections, until one answers. */
import test, { type ExecutionContext } from 'ava';
import { createReadStream, openAsBlob, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RemoteProtocolError, type RequestOptions } from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { folderOf } from '../helpers/files.js';
import { Code, END_STREAM, type Http2Peer, serveHttp2, Type } from '../helpers/raw-http2.js';

const REFUSALS: [title: string, refuse: (peer: Http2Peer, stream: number) => unknown][] = [
  ['GOAWAY', (peer) => peer.goAway(0, Code.NO_ERROR)],
  ['REFUSED_STREAM', (peer, stream) => peer.reset(stream, Code.REFUSED_STREAM)],
];

/** However often it is refused: as often as that is borne, and once more. */
const TIMES = [0, 1, 2, 3, 32, 33];

const SENT: [title: string, method: string, options: () => RequestOptions, replayable: boolean][] = [
  ['GET', 'GET', () => ({}), true],
  ['POST', 'POST', () => ({ content: 'body' }), true],
  ['POST of a stream', 'POST', () => ({ content: pieces() }), false],
];

for (const [refusal, refuse] of REFUSALS) {
  for (const [title, method, options, replayable] of SENT) {
    const resends = replayable ? 32 : 0;
    for (const refusals of replayable ? TIMES : [0, 1]) {
      const succeeds = refusals <= resends;
      test(`SEC-L14 ${refusal} by ${refusals} connections: ${title} ${succeeds ? 'succeeds' : 'fails'}`, async (t) => {
        let connections = 0;
        const server = await serveHttp2(t, async (peer) => {
          connections += 1;
          const refused = connections <= refusals;
          await peer.settings();
          const stream = await peer.request();
          await (refused ? refuse(peer, stream) : peer.answer(stream));
          await peer.connection.closed;
        });
        const client = openClient(t, { httpVersions: 'HTTP/2' });
        const response = client.request(method, server.url, options());
        if (succeeds) t.is(told(await response), '200 ok');
        else t.true((await failure(response)) instanceof RemoteProtocolError);
        t.is(server.connections(), Math.min(refusals, resends) + 1);
      });
    }
  }
}

// ── a server that takes so many requests of a connection and no more (row T31) ──

test('T31 a new connection is given no more streams than the last one took, until it goes on behind them', async (t) => {
  const TAKEN = 3;
  /** Of each connection, the streams that came. */
  const seen: number[] = [];
  /** From this connection on the server works. */
  let works = Infinity;
  const server = await serveHttp2(t, async (peer) => {
    const number = seen.push(0) - 1;
    await peer.settings();
    for (;;) {
      const stream = await peer.request();
      seen[number] += 1;
      // The last one that it takes, and those that it has not seen yet, are told at once.
      if (number < works && seen[number] === TAKEN + (number === 0 ? 1 : 0))
        await peer.goAway(2 * TAKEN - 1, Code.NO_ERROR);
      if (number >= works || seen[number] <= TAKEN) await peer.answer(stream);
    }
  });
  const client = openClient(t, { httpVersions: 'HTTP/2' });
  const ask = async (count: number): Promise<void> => {
    const all = await Promise.all(Array.from({ length: count }, () => client.get(server.url)));
    t.deepEqual(
      all.map(told),
      Array.from({ length: count }, () => '200 ok'),
    );
  };
  await ask(20);
  t.true(seen.length > 1);
  t.true(
    seen.slice(1).every((streams) => streams <= TAKEN),
    String(seen),
  );
  works = 0;
  for (let i = 0; i < 10; i++) await ask(2);
  const before = server.connections();
  await ask(30);
  t.is(server.connections(), before, 'the server goes on, which is seen');
});

// ── bodies that are read as they are sent: opened again ──

/** More than the peer's first window takes. */
const LARGE = Buffer.alloc(200_000, 'large');

const OPENED: [title: string, options: (t: ExecutionContext) => RequestOptions | Promise<RequestOptions>][] = [
  ['bytes', () => ({ content: LARGE })],
  ['bytes with progress', () => ({ content: LARGE, onUploadProgress: () => {} })],
  ['a Blob', () => ({ content: new Blob([LARGE]) })],
  ['a Blob with progress', () => ({ content: new Blob([LARGE]), onUploadProgress: () => {} })],
  ['a file', (t) => ({ content: createReadStream(fileOf(t)) })],
  ['a Blob of a file', async (t) => ({ content: await openAsBlob(fileOf(t)) })],
  ['an iterable', () => ({ content: [LARGE.subarray(0, 1_000), LARGE.subarray(1_000)] })],
  ['a multipart form', (t) => ({ files: { file: createReadStream(fileOf(t)), blob: new Blob([LARGE]) } })],
];

for (const [refusal, refuse] of REFUSALS) {
  for (const [title, options] of OPENED) {
    for (const method of ['POST', 'PUT']) {
      test(`${refusal} after 60,000 bytes: ${method} of ${title} is sent again whole`, async (t) => {
        const bodies: Buffer[] = [];
        const server = await serveHttp2(t, async (peer) => {
          await peer.settings();
          const stream = await peer.request();
          const body: Buffer[] = [];
          let length = 0;
          for (;;) {
            const { payload, flags } = await peer.next(Type.DATA);
            body.push(payload);
            length += payload.length;
            if (server.connections() === 1 && length > 60_000) {
              await refuse(peer, stream);
              break;
            }
            if ((flags & END_STREAM) !== 0) {
              bodies.push(Buffer.concat(body));
              await peer.answer(stream);
              break;
            }
            if (payload.length > 0) {
              await peer.windowUpdate(0, payload.length);
              await peer.windowUpdate(stream, payload.length);
            }
          }
          await peer.connection.closed;
        });
        const client = openClient(t, { httpVersions: 'HTTP/2' });
        t.is(told(await client.request(method, server.url, await options(t))), '200 ok');
        t.is(server.connections(), 2);
        t.is(bodies.length, 1);
        t.true(bodies[0].includes(LARGE), `${bodies[0].length} bytes`);
        if (!title.includes('form')) t.is(bodies[0].length, LARGE.length);
      });
    }
  }
}

async function* pieces(): AsyncGenerator<string> {
  yield 'body';
}

/** A file with the large body, for as long as the test runs. */
function fileOf(t: ExecutionContext): string {
  const file = join(folderOf(t), 'large');
  writeFileSync(file, LARGE);
  return file;
}
