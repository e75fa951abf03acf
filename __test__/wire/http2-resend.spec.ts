/**
 * What arrives how often when an HTTP/2 exchange ends before its response is whole: each way to end × each kind of request × a new
 * or a used connection. What the server says it has not processed goes out again, whatever it is (RFC 9113 section 8.7); what a used
 * connection lost before any answer goes out again if it is idempotent (RFC 9110 section 9.2.2); everything else arrives once.
 */
import test, { type ExecutionContext } from 'ava';
import { HTTPError, type RequestOptions } from '../../src/index.js';
import { eventually, openClient, soon, told } from '../helpers/client.js';
import { Code, type Fields, type Http2Peer, OK, section, serveHttp2, Type } from '../helpers/raw-http2.js';

interface Kind {
  readonly title: string;
  readonly method: string;
  readonly options?: () => RequestOptions;
  readonly isIdempotent: boolean;
  /** Its body is gone once it was sent. */
  readonly isOnce?: boolean;
}

const idempotencyKey = { 'idempotency-key': 'k' };
const KINDS: Kind[] = [
  { title: 'GET', method: 'GET', isIdempotent: true },
  { title: 'DELETE', method: 'DELETE', isIdempotent: true },
  { title: 'PUT of bytes', method: 'PUT', options: () => ({ content: 'body' }), isIdempotent: true },
  { title: 'PUT of a stream', method: 'PUT', options: () => ({ content: pieces() }), isIdempotent: true, isOnce: true },
  { title: 'POST of nothing', method: 'POST', isIdempotent: false },
  { title: 'POST of bytes', method: 'POST', options: () => ({ content: 'body' }), isIdempotent: false },
  {
    title: 'POST of a stream',
    method: 'POST',
    options: () => ({ content: pieces() }),
    isIdempotent: false,
    isOnce: true,
  },
  { title: 'PATCH of bytes', method: 'PATCH', options: () => ({ content: 'body' }), isIdempotent: false },
  {
    title: 'POST with a key',
    method: 'POST',
    options: () => ({ content: 'body', headers: idempotencyKey }),
    isIdempotent: true,
  },
];

interface Ending {
  readonly title: string;
  /** What the server does instead of an answer, once the whole request is there. */
  readonly end: (peer: Http2Peer, stream: number) => unknown;
  /**
   * `refused`: what can be sent again is; `doubtful`: if it is idempotent; `lost`: if it is idempotent, and the connection a used one;
   * `failed`: never.
   */
  readonly means: 'refused' | 'doubtful' | 'lost' | 'failed';
  /** Class and code, where it is not sent again. */
  readonly error: string;
}

const STREAM = 'RemoteProtocolError ERR_HTTP2_STREAM_ERROR';
const SESSION = 'RemoteProtocolError ERR_HTTP2_SESSION_ERROR';
const GOAWAY = 'RemoteProtocolError ERR_HTTP2_GOAWAY_SESSION';
const RESET = 'ReadError ECONNRESET';
const CUT = 'RemoteProtocolError ERR_REMOTE_PROTOCOL';
const EVERY_STREAM = 2 ** 31 - 1;
const EARLY_HINTS: Fields = [[':status', '103']];

const fin = (peer: Http2Peer): void => peer.connection.end();
const rst = (peer: Http2Peer): void => peer.connection.reset();

const ENDINGS: Ending[] = [
  { title: 'FIN', end: fin, means: 'lost', error: RESET },
  { title: 'RST', end: rst, means: 'lost', error: RESET },
  {
    title: 'a part of the head, and FIN',
    end: async (peer, stream) => {
      await peer.send(Type.HEADERS, 0, stream, section(OK));
      fin(peer);
    },
    means: 'lost',
    error: RESET,
  },
  ...(
    [
      ['counts the stream', 0, Code.NO_ERROR],
      ['counts the stream, INTERNAL_ERROR', 0, Code.INTERNAL_ERROR],
      ['counts the stream, ENHANCE_YOUR_CALM', 0, Code.ENHANCE_YOUR_CALM],
      ['counts every stream', Infinity, Code.NO_ERROR],
    ] as const
  ).map(([title, beyond, code]): Ending => ({
    title: `GOAWAY that ${title}, and FIN`,
    end: async (peer, stream) => {
      await peer.goAway(Math.min(stream + beyond, EVERY_STREAM), code);
      fin(peer);
    },
    means: 'lost',
    error: RESET,
  })),
  ...(
    [
      ['NO_ERROR', Code.NO_ERROR, 'refused'],
      ['INTERNAL_ERROR', Code.INTERNAL_ERROR, 'refused'],
      ['PROTOCOL_ERROR', Code.PROTOCOL_ERROR, 'refused'],
      ['ENHANCE_YOUR_CALM', Code.ENHANCE_YOUR_CALM, 'failed'],
    ] as const
  ).flatMap(([title, code, means]): Ending[] => [
    {
      title: `GOAWAY before the stream, ${title}`,
      end: (peer, stream) => peer.goAway(stream - 1, code),
      means,
      error: GOAWAY,
    },
    {
      title: `GOAWAY before the stream, ${title}, and FIN`,
      end: async (peer, stream) => {
        await peer.goAway(stream - 1, code);
        fin(peer);
      },
      means,
      error: GOAWAY,
    },
  ]),
  {
    title: 'GOAWAY that counts every stream, then one before it',
    end: async (peer, stream) => {
      await peer.goAway(EVERY_STREAM, Code.NO_ERROR);
      await peer.goAway(stream - 1, Code.NO_ERROR);
    },
    means: 'refused',
    error: GOAWAY,
  },
  {
    title: 'REFUSED_STREAM',
    end: (peer, stream) => peer.reset(stream, Code.REFUSED_STREAM),
    means: 'refused',
    error: STREAM,
  },
  ...(
    ['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'CANCEL', 'ENHANCE_YOUR_CALM', 'HTTP_1_1_REQUIRED'] as const
  ).map((code): Ending => ({
    title: `RST_STREAM ${code}`,
    end: (peer, stream) => peer.reset(stream, Code[code]),
    means: 'failed',
    error: STREAM,
  })),
  {
    title: 'a frame that breaks the rules',
    end: (peer) => peer.windowUpdate(0, 0),
    means: 'failed',
    error: SESSION,
  },
  {
    title: '103, then REFUSED_STREAM, which does not go together',
    end: async (peer, stream) => {
      await peer.headers(stream, EARLY_HINTS);
      await peer.reset(stream, Code.REFUSED_STREAM);
    },
    means: 'doubtful',
    error: STREAM,
  },
  {
    title: '103, then GOAWAY before the stream, which does not go together',
    end: async (peer, stream) => {
      await peer.headers(stream, EARLY_HINTS);
      await peer.goAway(stream - 1, Code.NO_ERROR);
    },
    means: 'doubtful',
    error: GOAWAY,
  },
  ...behind('103', (peer, stream) => peer.headers(stream, EARLY_HINTS), RESET),
  ...behind('the head', (peer, stream) => peer.headers(stream, OK), CUT),
  ...behind(
    'some of the body',
    async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.data(stream, 'some');
    },
    CUT,
  ),
];

/** What has begun to be answered does not go out again. */
function behind(begun: string, begin: (peer: Http2Peer, stream: number) => Promise<void>, cut: string): Ending[] {
  const ends: [title: string, end: Ending['end'], error: string][] = [
    ['FIN', fin, cut],
    ['RST', rst, RESET],
    ['RST_STREAM INTERNAL_ERROR', (peer, stream) => peer.reset(stream, Code.INTERNAL_ERROR), STREAM],
    ['RST_STREAM NO_ERROR', (peer, stream) => peer.reset(stream, Code.NO_ERROR), STREAM],
    ...(begun === '103'
      ? []
      : ([
          ['REFUSED_STREAM', (peer, stream) => peer.reset(stream, Code.REFUSED_STREAM), STREAM],
          ['GOAWAY before the stream', (peer, stream) => peer.goAway(stream - 1, Code.NO_ERROR), GOAWAY],
        ] as [string, Ending['end'], string][])),
    [
      'GOAWAY that counts the stream, and FIN',
      (peer, stream) => peer.goAway(stream, Code.NO_ERROR).then(() => fin(peer)),
      cut,
    ],
  ];
  return ends.map(([title, end, error]) => ({
    title: `${begun}, then ${title}`,
    end: async (peer, stream) => {
      await begin(peer, stream);
      // An RST takes back what has not been read yet.
      await peer.ping();
      await end(peer, stream);
    },
    means: 'failed',
    error,
  }));
}

for (const ending of ENDINGS) {
  test(`SEC-C7 SEC-L14 ${ending.title}: what goes out again, and what does not`, async (t) => {
    await Promise.all(KINDS.flatMap((kind) => [false, true].map((isReused) => meets(t, ending, kind, isReused))));
  });
}

async function meets(t: ExecutionContext, { end, means, error }: Ending, kind: Kind, isReused: boolean): Promise<void> {
  const name = `${kind.title}, ${isReused ? 'used' : 'new'} connection`;
  /** The requests that arrived whole, but for the one before. */
  let arrived = 0;
  let first = isReused;
  const server = await serveHttp2(t, async (peer) => {
    await peer.settings();
    for (;;) {
      const stream = await peer.whole();
      if (first) {
        first = false;
        await peer.answer(stream);
      } else if (++arrived === 1) await end(peer, stream);
      else await peer.answer(stream);
    }
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', poolLimits: { keepaliveExpiry: null } });
  if (isReused) t.is(told(await client.get(server.url)), '200 ok', name);
  const isSafe = {
    refused: true,
    doubtful: kind.isIdempotent,
    lost: kind.isIdempotent && isReused,
    failed: false,
  };
  const isAgain = kind.isOnce !== true && isSafe[means];
  const found = await soon(name, outcome(client.request(kind.method, server.url, kind.options?.())));
  t.is(found, isAgain ? '200 ok' : error, name);
  t.is(arrived, isAgain ? 2 : 1, `${name}: how often it arrived`);
  t.is(told(await soon(`the request after ${name}`, client.get(server.url))), '200 ok', name);
  t.is(arrived, isAgain ? 3 : 2, `${name}: how often it arrived in the end`);
}

async function outcome(response: Promise<{ statusCode: number; text: string }>): Promise<string> {
  try {
    const { statusCode, text } = await response;
    return `${statusCode} ${text}`;
  } catch (error) {
    if (!(error instanceof HTTPError)) throw error;
    return `${error.name} ${error.code}`;
  }
}

async function* pieces(): AsyncGenerator<string> {
  yield 'one';
  yield 'two';
}

test('SEC-C7 what a used connection lost goes out again once', async (t) => {
  for (const end of [fin, rst]) {
    let arrived = 0;
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      for (;;) {
        const stream = await peer.whole();
        if (++arrived === 1 || arrived > 3) await peer.answer(stream);
        else end(peer);
      }
    });
    const client = openClient(t, { httpVersions: 'HTTP/2', poolLimits: { keepaliveExpiry: null } });
    t.is(told(await client.get(server.url)), '200 ok');
    t.is(await soon('an error', outcome(client.get(server.url))), RESET);
    t.is(arrived, 3);
    t.is(told(await client.get(server.url)), '200 ok');
  }
});

test('SEC-C7 what a used connection never took goes out again, whatever it is', async (t) => {
  const posts: number[] = [];
  let first: Http2Peer | undefined;
  const server = await serveHttp2(t, async (peer) => {
    if (first !== undefined) {
      await peer.settings();
      for (;;) {
        const stream = await peer.whole();
        posts.push(stream);
        await peer.answer(stream);
      }
    }
    first = peer;
    await peer.settings([4, EVERY_STREAM]);
    await peer.windowUpdate(0, 2 ** 30);
    await peer.request();
    // Nothing is read from now on.
    peer.connection.socket.pause();
    await peer.connection.closed;
  });
  const client = openClient(t, { httpVersions: 'HTTP/2', poolLimits: { keepaliveExpiry: null } });
  let [sent, seen] = [0, 0];
  const upload = outcome(
    client.put(server.url, {
      content: Buffer.alloc(64 << 20),
      onUploadProgress: (bytes) => (sent = bytes),
    }),
  );
  // For long enough that it is not the machine that has no time.
  let standsSince = 0;
  await eventually('an upload that is not read stands still', () => {
    if (sent !== seen || sent === 0) {
      seen = sent;
      standsSince = Date.now();
    }
    return Date.now() - standsSince > 1_000;
  });
  const post = outcome(client.post(server.url, { content: 'body' }));
  await new Promise(setImmediate);
  first?.connection.reset();
  t.is(await soon('an answer', post), '200 ok');
  t.is(posts.length, 1);
  t.is(await soon('an error', upload), RESET);
});
