/** Event hooks: when they are called, what they may do, what happens when they throw (rows V…). */
import test from 'ava';
import { AsyncLocalStorage } from 'node:async_hooks';
import { gzipSync } from 'node:zlib';
import {
  Auth,
  Client,
  type ClientOptions,
  DigestAuth,
  ReadTimeout,
  type Request,
  Response,
  ResponseNotRead,
  ResponseTooLarge,
  StreamConsumed,
  TotalTimeout,
} from '../../src/index.js';
import { eventually, failure, openClient, reasonOf, soon, told } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

test('V1 the request hook sees auth, cookies and defaults; the response hook the head', async (t) => {
  const server = await serve(t, (_, response) => response.setHeader('x-mine', '1').end('ok'));
  const seen: unknown[] = [];
  const client = openClient(t, {
    auth: ['u', 'p'],
    cookies: { a: '1' },
    eventHooks: {
      request: [
        ({ headers }) => void seen.push(headers.get('authorization'), headers.get('cookie'), headers.get('accept')),
      ],
      response: [
        (response) => void seen.push(response.statusCode, response.headers.get('x-mine'), response.request.method),
      ],
    },
  });
  t.is(told(await client.get(server.url)), '200 ok');
  t.deepEqual(seen, ['Basic dTpw', 'a=1', '*/*', 200, '1', 'GET']);
});

test('V2 they are called for redirects and answers to challenges, in the order of their lists', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n"' }).end();
    else if (request.url === '/') response.writeHead(303, { location: '/b' }).end();
    else response.end('ok');
  });
  const seen: string[] = [];
  const client = openClient(t, {
    auth: new DigestAuth('u', 'p'),
    eventHooks: {
      request: [
        (request) => void seen.push(`1 ${request.url.path}`),
        async (request) => void seen.push(`2 ${request.url.path}`),
      ],
      response: [(response) => void seen.push(String(response.statusCode))],
    },
  });
  const response = await client.get(server.url);
  t.deepEqual(seen, ['1 /', '2 /', '401', '1 /', '2 /', '303', '1 /b', '2 /b', '200']);
  t.is(response.history.length, 2);
});

test('V4 the setter, and lists that change, act on the next request', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const client = openClient(t);
  t.deepEqual(client.eventHooks, { request: [], response: [] });
  let calls = 0;
  const hook = () => void calls++;
  client.eventHooks = { request: [hook] } as never;
  t.deepEqual(client.eventHooks, { request: [hook], response: [] });
  await client.get(server.url);
  client.eventHooks.response.push(hook);
  await client.get(server.url);
  client.eventHooks.request.pop();
  await client.get(server.url);
  t.is(calls, 4);
});

test('V5 bad hooks', (t) => {
  const bad: [unknown, RegExp][] = [
    [{ request: () => {} }, /^eventHooks\.request: expected a list, got function$/],
    [{ response: 'x' }, /^eventHooks\.response: expected a list, got string$/],
    [{ request: [1] }, /^eventHooks\.request: expected functions, got number$/],
    [{ requests: [] }, /^Unknown option 'requests' for eventHooks\. Did you mean 'request'\?$/],
    [[], /./],
  ];
  for (const [hooks, message] of bad.filter(([hooks]) => !Array.isArray(hooks))) {
    t.throws(() => new Client({ eventHooks: hooks as never }), { instanceOf: TypeError, message });
    t.throws(() => (new Client().eventHooks = hooks as never), { instanceOf: TypeError, message });
  }
});

test('a request hook may change the request; the next one begins afresh', async (t) => {
  const server = await serve(t, (request, response) => response.end(`${request.headers['x-hook']} ${request.url}`));
  let calls = 0;
  const client = openClient(t, {
    eventHooks: {
      request: [
        (request) => {
          request.headers.set('x-hook', String(++calls));
          if (calls === 2) request.url = request.url.copyWith({ path: '/changed' });
        },
      ],
    },
  });
  t.is(told(await client.get(server.url)), '200 1 /');
  t.is(told(await client.get(server.url)), '200 2 /changed');
});

test('V6 a response hook is called before the body is read, and may read it', async (t) => {
  const server = await serve(t, (_, response) => response.end('body'));
  const seen: unknown[] = [];
  const client = openClient(t, {
    eventHooks: {
      response: [
        (response) => {
          t.throws(() => response.text, { instanceOf: ResponseNotRead });
          t.false(response.isClosed);
        },
        async (response) => {
          await response.read();
          seen.push(response.text);
        },
      ],
    },
  });
  t.is(told(await client.get(server.url)), '200 body');
  const streamed = await client.stream('GET', server.url);
  t.is(streamed.text, 'body');
  t.deepEqual(seen, ['body', 'body']);
});

async function all(pieces: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pieces);
}

/** What a hook may do with the body of a call that reads it, which has it all the same. */
const READERS: [title: string, read: (response: Response) => unknown][] = [
  ['reads', (response) => response.read()],
  ['reads, without waiting', (response) => void response.read().catch(() => {})],
  ['reads, and catches what goes wrong', (response) => response.read().catch(() => {})],
  ['reads twice at once', (response) => Promise.all([response.read(), response.read()])],
  ['iterates', (response) => all(response)],
  ['iterates, and leaves', async (response) => { for await (const _ of response) break; }],
  ['iterates in pieces', (response) => all(response.iterBytes({ chunkSize: 2 }))],
  ['iterates the last response twice', async (response) => { if (response.isIntermediate) return; await all(response); await all(response); }],
  ['iterates the last response while it is read', (response) => response.isIntermediate ? undefined : Promise.all([response.read(), all(response)])],
  ['iterates text', (response) => all(response.iterText())],
  ['iterates lines', (response) => all(response.iterLines())],
  ['iterates values', (response) => all(response.iterJson())],
  ['iterates events', (response) => all(response.events())],
  ['asks for a web stream', (response) => all(response.body as unknown as AsyncIterable<unknown>)],
]; // prettier-ignore

for (const [title, read] of READERS) {
  test(`a hook that ${title}: the call has the body`, async (t) => {
    const body = '[1,2,3]\n'.repeat(10_000);
    const server = await serve(t, (request, response) => {
      if (request.headers['accept-encoding'] === 'gzip') {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(body));
      } else if (request.url === '/') response.writeHead(302, { location: '/b' }).end(body);
      else response.end(body);
    });
    const client = openClient(t, { eventHooks: { response: [(response) => read(response) as never] } });
    for (const headers of [{}, { 'accept-encoding': 'gzip' }]) {
      t.is((await client.get(server.url, { headers })).text, body);
      t.is((await client.get(server.url, { headers, onDownloadProgress: () => {} })).text, body);
    }
    const small = openClient(t, { eventHooks: client.eventHooks, maxResponseSize: 1000 });
    t.true((await failure(small.get(server.url))) instanceof ResponseTooLarge);
  });
}

test('a hook that looks at the beginning of a redirect’s body, which has no end', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/b') return response.end('ok');
    response.writeHead(302, { location: '/b' });
    return response.write('endless');
  });
  const seen: string[] = [];
  const look = async (response: Response): Promise<void> => {
    for await (const piece of response) {
      seen.push(String(piece));
      break;
    }
  };
  const client = openClient(t, { eventHooks: { response: [look] } });
  t.is(told(await soon('the call', client.get(server.url))), '200 ok');
  t.deepEqual(seen, ['endless', 'ok']);
});

test('a hook that iterates the body of client.stream() has had it', async (t) => {
  const server = await serve(t, (_, response) => response.end('body'));
  const client = openClient(t, { eventHooks: { response: [all] } });
  const response = await client.stream('GET', server.url);
  t.true((await failure(response.read())) instanceof StreamConsumed);
  t.throws(() => response.text, {
    instanceOf: ResponseNotRead,
    message: /text: the body was read already, and only read\(\) keeps it$/,
  });
});

test('a hook that closes the response: the call has its head', async (t) => {
  const server = await serve(t, (_, response) => response.end('body'));
  const client = openClient(t, { eventHooks: { response: [(response) => response.close()] } });
  const response = await client.get(server.url);
  t.is(response.statusCode, 200);
  t.throws(() => response.text, {
    instanceOf: ResponseNotRead,
    message: /text: the response was closed before its body was read$/,
  });
});

for (const kind of ['sync', 'async'] as const) {
  test(`what a ${kind} hook throws is the caller’s, unchanged; the response is closed`, async (t) => {
    const mine = new Error('mine');
    const server = await serve(t, (_, response) => {
      response.write('endless');
    });
    const thrower =
      kind === 'sync'
        ? () => {
            throw mine;
          }
        : async () => Promise.reject(mine);
    let response: Response | undefined;
    const client = openClient(t, { eventHooks: { response: [(given) => void (response = given), thrower] } });
    t.is(await failure(client.get(server.url)), mine);
    t.true(response?.isClosed);
    await eventually('the connection is closed', () => server.openConnections() === 0);
    client.eventHooks = { request: [thrower] } as never;
    t.is(await failure(client.get(server.url)), mine);
    t.is(server.requests.length, 1);
  });
}

test('raiseForStatus() in a hook, and the body of an error', async (t) => {
  const server = await serve(t, (_, response) =>
    response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here'),
  );
  const client = openClient(t, {
    eventHooks: {
      response: [
        async (response) => {
          await response.read();
          response.raiseForStatus();
        },
      ],
    },
  });
  t.regex((await failure(client.get(server.url))).message, /404 Not Found[\s\S]*nothing here/);
});

const raising: ClientOptions = { eventHooks: { response: [(response) => void response.raiseForStatus()] } };
const readingFirst: ClientOptions = {
  eventHooks: { response: [async (response) => void (await response.read(), response.raiseForStatus())] },
};
const now = { limit: 3, backoff: () => 0 };
const challenge = { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth"' };

/** Sent until the credentials are there: one challenge for each of `count`. */
class Asking extends Auth {
  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    let response = yield request;
    for (let i = 0; i < 5 && response.statusCode === 401; i++) {
      request.headers.set('authorization', String(i));
      response = yield request;
    }
  }
}

type Answer = [status: number, headers?: Record<string, string>];

/** The answers in turn, the last one again and again; which of them are intermediate; what the call ends in. */
const INTERMEDIATE: [
  title: string,
  answers: Answer[],
  options: ClientOptions,
  marks: string,
  outcome: number | RegExp,
  method?: string,
][] = [
  ['a redirect', [[302, { location: '/a' }], [200]], {}, '302+ 200', 200],
  ['a redirect, not followed', [[302, { location: '/a' }]], { followRedirects: false }, '302', /^HTTPStatusError/],
  ['a redirect without a Location', [[302]], {}, '302', /^HTTPStatusError/],
  ['two redirects and an error', [[301, { location: '/a' }], [307, { location: '/b' }], [404]], {}, '301+ 307+ 404', /404/],
  ['too many redirects', [[302, { location: '/' }]], { maxRedirects: 1 }, '302+ 302+', /^TooManyRedirects/],
  ['304', [[304]], {}, '304', /304/],
  ['Digest', [[401, challenge], [200]], { auth: new DigestAuth('u', 'p') }, '401+ 200', 200],
  ['Digest, refused', [[401, challenge]], { auth: new DigestAuth('u', 'p') }, '401+ 401', /401/],
  ['Digest, of another scheme', [[401, { 'www-authenticate': 'Basic' }]], { auth: new DigestAuth('u', 'p') }, '401', /401/],
  ['Basic, refused', [[401, challenge]], { auth: ['u', 'p'] }, '401', /401/],
  ['a flow of one’s own', [[401], [401], [204]], { auth: new Asking() }, '401+ 401+ 204', 204],
  ['Digest, then a redirect', [[401, challenge], [303, { location: '/a' }], [200]], { auth: new DigestAuth('u', 'p') }, '401+ 303+ 200', 200],
  ['retries', [[503], [503], [200]], { retries: now }, '503+ 503+ 200', 200],
  ['retries, used up', [[503]], { retries: now }, '503+ 503+ 503+ 503', /^HTTPStatusError: Server error '503/],
  ['retries, another status', [[418]], { retries: now }, '418', /418/],
  ['retries, another method', [[503]], { retries: now }, '503', /503/, 'POST'],
  ['retries, not before a day', [[503, { 'retry-after': '86400' }]], { retries: now }, '503', /503/],
  ['retries of a redirect’s target', [[302, { location: '/a' }], [503], [200]], { retries: now }, '302+ 503+ 200', 200],
  ['retries around Digest', [[401, challenge], [503], [200]], { retries: now, auth: new DigestAuth('u', 'p') }, '401+ 503+ 200', 200],
]; // prettier-ignore

for (const [title, answers, options, marks, outcome, method = 'GET'] of INTERMEDIATE) {
  for (const hooks of [raising, readingFirst]) {
    test(`raiseForStatus() in a ${hooks === raising ? 'hook' : 'hook that reads'}: ${title}`, async (t) => {
      const server = await serve(t, (_, response) => {
        const [status, headers] = answers[Math.min(server.requests.length, answers.length) - 1];
        response.writeHead(status, headers).end();
      });
      const seen: string[] = [];
      const mark = (response: Response): void => {
        seen.push(`${response.statusCode}${response.isIntermediate ? '+' : ''}`);
      };
      const hook = hooks.eventHooks?.response?.[0] as (response: Response) => void;
      const client = openClient(t, { ...options, eventHooks: { response: [mark, hook] } });
      const ended = await client.request(method, server.url).then(
        ({ statusCode }) => statusCode,
        (error: unknown) => reasonOf(error),
      );
      t.is(seen.join(' '), marks);
      if (typeof outcome === 'number') t.is(ended, outcome);
      else t.regex(String(ended), outcome);
    });
  }
}

test('the last response is not intermediate, those in its history are', async (t) => {
  const server = await serve(t, ({ url }, response) => {
    if (url === '/') response.writeHead(302, { location: '/b' }).end();
    else response.end('ok');
  });
  for (const options of [{}, raising]) {
    const response = await openClient(t, options).get(server.url);
    t.false(response.isIntermediate);
    t.true(response.history[0].isIntermediate);
  }
  t.false(new Response(503).isIntermediate);
});

test('a hook sees each request of a flow as it was sent', async (t) => {
  const server = await serve(t, ({ headers }, response) => {
    if (headers.authorization === undefined) response.writeHead(401, challenge).end();
    else response.end('ok');
  });
  const seen: boolean[] = [];
  const client = openClient(t, {
    auth: new DigestAuth('u', 'p'),
    eventHooks: { response: [({ request }) => void seen.push(request.headers.has('authorization'))] },
  });
  await client.get(server.url);
  t.deepEqual(seen, [false, true]);
});

test('a flow that fails: the hook has seen the response', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(401).end());
  const mine = new Error('mine');
  class Failing extends Auth {
    async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
      yield request;
      throw mine;
    }
  }
  const seen: number[] = [];
  const eventHooks = { response: [({ statusCode }: Response) => void seen.push(statusCode)] };
  t.is(await failure(openClient(t, { auth: new Failing(), eventHooks }).get(server.url)), mine);
  t.deepEqual(seen, [401]);
});

test('a hook that is stuck: the signal and the total timeout end it', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const stuck = () => new Promise<void>(() => {});
  for (const eventHooks of [{ request: [stuck] }, { response: [stuck] }]) {
    const client = openClient(t, { eventHooks });
    const controller = new AbortController();
    const aborted = client.get(server.url, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 20);
    t.is((await failure(soon('the abort', aborted))).message, 'enough');
    const late = await failure(soon('the timeout', client.get(server.url, { timeout: { total: 60 } })));
    t.true(late instanceof TotalTimeout, String(late));
  }
});

test('a signal that is aborted already: no hook is asked, nothing is sent', async (t) => {
  const server = await serve(t, (_, response) => response.end('ok'));
  const mine = new Error('mine');
  const client = openClient(t, { eventHooks: { request: [async () => {}] } });
  t.is(await failure(client.get(server.url, { signal: AbortSignal.abort(mine) })), mine);
  t.is(server.requests.length, 0);
});

test('errors of the exchange pass hooks by', async (t) => {
  const server = await serve(t, () => {});
  const client = openClient(t, { eventHooks: { response: [() => t.fail()] } });
  t.true((await failure(client.get(server.url, { timeout: { read: 100 } }))) instanceof ReadTimeout);
});

test('onDownloadProgress tells of the last body alone, with hooks and redirects', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/b' }).end('x'.repeat(100));
    else response.end('last');
  });
  const told: number[] = [];
  const client = openClient(t, { eventHooks: { response: [() => {}] } });
  const response = await client.get(server.url, { onDownloadProgress: (received) => told.push(received) });
  t.is(response.text, 'last');
  t.is(told.at(-1), 4);
  t.true(told.every((received) => received <= 4));
});

test('the caller’s AsyncLocalStorage is there in hooks, callbacks, chunks and then', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') return response.writeHead(302, { location: '/b' }).end();
    response.writeProcessing();
    response.write('a');
    setTimeout(() => response.end('b'), 20);
  });
  const storage = new AsyncLocalStorage<string>();
  const lost: string[] = [];
  const check = (where: string) => {
    if (storage.getStore() !== 'mine') lost.push(where);
  };
  const note = (where: string) => () => check(where);
  const client = openClient(t, {
    eventHooks: {
      request: [note('request hook'), async () => check('async request hook'), note('second request hook')],
      response: [async () => check('response hook'), note('second response hook')],
    },
  });
  await storage.run('mine', async () => {
    const response = await client.stream('GET', server.url, {
      onInformational: note('onInformational'),
      onDownloadProgress: note('onDownloadProgress'),
    });
    check('await');
    for await (const _ of response) check('chunk');
    check('after the chunks');
    await client.get(server.url).then(note('then'));
    await client.get('http://127.0.0.1:1/').catch(note('catch'));
    const reader = (await client.stream('GET', server.url)).body.getReader();
    while (!(await reader.read()).done) check('web stream');
  });
  t.deepEqual(lost, []);
});

test('hooks may be many and requests concurrent: each sees its own', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.url));
  const seen = new Map<Request, number>();
  const client = openClient(t, {
    eventHooks: {
      request: [async (request) => void seen.set(request, 1)],
      response: [(response) => void seen.set(response.request, (seen.get(response.request) ?? 0) + 1)],
    },
  });
  const responses = await Promise.all(Array.from({ length: 50 }, (_, i) => client.get(`${server.url}${i}`)));
  t.deepEqual(
    responses.map(({ text }) => text),
    Array.from({ length: 50 }, (_, i) => `/${i}`),
  );
  t.is(seen.size, 50);
  t.true([...seen.values()].every((count) => count === 2));
});

test('what is no function and was put into a list later is named when it is called', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  for (const list of ['request', 'response'] as const) {
    const client = openClient(t);
    client.eventHooks[list].push(5 as never);
    const error = await failure(client.get(server.url));
    t.regex(error.message, new RegExp(`^eventHooks\\.${list}: expected functions, got number$`));
  }
});
