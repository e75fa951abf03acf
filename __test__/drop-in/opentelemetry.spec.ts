/**
 * `@opentelemetry/instrumentation-undici`, as it comes from npm: through each door every request is one span, and the server gets its
 * `traceparent`. Serial, as the instrumentation hears of the whole process.
 */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import axios from 'axios';
import test, { type ExecutionContext } from 'ava';
import { got } from 'got';
import ky from 'ky';
import * as undici from 'undici';
import { createAdapter, type AxiosAdapter } from '../../src/drop-in/axios.js';
import { createRequest, type RequestFunction } from '../../src/drop-in/got.js';
import { install, uninstall } from '../../src/drop-in/install.js';
import { createRequestHandler, type SmithyHandler } from '../../src/drop-in/smithy.js';
import { createDispatcher, install as installDispatcher } from '../../src/drop-in/undici.js';
import { fetch, get } from '../../src/index.js';
import { eventually, failure, openClient } from '../helpers/client.js';
import { refusedOrigin, serve, type Handler } from '../helpers/server.js';

uninstall(); // Importing the module installs; here it is one door of many.

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
const instrumentation = new UndiciInstrumentation();
instrumentation.setTracerProvider(provider);
test.beforeEach(() => exporter.reset());

/** Redirects from `/moved`; an event for those who ask for events. */
const server: Handler = (request, response) => {
  request.resume();
  if (request.url?.startsWith('/moved')) return response.writeHead(302, { location: '/b/k' }).end();
  if (request.headers.accept === 'text/event-stream') {
    return response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n');
  }
  response.end('{"ok":true}');
};

/** What was asked under a span of the caller's, in order: its spans without the caller's own. */
async function traced(
  run: () => Promise<unknown>,
): Promise<{ spans: ReadableSpan[]; traceId: string; spanId: string }> {
  const parent = provider.getTracer('test').startSpan('caller');
  await context.with(trace.setSpan(context.active(), parent), run);
  const { traceId, spanId } = parent.spanContext();
  return { spans: exporter.getFinishedSpans(), traceId, spanId };
}

type Ask = (t: ExecutionContext, url: string) => Promise<unknown>;

const s3 = (url: string, handler: SmithyHandler): S3Client =>
  new S3Client({
    endpoint: new URL(url).origin,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    requestHandler: handler,
  });

/** Each reads its body to the end, or gives it up: either ends a span. */
const DOORS: [name: string, ask: Ask, followsRedirects: boolean][] = [
  ['get()', (_t, url) => get(url, { followRedirects: true }), true],
  ['client.get()', (t, url) => openClient(t, { followRedirects: true }).get(url), true],
  [
    'client.stream()',
    async (t, url) => {
      const response = await openClient(t, { followRedirects: true }).stream('GET', url);
      for await (const _piece of response.iterBytes()) continue;
    },
    true,
  ],
  [
    'client.events()',
    async (t, url) => {
      for await (const _event of openClient(t).events('GET', url)) break;
    },
    false,
  ],
  ['fetch()', async (_t, url) => (await fetch(url)).text(), true],
  ['client.fetch()', async (t, url) => (await openClient(t).fetch(url)).json(), true],
  [
    'whippet/install',
    async (_t, url) => {
      install();
      try {
        await (await globalThis.fetch(url)).text();
      } finally {
        uninstall();
      }
    },
    true,
  ],
  ['ky over client.fetch', (t, url) => ky.get(url, { fetch: openClient(t).fetch }).json(), true],
  [
    'undici.request() with our dispatcher',
    async (t, url) => {
      const dispatcher = createDispatcher();
      t.teardown(() => dispatcher.close());
      await (await undici.request(url, { dispatcher: dispatcher as never })).body.text();
    },
    false,
  ],
  [
    'undici’s redirect interceptor over our dispatcher',
    async (t, url) => {
      const dispatcher = createDispatcher();
      t.teardown(() => dispatcher.close());
      const composed = dispatcher.compose(undici.interceptors.redirect({ maxRedirections: 3 }) as never);
      await (await undici.request(url, { dispatcher: composed as never })).body.text();
    },
    true,
  ],
  [
    'undici.fetch() with our dispatcher',
    async (t, url) => {
      const dispatcher = createDispatcher();
      t.teardown(() => dispatcher.close());
      await (await undici.fetch(url, { dispatcher: dispatcher as never })).text();
    },
    true,
  ],
  [
    'Node’s fetch with our dispatcher as the global one',
    async (t, url) => {
      const before = undici.getGlobalDispatcher();
      const dispatcher = installDispatcher();
      t.teardown(() => dispatcher.close());
      try {
        await (await globalThis.fetch(url)).text();
      } finally {
        undici.setGlobalDispatcher(before);
      }
    },
    true,
  ],
  ['axios with our adapter', (t, url) => axios.get(url, { adapter: adapterOf(t) }), true],
  ['got with our request', (t, url) => got(url, { request: requestOf(t) as never }).text(), true],
  [
    'the AWS SDK with our handler',
    async (t, url) => {
      const handler = createRequestHandler();
      t.teardown(() => handler.destroy());
      const answer = await s3(url, handler).send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }));
      await answer.Body!.transformToString();
    },
    false,
  ],
];

function adapterOf(t: ExecutionContext): AxiosAdapter {
  const adapter = createAdapter();
  t.teardown(() => adapter.close());
  return adapter;
}

function requestOf(t: ExecutionContext): RequestFunction {
  const request = createRequest();
  t.teardown(() => request.close());
  return request;
}

for (const [name, ask, followsRedirects] of DOORS) {
  const paths = followsRedirects ? ['/b/k', '/moved'] : ['/b/k'];
  for (const path of paths) {
    test.serial(
      `one span and one traceparent for each request: ${name}${path === '/moved' ? ', a redirect' : ''}`,
      async (t) => {
        const { origin, requests } = await serve(t, server);
        const { spans, traceId, spanId } = await traced(() => ask(t, origin + path));
        await eventually('every span ends', () => exporter.getFinishedSpans().length >= requests.length);
        t.is(requests.length, path === '/moved' ? 2 : 1);
        t.is(spans.length, requests.length);
        for (const [i, { headers, target }] of requests.entries()) {
          const span = spans.find((each) => headers.traceparent?.includes(each.spanContext().spanId))!;
          t.truthy(span, `request ${i} carries a span's id`);
          t.is(headers.traceparent, `00-${traceId}-${span.spanContext().spanId}-01`);
          t.is(span.parentSpanContext?.spanId, spanId);
          t.like(span.attributes, {
            'http.request.method': 'GET',
            'url.full': origin + target,
            'http.response.status_code': target === '/moved' ? 302 : 200,
          });
        }
      },
    );
  }
}

test.serial('what cannot connect is one span with the error’s code', async (t) => {
  const url = await refusedOrigin();
  const { spans } = await traced(() => failure(openClient(t).get(url)));
  t.is(spans.length, 1);
  t.is(spans[0].status.code, SpanStatusCode.ERROR);
  t.is(spans[0].attributes['error.type'], 'ECONNREFUSED');
});

test.serial('what the caller gives up is a span and no error', async (t) => {
  const controller = new AbortController();
  const { origin } = await serve(t, () => controller.abort());
  const { spans } = await traced(() => failure(openClient(t).fetch(origin, { signal: controller.signal })));
  t.is(spans.length, 1);
  t.is(spans[0].status.code, SpanStatusCode.UNSET);
});

test.serial('each retry is a span of its own', async (t) => {
  let broken = 1;
  const { origin, requests } = await serve(t, (_request, response) => {
    response.statusCode = broken-- > 0 ? 503 : 200;
    response.end();
  });
  const retries = { limit: 1, backoff: () => 0 };
  const { spans } = await traced(() => openClient(t, { retries }).get(origin));
  t.deepEqual(
    spans.map(({ attributes }) => attributes['http.response.status_code']),
    [503, 200],
  );
  t.is(new Set(requests.map(({ headers }) => headers.traceparent)).size, 2);
});
