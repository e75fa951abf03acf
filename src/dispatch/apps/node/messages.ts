/** What of Node's messages is not documented, each by the name that Node's own server uses; the exchange around them is `exchange.ts`'s. */

import type { Server } from 'node:http';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { AppSocket } from './socket.js';

/** What Node's own server and parser use of its messages, and its types do not say. */
export type IncomingHead = IncomingMessage & {
  upgrade: boolean | null;
  joinDuplicateHeaders?: boolean;
  baseUrl?: string;
  originalUrl?: string;
  server: Server & { joinDuplicateHeaders?: boolean };
  _consuming: boolean;
  _addHeaderLines(fields: string[], count: number): void;
  _dump(): void;
};
export type Outgoing = ServerResponse & { _header: string | null; _closed: boolean };

/** A request of those lines, as Node's parser would have made it. */
export function makeRequest(
  socket: AppSocket,
  server: Server | null,
  method: string,
  target: string,
  headerLines: string,
): IncomingHead {
  const req = new (classesOf(server)[0])(socket) as IncomingHead;
  const fields = headerLines.split('\n');
  fields.pop();
  req.httpVersionMajor = req.httpVersionMinor = 1;
  req.httpVersion = '1.1';
  req.method = method;
  req.url = target;
  req.upgrade = false;
  if (server !== null) req.joinDuplicateHeaders = (server as IncomingHead['server']).joinDuplicateHeaders;
  req._addHeaderLines(fields, fields.length);
  return req;
}

export function makeResponse(req: IncomingMessage, server: Server | null): ServerResponse {
  return new (classesOf(server)[1])(req);
}

type Classes = [typeof IncomingMessage, typeof ServerResponse];

const classes = new WeakMap<Server, Classes>();

/** `createServer({ IncomingMessage, ServerResponse })` keeps them under symbols. */
function classesOf(server: Server | null): Classes {
  if (server === null) return [IncomingMessage, ServerResponse];
  const known = classes.get(server);
  if (known !== undefined) return known;
  const kept = server as unknown as Record<symbol, unknown>;
  const pick = (name: string, otherwise: unknown) => {
    const symbol = Object.getOwnPropertySymbols(server).find(({ description }) => description === name);
    return symbol !== undefined && typeof kept[symbol] === 'function' ? kept[symbol] : otherwise;
  };
  const found = [pick('IncomingMessage', IncomingMessage), pick('ServerResponse', ServerResponse)] as Classes;
  classes.set(server, found);
  return found;
}

let needDrain: symbol | undefined;

/** The mark that a response puts on itself when `write` said no; Node's server takes it off by the same symbol. */
export function needDrainOf(res: ServerResponse): symbol {
  return (needDrain ??=
    Object.getOwnPropertySymbols(res).find(({ description }) => description === 'kNeedDrain') ?? Symbol('kNeedDrain'));
}

/** `emitCloseNT` of Node's server. Then the client closes the connection, which shows only to a 'close' listener of the socket. */
export function close(res: ServerResponse, socket: AppSocket): void {
  const response = res as Outgoing;
  if (!response._closed) {
    response.destroyed = true;
    response._closed = true;
    response.emit('close');
  }
  if (socket.listenerCount('close') > 0) socket.destroy();
}
