// A sender of webhooks. The URL is a customer's, so no connection may lead into this network; the customer has to know whom it comes
// from, so it is signed (https://www.standardwebhooks.com); and it should arrive, so it is sent again.
//   WEBHOOK_SECRET=… node examples/webhook.js https://customer.example/hook '{"type":"paid"}'
import { createHmac, randomUUID } from 'node:crypto';
import { Client, HTTPError } from 'whippet';

const { WEBHOOK_SECRET, ALLOW_ADDRESSES } = process.env;
const client = new Client({
  allowAddresses: ALLOW_ADDRESSES?.split(',') ?? 'public', // Checked after DNS, before the first packet of each connection.
  httpsOnly: true,
  followRedirects: false, // A hook that has moved is for the customer to correct.
  proxies: null, // A proxy would look the name up by itself, past the check.
  auth: null, // Nothing of this machine's netrc file goes to a customer.
  cookies: false,
  timeout: { connect: 3_000, read: 10_000, total: 60_000 },
  maxResponseSize: 64 * 1024,
  retries: { limit: 3, methods: ['POST'], backoff: (attempt) => 100 * 4 ** attempt },
});

/** The receiver tells by the id that two deliveries are one. */
function signed(body) {
  const id = `msg_${randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'Webhook-Id': id, 'Webhook-Timestamp': timestamp, 'Webhook-Signature': `v1,${signature}` };
}

const [url, body] = process.argv.slice(2);
try {
  const headers = { 'Content-Type': 'application/json', ...signed(body) };
  const response = await client.post(url, { content: body, headers });
  console.log(response.isSuccess ? 'delivered' : 'not taken', response.statusCode);
} catch (error) {
  if (!(error instanceof HTTPError)) throw error;
  // For your log. A customer is told "not delivered": the reason may say what there is in this network.
  console.log('not sent', error.code);
} finally {
  await client.close();
}
