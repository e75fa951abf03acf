/**
 * The fault matrix: what goes wrong × what was asked × on a new or a used connection × the way there. A cell is one client and one
 * scripted server, in which one call meets the fault and the next one does not.
 */
import type { ExecutionContext } from 'ava';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import {
  Client,
  type ClientOptions,
  HTTPError,
  HTTPProxy,
  type HTTPProxyMode,
  type HTTPProxyOptions,
  type RequestOptions,
  type Response,
} from '../../src/index.js';
import type { LookupFunction } from '../../src/connect/lookup.js';
import { eventually, soon } from '../helpers/client.js';
import { folderOf } from '../helpers/files.js';
import { serveProxy } from '../helpers/proxy.js';
import { type Identity, testCA } from '../helpers/tls.js';
import { relay, type Relay, type RelayOptions } from '../helpers/relay.js';
import { ACK, END_STREAM, Http2Peer, Type } from '../helpers/raw-http2.js';
import { type RawConnection, type RawServer, serveRaw } from '../helpers/server.js';
import { openSocks } from './socks.js';

/** The body of every response that is in order, and the first part of many that are not. */
export const BODY = 'data: ok\n\n';
export const TYPE = 'Content-Type: text/event-stream\r\n';
export const OK = `HTTP/1.1 200 OK\r\n${TYPE}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;

export const OPERATIONS = ['GET', 'streamed GET', 'streamed POST', 'download', 'events'] as const;
export type Operation = (typeof OPERATIONS)[number];

export const WAYS = [
  'direct',
  'by name',
  'forward',
  'tunnel',
  'socks5h',
  'socks4a',
  'https',
  'https in a tunnel',
  'h2',
] as const;
export type Way = (typeof WAYS)[number];

export interface Cell {
  readonly operation: Operation;
  readonly way: Way;
  readonly reused: boolean;
}

/**
 * `whole` and `empty` are bodies, `413` is a status; anything else is the class and the code of the error: `ReadError ECONNRESET`.
 * Of several the race between two ends decides.
 */
export type Outcome = string | readonly string[];

interface FaultOf<Peer> {
  /** The row of the table that the fault is from: `11`, `SEC-J3`. */
  readonly row: string;
  readonly name: string;
  /** What the server does once the whole request is there; `attempt` counts those of the cell from 1. */
  play?(peer: Peer, attempt: number): unknown;
  /** What it does instead as soon as there is a connection. */
  atOnce?(connection: RawConnection): unknown;
  /** What it does after the answer to the call before; the connection is a used one, and nothing else goes wrong. */
  whileIdle?(connection: RawConnection): unknown;
  /** `play` begins with the head, whatever there is of the body. */
  readonly isEarly?: boolean;
  /** What lies between. */
  readonly relay?: RelayOptions;
  /** Only these. Default: all. */
  readonly operations?: readonly Operation[];
  readonly ways?: readonly Way[];
  readonly reused?: boolean;
  /** Of the call that meets the fault. */
  readonly options?: RequestOptions;
  readonly client?: ClientOptions;
  /** What is `instead` is the proxy. */
  readonly isProxys?: boolean;
  /** The port of what stands there instead of the server, for good: no request after it is asked. */
  instead?(t: ExecutionContext): Promise<number>;
  /** The resolver that knows the address of the server; a used connection needs none. */
  lookup?(t: ExecutionContext, state: State): Promise<LookupFunction>;
  readonly expected: Outcome | ((cell: Cell) => Outcome);
}

export interface Http2Stream {
  readonly peer: Http2Peer;
  readonly stream: number;
}

/** A fault of HTTP/1.1, of TLS or of a proxy. */
export type Fault = FaultOf<RawConnection>;
/** A fault of HTTP/2. */
export type Http2Fault = FaultOf<Http2Stream>;

/** The cells of a fault. */
export function cellsOf(fault: Fault | Http2Fault, way: Way): Cell[] {
  const { operations = OPERATIONS } = fault;
  const all =
    fault.atOnce !== undefined || fault.instead !== undefined || fault.lookup !== undefined
      ? false
      : fault.whileIdle !== undefined || fault.reused;
  const kinds = all === undefined ? [false, true] : [all];
  return operations.flatMap((operation) => kinds.map((reused) => ({ operation, way, reused })));
}

/** A client, and the server that it meets its fault at. */
export interface World {
  readonly client: Client;
  /** What the client was made of; a thread of its own can have them. */
  readonly options: ClientOptions;
  readonly proxy: HTTPProxyOptions | undefined;
  readonly url: string;
  readonly server: RawServer;
  readonly state: State;
  readonly link: Relay | undefined;
}

export async function open(t: ExecutionContext, fault: Fault | Http2Fault, way: Way): Promise<World> {
  const state = new State();
  const script = way === 'h2' ? http2(fault as Http2Fault, state) : http1(fault as Fault, way, state);
  const ca = await testCA();
  const server = await serveRaw(t, script, way.startsWith('https') ? { tls: await identity() } : {});
  let port = (await fault.instead?.(t)) ?? server.port;
  const link = fault.relay === undefined ? undefined : await relay(t, port);
  port = link?.port ?? port;
  // A fault of the proxy is the proxy's own.
  if (way === 'https in a tunnel' && fault.isProxys !== true) port = await tunnelTo(t, port);
  const { url, httpVersions, proxy } = wayTo(port, way);
  const options: ClientOptions = { timeout: null, verify: ca.cert, ...fault.client };
  if (httpVersions !== undefined) options.httpVersions = httpVersions;
  if (fault.lookup !== undefined) options.lookup = await fault.lookup(t, state);
  const client = new Client(proxy === undefined ? options : { ...options, proxies: new HTTPProxy(proxy) });
  t.teardown(() => client.close());
  return { client, options, proxy, url, server, state, link };
}

/** Runs one cell; the outcome, and all else that has to hold as errors of the test. */
export async function run(t: ExecutionContext, fault: Fault | Http2Fault, cell: Cell): Promise<string> {
  const { client, url, server, state, link } = await open(t, fault, cell.way);
  const name = `${fault.name}: ${inspect(cell)}`;
  if (cell.reused) t.is(bodyOf(await client.get(url)), 'whole', name);
  if (fault.whileIdle === undefined) state.isFaulty = true;
  else await soon(`what happens while idle in ${name}`, state.hasIdled);
  link?.set(fault.relay ?? {});
  const call = (): Promise<string> => perform(t, client, cell.operation, url, fault.options);
  const found = await soon(`an outcome of ${name}`, outcomeOf(t, name, call));
  state.isFaulty = false;
  link?.set({});
  if (fault.instead === undefined) {
    t.is(bodyOf(await soon(`the request after ${name}`, client.get(url))), 'whole', name);
  }
  await eventually(`an empty pool after ${name}`, () => client.pool.active + client.pool.queued === 0);
  await soon(`the end of the client of ${name}`, client.close());
  await eventually(`the end of the connections of ${name}`, () => server.openConnections() === 0);
  return found;
}

/** What a cell's server and its test tell each other. */
export class State {
  isFaulty = false;
  attempts = 0;
  /** Resolves when what happens to the idle connection has happened. */
  readonly hasIdled: Promise<void>;
  #idled = (): void => {};

  constructor() {
    this.hasIdled = new Promise((resolve) => (this.#idled = resolve));
  }

  /** The first connection's idle time; the others are left alone. */
  async idle(happens: () => unknown): Promise<void> {
    const idled = this.#idled;
    this.#idled = NOTHING;
    if (idled === NOTHING) return;
    await happens();
    await settle();
    idled();
  }
}

const NOTHING = (): void => {};

/** What was written, or an end, arrives before what comes next. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

function http1(fault: Fault, way: Way, state: State): (connection: RawConnection) => Promise<void> {
  return async (connection) => {
    // Small writes do not wait for the acknowledgement of those before them.
    connection.socket.setNoDelay(true);
    if (state.isFaulty && fault.atOnce !== undefined) return void (await fault.atOnce(connection));
    if (way === 'tunnel') {
      await connection.head();
      await connection.write('HTTP/1.1 200 Connection established\r\n\r\n');
    }
    if (way === 'socks5h' || way === 'socks4a') await openSocks(connection, way);
    for (;;) {
      await connection.head();
      if (!state.isFaulty || fault.isEarly !== true) await connection.body();
      if (state.isFaulty) await fault.play?.(connection, ++state.attempts);
      else await connection.write(OK);
      if (!state.isFaulty && fault.whileIdle !== undefined) await state.idle(() => fault.whileIdle?.(connection));
    }
  };
}

function http2(fault: Http2Fault, state: State): (connection: RawConnection) => Promise<void> {
  return async (connection) => {
    // Small writes do not wait for the acknowledgement of those before them.
    connection.socket.setNoDelay(true);
    if (state.isFaulty && fault.atOnce !== undefined) return void (await fault.atOnce(connection));
    await connection.body(24);
    const peer = new Http2Peer(connection);
    await peer.settings();
    for (;;) {
      const { type, flags, stream } = await peer.frame();
      if (type === Type.SETTINGS && (flags & ACK) === 0) await peer.send(Type.SETTINGS, ACK, 0);
      if ((type !== Type.HEADERS && type !== Type.DATA) || (flags & END_STREAM) === 0) continue;
      const isFaulty = state.isFaulty;
      const played = isFaulty ? fault.play?.({ peer, stream }, ++state.attempts) : answer(peer, stream);
      // The frames that come meanwhile are read.
      void Promise.resolve(played).then(
        () => (isFaulty || fault.whileIdle === undefined ? undefined : state.idle(() => fault.whileIdle?.(connection))),
        () => {},
      );
    }
  };
}

/** A whole response. */
export async function answer(peer: Http2Peer, stream: number): Promise<void> {
  await peer.headers(stream, [
    [':status', '200'],
    ['content-type', 'text/event-stream'],
  ]);
  await peer.data(stream, BODY, END_STREAM);
}

interface WayThere {
  readonly url: string;
  readonly httpVersions?: 'HTTP/1.1' | 'HTTP/2';
  readonly proxy?: HTTPProxyOptions;
}

function wayTo(port: number, way: Way): WayThere {
  const host = `127.0.0.1:${port}`;
  const proxyUrl = `http://pu:s3cret@${host}`;
  const through = (proxyMode: HTTPProxyMode): HTTPProxyOptions => ({ proxyUrl, proxyMode });
  switch (way) {
    case 'forward':
      return { url: 'http://u:s3cret@origin.test/', proxy: through('DEFAULT') };
    case 'tunnel':
      return { url: 'http://u:s3cret@origin.test/', proxy: through('TUNNEL_ONLY') };
    case 'socks5h':
      return { url: 'http://u:s3cret@origin.test/', proxy: { proxyUrl: `socks5h://pu:s3cret@${host}` } };
    case 'socks4a':
      return { url: 'http://u:s3cret@origin.test/', proxy: { proxyUrl: `socks4a://pu@${host}` } };
    case 'by name':
      return { url: `http://u:s3cret@origin.test:${port}/` };
    case 'https in a tunnel':
      return { url: 'https://u:s3cret@localhost/', proxy: through('DEFAULT') };
    case 'https':
      return { url: `https://u:s3cret@127.0.0.1:${port}/`, httpVersions: 'HTTP/1.1' };
    case 'direct':
    case 'h2':
      return {
        url: `http://u:s3cret@127.0.0.1:${port}/`,
        httpVersions: way === 'h2' ? 'HTTP/2' : 'HTTP/1.1',
      };
  }
}

let shared: Promise<Identity> | undefined;
function identity(): Promise<Identity> {
  shared ??= testCA().then((ca) => ca.issue());
  return shared;
}

/** A proxy that opens tunnels, each to this port. */
async function tunnelTo(t: ExecutionContext, port: number): Promise<number> {
  const proxy = await serveProxy(t, { lead: () => port });
  return proxy.port;
}

async function perform(
  t: ExecutionContext,
  client: Client,
  operation: Operation,
  url: string,
  options?: RequestOptions,
): Promise<string> {
  switch (operation) {
    case 'GET':
      return bodyOf(await client.get(url, options));
    case 'streamed GET': {
      const response = await client.stream('GET', url, options);
      await response.read();
      return bodyOf(response);
    }
    case 'streamed POST':
      return bodyOf(await client.post(url, { ...(options as object), content: upload() }));
    case 'download': {
      const file = path.join(folderOf(t), 'file');
      await client.download(url, file, options);
      return named(200, readFileSync(file, 'latin1'));
    }
    case 'events': {
      const seen: string[] = [];
      for await (const { data } of client.events('GET', url, { ...options, reconnect: false })) seen.push(data);
      return named(200, seen.map((data) => `data: ${data}\n\n`).join(''));
    }
  }
}

async function* upload(): AsyncGenerator<string> {
  yield 'one';
  yield 'two';
}

export const bodyOf = (response: Response): string => named(response.statusCode, response.text);

function named(status: number, body: string): string {
  if (status >= 300) return String(status);
  if (body === BODY) return 'whole';
  return body === '' ? 'empty' : inspect(body);
}

async function outcomeOf(t: ExecutionContext, name: string, call: () => Promise<string>): Promise<string> {
  try {
    return await call();
  } catch (error) {
    t.true(error instanceof HTTPError, `${name}: ${inspect(error)}`);
    const { name: className, code, request } = error as HTTPError;
    t.not(request, undefined, `${name}: the error has its request`);
    t.notRegex(inspect(error, { depth: 9 }) + JSON.stringify(error) + (error as Error).stack, /s3cret/, name);
    return `${className} ${code}`;
  }
}
