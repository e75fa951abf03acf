/** What an error says about its request, and whose line its stack shows (docs/errors.md). */
import test, { type ExecutionContext } from 'ava';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Client,
  type ClientOptions,
  DecodingError,
  fetch,
  get,
  HTTPDispatch,
  HTTPError,
  InvalidURL,
  MockDispatch,
  ReadTimeout,
  type Request,
  Response,
  stream,
  URL,
} from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { folderOf } from '../helpers/files.js';
import { serve, serveRaw } from '../helpers/server.js';

/** Where no server listens; a free port may become another test's. */
const refusedOrigin = async (): Promise<string> => 'http://127.0.0.1:1';
const here = fileURLToPath(import.meta.url);
const CUT = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc';

/** A server that closes each connection in the middle of a body. */
const cutting = async (t: ExecutionContext): Promise<string> => (await serveRaw(t, [CUT])).url;

/** The same in the middle of an event stream. */
const cuttingEvents = async (t: ExecutionContext): Promise<string> =>
  (await serveRaw(t, ['HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\ndata: 1\n\n']))
    .url;

const fileIn = async (t: ExecutionContext): Promise<string> => path.join(folderOf(t), 'file');

/** Answers `/` with a redirect, and nothing else. */
const redirecting = async (t: ExecutionContext): Promise<string> =>
  (
    await serve(t, (request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/next' }).end();
      else response.destroy();
    })
  ).url;

type Act = (client: Client, url: string, t: ExecutionContext) => Promise<unknown>;

const silent: ClientOptions = {
  app: (request: unknown, response: unknown) => void [request, response],
  timeout: { read: 20 },
};
const retrying: ClientOptions = { retries: { limit: 2, backoff: () => 0 } };

/** Each call is written out: its line is what the stack must show. */
const CALLS: [name: string, place: (t: ExecutionContext) => Promise<string>, options: ClientOptions, act: Act][] = [
  ['buffered', refusedOrigin, {}, async (c, url) => void (await c.get(url))],
  ['buffered, cut', cutting, {}, async (c, url) => void (await c.get(url))],
  ['post', refusedOrigin, {}, async (c, url) => void (await c.post(url, { json: {} }))],
  ['request()', refusedOrigin, {}, async (c, url) => void (await c.request('PUT', url))],
  ['stream()', refusedOrigin, {}, async (c, url) => void (await c.stream('GET', url))],
  ['send()', refusedOrigin, {}, async (c, url) => void (await c.send(c.buildRequest('GET', url)))],
  ['the module function', refusedOrigin, {}, async (_, url) => void (await get(url))],
  ['the module function, streamed', refusedOrigin, {}, async (_, url) => void (await stream('GET', url))],
  ['with then()', refusedOrigin, {}, async (c, url) => void (await c.get(url).then((r) => r.text))],
  ['with Promise.all()', refusedOrigin, {}, async (c, url) => void (await Promise.all([c.get(url), null]))],
  ['with a hook', cutting, { eventHooks: { response: [() => {}] } }, async (c, url) => void (await c.get(url))],
  [
    'with a progress callback',
    cutting,
    {},
    async (c, url) => void (await c.get(url, { onDownloadProgress: () => {} })),
  ],
  ['with auth', refusedOrigin, { auth: ['u', 'p'] }, async (c, url) => void (await c.get(url))],
  ['retried', refusedOrigin, retrying, async (c, url) => void (await c.get(url))],
  ['redirected', redirecting, {}, async (c, url) => void (await c.get(url))],
  ['too many redirects', redirecting, { maxRedirects: 0 }, async (c, url) => void (await c.get(url))],
  ['an app', async () => 'http://app', silent, async (c, url) => void (await c.get(url))],
  [
    'a total timeout',
    async () => 'http://app',
    silent,
    async (c, url) => void (await c.get(url, { timeout: { read: null, total: 10 } })),
  ],
  ['a mount', refusedOrigin, { mounts: { 'all://': new HTTPDispatch() } }, async (c, url) => void (await c.get(url))],
  ['an unsupported protocol', async () => 'ftp://h', {}, async (c, url) => void (await c.get(url))],
  [
    'read()',
    cutting,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      await response.read();
    },
  ],
  [
    'iterBytes()',
    cutting,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      for await (const piece of response.iterBytes({ chunkSize: 2 })) void piece;
    },
  ],
  [
    'iterRaw()',
    cutting,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      for await (const piece of response.iterRaw()) void piece;
    },
  ],
  [
    'iterText()',
    cutting,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      for await (const piece of response.iterText()) void piece;
    },
  ],
  [
    'iterLines()',
    cutting,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      for await (const line of response.iterLines()) void line;
    },
  ],
  [
    'iterJson()',
    cutting,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      for await (const value of response.iterJson()) void value;
    },
  ],
  [
    'response.events()',
    cuttingEvents,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      for await (const event of response.events()) void event;
    },
  ],
  [
    'client.events()',
    refusedOrigin,
    {},
    async (c, url) => {
      for await (const event of c.events('GET', url, { reconnect: false })) void event;
    },
  ],
  [
    'client.events(), cut',
    cuttingEvents,
    {},
    async (c, url) => {
      for await (const event of c.events('GET', url, { reconnect: false })) void event;
    },
  ],
  [
    'client.events(), no event stream',
    async (t) => (await serve(t, (_, response) => response.end('{}'))).url,
    {},
    async (c, url) => {
      const events = c.events('GET', url);
      await events.next();
    },
  ],
  ['download()', refusedOrigin, {}, async (c, url, t) => void (await c.download(url, await fileIn(t)))],
  ['download(), cut', cutting, {}, async (c, url, t) => void (await c.download(url, await fileIn(t)))],
  ['query()', refusedOrigin, {}, async (c, url) => void (await c.query(url, { content: '{}' }))],
  ['preconnect()', refusedOrigin, {}, async (c, url) => void (await c.preconnect(url))],
  ['nextRequest', redirecting, { followRedirects: false }, async (c, url) => {
    const { nextRequest } = await c.get(url.replace('/users', ''));
    await c.send(nextRequest as Request);
  }], // prettier-ignore
  [
    'a response as content',
    cutting,
    {},
    async (c, url, t) => {
      const silent = await serve(t, (request) => void request.resume());
      const response = await c.stream('GET', url);
      await c.post(silent.url, { content: response });
    },
  ],
  [
    'a fetch handler',
    async () => 'http://app',
    { app: { fetch: () => 5 as unknown as globalThis.Response } },
    async (c, url) => void (await c.get(url)),
  ],
  [
    'the response itself',
    cutting,
    {},
    async (c, url) => {
      const response = await c.stream('GET', url);
      for await (const piece of response) void piece;
    },
  ],
];

for (const [name, place, options, act] of CALLS) {
  test(`the caller's line and the request: ${name}`, async (t) => {
    const url = await place(t);
    const client = openClient(t, options);
    const theApplication = async (): Promise<void> => {
      await act(client, `${url}/users?token=s3kr3t`.replace('//users', '/users'), t);
    };
    const error = await failure(theApplication());
    t.true(error instanceof HTTPError, String(error));
    t.regex(error.message, /^[A-Z]+ (?:http|ftp):\/\/\S+: /);
    t.notRegex(error.message, /s3kr3t/);
    const stack = String(error.stack);
    t.true(stack.startsWith(`${error.name}: ${error.message}\n`), stack);
    t.true(
      stack.includes(`at async act (${here}:`) ||
        stack.includes(`at async Object.act (${here}:`) ||
        stack.includes(`at async theApplication (${here}:`),
      stack,
    );
  });
}

/** fetch() has TypeErrors of its own, and ours is the cause. */
const FETCHES: [name: string, place: (t: ExecutionContext) => Promise<string>, act: Act][] = [
  ['client.fetch()', redirecting, async (c, url) => void (await c.fetch(url))],
  ['fetch()', redirecting, async (_, url) => void (await fetch(url))],
  ['fetch(), redirected', redirecting, async (c, url) => void (await c.fetch(url.replace('/users', '')))],
  [
    'text() of a fetch',
    cutting,
    async (c, url) => {
      const response = await c.fetch(url);
      await response.text();
    },
  ],
];

for (const [name, place, act] of FETCHES) {
  test(`the caller's line and the request: ${name}`, async (t) => {
    const url = await place(t);
    const client = openClient(t);
    const theApplication = async (): Promise<void> => {
      await act(client, `${url}/users?token=s3kr3t`.replace('//users', '/users'), t);
    };
    const error = await failure(theApplication());
    t.true(error instanceof TypeError, String(error));
    t.true(error.cause instanceof HTTPError, String(error.cause));
    const cause = error.cause as HTTPError;
    t.regex(cause.message, /^GET http:\/\/\S+: /);
    for (const { message, stack } of [error, cause]) {
      t.notRegex(message, /s3kr3t/);
      t.true(String(stack).includes(`(${here}:`), stack);
    }
  });
}

const REFUSED_URLS = [
  'http://[',
  'http://a b/',
  'http://127.0.0.1:99999/',
  'http://a/\u0000',
  `http://${'a'.repeat(70_000)}/`,
];
const ASKS: [name: string, ask: (client: Client, url: string) => unknown][] = [
  ['get()', (client, url) => client.get(url)],
  ['get() of the module', (_, url) => get(url)],
  ['new URL()', (_, url) => new URL(url)],
  ['copyWith()', (_, url) => new URL('http://a/').copyWith({ host: url })],
];

for (const [name, ask] of ASKS) {
  test(`the caller's line: ${name} of what is no URL`, async (t) => {
    for (const url of REFUSED_URLS) {
      const theApplication = async (): Promise<void> => void (await ask(openClient(t), url));
      const error = await failure(theApplication());
      t.true(error instanceof InvalidURL);
      t.true(String(error.stack).includes(here), error.stack);
    }
  });
}

const MESSAGES: [target: string, method: string, message: RegExp][] = [
  ['/users', 'GET', /^GET ORIGIN\/users: connection refused$/],
  ['/users?a=1#b', 'POST', /^POST ORIGIN\/users: connection refused$/],
  ['', 'QUERY', /^QUERY ORIGIN: connection refused$/],
  ['/caf%C3%A9', 'GET', /^GET ORIGIN\/caf%C3%A9: connection refused$/],
  [`/${'x'.repeat(2000)}`, 'GET', /^GET ORIGIN\/x{400,500}…: connection refused$/],
];

for (const [target, method, message] of MESSAGES) {
  test(`${method} ${target.slice(0, 20)}: the message`, async (t) => {
    const origin = await refusedOrigin();
    const { message: said } = await failure(openClient(t).request(method, origin + target));
    t.regex(said.replace(origin, 'ORIGIN'), message);
  });
}

test('userinfo is no part of a message', async (t) => {
  const origin = await refusedOrigin();
  const error = await failure(openClient(t).get(`${origin.replace('//', '//user:s3kr3t@')}/a`));
  t.is(error.message, `GET ${origin}/a: connection refused`);
});

test('of a redirect, the request that failed is named', async (t) => {
  const gone = await refusedOrigin();
  const server = await serve(t, (_, response) => response.writeHead(303, { location: `${gone}/there` }).end());
  const error = await failure(openClient(t).post(server.url, { content: 'x' }));
  t.is(error.message, `GET ${gone}/there: connection refused`);
});

test("what is not this package's keeps its message and its stack", async (t) => {
  const mine = new ReadTimeout('mine');
  const { stack } = mine;
  const aborted = new AbortController();
  aborted.abort(mine);
  const throwing: [string, Promise<unknown>][] = [
    [
      'a handler',
      openClient(t, {
        dispatch: new MockDispatch(() => {
          throw mine;
        }),
      }).get('http://a/'),
    ],
    [
      'a hook',
      openClient(t, {
        dispatch: new MockDispatch(() => new Response(200)),
        eventHooks: {
          response: [
            () => {
              throw mine;
            },
          ],
        },
      }).get('http://a/'),
    ],
    [
      'an app',
      openClient(t, {
        app: () => {
          throw mine;
        },
      }).get('http://a/'),
    ],
    ['a signal', openClient(t).get('http://a/', { signal: aborted.signal })],
  ];
  for (const [name, promise] of throwing) {
    const error = await failure(promise);
    t.is(error, mine, name);
    t.is(error.message, 'mine', name);
    t.is(error.stack, stack, name);
  }
});

test('an error that came out of another call keeps the line of that call', async (t) => {
  const origin = await refusedOrigin();
  const inner = openClient(t);
  const theInner = async (): Promise<void> => {
    await inner.get(origin);
  };
  const outer = openClient(t, {
    dispatch: new MockDispatch(() => new Response(200)),
    eventHooks: { request: [theInner] },
  });
  const error = await failure(outer.get('http://a/'));
  t.true(String(error.stack).includes('at async theInner '), error.stack);
});

test('decoding errors of apps and of responses made by hand', async (t) => {
  const dispatch = new MockDispatch(
    () =>
      new Response(200, {
        content: (async function* () {
          yield Buffer.from('no gzip');
        })(),
        headers: { 'content-encoding': 'gzip' },
      }),
  );
  const error = await failure(openClient(t, { dispatch }).get('http://a/b'));
  t.true(error instanceof DecodingError);
  t.regex(String(error.stack), /error-callers\.spec\.ts/);
});
