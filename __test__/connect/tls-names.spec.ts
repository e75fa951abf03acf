/** SEC-D: names, chains and peers that are not what they should be. */
import test, { type ExecutionContext } from 'ava';
import { connect, createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Client, type ClientOptions, ConnectError, InvalidURL, TransportError, HTTPDispatch } from '../../src/index.js';
import { failure, openClient, soon, told } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';
import { serveRaw, serveTls } from '../helpers/server.js';
import {
  expired,
  isAuthority,
  makeCA,
  permittedDomain,
  selfSigned,
  testCA,
  type CertificateOptions,
} from '../helpers/tls.js';

const WRONG_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** Asks a server with this certificate for `https://host/`; what it answered, or the error's code. */
async function visit(t: ExecutionContext, certificate: CertificateOptions, host: string): Promise<string> {
  const ca = await testCA();
  const server = await serveTls(t, (_, response) => response.end('ok'), await ca.issue(certificate));
  const address = /^[\d.]+$|^\[/.test(host) ? {} : { [host]: '127.0.0.1' };
  const client = openClient(t, { verify: ca.cert, resolve: address });
  const answers: string[] = [];
  for (let i = 0; i < 2; i++) {
    answers.push(
      await client.get(`https://${host}:${server.port}/`).then(told, (error: unknown) => {
        if (!(error instanceof ConnectError)) throw error;
        return error.code;
      }),
    );
  }
  t.is(answers[0], answers[1], 'the second request is no other than the first');
  return answers[0];
}

// ── SEC-D1, SEC-D3: names ──

const NAMES: [id: string, certificate: CertificateOptions, host: string, expected: string][] = [
  ['SEC-D1', { dnsNames: ['good.test'] }, 'good.test', '200 ok'],
  ['SEC-D1', { dnsNames: ['good.test'] }, 'evil.test', WRONG_NAME],
  ['SEC-D1', { dnsNames: ['good.test'] }, 'www.good.test', WRONG_NAME],
  ['SEC-D1', { dnsNames: ['good.test'] }, 'xgood.test', WRONG_NAME],
  ['SEC-D1', { dnsNames: ['good.test'] }, '127.0.0.1', WRONG_NAME],
  ['SEC-D1', { dnsNames: ['x.test'], subject: 'CN=good.test' }, 'good.test', WRONG_NAME],
  ['SEC-D1', { dnsNames: ['x.test'], subject: 'CN=127.0.0.1' }, '127.0.0.1', WRONG_NAME],
  ['SEC-D1', { ips: ['127.0.0.1'] }, '127.0.0.1', '200 ok'],
  ['SEC-D1', { ips: ['127.0.0.2'] }, '127.0.0.1', WRONG_NAME],
  ['SEC-D1', { ips: ['::ffff:127.0.0.1'] }, '127.0.0.1', WRONG_NAME],
  ['SEC-D1', { ips: ['127.0.0.1'] }, 'good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['*.good.test'] }, 'a.good.test', '200 ok'],
  ['SEC-D3', { dnsNames: ['*.good.test'] }, 'good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['*.good.test'] }, 'a.b.good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['x*.good.test'] }, 'xa.good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['*x.good.test'] }, 'ax.good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['a.*.test'] }, 'a.good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['*'] }, 'good', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['*.*'] }, 'good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['*.0.0.1'] }, '127.0.0.1', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['xn--*.test'] }, 'xn--bcher-kva.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['good.test\0.evil.test'] }, 'good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['evil.test, DNS:good.test'] }, 'good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['good.test '] }, 'good.test', WRONG_NAME],
  ['SEC-D3', { dnsNames: ['GOOD.test'] }, 'good.test', '200 ok'],
  ['SEC-D3', { dnsNames: ['xn--bcher-kva.test'] }, 'bücher.test', '200 ok'],
  ['SEC-D3', { dnsNames: ['bxcher.test'] }, 'bücher.test', WRONG_NAME],
  ['T16', { dnsNames: ['*.shop.test'] }, 'ana-.shop.test', '200 ok'],
  ['T16', { dnsNames: ['*.shop.test'] }, '-ana.shop.test', '200 ok'],
  ['T16', { dnsNames: ['x.test', '*.SHOP.test'] }, '--a-b--.shop.test', '200 ok'],
  ['T16', { dnsNames: ['*.shop.test'] }, 'ana-.shop.test.', '200 ok'],
  ['T16', { dnsNames: ['ana-.shop.test'] }, 'ana-.shop.test', '200 ok'],
  ['T16', { dnsNames: ['*.b-.test'] }, 'a.b-.test', '200 ok'],
  ['T16', { dnsNames: ['*.shop.test'] }, 'a.ana-.shop.test', WRONG_NAME],
  ['T16', { dnsNames: ['*.other.test'] }, 'ana-.shop.test', WRONG_NAME],
  ['T16', { dnsNames: ['anax.shop.test'] }, 'ana-.shop.test', WRONG_NAME],
  ['T16', { dnsNames: ['*.test'] }, 'ana-.test', WRONG_NAME],
  ['T16', { subject: 'CN=ana-.shop.test', ips: ['127.0.0.1'] }, 'ana-.shop.test', WRONG_NAME],
];

for (const [id, certificate, host, expected] of NAMES) {
  const names = JSON.stringify(certificate.subject ?? certificate.dnsNames ?? certificate.ips);
  test(`${id} a certificate for ${names} and the host ${host}`, async (t) => {
    t.is(await visit(t, certificate, host), expected);
  });
}

test('SEC-D2 the chain and the name are each checked without the other', async (t) => {
  const stranger = await makeCA('CN=Another CA');
  const { cert } = await testCA();
  for (const [identity, code] of [
    [await stranger.issue({ ips: ['127.0.0.1'] }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [await (await testCA()).issue({ dnsNames: ['x.test'] }), WRONG_NAME],
    [await (await testCA()).issue({ ...expired, ips: ['127.0.0.1'] }), 'CERT_HAS_EXPIRED'],
  ] as const) {
    const server = await serveTls(t, (_, response) => response.end('ok'), identity);
    const error = await failure(openClient(t, { verify: cert }).get(server.url));
    t.is((error as ConnectError).code, code);
  }
});

test('T16 SEC-D2 the same for a host whose label ends in a hyphen; verify: false takes any', async (t) => {
  const names = { dnsNames: ['*.shop.test'] };
  const stranger = await makeCA('CN=Another CA');
  const ca = await testCA();
  const resolve = { '*.shop.test': '127.0.0.1' };
  for (const [identity, code] of [
    [await stranger.issue(names), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [await ca.issue({ ...expired, ...names }), 'CERT_HAS_EXPIRED'],
    [await ca.issue({ ...expired, dnsNames: ['ana-.shop.test'] }), 'CERT_HAS_EXPIRED'],
    [await stranger.issue({ dnsNames: ['ana-.shop.test'] }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ] as const) {
    const server = await serveTls(t, (_, response) => response.end('ok'), identity);
    const url = `https://ana-.shop.test:${server.port}/`;
    const error = await failure(openClient(t, { verify: ca.cert, resolve }).get(url));
    t.is((error as ConnectError).code, code);
    t.is(told(await openClient(t, { verify: false, resolve }).get(url)), '200 ok');
  }
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`T16 a name that stands in for another one shares no session with it: ${maxVersion}`, async (t) => {
    const ca = await testCA();
    const server = await serveTls(
      t,
      (request, response) => response.end(String((request.socket as TLSSocket).servername)),
      {
        ...(await ca.issue({ dnsNames: ['anax.shop.test'] })),
        maxVersion,
      },
    );
    const client = openClient(t, { verify: ca.cert, resolve: { '*.shop.test': '127.0.0.1' } });
    for (let i = 0; i < 2; i++) {
      const response = await client.get(`https://anax.shop.test:${server.port}/`, { headers: { connection: 'close' } });
      t.is(response.statusCode, 200);
      t.is(((await failure(client.get(`https://ana-.shop.test:${server.port}/`))) as ConnectError).code, WRONG_NAME);
    }
  });
}

// ── SEC-D4, SEC-D5: one name for DNS, SNI, verification and the pool ──

const HOSTS: [id: string, host: string, sni: string][] = [
  ['SEC-D4', 'GOOD.test', 'good.test'],
  ['SEC-D4', 'good。test', 'good.test'],
  ['SEC-D4', 'good．test', 'good.test'],
  ['SEC-D4', 'good｡test', 'good.test'],
  ['SEC-D4', 'ＧＯＯＤ.test', 'good.test'],
  ['SEC-D5', 'good.test.', 'good.test'],
];

for (const [id, host, sni] of HOSTS) {
  test(`${id} ${host} is ${sni} to everybody`, async (t) => {
    const ca = await testCA();
    const server = await serveTls(
      t,
      (request, response) => response.end(String((request.socket as TLSSocket).servername)),
      await ca.issue({ dnsNames: [sni] }),
    );
    const client = openClient(t, { verify: ca.cert, resolve: { [sni]: '127.0.0.1' } });
    t.is(told(await client.get(`https://${host}:${server.port}/`)), `200 ${sni}`);
    t.is(told(await client.get(`https://${host}:${server.port}/`)), `200 ${sni}`);
    t.is(server.connections(), 1);
  });
}

test('SEC-D4 SEC-D5 hosts that are none: NUL, two dots', async (t) => {
  const client = openClient(t, { resolve: { 'good.test': '127.0.0.1' } });
  for (const host of ['good.test\0.evil.test', 'good.test%00.evil.test', 'good.test..', 'good..test', 'a b.test']) {
    const error = await failure(client.get(`https://${host}/`));
    t.true(error instanceof InvalidURL || (error as ConnectError).code === 'ENOTFOUND', `${host}: ${error}`);
  }
});

test('SEC-A18 behind a redirect, SNI and the name that is verified are the target’s, whatever Host said before', async (t) => {
  const ca = await testCA();
  const seen: string[] = [];
  const serveNamed = async (name: string, location?: () => string) =>
    serveTls(
      t,
      (request, response) => {
        seen.push(`${(request.socket as TLSSocket).servername} ${request.headers.host?.split(':')[0]}`);
        if (location === undefined) response.end('ok');
        else response.writeHead(302, { location: location() }).end();
      },
      await ca.issue({ dnsNames: [name] }),
    );
  const b = await serveNamed('b.test');
  const a = await serveNamed('a.test', () => `https://b.test:${b.port}/`);
  const wrong = await serveNamed('a.test', () => `https://c.test:${b.port}/`);
  const client = openClient(t, { verify: ca.cert, resolve: { '*.test': '127.0.0.1' } });
  const headers = { host: 'a.test' };
  t.is(told(await client.get(`https://a.test:${a.port}/`, { headers })), '200 ok');
  t.deepEqual(seen, ['a.test a.test', 'b.test b.test']);
  // A Host that names b does not make its certificate good for c.
  const error = await failure(client.get(`https://a.test:${wrong.port}/`, { headers: { host: 'b.test' } }));
  t.is((error as ConnectError).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  t.is(seen.length, 3);
});

test('SEC-D5 localhost. works, and SNI has no dot', async (t) => {
  t.is(await visit(t, { dnsNames: ['localhost'] }, 'localhost.'), '200 ok');
});

test('an address is no SNI', async (t) => {
  const server = await serveTls(t, (request, response) =>
    response.end(String((request.socket as TLSSocket).servername)),
  );
  t.is(told(await openClient(t, { verify: (await testCA()).cert }).get(server.url)), '200 false');
});

// ── SEC-D6, SEC-D7: chains ──

test('SEC-D6 an authority that may speak for one domain only', async (t) => {
  const root = await testCA();
  const limited = await root.intermediate('CN=Limited', [permittedDomain('good.test')]);
  for (const [name, expected] of [
    ['www.good.test', true],
    ['evil.test', false],
    ['*.test', false],
  ] as const) {
    const host = name.replace('*', 'www');
    const { chain, key } = await limited.issue({ dnsNames: [name] });
    const server = await serveTls(t, (_, response) => response.end('ok'), { cert: chain, key });
    const sent = openClient(t, { verify: root.cert, resolve: { [host]: '127.0.0.1' } }).get(
      `https://${host}:${server.port}/`,
    );
    if (expected) t.is(told(await sent), '200 ok', name);
    else t.true((await failure(sent)) instanceof ConnectError, name);
  }
});

test.serial('SEC-D7 a hundred intermediates of one name are an error soon', async (t) => {
  const root = await testCA();
  const last = await (await makeCA('CN=Same')).issue({ ips: ['127.0.0.1'] });
  const many = await Promise.all(Array.from({ length: 100 }, () => makeCA('CN=Same')));
  const chain = [last.cert, ...many.map(({ cert }) => cert)].join('\n');
  const server = await serveTls(t, (_, response) => response.end('ok'), { cert: chain, key: last.key });
  const error = await failure(soon('an error', openClient(t, { verify: root.cert }).get(server.url)));
  t.true(error instanceof ConnectError, String(error));
  t.true(error.message.length <= 1024);
});

test.serial('SEC-D7 ten thousand names in a certificate, and a short message', async (t) => {
  const dnsNames = Array.from({ length: 10_000 }, (_, i) => `name-${i}.test`);
  t.is(await visit(t, { dnsNames: dnsNames.slice(0, 2000) }, 'name-1999.test'), '200 ok');
  const { cert } = await testCA();
  const identity = await (await testCA()).issue({ dnsNames: dnsNames.slice(0, 2000) });
  const server = await serveTls(t, (_, response) => response.end('ok'), identity);
  const error = await failure(soon('an error', openClient(t, { verify: cert }).get(server.url)));
  t.is((error as ConnectError).code, WRONG_NAME);
  t.true(error.message.length <= 1024, error.message);
  // More than TLS lets a certificate be: refused, whatever it says.
  const huge = await (await testCA()).issue({ dnsNames });
  const other = await serveTls(t, (_, response) => response.end('ok'), huge);
  const refused = await failure(soon('an error', openClient(t, { verify: cert }).get(other.url)));
  t.true(refused instanceof ConnectError, String(refused));
});

// ── SEC-D8, SEC-D9: peers ──

/** Bytes instead of a handshake. */
const FLIGHTS: [title: string, bytes: Buffer | ((hello: Buffer) => Buffer)][] = [
  ['nothing but zeros', Buffer.alloc(70_000)],
  ['noise', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + 31) % 256))],
  ['plain HTTP', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')],
  ['its own hello', (hello) => hello],
  ['an empty record', Buffer.from([22, 3, 3, 0, 0])],
  ['a thousand empty records', Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([22, 3, 3, 0, 0])))],
  ['a record that is too long', Buffer.concat([Buffer.from([22, 3, 3, 0xff, 0xff]), Buffer.alloc(65_535)])],
  ['a handshake message of 16 MiB', Buffer.from([22, 3, 3, 0, 4, 11, 0xff, 0xff, 0xff])],
  ['close_notify', Buffer.from([21, 3, 3, 0, 2, 1, 0])],
  [
    'a warning, a hundred times',
    Buffer.concat(Array.from({ length: 100 }, () => Buffer.from([21, 3, 3, 0, 2, 1, 90]))),
  ],
  ['an alert with an unknown number', Buffer.from([21, 3, 3, 0, 2, 2, 255])],
  ['application data', Buffer.from([23, 3, 3, 0, 3, 1, 2, 3])],
  [
    'change_cipher_spec, a hundred times',
    Buffer.concat(Array.from({ length: 100 }, () => Buffer.from([20, 3, 3, 0, 1, 1]))),
  ],
  ['a hello that is cut', Buffer.from([22, 3, 3, 0, 6, 2, 0, 0, 2, 3, 3])],
];

for (const [title, bytes] of FLIGHTS) {
  test(`SEC-D8 SEC-D9 the peer answers with ${title}`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      const hello = Buffer.from(await connection.body(5), 'latin1');
      const rest = Buffer.from(await connection.body(hello.readUInt16BE(3)), 'latin1');
      await connection.write(typeof bytes === 'function' ? bytes(Buffer.concat([hello, rest])) : bytes);
      connection.end();
    });
    const client = openClient(t, { verify: false });
    const error = await failure(soon('an error', client.get(`https://127.0.0.1:${server.port}/`)));
    t.true(error instanceof ConnectError, String(error));
    t.true(error.message.length <= 1024);
    // oxlint-disable-next-line no-control-regex
    t.notRegex(error.message, /[\u0000-\u001f\u007f-\u009f]/);
    t.is(client.pool.active, 0);
  });
}

test('SEC-D9 a handshake that stops is under the connect timeout', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.body(1);
    await connection.write(Buffer.from([22, 3, 3, 0, 100]));
    await connection.closed;
  });
  const client = openClient(t, { verify: false, timeout: { connect: 100 } });
  const error = await failure(soon('an error', client.get(`https://127.0.0.1:${server.port}/`)));
  t.is(error.name, 'ConnectTimeout');
});

test('SEC-C9 what a server says before the handshake is fatal', async (t) => {
  const server = await listen(
    t,
    createServer((socket) => void socket.write('220 ready\r\n')),
    'https',
    [],
  );
  const error = await failure(openClient(t, { verify: false }).get(server.url));
  t.true(error instanceof ConnectError, String(error));
});

test('SEC-C9 a connection for http never serves https', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const client = openClient(t, { verify: false });
  t.is(told(await client.get(server.url)), '200 ok');
  t.true((await failure(client.get(server.url.replace('http:', 'https:')))) instanceof TransportError);
  t.is(server.connections(), 2);
  t.regex(server.received[0], /^GET/);
  t.is(server.received[1].charCodeAt(0), 22, 'a handshake');
});

// ── SEC-D10 … D15 ──

test('SEC-D10 certificates of one’s own are the only ones', async (t) => {
  const mine = await makeCA();
  const server = await serveTls(t, (_, response) => response.end('ok'));
  t.true((await failure(openClient(t, { verify: mine.cert }).get(server.url))) instanceof ConnectError);
  const own = await serveTls(t, (_, response) => response.end('ok'), await mine.issue());
  t.is(told(await openClient(t, { verify: mine.cert }).get(own.url)), '200 ok');
  t.true((await failure(openClient(t, { verify: (await testCA()).cert }).get(own.url))) instanceof ConnectError);
});

test.serial('SEC-D10 thousands of refused handshakes leave no memory and no socket behind', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('ok'), await selfSigned());
  const client = openClient(t, { verify: (await testCA()).cert, timeout: null });
  const refuse = async (times: number): Promise<void> => {
    const work = async () => {
      for (let i = 0; i < times / 20; i++) t.true((await failure(client.get(server.url))) instanceof ConnectError);
    };
    await Promise.all(Array.from({ length: 20 }, work));
  };
  await refuse(1000);
  const before = process.memoryUsage().rss;
  await refuse(2000);
  // The server's own garbage is in it; a leak of a configuration or a connection each would be more.
  t.true(process.memoryUsage().rss - before < 48 * 1024 * 1024);
  t.is(client.pool.active, 0);
});

test('SEC-D11 SEC-D12 what is not done cannot be asked for', (t) => {
  for (const name of ['ocsp', 'verifyStatus', 'pin', 'pinnedPublicKey', 'checkServerIdentity', 'rejectUnauthorized']) {
    const options = { [name]: true } as ClientOptions;
    t.throws(() => new Client(options), { instanceOf: TypeError, message: new RegExp(`^Unknown option '${name}'`) });
    t.throws(() => new HTTPDispatch(options), { instanceOf: TypeError });
  }
});

test('SEC-D15 control characters of a certificate are not in the message', async (t) => {
  const evil = 'CN=\u001b[2J\r\nInjected: yes';
  for (const identity of [
    await (await testCA()).issue({ dnsNames: ['a\r\nb.test'], subject: evil }),
    await selfSigned({ subject: evil }),
    await (await makeCA(evil)).issue(),
  ]) {
    const server = await serveTls(t, (_, response) => response.end('ok'), identity);
    const error = await failure(openClient(t, { verify: (await testCA()).cert }).get(server.url));
    t.true(error instanceof ConnectError, String(error));
    // oxlint-disable-next-line no-control-regex
    t.notRegex(error.message, /[\u0000-\u001f\u007f-\u009f]|Injected/);
  }
});

// ── a certificate that is trusted itself ──

const OWN: [title: string, certificate: CertificateOptions, expected: string][] = [
  ['it is its own authority', {}, '200 ok'],
  ['for another name', { ips: ['127.0.0.2'] }, WRONG_NAME],
  ['expired', expired, 'CERT_HAS_EXPIRED'],
];

for (const [title, certificate, expected] of OWN) {
  test(`a self-signed certificate that says CA:TRUE, given as verify: ${title}`, async (t) => {
    const identity = await selfSigned({ ...certificate, extensions: [isAuthority()] });
    const server = await serveTls(t, (_, response) => response.end('ok'), identity);
    const sent = (verify: string): Promise<string> =>
      openClient(t, { verify })
        .get(server.url)
        .then(told, (error: ConnectError) => error.code);
    t.is(await sent(identity.cert), expected);
    // Another one of the same name is not trusted, whether it is in the list or not.
    const twin = await selfSigned({ ...certificate, extensions: [isAuthority()] });
    t.regex(await sent(twin.cert), expected === 'CERT_HAS_EXPIRED' ? /EXPIRED/ : /^DEPTH_ZERO_SELF_SIGNED_CERT$/);
  });
}

test('SEC-D13 nothing is sent before the handshake is complete, not even with a ticket', async (t) => {
  const ca = await testCA();
  const reused: boolean[] = [];
  const server = await serveTls(t, (request, response) => {
    reused.push((request.socket as TLSSocket).isSessionReused());
    response.setHeader('connection', 'close');
    response.end('ok');
  });
  const firstFlights: Buffer[] = [];
  const relay = await listen(
    t,
    createServer((socket) => {
      const upstream = connect(server.port, '127.0.0.1');
      const sent: Buffer[] = [];
      socket.on('data', (chunk) => sent.push(chunk));
      upstream.once('data', () => firstFlights.push(Buffer.concat(sent)));
      socket.pipe(upstream).pipe(socket);
      upstream.on('error', () => socket.destroy());
    }),
    'https',
    [],
  );
  const client = openClient(t, { verify: ca.cert });
  for (let i = 0; i < 2; i++) t.is(told(await client.get(relay.url)), '200 ok');
  t.deepEqual(reused, [false, true], 'there was a ticket');
  for (const flight of firstFlights) {
    for (let at = 0; at < flight.length; at += 5 + flight.readUInt16BE(at + 3)) {
      t.true([20, 22].includes(flight[at]), `a record of type ${flight[at]} before the server said anything`);
    }
  }
  t.is(firstFlights.length, 2);
});
