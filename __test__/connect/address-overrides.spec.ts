/** socketPath, localAddress, resolve: how connections get to where the URL says. */
import test from 'ava';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { Client, type ClientOptions, ConnectError, get, HTTPDispatch } from '../../src/index.js';
import { eventually, failure, openClient, soon, told } from '../helpers/client.js';
import { OK, refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';
import { folderOf } from '../helpers/files.js';
import { onLinux, onUnix } from '../helpers/where.js';

// ── socketPath ──

onUnix('a unix socket serves every host, and the Host header is the URL’s', async (t) => {
  const socketPath = path.join(folderOf(t), 'app.sock');
  const server = await serveRaw(t, OK, { socketPath });
  const client = openClient(t, { socketPath });
  for (const url of ['http://example.org/a', 'http://example.org/b', 'http://nowhere.invalid:8080/c']) {
    t.is(told(await client.get(url)), '200 ok');
  }
  t.is(told(await client.post('http://example.org/', { content: 'x'.repeat(200_000) })), '200 ok');
  t.is(server.connections(), 2, 'one per origin, kept');
  t.regex(server.received[0], /^GET \/a HTTP\/1\.1\r\nHost: example\.org\r\n/);
  t.regex(server.received[1], /^GET \/c HTTP\/1\.1\r\nHost: nowhere\.invalid:8080\r\n/);
  t.is(client.pool.idle, 2);
});

onUnix('https over a unix socket: SNI and the verified name are the URL’s', async (t) => {
  const ca = await testCA();
  const socketPath = path.join(folderOf(t), 'tls.sock');
  const names: unknown[] = [];
  const identity = await ca.issue({ dnsNames: ['example.test'] });
  await serveRaw(
    t,
    async (connection) => {
      names.push((connection.socket as TLSSocket).servername);
      await connection.request();
      connection.end(OK);
    },
    { tls: identity, socketPath },
  );
  const client = openClient(t, { socketPath, verify: ca.cert });
  t.is(told(await client.get('https://example.test/')), '200 ok');
  const error = await failure(client.get('https://other.test/'));
  t.is((error as ConnectError).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  t.deepEqual(names, ['example.test']);
});

onUnix('a relative socket path means the folder in which the client was made', async (t) => {
  const socketPath = path.join(folderOf(t), 'app.sock');
  await serveRaw(t, OK, { socketPath });
  const relative = path.relative(process.cwd(), socketPath);
  t.is(told(await get('http://localhost/', { socketPath: relative })), '200 ok');
  t.is(told(await openClient(t, { dispatch: new HTTPDispatch({ socketPath: relative }) }).get('http://x/')), '200 ok');
});

onLinux('an abstract unix socket, by its name', async (t) => {
  const name = `\0whippet-${process.pid}-${Date.now()}`;
  const server = createServer((_, response) => void response.end('ok'));
  await new Promise<void>((resolve) => server.listen(name, resolve));
  t.teardown(() => void server.close());
  const client = openClient(t, { socketPath: name });
  t.is(told(await client.get('http://localhost/')), '200 ok');
  const none = (await failure(openClient(t, { socketPath: `${name}-none` }).get('http://h/'))) as ConnectError;
  t.is(none.code, 'ECONNREFUSED');
  for (const socketPath of ['\0', '\0a\0b', 'a\0']) {
    t.throws(() => new Client({ socketPath }), { instanceOf: TypeError, message: /^socketPath: '.*' is no path$/ });
  }
});

const NO_SOCKET: [title: string, make: (folder: string) => Promise<string>, codes: string[]][] = [
  ['that is missing', async (folder) => path.join(folder, 'missing.sock'), ['ENOENT']],
  ['in a file that is no folder', async (folder) => path.join(await file(folder), 'x.sock'), ['ENOTDIR']],
  ['that is a file', file, ['ECONNREFUSED', 'ENOTSOCK']],
  ['whose server has gone', stale, ['ECONNREFUSED']],
  ['that is a folder', async (folder) => folder, ['ECONNREFUSED', 'EACCES', 'ENOTSOCK']],
  ['whose path is too long', async (folder) => path.join(folder, 'x'.repeat(200)), ['ENAMETOOLONG']],
];

for (const [title, make, codes] of NO_SOCKET) {
  onUnix(`a unix socket ${title}`, async (t) => {
    const socketPath = await make(folderOf(t));
    const client = openClient(t, { socketPath });
    for (const scheme of ['http', 'https']) {
      const error = await failure(soon('an error', client.post(`${scheme}://localhost/`, { content: 'x' })));
      t.true(error instanceof ConnectError, String(error));
      t.true(codes.includes((error as ConnectError).code), (error as ConnectError).code);
      t.true(error.message.includes(socketPath), error.message);
    }
    t.is(client.pool.active, 0);
  });
}

onUnix('a dead idle connection over a unix socket is replaced', async (t) => {
  const socketPath = path.join(folderOf(t), 'app.sock');
  const server = await serveRaw(t, OK, { socketPath, end: true });
  const client = openClient(t, { socketPath });
  for (let i = 0; i < 3; i++) {
    t.is(told(await client.post('http://localhost/', { content: 'x' })), '200 ok');
    await eventually('the server has closed', () => server.openConnections() === 0);
  }
  t.is(server.connections(), 3);
});

onUnix('SEC-C6 what a unix socket’s server says unasked is not the next response', async (t) => {
  const socketPath = path.join(folderOf(t), 'app.sock');
  const server = await serveRaw(
    t,
    async (connection) => {
      await connection.request();
      await connection.write(OK + OK.replace('ok', 'no'));
      await connection.closed;
    },
    { socketPath },
  );
  const client = openClient(t, { socketPath });
  for (let i = 0; i < 3; i++) t.is(told(await client.get('http://localhost/')), '200 ok');
  t.is(server.connections(), 3);
});

// ── localAddress ──

test('connections start from the local address', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.socket.remoteAddress));
  // Linux has all of 127.0.0.0/8.
  for (const localAddress of process.platform === 'linux' ? ['127.0.0.1', '127.0.0.77'] : ['127.0.0.1']) {
    t.is(told(await openClient(t, { localAddress }).get(server.url)), `200 ${localAddress}`);
    // Of a name with addresses of both families, those of the other one are left out.
    t.is(told(await get(`http://localhost:${server.port}/`, { localAddress })), `200 ${localAddress}`);
  }
});

test('a local address that this machine does not have', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const error = await failure(openClient(t, { localAddress: '203.0.113.1' }).get(server.url));
  t.true(error instanceof ConnectError, String(error));
  t.is((error as ConnectError).code, 'EADDRNOTAVAIL');
  t.regex(error.message, /from 203\.0\.113\.1/);
  t.is(server.connections(), 0);
});

test('a local address of the other family', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const error = await failure(openClient(t, { localAddress: '::1' }).get(server.url));
  t.true(error instanceof ConnectError, String(error));
  t.is(server.connections(), 0);
});

// ── resolve ──

const RESOLVED: [key: string, url: string][] = [
  ['example.test', 'http://example.test:PORT/'],
  ['example.test:PORT', 'http://example.test:PORT/'],
  ['EXAMPLE.test', 'http://example.TEST:PORT/'],
  ['example.test', 'http://example.test.:PORT/'],
  ['example.test.', 'http://example.test:PORT/'],
  ['bücher.test', 'http://xn--bcher-kva.test:PORT/'],
  ['xn--bcher-kva.test:PORT', 'http://bücher.test:PORT/'],
  ['203.0.113.1', 'http://203.0.113.1:PORT/'],
  ['[2001:db8::1]:PORT', 'http://[2001:db8::1]:PORT/'],
  ['[2001:db8::1]', 'http://[2001:DB8:0::1]:PORT/'],
  ['2001:db8::1', 'http://[2001:db8::1]:PORT/'],
];

for (const [key, url] of RESOLVED) {
  test(`resolve: ${key} for ${url}`, async (t) => {
    const server = await serve(t, (request, response) => response.end(request.headers.host));
    const withPort = (text: string): string => text.replace('PORT', String(server.port));
    const client = openClient(t, { resolve: { [withPort(key)]: '127.0.0.1' } });
    const response = await client.get(withPort(url));
    t.is(response.statusCode, 200);
    t.is(response.text, response.url.netloc);
  });
}

test('resolve: a port of its own goes first; another port and another name are DNS’s', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const resolve = { 'a.invalid': '127.0.0.9', [`a.invalid:${server.port}`]: '127.0.0.1', 'b.invalid:1': '127.0.0.1' };
  const client = openClient(t, { resolve });
  t.is(told(await client.get(`http://a.invalid:${server.port}/`)), '200 ok');
  for (const host of ['b.invalid', 'www.a.invalid']) {
    const error = await failure(client.get(`http://${host}:${server.port}/`));
    t.is((error as ConnectError).code, 'ENOTFOUND', host);
  }
});

test('resolve: all below a name; the nearest counts, and the name itself first', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const { port } = server;
  const resolve = { '*.test': '127.0.0.1', '*.far.test': '127.0.0.9', 'near.far.test': '127.0.0.1', [`*.far.test:${port + 1}`]: '127.0.0.1' }; // prettier-ignore
  const client = openClient(t, { resolve, timeout: { connect: 2000 } });
  for (const host of ['a.test', 'a.b.test', 'A.TEST', 'a.test.', 'near.far.test']) {
    t.is(told(await client.get(`http://${host}:${port}/`)), '200 ok', host);
  }
  for (const host of ['a.far.test', 'test', 'atest', 'a.test.invalid']) {
    t.true((await failure(client.get(`http://${host}:${port}/`))) instanceof ConnectError, host);
  }
});

test('resolve: SNI and the verified name stay the URL’s; an address in brackets', async (t) => {
  const ca = await testCA();
  const server = await serveTls(
    t,
    (request, response) => response.end(String((request.socket as TLSSocket).servername)),
    await ca.issue({ dnsNames: ['example.test'] }),
  );
  const resolve: Record<string, string> = { 'example.test': '127.0.0.1', 'other.test': '127.0.0.1' };
  const client = openClient(t, { verify: ca.cert, resolve });
  t.is(told(await client.get(`https://example.test:${server.port}/`)), '200 example.test');
  const error = await failure(client.get(`https://other.test:${server.port}/`));
  t.is((error as ConnectError).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  // The client has a copy of its own.
  delete resolve['example.test'];
  t.is(told(await client.get(`https://example.test:${server.port}/again`)), '200 example.test');
  const sixth = openClient(t, { resolve: { 'six.invalid': '[::1]' } });
  const refused = await failure(sixth.get(`${(await refusedOrigin()).replace('127.0.0.1', 'six.invalid')}/`));
  t.not((refused as ConnectError).code, 'ENOTFOUND');
});

// ── what is wrong ──

const BAD: [options: Record<string, unknown>, message: RegExp][] = [
  [{ socketPath: 42 }, /^socketPath: expected a path, got number$/],
  [{ socketPath: '' }, /^socketPath: '' is no path$/],
  [{ socketPath: 'a\0b' }, /^socketPath: 'a\\u\{0\}b' is no path$/],
  [{ localAddress: 'localhost' }, /^localAddress: expected an IP address, got 'localhost'$/],
  [{ localAddress: '127.0.0.1:80' }, /^localAddress: expected an IP address, got '127\.0\.0\.1:80'$/],
  [{ localAddress: '127.1' }, /^localAddress: expected an IP address, got '127\.1'$/],
  [{ localAddress: 1 }, /^localAddress: expected an IP address, got number$/],
  [{ localAddress: 'fe80::1%lo' }, /^localAddress: expected an IP address, got 'fe80::1%lo'$/],
  [{ resolve: 'a=b' }, /^resolve: expected an object, got string$/],
  [{ resolve: [['a', '127.0.0.1']] }, /^resolve: expected an object, got Array$/],
  [{ resolve: new Map([['a', '127.0.0.1']]) }, /^resolve: expected an object of names and values, got Map$/],
  [{ resolve: { a: 'localhost' } }, /^resolve\['a'\]: expected an IP address, got 'localhost'$/],
  [{ resolve: { a: '127.0.0.1:80' } }, /^resolve\['a'\]: expected an IP address, got '127\.0\.0\.1:80'$/],
  [{ resolve: { a: 7 } }, /^resolve\['a'\]: expected an IP address, got number$/],
  [{ resolve: { a: null } }, /^resolve\['a'\]: expected an IP address, got null$/],
  [{ resolve: { '': '127.0.0.1' } }, /^resolve: expected host or host:port, got ''$/],
  [{ resolve: { 'a b': '127.0.0.1' } }, /^resolve: expected host or host:port, got 'a b'$/],
  [{ resolve: { 'a:b': '127.0.0.1' } }, /^resolve: expected host or host:port, got 'a:b'$/],
  [{ resolve: { 'a:70000': '127.0.0.1' } }, /^resolve: expected host or host:port, got 'a:70000'$/],
  [{ resolve: { 'http://a': '127.0.0.1' } }, /^resolve: expected host or host:port, got 'http:\/\/a'$/],
  [{ resolve: { '[::1': '127.0.0.1' } }, /^resolve: expected host or host:port, got '\[::1'$/],
  [{ resolve: { '*': '127.0.0.1' } }, /^resolve: expected host or host:port, got '\*'$/],
  ...['*.', 'a.*', '*a.test', '*.*.test', 'a*.test'].map((key): (typeof BAD)[0] => [
    { resolve: { [key]: '127.0.0.1' } },
    /^resolve: expected host or host:port, got '/,
  ]),
];

for (const [options, message] of BAD) {
  test(`refused: ${inspect(options)}`, (t) => {
    for (const make of [() => new Client(options as ClientOptions), () => new HTTPDispatch(options as ClientOptions)]) {
      t.throws(make, { instanceOf: TypeError, message });
    }
  });
}

test('null and undefined are off', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  for (const none of [null, undefined]) {
    const client = openClient(t, { socketPath: none, localAddress: none, resolve: none });
    t.is(told(await client.get(server.url)), '200 ok');
  }
});

async function file(folder: string): Promise<string> {
  const made = path.join(folder, 'file');
  await writeFile(made, '');
  return made;
}

/** The file of a socket without a listener: linked elsewhere, as Node removes its own. */
async function stale(folder: string): Promise<string> {
  const { link } = await import('node:fs/promises');
  const [first, second] = ['first.sock', 'second.sock'].map((name) => path.join(folder, name));
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(first, resolve));
  await link(first, second);
  await new Promise((resolve) => server.close(resolve));
  return second;
}
