/** What compiles and what does not: read by `tsc -p __test__/tsconfig.json`, never run. */
import { Readable } from 'node:stream';
import { CookieJar } from 'tough-cookie';
import { Auth, Client, Cookies, get, Headers, post, QueryParams, Request, Response, URL } from '../../src/index.js';
import type { AuthFlow, ClientOptions, RequestOptions, ResponseParts, SendOptions } from '../../src/index.js';

const url = 'http://example.org/';
const client = new Client();

// ── bodies: one of them ──

void client.post(url, { content: 'a' });
void client.post(url, { content: new Uint8Array(1) });
void client.post(url, { content: new ArrayBuffer(1) });
void client.post(url, { content: new Blob([]) });
void client.post(url, { content: new Blob([]).stream() });
void client.post(url, { content: Readable.from([]) });
void client.post(url, { content: [new Uint8Array(1)] });
void client.post(url, { json: { a: [1, null, 'x'] } });
void client.post(url, { json: null });
void client.post(url, { data: { a: 1, b: ['x', true, null], c: undefined } });
void client.post(url, { data: new URLSearchParams() });
void client.post(url, { data: new FormData() });
void client.post(url, { files: { a: new Blob([]), b: 'text', c: new Uint8Array(1), d: Readable.from([]) } });
void client.post(url, {
  files: { a: ['name', 'text'], b: [null, new Blob([]), 'a/b'], c: ['n', 'x', 'a/b', { X: '1' }] },
});
void client.post(url, { files: { a: [new Blob([]), ['name', 'text']] } });
void client.post(url, { files: [['a', 'x'] as const, ['a', ['name', 'x']] as const] });
void client.post(url, { data: { a: 1 }, files: { b: 'x' } });
// @ts-expect-error two bodies
void client.post(url, { content: 'a', json: 1 });
// @ts-expect-error two bodies
void client.post(url, { content: 'a', data: { a: 1 } });
// @ts-expect-error two bodies
void client.post(url, { json: {}, data: { a: 1 } });
// @ts-expect-error two bodies
void client.post(url, { json: {}, files: { a: 'x' } });
// @ts-expect-error two bodies
void client.post(url, { content: 'a', files: { a: 'x' } });
// @ts-expect-error two bodies of a Request
void new Request('POST', url, { content: 'a', json: 1 });
// @ts-expect-error two bodies of a module function
void post(url, { content: 'a', json: 1 });
// @ts-expect-error a number is no content
void client.post(url, { content: 5 });
// @ts-expect-error an object is no content
void client.post(url, { content: { a: 1 } });
// @ts-expect-error text is content
void client.post(url, { data: 'a=1' });
// @ts-expect-error a number is no file
void client.post(url, { files: { a: 5 } });
// @ts-expect-error the name comes first
void client.post(url, { files: { a: [5, 'x'] } });

// ── versions ──

void new Client({ httpVersions: 'HTTP/2' });
void new Client({ httpVersions: ['http/1.1', 'http/2'] });
// @ts-expect-error it is not spoken yet, and would throw
void new Client({ httpVersions: 'HTTP/3' });
// @ts-expect-error nor in a list
void new Client({ httpVersions: ['HTTP/2', 'HTTP/3'] });
void new Response(200, { httpVersion: 'HTTP/3' });

// ── a flow of one's own, in strict mode ──

export class Key extends Auth {
  async *authFlow(request: Request): AuthFlow {
    const response = yield request;
    if (response.statusCode === 401) yield request;
  }
}

// ── names ──

// @ts-expect-error a typo
void client.get(url, { parms: {} });
// @ts-expect-error a typo
void client.get(url, { header: {} });
// @ts-expect-error a typo in a module function
void get(url, { timeOut: 5 });
// @ts-expect-error a typo
void new Client({ baseURL: url });
// @ts-expect-error a typo
void new Request('GET', url, { header: {} });
// @ts-expect-error a typo
void new Response(200, { txt: '' });
// @ts-expect-error send() takes no body
void client.send(new Request('GET', url), { content: 'a' });
// @ts-expect-error nothing is sent for a request that is none
void client.send({ method: 'GET', url });
// @ts-expect-error a typo
void client.post(url, { data: {}, timeout: { conect: 5 } });

// ── values ──

void client.get(url, { params: { a: [1, 'x', true, null, 1n], b: undefined } });
void client.get(url, { params: [['a', 1]] as const });
void client.get(url, { params: new URLSearchParams() });
void client.get(url, { params: new QueryParams('a=1') });
void client.get(url, { headers: { a: '1', b: ['1', '2'], c: null, d: undefined } });
void client.get(url, { headers: new globalThis.Headers() });
void client.get(new globalThis.URL(url), { headers: new Headers() });
void new Request('GET', new URL(url), { cookies: { a: '1' } });
void new Cookies([['a', '1']] as const);
void new Cookies(new CookieJar());
// @ts-expect-error a number is no cookie
void new Cookies({ a: 1 });
// @ts-expect-error not every word is part of a scope
new Cookies().set('a', '1', { host: 'x' });
void new Client({ defaultEncoding: (content) => (content.length > 0 ? 'latin1' : 'utf-8') });
// @ts-expect-error a number is no encoding
void new Client({ defaultEncoding: 5 });

// ── what an interface or a class describes: its values are checked when they are read ──

interface Page {
  readonly page: number;
  readonly tags?: readonly string[];
  readonly sort: 'up' | 'down' | null;
}
interface Sent {
  'X-Request': string;
  accept?: string | undefined;
}
class Login {
  user = 'u';
  attempts = 1;
}
declare const page: Page;
declare const sent: Sent;
declare const some: Partial<Page> | undefined;
void client.get(url, { params: page, headers: sent });
void client.get(url, { params: some });
void client.post(url, { data: page, headers: sent });
void client.post(url, { data: new Login(), files: { a: 'x' } });
void client.post(url, { json: page });
void get(url, { params: page });
void new Client({ params: page, headers: sent });
void new Request('POST', url, { params: page, headers: sent, data: new Login() });
void new Headers(sent);
void new QueryParams(page);
void new URL(url).copyMergeParams(page);
// @ts-expect-error a number is no query
void client.get(url, { params: 5 });
// @ts-expect-error nor are headers
void client.get(url, { headers: true });

// ── results ──

interface User {
  name: string;
}
const response = new Response(200, { json: {} });
const user: User = response.json<User>();
const unknown: unknown = response.json();
// @ts-expect-error json() gives unknown unless it is told
response.json().name.toUpperCase();
const name: string | undefined = response.links.next?.url;
const value: string | undefined = new Cookies().get('a');
// @ts-expect-error it may be missing
const missing: string = new Headers().get('a');
// @ts-expect-error it is read-only
response.statusCode = 404;
// @ts-expect-error it is read-only
new URL(url).host = 'x';
for await (const piece of response) piece.subarray(0, 1).toString('latin1');
for await (const line of response.iterLines()) line.toUpperCase();
for (const [key, text] of response.headers) void `${key}${text}`;
for (const [key, text] of new Cookies()) void `${key}${text}`;

export const used: unknown[] = [user, unknown, name, value, missing];

// ── what others build on ──

export const options: RequestOptions = { json: 1, signal: AbortSignal.timeout(1) };
export const clientOptions: ClientOptions = { baseUrl: url, verify: false };
export const sendOptions: SendOptions = { stream: true, timeout: null };
export const init: ResponseParts = { text: 'a', headers: { a: 'b' } };

/** Options are passed on by those who wrap us. */
export function wrap(more: RequestOptions): Promise<Response> {
  return client.post(url, { ...more, headers: { a: 'b' } });
}
