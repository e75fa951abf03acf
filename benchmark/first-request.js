/**
 * A fresh program of one request: `node first-request.js CONTENDER URL BYTES [CA.pem]`. Prints the milliseconds since the
 * start of the process at which the body was there; `run.js` times the whole process, too. It ends by itself, as a
 * program would, with its connection still open.
 */
import { readFileSync } from 'node:fs';

const [, , name, url, bytes, caFile] = process.argv;
const { open } = await import(`./contenders/${name}.js`);
const client = open({ inFlight: 1, ca: caFile && readFileSync(caFile, 'utf8') });
const value = await client.json(url);
const answered = performance.now();
if (value.bytes !== Number(bytes)) throw new Error(`${url}: ${value.bytes} bytes instead of ${bytes}`);
console.log(answered);
