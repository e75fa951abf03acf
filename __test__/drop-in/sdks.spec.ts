/**
 * Other packages' clients over `client.fetch`, the module's `fetch` and `whippet/undici`: each against a server that speaks its
 * protocol, and each takes a stream where its protocol has one. That the request went by this package and not by a fetch that the
 * package finds by itself is told by `whippet:request:start`.
 */
import { Client as Elasticsearch } from '@elastic/elasticsearch';
import test from 'ava';
import { GraphQLClient, gql } from 'graphql-request';
import ky, { HTTPError, TimeoutError } from 'ky';
import { text } from 'node:stream/consumers';
import { createFetch as createOfetch, FetchError } from 'ofetch';
import { Octokit } from 'octokit';
import createOpenapiClient from 'openapi-fetch';
import { Stripe } from 'stripe';
import { createDispatcher } from '../../src/drop-in/undici.js';
import { fetch } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { refusedOrigin, serve } from '../helpers/server.js';
import { counted, json, read, turnstile } from '../helpers/protocols.js';

test('ky: JSON, search parameters, hooks, retries, a stream, its errors', async (t) => {
  let broken = 1;
  const gate = turnstile();
  const server = await serve(t, async (request, response) => {
    const { pathname, search } = new URL(request.url!, server.origin);
    if (pathname === '/flaky' && broken-- > 0) return json(response, {}, 503);
    if (pathname === '/missing') return json(response, { why: 'gone' }, 404);
    if (pathname === '/never') return;
    if (pathname === '/moved') return response.writeHead(302, { location: '/user?moved=1' }).end();
    if (pathname === '/stream') {
      response.write('first');
      await gate.wait();
      return response.end('second');
    }
    json(response, { method: request.method, search, name: request.headers['x-name'], body: await read(request) });
  });
  const count = counted(t, server.origin);
  const client = openClient(t, { headers: { 'X-Name': 'whippet' } });
  const seen: number[] = [];
  const api = ky.create({
    prefixUrl: server.url,
    fetch: client.fetch,
    retry: { limit: 2, delay: () => 1 },
    hooks: { afterResponse: [(_request, _options, response) => void seen.push(response.status)] },
  });
  t.deepEqual(await api.post('user', { json: { a: 1 }, searchParams: { page: 2 } }).json(), {
    method: 'POST',
    search: '?page=2',
    name: 'whippet',
    body: '{"a":1}',
  });
  t.like(await api.get('flaky').json(), { method: 'GET' });
  t.like(await api.get('moved').json(), { search: '?moved=1' });
  t.like(await api.put('user', { body: new URLSearchParams({ a: 'b c' }) }).json(), { body: 'a=b+c' });
  const missing = (await failure(api.get('missing').json())) as HTTPError;
  t.true(missing instanceof HTTPError);
  t.deepEqual([missing.response.status, await missing.response.json()], [404, { why: 'gone' }]);
  const reader = (await api.get('stream')).body!.pipeThrough(new TextDecoderStream()).getReader();
  t.is((await reader.read()).value, 'first');
  gate.open();
  t.deepEqual([(await reader.read()).value, (await reader.read()).done], ['second', true]);
  const progress: number[] = [];
  t.like(await api.get('user', { onDownloadProgress: ({ percent }) => void progress.push(percent) }).json(), {
    method: 'GET',
  });
  t.is(progress.at(-1), 1);
  t.deepEqual(seen.slice(0, 3), [200, 503, 200]);
  t.is(count(), server.requests.length);
  t.true((await failure(api.get('never', { timeout: 50 }).text())) instanceof TimeoutError);
});

test('ofetch: JSON, query, retries, a stream, its errors', async (t) => {
  let broken = 1;
  const server = await serve(t, async (request, response) => {
    const { pathname, search } = new URL(request.url!, server.origin);
    if (pathname === '/flaky' && broken-- > 0) return json(response, {}, 503);
    if (pathname === '/missing') return json(response, { why: 'gone' }, 404);
    json(response, { method: request.method, search, body: await read(request) });
  });
  const count = counted(t, server.origin);
  const api = createOfetch({ fetch, Headers, AbortController }).create({ baseURL: server.origin, retryDelay: 1 });
  t.deepEqual(await api('/user', { method: 'POST', body: { a: 1 }, query: { page: 2 } }), {
    method: 'POST',
    search: '?page=2',
    body: '{"a":1}',
  });
  t.like(await api('/flaky'), { method: 'GET' });
  const missing = (await failure(api('/missing'))) as FetchError;
  t.true(missing instanceof FetchError);
  t.deepEqual([missing.status, missing.data], [404, { why: 'gone' }]);
  const stream = await api('/stream', { responseType: 'stream' });
  t.is(await new Response(stream as ReadableStream).text(), '{"method":"GET","search":"","body":""}');
  t.regex((await failure(api('/', { baseURL: await refusedOrigin(), retry: 0 }))).message, /fetch failed/);
  t.is(count(), server.requests.length);
});

test('octokit: pages by Link, a body, an error', async (t) => {
  const server = await serve(t, async (request, response) => {
    const url = new URL(request.url!, server.origin);
    if (request.method === 'POST') return json(response, { number: 7, ...JSON.parse(await read(request)) }, 201);
    if (url.pathname === '/repos/o/none') return json(response, { message: 'Not Found' }, 404);
    const page = Number(url.searchParams.get('page') ?? '1');
    if (page < 3) response.setHeader('link', `<${server.origin}${url.pathname}?page=${page + 1}>; rel="next"`);
    json(response, [{ number: page }]);
  });
  const count = counted(t, server.origin);
  const octokit = new Octokit({
    auth: 'secret',
    baseUrl: server.origin,
    request: { fetch: openClient(t).fetch },
    throttle: { enabled: false },
    retry: { enabled: false },
  });
  const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { owner: 'o', repo: 'r' });
  t.deepEqual(
    issues.map((issue) => issue.number),
    [1, 2, 3],
  );
  t.is(server.requests[0].headers.authorization, 'token secret');
  t.like((await octokit.rest.issues.create({ owner: 'o', repo: 'r', title: 'T' })).data, { number: 7, title: 'T' });
  t.like(await failure(octokit.rest.repos.get({ owner: 'o', repo: 'none' })), { status: 404 });
  t.is(count(), server.requests.length);
});

test('stripe: a form, pages, retries with the idempotency key, an error', async (t) => {
  let broken = 1;
  const bodies: string[] = [];
  const server = await serve(t, async (request, response) => {
    bodies.push(await read(request));
    const url = new URL(request.url!, server.origin);
    if (request.method === 'POST') {
      if (broken-- > 0) return json(response, { error: { type: 'api_error', message: 'again' } }, 500);
      return json(response, { id: 'cus_1', object: 'customer' });
    }
    if (url.pathname.endsWith('/none')) {
      return json(response, { error: { type: 'invalid_request_error', message: 'No such customer' } }, 404);
    }
    const isSecond = url.searchParams.has('starting_after');
    const data = [{ id: isSecond ? 'cus_2' : 'cus_1', object: 'customer' }];
    json(response, { object: 'list', data, has_more: !isSecond, url: '/v1/customers' });
  });
  const count = counted(t, server.origin);
  const stripe = new Stripe('sk_test_1', {
    httpClient: Stripe.createFetchHttpClient(openClient(t).fetch),
    host: '127.0.0.1',
    port: server.port,
    protocol: 'http',
    telemetry: false,
  });
  t.is((await stripe.customers.create({ email: 'a+b@example.org' })).id, 'cus_1');
  t.is(bodies[0], 'email=a%2Bb%40example.org');
  t.is(server.requests.length, 2);
  t.is(server.requests[0].headers['idempotency-key'], server.requests[1].headers['idempotency-key']);
  const ids: string[] = [];
  for await (const { id } of stripe.customers.list({ limit: 1 })) ids.push(id);
  t.deepEqual(ids, ['cus_1', 'cus_2']);
  t.regex((await failure(stripe.customers.retrieve('none'))).message, /No such customer/);
  t.is(count(), server.requests.length);
});

test('openapi-fetch: paths, query and body, an error, a stream', async (t) => {
  interface Paths {
    '/users/{id}': {
      get: {
        parameters: { path: { id: string }; query?: { full?: boolean } };
        responses: {
          200: { content: { 'application/json': { url: string } } };
          404: { content: { 'application/json': { why: string } } };
        };
      };
      put: {
        parameters: { path: { id: string } };
        requestBody: { content: { 'application/json': { name: string } } };
        responses: { 200: { content: { 'application/json': { body: string } } } };
      };
    };
  }
  const server = await serve(t, async (request, response) => {
    if (request.url === '/users/none') return json(response, { why: 'gone' }, 404);
    json(response, { url: request.url, body: await read(request) });
  });
  const count = counted(t, server.origin);
  const api = createOpenapiClient<Paths>({ baseUrl: server.origin, fetch: openClient(t).fetch });
  const params = { path: { id: 'a b' }, query: { full: true } };
  t.like((await api.GET('/users/{id}', { params })).data, { url: '/users/a%20b?full=true' });
  const put = await api.PUT('/users/{id}', { params: { path: { id: '1' } }, body: { name: 'N' } });
  t.like(put.data, { body: '{"name":"N"}' });
  const missing = await api.GET('/users/{id}', { params: { path: { id: 'none' } } });
  t.deepEqual([missing.response.status, missing.error], [404, { why: 'gone' }]);
  const { data } = await api.GET('/users/{id}', { params, parseAs: 'stream' });
  t.regex(await new Response(data).text(), /a%20b/);
  t.is(count(), server.requests.length);
});

test('graphql-request: variables, an error', async (t) => {
  const server = await serve(t, async (request, response) => {
    const { query, variables } = JSON.parse(await read(request)) as { query: string; variables?: object };
    if (query.includes('broken')) return json(response, { errors: [{ message: 'no field broken' }] });
    json(response, { data: { user: { ...variables, query } } });
  });
  const count = counted(t, server.origin);
  const api = new GraphQLClient(server.url, { fetch: openClient(t).fetch, headers: { authorization: 'Bearer x' } });
  const query = gql`
    query ($id: ID!) {
      user(id: $id) {
        id
      }
    }
  `;
  t.like((await api.request<{ user: object }>(query, { id: '7' })).user, { id: '7' });
  t.is(server.requests[0].headers.authorization, 'Bearer x');
  t.regex((await failure(api.request('{ broken }'))).message, /no field broken/);
  t.is(count(), server.requests.length);
});

test('@elastic/elasticsearch: @elastic/transport’s UndiciConnection over our dispatcher', async (t) => {
  const bodies: string[] = [];
  const server = await serve(t, async (request, response) => {
    response.setHeader('x-elastic-product', 'Elasticsearch');
    bodies.push(await read(request));
    const { pathname } = new URL(request.url!, server.origin);
    if (pathname === '/')
      return json(response, { name: 'n', version: { number: '9.0.0' }, tagline: 'You Know, for Search' });
    if (pathname === '/none/_search') return json(response, { error: { type: 'index_not_found_exception' } }, 404);
    if (pathname === '/_bulk') return json(response, { errors: false, items: [{ index: { status: 201 } }] });
    json(response, { took: 1, hits: { hits: [{ _id: '1', _source: { a: 1 } }] } });
  });
  const count = counted(t, server.origin);
  const dispatcher = createDispatcher();
  const elastic = new Elasticsearch({ node: server.origin, agent: () => dispatcher, maxRetries: 0 });
  t.is((await elastic.info()).tagline, 'You Know, for Search');
  const found = await elastic.search({ index: 'i', query: { match: { a: 1 } } });
  t.deepEqual(found.hits.hits[0]._source, { a: 1 });
  t.is(bodies[1], '{"query":{"match":{"a":1}}}');
  t.false((await elastic.bulk({ operations: [{ index: { _index: 'i' } }, { a: 1 }] })).errors);
  const stream = await elastic.search({ index: 'i' }, { asStream: true });
  t.like(JSON.parse(await text(stream as unknown as NodeJS.ReadableStream)), { took: 1 });
  t.like(await failure(elastic.search({ index: 'none' })), { name: 'ResponseError', statusCode: 404 });
  const refused = new Elasticsearch({ node: await refusedOrigin(), agent: () => createDispatcher(), maxRetries: 0 });
  t.is((await failure(refused.info())).name, 'ConnectionError');
  await elastic.close();
  t.is(count(), server.requests.length);
});
