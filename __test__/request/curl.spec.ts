/** `toCurl()`: the command is run, and sends what this client sends. */
import test, { type ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { file, Request, type RequestOptions, Response } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { folderOf } from '../helpers/files.js';
import { serve } from '../helpers/server.js';
import { testWhere } from '../helpers/where.js';

const hasCurl = process.platform !== 'win32' && spawnSync('curl', ['--version']).status === 0;
const withCurl = testWhere(hasCurl, 'there is no curl here');

interface Seen {
  method: string;
  target: string;
  headers: string[];
  body: string;
}

/** A server that keeps what it received, and a way to run a command. */
async function recorder(
  t: ExecutionContext,
): Promise<{ origin: string; seen: Seen[]; run(command: string): Promise<string> }> {
  const seen: Seen[] = [];
  const { origin } = await serve(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { rawHeaders: raw, method = '', url: target = '' } = request;
    const lines = raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1]}`] : []));
    const headers = lines.filter((line) => !/^(?:Connection|Host): /i.test(line)).sort();
    seen.push({ method, target, headers, body: Buffer.concat(chunks).toString('latin1') });
    response.end('done');
  });
  // A script, as an argument has its limits.
  const script = join(folderOf(t), 'command');
  const run = async (command: string): Promise<string> => {
    await writeFile(script, command);
    return new Promise((resolve, reject) => {
      const child = spawn('sh', [script], { stdio: ['pipe', 'pipe', 'pipe'] });
      let output = '';
      child.stdout.on('data', (chunk) => (output += String(chunk)));
      child.once('error', reject);
      child.once('close', () => resolve(output));
      child.stdin.on('error', () => {});
      child.stdin.end('a stream');
    });
  };
  return { origin, seen, run };
}

withCurl('curl sends what this client sends', async (t) => {
  const { origin, seen, run } = await recorder(t);
  const folder = folderOf(t);
  const path = join(folder, "it's a file");
  await writeFile(path, 'of sixteen bytes');
  const large = 'x'.repeat(300_000);
  const cases: [method: string, path: string, options?: RequestOptions][] = [
    ['GET', '/plain'],
    [
      'GET',
      "/it's?a=[1]&b={2}&c=%20&d='",
      { headers: { 'X-Quote': `"it's" $HOME \`ls\` \\ !`, 'X-Empty': '', 'X-Twice': 'a' } },
    ],
    ['GET', '/a/../b/./c/%2e%2e/d'],
    ['HEAD', '/head'],
    ['POST', '/empty'],
    ['POST', '/json', { json: { name: "it's", umlaut: 'ä' } }],
    ['POST', '/form', { data: { a: '1', b: ['2', 'x y'] } }],
    ['POST', '/at', { content: '@/etc/passwd' }],
    ['PUT', '/lines', { content: 'one\ntwo\n\n' }],
    ['PUT', '/bytes', { content: Buffer.from([0, 1, 0x27, 0x25, 0x5c, 0x7f, 0x80, 0xff, 0x0a]) }],
    ['PUT', '/dashes', { content: Buffer.from('--of no option\0-') }],
    ['PUT', '/dash', { content: '-' }],
    [
      'POST',
      '/multipart',
      { data: { 'it"s': '--' }, files: { a: 'text', b: ['-.bin', Buffer.from([0, 0x2d, 0xff])] } },
    ],
    ['PUT', '/large', { content: large }],
    ['PATCH', '/file', { content: file(path) }],
    ['PATCH', '/part', { content: file(path, { start: 3, end: 10 }) }],
    [
      'POST',
      '/stream',
      {
        content: (async function* () {
          yield 'a stream';
        })(),
      },
    ],
    [
      'DELETE',
      '/it',
      { headers: { 'X-Latin': 'caf\xe9', 'X-Utf': Buffer.from('ä').toString('latin1'), Accept: null } },
    ],
    ['GET', '/secrets', { headers: { Authorization: 'Bearer secret', 'X-Auth-Token': 'secret' } }],
    ['REPORT', '/body', { content: 'x', headers: { 'Content-Type': 'text/x-report' } }],
    ['GET', '/body', { content: 'of GET' }],
  ];
  const client = openClient(t);
  for (const [method, path, options] of cases) {
    const request = client.buildRequest(method, `${origin}${path}`, options);
    const command = request.toCurl({ showSecrets: true });
    await client.send(request);
    await run(
      `${command.includes('| curl') ? command.replace('| curl', '| curl -s') : command.replace('curl', 'curl -s')}`,
    );
    const [ours, curls] = seen.splice(0);
    t.deepEqual(curls, { ...ours, headers: framed(ours.headers, curls?.headers ?? []) }, command.slice(0, 500));
  }
});

/** A body of known length that we send in pieces curl sends as one. */
function framed(ours: readonly string[], curls: readonly string[]): string[] {
  const length = curls.find((line) => line.startsWith('Content-Length: '));
  return ours.map((line) => (line === 'Transfer-Encoding: chunked' && length !== undefined ? length : line)).sort();
}

withCurl('another request-target, and the password of a URL', async (t) => {
  const { origin, seen, run } = await recorder(t);
  const request = new Request('OPTIONS', `http://user:pa$$@${new URL(origin).host}`, { headers: { 'X-A': 'b' } });
  request.url.fullPath = '*';
  await run(request.toCurl({ showSecrets: true }));
  t.like(seen[0], { method: 'OPTIONS', target: '*', headers: [`Authorization: Basic ${btoa('user:pa$$')}`, 'X-A: b'] });
  t.true(request.toCurl().includes('user:[secure]@'));
});

test('secrets are masked unless asked for', (t) => {
  const headers = {
    Authorization: 'Bearer hush',
    'proxy-authorization': 'hush',
    Cookie: 'a=hush',
    'X-API-Key': 'hush',
    'Api-Key': 'hush',
    apikey: 'hush',
    'X-Auth-Token': 'hush',
    'X-CSRFToken': 'hush',
    'X-Amz-Security-Token': 'hush',
    'Ocp-Apim-Subscription-Key': 'hush',
    'X-Secret': 'hush',
    'X-Session-Id': 'hush',
    'X-Author': 'shown',
    'X-Tokenizer': 'shown',
  };
  const request = new Request('GET', 'https://user:hush@a.test/path?q=1#part', { headers });
  const masked = request.toCurl();
  t.false(masked.includes('hush'), masked);
  t.is(masked.match(/shown/g)?.length, 2);
  t.true(
    masked.startsWith(`curl --globoff 'https://user:[secure]@a.test/path?q=1' -H 'Authorization: [secure]' -H `),
    masked,
  );
  t.is(request.toCurl({ showSecrets: true }).match(/hush/g)?.length, 13);
  t.is(request.toCurl({ showSecrets: undefined }), masked);
});

test('of a response: the request that it answers', async (t) => {
  const { origin } = await serve(t, (request, response) => {
    if (request.url === '/from') response.writeHead(303, { Location: '/to' }).end();
    else response.end();
  });
  const response = await openClient(t).post(`${origin}/from`, { content: 'body' });
  t.true(response.toCurl().startsWith(`curl '${origin}/to' -H `), response.toCurl());
  t.true(response.history[0].toCurl().startsWith(`curl '${origin}/from' -H `), 'POST goes without saying');
  t.true(response.history[0].toCurl().endsWith(` --data-raw 'body'`));
  t.throws(() => new Response(200).toCurl(), { message: /request instance has not been set/ });
});

test('bad options', (t) => {
  const request = new Request('GET', 'http://a.test/');
  const bad: [unknown, RegExp][] = [
    [null, /^options of toCurl\(\): expected an object, got null$/],
    [true, /^options of toCurl\(\): expected an object, got a? ?boolean$/],
    [{ showSecrets: 'yes' }, /showSecrets/],
    [{ secrets: true }, /secrets/],
  ];
  for (const [options, message] of bad) {
    t.throws(() => request.toCurl(options as never), { instanceOf: TypeError, message }, String(message));
  }
});
