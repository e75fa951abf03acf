/** What is printed where: the body alone into a pipe, the whole response for reading on a terminal, and the exit code. */
import test from 'ava';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasTerminal, program, runCommand, runOnTerminal, startCommand, withoutColors } from '../helpers/command.js';
import { refusedOrigin, serve, serveRaw } from '../helpers/server.js';

const onTerminal = hasTerminal ? test : test.skip;

function answering(body: string | Uint8Array, headers: Record<string, string> = {}, status = 200) {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { date: 'x', ...headers });
    response.end(body);
  };
}

const ESCAPE = '\u001b';

test('into a pipe: the bytes of the body and nothing else', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  for (const body of [
    bytes,
    Buffer.from('{"b":1.0,"a":[1e400]}'),
    Buffer.from('gr\u00fc\u00dfe'),
    Buffer.from('\x1b[2J\r\n'),
    Buffer.alloc(0),
  ]) {
    const server = await serve(t, answering(body, { 'content-type': 'application/json' }));
    const { code, bytes: written, stderr } = await runCommand(t, [server.url]);
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    t.true(written.equals(body));
  }
});

for (const [status, expected] of [
  [200, 0],
  [204, 0],
  [301, 0],
  [304, 0],
  [399, 0],
  [400, 4],
  [404, 4],
  [499, 4],
  [500, 5],
  [503, 5],
  [599, 5],
] as const) {
  test(`exit code of ${status}: ${expected}`, async (t) => {
    const server = await serve(t, answering(status === 204 || status === 304 ? '' : 'body', {}, status));
    const { code, stdout, stderr } = await runCommand(t, [server.url]);
    t.deepEqual({ code, stderr }, { code: expected, stderr: '' });
    t.is(stdout, status === 204 || status === 304 ? '' : 'body');
  });
}

test('no response: 1, and one line on stderr', async (t) => {
  const origin = await refusedOrigin();
  const { code, stdout, stderr } = await runCommand(t, [origin]);
  t.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  t.regex(stderr, /^error: ConnectError ECONNREFUSED: GET http:\/\/127\.0\.0\.1:2\/?: [^\n]+\n$/);
});

test('a response that breaks off: what came is written, and it is 1', async (t) => {
  const server = await serveRaw(t, ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'], { end: true });
  const { code, stdout, stderr } = await runCommand(t, [server.url]);
  t.deepEqual({ code, stdout }, { code: 1, stdout: 'half' });
  t.regex(stderr, /^error: (?:ReadError|RemoteProtocolError) \w+: [^\n]+\n$/);
});

test('-i, -I and --print choose the parts, as they came', async (t) => {
  const server = await serve(t, answering('body\n', { 'X-One': '1', connection: 'close' }));
  const head = 'HTTP/1.1 200 OK\ndate: x\nX-One: 1\nconnection: close\n';
  t.regex((await runCommand(t, ['-i', server.url])).stdout, new RegExp(`^${head}(?:[^\\n]+\\n)*\\nbody\\n$`));
  t.regex((await runCommand(t, ['-I', server.url])).stdout, new RegExp(`^${head}(?:[^\\n]+\\n)*\\n$`));
  t.is(server.requests.at(-1)?.method, 'HEAD');
  t.is((await runCommand(t, ['--print', 'b', server.url])).stdout, 'body\n');
  t.is((await runCommand(t, ['--print=', server.url])).stdout, '');
  const { stdout } = await runCommand(t, ['--print', 'HBh', server.url, 'a=1', '-u', 'me:secret']);
  t.regex(
    stdout,
    /^POST \/ HTTP\/1\.1\nHost: 127[^]*\nAuthorization: Basic bWU6c2VjcmV0\n\n\{"a": "1"\}\n\nHTTP\/1\.1 200 OK\n/,
  );
});

test('--fail: no body of 4xx and 5xx, and the status on stderr', async (t) => {
  for (const [status, code] of [
    [404, 4],
    [503, 5],
  ] as const) {
    const server = await serve(t, answering('body', {}, status));
    const end = await runCommand(t, ['--fail', server.url]);
    t.deepEqual({ code: end.code, stdout: end.stdout }, { code, stdout: '' });
    t.regex(end.stderr, new RegExp(`^HTTP/1\\.1 ${status} [^\\n]+\\n$`));
  }
  const server = await serve(t, answering('body', {}, 302));
  t.is((await runCommand(t, ['--fail', server.url])).stdout, 'body');
});

onTerminal('--fail on a terminal: the status in its colour', async (t) => {
  const server = await serve(t, answering('body', {}, 404));
  const { code, stdout } = await runOnTerminal(t, ['--fail', '--print=b', server.url]);
  t.is(code, 4);
  t.is(withoutColors(stdout), 'HTTP/1.1 404 Not Found\r\n');
});

test('the reader goes away: a quiet end', async (t) => {
  const server = await serve(t, (_request, response) => {
    const send = (): void => {
      while (response.write(Buffer.alloc(65_536, 'line\n')));
    };
    response.on('drain', send);
    send();
  });
  const { process: child, ended } = startCommand(t, [server.url]);
  child.stdout?.once('data', () => child.stdout?.destroy());
  const { code, signal, stderr } = await ended;
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
});

(existsSync('/dev/full') ? test : test.skip)('a disk that is full: 1, and its code', async (t) => {
  const server = await serve(t, answering('body'));
  const { status, stderr } = await new Promise<{ status: number | null; stderr: string }>((resolve) => {
    const child = spawn('sh', ['-c', `exec '${process.execPath}' '${program}' ${server.url} > /dev/full`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('close', (status) => resolve({ status, stderr }));
  });
  t.is(status, 1);
  t.regex(stderr, /^error: Error ENOSPC: [^\n]+\n$/);
});

test('the help that is cut off ends quietly, too', async (t) => {
  const { process: child, ended } = startCommand(t, ['--help']);
  child.stdout?.destroy();
  const { code, stderr } = await ended;
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});

test('SIGINT: 130, and nothing said', async (t) => {
  const server = await serve(t, (_request, response) => void response.write('begun'));
  const { process: child, ended } = startCommand(t, [server.url]);
  child.stdout?.once('data', () => child.kill('SIGINT'));
  const { code, signal, stderr } = await ended;
  t.deepEqual({ code, signal, stderr }, { code: 130, signal: null, stderr: '' });
});

onTerminal('on a terminal: status line, headers, blank line, JSON laid out, in colours', async (t) => {
  const server = await serve(
    t,
    answering('{"b":1.0,"a":[1e400,"\\u001b"]}', { 'content-type': 'application/problem+json' }),
  );
  const { code, stdout } = await runOnTerminal(t, [server.url]);
  t.is(code, 0);
  t.true(stdout.includes(`${ESCAPE}[`));
  const text = withoutColors(stdout).replaceAll('\r\n', '\n');
  t.regex(
    text,
    /^HTTP\/1\.1 200 OK\ndate: x\ncontent-type: application\/problem\+json\n[^]*\n\n\{\n {2}"b": 1\.0,\n {2}"a": \[\n {4}1e400,\n {4}"\\u001b"\n {2}\]\n\}\n$/,
  );
});

onTerminal('on a terminal: text ends with a line end, an encoding is read, JSON that is none stays', async (t) => {
  const rows: [body: string | Uint8Array, type: string, expected: string][] = [
    ['no line end', 'text/plain', 'no line end\n'],
    [Buffer.from('gr\u00fcn', 'latin1'), 'text/plain; charset=iso-8859-1', 'grün\n'],
    ['grün 🎉\n', 'text/plain', 'grün 🎉\n'],
    ['{"a":1,}', 'application/json', '{"a":1,}\n'],
    ['{"a":1}', '', '{\n  "a": 1\n}\n'],
    ['a\r\nb\rc', 'text/plain', 'a\nb\\rc\n'],
    ['', 'text/plain', ''],
  ];
  for (const [body, type, expected] of rows) {
    const server = await serve(t, answering(body, type === '' ? {} : { 'content-type': type }));
    const { stdout } = await runOnTerminal(t, [server.url, '--print=b', '--color=never']);
    t.is(stdout.replaceAll('\r\n', '\n'), expected);
  }
});

onTerminal('on a terminal: a binary body is one line that says so', async (t) => {
  const rows: [body: Uint8Array, type: string][] = [
    [Buffer.from('PNG...'), 'image/png'],
    [Buffer.from('a\0b'), 'text/plain'],
    [createHash('sha512').digest(), 'application/octet-stream'],
  ];
  for (const [body, type] of rows) {
    const server = await serve(t, answering(body, { 'content-type': type, 'content-length': String(body.length) }));
    const { code, stdout } = await runOnTerminal(t, [server.url, '--print=b', '--color=never']);
    t.is(code, 0);
    t.is(stdout, `[binary body, ${type}, ${body.length} bytes: not shown; -o FILE saves it]\r\n`);
  }
});

onTerminal('on a terminal: what a hostile server sends is shown, not obeyed', async (t) => {
  const hostile = '\x1b]0;title\x07\x1b[2J\x9b31m\x7f\x08';
  const server = await serveRaw(
    t,
    `HTTP/1.1 200 ${'\x9b'}2J${'\x80'}Fine\r\nX-Evil: a\x9b31mb\x85\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(hostile)}\r\n\r\n${Buffer.from(hostile).toString('latin1')}`,
  );
  const { code, stdout } = await runOnTerminal(t, [server.url, '--color=never']);
  t.is(code, 0, stdout);
  t.notRegex(stdout, /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/);
  t.regex(stdout, /\\x1b\]0;title\\x07\\x1b\[2J\\x9b31m\\x7f\\x08/);
  t.regex(stdout, /X-Evil: a\\x9b31mb\\x85/);
  t.regex(stdout, /200 \\x9b2J\\x80Fine/);
  const json = await serve(t, answering('{"a":"\x7f\u009b31m"}', { 'content-type': 'application/json' }));
  t.notRegex(withoutColors((await runOnTerminal(t, [json.url])).stdout), /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/);
  t.notRegex(
    (await runOnTerminal(t, [json.url, '--stream', '--color=never'])).stdout,
    /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/,
  );
});

const colors: [title: string, env: Record<string, string>, args: string[], colored: boolean][] = [
  ['a terminal', {}, [], true],
  ['NO_COLOR', { NO_COLOR: '1' }, [], false],
  ['NO_COLOR and FORCE_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, [], false],
  ['NO_COLOR and --color always', { NO_COLOR: '1' }, ['--color', 'always'], true],
  ['TERM=dumb', { TERM: 'dumb' }, [], false],
  ['TERM=dumb and FORCE_COLOR', { TERM: 'dumb', FORCE_COLOR: '1' }, [], true],
  ['--color never', { FORCE_COLOR: '1' }, ['--color=never'], false],
  ['--style mono', {}, ['--style', 'mono'], true],
  ['--style bright', {}, ['--style', 'bright'], true],
];
for (const [title, env, args, colored] of colors) {
  onTerminal(`colours on a terminal: ${title}`, async (t) => {
    const server = await serve(t, answering('{"a":1}', { 'content-type': 'application/json' }));
    const { stdout } = await runOnTerminal(t, [server.url, ...args], { env });
    t.is(stdout.includes(ESCAPE), colored);
    t.regex(withoutColors(stdout), /"a": 1/);
  });
}

test('colours in a pipe when they are asked for, the text as it is', async (t) => {
  const server = await serve(t, answering('{"a":1}', { 'content-type': 'application/json' }));
  for (const [args, env] of [
    [['--color=always'], {}],
    [[], { FORCE_COLOR: '1' }],
  ] as const) {
    const { stdout } = await runCommand(t, [server.url, ...args], { env });
    t.true(stdout.includes(ESCAPE));
    t.is(withoutColors(stdout), '{"a":1}');
  }
});
