/**
 * What is measured: one row per work, and its goals.
 *
 * A row names its work (`works/<work>.js`), what the work needs, and its goals. Goals against a rival compare the medians
 * of the rounds' pairwise ratios; the others are absolute. Without `rivals` of its own a row has undici for one. All
 * contenders ask the row's port, but for those that its `ports` name. `slow` rows are left out by `--quick`, `optional` ones
 * unless they are named; `readme` rows are in README's table, under that text.
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
const KIB_8 = { path: `/bytes/${8 << 10}`, read: 'bytes', bytes: 8 << 10 };
/** Events or lines of 100 bytes each in one response; `bytes` is how many there are. */
const EVENTS = { path: '/events', read: 'events', bytes: 10_000 };
const LINES = { path: '/lines', read: 'lines', bytes: 10_000 };
const GIB = 1 << 30;

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

/**
 * Against the library that has whippet behind it, without. What it makes with nothing behind it is the most that can be had: 3 to 4 times
 * by fetch's dispatcher, 7 to 10 by axios, 2.5 to 2.9 by got, 2.4 to 2.5 by the SDK (docs/decisions/speed.md).
 */
const dropIn = (name, title, what, inFlight, { door, rival = door, atLeast }) =>
  throughput(name, title, what, inFlight, [against('rps', { atLeast })], { door, rivals: [rival] });

const firstRequest = (name, title, port) => ({
  name,
  title,
  work: 'first-request',
  port,
  path: '/small',
  bytes: 105,
  timesPerRound: 5,
  // undici's processes linger after the answer: the whole alone would flatter us.
  goals: [against('answered', { atMost: 0.5 }), against('wall', { atMost: 0.5 })],
});

const transfer = (name, title, way, more) => ({
  name,
  title,
  work: 'transfer',
  port: 'http',
  path: `/bytes/${GIB}`,
  bytes: GIB,
  way,
  rivals: ['curl'],
  mostRounds: 3,
  slow: true,
  goals: [
    against('rate', { atLeast: 0.9 }),
    absolute('main', { atMost: 10 }),
    absolute('growth', { atMost: 16 * 1.048576 }),
  ],
  ...more,
});

/** How long it takes until all are answered. */
const coldBurst = (name, title, port, rival) => ({
  name,
  title,
  work: 'cold-burst',
  port,
  ...SMALL,
  requests: 256,
  rivals: [rival],
  goals: [against('burst', { atMost: 1 })],
});

export const rows = [
  throughput(
    'small-50',
    'HTTP/1.1, 105 B, 50 in flight',
    SMALL,
    50,
    [
      against('rps', { atLeast: 2.8 }),
      against('main', { atMost: 1 / 7 }),
      against('cpu', { atMost: 0.38 }),
      against('rps', { rival: 'wrk', atLeast: 0.5 }),
    ],
    { rivals: ['undici', 'wrk'], readme: '105 B, 50 in flight' },
  ),
  throughput('small-256', 'HTTP/1.1, 105 B, 256 in flight', SMALL, 256, [against('rps', { atLeast: 3.5 })], {
    readme: '105 B, 256 in flight',
  }),
  throughput(
    'small-1',
    'HTTP/1.1, 105 B, 1 in flight',
    SMALL,
    1,
    [against('rps', { atLeast: 1.1 }), against('p50', { atMost: 1 / 1.1 }), against('cpu', { atMost: 1.05 })],
    { readme: '105 B, one at a time' },
  ),
  // undici sends the plain request: what is compared is our everything with its nothing.
  throughput(
    'dressed-50',
    'as small-50, with 50 cookies for the site, a netrc, a request hook and Basic auth; undici without any',
    SMALL,
    50,
    [against('rps', { atLeast: 1.5 })],
    { dressed: true },
  ),
  throughput(
    'tls-small-50',
    'TLS HTTP/1.1, 105 B, 50 in flight',
    SMALL,
    50,
    [against('rps', { atLeast: 2.6 }), against('cpu', { atMost: 0.42 })],
    { port: 'https', readme: 'TLS, 105 B, 50 in flight' },
  ),
  throughput(
    'h2-small-50',
    'TLS HTTP/2, 105 B, 50 streams on one connection',
    SMALL,
    50,
    [
      against('rps', { rival: 'http2', atLeast: 3 }),
      against('rps', { rival: 'undici-h2', atLeast: 5 }),
      against('rps', { rival: 'h2load', atLeast: 0.7 }),
    ],
    { port: 'h2', rivals: ['http2', 'undici-h2', 'h2load'], readme: 'HTTP/2 over TLS, 105 B, 50 streams' },
  ),
  {
    name: 'posts-1000-cold',
    title: '1,000 POSTs at once on a cold client, HTTP/2 over TLS',
    work: 'burst',
    port: 'h2',
    origin: 'native',
    path: '/upload',
    count: 1_000,
    rivals: ['undici-h2', 'http2'],
    goals: [absolute('connections', { atMost: 1 }), absolute('coldness', { atMost: 1.3 })],
  },
  throughput(
    '64k-8',
    'HTTP/1.1, 64 KiB, 8 in flight',
    KIB_64,
    8,
    [against('rps', { atLeast: 2 }), against('main', { atMost: 0.2 })],
    {
      readme: '64 KiB, 8 in flight',
    },
  ),
  throughput(
    '1m-8',
    'HTTP/1.1, 1 MiB, 8 in flight',
    MIB_1,
    8,
    [against('rps', { atLeast: 3 }), against('main', { atMost: 0.2 }), against('rps', { rival: 'wrk', atLeast: 0.9 })],
    { rivals: ['undici', 'wrk'], readme: '1 MiB, 8 in flight' },
  ),
  // Of a MiB in TLS nginx itself takes more of its core than we do: wrk and h2load show the most that it gives.
  throughput(
    'tls-1m-8',
    'TLS HTTP/1.1, 1 MiB, 8 in flight',
    MIB_1,
    8,
    [against('rps', { atLeast: 2.5 }), against('rps', { rival: 'wrk', atLeast: 0.9 })],
    { port: 'https', rivals: ['undici', 'wrk'] },
  ),
  throughput(
    'h2-1m-8',
    'TLS, 1 MiB, 8 in flight, HTTP/2 against HTTP/1.1',
    MIB_1,
    8,
    [against('rps', { atLeast: 3 }), against('rps', { rival: 'h2load', atLeast: 0.9 })],
    // Eight connections against one.
    {
      port: 'h2',
      ports: { undici: 'https' },
      rivals: ['undici', 'h2load'],
      readme: '1 MiB, 8 in flight, one HTTP/2 connection; undici over HTTP/1.1 and TLS',
    },
  ),
  // nginx cannot say what it received, and copies it: uploads always go to the native origin's sink.
  throughput('upload-1m-8', '1 MiB upload, 8 in flight', UPLOAD, 8, [against('rps', { atLeast: 1.3 })], {
    origin: 'native',
    port: 'upload',
    readme: 'upload of 1 MiB, 8 in flight',
  }),
  throughput('tunnel-50', 'a tunnel, TLS HTTP/1.1, 105 B, 50 in flight', SMALL, 50, [against('rps', { atLeast: 2 })], {
    port: 'https',
    tunnel: true,
  }),
  throughput(
    'gzip-json',
    'HTTP/1.1, gzip JSON of 100 KiB, 8 in flight',
    GZIP_JSON,
    8,
    [against('rps', { atLeast: 3 }), against('main', { atMost: 0.125 })],
    { readme: 'gzip JSON of 100 KiB, 8 in flight' },
  ),
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
  dropIn('fetch-1m-8', 'client.fetch() and response.body, 1 MiB, 8 in flight', STREAM_1, 8, {
    door: 'fetch',
    atLeast: 2.5,
  }),
  dropIn('dispatcher-50', 'the global fetch with our Dispatcher, 105 B, 50 in flight', SMALL, 50, {
    door: 'dispatcher',
    rival: 'fetch',
    atLeast: 1.1,
  }),
  dropIn('axios-50', 'axios with our adapter, 105 B, 50 in flight', SMALL, 50, { door: 'axios', atLeast: 2 }),
  dropIn('got-50', 'got with our request function, 105 B, 50 in flight', SMALL, 50, { door: 'got', atLeast: 1.5 }),
  dropIn('s3-8k-50', 'S3 get with our handler, 8 KiB, 50 in flight', KIB_8, 50, { door: 's3', atLeast: 1.5 }),
  dropIn('s3-1m-8', 'S3 get with our handler, 1 MiB, 8 in flight', { ...MIB_1, path: `/bytes/${1 << 20}` }, 8, {
    door: 's3',
    atLeast: 1.5,
  }),
  throughput(
    'events-1',
    'server-sent events, 10,000 of 100 B in a response, against eventsource-parser over fetch',
    EVENTS,
    1,
    [against('rps', { atLeast: 3 }), against('main', { atMost: 1 / 3 })],
    { rivals: ['fetch'] },
  ),
  throughput(
    'lines-1',
    'JSON lines, 10,000 of 100 B in a response, iterJson() against readline over fetch',
    LINES,
    1,
    [against('rps', { atLeast: 2 })],
    { rivals: ['fetch'] },
  ),
  {
    name: 'tokens-1',
    title: 'from an event on the wire to the loop that reads it, one stream',
    work: 'tokens',
    port: 'http',
    path: '/small',
    rivals: ['fetch'],
    goals: [against('p50', { atMost: 1 })],
  },
  // nginx sends the file from the page cache; the native origin has none of that length.
  transfer('download-1g', '1 GiB into a file, against curl -o', 'down', { needs: 'nginx' }),
  transfer('upload-1g', '1 GiB from a file, against curl -T', 'up', {
    origin: 'native',
    port: 'upload',
    path: '/upload',
  }),
  {
    ...firstRequest('first-request', 'a fresh process: import, first request, exit', 'http'),
    readme: 'a fresh process: import, one request, exit',
  },
  firstRequest('first-request-tls', 'the same over TLS', 'https'),
  coldBurst('burst-256-cold', 'TLS HTTP/1.1, 105 B, 256 at once to one name, a fresh client', 'https', 'undici'),
  coldBurst('burst-256-cold-h2', 'the same over HTTP/2', 'h2', 'undici-h2'),
  {
    name: 'preconnect',
    title: 'TLS: the first request of a client after preconnect(), and without',
    work: 'preconnect',
    port: 'https',
    ...SMALL,
    rivals: [],
    goals: [absolute('share', { atMost: 0.5 })],
  },
  {
    name: 'workers-2',
    title: 'two worker threads against one, 105 B, 50 in flight each',
    work: 'workers',
    inThread: 'throughput',
    workers: 2,
    port: 'http',
    ...SMALL,
    inFlight: 50,
    goals: [absolute('efficiency', { atLeast: 0.9 })],
  },
  {
    name: 'kept-100k',
    title: '100,000 responses of 105 B that are kept',
    work: 'kept',
    port: 'http',
    path: '/small',
    responses: 100_000,
    mostRounds: 1,
    slow: true,
    goals: [against('each', { atMost: 1 })],
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
    slow: true,
    goals: [absolute('growth', { atMost: 200 })],
  },
  {
    name: 'in-use-10k',
    title: '10,000 connections in use at once, and a fast request beside them',
    work: 'in-use',
    port: 'http',
    path: '/hold',
    origin: 'native',
    connections: 10_000,
    mostRounds: 1,
    slow: true,
    goals: [absolute('above', { atMost: 12 }), absolute('slowdown', { atMost: 2 })],
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
