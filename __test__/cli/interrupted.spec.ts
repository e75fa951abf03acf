/** Signals, whatever the command waits for; pipes that it reads and writes; readers that go away. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../helpers/client.js';
import { program, startCommand, runCommand, type CommandOptions } from '../helpers/command.js';
import { folderOf, namesIn } from '../helpers/files.js';
import { serve } from '../helpers/server.js';

// Each starts programs: not all at one time.
const unix = process.platform === 'win32' ? test.skip : test.serial;

/** Answers without end. */
function serveEndless(t: ExecutionContext) {
  return serve(t, (_request, response) => {
    response.setHeader('etag', '"one"');
    const send = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 'line\n')));
    };
    response.on('drain', send);
    send();
  });
}

function pipeIn(folder: string): string {
  execFileSync('mkfifo', [path.join(folder, 'pipe')]);
  return path.join(folder, 'pipe');
}

/** What it waits for. */
const waits: [title: string, args: string[], options: CommandOptions][] = [
  ['a body on stdin', ['POST', 'URL'], { input: null }],
  ['--data -', ['URL', '-d', '-'], { input: null }],
  ['--json -', ['URL', '-j', '-'], { input: null }],
  ['a pipe that is the body', ['URL', '-d', '@pipe'], {}],
  ['a pipe that is a field', ['URL', 'a=@pipe'], {}],
  ['a pipe that is a part', ['URL', '-F', 'a=@pipe'], {}],
  ['a pipe with certificates', ['URL', '--ca', 'pipe'], {}],
  ['a pipe for the response', ['URL', '-o', 'pipe'], {}],
  ['a reader that does not read', ['URL'], {}],
  ['a reader that does not read, -v', ['URL', '-v'], {}],
];
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  for (const [title, args, options] of waits) {
    unix(`${signal} ends it while it waits for ${title}`, async (t) => {
      const server = await serveEndless(t);
      const folder = folderOf(t);
      pipeIn(folder);
      const words = args.map((word) => (word === 'URL' ? server.url : word));
      const child = spawn(process.execPath, ['--require', listening(folder), program, ...words], {
        cwd: folder,
        stdio: [options.input === null ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      });
      t.teardown(() => child.kill('SIGKILL'));
      await eventually('it listens to signals', () => namesIn(folder).includes('listens'));
      if (title.startsWith('a reader') || title.includes('response'))
        await eventually('it is answered', () => server.requests.length > 0);
      child.kill(signal);
      t.deepEqual(await once(child, 'exit'), [code, null]);
      t.true(statSync(path.join(folder, 'pipe')).isFIFO());
    });
  }
}

/** A module that makes a file once the command listens to signals: before, a signal has its usual end. */
function listening(folder: string): string {
  const file = path.join(folder, 'listening.cjs');
  const note = `require('node:fs').writeFileSync(${JSON.stringify(path.join(folder, 'listens'))}, '')`;
  writeFileSync(file, `process.on('newListener', (name) => name === 'SIGTERM' && setImmediate(() => ${note}));`);
  return file;
}

unix('SIGTERM in the middle of a download: 143, and the part stays', async (t) => {
  const server = await serveEndless(t);
  const folder = folderOf(t);
  const { process: child, ended } = startCommand(t, [server.url, '-o', 'file'], { cwd: folder });
  await eventually('it is begun', () => namesIn(folder).includes('file.part.json'));
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  t.deepEqual({ code, stderr }, { code: 143, stderr: '' });
  t.deepEqual(namesIn(folder), ['file.part', 'file.part.json']);
});

unix('pipes are read: as the body, as a field, as a part; what the shell makes of <(…)', async (t) => {
  const server = await serve(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.end(Buffer.concat(chunks));
  });
  const rows: [args: string[], expected: RegExp][] = [
    [['-d', '@pipe'], /^content$/],
    [['@pipe'], /^content$/],
    [['a=@pipe'], /^\{"a": "content"\}$/],
    [['-F', 'a=pipe'], /name="a"; filename="pipe"\r\n[^]*\r\n\r\ncontent\r\n--/],
    [['--form', 'a=@pipe'], /^a=content$/],
  ];
  for (const [args, expected] of rows) {
    const folder = folderOf(t);
    const written = writeFile(pipeIn(folder), 'content');
    const { code, stdout, stderr } = await runCommand(t, [server.url, ...args], { cwd: folder });
    t.is(code, 0, stderr);
    t.regex(stdout, expected);
    await written;
  }
  const line = `'${process.execPath}' '${program}' POST ${server.url} -d @<(printf input)`;
  t.is((await promisify(execFile)('bash', ['-c', line])).stdout, 'input');
  const printed = await runCommand(t, [server.url, '-d', '@pipe', '--curl'], {
    cwd: path.dirname(pipeIn(folderOf(t))),
  });
  t.regex(printed.stdout, / --data-binary @pipe/);
});

unix('-o into a pipe: its bytes, when there is a reader; one that goes away is a quiet end', async (t) => {
  const folder = folderOf(t);
  const server = await serve(t, (_request, response) => void response.end('content'));
  const pipe = pipeIn(folder);
  const { ended } = startCommand(t, [server.url, '-o', 'pipe'], { cwd: folder });
  await eventually('it is answered', () => server.requests.length > 0);
  t.is(await readFile(pipe, 'utf8'), 'content');
  t.is((await ended).code, 0);
  const endless = await serveEndless(t);
  const line = `'${process.execPath}' '${program}' GET ${endless.url} -o /dev/stdout | head -c 1; echo "$PIPESTATUS"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', line.replace('$PIPESTATUS', '${PIPESTATUS[0]}')]);
  t.is(stdout, 'l0\n');
});

unix('--cookie-jar: a device stays one, and a pipe is refused', async (t) => {
  const server = await serve(t, (_request, response) => void response.setHeader('set-cookie', 'a=1').end());
  const folder = folderOf(t);
  pipeIn(folder);
  const { code, stderr } = await runCommand(t, [server.url, '--cookie-jar', 'pipe'], { cwd: folder });
  t.is(code, 2);
  t.regex(stderr, /^error: --cookie-jar: 'pipe' is a pipe, and no file\n/);
  // A link, so that a fault costs no machine its device.
  symlinkSync('/dev/null', path.join(folder, 'null'));
  t.is((await runCommand(t, [server.url, '--cookie-jar', 'null'], { cwd: folder })).code, 0);
  t.true(statSync(path.join(folder, 'null')).isCharacterDevice());
  t.deepEqual(namesIn(folder), ['null', 'pipe']);
});

test.serial('a reader of stderr that goes away changes no exit code', async (t) => {
  const server = await serve(t, (_request, response) => void response.end('content'));
  for (const [args, code] of [
    [['--bad'], 2],
    [['http://127.0.0.1:2'], 1],
    [[server.url, '-v'], 0],
    [['POST', server.url, '-j', '{'], 2],
  ] as const) {
    const { process: child, ended } = startCommand(t, args);
    child.stderr?.destroy();
    t.is((await ended).code, code, args.join(' '));
  }
});

(process.platform === 'linux' ? test.serial : test.skip)('what ps shows has no secret', async (t) => {
  const { process: child } = startCommand(
    t,
    ['POST', 'http://me:s3cr3t@localhost:2/?t=s3cr3t', '-H', 'A: s3cr3t', '-u', 'x:s3cr3t', '-d', '-'],
    { input: null },
  );
  const shown = () => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
  await eventually('it has another title', () => shown().startsWith('whippet'));
  t.regex(shown(), /^whippet http:\/\/localhost:2\0*$/);
});
