import { once } from 'node:events';
import { createServer } from 'node:http';
import { Client, ConnectError } from 'whippet';

export const dynamic = 'force-dynamic';

/** What app.mjs does, in a route: a cookie, and an error by its class. A browser that asked is told of in the log. */
export async function GET(request) {
  const server = createServer((incoming, response) => {
    response.writeHead(200, { 'set-cookie': 'a=1' }).end(`cookie: ${incoming.headers.cookie}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = new Client({ baseUrl: `http://127.0.0.1:${server.address().port}` });
  await client.get('/');
  const { text } = await client.get('/');
  const refused = await new Client().get('http://127.0.0.1:2').catch((error) => error);
  server.close();
  if (new URL(request.url).searchParams.get('by') === 'browser') console.log('asked by a browser');
  return new Response(
    text === 'cookie: a=1' && refused instanceof ConnectError ? 'the route works' : `${text} ${refused}`,
  );
}
