// A retry policy: what is sent again, when, how often; and what is not, as sending it twice might do it twice.
//   node examples/retries.js https://api.example.org/orders
import { randomUUID } from 'node:crypto';
import { Client, HTTPError } from 'whippet';

const client = new Client({
  retries: {
    limit: 4,
    statusCodes: [429, 502, 503, 504],
    // Milliseconds before attempt 1, 2 …, with chance in them, so that many clients do not come back at the same moment.
    backoff: (attempt) => Math.random() * Math.min(100 * 2 ** attempt, 5_000),
    maxRetryAfter: 20_000, // A server that asks for a longer pause gets none: its answer is returned.
  },
  // `read` is for each attempt, `total` for all of them and the pauses between.
  timeout: { read: 2_000, total: 30_000 },
  eventHooks: {
    response: [({ isIntermediate, statusCode }) => isIntermediate && console.log(statusCode, 'once more')],
  },
});

const [url] = process.argv.slice(2);
try {
  const orders = await client.get(url);
  console.log('GET', orders.statusCode);

  // The key tells the server that all attempts are one order. Without it a POST is sent once, unless no connection was made.
  const order = { json: { book: 1 }, headers: { 'Idempotency-Key': randomUUID() } };
  console.log('POST with a key', (await client.post(url, order)).statusCode);
  console.log('POST without', (await client.post(url, { json: { book: 2 } })).statusCode);
} catch (error) {
  if (!(error instanceof HTTPError)) throw error;
  console.log(error.code); // The last attempt's.
} finally {
  await client.close();
}
