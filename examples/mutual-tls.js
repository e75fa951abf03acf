// Mutual TLS: the server shows a certificate of your authority, and so does the client.
//   KEY_PASSWORD=… node examples/mutual-tls.js https://internal.example:8443/ ca.pem client.pem client.key
import { Client, ConnectError, NetworkError } from 'whippet';

const [url, authority, cert, key] = process.argv.slice(2);
const client = new Client({
  verify: authority, // exactly this authority, and none of the system's
  cert: cert ? { cert, key, password: process.env.KEY_PASSWORD } : undefined,
});

try {
  const response = await client.get(url);
  console.log(response.statusCode, response.text);
} catch (error) {
  // A server that misses the client's certificate says so after the handshake with TLS 1.3, hence not always a ConnectError.
  if (error instanceof ConnectError) console.log('not connected:', error.code);
  else if (error instanceof NetworkError) console.log('cut off:', error.code);
  else throw error;
  process.exitCode = 1;
} finally {
  await client.close();
}
