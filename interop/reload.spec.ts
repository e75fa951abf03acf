/**
 * A server is reloaded again and again while 50 requests are in flight: no request that may be sent twice fails, none that may not
 * arrives twice, and each has one outcome.
 */
import test from 'ava';
import { eventually, openClient } from '../__test__/helpers/client.js';
import { testCA } from '../__test__/helpers/tls.js';
import { type Client, NetworkError, RemoteProtocolError, type Response } from '../src/index.js';
import { content, digest, SMALL } from './helpers/content.js';
import { haproxy, isInstalled, nginx } from './helpers/peers.js';

const IN_FLIGHT = 50;
const RELOADS = 8;
/** Requests answered between two reloads: connections of the new process are in use by then. */
const BETWEEN = 500;

const UPLOAD = content(2_000);

for (const peer of [nginx, haproxy]) {
  for (const way of peer.ways) {
    const title = `${peer.name}, ${way}: ${RELOADS} reloads under load: no GET or PUT fails, no POST arrives twice`;
    if (!isInstalled(peer)) {
      test.skip(`${title} (${peer.name} is not installed)`, () => {});
      continue;
    }
    test.serial(title, async (t) => {
      let running = await peer.start(t);
      const client = openClient(t, {
        httpVersions: way === 'HTTP/2' ? ['HTTP/1.1', 'HTTP/2'] : way === 'h2c' ? 'HTTP/2' : way,
        verify: (await testCA()).cert,
        timeout: 30_000,
      });
      const load = await startLoad(client, way === 'h2c' ? running.http : running.https);
      try {
        for (let generation = 1; generation <= RELOADS; generation += 1) {
          await load.answered(BETWEEN);
          running = await peer.reload(t, running, generation);
          await eventually(`generation ${generation}`, () => load.generations.has(String(generation)) || load.failed());
        }
        await load.answered(BETWEEN);
      } finally {
        await load.stop();
      }
      t.deepEqual(load.failures, []);
      const arrived = new Map<unknown, number>();
      for (const { headers } of running.upstream?.requests ?? []) {
        const id = headers['x-id'];
        if (id !== undefined) arrived.set(id, (arrived.get(id) ?? 0) + 1);
      }
      t.deepEqual(
        [...arrived].filter(([, times]) => times > 1),
        [],
      );
      t.true(arrived.size >= load.posts.answered);
      t.true(load.posts.answered > RELOADS * 50, `${load.posts.answered} POSTs were answered`);
      t.deepEqual([...load.versions], [way === 'HTTP/1.1' ? 'HTTP/1.1' : 'HTTP/2']);
      t.log(`${load.count()} requests, of ${load.posts.sent} POSTs ${load.posts.sent - load.posts.answered} failed`);
    });
  }
}

/** So many at once, GET, PUT and POST in turn, until it is stopped. */
async function startLoad(client: Client, url: string) {
  const expected = JSON.stringify(await digest(UPLOAD));
  const failures: string[] = [];
  const generations = new Set<string>();
  const versions = new Set<string>();
  let count = 0;
  const posts = { sent: 0, answered: 0 };
  const stopping = new AbortController();
  const note = (response: Response, body: string): void => {
    count += 1;
    versions.add(response.httpVersion);
    generations.add(response.headers.get('x-generation') ?? '');
    if (response.statusCode !== 200 || response.text !== body) failures.push(`${response.statusCode} ${response.text}`);
  };
  const keepAsking = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        note(await client.get(`${url}/small`), SMALL);
        note(await client.put(`${url}/digest`, { content: UPLOAD }), expected);
        await post();
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  /** A connection that ends as it is sent is its error: nothing says whether it was acted upon. */
  const post = async (): Promise<void> => {
    const id = String((posts.sent += 1));
    try {
      note(await client.post(`${url}/digest`, { content: UPLOAD, headers: { 'x-id': id } }), expected);
      posts.answered += 1;
    } catch (error) {
      if (!(error instanceof NetworkError || error instanceof RemoteProtocolError)) throw error;
    }
  };
  const loops = Array.from({ length: IN_FLIGHT }, keepAsking);
  return {
    failures,
    generations,
    versions,
    posts,
    count: () => count,
    failed: () => failures.length > 0,
    async answered(more: number): Promise<void> {
      const enough = count + more;
      await eventually(`${more} more answers`, () => count >= enough || failures.length > 0);
    },
    async stop(): Promise<void> {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
