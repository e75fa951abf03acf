/**
 * Redirects, cookies, auth and netrc through proxies: that one is in the way changes nothing about who learns what. The rules
 * themselves, in all their rows, are in redirects.spec.ts, client-cookies.spec.ts and netrc.spec.ts.
 */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthTypes, ClientOptions, RequestOptions } from '../../src/index.js';
import { BearerAuth, DigestAuth, HTTPProxy, HTTPProxyMode } from '../../src/index.js';
import { openClient, told } from '../helpers/client.js';
import { writeNetRC } from '../helpers/environment.js';
import { serveProxy, serveSocks } from '../helpers/proxy.js';
import { serve, serveTls } from '../helpers/server.js';
import { makeCA } from '../helpers/tls.js';

const names = ['a.test', 'b.test', 'sub.a.test', 'evil-a.test', 'a.test.evil', 'xa.test'];
const ca = await makeCA();
const identity = await ca.issue({ dnsNames: names });
/** The credentials for the proxy, which no origin may see. */
const PROXY = 'Basic cHg6aHVudGVyMg==';
const SECRETS = { authorization: 'Bearer secret', cookie: 'c=secret', 'proxy-authorization': 'Basic secret' };
const WAYS = ['a forward proxy', 'CONNECT', 'SOCKS'] as const;

interface Seen {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

interface World {
  /** What origins received, in order. */
  readonly seen: readonly Seen[];
  readonly options: ClientOptions;
  /** What proxies were told: `CONNECT a.test:80 Basic …`. */
  readonly asked: () => { line: string; headers: IncomingMessage['headers'] }[];
}

/** All hosts in one place, behind a proxy: 443 and 8443 speak TLS. */
async function behind(
  t: ExecutionContext,
  way: (typeof WAYS)[number],
  handler: (url: string, response: ServerResponse, request: IncomingMessage) => unknown,
): Promise<World> {
  const seen: Seen[] = [];
  const answer = (scheme: string) => (request: IncomingMessage, response: ServerResponse) => {
    const url = `${scheme}://${request.headers.host}${request.url}`;
    seen.push({ url, headers: request.headers });
    return handler(url, response, request);
  };
  const plain = await serve(t, answer('http'));
  const secure = await serveTls(t, answer('https'), { cert: identity.chain, key: identity.key });
  const lead = (authority: string) => (/:(?:8?443)$/.test(authority) ? secure.port : plain.port);
  if (way === 'SOCKS') {
    const proxy = await serveSocks(t, { lead });
    return { seen, asked: () => [], options: { verify: ca.cert, proxies: `socks5h://127.0.0.1:${proxy.port}` } };
  }
  const proxy = await serveProxy(t, { lead });
  const proxyMode = way === 'CONNECT' ? HTTPProxyMode.TUNNEL_ONLY : HTTPProxyMode.DEFAULT;
  return {
    seen,
    options: { verify: ca.cert, proxies: new HTTPProxy({ proxyUrl: proxy.url, proxyMode, auth: ['px', 'hunter2'] }) },
    asked: () => proxy.asked.map(({ method, target, headers }) => ({ line: `${method} ${target}`, headers })),
  };
}

/** Sends the first request to the next URL, and that one to the one after it. */
function along(urls: readonly string[]): (url: string, response: ServerResponse) => unknown {
  let at = 0;
  return (_, response) => {
    const location = urls[++at];
    if (location === undefined) response.end('ok');
    else response.writeHead(302, { location, 'set-cookie': `of-${at}=1` }).end();
  };
}

/** What is true of every exchange: CONNECT says no more than it has to, and no origin hears what the proxy is told. */
function proxyIsProxys(t: ExecutionContext, { asked, seen }: World): void {
  for (const { line, headers } of asked().filter((one) => one.line.startsWith('CONNECT '))) {
    t.deepEqual(Object.keys(headers).toSorted(), ['accept', 'host', 'proxy-authorization'], line);
    t.is(headers['proxy-authorization'], PROXY, line);
  }
  for (const { url, headers } of seen) {
    t.deepEqual(Object.keys(headers).filter((name) => name.startsWith('proxy-')), [], url); // prettier-ignore
  }
}

function authorizations({ seen }: World): (string | undefined)[] {
  return seen.map(({ headers }) => headers.authorization);
}

/** [from, to, whether Authorization goes along]; Cookie and Proxy-Authorization of the user never do. */
const HOPS: [id: string, from: string, to: string, keeps: boolean][] = [
  ['A1', 'http://a.test/', 'http://b.test/', false],
  ['A1', 'https://a.test/', 'https://b.test/', false],
  ['A1', 'http://a.test/', 'http://a.test/x', true],
  ['A1', 'https://a.test/', 'https://a.test/x', true],
  ['A2', 'http://a.test:8001/', 'http://a.test:8002/', false],
  ['A2', 'https://a.test/', 'https://a.test:8443/', false],
  ['A3', 'https://a.test/', 'http://a.test/', false],
  ['A3', 'http://a.test/', 'https://a.test/', true],
  ['A5', 'http://a.test/', 'http://evil-a.test/', false],
  ['A5', 'http://a.test/', 'http://a.test.evil/', false],
  ['A5', 'https://a.test/', 'https://xa.test/', false],
  ['A5', 'http://a.test/', 'http://sub.a.test/', false],
];

const CHAINS: [urls: string[], sees: boolean[]][] = [
  [
    ['http://a.test/', 'http://b.test/', 'http://a.test/2'],
    [true, false, false],
  ],
  [
    ['https://a.test/', 'https://b.test/', 'https://b.test/2'],
    [true, false, false],
  ],
  [
    ['https://a.test/', 'https://a.test/1', 'http://a.test/', 'https://a.test/2'],
    [true, true, false, false],
  ],
];

const BASIC: [way: string, client: ClientOptions, request: RequestOptions][] = [
  ['header', {}, { headers: { authorization: 'Basic dTpw' } }],
  ['auth', {}, { auth: ['u', 'p'] }],
  ['client auth', { auth: ['u', 'p'] }, {}],
];

for (const way of WAYS) {
  for (const [id, from, to, keeps] of HOPS) {
    test(`SEC-A17 ${id} by ${way}: ${from} → ${to}`, async (t) => {
      const world = await behind(t, way, along([from, to]));
      const client = openClient(t, { ...world.options, sensitiveHeaders: ['X-Api-Key'] });
      t.is(told(await client.get(from, { headers: { ...SECRETS, 'x-api-key': 'secret' } })), '200 ok');
      const [first, second] = world.seen;
      t.deepEqual([first.url, second.url], [from, to]);
      t.is(first.headers.authorization, SECRETS.authorization);
      t.is(second.headers.authorization, keeps ? SECRETS.authorization : undefined);
      t.is(second.headers['x-api-key'], new URL(from).origin === new URL(to).origin ? 'secret' : undefined);
      // SEC-A6, SEC-A15: the user's own stays behind, the server's goes by the host.
      t.is(second.headers.cookie, new URL(from).hostname === new URL(to).hostname ? 'of-1=1' : undefined);
      t.is(second.headers.referer, undefined, 'SEC-A11');
      // What the user wrote for the first request replaces the proxy's own, there only.
      const forwarded = world.asked().filter(({ line }) => !line.startsWith('CONNECT '));
      const inClear = way === 'a forward proxy' ? [from, to].filter((url) => url.startsWith('http:')) : [];
      t.deepEqual(
        forwarded.map(({ line, headers }) => [line, headers['proxy-authorization']]),
        inClear.map((url) => [`GET ${url}`, url === from ? SECRETS['proxy-authorization'] : PROXY]),
      );
      proxyIsProxys(t, world);
    });
  }

  for (const [urls, sees] of CHAINS) {
    for (const [by, options, request] of BASIC) {
      test(`SEC-A17 A4 by ${way}, credentials by ${by}: ${urls.join(' → ')}`, async (t) => {
        const world = await behind(t, way, along(urls));
        const client = openClient(t, { ...world.options, ...options });
        t.is(told(await client.get(urls[0], request)), '200 ok');
        t.deepEqual(authorizations(world), sees.map((seen) => (seen ? 'Basic dTpw' : undefined))); // prettier-ignore
        proxyIsProxys(t, world);
      });
    }
  }

  for (const scheme of ['http', 'https']) {
    test(`SEC-A17 A8 by ${way}: what is the base URL’s stays there, ${scheme}`, async (t) => {
      const world = await behind(t, way, along([`${scheme}://a.test/api/x`, `${scheme}://b.test/`]));
      const own: ClientOptions = { headers: { 'x-key': 'secret' }, auth: ['u', 'p'], cookies: { c: 'secret' } };
      const client = openClient(t, { ...world.options, ...own, baseUrl: `${scheme}://a.test/api` });
      t.is(told(await client.get('x')), '200 ok');
      t.deepEqual(
        world.seen.map(({ headers }) => [headers['x-key'], headers.authorization, headers.cookie]),
        [
          ['secret', 'Basic dTpw', 'c=secret'],
          [undefined, undefined, undefined],
        ],
      );
      proxyIsProxys(t, world);
    });

    test(`SEC-A17 A9 by ${way}: Digest for A is no answer to B, ${scheme}`, async (t) => {
      const challenge = 'Digest realm="r", nonce="n", qop="auth"';
      const world = await behind(t, way, (url, response, request) => {
        const isKnown = request.headers.authorization !== undefined;
        if (url === `${scheme}://a.test/` && isKnown)
          response.writeHead(302, { location: `${scheme}://b.test/` }).end();
        else response.writeHead(401, { 'www-authenticate': challenge }).end();
      });
      const response = await openClient(t, world.options).get(`${scheme}://a.test/`, {
        auth: new DigestAuth('u', 'p'),
      });
      t.is(response.statusCode, 401);
      t.deepEqual(world.seen.map(({ url }) => url), ['a', 'a', 'b'].map((name) => `${scheme}://${name}.test/`)); // prettier-ignore
      // The URI of RFC 7616 is the origin's request-target, however the request gets there.
      t.regex(world.seen[1].headers.authorization ?? '', /^Digest .*uri="\/"/);
      t.is(world.seen[2].headers.authorization, undefined);
      proxyIsProxys(t, world);
    });

    // Serial: clients read netrc with their first request.
    test.serial(`SEC-A17 A10 by ${way}: netrc is the origins’, ${scheme}`, async (t) => {
      writeNetRC(t, 'machine a.test login u password p\nmachine 127.0.0.1 login px password secret\n');
      const urls = [`${scheme}://a.test/`, `${scheme}://b.test/`];
      for (const [auth, expected] of [
        [undefined, 'Basic dTpw'],
        [new BearerAuth('token'), 'Bearer token'],
      ] as [AuthTypes | undefined, string][]) {
        const world = await behind(t, way, along(urls));
        t.is(told(await openClient(t, { ...world.options, auth }).get(urls[0])), '200 ok');
        t.deepEqual(authorizations(world), [expected, undefined]);
        proxyIsProxys(t, world);
      }
    });
  }
}

test('SEC-B4 a redirect to another proxy: that one is told nothing of what the first was', async (t) => {
  for (const [from, to] of [
    ['http://a.test/', 'https://a.test/'],
    ['https://a.test/', 'http://a.test/'],
    ['http://a.test/', 'http://b.test/'],
  ]) {
    const first = await behind(t, 'a forward proxy', along([from, to]));
    const second = await behind(t, 'a forward proxy', (_, response) => response.end('ok'));
    const { proxyUrl } = second.options.proxies as HTTPProxy;
    const client = openClient(t, {
      verify: ca.cert,
      proxies: { [from]: first.options.proxies as HTTPProxy, [to]: proxyUrl },
    });
    t.is(told(await client.get(from, { headers: { 'proxy-authorization': 'Basic secret' } })), '200 ok');
    t.deepEqual(second.seen.map(({ url }) => url), [to]); // prettier-ignore
    for (const { line, headers } of second.asked()) t.is(headers['proxy-authorization'], undefined, line);
  }
});
