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
import { onLinux, testWhere } from '../helpers/where.js';

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
  onLinux(`poolLimits: ${JSON.stringify(poolLimits)} on http, https, h2 and through a proxy`, async (t) => {
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

/** Runs in a network of its own, whose loopback carries no packet from a certain moment on. */
const HEAD = `
  const { createServer } = await import('node:http');
  const http2 = await import('node:http2');
  const { execFileSync } = await import('node:child_process');
  const listen = async (server) => {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return 'http://127.0.0.1:' + server.address().port + '/';
  };
  const cut = () => execFileSync(args.cut[0], args.cut.slice(1));
  const never = { read: null, write: null, pool: null, total: null, connect: 2000 };
  const open = (options) => new whippet.Client({ trustEnv: false, timeout: never, poolLimits: { tcpKeepalive: 1000, keepaliveExpiry: null }, ...options });
  const outcome = (call) => call.then((response) => response.statusCode ?? 'whole', (error) => error.name + ' ' + error.code);
`;

/** Nothing was on its way: the kernel's probes find it out. */
const VANISHED = `${HEAD}
  const answer = (request, response) => request.url === '/' ? response.end('ok') : response.write('half');
  const calls = [];
  const clients = [];
  for (const [httpVersions, server] of [['HTTP/1.1', createServer(answer)], ['HTTP/2', http2.createServer(answer)]]) {
    const url = await listen(server);
    const [waits, idles] = [open({ httpVersions }), open({ httpVersions })];
    const waiting = await waits.stream('GET', url + 'slow');
    await idles.get(url);
    if (idles.pool.idle !== 1) throw new Error('nothing is idle');
    clients.push(waits, idles);
    calls.push(() => waiting.read());
  }
  cut();
  console.log(...await Promise.all(calls.map((call) => outcome(call()))));
  while (clients.some(({ pool }) => pool.active + pool.idle > 0)) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log('nothing is open');
  process.exit(0);
`;

/** Something was, and is not acknowledged: the kernel sends it again for a quarter of an hour. */
const UNACKNOWLEDGED = `${HEAD}
  const answer = (request, response) => request.url === '/' ? response.end('ok') : request.on('data', () => request.pause());
  const url = await listen(createServer(answer));
  const http2Url = await listen(http2.createServer(answer));
  const endless = async function* () { for (;;) yield Buffer.alloc(65536); };
  const calls = [];
  const clients = [];
  for (const httpVersions of ['HTTP/1.1', 'HTTP/2']) {
    const where = httpVersions === 'HTTP/2' ? http2Url : url;
    const waits = open({ httpVersions });
    const uploads = open({ httpVersions });
    clients.push(waits, uploads);
    await waits.get(where);
    const sent = [];
    const uploading = uploads.post(where + 'upload', { content: endless(), onUploadProgress: (bytes) => sent.push(bytes) });
    uploading.catch(() => {});
    while (sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    calls.push([httpVersions + ' upload', () => uploading], [httpVersions + ' post', () => waits.post(where)]);
  }
  cut();
  const ended = await Promise.all(calls.map(async ([name, call]) => name + ': ' + await outcome(call())));
  for (const line of ended) console.log(line);
  console.log(clients.map(({ pool }) => pool.active + pool.idle).join(' '));
  process.exit(0);
`;

/** For twice as long as it takes to notice a peer that has gone. */
const STOPS_READING = `${HEAD}
  const requests = [];
  const url = await listen(createServer((request, response) => {
    requests.push(request.pause().on('end', () => response.end('ok')));
  }));
  const client = open();
  const content = Buffer.alloc(32 * 1024 * 1024);
  const upload = outcome(client.post(url, { content }));
  const silent = outcome(client.get(url));
  setTimeout(() => { for (const request of requests) request.resume(); }, 12_000);
  console.log(await upload, await silent);
  process.exit(0);
`;

const UP = 'ip link set lo up';
/** Packets are dropped without a word; where there is no tc, sending fails without one. */
const CUTS = ['tc qdisc add dev lo root blackhole', 'ip link set lo down'];
const cut =
  process.platform === 'linux'
    ? CUTS.find((command) => spawnSync('unshare', ['-r', '-n', 'sh', '-c', `${UP} && ${command}`]).status === 0)
    : undefined;

const VANISHING: [title: string, program: string, printed: string][] = [
  [
    'a peer that vanished ends what waits for it, and an idle connection to it',
    VANISHED,
    'ReadError ETIMEDOUT ReadError ETIMEDOUT\nnothing is open\n',
  ],
  [
    'a peer that vanished with something on its way to it ends what waits for it, over HTTP/1.1 and HTTP/2',
    UNACKNOWLEDGED,
    ['HTTP/1.1 upload', 'HTTP/1.1 post', 'HTTP/2 upload', 'HTTP/2 post']
      .map((call) => `${call}: ReadError ETIMEDOUT\n`)
      .join('') + '0 0 0 0\n',
  ],
  ['a peer that lives and stops reading is waited for', STOPS_READING, '200 200\n'],
];

for (const [title, program, printed] of VANISHING) {
  testWhere(cut !== undefined, 'packets cannot be dropped here')(title, async (t) => {
    const args = { cut: cut?.split(' ') };
    const code = withArgs(`import * as whippet from ${JSON.stringify(packageUrl)};\n${program}`, args);
    const script = ['-r', '-n', 'sh', '-c', `${UP} && exec "$@"`, 'sh'];
    const child = spawn('unshare', [...script, process.execPath, '--input-type=module', '-e', code], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const { stdout, stderr } = await watch(t, child).ended;
    t.is(stdout, printed, stderr);
  });
}

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
