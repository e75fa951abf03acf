/**
 * The servers that are asked: nginx where it is installed, the native origin for what nginx cannot do and where it is
 * not. Both serve the same bodies and certificates, from one temporary folder, on free loopback ports.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, start, withManyFiles } from './children.js';
import { nginxConfig } from './nginx-config.js';
import { rows } from './rows.js';
import { FILE_SIZES } from './sweeps.js';

const ROOT = join(import.meta.dirname, '..');
const STARTS_WITHIN = 10_000;

/** `choice`: 'nginx', 'native', or undefined for nginx if there is one. */
export async function startOrigins(choice) {
  const binary = await buildNative();
  const dir = mkdtempSync(join(tmpdir(), 'whippet-bench-'));
  // After the children's own 'exit' listener: they are gone when their folder goes.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const native = await startNative(binary, dir);
  const nginx = choice === 'native' ? null : await startNginx(dir, choice === 'nginx');
  const netrc = join(dir, 'netrc');
  writeFileSync(netrc, 'machine elsewhere.test login user password secret\ndefault login user password secret\n');
  writeFiles(dir);
  return { native, preferred: nginx ?? native, dir, caFile: join(dir, native.ca), netrc };
}

/** What nginx serves as `/bytes/N`, and uploads are read from. Their content does not matter: they are holes. */
function writeFiles(dir) {
  mkdirSync(join(dir, 'bytes'));
  const largest = rows.filter(({ work }) => work === 'transfer').map(({ bytes }) => bytes);
  for (const size of new Set([...FILE_SIZES, ...largest])) {
    const file = join(dir, 'bytes', String(size));
    writeFileSync(file, '');
    truncateSync(file, size);
  }
}

async function buildNative() {
  const args = ['build', '--release', '--package', 'whippet-bench-origin'];
  const child = start('cargo', args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`cargo ${args.join(' ')} failed`);
  return join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release', 'whippet-bench-origin');
}

async function startNative(binary, dir) {
  const child = start(...withManyFiles(binary, [dir]), { stdio: ['pipe', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), STARTS_WITHIN);
  let line = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    line += chunk;
    if (line.includes('\n')) break;
  }
  clearTimeout(timer);
  if (!line.includes('\n')) throw new Error('the native origin did not start');
  return { name: 'native', ...JSON.parse(line) };
}

async function startNginx(dir, demanded) {
  const giveUp = (why) => {
    if (demanded) throw new Error(why);
    if (why !== NOT_INSTALLED) console.error(`${why}\nGoing on with the native origin.`);
    return null;
  };
  if (spawnSync('nginx', ['-v']).status !== 0) return giveUp(NOT_INSTALLED);
  const [http, https, h2] = await freePorts(3);
  const small = readFileSync(join(dir, 'small'), 'utf8');
  writeFileSync(join(dir, 'nginx.conf'), nginxConfig({ dir, http, https, h2, small }));
  const args = ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')];
  const check = await run('nginx', [...args, '-t'], { timeout: STARTS_WITHIN });
  if (check.code !== 0) return giveUp(`nginx refuses its configuration:\n${check.stderr}`);

  // nginx does not watch its standard input. A shell does that for it, so that it ends with us however we end (and
  // not with `start`, which would kill the shell alone).
  const script = `trap '' INT; nginx "$@" & cat >/dev/null; kill $!`;
  const child = spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['pipe', 'inherit', 'inherit'] });
  if (await listens(http)) return { name: 'nginx', http, https, h2 };
  child.stdin.end();
  return giveUp('nginx did not start');
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  return servers.map((server) => {
    const { port } = server.address();
    server.close();
    return port;
  });
}

async function listens(port) {
  for (const end = performance.now() + STARTS_WITHIN; performance.now() < end; await sleep(20)) {
    const socket = net.connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return true;
  }
  return false;
}

const NOT_INSTALLED = 'nginx is not installed';
