/**
 * Functions that are called while a request is under way: what they throw, and what they reject with where they are async, is what the
 * request rejects with. AVA fails the run for any rejection that is left over.
 */
import test, { type ExecutionContext } from 'ava';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type Client,
  type ClientOptions,
  Headers,
  MockDispatch,
  type RequestOptions,
  Response,
  TotalTimeout,
} from '../../src/index.js';
import { eventually, failure, gate, openClient, soon } from '../helpers/client.js';
import { serve, serveRaw } from '../helpers/server.js';

type Callback = () => unknown;

const mine = new Error('mine');

const FAILING: [title: string, make: () => Callback][] = [
  ['throws', () => () => fail()],
  ['rejects', () => async () => fail()],
  ['rejects later', () => async () => (await turn(), await turn(), fail())],
  // oxlint-disable-next-line unicorn/no-thenable -- a library's promise
  ['is a thenable that fails', () => () => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject(mine) })],
  ['rejects the last time', () => lastOf(3)],
];

/** The calls, each by the option that it has. */
const CALLS: [option: keyof RequestOptions, title: string, call: (client: Client, url: string, given: object) => Promise<unknown>][] = [
  ['onUploadProgress', 'a stream', (client, url, given) => client.post(url, { content: pieces(4), ...given })],
  ['onUploadProgress', 'bytes', (client, url, given) => client.post(url, { content: 'x'.repeat(900_000), ...given })],
  ['onUploadProgress', 'a stream, the answer too', (client, url, given) => client.stream('POST', url, { content: pieces(4), ...given })],
  ['onDownloadProgress', 'the whole', (client, url, given) => client.get(url, given)],
  ['onDownloadProgress', 'a stream', async (client, url, given) => (await client.stream('GET', url, given)).read()],
  ['onDownloadProgress', 'pieces', async (client, url, given) => { for await (const _ of await client.stream('GET', url, given)); }],
  ['onDownloadProgress', 'a file', (client, url, given) => client.download(url, temporary(), given)],
  ['onDownloadProgress', 'events', async (client, url, given) => { for await (const _ of client.events('GET', `${url}/events`, { reconnect: false, ...given })); }],
  ['onInformational', 'the whole', (client, url, given) => client.get(url, given)],
  ['onInformational', 'a stream', (client, url, given) => client.stream('GET', url, given)],
]; // prettier-ignore

const WAYS: [title: string, options: ClientOptions][] = [
  ['', {}],
  [', with hooks', { eventHooks: { response: [() => {}] } }],
  [', with retries', { retries: 2 }],
];

for (const [option, kind, call] of CALLS) {
  for (const [title, make] of FAILING) {
    for (const [way, options] of WAYS) {
      test(`${option} of ${kind} ${title}${way}: the request rejects with it`, async (t) => {
        const url = await serveAll(t);
        const client = openClient(t, options);
        t.is(await failure(soon('the call', call(client, url, { [option]: make() }))), mine);
        await eventually('nothing is in use', () => client.pool.active === 0);
      });
    }
  }
}

for (const [option, kind, call] of CALLS) {
  test(`${option} of ${kind} is async: the request ends when it has`, async (t) => {
    const url = await serveAll(t);
    const { promise, open } = gate();
    let calls = 0;
    let isOver = false;
    const done = call(openClient(t), url, { [option]: () => (calls++, promise) }).finally(() => (isOver = true));
    await eventually('it is called', () => calls > 0);
    await turn();
    t.false(isOver);
    open();
    await soon('the call', done);
  });

  test(`${option} of ${kind} never ends: the signal and the total timeout do`, async (t) => {
    const url = await serveAll(t);
    const client = openClient(t);
    const controller = new AbortController();
    const stuck = () => new Promise(() => {});
    const abort = () => (setImmediate(() => controller.abort(mine)), stuck());
    t.is(await failure(soon('the abort', call(client, url, { [option]: abort, signal: controller.signal }))), mine);
    const late = await failure(soon('the timeout', call(client, url, { [option]: stuck, timeout: { total: 300 } })));
    t.true(late instanceof TotalTimeout, String(late));
  });
}

test('a callback that fails after the response was closed concerns no caller', async (t) => {
  const url = await serveAll(t);
  const { promise, open } = gate();
  const response = await openClient(t).stream('GET', url, { onDownloadProgress: async () => (await promise, fail()) });
  for await (const _ of response) break;
  await response.close();
  open();
  await turn();
  t.true(response.isClosed);
});

test('a server that says no more: the rejection ends the request all the same', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  const client = openClient(t);
  const later = async () => (await turn(), fail());
  t.is(await failure(soon('the call', client.get(server.url, { onDownloadProgress: later }))), mine);
  const silent = await serveRaw(t, '');
  t.is(await failure(soon('the call', client.post(silent.url, { content: 'abc', onUploadProgress: later }))), mine);
});

test('the signal is listened to once, and no longer than the request', async (t) => {
  const url = await serveAll(t);
  const client = openClient(t);
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...given: unknown[]) => (listeners++, Reflect.apply(addEventListener, signal, given));
  signal.removeEventListener = (...given: unknown[]) => (
    listeners--,
    Reflect.apply(removeEventListener, signal, given)
  );
  const onDownloadProgress = async () => void (await turn());
  await Promise.all(Array.from({ length: 20 }, () => client.get(url, { onDownloadProgress, signal })));
  t.is(listeners, 0);
});

test('a dispatch of one’s own gets a signal that is aborted by the rejection', async (t) => {
  let signal: AbortSignal | undefined;
  const dispatch = {
    async send(
      _: unknown,
      given: { signal?: AbortSignal; onInformational?: (status: number, headers: Headers) => void },
    ) {
      ({ signal } = given);
      given.onInformational?.(103, new Headers());
      return new Promise<Response>(() => {});
    },
  };
  const given = { onInformational: async () => fail() };
  t.is(await failure(soon('the call', openClient(t, { dispatch }).get('http://example.org', given))), mine);
  t.true(signal instanceof AbortSignal);
  t.is(signal?.reason, mine);
});

test('a response made by hand: progress is told, and waited for', async (t) => {
  const dispatch = new MockDispatch(() => new Response(200, { content: pieces(2) }));
  const client = openClient(t, { dispatch });
  t.is(
    await failure(client.get('http://example.org', { onDownloadProgress: async () => (await turn(), fail()) })),
    mine,
  );
  const done: number[] = [];
  const onDownloadProgress = async (received: number) => (await turn(), void done.push(received));
  t.is((await client.get('http://example.org', { onDownloadProgress })).content.length, 200);
  t.is(done.at(-1), 200);
});

test('what must return something at once, and is async: it is named, and nothing is left over', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(503, { 'content-type': 'text/plain' }).end('ok'));
  const rejecting = (async () => fail()) as never;
  const backoff = await failure(openClient(t, { retries: { limit: 1, backoff: rejecting } }).get(server.url));
  t.regex(String(backoff), /^TypeError: retries\.backoff: expected milliseconds, it returned Promise$/);
  const response = await openClient(t, { defaultEncoding: rejecting }).get(server.url);
  t.throws(() => response.text, {
    instanceOf: TypeError,
    message: /^defaultEncoding: expected the name of an encoding, it returned Promise$/,
  });
  t.is(response.content.toString(), 'ok');
  await turn();
});

/** 103, then 300 kB in pieces; as events below `/events`. */
async function serveAll(t: ExecutionContext): Promise<string> {
  const { url } = await serve(t, (request, response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.writeEarlyHints({ link: '</b>; rel=preload' });
    response.writeEarlyHints({ link: '</c>; rel=preload' });
    request.resume().once('end', async () => {
      const isEvents = request.url?.endsWith('/events') === true;
      response.writeHead(200, { 'content-type': isEvents ? 'text/event-stream' : 'text/plain' });
      for (let i = 0; i < 4; i++) {
        response.write(isEvents ? `data: ${'x'.repeat(75_000)}\n\n` : 'x'.repeat(75_000));
        await turn();
      }
      response.end();
    });
  });
  return url;
}

function fail(): never {
  throw mine;
}

/** Fine before the n-th call. */
function lastOf(n: number): Callback {
  let calls = 0;
  return async () => {
    if (++calls === n) fail();
  };
}

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(100, 'x');
}

const folder = mkdtempSync(path.join(tmpdir(), 'whippet-callbacks-'));
test.after.always(() => rmSync(folder, { recursive: true }));
let files = 0;
const temporary = (): string => path.join(folder, String(files++));
