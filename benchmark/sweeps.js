/** What the plots are of: one thing varied, everybody measured at each of its values. */

const SMALL = { path: '/small', read: 'json', bytes: 105 };
const CONCURRENCY = [1, 4, 16, 64, 256, 1024];
const SIZES = {
  0: 0,
  '1 KiB': 1 << 10,
  '16 KiB': 16 << 10,
  '64 KiB': 64 << 10,
  '256 KiB': 256 << 10,
  '1 MiB': 1 << 20,
  '4 MiB': 4 << 20,
  '16 MiB': 16 << 20,
};

/** The bodies that nginx serves from files. */
export const FILE_SIZES = [...Object.values(SIZES), 8 << 10];

/** In the order of the legend. `h2`: the name of another contender over HTTP/2; null: it has none. `without`: ports that it has not. Limits are measured without Node. */
export const LINES = [
  { name: 'whippet', contender: 'whippet' },
  { name: 'undici', contender: 'undici', h2: 'undici-h2' },
  { name: 'node:http(2)', contender: 'http', h2: 'http2' },
  { name: 'fetch', contender: 'fetch', h2: null },
  { name: 'axios', contender: 'axios', h2: null },
  { name: 'got', contender: 'got' },
  { name: 'ky', contender: 'ky', h2: null },
  // It cannot be handed an authority.
  { name: 'wreq-js', contender: 'wreq-js', without: ['https', 'h2'] },
  { name: 'wrk', contender: 'wrk', h2: null, isLimit: true },
  { name: 'h2load', contender: 'h2load', isLimit: true, onlyH2: true },
];

export const sweeps = [
  {
    name: 'concurrency',
    question: 'How many requests at once?',
    title: 'HTTP/1.1, 105 B of JSON',
    axis: 'requests in flight',
    points: CONCURRENCY.map((inFlight) => ({ text: inFlight.toLocaleString('en'), port: 'http', inFlight, ...SMALL })),
  },
  {
    name: 'size',
    question: 'How large is the body?',
    title: 'HTTP/1.1, 8 in flight, the body as bytes',
    axis: 'size of the body',
    logarithmic: true,
    points: Object.entries(SIZES).map(([text, bytes]) => ({
      text,
      port: 'http',
      inFlight: 8,
      path: `/bytes/${bytes}`,
      read: 'bytes',
      bytes,
    })),
  },
  {
    name: 'protocol',
    question: 'Which protocol?',
    title: '105 B of JSON, 50 in flight',
    axis: 'protocol',
    bars: true,
    points: [
      { text: 'HTTP/1.1', port: 'http', inFlight: 50, ...SMALL },
      { text: 'HTTP/1.1 over TLS', port: 'https', inFlight: 50, ...SMALL },
      { text: 'HTTP/2 over TLS', port: 'h2', inFlight: 50, ...SMALL },
    ],
  },
];

/** Who is asked at a point of a sweep: a contender's name, or null. */
export function contenderAt(line, { port }) {
  if (port !== 'h2') return line.onlyH2 ? null : line.contender;
  return line.h2 === undefined ? line.contender : line.h2;
}
