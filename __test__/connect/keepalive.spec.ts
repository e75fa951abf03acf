/** poolLimits.tcpKeepalive and maxAge: how long a connection is trusted. */
import test from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { ClientOptions, Response } from '../../src/index.js';
import { packageUrl, watch, withArgs } from '../helpers/child.js';
import { eventually, openClient, told } from '../helpers/client.js';
import { serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

const linuxTest = process.platform === 'linux' ? test : test.skip;

// ── tcpKeepalive ──

/** Seconds until the probe of this process's connection to the port; null when no keepalive timer runs (proc(5)). */
function probeIn(port: number): number | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const line = readFileSync('/proc/self/net/tcp', 'latin1')
    .split('\n')
    .find((text) => {
      const [, , remote, state] = text.trim().split(/\s+/);
      return remote?.endsWith(`:${hex}`) && state === '01';
    });
  if (line === undefined) throw new Error(`no connection to ${port}`);
  const [kind, when] = (line.trim().split(/\s+/)[5] ?? '').split(':');
  return kind === '02' ? Number.parseInt(when ?? '', 16) / 100 : null;
}

const KEEPALIVE: [poolLimits: ClientOptions['poolLimits'], seconds: number | null][] = [
  [{}, 60],
  [{ tcpKeepalive: 5000 }, 5],
  [{ tcpKeepalive: 1500 }, 2],
  [{ tcpKeepalive: 2 ** 31 - 1 }, 32_767],
  [{ tcpKeepalive: null }, null],
];

for (const [poolLimits, seconds] of KEEPALIVE) {
  linuxTest(`poolLimits: ${JSON.stringify(poolLimits)} on http, https, h2 and through a proxy`, async (t) => {
    const { cert: verify } = await testCA();
    const plain = await serve(t, (_, response) => response.end('ok'));
    const secure = await serveTls(t, (_, response) => response.end('ok'));
    const h2 = createSecureServer(await (await testCA()).issue(), (_, response) => void response.end('ok'));
    await new Promise<void>((resolve) => h2.listen(0, '127.0.0.1', resolve));
    t.teardown(() => void h2.close());
    const h2Port = (h2.address() as AddressInfo).port;
    const direct = openClient(t, { verify, poolLimits });
    const proxied = openClient(t, { poolLimits, proxies: `http://127.0.0.1:${plain.port}` });
    const visits: [string, number, Promise<Response>][] = [
      ['http', plain.port, direct.get(plain.url)],
      ['https', secure.port, direct.get(secure.url)],
      ['h2', h2Port, direct.get(`https://127.0.0.1:${h2Port}/`)],
    ];
    const check = (what: string, port: number) => {
      const found = probeIn(port);
      if (seconds === null) t.is(found, null, what);
      else t.true(found !== null && found <= seconds + 0.5 && found > seconds / 2 - 1, `${what}: ${found}`);
    };
    for (const [what, port, visit] of visits) {
      t.is(told(await visit), '200 ok', what);
      check(what, port);
    }
    await direct.close();
    t.is(told(await proxied.get('http://elsewhere.test/')), '200 ok');
    check('proxy', plain.port);
    await proxied.close();
  });
}

/** In a network of its own, whose loopback carries no packet from a certain moment on. */
const VANISHED = `
  const { createServer } = await import('node:http');
  const { execFileSync } = await import('node:child_process');
  const server = createServer((request, response) => request.url === '/' ? response.end('ok') : response.write('half'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = 'http://127.0.0.1:' + server.address().port + '/';
  const limits = { tcpKeepalive: 1000, keepaliveExpiry: null };
  const client = new whippet.Client({ trustEnv: false, timeout: { read: null, connect: 5000 }, poolLimits: limits });
  const waiting = await client.stream('GET', url + 'slow');
  await client.get(url);
  if (client.pool.idle !== 1) throw new Error('nothing is idle');
  execFileSync('ip', ['link', 'set', 'lo', 'down']);
  const ended = await waiting.read().then(() => 'whole', (error) => error.name + ' ' + error.code);
  while (client.pool.idle > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(ended, 'and nothing idle');
  process.exit(0);
`;

const LOSES = 'ip link set lo up && ip link set lo down';
const canLose = process.platform === 'linux' && spawnSync('unshare', ['-r', '-n', 'sh', '-c', LOSES]).status === 0;

(canLose ? test : test.skip)('a peer that vanished ends what waits for it, and an idle connection to it', async (t) => {
  const code = `import * as whippet from ${JSON.stringify(packageUrl)};\n${VANISHED}`;
  const script = ['-r', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
  const program = [process.execPath, '--input-type=module', '-e', withArgs(code, {})];
  const child = spawn('unshare', [...script, ...program], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 40_000,
    killSignal: 'SIGKILL',
  });
  const { stdout, stderr } = await watch(t, child).ended;
  t.is(stdout.trim(), 'ReadError ETIMEDOUT and nothing idle', stderr);
});

// ── maxAge ──

test('maxAge: a connection serves until then, and is closed', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const old = openClient(t, { poolLimits: { maxAge: 0.001, keepaliveExpiry: null } });
  for (let i = 0; i < 3; i++) t.is(told(await old.get(server.url)), '200 ok');
  t.is(server.connections(), 3);
  await eventually('none is kept', () => old.pool.idle === 0 && server.openConnections() === 0);
  const young = openClient(t, { poolLimits: { maxAge: 3_600_000 } });
  for (let i = 0; i < 3; i++) t.is(told(await young.get(server.url)), '200 ok');
  t.is(server.connections(), 4);
});

test('maxAge: an idle connection is closed when its time has come, whatever keepaliveExpiry is', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = openClient(t, { poolLimits: { maxAge: 300, keepaliveExpiry: null } });
  t.is(told(await client.get(server.url)), '200 ok');
  await eventually('it is closed', () => client.pool.idle === 0 && server.openConnections() === 0);
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 2);
});

test('maxAge: an exchange under way ends in peace', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha');
    await connection.request();
  });
  const client = openClient(t, { poolLimits: { maxAge: 0.001 } });
  const response = await client.stream('GET', server.url);
  t.is(response.statusCode, 200);
  t.is(client.pool.active, 1);
  await response.close();
});

test('maxAge: HTTP/2 takes no further stream, and those that run end in peace', async (t) => {
  const { cert: verify } = await testCA();
  const sessions: unknown[] = [];
  const held: (() => void)[] = [];
  const server = createSecureServer(await (await testCA()).issue(), (request, response) => {
    if (request.url === '/held') held.push(() => void response.end('held'));
    else response.end('ok');
  });
  server.on('session', (session) => sessions.push(session));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const client = openClient(t, { verify, httpVersions: 'HTTP/2', poolLimits: { maxAge: 200 } });
  const first = client.get(`${url}held`);
  await eventually('it is under way', () => held.length === 1);
  const { established } = { established: Date.now() };
  await eventually('it is old', () => Date.now() - established > 250);
  t.is(told(await client.get(url)), '200 ok');
  t.is(sessions.length, 2);
  held[0]?.();
  t.is(told(await first), '200 held');
  await eventually('the old one is closed', () => client.pool.active + client.pool.idle <= 1);
  await client.close();
});
