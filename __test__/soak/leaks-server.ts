/** The servers of leaks.ts. */
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';

const http = createServer((request, response) => {
  if (request.url === '/ok') return void response.end('x'.repeat(105));
  if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return void response.write('data: one\n\n');
  }
  response.writeHead(200, { 'content-length': 1_000_000 });
  response.write('x'.repeat(100_000));
});
/** Where a handshake is expected, and no TLS is spoken. */
const noTls = createTcpServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
});
const gone = createTcpServer();

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const refused = await listen(gone);
gone.close();
process.send?.({
  http: `http://127.0.0.1:${await listen(http)}`,
  https: `https://127.0.0.1:${await listen(noTls)}/`,
  refused: `http://127.0.0.1:${refused}/`,
});
process.on('disconnect', () => process.exit(0));
