/** Event hooks: when they are called, what they may do, what happens when they throw (rows V…). */
import test from 'ava';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Client,
  DigestAuth,
  ReadTimeout,
  type Request,
  type Response,
  ResponseNotRead,
  TotalTimeout,
} from '../../src/index.js';
import { eventually, failure, openClient, soon, told } from '../helpers/client.js';
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
    [null, /^eventHooks: expected an object of lists, got null$/],
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
