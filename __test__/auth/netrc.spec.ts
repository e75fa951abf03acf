/** netrc: the grammar, the look-up, and when a client asks it (rows O… and SEC-F…). */
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NetRCAuth, URL, type ClientOptions, type RequestOptions } from '../../src/index.js';
import { parseNetRC } from '../../src/auth/netrc-file.js';
import { start } from '../helpers/child.js';
import { openClient } from '../helpers/client.js';
import { folderOf } from '../helpers/files.js';
import { serveNames } from '../helpers/names.js';
import { serve } from '../helpers/server.js';
import { onUnix, testWhere } from '../helpers/where.js';

const A = 'machine a.com login l password p\n';

/** What the file says about the URL: `login:password`, or none. */
const LOOKUPS: [id: string, file: string, url: string, expected: string | null][] = [
  ['O1', 'machine a.com\nlogin l\npassword p\n\n', 'http://a.com/', 'l:p'],
  ['O2 another host', A, 'http://b.com/', null],
  ['O6 host and port', 'machine a.com:8080 login l password p', 'http://a.com:8080/', 'l:p'],
  ['O6 another port', 'machine a.com:8080 login l password p', 'http://a.com/', null],
  ['the host, whatever the port', A, 'http://a.com:8080/', 'l:p'],
  ['host and port before the host', `${A}machine a.com:8080 login x password y`, 'http://a.com:8080/', 'x:y'],
  ['O7 no subdomain', A, 'http://sub.a.com/', null],
  ['O7 no parent', 'machine sub.a.com login l password p', 'http://a.com/', null],
  ['SEC-F4 no userinfo', 'machine a.com login l password p', 'http://a.com:@evil.com/', null],
  ['SEC-F4 no path', 'machine a.com login l password p', 'http://evil.com/@a.com', null],
  ['O8 default', 'default login l password p', 'http://x.com/', 'l:p'],
  ['O9 default first', `default login x password y ${A}`, 'http://a.com/', 'l:p'],
  [
    'O10 SEC-F1 a machine without a password blocks default',
    'machine a.com login l default login x password y',
    'http://a.com/',
    null,
  ],
  ['SEC-F1 an empty default', `${A}default\n`, 'http://b.com/', null],
  ['SEC-F1 a machine without anything', `${A}machine b.com\n`, 'http://b.com/', null],
  ['SEC-F6 only a password', 'machine a.com password p', 'http://a.com/', ':p'],
  ['an empty password', 'machine a.com login l password ""', 'http://a.com/', 'l:'],
  ['O13 quotes', 'machine a.com login "a b" password "p\\"q#"', 'http://a.com/', 'a b:p"q#'],
  ['O24 a backslash outside quotes', 'machine a.com login l password p\\ q', 'http://a.com/', 'l:p q'],
  ['a backslash at the end', 'machine a.com login l password p\\', 'http://a.com/', 'l:p\\'],
  ['a quote inside', 'machine a.com login l password p"q', 'http://a.com/', 'l:p"q'],
  ['O18 the last of two', `${A}machine a.com login x password y`, 'http://a.com/', 'x:y'],
  ['O19 capitals in the file', 'machine A.COM login l password p', 'http://a.com/', 'l:p'],
  ['O20 capitals in the URL', A, 'http://A.COM/', 'l:p'],
  ['O27 IPv6', 'machine ::1 login l password p', 'http://[::1]/', 'l:p'],
  ['IPv6 in brackets', 'machine [::1] login l password p', 'http://[::1]/', 'l:p'],
  ['Unicode', 'machine bücher.example login l password p', 'http://bücher.example/', 'l:p'],
  ['Punycode', 'machine xn--bcher-kva.example login l password p', 'http://bücher.example/', 'l:p'],
  ['user for login, and account', 'machine a.com user l account x password p', 'http://a.com/', 'l:p'],
  ['in any order', 'machine a.com password p login l', 'http://a.com/', 'l:p'],
  ['CRLF and tabs', 'machine\ta.com\r\n\tlogin l\r\n\tpassword p\r\n', 'http://a.com/', 'l:p'],
  ['a byte order mark', `\ufeff${A}`, 'http://a.com/', 'l:p'],
  ['a comment', `# machine b.com login no password no\n${A}#end`, 'http://a.com/', 'l:p'],
  ['a comment after an entry', `machine a.com login l password p # mine\n`, 'http://a.com/', 'l:p'],
  ['a comment without a space', `#machine\n${A}`, 'http://a.com/', 'l:p'],
  ['# in a value', 'machine a.com login #l password p#1', 'http://a.com/', '#l:p#1'],
  ['SEC-F6 a macro', `macdef init\ncd /\nmachine b.com login no password no\n\n${A}`, 'http://a.com/', 'l:p'],
  ['a macro’s body is none', `macdef init\nmachine b.com login no password no\n\n${A}`, 'http://b.com/', null],
  ['a macro in an entry', `machine a.com login l macdef x\nput y\n\npassword p`, 'http://a.com/', 'l:p'],
  ['a macro at the end', `${A}macdef init\ncd /`, 'http://a.com/', 'l:p'],
  ['nothing', '', 'http://a.com/', null],
  ['an unknown word first', `machines x\n${A}`, 'http://a.com/', 'l:p'],
  ['an unknown word in an entry', `machine a.com protocol https login l password p`, 'http://a.com/', 'l:p'],
  ['an unknown word at the end', `${A}pasword secret\nmachine b.com login m password q`, 'http://b.com/', 'm:q'],
  ['port', 'machine a.com port 21 login l password p', 'http://a.com/', 'l:p'],
  ['port at the end', 'machine a.com login l password p port machine', 'http://a.com/', 'l:p'],
  ['capitals', 'MACHINE a.com Login l PASSWORD P', 'http://a.com/', 'l:P'],
  ['capitals of default', 'Default USER l Password p', 'http://b.com/', 'l:p'],
  ['O25 single quotes', "machine a.com login 'a b' password p", 'http://a.com/', "'a:p"],
  ['__proto__', 'machine __proto__ login l password p', 'http://a.com/', null],
];

for (const [id, file, url, expected] of LOOKUPS) {
  test(`${id}: ${url}`, (t) => {
    const found = parseNetRC(file, 'f').lookup(new URL(url));
    t.is(found === null ? null : `${found.login}:${found.password}`, expected);
  });
}

const WRONG: [title: string, file: string, message: RegExp][] = [
  ['a quote left open', 'machine a.com login l password "secret\n\n', /^f, line \d: a quote is not closed$/],
  ['an end too early', 'machine a.com login', /^f, line 1: expected a value after 'login'$/],
  ['machine without a name', 'machine', /^f, line 1: expected a value after 'machine'$/],
  [
    'SEC-F6 a line feed in a password',
    'machine a.com login l password "sec\nret"',
    /^f, line 2: the value after 'password' has a control/,
  ],
];

for (const [title, file, message] of WRONG) {
  test(`wrong: ${title}`, (t) => {
    const error = t.throws(() => parseNetRC(file, 'f'), { instanceOf: SyntaxError, message });
    t.notRegex(String(error?.stack), /secret/);
  });
}

const UNKNOWN_LINES: [file: string, line: number | null][] = [
  [A, null],
  ['machine a.com port 21 account x login l password p', null],
  [`${A}pasword secret`, 2],
  ['machine a.com\nprotocol https\nlogin l', 2],
];

for (const [file, line] of UNKNOWN_LINES) {
  test(`the first line with a word that is no keyword: ${JSON.stringify(file)}`, (t) => {
    t.is(parseNetRC(file, 'f').unknownLine, line);
  });
}

// ── when a client asks; each in a process of its own, for its environment, and not all at one time ──

interface World {
  /** Below HOME. */
  files?: Record<string, string | Uint8Array>;
  /** `HOME` in it stands for the folder. */
  env?: Record<string, string>;
  client?: ClientOptions;
  request?: RequestOptions;
  /** Goes before `@` in the URL. */
  userinfo?: string;
}

/** Authorization headers that a server got, and what was printed on stderr. */
async function ask(t: ExecutionContext, { files = {}, env = {}, client, request, userinfo = '' }: World) {
  const home = folderOf(t);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(home, name)), { recursive: true });
    writeFileSync(path.join(home, name), content, { mode: 0o600 });
  }
  const server = await serve(t, (_, response) => response.end('ok'));
  const variables = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace('HOME', home)]));
  const program = `
    Object.assign(process.env, ${JSON.stringify({ HOME: home, ...variables })});
    const client = new whippet.Client({ timeout: 40_000, ...args.client });
    await client.get(args.url, args.request);
    await client.get(args.url, args.request);
    await client.close();
    await whippet.get(args.url, { ...args.client, ...args.request });`;
  const url = server.url.replace('//', `//${userinfo}`);
  const { code, stderr } = await start(t, program, { url, client, request }).ended;
  t.is(code, 0, stderr);
  return { sent: server.requests.map(({ headers }) => headers.authorization), stderr };
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const HERE = 'machine 127.0.0.1 login l password p\n';
const OTHER = 'machine 127.0.0.1 login x password y\n';

const WORLDS: [title: string, world: World, expected: string | undefined][] = [
  ['~/.netrc', { files: { '.netrc': HERE } }, 'l:p'],
  ['~/_netrc', { files: { _netrc: HERE } }, 'l:p'],
  ['~/.netrc before ~/_netrc', { files: { '.netrc': HERE, _netrc: OTHER } }, 'l:p'],
  ['O29 NETRC', { files: { '.netrc': OTHER, mine: HERE }, env: { NETRC: 'HOME/mine' } }, 'l:p'],
  ['NETRC with ~', { files: { mine: HERE }, env: { NETRC: '~/mine' } }, 'l:p'],
  ['O29 an empty NETRC', { files: { '.netrc': HERE }, env: { NETRC: '' } }, 'l:p'],
  ['O29 a NETRC that is not there', { files: { '.netrc': HERE }, env: { NETRC: 'HOME/none' } }, undefined],
  ['no file', {}, undefined],
  ['SEC-F7 trustEnv: false', { files: { '.netrc': HERE }, client: { trustEnv: false } }, undefined],
  ['trustEnv: false of the request', { files: { '.netrc': HERE }, request: { trustEnv: false } }, undefined],
  [
    'trustEnv: true of the request',
    { files: { '.netrc': HERE }, client: { trustEnv: false }, request: { trustEnv: true } },
    'l:p',
  ],
  ['O4 SEC-F7 auth of the request', { files: { '.netrc': HERE }, request: { auth: ['a', 'b'] } }, 'a:b'],
  ['O4 auth of the client', { files: { '.netrc': HERE }, client: { auth: ['a', 'b'] } }, 'a:b'],
  ['O4 credentials in the URL', { files: { '.netrc': HERE }, userinfo: 'a:b@' }, 'a:b'],
  ['SEC-F3 a name in the URL takes no other login’s password', { files: { '.netrc': HERE }, userinfo: 'a@' }, 'a:'],
  ['SEC-F7 auth: null', { files: { '.netrc': HERE }, request: { auth: null } }, undefined],
  ['auth: null of the client', { files: { '.netrc': HERE }, client: { auth: null } }, undefined],
];

for (const [title, world, expected] of WORLDS) {
  test.serial(`a client asks: ${title}`, async (t) => {
    const { sent, stderr } = await ask(t, world);
    t.deepEqual(sent, Array(3).fill(expected === undefined ? undefined : basic(expected)));
    t.is(stderr, '');
  });
}

test('an Authorization header is never overwritten by netrc', async (t) => {
  const { sent } = await ask(t, { files: { '.netrc': HERE }, request: { headers: { Authorization: 'mine' } } });
  t.deepEqual(sent, Array(3).fill('mine'));
  const ofClient = await ask(t, { files: { '.netrc': HERE }, client: { headers: { Authorization: 'mine' } } });
  t.deepEqual(ofClient.sent.slice(0, 2), Array(2).fill('mine'));
});

const BROKEN: [title: string, world: World, warning: RegExp][] = [
  ['a syntax error', { files: { '.netrc': `${HERE}machine x password "secret` } }, /\.netrc, line \d/],
  ['10 MB', { files: { '.netrc': Buffer.alloc(1e7, 'machine a login b password c\n') } }, /larger than 131072 bytes/],
  ['a folder', { files: { '.netrc/x': '' } }, /is not a file/],
  ['NETRC is a folder', { files: { 'd/x': '' }, env: { NETRC: 'HOME/d' } }, /is not a file/],
  ['NETRC is a device', { env: { NETRC: '/dev/zero' } }, /is not a file/],
];

for (const [title, world, warning] of BROKEN) {
  test(`SEC-F5 ${title}: one warning, and requests go on`, async (t) => {
    const { sent, stderr } = await ask(t, world);
    t.deepEqual(sent, Array(3).fill(undefined));
    t.is(stderr.match(/Warning: /g)?.length, 1, stderr);
    t.regex(stderr, /\[WHIPPET_NETRC\] Warning: netrc ignored: /);
    t.regex(stderr, warning);
    t.notRegex(stderr, /secret/);
  });
}

const PASSED_OVER: [title: string, file: string | Buffer, expected: string | undefined][] = [
  ['a slip', `${HERE}lgin secret`, 'l:p'],
  ['another program’s keyword', `machine 127.0.0.1 protocol http login l password p`, 'l:p'],
  ['binary', Buffer.from([0, 255, 1, 254, 10, 0]), undefined],
];

for (const [title, file, expected] of PASSED_OVER) {
  test(`words that are no keywords: one warning, and the rest counts: ${title}`, async (t) => {
    const { sent, stderr } = await ask(t, { files: { '.netrc': file } });
    t.deepEqual(sent, Array(3).fill(expected === undefined ? undefined : basic(expected)));
    t.is(stderr.match(/Warning: /g)?.length, 1, stderr);
    t.regex(stderr, /\[WHIPPET_NETRC\] Warning: .*\.netrc, line \d: a word that is no keyword is passed over/);
    t.notRegex(stderr, /secret/);
  });
}

const asRoot = testWhere(process.getuid?.() === 0, 'only root can become such a user');

asRoot('a user whom the system does not know, without HOME: requests go on, also with NETRC', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const program = `
    import { homedir } from 'node:os';
    await whippet.get(args.url, { trustEnv: false });
    for (const name of ['HOME', 'NETRC']) delete process.env[name];
    process.setuid(54321);
    let code;
    try { homedir(); } catch (error) { code = error.code; }
    await whippet.get(args.url);
    process.env.NETRC = '~/none';
    await whippet.get(args.url);
    console.log(code);`;
  const { code, stderr, stdout } = await start(t, program, { url: server.url }).ended;
  t.is(code, 0, stderr);
  t.regex(stdout, /ERR_SYSTEM_ERROR|ENOENT/);
  t.is(server.requests.length, 3);
});

test('SEC-F5 a pipe without a writer does not hang', async (t) => {
  const home = folderOf(t);
  execFileSync('mkfifo', [path.join(home, 'pipe')]);
  const { sent, stderr } = await ask(t, { env: { NETRC: path.join(home, 'pipe') } });
  t.deepEqual(sent, Array(3).fill(undefined));
  t.regex(stderr, /is not a file/);
});

for (const [title, file] of [
  ['of the host', 'machine 127.0.0.1 login do:main password hunter2\nmachine other.test login x password y'],
  ['of default', 'default login do:main password hunter2'],
]) {
  test(`a login with a colon ${title}: one warning that says why it is not sent, and shows neither`, async (t) => {
    const { sent, stderr } = await ask(t, { files: { '.netrc': file } });
    t.deepEqual(sent, Array(3).fill(undefined));
    t.is(stderr.match(/Warning: /g)?.length, 1, stderr);
    t.regex(
      stderr,
      /\[WHIPPET_NETRC\] Warning: netrc ignored: \S+\.netrc: the login for '127\.0\.0\.1' has a ':', which Basic/,
    );
    t.notRegex(stderr, /hunter2|do:main/);
  });
}

test('a login with a colon of another host is of no concern', async (t) => {
  const { sent, stderr } = await ask(t, { files: { '.netrc': `machine ftp.test login a:b password p\n${HERE}` } });
  t.deepEqual(sent, Array(3).fill(basic('l:p')));
  t.is(stderr, '');
});

onUnix('passwords that others can read: one warning, and they are sent', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const home = folderOf(t);
  writeFileSync(path.join(home, '.netrc'), HERE);
  chmodSync(path.join(home, '.netrc'), 0o644);
  const program = `process.env.HOME = args.home;
    await whippet.get(args.url); await whippet.get(args.url);`;
  const { stderr } = await start(t, program, { home, url: server.url }).ended;
  t.is(server.requests[1].headers.authorization, basic('l:p'));
  t.is(stderr.match(/Warning: /g)?.length, 1, stderr);
  t.regex(stderr, /chmod 600/);
});

test('O30 cached by the client: another client reads again', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const file = path.join(folderOf(t), 'netrc');
  const program = `
    import { writeFileSync } from 'node:fs';
    process.env.NETRC = args.file;
    writeFileSync(args.file, ${JSON.stringify(HERE)});
    const client = new whippet.Client();
    await client.get(args.url);
    writeFileSync(args.file, ${JSON.stringify(OTHER)});
    await client.get(args.url);
    await new whippet.Client().get(args.url);`;
  t.is((await start(t, program, { file, url: server.url }).ended).code, 0);
  t.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ['l:p', 'l:p', 'x:y'].map(basic),
  );
});

test('SEC-F1 O32 a redirect’s target is never looked up', async (t) => {
  const seen: string[] = [];
  const a = await serve(t, (request, response) => {
    seen.push(`${request.headers.host?.split(':')[0]} ${request.headers.authorization}`);
    const there = `http://localhost:${a.port}/`;
    if (request.url === '/') response.writeHead(302, { location: '/2' }).end();
    else if (request.url === '/2') response.writeHead(302, { location: `${there}3` }).end();
    else if (request.url === '/3') response.writeHead(302, { location: `${a.url}4` }).end();
    else response.end('ok');
  });
  const file = path.join(folderOf(t), 'netrc');
  writeFileSync(file, `${HERE}machine localhost login q password r\ndefault login d password d\n`, { mode: 0o600 });
  await start(t, `process.env.NETRC = args.file; await whippet.get(args.url);`, { file, url: a.url }).ended;
  t.deepEqual(seen, [
    `127.0.0.1 ${basic('l:p')}`,
    `127.0.0.1 ${basic('l:p')}`,
    'localhost undefined',
    '127.0.0.1 undefined',
  ]);
});

test('SEC-F2 nor is it over one connection to an http proxy', async (t) => {
  const seen: string[] = [];
  const proxy = await serve(t, (request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`);
    if (request.url === 'http://a.test/') response.writeHead(302, { location: 'http://b.test/' }).end();
    else response.end('ok');
  });
  const file = path.join(folderOf(t), 'netrc');
  for (const rest of ['machine b.test\n', 'machine b.test login other\n', 'default\n', '']) {
    seen.length = 0;
    writeFileSync(file, `machine a.test login l password secret\n${rest}`, { mode: 0o600 });
    const program = `
      process.env.NETRC = args.file;
      const client = new whippet.Client({ proxies: args.proxy });
      await client.get('http://a.test/');
      await client.get('http://b.test/');
      await client.close();`;
    await start(t, program, { file, proxy: proxy.origin }).ended;
    t.deepEqual(seen, [`http://a.test/ ${basic('l:secret')}`, 'http://b.test/ undefined', 'http://b.test/ undefined']);
  }
  t.is(proxy.connections(), 4);
});

// ── NetRCAuth ──

test('NetRCAuth: by host, over a header, and nothing where the file says nothing', async (t) => {
  const file = path.join(folderOf(t), 'mine');
  writeFileSync(file, 'machine a.test login l password p\nmachine c.test login a:b password x', { mode: 0o600 });
  const server = await serveNames(t, (_, response) => response.end('ok'));
  const client = openClient(t, { dispatch: server.dispatch, auth: new NetRCAuth(file) });
  await client.get('http://a.test/');
  await client.get('http://b.test/');
  await client.get('http://c.test/');
  await client.get('http://a.test/', { auth: new NetRCAuth(file), headers: { authorization: 'mine' } });
  t.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    [basic('l:p'), undefined, undefined, basic('l:p')],
  );
});

test('NetRCAuth: what is wrong with its file is an error at once', (t) => {
  const folder = folderOf(t);
  const file = path.join(folder, 'bad');
  writeFileSync(file, 'machine "secret');
  for (const bad of [file, folder, path.join(folder, 'none'), '/dev/zero']) {
    const error = t.throws(() => new NetRCAuth(bad), { instanceOf: TypeError, message: /^NetRCAuth: / });
    t.true(error?.message.includes(bad), error?.message);
    t.notRegex(error.message, /secret/);
  }
});
