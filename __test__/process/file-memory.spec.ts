/** What a process takes whose files go to and come from a server: some chunks, whatever their size. */
import test from 'ava';
import { createReadStream } from 'node:fs';
import { stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../helpers/child.js';
import { serve } from '../helpers/server.js';
import { folderOf } from '../helpers/files.js';

const MIB = 1024 * 1024;
const SIZE = 256 * MIB;
/** MiB. Chunks on their way, threads, garbage not yet collected; not a third of the file. */
const MOST = 64;

const PROGRAM = `
  const peak = () => process.resourceUsage().maxRSS / 1024;
  const client = new whippet.Client({ timeout: null });
  await client.get(args.url);
  const before = peak();
  if (args.way === 'upload') await client.put(args.url, { content: await whippet.file(args.file) });
  else await client.download(args.url + 'file', args.target);
  console.log(Math.ceil(peak() - before));
  await client.close();
`;

for (const way of ['upload', 'download']) {
  test.serial(`${way}: 256 MiB from or into a file take no more than some chunks`, async (t) => {
    const folder = folderOf(t);
    const file = path.join(folder, 'big.bin');
    await writeFile(file, '');
    await truncate(file, SIZE);
    let received = 0;
    const server = await serve(t, (request, response) => {
      if (request.url === '/file') {
        response.setHeader('Content-Length', SIZE);
        createReadStream(file).pipe(response);
        return;
      }
      request.on('data', (chunk: Buffer) => (received += chunk.length));
      request.on('end', () => response.end('ok'));
    });
    const grown = await run(t, PROGRAM, { way, file, url: server.url, target: path.join(folder, 'got.bin') });
    t.is(way === 'upload' ? received : (await stat(path.join(folder, 'got.bin'))).size, SIZE);
    t.true(Number(grown) <= MOST, `${grown} MiB`);
  });
}
