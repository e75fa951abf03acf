/** What the command sends: methods, items, bodies, headers, query, cookies, credentials. */
import test from 'ava';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../helpers/command.js';
import { folderOf } from '../helpers/files.js';
import { serve } from '../helpers/server.js';

interface Seen {
  method: string;
  target: string;
  headers: string[];
  body: string;
}

/** Answers with what came. */
async function serveEcho(t: Parameters<typeof serve>[0]) {
  const seen: Seen[] = [];
  const server = await serve(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const lines: string[] = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2)
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    seen.push({
      method: request.method as string,
      target: request.url as string,
      headers: lines,
      body: Buffer.concat(chunks).toString(),
    });
    response.end('ok');
  });
  return { server, seen };
}

const rows: {
  title: string;
  args: string[];
  input?: string;
  method?: string;
  target?: string;
  body?: string | RegExp;
  headers?: string[];
  without?: RegExp;
}[] = [
  { title: 'a GET', args: [], method: 'GET', target: '/p', body: '' },
  {
    title: 'items are JSON, in their order, values by their text',
    args: ['b=1', 'a:=1.0', 'c:=[1e400]', 'd:={"x":1,"x":2}'],
    method: 'POST',
    body: '{"b": "1", "a": 1.0, "c": [1e400], "d": {"x":1,"x":2}}',
    headers: ['Content-Type: application/json'],
  },
  { title: 'an explicit method wins', args: ['-X', 'put', 'a=1'], method: 'PUT', body: '{"a": "1"}' },
  {
    title: '--form',
    args: ['--form', 'a=1 2', 'a=3', 'ü=ß'],
    method: 'POST',
    body: 'a=1+2&a=3&%C3%BC=%C3%9F',
    headers: ['Content-Type: application/x-www-form-urlencoded'],
  },
  {
    title: '--multipart',
    args: ['--multipart', 'a=1'],
    method: 'POST',
    body: /Content-Disposition: form-data; name="a"\r\n\r\n1\r\n/,
  },
  {
    title: 'name==value, again and again, behind the URL’s own',
    args: ['?z=0', 'a==1', 'a==2', 'b==x y&z'],
    method: 'GET',
    target: '/p?z=0&a=1&a=2&b=x+y%26z',
  },
  { title: '--query', args: ['-q', 'a=1', '-q', 'a=2', '--query', 'c'], target: '/p?a=1&a=2&c=' },
  {
    title: 'the URL’s own query of the same name stays as it is written',
    args: ['?a=%7e', 'a==2'],
    target: '/p?a=%7e&a=2',
  },
  {
    title: 'Name:value, Name: and Name;',
    args: ['X-A:1', 'X-A:2', 'User-Agent:', 'X-E;'],
    headers: ['X-A: 1', 'X-A: 2', 'X-E: '],
    without: /User-Agent/i,
  },
  {
    title: '--header in the same three ways',
    args: ['-H', 'X-A: 1', '-H', 'X-A:2', '-H', 'user-agent:', '-H', 'X-E;'],
    headers: ['X-A: 1', 'X-A: 2', 'X-E: '],
    without: /User-Agent/i,
  },
  { title: 'a header in UTF-8', args: ['X-A:grün'], headers: ['X-A: gr\u00c3\u00bcn'] },
  {
    title: '-j is sent by its text',
    args: ['-j', ' {"a":1.0, "a":1e400}'],
    method: 'POST',
    body: ' {"a":1.0, "a":1e400}',
    headers: ['Content-Type: application/json'],
  },
  { title: '-d has no Content-Type', args: ['-d', 'a=1&b'], method: 'POST', body: 'a=1&b', without: /Content-Type/i },
  {
    title: '-d with a Content-Type of one’s own',
    args: ['-d', 'x', 'Content-Type:text/x'],
    body: 'x',
    headers: ['Content-Type: text/x'],
  },
  { title: '-d again and again', args: ['-d', 'a=1', '-d', 'b=2', '-d', ''], method: 'POST', body: 'a=1&b=2&' },
  { title: '-d @-', args: ['-d', '@-'], input: 'piped', method: 'POST', body: 'piped' },
  {
    title: '-j -',
    args: ['-j', '-'],
    input: '[1.0]',
    method: 'POST',
    body: '[1.0]',
    headers: ['Content-Type: application/json'],
  },
  {
    title: 'piped stdin is the body',
    args: [],
    input: 'piped\0\n',
    method: 'POST',
    body: 'piped\0\n',
    headers: ['Content-Length: 7'],
    without: /Content-Type/i,
  },
  { title: 'piped stdin and a method', args: ['-X', 'PUT'], input: 'piped', method: 'PUT', body: 'piped' },
  { title: 'an empty pipe is no body', args: [], input: '', method: 'GET', body: '', without: /Content-Length/i },
  { title: 'an explicit GET leaves stdin alone', args: ['-X', 'GET'], input: 'piped', method: 'GET', body: '' },
  { title: '-I leaves stdin alone', args: ['-I'], input: 'piped', method: 'HEAD', body: '' },
  { title: 'items leave stdin alone', args: ['a=1'], input: 'piped', method: 'POST', body: '{"a": "1"}' },
  { title: 'query items are no body', args: ['a==1'], input: 'piped', method: 'POST', body: 'piped' },
  { title: '-u', args: ['-u', 'me:a:b'], headers: [`Authorization: Basic ${btoa('me:a:b')}`] },
  { title: '-u with an empty password', args: ['-u', 'me:'], headers: [`Authorization: Basic ${btoa('me:')}`] },
  {
    title: '--auth-type bearer',
    args: ['-u', 'to:ken', '--auth-type', 'bearer'],
    headers: ['Authorization: Bearer to:ken'],
  },
  { title: '-b in UTF-8', args: ['-b', 'ü=日本'], headers: [`Cookie: ${Buffer.from('ü=日本').toString('latin1')}`] },
  { title: '-b, again and again', args: ['-b', 'a=1', '-b', 'b=2; c=3'], headers: ['Cookie: a=1; b=2; c=3'] },
];
for (const { title, args, input, method, target, body, headers = [], without } of rows) {
  test(`sent: ${title}`, async (t) => {
    const { server, seen } = await serveEcho(t);
    const own = args[0]?.startsWith('?') ? args[0] : '';
    const { code, stderr } = await runCommand(t, [`${server.origin}/p${own}`, ...args.slice(own === '' ? 0 : 1)], {
      input,
    });
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    t.is(seen.length, 1);
    const [request] = seen;
    if (method !== undefined) t.is(request.method, method);
    if (target !== undefined) t.is(request.target, target);
    if (typeof body === 'string') t.is(request.body, body);
    else if (body !== undefined) t.regex(request.body, body);
    for (const line of headers) t.true(request.headers.includes(line), `${line} in ${request.headers.join(' | ')}`);
    if (without !== undefined) t.notRegex(request.headers.join('\n'), without);
  });
}

test('files: as the body, as values, as parts', async (t) => {
  const { server, seen } = await serveEcho(t);
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'a.txt'), 'text\n');
  writeFileSync(path.join(folder, 'a.json'), '{"n":1.0}\n');
  const run = (...args: string[]) => runCommand(t, [server.url, ...args], { cwd: folder });
  for (const args of [
    ['-d', '@a.txt'],
    ['@a.txt'],
    ['a=@a.txt', 'b:=@a.json'],
    ['-j', '@a.json'],
    ['f@a.txt', 'x=1'],
    ['-F', 'f=a.txt;type=text/x;filename=ü.txt'],
    ['-F', 'f=@a.txt'],
  ]) {
    t.deepEqual({ args, code: (await run(...args)).code }, { args, code: 0 });
  }
  const bodies = seen.map(({ body }) => body);
  t.is(bodies[0], 'text\n');
  t.is(bodies[1], 'text\n');
  t.is(bodies[2], '{"a": "text\\n", "b": {"n":1.0}}');
  t.is(bodies[3], '{"n":1.0}\n');
  t.regex(bodies[4], /name="x"\r\n\r\n1\r\n.*name="f"; filename="a.txt"\r\nContent-Type: text\/plain\r\n\r\ntext\n/s);
  t.regex(bodies[5], /name="f"; filename="ü.txt"[^\n]*\r\nContent-Type: text\/x\r\n\r\ntext\n/);
  t.regex(bodies[6], /filename="a.txt"/);
});

test('a body that is too long to be held is sent as it comes', async (t) => {
  const server = await serve(t, async (request, response) => {
    let size = 0;
    for await (const chunk of request) size += (chunk as Buffer).length;
    response.end(`${request.headers['transfer-encoding']} ${size}`);
  });
  const { stdout } = await runCommand(t, [server.url], { input: Buffer.alloc(6 * 1024 * 1024) });
  t.is(stdout, `chunked ${6 * 1024 * 1024}`);
});
