/** Downloads that are aborted and resumed, against servers whose ranges are their own. */
import test from 'ava';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { failure, openClient } from '../__test__/helpers/client.js';
import { folderOf } from '../__test__/helpers/files.js';
import { testCA } from '../__test__/helpers/tls.js';
import { digest, large, LARGE_BYTES } from './helpers/content.js';
import { isInstalled, peers, type Peer } from './helpers/peers.js';

/** Files that a server has itself are sent by ranges; an upstream's, which knows none, are begun anew. */
const ROWS: [name: string, path: string, hasRanges: boolean][] = [
  ['nginx', '/large', true],
  ['caddy', '/files/large', true],
  ['caddy', '/large', false],
  ['h2o', '/large', false],
];

for (const [name, target, hasRanges] of ROWS) {
  const peer = peers.find((other) => other.name === name) as Peer;
  for (const way of peer.ways) {
    const title = `${peer.name}, ${way}: 64 MiB of ${target} to a file, aborted twice and resumed`;
    if (!isInstalled(peer)) {
      test.skip(`${title} (${peer.name} is not installed)`, () => {});
      continue;
    }
    test.serial(title, async (t) => {
      const running = await peer.start(t);
      const client = openClient(t, {
        httpVersions: way === 'HTTP/2' ? ['HTTP/1.1', 'HTTP/2'] : way === 'h2c' ? 'HTTP/2' : way,
        verify: (await testCA()).cert,
        timeout: 30_000,
      });
      const url = `${way === 'h2c' ? running.http : running.https}${target}`;
      const folder = folderOf(t);
      const file = path.join(folder, 'large');
      for (const enough of [LARGE_BYTES / 4, LARGE_BYTES / 2]) {
        const stop = new AbortController();
        const onDownloadProgress = (received: number) => received > enough && stop.abort();
        await failure(client.download(url, file, { resume: true, signal: stop.signal, onDownloadProgress }));
        t.false(existsSync(file));
      }
      const there = statSync(`${file}.part`).size;
      t.true(there > LARGE_BYTES / 4 && there < LARGE_BYTES, String(there));
      const { size, resumedFrom, response } = await client.download(url, file, { resume: true });
      const expected = hasRanges ? [LARGE_BYTES, there, 206] : [LARGE_BYTES, 0, 200];
      t.deepEqual([size, resumedFrom, response?.statusCode], expected);
      t.deepEqual(await digest(createReadStream(file)), await digest(large()));
      t.deepEqual(readdirSync(folder), ['large']);
    });
  }
}
