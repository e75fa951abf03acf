/** cert: the client's own certificate, in every form, and what is wrong with one. */
import test, { type ExecutionContext } from 'ava';
import { createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { Client, type ClientOptions, get, HTTPDispatch, TransportError } from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { serveTls } from '../helpers/server.js';
import { makeCA, testCA, type CertificateOptions } from '../helpers/tls.js';
import { folderOf } from '../helpers/files.js';

type Cert = NonNullable<ClientOptions['cert']>;
const PASSWORD = 'pass-word-marker';

// ── its forms ──

interface Given {
  cert: string;
  key: string;
  object: KeyObject;
  folder: string;
}

const base64 = (pem: string): string => pem.replace(/-----.*-----|\s/g, '');

const encrypted = ({ object }: Given, format: 'pem' | 'der'): string | Buffer =>
  object.export({ type: 'pkcs8', format: format as 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD });

const FORMS: [title: string, keys: CertificateOptions['keys'], cert: (given: Given) => Cert][] = [
  ['PEM text', 'P-256', ({ cert, key }) => ({ cert, key })],
  ['PEM as bytes', 'P-256', ({ cert, key }) => ({ cert: Buffer.from(cert), key: Buffer.from(key) })],
  [
    'DER',
    'P-256',
    ({ cert, object }) => ({
      cert: new X509Certificate(cert).raw,
      key: new Uint8Array(object.export({ type: 'pkcs8', format: 'der' })),
    }),
  ],
  ['DER, SEC1', 'P-384', ({ cert, object }) => ({ cert, key: object.export({ type: 'sec1', format: 'der' }) })],
  ['DER, PKCS#1', 'RSA', ({ cert, object }) => ({ cert, key: object.export({ type: 'pkcs1', format: 'der' }) })],
  ['PEM, PKCS#1', 'RSA', ({ cert, object }) => ({ cert, key: object.export({ type: 'pkcs1', format: 'pem' }) })],
  ['RSA', 'RSA', ({ cert, key }) => ({ cert, key })],
  ['Ed25519', 'Ed25519', ({ cert, key }) => ({ cert, key })],
  ['a password that is not needed', 'P-256', ({ cert, key }) => ({ cert, key, password: PASSWORD })],
  ['encrypted PKCS#8', 'P-256', (given) => ({ cert: given.cert, key: encrypted(given, 'pem'), password: PASSWORD })],
  ['encrypted PKCS#8, DER', 'RSA', (given) => ({ cert: given.cert, key: encrypted(given, 'der'), password: PASSWORD })],
  [
    'encrypted legacy PEM',
    'RSA',
    ({ cert, object }) => ({
      cert,
      key: object.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: PASSWORD }),
      password: PASSWORD,
    }),
  ],
  [
    'two paths',
    'P-256',
    ({ folder }) => ({
      cert: path.join(folder, 'cert.pem'),
      key: path.join(folder, 'encrypted.pem'),
      password: PASSWORD,
    }),
  ],
  [
    'one file for both, relative',
    'P-256',
    ({ folder }) => {
      const file = path.relative(process.cwd(), path.join(folder, 'both.pem'));
      return { cert: file, key: file };
    },
  ],
];

for (const [title, keys, cert] of FORMS) {
  test(`a client certificate: ${title}`, async (t) => {
    const server = await serveMutual(t);
    const client = openClient(t, { verify: (await testCA()).cert, cert: cert(await own(t, keys)) });
    t.is(told(await client.get(server.url)), '200 CN=me');
    t.is(told(await client.get(server.url)), '200 CN=me');
    t.is(server.connections(), 1);
  });
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a client certificate with its intermediate, by ${version}`, async (t) => {
    const server = await serveMutual(t, { minVersion: version, maxVersion: version });
    const between = await (await testCA()).intermediate();
    const { chain, cert: leaf, key } = await between.issue({ dnsNames: ['me'] });
    const verify = (await testCA()).cert;
    t.is(told(await openClient(t, { verify, cert: { cert: chain, key } }).get(server.url)), '200 CN=me');
    const error = await failure(openClient(t, { verify, cert: { cert: leaf, key } }).get(server.url));
    t.true(error instanceof TransportError, String(error));
  });

  test(`a client without its certificate is refused by ${version}`, async (t) => {
    const server = await serveMutual(t, { minVersion: version, maxVersion: version });
    const error = await failure(openClient(t, { verify: (await testCA()).cert }).get(server.url));
    t.true(error instanceof TransportError, String(error));
    t.regex((error as TransportError).code, /^(ERR_SSL_|ECONNRESET|EPIPE)/);
    t.is(server.requests.length, 0);
  });
}

test('T11 verify and cert are both used; cert without verification, too', async (t) => {
  const server = await serveMutual(t);
  const { cert, key, folder } = await own(t, 'P-256');
  await writeFile(path.join(folder, 'ca.pem'), (await testCA()).cert);
  for (const verify of [path.join(folder, 'ca.pem'), false]) {
    t.is(told(await openClient(t, { verify, cert: { cert, key } }).get(server.url)), '200 CN=me');
  }
});

test('the module functions and HTTPDispatch take it', async (t) => {
  const server = await serveMutual(t);
  const { cert, key } = await own(t, 'P-256');
  const verify = (await testCA()).cert;
  t.is(told(await get(server.url, { verify, cert: { cert, key } })), '200 CN=me');
  const dispatch = new HTTPDispatch({ verify, cert: { cert, key } });
  t.is(told(await openClient(t, { dispatch }).get(server.url)), '200 CN=me');
});

// ── what is wrong ──

const BAD: [title: string, cert: (given: Given) => unknown, message: RegExp][] = [
  [
    'a path alone',
    ({ folder }) => path.join(folder, 'both.pem'),
    /^cert: expected an object with cert and key, got string$/,
  ],
  ['a list', ({ cert, key }) => [cert, key], /^cert: expected an object with cert and key, got Array$/],
  ['no key', ({ cert }) => ({ cert }), /^cert\.key: is missing$/],
  ['no certificate', ({ key }) => ({ key }), /^cert\.cert: is missing$/],
  [
    'a mistyped name',
    ({ cert, key }) => ({ cert, key, passwd: 'x' }),
    /^Unknown option 'passwd' for cert\. Did you mean 'password'\?$/,
  ],
  ['a number', ({ cert }) => ({ cert, key: 42 }), /^cert\.key: expected PEM text, DER bytes or a path, got number$/],
  [
    'a list of certificates',
    ({ cert, key }) => ({ cert: [cert], key }),
    /^cert\.cert: expected PEM text, DER bytes or a path, got Array$/,
  ],
  [
    'a password that is none',
    ({ cert, key }) => ({ cert, key, password: 1 }),
    /^cert\.password: expected a string, got number$/,
  ],
  [
    'a missing file',
    ({ cert }) => ({ cert, key: '/nowhere/key.pem' }),
    /^cert\.key: cannot read a key from '\/nowhere\/key\.pem': ENOENT$/,
  ],
  [
    'a missing certificate',
    ({ key }) => ({ cert: '/nowhere/c.pem', key }),
    /^cert\.cert: cannot read certificates from '\/nowhere\/c\.pem': ENOENT$/,
  ],
  ['a folder', ({ folder, key }) => ({ cert: folder, key }), /^cert\.cert: '.*' is a directory$/],
  [
    'a folder as key',
    ({ folder, cert }) => ({ cert, key: folder }),
    /^cert\.key: cannot read a key from '.*': EISDIR$/,
  ],
  [
    'a certificate as key',
    ({ cert }) => ({ cert, key: cert }),
    /^cert\.key: there is no 'BEGIN … PRIVATE KEY' block in it$/,
  ],
  [
    'a key as certificate',
    ({ key }) => ({ cert: key, key }),
    /^cert\.cert: the PEM text has no 'BEGIN CERTIFICATE' block$/,
  ],
  [
    'nonsense',
    ({ cert }) => ({ cert, key: Buffer.from('nonsense') }),
    /^cert\.key: it holds no valid private key \(\w+\)$/,
  ],
  [
    'a damaged key',
    ({ cert }) => ({ cert, key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }),
    /^cert\.key: it holds no valid private key \(\w+\)$/,
  ],
  [
    'base64 without its PEM lines',
    ({ cert, key }) => ({ cert, key: key.replace(/-----.*-----/g, '') }),
    /^cert\.key: expected PEM text, DER bytes or a path; this text is none of them$/,
  ],
  [
    'the same in the alphabet of URLs',
    ({ cert, key }) => ({ cert, key: base64(key).replaceAll('+', '-').replaceAll('/', '_') }),
    /^cert\.key: expected PEM text, DER bytes or a path; this text is none of them$/,
  ],
  [
    'a key as a JSON Web Key',
    ({ cert, key }) => ({ cert, key: JSON.stringify(createPrivateKey(key).export({ format: 'jwk' })) }),
    /^cert\.key: expected PEM text, DER bytes or a path; this text is none of them$/,
  ],
  [
    'a key without its PEM lines in the place of the certificate',
    ({ key }) => ({ cert: base64(key), key }),
    /^cert\.cert: expected PEM text, DER bytes or a path; this text is none of them$/,
  ],
  [
    'a key in hex in the place of the certificate',
    ({ key }) => ({ cert: Buffer.from(base64(key), 'base64').toString('hex'), key }),
    /^cert\.cert: expected PEM text, DER bytes or a path; this text is none of them$/,
  ],
  [
    'an encrypted key without password',
    (given) => ({ cert: given.cert, key: encrypted(given, 'pem') }),
    /^cert\.password: is missing, and the key is encrypted$/,
  ],
  [
    'the same in DER',
    (given) => ({ cert: given.cert, key: encrypted(given, 'der') }),
    /^cert\.password: is missing, and the key is encrypted$/,
  ],
  [
    'a wrong password',
    (given) => ({ cert: given.cert, key: encrypted(given, 'pem'), password: `not-${PASSWORD}` }),
    /^cert\.password: the key does not open with it \(\w+\)$/,
  ],
  [
    'an empty password',
    (given) => ({ cert: given.cert, key: encrypted(given, 'pem'), password: '' }),
    /^cert\.password: (the key does not open with it \(\w+\)|is missing, and the key is encrypted)$/,
  ],
  [
    'the key of another certificate',
    ({ cert }) => ({
      cert,
      key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }),
    /^cert: the key does not belong to the certificate/,
  ],
  [
    'a kind of key that TLS here cannot use',
    ({ cert }) => ({ cert, key: generateKeyPairSync('ed448').privateKey.export({ type: 'pkcs8', format: 'pem' }) }),
    /^cert\.key: ed448 is not supported, expected RSA/,
  ],
  [
    'a curve that TLS here cannot use',
    ({ cert }) => ({
      cert,
      key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }),
    /^cert\.key: ec secp256k1 is not supported, expected RSA/,
  ],
  [
    'a short RSA key',
    ({ cert }) => ({
      cert,
      key: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }),
    /^cert\.key: RSA of 1024 bits is not supported, expected RSA/,
  ],
];

for (const [title, cert, message] of BAD) {
  test(`cert is refused: ${title}`, async (t) => {
    const given = await own(t, 'P-256');
    const error = t.throws(() => new Client({ cert: cert(given) as Cert }), { instanceOf: TypeError, message });
    const shown = `${inspect(error, { depth: 9, showHidden: true })} ${error.stack}`;
    const secrets = given.key.split('\n').slice(1, 3);
    t.false(shown.includes(PASSWORD) || secrets.some((line) => shown.includes(line.slice(0, 40))), shown);
  });
}

test('verify shows no key that is given in the place of a certificate', async (t) => {
  const { key } = await own(t, 'P-256');
  for (const verify of [base64(key), [base64(key)]]) {
    const message = 'verify: expected PEM text, DER bytes or a path; this text is none of them';
    t.throws(() => new Client({ verify }), { instanceOf: TypeError, message });
  }
});

test('no key and no password is shown by a client', async (t) => {
  const given = await own(t, 'P-256');
  const client = openClient(t, { cert: { cert: given.cert, key: encrypted(given, 'pem'), password: PASSWORD } });
  const shown = inspect([client, new HTTPDispatch({ cert: { cert: given.cert, key: given.key } })], {
    depth: 9,
    showHidden: true,
  });
  t.false(shown.includes(PASSWORD), shown);
  t.false(shown.includes(given.key.split('\n')[1]), shown);
});

test('null and undefined are no certificate; only own properties count', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const { cert, key } = await own(t, 'P-256');
  for (const none of [null, undefined]) {
    t.is(told(await openClient(t, { verify: false, cert: none }).get(server.url)), '200 ok');
  }
  t.throws(() => new Client({ cert: Object.create({ cert, key }) as Cert }), { message: 'cert.cert: is missing' });
});

/** A server that talks to those only whom `testCA()` vouches for, and says who they are. */
async function serveMutual(t: ExecutionContext, options: object = {}) {
  const whose = (request: IncomingMessage, response: ServerResponse): void => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    response.end(`CN=${subject.CN}`);
  };
  const ca = await testCA();
  const { cert, key } = await ca.issue();
  return serveTls(t, whose, { cert, key, ca: ca.cert, requestCert: true, rejectUnauthorized: true, ...options });
}

async function own(t: ExecutionContext, keys: CertificateOptions['keys']): Promise<Given> {
  const { cert, key } = await (await testCA()).issue({ dnsNames: ['me'], keys });
  const object = createPrivateKey(key);
  const folder = folderOf(t);
  const given = { cert, key, object, folder };
  await writeFile(path.join(folder, 'cert.pem'), cert);
  await writeFile(path.join(folder, 'encrypted.pem'), encrypted(given, 'pem'));
  await writeFile(path.join(folder, 'both.pem'), `${key}\n${cert}\n${(await makeCA()).cert}`);
  return given;
}

test('PKCS#12 is answered with the line that makes PEM of it', (t) => {
  for (const cert of [
    { pfx: Buffer.from('x'), password: 's3kr3t' },
    { pfx: 'client.p12' },
    { pfx: 'a', cert: 'b', key: 'c' },
  ]) {
    const error = t.throws(() => new Client({ cert: cert as never }), { instanceOf: TypeError });
    t.regex(
      error?.message ?? '',
      /^cert\.pfx: .*`openssl pkcs12 -in client\.p12 -nodes -out client\.pem`.* cert: \{ cert: /,
    );
    t.notRegex(error?.message ?? '', /s3kr3t/);
  }
});
