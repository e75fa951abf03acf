/** What of others is inside the package's own JavaScript comes with its licence. */
import test from 'ava';
import { readFileSync } from 'node:fs';

const dist = new URL('../../dist/', import.meta.url);

for (const build of ['browser.js', 'browser.cjs', 'workerd.js']) {
  test(`${build} names what is inside of it, with the licences`, (t) => {
    const text = readFileSync(new URL(`${build}.LICENSES.txt`, dist), 'utf8');
    const heads = [...text.matchAll(/^(\S+)@\d+\.\d+\.\d+$/gm)].map(([, name]) => name);
    t.deepEqual(heads, ['@noble/hashes', 'base64-js', 'buffer', 'ieee754', 'punycode']);
    t.is(text.match(/Permission is hereby granted|Redistribution and use/g)?.length, heads.length);
  });
}
