/** SEC-D7 to SEC-D9: what a server does wrong in the handshake, record by record. Those that are no TLS at all: tls-names.spec.ts. */
import test, { type ExecutionContext } from 'ava';
import type { SecureVersion } from 'node:tls';
import { type Client, ConnectError, ConnectTimeout } from '../../src/index.js';
import { failure, openClient, soon, told } from '../helpers/client.js';
import type { Listening } from '../helpers/listen.js';
import { OK } from '../helpers/server.js';
import { type Identity, makeCA, testCA } from '../helpers/tls.js';
import {
  alert,
  cut,
  data,
  ENCRYPTED_EXTENSIONS,
  HANDSHAKE,
  message,
  messagesOf,
  type RecordServerOptions,
  SERVER_HELLO,
  serveRecords,
  type TlsConnection,
  type TlsRecord,
} from '../helpers/tls-records.js';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

type Rewrite = NonNullable<RecordServerOptions['rewrite']>;

interface Faulty {
  readonly client: Client;
  readonly server: Listening;
}

/** A server whose first connection's records are rewritten, until its handshake is complete. */
async function faultyOnce(
  t: ExecutionContext,
  rewrite: Rewrite,
  options: Partial<RecordServerOptions> = {},
): Promise<Faulty> {
  let first: TlsConnection | undefined;
  let isFaulty = true;
  const server = await serveRecords(
    t,
    async (connection) => {
      isFaulty = false;
      for (;;) {
        await connection.request();
        await connection.write(OK);
      }
    },
    {
      ...(await identity()),
      ...options,
      rewrite(record, connection) {
        first ??= connection;
        return isFaulty && connection === first ? rewrite(record, connection) : undefined;
      },
    },
  );
  return { server, client: openClient(t, { verify: (await testCA()).cert }) };
}

let shared: Promise<Identity> | undefined;
function identity(): Promise<Identity> {
  shared ??= testCA().then((ca) => ca.issue());
  return shared;
}

/** The error that the first request meets; the second one is answered. */
async function refused(t: ExecutionContext, { client, server }: Faulty, codes: readonly string[]): Promise<void> {
  const error = (await failure(soon('an error', client.get(server.url)))) as ConnectError;
  t.true(error instanceof ConnectError, String(error));
  t.true(codes.includes(error.code), `${error.code}: ${error.message}`);
  t.true(error.message.length <= 1024);
  t.is(client.pool.active, 0);
  t.is(told(await soon('an answer', client.get(server.url))), '200 ok', 'the next request');
}

/** Rewrites the record that is the `n`th of its connection, from 0. */
function nth(n: number, rewrite: Rewrite): Rewrite {
  let count = 0;
  return (record, connection) => (count++ === n ? rewrite(record, connection) : undefined);
}

/** A server's flight. What it says after the client's is not part of it. */
const FLIGHTS: Record<(typeof VERSIONS)[number], readonly string[]> = {
  'TLSv1.2': ['ServerHello', 'Certificate', 'ServerKeyExchange', 'ServerHelloDone'],
  'TLSv1.3': ['ServerHello', 'ChangeCipherSpec', 'EncryptedExtensions', 'Certificate', 'CertificateVerify', 'Finished'],
};

for (const maxVersion of VERSIONS) {
  for (const [n, name] of FLIGHTS[maxVersion].entries()) {
    test(`SEC-D9 ${maxVersion}: no ${name}, nor anything behind it: the connect timeout`, async (t) => {
      let count = 0;
      const rewrite: Rewrite = () => (count++ < n ? undefined : []);
      const { client, server } = await faultyOnce(t, rewrite, { maxVersion });
      const error = await failure(soon('an error', client.get(server.url, { timeout: { connect: 200 } })));
      t.true(error instanceof ConnectTimeout, String(error));
      t.is(told(await soon('an answer', client.get(server.url))), '200 ok', 'the next request');
    });

    test(`SEC-D9 ${maxVersion}: FIN, RST, alerts in the place of ${name}`, async (t) => {
      const faults: [Rewrite, codes: string[]][] = [
        [(_, connection) => (connection.cut(), []), ['ECONNRESET']],
        [(_, connection) => (connection.reset(), []), ['ECONNRESET']],
        [() => [alert(2, 40)], ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE']],
        // What follows is not expected there, or it is the end.
        [
          (_, connection) => {
            connection.cutAfter(alert(1, 0));
            return [];
          },
          ['EPROTO', 'ECONNRESET'],
        ],
      ];
      for (const [rewrite, codes] of faults) {
        await refused(t, await faultyOnce(t, nth(n, rewrite), { maxVersion }), codes);
      }
    });

    test(`SEC-D8 ${maxVersion}: ${name} twice, changed, or data in its place`, async (t) => {
      const twice = await faultyOnce(
        t,
        nth(n, (record) => [record, record]),
        { maxVersion },
      );
      // RFC 8446 appendix D.4: it means nothing.
      if (name === 'ChangeCipherSpec') t.is(told(await twice.client.get(twice.server.url)), '200 ok');
      else await refused(t, twice, ['EPROTO']);
      const early = nth(n, () => [data('HTTP/1.1 200 OK\r\n\r\n')]);
      await refused(t, await faultyOnce(t, early, { maxVersion }), ['EPROTO']);
      // Its last byte is one of its length: it would be waited for.
      if (name === 'ServerHelloDone') return;
      const changed = nth(n, ({ type, content }) => {
        const other = Buffer.from(content);
        other[other.length - 1]! ^= 1;
        return [{ type, content: other }];
      });
      await refused(t, await faultyOnce(t, changed, { maxVersion }), ['EPROTO', 'CERT_SIGNATURE_FAILURE']);
    });
  }
}

// ── what was not asked for ──

/** Rewrites the first handshake message of a type, wherever in a record it is. */
function within(type: number, rewrite: (content: Buffer) => Buffer): Rewrite {
  return (record) => {
    if (record.type !== HANDSHAKE) return undefined;
    const messages = messagesOf(record.content);
    if (!messages.some((one) => one.type === type)) return undefined;
    const all = messages.map((one) => message(one.type, one.type === type ? rewrite(one.content) : one.content));
    return [{ type: HANDSHAKE, content: Buffer.concat(all) }];
  };
}

/** With another extension, in the list that begins at `at`. */
function withExtension(content: Buffer, at: number, extension: string): Buffer {
  const added = Buffer.from(extension, 'hex');
  const longer = Buffer.concat([content, added]);
  longer.writeUInt16BE(content.readUInt16BE(at) + added.length, at);
  return longer;
}

/** Where the extensions of a ServerHello begin: version, random, session, cipher, compression. */
const extensionsOf = (hello: Buffer): number => 2 + 32 + 1 + hello[34]! + 2 + 1;
const set = (content: Buffer, at: number, hex: string): Buffer => {
  const changed = Buffer.from(content);
  changed.write(hex, at, 'hex');
  return changed;
};
/** "h3", by ALPN. */
const H3 = '00100005000302' + Buffer.from('h3').toString('hex');

const UNASKED: [title: string, maxVersion: SecureVersion, rewrite: Rewrite][] = [
  ['a protocol of ALPN', 'TLSv1.3', within(ENCRYPTED_EXTENSIONS, (content) => withExtension(content, 0, H3))],
  ['a protocol of ALPN', 'TLSv1.2', within(SERVER_HELLO, (hello) => withExtension(hello, extensionsOf(hello), H3))],
  ['an extension', 'TLSv1.3', within(ENCRYPTED_EXTENSIONS, (content) => withExtension(content, 0, 'fefe0000'))],
  ['an extension', 'TLSv1.2', within(SERVER_HELLO, (hello) => withExtension(hello, extensionsOf(hello), 'fefe0000'))],
  ['early data', 'TLSv1.3', within(ENCRYPTED_EXTENSIONS, (content) => withExtension(content, 0, '002a0000'))],
  ['a cipher', 'TLSv1.3', within(SERVER_HELLO, (hello) => set(hello, 35 + hello[34]!, '00ff'))],
  ['a cipher', 'TLSv1.2', within(SERVER_HELLO, (hello) => set(hello, 35 + hello[34]!, '0005'))],
  ['compression', 'TLSv1.2', within(SERVER_HELLO, (hello) => set(hello, 37 + hello[34]!, '01'))],
  ['another session', 'TLSv1.3', within(SERVER_HELLO, (hello) => set(hello, 35, '00112233'))],
  ['SSL 3', 'TLSv1.2', within(SERVER_HELLO, (hello) => set(hello, 0, '0300'))],
  // RFC 8446 section 4.1.3: the server could have had 1.3, and between them is one that did not want that.
  ['a downgrade to TLS 1.2', 'TLSv1.2', within(SERVER_HELLO, (hello) => set(hello, 26, '444f574e47524401'))],
];

for (const [title, maxVersion, rewrite] of UNASKED) {
  test(`SEC-D8 ${maxVersion}: ${title} that was not offered`, async (t) => {
    await refused(t, await faultyOnce(t, rewrite, { maxVersion }), ['EPROTO', 'ERR_SSL_UNSUPPORTED_PROTOCOL']);
  });
}

test('SEC-D8 HelloRetryRequest once is followed, twice is not', async (t) => {
  // No key share is for this group.
  const ecdhCurve = 'P-384';
  let hellos = 0;
  const counting: Rewrite = ({ content }) => void (hellos += content[0] === SERVER_HELLO ? 1 : 0);
  const once = await faultyOnce(t, counting, { ecdhCurve });
  t.is(told(await soon('an answer', once.client.get(once.server.url))), '200 ok');
  t.is(hellos, 2);
  let retry: TlsRecord | undefined;
  const twice = await faultyOnce(
    t,
    (record) => {
      if (record.type !== HANDSHAKE || record.content[0] !== SERVER_HELLO) return undefined;
      retry ??= record;
      return [retry];
    },
    { ecdhCurve },
  );
  await refused(t, twice, ['EPROTO']);
});

// ── large, and in small pieces ──

for (const maxVersion of VERSIONS) {
  test(`SEC-D9 ${maxVersion}: a certificate of 40 KB in many records, and in more than can be`, async (t) => {
    const dnsNames = Array.from({ length: 1100 }, (_, i) => `name-${i}.of-a-long-list.example.org`);
    const large = await (await testCA()).issue({ dnsNames, ips: ['127.0.0.1'] });
    const into = (length: number): Promise<Faulty> =>
      faultyOnce(t, (record) => cut(record, length), { ...large, maxVersion });
    const { client, server } = await into(100);
    t.is(told(await soon('an answer', client.get(server.url))), '200 ok');
    await refused(t, await into(1), ['EPROTO']);
  });
}

test('SEC-D7 two authorities that vouch for each other, without a root', async (t) => {
  const [one, other] = [await makeCA('CN=One'), await makeCA('CN=Other')];
  const leaf = await one.issue();
  const pair = [await other.vouchFor(one), await one.vouchFor(other)];
  const chain = [leaf.cert, ...Array.from({ length: 20 }, () => pair).flat()].join('\n');
  const { client, server } = await faultyOnce(t, () => undefined, { cert: chain, key: leaf.key });
  const error = (await failure(soon('an error', client.get(server.url)))) as ConnectError;
  t.is(error.code, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
});
