// What each bundler is given: one request, a cookie (tough-cookie is loaded late), and the classes by name.
import { createServer } from 'node:http';
import { Client, ConnectError } from 'whippet';

const server = createServer((request, response) => {
  response.writeHead(200, { 'set-cookie': 'a=1' }).end(`cookie: ${request.headers.cookie}`);
});

async function main() {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new Client({ baseUrl: `http://127.0.0.1:${server.address().port}` });
  await client.get('/');
  const { text } = await client.get('/');
  const refused = await new Client().get('http://127.0.0.1:2').catch((error) => error);
  server.close();
  if (text !== 'cookie: a=1') throw new Error(text);
  if (!(refused instanceof ConnectError)) throw refused;
  console.log('works');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
