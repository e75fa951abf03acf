/** `client.download()` into a folder: the response names the file; and bodies of any status. */
import test from 'ava';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FileError, HTTPError, HTTPStatusError } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { bytesOf, folderOf, namesIn } from '../helpers/files.js';
import { serve } from '../helpers/server.js';
import { onUnix } from '../helpers/where.js';

const content = bytesOf(50_000);

test('fileName is asked with the response, and the file is in the folder', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') return void response.writeHead(302, { location: '/named' }).end();
    response.setHeader('x-name', 'one.bin');
    return void response.end(content);
  });
  const client = openClient(t);
  const folder = folderOf(t);
  const saved = await client.download(server.url, folder, {
    fileName: ({ headers }) => headers.get('x-name') as string,
  });
  t.is(saved.path, path.join(folder, 'one.bin'));
  t.is(saved.size, content.length);
  t.deepEqual(namesIn(folder), ['one.bin']);
  t.true(readFileSync(saved.path).equals(content));
});

for (const name of ['', '.', '..', 'a/b', '../a', '/a', 'a\0b', 1 as never]) {
  test(`a name that is none: ${JSON.stringify(name)}`, async (t) => {
    const server = await serve(t, (_request, response) => void response.end(content));
    const folder = folderOf(t);
    const error = await failure(openClient(t).download(server.url, folder, { fileName: () => name }));
    t.true(error instanceof RangeError || error instanceof TypeError);
    t.regex(error.message, /^fileName: /);
    t.deepEqual(namesIn(folder), []);
  });
}

test('what it throws arrives as it is; a folder that is none sends nothing', async (t) => {
  const server = await serve(t, (_request, response) => void response.end(content));
  const folder = folderOf(t);
  const own = new Error('own');
  const client = openClient(t);
  const throwing = () => {
    throw own;
  };
  t.is(await failure(client.download(server.url, folder, { fileName: throwing })), own);
  const before = server.requests.length;
  writeFileSync(path.join(folder, 'file'), '');
  for (const [place, code] of [
    ['missing', 'ENOENT'],
    ['file', 'ENOTDIR'],
  ]) {
    const error = (await failure(
      client.download(server.url, path.join(folder, place), { fileName: () => 'a' }),
    )) as FileError;
    t.true(error instanceof FileError);
    t.is(error.code, code);
  }
  t.is(server.requests.length, before);
  t.regex(
    (await failure(client.download(server.url, folder, { fileName: 'a' as never }))).message,
    /^fileName: expected a function/,
  );
});

test('ifExists counts for the name that the response gave', async (t) => {
  const server = await serve(t, (_request, response) => void response.end(content));
  const client = openClient(t);
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'a'), 'old');
  const fileName = () => 'a';
  t.is(
    ((await failure(client.download(server.url, folder, { fileName, ifExists: 'fail' }))) as FileError).code,
    'EEXIST',
  );
  t.is((await client.download(server.url, folder, { fileName, ifExists: 'skip' })).response, null);
  t.is(readFileSync(path.join(folder, 'a'), 'utf8'), 'old');
  await client.download(server.url, folder, { fileName });
  t.true(readFileSync(path.join(folder, 'a')).equals(content));
});

test('resume: a part that was begun for this request is found, another one is not', async (t) => {
  let cut = true;
  const server = await serve(t, (request, response) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const from = range === null ? 0 : Number(range[1]);
    const headers = { etag: `"${request.url}"`, 'content-length': String(content.length - from) };
    if (from > 0)
      response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` });
    else response.writeHead(200, headers);
    if (!cut) return void response.end(content.subarray(from));
    response.write(content.subarray(0, 10_000), () => response.destroy());
  });
  const client = openClient(t);
  const folder = folderOf(t);
  const named = { fileName: () => 'first', resume: true };
  t.true((await failure(client.download(server.url, folder, named))) instanceof HTTPError);
  t.deepEqual(namesIn(folder), ['first.part', 'first.part.json']);
  cut = false;
  const other = await client.download(`${server.url}other`, folder, { fileName: () => 'other', resume: true });
  t.is(other.resumedFrom, 0);
  const saved = await client.download(server.url, folder, { fileName: () => 'never asked', resume: true });
  t.true(saved.resumedFrom > 0);
  t.is(saved.path, path.join(folder, 'first'));
  t.deepEqual(namesIn(folder), ['first', 'other']);
  t.true(readFileSync(saved.path).equals(content));
});

test('raiseForStatus: false keeps the body of any status', async (t) => {
  const server = await serve(
    t,
    (request, response) => void response.writeHead(Number(request.url?.slice(1))).end('page'),
  );
  const client = openClient(t);
  const file = path.join(folderOf(t), 'file');
  for (const status of [404, 503]) {
    t.true((await failure(client.download(`${server.url}${status}`, file))) instanceof HTTPStatusError);
    t.false(existsSync(file));
  }
  for (const status of [404, 503]) {
    const saved = await client.download(`${server.url}${status}`, file, { raiseForStatus: false });
    t.is(saved.response?.statusCode, status);
    t.is(readFileSync(file, 'utf8'), 'page');
  }
});

onUnix('a note in the place of a link does not follow it', async (t) => {
  const server = await serve(t, (_request, response) => {
    response.writeHead(200, { etag: '"a"', 'content-length': '100' });
    response.write('x', () => response.destroy());
  });
  const folder = folderOf(t);
  const victim = path.join(folder, 'victim');
  writeFileSync(victim, 'mine');
  symlinkSync(victim, path.join(folder, 'a.part.json'));
  await failure(openClient(t).download(server.url, folder, { fileName: () => 'a' }));
  t.is(readFileSync(victim, 'utf8'), 'mine');
});
