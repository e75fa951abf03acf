// What is asked in a browser and in workerd.
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

const RIGHT = /^Digest .*response="[\da-f]{64}"/;

const PAGES = {
  '/': (request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<script type="module" src="/program.js"></script>');
  },
  '/echo': ({ method, url, headers }, response, body) => {
    const { authorization, cookie, 'content-type': type, 'x-one': one } = headers;
    const text = body.length > 10_000 ? '' : body.toString();
    response.setHeader('x-answer', 'yes');
    response.end(JSON.stringify({ method, url, type, one, authorization, cookie, body: text, length: body.length }));
  },
  '/megabyte': (request, response) => response.end(Buffer.alloc(1_000_000)),
  '/gzip': (request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed')),
  '/pieces': async (request, response) => {
    for (const piece of ['one ', 'two ', 'three']) {
      response.write(piece);
      await delay(60);
    }
    response.end();
  },
  '/endless': (request, response) => {
    const timer = setInterval(() => response.write('on and on '.repeat(100)), 5);
    response.once('close', () => clearInterval(timer));
  },
  '/events': (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: one\n\ndata: two\n\n');
  },
  '/digest': ({ headers }, response) => {
    if (RIGHT.test(headers.authorization ?? '')) response.end('digest');
    else {
      const challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256';
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
  },
  '/redirect': (request, response) => response.writeHead(302, { location: '/there' }).end(),
  '/there': (request, response) => response.end('there'),
  '/cookie': (request, response) => response.writeHead(200, { 'set-cookie': 'a=1; Path=/' }).end(),
  '/never': () => {},
  '/missing': (request, response) => response.writeHead(404).end(),
};

/**
 * Listens on the loopback.
 *
 * @returns `origin`; `program`, to be set: the text of `/program.js`; `reported`, a promise of what is posted to `/report`, parsed; `stop()`.
 */
export async function serve() {
  let report;
  const reported = new Promise((resolve) => (report = resolve));
  const pages = {
    ...PAGES,
    '/program.js': (request, response) => {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(served.program);
    },
    '/report': (request, response, body) => {
      response.end();
      report(JSON.parse(body.toString()));
    },
  };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const page = pages[new URL(request.url, 'http://server').pathname] ?? pages['/missing'];
    await page(request, response, Buffer.concat(chunks));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  const served = { origin: `http://127.0.0.1:${server.address().port}`, program: '', reported, stop };
  return served;
}
