/** Names by the system's resolver, in a network of its own whose DNS server is a script: what that says, and what it does not. */
import test, { type ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Ended, packageUrl, watch, withArgs } from '../helpers/child.js';
import { folderOf } from '../helpers/files.js';
import { testWhere } from '../helpers/where.js';

/**
 * The programs begin with this: a DNS server, by UDP and TCP, that goes by the first label of a name, and a web server to connect to.
 * `asked` has the names so far.
 */
const OWN_NETWORK = `
  import { createSocket } from 'node:dgram';
  import { once } from 'node:events';
  import { createServer as createTcpServer } from 'node:net';
  import { createServer } from 'node:http';
  const [A, CNAME, AAAA] = [1, 5, 28];
  const [FORMERR, SERVFAIL, NXDOMAIN, REFUSED] = [1, 2, 3, 5];
  const v4 = (...addresses) => addresses.map((text) => ({ type: A, data: Buffer.from(text.split('.').map(Number)) }));
  const v6 = (hex) => [{ type: AAAA, data: Buffer.from(hex, 'hex') }];
  const alias = (name) => {
    const labels = name.split('.').map((label) => String.fromCharCode(label.length) + label).join('');
    return [{ type: CNAME, data: Buffer.from(labels + '\\0', 'latin1') }];
  };
  const many = (count) => Array.from({ length: count }, (_, i) => '127.1.' + (i >> 8) + '.' + (i & 255));
  const answer = (query, records, { code = 0, isCut = false } = {}) => {
    const head = Buffer.from(query.subarray(0, query.indexOf(0, 12) + 5));
    head.writeUInt16BE(0x8180 | code | (isCut ? 0x200 : 0), 2);
    head.fill(0, 6, 12);
    head.writeUInt16BE(records.length, 6);
    // A pointer to the name, the type, IN, a minute, the length.
    const bodies = records.map(({ type, data }) =>
      Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]), data]));
    return Buffer.concat([head, ...bodies]);
  };
  const failing = (code) => (query) => answer(query, [], { code });
  const having = (...records) => (query, type) => answer(query, records.flat().filter((one) => one.type === type || one.type === CNAME));
  const SAID = {
    good: having(v4('127.0.0.1')),
    zero: having(v4('0.0.0.0')),
    mapped: having(v6('00000000000000000000ffff7f000001')),
    both: having(v6('00000000000000000000000000000001'), v4('127.0.0.1')),
    same: having(v4(...Array.from({ length: 20 }, () => '127.0.0.1'))),
    many: (query, type, isTcp) => (isTcp ? having(v4(...many(512), '127.0.0.1'))(query, type) : answer(query, [], { isCut: true })),
    cut: (query, _, isTcp) => (isTcp ? undefined : answer(query, [], { isCut: true })),
    loop: having(alias('loop.test')),
    ring: having(alias('other-ring.test')),
    nowhere: having(),
    formerr: failing(FORMERR),
    servfail: failing(SERVFAIL),
    nxdomain: failing(NXDOMAIN),
    refused: failing(REFUSED),
    short: (query) => answer(query, v4('127.0.0.1')).subarray(0, -3),
    noise: (query) => Buffer.concat([query.subarray(0, 2), Buffer.alloc(60, 0xc0)]),
  };
  const asked = [];
  const say = (query, isTcp) => {
    let name = '';
    for (let at = 12; query[at] !== 0; at += query[at] + 1) name += query.latin1Slice(at + 1, at + 1 + query[at]) + '.';
    if (!asked.includes(name)) asked.push(name);
    return SAID[/^[a-z]+/.exec(name)]?.(query, query.readUInt16BE(query.length - 4), isTcp);
  };
  const dns = createSocket('udp4', (query, { port, address }) => {
    // Without EDNS behind it.
    const said = say(query.subarray(0, query.indexOf(0, 12) + 5), false);
    if (said !== undefined) dns.send(said, port, address);
  });
  const dnsByTcp = createTcpServer((socket) => {
    let unread = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      while (unread.length > 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
        const query = unread.subarray(2, 2 + unread.readUInt16BE(0));
        unread = unread.subarray(2 + query.length);
        const said = say(query.subarray(0, query.indexOf(0, 12) + 5), true);
        if (said === undefined) return socket.destroy();
        const length = Buffer.alloc(2);
        length.writeUInt16BE(said.length);
        socket.write(Buffer.concat([length, said]));
      }
    });
  });
  const server = createServer((_, response) => response.end('ok'));
  dns.bind(53, '127.0.0.1');
  dnsByTcp.listen(53, '127.0.0.1');
  server.listen(0, '127.0.0.1');
  await Promise.all([dns, dnsByTcp, server].map((one) => once(one, 'listening')));
  const { port } = server.address();
  const close = () => [dns, dnsByTcp, server].forEach((one) => one.close());
  const told = (promise) => promise.then(({ text }) => text, ({ name, code }) => name + ' ' + code);
`;

/** Runs a program to its end. */
function runThere(t: ExecutionContext, program: string, args: unknown = {}): Promise<Ended> {
  const resolvConf = path.join(folderOf(t), 'resolv.conf');
  // Two and a half minutes for a server that says nothing: much longer than any program here may take.
  writeFileSync(resolvConf, 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n');
  const script = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  const code = `import * as whippet from ${JSON.stringify(packageUrl)};\n${OWN_NETWORK}\n${withArgs(program, args)}`;
  const node = [process.execPath, '--input-type=module', '-e', code];
  const child = spawn('unshare', ['-r', '-n', '-m', 'sh', '-c', script, 'sh', resolvConf, ...node], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  return watch(t, child).ended;
}

/** Whether this user may have a network, and a resolv.conf, of its own; and whether names are looked up there by glibc's rules. */
const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const canRun =
  process.platform === 'linux' &&
  header.glibcVersionRuntime !== undefined &&
  spawnSync('unshare', ['-r', '-n', '-m', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const there = testWhere(canRun, 'not as root of its own network, with glibc, here', test.serial);

const ANSWERS: Record<string, string> = {
  good: 'ok',
  zero: 'ok',
  mapped: 'ok',
  both: 'ok',
  same: 'ok',
  many: 'ok',
  cut: 'ConnectError EAI_AGAIN',
  loop: 'ConnectError ENOTFOUND',
  ring: 'ConnectError ENOTFOUND',
  nowhere: 'ConnectError ENOTFOUND',
  formerr: 'ConnectError ENOTFOUND',
  servfail: 'ConnectError EAI_AGAIN',
  nxdomain: 'ConnectError ENOTFOUND',
  refused: 'ConnectError EAI_AGAIN',
  short: 'ConnectError ENOTFOUND',
  // It is none, and another one is waited for.
  noise: 'ConnectTimeout ERR_CONNECT_TIMEOUT',
  silent: 'ConnectTimeout ERR_CONNECT_TIMEOUT',
};

there('SEC-H10 what a DNS server answers, one after the other and all at once', async (t) => {
  const program = `
    const get = (client, name) => {
      const connect = name === 'noise' || name === 'silent' ? 300 : 20_000;
      return told(client.get('http://' + name + '.test:' + port + '/', { timeout: { connect } }));
    };
    const [one, other] = [new whippet.Client({ trustEnv: false }), new whippet.Client({ trustEnv: false })];
    const [serial, parallel] = [{}, {}];
    for (const name of args) serial[name] = await get(one, name);
    await Promise.all(args.map(async (name) => (parallel[name] = await get(other, name))));
    console.log(JSON.stringify([serial, parallel]));
    process.exit(0);
  `;
  const { stdout, stderr } = await runThere(t, program, Object.keys(ANSWERS));
  t.is(stderr, '');
  t.deepEqual(JSON.parse(stdout), [ANSWERS, ANSWERS]);
});

there('names that hang in the system’s resolver hold up no other name, nor TLS, nor files', async (t) => {
  const program = `
    const client = new whippet.Client({ timeout: { connect: 20_000 }, trustEnv: false });
    const abort = new AbortController();
    const { signal } = abort;
    const hanging = Array.from({ length: args.hanging }, (_, i) =>
      client.get('http://hang' + i + '.test:' + port, { signal }).then(() => 'answered', (error) => error.name));
    while (asked.length < Math.min(args.hanging, 100)) await new Promise((resolve) => setTimeout(resolve, 5));
    // While they hang: another name, https to an address (which reads the trust store), a file.
    const { text } = await client.get('http://good.test:' + port, { timeout: { connect: 4000 } });
    const tls = await client.get('https://127.0.0.1:' + port, { timeout: { connect: 4000 } }).catch((error) => error.name);
    await client.download('http://127.0.0.1:' + port, args.file);
    abort.abort();
    const ends = new Set(await Promise.all(hanging));
    const after = (await client.get('http://good2.test:' + port)).text;
    console.log(text, tls, [...ends].join(), after, asked.filter((name) => name.startsWith('good')).join());
    process.exit(0);
  `;
  const args = { hanging: 150, file: path.join(folderOf(t), 'file') };
  const { stdout, stderr } = await runThere(t, program, args);
  t.is(stdout.trim(), 'ok ConnectError AbortError ok good.test.,good2.test.', stderr);
});

/** What ends a process or a thread whose names hang; what is printed. */
const ENDS: [title: string, program: string, printed: string][] = [
  [
    'an abort, and nothing else to do',
    `const abort = new AbortController();
     const ends = hang({ signal: abort.signal });
     await areAsked();
     abort.abort();
     console.log(...new Set(await Promise.all(ends)));
     close();`,
    'AbortError',
  ],
  [
    'the connect timeout, and nothing else to do',
    `console.log(...new Set(await Promise.all(hang({ timeout: { connect: 300 } }))));
     close();`,
    'ConnectTimeout',
  ],
  [
    'process.exit()',
    `hang({});
     await areAsked();
     console.log('exit');
     process.exit(0);`,
    'exit',
  ],
  [
    'a thread that is terminated, and another one that goes on',
    `const { Worker } = await import('node:worker_threads');
     const worker = new Worker(
       \`import(\${JSON.stringify(args.packageUrl)}).then((whippet) => {
         const client = new whippet.Client({ timeout: { connect: 60_000 }, trustEnv: false });
         for (let i = 0; i < 60; i++) client.get('http://hang' + i + '.test/').catch(() => {});
       });\`,
       { eval: true },
     );
     await areAsked();
     await worker.terminate();
     console.log(await told(client.get('http://good.test:' + port + '/')));
     await client.close();
     close();`,
    'ok',
  ],
];

for (const [title, program, printed] of ENDS) {
  there(`names that hang in the system’s resolver keep no process: ${title}`, async (t) => {
    const prologue = `
      const client = new whippet.Client({ timeout: { connect: 60_000 }, trustEnv: false });
      const hang = (options) => Array.from({ length: 60 }, (_, i) =>
        client.get('http://hang' + i + '.test/', options).then(() => 'answered', (error) => error.name));
      const areAsked = async () => {
        while (asked.length < 30) await new Promise((resolve) => setTimeout(resolve, 5));
      };
    `;
    const { stdout, ...ended } = await runThere(t, prologue + program, { packageUrl });
    t.deepEqual(ended, { code: 0, signal: null, stderr: '' });
    t.is(stdout.trim(), printed);
  });
}
