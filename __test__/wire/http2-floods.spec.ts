/** Frames without end (reliability's table of floods): an error or nothing, in bounded memory, and the other connections as they were. */
import test from 'ava';
import { RemoteProtocolError } from '../../src/index.js';
import { openClient, told } from '../helpers/client.js';
import {
  END_HEADERS,
  frame,
  type Http2Peer,
  OK,
  repeated,
  section,
  serveHttp2,
  Type,
  word,
} from '../helpers/raw-http2.js';

interface Flood {
  name: string;
  play: (peer: Http2Peer, stream: number) => Promise<unknown>;
  /** Whether the request survives it. */
  survives: boolean;
}

const FLOODS: Flood[] = [
  {
    name: 'SEC-L1 500,000 empty CONTINUATION frames',
    play: async (peer, stream) => {
      await peer.send(Type.HEADERS, 0, stream, section(OK));
      await peer.connection.write(repeated(frame(Type.CONTINUATION, 0, stream), 500_000));
    },
    survives: false,
  },
  {
    name: 'SEC-L1 24 MB of CONTINUATION frames',
    play: async (peer, stream) => {
      await peer.send(Type.HEADERS, 0, stream, section(OK));
      const field = section([['a', 'b'.repeat(16_000)]]);
      await peer.connection.write(repeated(frame(Type.CONTINUATION, 0, stream, field), 1_500));
    },
    survives: false,
  },
  {
    name: 'SEC-L2 500,000 empty DATA frames',
    play: async (peer, stream) => {
      await peer.headers(stream, OK);
      await peer.connection.write(repeated(frame(Type.DATA, 0, stream), 500_000));
    },
    survives: false,
  },
  {
    name: 'SEC-L3 200,000 PING frames',
    play: async (peer, stream) => {
      await peer.connection.write(repeated(frame(Type.PING, 0, 0, Buffer.alloc(8)), 200_000));
      await peer.answer(stream);
    },
    survives: true,
  },
  {
    name: 'SEC-L3 200,000 SETTINGS frames',
    play: async (peer, stream) => {
      await peer.connection.write(repeated(frame(Type.SETTINGS, 0, 0), 200_000));
      await peer.answer(stream);
    },
    survives: true,
  },
  {
    name: 'SEC-L3 SETTINGS frames of 2,400 entries',
    play: async (peer, stream) => {
      const entry = Buffer.from([0, 3, 0, 0, 0, 100]);
      await peer.connection.write(repeated(frame(Type.SETTINGS, 0, 0, repeated(entry, 2_400)), 200));
      await peer.answer(stream);
    },
    survives: true,
  },
  {
    name: 'SEC-L4 500,000 PRIORITY frames',
    play: async (peer, stream) => {
      const payload = Buffer.concat([word(0), Buffer.from([1])]);
      await peer.connection.write(repeated(frame(Type.PRIORITY, 0, stream, payload), 500_000));
      await peer.answer(stream);
    },
    survives: true,
  },
  {
    name: 'SEC-L5 a header section that unpacks to 47 MB',
    play: async (peer, stream) => {
      // One long field put into the table, then named 16,000 times by one byte each.
      const value = 'b'.repeat(3_000);
      const long = section([['a', value]]);
      long[0] = 0x40;
      await peer.send(
        Type.HEADERS,
        END_HEADERS,
        stream,
        Buffer.concat([section(OK), long, Buffer.alloc(13_000, 0xbe)]),
      );
    },
    survives: false,
  },
  {
    name: 'SEC-L7 300,000 ORIGIN, ALTSVC and unknown frames',
    play: async (peer, stream) => {
      for (const type of [0x0a, 0x0c, 0xef]) {
        await peer.connection.write(repeated(frame(type, 0, 0, Buffer.from('origin')), 100_000));
      }
      await peer.answer(stream);
    },
    survives: true,
  },
  {
    name: 'SEC-L10 100,000 informational responses',
    play: async (peer, stream) => {
      const hint = frame(
        Type.HEADERS,
        END_HEADERS,
        stream,
        section([
          [':status', '103'],
          ['link', '</a.css>'],
        ]),
      );
      await peer.connection.write(repeated(hint, 100_000));
    },
    survives: false,
  },
];

for (const { name, play, survives } of FLOODS) {
  test.serial(name, async (t) => {
    const server = await serveHttp2(t, async (peer) => {
      await peer.settings();
      const stream = await peer.request();
      // All that the client says meanwhile is read, so that the flood is not held up by itself.
      peer.connection.rest().catch(() => {});
      await play(peer, stream);
    });
    const other = await serveHttp2(t, async (peer) => {
      await peer.settings();
      for (;;) await peer.answer(await peer.request());
    });
    const client = openClient(t, {
      httpVersions: 'HTTP/2',
      timeout: { read: 30_000, total: 60_000 },
      poolLimits: { keepaliveExpiry: null },
    });
    t.is(told(await client.get(other.url)), '200 ok');
    const before = process.memoryUsage.rss();
    const result = await client.get(server.url).then(told, (error: Error) => error);
    if (survives) t.is(result, '200 ok');
    else t.true(result instanceof RemoteProtocolError, String(result));
    // The peer is in this process as well; its own flood is at most 24 MB, some of it in buffers twice.
    t.true(process.memoryUsage.rss() - before < 150e6, `${process.memoryUsage.rss() - before} bytes more`);
    t.is(told(await client.get(other.url)), '200 ok');
    t.is(other.connections(), 1);
  });
}
