/** lookup, poolLimits.dnsTtl: names to addresses. Sharing and keeping answers is tested in crates/core, on a clock of its own. */
import test, { type ExecutionContext } from 'ava';
import {
  Client,
  type ClientOptions,
  ConnectError,
  ConnectTimeout,
  HTTPDispatch,
  Request,
  TimeoutConfig,
} from '../../src/index.js';
import { start } from '../helpers/child.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { serveProxy, serveSocks } from '../helpers/proxy.js';
import { serve, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';
import { onUnix } from '../helpers/where.js';

const LOOPBACK = ['127.0.0.1'];

interface Counted {
  readonly asked: string[];
  readonly client: Client;
}

/** A client whose names are all at `addresses`, and what it was asked for. */
function counted(t: ExecutionContext, options: ClientOptions = {}, addresses: readonly string[] = LOOPBACK): Counted {
  const asked: string[] = [];
  const lookup = (host: string) => (asked.push(host), addresses);
  return { asked, client: openClient(t, { lookup, ...options }) };
}

test('names are asked for as they stand in an origin; addresses and resolve are not', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers.host));
  const { client, asked } = counted(t, { resolve: { 'known.test': '127.0.0.1' } });
  const hosts = ['A.test', 'b.test.', 'bücher.test', 'localhost', '127.0.0.1', '127.1', 'known.test'];
  for (const host of hosts) t.is((await client.get(`http://${host}:${server.port}/`)).statusCode, 200, host);
  t.deepEqual(asked, ['a.test', 'b.test.', 'xn--bcher-kva.test', 'localhost']);
});

test('the Host header, SNI and the verified name stay the URL’s', async (t) => {
  const ca = await testCA();
  const server = await serveTls(t, (request, response) => response.end(request.headers.host), {
    ...(await ca.issue({ dnsNames: ['a.test'] })),
  });
  const { client } = counted(t, { verify: ca.cert });
  t.is(told(await client.get(`https://a.test:${server.port}/`)), `200 a.test:${server.port}`);
  const other = (await failure(client.get(`https://b.test:${server.port}/`))) as ConnectError;
  t.is(other.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
});

/** Elsewhere most of 127.0.0.0/8 does not answer. */
const MANY = process.platform === 'linux' ? 512 : 4;

/** Addresses of this machine where nothing listens. */
function loopbacks(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);
}

/** What `await` takes for a promise. */
function thenable(then: (found: (list: string[]) => void) => void): Promise<string[]> {
  // oxlint-disable-next-line unicorn/no-thenable
  return { then } as Promise<string[]>;
}

function resolveTwice(found: (list: string[]) => void): never {
  found(LOOPBACK);
  found(['127.0.0.2']);
  throw new Error('late');
}

const ANSWERS: [title: string, lookup: NonNullable<ClientOptions['lookup']>][] = [
  ['a list', () => LOOPBACK],
  ['a promise', async () => LOOPBACK],
  ['a list that may not be changed', () => Object.freeze(['127.0.0.1'])],
  ['several, of which the first refuses', () => ['127.0.0.2', '127.0.0.1']],
  ['several, of which the first is of a family without a way', () => ['2001:db8::1', '127.0.0.1']],
  ['the same one many times', () => Array.from({ length: 300 }, () => '127.0.0.1')],
  ['many that refuse before the one that does not', () => [...loopbacks(MANY), '127.0.0.1']],
  ['IPv4 as IPv6', () => ['::ffff:127.0.0.1']],
  ['what only begins as a promise', () => thenable((found) => found(LOOPBACK))],
  ['what resolves twice, and throws then', () => thenable(resolveTwice)],
];

for (const [title, lookup] of ANSWERS) {
  test(`lookup returns ${title}`, async (t) => {
    const server = await serve(t, (_, response) => response.end('hello'));
    t.is(told(await soon('an answer', openClient(t, { lookup }).get(`http://a.test:${server.port}/`))), '200 hello');
  });
}

onUnix('lookup returns the address of any host: this machine', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  for (const address of ['0.0.0.0', '::ffff:0.0.0.0']) {
    t.is(told(await counted(t, {}, [address]).client.get(`http://a.test:${server.port}/`)), '200 hello');
    const { client } = counted(t, { allowAddresses: 'public' }, [address]);
    const error = (await failure(client.get(`http://a.test:${server.port}/`))) as ConnectError;
    t.is(error.code, 'ERR_ADDRESS_FORBIDDEN');
  }
});

test('several addresses are raced: one that does not answer holds nothing up', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  // Of the block for documentation: what is sent there gets no answer, or is refused by a router at once.
  const { client } = counted(t, { timeout: 4000 }, ['192.0.2.1', '127.0.0.1']);
  t.is(told(await soon('an answer', client.get(`http://a.test:${server.port}/`))), '200 hello');
});

// ── failures ──

class Refused extends Error {
  code = 'EREFUSED';
}

const FAILURES: [title: string, lookup: () => unknown, code: string, message: string][] = [
  ['throws', () => { throw new Error('no such host here'); }, 'ENOTFOUND', 'no such host here'], // prettier-ignore
  ['throws with a code', () => { throw new Refused('go away'); }, 'EREFUSED', 'go away'], // prettier-ignore
  ['rejects', () => Promise.reject(new Error('later')), 'ENOTFOUND', 'later'],
  ['rejects with a code', () => Promise.reject(new Refused('later')), 'EREFUSED', 'later'],
  ['throws text', () => { throw 'plain'; }, 'ENOTFOUND', "lookup threw 'plain'"], // prettier-ignore
  ['throws undefined', () => { throw undefined; }, 'ENOTFOUND', 'lookup threw undefined'], // prettier-ignore
  ['throws a code that is none', () => { throw Object.assign(new Error('x'), { code: 5 }); }, 'ENOTFOUND', 'x'], // prettier-ignore
  ['throws what cannot be read', () => { throw new Proxy({}, { get() { throw new Error('trap'); } }); }, 'ENOTFOUND', 'lookup threw '], // prettier-ignore
  ['returns an empty list', () => [], 'ENOTFOUND', 'the name has no address'],
  ['returns nothing', () => undefined, 'ENOTFOUND', "lookup: expected a list of IP addresses for 'a.test', it returned undefined"], // prettier-ignore
  ['returns null', () => null, 'ENOTFOUND', 'it returned null'],
  ['returns text', () => '127.0.0.1', 'ENOTFOUND', 'it returned string'],
  ['returns an object of Node’s', () => ({ address: '127.0.0.1', family: 4 }), 'ENOTFOUND', 'it returned Object'],
  ['returns a name', () => ['b.test'], 'ENOTFOUND', "lookup: expected IP addresses for 'a.test', 'b.test' is none"],
  ['returns an address and a name', () => ['127.0.0.1', 'junk'], 'ENOTFOUND', "'junk' is none"],
  ['returns an address with a port', () => ['127.0.0.1:80'], 'ENOTFOUND', "'127.0.0.1:80' is none"],
  ['returns an address in brackets', () => ['[::1]'], 'ENOTFOUND', "'[::1]' is none"],
  ['returns an address with a zone', () => ['fe80::1%eth0'], 'ENOTFOUND', "'fe80::1%eth0' is none"],
  ['returns another spelling', () => ['127.1'], 'ENOTFOUND', "'127.1' is none"],
  ['returns an address and NUL', () => ['127.0.0.1\0'], 'ENOTFOUND', 'is none'],
  ['returns a megabyte', () => ['1'.repeat(1_000_000)], 'ENOTFOUND', 'is none'],
  [
    'returns a list of four thousand millions',
    () => Object.assign([], { length: 4e9 }),
    'ENOTFOUND',
    'one of them is undefined',
  ],
  ['returns a list that throws', () => new Proxy([], { get() { throw new Error('trap'); } }), 'ENOTFOUND', 'trap'], // prettier-ignore
  ['returns numbers', () => [2130706433], 'ENOTFOUND', 'one of them is number'],
  ['returns a hole', () => [,], 'ENOTFOUND', 'one of them is undefined'], // eslint-disable-line no-sparse-arrays
];

for (const [title, lookup, code, message] of FAILURES) {
  test(`lookup ${title}: ConnectError ${code}`, async (t) => {
    let thrown: unknown;
    const watched = (async () => {
      try {
        return await (lookup() as Promise<string[]>);
      } catch (error) {
        thrown = error;
        throw error;
      }
    }) as () => Promise<string[]>;
    for (const given of [watched, lookup as () => string[]]) {
      const client = openClient(t, { lookup: given });
      const error = (await failure(soon('an error', client.get('http://a.test/x?y')))) as ConnectError;
      t.true(error instanceof ConnectError, String(error));
      t.is(error.code, code);
      t.true(reasonOf(error).startsWith("ConnectError: cannot resolve 'a.test' for http://a.test: "), error.message);
      t.true(error.message.includes(message), error.message);
      t.true(error.message.length <= 1024);
      if (given === watched && title.includes('throws') && thrown !== undefined) t.is(error.cause, thrown);
      if (message.startsWith('lookup: ')) t.true(error.cause instanceof TypeError);
      t.is(client.pool.active, 0);
    }
  });
}

test('each of those that share a question has what it threw as its cause', async (t) => {
  const reason = new Refused('go away');
  let calls = 0;
  const client = openClient(t, {
    lookup: () => {
      calls += 1;
      throw reason;
    },
  });
  const errors = await Promise.all(Array.from({ length: 20 }, () => failure(client.get('http://a.test/'))));
  for (const error of errors) t.is(error.cause, reason);
  t.true(calls >= 1 && calls <= 20);
  const fetched = (await failure(client.fetch('http://a.test/'))).cause as ConnectError;
  t.is(fetched.cause, reason);
});

test('a failure is not kept, and the policy of retries goes by its code', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  let calls = 0;
  const lookup = () => {
    calls += 1;
    if (calls < 3) throw Object.assign(new Error('try again'), { code: 'EAI_AGAIN' });
    return LOOPBACK;
  };
  const client = openClient(t, { lookup, retries: { limit: 5, backoff: () => 0 } });
  t.is(told(await client.get(`http://a.test:${server.port}/`)), '200 hello');
  t.is(calls, 3);
});

test('a lookup that hangs is a ConnectTimeout, and holds up no other name', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const lookup = async (host: string) => {
    if (host.startsWith('hang')) await opened;
    return LOOPBACK;
  };
  const client = openClient(t, { lookup });
  const timeout = { connect: 300 };
  const hanging = Array.from({ length: 300 }, (_, i) =>
    failure(client.get(`http://hang${i}.test:${server.port}/`, { timeout })),
  );
  for (let i = 0; i < 20; i++) t.is(told(await client.get(`http://good${i}.test:${server.port}/`)), '200 hello');
  for (const error of await Promise.all(hanging)) t.true(error instanceof ConnectTimeout, String(error));
  // An answer that comes too late is heard by no one.
  open();
  t.is(told(await client.get(`http://hang1.test:${server.port}/`)), '200 hello');
});

test('a hundred thousand addresses that refuse: the connect timeout is that of them all, and holds up no other name', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  const many = loopbacks(100_000);
  const lookup = (host: string) => (host === 'many.test' ? many : LOOPBACK);
  const client = openClient(t, { lookup });
  const timeout = { connect: 300 };
  const refused = failure(soon('an error', client.get(`http://many.test:${server.port}/`, { timeout })));
  t.is(told(await client.get(`http://good.test:${server.port}/`)), '200 hello');
  t.true((await refused) instanceof ConnectTimeout, String(await refused));
  await eventually('nothing is left', () => client.pool.active === 0);
});

test('abort and close while a lookup hangs', async (t) => {
  const never = new Promise<string[]>(() => {});
  const client = openClient(t, { lookup: () => never });
  const abort = new AbortController();
  const aborted = failure(client.get('http://a.test/', { signal: abort.signal }));
  await eventually('a connection is wanted', () => client.pool.active === 1);
  abort.abort();
  t.is((await soon('an error', aborted)).name, 'AbortError');
  await eventually('nothing is left', () => client.pool.active === 0);
});

// ── one question ──

test('256 cold requests to one name are one question; so are those of the next ten seconds', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  const { client, asked } = counted(t, { httpVersions: 'HTTP/1.1' });
  const url = `http://one.test:${server.port}/`;
  for (const response of await Promise.all(Array.from({ length: 256 }, () => client.get(url)))) {
    t.is(told(response), '200 hello');
  }
  t.is(server.connections(), 256);
  t.deepEqual(asked, ['one.test']);
  await client.get(url, { headers: { connection: 'close' } });
  await client.get(`http://one.test.:${server.port}/`);
  t.deepEqual(asked, ['one.test', 'one.test.']);
});

test('HTTP/2: one question as well', async (t) => {
  const ca = await testCA();
  const identity = await ca.issue({ dnsNames: ['one.test'] });
  const { createSecureServer } = await import('node:http2');
  const server = createSecureServer(identity, (_, response) => void response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as { port: number };
  const { client, asked } = counted(t, { verify: ca.cert });
  const all = await Promise.all(Array.from({ length: 100 }, () => client.get(`https://one.test:${port}/`)));
  t.true(all.every(({ httpVersion }) => httpVersion === 'HTTP/2'));
  t.deepEqual(asked, ['one.test']);
  await client.close();
});

for (const dnsTtl of [0, null]) {
  test(`dnsTtl: ${dnsTtl} asks for each connection`, async (t) => {
    const server = await serve(t, (_, response) => response.end('hello'));
    const { client, asked } = counted(t, { poolLimits: { dnsTtl, maxKeepaliveConnections: 0 } });
    for (let i = 0; i < 3; i++) await client.get(`http://a.test:${server.port}/`);
    t.is(asked.length, 3);
  });
}

test('a stale answer serves once more when the resolver fails', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  let calls = 0;
  const lookup = () => {
    if (++calls > 1) throw new Error('down');
    return LOOPBACK;
  };
  const client = openClient(t, { lookup, poolLimits: { dnsTtl: 0.001, maxKeepaliveConnections: 0 } });
  const url = `http://a.test:${server.port}/`;
  t.is(told(await client.get(url)), '200 hello');
  t.is(told(await client.get(url)), '200 hello', 'the last answer, once more');
  t.is(((await failure(client.get(url))) as ConnectError).code, 'ENOTFOUND');
  t.is(calls, 3);
});

test('an answer that leads nowhere is asked for anew', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  const answers = [['127.0.0.9'], LOOPBACK];
  const client = openClient(t, { lookup: () => answers.shift() ?? [] });
  const url = `http://moved.test:${server.port}/`;
  t.is(((await failure(client.get(url))) as ConnectError).code, 'ECONNREFUSED');
  t.is(told(await client.get(url)), '200 hello');
});

test('two clients have their own answers', async (t) => {
  const one = await serve(t, (_, response) => response.end('one'));
  const { port } = one;
  const first = counted(t);
  const second = counted(t, {}, ['127.0.0.9']);
  t.is(told(await first.client.get(`http://a.test:${port}/`)), '200 one');
  t.is(((await failure(second.client.get(`http://a.test:${port}/`))) as ConnectError).code, 'ECONNREFUSED');
  t.deepEqual([first.asked, second.asked], [['a.test'], ['a.test']]);
});

// ── with a guard ──

test('DNS rebinding: one refused address among several, and an answer that changes', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  const url = `http://rebind.test:${server.port}/`;
  for (const addresses of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '10.0.0.1'],
    ['127.0.0.1', '::1'],
    ['::ffff:10.0.0.1', '127.0.0.1'],
  ]) {
    const { client } = counted(t, { allowAddresses: ['127.0.0.1'] }, addresses);
    const error = (await failure(client.get(url))) as ConnectError;
    t.is(error.code, 'ERR_ADDRESS_FORBIDDEN', String(addresses));
    t.true(error.message.includes("'rebind.test'"), error.message);
  }
  t.is(server.connections(), 0);
  const answers = [LOOPBACK, ['169.254.169.254']];
  const lookup = () => answers.shift() ?? [];
  const limits = { dnsTtl: 0, maxKeepaliveConnections: 0 };
  const client = openClient(t, { lookup, allowAddresses: ['127.0.0.1'], poolLimits: limits });
  t.is(told(await client.get(url)), '200 hello');
  t.is(((await failure(client.get(url))) as ConnectError).code, 'ERR_ADDRESS_FORBIDDEN');
});

// ── proxies, dispatches ──

test('the names of proxies are looked up as well, and those of origins where that is done here', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  const proxy = await serveProxy(t, { lead: () => server.port });
  const socks = await serveSocks(t, { lead: () => server.port });
  const rows: [proxies: string, asked: string[]][] = [
    [`http://proxy.test:${proxy.port}`, ['proxy.test']],
    [`socks5h://proxy.test:${socks.port}`, ['proxy.test']],
    [`socks5://proxy.test:${socks.port}`, ['origin.test', 'proxy.test']],
    [`socks4://proxy.test:${socks.port}`, ['origin.test', 'proxy.test']],
  ];
  for (const [proxies, expected] of rows) {
    const { client, asked } = counted(t, { proxies, allowAddresses: ['127.0.0.1'] });
    t.is(told(await client.get(`http://origin.test:${server.port}/`)), '200 hello', proxies);
    t.deepEqual(asked, expected, proxies);
  }
  const failing = openClient(t, { proxies: 'http://proxy.test:1', lookup: () => { throw new Refused('no proxy'); } }); // prettier-ignore
  const error = (await failure(failing.get('http://origin.test/'))) as ConnectError;
  t.true(error instanceof ConnectError);
  t.is(error.code, 'EREFUSED');
  t.is((error.cause as Error).message, 'no proxy');
  t.is(error.proxy, 'http://proxy.test:1');
});

test('HTTPDispatch alone, and mounts: null', async (t) => {
  const server = await serve(t, (_, response) => response.end('hello'));
  const url = `http://a.test:${server.port}/`;
  const dispatch = new HTTPDispatch({ lookup: () => LOOPBACK });
  t.teardown(() => dispatch.close());
  t.is((await dispatch.send(new Request('GET', url), { timeout: new TimeoutConfig(5000) })).statusCode, 200);
  const mounted = openClient(t, { dispatch, mounts: { 'all://b.test': null }, lookup: () => LOOPBACK });
  t.is(told(await mounted.get(`http://b.test:${server.port}/`)), '200 hello');
});

test('what is no function', (t) => {
  for (const lookup of ['dns', 1, true, {}, []]) {
    const expected = { instanceOf: TypeError, message: /^lookup: expected a function, got / };
    t.throws(() => new Client({ lookup: lookup as never }), expected);
    t.throws(() => new HTTPDispatch({ lookup: lookup as never }), expected);
    t.throws(() => new Client({ lookup: lookup as never, dispatch: new HTTPDispatch() }), expected);
  }
  t.notThrows(() => new Client({ lookup: null }));
});

// ── memory ──

const FORGOTTEN = `
  const { createServer } = await import('node:http');
  const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = 'http://a.test:' + server.address().port + '/';
  const refs = [];
  async function visit(fails) {
    // The function can reach its client.
    const client = new whippet.Client({ lookup: () => { if (fails) throw new Error('no'); return client && ['127.0.0.1']; } });
    refs.push(new WeakRef(client));
    try {
      const { text } = await client.get(url);
      if (text !== 'ok') throw new Error(text);
    } catch (error) {
      if (!fails) throw error;
      refs.push(new WeakRef(error.cause));
    }
  }
  for (let i = 0; i < 20; i++) await visit(i % 2 === 1);
  for (let i = 0; i < 50 && refs.some((ref) => ref.deref()); i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(refs.filter((ref) => ref.deref()).length <= 1 ? 'forgotten' : refs.map((ref) => typeof ref.deref()));
  server.close();
  server.closeAllConnections();
`;

test('a client that its own lookup can reach is collected, and what was thrown too', async (t) => {
  const { stdout, stderr, code } = await start(t, FORGOTTEN, {}, ['--expose-gc']).ended;
  t.is(stdout.trim(), 'forgotten', stderr);
  t.is(code, 0);
});
