/** A server that ends its connections after fewer requests than are in flight: of each it says whether it was processed. */
import test from 'ava';
import { createReadStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openClient, told } from '../__test__/helpers/client.js';
import { folderOf } from '../__test__/helpers/files.js';
import { testCA } from '../__test__/helpers/tls.js';
import type { Client, Response } from '../src/index.js';
import { content, digest, SMALL } from './helpers/content.js';
import { isInstalled, nginx, startBriefNginx } from './helpers/peers.js';

const UPLOAD = content(200_000);

type Send = (client: Client, url: string, file: string) => Promise<Response>;

const ROWS: [title: string, keepaliveRequests: number, requests: number, inFlight: number, send: Send][] = [
  ['GET', 50, 10_000, 100, (client, url) => client.get(`${url}/small`)],
  ['GET', 20, 2_000, 100, (client, url) => client.get(`${url}/small`)],
  ['POST of bytes', 20, 400, 10, (client, url) => client.post(`${url}/digest`, { content: UPLOAD })],
  ['POST of a Blob', 20, 400, 10, (client, url) => client.post(`${url}/digest`, { content: new Blob([UPLOAD]) })],
  [
    'POST of a file',
    20,
    400,
    10,
    (client, url, file) => client.post(`${url}/digest`, { content: createReadStream(file) }),
  ],
];

for (const [title, keepaliveRequests, requests, inFlight, send] of ROWS) {
  const name = `${requests} × ${title}, ${inFlight} in flight, keepalive_requests ${keepaliveRequests}: none fails`;
  if (!isInstalled(nginx)) {
    test.skip(`${name} (nginx is not installed)`, () => {});
    continue;
  }
  test.serial(name, async (t) => {
    const running = await startBriefNginx(t, keepaliveRequests);
    const client = openClient(t, { verify: (await testCA()).cert, timeout: 30_000 });
    const file = path.join(folderOf(t), 'upload');
    writeFileSync(file, UPLOAD);
    const expected = `200 ${title === 'GET' ? SMALL : JSON.stringify(await digest(UPLOAD))}`;
    const failures: string[] = [];
    let left = requests;
    const ask = async (): Promise<void> => {
      while (left-- > 0) {
        const answer = await send(client, running.https, file).then(told, String);
        if (answer !== expected) failures.push(answer);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, ask));
    t.deepEqual(failures, []);
  });
}
