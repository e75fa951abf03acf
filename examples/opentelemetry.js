// Traces by OpenTelemetry: its instrumentation of undici hears of this package's requests as well, each redirect and retry is a
// span, and the server gets a `traceparent` by which its own spans belong to the same trace.
//   node examples/opentelemetry.js https://example.org/
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Client } from 'whippet';

// In a service: an OTLP exporter in its place, and `new NodeSDK({ instrumentations: [new UndiciInstrumentation()] }).start()`.
const exporter = {
  export(spans, done) {
    for (const { name, attributes, duration } of spans) {
      const [seconds, nanoseconds] = duration;
      console.log(
        name,
        attributes['http.response.status_code'] ?? '',
        `${Math.round(seconds * 1e3 + nanoseconds / 1e6)} ms`,
      );
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
new UndiciInstrumentation().setTracerProvider(provider);

const client = new Client();
await trace.getTracer('example').startActiveSpan('a job of ours', async (span) => {
  console.log('trace', span.spanContext().traceId);
  for (const url of process.argv.slice(2)) await client.get(url);
  span.end();
});
await client.close();
await provider.shutdown();
