/** Requests that a proxy forwards: what it is sent, and which connections carry it. Ids: the table "proxy on the wire". */
import test from 'ava';
import { Buffer } from 'node:buffer';
import { ConnectError, DigestAuth, HTTPProxy, ProxyError, Request } from '../../src/index.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { serveProxy } from '../helpers/proxy.js';
import { OK, refusedOrigin, serve, serveRaw } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

const LINES =
  'Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\nUser-Agent: whippet/0.1.0\r\n';

interface Row {
  title: string;
  /** In it PX is the proxy's host and port. */
  proxy: string | ((url: string) => HTTPProxy);
  url: string;
  method?: string;
  fullPath?: string;
  headers?: Record<string, string>;
  sent: string;
}

const ROWS: Row[] = [
  {
    title: 'S2 absolute-form; Host without the default port',
    proxy: 'http://PX',
    url: 'http://target.example:80/a?b=c#d',
    sent: `GET http://target.example/a?b=c HTTP/1.1\r\nHost: target.example\r\n${LINES}\r\n`,
  },
  {
    title: 'with a port, without a path',
    proxy: 'http://PX/',
    url: 'http://target.example:81?x',
    sent: `GET http://target.example:81/?x HTTP/1.1\r\nHost: target.example:81\r\n${LINES}\r\n`,
  },
  {
    title: 'IPv6, IDN',
    proxy: 'http://PX',
    url: 'http://[::1]:81/é',
    sent: `GET http://[::1]:81/%C3%A9 HTTP/1.1\r\nHost: [::1]:81\r\n${LINES}\r\n`,
  },
  {
    title: 'the proxy’s credentials, percent-decoded; the URL’s are not part of the target',
    proxy: 'http://u%40:p%3A@PX',
    url: 'http://me@target.example/',
    headers: { authorization: 'Bearer own' },
    sent:
      `GET http://target.example/ HTTP/1.1\r\nHost: target.example\r\n` +
      `Proxy-Authorization: Basic ${Buffer.from('u@:p:').toString('base64')}\r\n${LINES}authorization: Bearer own\r\n\r\n`,
  },
  {
    title: 'credentials in UTF-8',
    proxy: 'http://%E2%82%AC:@PX',
    url: 'http://target.example/',
    sent:
      `GET http://target.example/ HTTP/1.1\r\nHost: target.example\r\n` +
      `Proxy-Authorization: Basic ${Buffer.from('€:').toString('base64')}\r\n${LINES}\r\n`,
  },
  {
    title: 'S3 the proxy’s headers come after Host; a request’s of the same name replaces them',
    proxy: (proxyUrl) =>
      new HTTPProxy({ proxyUrl, proxyHeaders: { Override: '2', 'X-Team': 'blue' }, auth: ['u', 'p'] }),
    url: 'http://target.example/',
    headers: { override: '1' },
    sent:
      `GET http://target.example/ HTTP/1.1\r\nHost: target.example\r\nProxy-Authorization: Basic dTpw\r\nX-Team: blue\r\n` +
      `${LINES}override: 1\r\n\r\n`,
  },
  {
    title: 'Proxy-Authorization written by hand, for the proxy or for one request',
    proxy: (proxyUrl) =>
      new HTTPProxy({ proxyUrl, proxyHeaders: { 'Proxy-Authorization': 'Bearer x' }, auth: ['u', 'p'] }),
    url: 'http://target.example/',
    sent: `GET http://target.example/ HTTP/1.1\r\nHost: target.example\r\nProxy-Authorization: Bearer x\r\n${LINES}\r\n`,
  },
  {
    title: 'Proxy-Authorization of one request',
    proxy: 'http://u:p@PX',
    url: 'http://target.example/',
    headers: { 'proxy-authorization': 'Bearer y' },
    sent: `GET http://target.example/ HTTP/1.1\r\nHost: target.example\r\n${LINES}proxy-authorization: Bearer y\r\n\r\n`,
  },
  {
    title: 'S22 OPTIONS *',
    proxy: 'http://PX',
    url: 'http://target.example',
    method: 'OPTIONS',
    fullPath: '*',
    sent: `OPTIONS http://target.example HTTP/1.1\r\nHost: target.example\r\n${LINES}\r\n`,
  },
  {
    title: 'OPTIONS of a path',
    proxy: 'http://PX',
    url: 'http://target.example/',
    method: 'OPTIONS',
    sent: `OPTIONS http://target.example/ HTTP/1.1\r\nHost: target.example\r\n${LINES}\r\n`,
  },
  {
    title: 'a target in absolute-form already',
    proxy: 'http://PX',
    url: 'http://target.example/',
    fullPath: 'http://other.example/x',
    sent: `GET http://other.example/x HTTP/1.1\r\nHost: target.example\r\n${LINES}\r\n`,
  },
  {
    title: 'FORWARD_ONLY: https too',
    proxy: (proxyUrl) => new HTTPProxy({ proxyUrl, proxyMode: 'FORWARD_ONLY' }),
    url: 'https://target.example/secret',
    sent: `GET https://target.example/secret HTTP/1.1\r\nHost: target.example\r\n${LINES}\r\n`,
  },
];

for (const { title, proxy, url, method = 'GET', fullPath, headers, sent } of ROWS) {
  test(title, async (t) => {
    const server = await serveRaw(t, OK);
    const given = typeof proxy === 'string' ? proxy.replace('PX', `127.0.0.1:${server.port}`) : proxy(server.url);
    const client = openClient(t, { proxies: given });
    const request = client.buildRequest(method, url, { headers });
    if (fullPath !== undefined) request.url.fullPath = fullPath;
    t.is(told(await client.send(request)), '200 ok');
    t.is(told(await client.send(request)), '200 ok');
    t.deepEqual(server.received, [sent + sent]);
  });
}

test('bodies in both directions, whole and streamed, through an http and an https proxy', async (t) => {
  const origin = await serve(t, (request, response) => request.pipe(response));
  const identity = await (await testCA()).issue();
  const { cert } = await testCA();
  const large = Buffer.alloc(1_000_000, 'abcdefg');
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < large.length; at += 70_000) yield large.subarray(at, at + 70_000);
  }
  for (const tls of [undefined, identity]) {
    const proxy = await serveProxy(t, { tls });
    const client = openClient(t, { proxies: proxy.url, verify: cert });
    t.is(told(await client.post(origin.url, { content: 'small' })), '200 small');
    t.true((await client.put(origin.url, { content: large })).content.equals(large));
    const response = await client.stream('POST', origin.url, { content: pieces() });
    t.true((await response.read()).equals(large));
    t.is(proxy.connections(), 1);
    t.deepEqual(
      proxy.asked.map(({ method }) => method),
      ['POST', 'PUT', 'POST'],
    );
  }
});

test('S25 connections are shared by all hosts behind the proxy', async (t) => {
  const proxy = await serveRaw(t, OK);
  const client = openClient(t, { proxies: proxy.url });
  for (const host of ['a.test', 'b.test', 'c.test:8080', 'a.test']) {
    t.is(told(await client.get(`http://${host}/`)), '200 ok');
  }
  t.is(proxy.connections(), 1);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 1 idle>');
});

test('SEC-B6 but not between routes with different credentials for the proxy', async (t) => {
  const proxy = await serveRaw(t, OK);
  const of = (user: string): string => `http://${user}@127.0.0.1:${proxy.port}`;
  const client = openClient(t, {
    proxies: { 'all://a.test': of('a:1'), 'all://b.test': of('b:1'), 'all://c.test': of('a:2') },
  });
  for (const host of ['a.test', 'b.test', 'c.test', 'a.test']) await client.get(`http://${host}/`);
  t.is(proxy.connections(), 3);
  const users = proxy.received.map((text) =>
    [...text.matchAll(/Proxy-Authorization: Basic (.*)\r/g)].map(([, value]) => atob(value)),
  );
  t.deepEqual(users, [['a:1', 'a:1'], ['b:1'], ['a:2']]);
});

test('a proxy’s connection is not an origin’s', async (t) => {
  const server = await serveRaw(t, OK);
  const client = openClient(t, { proxies: { 'all://a.test': server.url } });
  await client.get('http://a.test/');
  await client.get(server.url);
  await client.get('http://a.test/');
  t.is(server.connections(), 2);
  t.regex(server.received[1], /^GET \/ HTTP/);
});

test('what the proxy answers to a forwarded request is the response', async (t) => {
  for (const status of ['407 Proxy Authentication Required', '502 Bad Gateway', '403 Forbidden']) {
    const proxy = await serveRaw(
      t,
      `HTTP/1.1 ${status}\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 4\r\n\r\nbody`,
    );
    const response = await openClient(t, { proxies: proxy.url }).get('http://a.test/');
    t.is(told(response), `${status.slice(0, 3)} body`);
  }
});

test('a connection that the proxy closed while it was idle is replaced', async (t) => {
  const proxy = await serveRaw(t, [OK]);
  const client = openClient(t, { proxies: proxy.url });
  for (let i = 0; i < 3; i++) t.is(told(await client.get('http://a.test/')), '200 ok');
  t.is(proxy.connections(), 3);
});

test('requests are counted against the limits by their proxy', async (t) => {
  const proxy = await serveRaw(t, OK);
  const client = openClient(t, { proxies: proxy.url, poolLimits: { maxConnectionsPerOrigin: 2 } });
  const hosts = Array.from({ length: 20 }, (_, i) => `http://host${i}.test/`);
  const responses = await Promise.all(hosts.map((url) => client.get(url)));
  t.true(responses.every((response) => response.text === 'ok'));
  t.is(proxy.connections(), 2);
});

// ── errors ──

test('a proxy that is not there: ConnectError with its name, and no secret', async (t) => {
  const origin = (await refusedOrigin()).replace('http://', '');
  for (const url of ['http://a.test/', 'https://a.test/']) {
    const error = (await failure(openClient(t, { proxies: `http://user:hunter2@${origin}` }).get(url))) as ConnectError;
    t.true(error instanceof ConnectError, String(error));
    t.is(error.code, 'ECONNREFUSED');
    t.is(error.proxy, `http://${origin}`);
    t.is(reasonOf(error), `ConnectError: cannot connect to the proxy http://${origin}: connection refused`);
    t.is(String(error.request?.url), url);
  }
});

test('a proxy whose name does not exist', async (t) => {
  const error = (await failure(
    openClient(t, { proxies: 'http://nowhere.invalid:3128' }).get('http://a.test/'),
  )) as ConnectError;
  t.true(error instanceof ConnectError);
  t.regex(error.code, /^(ENOTFOUND|EAI_AGAIN)$/);
  t.is(error.proxy, 'http://nowhere.invalid:3128');
});

test('a bad variable is an error at its first use, and no other request’s', async (t) => {
  const origin = await serve(t, (_, response) => response.end('ok'));
  process.env.http_proxy = 'ftp://u:hunter2@px';
  process.env.no_proxy = '127.0.0.1';
  const client = openClient(t);
  delete process.env.http_proxy;
  delete process.env.no_proxy;
  t.is(told(await client.get(origin.url)), '200 ok');
  const error = await failure(client.get(origin.url.replace('127.0.0.1', 'localhost')));
  t.true(error instanceof ProxyError);
  t.regex(reasonOf(error), /^ProxyError: http_proxy: Unknown scheme for proxy URL 'ftp:\/\/\[secure\]@px'/);
  t.is(String((error as ProxyError).request?.url), origin.url.replace('127.0.0.1', 'localhost'));
  t.is(told(await client.get(origin.url.replace('127.0.0.1', 'localhost'), { trustEnv: false })), '200 ok');
});

// ── the environment, for real ──

test.serial('the environment is read when the client is made', async (t) => {
  const [first, second] = [await serveRaw(t, OK), await serveRaw(t, OK)];
  process.env.http_proxy = first.url;
  const client = openClient(t);
  const distrustful = openClient(t, { trustEnv: false });
  process.env.http_proxy = second.url;
  t.is(told(await client.get('http://a.test/')), '200 ok');
  t.is(told(await distrustful.get('http://a.test/', { trustEnv: true })), '200 ok');
  delete process.env.http_proxy;
  t.is(told(await client.send(new Request('GET', 'http://b.test/'))), '200 ok');
  t.is(first.connections(), 2);
  t.is(second.connections(), 0);
  const error = await failure(client.get('http://nowhere.invalid/', { trustEnv: false }));
  t.true(error instanceof ConnectError);
  t.true((await failure(distrustful.get('http://nowhere.invalid/'))) instanceof ConnectError);
});

// ── Digest ──

/** A proxy's side of RFC 7616, with the given answers. */
const CHALLENGE = (nonce: string, more = ''): string =>
  `HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Digest realm="r", nonce="${nonce}", qop="auth"${more}\r\n` +
  'Content-Length: 2\r\n\r\nno';

test('Digest: 407 is answered once, and from then on beforehand', async (t) => {
  const proxy = await serveRaw(t, async (connection) => {
    for (;;) {
      const { head } = await connection.request();
      await connection.write(head.includes('Proxy-Authorization: Digest') ? OK : CHALLENGE('one'));
    }
  });
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: proxy.url, auth: new DigestAuth('u', 'p') }) });
  t.is(told(await client.post('http://a.test/x?y', { content: 'body' })), '200 ok');
  t.is(told(await client.get('http://b.test/')), '200 ok');
  const sent = proxy.received.join('');
  const answers = [...sent.matchAll(/uri="([^"]*)".*?nc=(\d+)/g)].map(([, uri, count]) => `${uri} ${count}`);
  t.deepEqual(answers, ['http://a.test/x?y 00000001', 'http://b.test/ 00000002']);
  t.is(sent.split('body').length - 1, 2);
});

test('Digest: a wrong password is the 407', async (t) => {
  const proxy = await serveRaw(t, CHALLENGE('one'));
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: proxy.url, auth: new DigestAuth('u', 'wrong') }) });
  t.is(told(await client.get('http://a.test/')), '407 no');
  t.is(proxy.received.join('').split('GET ').length - 1, 2);
});

test('SEC-B5 Digest: what one proxy has asked for is not told to another', async (t) => {
  const [one, two] = [await serveRaw(t, CHALLENGE('one')), await serveRaw(t, OK)];
  const auth = new DigestAuth('u', 'p');
  const client = openClient(t, {
    proxies: {
      'all://a.test': new HTTPProxy({ proxyUrl: one.url, auth }),
      'all://b.test': new HTTPProxy({ proxyUrl: two.url, auth }),
    },
  });
  await client.get('http://a.test/');
  t.is(told(await client.get('http://b.test/')), '200 ok');
  t.true(one.received.join('').includes('Proxy-Authorization'));
  t.false(two.received.join('').includes('Proxy-Authorization'));
});

// ── an https proxy (SEC-B7) ──

test('SEC-B7 an https proxy has to show a certificate, and nothing is said before', async (t) => {
  const ca = await testCA();
  const wrong = await serveRaw(t, OK, { tls: await ca.issue({ dnsNames: ['other.test'] }) });
  const right = await serveRaw(t, OK, { tls: await ca.issue() });
  const rows: [port: number, options: { verify?: boolean | string; own?: boolean | string }, ok: boolean][] = [
    [right.port, { verify: ca.cert }, true],
    [right.port, { own: ca.cert }, true],
    [right.port, { own: false }, true],
    [right.port, {}, false],
    [right.port, { verify: false }, false],
    [right.port, { verify: ca.cert, own: true }, false],
    [wrong.port, { verify: ca.cert }, false],
  ];
  for (const [port, { verify, own }, ok] of rows) {
    const proxyUrl = `https://u:hunter2@127.0.0.1:${port}`;
    const proxies = own === undefined ? proxyUrl : new HTTPProxy({ proxyUrl, verify: own });
    const sent = openClient(t, { proxies, verify }).get('http://a.test/');
    if (ok) {
      t.is(told(await sent), '200 ok');
      continue;
    }
    const error = (await failure(sent)) as ConnectError;
    t.true(error instanceof ConnectError, String(error));
    t.is(error.proxy, `https://127.0.0.1:${port}`);
    t.true(
      reasonOf(error).startsWith(`ConnectError: cannot connect to the proxy https://127.0.0.1:${port}: `),
      error.message,
    );
  }
  t.is(wrong.received.join(''), '');
});

test('an https proxy is never spoken to in clear', async (t) => {
  const plain = await serveRaw(t, (connection) => connection.closed);
  const client = openClient(t, { proxies: `https://127.0.0.1:${plain.port}`, timeout: 1_000 });
  const error = await failure(soon('an error', client.get('http://a.test/')));
  t.regex(error.name, /^(ConnectError|ConnectTimeout)$/);
  t.false(plain.received.join('').includes('HTTP/1.1'));
});

test('https behind an https proxy that forwards: two names, one connection', async (t) => {
  const ca = await testCA();
  const proxy = await serveProxy(t, { tls: await ca.issue() });
  const origin = await serve(t, (_, response) => response.end('ok'));
  const client = openClient(t, { proxies: proxy.url, verify: ca.cert });
  const urls = [origin.url, origin.url.replace('127.0.0.1', 'localhost')];
  for (const url of urls) t.is(told(await client.get(url)), '200 ok');
  t.is(proxy.connections(), 1);
  await eventually('one idle connection', () => client.pool.idle === 1);
});

test('FORWARD_ONLY tells once that https is in clear', async (t) => {
  const proxy = await serveRaw(t, OK);
  const warnings: string[] = [];
  const listen = ({ message }: Error): unknown => message.includes(`:${proxy.port} `) && warnings.push(message);
  process.on('warning', listen);
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: proxy.url, proxyMode: 'FORWARD_ONLY' }) });
  for (const url of ['http://a.test/', 'https://a.test/', 'https://b.test/']) await client.get(url);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  t.is(warnings.length, 1);
  t.regex(
    warnings[0],
    /^HTTPProxyMode.FORWARD_ONLY: https requests go to http:\/\/127.0.0.1:\d+ in a form that the proxy can read/,
  );
});
