/**
 * Every host of the pages: the requests of their programs come here through a proxy, with a certificate for whatever name was asked
 * for. Its routes are those of httpbin.org, whose answers the pages show, and a few of the pages' own.
 */
import type { ExecutionContext } from 'ava';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureContext, type SecureContext } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { bytesOf } from '../helpers/files.js';
import { listen } from '../helpers/listen.js';
import { serveProxy } from '../helpers/proxy.js';
import { testCA } from '../helpers/tls.js';

/** What a program needs in its environment to reach the origin. */
export interface Origin {
  readonly proxy: string;
  /** PEM of the authority that vouches for each host. */
  readonly ca: string;
}

/** Starts the origin and the way to it; they end with the test. */
export async function serveOrigin(t: ExecutionContext): Promise<Origin> {
  const ca = await testCA();
  const { cert, key } = await ca.issue();
  const http = await listen(t, createServer(onRequest), 'http', []);
  const server = createSecureServer(
    { cert, key, allowHTTP1: true, SNICallback: (name, done) => void identify(name, done) },
    onRequest,
  );
  // A client that leaves in the middle is the page's business.
  server.on('sessionError', () => {});
  const https = await listen(t, server, 'https', []);
  const isPlain = (authority: string): boolean => !/:\d+$/.test(authority) || authority.endsWith(':80');
  const proxy = await serveProxy(t, { lead: (authority) => (isPlain(authority) ? http.port : https.port) });
  return { proxy: proxy.origin, ca: ca.cert };
}

type Identified = (error: Error | null, context?: SecureContext) => void;
const contexts = new Map<string, Promise<SecureContext>>();
async function identify(name: string, done: Identified): Promise<void> {
  const issued = contexts.get(name) ?? issue(name);
  contexts.set(name, issued);
  try {
    done(null, await issued);
  } catch (error) {
    done(error as Error);
  }
}

async function issue(name: string): Promise<SecureContext> {
  const ca = await testCA();
  return createSecureContext(await ca.issue({ dnsNames: [name] }));
}

/** What the request is, in httpbin's form. */
interface Exchange {
  readonly method: string;
  readonly url: URL;
  /** As httpbin spells their names: `Accept-Encoding`. */
  readonly headers: Record<string, string>;
  /** The groups of the route's pattern. */
  readonly parts: readonly string[];
  readonly res: ServerResponse;
  body(): Promise<Buffer>;
  cookies(): Record<string, string>;
}

/** The body of this download, and of the file of this name in the program's folder. */
export const bigFile = bytesOf(6 * 1024 * 1024);
const bigETag = `"${createHash('sha256').update(bigFile).digest('hex').slice(0, 16)}"`;

const users = [
  { id: 1, name: 'Ada' },
  { id: 2, name: 'Grace' },
];

/** Pattern → answer: an object is sent as JSON, text as text; null was answered already. The first that fits. */
const ROUTES: [pattern: RegExp, answer: (exchange: Exchange) => unknown][] = [
  [/^\/$/, () => 'Hello World!'],
  [/^\/(?:get|post|put|patch|delete|anything)(?:\/.*)?$/, echo],
  [/^\/headers$/, ({ headers }) => ({ headers })],
  [/^\/user-agent$/, ({ headers }) => ({ 'user-agent': headers['User-Agent'] })],
  [/^\/status\/(\d+)$/, status],
  [/^\/delay\/(\d+)$/, slowly],
  [/^\/redirect\/(\d+)$/, ({ parts: [n], res }) => redirect(res, n === '1' ? '/get' : `/redirect/${Number(n) - 1}`)],
  [/^\/redirect-to$/, ({ url, res }) => redirect(res, url.searchParams.get('url') ?? '/')],
  [/^\/cookies$/, (exchange) => ({ cookies: exchange.cookies() })],
  [/^\/cookies\/set$/, setCookies],
  [/^\/basic-auth\/([^/]+)\/([^/]+)$/, basicAuth],
  [/^\/bearer$/, bearer],
  [/^\/gzip$/, echo],
  [/^\/bytes\/(\d+)$/, ({ parts: [n], res }) => bytes(res, bytesOf(Number(n)))],
  [/^\/stream\/(\d+)$/, lines],
  [/^\/(?:sse|events|changes)$|\/chat(?:\/completions)?$|^\/v1\/responses$/, events],
  [
    /\.ndjson$/,
    ({ res }) =>
      sent(res, 'application/x-ndjson', '{"level":"info","message":"up"}\n{"level":"warn","message":"hot"}\n'),
  ],
  [/\.(?:iso|bin|zip|tar)$/, file],
  [/\/users$/, ({ method, body }) => (method === 'GET' ? users : created(body))],
  [/\/users\/(\d+)$/, ({ parts: [id], res }) => users.find((user) => user.id === Number(id)) ?? notFound(res)],
  [/\/login$/, ({ res }) => (res.setHeader('set-cookie', 'session=abc; Path=/; HttpOnly'), { ok: true })],
  [/\/missing$/, ({ res }) => notFound(res)],
  [/^/, echo],
];

function onRequest(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  // Node's HTTP/2 objects have the members of its HTTP/1 ones that are used here.
  const req = request as IncomingMessage;
  const res = response as ServerResponse;
  req.on('error', () => {});
  res.on('error', () => {});
  const host = req.headers.host ?? String(req.headers[':authority' as never] ?? 'localhost');
  const scheme = 'encrypted' in req.socket ? 'https' : 'http';
  const url = new URL(req.url ?? '/', `${scheme}://${host}`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(req.headers))
    if (!name.startsWith(':')) headers[spelled(name)] = String(value);
  headers.Host = host;
  let read: Promise<Buffer> | undefined;
  const body = (): Promise<Buffer> => (read ??= decoded(req));
  const cookies = (): Record<string, string> =>
    Object.fromEntries(
      (headers.Cookie ?? '')
        .split(/; */)
        .filter(Boolean)
        .map((pair) => pair.split('=') as [string, string]),
    );
  const [pattern, answer] = ROUTES.find(([pattern]) => pattern.test(url.pathname))!;
  const parts = pattern.exec(url.pathname)!.slice(1);
  void (async () => {
    try {
      const value = await answer({ method: req.method ?? '', url, headers, parts, res, body, cookies });
      if (value === null) return;
      if (typeof value === 'string') sent(res, 'text/plain; charset=utf-8', value);
      else sent(res, 'application/json', JSON.stringify(value));
    } catch {
      res.destroy();
    }
  })();
}

async function decoded(req: IncomingMessage): Promise<Buffer> {
  const bytes = Buffer.concat((await req.toArray()) as Buffer[]);
  const coding = req.headers['content-encoding'];
  if (coding === 'gzip') return gunzipSync(bytes);
  return coding === 'br' ? brotliDecompressSync(bytes) : bytes;
}

function spelled(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function sent(res: ServerResponse, type: string, body: string | Buffer): null {
  res.setHeader('content-type', type);
  res.setHeader('content-length', Buffer.byteLength(body));
  res.end(body);
  return null;
}

function bytes(res: ServerResponse, body: Buffer): null {
  return sent(res, 'application/octet-stream', body);
}

function redirect(res: ServerResponse, location: string): null {
  res.statusCode = 302;
  res.setHeader('location', location);
  res.end();
  return null;
}

async function created(body: Exchange['body']): Promise<object> {
  return { id: 3, ...(JSON.parse((await body()).toString() || '{}') as object) };
}

function notFound(res: ServerResponse): object {
  res.statusCode = 404;
  return { error: 'not found' };
}

/** httpbin's /get, /post …: what was sent, as JSON. */
async function echo({ method, url, headers, body }: Exchange): Promise<object> {
  const args = entriesOf(url.searchParams);
  const isAnything = url.pathname.startsWith('/anything');
  const common = { headers, origin: '127.0.0.1', url: url.href, ...(isAnything && { method }) };
  if (method === 'GET' || method === 'HEAD') return { args, ...common };
  const bytes = await body();
  const type = headers['Content-Type'] ?? '';
  const form: Record<string, unknown> = {};
  const files: Record<string, unknown> = {};
  if (/^(?:multipart\/form-data|application\/x-www-form-urlencoded)/.test(type)) {
    const parsed = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
    for (const [name, value] of parsed) {
      const target = typeof value === 'string' ? form : files;
      target[name] =
        name in target ? [target[name], value].flat() : typeof value === 'string' ? value : await value.text();
    }
    return { args, data: '', files, form, json: null, ...common };
  }
  const data = bytes.toString();
  return { args, data, files, form, json: type.includes('json') ? JSON.parse(data) : null, ...common };
}

function entriesOf(params: URLSearchParams): Record<string, unknown> {
  const names = [...new Set(params.keys())];
  return Object.fromEntries(
    names.map((name) => [name, params.getAll(name).length > 1 ? params.getAll(name) : params.get(name)]),
  );
}

function status({ parts: [code], res }: Exchange): null {
  res.statusCode = Number(code);
  if (code === '503' || code === '429') res.setHeader('retry-after', '0');
  res.end();
  return null;
}

async function slowly(exchange: Exchange): Promise<object> {
  await delay(Number(exchange.parts[0]) * 1000, undefined, { ref: false });
  return echo(exchange);
}

function setCookies({ url, res }: Exchange): null {
  const set = [...url.searchParams].map(([name, value]) => `${name}=${value}; Path=/`);
  res.setHeader('set-cookie', set);
  return redirect(res, '/cookies');
}

function basicAuth({ headers, parts: [user, password], res }: Exchange): object | null {
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  if (headers.Authorization === wanted) return { authenticated: true, user };
  res.statusCode = 401;
  res.setHeader('www-authenticate', 'Basic realm="Fake Realm"');
  res.end();
  return null;
}

function bearer({ headers, res }: Exchange): object | null {
  const [scheme, token] = (headers.Authorization ?? '').split(' ');
  if (scheme === 'Bearer') return { authenticated: true, token };
  res.statusCode = 401;
  res.end();
  return null;
}

function lines({ parts: [n], res }: Exchange): null {
  const text = Array.from({ length: Number(n) }, (_, id) => `${JSON.stringify({ id })}\n`).join('');
  return sent(res, 'application/x-ndjson', text);
}

/** Two events, and the end that language models' APIs have. */
function events({ headers, res }: Exchange): null {
  if ('Last-Event-Id' in headers) {
    // Nothing more: a client that connected again is told to stop.
    res.statusCode = 204;
    res.end();
    return null;
  }
  res.setHeader('content-type', 'text/event-stream');
  const choice = (text: string): string => JSON.stringify({ choices: [{ delta: { content: text } }] });
  res.write(`id: 1\ndata: ${choice('Hello')}\n\n`);
  res.end(`id: 2\ndata: ${choice(' World')}\n\ndata: [DONE]\n\n`);
  return null;
}

/** A file, or the range of it that was asked for. */
function file({ headers, res }: Exchange): null {
  res.setHeader('etag', bigETag);
  res.setHeader('accept-ranges', 'bytes');
  const [, from] = /^bytes=(\d+)-$/.exec(headers.Range ?? '') ?? [];
  if (from === undefined) return bytes(res, bigFile);
  res.statusCode = 206;
  res.setHeader('content-range', `bytes ${from}-${bigFile.length - 1}/${bigFile.length}`);
  return bytes(res, bigFile.subarray(Number(from)));
}
