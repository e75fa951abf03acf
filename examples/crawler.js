// A crawler that is a polite guest: each page of one site once, over at most four connections, at so many requests a second.
//   node examples/crawler.js https://example.org/ 5
import { setTimeout as wait } from 'node:timers/promises';
import { Client, HTTPError } from 'whippet';

const [start, perSecond = '5'] = process.argv.slice(2);
const client = new Client({
  headers: { 'User-Agent': 'example-crawler (+https://example.org/crawler)' },
  poolLimits: { maxConnectionsPerOrigin: 4 },
  timeout: { pool: null, total: 60_000 }, // pages wait for one of the four connections, however long the queue is
  retries: 2, // 429 and 503 too, after the time that the server names
});
const seen = new Set();
let free = 0;

/** Resolves when it is this page's turn: turns are handed out in even distances. */
function turn() {
  const at = Math.max(free, Date.now());
  free = at + 1000 / Number(perSecond);
  return wait(at - Date.now());
}

async function visit(url) {
  if (url.origin !== new URL(start).origin || seen.has(url.href)) return;
  seen.add(url.href);
  await turn();
  try {
    const response = await client.get(url);
    console.log(response.statusCode, url.href);
    if (!response.headers.get('content-type')?.startsWith('text/html')) return;
    const hrefs = [...response.text.matchAll(/\shref="([^"#]*)/g)].map(([, href]) => href);
    const links = hrefs.filter((href) => URL.canParse(href, `${response.url}`)); // some pages have what is none
    await Promise.all(links.map((href) => visit(new URL(href, `${response.url}`))));
  } catch (error) {
    if (!(error instanceof HTTPError)) throw error;
    console.log(error.code, url.href);
  }
}

await visit(new URL(start));
await client.close();
