/** The examples that ask an API or a site for many things: a crawler, pages of a list, a typed client, retries, workers. */
import test from 'ava';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runExample } from '../helpers/example.js';
import { bytesOf, sha256 } from '../helpers/files.js';
import { json, read } from '../helpers/protocols.js';
import { refusedOrigin, serve } from '../helpers/server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Waits are not waited for, but told at the end: the rate is seen without a clock. */
const countWaits = `data:text/javascript,${encodeURIComponent(`
  import { syncBuiltinESMExports } from 'node:module';
  import timers from 'node:timers/promises';
  const waits = [];
  timers.setTimeout = async (ms) => void waits.push(Math.round(ms / 100_000));
  syncBuiltinESMExports();
  process.on('exit', () => console.log('waits', waits.sort((a, b) => a - b).join()));
`)}`;

test('crawler.js: each page of the site once, over four connections, one turn after the other', async (t) => {
  const elsewhere = await serve(t, (_request, response) => response.end());
  const site = await serve(t, (request, response) => {
    if (request.url === '/gone') return response.writeHead(404).end();
    if (request.url === '/cut') return request.socket.destroy();
    const links = [
      '/',
      '/a#top',
      '/b',
      '/c/',
      'd',
      '/gone',
      '/cut',
      `${elsewhere.url}x`,
      'http://',
      'mailto:ada@example.org',
    ];
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(links.map((href) => `<a href="${href}">x</a>`).join('\n'));
  });
  const flags = ['--import', countWaits];
  const lines = await runExample(t, 'crawler.js', [site.url, '0.001'], { flags });
  const pages = ['', 'a', 'b', 'c/', 'c/d', 'd'].map((path) => `200 ${site.url}${path}`);
  const rest = [`404 ${site.url}gone`, `ERR_REMOTE_PROTOCOL ${site.url}cut`, 'waits 0,10,20,30,40,50,60,70'];
  t.deepEqual(lines.toSorted(), [...pages, ...rest].toSorted());
  t.is(elsewhere.requests.length, 0);
  const asked = site.requests.map(({ target }) => target).filter((target) => target !== '/cut');
  t.deepEqual(asked.toSorted(), ['/', '/a', '/b', '/c/', '/c/d', '/d', '/gone']);
  t.regex(String(site.requests[0].headers['user-agent']), /^example-crawler /);
});

test('pagination.js: page by page along the links, and no page more than is used', async (t) => {
  const server = await serve(t, (request, response) => {
    const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page') ?? 1);
    if (page < 5) response.setHeader('link', `<?page=${page + 1}&per_page=20>; rel="next", </?page=5>; rel="last"`);
    json(
      response,
      [1, 2].map((n) => ({ id: 10 * page + n, name: `item ${page}.${n}` })),
    );
  });
  const lines = await runExample(t, 'pagination.js', [server.url, '5']);
  t.deepEqual(lines, ['11 item 1.1', '12 item 1.2', '21 item 2.1', '22 item 2.2', '31 item 3.1']);
  t.deepEqual(
    server.requests.map(({ target }) => target),
    ['/?per_page=20', '/?page=2&per_page=20', '/?page=3&per_page=20'],
  );
  t.is((await runExample(t, 'pagination.js', [server.url])).length, 10);
});

test('api-client.js: what is as agreed, what is not, and a refusal', async (t) => {
  const joined = '2015-12-10T00:00:00Z';
  let users: unknown[] = [{ id: 1, name: 'Grace', joined }];
  const server = await serve(t, async (request, response) => {
    if (request.headers.authorization !== 'Bearer secret') return json(response, {}, 403);
    if (request.method === 'POST') {
      const user = { id: 2, ...(JSON.parse(await read(request)) as object), joined };
      users.push(user);
      return json(response, user, 201);
    }
    json(response, users);
  });
  const run = (token: string) => runExample(t, 'api-client.js', [`${server.url}v1/`, token]);
  t.deepEqual(await run('secret'), ['added 2', 'Grace 2015', 'Ada 2015']);
  t.deepEqual(
    server.requests.map(({ method, target }) => `${method} ${target}`),
    ['POST /v1/users', 'GET /v1/users?page=1'],
  );
  users = [{ id: 1, name: 'Grace', joined: 'long ago' }];
  t.deepEqual(await run('secret'), ['added 2', 'not as agreed: 0.joined']);
  t.deepEqual(await run('wrong'), ['refused: 403']);
});

test('api-client.js: its types are those of the schema', async (t) => {
  const folder = mkdtempSync(path.join(root, 'examples', 'support', '.types-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = (use: string) => `
    import { Users } from '../../api-client.js';
    const [user] = await new Users('http://x/', 'token').list();
    ${use}`;
  const compile = async (use: string): Promise<string> => {
    const file = path.join(folder, 'use.ts');
    writeFileSync(file, program(use));
    const settings =
      '--ignoreConfig --noEmit --strict --skipLibCheck --allowJs --checkJs --module nodenext --target es2022';
    const args = ['node_modules/typescript/bin/tsc', ...settings.split(' '), '--types', 'node', file];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root }).catch(
      (error: { stdout: string }) => error,
    );
    return stdout;
  };
  t.is(await compile('export const year: number = user.joined.getFullYear(); export const { name } = user;'), '');
  t.regex(await compile('export const age = user.age;'), /Property 'age' does not exist/);
});

test('retries.js: idempotent requests once more, a POST only with a key', async (t) => {
  const attempts = new Map<string, number>();
  const keys: unknown[] = [];
  const server = await serve(t, async (request, response) => {
    const key = request.headers['idempotency-key'];
    if (key !== undefined) keys.push(key);
    const what = `${request.method} ${await read(request)}`;
    const attempt = (attempts.get(what) ?? 0) + 1;
    attempts.set(what, attempt);
    if (attempt === 1) return response.writeHead(503, { 'retry-after': '0' }).end();
    if (attempt === 2) return response.writeHead(429).end();
    json(response, []);
  });
  t.deepEqual(await runExample(t, 'retries.js', [server.url]), [
    '503 once more',
    '429 once more',
    'GET 200',
    '503 once more',
    '429 once more',
    'POST with a key 200',
    'POST without 503',
  ]);
  t.deepEqual(Object.fromEntries(attempts), { 'GET ': 3, 'POST {"book":1}': 3, 'POST {"book":2}': 1 });
  t.is(keys.length, 3);
  t.is(new Set(keys).size, 1);
});

test('workers.js: every page through one client, computed by worker threads', async (t) => {
  const pages = new Map(Array.from({ length: 6 }, (_, i) => [`/${i}`, bytesOf(50_000, i + 1)]));
  const server = await serve(t, (request, response) => response.end(pages.get(request.url ?? '')));
  const urls = [...pages.keys()].map((page) => server.origin + page);
  const refused = await refusedOrigin();
  const lines = await runExample(t, 'workers.js', ['3', ...urls, refused]);
  const expected = [...pages].map(([page, bytes]) => `${server.origin}${page} ${sha256(bytes)}`);
  t.deepEqual(lines.toSorted(), [...expected, `${refused} ECONNREFUSED`].toSorted());
});
