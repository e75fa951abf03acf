/** What the command shows of an exchange: -v, --json-output, --curl, --bench, --stream; secrets masked. */
import test from 'ava';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { shownCertificate } from '../../src/cli/verbose.js';
import { maskedUserinfo, maskedValue } from '../../src/cli/secrets.js';
import { waterfall } from '../../src/cli/waterfall.js';
import { histogram } from '../../src/cli/histogram.js';
import { quantile } from '../../src/cli/bench.js';
import { hasTerminal, runCommand, runOnTerminal, startCommand } from '../helpers/command.js';
import { folderOf } from '../helpers/files.js';
import { refusedOrigin, serve, serveRaw, serveTls } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';

const onTerminal = hasTerminal ? test : test.skip;
const SECRET = 's3cr3t';

test('-v: the connection, both heads, the phases, on stderr; the body alone on stdout', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/there' }).end();
    else response.end('body');
  });
  const { code, stdout, stderr } = await runCommand(t, ['-v', server.url]);
  t.deepEqual({ code, stdout }, { code: 0, stdout: 'body' });
  t.regex(
    stderr,
    /^\* connected to 127\.0\.0\.1:\d+ from 127\.0\.0\.1:\d+, new connection\n\* protocol HTTP\/1\.1\n> GET \/ HTTP\/1\.1\n> Host: 127/,
  );
  t.regex(
    stderr,
    /\n>\n< HTTP\/1\.1 302 Found\n< location: \/there\n[^]*\n<\n\* connected [^\n]*, reused connection\n/,
  );
  for (const phase of ['pool', 'connect', 'send', 'wait', 'receive', 'total'])
    t.regex(stderr, new RegExp(`\\n\\* ${phase} +[\\d.]+ (?:µs|ms|s)`));
  t.notRegex(stderr, /\n\* (?:dns|tls) /);
});

test('-v over TLS: version, cipher, group, ALPN, certificate', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'ca.pem'), (await testCA()).cert);
  const server = await serveTls(t, (_request, response) => void response.end());
  const { code, stderr } = await runCommand(t, ['-v', server.url.replace('127.0.0.1', 'localhost'), '--ca', 'ca.pem'], {
    cwd: folder,
  });
  t.is(code, 0, stderr);
  t.regex(stderr, /\n\* TLSv1\.3, TLS_\w+, group \w+, ALPN /);
  t.regex(stderr, /\n\* certificate: subject CN=[^\n]+; issuer CN=Whippet Test CA; \d+ days left\n/);
  t.regex(stderr, /\n\* tls +[\d.]+ /);
});

test('-v when there is no response: what was tried, and the request', async (t) => {
  const { code, stderr } = await runCommand(t, ['-v', await refusedOrigin(), '-u', `me:${SECRET}`]);
  t.is(code, 1);
  t.regex(
    stderr,
    /^\* tried 127\.0\.0\.1:2: no connection\n> GET \/ HTTP\/1\.1\n[^]*\nerror: ConnectError ECONNREFUSED: /,
  );
  t.false(stderr.includes(btoa(`me:${SECRET}`)));
});

test('-vv: the body of the request, too', async (t) => {
  const server = await serve(t, (_request, response) => void response.end());
  t.regex((await runCommand(t, ['-vv', server.url, 'a:=1.0'])).stderr, /\n> \{\n> {3}"a": 1\.0\n> \}\n/);
  t.notRegex((await runCommand(t, ['-v', server.url, 'a:=1.0'])).stderr, /"a"/);
});

test('-v: what a hostile server sends is shown, not obeyed, on stderr', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 \x9b2J\r\nX-Evil: a\x9b31m\x85\r\ncontent-length: 0\r\n\r\n');
  const { stderr } = await runCommand(t, ['-v', server.url]);
  t.notRegex(stderr, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  t.regex(stderr, /< X-Evil: a\\x9b31m\\x85\n/);
});

/** Everything that carries a secret in one request. */
const secretArgs = [
  '-u',
  `me:${SECRET}`,
  '-b',
  `id=${SECRET}`,
  `X-API-Key:${SECRET}`,
  `X-Auth-Token:${SECRET}`,
  `Private-Token:${SECRET}`,
  `Proxy-Authorization:Basic ${SECRET}`,
];

test('secrets are masked in -v, --json-output and --curl, and shown when they are asked for', async (t) => {
  const server = await serve(t, (_request, response) => {
    response.setHeader('set-cookie', `sid=${SECRET}; Path=/; HttpOnly`);
    response.setHeader('location', `http://you:${SECRET}@example.org/?code=${SECRET}`);
    response.setHeader('x-csrf-token', SECRET);
    response.end('body');
  });
  const encoded = btoa(`me:${SECRET}`);
  for (const args of [['-v'], ['--json-output'], ['--curl'], ['--curl', '-x', `http://p:${SECRET}@127.0.0.1:2`]]) {
    const run = async (...more: string[]) => {
      const { stdout, stderr } = await runCommand(t, [server.url, ...args, ...secretArgs, ...more]);
      return `${stdout}${stderr}`;
    };
    const masked = await run();
    t.false(masked.includes(SECRET) || masked.includes(encoded), masked);
    t.true(masked.includes('[secure]'));
    const shown = await run('--show-secrets');
    t.true(shown.includes(SECRET), shown);
    t.false(shown.includes('[secure]'), shown);
  }
  const url = `${server.url.replace('//', `//me:${SECRET}@`)}?access_token=${SECRET}`;
  for (const args of [['-v'], ['--json-output'], ['--curl']]) {
    const { stdout, stderr } = await runCommand(t, [url, ...args]);
    t.false(`${stdout}${stderr}`.includes(SECRET), `${stdout}${stderr}`);
  }
  t.regex(
    (await runCommand(t, [server.url, '-i', '--print=Hh', '-u', `me:${SECRET}`])).stdout,
    new RegExp(`${encoded}[^]*sid=${SECRET}`),
  );
});

const masks: [name: string, value: string, expected: string][] = [
  ['Authorization', 'Bearer abc', 'Bearer [secure]'],
  ['Authorization', 'abc', '[secure]'],
  ['Proxy-Authorization', 'Basic abc', 'Basic [secure]'],
  ['Cookie', 'a=1; b=2', 'a=[secure]; b=[secure]'],
  ['Set-Cookie', 'a=1; Path=/', 'a=[secure]; Path=/'],
  ['Set-Cookie', 'abc', '[secure]'],
  ['x-api-key', 'abc', '[secure]'],
  ['X-ApiKey', 'abc', '[secure]'],
  ['api-key', 'abc', '[secure]'],
  ['X-Amz-Security-Token', 'abc', '[secure]'],
  ['X-Client-Secret', 'abc', '[secure]'],
  ['X-Goog-Api-Key', 'abc', '[secure]'],
  ['X-Hub-Signature-256', 'abc', '[secure]'],
  ['Cf-Access-Jwt-Assertion', 'abc', '[secure]'],
  ['Content-Type', 'text/html', 'text/html'],
  ['WWW-Authenticate', 'Basic realm="r"', 'Basic realm="r"'],
  ['ETag', '"abc"', '"abc"'],
  ['Location', 'http://u:p@h/', 'http://[secure]@h/'],
  [
    'Location',
    'http://u:p@h/?a=é|1&code=x#id_token=y',
    'http://[secure]@h/?a=%C3%A9|1&code=[secure]#id_token=[secure]',
  ],
  ['Link', '</?a=b|c>; rel="next"', '</?a=b|c>; rel="next"'],
  ['request-target', '/x?access_token=abc&q=1', '/x?access_token=[secure]&q=1'],
];
for (const [name, value, expected] of masks) {
  test(`masked: ${name}: ${value}`, (t) => t.is(maskedValue(name, value), expected));
}

test('userinfo in a text is masked, an @ of a path is not', (t) => {
  t.is(maskedUserinfo('GET http://u:p@h/a@b'), 'GET http://[secure]@h/a@b');
  t.is(maskedUserinfo('http://h/a@b'), 'http://h/a@b');
});

test('--json-output: one object', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') return void response.writeHead(302, { location: '/there' }).end();
    response.writeHead(404, 'Not Here', { 'content-type': 'text/plain', 'x-two': ['1', '2'] });
    return void response.end('grün');
  });
  const end = await runCommand(t, ['--json-output', `${server.url}x`, '-d', 'sent']);
  t.is(end.code, 4);
  t.is(end.stdout.split('\n').length, 2);
  const told = JSON.parse(end.stdout);
  t.is(told.request.method, 'POST');
  t.is(told.request.body, 'sent');
  t.is(told.request.headers['content-length'], '4');
  t.like(told.response, { status: 404, statusText: 'Not Here', httpVersion: 'HTTP/1.1', url: `${server.url}x` });
  t.deepEqual(told.headers['x-two'], ['1', '2']);
  t.is(told.body, 'grün');
  t.is(told.bodyEncoding, 'text');
  t.is(told.tls, null);
  t.deepEqual(Object.keys(told.timings), [
    'pool',
    'dns',
    'connect',
    'tls',
    'send',
    'wait',
    'receive',
    'elapsed',
    'total',
  ]);
  t.false(told.peer.isReused);
});

test('--json-output: redirects, binary bodies in base64, TLS; no response is 1 without an object', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'ca.pem'), (await testCA()).cert);
  const bytes = Buffer.from([0, 255, 1, 254]);
  const server = await serveTls(t, (request, response) => {
    if (request.url === '/') return void response.writeHead(302, { location: '/there' }).end();
    response.setHeader('content-type', request.url === '/there' ? 'application/octet-stream' : 'application/json');
    return void response.end(request.url === '/there' ? bytes : '{"a":1.0}');
  });
  const url = server.url.replace('127.0.0.1', 'localhost');
  const told = JSON.parse((await runCommand(t, ['--json-output', url, '--ca', 'ca.pem'], { cwd: folder })).stdout);
  t.is(told.body, bytes.toString('base64'));
  t.is(told.bodyEncoding, 'base64');
  t.like(told.redirects, [{ status: 302, location: '/there' }] as never);
  t.is(told.tls.version, 'TLSv1.3');
  t.regex(told.tls.certificates[0].subject, /CN=/);
  const json = JSON.parse(
    (await runCommand(t, ['--json-output', `${url}json`, '--ca', 'ca.pem'], { cwd: folder })).stdout,
  );
  t.is(json.body, '{"a":1.0}');
  const failed = await runCommand(t, ['--json-output', await refusedOrigin()]);
  t.deepEqual({ code: failed.code, stdout: failed.stdout }, { code: 1, stdout: '' });
});

const curls: [args: string[], expected: RegExp][] = [
  [['example.org'], /^curl 'https:\/\/example\.org' -H 'Accept: \*\/\*' [^\n]* --compressed -L\n$/],
  [
    ['put', 'http://example.org/a', 'X-A:1', 'User-Agent:', 'a=x'],
    /^curl -X 'PUT' 'http:\/\/example\.org\/a' [^\n]*-H 'X-A: 1'[^\n]* --data-raw '\{"a": "x"\}' -L\n$/,
  ],
  [['example.org', '-d', "it's", '--no-follow'], /--data-raw 'it'\\''s'\n$/],
  [['example.org', '--form', 'a=1 2', 'b=3'], /--data-raw 'a=1\+2&b=3' -L\n$/],
  [['example.org', '-I', '-k', '-t', '2.5', '--http', '1.1'], /^curl --head [^\n]* -L -m 2\.5 -k --http1\.1\n$/],
  [['example.org', '-u', 'me:it', '--auth-type', 'digest'], / --digest -u 'me:\[secure\]' -L\n$/],
  [['example.org', '-u', 'token', '--auth-type', 'bearer'], / -H 'Authorization: Bearer \[secure\]' -L\n$/],
  [
    ['example.org', '-x', 'proxy.test:3128', '--resolve', 'example.org:443=127.0.0.1', '--cookie-jar', 'a b'],
    / -b 'a b' -c 'a b' -L -x http:\/\/proxy\.test:3128 --resolve example\.org:443:127\.0\.0\.1\n$/,
  ],
];
for (const [args, expected] of curls) {
  test(`--curl: ${args.join(' ')}`, async (t) => {
    const { code, stdout, stderr } = await runCommand(t, [...args, '--curl']);
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    t.regex(stdout, expected);
  });
}

test('--curl: curl itself sends the same request', async (t) => {
  const curl = await promisify(execFile)('curl', ['--version']).catch(() => null);
  if (curl === null) return t.pass('there is no curl here');
  const seen: string[] = [];
  const server = await serve(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const {
      'content-type': type = '',
      authorization = '',
      cookie = '',
      'x-a': own = '',
      'user-agent': agent,
    } = request.headers;
    const [, boundary = '\0'] = /boundary=(.*)/.exec(type) ?? [];
    const body = Buffer.concat(chunks).toString().replaceAll(boundary, 'boundary');
    seen.push(
      JSON.stringify([
        request.method,
        request.url,
        type.replace(/boundary=.*/, ''),
        authorization,
        cookie,
        own,
        agent,
        body,
      ]),
    );
    response.end();
  });
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'f.txt'), 'file');
  writeFileSync(path.join(folder, 'it;s, a "file".json'), '{}');
  const rows = [
    [server.url, '-q', 'a=1', 'X-A:ü b', '-b', 'c=1'],
    ['delete', `${server.url}x?y=%20`, '-u', 'me:a b'],
    [server.url, 'a=1', "b=it's\n\t\x01", 'c:=1.0'],
    [server.url, '--form', 'a=1+ü&', 'b='],
    [server.url, '-d', '@f.txt'],
    [server.url, '-d', '@f.txt', '-X', 'PUT'],
    [server.url, '-F', 'f=f.txt;type=text/x', 'a=1'],
    [server.url, '-F', 'f=f.txt;filename=data.yaml'],
    [server.url, 'f@it;s, a "file".json'],
    [server.url, 'X-A;'],
    [server.url, '--multipart', 'a=1;type=x'],
  ];
  for (const args of rows) {
    t.is((await runCommand(t, args, { cwd: folder })).code, 0);
    const { stdout } = await runCommand(t, [...args, '--curl', '--show-secrets'], { cwd: folder });
    await promisify(execFile)('sh', ['-c', stdout], { cwd: folder });
    t.is(seen.at(-1), seen.at(-2), stdout);
  }
  return t.is(seen.length, rows.length * 2);
});

test('--curl: the proxy of the URL’s pattern, its password masked whatever is in it', async (t) => {
  const rows: [args: string[], expected: RegExp][] = [
    [['-x', `http://u:${SECRET}'" <@h:1`], / -x 'http:\/\/\[secure\]@h:1'$/m],
    [['-x', `u:${SECRET}@h`], / -x 'http:\/\/\[secure\]@h'$/m],
    [['-x', `all://*.test=http://u:${SECRET}@h`, '-x', 'http=http://other'], / -x 'http:\/\/\[secure\]@h'$/m],
    [['-x', 'http=http://other'], / --noproxy '\*'$/m],
    [['-x', 'http://other', '-x', 'all://a.test='], / --noproxy '\*'$/m],
    [['--no-proxy'], / --noproxy '\*'$/m],
  ];
  for (const [args, expected] of rows) {
    const { stdout } = await runCommand(t, ['https://a.test/', ...args, '--curl']);
    t.regex(stdout, expected);
    t.false(stdout.includes(SECRET), stdout);
  }
});

test('--curl: curl reads no netrc by itself', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, '.netrc'), '');
  const line = async (args: string[], env: Record<string, string>) =>
    (await runCommand(t, ['http://a.test/', '--curl', ...args], { env })).stdout;
  t.regex(await line([], { HOME: folder }), / --netrc-optional /);
  t.regex(await line([], { NETRC: 'own' }), / --netrc-file own /);
  t.notRegex(await line(['--no-netrc'], { HOME: folder }), /netrc/);
  t.notRegex(await line([], {}), /netrc/);
});

test('--curl asks for no password: curl does', async (t) => {
  const { code, stdout } = await runCommand(t, ['example.org', '-u', 'me', '--curl']);
  t.is(code, 0);
  t.regex(stdout, / -u me /);
});

test('--bench: a table on stdout; errors by class, answers from 400 on by status', async (t) => {
  let count = 0;
  const server = await serve(t, (_request, response) => {
    count++;
    if (count % 5 === 0) response.socket?.destroy();
    else response.writeHead(count % 5 === 1 ? 503 : 200).end('four');
  });
  const { code, stdout } = await runCommand(t, ['--bench', '20', '--concurrency', '1', '-X', 'POST', server.url]);
  t.is(code, 0);
  t.regex(
    stdout,
    /^requests +20, 1 at a time, in [\d.]+ \w+\nanswered +16\nrequests\/s +[\d.]+\nlatency p50 +[^\n]+\nlatency p90 +[^\n]+\nlatency p99 +[^\n]+\nlatency max +[^\n]+\nbytes +64 bytes, [^\n]+\nstatus 503 +4\nerror \w+ \w+ +4\n$/,
  );
});

test('--bench: nothing answered is 1; SIGINT shows what there is, and is 130', async (t) => {
  const { code, stdout } = await runCommand(t, ['--bench', '3', '--concurrency', '2', await refusedOrigin()]);
  t.is(code, 1);
  t.regex(stdout, /answered +0\n[^]*error ConnectError ECONNREFUSED +3\n/);
  let arrived: () => void = () => {};
  const second = new Promise<void>((resolve) => (arrived = resolve));
  const server = await serve(t, (_request, response) =>
    server.requests.length === 1 ? void response.end() : arrived(),
  );
  const { process: child, ended } = startCommand(t, ['--bench', '5', server.url]);
  await second;
  child.kill('SIGINT');
  const end = await ended;
  t.is(end.code, 130);
  t.regex(end.stdout, /answered +1\n/);
});

onTerminal('--bench on a terminal: a histogram, too', async (t) => {
  const server = await serve(t, (_request, response) => void response.end());
  const { code, stdout } = await runOnTerminal(t, ['--bench', '20', server.url], { columns: 40 });
  t.is(code, 0);
  t.regex(stdout, /#\r\n/);
  for (const line of stdout.split('\r\n')) t.true(line.length <= 50, line);
});

test('quantiles, the histogram and the waterfall', (t) => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  t.deepEqual(
    [0.5, 0.9, 0.99, 1].map((share) => quantile(values, share)),
    [50, 90, 99, 100],
  );
  t.is(quantile([7], 0.5), 7);
  const lines = histogram(values, 60);
  t.is(
    lines.reduce((sum, line) => sum + Number(/ (\d+)(?: #*)?$/.exec(line)?.[1]), 0),
    100,
  );
  t.is(histogram([1, 1, 1], 80).length, 2);
  for (const columns of [10, 30, 40, 80]) {
    for (const line of waterfall({ pool: 1, dns: 0, connect: null, tls: 2, send: 0.1, wait: 100, receive: 5 }, columns))
      t.true(line.length <= Math.max(columns, 22), line);
  }
  t.deepEqual(waterfall({ pool: 1, dns: null, connect: null, tls: null, send: 0, wait: 1, receive: null }, 42), [
    'pool       1.00 ms  ==========',
    'send          0 µs',
    'wait       1.00 ms            ==========',
    'total      2.00 ms',
  ]);
});

test('a certificate that is none is said to be', (t) => t.is(shownCertificate(Buffer.from('x'), 0), 'not readable'));

onTerminal(
  '--json-output: no control character of the server reaches the terminal, and each stays what it is',
  async (t) => {
    const body = '\u009b31m\u202e\x7f';
    const server = await serve(t, (_request, response) => {
      response.setHeader('x-evil', Buffer.from(body.slice(0, -1)).toString('latin1'));
      response.end(Buffer.from(body));
    });
    const { stdout } = await runOnTerminal(t, [server.url, '--json-output']);
    t.notRegex(stdout, /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]/);
    const shown = JSON.parse(stdout) as { body: string; headers: Record<string, string> };
    t.is(shown.body, body);
    t.is(shown.headers['x-evil'], body.slice(0, -1));
  },
);

onTerminal('--stream on a terminal: a line end in two pieces, binary bodies, no line end', async (t) => {
  const rows: [chunks: string[], type: string, expected: string][] = [
    [['a\r', '\nb'], 'text/plain', 'a\nb\n'],
    [['\x89PNG', '\0'], 'image/png', '[binary body, image/png: not shown; -o FILE saves it]\n'],
    [['gr\xc3', '\xbcn\n'], 'text/plain', 'grün\n'],
  ];
  for (const [chunks, type, expected] of rows) {
    const server = await serve(t, (_request, response) => {
      response.setHeader('content-type', type);
      for (const chunk of chunks) response.write(chunk, 'latin1');
      response.end();
    });
    const { stdout } = await runOnTerminal(t, [server.url, '--stream', '--print=b', '--color=never']);
    t.is(stdout.replaceAll('\r\n', '\n'), expected);
  }
});

test('--stream: bytes as they come in a pipe', async (t) => {
  let finish: () => void = () => {};
  const server = await serve(t, (_request, response) => {
    response.setHeader('content-type', 'text/event-stream');
    response.write('data: {"a":1.0}\n\n');
    finish = () => void response.end('data: two\n\n');
  });
  const { process: child, ended } = startCommand(t, ['--stream', server.url]);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  finish();
  t.is((await ended).stdout, 'data: {"a":1.0}\n\ndata: two\n\n');
});

onTerminal('--stream on a terminal: events and JSON lines laid out', async (t) => {
  const events = await serve(t, (_request, response) => {
    response.setHeader('content-type', 'text/event-stream; charset=utf-8');
    response.end('event: token\nid: 7\ndata: {"a":1.0}\n\ndata: a\x1b[2J\ndata: b\n\n');
  });
  const run = async (url: string) =>
    (await runOnTerminal(t, ['--stream', '--print=b', '--color=never', url])).stdout.replaceAll('\r\n', '\n');
  t.is(await run(events.url), 'event: token\nid: 7\n{\n  "a": 1.0\n}\n\na\\x1b[2J\nb\n\n');
  const lines = await serve(t, (_request, response) => {
    response.setHeader('content-type', 'application/x-ndjson');
    response.end('{"a":1e400}\n\n[1]\nnot json\n');
  });
  t.is(await run(lines.url), '{\n  "a": 1e400\n}\n[\n  1\n]\nnot json\n');
  const text = await serve(t, (_request, response) => void response.end('plain\x9b\n'));
  t.regex(await run(text.url), /^plain/);
});
