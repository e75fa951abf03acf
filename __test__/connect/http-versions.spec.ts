import { inspect } from 'node:util';
import test from 'ava';
import { resolveHttpVersions } from '../../src/connect/http-versions.js';
import { Client, HTTPDispatch } from '../../src/index.js';

const RESOLVED: [given: unknown, http1: boolean, http2: boolean][] = [
  [undefined, true, true],
  ['HTTP/1.1', true, false],
  ['HTTP/2', false, true],
  ['http/1.1', true, false],
  ['Http/2', false, true],
  [['HTTP/1.1'], true, false],
  [['http/2'], false, true],
  [['HTTP/2', 'HTTP/1.1'], true, true],
  [['HTTP/1.1', 'HTTP/2'], true, true],
  [['HTTP/2', 'HTTP/2'], false, true],
];

for (const [given, http1, http2] of RESOLVED) {
  test(`httpVersions: ${inspect(given)}`, (t) => {
    t.deepEqual(resolveHttpVersions(given as never), { http1, http2 });
  });
}

const EXPECTED = "'HTTP/1.1', 'HTTP/2' or a list of these";
const REFUSED: [given: unknown, error: typeof TypeError | typeof RangeError, message: string][] = [
  [[], RangeError, `httpVersions: an empty list allows nothing, expected ${EXPECTED}`],
  ['', RangeError, `httpVersions: '' is not supported, expected ${EXPECTED}`],
  ['HTTP/1.0', RangeError, `httpVersions: 'HTTP/1.0' is not supported, expected ${EXPECTED}`],
  ['HTTP/3', RangeError, `httpVersions: 'HTTP/3' is not supported, expected ${EXPECTED}`],
  ['h2', RangeError, `httpVersions: 'h2' is not supported, expected ${EXPECTED}`],
  [['HTTP/2', 'HTTP/9'], RangeError, `httpVersions: 'HTTP/9' is not supported, expected ${EXPECTED}`],
  [2, TypeError, `httpVersions: expected ${EXPECTED}, got number`],
  [null, TypeError, `httpVersions: expected ${EXPECTED}, got null`],
  [[null], TypeError, `httpVersions: expected ${EXPECTED}, got null`],
  [{}, TypeError, `httpVersions: expected ${EXPECTED}, got Object`],
];

for (const [given, error, message] of REFUSED) {
  test(`refused, httpVersions: ${inspect(given)}`, (t) => {
    const httpVersions = given as never;
    t.throws(() => new Client({ httpVersions }), { instanceOf: error, message });
    t.throws(() => new HTTPDispatch({ httpVersions }), { instanceOf: error, message });
  });
}
