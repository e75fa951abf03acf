// A large download with progress. What broke off, here or in an earlier run of the program, goes on where it stood.
//   node examples/download.js https://example.org/big.iso big.iso [sha256]
import { setTimeout as wait } from 'node:timers/promises';
import { Client, TransportError } from 'whippet';

const [url, path, sha256] = process.argv.slice(2);
const client = new Client({ timeout: { read: 30_000 } });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped; the same command goes on from here')));

let shown = -1;
function onDownloadProgress(received, total) {
  const percent = Math.floor((100 * received) / total); // NaN while the server has named no length
  if (!Number.isInteger(percent) || percent === shown) return;
  shown = percent;
  process.stderr.write(`\r${percent} %`);
}

async function download(attempt = 1) {
  const options = { resume: true, signal: stop.signal, onDownloadProgress };
  try {
    return await client.download(url, path, sha256 ? { ...options, checksum: { sha256 } } : options);
  } catch (error) {
    // The network failed: the part is kept, and asked for is only what is missing. Anything else would fail again.
    if (!(error instanceof TransportError) || attempt === 5) throw error;
    console.log(`broke off: ${error.code}`);
    await wait(100 * 2 ** attempt, undefined, { signal: stop.signal });
    return download(attempt + 1);
  }
}

try {
  const { size, resumedFrom } = await download();
  console.log(`${path}: ${size} bytes, ${resumedFrom} of them were there before`);
} catch (error) {
  console.log(String(error));
  process.exitCode = 1;
} finally {
  await client.close();
}
