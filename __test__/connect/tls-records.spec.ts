/** SEC-D8, SEC-D9: what a server says within TLS, at each time, and in the handshake. */
import test, { type ExecutionContext } from 'ava';
import type { SecureVersion } from 'node:tls';
import type { Client, ClientOptions, RequestOptions } from '../../src/index.js';
import { run } from '../helpers/child.js';
import { eventually, gate, openClient, soon, told } from '../helpers/client.js';
import type { Listening } from '../helpers/listen.js';
import { END_STREAM, Http2Peer, OK as OK_FIELDS } from '../helpers/raw-http2.js';
import { OK } from '../helpers/server.js';
import { type Identity, testCA } from '../helpers/tls.js';
import {
  alert,
  CHANGE_CIPHER_SPEC,
  cut,
  data,
  HANDSHAKE,
  HELLO_REQUEST,
  message,
  type RecordServerOptions,
  serveRecords,
  ticket,
  type TlsConnection,
  type TlsRecord,
} from '../helpers/tls-records.js';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

interface Options extends Partial<RecordServerOptions> {
  isHttp2?: boolean;
  client?: ClientOptions;
}

/** A server whose first connection does `first` once, and answers every request from then on. */
async function faultyOnce(
  t: ExecutionContext,
  first: (connection: TlsConnection) => unknown,
  { isHttp2 = false, client: clientOptions, ...options }: Options = {},
): Promise<{ client: Client; server: Listening }> {
  let isFaulty = true;
  const play = async (connection: TlsConnection): Promise<void> => {
    if (isFaulty) {
      isFaulty = false;
      await first(connection);
    }
    if (isHttp2) return answerHttp2(connection);
    for (;;) {
      await connection.request();
      await connection.write(OK);
    }
  };
  const all = { ...(await identity()), ...options, ...(isHttp2 ? { ALPNProtocols: ['h2'] } : {}) };
  const server = await serveRecords(t, play, all);
  const client = openClient(t, { verify: (await testCA()).cert, ...clientOptions });
  return { client, server };
}

let shared: Promise<Identity> | undefined;
function identity(): Promise<Identity> {
  shared ??= testCA().then((ca) => ca.issue());
  return shared;
}

async function answerHttp2(connection: TlsConnection): Promise<void> {
  const peer = await preface(connection);
  for (;;) await peer.answer(await peer.request());
}

async function preface(connection: TlsConnection): Promise<Http2Peer> {
  await connection.body(24);
  const peer = new Http2Peer(connection);
  await peer.settings();
  return peer;
}

/** `200 body`, or the class and the code of the error. */
async function outcome(client: Client, url: string, options?: RequestOptions): Promise<string> {
  try {
    return told(await soon('an outcome', client.get(url, options)));
  } catch (error) {
    const { name, code, message } = error as Error & { code: string };
    // What the fault is, is told as well.
    return /\S: \S/.test(message) ? `${name} ${code}` : `${name} ${code} without a reason: ${message}`;
  }
}

// ── within the connection ──

const hello: TlsRecord = { type: HANDSHAKE, content: message(HELLO_REQUEST, Buffer.alloc(0)) };
/** RFC 8446 section 4.3.2, which only one that has offered post_handshake_auth may be sent. */
const certificateRequest = message(13, Buffer.from('000008000d000400020403', 'hex'));
const times = (count: number, ...records: TlsRecord[]): TlsRecord[] =>
  Array.from({ length: count }, () => records).flat();

type Say = (connection: TlsConnection) => unknown;
const says =
  (...records: TlsRecord[]): Say =>
  (connection) =>
    connection.send(...records);

/** What is said; versions; nothing comes of it, or the code of the ReadError. */
const SAID: [title: string, versions: readonly SecureVersion[], say: Say, code: string | undefined][] = [
  ['32 KeyUpdates', ['TLSv1.3'], (it) => it.updateKeys(32, false), undefined],
  ['32 KeyUpdates that want one in return', ['TLSv1.3'], (it) => it.updateKeys(32, true), undefined],
  ['a flood of KeyUpdates', ['TLSv1.3'], (it) => it.updateKeys(300, false), 'EPROTO'],
  ['a flood of KeyUpdates that want one in return', ['TLSv1.3'], (it) => it.updateKeys(300, true), 'EPROTO'],
  ['a flood of tickets', ['TLSv1.3'], says(...times(300, ...ticket(32))), undefined],
  ['twenty tickets of 64 KB', ['TLSv1.3'], says(...times(20, ...ticket(65_000))), undefined],
  ['a ticket of 64 KB in records of eight bytes', ['TLSv1.3'], says(...cut({ type: HANDSHAKE, content: Buffer.concat(ticket(65_000).map((it) => it.content)) }, 8)), 'EPROTO'], // prettier-ignore
  ['a request for a certificate', ['TLSv1.3'], says({ type: HANDSHAKE, content: certificateRequest }), 'EPROTO'],
  ['half of a message', ['TLSv1.3'], says({ type: HANDSHAKE, content: Buffer.from([4, 0, 255, 255, 0]) }), 'EPROTO'],
  ['32 empty records', VERSIONS, says(...times(32, data(''))), undefined],
  ['a flood of empty records', VERSIONS, says(...times(300, data(''))), 'EPROTO'],
  ['user_canceled', VERSIONS, says(alert(1, 90)), undefined],
  ['a flood of user_canceled', VERSIONS, says(...times(100, alert(1, 90))), 'EPROTO'],
  ['another warning', ['TLSv1.2'], says(alert(1, 41)), undefined],
  ['another warning', ['TLSv1.3'], says(alert(1, 41)), 'EPROTO'],
  ['internal_error', VERSIONS, says(alert(2, 80)), 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'],
  ['certificate_required', VERSIONS, says(alert(2, 116)), 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'],
  ['an alert with an unknown number', VERSIONS, says(alert(2, 255)), 'EPROTO'],
  ['a request to renegotiate', ['TLSv1.3'], says(hello), 'EPROTO'],
  ['a flood of requests to renegotiate', ['TLSv1.2'], says(...times(100, hello)), 'EPROTO'],
  ['change_cipher_spec', VERSIONS, says({ type: CHANGE_CIPHER_SPEC, content: Buffer.from([1]) }), 'EPROTO'],
  ['a record sealed with other keys', VERSIONS, (it) => it.sendBytes(Buffer.from(`1703030020${'00'.repeat(32)}`, 'hex')), 'EPROTO'], // prettier-ignore
  ['plain HTTP', VERSIONS, (it) => it.sendBytes(Buffer.from(OK)), 'EPROTO'],
];

/** The time at which it is said; the answer, where nothing comes of it. */
const TIMES: [time: string, before: string, after: string, answer: string][] = [
  ['before the head', '', OK, '200 ok'],
  ['within the head', 'HTTP/1.1 200 OK\r\n', 'Content-Length: 4\r\n\r\nhalf', '200 half'],
  ['within a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha', 'lf', '200 half'],
  [
    'within chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nha\r\n',
    '2\r\nlf\r\n0\r\n\r\n',
    '200 half',
  ],
  ['within a body that the end delimits', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nha', 'lf', '200 half'],
];

for (const [title, versions, say, code] of SAID) {
  for (const maxVersion of versions) {
    test(`SEC-D9 ${maxVersion}: ${title}`, async (t) => {
      for (const [time, before, after, answer] of TIMES) {
        const { client, server } = await faultyOnce(
          t,
          async (connection) => {
            await connection.head();
            if (before !== '') await connection.write(before);
            await say(connection);
            await connection.write(after);
            if (before.includes('close')) connection.end();
          },
          { maxVersion },
        );
        t.is(await outcome(client, server.url), code === undefined ? answer : `ReadError ${code}`, time);
        t.is(await outcome(client, server.url), '200 ok', `the next request, ${time}`);
      }
    });

    test(`SEC-D9 ${maxVersion}: ${title}, behind the response and with it`, async (t) => {
      const { client, server } = await faultyOnce(
        t,
        async (connection) => {
          await connection.head();
          await connection.together(() => [connection.send(data(OK)), say(connection)]);
        },
        { maxVersion },
      );
      // The response is there: what comes behind it takes nothing of it away, and reaches no other one.
      t.is(await outcome(client, server.url), '200 ok');
      t.is(await outcome(client, server.url), '200 ok', 'the next request');
    });
  }
}

test('SEC-D9 a connection on which a fault came with the response gets no POST, which could not be sent again', async (t) => {
  const { client, server } = await faultyOnce(t, async (connection) => {
    await connection.head();
    await connection.together(() => [connection.send(data(OK)), connection.send(alert(2, 80))]);
  });
  t.is(await outcome(client, server.url), '200 ok');
  t.is(told(await soon('an answer', client.post(server.url, { content: 'x' }))), '200 ok');
  t.is(server.connections(), 2);
});

for (const maxVersion of VERSIONS) {
  test(`SEC-D9 ${maxVersion}: a fault while the connection is idle ends it, and nothing else`, async (t) => {
    for (const [title, versions, say, code] of SAID) {
      // Half of a message is none as long as nothing else comes.
      if (code === undefined || !versions.includes(maxVersion) || title === 'half of a message') continue;
      const arrived = gate();
      const { client, server } = await faultyOnce(
        t,
        async (connection) => {
          await connection.request();
          await connection.write(OK);
          await arrived.promise;
          await say(connection);
        },
        { maxVersion, client: { poolLimits: { keepaliveExpiry: null } } },
      );
      t.is(await outcome(client, server.url), '200 ok', title);
      arrived.open();
      await eventually(`the end of the connection: ${title}`, () => server.openConnections() === 0);
      t.is(told(await soon('an answer', client.post(server.url, { content: 'x' }))), '200 ok', title);
    }
  });
}

// ── the same by HTTP/2, where it befalls all streams ──

for (const [title, versions, say, code] of SAID) {
  for (const maxVersion of versions) {
    test(`SEC-D9 HTTP/2, ${maxVersion}: ${title}`, async (t) => {
      const { client, server } = await faultyOnce(
        t,
        async (connection) => {
          const peer = await preface(connection);
          const streams = [await peer.request(), await peer.request()];
          await peer.headers(streams[0]!, OK_FIELDS);
          await say(connection);
          await peer.data(streams[0]!, 'ok', END_STREAM);
          await peer.answer(streams[1]!);
          await connection.rest();
        },
        { maxVersion, isHttp2: true },
      );
      const both = await Promise.all([outcome(client, server.url), outcome(client, server.url)]);
      // The second one, for which nothing came, is sent again.
      t.deepEqual(both, [code === undefined ? '200 ok' : `ReadError ${code}`, '200 ok']);
    });
  }
}

// ── ends ──

const gone = 'RemoteProtocolError ERR_REMOTE_PROTOCOL';

/** How TLS ends; what becomes of a body that only the end delimits. */
const ENDS: [title: string, end: Say, untilEnd: string][] = [
  ['close_notify', says(alert(1, 0)), '200 ha'],
  ['close_notify as a fatal alert', says(alert(2, 0)), '200 ha'],
  ['close_notify, and garbage behind it', (it) => it.together(() => [it.send(alert(1, 0)), it.sendBytes(Buffer.alloc(99))]), '200 ha'], // prettier-ignore
  ['FIN without close_notify', (it) => it.cut(), gone],
  ['half a record and FIN', (it) => it.sendBytes(Buffer.from('1703030020aaaa', 'hex')).then(() => it.cut()), gone],
];

for (const [title, end, untilEnd] of ENDS) {
  for (const maxVersion of VERSIONS) {
    test(`SEC-D9 SEC-J13 ${maxVersion}: ${title}`, async (t) => {
      for (const [time, before] of TIMES) {
        const { client, server } = await faultyOnce(
          t,
          async (connection) => {
            await connection.head();
            if (before !== '') await connection.write(before);
            await end(connection);
            await connection.closed;
          },
          { maxVersion },
        );
        t.is(await outcome(client, server.url), time.endsWith('the end delimits') ? untilEnd : gone, time);
        t.is(await outcome(client, server.url), '200 ok', `the next request, ${time}`);
      }
    });
  }
}

// ── without an end ──

const ticketsWithoutEnd = async (connection: TlsConnection, length: number): Promise<void> => {
  const records = times(Math.ceil(3200 / length), ...ticket(length));
  for (;;) {
    await connection.send(...records);
    // A client that reads as fast as this writes would leave no turn of the loop to anything else.
    await new Promise((resolve) => setImmediate(resolve));
  }
};

// Not a byte of it is HTTP: the timeouts go by what is.
for (const [length, [time, before], timeout, expected] of [
  [32, TIMES[0]!, { read: 100 }, 'ReadTimeout ERR_READ_TIMEOUT'],
  [32, TIMES[2]!, { read: 100 }, 'ReadTimeout ERR_READ_TIMEOUT'],
  [32, TIMES[2]!, { total: 200 }, 'TotalTimeout ERR_TOTAL_TIMEOUT'],
  [65_000, TIMES[0]!, { read: 100 }, 'ReadTimeout ERR_READ_TIMEOUT'],
] as const) {
  test.serial(`SEC-D9 tickets of ${length} bytes without end, ${time}: ${expected}`, async (t) => {
    const { client, server } = await faultyOnce(t, async (connection) => {
      await connection.head();
      if (before !== '') await connection.write(before);
      await ticketsWithoutEnd(connection, length);
    });
    t.is(await outcome(client, server.url, { timeout }), expected);
    t.is(await outcome(client, server.url), '200 ok');
  });
}

test.serial('SEC-D9 tickets without end while idle: the connection is closed when its time is over', async (t) => {
  const { client, server } = await faultyOnce(
    t,
    async (connection) => {
      await connection.request();
      await connection.write(OK);
      await ticketsWithoutEnd(connection, 32);
    },
    { client: { poolLimits: { keepaliveExpiry: 100 } } },
  );
  t.is(await outcome(client, server.url), '200 ok');
  await eventually('the end of the connection', () => server.openConnections() === 0);
  t.is(await outcome(client, server.url), '200 ok');
});

test.serial(
  'SEC-D9 tickets without end while idle: other requests get their answers, and close() its end',
  async (t) => {
    const { client, server } = await faultyOnce(t, async (connection) => {
      await connection.request();
      await connection.write(OK);
      ticketsWithoutEnd(connection, 32).catch(() => {});
    });
    for (let i = 0; i < 3; i++) t.is(await outcome(client, server.url), '200 ok');
    await soon('the end of the client', client.close());
    await eventually('the end of the connections', () => server.openConnections() === 0);
  },
);

// ── records of a byte ──

for (const maxVersion of VERSIONS) {
  test(`SEC-D9 ${maxVersion}: all in records of one byte, and a KeyUpdate after each`, async (t) => {
    const body = 'x'.repeat(2000);
    const { client, server } = await faultyOnce(
      t,
      async (connection) => {
        await connection.head();
        const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
        for (const [i, character] of [...answer].entries()) {
          await connection.send(data(character));
          if (maxVersion === 'TLSv1.3') await connection.updateKeys(1, i % 2 === 0);
        }
      },
      { maxVersion, rewrite: (record) => cut(record, 1) },
    );
    t.is(await outcome(client, server.url), `200 ${body}`);
    t.is(await outcome(client, server.url), '200 ok');
    t.is(server.connections(), 1);
  });
}

// ── memory ──

test.serial('SEC-D9 forty megabytes of tickets take no memory', async (t) => {
  let connections = 0;
  const flood = ticket(65_000);
  const server = await serveRecords(
    t,
    async (connection) => {
      const isFirst = connections++ === 0;
      for (;;) {
        await connection.request();
        for (let i = 0; i < (isFirst ? 0 : 300); i++) await connection.send(...flood);
        await connection.write(OK);
      }
    },
    await identity(),
  );
  const program = `
    const get = async () => {
      const client = new whippet.Client({ verify: args.ca, timeout: null, trustEnv: false });
      const { text } = await client.get(args.url);
      await client.close();
      return text;
    };
    await get();
    const before = process.memoryUsage().rss;
    const texts = [await get(), await get()];
    console.log(...texts, Math.round((process.memoryUsage().rss - before) / 1024 / 1024));
  `;
  const printed = await run(t, program, { url: server.url, ca: (await testCA()).cert });
  const [, growth] = /^ok ok (-?\d+)\n$/.exec(printed) ?? [];
  t.true(Number(growth) <= 16, printed);
});
