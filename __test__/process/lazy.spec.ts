/** What is made on first access only. That no dependency is loaded with the package is held by imports.spec.ts. */
import test from 'ava';
import * as v8 from 'node:v8';
import { Headers } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

// Not in the types of the oldest Node that we support.
const { queryObjects } = v8 as unknown as { queryObjects?: (made: object, options: { format: 'count' }) => number };

test('a response whose headers are not read makes no header object', async (t) => {
  if (queryObjects === undefined) {
    t.pass('this Node cannot count objects');
    return;
  }
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\n{}');
  const client = openClient(t);
  await client.get(server.url);
  const before = queryObjects(Headers, { format: 'count' });
  const kept = [];
  for (let i = 0; i < 50; i++) {
    const response = await client.get(server.url);
    kept.push(response, response.content, response.json(), response.statusCode, response.cookies);
  }
  t.is(queryObjects(Headers, { format: 'count' }), before);
  t.is(kept.length, 250);
  t.is((await client.get(server.url)).headers.get('x'), 'y');
  t.is(queryObjects(Headers, { format: 'count' }), before + 1, 'they are counted');
});
