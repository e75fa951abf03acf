/** `-o` and `-O`: files that are whole, names that stay in the folder, parts that go on, and what is said meanwhile. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { dispositionName, safeName } from '../../src/cli/file-name.js';
import { barLine } from '../../src/cli/progress.js';
import { shownBytes, shownClock, shownSize } from '../../src/cli/sizes.js';
import { hasTerminal, runCommand, runOnTerminal, runUnder, startCommand } from '../helpers/command.js';
import { eventually } from '../helpers/client.js';
import { bytesOf, folderOf, namesIn, sha256 } from '../helpers/files.js';
import { serve, serveRaw } from '../helpers/server.js';
import { testWhere } from '../helpers/where.js';

const onTerminal = hasTerminal ? test : test.skip;
const unix = process.platform === 'win32' ? test.skip : test;
const content = bytesOf(300_000);

/** Has ranges; `hold` keeps the second half back. */
function serveFile(
  t: ExecutionContext,
  { hold = () => false, headers = {} }: { hold?: () => boolean; headers?: Record<string, string> } = {},
) {
  return serve(t, (request, response) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const from = range === null ? 0 : Number(range[1]);
    const own = { etag: '"one"', 'content-length': String(content.length - from), ...headers };
    if (from > 0)
      response.writeHead(206, { ...own, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` });
    else response.writeHead(200, own);
    if (hold()) response.write(content.subarray(from, content.length / 2));
    else response.end(content.subarray(from));
  });
}

test('-o: the file, nothing on stdout, a plain line with the size on stderr', async (t) => {
  const server = await serveFile(t);
  const folder = folderOf(t);
  const { code, stdout, stderr } = await runCommand(t, [server.url, '-o', 'file'], { cwd: folder });
  t.deepEqual({ code, stdout }, { code: 0, stdout: '' });
  t.regex(stderr, /^saved file: 300,000 bytes \(300 kB\), [\d.]+ \w+\/s\n$/);
  t.deepEqual(namesIn(folder), ['file']);
  t.true(readFileSync(path.join(folder, 'file')).equals(content));
  t.is((await runCommand(t, [server.url, '-o', 'file', '--no-progress'], { cwd: folder })).stderr, '');
});

test('SIGINT in the middle: 130, the part stays, and --resume goes on', async (t) => {
  for (const args of [['-o', 'file.bin'], ['-O']]) {
    let holds = true;
    const server = await serveFile(t, { hold: () => holds });
    const folder = folderOf(t);
    const { process: child, ended } = startCommand(t, [`${server.url}file.bin`, ...args], { cwd: folder });
    const part = path.join(folder, 'file.bin.part');
    await eventually('half of it is there', () => existsSync(part) && statSync(part).size >= content.length / 2);
    child.kill('SIGINT');
    const { code, signal, stderr } = await ended;
    t.deepEqual({ code, signal, stderr }, { code: 130, signal: null, stderr: '' });
    t.deepEqual(namesIn(folder), ['file.bin.part', 'file.bin.part.json']);
    holds = false;
    const again = await runCommand(
      t,
      [`${server.url}file.bin`, ...args, '--resume', '--checksum', `sha256:${sha256(content)}`],
      { cwd: folder },
    );
    t.is(again.code, 0, again.stderr);
    t.regex(again.stderr, /^saved file\.bin: 300,000 bytes \(300 kB\), resumed from 150,000 bytes/);
    t.is(server.requests.at(-1)?.headers.range, 'bytes=150000-');
    t.deepEqual(namesIn(folder), ['file.bin']);
    t.true(readFileSync(path.join(folder, 'file.bin')).equals(content));
  }
});

test('without --resume a part is begun anew', async (t) => {
  const server = await serveFile(t);
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'file.part'), 'other bytes');
  t.is((await runCommand(t, [server.url, '-o', 'file'], { cwd: folder })).code, 0);
  t.is(server.requests[0].headers.range, undefined);
  t.true(readFileSync(path.join(folder, 'file')).equals(content));
});

test('a download that breaks off: 1, no file, a part', async (t) => {
  const server = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100', etag: '"a"' });
    response.write('half', () => response.destroy());
  });
  const folder = folderOf(t);
  const { code, stderr } = await runCommand(t, [server.url, '-o', 'file'], { cwd: folder });
  t.is(code, 1);
  t.regex(stderr, /^error: (?:ReadError|RemoteProtocolError) /m);
  t.deepEqual(namesIn(folder), ['file.part', 'file.part.json']);
});

test('--checksum: another one leaves no file, and what is no checksum is bad usage', async (t) => {
  const server = await serveFile(t);
  const folder = folderOf(t);
  const run = (checksum: string) => runCommand(t, [server.url, '-o', 'file', '--checksum', checksum], { cwd: folder });
  const { code, stderr } = await run(`sha256:${'0'.repeat(64)}`);
  t.is(code, 1);
  t.regex(stderr, /^error: ChecksumMismatch ERR_CHECKSUM: /m);
  t.deepEqual(namesIn(folder), []);
  t.is((await run(`SHA256:${sha256(content).toUpperCase()}`)).code, 0);
  for (const wrong of ['sha256:00', 'md5:00', `sha512:${'0'.repeat(64)}`, '']) {
    const end = await run(wrong);
    t.is(end.code, 2);
    t.regex(end.stderr, /^error: --checksum: /);
  }
});

testWhere(spawnSync('strace', ['-V']).status === 0, 'strace is not installed')(
  '--fsync: the bytes before the name, the folder after it, and neither unasked',
  async (t) => {
    t.timeout(60_000);
    const server = await serveFile(t);
    for (const [args, expected] of [
      [
        ['-o', 'file', '--fsync'],
        ['fsync', 'rename', 'fsync'],
      ],
      [
        ['-O', '--fsync'],
        ['fsync', 'link', 'fsync'],
      ],
      [['-o', 'file'], ['rename']],
    ] as const) {
      const folder = folderOf(t);
      const trace = path.join(folderOf(t), 'trace');
      const names = 'trace=fsync,rename,renameat,renameat2,link,linkat';
      const strace = ['strace', '-f', '-qq', '-o', trace, '-e', names] as const;
      const { code, stderr } = await runUnder(t, strace, [`${server.url}file`, ...args], { cwd: folder });
      t.is(code, 0, stderr);
      const calls = readFileSync(trace, 'utf8').matchAll(/^\d+ +(fsync|rename|link)(?:at2?)?\(/gm);
      t.deepEqual(
        [...calls].map(([, name]) => name),
        expected,
      );
      t.deepEqual(namesIn(folder), ['file']);
    }
    t.is((await runCommand(t, [server.url, '--fsync'])).code, 2);
  },
);

test('4xx and 5xx: -o has the page, unless --fail, --resume or --checksum; -O has no file', async (t) => {
  const server = await serve(
    t,
    (request, response) => void response.writeHead(Number(request.url?.slice(1))).end('page'),
  );
  for (const [status, code] of [
    [404, 4],
    [503, 5],
  ] as const) {
    const folder = folderOf(t);
    for (const args of [
      ['-o', 'file', '--fail'],
      ['-o', 'file', '--resume'],
      ['-o', 'file', '--checksum', `sha256:${'0'.repeat(64)}`],
      ['-O'],
    ]) {
      const end = await runCommand(t, [`${server.url}${status}`, ...args], { cwd: folder });
      t.deepEqual(
        { code: end.code, stdout: end.stdout, names: namesIn(folder) },
        { code, stdout: '', names: [] },
        args.join(' '),
      );
      t.regex(end.stderr, new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    t.is((await runCommand(t, [`${server.url}${status}`, '-o', 'file'], { cwd: folder })).code, code);
    t.is(readFileSync(path.join(folder, 'file'), 'utf8'), 'page');
  }
});

test('a file that cannot be written is bad usage, and nothing is sent', async (t) => {
  const server = await serveFile(t);
  const folder = folderOf(t);
  mkdirSync(path.join(folder, 'folder'));
  symlinkSync('loop', path.join(folder, 'loop'));
  writeFileSync(path.join(folder, 'plain'), '');
  const impossible = ['loop', 'loop/x', 'plain/x', 'plain/', 'a'.repeat(300), 'a'.repeat(250)];
  for (const file of ['missing/file', 'folder', 'folder/', '', ...impossible]) {
    const { code, stderr } = await runCommand(t, [server.url, '-o', file], { cwd: folder });
    t.is(code, 2, stderr);
    t.regex(stderr, /^error: --output: /);
  }
  t.is(server.requests.length, 0);
});

unix('-o /dev/null takes the bytes', async (t) => {
  const server = await serveFile(t);
  const { code, stdout, stderr } = await runCommand(t, [server.url, '-o', '/dev/null']);
  t.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
});

const named: [disposition: string, target: string, expected: string][] = [
  ['', 'dir/report.pdf?x=/y', 'report.pdf'],
  ['', '', 'download'],
  ['', 'dir/', 'download'],
  ['', 'gr%C3%BCn.txt', 'grün.txt'],
  ['', '..%2f..%2fetc%2fpasswd', 'passwd'],
  ['', '.bashrc', 'bashrc'],
  ['attachment; filename=a.txt', 'x', 'a.txt'],
  ['attachment; filename="a b.txt"', 'x', 'a b.txt'],
  ['attachment; filename="../../a.txt"', 'x', 'a.txt'],
  ['attachment; filename="/etc/passwd"', 'x', 'passwd'],
  ['attachment; filename="..\\\\..\\\\a.txt"', 'x', 'a.txt'],
  ['attachment; filename=".ssh"', 'x', 'ssh'],
  ['attachment; filename=".."', 'x', 'download'],
  ['attachment; filename="-rf"', 'x', '_rf'],
  ['attachment; filename="CON.txt"', 'x', '_CON.txt'],
  ['attachment; filename="plain.txt"; filename*=UTF-8\'\'gr%C3%BCn%2F..%2Fx.txt', 'x', 'x.txt'],
  ["attachment; filename*=UTF-8''a%00b%1b.txt", 'x', 'ab.txt'],
];
test('-O: the server’s name or the URL’s, never out of the folder', async (t) => {
  const server = await serve(t, (request, response) => {
    const disposition = new URL(request.url as string, 'http://x').searchParams.get('d');
    if (disposition) response.setHeader('content-disposition', disposition);
    response.end('x');
  });
  const outer = folderOf(t);
  for (const [index, [disposition, target, expected]] of named.entries()) {
    const folder = path.join(outer, `in${index}`);
    mkdirSync(folder);
    const query = disposition === '' ? '' : `${target.includes('?') ? '&' : '?'}d=${encodeURIComponent(disposition)}`;
    const { code, stderr } = await runCommand(t, [`${server.url}${target}${query}`, '-O'], { cwd: folder });
    t.is(code, 0, stderr);
    t.deepEqual(namesIn(folder), [expected]);
  }
  t.is(namesIn(outer).length, named.length);
});

const names: [proposed: string, expected: string][] = [
  ['a\0b', 'ab'],
  ['a\nb\x1b[31m\x9b\x7f', 'ab[31m'],
  ['\u202egpj.exe', 'gpj.exe'],
  ['nul', '_nul'],
  ['AUX.tar.gz', '_AUX.tar.gz'],
  ['com1', '_com1'],
  ['LPT9.txt', '_LPT9.txt'],
  ['console', 'console'],
  ['a:b*c?d"e<f>g|h', 'a_b_c_d_e_f_g_h'],
  ['a. . ', 'a'],
  ['...', 'download'],
  ['  ', 'download'],
  ['C:\\x\\y.txt', 'y.txt'],
  ['a/', 'download'],
  ['big.iso.part', 'big.iso.part_'],
  ['big.iso.PART.json', 'big.iso.PART.json_'],
  [`a.part${'b'.repeat(192)}.part`, `a.part${'b'.repeat(189)}.part_`],
  ['-', '_'],
  ['.', 'download'],
  [`${'ü'.repeat(300)}.txt`, `${'ü'.repeat(98)}.txt`],
];
for (const [proposed, expected] of names) {
  test(`a name that is safe: ${JSON.stringify(proposed.slice(0, 30))}`, (t) => t.is(safeName(proposed), expected));
}

test('Content-Disposition', (t) => {
  t.is(dispositionName('inline'), null);
  t.is(dispositionName('attachment; filename="a\\"b"'), 'a"b');
  t.is(dispositionName('attachment; FILENAME = a.txt ; x=y'), 'a.txt');
  t.is(dispositionName("attachment; filename*=iso-8859-1'en'caf%e9"), 'café');
  t.is(dispositionName("attachment; filename=a; filename*=UTF-8''%ff"), 'a');
  t.is(dispositionName('attachment; filename=""'), null);
});

unix('-O onto what is there: name-1, links of every kind in the way included', async (t) => {
  const server = await serveFile(t);
  const folder = folderOf(t);
  const inside = path.join(folder, 'in');
  mkdirSync(inside);
  writeFileSync(path.join(folder, 'victim'), 'mine');
  writeFileSync(path.join(inside, 'file'), 'old');
  symlinkSync('../victim', path.join(inside, 'file-1'));
  symlinkSync('../nowhere', path.join(inside, 'file-2'));
  symlinkSync('../victim', path.join(inside, 'file-3.part'));
  symlinkSync('../victim', path.join(inside, 'file-4.part.json'));
  const { code, stderr } = await runCommand(t, [`${server.url}file`, '-O'], { cwd: inside });
  t.is(code, 0, stderr);
  t.true(readFileSync(path.join(inside, 'file-5')).equals(content));
  t.is(readFileSync(path.join(folder, 'victim'), 'utf8'), 'mine');
  t.is(readFileSync(path.join(inside, 'file'), 'utf8'), 'old');
  t.deepEqual(namesIn(folder), ['in', 'victim']);
});

test('-o with -i, -I and --print: the file has the body, stdout what was asked for besides', async (t) => {
  const server = await serveFile(t);
  const folder = folderOf(t);
  const head = /^HTTP\/1\.1 200 OK\n[^]*\n\n$/;
  const rows: [args: string[], expected: RegExp, size: number][] = [
    [['-i'], head, content.length],
    [['-I'], head, 0],
    [['--print=Hb'], /^GET \/ HTTP\/1\.1\n[^]*\n\n$/, content.length],
    [['--print=b'], /^$/, content.length],
  ];
  for (const [args, expected, size] of rows) {
    const { code, stdout } = await runCommand(t, [server.url, '-o', 'file', ...args], { cwd: folder });
    t.is(code, 0);
    t.regex(stdout, expected);
    t.is(statSync(path.join(folder, 'file')).size, size);
  }
  t.regex((await runCommand(t, [server.url, '-o', '/dev/null', '-i'])).stdout, head);
});
test('-o - is stdout, and nothing to go on from or to check', async (t) => {
  const server = await serveFile(t);
  const folder = folderOf(t);
  const { code, bytes, stderr } = await runCommand(t, [server.url, '-o', '-'], { cwd: folder });
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  t.true(bytes.equals(content));
  t.deepEqual(namesIn(folder), []);
  for (const args of [['--resume'], ['--checksum', `sha256:${sha256(content)}`], ['--fsync']])
    t.is((await runCommand(t, [server.url, '-o', '-', ...args])).code, 2);
});

onTerminal('-o - on a terminal: the bytes as they are', async (t) => {
  const server = await serve(t, (_request, response) => void response.end('{"a":\x1b[1m}'));
  t.is((await runOnTerminal(t, [server.url, '-o', '-'])).stdout, '{"a":\x1b[1m}');
});

onTerminal('a bar leaves the terminal as it was at every moment, and is none on one that is dumb', async (t) => {
  const server = await serveFile(t);
  // The cursor, and the wrapping of lines.
  t.notRegex((await runOnTerminal(t, [server.url, '-o', 'file'])).stdout, /\x1b\[\?\d+l/);
  const { stdout } = await runOnTerminal(t, [server.url, '-o', 'file'], { env: { TERM: 'dumb' } });
  t.regex(stdout, /^saved file: [^\r\n\x1b]*\r\n$/);
});

onTerminal('a bar on a terminal, and none with --no-progress', async (t) => {
  const server = await serveFile(t);
  const { code, stdout } = await runOnTerminal(t, [server.url, '-o', 'file'], { columns: 40 });
  t.is(code, 0);
  t.regex(stdout, /100%/);
  t.regex(stdout, /saved file: 300,000 bytes/);
  for (const line of stdout.split(/\r|\n|\x1b\[1G/)) t.true(line.replace(/\x1b\[[?\d;]*\w|\x1b\d/g, '').length <= 80);
  t.notRegex((await runOnTerminal(t, [server.url, '-o', 'file', '--no-progress'])).stdout, /%|saved/);
});

onTerminal('a hostile name does not reach the terminal', async (t) => {
  const server = await serveRaw(
    t,
    'HTTP/1.1 200 OK\r\ncontent-disposition: attachment; filename="a\x80\x9b31m\x85b"\r\ncontent-length: 2\r\n\r\nok',
  );
  const { code, stdout } = await runOnTerminal(t, [server.url, '-O', '--color=never']);
  t.is(code, 0, stdout);
  t.notRegex(stdout.replace(/\x1b\[[?\d;]*[A-Za-z]|\x1b[78]/g, ''), /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/);
});

test('the bar: sizes beyond 4 GB, a rate, the time left, within the columns', (t) => {
  const GB = 1e9;
  t.is(
    barLine(4.5 * GB, 9 * GB, 50e6, 80),
    ` 50% [${'#'.repeat(16)}${'-'.repeat(15)}] 4.50 GB of 9.00 GB  50.0 MB/s  1:30 left`,
  );
  t.is(barLine(2 ** 32, 2 ** 33, 1e6, 200).slice(0, 12), ' 50% [######');
  t.is(barLine(5 * GB, null, 2e6, 80), '5.00 GB  2.00 MB/s');
  t.is(barLine(0, 0, 0, 80).slice(0, 4), '100%');
  t.regex(barLine(7, 3, 1, 80), /7 bytes of 3 bytes {2}1 bytes\/s {2}0:00 left$/);
  for (const columns of [10, 20, 30, 40, 60, 80, 200]) {
    for (const [received, total] of [
      [0, 1],
      // A length that lies.
      [7, 3],
      [4.9 * GB, 5e12],
      [1, null],
      [3, 3],
    ] as const) {
      t.true(
        barLine(received, total, 12_345, columns).length <= columns,
        `${columns}: ${barLine(received, total, 12_345, columns)}`,
      );
    }
  }
});

test('sizes and times for people', (t) => {
  t.is(shownSize(0), '0 bytes');
  t.is(shownSize(999), '999 bytes');
  t.is(shownSize(1_000), '1.00 kB');
  t.is(shownSize(999_600), '1.00 MB');
  t.is(shownSize(4_294_967_296), '4.29 GB');
  t.is(shownSize(123_456_789_012_345), '123 TB');
  t.is(shownBytes(4_294_967_296), '4,294,967,296 bytes');
  t.is(shownClock(0), '0:00');
  t.is(shownClock(59.2), '1:00');
  t.is(shownClock(3_723), '1:02:03');
  t.is(shownClock(Number.POSITIVE_INFINITY), '--:--');
});
