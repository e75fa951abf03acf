/** What goes wrong on HTTP/2 connections: reliability's table of faults, from a scripted peer. */
import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { PoolTimeout, ReadError, ReadTimeout, RemoteProtocolError, WriteTimeout } from '../../src/index.js';
import type { Client, ClientOptions, HTTPError, RequestOptions } from '../../src/index.js';
import type { ExecutionContext } from 'ava';
import { eventually, failure, openClient, soon, told } from '../helpers/client.js';
import {
  Code,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  Http2Peer,
  OK,
  PADDED,
  repeated,
  section,
  serveHttp2,
  Type,
  word,
} from '../helpers/raw-http2.js';
import { serveRaw } from '../helpers/server.js';
import { testCA } from '../helpers/tls.js';
import { randomFor } from '../helpers/random.js';

/** Prior knowledge. */
function openHttp2(t: ExecutionContext, options?: ClientOptions): Client {
  return openClient(t, { httpVersions: 'HTTP/2', ...options });
}

// ── one exchange that goes wrong ──

type Outcome = string | { error: typeof HTTPError; code?: string; message?: RegExp };

const broken = (message: RegExp, code?: string): Outcome => ({ error: RemoteProtocolError, code, message });

interface Fault {
  name: string;
  /** What the peer does on each connection, after its SETTINGS. */
  play: (peer: Http2Peer, stream: number) => unknown;
  outcome: Outcome;
  /** Requests, over all connections. Default 1. */
  requests?: number;
  post?: boolean;
}

const ended = (peer: Http2Peer): void => peer.connection.end();

const FAULTS: Fault[] = [
  {
    name: 'SEC-L14 a refused stream is sent again, and not for ever',
    play: (peer, stream) => peer.reset(stream, Code.REFUSED_STREAM),
    outcome: broken(/reset the stream \(REFUSED_STREAM\)/, 'ERR_HTTP2_STREAM_ERROR'),
    requests: 33,
  },
  {
    name: 'SEC-L14 a refused POST is sent again as well',
    play: (peer, stream) => peer.reset(stream, Code.REFUSED_STREAM),
    outcome: broken(/REFUSED_STREAM/),
    requests: 33,
    post: true,
  },
  {
    name: 'CANCEL before the head',
    play: (peer, stream) => peer.reset(stream, Code.CANCEL),
    outcome: broken(/reset the stream \(CANCEL\)/, 'ERR_HTTP2_STREAM_ERROR'),
  },
  {
    name: 'NO_ERROR before the head',
    play: (peer, stream) => peer.reset(stream, Code.NO_ERROR),
    outcome: broken(/reset the stream \(NO_ERROR\)/, 'ERR_HTTP2_STREAM_ERROR'),
  },
  {
    name: 'INTERNAL_ERROR before the head',
    play: (peer, stream) => peer.reset(stream, Code.INTERNAL_ERROR),
    outcome: broken(/reset the stream \(INTERNAL_ERROR\)/),
  },
  {
    name: 'an unknown error code',
    play: (peer, stream) => peer.reset(stream, 0xabcd),
    outcome: broken(/reset the stream \(error code 43981\)/),
  },
  {
    name: 'HTTP_1_1_REQUIRED where HTTP/1.1 is not allowed',
    play: (peer, stream) => peer.reset(stream, Code.HTTP_1_1_REQUIRED),
    outcome: broken(/HTTP_1_1_REQUIRED/),
  },
  {
    name: 'a whole response, then NO_ERROR',
    play: async (peer, stream) => {
      await peer.answer(stream);
      await peer.reset(stream, Code.NO_ERROR);
    },
    outcome: '200 ok',
  },
  {
    name: 'a whole response by its length, then NO_ERROR instead of END_STREAM',
    play: async (peer, stream) => {
      await peer.headers(stream, [...OK, ['content-length', '2']]);
      await peer.data(stream, 'ok');
      await peer.reset(stream, Code.NO_ERROR);
    },
    outcome: '200 ok',
  },
  {
    name: 'half a response by its length, then NO_ERROR',
    play: async (peer, stream) => {
      await peer.headers(stream, [...OK, ['content-length', '4']]);
      await peer.data(stream, 'ok');
      await peer.reset(stream, Code.NO_ERROR);
    },
    outcome: broken(/reset the stream \(NO_ERROR\)/),
  },
  {
    name: 'half a response of no known length, then NO_ERROR',
    play: async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.data(stream, 'ok');
      await peer.reset(stream, Code.NO_ERROR);
    },
    outcome: broken(/reset the stream \(NO_ERROR\)/),
  },
  {
    name: 'the head alone, then NO_ERROR, to a POST',
    play: async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.reset(stream, Code.NO_ERROR);
    },
    outcome: broken(/reset the stream \(NO_ERROR\)/),
    post: true,
  },
  ...['204', '304'].map((status): Fault => ({
    name: `${status} with content`,
    play: async (peer, stream) => {
      await peer.headers(stream, [[':status', status]]);
      await peer.data(stream, 'content', END_STREAM);
    },
    outcome: broken(/content with a status that has none/, 'ERR_HTTP2_STREAM_ERROR'),
  })),
  {
    name: 'half a response, then CANCEL',
    play: async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.data(stream, 'ok');
      await peer.reset(stream, Code.CANCEL);
    },
    outcome: broken(/reset the stream \(CANCEL\)/),
  },
  {
    name: 'SEC-L14 GOAWAY for everything, on every connection',
    play: async (peer) => {
      await peer.goAway(0, Code.NO_ERROR);
      ended(peer);
    },
    outcome: broken(/GOAWAY, NO_ERROR/, 'ERR_HTTP2_GOAWAY_SESSION'),
    requests: 33,
  },
  {
    name: 'SEC-L14 a GOAWAY that still counts the stream, and its response later',
    play: async (peer, stream) => {
      await peer.goAway(stream, Code.NO_ERROR);
      await sleep(50);
      await peer.answer(stream);
    },
    outcome: '200 ok',
  },
  {
    name: 'GOAWAY with ENHANCE_YOUR_CALM',
    play: async (peer) => {
      await peer.goAway(0, Code.ENHANCE_YOUR_CALM);
      ended(peer);
    },
    outcome: broken(/GOAWAY, ENHANCE_YOUR_CALM/, 'ERR_HTTP2_GOAWAY_SESSION'),
  },
  {
    name: 'SEC-L9 a GOAWAY that still counts the stream, then nothing more than the end',
    play: async (peer, stream) => {
      await peer.goAway(stream, Code.NO_ERROR);
      ended(peer);
    },
    outcome: { error: ReadError, code: 'ECONNRESET', message: /closed the connection before it answered/ },
  },
  {
    name: 'SEC-L9 the end without GOAWAY',
    play: (peer) => ended(peer),
    outcome: { error: ReadError, code: 'ECONNRESET', message: /closed the connection before it answered/ },
  },
  {
    name: 'a TCP reset',
    play: (peer) => peer.connection.reset(),
    outcome: { error: ReadError, code: 'ECONNRESET' },
  },
  {
    name: 'the end in the middle of the body',
    play: async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.data(stream, 'abc');
      ended(peer);
    },
    outcome: broken(/without sending complete message body \(received 3 bytes, and no orderly end\)/),
  },
  {
    name: 'the end in the middle of a body of known length',
    play: async (peer, stream) => {
      await peer.headers(stream, [...OK, ['content-length', '10']]);
      await peer.data(stream, 'abc');
      ended(peer);
    },
    outcome: broken(/\(received 3 bytes, expected 10\)/),
  },
  {
    name: 'SEC-L13 fewer bytes than Content-Length',
    play: async (peer, stream) => {
      await peer.headers(stream, [...OK, ['content-length', '10']]);
      await peer.data(stream, 'abc', END_STREAM);
    },
    outcome: broken(/no valid HTTP\/2 response/),
  },
  {
    name: 'SEC-L13 more bytes than Content-Length',
    play: async (peer, stream) => {
      await peer.headers(stream, [...OK, ['content-length', '2']]);
      await peer.data(stream, 'abc', END_STREAM);
    },
    outcome: broken(/no valid HTTP\/2 response/),
  },
  {
    name: 'SEC-L13 a length and no body',
    play: (peer, stream) => peer.headers(stream, [...OK, ['content-length', '2']], END_STREAM),
    outcome: broken(/no valid HTTP\/2 response/),
  },
  {
    name: 'a frame beyond the maximum size',
    play: (peer, stream) => peer.send(Type.DATA, 0, stream, Buffer.alloc(1 << 24, 0).subarray(0, (1 << 24) - 1)),
    outcome: broken(/FRAME_SIZE_ERROR/, 'ERR_HTTP2_SESSION_ERROR'),
  },
  {
    name: 'padding longer than its frame',
    play: async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.send(Type.DATA, PADDED, stream, Buffer.from([200, 1, 2]));
    },
    outcome: broken(/broke the rules of HTTP\/2/),
  },
  {
    name: 'an index that the header table does not have',
    play: (peer, stream) => peer.send(Type.HEADERS, END_HEADERS, stream, Buffer.from([0xff, 0x80, 0x01])),
    outcome: broken(/broke the rules of HTTP\/2/),
  },
  {
    name: 'DATA before HEADERS',
    play: (peer, stream) => peer.data(stream, 'early'),
    outcome: broken(/PROTOCOL_ERROR/),
  },
  {
    name: 'DATA on an idle stream',
    play: (peer, stream) => peer.data(stream + 2, 'stray'),
    outcome: broken(/PROTOCOL_ERROR/),
  },
  {
    name: 'SEC-K15 a pushed response, which was forbidden',
    play: (peer, stream) =>
      peer.send(Type.PUSH_PROMISE, END_HEADERS, stream, Buffer.concat([word(2), section([[':method', 'GET']])])),
    outcome: broken(/PROTOCOL_ERROR/),
  },
  {
    name: 'SEC-L8 a maximum frame size of zero',
    play: (peer) => peer.settings([5, 0]),
    outcome: broken(/PROTOCOL_ERROR/),
  },
  {
    name: 'an initial window beyond 2^31 - 1',
    play: (peer) => peer.settings([4, 2 ** 31]),
    outcome: broken(/broke the rules of HTTP\/2/),
  },
  {
    name: 'SEC-L10 a window of the connection beyond 2^31 - 1',
    play: async (peer) => {
      await peer.windowUpdate(0, 2 ** 31 - 1);
      await peer.windowUpdate(0, 2 ** 31 - 1);
    },
    outcome: broken(/FLOW_CONTROL_ERROR/),
  },
  {
    name: 'a window that grows by nothing',
    play: (peer) => peer.windowUpdate(0, 0),
    outcome: broken(/PROTOCOL_ERROR/),
  },
  {
    name: 'HTTP/1.1 in answer to the preface',
    play: (peer) => peer.connection.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
    outcome: broken(/broke the rules of HTTP\/2/),
  },
];

for (const { name, play, outcome, requests = 1, post = false } of FAULTS) {
  // Those of many connections by themselves, as the others keep the process busy.
  const run = requests > 2 ? test.serial : test;
  run(name, async (t) => {
    let seen = 0;
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      const stream = await peer.request();
      seen += 1;
      await play(peer, stream);
      // Reading to the end lets the client's last frames arrive.
      await peer.connection.rest();
    });
    const client = openHttp2(t, { timeout: null });
    const sent = post ? client.post(server.url, { content: Buffer.alloc(1 << 20) }) : client.get(server.url);
    if (typeof outcome === 'string') {
      t.is(told(await soon('a response', sent)), outcome);
    } else {
      const error = await soon('an error', failure(sent));
      t.true(error instanceof outcome.error, `${error.name}: ${error.message}`);
      if (outcome.message !== undefined) t.regex(error.message, outcome.message);
      if (outcome.code !== undefined) t.is((error as HTTPError).code, outcome.code);
      t.true(error.message.includes(server.origin), error.message);
    }
    t.is(seen, requests);
    await eventually('no connection is in use', () => client.pool.active === 0);
  });
}

// ── heads that are none (SEC-L12) ──

const BAD_HEADS: [name: string, fields: Fields, trailers?: Fields][] = [
  ['no :status', [['content-type', 'text/plain']]],
  ['a :status that is no number', [[':status', 'abc']]],
  ['a :status of two digits', [[':status', '20']]],
  ['two of :status', [...OK, ...OK]],
  ['an unknown pseudo-header', [...OK, [':what', 'x']]],
  [':method', [...OK, [':method', 'GET']]],
  [':path before :status', [[':path', '/'], ...OK]],
  [':authority', [...OK, [':authority', 'other.test'], ['a', 'b']]],
  [':scheme', [...OK, [':scheme', 'https']]],
  [':protocol', [...OK, [':protocol', 'websocket']]],
  ['a pseudo-header after a field', [['a', 'b'], ...OK]],
  ['an upper-case name', [...OK, ['X-Upper', '1']]],
  ['connection', [...OK, ['connection', 'close']]],
  ['keep-alive', [...OK, ['keep-alive', 'timeout=5']]],
  ['proxy-connection', [...OK, ['proxy-connection', 'close']]],
  ['transfer-encoding', [...OK, ['transfer-encoding', 'chunked']]],
  ['upgrade', [...OK, ['upgrade', 'h3']]],
  ['CR and LF in a value', [...OK, ['a', 'b\r\nc: d']]],
  ['NUL in a value', [...OK, ['a', 'b\0c']]],
  ['LF in a name', [...OK, ['a\nb', 'c']]],
  ['a space in a name', [...OK, ['a b', 'c']]],
  ['a colon in a name', [...OK, ['a:b', 'c']]],
  ['an empty name', [...OK, ['', 'c']]],
  ['two different lengths', [...OK, ['content-length', '2'], ['content-length', '3']]],
  ['a length that is no number', [...OK, ['content-length', 'two']]],
  ['a negative length', [...OK, ['content-length', '-1']]],
  ['101', [[':status', '101']]],
  ['a value that begins with a blank', [...OK, ['a', ' b']]],
  ['a value that ends with a tab', [...OK, ['a', 'b\t']]],
  ['a value of blanks', [...OK, ['a', ' \t ']]],
  ['a value that ends with a blank in the trailers', OK, [['a', 'b ']]],
  ['an upper-case name in the trailers', OK, [['X-Upper', '1']]],
  ['connection in the trailers', OK, [['connection', 'close']]],
  ['a pseudo-header in the trailers', OK, [[':status', '200']]],
  ['a pseudo-header of requests in the trailers', OK, [[':path', '/']]],
];

for (const [name, fields, trailers] of BAD_HEADS) {
  test(`SEC-L12 refused: ${name}`, async (t) => {
    let bad = true;
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      for (;;) {
        const stream = await peer.request();
        // The first request gets the bad one; the next is not its concern, though it may need another connection.
        if (bad) {
          bad = false;
          await peer.headers(stream, fields);
          await peer.data(stream, 'ok', trailers === undefined ? END_STREAM : 0);
          if (trailers !== undefined) await peer.headers(stream, trailers, END_STREAM);
        } else await peer.answer(stream);
      }
    });
    const client = openHttp2(t, { timeout: null });
    const error = await soon('an error', failure(client.get(server.url)));
    t.true(error instanceof RemoteProtocolError, `${error.name}: ${error.message}`);
    t.notRegex(error.message, /[\r\n\0]/);
    t.is(told(await soon('a response', client.get(server.url))), '200 ok');
  });
}

/** Sizes as RFC 9113 section 10.5.1 counts: 32 bytes a field more. h2 leaves out what is beyond 256 KiB, and says nothing. */
const LONG_TRAILERS: [name: string, block: () => Buffer, fields: number | null][] = [
  ['1,500 fields, 54 KiB', () => fieldsOf(1_500, 30), 1_500],
  ['70 fields of 900 bytes', () => fieldsOf(70, 900), 70],
  ['one field of 60,000 bytes', () => fieldsOf(1, 60_000), 1],
  ['80 fields of 900 bytes', () => fieldsOf(80, 900), null],
  ['300 fields of 900 bytes', () => fieldsOf(300, 900), null],
  ['one field of 200 KiB', () => fieldsOf(1, 200 << 10), null],
  ['one field of 300 KiB', () => fieldsOf(1, 300 << 10), null],
  ['5,000 fields', () => fieldsOf(5_000, 30), null],
  // A field that the table knows is a byte, and a digit of five bits in the Huffman code is a byte.
  ['4,500 fields of a byte each', () => indexed(4_500, 1), null],
  ['7,000 fields of a byte each', () => indexed(7_000, 1), null],
  ['80 fields of 3,000 bytes that are a byte each', () => indexed(80, 3_000), null],
  ['a field of 95 KiB, packed', () => packedField(60_000), 1],
  [
    '60 fields of 3,000 bytes, and one of 95 KiB, packed',
    () => Buffer.concat([indexed(60, 3_000), packedField(60_000)]),
    null,
  ],
];

for (const [name, block, count] of LONG_TRAILERS) {
  test(`SEC-J12 SEC-J18 trailers over HTTP/2 are whole or an error: ${name}`, async (t) => {
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      for (;;) {
        const stream = await peer.request();
        await peer.headers(stream, OK);
        await peer.data(stream, 'ok');
        const bytes = block();
        for (let at = 0, type: number = Type.HEADERS; at < bytes.length; at += 16_000, type = Type.CONTINUATION) {
          const last = at + 16_000 >= bytes.length ? END_HEADERS : 0;
          const flags = type === Type.HEADERS ? END_STREAM | last : last;
          await peer.send(type, flags, stream, bytes.subarray(at, at + 16_000));
        }
      }
    });
    const client = openHttp2(t, { timeout: null });
    if (count === null) {
      const error = await soon('an error', failure(client.get(server.url)));
      t.true(error instanceof RemoteProtocolError, `${error.name}: ${error.message}`);
    } else {
      const response = await soon('a response', client.get(server.url));
      t.is(told(response), '200 ok');
      t.is(response.trailers.raw.length, count);
    }
  });
}

function fieldsOf(count: number, length: number): Buffer {
  return section(Array.from({ length: count }, (_, i) => [`x-${i}`, 'y'.repeat(length)] as const));
}

/** One field that goes into the table, and then its number there. */
function indexed(count: number, length: number): Buffer {
  const field = section([['a', 'y'.repeat(length)]]);
  field[0] = 0x40;
  return Buffer.concat([field, Buffer.alloc(count - 1, 0xbe)]);
}

/** RFC 7541 section 5.2: so many bytes of Huffman code, in which `0` is five zero bits. */
function packedField(bytes: number): Buffer {
  const field = section([['b', '\0'.repeat(bytes - (bytes % 5))]]);
  // Behind two bytes of a literal without index and its name `b`.
  field[3]! |= 0x80;
  return field;
}

/** Frames that hide a pseudo-header from a look at their beginning. */
const HIDDEN: [name: string, flags: number, first: number[], rest: number[]][] = [
  ['behind an empty frame', 0, [], [0x88]],
  ['behind a frame of padding', PADDED, [3, 0, 0, 0], [0x88]],
  ['before padding', PADDED | END_HEADERS, [3, 0x88, 0, 0, 0], []],
  ['behind the first byte of its field', 0, [0x08], [3, 0x32, 0x30, 0x30]],
  ['behind a change of the table’s size, in a frame of its own', 0, [0x20], [0x88]],
  ['behind twenty changes of the table’s size', END_HEADERS, [...Array<number>(20).fill(0x20), 0x88], []],
];

for (const [name, flags, first, rest] of HIDDEN) {
  test(`SEC-L12 refused: a pseudo-header in the trailers, ${name}`, async (t) => {
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      const stream = await peer.request();
      await peer.headers(stream, OK);
      await peer.data(stream, 'ok');
      await peer.send(Type.HEADERS, flags | END_STREAM, stream, Buffer.from(first));
      if (rest.length > 0) await peer.send(Type.CONTINUATION, END_HEADERS, stream, Buffer.from(rest));
      await peer.connection.closed;
    });
    const error = await soon('an error', failure(openHttp2(t, { timeout: null }).get(server.url)));
    t.true(error instanceof RemoteProtocolError, `${error.name}: ${error.message}`);
    t.regex(error.message, /sent no valid HTTP\/2 response \(.*trailers|broke the rules/);
  });
}

test('trailers whose block is empty, or in many small frames, are trailers', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    const empty = await peer.request();
    await peer.headers(empty, OK);
    await peer.headers(empty, [], END_STREAM);
    const stream = await peer.request();
    await peer.headers(stream, OK);
    const block = section([['x-sum', 'abc']]);
    await peer.send(Type.HEADERS, END_STREAM, stream, block.subarray(0, 3));
    for (let at = 3; at < block.length; at += 1) {
      await peer.send(Type.CONTINUATION, at === block.length - 1 ? END_HEADERS : 0, stream, block.subarray(at, at + 1));
    }
    await peer.connection.closed;
  });
  const client = openHttp2(t, { timeout: null });
  t.is((await soon('a response', client.get(server.url))).trailers.raw.length, 0);
  t.is((await soon('a response', client.get(server.url))).trailers.get('x-sum'), 'abc');
});

// h2 lets one of the kind pass: pseudo-headers of requests in a response. They have no effect.

// ── what a connection goes through ──

test('SEC-C8 SEC-L6 after 3,000 cancelled streams the 3,001st request works', async (t) => {
  let resets = 0;
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    for (;;) {
      const { type, stream } = await peer.frame();
      if (type === Type.RST_STREAM) resets += 1;
      // The head is there before the reset is: frames of a stream that the client has forgotten.
      if (type === Type.HEADERS) await (stream >= 6_001 ? peer.answer(stream) : peer.headers(stream, OK));
    }
  });
  const client = openHttp2(t);
  for (let i = 0; i < 60; i++) {
    const responses = await Promise.all(Array.from({ length: 50 }, () => client.stream('GET', server.url)));
    await Promise.all(responses.map((response) => response.close()));
  }
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 1);
  await eventually('every stream was reset', () => resets === 3_000);
});

test.serial('an idle connection that speaks without end is closed, as over HTTP/1.1', async (t) => {
  const payload = Buffer.concat([word(0), Buffer.from([1])]);
  const frames = [
    frame(Type.PING, 0, 0, Buffer.alloc(8)),
    frame(Type.SETTINGS, 0, 0),
    frame(Type.PRIORITY, 0, 1, payload),
    frame(Type.WINDOW_UPDATE, 0, 0, word(1)),
    frame(0x0a, 0, 0, Buffer.from('\0\0h2=":1"')),
    frame(0xef, 0, 0),
  ];
  for (const bytes of frames) {
    let closed = false;
    let floods = true;
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      await peer.answer(await peer.request());
      if (!floods) return;
      floods = false;
      void peer.connection.closed.then(() => (closed = true));
      // All that the client says meanwhile is read, so that the flood is not held up by itself.
      peer.connection.rest().catch(() => {});
      const flood = async (): Promise<never> => {
        for (;;) await peer.connection.write(repeated(bytes, 1_000));
      };
      await flood().catch(() => {});
    });
    const client = openHttp2(t, { poolLimits: { keepaliveExpiry: null } });
    t.is(told(await client.get(server.url)), '200 ok');
    await eventually(`closed: ${bytes.toString('hex')}`, () => closed);
    t.is(told(await client.get(server.url)), '200 ok');
    t.is(server.connections(), 2);
  }
});

for (const [title, inFlight] of [
  ['one after the other', 1],
  ['100 at a time', 100],
] as const) {
  test(`300 responses with an empty DATA frame each, ${title}, are 300 responses`, async (t) => {
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      for (;;) {
        const stream = await peer.request();
        const head = frame(Type.HEADERS, END_HEADERS, stream, section(OK));
        const data = [frame(Type.DATA, 0, stream), frame(Type.DATA, END_STREAM, stream, Buffer.from('ok'))];
        await peer.connection.write(Buffer.concat([head, ...data]));
      }
    });
    const client = openHttp2(t);
    for (let i = 0; i < 300; i += inFlight) {
      const responses = await Promise.all(Array.from({ length: inFlight }, () => client.get(server.url)));
      t.deepEqual([...new Set(responses.map(told))], ['200 ok']);
    }
  });
}

test.serial('a request beside 3,000 that are cancelled while their answers are on the way', async (t) => {
  let finish = (): void => {};
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings([3, 1_000]);
    const first = await peer.request();
    finish = () => void peer.answer(first);
    // Whatever was cancelled meanwhile is answered.
    for (;;) await peer.answer(await peer.request());
  });
  const client = openHttp2(t, { timeout: 30_000 });
  const beside = client.get(server.url);
  for (let i = 0; i < 30; i++) {
    const controller = new AbortController();
    const { signal } = controller;
    const burst = Array.from({ length: 100 }, () => client.get(server.url, { signal }).catch(() => {}));
    setImmediate(() => controller.abort());
    await Promise.all(burst);
  }
  await eventually('the first request is there', () => server.connections() === 1);
  finish();
  t.is(told(await beside), '200 ok');
  t.is(server.connections(), 1);
});

test('SEC-L6 a server that breaks 2,000 streams costs them, and perhaps a connection, but not the next request', async (t) => {
  let asked = 0;
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    for (;;) {
      const stream = await peer.request();
      asked += 1;
      await (asked > 2_000 ? peer.answer(stream) : peer.headers(stream, [['no-status', 'here']], END_STREAM));
    }
  });
  const client = openHttp2(t);
  for (let i = 0; i < 40; i++) {
    const errors = await Promise.all(
      Array.from({ length: 50 }, () => client.get(server.url).then(told, (e: Error) => e.name)),
    );
    t.deepEqual([...new Set(errors)], ['RemoteProtocolError']);
  }
  asked = 2_000;
  t.is(told(await client.get(server.url)), '200 ok');
  t.true(server.connections() < 10, String(server.connections()));
});

test('SEC-L15 after 2,000 unread responses the next one completes', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    for (;;) {
      const stream = await peer.request();
      // Half of the window of a connection would be gone after four of them.
      await peer.headers(stream, OK);
      await peer.data(stream, Buffer.alloc(16_384), END_STREAM);
    }
  });
  const client = openHttp2(t);
  for (let i = 0; i < 40; i++) {
    const responses = await Promise.all(Array.from({ length: 50 }, () => client.stream('GET', server.url)));
    await Promise.all(responses.map((response) => response.close()));
  }
  t.is((await client.get(server.url)).content.length, 16_384);
  t.is(server.connections(), 1);
});

test('a server that allows no stream for now is waited for, under the pool timeout', async (t) => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let allowed = false;
  let connections = 0;
  const server = await serveHttp2(t, async (peer) => {
    // The first request was sent before the settings came.
    const sooner = ++connections === 1 ? await peer.request() : null;
    await peer.settings([3, 0]);
    if (sooner !== null) await peer.reset(sooner, Code.REFUSED_STREAM);
    released.then(() => peer.settings([3, 10])).catch(() => {});
    for (;;) {
      const stream = await peer.request();
      await (allowed ? peer.answer(stream) : peer.reset(stream, Code.REFUSED_STREAM));
    }
  });
  const client = openHttp2(t, { timeout: { pool: null, read: null } });
  const first = client.get(server.url);
  await eventually('the refused request is under way again', () => server.connections() === 2);
  const second = await soon('a timeout', failure(client.get(server.url, { timeout: { pool: 50 } })));
  t.true(second instanceof PoolTimeout, String(second));
  const third = client.get(server.url);
  allowed = true;
  release();
  t.deepEqual((await Promise.all([first, third])).map(told), ['200 ok', '200 ok']);
});

test('a server that never allows a stream: the pool timeout is everybody’s, the first request’s too', async (t) => {
  const server = await serveHttp2(t, (peer) => peer.settings([3, 0]));
  const client = openHttp2(t, { timeout: { connect: null, read: null, pool: 100 } });
  for (const error of await soon('timeouts', Promise.all([1, 2, 3].map(() => failure(client.get(server.url)))))) {
    t.true(error instanceof PoolTimeout, String(error));
  }
  t.is(server.connections(), 1);
});

test('who waited for a connection and finds no stream on it is under the pool timeout', async (t) => {
  const server = await serveHttp2(t, (peer) => peer.settings([3, 1]));
  const client = openHttp2(t, {
    poolLimits: { maxConnectionsPerOrigin: 1 },
    timeout: { connect: null, read: null, pool: 100 },
  });
  const abort = new AbortController();
  const first = failure(client.get(server.url, { signal: abort.signal }));
  const second = await soon('a timeout', failure(client.get(server.url)));
  t.true(second instanceof PoolTimeout, String(second));
  abort.abort();
  await first;
});

test('SEC-L10 a small body that a known window does not take is under the write timeout', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings([4, 0]);
    await peer.answer(await peer.request());
  });
  const client = openHttp2(t, { timeout: { read: null, write: 100 } });
  t.is(told(await client.get(server.url)), '200 ok');
  const error = await soon('a timeout', failure(client.post(server.url, { content: 'small' })));
  t.true(error instanceof WriteTimeout, String(error));
});

test('the server allows one stream: the others get connections of their own', async (t) => {
  let waiting = 0;
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings([3, 1]);
    for (;;) {
      const stream = await peer.request();
      waiting += 1;
      await eventually('all three are there, or it is the first', () => waiting === 1 || waiting === 4);
      await peer.answer(stream);
    }
  });
  const client = openHttp2(t);
  t.is(told(await client.get(server.url)), '200 ok');
  await Promise.all([client.get(server.url), client.get(server.url), client.get(server.url)]);
  t.is(server.connections(), 3);
});

test('HTTP_1_1_REQUIRED: the request goes out again by HTTP/1.1, and so do the next ones', async (t) => {
  const ca = await testCA();
  const tls = { ...(await ca.issue()), ALPNProtocols: ['h2', 'http/1.1'] };
  const versions: unknown[] = [];
  const server = await serveRaw(
    t,
    async (connection) => {
      const { alpnProtocol } = connection.socket as TLSSocket;
      versions.push(alpnProtocol);
      if (alpnProtocol === 'h2') {
        await connection.body(24);
        const peer = new Http2Peer(connection);
        await peer.settings();
        await peer.reset(await peer.request(), Code.HTTP_1_1_REQUIRED);
        await connection.rest();
      }
      for (;;) {
        await connection.request();
        await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    },
    { tls },
  );
  const client = openClient(t, { verify: ca.cert });
  for (const content of ['one', 'two']) {
    const response = await client.post(server.url, { content });
    t.deepEqual([told(response), response.httpVersion], ['200 ok', 'HTTP/1.1']);
  }
  t.deepEqual(versions, ['h2', 'http/1.1']);
});

const LOST: [name: string, options: RequestOptions & { method?: string }, again: boolean][] = [
  ['an idle connection that the server closed: GET is sent again', {}, true],
  ['an idle connection that the server closed: POST is not', { method: 'POST', content: 'once' }, false],
];

for (const [name, { method = 'GET', ...options }, again] of LOST) {
  test(name, async (t) => {
    let connections = 0;
    const server = await serveHttp2(t, async (peer) => {
      const first = ++connections === 1;
      await peer.settings();
      await peer.answer(await peer.request());
      const stream = await peer.request();
      if (first) return peer.connection.end();
      await peer.answer(stream);
    });
    const client = openHttp2(t);
    t.is(told(await client.get(server.url)), '200 ok');
    const sent = client.request(method, server.url, options);
    if (again) t.is(told(await sent), '200 ok');
    else t.true((await failure(sent)) instanceof ReadError);
    t.is(connections, again ? 2 : 1);
  });
}

test('SEC-L14 a server that is shut down in order, again and again, loses no request', async (t) => {
  const random = randomFor(t);
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    let last = Infinity;
    for (let count = 1; ; count++) {
      const stream = await peer.request();
      // Not processed, and not answered: the client has been told, or will be.
      if (stream > last) continue;
      void sleep(random() * 10).then(() => peer.answer(stream).catch(() => {}));
      // Everybody has got through once more before the next one.
      if (count === 40) {
        last = stream;
        await peer.goAway(last, Code.NO_ERROR);
      }
    }
  });
  const client = openHttp2(t);
  const asking = Array.from({ length: 20 }, async () => {
    while (server.connections() < 6) t.is(told(await client.post(server.url, { content: 'once' })), '200 ok');
  });
  await Promise.all(asking);
});

test('SEC-L10 a window of one byte: no more is sent, and the write timeout counts', async (t) => {
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings([4, 1]);
    await peer.connection.rest();
  });
  const client = openHttp2(t, { timeout: { write: 100, read: null } });
  const error = await soon('a timeout', failure(client.post(server.url, { content: Buffer.alloc(1 << 20) })));
  t.true(error instanceof WriteTimeout, String(error));
});

const STOPPED: [where: string, bytes: (stream: number) => Buffer][] = [
  ['between two frames', () => Buffer.alloc(0)],
  ['in the midst of a header section', (stream) => frame(Type.HEADERS, 0, stream, section(OK))],
  ['in the midst of a frame’s head', (stream) => frame(Type.HEADERS, END_HEADERS, stream, section(OK)).subarray(0, 5)],
  [
    'in the midst of a frame’s payload',
    (stream) => frame(Type.HEADERS, END_HEADERS, stream, section(OK)).subarray(0, 12),
  ],
];

/** A server whose first connection does so with a request; on the others all are answered. */
async function serveSpoilingFirst(t: ExecutionContext, spoil: (peer: Http2Peer, stream: number) => Promise<void>) {
  let connections = 0;
  const { url } = await serveHttp2(t, async (peer) => {
    const isFirst = ++connections === 1;
    await peer.settings();
    for (;;) {
      const stream = await peer.request();
      await (isFirst ? spoil(peer, stream) : peer.answer(stream));
    }
  });
  return { url, connections: () => connections };
}

for (const [where, bytes] of STOPPED) {
  test.serial(`a connection that stands still ${where} gets no new requests`, async (t) => {
    const server = await serveSpoilingFirst(t, async (peer, stream) => {
      if (stream === 1) await peer.answer(stream);
      else await peer.connection.write(bytes(stream));
    });
    const client = openHttp2(t);
    t.is(told(await client.get(server.url)), '200 ok');
    t.true((await failure(client.get(server.url, { timeout: { read: 400 } }))) instanceof ReadTimeout);
    t.is(told(await client.get(server.url)), '200 ok');
    t.is(server.connections(), 2);
  });
}

test('SEC-J17 behind informational responses without end the next request has a connection of its own', async (t) => {
  const server = await serveSpoilingFirst(t, async (peer, stream) => {
    const fields: [string, string][] = [
      [':status', '103'],
      ['link', 'x'.repeat(8_000)],
    ];
    await peer.connection.write(repeated(frame(Type.HEADERS, END_HEADERS, stream, section(fields)), 200));
  });
  const client = openHttp2(t);
  t.true((await failure(client.get(server.url))) instanceof RemoteProtocolError);
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 2);
});

test.serial('pingInterval: a peer that answers is waited for, one that does not is given up', async (t) => {
  let pings = 0;
  const answering = await serveHttp2(t, async (peer) => {
    await peer.settings();
    const stream = await peer.request();
    while (pings < 3) {
      const ping = await peer.next(Type.PING);
      pings += 1;
      await peer.send(Type.PING, 1, 0, ping.payload);
    }
    await peer.answer(stream);
  });
  const silent = await serveHttp2(t, async (peer) => {
    await peer.settings();
    await peer.connection.rest();
  });
  const client = openHttp2(t, { poolLimits: { pingInterval: 1000 }, timeout: null });
  t.is(told(await soon('a response', client.get(answering.url))), '200 ok');
  const error = await soon('an error', failure(client.get(silent.url)));
  t.true(error instanceof ReadError || error instanceof RemoteProtocolError, String(error));
});
