/**
 * The other side of the smoke (`checks.js`): servers of node:http, node:https and node:http2 in the process that starts the runtimes, so
 * that no runtime's own server is part of what is checked.
 */
import { createHash, webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';

// tsyringe, underneath x509, does not load without these; no metadata is used.
Object.assign(Reflect, { getMetadata: () => undefined, getOwnMetadata: () => undefined });
const x509 = await import('@peculiar/x509');

const host = '127.0.0.1';

/** @returns What `checks.js` is told, and a function that ends it all. */
export async function startServers() {
  const folder = mkdtempSync(path.join(tmpdir(), 'whippet-smoke-'));
  const { cert, key } = await selfSigned();
  const plain = http.createServer(answer);
  const secure = http2.createSecureServer({ cert, key, allowHTTP1: true }, answer);
  const unix = http.createServer(answer);
  const proxy = http.createServer(forward).on('connect', tunnel);
  const servers = [plain, secure, unix, proxy];
  const sockets = new Set();
  for (const server of servers) server.on('connection', (socket) => sockets.add(socket));
  const listening = async (server, ...where) => {
    await new Promise((resolve) => server.listen(...where, resolve));
    return server.address().port;
  };
  const told = {
    folder,
    origin: `http://${host}:${await listening(plain, 0, host)}`,
    secure: `https://localhost:${await listening(secure, 0, host)}`,
    proxy: `http://${host}:${await listening(proxy, 0, host)}`,
    socketPath: process.platform === 'win32' ? `\\\\.\\pipe\\${path.basename(folder)}` : path.join(folder, 'app.sock'),
    certificate: path.join(folder, 'cert.pem'),
    refused: `http://${host}:2`,
  };
  await listening(unix, told.socketPath);
  writeFileSync(told.certificate, cert);
  const stop = () => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
    rmSync(folder, { recursive: true, force: true });
  };
  return { told, stop };
}

const CODERS = {
  gzip: zlib.gzipSync,
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  deflate: zlib.deflateSync,
};
const MEGABYTE = Buffer.from('some text of sixteen bytes again '.repeat(32_000));

const ROUTES = {
  '/coded': ({ query }, response) => {
    response.writeHead(200, { 'content-encoding': query.get('by') }).end(CODERS[query.get('by')](MEGABYTE));
  },
  '/big': (_, response) => response.end(MEGABYTE),
  '/lines': (_, response) => {
    response.write('one\ntw');
    setImmediate(() => response.end('o\nthree'));
  },
  '/redirect': (_, response) => response.writeHead(302, { location: '/echo', 'set-cookie': 'a=1' }).end(),
  '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/basic': ({ headers }, response) => {
    const isRight = headers.authorization === `Basic ${Buffer.from('user:päss').toString('base64')}`;
    response.writeHead(isRight ? 200 : 401).end();
  },
  '/digest': ({ headers }, response) => {
    const field = (name) => new RegExp(`\\b${name}="?([^",]+)`).exec(headers.authorization ?? '')?.[1];
    const hash = (text) => createHash('sha256').update(text).digest('hex');
    const expected = hash(`${hash('user:r:password')}:n:${field('nc')}:${field('cnonce')}:auth:${hash('GET:/digest')}`);
    if (field('response') === expected) return response.end('welcome');
    const challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256';
    return response.writeHead(401, { 'www-authenticate': challenge }).end();
  },
  '/silent': () => {},
  '/events': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\ndata: one\n\ndata: two\n\n');
  },
  '/flaky': ({ query }, response) => {
    const count = (flaky.get(query.get('id')) ?? 0) + 1;
    flaky.set(query.get('id'), count);
    response.writeHead(count < 3 ? 503 : 200).end(`answer ${count}`);
  },
};
const flaky = new Map();

async function answer(request, response) {
  const { pathname, searchParams: query } = new URL(request.url, 'http://host');
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const route = ROUTES[pathname];
  if (route !== undefined) return route({ query, headers: request.headers }, response);
  const { method, url, headers, httpVersion } = request;
  const sha256 = createHash('sha256').update(body).digest('hex');
  const text = body.length < 4096 ? body.toString('latin1') : null;
  response.setHeader('content-type', 'application/json');
  return response.end(JSON.stringify({ method, url, headers, httpVersion, size: body.length, sha256, text }));
}

/** A forwarding proxy that says that it was there. */
function forward(request, response) {
  const { hostname, port, pathname } = new URL(request.url);
  const headers = { ...request.headers, 'x-proxy': 'forwarded' };
  request.pipe(
    http.request({ hostname, port, path: pathname, method: request.method, headers }, (answered) => {
      response.writeHead(answered.statusCode, answered.headers);
      answered.pipe(response);
    }),
  );
}

function tunnel(request, socket) {
  const [, port] = request.url.split(':');
  const upstream = net.connect(Number(port), host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    upstream.pipe(socket).pipe(upstream);
  });
  for (const end of [socket, upstream]) end.on('error', () => {});
}

async function selfSigned() {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
  return { cert: certificate.toString('pem'), key };
}
