/** Any host name, served by one server of the test: for rules about names, which the loopback has too few of. */
import type { ExecutionContext } from 'ava';
import { type Dispatch, HTTPDispatch, Request, Response, URL } from '../../src/index.js';
import { type Handler, type HttpServer, serve } from './server.js';

export interface NamedServer extends HttpServer {
  /** Sends everything to the server, over sockets, as it would go to its own host: what a proxy at the edge does. */
  readonly dispatch: Dispatch;
  /** What was received, in order: `a.test GET /path`. */
  readonly log: readonly string[];
}

/** `handler` tells hosts apart by the Host header. */
export async function serveNames(t: ExecutionContext, handler: Handler): Promise<NamedServer> {
  const log: string[] = [];
  const server = await serve(t, (request, response) => {
    log.push(`${request.headers.host} ${request.method} ${request.url}`);
    return handler(request, response);
  });
  const network = new HTTPDispatch();
  t.teardown(() => network.close());
  const dispatch: Dispatch = {
    async send(request, options) {
      const carried = new Request(request.method, new URL(`${server.origin}${request.url.fullPath}`), undefined, {
        lines: request.headerLines(),
        body: request.body,
      });
      const { statusCode, headers, content } = await network.send(carried, {
        ...options,
        buffered: { maxResponseSize: null },
        headFirst: undefined,
      });
      return new Response(statusCode, { headers, content, request });
    },
  };
  return { ...server, dispatch, log };
}
