/** What an http.Server does around its listener, in process as over a socket: each row is asked both ways. */
import test, { type ExecutionContext } from 'ava';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { LocalProtocolError, RemoteProtocolError, type HeaderTypes, type NodeApp } from '../../src/index.js';
import { clientOf, nodeClient, url } from '../helpers/apps.js';
import { failure, openClient, reasonOf, told } from '../helpers/client.js';
import { listen } from '../helpers/listen.js';

type Next = (error?: unknown) => void;

/** Polka's handler: what it is not given it works out. */
const polka = (req: IncomingMessage, res: ServerResponse, info?: { pathname: string }) =>
  res.end((info ?? { pathname: req.url as string }).pathname.charCodeAt(0).toString());
/** sirv: without a `next` it answers 404 itself. */
const sirv = (_req: IncomingMessage, res: ServerResponse, next?: Next) =>
  next === undefined ? res.writeHead(404).end('none') : next();

interface Row {
  make: () => Server;
  headers?: HeaderTypes;
  answer: string;
}

const met = (server: Server) =>
  server.on('checkExpectation', (_req: IncomingMessage, res: ServerResponse) => res.end('met'));
const hello = () => createServer((_req, res) => res.end('hello'));

const ROWS: Record<string, Row> = {
  'a listener with an optional third parameter': { make: () => createServer(polka), answer: '200 47' },
  'a middleware without a next': { make: () => createServer(sirv), answer: '404 none' },
  'an expectation that is not known': { make: hello, headers: { expect: 'tea' }, answer: '417 ' },
  'an expectation for checkExpectation': { make: () => met(hello()), headers: { expect: 'tea' }, answer: '200 met' },
  '100-continue in capitals': { make: hello, headers: { expect: '100-Continue' }, answer: '200 hello' },
  'an upgrade for which nothing listens': {
    make: hello,
    headers: { connection: 'upgrade', upgrade: 'tcp' },
    answer: '200 hello',
  },
};

/** Over a socket and in process. */
async function both(t: ExecutionContext, make: () => Server, headers?: HeaderTypes): Promise<string[]> {
  const server = await listen(t, make(), 'http', []);
  const answers = [await openClient(t).get(server.url, { headers }), await clientOf(t, make()).get(url, { headers })];
  return answers.map(told);
}

for (const [what, { make, headers, answer }] of Object.entries(ROWS)) {
  test(what, async (t) => t.deepEqual(await both(t, make, headers), [answer, answer]));
}

test('an expectation of a plain listener: as if it listened', async (t) => {
  const client = nodeClient(t, (_req, res) => void res.end('hello'));
  t.is(told(await client.get(url, { headers: { expect: 'tea' } })), '417 ');
});

test('an upgrade that a listener would take over is refused before anything is called', async (t) => {
  const server = hello().on('upgrade', () => t.fail('called'));
  const error = await failure(clientOf(t, server).get(url, { headers: { connection: 'Upgrade', upgrade: 'tcp' } }));
  t.true(error instanceof LocalProtocolError);
  t.regex(reasonOf(error), /Upgrade: an app in this process has no connection that could be taken over/);
});

test('server.timeout closes the socket of a silent listener', async (t) => {
  const make = () => {
    const server = createServer(() => {});
    server.setTimeout(20);
    return server;
  };
  const error = await failure(clientOf(t, make()).get(url));
  t.true(error instanceof RemoteProtocolError);
  t.regex(reasonOf(error), /closed its socket without a response/);
});

test("a listener of the server's 'timeout' is told instead, and may answer", async (t) => {
  let answer: ServerResponse;
  const server = createServer((_req, res) => void (answer = res));
  server.setTimeout(20, () => answer.writeHead(503).end('late'));
  t.is(told(await clientOf(t, server).get(url)), '503 late');
});

test('server.timeout counts from the last write', async (t) => {
  const server = createServer((_req, res) => {
    let left = 4;
    const write = () => (left-- > 0 ? (res.write('x'), setTimeout(write, 300)) : res.end());
    write();
  });
  server.timeout = 900;
  t.is(told(await clientOf(t, server).get(url)), '200 xxxx');
});

// ── fetch handlers of two parameters, which are taken for listeners ──

const HANDLERS: Record<string, (request: Request, context: unknown) => unknown> = {
  'an async handler': async () => new Response('x'),
  'a handler': () => new Response('x'),
  'one that reads the URL': async (request) => new Response(new URL(request.url).pathname),
  'one that reads a header': (request) => new Response(request.headers.get('accept')),
  'one that reads the body': async (request) => new Response(await request.text()),
  'one that reads a form': async (request) => new Response(String(await request.formData())),
};

for (const [what, handler] of Object.entries(HANDLERS)) {
  test(`${what} of two parameters: the message names FetchDispatch, at once`, async (t) => {
    const app = (request: Request, context: unknown) => handler(request, context);
    const error = await failure(clientOf(t, app as unknown as NodeApp).post(url, { content: 'x' }));
    t.true(error instanceof RemoteProtocolError);
    t.regex(error.message, /as dispatch: new FetchDispatch\(\{ app \}\)$/);
    const behind = await failure(
      clientOf(
        t,
        createServer(async () => new Response('x')),
      ).get(url),
    );
    t.regex(behind.message, /The app returned a Response\..*FetchDispatch/);
  });
}

test('errors of listeners stay as they are', async (t) => {
  const own = new TypeError('res.json is not a function');
  t.is(await failure(clientOf(t, (_req: unknown, _res: unknown) => Promise.reject(own)).get(url)), own);
  const url2 = await failure(clientOf(t, (_req: unknown, _res: unknown) => void new URL('/x')).get(url));
  t.is(url2.message, 'Invalid URL');
});
