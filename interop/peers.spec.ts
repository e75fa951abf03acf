/** The same questions to each peer, by each version of HTTP that it speaks. A peer that is not installed is skipped. */
import test, { type ExecutionContext } from 'ava';
import { openClient } from '../__test__/helpers/client.js';
import { testCA } from '../__test__/helpers/tls.js';
import type { Client, ClientOptions, Response } from '../src/index.js';
import { content, digest, inPieces, large, LARGE_BYTES, SMALL } from './helpers/content.js';
import { isInstalled, peers, type Peer, type Way } from './helpers/peers.js';

const UPLOAD = content(8 * 1024 * 1024);

interface Asked {
  readonly client: Client;
  readonly url: string;
  readonly version: 'HTTP/1.1' | 'HTTP/2';
  readonly peer: Peer;
}

interface Question {
  readonly title: string;
  /** Where it is worth asking. */
  readonly applies?: (peer: Peer, way: Way) => boolean;
  readonly options?: ClientOptions;
  readonly ask: (t: ExecutionContext, asked: Asked) => Promise<void>;
}

const QUESTIONS: readonly Question[] = [
  {
    title: 'GET',
    async ask(t, { client, url, version }) {
      const response = await client.get(`${url}/small`);
      t.deepEqual([response.statusCode, response.httpVersion, response.text], [200, version, SMALL]);
    },
  },
  {
    title: 'HEAD, and the connection is good for more',
    options: { poolLimits: { maxConnections: 1 } },
    async ask(t, { client, url }) {
      const response = await client.head(`${url}/small`);
      t.deepEqual([response.statusCode, response.content.length], [200, 0]);
      t.is((await client.get(`${url}/small`)).text, SMALL);
    },
  },
  {
    title: '8 MiB up, as bytes',
    async ask(t, asked) {
      await uploads(t, asked, UPLOAD);
    },
  },
  {
    title: '8 MiB up, as a stream',
    async ask(t, asked) {
      await uploads(t, asked, inPieces(UPLOAD));
    },
  },
  {
    title: '64 MiB down, in one piece',
    async ask(t, { client, url, version }) {
      const response = await client.get(`${url}/large`);
      t.deepEqual([response.statusCode, response.httpVersion], [200, version]);
      t.deepEqual(await digest(response.content), await digest(large()));
    },
  },
  {
    title: '64 MiB down, as a stream',
    async ask(t, { client, url }) {
      const response = await client.stream('GET', `${url}/large`);
      t.deepEqual(await digest(response), await digest(large()));
      t.is(response.numBytesDownloaded, LARGE_BYTES);
    },
  },
  {
    title: 'trailers',
    applies: (peer) => peer.hasTrailers,
    async ask(t, { client, url, peer }) {
      const response = await client.get(`${url}/${peer.echoes === true ? 'small' : 'trailers'}`);
      t.is(response.text, peer.echoes === true ? SMALL : 'with trailers');
      t.is(response.trailers.get('x-checksum'), 'abc');
    },
  },
  {
    title: '200 at once',
    async ask(t, { client, url, version }) {
      const responses = await Promise.all(Array.from({ length: 200 }, () => client.get(`${url}/small`)));
      const told = new Set(responses.map((r) => `${r.statusCode} ${r.httpVersion} ${r.text}`));
      t.deepEqual([...told], [`200 ${version} ${SMALL}`]);
    },
  },
  {
    title: 'a body that is paused, and 100 others meanwhile on the same connection',
    applies: (_, way) => way !== 'HTTP/1.1',
    options: { poolLimits: { maxConnections: 1 } },
    async ask(t, { client, url }) {
      const paused = await client.stream('GET', `${url}/large`);
      const pieces = paused[Symbol.asyncIterator]();
      const first = (await pieces.next()).value as Buffer;
      const others = await Promise.all(Array.from({ length: 100 }, () => client.get(`${url}/small`)));
      t.deepEqual([...new Set(others.map((response) => response.text))], [SMALL]);
      t.is(String(client.pool), '<Pool 1 active, 0 queued | 0 idle>');
      t.deepEqual(await digest(startingWith(first, pieces)), await digest(large()));
    },
  },
  {
    title: 'a body that is left, and the connection is good for more',
    applies: (_, way) => way !== 'HTTP/1.1',
    options: { poolLimits: { maxConnections: 1 } },
    async ask(t, { client, url }) {
      const left: Response = await client.stream('GET', `${url}/large`);
      await left.close();
      t.is((await client.get(`${url}/small`)).text, SMALL);
    },
  },
];

for (const peer of peers) {
  for (const way of peer.ways) {
    for (const question of QUESTIONS) {
      if (question.applies?.(peer, way) === false) continue;
      const title = `${peer.name}, ${way}: ${question.title}`;
      if (!isInstalled(peer)) {
        test.skip(`${title} (${peer.name} is not installed)`, () => {});
        continue;
      }
      test.serial(title, async (t) => {
        const running = await peer.start(t);
        const version = way === 'HTTP/1.1' ? 'HTTP/1.1' : 'HTTP/2';
        const client = openClient(t, {
          // For h2c nothing else may be allowed; over TLS the peer chooses HTTP/2 where it may.
          httpVersions: way === 'HTTP/2' ? ['HTTP/1.1', 'HTTP/2'] : version,
          verify: (await testCA()).cert,
          timeout: 30_000,
          ...question.options,
        });
        await question.ask(t, { client, url: way === 'h2c' ? running.http : running.https, version, peer });
      });
    }
  }
}

async function uploads(
  t: ExecutionContext,
  { client, url, version, peer }: Asked,
  body: Buffer | AsyncIterable<Buffer>,
): Promise<void> {
  const response = await client.put(`${url}/${peer.echoes === true ? 'small' : 'digest'}`, { content: body });
  t.deepEqual([response.statusCode, response.httpVersion], [200, version]);
  const received = peer.echoes === true ? await digest(response.content) : response.json();
  t.deepEqual(received, await digest(UPLOAD));
}

async function* startingWith(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
