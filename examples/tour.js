/**
 * A tour of the client on real sockets: requests in parallel over a few kept-alive connections, an upload, a timeout, a
 * streamed download, a refused connection. `node examples/tour.js https://host/path …` fetches these URLs instead.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '../index.js';
import { startOrigin } from './support/origin.js';
import { Progress, Report } from './support/report.js';

/**
 * Takes the tour and prints what happened.
 *
 * @param {readonly string[]} [urls] to fetch instead of the tour's own origin
 * @returns {Promise<number>} the exit code
 */
export async function tour(urls = []) {
  return urls.length === 0 ? visitOwnOrigin() : visit(urls);
}

async function visitOwnOrigin() {
  const origin = await startOrigin();
  const client = new Client({ verify: origin.ca, poolLimits: { maxConnectionsPerOrigin: 4 } });
  const report = new Report();
  const get = (url, expect, options) => report.request('GET', url, () => client.get(url, options), { expect });
  try {
    console.log('8 requests in parallel over at most 4 connections, then one more by http:');
    const paths = Array.from({ length: 8 }, (_, i) => `${origin.https}/item/${i + 1}`);
    await Promise.all(paths.map((url) => get(url, 200)));
    report.expect(report.reused >= 4);
    await get(`${origin.http}/item/9`, 200);

    const echo = `${origin.https}/echo`;
    await report.request('POST', echo, () => client.post(echo, { json: { hello: 'world' } }), { expect: 200 });

    console.log('An answer that takes too long:');
    await get(`${origin.https}/slow`, 'ReadTimeout', { timeout: { read: 300 } });

    console.log('A download, read as it comes:');
    const url = `${origin.https}/download`;
    const downloaded = await report.request('GET', url, () => download(client, url, origin.downloadSize), {
      expect: 200,
    });
    report.expect(downloaded?.numBytesDownloaded === origin.downloadSize);

    console.log('A closed port:\n');
    await get(`${origin.refused}/`, 'ConnectError ECONNREFUSED');

    report.print();
    console.log(`The pool at the end: ${client.pool}`);
  } finally {
    await client.close();
    await origin.close();
  }
  if (report.surprises > 0) console.log(`${report.surprises} of them did not go as expected.`);
  return report.surprises === 0 ? 0 : 1;
}

async function download(client, url, size) {
  const response = await client.stream('GET', url);
  const progress = new Progress('  /download', size);
  try {
    let received = 0;
    for await (const chunk of response) {
      received += chunk.length;
      progress.update(received);
    }
  } finally {
    progress.stop();
    await response.close();
  }
  return response;
}

async function visit(urls) {
  const bad = urls.map(whyBad).find((reason) => reason !== null);
  if (bad !== undefined) {
    console.error(bad);
    return 1;
  }
  const report = new Report();
  for (const url of urls) {
    const client = new Client();
    try {
      for (let i = 0; i < 2; i++) {
        const before = connections(client);
        // A foreign server does not say it, but the pool does: no connection more than before.
        const reused = () => (before > 0 && connections(client) === before ? 'yes' : 'no');
        await report.request('GET', url, () => client.get(url), { reused });
      }
    } finally {
      await client.close();
    }
  }
  report.print();
  return report.errors === urls.length * 2 ? 1 : 0;
}

function connections(client) {
  return client.pool.active + client.pool.idle;
}

/** One line about a URL that cannot be fetched, or null. Nothing is sent. */
function whyBad(url) {
  const client = new Client();
  try {
    const { scheme } = client.buildRequest('GET', url).url;
    return scheme === 'http' || scheme === 'https' ? null : `'${url}': give a whole URL with http:// or https://`;
  } catch (error) {
    return `'${url}': ${error.message}`;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await tour(process.argv.slice(2));
}
