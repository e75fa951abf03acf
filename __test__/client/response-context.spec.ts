/**
 * What the client knows of a response is there however one gets hold of it: the sensitive headers and the jar in `nextRequest`,
 * `defaultEncoding` in `text`, and the progress of a body that a hook reads.
 */
import test, { type ExecutionContext } from 'ava';
import { channel } from 'node:diagnostics_channel';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import {
  Auth,
  type Client,
  type ClientOptions,
  HTTPDispatch,
  type HTTPStatusError,
  MockDispatch,
  type ProxyError,
  Response,
  ResponseTooLarge,
  TooManyRedirects,
  type Request,
} from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

/** 'é' in Latin-1: U+FFFD to a reader that does not know of `defaultEncoding`. */
const BODY = Buffer.from([0xe9]);

interface Way {
  options?: (answer: () => Response) => ClientOptions;
  obtain: (client: Client, seen: Response[]) => Promise<Response | undefined>;
}

/** A flow that keeps each response it is given. */
class KeepingAuth extends Auth {
  override requiresResponseBody = true;
  readonly seen: Response[] = [];

  override async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    this.seen.push(yield request);
  }
}

const call = { headers: { 'X-Api-Key': 's3cret' }, followRedirects: false };

const ways: Record<string, Way> = {
  'a call': { obtain: (client) => client.get('/', call) },
  'a response hook': {
    obtain: async (client, seen) => {
      client.eventHooks.response.push((response) => void seen.push(response));
      await client.get('/', { ...call, followRedirects: true });
      return seen[0];
    },
  },
  history: {
    obtain: async (client) => (await client.get('/', { ...call, followRedirects: true })).history[0],
  },
  'history seen by a hook': {
    obtain: async (client, seen) => {
      client.eventHooks.response.push(({ history }) => void seen.push(...history));
      await client.get('/', { ...call, followRedirects: true });
      return seen[0];
    },
  },
  'TooManyRedirects.response': {
    options: () => ({ maxRedirects: 0 }),
    obtain: async (client) =>
      ((await failure(client.get('/', { ...call, followRedirects: true }))) as TooManyRedirects).response,
  },
  'HTTPStatusError.response': {
    obtain: async (client) =>
      ((await failure(client.get('/', call).then((response) => response.raiseForStatus()))) as HTTPStatusError)
        .response,
  },
  'HTTPStatusError.response of a download': {
    obtain: async (client) =>
      ((await failure(client.download('/', path.join(tmpdir(), 'never-written'), call))) as HTTPStatusError).response,
  },
  'a response hook, with retries': {
    options: () => ({ retries: 1 }),
    obtain: async (client, seen) => {
      client.eventHooks.response.push((response) => void seen.push(response));
      await client.stream('GET', '/', call);
      return seen[0];
    },
  },
  'a response hook of a download': {
    obtain: async (client, seen) => {
      client.eventHooks.response.push((response) => void seen.push(response));
      await failure(client.download('/', path.join(tmpdir(), 'never-written'), call));
      return seen[0];
    },
  },
  stream: { obtain: (client) => client.stream('GET', '/', call) },
  send: { obtain: (client) => client.send(client.buildRequest('GET', '/', call), { stream: true }) },
  'an auth flow': {
    obtain: async (client) => {
      const auth = new KeepingAuth();
      await client.get('/', { ...call, auth });
      return auth.seen[0];
    },
  },
  retries: { options: () => ({ retries: 1 }), obtain: (client) => client.get('/', call) },
  'a mock': {
    options: (answer) => ({ dispatch: new MockDispatch(answer) }),
    obtain: (client) => client.get('/', call),
  },
  'a mock, by a hook': {
    options: (answer) => ({ dispatch: new MockDispatch(answer) }),
    obtain: async (client, seen) => {
      client.eventHooks.response.push((response) => void seen.push(response));
      await client.get('/', call);
      return seen[0];
    },
  },
  'a mount': {
    options: (answer) => ({ mounts: { 'all://': new MockDispatch(answer) } }),
    obtain: (client) => client.stream('GET', '/', call),
  },
  'a dispatch of the user': {
    options: () => {
      const network = new HTTPDispatch();
      return { dispatch: { send: (request, options) => network.send(request, options), close: () => network.close() } };
    },
    obtain: (client) => client.get('/', call),
  },
  diagnostics_channel: {
    obtain: async (client, seen) => {
      const subscriber = (message: unknown): void => {
        const { response } = message as { response: Response };
        if (response.url.origin === client.baseUrl.origin) seen.push(response);
      };
      channel('whippet:request:response').subscribe(subscriber);
      await client.get('/', call);
      channel('whippet:request:response').unsubscribe(subscriber);
      return seen[0];
    },
  },
};

async function obtained(t: ExecutionContext, way: Way, location: (other: string) => string): Promise<Response> {
  const other = await serve(t, (_, response) => response.end('there'));
  const headers = { location: location(other.origin), 'set-cookie': 'set=2; Path=/', 'content-type': 'text/plain' };
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, headers).end(BODY);
    else response.end('home');
  });
  const client = openClient(t, {
    baseUrl: server.origin,
    headers: { 'X-Own': 'mine' },
    sensitiveHeaders: ['x-api-key'],
    cookies: { jar: '1' },
    defaultEncoding: 'latin1',
    ...way.options?.(() => new Response(302, { headers, content: BODY })),
  });
  const response = await way.obtain(client, []);
  if (response === undefined) throw new Error('there was no response');
  await response.read();
  return response;
}

for (const [name, way] of Object.entries(ways)) {
  test(`by ${name}: nextRequest to another origin has the jar's cookies and nothing that stays`, async (t) => {
    const { nextRequest } = await obtained(t, way, (other) => `${other}/x`);
    t.deepEqual(
      ['x-own', 'x-api-key', 'cookie', 'user-agent'].map((field) => nextRequest?.headers.get(field) !== undefined),
      [false, false, true, true],
    );
    t.deepEqual(nextRequest?.headers.get('cookie')?.split('; ').sort(), ['jar=1', 'set=2']);
  });

  test(`by ${name}: nextRequest within the origin keeps the headers`, async (t) => {
    const { nextRequest } = await obtained(t, way, () => '/x');
    t.deepEqual(
      ['x-own', 'x-api-key'].map((field) => nextRequest?.headers.get(field)),
      ['mine', 's3cret'],
    );
  });

  test(`by ${name}: text is in the default encoding`, async (t) => {
    const response = await obtained(t, way, () => '/x');
    t.deepEqual([response.encoding, response.text], ['latin1', 'é']);
  });
}

test('a hook that reads text does not spoil the text of the caller', async (t) => {
  const server = await serve(t, (_, response) => response.setHeader('content-type', 'text/plain').end(BODY));
  const texts: string[] = [];
  const client = openClient(t, {
    defaultEncoding: (content) => (content.equals(BODY) ? 'latin1' : 'utf-8'),
    eventHooks: {
      response: [
        async (response) => {
          await response.read();
          texts.push(response.text);
        },
      ],
    },
  });
  texts.push((await client.get(server.url)).text);
  t.deepEqual(texts, ['é', 'é']);
});

test('progress is told when a hook reads the body, and of no redirect or challenge on the way', async (t) => {
  const server = await serve(t, (request, response) => {
    const text = request.url === '/' ? 'moved' : 'the body itself';
    const head = request.url === '/' ? { location: '/x' } : {};
    response.writeHead(request.url === '/' ? 302 : 200, { ...head, 'content-length': text.length }).end(text);
  });
  for (const read of [true, false]) {
    const seen: (number | null)[] = [];
    const client = openClient(t, {
      eventHooks: { response: [async (response) => void (read && (await response.read()))] },
    });
    await client.get(server.url, {
      followRedirects: true,
      onDownloadProgress: (received, total) => seen.push(received, total),
    });
    t.deepEqual(seen, [15, 15], `a hook that ${read ? 'reads' : 'does not read'}`);
  }
});

test('after a redirect has left the origin, cookies bound to no host are in no nextRequest', async (t) => {
  const home = await serve(t, (_, response) => response.writeHead(302, { location: `${away.origin}/a` }).end());
  const away = await serve(t, (_, response) => response.writeHead(302, { location: '/b' }).end());
  const client = openClient(t, { maxRedirects: 1, cookies: { bound: 'to no host' } });
  const error = await failure(client.get(home.url, { followRedirects: true }));
  t.true(error instanceof TooManyRedirects);
  t.is((error as TooManyRedirects).response?.nextRequest?.headers.get('cookie'), undefined);
});

for (const [name, options] of Object.entries({ plain: {}, attended: { retries: 1 } })) {
  test(`a proxy's answer to CONNECT is read in the default encoding, ${name}`, async (t) => {
    const proxy = await serve(t, () => undefined);
    proxy.server.on('connect', (_, socket: Duplex) => {
      socket.end(Buffer.concat([Buffer.from('HTTP/1.1 403 no\r\nContent-Length: 1\r\n\r\n'), BODY]));
    });
    const client = openClient(t, { defaultEncoding: 'latin1', proxies: proxy.url, ...options });
    const error = (await failure(client.get('https://example.test/'))) as ProxyError;
    t.is(error.response?.text, 'é');
  });
}

test('a hook reads no more than the call may hold', async (t) => {
  const server = await serve(t, (_, response) => response.end('x'.repeat(5_000)));
  const read = (response: Response) => response.read().then(() => undefined);
  const limited = openClient(t, { maxResponseSize: 1_000, eventHooks: { response: [read] } });
  const error = await failure(limited.get(server.url));
  t.true(error instanceof ResponseTooLarge, String(error));
  // One that is streamed has no limit, for hooks either.
  const response = await limited.stream('GET', server.url);
  t.is((await response.read()).length, 5_000);
});
