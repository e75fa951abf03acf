/**
 * What is measured: one row per work, and its goals.
 *
 * A row names its work (`works/<work>.js`), what the work needs, and its goals. Goals against a rival compare the medians
 * of the rounds' pairwise ratios; the others are absolute. Without `rivals` of its own a row has undici for one. All
 * contenders ask the row's port, but for those that its `ports` name.
 */

/** `bound` may name the rival; the first is meant otherwise. */
const against = (key, bound) => ({ key, ratio: true, ...bound });
const absolute = (key, bound) => ({ key, ratio: false, ...bound });

/** Of one row, the first first. */
export const rivalsOf = ({ rivals = ['undici'] }) => rivals;

const SMALL = { path: '/small', read: 'json', bytes: 105 };
const KIB_64 = { path: '/64k', read: 'bytes', bytes: 64 << 10 };
const MIB_1 = { path: '/1m', read: 'bytes', bytes: 1 << 20 };
const STREAM_1 = { path: '/1m', read: 'stream', bytes: 1 << 20 };
/** Not parsed: that would cost everybody the same, and more than the rest. */
const GZIP_JSON = { path: '/gzip-json', read: 'gunzip', bytes: 102_382 };
const UPLOAD = { path: '/upload', read: 'upload', bytes: 1 << 20 };

const throughput = (name, title, what, inFlight, goals, more) => ({
  name,
  title,
  work: 'throughput',
  port: 'http',
  ...what,
  inFlight,
  goals,
  ...more,
});

/** Against what the framework's users take otherwise. */
const inProcess = (framework, rival, atLeast) => ({
  name: `app-${framework}`,
  title: `${framework} in process, 12 B as text, 1 at a time`,
  work: 'in-process',
  framework,
  rivals: [rival],
  goals: [against('rps', { atLeast })],
});

const TWICE_AT_A_FIFTH = [against('rps', { atLeast: 2 }), against('main', { atMost: 0.2 })];

export const rows = [
  throughput('small-50', 'HTTP/1.1, 105 B, 50 in flight', SMALL, 50, [
    against('rps', { atLeast: 2.3 }),
    against('main', { atMost: 0.2 }),
  ]),
  // undici sends the plain request: what is compared is our everything with its nothing.
  throughput(
    'dressed-50',
    'as small-50, with 50 cookies for the site, a netrc, a request hook and Basic auth; undici without any',
    SMALL,
    50,
    [against('rps', { atLeast: 1.5 })],
    { dressed: true },
  ),
  throughput('small-256', 'HTTP/1.1, 105 B, 256 in flight', SMALL, 256, [against('rps', { atLeast: 3 })]),
  throughput('small-1', 'HTTP/1.1, 105 B, 1 in flight', SMALL, 1, [against('rps', { atLeast: 1 })]),
  throughput('64k-8', 'HTTP/1.1, 64 KiB, 8 in flight', KIB_64, 8, TWICE_AT_A_FIFTH),
  throughput('1m-8', 'HTTP/1.1, 1 MiB, 8 in flight', MIB_1, 8, TWICE_AT_A_FIFTH),
  throughput('tls-small-50', 'TLS HTTP/1.1, 105 B, 50 in flight', SMALL, 50, [against('rps', { atLeast: 3 })], {
    port: 'https',
  }),
  throughput(
    'h2-small-50',
    'TLS HTTP/2, 105 B, 50 streams on one connection',
    SMALL,
    50,
    [against('rps', { rival: 'undici-h2', atLeast: 5 }), against('rps', { rival: 'http2', atLeast: 2 })],
    { port: 'h2', rivals: ['undici-h2', 'http2'] },
  ),
  throughput(
    'h2-1m-8',
    'TLS, 1 MiB, 8 in flight, HTTP/2 against HTTP/1.1',
    MIB_1,
    8,
    [against('rps', { atLeast: 2 })],
    // Eight connections against one.
    { port: 'h2', ports: { undici: 'https' } },
  ),
  throughput('tunnel-50', 'a tunnel, TLS HTTP/1.1, 105 B, 50 in flight', SMALL, 50, [against('rps', { atLeast: 2 })], {
    port: 'https',
    tunnel: true,
  }),
  throughput('gzip-json', 'HTTP/1.1, gzip JSON of 100 KiB, 8 in flight', GZIP_JSON, 8, [
    against('rps', { atLeast: 3 }),
    against('main', { atMost: 0.125 }),
  ]),
  throughput(
    'fetch-50',
    'client.fetch() and json(), 105 B, 50 in flight',
    SMALL,
    50,
    [
      against('rps', { rival: 'fetch', atLeast: 7 }),
      against('rps', { rival: 'undici', atLeast: 2 }),
      against('main', { rival: 'undici', atMost: 0.33 }),
    ],
    { door: 'fetch', rivals: ['fetch', 'undici'] },
  ),
  throughput(
    'fetch-1m-8',
    'client.fetch() and response.body, 1 MiB, 8 in flight',
    STREAM_1,
    8,
    [against('rps', { atLeast: 2.5 })],
    { door: 'fetch', rivals: ['fetch'] },
  ),
  // nginx cannot say what it received, and copies it: uploads always go to the native origin's sink.
  throughput('upload-1m-8', '1 MiB upload, 8 in flight', UPLOAD, 8, [against('rps', { atLeast: 1.3 })], {
    origin: 'native',
    port: 'upload',
  }),
  {
    name: 'first-request',
    title: 'a fresh process: import, first request, exit',
    work: 'first-request',
    port: 'http',
    path: '/small',
    bytes: 105,
    timesPerRound: 5,
    // undici's processes linger after the answer: the whole alone would flatter us.
    goals: [against('answered', { atMost: 1 }), against('wall', { atMost: 1 })],
  },
  {
    name: 'first-request-tls',
    title: 'the same over TLS',
    work: 'first-request',
    port: 'https',
    path: '/small',
    bytes: 105,
    timesPerRound: 5,
    goals: [],
    optional: true,
  },
  {
    name: 'idle-10k',
    title: '10,000 idle keep-alive connections',
    work: 'idle',
    port: 'http',
    path: '/hold',
    origin: 'native',
    connections: 10_000,
    mostRounds: 1,
    goals: [absolute('growth', { atMost: 200 })],
  },
  {
    name: 'new-client',
    title: 'new Client() × 10,000',
    work: 'new-client',
    port: 'http',
    path: '/small',
    clients: 10_000,
    mostRounds: 3,
    goals: [absolute('each', { atMost: 50 }), absolute('threads', { atMost: 0 })],
  },
  inProcess('express', 'supertest', 5),
  inProcess('fastify', 'inject', 0.9),
  inProcess('hono', 'app-request', 0.4),
];
