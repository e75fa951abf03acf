/** What the proxies among the peers ask: a small Node server. It is not a peer itself, that is `__test__/`'s. */
import type { ExecutionContext } from 'ava';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serve, type HttpServer } from '../../__test__/helpers/server.js';
import { digest, large, SMALL } from './content.js';

/** Starts it for this test: `/small`, `/large`, `/trailers`, and `/digest`, which says what it received. */
export function serveUpstream(t: ExecutionContext): Promise<HttpServer> {
  return serve(t, answer);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  switch (request.url) {
    case '/small':
      return response.setHeader('content-length', SMALL.length).end(SMALL);
    case '/large':
      return response.setHeader('content-length', large().length).end(large());
    case '/trailers':
      response.writeHead(200, { trailer: 'x-checksum' });
      response.write('with ');
      response.write('trailers');
      response.addTrailers({ 'x-checksum': 'abc' });
      return response.end();
    case '/digest':
      return response.end(JSON.stringify(await digest(request)));
    default:
      return response.writeHead(404).end();
  }
}
