/** The example of a gateway, as a program of its own between a client and an upstream. */
import test, { type ExecutionContext } from 'ava';
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { startBare } from '../helpers/child.js';
import { eventually, failure, openClient } from '../helpers/client.js';
import { bytesOf, sha256 } from '../helpers/files.js';
import { refusedOrigin, serve, type Handler } from '../helpers/server.js';

const example = new URL('../../examples/gateway.js', import.meta.url).href;

/** The origin of a gateway to that upstream. */
async function gatewayTo(t: ExecutionContext, upstream: string): Promise<string> {
  const program = `
    import { createGateway } from ${JSON.stringify(example)};
    const server = createGateway(${JSON.stringify(upstream)}).listen(0, '127.0.0.1', () => console.log(server.address().port));
  `;
  const { process: child } = startBare(t, program);
  const [port] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return `http://127.0.0.1:${String(port).trim()}`;
}

async function between(t: ExecutionContext, handler: Handler) {
  const upstream = await serve(t, handler);
  return { upstream, gateway: await gatewayTo(t, upstream.origin) };
}

test('gateway.js: requests and answers as they are, bodies both ways', async (t) => {
  const content = bytesOf(400_000);
  const { upstream, gateway } = await between(t, async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    response.writeHead(418, 'Tea', {
      'content-encoding': 'gzip',
      'x-sum': sha256(Buffer.concat(pieces)),
      connection: 'x-one',
      'x-one': '1',
    });
    response.end(gzipSync(content));
  });
  const client = openClient(t);
  const headers = { Connection: 'X-Two', 'X-Two': '2', 'X-Three': '3', 'User-Agent': 'tester' };
  const response = await client.post(`${gateway}/path?a=1`, { content, headers });
  t.is(response.statusCode, 418);
  t.is(response.reasonPhrase, 'Tea');
  t.is(response.headers.get('x-sum'), sha256(content));
  t.is(response.headers.get('x-one'), undefined);
  t.is(sha256(response.content), sha256(content));
  const [seen] = upstream.requests;
  t.is(seen.target, '/path?a=1');
  t.like(seen.headers, { 'x-three': '3', 'user-agent': 'tester', 'content-length': String(content.length) });
  t.is(seen.headers['x-two'], undefined);
});

test('gateway.js: a redirect, and what cannot be reached, are for the client', async (t) => {
  const { gateway } = await between(t, (_, response) => response.writeHead(302, { location: '/next' }).end());
  const client = openClient(t, { followRedirects: false });
  t.is((await client.get(gateway)).headers.get('location'), '/next');
  t.is((await client.get(await gatewayTo(t, await refusedOrigin()))).statusCode, 502);
});

test('gateway.js: a client that goes away ends the request to the upstream', async (t) => {
  let isClosed = false;
  const { upstream, gateway } = await between(t, (_, response) => {
    response.on('close', () => (isClosed = true));
    response.write('beginning');
  });
  const socket = connect(Number(new URL(gateway).port), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n');
  await once(socket, 'data');
  t.false(isClosed);
  socket.destroy();
  await eventually('the upstream knows', () => isClosed);
  t.is(upstream.requests.length, 1);
});

test('gateway.js: an upstream that breaks off breaks off the answer', async (t) => {
  const { gateway } = await between(t, (_, response) => {
    response
      .writeHead(200, { 'content-length': 1000 })
      .write('beginning', () => setImmediate(() => response.socket?.destroy()));
  });
  const client = openClient(t);
  // Before its head was written, or after.
  const whole = client.stream('GET', gateway).then((response) => response.read());
  t.regex(String(await failure(whole)), /ReadError|RemoteProtocolError/);
});
