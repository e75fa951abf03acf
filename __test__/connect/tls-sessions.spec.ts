/** SEC-C, SEC-D14: connections and TLS sessions belong to one set of options. */
import test, { type ExecutionContext } from 'ava';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { ConnectError, type HTTPDispatchOptions, InvalidURL } from '../../src/index.js';
import { start } from '../helpers/child.js';
import { failure, openClient, told } from '../helpers/client.js';
import { serve, serveTls, type HttpServer } from '../helpers/server.js';
import { makeCA, testCA } from '../helpers/tls.js';
import { folderOf } from '../helpers/files.js';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
type Version = (typeof VERSIONS)[number];

/** A server that closes each connection, so that the next one may resume its session; it answers whether that happened. */
async function serveSessions(t: ExecutionContext, version: Version): Promise<HttpServer> {
  const { cert: ca } = await testCA();
  const { cert, key } = await (await testCA()).issue({ dnsNames: ['a.test', 'b.test'], ips: ['127.0.0.1'] });
  const answer: Parameters<typeof serveTls>[1] = (request, response) => {
    const socket = request.socket as TLSSocket;
    response.setHeader('connection', 'close');
    response.end(
      `${socket.isSessionReused() ? 'resumed' : 'full'} ${socket.getPeerCertificate().subject?.CN ?? 'unnamed'}`,
    );
  };
  return serveTls(t, answer, {
    cert,
    key,
    ca,
    minVersion: version,
    maxVersion: version,
    requestCert: true,
    rejectUnauthorized: false,
  });
}

/** What each of the options that a TLS connection depends on may be instead. A new option has no row: then this does not compile. */
type Connects = Exclude<
  keyof HTTPDispatchOptions,
  | 'poolLimits'
  | 'socketPath'
  | 'localAddress'
  | 'resolve'
  | 'allowAddresses'
  | 'denyAddresses'
  | 'httpsOnly'
  | 'lookup'
  | 'httpVersions'
  | 'proxy'
>;
const CHANGED: Record<Connects, (t: ExecutionContext, ca: string) => Promise<HTTPDispatchOptions[]>> = {
  verify: async (_, ca) => [{ verify: false }, { verify: [ca, (await makeCA()).cert] }],
  cert: async (_, ca) => {
    const [one, other] = await Promise.all(
      ['one', 'other'].map(async (name) => (await testCA()).issue({ dnsNames: [name] })),
    );
    return [one, other].map(({ cert, key }) => ({ verify: ca, cert: { cert, key } }));
  },
  // The variables are in the next test: they are options by another name.
  trustEnv: async (t, ca) => {
    const folder = folderOf(t);
    process.env.SSLKEYLOGFILE = path.join(folder, 'keys.log');
    const { verify } = { verify: ca };
    return [{ verify, trustEnv: true }];
  },
};

for (const version of VERSIONS) {
  for (const [name, others] of Object.entries(CHANGED)) {
    test.serial(`SEC-C1 SEC-C2 ${version}: another ${name} has neither the connection nor the session`, async (t) => {
      const server = await serveSessions(t, version);
      const { cert: ca } = await testCA();
      const before = { verify: ca, trustEnv: false };
      t.is(await visits(t, server, before), 'full unnamed, resumed unnamed');
      try {
        for (const other of await others(t, ca)) {
          t.regex(await visits(t, server, other), /^full (\w+), resumed \1$/);
        }
      } finally {
        delete process.env.SSLKEYLOGFILE;
      }
      t.regex(await visits(t, server, before), /^resumed unnamed/);
    });
  }

  test(`SEC-C2 SEC-D14 ${version}: what was made without verification is nothing to one with it`, async (t) => {
    const server = await serveSessions(t, version);
    const stranger = (await makeCA()).cert;
    for (let i = 0; i < 2; i++) {
      t.regex(await visits(t, server, { verify: false }), /resumed unnamed/);
      for (const options of [{ verify: stranger }, {}, { verify: true }]) {
        const error = await failure(openClient(t, options).get(server.url));
        t.true(error instanceof ConnectError, String(error));
      }
    }
  });

  test(`SEC-C2 ${version}: another name at the same address is verified in full`, async (t) => {
    const server = await serveSessions(t, version);
    const { cert: verify } = await testCA();
    const resolve = { 'a.test': '127.0.0.1', 'b.test': '127.0.0.1', 'c.test': '127.0.0.1' };
    const client = openClient(t, { verify, resolve });
    const visit = async (host: string): Promise<string> => (await client.get(`https://${host}:${server.port}/`)).text;
    t.is(await visit('a.test'), 'full unnamed');
    t.is(await visit('a.test'), 'resumed unnamed');
    t.is(await visit('b.test'), 'full unnamed');
    const error = await failure(visit('c.test'));
    t.is((error as ConnectError).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });
}

test('SEC-C1 two clients never share a connection, even with equal options', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const { cert: verify } = await testCA();
  for (let i = 1; i <= 3; i++) {
    const client = openClient(t, { verify });
    for (let j = 0; j < 2; j++) t.is(told(await client.get(server.url)), '200 ok');
    t.is(server.connections(), i);
  }
});

test('SEC-C4 a zone is part of the host', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = openClient(t, { timeout: 2000 });
  for (const zone of ['a', 'b']) {
    const error = await failure(client.get(`http://[fe80::1%25${zone}]:${server.port}/`));
    t.true(error instanceof ConnectError || error instanceof InvalidURL, String(error));
    t.true(error.message.includes(`%25${zone}`) || error.message.includes(`%${zone}`), error.message);
  }
  t.is(server.connections(), 0);
});

test('SEC-C4 another zone is another pool', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = openClient(t, { resolve: { '[fe80::1%a]': '127.0.0.1', '[fe80::1%b]': '127.0.0.1' } });
  for (const [zone, connections] of [
    ['a', 1],
    ['b', 2],
    ['a', 2],
    ['b', 2],
  ] as const) {
    t.is(told(await client.get(`http://[fe80::1%25${zone}]:${server.port}/`)), '200 ok');
    t.is(server.connections(), connections, zone);
  }
});

/** Two requests of a fresh client, each on a connection of its own. */
async function visits(t: ExecutionContext, server: HttpServer, options: HTTPDispatchOptions): Promise<string> {
  const client = openClient(t, options);
  const answers: string[] = [];
  for (let i = 0; i < 2; i++) answers.push((await client.get(server.url)).text);
  await client.close();
  return answers.join(', ');
}

test('a thousand clients with one set of options parse it once', async (t) => {
  // As many authorities as a system has.
  const roots = await Promise.all(
    Array.from({ length: 120 }, async (_, i) => (await makeCA(`CN=Authority ${i}`)).cert),
  );
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const program = `
    const clients = [];
    const use = async (many) => {
      for (let i = 0; i < many; i++) {
        const client = new whippet.Client({ verify: args.verify });
        clients.push(client);
        await client.get(args.url);
        await client.close();
      }
      globalThis.gc();
      return process.memoryUsage().rss;
    };
    const before = await use(100);
    console.log(Math.round((await use(1000) - before) / 1024 / 1024));
  `;
  const verify = [(await testCA()).cert, ...roots].join('\n');
  // V8's nursery grows when it likes, by as much as is measured here.
  const flags = ['--expose-gc', '--max-semi-space-size=1'];
  const { stdout, stderr } = await start(t, program, { url: server.url, verify }, flags).ended;
  t.is(stderr, '');
  // A store of its own for each would be 70 MiB.
  t.true(Number(stdout) <= 20, `${stdout.trim()} MiB`);
});
