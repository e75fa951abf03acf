/**
 * Addresses have one spelling, wherever a host is written or compared: what looks like a name to a filter must not be 127.0.0.1 to
 * the resolver (URL standard, "IPv4 parser"; RFC 5952; RFC 6874).
 */
import test from 'ava';
import * as fc from '../helpers/fast-check.js';
import { networkInterfaces } from 'node:os';
import { Client, Cookies, InvalidURL, URL } from '../../src/index.js';
import { parseNetRC } from '../../src/auth/netrc-file.js';
import { URLPattern } from '../../src/url/pattern.js';
import { openClient, told } from '../helpers/client.js';
import { serve } from '../helpers/server.js';
import { host as loopback } from '../helpers/listen.js';
import { testWhere } from '../helpers/where.js';

/** null: InvalidURL. */
const NUMERIC: [host: string, address: string | null][] = [
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['127.0.1', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['0X7F.0x1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['0177.0.0.01', '127.0.0.1'],
  ['127.0.0.01', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['127.1.', '127.0.0.1'],
  ['0', '0.0.0.0'],
  ['0x', '0.0.0.0'],
  ['0x.0x.0', '0.0.0.0'],
  ['00000000000000000000000000000000000001', '0.0.0.1'],
  ['1.65793', '1.1.1.1'],
  ['1.2.772', '1.2.3.4'],
  ['4294967295', '255.255.255.255'],
  ['192.168.010.1', '192.168.8.1'],
  ['１２７.1', '127.0.0.1'],
  ['127。0。0。1', '127.0.0.1'],
  ['0ｘ7f.1', '127.0.0.1'],
  ['4294967296', null],
  ['99999999999999999999999999', null],
  ['0x100000000', null],
  ['256.0.0.1', null],
  ['1.2.3.256', null],
  ['1.2.65536', null],
  ['1.16777216', null],
  ['1.2.3.4.5', null],
  ['1..2', null],
  ['08.0.0.1', null],
  ['0.0.0.09', null],
  ['0x7g.0.0.1', null],
  ['a.1', null],
  ['a.0x1', null],
  ['a.0x', null],
  ['1.2.3.4.0x', null],
  ['%31%32%37.1', null],
  ['127.0.0.%31', null],
  ['-1', '-1'],
  ['0x7g', '0x7g'],
  ['1a', '1a'],
  ['1.a', '1.a'],
  ['1.2.3.4.example', '1.2.3.4.example'],
];

for (const [written, address] of NUMERIC) {
  if (address === null) {
    test(`http://${written}/ is refused`, (t) => {
      for (const url of [`http://${written}/`, `http://u@${written}:8080/x`]) {
        t.throws(() => new URL(url), { instanceOf: InvalidURL }, url);
      }
      t.throws(() => new URL('http://a.test/').copyWith({ host: written }), { instanceOf: InvalidURL });
      t.throws(() => new URL('http://a.test/').join(`//${written}/`), { instanceOf: InvalidURL });
    });
    continue;
  }
  test(`http://${written}/ is ${address}`, (t) => {
    for (const url of [
      new URL(`http://${written}/`),
      new URL(`http://u@${written}:8080/x?y#z`),
      new URL('http://a.test/').copyWith({ host: written }),
      new URL('http://a.test/').join(`//${written}/`),
    ]) {
      t.deepEqual([url.host, url.rawHost, new URL(url.toString()).rawHost], [address, address, address], String(url));
    }
    t.is(new URL(`http://${written}/`).toString(), `http://${address}/`);
  });
}

test('numbers are read as the platform reads them', (t) => {
  const part = fc.oneof(
    fc.nat(300).map(String),
    fc.nat().map(String),
    fc.nat(0xffff).map((n) => `0x${n.toString(16)}`),
    fc.nat(0xffff).map((n) => `0${n.toString(8)}`),
    fc.constantFrom('', '0x', '09', 'a', '0xg', '4294967296'),
  );
  const hosts = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(hosts, (host) => {
      const platform = globalThis.URL.canParse(`http://${host}/`)
        ? new globalThis.URL(`http://${host}/`).hostname
        : null;
      let ours: string | null = null;
      try {
        ours = new URL(`http://${host}/`).rawHost || null;
      } catch (error) {
        if (!(error instanceof InvalidURL)) throw error;
      }
      return ours === platform;
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

for (const written of ['127.1', '0x7f.1', '2130706433', '017700000001', '127.0.0.1.']) {
  test(`${written} is 127.0.0.1 to cookies, netrc, patterns and the base URL`, (t) => {
    const url = new URL(`http://${written}/`);
    const cookies = new Cookies();
    void cookies.storeFrom(new URL('http://127.0.0.1/'), ['a=1']);
    cookies.set('b', '2', { domain: written });
    t.is(cookies.headerFor(url), 'a=1; b=2');
    t.is(parseNetRC('machine 127.0.0.1 login u password p', 'file').lookup(url)?.login, 'u');
    t.is(parseNetRC(`machine ${written} login u password p`, 'file').lookup(new URL('http://127.0.0.1/'))?.login, 'u');
    t.true(new URLPattern('all://127.0.0.1', 'mounts').matches(url));
    t.true(new URLPattern(`all://${written}`, 'mounts').matches(new URL('http://127.0.0.1/')));
    const client = new Client({ baseUrl: `http://${written}/`, auth: ['u', 'p'], headers: { own: '1' } });
    t.is(client.buildRequest('GET', 'http://127.0.0.1/').headers.get('own'), '1');
  });

  test(`a Location with ${written} leads to 127.0.0.1, and is shown so`, async (t) => {
    const server = await serve(t, (request, response) => {
      if (request.url === '/there') response.end('there');
      else response.writeHead(302, { location: `http://${written}:${server.port}/there` }).end();
    });
    const response = await openClient(t, { headers: { authorization: 'mine' } }).get(server.url);
    t.is(response.url.toString(), `${server.origin}/there`);
    t.deepEqual(
      server.requests.map(({ headers }) => [headers.host, headers.authorization]),
      [
        [`127.0.0.1:${server.port}`, 'mine'],
        [`127.0.0.1:${server.port}`, 'mine'],
      ],
    );
  });
}

const IPV6: [written: string, rawHost: string, netloc: string, href: string][] = [
  ['[::1]', '::1', '[::1]', '[::1]'],
  ['[0:0:0:0:0:0:0:1]', '::1', '[::1]', '[::1]'],
  ['[2001:DB8:0:0:0:0:0:1]', '2001:db8::1', '[2001:db8::1]', '[2001:db8::1]'],
  ['[2001:0db8::0001]', '2001:db8::1', '[2001:db8::1]', '[2001:db8::1]'],
  ['[2001:db8:0:1:1:1:1:1]', '2001:db8:0:1:1:1:1:1', '[2001:db8:0:1:1:1:1:1]', '[2001:db8:0:1:1:1:1:1]'],
  ['[2001:0:0:1:0:0:0:1]', '2001:0:0:1::1', '[2001:0:0:1::1]', '[2001:0:0:1::1]'],
  ['[2001:db8:0:0:1:0:0:1]', '2001:db8::1:0:0:1', '[2001:db8::1:0:0:1]', '[2001:db8::1:0:0:1]'],
  ['[::FFFF:7F00:1]', '::ffff:127.0.0.1', '[::ffff:127.0.0.1]', '[::ffff:127.0.0.1]'],
  ['[fe80::1%25eth0]', 'fe80::1%eth0', '[fe80::1]', '[fe80::1%25eth0]'],
  ['[fe80::1%eth0]', 'fe80::1%eth0', '[fe80::1]', '[fe80::1%25eth0]'],
  ['[FE80:0::1%25Eth0]', 'fe80::1%Eth0', '[fe80::1]', '[fe80::1%25Eth0]'],
  ['[fe80::1%2]', 'fe80::1%2', '[fe80::1]', '[fe80::1%252]'],
  ['[fe80::1%25]', 'fe80::1%25', '[fe80::1]', '[fe80::1%2525]'],
];

for (const [written, rawHost, netloc, href] of IPV6) {
  test(`http://${written}/ is ${rawHost}, and ${netloc} to its server`, (t) => {
    const url = new URL(`http://u@${written}:81/`);
    t.deepEqual(
      [url.rawHost, url.host, url.netloc, url.origin],
      [rawHost, rawHost, `${netloc}:81`, `http://${href}:81`],
    );
    t.is(String(new URL(String(url))), `http://u@${href}:81/`, 'and stays so');
    t.is(new URL('http://a.test:81/').copyWith({ host: rawHost }).rawHost, rawHost);
    const request = new Client().buildRequest('GET', `http://${written}:81/`);
    t.is(request.headers.get('host'), `${netloc}:81`);
    const [machine] = written.slice(1, -1).split('%');
    if (!rawHost.includes('%')) {
      t.is(parseNetRC(`machine ${machine} login u password p`, 'file').lookup(url)?.login, 'u');
      t.is(parseNetRC(`machine ${rawHost} login u password p`, 'file').lookup(url)?.login, 'u');
    }
    const cookies = new Cookies();
    void cookies.storeFrom(url, ['a=1']);
    cookies.set('b', '2', { domain: machine });
    t.deepEqual(cookies.headerFor(url), 'a=1; b=2');
    t.is(cookies.get('a', { domain: netloc }), '1');
  });
}

for (const written of [
  '[fe80::1%]',
  '[fe80::1%25a%20b]',
  '[fe80::1%25a b]',
  '[fe80::1%25é]',
  '[::1',
  '[::g]',
  '[1.2.3.4]',
  '[::1]x',
]) {
  test(`http://${written}/ is refused`, (t) => {
    t.throws(() => new URL(`http://${written}/`), { instanceOf: InvalidURL });
  });
}

test('two zones are two hosts to the pool, and the zone is not sent', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers.host));
  const resolve = { '[fe80::1%25a]': loopback, '[fe80::1%b]': loopback };
  const client = openClient(t, { resolve });
  for (const zone of ['%25a', '%a', '%25b', '%b']) {
    t.is(told(await client.get(`http://[fe80::1${zone}]:${server.port}/`)), `200 [fe80::1]:${server.port}`);
  }
  t.deepEqual(
    server.requests.map(({ connection }) => connection),
    [1, 1, 2, 2],
  );
});

test('one spelling of IPv6 is one connection', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers.host));
  const client = openClient(t, { resolve: { '[2001:DB8:0:0::1]': loopback } });
  for (const host of ['[2001:db8::1]', '[2001:0DB8:0:0:0:0:0:1]']) {
    t.is(told(await client.get(`http://${host}:${server.port}/`)), `200 [2001:db8::1]:${server.port}`);
  }
  t.is(server.connections(), 1);
});

const linkLocal = Object.entries(networkInterfaces())
  .flatMap(([name, addresses]) => (addresses ?? []).map(({ address }) => ({ name, address })))
  .find(({ address }) => address.startsWith('fe80:'));

testWhere(linkLocal !== undefined, 'there is no link-local address here')(
  'a link-local address with its zone is reached (skipped where there is none)',
  async (t) => {
    const { name, address } = linkLocal as { name: string; address: string };
    const { createServer } = await import('node:http');
    const server = createServer((request, response) => response.end(request.headers.host));
    await new Promise<void>((resolve) => server.listen(0, '::', resolve));
    t.teardown(() => server.close());
    const { port } = server.address() as { port: number };
    for (const zone of [`%25${name}`, `%${name}`]) {
      t.is(told(await openClient(t).get(`http://[${address}${zone}]:${port}/`)), `200 [${address}]:${port}`);
    }
  },
);
