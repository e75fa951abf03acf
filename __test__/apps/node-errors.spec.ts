/**
 * What goes wrong in a Node app: each row with raiseAppExceptions on and off, buffered and streamed. None hangs, and none is an
 * unhandled rejection (AVA fails the file for one).
 */
import express from 'express';
import test from 'ava';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { ReadTimeout, RemoteProtocolError, type Client } from '../../src/index.js';
import { nodeClient, turns, url, type Listener } from '../helpers/apps.js';
import { failure, reasonOf, soon } from '../helpers/client.js';

const own = new Error('the app’s own');
/** The app's own error, by its identity, or what it has become. */
type Outcome = 'own' | RegExp | `${number} ${string}`;

const hostile = (): unknown =>
  new Proxy(
    {},
    {
      get() {
        throw own;
      },
    },
  );

interface Row {
  title: string;
  app: Listener;
  raised: Outcome;
  /** With raiseAppExceptions: false. */
  quiet: Outcome;
}

const cut = /^RemoteProtocolError: The app (failed|closed its socket) in the midst of its response/;

const ROWS: Row[] = [
  {
    title: 'U6 throws',
    app: () => {
      throw own;
    },
    raised: 'own',
    quiet: '500 ',
  },
  { title: 'U6 rejects', app: async () => Promise.reject(own), raised: 'own', quiet: '500 ' },
  {
    title: 'rejects later',
    app: async () => {
      await turns();
      throw own;
    },
    raised: 'own',
    quiet: '500 ',
  },
  {
    title: 'throws what is no error',
    app: () => {
      throw undefined;
    },
    raised: /^undefined$/,
    quiet: '500 ',
  },
  {
    title: 'sets headers and throws: they are not sent',
    app: (_, res) => {
      res.setHeader('content-length', 99);
      res.setHeader('content-encoding', 'gzip');
      throw own;
    },
    raised: 'own',
    quiet: '500 ',
  },
  {
    title: 'U14 throws behind the head',
    app: (_, res) => {
      res.writeHead(201);
      res.flushHeaders();
      throw own;
    },
    raised: 'own',
    quiet: cut,
  },
  {
    title: 'U26 throws in the midst of the body',
    app: async (_, res) => {
      res.write('some');
      await turns();
      throw own;
    },
    raised: 'own',
    quiet: cut,
  },
  {
    title: 'U7 throws behind a whole response',
    app: (_, res) => {
      res.end('whole');
      throw own;
    },
    raised: 'own',
    quiet: '200 whole',
  },
  {
    title: 'U7 rejects behind a whole response',
    app: async (_, res) => {
      res.end('whole');
      throw own;
    },
    raised: 'own',
    quiet: '200 whole',
  },
  {
    title: 'writes after the end',
    app: (_, res) => {
      res.end('whole');
      res.write('more');
    },
    raised: /^Error \[ERR_STREAM_WRITE_AFTER_END\]: write after end$/,
    quiet: '200 whole',
  },
  {
    title: 'ends twice',
    app: (_, res) => {
      res.end('whole');
      res.end('more');
    },
    raised: /^Error \[ERR_STREAM_WRITE_AFTER_END\]: write after end$/,
    quiet: '200 whole',
  },
  {
    title: 'ends twice with nothing',
    app: (_, res) => (res.end('whole'), res.end()),
    raised: '200 whole',
    quiet: '200 whole',
  },
  {
    title: 'answers twice',
    app: (_, res) => {
      res.writeHead(200).end('whole');
      res.writeHead(201).end('more');
    },
    raised: /^Error \[ERR_HTTP_HEADERS_SENT\]: Cannot write headers after they are sent to the client$/,
    quiet: '200 whole',
  },
  {
    title: 'an illegal header name',
    app: (_, res) => res.setHeader('bad name', 'x').end(),
    raised: /^TypeError \[ERR_INVALID_HTTP_TOKEN\]: Header name must be a valid HTTP token/,
    quiet: '500 ',
  },
  {
    title: 'an illegal header value',
    app: (_, res) => res.setHeader('x-a', 'a\r\nx-b: c').end(),
    raised: /^TypeError \[ERR_INVALID_CHAR\]: Invalid character in header content/,
    quiet: '500 ',
  },
  {
    title: 'an illegal status',
    app: (_, res) => res.writeHead(99).end(),
    raised: /^RangeError \[ERR_HTTP_INVALID_STATUS_CODE\]: Invalid status code: 99$/,
    quiet: '500 ',
  },
  {
    title: 'a body of no known type',
    app: (_, res) => res.end({} as never),
    raised: /^TypeError \[ERR_INVALID_ARG_TYPE\]: The "chunk" argument must be of type string/,
    quiet: '500 ',
  },
  {
    title: 'destroys the socket',
    app: (req) => void req.socket.destroy(),
    raised: /^RemoteProtocolError: The app closed its socket without a response$/,
    quiet: /^RemoteProtocolError: The app closed its socket without a response$/,
  },
  {
    title: 'destroys the socket with an error',
    app: (req) => void req.socket.destroy(own),
    raised: 'own',
    quiet: /^RemoteProtocolError: The app closed its socket without a response$/,
  },
  {
    title: 'destroys the response in the midst of its body',
    app: async (_, res) => {
      res.write('some');
      await turns();
      res.destroy();
    },
    raised: cut,
    quiet: cut,
  },
  {
    title: 'destroys the response with an error in the midst of its body',
    app: async (_, res) => {
      res.write('some');
      await turns();
      res.destroy(own);
    },
    raised: 'own',
    quiet: cut,
  },
  {
    title: 'destroys the request',
    app: (req) => void req.destroy(),
    raised: /^RemoteProtocolError: The app closed its socket without a response$/,
    quiet: /^RemoteProtocolError: The app closed its socket without a response$/,
  },
  {
    title: 'ends the socket',
    app: (req) => void req.socket.end(),
    raised: /^RemoteProtocolError: The app closed its socket without a response$/,
    quiet: /^RemoteProtocolError: The app closed its socket without a response$/,
  },
  {
    title: 'writes to the socket itself',
    app: (req) => void req.socket.write('HTTP/1.1 200 OK\r\n\r\n'),
    raised: /^RemoteProtocolError: The app wrote to its socket, past its response$/,
    quiet: /^RemoteProtocolError: The app wrote to its socket, past its response$/,
  },
  {
    title: 'too little for its Content-Length',
    app: (_, res) => res.setHeader('content-length', 10).end('short'),
    raised: /^RemoteProtocolError: The app ended its response after 5 of the 10 bytes of its Content-Length$/,
    quiet: /^RemoteProtocolError: The app ended its response after 5 of the 10 bytes of its Content-Length$/,
  },
  ...['abc', '-1', ['5', '6'], '5, 6'].map((length): Row => ({
    title: `Content-Length: ${length}`,
    app: (_, res) => res.setHeader('content-length', length).end('whole'),
    raised: /^RemoteProtocolError: The app sent a Content-Length that is no length$/,
    quiet: /^RemoteProtocolError: The app sent a Content-Length that is no length$/,
  })),
  {
    title: 'the same Content-Length twice',
    app: (_, res) => res.setHeader('content-length', ['5', '5']).end('whole'),
    raised: '200 whole',
    quiet: '200 whole',
  },
  {
    title: 'a reason that no status line can hold',
    app: async (_, res) => {
      await turns();
      res.writeHead(200, 'a\r\nb').end();
    },
    raised: /ERR_INVALID_CHAR/,
    quiet: '500 ',
  },
  {
    title: 'returns what throws when it is looked at',
    app: () => hostile(),
    raised: 'own',
    quiet: '500 ',
  },
  {
    title: 'too much for its Content-Length',
    app: (_, res) => res.setHeader('content-length', 3).end('long'),
    raised: /^RemoteProtocolError: The app sent more than the 3 bytes of its Content-Length$/,
    quiet: /^RemoteProtocolError: The app sent more than the 3 bytes of its Content-Length$/,
  },
  {
    title: 'an interim status as the last word',
    app: (_, res) => res.writeHead(103).end(),
    raised: /^RemoteProtocolError: The app answered with 103, which is no final status$/,
    quiet: /^RemoteProtocolError: The app answered with 103, which is no final status$/,
  },
  {
    title: 'a switch of protocols without an Upgrade in the request',
    app: (_, res) => res.writeHead(101, { upgrade: 'websocket' }).end(),
    raised: /^RemoteProtocolError: The app answered with 101, which is no final status$/,
    quiet: /^RemoteProtocolError: The app answered with 101, which is no final status$/,
  },
  {
    title: 'a body that is not the gzip that it says',
    app: (_, res) => res.setHeader('content-encoding', 'gzip').end('no gzip'),
    raised: /^DecodingError: /,
    quiet: /^DecodingError: /,
  },
  {
    title: 'a source that fails, piped without care',
    app: (_, res) => {
      const source = Readable.from(
        (function* () {
          yield 'some';
          throw own;
        })(),
      );
      source.on('error', (error) => res.destroy(error));
      source.pipe(res);
    },
    raised: 'own',
    quiet: cut,
  },
  {
    title: 'a middleware that calls next() without a next handler',
    app: ((_req: unknown, _res: unknown, next: () => void) => next()) as Listener,
    raised: /^RemoteProtocolError: The app returned without answering: it called next\(\)/,
    quiet: '500 ',
  },
  {
    title: 'a middleware that hands on an error',
    app: ((_req: unknown, _res: unknown, next: (error: unknown) => void) => next(own)) as Listener,
    raised: 'own',
    quiet: '500 ',
  },
  {
    title: 'an Express Router without a route',
    app: express.Router() as unknown as Listener,
    raised: /returned without answering/,
    quiet: '500 ',
  },
];

for (const { title, app, raised, quiet } of ROWS) {
  test(title, async (t) => {
    t.is(...same(await outcome(nodeClient(t, app)), raised));
    t.is(...same(await outcome(nodeClient(t, app, { raiseAppExceptions: false })), quiet));
  });
  test(`streamed: ${title}`, async (t) => {
    // What is raised behind a whole response comes too late for a head that is out, and the body is whole.
    t.is(...same(await outcomeOfStream(nodeClient(t, app)), raised));
    t.is(...same(await outcomeOfStream(nodeClient(t, app, { raiseAppExceptions: false })), quiet));
  });
  // A server calls its listener without a next, which is then the listener's error.
  const ofServer = app.length === 3 ? /^TypeError: (next is not a function|argument callback is required)$/ : raised;
  test(`of an http.Server: ${title}`, async (t) => {
    const server = createServer(app) as unknown as Listener;
    t.is(...same(await outcome(nodeClient(t, server)), ofServer));
  });
}

const SILENT: [title: string, app: Listener, message: RegExp][] = [
  ['an app that never answers', () => {}, /^ReadTimeout: no data from http:\/\/example for 30 ms$/],
  ['an async app that returns without answering', async (_req, _res) => {}, /\(the app returned without answering\)$/],
  [
    'an app that stops in the midst',
    (_, res) => void res.write('some'),
    /^ReadTimeout: no data from http:\/\/example for 30 ms$/,
  ],
  [
    'an end that goes nowhere',
    (req, res) => (res.detachSocket(req.socket), void res.end('lost')),
    /^ReadTimeout: no data from/,
  ],
  ['an app that waits for more than there is', (req) => void req.on('data', () => {}), /^ReadTimeout: no data from/],
];

for (const [title, app, message] of SILENT) {
  test(`U19 ${title} runs into the read timeout`, async (t) => {
    const client = nodeClient(t, app);
    const error = await failure(client.post(url, { content: 'x', timeout: { read: 30 } }));
    t.true(error instanceof ReadTimeout);
    t.regex(reasonOf(error), message);
    t.true((error as ReadTimeout).request?.url.path === '/');
  });
}

/** Async listeners that return without answering and leave nothing behind; the read timeout is far off. */
const FORGETFUL: Record<string, Listener> = {
  'at once': async () => {},
  later: async () => turns(),
  'behind a header': async (_req, res) => void res.setHeader('x', '1'),
  'behind the body': async (req) => void (await req.toArray()),
  'with listeners that nothing calls': async (req, res) => {
    req.on('close', () => res.end());
    res.on('close', () => {});
  },
};

for (const [title, app] of Object.entries(FORGETFUL)) {
  test(`an async listener that returns ${title} without answering: an error, soon`, async (t) => {
    for (const made of [app, createServer(app) as unknown as Listener]) {
      const sent = failure(nodeClient(t, made).post(url, { content: 'x', timeout: { read: 60_000 } }));
      const error = await soon('an error', sent);
      t.true(error instanceof RemoteProtocolError);
      t.regex(reasonOf(error), /The app returned without answering, and nothing is left that could answer/);
    }
  });
}

test('a read timeout of less comes before it, whenever others have begun', async (t) => {
  const client = nodeClient(t, async () => {});
  const other = failure(client.get(url, { timeout: null }));
  for (let i = 0; i < 12; i++)
    t.true((await failure(client.get(url, { timeout: { read: 30 } }))) instanceof ReadTimeout);
  t.true((await other) instanceof RemoteProtocolError);
});

const held: (() => void)[] = [];
/** Those that answer later, by what they have left pending. */
const LATER: Record<string, Listener> = {
  'a timer': async (_req, res) => void setTimeout(() => res.end('late'), 900),
  'a queue': async (_req, res) => {
    held.push(() => res.end('late'));
    setTimeout(() => held.shift()?.(), 900);
  },
  'a socket': async (req) => void setTimeout((socket) => (socket as unknown as { _httpMessage: ServerResponse })._httpMessage.end('late'), 900, req.socket), // prettier-ignore
};

for (const [title, app] of Object.entries(LATER)) {
  test(`an async listener that has left ${title} answers`, async (t) => {
    t.is((await nodeClient(t, app).get(url)).text, 'late');
  });
}

test('the cause of a cut body is the app’s error', async (t) => {
  const app: Listener = (_, res) => {
    res.flushHeaders();
    throw own;
  };
  const error = await failure(nodeClient(t, app, { raiseAppExceptions: false }).get(url));
  t.true(error instanceof RemoteProtocolError);
  t.is(error.cause, own);
});

test('an error long after the response is dropped, and no unhandled rejection', async (t) => {
  let failed = false;
  const app = async (_req: IncomingMessage, res: ServerResponse) => {
    res.end('whole');
    await turns(3);
    failed = true;
    throw own;
  };
  t.is((await nodeClient(t, app).get(url)).text, 'whole');
  await turns(10);
  t.true(failed);
});

test('the next request is not touched by the one that failed', async (t) => {
  let count = 0;
  const client = nodeClient(t, (_, res) => {
    if (count++ % 2 === 0) throw own;
    res.end('fine');
  });
  for (let i = 0; i < 4; i++) {
    if (i % 2 === 0) t.is(await failure(client.get(url)), own);
    else t.is((await client.get(url)).text, 'fine');
  }
});

async function outcome(client: Client): Promise<unknown> {
  const sent = client.get(url, { timeout: { read: 2000 } });
  return soon(
    'an end',
    sent.then((response) => `${response.statusCode} ${response.text}`, caught),
  );
}

async function outcomeOfStream(client: Client): Promise<unknown> {
  const read = async () => {
    const response = await client.stream('GET', url, { timeout: { read: 2000 } });
    const body = await response.read();
    return `${response.statusCode} ${body.toString()}`;
  };
  return soon('an end', read().catch(caught));
}

/** Kept apart from an outcome that is a text. */
function caught(error: unknown): { error: unknown } {
  return { error };
}

/** For `t.is`: what came, and what was expected if it is that. */
function same(came: unknown, expected: Outcome): [unknown, unknown] {
  if (typeof came === 'string') return [came, expected];
  const { error } = came as { error: unknown };
  if (expected === 'own') return [error, own];
  const text = reasonOf(error);
  return [text, expected instanceof RegExp && expected.test(text) ? text : expected];
}
