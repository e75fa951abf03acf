/**
 * Clients of services that answer in pieces, over `client.fetch`: openai, @anthropic-ai/sdk, @modelcontextprotocol/sdk, @trpc/client.
 * Each server sends the next piece when the client has shown the one before, so that a client that reads only at the end never ends.
 */
import { Anthropic } from '@anthropic-ai/sdk';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, TRPCClientError } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import test from 'ava';
import { EventEmitter, once } from 'node:events';
import OpenAI, { APIConnectionError, APIUserAbortError, toFile } from 'openai';
import { z } from 'zod';
import { eventually, failure, openClient } from '../helpers/client.js';
import { refusedOrigin, serve } from '../helpers/server.js';
import { counted, json, read, sendEvents, turnstile } from '../helpers/protocols.js';

const completion = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;

test('openai: completions, a stream as it comes, an upload, retries, an abort', async (t) => {
  let broken = 1;
  const gate = turnstile();
  const bodies: string[] = [];
  const gone = new EventEmitter();
  const server = await serve(t, async (request, response) => {
    const body = await read(request);
    bodies.push(body);
    if (request.url === '/v1/files') return json(response, { id: 'file-1', object: 'file', bytes: 5 });
    if (request.url === '/v1/models') {
      if (broken-- > 0) return response.writeHead(500, { 'retry-after-ms': '1' }).end();
      return json(response, { object: 'list', data: [{ id: 'm', object: 'model' }] });
    }
    const { stream, model } = JSON.parse(body) as { stream?: boolean; model: string };
    if (model === 'endless') {
      response.once('close', () => gone.emit('gone'));
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(completion('on'));
      return;
    }
    if (stream) {
      return sendEvents(response, [completion('Grü'), completion('ße'), 'data: [DONE]\n\n'], gate.wait);
    }
    json(response, { id: 'c', object: 'chat.completion', choices: [{ index: 0, message: { content: 'Hello' } }] });
  });
  const count = counted(t, server.origin);
  const client = openClient(t);
  const openai = new OpenAI({ apiKey: 'sk-test', baseURL: `${server.origin}/v1`, fetch: client.fetch });
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const whole = await openai.chat.completions.create({ model: 'm', messages });
  t.is(whole.choices[0].message.content, 'Hello');
  t.is(server.requests[0].headers.authorization, 'Bearer sk-test');
  let told = '';
  for await (const chunk of await openai.chat.completions.create({ model: 'm', messages, stream: true })) {
    told += chunk.choices[0].delta.content;
    gate.open();
    if (told === 'Grüße') gate.open();
  }
  t.is(told, 'Grüße');
  t.deepEqual((await openai.models.list()).data, [{ id: 'm', object: 'model' } as never]);
  const file = await toFile(Buffer.from('{"a"}'), 'a.jsonl');
  t.is((await openai.files.create({ file, purpose: 'batch' })).id, 'file-1');
  t.regex(bodies.at(-1)!, /name="purpose"\r\n\r\nbatch\r\n/);
  t.regex(bodies.at(-1)!, /name="file"; filename="a.jsonl"\r\n[^]*\r\n\r\n\{"a"\}\r\n/);
  const isGone = once(gone, 'gone');
  const endless = await openai.chat.completions.create({ model: 'endless', messages, stream: true });
  for await (const chunk of endless) {
    t.is(chunk.choices[0].delta.content, 'on');
    break; // The SDK aborts what is left.
  }
  await isGone;
  const aborted = openai.chat.completions.create({ model: 'm', messages }, { signal: AbortSignal.abort() });
  t.true((await failure(aborted)) instanceof APIUserAbortError);
  const refused = new OpenAI({ apiKey: 'k', baseURL: await refusedOrigin(), fetch: client.fetch, maxRetries: 0 });
  t.true((await failure(refused.models.list())) instanceof APIConnectionError);
  t.is(count(), server.requests.length);
});

test('@anthropic-ai/sdk: a message, a stream as it comes, an error', async (t) => {
  const gate = turnstile();
  const event = (type: string, rest: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
  const message = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'c',
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  const delta = (text: string) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  const server = await serve(t, async (request, response) => {
    const { stream, model } = JSON.parse(await read(request)) as { stream?: boolean; model: string };
    if (model === 'none') {
      return json(response, { type: 'error', error: { type: 'not_found_error', message: 'no such model' } }, 404);
    }
    if (!stream) return json(response, { ...message, content: [{ type: 'text', text: 'Hello' }] });
    const events = [
      event('message_start', { message: { ...message, content: [] } }) +
        event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
        delta('Hel'),
      delta('lo'),
    ];
    await sendEvents(response, events, gate.wait);
  });
  const count = counted(t, server.origin);
  const anthropic = new Anthropic({ apiKey: 'sk-test', baseURL: server.origin, fetch: openClient(t).fetch });
  const given = { model: 'c', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };
  t.like((await anthropic.messages.create(given)).content[0], { type: 'text', text: 'Hello' });
  t.is(server.requests[0].headers.authorization, 'Bearer sk-test');
  let told = '';
  for await (const part of await anthropic.messages.create({ ...given, stream: true })) {
    if (part.type !== 'content_block_delta' || part.delta.type !== 'text_delta') continue;
    told += part.delta.text;
    gate.open();
  }
  t.is(told, 'Hello');
  const missing = await failure(anthropic.messages.create({ ...given, model: 'none' }));
  t.true(missing instanceof Anthropic.NotFoundError);
  t.is(count(), server.requests.length);
});

test('@modelcontextprotocol/sdk: initialize, tools/list, a call with progress by Streamable HTTP, the end of a session', async (t) => {
  const mcp = new McpServer({ name: 'server', version: '1.0.0' });
  const gate = turnstile();
  mcp.registerTool('shout', { inputSchema: { text: z.string() } }, async ({ text }, { sendNotification, _meta }) => {
    const progress = { progressToken: _meta!.progressToken!, progress: 1, total: 2 };
    await sendNotification({ method: 'notifications/progress', params: progress });
    await gate.wait();
    return { content: [{ type: 'text', text: text.toUpperCase() }] };
  });
  const serverTransport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'session-1' });
  await mcp.connect(serverTransport);
  const server = await serve(t, (request, response) => serverTransport.handleRequest(request, response));
  t.teardown(() => mcp.close());
  const count = counted(t, server.origin);
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', server.origin), { fetch: openClient(t).fetch });
  const client = new McpClient({ name: 'client', version: '1.0.0' });
  await client.connect(transport);
  t.is(transport.sessionId, 'session-1');
  t.deepEqual(
    (await client.listTools()).tools.map(({ name }) => name),
    ['shout'],
  );
  const told: unknown[] = [];
  const onprogress = (progress: unknown): void => {
    told.push(progress);
    gate.open();
  };
  const call = { name: 'shout', arguments: { text: 'hey' } };
  t.like(await client.callTool(call, undefined, { onprogress }), { content: [{ type: 'text', text: 'HEY' }] });
  t.deepEqual(told, [{ progress: 1, total: 2 }]);
  await transport.terminateSession();
  await client.close();
  // The GET for what the server has to say by itself is not waited for.
  await eventually('every request arrives', () => server.requests.length === count());
  t.deepEqual([...new Set(server.requests.map(({ method }) => method))].sort(), ['DELETE', 'GET', 'POST']);
});

test('@trpc/client: a batch, a stream of a batch, a mutation, an error', async (t) => {
  const { router, procedure } = initTRPC.create();
  const gate = turnstile();
  const app = router({
    double: procedure.input(z.number()).query(({ input }) => input * 2),
    save: procedure.input(z.object({ name: z.string() })).mutation(({ input }) => `saved ${input.name}`),
    count: procedure.query(async function* () {
      for (const n of [1, 2]) {
        yield n;
        await gate.wait();
      }
    }),
    broken: procedure.query(() => {
      throw new TRPCError({ code: 'CONFLICT', message: 'not now' });
    }),
  });
  const server = await serve(t, createHTTPHandler({ router: app }));
  const count = counted(t, server.origin);
  const { fetch: own } = openClient(t);
  const api = createTRPCClient<typeof app>({ links: [httpBatchLink({ url: server.origin, fetch: own as never })] });
  t.deepEqual(await Promise.all([api.double.query(1), api.double.query(2)]), [2, 4]);
  t.is(server.requests.length, 1);
  t.is(await api.save.mutate({ name: 'it' }), 'saved it');
  const error = await failure(api.broken.query());
  t.true(error instanceof TRPCClientError);
  t.is(error.message, 'not now');
  const streaming = createTRPCClient<typeof app>({
    links: [httpBatchStreamLink({ url: server.origin, fetch: own as never })],
  });
  const numbers: number[] = [];
  for await (const n of await streaming.count.query()) {
    numbers.push(n);
    gate.open();
  }
  t.deepEqual(numbers, [1, 2]);
  t.is(count(), server.requests.length);
});
