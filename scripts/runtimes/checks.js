/**
 * The smoke: what each runtime has to do, one line of JSON a check. It is run by Node, Bun and Deno alike, with the package's URL and
 * what `server.js` tells as arguments. A check that throws has failed; nothing here asks which runtime it is.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const [packageUrl, toldText] = process.argv.slice(2);
const told = JSON.parse(toldText);
const whippet = await import(packageUrl);
const { Client, Response, URL, codes } = whippet;
const { origin, secure, folder } = told;
const client = new Client({ baseUrl: origin });
const trusting = new Client({ baseUrl: secure, verify: told.certificate });
const bytes = Buffer.alloc(1024 * 1024, 'payload ');
const sha256 = (content) => createHash('sha256').update(content).digest('hex');
const failure = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
};

const CHECKS = {
  'GET: status, reason, text': async () => {
    const response = await client.get('/echo');
    assert.equal(`${response.statusCode} ${response.reasonPhrase}`, '200 OK');
    assert.match(response.text, /"method":"GET"/);
    assert.equal(response.statusCode, codes.OK);
  },
  'query parameters and a path in Unicode': async () => {
    const { url } = (await client.get('/ä', { params: { q: ['ö', 'a b'] } })).json();
    assert.equal(url, '/%C3%A4?q=%C3%B6&q=a+b');
  },
  'headers of client and request': async () => {
    const { headers } = (await client.get('/echo', { headers: { 'X-Own': 'own' } })).json();
    assert.equal(headers['x-own'], 'own');
    assert.match(headers['user-agent'], /^whippet\//);
  },
  'HEAD has no body': async () => assert.equal((await client.head('/echo')).content.length, 0),
  'JSON goes and comes': async () => assert.equal((await client.post('/echo', { json: { a: 'ü' } })).json().size, 10),
  'a form': async () =>
    assert.equal((await client.post('/echo', { data: { a: '1', b: 'ü' } })).json().text, 'a=1&b=%C3%BC'),
  'multipart with bytes, a Blob and a stream': async () => {
    const files = {
      a: Buffer.from('bytes'),
      b: new Blob(['blob']),
      c: Readable.from([Buffer.from('stre'), Buffer.from('am')], { objectMode: false }),
    };
    const { text, headers } = (await client.post('/echo', { files })).json();
    assert.match(headers['content-type'], /^multipart\/form-data; boundary=/);
    for (const content of ['bytes', 'blob', 'stream']) assert.ok(text.includes(content), content);
  },
  'FormData with a File': async () => {
    const form = new FormData();
    form.append('f', new File(['content'], 'name.txt'));
    assert.match((await client.post('/echo', { data: form })).json().text, /filename="name.txt"/);
  },
  '1 MiB as bytes': async () => {
    assert.equal((await client.post('/echo', { content: bytes })).json().sha256, sha256(bytes));
  },
  'a generator': async () => {
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    }
    assert.equal((await client.post('/echo', { content: chunks() })).json().sha256, sha256(bytes));
  },
  'a web stream': async () => {
    const content = new Blob([bytes]).stream();
    assert.equal((await client.post('/echo', { content })).json().sha256, sha256(bytes));
  },
  'a Node stream': async () => {
    const { size } = (await client.post('/echo', { content: Readable.from([bytes, bytes]) })).json();
    assert.equal(size, 2 * bytes.length);
  },
  'a file by its path': async () => {
    const file = path.join(folder, `upload-${process.pid}`);
    writeFileSync(file, bytes);
    assert.equal((await client.post('/echo', { content: whippet.file(file) })).json().sha256, sha256(bytes));
  },
  'progress of an upload': async () => {
    let last = 0;
    await client.post('/echo', { content: bytes, onUploadProgress: (sent) => (last = sent) });
    assert.equal(last, bytes.length);
  },
  'gzip, 1 MB': async () => assert.equal((await client.get('/coded?by=gzip')).content.length, 1_056_000),
  brotli: async () => assert.equal((await client.get('/coded?by=br')).content.length, 1_056_000),
  deflate: async () => assert.equal((await client.get('/coded?by=deflate')).content.length, 1_056_000),
  'compressing a request': async () => {
    const { headers, size } = (await client.post('/echo', { content: bytes, compress: 'zstd' })).json();
    assert.equal(headers['content-encoding'], 'zstd');
    assert.ok(size < 10_000);
  },
  'a stream of bytes': async () => {
    let size = 0;
    for await (const chunk of await client.stream('GET', '/big')) size += chunk.length;
    assert.equal(size, 1_056_000);
  },
  'a stream of lines': async () => {
    const lines = [];
    for await (const line of (await client.stream('GET', '/lines')).iterLines()) lines.push(line);
    assert.deepEqual(lines, ['one', 'two', 'three']);
  },
  'a stream that is left': async () => {
    for await (const chunk of await client.stream('GET', '/big')) if (chunk.length > 0) break;
    assert.equal((await client.get('/echo')).statusCode, 200);
  },
  'a response for the platform (toResponse by fetch)': async () => {
    const response = await client.fetch('/echo', { method: 'POST', body: 'x' });
    assert.ok(response instanceof globalThis.Response);
    assert.equal((await response.json()).text, 'x');
  },
  'server-sent events': async () => {
    const data = [];
    for await (const event of client.events('GET', '/events', { reconnect: false })) data.push(event.data);
    assert.deepEqual(data, ['one', 'two']);
  },
  'redirects and their history': async () => {
    const response = await client.get('/redirect');
    assert.equal(response.history[0].statusCode, 302);
    assert.equal(new URL(response.url).path, '/echo');
  },
  'too many redirects': async () => assert.equal((await failure(client.get('/loop'))).name, 'TooManyRedirects'),
  cookies: async () => {
    const own = new Client({ baseUrl: origin });
    await own.get('/redirect');
    assert.equal((await own.get('/echo')).json().headers.cookie, 'a=1');
  },
  'Basic in UTF-8': async () => assert.equal((await client.get('/basic', { auth: ['user', 'päss'] })).statusCode, 200),
  Digest: async () => {
    const auth = new whippet.DigestAuth('user', 'password');
    assert.equal((await client.get('/digest', { auth })).text, 'welcome');
  },
  retries: async () => {
    const own = new Client({ baseUrl: origin, retries: { limit: 3, backoff: () => 1 } });
    assert.equal((await own.get(`/flaky?id=${process.pid}`)).text, 'answer 3');
  },
  '100 at once': async () => {
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => client.get(`/${i}`)));
    assert.deepEqual(
      all.map((response) => response.json().url),
      all.map((_, i) => `/${i}`),
    );
  },
  'the pool is reused': async () => {
    await client.get('/echo');
    assert.ok(client.pool.idle > 0 && client.pool.active === 0);
  },
  'read timeout': async () => {
    assert.equal((await failure(client.get('/silent', { timeout: { read: 50 } }))).name, 'ReadTimeout');
  },
  'total timeout': async () => {
    assert.equal((await failure(client.get('/silent', { timeout: { total: 50 } }))).name, 'TotalTimeout');
  },
  'an AbortSignal': async () => {
    const controller = new AbortController();
    const promise = failure(client.get('/silent', { signal: controller.signal }));
    controller.abort('enough');
    assert.equal(await promise, 'enough');
  },
  'a refused connection, with its code': async () => {
    const { name, code } = await failure(whippet.get(told.refused));
    assert.equal(`${name} ${code}`, 'ConnectError ECONNREFUSED');
  },
  'TLS by a certificate of one’s own': async () => assert.equal((await trusting.get('/echo')).statusCode, 200),
  'HTTP/2 by ALPN, 50 streams': async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => trusting.get('/echo')));
    assert.ok(all.every((response) => response.httpVersion === 'HTTP/2' && response.json().httpVersion === '2.0'));
  },
  'a certificate of an unknown authority': async () => {
    const error = await failure(whippet.get(`${secure}/`));
    assert.ok(error instanceof whippet.ConnectError && /certificate/.test(error.message), String(error));
  },
  'a forwarding proxy': async () => {
    const own = new Client({ proxies: told.proxy });
    assert.equal((await own.get(`${origin}/echo`)).json().headers['x-proxy'], 'forwarded');
  },
  'a tunnel through a proxy': async () => {
    const own = new Client({ proxies: told.proxy, verify: told.certificate });
    assert.equal((await own.get(`${secure}/echo`)).statusCode, 200);
  },
  'a unix socket': async () => {
    const own = new Client({ socketPath: told.socketPath });
    assert.equal((await own.get('http://app/echo')).json().headers.host, 'app');
  },
  'a download, with its checksum': async () => {
    const target = path.join(folder, `download-${process.pid}`);
    const { size } = await client.download('/big', target);
    assert.equal(size, 1_056_000);
    assert.equal(readFileSync(target).length, size);
  },
  'an app: fetch handler': async () => {
    const own = new Client({ app: { fetch: async (request) => new globalThis.Response(await request.text()) } });
    assert.equal((await own.post('/', { content: 'x' })).text, 'x');
  },
  'an app: Node listener': async () => {
    const own = new Client({ app: (request, response) => request.pipe(response) });
    assert.equal((await own.post('/', { content: 'piped' })).text, 'piped');
  },
  MockDispatch: async () => {
    const own = new Client({ dispatch: new whippet.MockDispatch(() => new Response(200, { json: [1] })) });
    assert.deepEqual((await own.get('http://a/')).json(), [1]);
  },
  PlatformDispatch: async () => {
    const own = new Client({ baseUrl: origin, dispatch: new whippet.PlatformDispatch() });
    assert.equal((await own.post('/echo', { json: [1] })).json().text, '[1]');
    assert.equal((await own.get('/redirect')).history.length, 1);
  },
  'tough-cookie’s jar': async () => {
    const { CookieJar } = await import('tough-cookie');
    const own = new Client({ baseUrl: origin, cookies: new whippet.Cookies(new CookieJar()) });
    await own.get('/redirect');
    assert.equal(own.cookies.get('a'), '1');
  },
  'require(), with the same classes': () => {
    const required = createRequire(import.meta.url)(fileURLToPath(packageUrl).replace(/index\.js$/, 'dist/index.cjs'));
    assert.equal(required.Client, Client);
  },
  'a worker': async () => {
    const program = `import(${JSON.stringify(packageUrl)}).then(async ({ get }) => {
      const { parentPort } = await import('node:worker_threads');
      parentPort.postMessage((await get('${origin}/echo')).statusCode);
    });`;
    const worker = new Worker(program, { eval: true });
    const answered = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    assert.equal(answered, 200);
    await worker.terminate();
  },
  'await using, and a closed client': async () => {
    const own = new Client({ baseUrl: origin });
    await own.get('/echo');
    await own[Symbol.asyncDispose]();
    assert.equal((await failure(own.get('/echo'))).name, 'ClientClosed');
  },
};

let failed = 0;
for (const [name, check] of Object.entries(CHECKS)) {
  let problem = null;
  let timer;
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('no end within 20 s')), 20_000);
    });
    await Promise.race([check(), late]);
  } catch (error) {
    failed++;
    problem = `${error?.name}: ${error?.message}`.split('\n', 3).join(' ');
  }
  clearTimeout(timer);
  console.log(JSON.stringify({ name, problem }));
}
// Nothing is closed: an idle pool does not keep the process.
process.exitCode = failed === 0 ? 0 : 1;
