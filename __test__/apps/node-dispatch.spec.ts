/** NodeDispatch: its options, what the app sees of its peer and its mount, and what is refused. */
import express from 'express';
import test from 'ava';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { LocalProtocolError, NodeDispatch, RemoteProtocolError, UnsupportedProtocol } from '../../src/index.js';
import { clientOf, nodeClient, url } from '../helpers/apps.js';
import { failure, reasonOf, told } from '../helpers/client.js';
import { randomFor } from '../helpers/random.js';

test('U31 hello world', async (t) => {
  const client = clientOf(t, (_req: IncomingMessage, res: ServerResponse) => res.end('Hello World!'));
  t.is(told(await client.get(url)), '200 Hello World!');
  t.is(client.pool.toString(), '<Pool 0 active, 0 queued | 0 idle>');
});

test('the messages are Node’s own', async (t) => {
  const client = nodeClient(t, (req, res) => {
    const real = [req instanceof IncomingMessage, res instanceof ServerResponse, req.socket instanceof Socket];
    res.end(JSON.stringify([...real, res.req === req, req.socket === res.socket, req.connection === req.socket]));
  });
  t.deepEqual((await client.get(url)).json(), [true, true, true, true, true, true]);
});

test('U5 the five defaults in order, U11 the request-target as it stands', async (t) => {
  const client = nodeClient(t, (req, res) =>
    res.end(JSON.stringify([req.url, Object.keys(req.headers), req.headers.host])),
  );
  const response = await client.get('http://ex.com:81/a%20b/%C3%A9?x=%20y#part');
  const names = ['host', 'accept', 'accept-encoding', 'connection', 'user-agent'];
  t.deepEqual(response.json(), ['/a%20b/%C3%A9?x=%20y', names, 'ex.com:81']);
});

test('OPTIONS *', async (t) => {
  const client = nodeClient(t, (req, res) => res.end(`${req.method} ${req.url}`));
  const request = client.buildRequest('OPTIONS', url);
  request.url.fullPath = '*';
  t.is((await client.send(request)).text, 'OPTIONS *');
});

const PEERS: [url: string, remoteAddr: string | undefined, seen: unknown[]][] = [
  ['http://example/', undefined, ['127.0.0.1', 'IPv4', 123, 80, false]],
  ['https://example/', undefined, ['127.0.0.1', 'IPv4', 123, 443, true]],
  ['http://example:8000/', '1.2.3.4', ['1.2.3.4', 'IPv4', 123, 8000, false]],
  ['http://[::1]:81/', '2001:db8::1', ['2001:db8::1', 'IPv6', 123, 81, false]],
];

for (const [target, remoteAddr, seen] of PEERS) {
  test(`U21 the ends of the connection: ${target} from ${remoteAddr}`, async (t) => {
    const app = (req: IncomingMessage, res: ServerResponse) => {
      const { remoteAddress, remoteFamily, remotePort, localPort } = req.socket;
      const { encrypted } = req.socket as unknown as { encrypted: boolean };
      res.end(JSON.stringify([remoteAddress, remoteFamily, remotePort, localPort, encrypted]));
    };
    t.deepEqual((await nodeClient(t, app, { remoteAddr }).get(target)).json(), seen);
  });
}

const MOUNTS: [scriptName: string | undefined, target: string, url: string, express: string][] = [
  [undefined, '/a?b', '/a?b', '/a?b  /a?b /a'],
  ['', '/a', '/a', '/a  /a /a'],
  ['/', '/a', '/a', '/a  /a /a'],
  ['/sub', '/sub/a?b=c', '/a?b=c', '/a?b=c /sub /sub/a?b=c /a'],
  ['/sub/', '/sub/a', '/a', '/a /sub /sub/a /a'],
  ['/sub', '/sub', '/', '/ /sub /sub /'],
  ['/sub', '/sub/', '/', '/ /sub /sub/ /'],
  ['/sub', '/sub?x', '/?x', '/?x /sub /sub?x /'],
  ['/sub', '/SUB/a', '/a', '/a /sub /SUB/a /a'],
  ['/sub', '/subway', '/subway', '/subway /sub /subway /subway'],
  ['/sub', '/', '/', '/ /sub / /'],
  ['/a/b', '/a/b/c/d', '/c/d', '/c/d /a/b /a/b/c/d /c/d'],
];

for (const [scriptName, target, seen, seenByExpress] of MOUNTS) {
  test(`scriptName ${scriptName}: ${target}`, async (t) => {
    const plain = nodeClient(t, (req, res) => res.end(`${req.url} ${(req as { originalUrl?: string }).originalUrl}`), {
      scriptName,
    });
    const isMounted = scriptName !== undefined && scriptName !== '' && scriptName !== '/';
    t.is((await plain.get(`http://example${target}`)).text, `${seen} ${isMounted ? target : undefined}`);
    const app = express();
    app.use((req, res) => void res.send(`${req.url} ${req.baseUrl} ${req.originalUrl} ${req.path}`));
    const mounted = nodeClient(t, app, { scriptName });
    t.is((await mounted.get(`http://example${target}`)).text, seenByExpress);
  });
}

test('a mounted app sees what Express’s own mount shows it', async (t) => {
  const sub = express();
  sub.get('/x', (req, res) => void res.json([req.url, req.originalUrl, req.baseUrl, req.path]));
  const outer = express().use('/sub', sub);
  const target = 'http://example/sub/x?y=1';
  const byExpress = (await clientOf(t, outer).get(target)).json();
  t.deepEqual((await nodeClient(t, sub, { scriptName: '/sub' }).get(target)).json(), byExpress);
});

test('an http.Server: its listeners, its classes, its checkContinue', async (t) => {
  class OwnRequest extends IncomingMessage {
    own = 'own';
  }
  const server = createServer({ IncomingMessage: OwnRequest }, function (this: unknown, req, res) {
    res.end(`${(req as OwnRequest).own} ${this === server}`);
  });
  const client = clientOf(t, server);
  t.is((await client.get(url)).text, 'own true');
  const expecting = { content: 'body', headers: { expect: '100-continue' } };
  const statuses: number[] = [];
  await client.post(url, { ...expecting, onInformational: (status) => statuses.push(status) });
  t.deepEqual(statuses, [100]);
  server.on('checkContinue', (_req, res) => res.writeHead(417).end('not now'));
  t.is(told(await client.post(url, expecting)), '417 not now');
  t.false(server.listening);
});

test('an http.Server of two listeners, and of none', async (t) => {
  const server = createServer();
  const client = clientOf(t, server);
  const error = await failure(client.get(url));
  t.true(error instanceof RemoteProtocolError);
  t.regex(error.message, /without a 'request' listener/);
  server.on('request', (_req, res) => res.setHeader('x-first', '1'));
  server.on('request', (_req, res) => res.end('second'));
  const response = await client.get(url);
  t.is(response.headers.get('x-first'), '1');
  t.is(response.text, 'second');
});

const UPGRADES: Record<string, string>[] = [
  { connection: 'Upgrade', upgrade: 'websocket' },
  { Connection: 'keep-alive, Upgrade', Upgrade: 'WebSocket' },
  { upgrade: 'h2c, websocket' },
];

for (const headers of UPGRADES) {
  test(`a WebSocket is refused: ${JSON.stringify(headers)}`, async (t) => {
    const client = nodeClient(t, () => t.fail('not called'));
    const error = await failure(client.get(url, { headers }));
    t.true(error instanceof LocalProtocolError);
    t.regex(reasonOf(error), /^LocalProtocolError: Upgrade: .*WebSocket/);
  });
}

test('another Upgrade is the app’s to ignore, as a server’s', async (t) => {
  const client = nodeClient(t, (req, res) => res.end(req.headers.upgrade));
  t.is((await client.get(url, { headers: { upgrade: 'h2c' } })).text, 'h2c');
});

test('what is no http URL is refused', async (t) => {
  const client = nodeClient(t, () => t.fail('not called'));
  for (const target of ['ws://example/', '/relative', 'ftp://example/']) {
    t.true((await failure(client.get(target))) instanceof UnsupportedProtocol, target);
  }
});

const WRONG: [options: Record<string, unknown>, message: RegExp][] = [
  [{}, /^app: expected a \(req, res\) listener .* got undefined$/],
  [{ app: {} }, /^app: .* got Object$/],
  [{ app: { fetch() {} } }, /^app: expected a \(req, res\)/],
  [{ app() {}, scriptName: 'sub' }, /^scriptName: expected a path that begins with '\/'/],
  [{ app() {}, scriptName: '/a?b' }, /^scriptName: .*without query/],
  [{ app() {}, scriptName: 7 }, /^scriptName: expected a path, got number$/],
  [{ app() {}, remoteAddr: 7 }, /^remoteAddr: expected an address, got number$/],
  [{ app() {}, raiseAppExceptions: 'no' }, /^raiseAppExceptions: expected true or false, got string$/],
  [
    { app() {}, raiseAppException: false },
    /^Unknown option 'raiseAppException' for new NodeDispatch\(\)\. Did you mean/,
  ],
];

for (const [options, message] of WRONG) {
  test(`a wrong option: ${message.source}`, (t) => {
    t.throws(() => new NodeDispatch(options as never), { instanceOf: TypeError, message });
  });
}

test('a closed client does not call the app', async (t) => {
  const client = nodeClient(t, () => t.fail('not called'));
  await client.close();
  t.is((await failure(client.get(url))).name, 'ClientClosed');
});

test('many at once are answered each by its own', async (t) => {
  const random = randomFor(t);
  const client = nodeClient(t, (req, res) => setTimeout(() => res.end(req.url), random() * 5));
  const paths = Array.from({ length: 200 }, (_, i) => `/${i}`);
  const answers = await Promise.all(paths.map(async (path) => (await client.get(`http://example${path}`)).text));
  t.deepEqual(answers, paths);
});
