/** Proxies that others wrote: the same questions to each, in each way that it is asked. One that is not installed is skipped. */
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Server as ProxyChain } from 'proxy-chain';
import { openClient } from '../__test__/helpers/client.js';
import { host, listen, type Listening } from '../__test__/helpers/listen.js';
import { serve } from '../__test__/helpers/server.js';
import { testCA } from '../__test__/helpers/tls.js';
import { DigestAuth, HTTPProxy, HTTPProxyMode, ProxyError } from '../src/index.js';
import type { Client, ClientOptions, ProxyTypes } from '../src/index.js';
import { content, digest, inPieces } from './helpers/content.js';
import { find, freePorts, peerFolder, start } from './helpers/program.js';

const USER = 'whippet';
const PASSWORD = 'p@ss:word/';
const userinfo = `${USER}:${encodeURIComponent(PASSWORD)}`;
const LARGE = content(16 * 1024 * 1024);

interface Proxy {
  readonly name: string;
  /** What has to be installed. */
  readonly programs: readonly string[];
  /** Starts it; `undefined` for a way to be asked that it does not know. */
  start(t: ExecutionContext): Promise<Ways>;
}

interface Ways {
  readonly ways: Record<string, ProxyTypes>;
  /** Named with a wrong password; null where the proxy asks for none. */
  readonly wrong: readonly string[];
}

const PROXIES: readonly Proxy[] = [
  {
    name: 'squid',
    programs: ['squid'],
    async start(t) {
      const dir = await peerFolder(t);
      const [open, basic, strict] = await freePorts(3);
      const libraries = '/usr/lib/squid';
      writeFileSync(
        path.join(dir, 'basic'),
        `${USER}:${execFileSync('openssl', ['passwd', '-apr1', PASSWORD]).toString()}`,
      );
      const ha1 = createHash('md5').update(`${USER}:squid:${PASSWORD}`).digest('hex');
      writeFileSync(path.join(dir, 'digest'), `${USER}:squid:${ha1}\n`);
      // With the smaller buffer it breaks off large uploads now and then; curl sees the same.
      const common = `
cache deny all
cache_log /dev/null
access_log none
pid_filename none
netdb_filename none
coredump_dir /tmp
shutdown_lifetime 0 seconds
visible_hostname localhost
client_request_buffer_max_size 64 MB
`;
      const auth: [number, string][] = [
        [open, 'http_access allow all'],
        [
          basic,
          `auth_param basic program ${libraries}/basic_ncsa_auth ${dir}/basic\nacl known proxy_auth REQUIRED\nhttp_access allow known`,
        ],
        [
          strict,
          `auth_param digest program ${libraries}/digest_file_auth -c ${dir}/digest\nauth_param digest realm squid\nacl known proxy_auth REQUIRED\nhttp_access allow known`,
        ],
      ];
      for (const [port, access] of auth) {
        const file = path.join(dir, `squid-${port}.conf`);
        writeFileSync(file, `http_port ${host}:${port}${common}${access}\nhttp_access deny all\n`);
        await start(t, find('squid') as string, ['-N', '-f', file], port);
      }
      const proxyUrl = `http://${host}:${strict}`;
      return {
        ways: {
          'without credentials': `http://${host}:${open}`,
          Basic: `http://${userinfo}@${host}:${basic}`,
          Digest: new HTTPProxy({ proxyUrl, auth: new DigestAuth(USER, PASSWORD) }),
        },
        wrong: [`http://${USER}:wrong@${host}:${basic}`, `http://${host}:${strict}`],
      };
    },
  },
  {
    name: 'tinyproxy',
    programs: ['tinyproxy'],
    async start(t) {
      const [open, basic] = await tinyproxies(t);
      return {
        ways: { 'without credentials': `http://${host}:${open}`, Basic: `http://${USER}:secret@${host}:${basic}` },
        wrong: [`http://${USER}:wrong@${host}:${basic}`, `http://${host}:${basic}`],
      };
    },
  },
  {
    name: 'haproxy with TLS in front of tinyproxy',
    programs: ['haproxy', 'tinyproxy'],
    async start(t) {
      const [, basic] = await tinyproxies(t);
      const dir = await peerFolder(t);
      const [port] = await freePorts(1);
      const file = path.join(dir, 'haproxy.cfg');
      writeFileSync(
        file,
        `defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen proxy
  bind ${host}:${port} ssl crt ${dir}/both.pem
  server tinyproxy ${host}:${basic}
`,
      );
      await start(t, find('haproxy') as string, ['-db', '-f', file], port);
      return {
        ways: { 'over TLS': `https://${USER}:secret@${host}:${port}` },
        wrong: [`https://${USER}:wrong@${host}:${port}`],
      };
    },
  },
  {
    name: 'dante',
    programs: ['danted'],
    async start(t) {
      const dir = await peerFolder(t);
      const [port] = await freePorts(1);
      const file = path.join(dir, 'danted.conf');
      writeFileSync(
        file,
        `logoutput: stderr
internal: ${host} port = ${port}
external: ${host}
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
`,
      );
      await start(t, find('danted') as string, ['-f', file, '-p', path.join(dir, 'pid')], port);
      const schemes = ['socks4', 'socks4a', 'socks5', 'socks5h'];
      return { ways: Object.fromEntries(schemes.map((scheme) => [scheme, `${scheme}://${host}:${port}`])), wrong: [] };
    },
  },
  {
    name: 'proxy-chain',
    programs: [],
    async start(t) {
      const server = new ProxyChain({
        host,
        port: 0,
        prepareRequestFunction: ({ username, password }) => ({
          requestAuthentication: username !== USER || password !== PASSWORD,
        }),
      });
      await server.listen();
      t.teardown(() => server.close(true));
      return {
        ways: { Basic: `http://${userinfo}@${host}:${server.port}` },
        wrong: [`http://${USER}:wrong@${host}:${server.port}`],
      };
    },
  },
];

interface Origins {
  readonly http: string;
  readonly https: string;
  readonly secure: Listening;
}

/** They answer with the digest of what they received, or with a large body. */
async function serveOrigins(t: ExecutionContext): Promise<Origins> {
  const { chain, key } = await (await testCA()).issue();
  const answer = async (
    request: AsyncIterable<Buffer> & { url?: string },
    response: { end(body: unknown): unknown },
  ) => {
    if (request.url === '/large') return response.end(LARGE);
    return response.end(JSON.stringify(await digest(request)));
  };
  const plain = await serve(t, answer as never);
  const server: Http2SecureServer = createSecureServer({ cert: chain, key, allowHTTP1: true }, answer as never);
  const secure = await listen(t, server as never, 'https', []);
  return { http: plain.origin, https: secure.origin, secure };
}

type Ask = (
  t: ExecutionContext,
  asked: { client: Client; url: string; open: (more: ClientOptions) => Client },
) => Promise<void>;

const SMALL = Buffer.from('a small body');

const QUESTIONS: [title: string, schemes: readonly ('http' | 'https')[], ask: Ask][] = [
  [
    'GET, POST and HEAD over one connection',
    ['http', 'https'],
    async (t, { client, url }) => {
      t.deepEqual((await client.get(url)).json(), await digest(Buffer.alloc(0)));
      t.deepEqual((await client.post(url, { content: SMALL })).json(), await digest(SMALL));
      t.is((await client.head(url)).statusCode, 200);
      // tinyproxy closes after each request that it forwards.
      if (url.startsWith('https')) t.is(client.pool.idle, 1);
    },
  ],
  [
    '16 MiB up and down, whole',
    ['http', 'https'],
    async (t, { client, url }) => {
      t.deepEqual((await client.put(url, { content: LARGE })).json(), await digest(LARGE));
      t.true((await client.get(`${url}/large`)).content.equals(LARGE));
    },
  ],
  [
    '16 MiB up and down, streamed',
    ['http', 'https'],
    async (t, { client, url }) => {
      // A stream that is gone cannot be sent again with the answer to a challenge.
      await client.get(url);
      t.deepEqual((await client.put(url, { content: inPieces(LARGE) })).json(), await digest(LARGE));
      await using response = await client.stream('GET', `${url}/large`);
      t.deepEqual(await digest(response), await digest(LARGE));
    },
  ],
  [
    '200 in parallel, one client',
    ['http', 'https'],
    async (t, { open, url }) => {
      const client = open({ httpVersions: 'HTTP/1.1', poolLimits: { maxConnections: 50 }, timeout: 30_000 });
      const bodies = Array.from({ length: 200 }, (_, i) => Buffer.from(`body ${i}`));
      // tinyproxy closes connections that it has called persistent: what may not be sent twice could get lost there.
      const responses = await Promise.all(bodies.map((body) => client.put(url, { content: body })));
      for (const [i, response] of responses.entries()) t.deepEqual(response.json(), await digest(bodies[i]));
    },
  ],
  [
    'HTTP/2 through a tunnel, 200 in parallel over one connection',
    ['https'],
    async (t, { open, url }) => {
      const client = open({ httpVersions: 'HTTP/2', timeout: 30_000 });
      const responses = await Promise.all(Array.from({ length: 200 }, () => client.post(url, { content: SMALL })));
      t.deepEqual(
        new Set(responses.map(({ httpVersion, statusCode }) => `${httpVersion} ${statusCode}`)),
        new Set(['HTTP/2 200']),
      );
      t.is(client.pool.idle + client.pool.active, 1);
    },
  ],
];

for (const proxy of PROXIES) {
  const missing = proxy.programs.filter((program) => find(program) === null);
  if (missing.length > 0) {
    test.skip(`${proxy.name}: ${missing.join(' and ')} not installed`, () => {});
    continue;
  }
  test(proxy.name, async (t) => {
    t.timeout(110_000);
    const { ways, wrong } = await proxy.start(t);
    const origins = await serveOrigins(t);
    const { cert: verify } = await testCA();
    for (const [way, proxies] of Object.entries(ways)) {
      for (const [title, schemes, ask] of QUESTIONS) {
        for (const scheme of schemes) {
          const open = (more: ClientOptions): Client => openClient(t, { proxies, verify, ...more });
          const client = open({ httpVersions: 'HTTP/1.1', timeout: 30_000 });
          await t.notThrowsAsync(ask(t, { client, url: origins[scheme], open }), `${way}: ${title} (${scheme})`);
          await client.close();
        }
      }
    }
    for (const proxies of wrong) {
      const client = openClient(t, { proxies, verify });
      // tinyproxy says 401 to wrong credentials.
      t.true([401, 407].includes((await client.get(origins.http)).statusCode));
      const error = await t.throwsAsync<ProxyError>(client.get(origins.https), { instanceOf: ProxyError });
      t.true([401, 407].includes(error?.response?.statusCode ?? 0));
      t.false(error?.message.includes('wrong'));
    }
  });
}

test('squid: TUNNEL_ONLY takes http through a tunnel, too', async (t) => {
  if (find('squid') === null) return void t.pass();
  const { ways } = await PROXIES[0].start(t);
  const origins = await serveOrigins(t);
  const proxyUrl = ways['without credentials'] as string;
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl, proxyMode: HTTPProxyMode.TUNNEL_ONLY }) });
  const response = await client.get(origins.http);
  t.is(response.statusCode, 200);
  // What squid has forwarded it says so about.
  t.false(response.headers.has('via'));
  t.true((await openClient(t, { proxies: proxyUrl }).get(origins.http)).headers.has('via'));
});

async function tinyproxies(t: ExecutionContext): Promise<[open: number, basic: number]> {
  const dir = await peerFolder(t);
  const [open, basic] = await freePorts(2);
  for (const port of [open, basic]) {
    const file = path.join(dir, `tinyproxy-${port}.conf`);
    const auth = port === basic ? `BasicAuth ${USER} secret\n` : '';
    writeFileSync(
      file,
      `Port ${port}\nListen ${host}\nTimeout 60\nMaxClients 500\nAllow 127.0.0.1\nLogLevel Error\nPidFile "${dir}/pid-${port}"\n${auth}`,
    );
    await start(t, find('tinyproxy') as string, ['-d', '-c', file], port);
  }
  return [open, basic];
}
