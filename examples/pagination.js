// All items of a list that comes in pages, by the links of its answers (RFC 8288): no page number is guessed, and no page is
// fetched before the one before it is used up.
//   node examples/pagination.js https://api.github.com/repos/nodejs/node/releases
import { Client } from 'whippet';

const client = new Client({ headers: { Accept: 'application/json' }, retries: 3 });

async function* items(url, options) {
  const response = (await client.get(url, options)).raiseForStatus();
  yield* response.json();
  const { next } = response.links;
  // A link may be relative to its page. The parameters are in it already.
  if (next) yield* items(response.url.join(next.url));
}

const [url, most = '50'] = process.argv.slice(2);
let count = 0;
for await (const item of items(url, { params: { per_page: 20 } })) {
  console.log(item.id, item.name);
  if (++count === Number(most)) break;
}
await client.close();
