/** The installed package, by `import`: one real request. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Client } from 'whippet';

const server = createServer((request, response) => response.end(`hello ${request.headers['x-name']}`));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const client = new Client();
const response = await client.get(`http://127.0.0.1:${server.address().port}/`, { headers: { 'x-name': 'import' } });
assert.equal(response.statusCode, 200);
assert.equal(response.text, 'hello import');
await client.close();
server.close();
console.log('import: answered');
