/** Downloads in programs of their own: killed in the middle, without rights, on a disk that is full. */
import test, { type ExecutionContext } from 'ava';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageUrl, start, watch, withArgs, type Running } from '../helpers/child.js';
import { openClient } from '../helpers/client.js';
import { bytesOf, folderOf, namesIn, sha256 } from '../helpers/files.js';
import { serve, type HttpServer } from '../helpers/server.js';
import { testWhere } from '../helpers/where.js';

const content = bytesOf(1_200_000);
const etag = '"one"';

/** Ranges of `content`, of which `limit` bytes are sent and then no more. */
async function serveContent(t: ExecutionContext, limit: () => number): Promise<HttpServer> {
  return serve(t, (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start > 0) {
      t.is(request.headers['if-range'], etag);
      response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
    }
    response.writeHead(start > 0 ? 206 : 200, { etag, 'content-length': content.length - start });
    const stop = Math.min(content.length, start + limit());
    if (stop === content.length) response.end(content.subarray(start));
    else response.write(content.subarray(start, stop));
  });
}

/** Resolves when the file has that size. A program may take its time to start: the runner's own limit is the one that counts. */
async function grown(file: string, size: number): Promise<void> {
  while (!existsSync(file) || statSync(file).size !== size) await new Promise((resolve) => setTimeout(resolve, 5));
}

const download = `
  const client = new whippet.Client();
  const done = await client.download(args.url, args.file, { resume: true, checksum: { sha256: args.sha256 } });
  await client.close();
  console.log(JSON.stringify(done, ['size', 'resumedFrom', 'sha256']));
`;

test('kill -9 in the middle, again and again: the next one goes on', async (t) => {
  const STEP = 100_000;
  const ROUNDS = 5;
  let limit = STEP;
  const server = await serveContent(t, () => limit);
  const folder = folderOf(t);
  const file = path.join(folder, 'file.bin');
  const args = { url: server.url, file, sha256: sha256(content) };
  for (let round = 1; round <= ROUNDS; round++) {
    const { process: child, ended } = start(t, download, args);
    await grown(`${file}.part`, STEP * round);
    child.kill('SIGKILL');
    t.is((await ended).signal, 'SIGKILL');
    t.false(existsSync(file));
  }
  limit = Infinity;
  const { stdout, stderr } = await start(t, download, args).ended;
  t.deepEqual(
    JSON.parse(stdout || '{}'),
    { size: content.length, resumedFrom: STEP * ROUNDS, sha256: args.sha256 },
    stderr,
  );
  t.deepEqual(namesIn(folder), ['file.bin']);
  t.is(server.requests.length, ROUNDS + 1);
});

const hasStrace = spawnSync('strace', ['-V']).status === 0;
testWhere(hasStrace, 'strace is not installed')(
  'fsync: the bytes before the name, the folder after it, and neither unasked',
  async (t) => {
    t.timeout(60_000);
    const server = await serveContent(t, () => Infinity);
    for (const [fsync, expected] of [
      [true, ['fsync', 'rename', 'fsync']],
      [false, ['rename']],
    ] as const) {
      const folder = folderOf(t);
      const args = { url: server.url, file: path.join(folder, 'file.bin'), fsync };
      const program = `await new whippet.Client().download(args.url, args.file, { fsync: args.fsync }); process.exit();`;
      const trace = path.join(folder, 'trace');
      const { code, stderr } = await startTraced(t, trace, program, args).ended;
      t.is(code, 0, stderr);
      const calls = readFileSync(trace, 'utf8').matchAll(
        /^\d+ +(fsync|rename)(?:at2?)?\(.*(?:= 0| <unfinished ...>)$/gm,
      );
      t.deepEqual(
        [...calls].map(([, name]) => name),
        expected,
      );
    }
  },
);

/** As `start`, under strace, which follows the core's threads. */
function startTraced(t: ExecutionContext, trace: string, program: string, args: unknown): Running {
  const names = 'trace=fsync,fdatasync,rename,renameat,renameat2';
  const code = `import * as whippet from ${JSON.stringify(packageUrl)};\n${withArgs(program, args)}`;
  const flags = ['-f', '-qq', '-o', trace, '-e', names, process.execPath, '--input-type=module', '-e', code];
  const child = spawn('strace', flags, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } });
  return watch(t, child);
}

test('two processes, one path: the second is refused', async (t) => {
  const server = await serveContent(t, () => 1000);
  const folder = folderOf(t);
  const args = { url: server.url, file: path.join(folder, 'file.bin'), sha256: sha256(content) };
  const first = start(t, download, args);
  await grown(`${args.file}.part`, 1000);
  const program = `await new whippet.Client().download(args.url, args.file, { resume: true }).catch(({ name, code, path }) => console.log(name, code, path === args.file)); process.exit();`;
  const { stdout, stderr } = await start(t, program, args).ended;
  t.is(stdout, 'FileError EBUSY true\n', stderr);
  first.process.kill('SIGKILL');
  await first.ended;
});

const isRoot = process.getuid?.() === 0;
const report = `
  const client = new whippet.Client();
  const error = await client.download(args.url, args.file, { resume: args.resume }).then(() => null, (error) => error);
  await client.close();
  console.log(error === null ? 'done' : [error.name, error.code, error.path === args.file].join(' '));
`;

testWhere(isRoot, 'only root can become another user')(
  'without the right to write (EACCES), as another user than root',
  async (t) => {
    const server = await serveContent(t, () => Infinity);
    const folder = folderOf(t);
    chmodSync(folder, 0o755);
    const program = `process.setgid(65534); process.setuid(65534);\n${report}`;
    const { stdout, stderr } = await start(t, program, { url: server.url, file: path.join(folder, 'a') }).ended;
    t.is(stdout, 'FileError EACCES true\n', stderr);
    t.is(server.requests.length, 0);
    t.deepEqual(namesIn(folder), []);
  },
);

/** Puts a file system of 1 MiB there, if this user may. */
function mountSmall(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'whippet-test', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const probe = mkdtempSync(path.join(tmpdir(), 'whippet-mount-'));
const canMount = mountSmall(probe);
if (canMount) execFileSync('umount', [probe]);
rmSync(probe, { recursive: true });

const answers = (name: string): boolean => spawnSync(name, ['-V']).status === 0;
const canFreeze = canMount && existsSync('/dev/loop-control') && answers('mkfs.ext4') && answers('fsfreeze');

/** A disk that can be made to hang: a file system in a file, if this user may mount one and freeze it. */
function mountFreezable(t: ExecutionContext): { folder: string; freeze(): void; thaw(): void } {
  const place = folderOf(t);
  const [image, folder] = [path.join(place, 'image'), path.join(place, 'disk')];
  mkdirSync(folder);
  const command = (name: string, ...args: string[]) =>
    void execFileSync(name, args, { stdio: 'ignore', timeout: 20_000 });
  writeFileSync(image, Buffer.alloc(16 * 1024 * 1024));
  command('mkfs.ext4', '-q', image);
  command('mount', '-o', 'loop', image, folder);
  let isFrozen = false;
  const freeze = (): void => {
    command('fsfreeze', '-f', folder);
    isFrozen = true;
  };
  const thaw = (): void => {
    if (isFrozen) command('fsfreeze', '-u', folder);
    isFrozen = false;
  };
  t.teardown(() => {
    thaw();
    command('umount', folder);
  });
  return { folder, freeze, thaw };
}

testWhere(canFreeze, 'no disk can be mounted and frozen here')(
  'a disk that hangs holds up its own downloads, and no other request; they end when it comes back',
  async (t) => {
    t.timeout(60_000);
    const disk = mountFreezable(t);
    const server = await serveContent(t, () => Infinity);
    // By its name, so that the resolver needs a thread as well.
    const url = server.url.replace('127.0.0.1', 'localhost');
    const client = openClient(t, { timeout: { read: null } });
    disk.freeze();
    const count = 6;
    const files = Array.from({ length: count }, (_, index) => path.join(disk.folder, String(index)));
    const stop = new AbortController();
    const downloads = files.map((file, index) =>
      client.download(url, file, index === 0 ? { signal: stop.signal } : {}).then(
        () => 'done',
        (error: Error) => error.name,
      ),
    );
    for (let i = 0; i < 20; i++) {
      const other = openClient(t);
      t.is((await other.get(url)).content.length, content.length);
    }
    t.is(await Promise.race([...downloads, 'none']), 'none');
    // An abort waits for what is being written: the part may not change once the promise is settled.
    stop.abort();
    disk.thaw();
    t.deepEqual(await Promise.all(downloads), ['AbortError', ...Array.from({ length: count - 1 }, () => 'done')]);
    for (const file of files.slice(1)) t.true(readFileSync(file).equals(content));
  },
);

testWhere(canMount, 'a tmpfs cannot be mounted here')('a disk that is full (ENOSPC), and has room again', async (t) => {
  const folder = path.join(folderOf(t), 'small');
  mkdirSync(folder);
  t.true(mountSmall(folder));
  t.teardown(() => execFileSync('umount', [folder]));
  const server = await serveContent(t, () => Infinity);
  const args = { url: server.url, file: path.join(folder, 'file.bin'), sha256: sha256(content), resume: true };
  const { stdout, stderr } = await start(t, report, args).ended;
  t.is(stdout, 'FileError ENOSPC true\n', stderr);
  t.deepEqual(
    namesIn(folder).filter((name) => name === 'file.bin'),
    [],
  );
  execFileSync('mount', ['-o', 'remount,size=8m', folder]);
  const again = await start(t, download, args).ended;
  t.is(again.code, 0, again.stderr);
  t.is(sha256(readFileSync(args.file)), sha256(content));
  t.true((JSON.parse(again.stdout) as { resumedFrom: number }).resumedFrom > 0);
  t.deepEqual(namesIn(folder), ['file.bin']);
});
