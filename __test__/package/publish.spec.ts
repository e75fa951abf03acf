/** `npm run release:publish` against registries that fail: what it says, and what it has published by then. */
import test, { type ExecutionContext } from 'ava';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { folderOf } from '../helpers/files.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TOKEN = 'npm_that-is-a-secret';

interface Registry {
  url: string;
  /** The packages that were put, in that order. */
  published: string[];
}

/** A registry that keeps what is put, but for what `status` says: 0 is no opinion. */
async function startRegistry(t: ExecutionContext, status: (method: string, name: string) => number): Promise<Registry> {
  const kept = new Map<string, string>();
  const tarballs = new Map<string, Buffer>();
  const published: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const name = decodeURIComponent(request.url!.slice(1).split('?')[0]!);
      const code = status(request.method!, name);
      if (code !== 0) return response.writeHead(code).end('{"error":"no"}');
      if (request.method === 'PUT') {
        const {
          versions,
          _attachments: attachments,
          ...document
        } = JSON.parse(Buffer.concat(chunks).toString()) as {
          versions: Record<string, { dist: { tarball: string } }>;
          _attachments: Record<string, { data: string }>;
        };
        for (const one of Object.values(versions)) {
          const file = new URL(one.dist.tarball).pathname.slice(1);
          one.dist.tarball = `${url}${file}`;
          tarballs.set(decodeURIComponent(file), Buffer.from(Object.values(attachments)[0]!.data, 'base64'));
        }
        kept.set(name, JSON.stringify({ ...document, versions }));
        published.push(name);
        return response.writeHead(201).end('{}');
      }
      const found = tarballs.get(name) ?? kept.get(name);
      return found === undefined ? response.writeHead(404).end('{}') : response.end(found);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  t.teardown(() => server.close());
  return { url, published };
}

/** A repository with two small platform packages. */
async function repository(t: ExecutionContext, version = '1.2.3'): Promise<string> {
  const folder = folderOf(t);
  await cp(path.join(root, 'scripts'), path.join(folder, 'scripts'), { recursive: true });
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: 'trial', version, type: 'module', files: ['index.js'] }),
  );
  for (const name of ['one', 'two']) {
    const own = path.join(folder, 'npm', name);
    await mkdir(own, { recursive: true });
    await writeFile(
      path.join(own, 'package.json'),
      JSON.stringify({ name: `@trial/${name}`, version, main: 'a.node' }),
    );
    await writeFile(path.join(own, 'a.node'), `the binary of ${name}`);
    await writeFile(path.join(own, 'THIRD-PARTY-NOTICES.txt'), 'none');
  }
  return folder;
}

function publish(folder: string, url: string, ...args: string[]): Promise<{ code: number | null; said: string }> {
  const settings = path.join(folder, 'npmrc');
  const child = spawn(process.execPath, ['scripts/publish.js', '--registry', url, ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      npm_config_userconfig: settings,
      npm_config_cache: path.join(folder, 'cache'),
      npm_config_fetch_retries: '0',
      npm_config_update_notifier: 'false',
    },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}

async function tried(t: ExecutionContext, folder: string, registry: Registry, ...args: string[]): Promise<string> {
  await writeFile(path.join(folder, 'npmrc'), `${registry.url.slice('http:'.length)}:_authToken=${TOKEN}\n`);
  const { code, said } = await publish(folder, registry.url, ...args);
  t.false(said.includes(TOKEN));
  t.notRegex(said, /\n {4}at /, 'a stack is for faults of the script');
  return `${code}: ${said}`;
}

test('all in order, the main package last; a second run finds them there', async (t) => {
  t.timeout(480_000);
  const [folder, registry] = [await repository(t), await startRegistry(t, () => 0)];
  t.regex(await tried(t, folder, registry), /^0: /);
  t.deepEqual(registry.published, ['@trial/one', '@trial/two', 'trial']);
  t.regex(await tried(t, folder, registry), /^0: (?:setup: \S+ is published already\s+){3}$/);
  t.is(registry.published.length, 3);
  // Another content by the same name and version is no second run: nothing at all is published.
  await writeFile(path.join(folder, 'npm/two/a.node'), 'another binary');
  t.regex(
    await tried(t, folder, registry),
    /^1: [^]*@trial\/two@1\.2\.3 is published already, and its a\.node is another/,
  );
});

test('a failure half-way leaves the main package out, and the next run does the rest', async (t) => {
  t.timeout(480_000);
  let isBroken = true;
  const folder = await repository(t);
  const registry = await startRegistry(t, (method, name) =>
    method === 'PUT' && name === '@trial/two' && isBroken ? 500 : 0,
  );
  t.regex(await tried(t, folder, registry), /^1: /);
  t.deepEqual(registry.published, ['@trial/one']);
  isBroken = false;
  t.regex(await tried(t, folder, registry), /^0: setup: @trial\/one@1\.2\.3 is published already/);
  t.deepEqual(registry.published, ['@trial/one', '@trial/two', 'trial']);
});

test('a registry that does not say what it has: nothing is published', async (t) => {
  t.timeout(480_000);
  const [folder, registry] = [await repository(t), await startRegistry(t, (method) => (method === 'GET' ? 500 : 0))];
  t.regex(await tried(t, folder, registry), /^1: [^]*@trial\/one@1\.2\.3: the registry does not say/);
  t.deepEqual(registry.published, []);
});

test('what is wrong here is said before the registry is asked', async (t) => {
  const asked: string[] = [];
  const registry = await startRegistry(t, (method, name) => (asked.push(`${method} ${name}`), 0));
  const before = await repository(t, '1.2.3-rc.1');
  t.regex(await tried(t, before, registry, '--tag=latest'), /^1: .*1\.2\.3-rc\.1 is a version before a release/);
  t.regex(await tried(t, before, registry), /^1: .*--tag next/);
  const folder = await repository(t);
  const file = path.join(folder, 'npm/two/package.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace('1.2.3', '1.2.4'));
  t.regex(await tried(t, folder, registry), /^1: .*@trial\/two is 1\.2\.4, and trial 1\.2\.3/);
  t.deepEqual([...registry.published, ...asked], []);
});

test('--dry-run publishes nothing', async (t) => {
  t.timeout(480_000);
  const [folder, registry] = [await repository(t), await startRegistry(t, () => 0)];
  t.regex(await tried(t, folder, registry, '--dry-run'), /^0: /);
  t.deepEqual(registry.published, []);
});
