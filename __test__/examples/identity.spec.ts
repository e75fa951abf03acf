/** The examples about who asks whom: tokens, proxies and netrc, certificates, signatures. */
import test from 'ava';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import path from 'node:path';
import { runExample } from '../helpers/example.js';
import { folderOf } from '../helpers/files.js';
import { json, read } from '../helpers/protocols.js';
import { serveProxy } from '../helpers/proxy.js';
import { refusedOrigin, serve, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

/** Tokens T1, T2 …; those in `revoked` are refused by the API. */
async function serveOAuth(t: Parameters<typeof serve>[0], expiresIn: number, revoked: string[] = []) {
  let tokens = 0;
  return serve(t, async (request, response) => {
    if (request.url === '/token') {
      if ((await read(request)) !== 'grant_type=client_credentials') return json(response, {}, 400);
      if (request.headers.authorization !== `Basic ${btoa('me:secret')}`) return json(response, {}, 401);
      tokens += 1;
      return json(response, { access_token: `T${tokens}`, token_type: 'Bearer', expires_in: expiresIn });
    }
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    response.writeHead(revoked.includes(token) ? 401 : 200).end(`${request.url} ${token}`);
  });
}

const credentials = { CLIENT_ID: 'me', CLIENT_SECRET: 'secret' };

test('oauth2.js: requests at the same time share a token', async (t) => {
  const server = await serveOAuth(t, 3600);
  const args = ['token', 'a', 'b', 'c'].map((name) => server.url + name);
  t.deepEqual(await runExample(t, 'oauth2.js', args, { env: credentials }), ['200 /a T1', '200 /b T1', '200 /c T1']);
  t.is(server.requests.filter(({ target }) => target === '/token').length, 1);
});

test('oauth2.js: a token that is refused, or at its end, is renewed', async (t) => {
  const server = await serveOAuth(t, 3600, ['T1']);
  const args = ['token', 'a', 'b'].map((name) => server.url + name);
  t.deepEqual(await runExample(t, 'oauth2.js', args, { env: credentials }), ['200 /a T2', '200 /b T2']);
  t.is(server.requests.filter(({ target }) => target === '/token').length, 2);

  const hasty = await serveOAuth(t, 0, ['T1']);
  const lines = await runExample(t, 'oauth2.js', [`${hasty.url}token`, `${hasty.url}a`], { env: credentials });
  t.deepEqual(lines, ['200 /a T2']);
});

test('oauth2.js: wrong credentials are an error, not a loop', async (t) => {
  const server = await serveOAuth(t, 3600);
  const env = { ...credentials, CLIENT_SECRET: 'wrong' };
  const stderr = /HTTPStatusError: Client error '401 Unauthorized'/;
  t.deepEqual(await runExample(t, 'oauth2.js', [`${server.url}token`, `${server.url}a`], { env, code: 1, stderr }), []);
  t.is(server.requests.length, 1);
});

test('corporate-proxy.js: out by the proxy, in directly, each origin with its own entry of the netrc file', async (t) => {
  const ca = await testCA();
  const handler: Parameters<typeof serve>[1] = (request, response) => {
    response.end(`${request.headers.authorization} ${request.headers['proxy-authorization']}`);
  };
  const outside = await serve(t, handler);
  const secure = await serveTls(t, handler);
  const inside = await serve(t, handler);
  const proxy = await serveProxy(t, { authorization: `Basic ${btoa('ada:p@ss')}` });
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'ca.pem'), ca.cert);
  const netrc = 'machine 127.0.0.1 login out password 1\nmachine localhost login in password 2\n';
  writeFileSync(path.join(folder, 'netrc'), netrc, { mode: 0o600 });
  const env = {
    PROXY_USER: 'ada',
    PROXY_PASSWORD: 'p@ss',
    NETRC: path.join(folder, 'netrc'),
    NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.pem'),
  };
  const insideUrl = inside.url.replace('127.0.0.1', 'localhost');
  const secureUrl = secure.url.replace('localhost', '127.0.0.1');
  const lines = await runExample(
    t,
    'corporate-proxy.js',
    [proxy.origin, 'localhost', outside.url, secureUrl, insideUrl],
    {
      env,
    },
  );
  t.deepEqual(lines, [
    `${outside.url} 200 Basic ${btoa('out:1')} undefined`,
    `${secureUrl} 200 Basic ${btoa('out:1')} undefined`,
    `${insideUrl} 200 Basic ${btoa('in:2')} undefined`,
  ]);
  t.deepEqual(
    proxy.asked.map(({ method }) => method),
    ['GET', 'CONNECT'],
  );

  const wrong = { ...env, PROXY_PASSWORD: 'wrong' };
  const refused = await runExample(t, 'corporate-proxy.js', [proxy.origin, 'localhost', secureUrl], { env: wrong });
  t.deepEqual(refused, [`${secureUrl} refused by the proxy: 407`]);
  const none = await runExample(t, 'corporate-proxy.js', [await refusedOrigin(), 'localhost', secureUrl], { env });
  t.deepEqual(none, [`${secureUrl} no way to the proxy: ECONNREFUSED`]);
});

test('mutual-tls.js: with a certificate of the client, without one, and with the wrong authority', async (t) => {
  const ca = await testCA();
  const me = await ca.issue({ subject: 'CN=Ada' });
  const server = await serveTls(
    t,
    (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN),
    { requestCert: true, rejectUnauthorized: true, ca: ca.cert },
  );
  const folder = folderOf(t);
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const authority = file('ca.pem', ca.cert);
  const identity = [file('me.pem', me.cert), file('me.key', me.key)];
  t.deepEqual(await runExample(t, 'mutual-tls.js', [server.url, authority, ...identity]), ['200 Ada']);
  t.deepEqual(await runExample(t, 'mutual-tls.js', [server.url, authority], { code: 1 }), [
    'cut off: ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  ]);
  const lines = await runExample(t, 'mutual-tls.js', [server.url, identity[0], ...identity], { code: 1 });
  t.deepEqual(lines, ['not connected: SELF_SIGNED_CERT_IN_CHAIN']);
});

test('webhook.js: signed, sent again as the same message, and never into this network', async (t) => {
  const ca = await testCA();
  const seen: { id: unknown; isRight: boolean }[] = [];
  const server = await serveTls(t, async (request, response) => {
    if (request.url === '/moved') return response.writeHead(302, { location: '/' }).end();
    const body = await read(request);
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers;
    const expected = createHmac('sha256', 'secret')
      .update(`${String(id)}.${String(timestamp)}.${body}`)
      .digest('base64');
    seen.push({ id, isRight: signature === `v1,${expected}` });
    response.writeHead(seen.length === 1 ? 503 : 204, { 'retry-after': '0' }).end();
  });
  const authority = path.join(folderOf(t), 'ca.pem');
  writeFileSync(authority, ca.cert);
  const env = { WEBHOOK_SECRET: 'secret', NODE_EXTRA_CA_CERTS: authority };
  const loopback = { ...env, ALLOW_ADDRESSES: 'public,127.0.0.0/8,::1/128' };
  const send = (url: string, env: Record<string, string>) =>
    runExample(t, 'webhook.js', [url, '{"type":"paid"}'], { env });

  t.deepEqual(await send(server.url, loopback), ['delivered 204']);
  t.deepEqual(
    seen.map(({ isRight }) => isRight),
    [true, true],
  );
  t.is(seen[0].id, seen[1].id);
  t.deepEqual(await send(`${server.url}moved`, loopback), ['not taken 302']);
  t.deepEqual(await send(server.url, env), ['not sent ERR_ADDRESS_FORBIDDEN']);
  t.deepEqual(await send('https://169.254.169.254/latest/', env), ['not sent ERR_ADDRESS_FORBIDDEN']);
  t.deepEqual(await send('http://customer.example/hook', loopback), ['not sent ERR_UNSUPPORTED_PROTOCOL']);
  t.is(server.requests.length, 3);
});
