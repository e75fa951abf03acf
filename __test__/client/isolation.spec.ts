/** What one request leaves behind for the next on the same client: nothing but cookies and a connection. */
import test from 'ava';
import * as fc from '../helpers/fast-check.js';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, DigestAuth, HTTPProxy, type RequestOptions } from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { serveNames } from '../helpers/names.js';
import { serveProxy } from '../helpers/proxy.js';
import { OK, refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE');
const options: fc.Arbitrary<RequestOptions> = fc.record(
  {
    headers: fc.constantFrom<Record<string, string | null>>(
      { host: 'other.test' },
      { 'X-Own': '1' },
      { accept: null },
      { cookie: 'own=1' },
    ),
    cookies: fc.constantFrom<Record<string, string>>({ a: '1' }, { b: '2' }),
    params: fc.constantFrom<Record<string, string | string[]>>({ q: '1' }, { q: ['1', '2'] }),
    auth: fc.constantFrom(['u', 'p'] as [string, string], ['v', 'q'] as [string, string], null),
    timeout: fc.constantFrom(null, 9_000, { read: 9_000 }),
    followRedirects: fc.boolean(),
  },
  { requiredKeys: [] },
);

test('SEC-C10 SEC-A12 property: what a client sends does not depend on what it sent before', async (t) => {
  // What arrives, in the order of the requests, each on whatever connection.
  let heads: string[] = [];
  const server = await serveRaw(t, async (connection) => {
    for (;;) {
      const { head } = await connection.request();
      heads.push(head);
      await connection.write(head.startsWith('HEAD ') ? OK.slice(0, -2) : OK);
    }
  });
  const shared = openClient(t);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(method, options), { minLength: 2, maxLength: 4 }), async (calls) => {
      for (const [name, given] of calls) {
        heads = [];
        await shared.request(name, server.url, given);
        const fresh = new Client();
        await fresh.request(name, server.url, given);
        await fresh.close();
        if (heads[0] !== heads[1]) throw new Error(`${heads[0]}\nis not\n${heads[1]}`);
      }
    }),
    { numRuns: 25 },
  );
  t.pass();
});

test('SEC-C3 a challenge of NTLM or Negotiate is a response like any other', async (t) => {
  for (const scheme of ['NTLM', 'Negotiate', 'NTLM TlRMTVNTUAAB']) {
    const server = await serve(t, (_, response) => response.writeHead(401, { 'www-authenticate': scheme }).end('no'));
    for (const auth of [['u', 'p'] as [string, string], new DigestAuth('u', 'p'), undefined]) {
      const response = await openClient(t).get(server.url, { auth });
      t.deepEqual([told(response), response.headers.get('www-authenticate')], ['401 no', scheme]);
    }
    t.is(server.requests.length, 3);
  }
});

test('SEC-C3 two users on one connection: each request has its own credentials', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers.authorization ?? 'none'));
  const client = openClient(t, { httpVersions: 'HTTP/1.1' });
  for (const user of ['one', 'two', 'one', null]) {
    const { text } = await client.get(server.url, { auth: user === null ? null : [user, 'p'] });
    t.is(text, user === null ? 'none' : `Basic ${btoa(`${user}:p`)}`);
  }
  t.is(server.connections(), 1);
});

// Each is part of a password, and of no host.
for (const odd of ['@', ':', '/', '#', '%', '\\', '?', '@evil.test', '/@evil.test/', '#@evil.test']) {
  test(`SEC-H4 a password with ${odd} is a password`, async (t) => {
    const server = await serveNames(t, (_, response) => response.end('ok'));
    const client = openClient(t, { dispatch: server.dispatch });
    const expected = `Basic ${Buffer.from(`u:p${odd}w`).toString('base64')}`;
    await client.get('http://h.test/', { auth: ['u', `p${odd}w`] });
    await client.get(`http://u:${encodeURIComponent(`p${odd}w`)}@h.test/`);
    t.deepEqual(server.log, ['h.test GET /', 'h.test GET /']);
    t.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      [expected, expected],
    );
  });
}

const BREAKS = { CR: '\r', LF: '\n', CRLF: '\r\nX-Evil: 1', NUL: '\0', 'U+010D U+010A': '\u010D\u010A' };

for (const [name, text] of Object.entries(BREAKS)) {
  test(`SEC-I8 ${name} in a URL, a header, a method: nothing is said to a proxy`, async (t) => {
    const proxy = await serveProxy(t);
    for (const proxyMode of ['DEFAULT', 'TUNNEL_ONLY'] as const) {
      const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: proxy.origin, proxyMode }) });
      const origin = await refusedOrigin();
      const raw = name.startsWith('U') ? [] : [client.get(`${origin}/${text}`), client.get(`http://h${text}/`)];
      for (const call of [
        ...raw,
        client.get(`${origin}/`, { headers: { 'x-own': text } }),
        client.get(`${origin}/`, { headers: { [`x${text}`]: '1' } }),
        client.get(`${origin}/`, { headers: { host: `h${text}` } }),
        client.request(`GET${text}`, `${origin}/`),
      ]) {
        t.regex((await failure(call)).name, /^(?:InvalidURL|LocalProtocolError|TypeError)$/);
      }
    }
    t.is(proxy.connections(), 0);
  });
}

test('SEC-K10 maxResponseSize counts for the body at the end of redirects, and 0 for them as well', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/long' }).end();
    else response.end('0123456789');
  });
  t.is((await failure(openClient(t, { maxResponseSize: 9 }).get(server.url))).name, 'ResponseTooLarge');
  t.is(told(await openClient(t, { maxResponseSize: 10 }).get(server.url)), '200 0123456789');
});

test('SEC-K12 names that look like numbers keep their order', async (t) => {
  const names = Array.from({ length: 90 }, (_, i) => `${90 - i}`);
  const server = await serveRaw(
    t,
    `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${names.map((name) => `${name}: v${name}\r\nSet-Cookie: ${name}=1\r\n`).join('')}\r\n`,
  );
  const client = openClient(t);
  const { headers } = await client.get(server.url);
  t.deepEqual(
    [...headers].map(([name]) => name).filter((name) => /^\d/.test(name)),
    names,
  );
  await client.get(server.url);
  t.regex(server.received[0], /\r\ncookie: (?:\d+=1; )+\d+=1\r\n/i);
});

test('SEC-K13 a value nested ten thousand levels deep is a form refused, and JSON that is sent or refused', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = openClient(t);
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = { a: deep };
  t.is((await failure(client.post(server.url, { data: { a: deep } as never }))).name, 'TypeError');
  // JSON.stringify's own limit is the stack's; what it throws is the call's.
  t.is((await failure(client.post(server.url, { json: deep }))).name, 'RangeError');
  t.is(told(await client.get(server.url)), '200 ok');
  let response = Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  const peer = await serve(t, (_, answer) => answer.end(response));
  const parsed = await client.get(peer.url);
  t.notThrows(() => parsed.json());
  response = Buffer.from('['.repeat(1_000_000));
  const broken = await client.get(peer.url);
  t.throws(() => broken.json());
});

test('SEC-N4 a cookie named XSRF-TOKEN is a cookie', async (t) => {
  const server = await serveTls(t, (_, response) => response.setHeader('set-cookie', 'XSRF-TOKEN=secret').end('ok'));
  const client = openClient(t, { verify: false });
  await client.get(server.url);
  await client.post(server.url);
  const { headers, rawHeaders } = server.requests[1];
  t.is(headers.cookie, 'XSRF-TOKEN=secret');
  t.false(rawHeaders.some((name) => /xsrf|csrf/i.test(name) && !name.startsWith('XSRF-TOKEN=')));
});

test('SEC-N5 no file is made in the folder for temporary ones', (t) => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  let seen = 0;
  for (const folder of ['src', 'crates/core/src', 'crates/node/src']) {
    for (const file of readdirSync(path.join(root, folder), { recursive: true }) as string[]) {
      if (!/\.(?:ts|rs)$/.test(file) || /tests?\.rs$|\btests\b/.test(file)) continue;
      seen += 1;
      const [source] = readFileSync(path.join(root, folder, file), 'utf8').split('#[cfg(test)]');
      t.notRegex(source, /tmpdir|temp_dir|mkdtemp|['"/]tmp\//, file);
    }
  }
  t.true(seen > 100);
});
