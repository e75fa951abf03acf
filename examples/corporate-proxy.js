// From within a company: out by its proxy, with the proxy's password; to what is inside directly; and to each service with the
// credentials that ~/.netrc (or the file that NETRC names) has for it. NODE_EXTRA_CA_CERTS names the company's authority.
//   PROXY_USER=ada PROXY_PASSWORD=… node examples/corporate-proxy.js http://proxy.corp.example:3128 .corp.example https://…
import { Client, ConnectError, HTTPProxy, ProxyError } from 'whippet';

const [proxyUrl, inside, ...urls] = process.argv.slice(2);
const { PROXY_USER, PROXY_PASSWORD } = process.env;

const client = new Client({
  proxies: {
    all: new HTTPProxy({ proxyUrl, auth: [PROXY_USER, PROXY_PASSWORD] }),
    [`all://*${inside}`]: null, // Directly. `*.corp.example`: what is below it; `*corp.example`: the domain, too.
  },
  // No `auth`: with `trustEnv`, the default, it comes from the netrc file. What the proxy needs never reaches an origin.
});

for (const url of urls) {
  try {
    const response = await client.get(url);
    console.log(url, response.statusCode, response.text);
  } catch (error) {
    // The proxy's own answer to CONNECT (407, 403, 502 …) is never taken for the origin's.
    if (error instanceof ProxyError)
      console.log(url, 'refused by the proxy:', error.response?.statusCode ?? error.message);
    else if (error instanceof ConnectError)
      console.log(url, error.proxy ? 'no way to the proxy:' : 'no way:', error.code);
    else throw error;
  }
}
await client.close();
