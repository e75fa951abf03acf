/** Requests that an HTTP/2 server says it has not processed (row L14): by how many connections, until one answers. */
import test from 'ava';
import { RemoteProtocolError, type RequestOptions } from '../../src/index.js';
import { failure, openClient, told } from '../helpers/client.js';
import { Code, type Http2Peer, serveHttp2 } from '../helpers/raw-http2.js';

const REFUSALS: [title: string, refuse: (peer: Http2Peer, stream: number) => unknown, most: number][] = [
  ['GOAWAY', (peer) => peer.goAway(0, Code.NO_ERROR), 2],
  ['REFUSED_STREAM', (peer, stream) => peer.reset(stream, Code.REFUSED_STREAM), 1],
];

const SENT: [title: string, method: string, options: () => RequestOptions, replayable: boolean][] = [
  ['GET', 'GET', () => ({}), true],
  ['POST', 'POST', () => ({ content: 'body' }), true],
  ['POST of a stream', 'POST', () => ({ content: pieces() }), false],
];

for (const [refusal, refuse, most] of REFUSALS) {
  for (const [title, method, options, replayable] of SENT) {
    const resends = replayable ? most : 0;
    for (let refusals = 0; refusals <= resends + 1; refusals += 1) {
      const succeeds = refusals <= resends;
      test(`SEC-L14 ${refusal} by ${refusals} connections: ${title} ${succeeds ? 'succeeds' : 'fails'}`, async (t) => {
        let connections = 0;
        const server = await serveHttp2(t, async (peer) => {
          connections += 1;
          const refused = connections <= refusals;
          await peer.settings();
          const stream = await peer.request();
          await (refused ? refuse(peer, stream) : peer.answer(stream));
          await peer.connection.closed;
        });
        const client = openClient(t, { httpVersions: 'HTTP/2' });
        const response = client.request(method, server.url, options());
        if (succeeds) t.is(told(await response), '200 ok');
        else t.true((await failure(response)) instanceof RemoteProtocolError);
        t.is(server.connections(), Math.min(refusals, resends) + 1);
      });
    }
  }
}

async function* pieces(): AsyncGenerator<string> {
  yield 'body';
}
