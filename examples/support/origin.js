/** The tour's own https and http origin on this machine, with a certificate made on the spot. */
import { webcrypto } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

const host = '127.0.0.1';
const downloadPieces = 32;
const pieceSize = 256 * 1024;

/**
 * Starts both origins on free ports.
 *
 * Every response says in `x-socket-request` which request of its connection it answers: from 2 on, the connection was reused.
 *
 * @returns {Promise<{ https: string, http: string, refused: string, ca: string, downloadSize: number, close(): Promise<void> }>}
 *   the origins, one that refuses connections, and the certificate authority (PEM) that vouches for `https`
 */
export async function startOrigin() {
  const { ca, cert, key } = await makeCertificate();
  const https = createHttpsServer({ cert, key }, answer);
  const http = createHttpServer(answer);
  await Promise.all([listen(https), listen(http)]);
  return {
    https: `https://${host}:${https.address().port}`,
    http: `http://${host}:${http.address().port}`,
    refused: `http://${host}:${await unusedPort()}`,
    ca,
    downloadSize: downloadPieces * pieceSize,
    async close() {
      await Promise.all([stop(https), stop(http)]);
    },
  };
}

const routes = {
  '/slow': async () => delay(10_000, undefined, { ref: false }),
  '/download': download,
  '/echo': async (request, response) => {
    const pieces = await request.toArray();
    response.end(Buffer.concat(pieces));
  },
};

async function answer(request, response) {
  const { socket, url } = request;
  socket.requests = (socket.requests ?? 0) + 1;
  response.setHeader('x-socket-request', socket.requests);
  try {
    if (url in routes) await routes[url](request, response);
    else {
      await delay(20); // As long as a quick service takes: requests in parallel overlap.
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ url }));
    }
  } catch {
    socket.destroy(); // The client left in the middle, which is part of the tour.
  }
}

async function download(request, response) {
  response.setHeader('content-length', downloadPieces * pieceSize);
  const piece = Buffer.alloc(pieceSize, 'whippet ');
  for (let i = 0; i < downloadPieces; i++) {
    response.write(piece);
    await delay(25); // Slow enough for the bar to be seen.
  }
  response.end();
}

function listen(server) {
  return new Promise((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
}

function stop(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

/** A port that was free a moment ago: it has no listener. */
async function unusedPort() {
  const server = createHttpServer();
  await listen(server);
  const { port } = server.address();
  await stop(server);
  return port;
}

async function makeCertificate() {
  // tsyringe, underneath x509, does not load without these; no metadata is used.
  Reflect.getMetadata ??= () => undefined;
  Reflect.getOwnMetadata ??= () => undefined;
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const makeKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [caKeys, keys] = await Promise.all([makeKeys(), makeKeys()]);
  const issuer = 'CN=Whippet tour CA';
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: issuer,
    keys: caKeys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const cert = await x509.X509CertificateGenerator.create({
    subject: 'CN=Whippet tour',
    issuer,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: host }])],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    ca: ca.toString('pem'),
    cert: cert.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}
