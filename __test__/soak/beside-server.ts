/** The servers of beside.ts: one that answers, and one for each body and each frame that never ends. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { chunked, ENDLESS_BODIES, many } from '../helpers/endless.js';
import { END_HEADERS, frame, OK, section, Type, word } from '../helpers/raw-http2.js';

type Answer = (socket: Socket) => void;

const quick: Answer = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

const urls: Record<string, string> = {};
await serve('alone', quick);
for (const { title, coding, begin, again } of ENDLESS_BODIES) {
  await serve(title, endless(coding, chunked(begin), chunked(again)));
}
await serve('chunks of one byte', endless('identity', Buffer.alloc(0), many(Buffer.from('1\r\nx\r\n'))));

const priority = Buffer.concat([word(0), Buffer.from([1])]);
for (const [title, bytes] of [
  ['PING', frame(Type.PING, 0, 0, Buffer.alloc(8))],
  ['SETTINGS', frame(Type.SETTINGS, 0, 0)],
  ['PRIORITY', frame(Type.PRIORITY, 0, 1, priority)],
  ['WINDOW_UPDATE', frame(Type.WINDOW_UPDATE, 0, 0, word(1))],
  ['ALTSVC', frame(0x0a, 0, 0, Buffer.from('\0\0h2=":1"'))],
  ['unknown', frame(0xef, 0, 0)],
] as const) {
  await serveFrames(`${title} frames, the connection idle`, bytes, true);
  await serveFrames(`${title} frames, a request waiting`, bytes, false);
}
process.send?.(urls);
process.on('disconnect', () => process.exit(0));

async function serve(name: string, answer: Answer): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.setNoDelay(true);
    socket.on('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  urls[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function endless(coding: string, begin: Buffer, again: Buffer): Answer {
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  return (socket) => {
    socket.write(head);
    socket.write(begin);
    repeat(socket, again);
  };
}

/** The preface and SETTINGS, then the first request is answered if the connection is to be idle, then nothing but these frames. */
async function serveFrames(name: string, bytes: Buffer, answered: boolean): Promise<void> {
  const begun = new WeakSet<Socket>();
  const piece = many(bytes);
  await serve(name, (socket) => {
    if (begun.has(socket)) return;
    begun.add(socket);
    socket.write(frame(Type.SETTINGS, 0, 0));
    if (answered) socket.write(frame(Type.HEADERS, END_HEADERS | 1, 1, section(OK)));
    // The answer is there before the connection speaks unasked.
    setTimeout(() => repeat(socket, piece), 5);
  });
}

function repeat(socket: Socket, piece: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once('drain', more);
  };
  more();
}
