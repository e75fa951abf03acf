// A large file, sent by its path: no byte of it passes through JavaScript, and little of it is in memory at a time.
//   node examples/upload.js big.iso https://example.org/big.iso
import { Client, FileError, HTTPError, file } from 'whippet';

const [path, url] = process.argv.slice(2);
// `write` is for a network that takes nothing for so long, `read` for the server's answer once everything is there.
const client = new Client({ timeout: { write: 30_000, read: 120_000 } });

let shown = 0;
function onUploadProgress(sent, total) {
  const percent = Math.floor((100 * sent) / total);
  if (percent === shown) return;
  shown = percent;
  process.stderr.write(`\r${percent} %`);
}

try {
  // The Content-Length is the file's size. A 401 or 307 has the file opened and sent again; so do retries, as PUT may be repeated.
  const response = await client.put(url, {
    content: file(path),
    // The server may refuse before the upload has begun, rather than after all of it.
    headers: { Expect: '100-continue' },
    onUploadProgress,
  });
  response.raiseForStatus();
  console.log(`${response.statusCode} after ${Math.round(response.elapsedTotal)} ms`);
} catch (error) {
  if (error instanceof FileError) console.log(`cannot read ${error.path}: ${error.code}`);
  else if (error instanceof HTTPError) console.log(String(error));
  else throw error;
  process.exitCode = 1;
} finally {
  await client.close();
}
