import test, { type ExecutionContext } from 'ava';
import { Agent, get as httpGet, request as httpRequest, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { refusedOrigin, serve, serveRaw, serveTls } from './helpers/server.js';
import { expired, makeCA, notYetValid, selfSigned, testCA, type Identity } from './helpers/tls.js';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('serve: requests are seen and connections counted', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.url));
  const agent = keepAliveAgent(t);
  t.is(await text(await get(`${server.origin}/a?b`, agent)), '/a?b');
  t.is(await text(await get(`${server.url}c`, agent)), '/c');
  t.is(server.connections(), 1);
  t.is(server.openConnections(), 1);
  t.deepEqual(
    server.requests.map(({ method, target, connection }) => [method, target, connection]),
    [
      ['GET', '/a?b', 1],
      ['GET', '/c', 1],
    ],
  );
});

test('serve: a handler may wait, and need not answer', async (t) => {
  const server = await serve(t, () => new Promise(() => {}));
  const request = httpGet(server.url);
  request.on('error', () => {});
  await new Promise((resolve) => server.server.once('request', resolve));
  t.is(server.requests.length, 1); // and the teardown ends the socket
});

test('serveTls: the default identity is trusted with the CA of the process', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('secret'));
  const { cert } = await testCA();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpsGet(server.url, { ca: cert }, resolve).on('error', reject);
  });
  t.is(await text(response), 'secret');
  t.is(server.requests[0]?.connection, 1);
  t.true(server.origin.startsWith('https://127.0.0.1:'));
});

test('refusedOrigin: connections are refused', async (t) => {
  const error = await t.throwsAsync<NodeJS.ErrnoException>(get(await refusedOrigin()));
  t.is(error?.code, 'ECONNREFUSED');
});

test('serveRaw: one string answers every request of every connection', async (t) => {
  const server = await serveRaw(t, ok);
  const agent = keepAliveAgent(t);
  t.is(await text(await get(server.url, agent)), 'ok');
  t.is(await text(await get(server.url, agent)), 'ok');
  t.is(server.connections(), 1);
  t.is(server.received[0]?.match(/GET \/ HTTP\/1\.1\r\n/g)?.length, 2);
});

test('serveRaw: strings answer one request each, then the connection is closed', async (t) => {
  const server = await serveRaw(t, [ok, ok.replaceAll('ok', 'no')]);
  const agent = keepAliveAgent(t);
  t.is(await text(await get(server.url, agent)), 'ok');
  t.is(await text(await get(server.url, agent)), 'no');
  const error = await t.throwsAsync<NodeJS.ErrnoException>(get(server.url, agent));
  t.is(error?.code, 'ECONNRESET');
});

test('serveRaw: an answer that the end of the connection delimits', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\n\r\nuntil the end', { end: true });
  t.is(await text(await get(server.url)), 'until the end');
});

test('serveRaw: the answer waits for the whole body, by length and chunked', async (t) => {
  const server = await serveRaw(t, ok);
  const byLength = await open(t, server.port);
  byLength.write('POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab');
  t.is(await Promise.race([next(byLength), settled('nothing yet')]), 'nothing yet');
  byLength.write('cd');
  t.is(await next(byLength), ok);

  const chunked = await open(t, server.port);
  chunked.write('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n');
  t.is(await Promise.race([next(chunked), settled('nothing yet')]), 'nothing yet');
  chunked.write('\r\n');
  t.is(await next(chunked), ok);
  t.is(server.received[0], 'POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd');
});

test('serveRaw: a function reads and writes by hand', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    t.is(await connection.head(), 'POST /up HTTP/1.1\r\nContent-Length: 6\r\n\r\n');
    t.is(await connection.body(2), 'ab');
    await connection.write('HTTP/1.1 100 Continue\r\n\r\n');
    t.is(await connection.body(4), 'cdef');
    connection.end(ok);
  });
  const socket = await open(t, server.port);
  socket.write('POST /up HTTP/1.1\r\nContent-Length: 6\r\n\r\nab');
  t.is(await next(socket), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('cdef');
  t.is(await next(socket), ok);
});

test('serveRaw: a function sees the client leave', async (t) => {
  let left: (rest: string) => void;
  const rest = new Promise<string>((resolve) => (left = resolve));
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    left(await connection.rest());
    await connection.closed;
  });
  const socket = await open(t, server.port);
  socket.end('GET / HTTP/1.1\r\n\r\nand more');
  t.is(await rest, 'and more');
});

test('serveRaw: a reset is a reset', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.head();
    connection.reset();
  });
  const error = await t.throwsAsync<NodeJS.ErrnoException>(get(server.url));
  t.is(error?.code, 'ECONNRESET');
});

test('serveRaw: speaks TLS when it is given an identity', async (t) => {
  const ca = await testCA();
  const server = await serveRaw(t, ok, { tls: await ca.issue() });
  const socket = tlsConnect({ port: server.port, host: '127.0.0.1', ca: ca.cert });
  socket.write('GET / HTTP/1.1\r\n\r\n');
  t.is(await next(socket), ok);
  socket.destroy();
});

test('a mistake in a handler or a script fails the test that it belongs to', async (t) => {
  const teardowns: (() => unknown)[] = [];
  const inner = { teardown: (fn: () => unknown) => teardowns.push(fn) } as unknown as ExecutionContext;
  for (const server of [await serve(inner, throwing), await serveRaw(inner, throwing)]) {
    await t.throwsAsync(get(server.url));
  }
  t.is(teardowns.length, 2);
  for (const teardown of teardowns) await t.throwsAsync(async () => teardown(), { message: 'mistake' });
});

const identities: [name: string, make: () => Promise<{ identity: Identity; trusted: string }>, error: string | null][] =
  [
    ['issued', async () => issued({}), null],
    ['issued to another host', async () => issued({ dnsNames: ['elsewhere.test'] }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', async () => issued(expired), 'CERT_HAS_EXPIRED'],
    ['not yet valid', async () => issued(notYetValid), 'CERT_NOT_YET_VALID'],
    ['issued by an unknown authority', unknownIssuer, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['self-signed', selfSignedAlone, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['issued by an intermediate', throughIntermediate, null],
  ];

for (const [name, make, expected] of identities) {
  test(`a certificate ${name}: ${expected ?? 'accepted'}`, async (t) => {
    const { identity, trusted } = await make();
    const server = await serveTls(t, (_, response) => response.end(), { cert: identity.chain, key: identity.key });
    const outcome = await new Promise((resolve) => {
      const request = httpsGet(`https://localhost:${server.port}/`, { ca: trusted, family: 4 }, (response) => {
        response.resume();
        resolve(null);
      });
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    t.is(outcome, expected);
  });
}

test('the CA of the process is one', async (t) => {
  t.is(await testCA(), await testCA());
  t.not((await makeCA()).cert, (await testCA()).cert);
});

function throwing(): never {
  throw new Error('mistake');
}

async function issued(options: object): Promise<{ identity: Identity; trusted: string }> {
  const ca = await testCA();
  return { identity: await ca.issue(options), trusted: ca.cert };
}

async function unknownIssuer(): Promise<{ identity: Identity; trusted: string }> {
  const other = await makeCA('CN=Another CA');
  return { identity: await other.issue(), trusted: (await testCA()).cert };
}

async function selfSignedAlone(): Promise<{ identity: Identity; trusted: string }> {
  return { identity: await selfSigned(), trusted: (await testCA()).cert };
}

async function throughIntermediate(): Promise<{ identity: Identity; trusted: string }> {
  const ca = await testCA();
  const lower = await ca.intermediate();
  return { identity: await lower.issue(), trusted: ca.cert };
}

function keepAliveAgent(t: ExecutionContext): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  return agent;
}

async function get(url: string, agent?: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent }, resolve).on('error', reject).end();
  });
}

async function text(response: IncomingMessage): Promise<string> {
  return Buffer.concat(await response.toArray()).toString();
}

async function open(t: ExecutionContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
}

/** What comes next on a socket, which must come in one piece. */
async function next(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1'))));
}

/** Resolves after whatever was sent on the loopback has had its turn. */
async function settled<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, 50, value));
}
