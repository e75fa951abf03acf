/** Who gets which connection, and how long one is kept. */
import test, { type ExecutionContext } from 'ava';
import type { Client } from '../../src/index.js';
import { eventually, openClient, told } from '../helpers/client.js';
import { OK, serve, serveRaw, type RawConnection } from '../helpers/server.js';

const EMPTY = '<Pool 0 active, 0 queued | 0 idle>';
const ONE_IDLE = '<Pool 0 active, 0 queued | 1 idle>';

// ── reuse ──

test('requests one after the other share a connection', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  t.is(String(client.pool), EMPTY);
  for (let i = 0; i < 5; i++) t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 1);
  t.is(String(client.pool), ONE_IDLE);
});

test('requests at once have a connection each, which are all kept', async (t) => {
  const gate = new Gate();
  const server = await serveRaw(t, gate.script);
  const client = openClient(t);
  const sent = [client.get(server.url), client.get(server.url), client.get(server.url)];
  await gate.waiting(3);
  t.is(String(client.pool), '<Pool 3 active, 0 queued | 0 idle>');
  gate.openAll();
  await Promise.all(sent);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 3 idle>');
  t.deepEqual({ ...client.pool }, { active: 0, idle: 3, queued: 0 });
});

test('clients do not share connections', async (t) => {
  const server = await serveRaw(t, OK);
  await openClient(t).get(server.url);
  await openClient(t).get(server.url);
  t.is(server.connections(), 2);
});

test('localhost and 127.0.0.1 are two origins', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(told(await client.get(server.url.replace('127.0.0.1', 'localhost'))), '200 ok');
  t.is(server.connections(), 2);
});

const ENDS: [title: string, answer: string, headers: Record<string, string>, kept: boolean][] = [
  [
    'Connection: close in the response',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    {},
    false,
  ],
  ['Connection: Foo, CLOSE', 'HTTP/1.1 200 OK\r\nConnection: Foo, CLOSE\r\nContent-Length: 2\r\n\r\nok', {}, false],
  ['Connection: close in the request', OK, { Connection: 'close' }, false],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', {}, false],
  ['HTTP/1.0 with keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok', {}, true],
  ['Keep-Alive: timeout=0', `HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok`, {}, false],
  [
    'Keep-Alive: timeout=1 (a second to spare)',
    `HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok`,
    {},
    false,
  ],
  [
    'Keep-Alive: timeout=60, max=100',
    `HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60, max=100\r\nContent-Length: 2\r\n\r\nok`,
    {},
    true,
  ],
  ['a Keep-Alive that is none', `HTTP/1.1 200 OK\r\nKeep-Alive: timeout=soon\r\nContent-Length: 2\r\n\r\nok`, {}, true],
];

for (const [title, answer, headers, kept] of ENDS) {
  test(`${kept ? 'kept' : 'not kept'}: ${title}`, async (t) => {
    const server = await serveRaw(t, answer);
    const client = openClient(t);
    const response = await client.get(server.url, { headers });
    t.is(told(response), '200 ok');
    t.is(response.httpVersion, answer.slice(0, 8) as 'HTTP/1.1');
    t.is(String(client.pool), kept ? ONE_IDLE : EMPTY);
    await client.get(server.url, { headers });
    t.is(server.connections(), kept ? 1 : 2);
    if (!kept) await eventually('the connections are closed', () => server.openConnections() === 0);
  });
}

test('a streamed response gives its connection back at its end, and closes it before', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t);
  const read = await client.stream('GET', server.url);
  await read.read();
  t.is(String(client.pool), ONE_IDLE);
  {
    await using left = await client.stream('GET', server.url);
    t.false(left.isClosed);
  }
  await eventually('the connection is given up', () => client.pool.active === 0);
  t.is(told(await client.get(server.url)), '200 ok');
});

// ── limits ──

test('maxConnections: the rest waits, first come first served, over all origins', async (t) => {
  const order: string[] = [];
  const script = async (connection: RawConnection) => {
    for (;;) {
      const { head } = await connection.request();
      order.push(head.split(' ')[1]);
      await connection.write(OK);
    }
  };
  const [a, b] = [await serveRaw(t, script), await serveRaw(t, script)];
  const client = openClient(t, { poolLimits: { maxConnections: 1 } });
  const first = await client.stream('GET', `${a.origin}/0`);
  const rest = [`${b.origin}/1`, `${a.origin}/2`, `${b.origin}/3`, `${b.origin}/4`, `${a.origin}/5`].map((url) =>
    client.get(url),
  );
  await eventually('five are queued', () => client.pool.queued === 5);
  t.is(String(client.pool), '<Pool 1 active, 5 queued | 0 idle>');
  await first.read();
  await Promise.all(rest);
  t.deepEqual(order, ['/0', '/1', '/2', '/3', '/4', '/5']);
  t.is(String(client.pool), ONE_IDLE);
});

test('maxConnections: thousands of origins in the queue cost little', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers.host?.split('.')[0]));
  const names = Array.from({ length: 3_000 }, (_, i) => `h${i}`);
  const resolve = Object.fromEntries(names.map((name) => [`${name}.test`, '127.0.0.1']));
  const client = openClient(t, { resolve, timeout: null, poolLimits: { maxConnections: 20 } });
  const before = process.cpuUsage();
  const responses = await Promise.all(names.map((name) => client.get(`http://${name}.test:${server.port}`)));
  const { user } = process.cpuUsage(before);
  t.deepEqual(
    responses.map((response) => response.text),
    names,
  );
  // When each that was served had all of them looked through it was ten seconds.
  t.true(user < 5_000_000, `${user} µs`);
});

test('maxConnectionsPerOrigin: one origin’s queue does not hold up the others', async (t) => {
  const gate = new Gate();
  const [a, b] = [await serveRaw(t, gate.script), await serveRaw(t, OK)];
  const client = openClient(t, { poolLimits: { maxConnectionsPerOrigin: 1 } });
  const waiting = [client.get(a.url), client.get(a.url)];
  await gate.waiting(1);
  t.is(told(await client.get(b.url)), '200 ok');
  t.is(String(client.pool), '<Pool 1 active, 1 queued | 1 idle>');
  gate.openAll();
  await Promise.all(waiting);
  t.is(a.connections(), 1);
});

test('an idle connection of another origin makes room: the one idle for longest', async (t) => {
  const [a, b, c] = [await serveRaw(t, OK), await serveRaw(t, OK), await serveRaw(t, OK)];
  const client = openClient(t, { poolLimits: { maxConnections: 2 } });
  await client.get(a.url);
  await client.get(b.url);
  t.is(told(await client.get(c.url)), '200 ok');
  await eventually('the oldest is closed', () => a.openConnections() === 0);
  t.is(b.openConnections(), 1);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 2 idle>');
});

test('maxKeepaliveConnections counts idle connections only, and closes the one idle for longest', async (t) => {
  const gate = new Gate();
  const server = await serveRaw(t, gate.script);
  const client = openClient(t, { poolLimits: { maxKeepaliveConnections: 1 } });
  const sent = ['/1', '/2', '/3'].map((path) => client.get(server.origin + path));
  await gate.waiting(3);
  gate.open('/1');
  await sent[0];
  t.is(String(client.pool), '<Pool 2 active, 0 queued | 1 idle>');
  gate.open('/2');
  await sent[1];
  t.is(String(client.pool), '<Pool 1 active, 0 queued | 1 idle>');
  await eventually('the first is closed', () => server.openConnections() === 2);
  gate.open('/3');
  await sent[2];
  t.is(String(client.pool), ONE_IDLE);
});

test('maxKeepaliveConnections: 0 keeps none', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { poolLimits: { maxKeepaliveConnections: 0 } });
  await client.get(server.url);
  await client.get(server.url);
  t.is(server.connections(), 2);
  t.is(String(client.pool), EMPTY);
});

test('the connection used last is taken first', async (t) => {
  const gate = new Gate();
  const server = await serve(t, (request, response) => gate.pass(request.url ?? '', () => response.end()));
  const client = openClient(t);
  const sent = ['/1', '/2'].map((path) => client.get(server.origin + path));
  await gate.waiting(2);
  const connectionOf = (path: string) => server.requests.find(({ target }) => target === path)?.connection;
  gate.open('/2');
  await sent[1];
  gate.open('/1');
  await sent[0];
  gate.openAll();
  await client.get(`${server.origin}/3`);
  t.is(connectionOf('/3'), connectionOf('/1'));
});

// ── age ──

test('keepaliveExpiry: an idle connection is closed when its time is over', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { poolLimits: { keepaliveExpiry: 60 } });
  await client.get(server.url);
  await eventually('it is gone', () => client.pool.idle === 0);
  await eventually('the server sees it', () => server.openConnections() === 0);
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 2);
});

const EXPIRIES: [keepaliveExpiry: number | null, kept: boolean][] = [
  [0, false],
  [60_000, true],
  [null, true],
];

for (const [keepaliveExpiry, kept] of EXPIRIES) {
  test(`keepaliveExpiry: ${keepaliveExpiry} ${kept ? 'keeps' : 'does not keep'}`, async (t) => {
    const server = await serveRaw(t, OK);
    const client = openClient(t, { poolLimits: { keepaliveExpiry } });
    await client.get(server.url);
    await client.get(server.url);
    t.is(server.connections(), kept ? 1 : 2);
  });
}

// ── connections that die idle ──

for (const method of ['GET', 'POST']) {
  test(`an idle connection closed by the server is replaced without an error (${method})`, async (t) => {
    const { client, url, close } = await closing(t);
    t.is(told(await client.request(method, url)), '200 ok');
    close();
    await eventually('the pool knows', () => client.pool.idle === 0);
    t.is(told(await client.request(method, url)), '200 ok');
  });
}

test('a server that closes after each response without saying so: no request fails', async (t) => {
  const server = await serveRaw(t, OK, { end: true });
  const client = openClient(t);
  for (let i = 0; i < 300; i++) t.is((await client.get(server.url)).statusCode, 200);
});

test('a server restarted between two requests', async (t) => {
  const { client, url, close } = await closing(t, (connection) => connection.reset());
  t.is(told(await client.get(url)), '200 ok');
  close();
  t.is(told(await client.get(url)), '200 ok');
});

test('a connection that cannot be made leaves nothing behind', async (t) => {
  const client = openClient(t, { poolLimits: { maxConnections: 1 } });
  for (let i = 0; i < 3; i++) {
    await t.throwsAsync(client.get('http://127.0.0.1:1/'), { code: 'ECONNREFUSED' });
    t.is(String(client.pool), EMPTY);
  }
});

/** Answers each request, and closes all connections when told. */
async function closing(
  t: ExecutionContext,
  how: (connection: RawConnection) => void = (connection) => connection.end(),
): Promise<{ client: Client; url: string; close: () => void }> {
  const connections: RawConnection[] = [];
  const server = await serveRaw(t, async (connection) => {
    connections.push(connection);
    for (;;) {
      await connection.request();
      await connection.write(OK);
    }
  });
  return { client: openClient(t), url: server.url, close: () => connections.splice(0).forEach(how) };
}

/** Holds requests until their path is let through. */
class Gate {
  #waiting = new Map<string, (() => void)[]>();
  #open = false;

  readonly script = async (connection: RawConnection): Promise<void> => {
    for (;;) {
      const { head } = await connection.request();
      await new Promise<void>((resolve) => this.pass(head.split(' ')[1], resolve));
      await connection.write(OK);
    }
  };

  pass(path: string, go: () => void): void {
    if (this.#open) go();
    else this.#waiting.set(path, [...(this.#waiting.get(path) ?? []), go]);
  }

  async waiting(count: number): Promise<void> {
    await eventually(`${count} requests wait`, () => [...this.#waiting.values()].flat().length === count);
  }

  open(path: string): void {
    for (const go of this.#waiting.get(path) ?? []) go();
    this.#waiting.delete(path);
  }

  openAll(): void {
    this.#open = true;
    for (const path of this.#waiting.keys()) this.open(path);
  }
}
