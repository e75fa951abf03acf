/**
 * What a profile is made from (see `../profile.js`): the work that programs give a client, the most frequent one the most often.
 * `node train.js TOLD` with what `../runtimes/server.js` tells; `WHIPPET_ADDON_PATH` names the addon that counts.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { Client, fetch, file } from 'whippet';

const told = JSON.parse(process.argv[2]);
const plain = new Client({ baseUrl: told.origin });
const secure = new Client({ baseUrl: told.secure, verify: told.certificate, httpVersions: ['HTTP/1.1'] });
const http2 = new Client({ baseUrl: told.secure, verify: told.certificate });
const proxied = new Client({ baseUrl: told.origin, proxies: { all: told.proxy } });
const body = { name: 'whippet', values: [1, 2, 3] };
const megabyte = Buffer.alloc(1024 * 1024, 'payload ');

/** `count` calls, so many at a time. */
async function repeat(count, inFlight, call) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

const json = async (client) => assert.equal((await client.get('/small')).json().method, 'GET');
const post = async (client) => assert.equal((await client.post('/small', { json: body })).statusCode, 200);
const large = async (client) => assert.equal((await client.get('/big')).content.length, 1_056_000);
const upload = async (client) => assert.equal((await client.put('/up', { content: megabyte })).statusCode, 200);
const streamed = async (client) => {
  const response = await client.stream('GET', '/big');
  for await (const chunk of response.iterBytes()) assert.ok(chunk.length > 0);
};

for (const [client, share] of [
  [plain, 1],
  [secure, 0.4],
  [http2, 0.6],
]) {
  await repeat(20_000 * share, 50, () => json(client));
  await repeat(3_000 * share, 1, () => json(client));
  await repeat(2_000 * share, 256, () => json(client));
  await repeat(3_000 * share, 20, () => post(client));
  await repeat(60, 8, () => large(client));
  await repeat(20, 4, () => streamed(client));
  await repeat(20, 4, () => upload(client));
}
for (const coding of ['gzip', 'br', 'deflate']) {
  await repeat(10, 2, async () => assert.ok((await plain.get(`/coded?by=${coding}`)).text.length > 1_000_000));
}
await repeat(2_000, 20, async () => assert.ok((await fetch(`${told.origin}/small`)).ok));
await repeat(500, 10, () => json(proxied));
await repeat(500, 10, async () =>
  assert.equal((await plain.get('/redirect', { followRedirects: true })).statusCode, 200),
);
await repeat(100, 4, async () => {
  for await (const event of plain.events('GET', '/events')) if (event.data === 'two') break;
});
await repeat(20, 2, () => plain.get(told.refused).catch(() => {}));
const copy = path.join(told.folder, 'copy');
await plain.download('/big', copy, { ifExists: 'replace' });
await plain.put('/up', { content: file(copy) });
await Promise.all([plain, secure, http2, proxied].map((client) => client.close()));
