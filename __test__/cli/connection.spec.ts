/** How the command connects: proxies, environment, TLS, versions, timeouts, redirects, retries, sockets; and the hints when it fails. */
import test from 'ava';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { runCommand } from '../helpers/command.js';
import { folderOf } from '../helpers/files.js';
import { serveProxy } from '../helpers/proxy.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { expired, makeCA, testCA } from '../helpers/tls.js';

const ok = (_request: unknown, response: { end(text: string): unknown }): void => void response.end('ok');

test('--proxy: one for everything, without a scheme, by pattern; --no-proxy', async (t) => {
  const server = await serve(t, ok);
  const proxy = await serveProxy(t);
  const run = async (...args: string[]) => {
    const before = proxy.asked.length;
    const { code } = await runCommand(t, [server.url, ...args], { env: { http_proxy: proxy.origin } });
    t.is(code, 0);
    return proxy.asked.length > before;
  };
  const other = await refusedOrigin();
  t.true(await run());
  t.false(await run('--no-proxy'));
  t.false(await run('--no-env'));
  t.true(await run('-x', proxy.origin, '--no-env'));
  t.true(await run('-x', proxy.origin.replace('http://', ''), '--no-env'));
  t.true(await run('-x', `all://127.0.0.1=${proxy.origin}`, '-x', other, '--no-env'));
  t.false(await run('-x', 'all://127.0.0.1=', '-x', other));
  t.false(await run('-x', `https=${proxy.origin}`, '--no-env'));
});

const variables = ['http_proxy', 'HTTP_PROXY', 'Http_Proxy', 'ALL_PROXY', 'all_proxy'];
for (const name of variables) {
  test(`a dead proxy: its variable is named as it is spelt, ${name}`, async (t) => {
    const { code, stderr } = await runCommand(t, ['http://example.test'], {
      env: { [name]: 'http://me:secret@127.0.0.1:2' },
    });
    t.is(code, 1);
    t.regex(
      stderr,
      new RegExp(
        `^error: (?:ConnectError|ProxyError) \\w+: [^\\n]+\\nhint: the proxy comes from ${name}; --no-proxy goes without it\\n$`,
      ),
    );
    t.false(stderr.includes('secret'));
  });
}

test('a dead proxy of --proxy, and of https_proxy for https', async (t) => {
  const given = await runCommand(t, ['http://example.test', '-x', '127.0.0.1:2']);
  t.regex(given.stderr, /\nhint: the proxy is the one of --proxy\n$/);
  const env = { https_proxy: '127.0.0.1:2', http_proxy: '127.0.0.1:2', ALL_PROXY: 'http://127.0.0.1:2' };
  t.regex((await runCommand(t, ['https://example.test'], { env })).stderr, /\nhint: the proxy comes from https_proxy;/);
});

test('certificates: refused with a hint; --ca, --no-verify, --cert and --key', async (t) => {
  const ca = await testCA();
  const folder = folderOf(t);
  const me = await ca.issue({ subject: 'CN=me' } as never);
  writeFileSync(path.join(folder, 'ca.pem'), ca.cert);
  writeFileSync(path.join(folder, 'me.pem'), me.cert);
  writeFileSync(path.join(folder, 'me.key'), me.key);
  writeFileSync(path.join(folder, 'both.pem'), `${me.cert}\n${me.key}`);
  const server = await serveTls(t, ok);
  const url = server.url.replace('127.0.0.1', 'localhost');
  const run = (...args: string[]) => runCommand(t, [url, ...args], { cwd: folder });
  const refused = await run();
  t.is(refused.code, 1);
  t.regex(refused.stderr, /^error: ConnectError [A-Z_]+: [^\n]+\nhint: --ca FILE [^\n]*--no-verify[^\n]*\n$/);
  t.is((await run('--ca', 'ca.pem')).stdout, 'ok');
  t.is((await run('-k')).stdout, 'ok');
  const mutual = await serveTls(t, ok, { requestCert: true, rejectUnauthorized: true, ca: ca.cert });
  const mutualUrl = mutual.url.replace('127.0.0.1', 'localhost');
  const to = (...args: string[]) => runCommand(t, [mutualUrl, '--ca', 'ca.pem', ...args], { cwd: folder });
  t.is((await to()).code, 1);
  t.is((await to('--cert', 'me.pem', '--key', 'me.key')).stdout, 'ok');
  t.is((await to('--cert', 'both.pem')).stdout, 'ok');
});

test('an expired certificate: its code, and the hint', async (t) => {
  const ca = await makeCA();
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'ca.pem'), ca.cert);
  const server = await serveTls(t, ok, await ca.issue(expired));
  const { code, stderr } = await runCommand(t, [server.url.replace('127.0.0.1', 'localhost'), '--ca', 'ca.pem'], {
    cwd: folder,
  });
  t.is(code, 1);
  t.regex(stderr, /^error: ConnectError CERT_HAS_EXPIRED: [^\n]+\nhint: [^\n]+\n$/);
});

test('--http', async (t) => {
  const server = await serve(t, ok);
  t.is((await runCommand(t, [server.url, '--http', '1.1', '--http=2'])).stdout, 'ok');
  t.is((await runCommand(t, [server.url, '--http', '2'])).code, 1);
});

test('timeouts: seconds, and the hint names the option', async (t) => {
  const silent = await serveRaw(t, async (connection) => connection.request());
  for (const [args, error, hint] of [
    [['-t', '0.2'], 'TotalTimeout', '--timeout'],
    [['--read-timeout', '.2'], 'ReadTimeout', '--read-timeout'],
  ] as const) {
    const { code, stderr } = await runCommand(t, [silent.url, ...args]);
    t.is(code, 1);
    t.regex(stderr, new RegExp(`^error: ${error} [^\\n]+ 200 ms[^\\n]*\\nhint: ${hint} `));
  }
  const server = await serve(t, ok);
  t.is((await runCommand(t, [server.url, '-t', '0', '--connect-timeout', '0', '--read-timeout', '0'])).stdout, 'ok');
});

test('redirects: followed by default; --no-follow, --max-redirects', async (t) => {
  const server = await serve(t, (request, response) => {
    const step = Number(request.url?.slice(1));
    if (step === 3) response.end('there');
    else response.writeHead(302, { location: `/${step + 1}` }).end();
  });
  const run = (...args: string[]) => runCommand(t, [`${server.url}0`, ...args]);
  t.is((await run()).stdout, 'there');
  t.is((await run('-L')).stdout, 'there');
  t.is((await run('--max-redirects', '3')).stdout, 'there');
  t.regex((await run('--max-redirects', '2')).stderr, /^error: TooManyRedirects ERR_TOO_MANY_REDIRECTS: /);
  const unfollowed = await run('--no-follow', '-I');
  t.is(unfollowed.code, 0);
  t.regex(unfollowed.stdout, /^HTTP\/1\.1 302 Found\nlocation: \/1\n/);
});

test('--retry', async (t) => {
  let count = 0;
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    if (++count < 3) connection.reset();
    else await connection.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
  });
  t.is((await runCommand(t, [server.url, '--retry', '3'])).stdout, 'ok');
  t.is(count, 3);
});

test('--unix-socket, --resolve, --interface', async (t) => {
  const server = await serve(t, (request, response) => void response.end(request.headers.host));
  const { port } = new URL(server.url);
  const resolved = await runCommand(t, [`http://name.test:${port}/`, '--resolve', `name.test:${port}=127.0.0.1`]);
  t.is(resolved.stdout, `name.test:${port}`);
  t.is(
    (await runCommand(t, [`http://a.test:${port}/`, '--resolve', 'a.test=[127.0.0.1]', '--resolve', 'b.test=::1']))
      .stdout,
    `a.test:${port}`,
  );
  t.is((await runCommand(t, [server.url, '--interface', '127.0.0.1'])).code, 0);
  if (process.platform === 'win32') return;
  const socket = path.join(folderOf(t), 'socket');
  const local = createServer((_request, response) => void response.end('local'));
  await new Promise<void>((resolve) => void local.listen(socket, resolve));
  t.teardown(() => local.close());
  t.is((await runCommand(t, ['http://localhost/', '--unix-socket', socket])).stdout, 'local');
});

test('netrc: the variable’s, --netrc, --no-netrc, --no-env, and the URL’s own', async (t) => {
  const server = await serve(t, (request, response) => void response.end(request.headers.authorization ?? 'none'));
  const folder = folderOf(t);
  const one = path.join(folder, 'one');
  const two = path.join(folder, 'two');
  writeFileSync(one, 'machine 127.0.0.1 login one password 1\n');
  writeFileSync(two, 'machine 127.0.0.1 login two password 2\n');
  const run = async (url: string, ...args: string[]) =>
    (await runCommand(t, [url, ...args], { env: { NETRC: one } })).stdout;
  const basic = (text: string) => `Basic ${btoa(text)}`;
  t.is(await run(server.url), basic('one:1'));
  t.is(await run(server.url, '--netrc', two), basic('two:2'));
  t.is(await run(server.url, '--no-netrc'), 'none');
  t.is(await run(server.url, '--no-env'), 'none');
  t.is(await run(server.url, '-u', 'me:3'), basic('me:3'));
  t.is(await run(server.url.replace('//', '//you:4@'), '--no-netrc'), basic('you:4'));
  t.is(await run(server.url, '--no-netrc', 'Authorization:own'), 'own');
});

test('--auth-type digest answers the challenge', async (t) => {
  const server = await serve(t, (request, response) => {
    const { authorization } = request.headers;
    if (authorization === undefined)
      response
        .writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256' })
        .end();
    else response.end(authorization);
  });
  const { code, stdout } = await runCommand(t, [server.url, '-u', 'me:secret', '--auth-type', 'digest']);
  t.is(code, 0);
  t.regex(stdout, /^Digest username="me", realm="r"/);
});

test('--cookie-jar: read before, written after, made when it is missing', async (t) => {
  const server = await serve(t, (request, response) => {
    response.setHeader('set-cookie', ['a=1; Path=/; Max-Age=1000', 'b=2; Path=/']);
    response.end(request.headers.cookie ?? 'none');
  });
  const folder = folderOf(t);
  const run = (...args: string[]) => runCommand(t, [server.url, '--cookie-jar', 'jar.txt', ...args], { cwd: folder });
  t.is((await run()).stdout, 'none');
  t.is((await run()).stdout, 'a=1; b=2');
  t.is((await run('-b', 'c=3')).stdout, 'a=1; b=2; c=3');
  writeFileSync(
    path.join(folder, 'curl.txt'),
    '# Netscape HTTP Cookie File\n\n127.0.0.1\tFALSE\t/\tFALSE\t0\tfrom\tcurl\n',
  );
  t.is((await runCommand(t, [server.url, '--cookie-jar', 'curl.txt'], { cwd: folder })).stdout, 'from=curl');
  writeFileSync(path.join(folder, 'bad.txt'), '{"not": "one"}');
  const bad = await runCommand(t, [server.url, '--cookie-jar', 'bad.txt'], { cwd: folder });
  t.true(bad.code === 2 || bad.stdout === 'none', bad.stderr);
  const missing = await runCommand(t, [server.url, '--cookie-jar', 'no/jar.txt'], { cwd: folder });
  t.is(missing.code, 2);
});

test('a server of plain HTTP that is asked for TLS: the hint says so', async (t) => {
  const server = await serve(t, ok);
  const { code, stderr } = await runCommand(t, [server.url.replace('http:', 'https:')]);
  t.is(code, 1);
  t.regex(
    stderr,
    /^error: ConnectError EPROTO: [^\n]+\nhint: if the server speaks plain HTTP, write http:\/\/ before the host\n$/,
  );
});

test('a variable that is no proxy is named', async (t) => {
  const { code, stderr } = await runCommand(t, ['http://example.test'], { env: { http_proxy: 'ftp://127.0.0.1' } });
  t.is(code, 1);
  t.regex(stderr, /^error: ProxyError \w+: [^\n]*http_proxy: [^\n]+\n$/);
});
