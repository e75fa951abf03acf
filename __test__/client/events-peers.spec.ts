/** Server-sent events with other people's implementations: better-sse as the server, npm's EventSource as the rival reader. */
import test, { type ExecutionContext } from 'ava';
import { createSession } from 'better-sse';
import { EventSource } from 'eventsource';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

type Heard = [event: string, data: string, id: string];

const TYPES = ['message', 'add', 'grüße'];

/** Every second connection of a path is told not to come again. */
async function serveOnce(t: ExecutionContext, answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const known = new Set<string>();
  return serve(t, (request, response) => {
    const reader = request.url as string;
    if (known.has(reader)) return void response.writeHead(204).end();
    known.add(reader);
    return answer(request, response);
  });
}

async function heardByUs(t: ExecutionContext, url: string): Promise<Heard[]> {
  const heard: Heard[] = [];
  for await (const { event, data, id } of openClient(t).events('GET', `${url}ours`)) heard.push([event, data, id]);
  return heard;
}

/** It ends at the 204, which it calls an error. */
function heardByEventSource(t: ExecutionContext, url: string): Promise<Heard[]> {
  return new Promise((resolve) => {
    const heard: Heard[] = [];
    const source = new EventSource(`${url}theirs`);
    t.teardown(() => source.close());
    for (const type of TYPES) {
      source.addEventListener(type, ({ data, lastEventId }: MessageEvent) =>
        heard.push([type, data as string, lastEventId]),
      );
    }
    source.addEventListener('error', () => {
      if (source.readyState === source.CLOSED) resolve(heard);
    });
  });
}

const CORPUS: [title: string, stream: string][] = [
  ['one after the other', 'retry: 1\ndata: a\n\ndata: b\n\n'],
  ['CRLF', 'retry: 1\r\ndata: a\r\n\r\nevent: add\r\ndata: b\r\n\r\n'],
  ['several lines, several types', 'retry: 1\nevent: add\ndata: 1\ndata: 2\n\nevent: grüße\ndata: 🎉\n\ndata:  x\n\n'],
  ['ids that last, and one that is taken back', 'retry: 1\nid: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n'],
  ['comments, unknown fields, no data', ': hi\nretry: 1\nfoo: bar\ndata: a\n\n: keep\n\nevent: add\n\ndata: b\n\n'],
  ['an end that is not whole', 'retry: 1\ndata: a\n\ndata: lost'],
];

for (const [title, stream] of CORPUS) {
  test(`EventSource hears what client.events() hears: ${title}`, async (t) => {
    const server = await serveOnce(t, async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      // Cut in the middle of everything.
      for (const byte of Buffer.from(stream)) response.write(Uint8Array.of(byte));
      response.end();
    });
    const ours = await heardByUs(t, server.url);
    t.true(ours.length > 0);
    // eventsource 3 tells the id of the event alone, and none where an earlier one lasts.
    const withoutIds = (heard: Heard[]) => heard.map(([event, data]) => [event, data]);
    t.deepEqual(withoutIds(await heardByEventSource(t, server.url)), withoutIds(ours));
    // Both came again by themselves, and said where they were.
    const [first, second] = ['/ours', '/theirs'].map(
      (path) => server.requests.filter(({ target }) => target === path)[1],
    );
    t.is(first.headers['last-event-id'], second.headers['last-event-id']);
  });
}

test('better-sse: sessions, events with ids and types, lines, keep-alive comments', async (t) => {
  const said: [data: unknown, type: string, id: string][] = [
    [{ a: 1 }, 'message', '1'],
    ['two\nlines\r\nand another', 'add', '2'],
    [['grün', null, '🎉\u2028'], 'grüße', '3'],
    ['', 'message', '4'],
  ];
  const server = await serveOnce(t, async (request, response) => {
    const session = await createSession(request, response, { retry: 1, keepAlive: 1 });
    for (const [data, type, id] of said) session.push(data, type, id);
    setTimeout(() => response.end(), 20);
  });
  const ours = await heardByUs(t, server.url);
  t.deepEqual(
    ours,
    said.map(([data, type, id]): Heard => [type, JSON.stringify(data), id]),
  );
  t.deepEqual(await heardByEventSource(t, server.url), ours);
  t.is(server.requests[1].headers['last-event-id'], '4');
});

test('better-sse: a session goes on where the last one ended', async (t) => {
  let sessions = 0;
  const server = await serve(t, async (request, response) => {
    if (++sessions === 4) return void response.writeHead(204).end();
    const session = await createSession(request, response, { retry: 1 });
    const next = Number(session.lastId || 0) + 1;
    session.push(next, 'message', String(next));
    return void setTimeout(() => response.end(), 5);
  });
  t.deepEqual(
    (await heardByUs(t, server.url)).map(([, data]) => data),
    ['1', '2', '3'],
  );
});
