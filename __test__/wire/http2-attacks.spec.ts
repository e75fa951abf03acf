/**
 * Frames that break the rules of RFC 9113, or bend them, while two requests are under way on a used connection: the exact error of
 * the one that they are aimed at, what becomes of the other, and that the next request is as good as ever.
 */
import test from 'ava';
import { HTTPError } from '../../src/index.js';
import { eventually, openClient, reasonOf, soon, told } from '../helpers/client.js';
import {
  ACK,
  Code,
  END_HEADERS,
  END_STREAM,
  type Fields,
  type Http2Peer,
  OK,
  PADDED,
  section,
  serveHttp2,
  Type,
  word,
} from '../helpers/raw-http2.js';

const PRIORITY = 0x20;

interface Attack {
  readonly name: string;
  /** What the server does once both requests are there, whole. The other one is answered afterwards. */
  readonly play: (peer: Http2Peer, stream: number, other: number) => unknown;
  /** `'200 ok'`, or code and reason of the error. */
  readonly outcome: string;
  /** The other request fails as well, and the connection is gone. */
  readonly isFatal?: boolean;
}

/** h2 says so of frames of a wrong size and of sections that cannot be unpacked, too. */
const broke = (reason = 'PROTOCOL_ERROR'): { outcome: string; isFatal: true } => ({
  outcome: `ERR_HTTP2_SESSION_ERROR broke the rules of HTTP/2 (${reason})`,
  isFatal: true,
});
const malformed = (reason = 'PROTOCOL_ERROR'): { outcome: string } => ({
  outcome: `ERR_HTTP2_STREAM_ERROR sent no valid HTTP/2 response (${reason})`,
});
const ignored = { outcome: '200 ok' };

/** Does so, and then answers. */
const before =
  (act: Attack['play']): Attack['play'] =>
  async (peer, stream, other) => {
    await act(peer, stream, other);
    await peer.answer(stream);
  };

/** The head has come. */
const behindHead =
  (act: Attack['play'], fields: Fields = []): Attack['play'] =>
  async (peer, stream, other) => {
    await peer.headers(stream, [...OK, ...fields]);
    await act(peer, stream, other);
  };

const settings =
  (...pairs: [id: number, value: number][]): Attack['play'] =>
  (peer) =>
    peer.settings(...pairs);

const bytes = (length: number): Buffer => Buffer.alloc(length);

const ATTACKS: Attack[] = [
  // ── SETTINGS (section 6.5) ──
  { name: 'MAX_FRAME_SIZE one too small', play: settings([5, 16_383]), ...broke() },
  { name: 'MAX_FRAME_SIZE one too large', play: settings([5, 1 << 24]), ...broke() },
  { name: 'MAX_FRAME_SIZE, the largest', play: before(settings([5, (1 << 24) - 1])), ...ignored },
  { name: 'ENABLE_PUSH 0 from a server', play: before(settings([2, 0])), ...ignored },
  // A connection error by section 6.5.2; h2 bears it, but no push.
  { name: 'ENABLE_PUSH 1 from a server', play: before(settings([2, 1])), ...ignored },
  { name: 'ENABLE_PUSH 2', play: before(settings([2, 2])), ...broke() },
  { name: 'ENABLE_CONNECT_PROTOCOL 2', play: before(settings([8, 2])), ...broke() },
  { name: 'an unknown setting', play: before(settings([0xfafa, 0xffffffff])), ...ignored },
  { name: 'MAX_HEADER_LIST_SIZE 0', play: before(settings([6, 0])), ...ignored },
  {
    name: 'SETTINGS of a stream',
    play: (peer, stream) => peer.send(Type.SETTINGS, 0, stream),
    ...broke(),
  },
  {
    name: 'SETTINGS of five bytes',
    play: (peer) => peer.send(Type.SETTINGS, 0, 0, bytes(5)),
    ...broke(),
  },
  {
    name: 'an acknowledgement with settings',
    play: (peer) => peer.send(Type.SETTINGS, ACK, 0, bytes(6)),
    ...broke(),
  },
  {
    name: 'a second acknowledgement of SETTINGS',
    play: async (peer) => {
      await peer.send(Type.SETTINGS, ACK, 0);
      await peer.send(Type.SETTINGS, ACK, 0);
    },
    ...broke(),
  },

  // ── WINDOW_UPDATE (section 6.9) ──
  {
    name: 'a window of the stream beyond 2^31 - 1, of a request that is sent',
    play: before((peer, stream) => peer.windowUpdate(stream, 2 ** 31 - 1)),
    ...ignored,
  },
  {
    name: 'a window of a stream that grows by nothing',
    play: (peer, stream) => peer.windowUpdate(stream, 0),
    ...broke(),
  },
  { name: 'WINDOW_UPDATE of a stream that has ended', play: before((peer) => peer.windowUpdate(1, 1)), ...ignored },
  {
    name: 'WINDOW_UPDATE of an idle stream',
    play: (peer, _, other) => peer.windowUpdate(other + 2, 1),
    ...broke(),
  },
  {
    name: 'WINDOW_UPDATE of five bytes',
    play: (peer) => peer.send(Type.WINDOW_UPDATE, 0, 0, bytes(5)),
    ...broke(),
  },

  // ── PRIORITY (section 6.3) ──
  {
    name: 'PRIORITY of a stream on itself',
    play: (peer, stream) => peer.send(Type.PRIORITY, 0, stream, Buffer.concat([word(stream), bytes(1)])),
    ...malformed(),
  },
  {
    name: 'PRIORITY of an idle stream',
    play: before((peer, _, other) => peer.send(Type.PRIORITY, 0, other + 2, Buffer.concat([word(0), bytes(1)]))),
    ...ignored,
  },
  {
    name: 'PRIORITY of the connection',
    play: (peer) => peer.send(Type.PRIORITY, 0, 0, bytes(5)),
    ...broke(),
  },
  {
    name: 'PRIORITY of four bytes',
    play: (peer, stream) => peer.send(Type.PRIORITY, 0, stream, bytes(4)),
    ...broke(),
  },

  // ── padding (sections 6.1, 6.2) ──
  {
    name: 'DATA that is padding',
    play: behindHead(async (peer, stream) => {
      await peer.send(Type.DATA, PADDED, stream, Buffer.from([2, 0, 0]));
      await peer.data(stream, 'ok', END_STREAM);
    }),
    ...ignored,
  },
  {
    name: 'the last DATA is padding',
    play: behindHead(async (peer, stream) => {
      await peer.data(stream, 'ok');
      await peer.send(Type.DATA, PADDED | END_STREAM, stream, Buffer.from([2, 0, 0]));
    }),
    ...ignored,
  },
  {
    name: 'padding of DATA as long as its frame',
    play: behindHead((peer, stream) => peer.send(Type.DATA, PADDED, stream, Buffer.from([3, 0, 0]))),
    ...broke(),
  },
  {
    name: 'padded DATA without a byte',
    play: behindHead((peer, stream) => peer.send(Type.DATA, PADDED, stream)),
    ...broke(),
  },
  {
    name: 'HEADERS that are padding',
    play: (peer, stream) => peer.send(Type.HEADERS, PADDED | END_HEADERS, stream, Buffer.from([2, 0, 0])),
    ...malformed(),
  },
  {
    name: 'padding of HEADERS as long as their frame',
    play: (peer, stream) => peer.send(Type.HEADERS, PADDED | END_HEADERS, stream, Buffer.from([3, 0, 0])),
    ...broke(),
  },
  {
    name: 'HEADERS with a priority that has no room',
    play: (peer, stream) => peer.send(Type.HEADERS, PRIORITY | END_HEADERS, stream, bytes(4)),
    ...broke(),
  },
  {
    name: 'HEADERS that depend on themselves',
    play: (peer, stream) =>
      peer.send(Type.HEADERS, PRIORITY | END_HEADERS, stream, Buffer.concat([word(stream), bytes(1), section(OK)])),
    ...malformed(),
  },

  // ── streams in the wrong state (section 5.1) ──
  {
    name: 'DATA behind END_STREAM',
    play: async (peer, stream) => {
      await peer.answer(stream);
      await peer.data(stream, 'more');
    },
    ...ignored,
  },
  {
    name: 'HEADERS behind END_STREAM',
    play: async (peer, stream) => {
      await peer.answer(stream);
      await peer.headers(stream, OK, END_STREAM);
    },
    ...ignored,
  },
  { name: 'DATA of a stream that has ended', play: before((peer) => peer.data(1, 'stray')), ...ignored },
  { name: 'HEADERS of a stream that has ended', play: before((peer) => peer.headers(1, OK)), ...ignored },
  { name: 'DATA of the connection', play: (peer) => peer.data(0, 'stray'), ...broke() },
  { name: 'HEADERS of the connection', play: (peer) => peer.headers(0, OK), ...broke() },
  {
    name: 'HEADERS of an idle stream',
    play: (peer, _, other) => peer.headers(other + 2, OK),
    ...broke(),
  },
  { name: 'HEADERS of a stream of the server', play: (peer) => peer.headers(2, OK), ...broke() },
  { name: 'DATA of a stream of the server', play: (peer) => peer.data(2, 'stray'), ...broke() },
  { name: 'RST_STREAM of the connection', play: (peer) => peer.reset(0, Code.CANCEL), ...broke() },
  {
    name: 'RST_STREAM of an idle stream',
    play: (peer, _, other) => peer.reset(other + 2, Code.CANCEL),
    ...broke(),
  },
  { name: 'RST_STREAM of a stream that has ended', play: before((peer) => peer.reset(1, Code.CANCEL)), ...ignored },
  {
    name: 'RST_STREAM of three bytes',
    play: (peer, stream) => peer.send(Type.RST_STREAM, 0, stream, bytes(3)),
    ...broke(),
  },

  // ── header sections (sections 4.3, 6.10) ──
  ...(
    [
      ['DATA of another stream', (peer, _, other) => peer.data(other, 'x')],
      ['HEADERS of another stream', (peer, _, other) => peer.headers(other, OK)],
      [
        'CONTINUATION of another stream',
        (peer, _, other) => peer.send(Type.CONTINUATION, END_HEADERS, other, section(OK)),
      ],
      ['its own DATA', (peer, stream) => peer.data(stream, 'x')],
      ['its own RST_STREAM', (peer, stream) => peer.reset(stream, Code.CANCEL)],
      ['PING', (peer) => peer.send(Type.PING, 0, 0, bytes(8))],
      ['SETTINGS', (peer) => peer.settings()],
      ['an unknown frame', (peer) => peer.send(0xef, 0, 0, bytes(8))],
      ['an unknown frame of its own', (peer, stream) => peer.send(0xef, 0, stream, bytes(8))],
    ] as [string, Attack['play']][]
  ).map(([what, act]): Attack => ({
    name: `in the midst of a header section ${what}`,
    play: async (peer, stream, other) => {
      await peer.send(Type.HEADERS, 0, stream, section(OK));
      await act(peer, stream, other);
      await peer.send(Type.CONTINUATION, END_HEADERS | END_STREAM, stream, section([['a', 'b']]));
    },
    ...broke(),
  })),
  {
    name: 'CONTINUATION of nothing',
    play: (peer, stream) => peer.send(Type.CONTINUATION, END_HEADERS, stream, section(OK)),
    ...broke(),
  },
  {
    name: 'CONTINUATION behind a whole section',
    play: behindHead((peer, stream) => peer.send(Type.CONTINUATION, END_HEADERS, stream, section([['a', 'b']]))),
    ...broke(),
  },
  {
    name: 'PUSH_PROMISE of the connection',
    play: (peer) =>
      peer.send(Type.PUSH_PROMISE, END_HEADERS, 0, Buffer.concat([word(2), section([[':method', 'GET']])])),
    ...broke(),
  },
  {
    name: 'PUSH_PROMISE without its section',
    play: (peer, stream) => peer.send(Type.PUSH_PROMISE, 0, stream, word(2)),
    ...broke(),
  },
  {
    name: 'a table that grows beyond what was allowed',
    play: (peer, stream) =>
      peer.send(
        Type.HEADERS,
        END_HEADERS | END_STREAM,
        stream,
        Buffer.concat([Buffer.from([0x3f, 0xe2, 0x1f]), section(OK)]),
      ),
    ...broke(),
  },
  {
    name: 'a table that changes behind a field',
    play: (peer, stream) =>
      peer.send(Type.HEADERS, END_HEADERS | END_STREAM, stream, Buffer.concat([section(OK), Buffer.from([0x20])])),
    ...broke(),
  },
  {
    name: 'a section that ends within a field',
    play: (peer, stream) =>
      peer.send(Type.HEADERS, END_HEADERS | END_STREAM, stream, section([...OK, ['a', 'bcd']]).subarray(0, -1)),
    ...broke(),
  },

  // ── other frames ──
  { name: 'PING of seven bytes', play: (peer) => peer.send(Type.PING, 0, 0, bytes(7)), ...broke() },
  {
    name: 'PING of a stream',
    play: (peer, stream) => peer.send(Type.PING, 0, stream, bytes(8)),
    ...broke(),
  },
  { name: 'an answer to no PING', play: before((peer) => peer.send(Type.PING, ACK, 0, bytes(8))), ...ignored },
  {
    name: 'GOAWAY of seven bytes',
    play: (peer) => peer.send(Type.GOAWAY, 0, 0, bytes(7)),
    ...broke(),
  },
  {
    name: 'GOAWAY of a stream',
    play: (peer, stream) => peer.send(Type.GOAWAY, 0, stream, bytes(8)),
    ...broke(),
  },
  {
    name: 'GOAWAY that takes back another',
    play: async (peer, _, other) => {
      await peer.goAway(other, Code.NO_ERROR);
      await peer.goAway(other + 2, Code.NO_ERROR);
    },
    ...broke(),
  },
  {
    name: 'flags that are not defined',
    play: async (peer, stream) => {
      await peer.headers(stream, OK, 0xd2 & ~PADDED & ~PRIORITY);
      await peer.data(stream, 'ok', 0xf6 | END_STREAM);
    },
    ...ignored,
  },
  {
    name: 'the reserved bit',
    play: async (peer, stream) => {
      await peer.headers(stream + 2 ** 31, OK);
      await peer.data(stream + 2 ** 31, 'ok', END_STREAM);
    },
    ...ignored,
  },

  // ── responses (section 8.1) ──
  {
    name: '103 that ends the stream',
    play: (peer, stream) => peer.headers(stream, [[':status', '103']], END_STREAM),
    ...malformed(),
  },
  {
    name: '100 that ends the stream',
    play: (peer, stream) => peer.headers(stream, [[':status', '100']], END_STREAM),
    ...malformed(),
  },
  {
    name: '101 that ends the stream',
    play: (peer, stream) => peer.headers(stream, [[':status', '101']], END_STREAM),
    outcome: 'ERR_REMOTE_PROTOCOL switched protocols, which HTTP/2 does not have (101)',
  },
  {
    name: '103 in the midst of a body',
    play: behindHead(async (peer, stream) => {
      await peer.data(stream, 'ok');
      await peer.headers(stream, [[':status', '103']]);
      await peer.data(stream, '', END_STREAM);
    }),
    ...malformed(),
  },
  {
    name: 'a second head',
    play: behindHead(async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.data(stream, 'ok', END_STREAM);
    }),
    ...malformed(),
  },
  {
    name: 'DATA behind an informational response',
    play: async (peer, stream) => {
      await peer.headers(stream, [[':status', '103']]);
      await peer.data(stream, 'ok', END_STREAM);
    },
    ...broke(),
  },
  {
    name: 'an end behind an informational response',
    play: async (peer, stream) => {
      await peer.headers(stream, [[':status', '103']]);
      await peer.data(stream, '', END_STREAM);
    },
    ...broke(),
  },
  {
    name: 'trailers that do not end the stream',
    play: behindHead(async (peer, stream) => {
      await peer.data(stream, 'ok');
      await peer.headers(stream, [['x-sum', '1']]);
      await peer.data(stream, '', END_STREAM);
    }),
    ...malformed(),
  },
  {
    name: 'trailers in two sections',
    play: behindHead(async (peer, stream) => {
      await peer.data(stream, 'ok');
      await peer.headers(stream, [['x-sum', '1']]);
      await peer.headers(stream, [['x-sum', '2']], END_STREAM);
    }),
    ...malformed(),
  },
  {
    name: 'DATA behind the trailers',
    play: behindHead(async (peer, stream) => {
      await peer.data(stream, 'ok');
      await peer.headers(stream, [['x-sum', '1']], END_STREAM);
      await peer.data(stream, 'more', END_STREAM);
    }),
    ...ignored,
  },
  ...['0', '99', '099', '1000', '+200', '200 ', '2e2', ''].map((status): Attack => ({
    name: `:status ${JSON.stringify(status)}`,
    play: (peer, stream) => peer.headers(stream, [[':status', status]], END_STREAM),
    ...broke(),
  })),

  // ── Content-Length (section 8.1.1) ──
  {
    name: 'a length of more than the first DATA, which ends',
    play: behindHead((peer, stream) => peer.data(stream, 'ok', END_STREAM), [['content-length', '3']]),
    ...malformed(),
  },
  {
    name: 'a length of less than two DATA',
    play: behindHead(
      async (peer, stream) => {
        await peer.data(stream, 'ok');
        await peer.data(stream, 'ok', END_STREAM);
      },
      [['content-length', '3']],
    ),
    ...malformed(),
  },
  {
    name: 'a length of 0 and content',
    play: behindHead((peer, stream) => peer.data(stream, 'ok', END_STREAM), [['content-length', '0']]),
    ...malformed(),
  },
  {
    name: 'a length of more than what is before the trailers',
    play: behindHead(
      async (peer, stream) => {
        await peer.data(stream, 'ok');
        await peer.headers(stream, [['x-sum', '1']], END_STREAM);
      },
      [['content-length', '3']],
    ),
    ...malformed(),
  },
  {
    name: 'a length of padding',
    play: behindHead(
      (peer, stream) => peer.send(Type.DATA, PADDED | END_STREAM, stream, Buffer.from([1, 111, 107, 0])),
      [['content-length', '3']],
    ),
    ...malformed(),
  },
  {
    name: 'the length twice',
    play: behindHead(
      (peer, stream) => peer.data(stream, 'ok', END_STREAM),
      [
        ['content-length', '2'],
        ['content-length', '2'],
      ],
    ),
    ...ignored,
  },
  ...['2, 2', '+2', '0x2', '2.0', '', '18446744073709551616', '-0'].map((length): Attack => ({
    name: `a length of ${JSON.stringify(length)}`,
    play: behindHead((peer, stream) => peer.data(stream, 'ok', END_STREAM), [['content-length', length]]),
    ...malformed(),
  })),
];

for (const { name, play, outcome, isFatal = false } of ATTACKS) {
  test(name, async (t) => {
    let connections = 0;
    const server = await serveHttp2(t, async (peer) => {
      const isFirst = ++connections === 1;
      await peer.settings();
      await peer.answer(await peer.request());
      if (isFirst) {
        const [one, two] = [await peer.whole(), await peer.whole()];
        await play(peer, one, two);
        await peer.answer(two);
      }
      for (;;) await peer.answer(await peer.request());
    });
    const client = openClient(t, { httpVersions: 'HTTP/2', timeout: null, poolLimits: { keepaliveExpiry: null } });
    t.is(told(await client.get(server.url)), '200 ok');
    const both = Promise.all([found(client.post(server.url)), found(client.post(server.url))]);
    t.deepEqual(await soon('the outcomes', both), [outcome, isFatal ? outcome : '200 ok']);
    t.is(told(await soon('the next response', client.get(server.url))), '200 ok');
    t.is(connections, isFatal ? 2 : 1);
    await eventually('no connection is in use', () => client.pool.active === 0);
  });
}

async function found(response: Promise<{ statusCode: number; text: string }>): Promise<string> {
  try {
    const { statusCode, text } = await response;
    return `${statusCode} ${text}`;
  } catch (error) {
    if (!(error instanceof HTTPError)) throw error;
    return `${error.code} ${reasonOf(error).replace(/^\w+: https?:\/\/[^ ]+ /, '')}`;
  }
}
