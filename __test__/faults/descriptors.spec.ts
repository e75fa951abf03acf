/** Row 43: a process that has no descriptor left. Each call fails as one that could not connect, and the next succeeds when there is one. */
import test from 'ava';
import { spawn } from 'node:child_process';
import { folderOf } from '../helpers/files.js';
import { endsWith, packageUrl, watch, withArgs } from '../helpers/child.js';
import { serve } from '../helpers/server.js';

const CALLS = `
  const calls = {
    'GET': () => client.get(args.url),
    'streamed GET': async () => (await client.stream('GET', args.url)).read(),
    'streamed POST': () => client.post(args.url, { content: (async function* () { yield 'x'; })() }),
    'download': () => client.download(args.url, args.file),
    'events': async () => { for await (const _ of client.events('GET', args.url, { reconnect: false })) break; },
  };`;

const PROGRAM = `
  import { closeSync, openSync } from 'node:fs';
  import { createRequire } from 'node:module';
  const held = [];
  const take = () => { try { for (;;) held.push(openSync('/dev/null')); } catch (error) { if (error.code !== 'EMFILE') throw error; } };
  // Connections of the call before may be about to close.
  const takeAll = async () => { for (let i = 0; i < 4; i++) { take(); await new Promise((resolve) => setTimeout(resolve, 25)); } };
  const giveAll = () => { while (held.length > 0) closeSync(held.pop()); };
  const client = new whippet.Client({ poolLimits: { maxKeepaliveConnections: 0 } });
  ${CALLS}
  // What starts with the first request is there; what Node loads when it is asked for is as well.
  if (args.state === 'a client in use') for (const call of Object.values(calls)) await call();
  if (args.state === 'no request before it') createRequire(args.packageUrl)('./binding.cjs')();
  for (const [name, call] of Object.entries(calls)) {
    await takeAll();
    const error = await call().catch((error) => error);
    giveAll();
    console.log(name, error?.name, error?.code);
    await call();
  }
  await client.close();
  console.log(String(client.pool));`;

/** What there is when the first call fails, and how it does. */
const STATES: [state: string, error: string][] = [
  ['a client in use', 'ConnectError EMFILE'],
  ['no request before it', 'ConnectError EMFILE'],
  ['no addon before it', 'Error ERR_ADDON_NOT_LOADED'],
];

for (const [state, error] of STATES) {
  test(`43 no descriptor is left: ${state}`, async (t) => {
    const server = await serve(t, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('data: ok\n\n');
    });
    const args = { url: server.url, file: `${folderOf(t)}/file`, state, packageUrl };
    const program = `import * as whippet from ${JSON.stringify(packageUrl)};\n${withArgs(PROGRAM, args)}`;
    const node = [process.execPath, '--input-type=module', '-e', program];
    const child = spawn('sh', ['-c', 'ulimit -n 100 && exec "$@"', 'sh', ...node], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout = endsWith(t, await watch(t, child).ended);
    const others = ['streamed GET', 'streamed POST', 'download', 'events'].map((name) => `${name} ConnectError EMFILE`);
    t.is(stdout, [`GET ${error}`, ...others, '<Pool 0 active, 0 queued | 0 idle>', ''].join('\n'));
  });
}

test('43 what failed for want of a descriptor does not keep the next call from holding the process', async (t) => {
  const server = await serve(t, (_, response) => setTimeout(() => response.end('ok'), 50));
  const program = `
    import { closeSync, openSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import * as whippet from ${JSON.stringify(packageUrl)};
    const client = new whippet.Client();
    createRequire(args.packageUrl)('./binding.cjs')();
    const held = [];
    try { for (;;) held.push(openSync('/dev/null')); } catch (error) { if (error.code !== 'EMFILE') throw error; }
    // Its part is looked for before anything is sent.
    const error = await client.download(args.url, args.file, { resume: true }).catch((error) => error);
    while (held.length > 0) closeSync(held.pop());
    console.log(error.name, error.code, (await client.get(args.url)).text);`;
  const args = { url: server.url, file: `${folderOf(t)}/file`, packageUrl };
  const node = [process.execPath, '--input-type=module', '-e', withArgs(program, args)];
  const child = spawn('sh', ['-c', 'ulimit -n 100 && exec "$@"', 'sh', ...node], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.is(endsWith(t, await watch(t, child).ended), 'ConnectError EMFILE ok\n');
});
