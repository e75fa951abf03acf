/** `client.events()`: server-sent events over as many connections as it takes (WHATWG HTML 9.2.3). */
import test, { type ExecutionContext } from 'ava';
import { inspect } from 'node:util';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Client,
  type ClientOptions,
  ClientClosed,
  ConnectError,
  type EventsOptions,
  type ReconnectOptions,
  HTTPStatusError,
  ReadTimeout,
  RemoteProtocolError,
  type ServerSentEvent,
  TotalTimeout,
} from '../../src/index.js';
import { backoffOf } from '../../src/client/events.js';
import { endsWith, start } from '../helpers/child.js';
import { eventually, failure, openClient } from '../helpers/client.js';
import { refusedOrigin, serve, serveRaw, type HttpServer } from '../helpers/server.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

/** Answers the n-th request by the n-th answer, and from then on with 204. */
function serveAnswers(t: ExecutionContext, ...answers: Answer[]): Promise<HttpServer> {
  let count = 0;
  return serve(t, (request, response) => {
    const answer = answers[count++];
    if (answer === undefined) return response.writeHead(204).end();
    response.setHeader('content-type', 'text/event-stream');
    return answer(response, request);
  });
}

async function dataOf(events: AsyncIterable<ServerSentEvent>, seen: string[] = []): Promise<string[]> {
  for await (const { data } of events) seen.push(data);
  return seen;
}

const whole =
  (text: string): Answer =>
  (response) =>
    response.end(text);
/** What was written is out, then the socket goes. */
const cut =
  (text: string): Answer =>
  (response) =>
    response.write(text, () => setImmediate(() => response.socket?.destroy()));
const status =
  (code: number, headers = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('no');

const quick: ReconnectOptions = { retry: 1 };

test('the request: Accept, Cache-Control, no Last-Event-ID', async (t) => {
  const server = await serveAnswers(t);
  t.deepEqual(await dataOf(openClient(t).events('GET', server.url)), []);
  const [{ headers }] = server.requests;
  t.is(headers.accept, 'text/event-stream');
  t.is(headers['cache-control'], 'no-store');
  t.is(headers['last-event-id'], undefined);
});

test('an Accept of one’s own wins, the request’s or the client’s; null removes', async (t) => {
  const server = await serveAnswers(t);
  const client = openClient(t, { headers: { accept: 'application/x-mine', 'x-gone': '1' } });
  await dataOf(client.events('GET', server.url, { headers: { 'x-gone': null } }));
  await dataOf(client.events('GET', server.url, { headers: { accept: 'a/b', 'cache-control': 'no-cache' } }));
  t.deepEqual(
    server.requests.map(({ headers }) => [headers.accept, headers['cache-control'], headers['x-gone']]),
    [
      ['application/x-mine', 'no-store', undefined],
      ['a/b', 'no-cache', '1'],
    ],
  );
});

const LOST: [title: string, answer: Answer][] = [
  ['an end', whole('id: 1\ndata: a\n\n')],
  ['a cut', cut('id: 1\ndata: a\n\ndata: lost')],
  ['a cut behind an id without its empty line', cut('id: 1\ndata: a\n\nid: 2\n')],
];

for (const [title, answer] of LOST) {
  test(`after ${title} it connects again, with Last-Event-ID`, async (t) => {
    const server = await serveAnswers(t, answer, whole('data: b\n\n'));
    t.deepEqual(await dataOf(openClient(t).events('GET', server.url, quick)), ['a', 'b']);
    t.deepEqual(
      server.requests.map(({ headers }) => headers['last-event-id']),
      [undefined, '1', '1'],
    );
  });
}

for (const [id, sent] of [
  ['  padded\t', 'padded'],
  ['a\tb', 'a\tb'],
  ['   ', undefined],
  ['bell\x07', undefined],
  ['\x7f', undefined],
] as const) {
  test(`an id that no header can carry as it is: ${JSON.stringify(id)}`, async (t) => {
    const server = await serveAnswers(t, whole(`id:${id}\ndata: a\n\n`), whole('data: b\n\n'));
    t.deepEqual(await dataOf(openClient(t).events('GET', server.url, quick)), ['a', 'b']);
    t.is(server.requests[1].headers['last-event-id'], sent);
  });
}

for (const code of [500, 502, 503, 504, 599]) {
  test(`after ${code} it connects again`, async (t) => {
    const server = await serveAnswers(t, status(code), whole('data: a\n\n'));
    t.deepEqual(await dataOf(openClient(t).events('GET', server.url, quick)), ['a']);
  });
}

test('after refused connections it connects again, until it is reached', async (t) => {
  const origin = await refusedOrigin();
  const server = await serveAnswers(t, whole('data: a\n\n'));
  let tries = 0;
  const client = openClient(t, {
    eventHooks: {
      request: [
        (request) => {
          if (++tries === 3) request.url = request.url.copyWith({ port: Number(new URL(server.url).port) });
        },
      ],
    },
  });
  const events = client.events('GET', origin, quick);
  t.is((await events.next()).value?.data, 'a');
  await events.return?.();
  t.is(tries, 3);
});

for (const code of [400, 401, 403, 404, 429, 301, 304]) {
  test(`${code} ends it as an HTTPStatusError`, async (t) => {
    const server = await serveAnswers(t, status(code));
    const error = (await failure(dataOf(openClient(t).events('GET', server.url, quick)))) as HTTPStatusError;
    t.true(error instanceof HTTPStatusError, String(error));
    t.is(error.response.statusCode, code);
    t.is(server.requests.length, 1);
  });
}

for (const type of ['text/plain', 'application/json', 'text/event-streams', '']) {
  test(`another content type ends it: '${type}'`, async (t) => {
    const server = await serveAnswers(t, (response) => {
      if (type === '') response.removeHeader('content-type');
      else response.setHeader('content-type', type);
      response.end('data: a\n\n');
    });
    const error = await failure(dataOf(openClient(t).events('GET', server.url, quick)));
    t.true(error instanceof RemoteProtocolError);
    t.regex(error.message, /expected an event stream \(text\/event-stream\)/);
  });
}

test('parameters and capitals of the content type do not matter', async (t) => {
  const server = await serveAnswers(t, (response) => {
    response.setHeader('content-type', 'Text/Event-Stream; charset=UTF-8');
    response.end('data: a\n\n');
  });
  t.deepEqual(await dataOf(openClient(t).events('GET', server.url, quick)), ['a']);
});

test('POST is never sent twice unasked, whatever happens', async (t) => {
  for (const answer of [whole('data: a\n\n'), cut('data: a\n\n'), status(503)]) {
    const server = await serveAnswers(t, answer, whole('data: twice\n\n'));
    const seen: string[] = [];
    await dataOf(openClient(t).events('POST', server.url, { ...quick, json: {} }), seen).catch(() => {});
    t.false(seen.includes('twice'));
    t.is(server.requests.length, 1);
  }
});

test('POST connects again when asked, with its body and the id', async (t) => {
  const bodies: string[] = [];
  const server = await serveAnswers(
    t,
    ...[0, 1].map((n): Answer => async (response, request) => {
      bodies.push(Buffer.concat(await request.toArray()).toString());
      response.end(`id: ${n}\ndata: ${n}\n\n`);
    }),
  );
  const events = openClient(t).events('POST', server.url, { ...quick, json: { q: 1 }, reconnect: true });
  t.deepEqual(await dataOf(events), ['0', '1']);
  t.deepEqual(bodies, ['{"q":1}', '{"q":1}']);
  t.deepEqual(
    server.requests.map(({ method, headers }) => [method, headers['last-event-id']]),
    [
      ['POST', undefined],
      ['POST', '0'],
      ['POST', '1'],
    ],
  );
});

test('reconnect: false ends with the stream, or with its error', async (t) => {
  const server = await serveAnswers(t, whole('data: a\n\n'));
  t.deepEqual(await dataOf(openClient(t).events('GET', server.url, { reconnect: false })), ['a']);
  const broken = await serveAnswers(t, cut('data: a\n\n'));
  const seen: string[] = [];
  const error = await failure(dataOf(openClient(t).events('GET', broken.url, { reconnect: false }), seen));
  t.deepEqual(seen, ['a']);
  t.true(error instanceof RemoteProtocolError, String(error));
  const refused = await failure(dataOf(openClient(t).events('GET', await refusedOrigin(), { reconnect: false })));
  t.true(refused instanceof ConnectError);
});

test('reconnect: a number counts those in a row without an event', async (t) => {
  const server = await serveAnswers(
    t,
    status(503),
    status(503),
    whole('data: a\n\n'),
    status(503),
    status(503),
    whole('data: no\n\n'),
  );
  const seen: string[] = [];
  const error = (await failure(
    dataOf(openClient(t).events('GET', server.url, { ...quick, reconnect: 2 }), seen),
  )) as HTTPStatusError;
  t.deepEqual(seen, ['a']);
  t.is(error.response?.statusCode, 503);
  t.is(server.requests.length, 5);
});

test('the server’s retry is obeyed from then on', async (t) => {
  const server = await serveAnswers(t, whole('retry: 1\ndata: a\n\n'), cut('data: b\n\n'), whole('data: c\n\n'));
  // The default is three seconds, AVA's limit for a test that does nothing is far more: only its end shows it.
  t.deepEqual(
    await dataOf(openClient(t).events('GET', server.url, { retry: 2 ** 31 - 1, reconnect: 3 })).catch(() => 'late'),
    ['a', 'b', 'c'],
  );
});

for (const [asked, waited] of [
  ['3600001', 3_600_000],
  ['99999999999999999999', 3_600_000],
  ['9'.repeat(400), 3_600_000],
  ['200000', 200_000],
] as const) {
  test(`of retry: ${asked.slice(0, 25)} the server gets ${waited} ms`, async (t) => {
    const server = await serveAnswers(t, cut(`retry: ${asked}\ndata: a\n\n`), whole('data: b\n\n'));
    const program = `
      const waits = [];
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (call, ms, ...rest) => {
        if (ms >= 100_000) waits.push(ms);
        return setTimeout(call, ms >= 100_000 ? 0 : ms, ...rest);
      };
      const client = new whippet.Client();
      for await (const { data } of client.events('GET', args.url)) if (data === 'b') break;
      console.log(JSON.stringify(waits));`;
    t.is(endsWith(t, await start(t, program, { url: server.url }).ended), `[${waited}]\n`);
  });
}

for (const [title, text, expected] of [
  ['without an event', 'retry: 0\n\n', [10, 20, 40, 80, 160]],
  ['with an event each', 'retry: 0\ndata: a\n\n', [10, 10, 10, 10, 10]],
] as const) {
  test(`a server that asks for retry: 0 and closes at once, ${title}, is not asked without a pause`, async (t) => {
    const server = await serveAnswers(t, ...Array.from({ length: 5 }, () => whole(text)));
    const program = `
      const waits = [];
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (call, ms, ...rest) => {
        if (ms < 1000) waits.push(ms);
        return setTimeout(call, 0, ...rest);
      };
      const client = new whippet.Client();
      for await (const _ of client.events('GET', args.url));
      console.log(JSON.stringify(waits));`;
    t.is(endsWith(t, await start(t, program, { url: server.url }).ended), `${JSON.stringify(expected)}\n`);
    t.is(server.requests.length, 6);
  });
}

test('lastEventId: sent with the first request, in UTF-8; an empty id of the server takes it back', async (t) => {
  const server = await serveAnswers(t, whole('data: a\n\n'), whole('id\ndata: b\n\n'));
  t.deepEqual(await dataOf(openClient(t).events('GET', server.url, { ...quick, lastEventId: 'né' })), ['a', 'b']);
  t.deepEqual(
    server.requests.map(
      ({ headers }) => headers['last-event-id'] && Buffer.from(`${headers['last-event-id']}`, 'latin1').toString(),
    ),
    ['né', 'né', undefined],
  );
});

test('leaving the loop ends it: the connection, the waiting, the reconnecting', async (t) => {
  let sockets = 0;
  const server = await serveAnswers(t, (response) => {
    sockets++;
    response.socket?.once('close', () => sockets--);
    response.write('data: a\n\n');
  });
  const client = openClient(t);
  for await (const { data } of client.events('GET', server.url, quick)) {
    t.is(data, 'a');
    break;
  }
  await eventually('the connection is closed', () => sockets === 0);
  t.is(server.requests.length, 1);

  const waiting = client.events('GET', await refusedOrigin(), { retry: 2 ** 30 });
  const next = waiting.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await waiting.return?.();
  t.true((await next).done);
});

test('signal ends it anywhere, with its reason', async (t) => {
  const server = await serveAnswers(t, (response) => response.write('data: a\n\n'));
  const reason = new Error('mine');
  const places: [title: string, url: string, options: EventsOptions][] = [
    ['while it is read', server.url, {}],
    ['while it waits to connect again', await refusedOrigin(), { retry: 2 ** 30 }],
  ];
  for (const [title, url, options] of places) {
    const controller = new AbortController();
    const error = failure(dataOf(openClient(t).events('GET', url, { ...options, signal: controller.signal })));
    await new Promise((resolve) => setTimeout(resolve, 30));
    controller.abort(reason);
    t.is(await error, reason, title);
  }
  const before = await failure(dataOf(openClient(t).events('GET', server.url, { signal: AbortSignal.abort(reason) })));
  t.is(before, reason);
});

test('silence is bounded by the read timeout: another connection, or the error', async (t) => {
  const silent: Answer = (response) => response.write('id: 4\ndata: a\n\n');
  const server = await serveAnswers(t, silent, whole('data: b\n\n'));
  const client = openClient(t, { timeout: { read: 2000 } });
  t.deepEqual(await dataOf(client.events('GET', server.url, quick)), ['a', 'b']);
  t.is(server.requests[1].headers['last-event-id'], '4');
  const again = await serveAnswers(t, silent);
  t.true((await failure(dataOf(client.events('GET', again.url, { reconnect: false })))) instanceof ReadTimeout);
});

test('total is the caller’s bound: it ends the events', async (t) => {
  const server = await serveAnswers(t, (response) => response.write('data: a\n\n'));
  const error = await failure(dataOf(openClient(t).events('GET', server.url, { ...quick, timeout: { total: 100 } })));
  t.true(error instanceof TotalTimeout, String(error));
});

test('an event beyond maxEventSize ends it, and is not asked for again', async (t) => {
  const server = await serveAnswers(t, whole(`data: a\n\ndata: ${'x'.repeat(100)}\n\n`), whole('data: no\n\n'));
  const seen: string[] = [];
  const error = await failure(dataOf(openClient(t).events('GET', server.url, { ...quick, maxEventSize: 50 }), seen));
  t.deepEqual(seen, ['a']);
  t.regex(error.message, /maxEventSize \(50 bytes\)/);
  t.is(server.requests.length, 1);
});

test('redirects, auth and cookies as ever, on each connection', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') return response.writeHead(302, { location: '/there', 'set-cookie': 'a=1' }).end();
    if (server.requests.length > 4) return response.writeHead(204).end();
    response.setHeader('content-type', 'text/event-stream');
    return response.end(`data: ${request.headers.authorization} ${request.headers.cookie}\n\n`);
  });
  const client = openClient(t, { auth: ['u', 'p'] });
  t.deepEqual(await dataOf(client.events('GET', server.url, quick)), ['Basic dTpw a=1', 'Basic dTpw a=1']);
});

for (const [retry, failures, wait] of [
  [0, 0, 10],
  [9, 0, 10],
  [11, 0, 11],
  [0, 1, 20],
  [0, 2, 40],
  [0, 50, 60_000],
  [3000, 0, 3000],
  [3000, 1, 6000],
  [3000, 50, 60_000],
  [100_000, 3, 100_000],
  [Infinity, 0, 2 ** 31 - 1],
] as const) {
  test(`retry: ${retry}, ${failures} connections without an event: ${wait} ms`, (t) =>
    t.is(backoffOf(retry, failures), wait));
}

for (const signal of [{}, 1, 'x', true]) {
  test(`a signal that is none: ${JSON.stringify(signal)}`, (t) => {
    t.throws(() => openClient(t).events('GET', 'http://127.0.0.1:1/', { signal: signal as never }), {
      message: /^signal: expected an AbortSignal/,
    });
  });
}

test('a closed client', async (t) => {
  const client = new Client();
  await client.close();
  t.true((await failure(dataOf(client.events('GET', 'http://127.0.0.1:1/')))) instanceof ClientClosed);
});

test('over HTTP/1.0 without a length, and raw', async (t) => {
  const server = await serveRaw(t, [
    'HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: a\n\ndata: b\n\n',
  ]);
  const seen: string[] = [];
  for await (const { data } of openClient(t).events('GET', server.url, quick)) {
    seen.push(data);
    if (seen.length === 2) break;
  }
  t.deepEqual(seen, ['a', 'b']);
});

test('events of an app in this process', async (t) => {
  let count = 0;
  const app: ClientOptions['app'] = (request: Request) =>
    count++ === 2
      ? new Response(null, { status: 204 })
      : new Response(`id: ${count}\ndata: ${request.headers.get('last-event-id')}\n\n`, {
          headers: { 'content-type': 'text/event-stream' },
        });
  t.deepEqual(await dataOf(openClient(t, { app }).events('GET', 'http://app/', quick)), ['null', '1']);
});

const BAD: [options: Record<string, unknown>, message: RegExp][] = [
  [{ retry: '1' }, /retry: expected milliseconds, got string/],
  [{ retry: -1 }, /retry: -1 is not allowed/],
  [{ retry: Number.NaN }, /retry: NaN is not allowed/],
  [{ retry: Infinity }, /retry: Infinity is not allowed/],
  [{ retry: 2 ** 31 }, /retry: 2147483648 is not allowed, expected milliseconds from 0 to 2147483647/],
  [{ reconnect: 'yes' }, /reconnect: expected true, false or a number, got string/],
  [{ reconnect: 1.5 }, /reconnect: 1.5 is not allowed/],
  [{ reconnect: -1 }, /reconnect: -1 is not allowed/],
  [{ lastEventId: 7 }, /lastEventId: expected a string, got number/],
  [{ lastEventId: 'a\nb' }, /lastEventId: NUL, CR and LF are not allowed/],
  [{ lastEventId: 'a\0' }, /lastEventId: NUL, CR and LF are not allowed/],
  [{ maxEventSize: 0 }, /maxEventSize: 0 is not allowed/],
  [{ lastEventID: '1' }, /lastEventID/],
];

for (const [options, message] of BAD) {
  test(`bad options: ${inspect(options)}`, (t) => {
    t.throws(() => openClient(t).events('GET', 'http://127.0.0.1:1/', options as EventsOptions), { message });
  });
}
