/**
 * SEC-N3, one name at a time: whatever a dependency has put on Object.prototype, nothing changes on the wire or in what a caller
 * gets, and the process knows of no uncaught exception. The names are all those of our options, of property descriptors, and of
 * the options of what we hand to Node.
 */
import test from 'ava';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { clientOptionNames, requestOptionNames, sendOptionNames } from '../../src/client/options.js';
import { packageUrl, run } from '../helpers/child.js';
import { serve } from '../helpers/server.js';
import { folderOf } from '../helpers/files.js';

const OURS = new Set([
  ...clientOptionNames,
  ...requestOptionNames,
  ...sendOptionNames,
  ...words(`connectTimeout readTimeout writeTimeout poolTimeout totalTimeout maxConnections pingInterval maxConnectionsPerOrigin maxKeepaliveConnections
keepaliveExpiry limit methods statusCodes backoff maxRetryAfter proxyUrl proxyHeaders proxyMode
username password cert key client env rootPath remoteAddr raiseAppExceptions
chunkSize domain path expires filename contentType request response cause
code proxy host hostname port protocol userinfo fragment history
redirect sensitiveHeaders isAway isCrossSite also buffered forwards fields roots
pool poolTimeoutMs connectTimeoutMs readTimeoutMs totalTimeoutMs keepaliveExpiryMs http1 http2 multiItems
lastEventId reconnect retry maxEventSize resume checksum ifExists mode fsync connections
upgrade onInfo opaque responseHeaders reset expectContinue throwOnError headersTimeout bodyTimeout
isIntermediate retried elapsed reason version dnsTtl dnsTtlMs maxAge maxAgeMs tcpKeepalive tcpKeepaliveMs`),
]);
/** Of property descriptors, and of Node's streams, files, events, keys, web streams, requests and warnings. */
const THEIRS = words(`get set value writable enumerable configurable signal once passive
capture weak highWaterMark size type autoAllocateChunkSize start end pull
cancel flags flag encoding fd fs mode autoClose emitClose
autoDestroy read destroy construct objectMode readableObjectMode defaultEncoding final write
writev transform bigint throwIfNoEntry withFileTypes recursive format passphrase detail
ctor fatal ignoreBOM stream family flowlabel address body duplex
dispatcher credentials cache integrity outputLength raw done throw callback
triggerAsyncId requireManualDestroy breakLength`);

function words(text: string): string[] {
  return text.split(/\s+/);
}

const PROGRAM = `
  const { Client, HTTPError, get } = whippet;
  const { createReadStream } = await import('node:fs');
  const faults = [];
  process.on('uncaughtException', (error) => faults.push('uncaught ' + error));
  process.on('unhandledRejection', (error) => faults.push('unhandled ' + error));
  process.on('warning', (warning) => faults.push('warning ' + warning));
  const settle = async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HTTPError)) return 'not ours: ' + (error && error.stack);
      return [error.name, error.code, error.message].join(' ');
    }
  };
  const told = (response) => response.statusCode + ' ' + response.text.replaceAll(/[0-9a-f]{32}/g, 'BOUNDARY') +
    response.history.map(({ statusCode }) => ' after ' + statusCode).join('');
  const pieces = async function* () { yield 'streamed'; };
  const fetchApp = async (request) => new globalThis.Response(request.method + (await request.text()));
  const nodeApp = (request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece) => (text += piece)).on('end', () => response.end(request.method + text));
  };
  const app = 'http://app.test/';
  const { createDispatcher } = await import(args.undici);
  const door = createDispatcher();
  // Streams of Node's own are made before: what they make of a polluted prototype is theirs.
  let opened;
  const flows = [
    async (client) => told(await client.get(args.url, { params: { a: 1 }, headers: { x: 'y' } })),
    async () => told(await get(args.url)),
    async (client) => told(await client.post(args.url, { json: { a: 1 } })),
    async (client) => told(await client.post(args.url, { data: { a: '1' }, files: { f: Buffer.from('file') } })),
    async (client) => told(await client.post(args.url, { content: opened, onUploadProgress() {} })),
    async (client) => told(await client.post(args.url, { content: pieces() })),
    async (client) => told(await client.get(args.url + 'redirect', { auth: ['u', 'p'], cookies: { c: '1' } })),
    async (client) => told(await client.get(args.url + 'gzip', { signal: new AbortController().signal })),
    async (client) => {
      const response = await client.stream('GET', args.url);
      let text = '';
      for await (const piece of response.body) text += Buffer.from(piece).toString();
      return response.statusCode + text;
    },
    async (client) => told(await client.get(args.refused)),
    async (client) => told(await client.get(args.url, { signal: AbortSignal.abort(new HTTPError('aborted')) })),
    async (client) => (await client.get(args.url + 'missing')).raiseForStatus(),
    async () => new Client({ baseUrl: 'http://u:p@[::1]/', proxies: { 'http://*.test': null } }).baseUrl.toString(),
    async () => new whippet.URL('http://a b/'),
    async () => told(await new Client({ app: fetchApp }).post(app, { content: 'in' })),
    async () => told(await new Client({ app: fetchApp }).post(app, { content: pieces() })),
    async () => told(await new Client({ app: nodeApp }).post(app, { content: 'in' })),
    async (client) => {
      const events = [];
      for await (const { data, event, id } of client.events('GET', args.url + 'events', { reconnect: false })) events.push(data, event, id);
      return events.join();
    },
    async (client) => {
      const response = await client.fetch(args.url, { __proto__: null, method: 'POST', body: 'fetched', headers: { x: 'y' } });
      return response.status + (await response.text());
    },
    async () => {
      const { statusCode, body } = await door.request({ origin: new URL(args.url).origin, path: '/', method: 'PUT' });
      return statusCode + (await body.text());
    },
  ];
  // What Node cannot do by itself under a polluted prototype is not ours to mend: these flows are left out then.
  const makeRequest = async () => void (await new globalThis.Request(app, { __proto__: null, method: 'POST', body: 'x' }).text());
  const controls = {
    4: async () => { for await (const piece of createReadStream(args.file)) String(piece); },
    19: async () => { for await (const piece of createReadStream(args.file)) String(piece); },
    8: async () => void new ReadableStream(),
    14: makeRequest,
    15: makeRequest,
    18: async () => void new globalThis.Response(null),
  };
  const inTime = (work) => Promise.race([work, new Promise((_, reject) => setTimeout(reject, 500))]);
  const ofDescriptors = ['get', 'set', 'value', 'writable', 'enumerable', 'configurable'];
  const cannot = new Set();
  let expected = [];
  const exchange = async () => {
    const client = new Client({ cookies: { jar: '1' }, headers: { own: '1' }, retries: 0 });
    const results = [];
    for (const [i, flow] of flows.entries()) results.push(cannot.has(i) ? expected[i] : await settle(() => flow(client)));
    await client.close();
    return results;
  };
  opened = createReadStream(args.file);
  expected = await exchange();
  if (expected.some((line) => line.startsWith('not ours'))) console.log(expected);
  const define = Object.defineProperty.bind(Object);
  for (const name of args.names) {
    for (const value of ['evil', () => 'evil']) {
      opened = createReadStream(args.file);
      define(Object.prototype, name, { __proto__: null, value, configurable: true, writable: true, enumerable: true });
      cannot.clear();
      for (const i of Object.keys(controls)) await inTime(controls[i]()).catch(() => cannot.add(Number(i)));
      // Node's own IncomingMessage, Request and web streams fall over most of the others.
      if (!ofDescriptors.includes(name)) for (const i of [14, 15, 16]) cannot.add(i);
      faults.length = 0;
      const got = await exchange();
      await new Promise(setImmediate);
      delete Object.prototype[name];
      const changed = got.flatMap((line, i) => line === expected[i] ? [] : [i + ': ' + line + ' instead of ' + expected[i]]);
      for (const line of changed.concat(faults.splice(0))) console.log(name + ' = ' + value + ': ' + line);
    }
  }
  console.log('over', expected.length);
  // Node's own streams may hang, of the controls.
  process.exit();
`;

/** Nothing listens there: the port is tcpmux's, and no test may be given it. */
const REFUSED = 'http://127.0.0.1:1';
const UNDICI = new URL('dist/drop-in/undici.js', packageUrl).href;
const ALL = [...OURS, ...THEIRS];
for (let from = 0; from < ALL.length; from += 20) {
  const names = ALL.slice(from, from + 20);
  test(`SEC-N3 each of ${names[0]} … ${names.at(-1)} on Object.prototype changes nothing`, async (t) => {
    const folder = folderOf(t);
    const file = path.join(folder, 'file');
    await writeFile(file, 'of a file');
    const server = await serve(t, async (request, response) => {
      if (request.url === '/redirect') {
        response.writeHead(302, { location: '/', 'set-cookie': 'set=1' }).end('moved');
        return;
      }
      const body: Buffer[] = [];
      for await (const piece of request) body.push(piece as Buffer);
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.setHeader('content-type', 'text/plain');
      if (request.url === '/events') {
        response.setHeader('content-type', 'text/event-stream').end('id: 1\ndata: of the server\n\n');
        return;
      }
      const text = [request.method, request.url, ...request.rawHeaders, Buffer.concat(body).toString()].join('|');
      if (request.url === '/gzip') response.setHeader('content-encoding', 'gzip').end(gzipSync(text));
      else response.end(text);
    });
    const printed = await run(t, PROGRAM, { url: server.url, refused: REFUSED, names, file, undici: UNDICI });
    t.is(printed.replaceAll(server.origin, 'http://server'), 'over 20\n');
  });
}
