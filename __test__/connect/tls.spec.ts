/** https: whom is trusted, and what a failed handshake says. */
import test, { type ExecutionContext } from 'ava';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from 'node:util';
import { connect } from 'node:net';
import { Client, type ClientOptions, ConnectError, ProxyError, RemoteProtocolError } from '../../src/index.js';
import { failure, openClient, soon, told } from '../helpers/client.js';
import { serve, serveRaw, serveTls } from '../helpers/server.js';
import {
  expired,
  makeCA,
  notYetValid,
  selfSigned,
  testCA,
  unknownCritical,
  versionOne,
  type CertificateOptions,
} from '../helpers/tls.js';
import { folderOf } from '../helpers/files.js';

type Verify = ClientOptions['verify'];

// ── verify: what it may be ──

const TRUSTING: [title: string, verify: (ca: string, folder: string) => Verify | Promise<Verify>][] = [
  ['false', () => false],
  ['PEM text', (ca) => ca],
  ['PEM text with comments and several certificates', async (ca) => `# mine\n${(await makeCA()).cert}\n# yours\n${ca}`],
  ['PEM as bytes', (ca) => Buffer.from(ca)],
  ['DER bytes', (ca) => new X509Certificate(ca).raw],
  ['DER in a plain Uint8Array', (ca) => new Uint8Array(new X509Certificate(ca).raw)],
  ['a list', async (ca) => [(await makeCA()).cert, new X509Certificate(ca).raw]],
  ['the path of a PEM file', (_, folder) => path.join(folder, 'ca.pem')],
  ['the path of a DER file', (_, folder) => path.join(folder, 'ca.der')],
  ['the path of a folder', (_, folder) => folder],
];

for (const [title, verify] of TRUSTING) {
  test(`verify trusts: ${title}`, async (t) => {
    const { cert } = await testCA();
    const folder = await folderWith(t, { 'ca.pem': cert, 'ca.der': new X509Certificate(cert).raw, README: 'not one' });
    const server = await serveTls(t, (_, response) => response.end('secret'));
    const client = openClient(t, { verify: await verify(cert, folder) });
    t.is(told(await client.get(server.url)), '200 secret');
    t.is(told(await client.get(server.url)), '200 secret');
    t.is(server.connections(), 1);
  });
}

const BAD: [verify: unknown, message: RegExp][] = [
  [42, /^verify: expected a boolean, PEM text, DER bytes or a path, got number$/],
  [{}, /^verify: expected a boolean, PEM text, DER bytes or a path, got Object$/],
  [[], /^verify: no certificate was given$/],
  [[true], /^verify: expected .* got boolean$/],
  ['/nowhere/ca.pem', /^verify: cannot read certificates from '\/nowhere\/ca\.pem': ENOENT$/],
  ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /^verify: the PEM text holds no valid certificate$/],
  [
    '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
    /^verify: the PEM text has no 'BEGIN CERTIFICATE' block$/,
  ],
  [Buffer.from('nonsense'), /^verify: the bytes holds? no valid certificate$/],
  [new Uint8Array(0), /^verify: the bytes holds? no valid certificate$/],
];

for (const [verify, message] of BAD) {
  test(`verify is refused: ${inspect(verify)}`, (t) => {
    t.throws(() => new Client({ verify: verify as Verify }), { instanceOf: TypeError, message });
  });
}

// ── whom is not trusted ──

const REFUSED: [title: string, identity: () => Promise<{ cert: string; key: string }>, codes: string[]][] = [
  ['expired', () => issued(expired), ['CERT_HAS_EXPIRED']],
  ['not yet valid', () => issued(notYetValid), ['CERT_NOT_YET_VALID']],
  ['another host', () => issued({ dnsNames: ['other.test'] }), ['ERR_TLS_CERT_ALTNAME_INVALID']],
  ['another address', () => issued({ ips: ['127.0.0.2'] }), ['ERR_TLS_CERT_ALTNAME_INVALID']],
  [
    'SEC-D1 an address for which only a name is there',
    () => issued({ dnsNames: ['localhost'] }),
    ['ERR_TLS_CERT_ALTNAME_INVALID'],
  ],
  ['SEC-D1 an address in a DNS name', () => issued({ dnsNames: ['127.0.0.1'] }), ['ERR_TLS_CERT_ALTNAME_INVALID']],
  [
    'SEC-D1 an address in the CN alone',
    () => issued({ dnsNames: ['x.test'], subject: 'CN=127.0.0.1' }),
    ['ERR_TLS_CERT_ALTNAME_INVALID'],
  ],
  ['SEC-D3 a wildcard for an address', () => issued({ dnsNames: ['*.0.0.1', '*'] }), ['ERR_TLS_CERT_ALTNAME_INVALID']],
  ['self-signed', () => selfSigned(), ['DEPTH_ZERO_SELF_SIGNED_CERT']],
  [
    'an unknown authority',
    async () => (await makeCA('CN=Another CA')).issue(),
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ],
];

for (const [title, identity, codes] of REFUSED) {
  test(`a certificate is refused: ${title}`, async (t) => {
    const server = await serveTls(t, (_, response) => response.end('secret'), await identity());
    const { cert } = await testCA();
    const client = openClient(t, { verify: cert });
    for (const url of [server.url, server.url]) {
      const error = await failure(client.post(url, { content: 'secret' }));
      t.true(error instanceof ConnectError, String(error));
      t.true(codes.includes((error as ConnectError).code), (error as ConnectError).code);
      t.true(error.message.includes(server.origin), error.message);
    }
    t.is(server.requests.length, 0);
    t.is(String(client.pool), '<Pool 0 active, 0 queued | 0 idle>');
    t.is(told(await openClient(t, { verify: false }).get(server.url)), '200 secret');
  });
}

test('verify: true trusts the platform’s authorities only', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('secret'));
  for (const options of [undefined, {}, { verify: true }]) {
    const error = await failure(openClient(t, options).get(server.url));
    t.true(error instanceof ConnectError);
    t.regex((error as ConnectError).code, /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/);
  }
  t.is(server.requests.length, 0);
});

const odd = {
  'of version 1': () => versionOne(),
  'with an RSA key of 1,024 bits': () => selfSigned({ keys: 'RSA-1024' }),
  'with an unknown critical extension': () => selfSigned({ extensions: [unknownCritical()] }),
};
for (const [name, make] of Object.entries(odd)) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`T8 verify: false takes a certificate ${name}, over ${version}`, async (t) => {
      const identity = await make();
      const limits = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' };
      const server = await serveTls(t, (_, response) => response.end('ok'), { ...identity, ...limits });
      t.is(told(await openClient(t, { verify: false }).get(server.url)), '200 ok');
      t.true((await failure(openClient(t, { verify: identity.cert }).get(server.url))) instanceof ConnectError);
    });
  }
}

test('O24 a certificate with a short RSA key is refused as what it is', async (t) => {
  const { cert } = await testCA();
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const limits = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' };
    const identity = await issued({ keys: 'RSA-1024' });
    const server = await serveTls(t, (_, response) => response.end('ok'), { ...identity, ...limits });
    const error = (await failure(openClient(t, { verify: cert }).get(server.url))) as ConnectError;
    t.true(error instanceof ConnectError);
    t.is(error.code, 'EE_KEY_TOO_SMALL');
    t.regex(error.message, /its RSA key is shorter than the 2,048 bits/);
  }
});

test('names: localhost by DNS name, addresses by IP name, upper case', async (t) => {
  const { cert } = await testCA();
  const byName = await serveTls(t, (_, response) => response.end('ok'), await issued({ dnsNames: ['localhost'] }));
  const client = openClient(t, { verify: cert });
  for (const host of ['localhost', 'LOCALHOST']) {
    t.is(told(await client.get(`https://${host}:${byName.port}/`)), '200 ok', host);
  }
  const byAddress = await serveTls(t, (_, response) => response.end('ok'), await issued({ ips: ['127.0.0.1'] }));
  t.is(told(await client.get(byAddress.url)), '200 ok');
  t.is(
    ((await failure(client.get(`https://localhost:${byAddress.port}/`))) as ConnectError).code,
    'ERR_TLS_CERT_ALTNAME_INVALID',
  );
});

test('an intermediate that the server sends is used; one that it keeps to itself is not', async (t) => {
  const { cert } = await testCA();
  const { chain, cert: leaf, key } = await (await (await testCA()).intermediate()).issue();
  const whole = await serveTls(t, (_, response) => response.end('ok'), { cert: chain, key });
  const client = openClient(t, { verify: cert });
  t.is(told(await client.get(whole.url)), '200 ok');
  const part = await serveTls(t, (_, response) => response.end('ok'), { cert: leaf, key });
  t.true((await failure(client.get(part.url))) instanceof ConnectError);
});

test('SEC-C2 a handshake without verification does nothing for one with it', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const other = (await makeCA()).cert;
  for (let i = 0; i < 3; i++) {
    t.is(told(await openClient(t, { verify: false }).get(server.url)), '200 ok');
    t.true((await failure(openClient(t, { verify: other }).get(server.url))) instanceof ConnectError);
  }
});

// ── no TLS, half TLS ──

test('https to a plain http port', async (t) => {
  const server = await serve(t, (_, response) => response.end('plain'));
  const error = await failure(openClient(t, { verify: false }).get(server.url.replace('http:', 'https:')));
  t.true(error instanceof ConnectError, String(error));
  t.regex((error as ConnectError).code, /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/);
  t.regex(error.message, /https:\/\/127\.0\.0\.1:\d+\/: the peer does not speak TLS/);
  t.is(server.requests.length, 0);
});

test('http to a TLS port', async (t) => {
  const identity = await issued({});
  const server = await serveRaw(t, (connection) => connection.closed, { tls: identity });
  const error = await failure(openClient(t).get(server.url.replace('https:', 'http:')));
  t.true(error instanceof RemoteProtocolError, String(error));
});

test('http to a TLS port that says so by an alert, as most do: the message says it as well', async (t) => {
  // TLS 1.0 for the version, which is not agreed upon yet; TLS 1.2; TLS 1.3 and data at once.
  for (const alert of ['1503010002020a', '15030300020246', '1503030002020a1703030001ff']) {
    const server = await serveRaw(t, async (connection) => {
      await connection.head();
      connection.socket.end(Buffer.from(alert, 'hex'));
    });
    const error = await failure(openClient(t).get(server.url));
    t.true(error instanceof RemoteProtocolError, String(error));
    t.regex(error.message, /127\.0\.0\.1:\d+ sent no HTTP, but TLS \(is this an https:\/\/ port\?\)$/);
    const proxied = await failure(openClient(t, { proxies: server.url }).get('https://origin.test/'));
    t.true(proxied instanceof ProxyError, String(proxied));
    t.regex(proxied.message, /to CONNECT origin\.test:443: no HTTP, but TLS/);
  }
});

for (const [title, end] of [
  ['FIN', 'end'],
  ['RST', 'reset'],
] as const) {
  test(`${title} in the handshake`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.body(1);
      connection[end]();
    });
    const client = openClient(t, { verify: false });
    const error = await failure(client.get(`https://127.0.0.1:${server.port}/`));
    t.true(error instanceof ConnectError, String(error));
    t.is((error as ConnectError).code, 'ECONNRESET');
    t.is(client.pool.active, 0);
  });
}

test('a peer that speaks TLS and a message that is none: the fault is told, not that it speaks no TLS', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.body(1);
    // A handshake record with the head of a certificate of 16 MiB.
    connection.write(Buffer.from('16030300040bffffff', 'hex'));
    await connection.closed;
  });
  const error = await failure(openClient(t, { verify: false }).get(`https://127.0.0.1:${server.port}/`));
  t.true(error instanceof ConnectError, String(error));
  t.is((error as ConnectError).code, 'EPROTO');
  t.regex(error.message, /the TLS handshake failed: received corrupt message/);
});

test('a chunked body over TLS, and a connection kept', async (t) => {
  const ok = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
  const server = await serveRaw(t, ok, { tls: await issued({}) });
  const client = openClient(t, { verify: false });
  for (let i = 0; i < 3; i++) t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 1);
});

// ── SEC-J13: an end of TCP is no end of TLS ──

const CUT: [title: string, head: string, cut: boolean, ok: boolean][] = [
  ['a body that the end delimits, without close_notify', 'HTTP/1.1 200 OK\r\n\r\n', true, false],
  ['a body that the end delimits, with close_notify', 'HTTP/1.1 200 OK\r\n\r\n', false, true],
  ['a body shorter than its length, without close_notify', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', true, false],
  ['a body shorter than its length, with close_notify', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', false, false],
  ['a whole body, without close_notify', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', true, true],
];

for (const [title, head, cut, ok] of CUT) {
  test(`SEC-J13 over TLS: ${title}`, async (t) => {
    const origin = await serveRaw(
      t,
      async (connection) => {
        await connection.request();
        await connection.write(`${head}half`);
        if (!cut) connection.end();
      },
      { tls: await issued({}) },
    );
    const relayed = await relay(t, origin.port);
    const sent = openClient(t, { verify: false }).get(`https://127.0.0.1:${relayed.port}/`, {
      onDownloadProgress: () => cut && relayed.cut(),
    });
    if (ok) t.is(told(await sent), '200 half');
    else {
      const error = await failure(soon('an error', sent));
      t.true(error instanceof RemoteProtocolError, String(error));
    }
  });
}

/** Passes bytes on, until it ends the client's side as TCP does. */
async function relay(t: ExecutionContext, port: number): Promise<{ port: number; cut: () => void }> {
  let cut = (): void => {};
  const server = await serveRaw(t, async ({ socket }) => {
    const upstream = connect(port, '127.0.0.1');
    upstream.on('error', () => {});
    socket.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => socket.write(chunk));
    upstream.on('end', () => socket.end());
    socket.on('close', () => upstream.destroy());
    cut = () => {
      upstream.removeAllListeners('data');
      socket.end();
    };
    await new Promise((resolve) => socket.once('close', resolve));
  });
  return { port: server.port, cut: () => cut() };
}

async function issued(options: CertificateOptions): Promise<{ cert: string; key: string }> {
  return (await testCA()).issue(options);
}

async function folderWith(t: ExecutionContext, files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = folderOf(t);
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
  return folder;
}
