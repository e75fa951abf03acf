/** U30: cookies, redirects, auth, hooks and raiseForStatus over apps in this process, as over the network. */
import express from 'express';
import { Hono } from 'hono';
import test from 'ava';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  DigestAuth,
  HTTPStatusError,
  MockDispatch,
  NodeDispatch,
  Response,
  TooManyRedirects,
  type Request,
} from '../../src/index.js';
import { bodyOf, clientOf, nodeClient, url, type Listener } from '../helpers/apps.js';
import { failure, openClient, told } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const routes: Listener = async (req, res) => {
  const { pathname } = new globalThis.URL(req.url as string, url);
  if (pathname === '/login') return res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; Path=/other']).end('welcome');
  if (pathname === '/303') return res.writeHead(303, { location: '/seen' }).end('not read');
  if (pathname === '/307') return res.writeHead(307, { location: '/seen' }).end();
  if (pathname === '/loop') return res.writeHead(302, { location: '/loop' }).end();
  const { cookie, authorization } = req.headers;
  return res.end(JSON.stringify([req.method, pathname, cookie ?? null, authorization ?? null, await bodyOf(req)]));
};

const APPS: [kind: string, app: Parameters<typeof clientOf>[1]][] = [
  ['node', routes],
  ['express', express().use((req, res) => void routes(req as IncomingMessage, res as ServerResponse))],
  [
    'hono',
    new Hono()
      .get('/login', (c) => {
        c.header('set-cookie', 'a=1; Path=/', { append: true });
        c.header('set-cookie', 'b=2; Path=/other', { append: true });
        return c.text('welcome');
      })
      .all('/303', (c) => c.redirect('/seen', 303))
      .all('/307', (c) => c.redirect('/seen', 307))
      .all('/loop', (c) => c.redirect('/loop', 302))
      .all('*', async (c) =>
        c.json([
          c.req.method,
          c.req.path,
          c.req.header('cookie') ?? null,
          c.req.header('authorization') ?? null,
          await c.req.text(),
        ]),
      ),
  ],
];

for (const [kind, app] of APPS) {
  test(`U30 ${kind}: cookies are kept and sent where they belong`, async (t) => {
    const client = clientOf(t, app);
    await client.get('http://example/login');
    t.is(client.cookies.get('a'), '1');
    t.deepEqual((await client.get('http://example/seen')).json(), ['GET', '/seen', 'a=1', null, '']);
    t.deepEqual((await client.get('http://example/other/x')).json<string[]>()[2]?.split('; ').toSorted(), [
      'a=1',
      'b=2',
    ]);
    t.deepEqual((await client.get('http://elsewhere/seen')).json(), ['GET', '/seen', null, null, '']);
  });

  test(`U30 ${kind}: redirects, their methods, bodies and history`, async (t) => {
    const client = clientOf(t, app);
    const see = await client.post('http://example/303', { content: 'body' });
    t.deepEqual(see.json(), ['GET', '/seen', null, null, '']);
    t.deepEqual(see.history.map(told), [kind === 'hono' ? '303 ' : '303 not read']);
    t.is(see.url.toString(), 'http://example/seen');
    const again = await client.post('http://example/307', { content: 'body' });
    t.deepEqual(again.json(), ['POST', '/seen', null, null, 'body']);
    t.true((await failure(client.get('http://example/loop'))) instanceof TooManyRedirects);
    const kept = await client.get('http://example/303', { followRedirects: false });
    t.deepEqual([kept.statusCode, kept.nextRequest?.url.path], [303, '/seen']);
  });

  test(`U30 ${kind}: auth, and hooks at each hop`, async (t) => {
    const seen: unknown[] = [];
    const client = clientOf(t, app, {
      auth: ['user', 'password'],
      eventHooks: {
        request: [(request) => void seen.push(request.url.path, request.headers.get('authorization'))],
        response: [async (response) => void seen.push(response.statusCode, (await response.read()).length > 0)],
      },
    });
    const basic = `Basic ${Buffer.from('user:password').toString('base64')}`;
    t.deepEqual((await client.get('http://example/303')).json(), ['GET', '/seen', null, basic, '']);
    t.deepEqual(seen, ['/303', basic, 303, kind !== 'hono', '/seen', basic, 200, true]);
  });
}

test('U30 Digest against an app that checks', async (t) => {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const client = nodeClient(t, (req, res) => {
    const given = Object.fromEntries(
      [...(req.headers.authorization ?? '').matchAll(/(\w+)="?([^",]+)"?/g)].map(([, name, value]) => [name, value]),
    ) as Record<string, string>;
    const first = md5('user:realm:password');
    const expected = md5(`${first}:nonce:${given.nc}:${given.cnonce}:auth:${md5(`${req.method}:${req.url}`)}`);
    if (given.response === expected) return res.end('welcome');
    return res
      .writeHead(401, { 'www-authenticate': 'Digest realm="realm", nonce="nonce", qop="auth", algorithm=MD5' })
      .end();
  });
  t.is(told(await client.get('http://example/a?b', { auth: new DigestAuth('user', 'password') })), '200 welcome');
  const refused = await client.get('http://example/a?b', { auth: new DigestAuth('user', 'wrong') });
  t.is(refused.statusCode, 401);
});

test('mounts are looked up at each hop: from an app to the network, to a mock, and back', async (t) => {
  const server = await serve(t, (_, res) => res.writeHead(302, { location: 'http://mock.test/' }).end());
  const app = new NodeDispatch({
    app: (req, res) => (req.url === '/' ? res.writeHead(302, { location: server.url }).end() : res.end('back')),
  });
  const mock = new MockDispatch(() => new Response(302, { headers: { location: 'http://app.test/end' } }));
  const client = openClient(t, { mounts: { 'all://app.test': app, 'all://mock.test': mock } });
  const response = await client.get('http://app.test/');
  t.is(response.text, 'back');
  t.deepEqual(
    response.history.map(({ url: where }) => where.host),
    ['app.test', '127.0.0.1', 'mock.test'],
  );
  t.is(mock.requests.length, 1);
});

test('one Response for several requests is each time the answer to the one that was sent', async (t) => {
  const moved = new Response(302, { headers: { location: '/end' } });
  const end = new Response(200, { text: 'end' });
  const mock = new MockDispatch((request) => (request.url.path === '/end' ? end : moved));
  const client = openClient(t, { dispatch: mock });
  const first = await client.get('http://a.test/1');
  const second = await client.post('http://b.test/2');
  for (const [response, origin, method, sent] of [
    [first, 'http://a.test', 'GET', 'http://a.test/1'],
    [second, 'http://b.test', 'POST', 'http://b.test/2'],
  ] as const) {
    t.is(response.text, 'end');
    t.is(response.url.toString(), `${origin}/end`);
    t.is(response.request.url.toString(), `${origin}/end`);
    t.deepEqual(
      response.history.map(({ request }) => `${request.method} ${request.url.toString()}`),
      [`${method} ${sent}`],
    );
  }
});

test('raiseForStatus of an app’s answer', async (t) => {
  const client = nodeClient(t, (_, res) => res.writeHead(503).end('not now'));
  const response = await client.get(url);
  const error = t.throws(() => response.raiseForStatus(), { instanceOf: HTTPStatusError });
  t.regex(error?.message ?? '', /503 Service Unavailable/);
});

test('an error of the app at a later hop, and in a hook, is what the caller gets', async (t) => {
  const own = new Error('own');
  const client = nodeClient(t, (req, res) => {
    if (req.url === '/fails') throw own;
    res.writeHead(302, { location: '/fails' }).end();
  });
  t.is(await failure(client.get(url)), own);
  const hooked = openClient(t, {
    app: (_req: IncomingMessage, res: ServerResponse) => res.end(),
    eventHooks: { request: [(_request: Request) => Promise.reject(own)] },
  });
  t.is(await failure(hooked.get(url)), own);
});
