/** SOCKS proxies, all four schemes. The handshakes' bytes are tested in crates/core; here is what a user sees. */
import test from 'ava';
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { inspect } from 'node:util';
import { ConnectError, ConnectTimeout, HTTPProxy, ProxyError } from '../../src/index.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { serveSocks } from '../helpers/proxy.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

/** Who looks the name up: `5` and `4` here, `5h` and `4a` at the proxy. */
const SCHEMES: [scheme: string, version: number, looksUp: 'here' | 'there'][] = [
  ['socks5', 5, 'here'],
  ['socks5h', 5, 'there'],
  ['socks4', 4, 'here'],
  ['socks4a', 4, 'there'],
];

for (const [scheme, version, looksUp] of SCHEMES) {
  test(`S17 S18 ${scheme}: http and https, with and without a user`, async (t) => {
    const { cert: verify } = await testCA();
    const plain = await serve(t, (request, response) => request.pipe(response));
    const secure = await serveTls(t, (request, response) => request.pipe(response));
    for (const [user, options] of [
      ['', {}],
      ['us%40er:pass@', { username: 'us@er', password: 'pass' }],
    ] as const) {
      const proxy = await serveSocks(t, options);
      const client = openClient(t, { proxies: `${scheme}://${user}127.0.0.1:${proxy.port}`, verify });
      const large = Buffer.alloc(300_000, 'abcdefg');
      for (const { port } of [plain, secure]) {
        const url = `${port === plain.port ? 'http' : 'https'}://localhost:${port}/`;
        for (let i = 0; i < 3; i++) t.is(told(await client.post(url, { content: `${i}` })), `200 ${i}`);
        t.true((await client.put(url, { content: large })).content.equals(large));
      }
      const asked = proxy.asked.filter((one) => !one.includes('::1') && !one.includes('0000:'));
      const host = looksUp === 'here' ? '127.0.0.1' : 'localhost';
      const name = user === '' ? '-' : 'us@er';
      t.deepEqual(asked, [`${version} ${host}:${plain.port} ${name}`, `${version} ${host}:${secure.port} ${name}`]);
      t.is(client.pool.idle, 2);
    }
    // The origin cannot tell: nothing is in absolute-form, nothing is about a proxy.
    t.deepEqual(new Set([...plain.requests, ...secure.requests].map(({ target }) => target)), new Set(['/']));
  });

  test(`${scheme}: the origin’s port is closed`, async (t) => {
    const proxy = await serveSocks(t);
    const client = openClient(t, { proxies: `${scheme}://u:hunter2@127.0.0.1:${proxy.port}` });
    const error = (await failure(client.get(await refusedOrigin()))) as ProxyError;
    t.true(error instanceof ProxyError, String(error));
    const why = version === 5 ? 'Connection refused' : 'Request rejected or failed';
    t.is(reasonOf(error), `ProxyError: Proxy Server could not connect: ${why}. (${scheme}://127.0.0.1:${proxy.port})`);
    t.is(error.proxy, `${scheme}://127.0.0.1:${proxy.port}`);
    t.is(error.response, undefined);
    t.false(inspect(error, { showHidden: true, depth: 9 }).includes('hunter2'));
    await eventually('no connection left', () => client.pool.active === 0);
  });

  test(`${scheme}: no proxy there`, async (t) => {
    const origin = (await refusedOrigin()).replace('http:', `${scheme}:`);
    const error = (await failure(openClient(t, { proxies: origin }).get('http://127.0.0.1:1/'))) as ConnectError;
    t.true(error instanceof ConnectError, String(error));
    t.is(error.code, 'ECONNREFUSED');
    t.is(error.proxy, origin);
    t.is(reasonOf(error), `ConnectError: cannot connect to the proxy ${origin}: connection refused`);
  });

  test(`${scheme}: a proxy that says nothing, or leaves`, async (t) => {
    const silent = await serveRaw(t, (connection) => connection.closed);
    const client = openClient(t, {
      proxies: `${scheme}://127.0.0.1:${silent.port}`,
      timeout: { connect: 200, read: null },
    });
    const error = (await failure(soon('an error', client.get('http://127.0.0.1:1/')))) as ConnectTimeout;
    t.true(error instanceof ConnectTimeout, String(error));
    t.is(error.proxy, `${scheme}://127.0.0.1:${silent.port}`);
    const leaving = await serveRaw(t, (connection) => connection.end());
    const left = await failure(
      soon(
        'an error',
        openClient(t, { proxies: `${scheme}://127.0.0.1:${leaving.port}`, timeout: null }).get('http://127.0.0.1:1/'),
      ),
    );
    t.true(left instanceof ProxyError, String(left));
  });

  test(`${scheme}: an HTTP server instead`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.body(3);
      connection.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    });
    const error = await failure(
      openClient(t, { proxies: `${scheme}://127.0.0.1:${server.port}` }).get('http://127.0.0.1:1/'),
    );
    t.true(error instanceof ProxyError, String(error));
    t.regex(error.message, new RegExp(`does not speak SOCKS ${version}: its reply begins with the byte 72`));
  });

  test(`SEC-B12 ${scheme}: a name too long for its byte of length`, async (t) => {
    const proxy = await serveSocks(t);
    const client = openClient(t, { proxies: `${scheme}://127.0.0.1:${proxy.port}` });
    for (const length of [256, 1000, 60_000]) {
      const error = await failure(soon('an error', client.get(`http://${'a'.repeat(length)}/`)));
      t.true(error instanceof ProxyError || error instanceof ConnectError, String(error));
    }
    t.deepEqual(proxy.asked, []);
  });
}

test('S20 the proxy wants a name and a password, and there are none', async (t) => {
  const proxy = await serveRaw(t, async (connection) => {
    await connection.body(3);
    connection.end('\x05\x02');
  });
  const error = await failure(
    openClient(t, { proxies: `socks5://127.0.0.1:${proxy.port}` }).get('http://127.0.0.1:1/'),
  );
  t.true(error instanceof ProxyError);
  t.is(
    reasonOf(error),
    `ProxyError: Requested NO AUTHENTICATION REQUIRED from proxy server, but got USERNAME/PASSWORD. (socks5://127.0.0.1:${proxy.port})`,
  );
});

test('S21 a wrong password', async (t) => {
  const proxy = await serveSocks(t, { username: 'u', password: 'p' });
  const error = await failure(
    openClient(t, { proxies: `socks5://u:hunter2@127.0.0.1:${proxy.port}` }).get('http://127.0.0.1:1/'),
  );
  t.true(error instanceof ProxyError);
  t.is(reasonOf(error), `ProxyError: Invalid username/password (socks5://127.0.0.1:${proxy.port})`);
  t.deepEqual(proxy.asked, []);
});

test('socks5 and socks5h take addresses as they are, also of IPv6', async (t) => {
  const origin = await serve(t, (_, response) => response.end('ok'));
  const proxy = await serveSocks(t, { lead: () => origin.port });
  for (const scheme of ['socks5', 'socks5h']) {
    const client = openClient(t, { proxies: `${scheme}://127.0.0.1:${proxy.port}` });
    t.is(told(await client.get('http://10.1.2.3:81/')), '200 ok');
    t.is(told(await client.get('http://[2001:db8::1]/')), '200 ok');
  }
  const v6 = '5 2001:0db8:0000:0000:0000:0000:0000:0001:80 -';
  t.deepEqual(proxy.asked, ['5 10.1.2.3:81 -', v6, '5 10.1.2.3:81 -', v6]);
});

test('socks5h: names that only the proxy knows', async (t) => {
  const origin = await serve(t, (_, response) => response.end('ok'));
  const proxy = await serveSocks(t, { lead: () => origin.port });
  const client = openClient(t, { proxies: { 'all://*.internal': `socks5h://127.0.0.1:${proxy.port}` } });
  t.is(told(await client.get('http://db.internal:5432/')), '200 ok');
  t.deepEqual(proxy.asked, ['5 db.internal:5432 -']);
  t.is(origin.requests[0].headers.host, 'db.internal:5432');
});

test('a tunnel is reused; another user has another', async (t) => {
  const origin = await serve(t, (_, response) => response.end('ok'));
  const proxy = await serveSocks(t, { username: 'u', password: 'p' });
  const auth = ['u', 'p'] as const;
  const one = new HTTPProxy({ proxyUrl: `socks5://127.0.0.1:${proxy.port}`, auth });
  const other = new HTTPProxy({ proxyUrl: `socks5://127.0.0.1:${proxy.port}`, auth: ['u', 'wrong'] });
  const client = openClient(t, { proxies: { all: one, 'all://localhost': other } });
  for (let i = 0; i < 5; i++) t.is(told(await client.get(origin.url)), '200 ok');
  t.is(proxy.asked.length, 1);
  const error = await failure(client.get(origin.url.replace('127.0.0.1', 'localhost')));
  t.regex(reasonOf(error), /^ProxyError: Invalid username\/password/);
});

test('SEC-B8 the certificate is verified through SOCKS as without', async (t) => {
  const ca = await testCA();
  const wrong = await serveTls(
    t,
    (_, response) => response.end('secret'),
    await ca.issue({ dnsNames: ['other.test'] }),
  );
  const proxy = await serveSocks(t);
  const proxies = `socks5h://127.0.0.1:${proxy.port}`;
  for (const [verify, code] of [
    [ca.cert, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [true, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ] as const) {
    const error = (await failure(openClient(t, { proxies, verify }).get(wrong.url))) as ConnectError;
    t.is(error.code, code);
    t.is(error.proxy, undefined);
  }
  t.is(told(await openClient(t, { proxies, verify: false }).get(wrong.url)), '200 secret');
  t.is(wrong.requests.length, 1);
});

for (const scheme of ['socks5', 'socks4']) {
  test(`${scheme}: an address about which the proxy says nothing does not hold up the next`, async (t) => {
    const server = await serve(t, (_, response) => response.end('ok'));
    const asked: string[] = [];
    const proxy = await serveRaw(t, async (connection) => {
      if (scheme === 'socks5') {
        await connection.body(3);
        await connection.write('\x05\x00');
      }
      const request = Buffer.from(await connection.body(scheme === 'socks5' ? 10 : 9), 'latin1');
      const address = scheme === 'socks5' ? request.subarray(4, 8) : request.subarray(4, 8);
      asked.push(address.join('.'));
      if (address[3] !== 3) return connection.closed;
      const onward = connect(server.port, '127.0.0.1');
      await connection.write(scheme === 'socks5' ? '\x05\x00\x00\x01\0\0\0\0\0\0' : '\0\x5a\0\0\0\0\0\0');
      connection.socket.pipe(onward).pipe(connection.socket);
      return connection.closed;
    });
    const lookup = () => ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
    const client = openClient(t, { proxies: `${scheme}://127.0.0.1:${proxy.port}`, lookup });
    const response = await client.get('http://several.test/');
    t.is(told(response), '200 ok');
    // Each has a connection of its own, and this thread comes to them in any order.
    t.deepEqual(asked.toSorted(), ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    t.is(response.peer?.port, proxy.port);
    await eventually('the others are given up', () => proxy.openConnections() === 1);
  });
}
