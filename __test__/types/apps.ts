/** What compiles as an app, and what is inferred for a function written in place: read by `tsc -p __test__/tsconfig.json`, never run. */
import express from 'express';
import fastify from 'fastify';
import { H3 } from 'h3';
import { Hono } from 'hono';
import { Router } from 'itty-router';
import Koa from 'koa';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Client, FetchDispatch, NodeDispatch, type AppTypes, type FetchApp, type NodeApp } from '../../src/index.js';

void new Client({ app: (req, res) => res.end(req.url) });
void new Client({ app: async (req, res) => void res.end(req.headers.host) });
void new Client({ app: (req, res, next) => (req.url === '' ? next(new Error('none')) : res.end()) });
void new Client({ app: (request) => new globalThis.Response(request.url) });
void new Client({ app: async (request) => new globalThis.Response(await request.text()) });
void new Client({ app: () => new globalThis.Response('') });
void new Client({ app: { fetch: (request: globalThis.Request, env: { a: number }) => answer(request, env.a) } });

for (const app of [express(), express.Router(), new Koa(), new Koa().callback(), createServer(), fastify()]) {
  void new Client({ app });
  void new NodeDispatch({ app });
}
for (const app of [new Hono(), new H3(), Router()]) void new Client({ app });
void new Client({ app: (req: express.Request, res: express.Response) => res.send(req.path) });
void new Client({ app: (req: IncomingMessage, res: ServerResponse) => res.end(req.url) });

void new NodeDispatch({ app: (req) => void req.resume() });
void new NodeDispatch({ app: (req, res) => res.end(req.url) });
void new FetchDispatch({ app: (request, env) => answer(request, env) });

declare const fetchApp: FetchApp;
declare const nodeApp: NodeApp;
export const all: AppTypes[] = [fetchApp, nodeApp];

// @ts-expect-error: a text
void new Client({ app: 'http://example.org' });
// @ts-expect-error: no app
void new Client({ app: {} });

function answer(request: globalThis.Request, more: unknown): globalThis.Response {
  return new globalThis.Response(`${request.url} ${String(more)}`);
}
