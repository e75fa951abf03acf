// A gateway: every request goes on to an upstream, and its answer back, as they come and no faster than the slower side takes them.
// Whichever side goes away, the other one is told.
//   node examples/gateway.js http://127.0.0.1:8080 3000
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Client, Headers, HTTPError, TimeoutException } from 'whippet';

/** @param upstream An origin, such as 'http://127.0.0.1:8080'. */
export function createGateway(upstream) {
  // Nothing of its own is added: no cookies, no defaults, no redirects followed on a user's behalf.
  const none = { Accept: null, 'Accept-Encoding': null, Connection: null, 'User-Agent': null };
  const client = new Client({ headers: none, cookies: false, followRedirects: false, trustEnv: false });
  const server = createServer(async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => gone.abort(new Error('the client went away')));
    try {
      const response = await client.stream(incoming.method, upstream + incoming.url, {
        headers: forwarded(incoming),
        content: hasBody(incoming) ? incoming : undefined,
        signal: gone.signal,
      });
      outgoing.writeHead(response.statusCode, response.reasonPhrase, response.headers.forwardable().raw.flat());
      // With its content coding, as the headers say. A cut upstream destroys the answer, so that it does not look whole.
      await pipeline(response.iterRaw(), outgoing);
    } catch (error) {
      if (outgoing.headersSent) outgoing.destroy();
      else if (error instanceof HTTPError) outgoing.writeHead(error instanceof TimeoutException ? 504 : 502).end();
      else outgoing.destroy();
    }
  });
  return server.on('close', () => client.close());
}

function forwarded({ rawHeaders }) {
  const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]]] : []));
  const headers = new Headers(lines).forwardable();
  headers.delete('host');
  return headers;
}

const hasBody = ({ headers }) => 'content-length' in headers || 'transfer-encoding' in headers;

if (process.argv[1] === import.meta.filename) createGateway(process.argv[2]).listen(Number(process.argv[3] ?? 3000));
