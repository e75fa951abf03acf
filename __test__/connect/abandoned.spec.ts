/** A caller that gives up while its connection is being made: the next one finds what has been done so far. */
import test, { type ExecutionContext } from 'ava';
import { createSecureServer } from 'node:http2';
import { connect, createServer } from 'node:net';
import { type Client, type ClientOptions, ConnectTimeout } from '../../src/index.js';
import { eventually, failure, openClient, told } from '../helpers/client.js';
import { host, listen, type Listening } from '../helpers/listen.js';
import { serveSocks } from '../helpers/proxy.js';
import { testCA } from '../helpers/tls.js';

interface Gate extends Listening {
  /** Lets through what waits, and what comes from now on. */
  lift(): void;
}

/** Accepts connections to the port, and passes on nothing before it is lifted. */
async function gateTo(t: ExecutionContext, port: number): Promise<Gate> {
  let lift = (): void => {};
  const lifted = new Promise<void>((resolve) => (lift = resolve));
  const server = createServer((socket) => {
    // It is read all the while, as its end would not be seen otherwise.
    const waiting: Buffer[] = [];
    const onData = (chunk: Buffer): unknown => waiting.push(chunk);
    socket.on('data', onData);
    void lifted.then(() => {
      if (socket.destroyed) return;
      const onward = connect(port, host);
      onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.off('data', onData).on('close', () => onward.destroy());
      onward.write(Buffer.concat(waiting));
      socket.pipe(onward).pipe(socket);
    });
  });
  return { ...(await listen(t, server, 'https', [])), lift };
}

/** A server of both versions behind a gate. */
async function serveGated(t: ExecutionContext): Promise<Gate & { options: ClientOptions }> {
  const ca = await testCA();
  const server = createSecureServer({ ...(await ca.issue()), allowHTTP1: true }, (_, response) => response.end('ok'));
  server.on('sessionError', () => {});
  const { port } = await listen(t, server as never, 'https', []);
  return { ...(await gateTo(t, port)), options: { verify: ca.cert } };
}

/** Asks, and gives up when a connection has come. */
async function giveUp(t: ExecutionContext, client: Client, gate: Listening, comes = true): Promise<void> {
  const before = gate.connections();
  const aborter = new AbortController();
  const asked = failure(client.get(gate.url, { signal: aborter.signal }));
  if (comes) await eventually('a connection', () => gate.connections() > before);
  aborter.abort(new Error('enough'));
  t.is((await asked).message, 'enough');
}

const VERSIONS: [title: string, options: ClientOptions][] = [
  ['HTTP/1.1', { httpVersions: 'HTTP/1.1' }],
  ['HTTP/2', { httpVersions: 'HTTP/2' }],
  ['either', {}],
];

for (const [title, versions] of VERSIONS) {
  test(`the connection becomes idle, and the next caller finds it: ${title}`, async (t) => {
    const gate = await serveGated(t);
    const client = openClient(t, { ...gate.options, ...versions });
    await giveUp(t, client, gate);
    await eventually('no place is taken', () => client.pool.active === 0);
    gate.lift();
    await eventually('an idle connection', () => client.pool.idle === 1);
    t.is(told(await client.get(gate.url)), '200 ok');
    t.is(gate.connections(), 1);
  });
}

test('by the total timeout, too', async (t) => {
  const gate = await serveGated(t);
  const client = openClient(t, gate.options);
  await failure(client.get(gate.url, { timeout: { total: 50 } }));
  gate.lift();
  await eventually('an idle connection', () => client.pool.idle === 1);
  t.is(told(await client.get(gate.url)), '200 ok');
  t.is(gate.connections(), 1);
});

test('through a proxy', async (t) => {
  const gate = await serveGated(t);
  const proxy = await serveSocks(t);
  const client = openClient(t, { ...gate.options, proxies: `socks5://127.0.0.1:${proxy.port}` });
  await giveUp(t, client, gate);
  gate.lift();
  await eventually('an idle connection', () => client.pool.idle === 1);
  t.is(told(await client.get(gate.url)), '200 ok');
  t.is(proxy.asked.length, 1);
});

test('at most eight go on; the others are closed', async (t) => {
  const gate = await serveGated(t);
  const client = openClient(t, { ...gate.options, httpVersions: 'HTTP/1.1' });
  for (let i = 0; i < 12; i++) await giveUp(t, client, gate);
  await eventually('eight', () => gate.openConnections() === 8);
  await eventually('no place is taken', () => client.pool.active === 0);
  gate.lift();
  await eventually('eight idle connections', () => client.pool.idle === 8);
});

test('the connect timeout ends it', async (t) => {
  const gate = await serveGated(t);
  const client = openClient(t, { ...gate.options, timeout: { connect: 1_500 } });
  await giveUp(t, client, gate);
  await eventually('it is closed', () => gate.openConnections() === 0);
  t.true((await failure(client.get(gate.url))) instanceof ConnectTimeout);
  await eventually('that one, too', () => gate.openConnections() === 0);
});

test('close() ends it, and none goes on after it', async (t) => {
  const gate = await serveGated(t);
  const client = openClient(t, gate.options);
  await giveUp(t, client, gate);
  const aborter = new AbortController();
  const asked = failure(client.get(gate.url, { signal: aborter.signal }));
  await eventually('two', () => gate.openConnections() === 2);
  await client.close();
  await eventually('the one that is waited for', () => gate.openConnections() === 1);
  aborter.abort();
  await asked;
  await eventually('none', () => gate.openConnections() === 0);
});

test('pool.drain() ends it', async (t) => {
  const gate = await serveGated(t);
  const client = openClient(t, gate.options);
  await giveUp(t, client, gate);
  client.pool.drain();
  await eventually('none', () => gate.openConnections() === 0);
});

for (const poolLimits of [{ maxConnections: 2 }, { maxConnectionsPerOrigin: 2 }]) {
  test(`it gives way to requests: ${JSON.stringify(poolLimits)}`, async (t) => {
    const gate = await serveGated(t);
    const client = openClient(t, { ...gate.options, httpVersions: 'HTTP/1.1', poolLimits });
    await giveUp(t, client, gate);
    await giveUp(t, client, gate);
    t.is(gate.openConnections(), 2);
    const asked = [client.get(gate.url), client.get(gate.url)];
    await eventually('two more', () => gate.connections() === 4);
    await eventually('two in all', () => gate.openConnections() === 2);
    gate.lift();
    for (const response of await Promise.all(asked)) t.is(told(response), '200 ok');
    t.is(client.pool.idle, 2);
  });
}

test('a failure is no one’s', async (t) => {
  const gate = await serveGated(t);
  const client = openClient(t, { verify: (await testCA()).cert, resolve: { 'other.test': host } });
  const url = `https://other.test:${gate.port}/`;
  await giveUp(t, client, { ...gate, url });
  gate.lift();
  await eventually('the certificate is refused', () => gate.openConnections() === 0);
  t.is(client.pool.idle, 0);
  t.is(((await failure(client.get(url))) as Error & { code: string }).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
});
