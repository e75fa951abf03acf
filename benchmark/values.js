/**
 * What the values cost, each by a figure of its own: building a request, reading text, headers that are not read, cookies, a
 * large upload from disk, the start of the command. Not part of `run.js`, which compares with undici over the network.
 *
 *   node --expose-gc benchmark/values.js [--upload-mb 1024]
 */
import { once } from 'node:events';
import { createReadStream, mkdtempSync, openAsBlob, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { queryObjects } from 'node:v8';
import { Client, Cookies, Headers, Response, URL } from '../index.js';
import { start } from './children.js';
import { residentMegabytes } from './process-figures.js';
import { startUp } from './start-up.js';

const { values: given } = parseArgs({ options: { 'upload-mb': { type: 'string', default: '1024' } } });
const rows = [];

/** Counts what it is sent. A process of its own, so that only the client grows here. */
const SINK = `
  const server = require('node:http').createServer((request, response) => {
    let length = 0;
    request.on('data', (chunk) => (length += chunk.length)).on('end', () => response.end(String(length)));
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

// First: what the others leave behind would hide what this one takes.
await upload('createReadStream', (path) => createReadStream(path));
await upload('openAsBlob', (path) => openAsBlob(path));
building();
text();
await headers();
cookies();
rows.push(['the command’s first byte ÷ node -e 0', (await startUp()).ratio.toFixed(2), '≤ 1.5']);

const width = Math.max(...rows.map(([what]) => what.length));
for (const [what, figure, goal] of rows) console.log(`${what.padEnd(width)}  ${figure.padStart(12)}  goal: ${goal}`);

/** As far as `native.send`: what comes after it is the other benchmark's. */
function building() {
  const client = new Client();
  const options = { headers: { 'X-Token': 'abc', Accept: 'application/json' }, params: { page: 2, q: 'a b' } };
  const build = () => {
    const request = client.buildRequest('GET', 'https://host/path?x=1', options);
    return `${request.method}\n${request.url.origin}\n${request.url.fullPath}\n${request.headerLines()}`;
  };
  rows.push(['a request with headers and params, built', `${best(build, 50_000).toFixed(2)} µs`, '≤ 4 µs']);
}

function text() {
  const content = Buffer.alloc(2 ** 20, 'All of this is ASCII. ');
  let ours = Infinity;
  for (let round = 0; round < 15; round++) {
    // Text is decoded once: each call needs a response of its own, made beforehand.
    const responses = Array.from({ length: 20 }, () => new Response(200, { content }));
    ours = Math.min(
      ours,
      best(() => responses.pop()?.text, 20, 1),
    );
  }
  const theirs = best(() => content.latin1Slice(0, content.length), 20);
  rows.push(['text of 1 MiB of ASCII ÷ latin1Slice', (ours / theirs).toFixed(2), '≤ 1.5']);
}

/** Counted, not measured. */
async function headers() {
  const server = createServer((_, response) => response.end('{}'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new Client();
  const url = `http://127.0.0.1:${server.address().port}/`;
  await client.get(url);
  const before = queryObjects(Headers, { format: 'count' });
  const kept = [];
  for (let i = 0; i < 100; i++) kept.push(await client.get(url));
  const after = queryObjects(Headers, { format: 'count' });
  rows.push([`header objects of ${kept.length} responses, none read`, String(after - before), '0']);
  await client.close();
  server.close();
}

function cookies() {
  const jar = new Cookies();
  const url = new URL('https://host.example.org/path?x=1');
  for (let i = 0; i < 50; i++) void jar.storeFrom(url, [`name${i}=value${i}`]);
  const unchanged = best(() => jar.headerFor(url), 100_000);
  rows.push(['Cookie header of an unchanged jar of 50', `${unchanged.toFixed(2)} µs`, 'small']);
}

async function upload(what, open) {
  const folder = mkdtempSync(join(tmpdir(), 'whippet-values-'));
  const path = join(folder, 'large.bin');
  const bytes = Number(given['upload-mb']) * 2 ** 20;
  writeFileSync(path, '');
  truncateSync(path, bytes);
  const server = start(process.execPath, ['-e', SINK], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(server.stdout, 'data');
  const port = Number(line);
  const client = new Client({ timeout: null });
  const url = `http://127.0.0.1:${port}/`;
  await client.post(url, { files: { warm: new Blob([Buffer.alloc(4 * 2 ** 20)]) } });
  globalThis.gc?.();
  const before = residentMegabytes();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, residentMegabytes())), 5);
  const response = await client.post(url, { data: { title: 'large' }, files: { file: await open(path) } });
  clearInterval(watch);
  if (!(Number(response.text) > bytes)) throw new Error(`${response.text} of ${bytes} bytes arrived`);
  rows.push([
    `RSS during an upload of ${given['upload-mb']} MiB by ${what}`,
    `+${Math.round(most - before)} MB`,
    '≤ 64 MB',
  ]);
  await client.close();
  server.kill();
  rmSync(folder, { recursive: true });
}

/** µs of one call: the best of some rounds, as anything else on the machine only adds. */
function best(call, times, rounds = 15) {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    for (let i = 0; i < times; i++) call();
    least = Math.min(least, ((performance.now() - began) / times) * 1000);
  }
  return least;
}
