/** Faults of HTTP/2 (frames that a server sends, or does not), and what each call comes to. */
import { Code, END_STREAM, type Fields, OK, PADDED, Type, END_HEADERS, word, section } from '../helpers/raw-http2.js';
import { answer, BODY, type Cell, type Http2Fault, type Http2Stream, type Outcome, settle } from './kit.js';

const HEAD: Fields = [...OK, ['content-type', 'text/event-stream']];
const stream = 'RemoteProtocolError ERR_HTTP2_STREAM_ERROR';
const session = 'RemoteProtocolError ERR_HTTP2_SESSION_ERROR';
const goAway = 'RemoteProtocolError ERR_HTTP2_GOAWAY_SESSION';
const gone = 'RemoteProtocolError ERR_REMOTE_PROTOCOL';
const reset = 'ReadError ECONNRESET';

/** Says that much of a response, which arrives, and then that. */
const after =
  (body: string, then: (at: Http2Stream) => unknown, fields: Fields = []): Http2Fault['play'] =>
  async ({ peer, stream: id }) => {
    await peer.headers(id, [...HEAD, ...fields]);
    if (body !== '') await peer.data(id, body);
    await then({ peer, stream: id });
  };

const resetBy =
  (code: number) =>
  ({ peer, stream: id }: Http2Stream): Promise<void> =>
    peer.reset(id, code);
const end = ({ peer }: Http2Stream): void => peer.connection.end();

/** A used connection that ends before a frame of the response: what may be sent twice is. */
const resent = ({ reused, operation }: Cell, failed: Outcome): Outcome =>
  reused && operation !== 'streamed POST' ? 'whole' : failed;

/** What was not acted upon is sent again, unless its body is a stream that has begun. */
const again = ({ operation }: Cell, failed: Outcome): Outcome => (operation === 'streamed POST' ? failed : 'whole');

export const HTTP2: Http2Fault[] = [
  {
    row: '2.4',
    name: 'RST_STREAM REFUSED_STREAM, once',
    play: once(resetBy(Code.REFUSED_STREAM)),
    expected: (cell) => again(cell, stream),
  },
  { row: '2.4', name: 'RST_STREAM REFUSED_STREAM, always', play: resetBy(Code.REFUSED_STREAM), expected: stream },
  { row: '2.4', name: 'RST_STREAM CANCEL', play: resetBy(Code.CANCEL), expected: stream },
  { row: '2.4', name: 'RST_STREAM NO_ERROR before the head', play: resetBy(Code.NO_ERROR), expected: stream },
  { row: '2.4', name: 'RST_STREAM INTERNAL_ERROR', play: resetBy(Code.INTERNAL_ERROR), expected: stream },
  {
    row: '2.4',
    name: 'RST_STREAM HTTP_1_1_REQUIRED, and no HTTP/1.1',
    play: resetBy(Code.HTTP_1_1_REQUIRED),
    expected: stream,
  },
  {
    row: '2.4',
    name: 'a whole response, then RST_STREAM NO_ERROR',
    play: async ({ peer, stream: id }) => {
      await answer(peer, id);
      await peer.reset(id, Code.NO_ERROR);
    },
    expected: 'whole',
  },
  { row: '2.4', name: 'RST_STREAM CANCEL in the body', play: after(BODY, resetBy(Code.CANCEL)), expected: stream },
  {
    row: '2.4',
    name: 'GOAWAY for everything, once',
    play: once(async (at) => {
      await at.peer.goAway(0, Code.NO_ERROR);
      end(at);
    }),
    expected: (cell) => again(cell, goAway),
  },
  {
    row: '2.4',
    name: 'GOAWAY for everything, always',
    play: async (at) => {
      await at.peer.goAway(0, Code.NO_ERROR);
      end(at);
    },
    expected: goAway,
  },
  {
    row: '2.4',
    name: 'GOAWAY that counts the stream, and its response later',
    play: async ({ peer, stream: id }) => {
      await peer.goAway(id, Code.NO_ERROR);
      await settle();
      await answer(peer, id);
    },
    expected: 'whole',
  },
  {
    row: '2.4',
    name: 'GOAWAY ENHANCE_YOUR_CALM and the end',
    play: async (at) => {
      await at.peer.goAway(0, Code.ENHANCE_YOUR_CALM);
      end(at);
    },
    expected: goAway,
  },
  { row: '2.4', name: 'the end without GOAWAY', play: end, expected: reset },
  { row: '2.4', name: 'the end without GOAWAY, once', play: once(end), expected: (cell) => resent(cell, reset) },
  { row: '2.4', name: 'RST', play: ({ peer }) => peer.connection.reset(), expected: reset },
  {
    row: '2.4',
    name: 'FIN in the body',
    play: after(BODY, async (at) => {
      await settle();
      end(at);
    }),
    expected: gone,
  },
  {
    row: '2.4',
    name: 'RST in the body',
    play: after(BODY, async ({ peer }) => {
      await settle();
      peer.connection.reset();
    }),
    expected: reset,
  },
  {
    row: '2.4',
    name: 'fewer bytes than Content-Length',
    play: after(BODY, ({ peer, stream: id }) => peer.data(id, '', END_STREAM), [['content-length', '11']]),
    expected: stream,
  },
  {
    row: '2.4',
    name: 'more bytes than Content-Length',
    play: after(BODY, ({ peer, stream: id }) => peer.data(id, 'x', END_STREAM), [['content-length', '10']]),
    expected: stream,
  },
  {
    row: '2.4',
    name: 'a frame beyond the maximum size',
    play: ({ peer, stream: id }) => peer.send(Type.DATA, 0, id, Buffer.alloc(1 << 20)),
    expected: session,
  },
  {
    row: '2.4',
    name: 'padding longer than its frame',
    play: after('', ({ peer, stream: id }) => peer.send(Type.DATA, PADDED, id, Buffer.from([200, 1, 2]))),
    expected: session,
  },
  {
    row: '2.4',
    name: 'an index that the header table does not have',
    play: ({ peer, stream: id }) => peer.send(Type.HEADERS, END_HEADERS, id, Buffer.from([0xff, 0x80, 0x01])),
    expected: session,
  },
  {
    row: '2.4',
    name: 'DATA before HEADERS',
    play: ({ peer, stream: id }) => peer.data(id, 'early'),
    expected: session,
  },
  {
    row: '2.4',
    name: 'a push, which was forbidden',
    play: ({ peer, stream: id }) =>
      peer.send(Type.PUSH_PROMISE, END_HEADERS, id, Buffer.concat([word(2), section([[':method', 'GET']])])),
    expected: session,
  },
  {
    row: '2.4',
    name: 'HTTP/1.1 in answer to the preface',
    atOnce: async (connection) => {
      await connection.body(24);
      await connection.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    },
    expected: session,
  },
  {
    row: '8',
    name: 'no answer',
    play: () => {},
    options: { timeout: { read: 100 } },
    expected: 'ReadTimeout ERR_READ_TIMEOUT',
  },
  {
    row: '46',
    name: 'nothing more in the body',
    play: after(BODY, () => {}),
    options: { timeout: { read: 100 } },
    expected: 'ReadTimeout ERR_READ_TIMEOUT',
  },
  { row: '29', name: 'FIN while idle', reused: true, whileIdle: (connection) => connection.end(), expected: 'whole' },
  { row: '29', name: 'RST while idle', reused: true, whileIdle: (connection) => connection.reset(), expected: 'whole' },
  ...(
    [
      ['no :status', [['content-type', 'text/plain']], stream],
      ['a header of HTTP/1.1 connections', [...OK, ['connection', 'close']], stream],
      // RFC 9113 8.1.1 lets what is malformed end the connection as well.
      ['a name in capitals', [...OK, ['X-Up', '1']], session],
      ['CR LF in a value', [...OK, ['x', 'a\r\nb']], session],
    ] as [string, Fields, string][]
  ).map(([name, fields, expected]): Http2Fault => ({
    row: 'SEC-L12',
    name,
    play: ({ peer, stream: id }) => peer.headers(id, fields, END_STREAM),
    expected,
  })),
];

/** The first time; from then on the answer is as it should be. */
function once(play: (at: Http2Stream) => unknown): Http2Fault['play'] {
  return (at, attempt) => (attempt === 1 ? play(at) : answer(at.peer, at.stream));
}
