/** Node's permission model and Deno's: what the process may not do, the addon does not do for it. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { start } from '../helpers/child.js';
import { folderOf, namesIn } from '../helpers/files.js';
import { serve } from '../helpers/server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program under npm's Node of that line. */
async function underNode(t: ExecutionContext, line: number, flags: string[], program: string): Promise<string[]> {
  const args = ['-y', '-p', `node@${line}`, 'node', '--no-warnings', '--permission', '--allow-addons', ...flags];
  const child = spawn('npx', [...args, '--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  let complaints = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  t.is(complaints, '');
  return said.trim().split('\n');
}

const index = new URL('../../index.js', import.meta.url).href;
const refusals = (origin: string) => `
  const { Client } = await import(${JSON.stringify(index)});
  const codes = async (promise) => promise.then((response) => response.text, (error) => error.cause?.code ?? error.code);
  const ours = (options, url) => new Client(options).get(url).catch((error) => error);
  console.log(await codes(fetch('${origin}').then((response) => response.text()).then((text) => ({ text }))));
  const error = await ours({}, '${origin}');
  console.log(error.text ?? [error.name, error.code, error.cause.code, error.cause.permission, error.cause.resource].join(' '));
  const unix = await ours({ socketPath: '/nonexistent' }, 'http://a/');
  console.log(unix.code);
  const proxied = await ours({ proxies: '${origin}' }, 'http://a/');
  console.log(proxied.text ?? proxied.code);`;

test('Node 26 without --allow-net: refused with the code that fetch has', async (t) => {
  t.timeout(120_000);
  const server = await serve(t, (_, response) => response.end('answered'));
  const { host } = new URL(server.origin);
  const flags = [`--allow-fs-read=${root}`];
  const denied = await underNode(t, 26, flags, refusals(server.origin));
  const refused = `ConnectError ERR_ACCESS_DENIED ERR_ACCESS_DENIED Net ${host}`;
  t.deepEqual(denied, ['ERR_ACCESS_DENIED', refused, 'ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED']);
  t.is(server.requests.length, 0);
  const allowed = await underNode(t, 26, ['--allow-net', ...flags], refusals(server.origin));
  t.deepEqual(allowed, ['answered', 'answered', 'ENOENT', 'answered']);
});

test('Node 24 has no such permission: nothing is refused', async (t) => {
  t.timeout(120_000);
  const server = await serve(t, (_, response) => response.end('answered'));
  const said = await underNode(t, 24, [`--allow-fs-read=${root}`], refusals(server.origin));
  t.deepEqual(said, ['answered', 'answered', 'ENOENT', 'answered']);
});

test('a download needs --allow-fs-write, for the file and for the one beside it', async (t) => {
  const server = await serve(t, (_, response) => response.end('content'));
  const folder = folderOf(t);
  const program = `
    const error = await new whippet.Client().download(args.origin, args.to).catch((error) => error);
    console.log(error.size ?? [error.name, error.code, error.path === args.to]);`;
  const run = async (allowed: string[]) => {
    const known = (flag: string) => process.allowedNodeEnvironmentFlags.has(flag);
    const permission = known('--permission') ? '--permission' : '--experimental-permission';
    const network = known('--allow-net') ? ['--allow-net'] : [];
    const flags = ['--no-warnings', permission, ...network, '--allow-addons', '--allow-fs-read=*', ...allowed];
    const { stdout, stderr } = await start(t, program, { origin: server.origin, to: path.join(folder, 'a') }, flags)
      .ended;
    t.is(stderr, '');
    return stdout.trim();
  };
  const refused = "[ 'FileError', 'ERR_ACCESS_DENIED', true ]";
  t.is(await run([]), refused);
  t.is(await run([`--allow-fs-write=${folder}/a`]), refused);
  t.deepEqual(namesIn(folder), []);
  t.is(await run([`--allow-fs-write=${folder}/*`]), '7');
  t.deepEqual(namesIn(folder), ['a']);
});
