/** What a peer says back of what it was sent, in a reason phrase, a Location, a body or a header, is in no message and in no log. */
import test, { type ExecutionContext } from 'ava';
import { inspect } from 'node:util';
import type {
  Client,
  ClientOptions,
  HTTPError,
  RequestOptions,
  ServerSentEvent,
  StandardSchema,
  ValidationError,
} from '../../src/index.js';
import { DecodingError, HTTPProxy, Request, Response } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { start } from '../helpers/child.js';
import { serve, serveRaw } from '../helpers/server.js';

const PASSWORD = "hunter'2é";
const PAIR = `me:${PASSWORD}`;
const BASIC = Buffer.from(PAIR).toString('base64');
const TOKEN = 'abc.DEF-123/456+789==';
const SESSION = 'f00ba7cafe';
/** Each of these, or what is left of it when its end or its beginning is cut off. */
const PARTS = [/hunter/, /2é/, new RegExp(BASIC.slice(0, 8)), /abc\.DEF/, /456\+789/, /f00ba7/, /k3y/];

/** Whatever a program may log of it. */
function assertSilent(t: ExecutionContext, error: Error): void {
  const { cause } = error;
  const logged = [error.message, String(error), error.stack, inspect(error), JSON.stringify(error), inspect(cause)];
  for (const text of [...logged, cause instanceof Error ? cause.message : ''])
    for (const part of PARTS) t.notRegex(String(text), part);
}

/** Answers with what `answer` makes of the head that it got. */
async function serveEcho(t: ExecutionContext, answer: (head: string) => string): Promise<string> {
  const server = await serveRaw(t, async (connection) => {
    await connection.write(answer(await connection.head()));
    connection.end();
  });
  return server.url;
}

const sent: RequestOptions = {
  headers: { authorization: `Bearer ${TOKEN}`, cookie: `lang=en; sid=${SESSION}`, 'x-api-key': 'k3y-k3y-k3y' },
  params: { api_key: 'k3y k3y', q: 'seen' },
};
const raised = async (response: Promise<Response>): Promise<unknown> => (await response).raiseForStatus();
/** Of header lines, as a server shows them. */
const secretLines = (head: string): string[] =>
  head.split('\r\n').filter((line) => /^(authorization|cookie|x-api)/i.test(line));
const whole = (status: string, type: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const schema: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ issues: [{ message: `expected a number, got ${JSON.stringify(value)}` }] }),
  },
};

type Ask = (response: Promise<Response>) => Promise<unknown>;
const ECHOES: [title: string, answer: (head: string) => string, ask: Ask][] = [
  ['a reason phrase', (head) => `HTTP/1.1 401 ${secretLines(head).join(' ')}\r\nContent-Length: 0\r\n\r\n`, raised],
  [
    'a token alone in a reason phrase',
    () => `HTTP/1.1 403 bad ${TOKEN}, ${SESSION}\r\nContent-Length: 0\r\n\r\n`,
    raised,
  ],
  [
    'a Location that is shown',
    (head) => `HTTP/1.1 302 Found\r\nLocation: ${head.split(' ')[1]}#${TOKEN}\r\nContent-Length: 0\r\n\r\n`,
    raised,
  ],
  ['a body of text', (head) => whole('500 Oh', 'text/plain', secretLines(head).join('\n')), raised],
  ['a body of JSON', (head) => whole('400 No', 'application/json', JSON.stringify({ got: head })), raised],
  ['a body of PHP', () => whole('400 No', 'application/json', `{"got":"${TOKEN.replace('/', '\\/')}"}`), raised],
  ['a body that is cut within it', () => whole('400 No', 'text/plain', `${'x'.repeat(190)}${TOKEN}`), raised],
  ['a body that is no JSON', (head) => whole('200 OK', 'text/plain', head), async (r) => (await r).json()],
  ['the middle of one', () => whole('200 OK', 'text/plain', `["a", ${TOKEN}]`), async (r) => (await r).json()],
  ['its Content-Type', () => whole('200 OK', `text/${TOKEN}`, '<'), async (r) => (await r).json()],
  ['a Transfer-Encoding', () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${TOKEN}\r\n\r\n`, (r) => r],
];

for (const [title, answer, ask] of ECHOES) {
  test(`${title} with the request's secrets in it`, async (t) => {
    const url = await serveEcho(t, answer);
    const error = await failure(ask(openClient(t, { followRedirects: false }).get(url, sent)));
    assertSilent(t, error);
    t.regex(error.message, /\[secure\]|…|is no JSON/);
  });
}

test('a Location that is no URL', async (t) => {
  const url = await serveEcho(
    t,
    () => `HTTP/1.1 302 Found\r\nLocation: http://${SESSION}^/\r\nContent-Length: 0\r\n\r\n`,
  );
  const error = await failure(openClient(t, { followRedirects: true }).get(url, sent));
  assertSilent(t, error);
  t.regex(error.message, /Invalid URL in location header: .*'\[secure\]\^'/);
});

test('what a schema says: its issues are in its own words, the message is ours', async (t) => {
  const url = await serveEcho(t, () => whole('200 OK', 'a/b', `"${TOKEN}"`));
  const error = (await failure((await openClient(t).get(url, sent)).json(schema))) as ValidationError;
  t.regex(error.message, /expected a number, got "\[secure\]"$/);
  t.regex(error.issues[0].message, /abc\.DEF/);
});

test('a line of NDJSON, one among many as well', async (t) => {
  const url = await serveEcho(t, () => whole('200 OK', 'application/x-ndjson', `1\n2\n{"a": ${TOKEN}}\n`));
  const lines = async (): Promise<void> => {
    await using response = await openClient(t).stream('GET', url, sent);
    for await (const _ of response.iterJson());
  };
  assertSilent(t, await failure(lines()));
});

const EVENTS: [title: string, text: string][] = [
  ['the data of an event', `data: ${TOKEN}\n\n`],
  ['the middle of the data', `data: ["a", ${TOKEN}]\n\n`],
  ['lines of data', `data: {"a":\ndata: ${SESSION}}\n\n`],
  ['the type of an event', `event: ${TOKEN}\ndata: x\n\n`],
];
const WAYS: [title: string, open: (client: Client, url: string) => AsyncIterable<ServerSentEvent>][] = [
  ['client.events()', (client, url) => client.events('GET', url, sent)],
  [
    'response.events()',
    async function* (client, url) {
      await using response = await client.stream('GET', url, sent);
      yield* response.events();
    },
  ],
];

for (const [title, text] of EVENTS) {
  for (const [way, open] of WAYS) {
    test(`${title} with the request's secrets in it: json() of ${way}`, async (t) => {
      const url = await serveEcho(t, () => whole('200 OK', 'text/event-stream', text));
      for await (const event of open(openClient(t), url)) {
        const error = t.throws(() => event.json(), { instanceOf: DecodingError }) as DecodingError;
        assertSilent(t, error);
        t.regex(error.message, /^GET http.*: the data of the event '.*' is no JSON/);
        t.is(error.request?.url.host, '127.0.0.1');
        return;
      }
      t.fail('no event');
    });
  }
}

test('the Content-Type of what is no event stream', async (t) => {
  const url = await serveEcho(t, () => whole('200 OK', TOKEN, ''));
  assertSilent(t, await failure(openClient(t).events('GET', url, sent).next()));
});

test('credentials of the URL: sent as Authorization, and echoed decoded', async (t) => {
  const url = await serveEcho(t, () => `HTTP/1.1 401 ${PAIR} and ${BASIC}\r\nContent-Length: 0\r\n\r\n`);
  const asked = url.replace('//', `//me:${encodeURIComponent(PASSWORD)}@`);
  const error = await failure(raised(openClient(t).get(asked)));
  assertSilent(t, error);
  t.regex(error.message, /'401 \[secure\] and \[secure\]'/);
});

// ── proxies ──

const PROXIES: [title: string, options: (origin: string) => ClientOptions][] = [
  ['of its URL', (origin) => ({ proxies: origin.replace('//', `//me:${encodeURIComponent(PASSWORD)}@`) })],
  ['of auth', (origin) => ({ proxies: new HTTPProxy({ proxyUrl: origin, auth: ['me', PASSWORD] }) })],
  [
    'by hand',
    (origin) => ({
      proxies: new HTTPProxy({ proxyUrl: origin, proxyHeaders: { 'proxy-authorization': `Basic ${BASIC}` } }),
    }),
  ],
];
const phrase = (head: string): string => `${/basic .*/i.exec(head)?.[0]} is ${PAIR}`;

for (const [title, options] of PROXIES) {
  test(`a proxy's refusal of CONNECT, with the credentials ${title} in its reason phrase`, async (t) => {
    const origin = await serveEcho(t, (head) => `HTTP/1.1 407 ${phrase(head)}\r\nContent-Length: 0\r\n\r\n`);
    const error = (await failure(openClient(t, options(origin)).get('https://example.org/'))) as HTTPError;
    t.is(error.code, 'ERR_PROXY');
    assertSilent(t, error);
    t.regex(error.message, /407 (?:Basic )?\[secure\] is \[secure\] \(CONNECT example\.org:443/);
    const refusal = (error as unknown as { response: Response }).response;
    assertSilent(
      t,
      t.throws(() => refusal.raiseForStatus()),
    );
  });

  test(`a proxy's answer to what it forwards, with the credentials ${title} in its reason phrase`, async (t) => {
    const origin = await serveEcho(t, (head) => `HTTP/1.1 407 ${phrase(head)}\r\nContent-Length: 0\r\n\r\n`);
    const error = await failure(raised(openClient(t, options(origin)).get('http://example.org/')));
    assertSilent(t, error);
    t.regex(error.message, /'407 (?:Basic )?\[secure\] is \[secure\]'/);
  });
}

/** Of an answer to a request that was forwarded. */
const FORWARDED: [title: string, answer: string, ask: Ask][] = [
  ['a body of text', whole('500 Oh', 'text/plain', `it was ${BASIC}`), raised],
  ['a body that is no JSON', whole('200 OK', 'text/plain', BASIC), async (r) => (await r).json()],
  ['its Content-Type', whole('200 OK', `text/${BASIC}`, '<'), async (r) => (await r).json()],
  ['a Location', `HTTP/1.1 302 Found\r\nLocation: http://h/${BASIC}\r\nContent-Length: 0\r\n\r\n`, raised],
  [
    'a Location that is no URL',
    `HTTP/1.1 302 Found\r\nLocation: http://${BASIC}^/\r\nContent-Length: 0\r\n\r\n`,
    async (r) => (await r).nextRequest,
  ],
  ['a Transfer-Encoding', `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${BASIC}\r\n\r\n`, (r) => r],
];

for (const [title, answer, ask] of FORWARDED) {
  test(`${title} with the proxy's credentials in it`, async (t) => {
    const proxies = new HTTPProxy({ proxyUrl: await serveEcho(t, () => answer), auth: ['me', PASSWORD] });
    const client = openClient(t, { proxies, followRedirects: false });
    const error = await failure(ask(client.get('http://example.org/')));
    assertSilent(t, error);
    t.regex(error.message, /\[secure\]|…|is no JSON/);
  });
}

const CHANGED: [title: string, location: string, asks: RegExp][] = [
  ['that is no URL', `http://${BASIC}^/`, /Invalid URL in location header: .*'\[secure\]\^'/],
  ['that is no URL, with what was sent in the end', `http://${SESSION}^/`, /location header: .*'\[secure\]\^'/],
  ['of a stream', `/${BASIC}`, /The redirect 307 to .*\[secure\] asks/],
  ['of a stream, with what was sent in the end', `/${SESSION}`, /The redirect 307 to .*\[secure\] asks/],
];
for (const [title, location, asks] of CHANGED) {
  for (const way of ['an auth function', 'a hook'] as const) {
    test(`${way} changes the request that a proxy forwards: a Location ${title}`, async (t) => {
      const answer = `HTTP/1.1 307 Go\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
      const proxies = new HTTPProxy({ proxyUrl: await serveEcho(t, () => answer), auth: ['me', PASSWORD] });
      const change = (request: Request): Request => {
        const next = way === 'a hook' ? request : request.copy();
        next.setHeader('Cookie', `sid=${SESSION}`);
        return next;
      };
      const own = way === 'a hook' ? { eventHooks: { request: [(request: Request) => void change(request)] } } : {};
      const client = openClient(t, { proxies, followRedirects: true, ...own });
      const error = await failure(
        client.post('http://example.org/', {
          content: (async function* () {
            yield Buffer.from('x');
          })(),
          ...(way === 'a hook' ? {} : { auth: change }),
        }),
      );
      assertSilent(t, error);
      t.regex(error.message, asks);
    });
  }
}

test('what a schema says of the proxy’s credentials: the message is ours', async (t) => {
  const origin = await serveEcho(t, () => whole('200 OK', 'a/b', `"${BASIC}"`));
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: origin, auth: ['me', PASSWORD] }) });
  const error = await failure((await client.get('http://example.org/')).json(schema));
  t.regex(error.message, /expected a number, got "\[secure\]"$/);
});

test('a line of NDJSON with the proxy’s credentials in it', async (t) => {
  const body = `1\n{"a": ${BASIC}}\n`;
  const origin = await serveEcho(t, () => whole('200 OK', 'a/b', body));
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: origin, auth: ['me', PASSWORD] }) });
  const lines = async (): Promise<void> => {
    await using response = await client.stream('GET', 'http://example.org/');
    for await (const _ of response.iterJson());
  };
  assertSilent(t, await failure(lines()));
});

for (const [way, open] of WAYS) {
  test(`the data of an event with the proxy’s credentials in it: json() of ${way}`, async (t) => {
    const origin = await serveEcho(t, () => whole('200 OK', 'text/event-stream', `data: ${BASIC}\n\n`));
    const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: origin, auth: ['me', PASSWORD] }) });
    for await (const event of open(client, 'http://example.org/')) {
      assertSilent(
        t,
        t.throws(() => event.json()),
      );
      return;
    }
    t.fail('no event');
  });
}

test('connections that are made beforehand: a refusal with the credentials in it', async (t) => {
  const origin = await serveEcho(t, (head) => `HTTP/1.1 407 ${phrase(head)}\r\nContent-Length: 0\r\n\r\n`);
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: origin, auth: ['me', PASSWORD] }) });
  const error = await failure(client.preconnect('https://example.org/'));
  assertSilent(t, error);
  t.regex(error.message, /407 (?:Basic )?\[secure\] is \[secure\] \(CONNECT example\.org:443/);
});

test('a later request by the same connection, and one by another proxy', async (t) => {
  const answers = [whole('200 OK', 'a/b', ''), whole('403 No', 'text/plain', BASIC)];
  const server = await serveRaw(t, async (connection) => {
    for (const answer of answers) {
      await connection.head();
      await connection.write(answer);
    }
  });
  const client = openClient(t, { proxies: new HTTPProxy({ proxyUrl: server.url, auth: ['me', PASSWORD] }) });
  t.is((await client.get('http://example.org/')).statusCode, 200);
  const second = await client.get('http://example.org/');
  t.true(second.peer?.isReused);
  assertSilent(t, await failure(raised(Promise.resolve(second))));
  // Who has not been told of them can say them.
  const other = openClient(t, { proxies: await serveEcho(t, () => whole('403 No', 'text/plain', BASIC)) });
  t.true((await failure(raised(other.get('http://example.org/')))).message.includes(BASIC));
});

test('a reason phrase that is cut within the credentials', async (t) => {
  const origin = await serveEcho(t, () => `HTTP/1.1 407 ${'x '.repeat(95)}${BASIC}\r\nContent-Length: 0\r\n\r\n`);
  const proxies = new HTTPProxy({ proxyUrl: origin, auth: ['me', PASSWORD] });
  const error = await failure(openClient(t, { proxies }).get('https://example.org/'));
  assertSilent(t, error);
  t.regex(error.message, /x \[secure\] \(CONNECT/);
});

// ── what is not hidden ──

test('what is no secret stays, and so does what the response itself has', async (t) => {
  const url = await serveEcho(t, () => `HTTP/1.1 403 lang=en ${TOKEN}\r\nContent-Length: 0\r\n\r\n`);
  const response = await openClient(t).get(url, sent);
  t.is(response.reasonPhrase, `lang=en ${TOKEN}`);
  t.is(response.request.url.params.get('api_key'), 'k3y k3y');
  t.regex(t.throws(() => response.raiseForStatus()).message, /'403 lang=en \[secure\]' .*api_key=\[secure\]&q=seen'/);
});

test('a short password is no reason to mask words', (t) => {
  const request = new Request('GET', 'http://u:not@h/', {
    headers: { authorization: 'Basic dTpub3Q=', cookie: 'a=Found' },
  });
  t.regex(t.throws(() => new Response(404, { request }).raiseForStatus()).message, /'404 Not Found'/);
});

test('the one-line log has no credentials of a proxy', async (t) => {
  const origin = await serveEcho(t, () => `HTTP/1.1 200 ${BASIC}\r\nContent-Length: 0\r\n\r\n`);
  const program = `process.env.WHIPPET_DEBUG = '1'; await whippet.get('http://example.org/', { proxies: args.proxy });`;
  const proxy = origin.replace('//', `//me:${encodeURIComponent(PASSWORD)}@`);
  const { code, stderr } = await start(t, program, { proxy }).ended;
  t.is(code, 0, stderr);
  t.regex(stderr, /"HTTP\/1.1 200 \[secure\]"/);
});

test('the one-line log has no secret of the reason phrase', async (t) => {
  const server = await serve(t, (request, response) => {
    response.writeHead(200, `hello ${request.headers.authorization}`);
    response.end();
  });
  const program = `await whippet.get(args.url, { auth: ['me', 'hunter2'] });`;
  const { code, stderr } = await start(t, `process.env.WHIPPET_DEBUG = '1'; ${program}`, {
    url: `${server.url}?access_token=abc.DEF`,
  }).ended;
  t.is(code, 0);
  t.regex(stderr, /GET http:\S+\?access_token=\[secure\] "HTTP\/1.1 200 hello (?:Basic )?\[secure\]"/);
});
