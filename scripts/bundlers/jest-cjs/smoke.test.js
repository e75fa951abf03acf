const { createServer } = require('node:http');
const { Client, ConnectError, MockDispatch, Response } = require('whippet');

let server;
beforeAll((done) => {
  server = createServer((request, response) => response.end('hello'));
  server.listen(0, '127.0.0.1', done);
});
afterAll((done) => void server.close(done));

test('a request, a mock, an error by its class', async () => {
  const client = new Client();
  expect((await client.get(`http://127.0.0.1:${server.address().port}`)).text).toBe('hello');
  await client.close();
  const mocked = new Client({ dispatch: new MockDispatch(() => new Response(200, { json: [1] })) });
  expect((await mocked.get('http://a/')).json()).toEqual([1]);
  await expect(new Client().get('http://127.0.0.1:2')).rejects.toBeInstanceOf(ConnectError);
});
