/** A runtime that may not connect: one check, as of `checks.js`. */
import assert from 'node:assert/strict';
import process from 'node:process';

const [packageUrl, toldText] = process.argv.slice(2);
const { get } = await import(packageUrl);
const error = await get(JSON.parse(toldText).origin).catch((reason) => reason);
let problem = null;
try {
  assert.equal(`${error.name} ${error.code}`, 'ConnectError ERR_ACCESS_DENIED');
} catch (reason) {
  problem = String(reason);
}
console.log(JSON.stringify({ name: 'without the permission to connect', problem }));
