// OAuth 2 client credentials (RFC 6749 §4.4): a token is fetched when one is needed, renewed before it ends, and once more when the
// API refuses it. Requests that wait for a token at the same time share it.
//   CLIENT_ID=… CLIENT_SECRET=… node examples/oauth2.js https://login.example.org/token https://api.example.org/me
import { Auth, Client } from 'whippet';

class ClientCredentials extends Auth {
  #token = { renewAt: 0 };
  #pending;

  async *authFlow(request) {
    const token = await this.#valid();
    request.headers.set('Authorization', `Bearer ${token.value}`);
    const response = yield request;
    if (response.statusCode !== 401) return;
    if (this.#token === token) token.renewAt = 0; // Revoked early. Another request may have noticed before.
    request.headers.set('Authorization', `Bearer ${(await this.#valid()).value}`);
    yield request;
  }

  async #valid() {
    if (Date.now() < this.#token.renewAt) return this.#token;
    return (this.#pending ??= this.#renew().finally(() => (this.#pending = undefined)));
  }

  async #renew() {
    const data = { grant_type: 'client_credentials' };
    const response = await client.post(tokenUrl, { data, auth: [CLIENT_ID, CLIENT_SECRET] });
    const { access_token: value, expires_in: seconds } = response.raiseForStatus().json();
    return (this.#token = { value, renewAt: Date.now() + seconds * 900 }); // with a tenth of its time to spare
  }
}

const { CLIENT_ID, CLIENT_SECRET } = process.env;
const [tokenUrl, ...urls] = process.argv.slice(2);
const client = new Client({ auth: new ClientCredentials() });
const responses = await Promise.all(urls.map((url) => client.get(url)));
for (const response of responses) console.log(response.statusCode, response.text);
await client.close();
