/** `response.events()`: WHATWG HTML 9.2.6 row by row, at every place where a chunk may end. */
import test from 'ava';
import assert from 'node:assert';
import { inspect } from 'node:util';
import { createParser } from 'eventsource-parser';
import * as fc from '../helpers/fast-check.js';
import {
  Client,
  DecodingError,
  MockDispatch,
  RemoteProtocolError,
  Response,
  ServerSentEvent,
} from '../../src/index.js';
import { gate, failure, openClient } from '../helpers/client.js';
import { serve, serveRaw } from '../helpers/server.js';

type Shown = [event: string, data: string, id?: string, retry?: number | null];

const ROWS: [title: string, stream: string, events: Shown[]][] = [
  ['one', 'data: a\n\n', [['message', 'a']]],
  [
    'CRLF',
    'data: a\r\n\r\ndata: b\r\n\r\n',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  [
    'CR',
    'data: a\r\rdata: b\r\r',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  [
    'the three mixed',
    'data: a\r\n\ndata: b\r\n\rdata: c\n\r',
    [
      ['message', 'a'],
      ['message', 'b'],
      ['message', 'c'],
    ],
  ],
  ['data of several lines', 'data: YHOO\ndata: +2\ndata: 10\n\n', [['message', 'YHOO\n+2\n10']]],
  [
    'a type',
    'event: add\ndata: 73857293\n\ndata: x\n\n',
    [
      ['add', '73857293'],
      ['message', 'x'],
    ],
  ],
  ['an empty type', 'event: add\nevent:\ndata: x\n\n', [['message', 'x']]],
  [
    'one space only is taken off',
    'data:test\n\ndata: test\n\ndata:  test\n\n',
    [
      ['message', 'test'],
      ['message', 'test'],
      ['message', ' test'],
    ],
  ],
  [
    'empty data',
    'data\n\ndata\ndata\n\ndata:',
    [
      ['message', ''],
      ['message', '\n'],
    ],
  ],
  ['comments', ': nothing\n\ndata: a\n: b\n\n:\n\n', [['message', 'a']]],
  ['no data, no event', 'event: x\nid: 1\n\n', []],
  [
    'an id stays',
    'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n',
    [
      ['message', 'a', '1'],
      ['message', 'b', '1'],
      ['message', 'c', ''],
    ],
  ],
  ['an id without data counts', 'id: 7\n\ndata: a\n\n', [['message', 'a', '7']]],
  [
    'an id with NUL is none',
    'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n',
    [
      ['message', 'a', '1'],
      ['message', 'b', '1'],
    ],
  ],
  [
    'retry',
    'retry: 10\ndata: a\n\ndata: b\n\n',
    [
      ['message', 'a', '', 10],
      ['message', 'b'],
    ],
  ],
  [
    'retry of digits only',
    'retry: 1.5\nretry: -1\nretry: 1e3\nretry: +1\nretry: \nretry: ٣\ndata: a\n\n',
    [['message', 'a']],
  ],
  ['unknown fields', 'foo: bar\n data: no\nDATA: no\ndata : no\nda ta: no\ndata: a\n\n', [['message', 'a']]],
  ['colons in values', 'data: a: b: c\ndata::\n\n', [['message', 'a: b: c\n:']]],
  ['nothing at an incomplete end', 'data: a\n\ndata: b\n', [['message', 'a']]],
  ['nothing at an incomplete line', 'data: a\n\ndata: b', [['message', 'a']]],
  [
    'a byte order mark, once',
    '\u{feff}data: a\n\n\u{feff}data: b\n\ndata: c\n\n',
    [
      ['message', 'a'],
      ['message', 'c'],
    ],
  ],
  ['UTF-8', 'data: grüße 漢字 🎉\n\n', [['message', 'grüße 漢字 🎉']]],
  ['U+2028 and NEL end no line', 'data: a\u{2028}b\u{85}c\u{b}d\n\n', [['message', 'a\u{2028}b\u{85}c\u{b}d']]],
  ['empty lines', '\n\n\r\n\rdata: a\n\n\n', [['message', 'a']]],
  ['an empty stream', '', []],
];

function streamed(chunks: (string | Uint8Array)[]): Response {
  async function* pieces() {
    for (const chunk of chunks) yield Buffer.from(chunk as string);
  }
  return new Response(200, { content: pieces() });
}

async function eventsOf(response: Response): Promise<Shown[]> {
  const events: Shown[] = [];
  for await (const { event, data, id, retry } of response.events()) events.push([event, data, id, retry]);
  return events;
}

const whole = ([event, data, id = '', retry = null]: Shown): Shown => [event, data, id, retry];

for (const [title, stream, events] of ROWS) {
  test(`events: ${title}`, async (t) => {
    const bytes = Buffer.from(stream);
    const expected = events.map(whole);
    t.deepEqual(await eventsOf(new Response(200, { content: bytes })), expected, 'whole');
    t.deepEqual(await eventsOf(streamed([...bytes].map((byte) => Uint8Array.of(byte)))), expected, 'byte by byte');
    for (let at = 0; at <= bytes.length; at++) {
      t.deepEqual(await eventsOf(streamed([bytes.subarray(0, at), bytes.subarray(at)])), expected, `cut at ${at}`);
    }
  });
}

test('a stream of any lines, cut anywhere, is what eventsource-parser makes of it', async (t) => {
  const line = fc.oneof(
    fc.constantFrom('data: x', 'data:', 'data', 'event: e', 'id: 1', 'id:', 'retry: 5', ': c', '', '', ''),
    fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => `data: ${text.replace(/[\r\n]/g, '')}`),
  );
  const end = fc.constantFrom('\n', '\r\n', '\r');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(line, end)), fc.array(fc.nat(200)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((pair) => pair.join('')).join(''));
      const reference: Shown[] = [];
      const parser = createParser({
        onEvent: (event) => {
          reference.push([event.event ?? 'message', event.data]);
        },
      });
      // That parser is told of lines by LF alone, which is the same stream.
      parser.feed(bytes.toString().replaceAll(/\r\n|\r/g, '\n'));
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((stop, index) => bytes.subarray(at[index], stop));
      const found = (await eventsOf(streamed(chunks))).map(([event, data]): Shown => [event, data]);
      // eventsource-parser passes over events whose data is empty, which the standard dispatches.
      t.deepEqual(
        found.filter(([, data]) => data !== ''),
        reference.filter(([, data]) => data !== ''),
      );
    }),
  );
});

test('each event comes as soon as its last byte is there', async (t) => {
  const gated = gate();
  const server = await serve(t, async (_, response) => {
    response.setHeader('content-type', 'text/event-stream');
    response.write('data: 1\n\ndata: 2\n');
    await gated.promise;
    response.end('\n');
  });
  const client = openClient(t);
  const response = await client.stream('GET', server.url);
  const events = response.events();
  t.is((await events.next()).value?.data, '1');
  gated.open();
  t.is((await events.next()).value?.data, '2');
  t.true((await events.next()).done);
});

test('events before an error are delivered before it', async (t) => {
  const server = await serveRaw(t, (connection) =>
    connection.request().then(async () => {
      await connection.write(
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      await connection.write('a\r\ndata: 1\n\nx\r\n');
      connection.end();
    }),
  );
  const response = await openClient(t).stream('GET', server.url);
  const seen: string[] = [];
  const error = await failure(
    (async () => {
      for await (const { data } of response.events()) seen.push(data);
    })(),
  );
  t.deepEqual(seen, ['1']);
  t.true(error instanceof RemoteProtocolError, String(error));
});

test('leaving the loop closes the connection', async (t) => {
  const closed = withResolvers();
  const server = await serve(t, (request, response) => {
    request.socket.once('close', () => closed.resolve());
    response.setHeader('content-type', 'text/event-stream');
    response.write('data: 1\n\ndata: 2\n\n');
  });
  const response = await openClient(t).stream('GET', server.url);
  for await (const { data } of response.events()) {
    t.is(data, '1');
    break;
  }
  await closed.promise;
  t.true(response.isClosed);
});

for (const coding of ['gzip', 'br'] as const) {
  test(`events of a ${coding} body, as they are flushed`, async (t) => {
    const { createGzip, createBrotliCompress } = await import('node:zlib');
    const gated = gate();
    const server = await serve(t, async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': coding });
      const encoder = coding === 'gzip' ? createGzip() : createBrotliCompress();
      encoder.pipe(response);
      encoder.write('data: 1\n\n');
      encoder.flush();
      await gated.promise;
      encoder.end('data: 2\n\n');
    });
    const response = await openClient(t).stream('GET', server.url);
    const events = response.events();
    t.is((await events.next()).value?.data, '1');
    gated.open();
    t.is((await events.next()).value?.data, '2');
    t.true((await events.next()).done);
  });
}

const TOO_LARGE: [title: string, chunks: string[]][] = [
  ['in one line', ['data: ok\n\n', `data: ${'x'.repeat(101)}\n\n`]],
  ['in many lines', ['data: ok\n\n', 'data: 123456789\n'.repeat(11)]],
  ['without an end', ['data: ok\n\n', ...Array.from({ length: 20 }, () => 'x'.repeat(10))]],
  ['in bytes, not in characters', ['data: ok\n\n', `data: ${'é'.repeat(51)}\n\n`]],
  ['as a comment without an end', ['data: ok\n\n:', ...Array.from({ length: 20 }, () => ' '.repeat(10))]],
  ['as a type', ['data: ok\n\n', `event: ${'x'.repeat(101)}\ndata: x\n\n`]],
];

for (const [title, chunks] of TOO_LARGE) {
  test(`maxEventSize: too large ${title}`, async (t) => {
    const seen: string[] = [];
    const error = await failure(
      (async () => {
        for await (const { data } of streamed(chunks).events({ maxEventSize: 100 })) seen.push(data);
      })(),
    );
    t.deepEqual(seen, ['ok']);
    t.true(error instanceof RemoteProtocolError);
    t.regex(error.message, /maxEventSize \(100 bytes\)/);
  });
}

test('an event of very many lines takes no longer for each of them', async (t) => {
  const count = 2_000_000;
  for await (const { data } of streamed(['data:\n'.repeat(count), '\n']).events({ maxEventSize: count })) {
    t.is(data.length, count - 1);
  }
  const beyond = streamed(['data:\n'.repeat(count), '\n']).events({ maxEventSize: count - 2 });
  t.true((await failure(beyond.next())) instanceof RemoteProtocolError);
});

test('a line in very many pieces', async (t) => {
  const pieces = ['data: ', ...Array.from({ length: 5000 }, (_, at) => String(at % 10)), '\n\n'];
  const { value } = (await streamed(pieces).events().next()) as { value: { data: string } };
  t.is(value.data, pieces.slice(1, -1).join(''));
});

test('leaving while next() waits ends it in peace', async (t) => {
  const server = await serve(t, (_, response) => void response.write('data: a\n\n'));
  const client = openClient(t);
  const events = (await client.stream('GET', server.url)).events();
  t.is((await events.next()).done, false);
  const pending = events.next();
  await events.return?.();
  t.deepEqual(await pending, { done: true, value: undefined });
  t.deepEqual(await events.next(), { done: true, value: undefined });
});

test('maxEventSize: exactly that many bytes pass, and any number of small events', async (t) => {
  const stream = `data: ${'x'.repeat(100)}\n\n`.repeat(50) + ': comment\n'.repeat(100) + 'data: y\n\n';
  let count = 0;
  for await (const _ of streamed([stream]).events({ maxEventSize: 100 })) count++;
  t.is(count, 51);
});

const BAD: [options: unknown, message: RegExp][] = [
  [null, /expected an object, got null/],
  [1, /expected an object, got number/],
  [{ maxEventSize: 0 }, /maxEventSize: 0 is not allowed/],
  [{ maxEventSize: 1.5 }, /maxEventSize: 1.5 is not allowed/],
  [{ maxEventSize: Number.NaN }, /maxEventSize: NaN is not allowed/],
  [{ maxEventSize: '1' }, /maxEventSize: expected a number of bytes, got string/],
  [{ maxSize: 1 }, /maxSize/],
];

for (const [options, message] of BAD) {
  test(`bad options of events(): ${JSON.stringify(options)}`, (t) => {
    const response = new Response(200, { text: 'data: a\n\n' });
    t.throws(() => response.events(options as { maxEventSize: number }), { message });
  });
}

test('event.json()', (t) => {
  t.deepEqual(new ServerSentEvent('message', '{"a":[1]}').json(), { a: [1] });
  const error = t.throws(() => new ServerSentEvent('delta', '[DONE]', '7').json(), { instanceOf: DecodingError });
  t.regex(error?.message ?? '', /event 'delta' is no JSON/);
  t.true(error?.cause instanceof SyntaxError);
});

test('an event from a stream shows, compares and clones as one made by hand', async (t) => {
  const [event] = await streamed(['event: a\nid: 1\ndata: b\n\n'])
    .events()
    .next()
    .then(({ value }) => [value as ServerSentEvent]);
  const made = new ServerSentEvent('a', 'b', '1');
  t.deepEqual(event, made);
  assert.deepStrictEqual(event, made);
  t.is(inspect(event), "ServerSentEvent { event: 'a', data: 'b', id: '1', retry: null }");
  t.deepEqual(structuredClone(event), { ...made });
  const own: ServerSentEvent = { event: 'a', data: 'b', id: '', retry: null, json: <T>() => null as T };
  t.is(own.json(), null);
});

test('calls of next() that are not awaited get their events in order', async (t) => {
  const events = streamed(['data: 1\n\nda', 'ta: 2\n\n', 'data: 3\n\n']).events();
  const results = await Promise.all([events.next(), events.next(), events.next(), events.next(), events.next()]);
  t.deepEqual(
    results.map(({ done, value }) => (done ? null : (value as ServerSentEvent).data)),
    ['1', '2', '3', null, null],
  );
});

test('of a mock, and of a response that is read already', async (t) => {
  const client = new Client({ dispatch: new MockDispatch(() => new Response(200, { text: 'data: a\n\n' })) });
  const response = await client.get('http://example.org/');
  t.deepEqual(await eventsOf(response), [['message', 'a', '', null]]);
  t.deepEqual(await eventsOf(response), [['message', 'a', '', null]]);
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

test('an event of many lines, whatever the chunks', async (t) => {
  for (const [line, count] of [
    ['data', 5000],
    ['data:é', 3000],
    ['data: x', 1024],
    ['data', 1025],
  ] as const) {
    const text = `${`${line}\n`.repeat(count)}\ndata: next\n\n`;
    for (const size of [1000, text.length * 2]) {
      const bytes = Buffer.from(text);
      const content = (async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      })();
      const events = new Response(200, { headers: { 'content-type': 'text/event-stream' }, content });
      const datas: string[] = [];
      for await (const { data } of events.events()) datas.push(data);
      const value = line.slice(5).trim();
      t.is(datas[0], Array.from({ length: count }, () => value).join('\n'));
      t.deepEqual(datas.slice(1), ['next']);
    }
  }
});
