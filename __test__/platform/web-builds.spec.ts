/**
 * The builds for browsers and Workers: that they need nothing of Node, and that what goes over the platform's fetch works in them. Each
 * program runs in a context that has the globals of the web and no others.
 */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { build } from 'esbuild';
import { builtinModules } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { bodyOf } from '../helpers/apps.js';
import { serve } from '../helpers/server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a page or a Worker has. `Promise` and its like are a context's own. */
const WEB_GLOBALS =
  'fetch Request Response Headers FormData Blob File URL URLSearchParams AbortController AbortSignal ReadableStream WritableStream TransformStream DOMException TextEncoder ' +
  'TextDecoder crypto performance console atob btoa structuredClone setTimeout clearTimeout setInterval clearInterval queueMicrotask Event EventTarget';

/** Bundles a program as esbuild does it for a browser, and runs it there, after `prelude`. */
async function run(
  t: ExecutionContext,
  program: string,
  args: object,
  conditions: string[] = [],
  prelude = '',
): Promise<unknown> {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `import * as whippet from 'whippet'; import * as tough from 'tough-cookie';
        globalThis.result = (async () => { ${program} })();`,
      resolveDir: root,
    },
    bundle: true,
    format: 'iife',
    target: 'es2022',
    platform: 'browser',
    conditions,
    metafile: true,
    write: false,
    outdir: 'unwritten',
    logLevel: 'silent',
  });
  const inputs = Object.keys(metafile.inputs);
  t.true(
    inputs.some((name) => name.endsWith(conditions.includes('workerd') ? 'dist/workerd.js' : 'dist/browser.js')),
    inputs.join(' '),
  );
  const globals = Object.fromEntries(
    WEB_GLOBALS.split(' ').map((name) => [name, globalThis[name as never] as unknown]),
  );
  const context = vm.createContext({ ...globals, args });
  vm.runInContext(prelude, context);
  vm.runInContext(outputFiles[0].text, context);
  return JSON.parse(JSON.stringify(await context.result)) as unknown;
}

for (const condition of ['browser', 'workerd']) {
  const conditions = condition === 'browser' ? [] : ['workerd'];

  test(`${condition}: no module of Node, no global of Node, nothing but tough-cookie`, (t) => {
    const text = readFileSync(new URL(`../../dist/${condition}.js`, import.meta.url), 'utf8');
    const imported = [...text.matchAll(/(?:\bfrom|\bimport|\brequire\()\s*["']([^"']+)["']/g)].map(([, name]) => name);
    t.deepEqual([...new Set(imported)], ['tough-cookie']);
    t.deepEqual(
      imported.filter((name) => builtinModules.includes(name) || name.startsWith('node:')),
      [],
    );
  });

  test(`${condition}: await using, where the platform has symbols of its own for it`, async (t) => {
    const prelude = "for (const name of ['asyncDispose', 'dispose']) Symbol[name] ??= Symbol(name);";
    const program = `
      await using client = new whippet.Client({ app: () => new globalThis.Response('whole') });
      await using streamed = await client.stream('GET', 'http://a.test/');
      const own = [whippet.Client.prototype, whippet.Response.prototype];
      return own.map((prototype) => typeof prototype[Symbol.asyncDispose]);`;
    t.deepEqual(await run(t, program, {}, conditions, prelude), ['function', 'function']);
  });

  test(`${condition}: requests, bodies, streams, apps, cookies, Digest, events, URLs`, async (t) => {
    const server = await serve(t, async (request, response) => {
      const { pathname } = new URL(request.url as string, 'http://x');
      if (pathname === '/digest' && request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5' }).end();
      } else if (pathname === '/digest') {
        response.end(/response="([\da-f]{32})"/.test(request.headers.authorization as string) ? 'digest' : 'wrong');
      } else if (pathname === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: one\n\ndata: two\n\n');
      } else if (pathname === '/cookie') {
        response.writeHead(200, { 'set-cookie': 'a=1' }).end();
      } else {
        response.end(`${request.method} ${request.headers['content-type']} ${await bodyOf(request)}`);
      }
    });
    const program = `
      const { Client, URL, Cookies, FetchDispatch, MockDispatch, Response } = whippet;
      const client = new Client({ baseUrl: args.origin });
      const out = {};
      out.get = (await client.get('/', { params: { 'ä': 'ö' } })).text;
      out.json = (await client.post('/', { json: { a: 'ü' } })).text;
      out.form = (await client.post('/', { data: { a: '1' }, files: { f: ['f', new Blob(['text'])] } })).text.length > 150;
      async function* chunks() { yield 'one '; yield new TextEncoder().encode('two'); }
      out.generator = (await client.post('/', { content: chunks() })).text;
      await using streamed = await client.stream('GET', '/');
      out.streamed = '';
      for await (const text of streamed.iterText()) out.streamed += text;
      out.digest = (await client.get('/digest', { auth: new whippet.DigestAuth('u', 'p') })).text;
      out.events = [];
      await using source = await client.stream('GET', '/events');
      for await (const event of source.events()) out.events.push(event.data);
      await client.get('/cookie');
      out.cookies = client.cookies.get('a') ?? null;
      out.url = String(new URL('http://BÜCHER.example:80/a b?q=ä#x'));
      out.unicode = new URL('http://xn--bcher-kva.example/').host;
      out.ipv6 = String(new URL('http://[0:0:0:0:0:0:0:1]:81/'));
      out.app = (await new Client({ app: { fetch: () => new globalThis.Response('app') } }).get('http://a/')).text;
      out.mock = (await new Client({ dispatch: new MockDispatch(() => new Response(200, { json: [1] })) }).get('http://a/')).json();
      out.error = (await client.get('/', { timeout: { total: 1 }, signal: AbortSignal.abort('enough') }).catch((error) => error));
      out.download = (await client.download('/', 'file').catch((error) => error)).code;
      out.jar = new Cookies(new tough.CookieJar()).jar instanceof tough.CookieJar;
      return out;`;
    t.deepEqual(await run(t, program, { origin: server.origin }, conditions), {
      get: 'GET undefined ',
      json: 'POST application/json {"a":"ü"}',
      form: true,
      generator: 'POST undefined one two',
      streamed: 'GET undefined ',
      digest: 'digest',
      events: ['one', 'two'],
      cookies: '1',
      url: 'http://xn--bcher-kva.example/a%20b?q=%C3%A4#x',
      unicode: 'bücher.example',
      ipv6: 'http://[::1]:81/',
      app: 'app',
      mock: [1],
      error: 'enough',
      download: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      jar: true,
    });
  });

  test(`${condition}: the network is PlatformDispatch, and options without effect are refused by name`, async (t) => {
    const program = `
      const { Client } = whippet;
      const why = (act) => { try { act(); return 'nothing'; } catch (error) { return error.message.split(': ')[0]; } };
      return [
        why(() => new Client({ poolLimits: { maxConnections: 1 } })),
        why(() => new Client({ proxies: 'http://proxy.test' })),
        why(() => new Client({ verify: false })),
        why(() => new Client({ timeout: { connect: 1 } })),
        why(() => new Client({ compress: 'gzip' })),
        why(() => new Client({ maxRedirects: 2 })),
        why(() => new Client()),
        (await whippet.get('http://unknown.invalid/', { headers: { host: 'x' } }).catch((error) => error)).name,
        (await new Client({ dispatch: new whippet.HTTPDispatch() }).get('http://a/').catch((error) => error)).code,
      ];`;
    t.deepEqual(await run(t, program, {}, conditions), [
      'poolLimits',
      'proxies',
      'verify',
      'timeout.connect',
      'compress',
      condition === 'browser' ? 'maxRedirects' : 'nothing',
      'nothing',
      'LocalProtocolError',
      'ERR_ADDON_NOT_LOADED',
    ]);
  });
}

test('browser: redirects are the platform’s; headers that a browser keeps to itself are refused', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/next' }).end();
    else response.end('next');
  });
  const program = `
    // As browsers do it, which Node does not: forbidden headers go, redirects that are not followed are hidden.
    globalThis.Request = class extends Request {
      constructor(url, init) { super(url, init); this.headers.delete('cookie'); }
    };
    const fetch = async (url, init) => {
      const response = await globalThis.fetch(url, init);
      return init.redirect === 'manual' && response.status === 302 ? { ...response, status: 0, type: 'opaqueredirect', headers: new Headers() } : response;
    };
    const client = new whippet.Client({ dispatch: new whippet.PlatformDispatch({ fetch }) });
    const followed = await client.get(args.origin);
    const hidden = await client.get(args.origin, { followRedirects: false }).catch((error) => error);
    const cookie = await client.get(args.origin, { headers: { cookie: 'a=1' } }).catch((error) => error);
    return [followed.text, followed.history.length, hidden.message, cookie.message];`;
  const [text, history, hidden, cookie] = (await run(t, program, { origin: server.origin })) as string[];
  t.is(text, 'next');
  t.is(Number(history), 0);
  t.regex(hidden, /a redirect came, and this platform hides it from scripts/);
  t.regex(cookie, /header Cookie: the platform's fetch does not send it for a script/i);
});
