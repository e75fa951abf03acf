/** What is at hand of a body when its reader is stopped: an abort and a close() end the loop at once, a lost connection behind it. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { type Client, MockDispatch, Response, StreamClosed } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const events = Array.from({ length: 1000 }, (_, n) => `data: {"n":${n}}\n\n`).join('');
const lines = Array.from({ length: 1000 }, (_, n) => `{"n":${n}}\n`).join('');

const LOOPS: Record<string, (response: Response) => AsyncIterable<unknown>> = {
  'events()': (response) => response.events(),
  'iterJson()': (response) => response.iterJson(),
  'iterLines()': (response) => response.iterLines(),
  'iterText()': (response) => response.iterText({ chunkSize: 10 }),
  'iterBytes()': (response) => response.iterBytes({ chunkSize: 10 }),
  'iterRaw()': (response) => response.iterRaw({ chunkSize: 10 }),
};

const bodyOf = (url: string | undefined): string => (url?.endsWith('/events') ? events : lines);

/** `/endless/…`: what was sent, and no end; `/whole/…`: with its end. */
async function clients(t: ExecutionContext): Promise<[where: string, client: Client, base: string][]> {
  const server = await serve(t, (request, response) => {
    if (request.url?.startsWith('/whole')) response.end(bodyOf(request.url));
    else response.write(bodyOf(request.url));
  });
  const dispatch = new MockDispatch(({ url }) => {
    async function* content() {
      yield Buffer.from(bodyOf(url.path));
      if (!url.path.startsWith('/whole')) await new Promise(() => {});
    }
    return new Response(200, { content: content() });
  });
  const app = async (request: globalThis.Request) => {
    const { pathname } = new URL(request.url);
    const start = (controller: ReadableStreamDefaultController) => {
      controller.enqueue(Buffer.from(bodyOf(pathname)));
      if (pathname.startsWith('/whole')) controller.close();
    };
    return new globalThis.Response(new ReadableStream({ start }));
  };
  return [
    ['network', openClient(t), server.url],
    ['mock', openClient(t, { dispatch }), 'http://mock/'],
    ['app', openClient(t, { app }), 'http://app/'],
  ];
}

for (const [name, loop] of Object.entries(LOOPS)) {
  for (const path of ['endless', 'whole']) {
    test(`${name}, ${path}: an abort ends the loop before the next item, with the reason`, async (t) => {
      for (const [where, client, base] of await clients(t)) {
        const controller = new AbortController();
        const reason = new Error('enough');
        const url = `${base}${path}/${name === 'events()' ? 'events' : 'lines'}`;
        const response = await client.stream('GET', url, { signal: controller.signal });
        const iterator = loop(response)[Symbol.asyncIterator]();
        let seen = 0;
        const error = await failure(
          (async () => {
            for (; !(await iterator.next()).done; seen++) if (seen === 2) controller.abort(reason);
          })(),
        );
        t.is(error, reason, where);
        t.is(seen, 3, where);
        t.true((await iterator.next()).done, where);
        t.true(response.isClosed, where);
      }
    });

    test(`${name}, ${path}: close() ends the loop before the next item`, async (t) => {
      for (const [where, client, base] of await clients(t)) {
        const response = await client.stream('GET', `${base}${path}/${name === 'events()' ? 'events' : 'lines'}`);
        const iterator = loop(response)[Symbol.asyncIterator]();
        let seen = 0;
        const error = await failure(
          (async () => {
            for (; !(await iterator.next()).done; seen++) if (seen === 2) await response.close();
          })(),
        );
        t.true(error instanceof StreamClosed, where);
        t.is(error.message, `${name}: the response was closed while its body was read`, where);
        t.is(seen, 3, where);
        t.true((await iterator.next()).done, where);
      }
    });
  }
}

test('an abort behind the last item, and one after leaving the loop, are no errors', async (t) => {
  for (const [where, client, base] of await clients(t)) {
    const controller = new AbortController();
    const { signal } = controller;
    const whole = await client.stream('GET', `${base}whole/lines`, { signal });
    const seen: string[] = [];
    for await (const line of whole.iterLines()) seen.push(line);
    const left = await client.stream('GET', `${base}endless/lines`, { signal });
    const iterator = left.iterLines();
    await iterator.next();
    await iterator.return?.();
    controller.abort();
    t.is(seen.length, 1000, where);
    t.true((await iterator.next()).done, where);
  }
});

for (const method of ['GET', 'POST']) {
  for (const path of ['endless', 'whole']) {
    test(`client.events(), ${method}, ${path}: an abort ends the loop before the next event, with the reason`, async (t) => {
      const server = await serve(t, (request, response) => {
        response.setHeader('Content-Type', 'text/event-stream');
        if (request.url === '/whole') response.end(events);
        else response.write(events);
      });
      const controller = new AbortController();
      const reason = new Error('enough');
      let seen = 0;
      const error = await failure(
        (async () => {
          const { signal } = controller;
          for await (const _ of openClient(t).events(method, `${server.url}${path}`, { signal }))
            if (++seen === 3) controller.abort(reason);
        })(),
      );
      t.is(error, reason);
      t.is(seen, 3);
      t.is(server.requests.length, 1);
    });
  }
}

test('what came before a lost connection is delivered before its error', async (t) => {
  const server = await serve(t, (_request, response) => void response.write(lines, () => response.destroy()));
  const response = await openClient(t).stream('GET', server.url);
  let seen = 0;
  const error = await failure(
    (async () => {
      for await (const _ of response.iterJson()) seen++;
    })(),
  );
  t.is(seen, 1000);
  t.false(error instanceof StreamClosed);
});
