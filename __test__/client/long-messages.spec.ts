/** Row after row: whatever is handed in, however long, the message that refuses it stays short enough for a log. */
import test from 'ava';
import { Client, Headers, HTTPProxy, Response } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

const LONG = 'x'.repeat(60_000);
const URL_ = 'http://127.0.0.1:1/';

const GIVEN: Record<string, (client: Client) => unknown> = {
  'a header name': () => new Headers([[`${LONG} `, '1']]),
  'a header with a bad value': () => new Headers([[LONG, '\n']]),
  'a method': (client) => client.request(`${LONG} `, URL_),
  'an option': (client) => client.get(URL_, { [LONG]: 1 }),
  'a scheme': (client) => client.get(`${LONG}://x/`),
  'a host': (client) => client.get(`http://${LONG}/`),
  'a port': (client) => client.get(`http://x:${LONG}/`),
  'a cookie': (client) => client.get(URL_, { cookies: { [LONG]: '\n' } }),
  'an encoding': () => (new Response(200).encoding = LONG),
  'a proxy': () => new HTTPProxy({ proxyUrl: `http://a/${LONG}` }),
  'a mode of a proxy': () => new HTTPProxy({ proxyUrl: 'http://a', proxyMode: LONG as never }),
  'a pattern': () => new Client({ mounts: { [LONG]: null } }),
  'a file of certificates': () => new Client({ verify: LONG }),
  'an address': () => new Client({ localAddress: LONG }),
  'an address to allow': () => new Client({ allowAddresses: LONG as 'public' }),
  'an address to refuse': () => new Client({ denyAddresses: [LONG] }),
  'a name that is overridden': () => new Client({ resolve: { [LONG]: '1' } }),
  'a default encoding': () => new Client({ defaultEncoding: LONG }),
  'a member of json': (client) => client.post(URL_, { json: { [LONG]: NaN } }),
};

for (const [what, hand] of Object.entries(GIVEN)) {
  test(`${what} of 60,000 characters`, async (t) => {
    const client = new Client();
    const error = await new Promise((resolve) => resolve(hand(client))).then(
      () => null,
      (reason: unknown) => reason as Error,
    );
    t.true(error !== null && error.message.length < 3000, `${error?.message.length}`);
    await client.close();
  });
}

const ANSWERED: [what: string, path: string, answer: string][] = [
  ['a reason', '', `404 ${LONG}\r\n`],
  ['a Location', '', `302 Found\r\nLocation: /${LONG}\r\n`],
  ['a coding that is accepted', '', `415 No\r\nAccept-Encoding: ${LONG}\r\n`],
  ['a path', LONG, '404 Not Found\r\n'],
];

for (const [what, path, answer] of ANSWERED) {
  test(`raiseForStatus(): ${what} of 60,000 characters`, async (t) => {
    const server = await serveRaw(t, `HTTP/1.1 ${answer}Content-Length: 0\r\n\r\n`);
    const client = openClient(t, { followRedirects: false });
    const response = await client.post(server.url + path, { content: 'x', headers: { 'Content-Encoding': 'gzip' } });
    const { message } = t.throws(() => response.raiseForStatus());
    t.true(message.length < 3000, `${message.length}`);
  });
}

test('raiseForStatus(): a reason that a terminal would obey', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 404 \x9b31mred\r\nContent-Length: 0\r\n\r\n');
  const response = await openClient(t).get(server.url);
  const { message } = t.throws(() => response.raiseForStatus());
  t.regex(message, /^Client error '404 \\u\{9b\}31mred'/);
});
