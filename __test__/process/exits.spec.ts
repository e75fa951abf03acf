/**
 * How a process, a worker thread or a child process ends with a thousand requests in flight: by itself, or by whatever ends it. Its exit
 * code is Node's for that, no signal ends it but the one that was sent, and what started it goes on.
 */
import test, { type ExecutionContext } from 'ava';
import { type Ended, packageUrl, startBare } from '../helpers/child.js';
import { serve, type HttpServer } from '../helpers/server.js';

/** Sends a thousand requests; `all` resolves when they are at the server. */
const SENDS = (args: unknown): string => `
  import * as whippet from ${JSON.stringify(packageUrl)};
  const args = ${JSON.stringify(args)};
  const client = new whippet.Client({ timeout: null, poolLimits: { maxConnections: null } });
  let answered = 0;
  const sent = Array.from({ length: 1000 }, (_, i) => client.get(args.url + i));
  for (const promise of sent) promise.then(() => { if (++answered === 1000) console.log('all answered'); }, () => {});
  const all = client.get(args.all);`;

/** `[what ends it, how the program goes on, [exit code, signal]]`; a thread that a signal ends is its process. */
const ENDS: [name: string, program: string, end: [number | null, string | null]][] = [
  ['by itself, once all is answered', `await all; client.get(args.release).catch(() => {});`, [0, null]],
  ['process.exit()', `await all; process.exit(7);`, [7, null]],
  ['process.exit() in a callback', `setImmediate(() => process.exit(7));`, [7, null]],
  ['an error that nothing catches', `await all; setImmediate(() => { throw new Error('mine'); });`, [1, null]],
  ['a rejection that nothing handles', `await all; Promise.reject(new Error('mine'));`, [1, null]],
  ['SIGTERM', `await all; process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);`, [null, 'SIGTERM']],
];

/** What a place makes of a program and of its end: the program to start, and how that one has to end. */
type Place = (program: string, end: [number | null, string | null]) => [program: string, ends: Partial<Ended>];

const PLACES: Record<string, Place> = {
  'the main thread': (program, [code, signal]) => [program, { code, signal }],

  // The addon is in the thread alone.
  'a worker thread': (program, [code, signal]) => [
    `import { Worker } from 'node:worker_threads';
     const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(program)})));
     let failure = '';
     worker.on('error', (error) => (failure = error.message));
     const code = await new Promise((resolve) => worker.once('exit', resolve));
     await new Promise((resolve) => setTimeout(resolve, 100));
     console.log('ended', code, failure);`,
    signal === null ? { code: 0, signal, stdout: `ended ${code} ${code === 1 ? 'mine' : ''}\n` } : { code, signal },
  ],

  // The addon is in the parent as well, and in use.
  'a child process': (program, [code, signal]) => [
    `import * as whippet from ${JSON.stringify(packageUrl)};
     import { spawn } from 'node:child_process';
     import { once } from 'node:events';
     const server = (await import('node:http')).createServer((_, response) => response.end('ok'));
     await once(server.listen(0, '127.0.0.1'), 'listening');
     const url = 'http://127.0.0.1:' + server.address().port;
     const before = (await whippet.get(url)).text;
     const args = ['--input-type=module', '-e', ${JSON.stringify(program)}];
     const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'ignore'] });
     const [code, signal] = await once(child, 'close');
     const after = (await whippet.get(url)).text;
     console.log('ended', code, signal, before, after);
     server.close();`,
    { code: 0, signal: null, stdout: `ended ${code} ${signal} ok ok\n` },
  ],
};

for (const [where, place] of Object.entries(PLACES)) {
  for (const [name, program, end] of ENDS) {
    test.serial(`${where}: ${name}`, async (t) => {
      const { url } = await holding(t);
      const args = { url, all: `${url}all`, release: `${url}release` };
      const [whole, expected] = place(SENDS(args) + program, end);
      const { stdout, ...ended } = await startBare(t, whole).ended;
      t.deepEqual([ended.code, ended.signal], [expected.code, expected.signal], ended.stderr);
      const answers = name.startsWith('by itself') ? 'all answered\n' : '';
      t.is(stdout, answers + (expected.stdout ?? ''), ended.stderr);
    });
  }
}

/** Answers /all when a thousand requests wait, and these after /release. */
async function holding(t: ExecutionContext): Promise<HttpServer> {
  const waiting: (() => void)[] = [];
  let whenAll: (() => void) | undefined;
  return serve(t, (request, response) => {
    const end = (): void => void response.end();
    if (request.url === '/all') whenAll = end;
    else waiting.push(end);
    if (request.url === '/release') for (const answer of waiting) answer();
    else if (waiting.length === 1000) whenAll?.();
  });
}
