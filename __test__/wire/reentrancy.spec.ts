/**
 * Every function and iterator of the user's that runs while a request is under way, and what it may do there: abort the request,
 * throw, close the client, send another request. Over the network, to a Node app and to a fetch handler in this process. The
 * promise settles each time, with the reason or with what was thrown; nothing is left, and the client (or the next) goes on.
 */
import test, { type ExecutionContext } from 'ava';
import { getEventListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Auth, Client, ClientClosed, type ClientOptions, type Request, type RequestOptions } from '../../src/index.js';
import { failure, soon, told } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

/** Calls `act` once, wherever it is first passed. */
type Act = () => void;

interface Point {
  client?: (act: Act) => ClientOptions;
  call?: (act: Act) => RequestOptions;
  /** How it is sent, and read. */
  send?: (client: Client, url: string, options: RequestOptions, act: Act) => Promise<string>;
  /** It is passed when part of the response is there: the rest does not come in the cases that end the request. */
  isLate?: boolean;
  only?: 'network' | 'not fetch';
}

const pieces = ['one', 'two', 'three'];

function source(steps: { open?: Act; first?: Act; second?: Act; end?: Act }, isAsync = true): AsyncIterable<string> {
  let asked = 0;
  const iterator = {
    next() {
      asked++;
      if (asked === 1) steps.first?.();
      if (asked === 2) steps.second?.();
      if (asked === pieces.length + 1) steps.end?.();
      return { done: asked > pieces.length, value: pieces[asked - 1] };
    },
  };
  const open = (): typeof iterator => {
    steps.open?.();
    return iterator;
  };
  return (isAsync ? { [Symbol.asyncIterator]: open } : { [Symbol.iterator]: open }) as unknown as AsyncIterable<string>;
}

class ActingAuth extends Auth {
  constructor(
    readonly before: Act | undefined,
    readonly after: Act | undefined,
  ) {
    super();
  }

  override async *authFlow(request: Request): AsyncGenerator<Request, void, unknown> {
    this.before?.();
    yield request;
    this.after?.();
  }
}

async function readStream(client: Client, url: string, options: RequestOptions, act: Act): Promise<string> {
  const response = await client.stream('POST', url, options);
  let text = '';
  for await (const piece of response.iterText()) {
    text += piece;
    act();
  }
  return `${response.statusCode} ${text}`;
}

const points: Record<string, Point> = {
  'a source is opened': { call: (open) => ({ content: source({ open }) }) },
  'a source is asked for its first piece': { call: (first) => ({ content: source({ first }) }) },
  'a source is asked for its second piece': { call: (second) => ({ content: source({ second }) }) },
  'a source is asked behind its last piece': { call: (end) => ({ content: source({ end }) }) },
  'an iterable is opened': { call: (open) => ({ content: source({ open }, false) }) },
  'an iterable is asked for its first piece': { call: (first) => ({ content: source({ first }, false) }) },
  'a web stream is pulled': {
    call: (act) => ({
      content: new ReadableStream<string>({
        pull(controller) {
          act();
          controller.enqueue(pieces[0]);
          controller.close();
        },
      }),
    }),
  },
  'upload progress is told': { call: (act) => ({ content: source({}), onUploadProgress: act }) },
  'download progress is told': { call: (act) => ({ onDownloadProgress: act }), isLate: true },
  'an informational response is told': { call: (act) => ({ onInformational: act }), isLate: true, only: 'network' },
  'a request hook runs': { client: (act) => ({ eventHooks: { request: [act] } }) },
  'a response hook runs': { client: (act) => ({ eventHooks: { response: [act] } }), isLate: true },
  'a response hook has read the body': {
    client: (act) => ({ eventHooks: { response: [(response) => response.read().then(act)] } }),
  },
  'an auth flow begins': { call: (act) => ({ auth: new ActingAuth(act, undefined) }) },
  'an auth flow goes on': { call: (act) => ({ auth: new ActingAuth(undefined, act) }) },
  'an auth function runs': {
    call: (act) => ({
      auth: (request: Request) => {
        act();
        return request;
      },
    }),
  },
  'a retry is about to wait': {
    client: (act) => ({
      retries: {
        limit: 1,
        statusCodes: [418],
        methods: ['POST'],
        backoff: () => {
          act();
          return 0;
        },
      },
    }),
    call: () => ({ headers: { 'x-first': 'teapot' } }),
  },
  'a piece of the response is read': { send: readStream, isLate: true },
};

/** 418 the first time, if asked so; else 103 and 'okay', of which the second half never comes when asked so. */
function answerer(): (request: IncomingMessage, response: ServerResponse) => void {
  let isFirst = true;
  return (request, response) => {
    request.resume();
    request.on('end', () => {
      if (request.headers['x-first'] === 'teapot' && isFirst) {
        isFirst = false;
        response.writeHead(418).end();
        return;
      }
      if (response.req.httpVersion === '1.1') response.writeEarlyHints?.({ link: '</x>' });
      response.writeHead(200, { 'content-length': 4 });
      response.write('ok');
      if (request.url !== '/half') response.end('ay');
    });
  };
}

async function fetchApp(request: globalThis.Request): Promise<globalThis.Response> {
  await request.text();
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from('ok'));
      if (new globalThis.URL(request.url).pathname === '/half') return;
      controller.enqueue(Buffer.from('ay'));
      controller.close();
    },
  });
  return new globalThis.Response(body, { headers: { 'content-length': '4' } });
}

const reason = new Error('the reason');
/** Hundreds of tests begin at one time here, in the thread that answers them. */
const timeout = 60_000;

type Where = 'network' | 'node app' | 'fetch app';

async function place(t: ExecutionContext, where: Where, point: Point): Promise<[ClientOptions, string]> {
  if (where === 'network') return [{ timeout }, (await serve(t, answerer())).origin];
  if (where === 'node app') return [{ app: answerer(), timeout }, 'http://app.test'];
  const isRetry = point.client !== undefined && point.call !== undefined;
  let isFirst = isRetry;
  const app = (request: globalThis.Request): Promise<globalThis.Response> => {
    if (!isFirst) return fetchApp(request);
    isFirst = false;
    return Promise.resolve(new globalThis.Response(null, { status: 418 }));
  };
  return [{ app, timeout }, 'http://app.test'];
}

const actions = ['aborts', 'throws', 'closes the client', 'sends another request'] as const;

for (const [name, point] of Object.entries(points)) {
  for (const where of ['network', 'node app', 'fetch app'] as const) {
    if (point.only === 'network' && where !== 'network') continue;
    for (const action of actions) {
      test(`${where}: when ${name}, it ${action}`, async (t) => {
        const [options, origin] = await place(t, where, point);
        const controller = new AbortController();
        const others: Promise<string>[] = [];
        let passed = 0;
        const act: Act = () => {
          if (passed++ > 0) return;
          if (action === 'aborts') controller.abort(reason);
          else if (action === 'throws') throw reason;
          else if (action === 'closes the client') void client.close();
          else others.push(new Client(options).get(origin).then(told));
        };
        const client: Client = new Client({ ...options, ...point.client?.(act) });
        const ends = action === 'aborts' || action === 'throws';
        const url = `${origin}/${point.isLate === true && ends ? 'half' : ''}`;
        const call = { ...point.call?.(act), signal: controller.signal };
        const send =
          point.send ?? (async (_: Client, to: string, with_: RequestOptions) => told(await client.post(to, with_)));
        const promise = soon('the promise settles', send(client, url, call, act));
        if (ends) {
          t.is(await failure(promise), reason);
        } else if (action === 'closes the client') {
          const [result] = await Promise.allSettled([promise]);
          if (result.status === 'fulfilled') t.is(result.value, '200 okay');
          else t.true(result.reason instanceof ClientClosed, String(result.reason));
        } else {
          t.is(await promise, '200 okay');
          t.deepEqual(await Promise.all(others), ['200 okay']);
        }
        t.true(passed > 0);
        t.is(getEventListeners(controller.signal, 'abort').length, 0);
        await client.close();
        t.is(told(await new Client(options).get(origin)), '200 okay');
      });
    }
  }
}
