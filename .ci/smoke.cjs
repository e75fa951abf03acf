/** The installed package, by `require`: one real request. */
const assert = require('node:assert/strict');
const { createServer } = require('node:http');
const whippet = require('whippet');

const server = createServer((request, response) => response.end(request.method));
server.listen(0, '127.0.0.1', async () => {
  const response = await whippet.post(`http://127.0.0.1:${server.address().port}/`, { json: {} });
  assert.equal(response.text, 'POST');
  server.close();
  console.log('require: answered');
});
