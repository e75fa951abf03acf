/**
 * Tests of apps that put fake timers in the place of Node's (vitest's default set, sinon's, node:test's): the app's stand still, its
 * requests and their timeouts do not.
 */
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import test, { type ExecutionContext } from 'ava';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { ReadTimeout, type AppTypes } from '../../src/index.js';
import { clientOf, url } from '../helpers/apps.js';
import { failure, told } from '../helpers/client.js';

/** Nothing of them ever comes due. */
function fakeTimers(t: ExecutionContext, keeps: readonly string[] = []): void {
  const standing: Record<string, unknown> = {
    setTimeout: () => ({ unref() {}, ref() {}, refresh() {}, hasRef: () => true }),
    setInterval: () => ({ unref() {} }),
    setImmediate: () => ({}),
    clearTimeout() {},
    clearInterval() {},
    clearImmediate() {},
    queueMicrotask() {},
  };
  for (const name of keeps) delete standing[name];
  const globals = globalThis as unknown as Record<string, unknown>;
  const real = Object.fromEntries(Object.keys(standing).map((name) => [name, globals[name]]));
  const { now } = performance;
  const { now: date } = Date;
  Object.assign(globalThis, standing);
  performance.now = () => 1000;
  Date.now = () => 1000;
  t.teardown(() => {
    Object.assign(globalThis, real);
    performance.now = now;
    Date.now = date;
  });
}

const fastifyApp = fastify();
fastifyApp.get('/', async () => 'Hello World!');
fastifyApp.register(async (plugin) => void plugin.get('/plugin', async () => 'Hello World!'));
const koa = new Koa();
koa.use((context) => void (context.body = 'Hello World!'));
const streams = express();
streams.use((_req, res) => void Readable.from(['Hello ', 'World!']).pipe(res));

const APPS: Record<string, AppTypes> = {
  'Fastify, made ready by the request': fastifyApp,
  Express: express().use((_req, res) => void res.send('Hello World!')),
  'a pipe': streams,
  Koa: koa,
  Hono: new Hono().get('/', (context) => context.text('Hello World!')),
  'a fetch handler': () => new Response('Hello World!'),
  'a plain listener': (_req: unknown, res: { end(text: string): void }) => res.end('Hello World!'),
};

for (const [what, app] of Object.entries(APPS)) {
  test.serial(`${what} answers under fake timers`, async (t) => {
    const client = clientOf(t, app, { timeout: 3000 });
    // Fastify's own boot and the bodies of the platform's Response go by it.
    fakeTimers(t, /Fastify|Hono|fetch/.test(what) ? ['queueMicrotask'] : []);
    t.is(told(await client.get(url)), '200 Hello World!');
    t.is(told(await client.get(url)), '200 Hello World!');
  });
}

test.serial('the read timeout of an app that waits for its own timer comes in real time', async (t) => {
  const app = express();
  app.get('/', (_req, res) => void setTimeout(() => res.send('late'), 10));
  const client = clientOf(t, app, { timeout: 50 });
  fakeTimers(t);
  t.true((await failure(client.get(url))) instanceof ReadTimeout);
});
