/** Which of the two kinds an app is: one row per shape. */
import express from 'express';
import fastify from 'fastify';
import { H3 } from 'h3';
import { Hono } from 'hono';
import { AutoRouter, IttyRouter, Router } from 'itty-router';
import Koa from 'koa';
import test from 'ava';
import { createServer, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import { Client, NodeDispatch } from '../../src/index.js';
import { kindOf, type AppKind } from '../../src/dispatch/apps/kind.js';

const hello = () => new Response('Hello World!');

const KINDS: [what: string, app: unknown, kind: AppKind | null][] = [
  // fetch handlers
  ['a function without parameters', () => hello(), 'fetch'],
  ['a function of a request', (_request: Request) => hello(), 'fetch'],
  ['an async function of a request', async (_request: Request) => hello(), 'fetch'],
  ['a function with a rest parameter', (...args: unknown[]) => args && hello(), 'fetch'],
  ['a function with a default parameter', (_request: unknown = 1) => hello(), 'fetch'],
  ['a Workers module', { fetch: hello }, 'fetch'],
  [
    'a Workers module of three parameters',
    { fetch: (_request: Request, _env: unknown, _ctx: unknown) => hello() },
    'fetch',
  ],
  ['an inherited fetch', Object.create({ fetch: hello }), 'fetch'],
  ['a function that has fetch', Object.assign((_req: unknown, _res: unknown) => {}, { fetch: hello }), 'fetch'],
  ['Hono', new Hono(), 'fetch'],
  ['H3', new H3(), 'fetch'],
  ['itty-router: AutoRouter', AutoRouter(), 'fetch'],
  ['itty-router: Router', Router(), 'fetch'],
  ['itty-router: IttyRouter', IttyRouter(), 'fetch'],
  ['fetch before callback and routing', { fetch: hello, callback() {}, routing() {}, ready() {} }, 'fetch'],
  // Node listeners
  ['a listener', (_req: unknown, _res: unknown) => {}, 'listener'],
  ['a middleware', (_req: unknown, _res: unknown, _next: unknown) => {}, 'listener'],
  ['Express', express(), 'listener'],
  ['an Express Router', express.Router(), 'listener'],
  ['a Koa callback', new Koa().callback(), 'listener'],
  ['Koa', new Koa(), 'koa'],
  ['Fastify', fastify(), 'fastify'],
  ['http.Server', createServer(), 'server'],
  ['an http.Server of another class', new (class extends Server {})(), 'server'],
  ['https.Server', createTlsServer(), 'server'],
  // neither
  ['nothing', undefined, null],
  ['null', null, null],
  ['a URL', 'http://example.com', null],
  ['an object', {}, null],
  ['an array', [], null],
  ['fetch that is no function', { fetch: 'http://example.com' }, null],
  ['routing without ready', { routing() {} }, null],
  ['a number', 8080, null],
  ['an event emitter', process, null],
];

for (const [what, app, kind] of KINDS) {
  test(`${what}: ${kind ?? 'no app'}`, (t) => {
    t.is(kindOf(app), kind);
    if (app === undefined) return;
    const make = () => new Client({ app: app as never });
    if (kind !== null) t.notThrows(make);
    else t.throws(make, { instanceOf: TypeError, message: /^app: expected a fetch handler, .*, got \w+$/ });
  });
}

/** What other frameworks call a server or an app, by the shapes of theirs that are looked at; none is a dependency here. */
const http2 = createHttp2Server();
http2.on('stream', () => {});
const emitter = { on() {}, emit() {}, listeners: () => [], listen() {} };
const MISFITS: [what: string, app: unknown, way: RegExp][] = [
  ['net.Server', createTcpServer(), /got Server: hand in an http\.Server/],
  ['an http2 server of streams', http2, /got Http2Server: hand in a server with a 'request' listener/],
  ['restify', { ...emitter, server: createServer(), pre() {} }, /restify's server\.server$/],
  ['Socket.IO', { ...emitter, httpServer: createServer(), attach() {}, of() {} }, /Socket\.IO's io\.httpServer$/],
  ['Nest', { listen() {}, use() {}, getHttpServer() {} }, /app\.getHttpServer\(\), behind await app\.init\(\)$/],
  ['hapi', { inject() {}, listener: createServer(), route() {} }, /hapi's server\.listener/],
  ['polka', { handler() {}, parse() {}, listen() {} }, /\(req, res\) => app\.handler\(req, res\)$/],
  ['tinyhttp', { handler() {}, attach() {}, listen() {} }, /\(req, res\) => app\.handler\(req, res\)$/],
  ['a promise of an app', Promise.resolve(() => {}), /got Promise: hand in what the promise resolves to: await it$/],
  ['h3 1', { use() {}, handler() {}, stack: [], options: {} }, /h3's toNodeListener\(app\)$/],
];

for (const [what, app, way] of MISFITS) {
  test(`${what} is no app, and the message says what to hand in`, (t) => {
    t.is(kindOf(app), null);
    t.throws(() => new Client({ app: app as never }), { instanceOf: TypeError, message: way });
    t.throws(() => new NodeDispatch({ app: app as never }), { instanceOf: TypeError, message: way });
  });
}

test('HTTP/2 servers with a listener of requests are apps', (t) => {
  t.is(kindOf(createHttp2Server(() => {})), 'server');
  t.is(kindOf(createHttp2Server()), 'server', 'it may come later');
});
